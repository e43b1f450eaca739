/*
 * pending.c - see pending.h.  Chains by a hash of the id; a table of fixed size, for few flows
 * have any.
 */
#include "vnf/replay/pending.h"

#include <stdlib.h>
#include <string.h>

enum { N_CHAINS = 1 << 16 };

struct pending {
	struct pending_flow *chain[N_CHAINS];
};

/* FNV-1a. */
static struct pending_flow **
chain_of(struct pending *p, const char *id)
{
	uint32_t hash = 2166136261u;

	for (; *id; id++)
		hash = (hash ^ (uint8_t)*id) * 16777619u;
	return &p->chain[hash % N_CHAINS];
}

struct pending *
pending_new(void)
{
	return calloc(1, sizeof(struct pending));
}

void
pending_free(struct pending *p)
{
	unsigned i;

	for (i = 0; p && i < N_CHAINS; i++)
		while (p->chain[i])
			pending_drop(p, p->chain[i]);
	free(p);
}

struct pending_flow *
pending_find(struct pending *p, const char *id)
{
	struct pending_flow *f = *chain_of(p, id);

	while (f && strcmp(f->id, id) != 0)
		f = f->next;
	return f;
}

void
pending_drop(struct pending *p, struct pending_flow *f)
{
	struct pending_flow **at;
	struct pending_item *i;

	if (!f)
		return;
	for (at = chain_of(p, f->id); *at != f; at = &(*at)->next)
		;
	*at = f->next;
	while ((i = f->first) != NULL) {
		f->first = i->next;
		free(i);
	}
	free(f);
}

static struct pending_flow *
get(struct pending *p, const char *id)
{
	struct pending_flow *f = pending_find(p, id), **at = chain_of(p, id);

	if (f)
		return f;
	f = calloc(1, sizeof *f);
	if (!f)
		return NULL;
	strncpy(f->id, id, sizeof f->id - 1);
	f->next = *at;
	return *at = f;
}

static struct pending_item *
add(struct pending *p, const char *id)
{
	struct pending_flow *f = get(p, id);
	struct pending_item *i = f ? calloc(1, sizeof *i) : NULL;

	if (!i)
		return NULL;
	if (f->last)
		f->last->next = i;
	else
		f->first = i;
	return f->last = i;
}

void
pending_gap(struct pending *p, const struct gap_record *g)
{
	struct pending_item *i = add(p, g->flow_id);

	if (i)
		i->gap = *g;
}

void
pending_conflict(struct pending *p, const struct conflict_record *c)
{
	struct pending_item *i = add(p, c->flow_id);

	if (!i)
		return;
	i->is_conflict = true;
	i->conflict = *c;
}

static enum record_direction
other(enum record_direction d)
{
	return d == RECORD_UP ? RECORD_DOWN : RECORD_UP;
}

void
pending_turn(struct pending *p, const struct turn_record *t)
{
	const struct pending_flow *f = pending_find(p, t->flow_id);
	struct pending_item *i;

	for (i = f ? f->first : NULL; i; i = i->next) {
		if (i->is_conflict)
			i->conflict.direction = other(i->conflict.direction);
		else
			i->gap.direction = other(i->gap.direction);
	}
}
