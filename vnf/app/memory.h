/*
 * memory.h - a worker's memory for identification: bytes kept over segments, names.
 *
 * Owned by a struct app.  Each kind is a row of slots in reserved address space.  Where no slot
 * is free, a shelf of bytes takes one from the flow that has had it for longest; names are
 * kept until their flow ends.
 */
#ifndef LEAT_VNF_APP_MEMORY_H
#define LEAT_VNF_APP_MEMORY_H

#include "vnf/app/app.h"

enum { APP_LONG = 20 * 1024 };	/* a ClientHello of 16 KB, and the headers of its records */

struct app_slot {
	struct app_slot *older, *newer;	/* in use; `newer` alone: free */
	struct app_state *owner;
};

struct app_hold {
	struct app_slot slot;
	uint16_t n[2];
	uint8_t bytes[2][APP_LOOK];
};

struct app_long {
	struct app_slot slot;
	uint32_t n, want;	/* `want`: how many are needed to get on */
	uint8_t bytes[APP_LONG];
};

enum { APP_PIECES = 8, APP_PARK = 6 * 1024 };

struct app_parked {
	uint32_t off;		/* in its direction */
	uint16_t len, at;	/* in `bytes` */
	uint8_t dir;
};

/* Bytes that came before their time. */
struct app_park {
	struct app_slot slot;
	uint16_t used;
	uint8_t n_pieces;
	struct app_parked piece[APP_PIECES];
	uint8_t bytes[APP_PARK];
};

struct app_named {
	struct app_slot slot;
	struct app_names names;
};

struct app_shelf {
	char *base;
	size_t size;		/* of a slot */
	uint32_t n, n_touched, n_used;
	struct app_slot *free, *oldest, *newest;
};

/* 0 or -ENOMEM. */
int app_shelf_open(struct app_shelf *s, size_t size, uint32_t n);
void app_shelf_close(struct app_shelf *s);

/* Its content is what it was before.  NULL: none is free. */
struct app_slot *app_shelf_take(struct app_shelf *s, struct app_state *owner);
void app_shelf_give(struct app_shelf *s, struct app_slot *slot);

/* --- a worker's --- */

enum phase { LOOKING, READING, AWAITING, OVER };

struct app {
	struct app_shelf holds, longs, names, parks;
	uint64_t found, undefined, stolen;
};

struct piece {
	const uint8_t *p;
	size_t n;
};

static inline bool
is_closed(const struct app_state *s, unsigned dir)
{
	return s->closed >> dir & 1;
}

/* The direction of the client (0) or the server (1). */
static inline unsigned
dir_of(const struct app_state *s, unsigned side)
{
	return side ^ s->flip;
}

/* Gives the flow's bytes back: it needs none any more.  What it is it stays. */
void app_finish(struct app *a, struct app_state *s);
void app_drop_hold(struct app *a, struct app_state *s);

/* The answer, unless there is one. */
void app_conclude(struct app *a, struct app_state *s, enum app_answer answer);

/* Nothing is found inside: it is what the outside is. */
void app_give_up(struct app *a, struct app_state *s);

/* The flow's hold, taken if it had none.  NULL: no memory. */
struct app_hold *app_want_hold(struct app *a, struct app_state *s);

/* Likewise what came out of order. */
struct app_park *app_want_park(struct app *a, struct app_state *s);

/* Adds to what is held of `dir`; how much there was room for. */
size_t app_hold_add(struct app_hold *h, unsigned dir, struct piece in);
bool app_has_held(const struct app_state *s, unsigned dir);

/*
 * The bytes of `dir` so far with `in` behind them; *lost: there was no room for all.  Where
 * nothing is held of `dir`, these are `in` itself.
 */
struct piece app_gather(struct app *a, struct app_state *s, unsigned dir, struct piece in,
			bool *lost);

/* Keeps `all`, unless it is kept, until there are `want` bytes; false: it can't be. */
bool app_keep(struct app *a, struct app_state *s, unsigned dir, struct piece all, size_t want);

#endif
