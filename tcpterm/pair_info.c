/*
 * What a person wants to know of a passive pair.
 */
#include "tcpterm/pair.h"
#include "tcpterm/pair_rest.h"

static enum tcpterm_state
state_of(const struct pair *x, unsigned d)
{
	const struct half *h = &x->end[d].h, *o = &x->end[!d].h;
	bool sent_fin = h->fin >= 0, got_fin = o->fin >= 0;
	bool acked = sent_fin && h->acked > h->fin;

	if (!x->end[d].any)
		return TCPTERM_CLOSED;
	if (!h->synced && !h->collecting)
		return d == 0 ? TCPTERM_SYN_SENT : TCPTERM_SYN_RECEIVED;
	if (!sent_fin)
		return got_fin ? TCPTERM_CLOSE_WAIT : TCPTERM_ESTABLISHED;
	if (got_fin)
		return acked ? TCPTERM_TIME_WAIT : TCPTERM_CLOSING;
	return acked ? TCPTERM_FIN_WAIT_2 : TCPTERM_FIN_WAIT_1;
}

/* Of a direction that is not seen.  A last ACK of one number is of its FIN, where the other side
 * has closed. */
static uint64_t
bytes_by_acks(const struct pair_side *e)
{
	const struct half *h = &e->h;
	uint64_t n = h->synced ? (uint64_t)RTE_MAX(h->acked, h->suspect) : e->acked_bytes;

	return n - (h->closing && h->acked_one && n > 0);
}

void
pair_info(const struct flow *f, struct tcpterm_leg_info leg[2])
{
	struct pair room;
	const struct pair *x = pair_look_at(f, &room);
	unsigned d;

	memset(leg, 0, 2 * sizeof *leg);
	for (d = 0; d < 2; d++) {
		const struct pair_side *e = &x->end[d];
		const struct half *h = &e->h;

		leg[d].state = state_of(x, d);
		leg[d].start = e->start;
		leg[d].outdated = e->outdated;
		leg[d].out_of_order = h->out_of_order;
		leg[d].duplicates = h->duplicates;
		leg[d].gaps = h->n_gaps;
		leg[d].gap_bytes = h->gap_bytes;
		leg[d].late_bytes = h->late_bytes;
		leg[d].conflicts = h->conflicts;
		leg[d].overlap = h->overlap;
		leg[d].zero_windows = e->zero_windows;
		leg[d].queued = h->held.bytes;
		leg[d].stream_bytes = e->any ? h->stream_bytes : bytes_by_acks(e);
		leg[d].rcv_wnd = (uint32_t)RTE_MIN(x->end[!d].h.window_max, (int64_t)UINT32_MAX);
		leg[!d].snd_wnd = leg[d].rcv_wnd;
		if (h->synced && h->sent > h->acked && !h->alone)
			leg[d].in_flight = (uint64_t)(h->sent - h->acked);
	}
}
