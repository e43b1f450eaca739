#include "tests/sim/lib/passive.h"

#include <stdio.h>

#include "tests/sim/lib/rng.h"

static void
wrong(struct passive *p, unsigned flow, int dir, const char *what, uint64_t offset)
{
	char text[128];

	snprintf(text, sizeof text, "flow %u direction %d: %s at %llu", flow, dir, what,
		 (unsigned long long)offset);
	p->breach(p->ctx, "report", text);
}

static struct passive_half *
half_of(struct passive *p, unsigned flow, int dir, uint64_t offset, uint64_t len, bool beyond)
{
	struct passive_half *h;

	if (flow >= CHECKER_FLOWS) {
		wrong(p, flow, dir, "no such flow", offset);
		return NULL;
	}
	h = &p->half[flow][dir];
	if (offset != h->next)
		wrong(p, flow, dir, "not what comes next", offset);
	else if (h->base + offset + len > h->total + beyond)
		wrong(p, flow, dir, "beyond the stream", offset + len);
	h->next = offset + len;
	return h;
}

/* A box that missed the SYN, for want of buffers or because the tap did not show it, begins where
 * it can. */
static uint64_t
base_of(const struct passive_half *h, const uint8_t *bytes, size_t len)
{
	uint64_t at = 0;

	while (at + len <= h->total && stream_match(h->key, at, bytes, len) < len)
		at++;
	return at + len <= h->total ? at : 0;
}

void
passive_bytes(void *ctx, unsigned flow, int dir, uint64_t offset, const uint8_t *bytes, size_t len)
{
	struct passive *p = ctx;
	struct passive_half *h = half_of(p, flow, dir, offset, len, false);
	size_t right;

	if (!h)
		return;
	if (offset == 0 && (p->scarce || !checker_heard_syn(p->checker, flow, dir)))
		h->base = base_of(h, bytes, len);
	right = stream_match(h->key, h->base + offset, bytes, len);
	if (right < len)
		wrong(p, flow, dir, "a byte that was not sent", offset + right);
}

void
passive_gap(void *ctx, unsigned flow, int dir, uint64_t offset, uint64_t len, bool own)
{
	struct passive *p = ctx;
	/* A FIN that was lost counts as a byte to those who only see its acknowledgment. */
	struct passive_half *h = half_of(p, flow, dir, offset, len, !p->ends_known);

	if (!h)
		return;
	h->gaps += len;
	if (!p->gaps_allowed)
		wrong(p, flow, dir, "a gap, although nothing can be lost,", offset);
	else if (!own && !p->scarce &&
		 checker_heard(p->checker, flow, dir, offset, offset + len, *p->now))
		wrong(p, flow, dir, "a gap over bytes that had come", offset);
}

void
passive_finish(struct passive *p, unsigned flow)
{
	int dir;

	for (dir = 0; dir < 2 && p->ends_known; dir++)
		if (p->half[flow][dir].base + p->half[flow][dir].next != p->half[flow][dir].total)
			wrong(p, flow, dir, "the report stops", p->half[flow][dir].next);
}
