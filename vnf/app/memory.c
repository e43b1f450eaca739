/*
 * memory.c - see memory.h.
 */
#include "vnf/app/memory.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

int
app_shelf_open(struct app_shelf *s, size_t size, uint32_t n)
{
	*s = (struct app_shelf){ .size = size, .n = n };
	if (n == 0)
		return 0;
	s->base = mmap(NULL, size * n, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (s->base == MAP_FAILED) {
		s->base = NULL;
		return -ENOMEM;
	}
	return 0;
}

void
app_shelf_close(struct app_shelf *s)
{
	if (s->base)
		munmap(s->base, s->size * s->n);
}

struct app_slot *
app_shelf_take(struct app_shelf *s, struct app_state *owner)
{
	struct app_slot *slot = s->free;

	if (slot)
		s->free = slot->newer;
	else if (s->n_touched < s->n)
		slot = (struct app_slot *)(s->base + s->size * s->n_touched++);
	else
		return NULL;
	*slot = (struct app_slot){ .older = s->newest, .owner = owner };
	if (s->newest)
		s->newest->newer = slot;
	else
		s->oldest = slot;
	s->newest = slot;
	s->n_used++;
	return slot;
}

void
app_shelf_give(struct app_shelf *s, struct app_slot *slot)
{
	if (slot->older)
		slot->older->newer = slot->newer;
	else
		s->oldest = slot->newer;
	if (slot->newer)
		slot->newer->older = slot->older;
	else
		s->newest = slot->older;
	slot->newer = s->free;
	s->free = slot;
	s->n_used--;
}

/* --- a flow's bytes --- */

void
app_drop_hold(struct app *a, struct app_state *s)
{
	if (s->hold)
		app_shelf_give(&a->holds, &s->hold->slot);
	s->hold = NULL;
}

static void
drop_long(struct app *a, struct app_state *s)
{
	if (s->tail)
		app_shelf_give(&a->longs, &s->tail->slot);
	s->tail = NULL;
}

/* The flow needs no bytes any more; what it is stays what it is. */
void
app_finish(struct app *a, struct app_state *s)
{
	app_drop_hold(a, s);
	drop_long(a, s);
	if (s->park)
		app_shelf_give(&a->parks, &s->park->slot);
	s->park = NULL;
	s->phase = OVER;
}

void
app_conclude(struct app *a, struct app_state *s, enum app_answer answer)
{
	if (s->answer != APP_UNKNOWN)
		return;
	s->answer = (uint8_t)answer;
	a->found += answer == APP_FOUND;
	a->undefined += answer == APP_UNDEFINED;
}

/* Nothing inside: it is what the outside is. */
void
app_give_up(struct app *a, struct app_state *s)
{
	if (s->id == APP_NONE) {
		s->id = s->outer;
		s->outer = APP_NONE;
	}
	app_conclude(a, s, s->id == APP_NONE ? APP_UNDEFINED : APP_FOUND);
	app_finish(a, s);
}

/* A slot of a full shelf is taken from whoever has had it for longest. */
static struct app_slot *
take(struct app *a, struct app_shelf *shelf, struct app_state *s)
{
	struct app_slot *slot = app_shelf_take(shelf, s);

	if (!slot && shelf->oldest) {
		a->stolen++;
		app_give_up(a, shelf->oldest->owner);
		slot = app_shelf_take(shelf, s);
	}
	return slot;
}

struct app_hold *
app_want_hold(struct app *a, struct app_state *s)
{
	if (!s->hold) {
		s->hold = (struct app_hold *)take(a, &a->holds, s);
		if (s->hold)
			s->hold->n[0] = s->hold->n[1] = 0;
	}
	return s->hold;
}

struct app_park *
app_want_park(struct app *a, struct app_state *s)
{
	if (!s->park) {
		s->park = (struct app_park *)take(a, &a->parks, s);
		if (s->park)
			s->park->used = s->park->n_pieces = 0;
	}
	return s->park;
}

/* Adds to what is held of `dir`; how much there was room for. */
size_t
app_hold_add(struct app_hold *h, unsigned dir, struct piece in)
{
	size_t room = APP_LOOK - h->n[dir], n = in.n < room ? in.n : room;

	memcpy(h->bytes[dir] + h->n[dir], in.p, n);
	h->n[dir] = (uint16_t)(h->n[dir] + n);
	return n;
}

bool
app_has_held(const struct app_state *s, unsigned dir)
{
	return s->hold && s->hold->n[dir] > 0;
}

/* The bytes of `dir` so far with `in` behind them; *lost: there was no room for all. */
struct piece
app_gather(struct app *a, struct app_state *s, unsigned dir, struct piece in, bool *lost)
{
	struct app_hold *h;
	struct app_long *t;
	size_t n;

	*lost = false;
	if (!s->tail && app_has_held(s, dir) && s->hold->n[dir] + in.n > APP_LOOK &&
	    dir == dir_of(s, 0)) {
		h = s->hold;
		t = s->tail = (struct app_long *)take(a, &a->longs, s);
		if (t) {
			memcpy(t->bytes, h->bytes[dir], h->n[dir]);
			t->n = h->n[dir];
			t->want = 0;
		}
	}
	if (s->tail && dir == dir_of(s, 0)) {
		t = s->tail;
		n = in.n < APP_LONG - t->n ? in.n : APP_LONG - t->n;
		memcpy(t->bytes + t->n, in.p, n);
		t->n += (uint32_t)n;
		*lost = n < in.n;
		return (struct piece){ t->bytes, t->n };
	}
	if (!app_has_held(s, dir))
		return in;
	*lost = app_hold_add(s->hold, dir, in) < in.n;
	return (struct piece){ s->hold->bytes[dir], s->hold->n[dir] };
}

/* What was not stored yet and is needed with the next bytes; false: it can't be. */
bool
app_keep(struct app *a, struct app_state *s, unsigned dir, struct piece all, size_t want)
{
	struct app_long *t;

	if (all.n <= APP_LOOK && !(s->tail && dir == dir_of(s, 0))) {
		if (app_has_held(s, dir))
			return true;
		return app_want_hold(a, s) && app_hold_add(s->hold, dir, all) == all.n;
	}
	if (dir != dir_of(s, 0) || want > APP_LONG || all.n > APP_LONG)
		return false;
	if (!s->tail) {
		t = s->tail = (struct app_long *)take(a, &a->longs, s);
		if (!t)
			return false;
		memcpy(t->bytes, all.p, all.n);
		t->n = (uint32_t)all.n;
	}
	s->tail->want = (uint32_t)want;
	return true;
}
