/*
 * Undo: cwnd, ssthresh and the algorithm's own state as they were before the reduction.
 */
#include "tcpterm/undo.h"

#include "tcpterm/tcb.h"

void
undo_begin(struct conn *c)
{
	bool probe = c->rack.tlp_end && c->rack.tlp_rexmit;

	c->undo = (struct undo){
		.marker = c->una,
		.armed = true,
		/* A copy in flight may be D-SACKed yet: it is not one of this reduction's. */
		.doubtful = c->sent.rexmit + (probe ? c->mss : 0),
	};
}

void
undo_forget(struct conn *c)
{
	c->undo.armed = false;
}

void
undo_timeout(struct conn *c, bool frto)
{
	c->undo.frto = frto;
}

void
undo_resent(struct conn *c, uint32_t len, uint32_t tsval)
{
	struct undo *u = &c->undo;

	if (!u->armed)
		return;
	u->doubtful += len;
	u->resent = true;
	if (!u->stamped) {
		u->stamped = true;
		u->stamp = tsval;
	}
}

/* RFC 3522 3.2: the ACK echoes a stamp from before anything was sent again. */
static bool
eifel(const struct conn *c, const struct ackinfo *a)
{
	const struct undo *u = &c->undo;

	return c->own_clock && u->stamped && a->has_tsecr && a->acked > 0 &&
	       (int32_t)(a->tsecr - u->stamp) < 0;
}

/* What this ACK shows to have been sent again for nothing. A D-SACK counts first for what came
 * early, whose copies it follows: no byte is cleared twice. */
static void
clear(struct undo *u, const struct ackinfo *a)
{
	uint32_t twice = 0;

	if (a->dsack && a->dsack_right > u->marker)
		twice = (uint32_t)(a->dsack_right - RTE_MAX(a->dsack_left, u->marker));
	if (u->early >= twice) {
		u->early -= twice;
		twice = 0;
	} else {
		twice -= u->early;
		u->early = 0;
	}
	u->early += a->early;
	u->doubtful -= RTE_MIN(u->doubtful, twice + a->early);
}

bool
undo_is_spurious(struct conn *c, const struct ackinfo *a)
{
	struct undo *u = &c->undo;

	if (!u->armed)
		return false;
	clear(u, a);
	return (u->resent && u->doubtful == 0 && (a->dsack || a->early > 0)) || eifel(c, a);
}

enum undo_frto
undo_frto(struct conn *c, const struct ackinfo *a)
{
	struct undo *u = &c->undo;

	if (!u->frto)
		return FRTO_NONE;
	/* 3.b: what was sent once only has arrived; without SACK a copy's ACK covers that too. */
	if (a->original && (c->sack_on || !a->again))
		return FRTO_SPURIOUS;
	if (c->nxt > c->rec.point) {
		/* 3.a: what is new came, and not what was lost */
		if (a->sacked > 0 || a->duplicate)
			u->frto = false;
		return FRTO_NONE;
	}
	if (a->acked > 0 && c->una < c->rec.point)	/* 2.b */
		return FRTO_NEW;
	if (c->una >= c->rec.point)
		u->frto = false;
	return FRTO_NONE;
}

void
undo_apply(struct conn *c)
{
	cc_undo(c);
	c->undo = (struct undo){ 0 };
	c->s->stats.undone++;
}
