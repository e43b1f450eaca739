/*
 * ECN on the wire (RFC 3168), judged: marks are of one leg.  Kept apart from checker_say.c because
 * nothing else looks at the two bits of IP and the two of TCP.
 */
#include "tests/sim/lib/checker_inner.h"

enum { IP_ECN = 3, IP_CE = 3, BOTH = SEEN_ECE | SEEN_CWR };

uint8_t
checker_handshake_ecn(const struct seen *s)
{
	unsigned setup = s->flags & SEEN_ACK ? SEEN_ECE : BOTH;

	return (s->flags & BOTH) == setup ? HANDSHAKE_ECN : HANDSHAKE_NO_ECN;
}

/* 6.1.1: who has once said no may not; who has heard no should not, and it may be a late one. */
enum agreement { AGREED_NOT, AGREED_PERHAPS, AGREED };

static enum agreement
agreement(const struct said *x)
{
	if (x->v->said_ecn != HANDSHAKE_ECN || !(x->v->heard_ecn & HANDSHAKE_ECN))
		return AGREED_NOT;
	return x->v->heard_ecn == HANDSHAKE_ECN ? AGREED : AGREED_PERHAPS;
}

/* 6.1.2, 6.1.5: what is congestion controlled and new is marked, nothing else. */
static void
judge_codepoint(const struct said *x)
{
	unsigned codepoint = x->s->tos & IP_ECN;

	if (codepoint == IP_CE)
		checker_fail(x, "ecn", "a sender marked CE");
	if (codepoint == 0)
		return;
	if (agreement(x) == AGREED_NOT)
		checker_fail(x, "ecn", "ECT without agreement");
	else if (x->s->len == 0 || x->s->flags & SEEN_SYN)
		checker_fail(x, "ecn", "ECT without data");
	else if (x->end <= (int64_t)x->v->max)
		checker_fail(x, "ecn", "ECT on a retransmission");
}

/* 6.1.3: from a mark on until CWR arrives. */
static void
judge_echo(const struct said *x)
{
	const struct voice *v = x->v;
	bool echo = x->s->flags & SEEN_ECE, settled = v->echo_at < x->now;

	if (echo && agreement(x) == AGREED_NOT)
		checker_fail(x, "ecn", "ECE without agreement");
	else if (echo && v->echo == ECHO_NEVER && settled && x->ack >= v->echo_end)
		checker_fail(x, "ecn", "ECE without a mark, or after CWR");
	else if (!echo && v->echo == ECHO_ALWAYS && settled && agreement(x) == AGREED &&
		 x->ack <= (int64_t)v->heard_fin)	/* a FIN has nothing behind it to slow */
		checker_fail(x, "ecn", "a mark is not echoed");
	if (x->s->flags & SEEN_CWR &&
	    (agreement(x) == AGREED_NOT || x->s->len == 0 || x->end <= (int64_t)v->max))
		checker_fail(x, "ecn", "CWR that is not on new data of an ECN connection");
}

void
checker_say_ecn(const struct said *x)
{
	unsigned syn_mask = x->s->flags & SEEN_SYN;

	judge_codepoint(x);
	if (!syn_mask && x->s->flags & SEEN_ACK)
		judge_echo(x);
}

static void
set_echo(const struct said *x, uint8_t to)
{
	if (x->peer->echo == to)
		return;
	x->peer->echo = to;
	x->peer->echo_at = x->now;
	x->peer->echo_end = x->end;
}

void
checker_hear_ecn(const struct said *x)
{
	struct voice *v = x->peer;
	const struct seen *s = x->s;
	bool newest = !s->has_ts || (int32_t)(s->tsval - v->ts_newest) >= 0;
	/* Is it certain that it is taken?  What is old, by its ACK too (RFC 5961 5.2), or comes
	 * early may not be. */
	bool certain = newest && x->from == (int64_t)ranges_end(&v->heard, 0) &&
		       x->from < (int64_t)v->edge && x->ack >= (int64_t)v->heard_ack;

	if (s->has_ts && (newest || s->flags & SEEN_SYN))
		v->ts_newest = s->tsval;
	if (s->len == 0 || s->flags & SEEN_SYN)
		return;
	if ((s->tos & IP_ECN) == IP_CE && (certain || v->echo == ECHO_NEVER))
		set_echo(x, certain ? ECHO_ALWAYS : ECHO_MAYBE);
	else if ((s->tos & IP_ECN) != IP_CE && s->flags & SEEN_CWR && v->echo != ECHO_NEVER)
		set_echo(x, certain ? ECHO_NEVER : ECHO_MAYBE);
}
