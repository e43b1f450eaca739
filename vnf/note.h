/*
 * note.h - what leatd knows of a flow besides what the stack does: who decided it,
 * and where its bytes go.
 *
 * A flow's `caller` points to its note.  Notes belong to one worker, are taken at
 * flow_new and given back at flow_end; no other thread reads them.
 */
#ifndef LEAT_VNF_NOTE_H
#define LEAT_VNF_NOTE_H

#include <stdint.h>

#include "db/record.h"
#include "vnf/app/app.h"
#include "vnf/policy/policy.h"
#include "vnf/sink.h"

struct wait;

struct note {
	struct note *next_free;
	uint64_t generation;	/* of the policy that decided */
	uint64_t packets, bytes;	/* of the flow, that its rule's counter has already */
	uint32_t slot;		/* of that counter */
	struct sink *sink;
	enum policy_mode mode;
	/* sinks_text(); 0: none */
	uint8_t files;		/* the folder for its bytes */
	uint8_t eve;		/* where its events go */
	uint8_t pcapng;		/* the folder for its frames */
	uint8_t keep_apps;	/* "tls,http": they are kept by these */
	uint16_t keep;		/* enum policy_keep: and by these */
	bool stream;		/* its bytes go to readers of the stream */
	bool app_said;		/* who wants to know its application has been told */
	bool log;
	bool waits;		/* of w->pending: its rule depends on what it will say */
	struct wait *wait;	/* waiting.c's; NULL: it is decided */
	char rule[RECORD_RULE];
	struct app_state app;
};

struct notes;

/* Room for `n`; memory is used as it is needed.  NULL: none. */
struct notes *notes_new(uint32_t n);
void notes_free(struct notes *s);

struct note *note_take(struct notes *s);	/* uninitialised; NULL: no room */
void note_give(struct notes *s, struct note *n);

/* How many are taken, were at the same time so far, and can be; any thread. */
struct notes_room {
	uint32_t n, n_peak, n_max;
};
void notes_room(const struct notes *s, struct notes_room *r);

#endif
