/*
 * sink_frame.h - the records of leat-stream(5), as bytes.
 *
 * No state; any thread.  Each function writes one record to `to`, where there is room for
 * FRAME_MAX bytes, and returns its length.
 */
#ifndef LEAT_VNF_SINK_FRAME_H
#define LEAT_VNF_SINK_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db/record.h"

enum {
	FRAME_VERSION = 1,
	FRAME_HEADER = 16,
	FRAME_DATA_HEAD = 32,	/* of a DATA record, before its bytes */
	FRAME_MAX = 1024,	/* of all others */
};

enum frame_type {
	FRAME_HELLO = 1,
	FRAME_OPEN,
	FRAME_META,
	FRAME_DATA,
	FRAME_GAP,
	FRAME_CONFLICT,
	FRAME_END,
	FRAME_LOST,
	FRAME_ROLES,
};

/* Which bytes: of flow `number`, in direction 0 or 1 (enum record_direction), from `offset`. */
struct sink_frame_place {
	uint64_t number;
	unsigned direction;
	uint64_t offset;
};

size_t sink_frame_hello(uint8_t *to, const char *instance);
size_t sink_frame_open(uint8_t *to, uint64_t number, const struct flow_record *r,
		       bool roles_guessed, bool late);
/* `turned`: the client of OPEN is the server. */
size_t sink_frame_roles(uint8_t *to, uint64_t number, bool turned);
/* `names` as in a flow_record. */
size_t sink_frame_meta(uint8_t *to, uint64_t number, const char *app, const char *names);
/* Only the head; `len` bytes follow, which came at `unix_us`. */
size_t sink_frame_data(uint8_t *to, const struct sink_frame_place *p, int64_t unix_us,
		       uint32_t len);
size_t sink_frame_gap(uint8_t *to, const struct sink_frame_place *p, uint64_t len,
		      const char *reason);
/* Of both versions the first c->shown bytes are there. */
size_t sink_frame_conflict(uint8_t *to, uint64_t number, const struct conflict_record *c);
/* Of `r`: when, why, packets and bytes. */
size_t sink_frame_end(uint8_t *to, uint64_t number, const struct flow_record *r);
size_t sink_frame_lost(uint8_t *to, uint64_t n_flows);

#endif
