/*
 * eve.h - a flow's events as lines of JSON, by the names that Suricata's EVE has for them.
 *
 * Stateless; any thread.  leatd(8) says what is in a line.
 */
#ifndef LEAT_VNF_EVE_H
#define LEAT_VNF_EVE_H

#include "ctl/text.h"
#include "db/record.h"

enum eve_kind {
	EVE_FLOW,	/* it has ended: flow */
	EVE_APP,	/* its application is known: tls, http, ssh, dns */
	EVE_GAP,	/* bytes are missing: anomaly */
	EVE_CONFLICT,	/* they came twice and differ: anomaly */
};

struct eve_event {
	struct flow_record row;		/* as it is then */
	int64_t at;			/* us since 1970 */
	uint64_t offset, len;		/* GAP, CONFLICT */
	char reason[RECORD_WORD];	/* GAP */
	uint8_t kind, direction;
	uint8_t to;			/* the sinks': where it goes */
	uint8_t unused[5];
};

/* Adds its line; nothing where there is none: not all applications have an event. */
void eve_put(struct text *t, const struct eve_event *e);

#endif
