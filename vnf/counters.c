/*
 * counters.c - see counters.h.
 */
#include "vnf/counters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void *
reserve(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void
release(void *p, size_t size)
{
	if (p)
		munmap(p, size);
}

int
counters_init(struct counters *c, unsigned n_workers, struct err *err)
{
	const size_t lists = COUNTER_SLOTS * sizeof(uint32_t);
	bool good = true;
	unsigned i;

	*c = (struct counters){ .n_workers = n_workers, .n_touched = COUNTER_NONE + 1 };
	for (i = 0; i < n_workers; i++)
		good &= (c->of[i] = reserve(COUNTER_SLOTS * sizeof *c->of[i])) != NULL;
	good &= (c->n_holders = reserve(lists)) != NULL;
	good &= (c->free = reserve(lists)) != NULL;
	good &= (c->leaving = reserve(lists)) != NULL;
	if (good)
		return 0;
	counters_fini(c);
	return err_set(err, -ENOMEM, "no memory for the rules' counters");
}

void
counters_fini(struct counters *c)
{
	const size_t lists = COUNTER_SLOTS * sizeof(uint32_t);
	unsigned i;

	for (i = 0; i < c->n_workers; i++)
		release(c->of[i], COUNTER_SLOTS * sizeof *c->of[i]);
	release(c->n_holders, lists);
	release(c->free, lists);
	release(c->leaving, lists);
	*c = (struct counters){ 0 };
}

uint32_t
counters_take(struct counters *c)
{
	uint32_t slot;

	if (c->n_free > 0)
		slot = c->free[--c->n_free];
	else if (c->n_touched < COUNTER_SLOTS)
		slot = c->n_touched++;
	else
		return COUNTER_NONE;
	c->n_holders[slot] = 1;
	return slot;
}

void
counters_hold(struct counters *c, uint32_t slot)
{
	c->n_holders[slot]++;
}

void
counters_drop(struct counters *c, uint32_t slot)
{
	if (slot != COUNTER_NONE && --c->n_holders[slot] == 0)
		c->leaving[c->n_leaving++] = slot;
}

/* Nothing begins in a slot that no snapshot names, so equal means over. */
static bool
over(const struct counters *c, uint32_t slot)
{
	uint64_t begun = 0, ended = 0;
	unsigned i;

	for (i = 0; i < c->n_workers; i++) {
		ended += __atomic_load_n(&c->of[i][slot].ended, __ATOMIC_ACQUIRE);
		begun += c->of[i][slot].begun;
	}
	return begun == ended;
}

void
counters_reclaim(struct counters *c)
{
	uint32_t i, k, n = 0;

	for (i = 0; i < c->n_leaving; i++) {
		const uint32_t slot = c->leaving[i];

		if (!over(c, slot)) {
			c->leaving[n++] = slot;
			continue;
		}
		for (k = 0; k < c->n_workers; k++)
			memset(&c->of[k][slot], 0, sizeof c->of[k][slot]);
		c->free[c->n_free++] = slot;
	}
	c->n_leaving = n;
}

struct rule_count
counters_sum(const struct counters *c, uint32_t slot)
{
	struct rule_count sum = { 0 };
	unsigned i;

	for (i = 0; i < c->n_workers; i++) {
		const struct rule_count *r = &c->of[i][slot];

		sum.flows += r->flows;
		sum.packets += r->packets;
		sum.bytes += r->bytes;
		sum.begun += r->begun;
		sum.ended += r->ended;
		sum.hit = r->hit > sum.hit ? r->hit : sum.hit;
	}
	return sum;
}
