/*
 * What two ends say, and what a tap sees of it.
 *
 * They speak in turns.  A turn is one flight of segments; what the network lost of it comes again,
 * and all of it is acknowledged before the next turn.  So whatever is to become of a byte is
 * decided here, and nothing depends on timers that a follower may choose.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/prop/lib/truth.h"

enum {
	SYN = 2,
	FIN = 1,
	RST = 4,
	PSH = 8,
	ACK = 16,
	JITTER_US = 4000,
	TURN_US = 30000,
	FLIGHT = 8,
};

/* What becomes of a segment. */
enum fate { SHOWN, LOST, SHOWN_LATE, SENT_AGAIN, SHOWN_TWICE, FORGED, N_FATES };

struct talk {
	struct truth_flow *f;
	int64_t now;
	int64_t said[2];
	bool hidden;			/* the tap is not there yet */
	bool clean[2];			/* its next flight is shown as it was sent */
	bool acked_shown[2];		/* the tap knows that all of it was acknowledged */
	uint32_t trouble;		/* per mille of a flight's segments */
	unsigned noise;			/* which kind there is, one a flow */
	uint32_t newest[2];		/* the latest TSval that an end sent */
	uint32_t shown_newest[2];	/*   and of those that are shown, since shown_at */
	int64_t shown_at[2];		/* us */
	uint32_t echoed[2];		/* of these, the latest whose echo is shown, if `knows` */
	bool any[2], shown_any[2], knows[2];
};

static bool
is_newer(uint32_t a, uint32_t than)
{
	return (int32_t)(a - than) > 0;
}

static void
move_clock(uint32_t *newest, bool *any, uint32_t val)
{
	if (!*any || is_newer(val, *newest))
		*newest = val;
	*any = true;
}

/* What was said, and of that what a follower could know. */
static void
note_stamps(struct talk *t, const struct shot *g)
{
	unsigned d = g->d;

	if (g->noise || (g->flags & SYN))
		return;
	move_clock(&t->newest[d], &t->any[d], g->val);
	if (!g->shown)
		return;
	if (!t->shown_any[d] || is_newer(g->val, t->shown_newest[d]))
		t->shown_at[d] = g->at;
	move_clock(&t->shown_newest[d], &t->shown_any[d], g->val);
	if (t->shown_any[!d] && g->at > t->shown_at[!d] && !is_newer(g->ecr, t->shown_newest[!d]))
		move_clock(&t->echoed[!d], &t->knows[!d], g->ecr);
}

/* An end's clock ticks every 100 us. */
static uint32_t
stamp_of(const struct talk *t, unsigned d, int64_t us)
{
	return t->f->clock[d] + (uint32_t)(us / 100);
}

static struct shot *
add(struct talk *t, struct shot g)
{
	struct truth_flow *f = t->f;

	if (f->n_shots == f->room) {
		f->room = f->room ? 2 * f->room : 256;
		f->shot = realloc(f->shot, f->room * sizeof *f->shot);
		if (!f->shot)
			abort();
	}
	g.order = f->n_shots;
	g.shown = g.shown && !t->hidden && (f->alone < 0 || f->alone == (int)g.d);
	f->shot[f->n_shots] = g;
	note_stamps(t, &g);
	return &f->shot[f->n_shots++];
}

static int64_t
jitter(const struct talk *t, unsigned d)
{
	return t->clean[d] ? 0 : truth_draw(JITTER_US);
}

static struct shot
segment(const struct talk *t, unsigned d, int64_t off, uint32_t len)
{
	return (struct shot){ .at = t->now + jitter(t, d),
			      .d = d,
			      .flags = ACK,
			      .off = off,
			      .ack = t->said[!d],
			      .len = len,
			      .val = stamp_of(t, d, t->now),
			      .ecr = t->newest[!d],
			      .shown = true };
}

static void
say_ack(struct talk *t, unsigned d, bool shown)
{
	struct shot g = segment(t, d, t->said[d], 0);

	g.shown = shown;
	add(t, g);
}

/* --- a flight --- */

struct flight {
	unsigned n;
	struct {
		int64_t off;
		uint32_t len, val;
		enum fate fate;
	} of[FLIGHT];
};

static enum fate
draw_fate(const struct talk *t, unsigned d)
{
	if (t->clean[d] || truth_draw(1000) >= t->trouble)
		return SHOWN;
	return 1 + truth_draw(N_FATES - 1);
}

static bool
is_shown(enum fate f)
{
	return f != LOST && f != SHOWN_LATE;
}

static void
draw_flight(const struct talk *t, unsigned d, struct flight *l)
{
	int64_t off = t->said[d];
	unsigned i;

	for (l->n = 0; l->n < 1 + truth_draw(FLIGHT - 1) && off < t->f->dir[d].n_stream; l->n++) {
		uint32_t left = (uint32_t)(t->f->dir[d].n_stream - off), len;

		len = 2 + truth_draw(truth_draw(4) ? 1440 : 12);
		if (len + 1 >= left)
			len = left;
		l->of[l->n].off = off;
		l->of[l->n].len = len;
		l->of[l->n].fate = draw_fate(t, d);
		off += len;
	}
	/* What comes late is known to be lost only if all that was sent behind it was seen to be,
	 * and that the other end has got it. */
	for (i = 0; i < l->n; i++)
		if (l->of[i].fate == SHOWN_LATE &&
		    (!is_shown(l->of[l->n - 1].fate) || t->f->alone >= 0))
			l->of[i].fate = LOST;
}

/* A version of a forger's of bytes that are shown: the same, or a part of them, sooner or later. */
static void
forge(struct talk *t, unsigned d, int64_t off, uint32_t len, int64_t at)
{
	uint32_t cut = truth_draw(len), n = 1 + truth_draw(len - cut);
	struct shot g = segment(t, d, off + cut, n);

	g.at = at - 3000 + truth_draw(9000);
	g.alter = (uint8_t)(1 + truth_draw(255));
	add(t, g);
}

static void
send(struct talk *t, unsigned d, struct flight *l, unsigned i, int64_t *last)
{
	struct shot g = segment(t, d, l->of[i].off, l->of[i].len);
	enum fate fate = l->of[i].fate;
	int64_t after = 150 * (int64_t)i;

	g.flags |= i + 1 == l->n ? PSH : 0;
	g.shown = is_shown(fate);
	if (fate == SENT_AGAIN)
		after += TURN_US + truth_draw(TURN_US);
	g.at += after;
	g.val = l->of[i].val = stamp_of(t, d, t->now + after);
	if (!t->clean[d] && truth_draw(40) == 0 && g.len > 100)
		g.fragment = (uint16_t)(8 * (1 + truth_draw(g.len / 9)));
	if (g.fragment && g.len / g.fragment > 10)
		g.fragment = 0;
	add(t, g);
	if (g.at > *last)
		*last = g.at;
	if (fate == SHOWN_TWICE) {
		g.at += truth_draw(JITTER_US);
		g.fragment = 0;
		add(t, g);
	}
	if (fate == FORGED)
		forge(t, d, g.off, g.len, g.at);
}

/* Bytes of several segments in one, again: they were all shown. */
static void
send_again(struct talk *t, unsigned d, const struct flight *l)
{
	unsigned first = truth_draw(l->n), i;
	uint32_t len = 0;

	for (i = first; i < l->n && is_shown(l->of[i].fate) && l->of[i].fate != FORGED; i++)
		len += l->of[i].len;
	if (len > 1 && len <= 1460)
		add(t, segment(t, d, l->of[first].off + truth_draw(len / 2), len / 2));
}

static void
fly(struct talk *t, unsigned d)
{
	struct flight l;
	int64_t last = t->now;
	bool late = false;
	unsigned i;

	draw_flight(t, d, &l);
	for (i = 0; i < l.n; i++) {
		send(t, d, &l, i, &last);
		late |= l.of[i].fate == SHOWN_LATE;
	}
	if (l.n == 0)
		return;
	t->now = last + 1000;
	t->said[d] = l.of[l.n - 1].off + l.of[l.n - 1].len;
	t->acked_shown[d] = late || t->clean[d] || truth_draw(8);
	say_ack(t, !d, t->acked_shown[d]);
	if (!t->clean[d] && truth_draw(4) == 0)
		send_again(t, d, &l);
	t->now += TURN_US + truth_draw(TURN_US);
	for (i = 0; i < l.n; i++)
		if (l.of[i].fate == SHOWN_LATE) {
			struct shot g = segment(t, d, l.of[i].off, l.of[i].len);

			g.val = l.of[i].val;
			g.late = true;
			add(t, g);
		}
	t->clean[d] = false;
}

/* --- what is no part of the streams --- */

/* Other bytes for what its end is to say next, or has said, too old for their receiver. */
static void
forge_old(struct talk *t, unsigned d)
{
	uint32_t said = (uint32_t)t->said[d];
	/* of what was said nothing may be missing */
	uint32_t before = t->trouble ? 0 : truth_draw(said < 300 ? said : 300);
	struct shot g = segment(t, d, t->said[d] - before, 1 + truth_draw(300));

	g.noise = true;
	g.alter = (uint8_t)(1 + truth_draw(255));
	g.val = t->echoed[d] - 1 - truth_draw(truth_draw(2) ? 10 : 1u << 30);
	add(t, g);
	t->f->dir[d].refused++;
	t->now += JITTER_US;
	/* What its receiver acknowledges, and only a forger is seen to have sent, is believed. */
	t->clean[d] = true;
}

static void
make_noise(struct talk *t, unsigned d)
{
	struct shot g = segment(t, d, t->said[d], 0);
	bool both = t->f->alone < 0 && t->f->start == TRUTH_WHOLE;

	g.noise = true;
	switch (t->noise) {
	case 1:			/* a keep-alive with a byte of garbage */
		if (t->f->alone >= 0 || !t->acked_shown[d] || t->said[d] == 0)
			return;
		g.at += TURN_US;
		t->now += 2 * TURN_US;
		g.off--;
		g.len = 1;
		g.alter = 0xff;
		break;
	case 2:			/* an acknowledgment of the far future */
		g.ack += 0x20000000;
		break;
	case 3:			/* bytes of the far future */
		g.off += 0x20000000;
		g.len = 100;
		break;
	case 4:			/* bytes that no end would accept */
		g.len = 100;
		g.bad_cksum = true;
		both = true;
		break;
	case 5:			/* a RST that is none */
		g.flags = RST;
		g.off += 0x30000000;
		break;
	case 6:
		if (both && t->f->stamped && t->knows[d])
			forge_old(t, d);
		return;
	}
	if (both || t->noise == 1)
		add(t, g);
}

/* --- start and end --- */

static void
shake_hands(struct talk *t)
{
	enum truth_start s = t->f->start;
	struct shot syn = { .at = t->now, .flags = SYN, .off = -1 };
	struct shot synack = { .at = t->now + 500, .d = 1, .flags = SYN | ACK, .off = -1 };
	struct shot ack = { .at = t->now + 1000, .flags = ACK };

	syn.shown = s != TRUTH_NO_SYN && s != TRUTH_MIDSTREAM;
	synack.shown = s != TRUTH_NO_SYNACK && s != TRUTH_MIDSTREAM;
	ack.shown = s != TRUTH_NO_ACK && s != TRUTH_MIDSTREAM;
	syn.val = stamp_of(t, 0, t->now);
	synack.val = stamp_of(t, 1, t->now + 500);
	ack.val = stamp_of(t, 0, t->now + 1000);
	synack.ecr = syn.val;
	ack.ecr = synack.val;
	if (s == TRUTH_SYNACK_FIRST)
		syn.at += 700;
	add(t, syn);
	add(t, synack);
	add(t, ack);
	t->now += TURN_US;
	t->clean[0] = s == TRUTH_NO_SYN || s == TRUTH_MIDSTREAM || t->f->alone == 1;
	t->clean[1] = s == TRUTH_NO_SYNACK || s == TRUTH_MIDSTREAM;
}

static void
part(struct talk *t)
{
	unsigned first = truth_draw(2), lost = truth_draw(2);
	struct shot g = segment(t, first, t->said[first], 0);
	enum truth_end e = t->f->end;
	unsigned i;

	if (e == TRUTH_OPEN)
		return;
	if (e == TRUTH_RST) {
		g.flags = RST | ACK;
		g.len = truth_draw(2) ? 20 : 0;
		g.alter = 0x77;
		g.noise = true;
		add(t, g);
		return;
	}
	for (i = 0; i < 2; i++) {
		unsigned d = i ? !first : first;

		g = segment(t, d, t->said[d], 0);
		g.flags |= FIN;
		g.shown = e == TRUTH_FIN || d != lost;
		add(t, g);
		t->now += TURN_US;
		t->said[d]++;
		say_ack(t, !d, true);
		t->now += TURN_US;
	}
}

static void
draw_course(struct truth_flow *f)
{
	f->start = truth_draw(2) ? TRUTH_WHOLE : truth_draw(TRUTH_N_STARTS);
	f->end = truth_draw(2) ? TRUTH_FIN : truth_draw(TRUTH_N_ENDS);
	f->alone = truth_draw(8) ? -1 : (int)truth_draw(2);
	/* With one FIN of one direction nothing says what was lost behind it. */
	if (f->alone >= 0 && f->end == TRUTH_FIN_LOST)
		f->end = TRUTH_OPEN;
}

void
truth_talk(struct truth_flow *f, int64_t from)
{
	struct talk t = { .f = f, .now = from };
	unsigned turns = 2 + truth_draw(30), unseen;

	draw_course(f);
	t.trouble = truth_draw(3) ? truth_draw(300) : 0;
	t.noise = truth_draw(12);
	shake_hands(&t);
	t.hidden = f->start == TRUTH_MIDSTREAM;
	for (unseen = t.hidden ? truth_draw(5) : 0; unseen > 0; unseen--)
		fly(&t, truth_draw(2));
	if (t.hidden)
		t.clean[0] = t.clean[1] = true;
	t.hidden = false;
	f->base[0] = t.said[0];
	f->base[1] = t.said[1];
	while (turns--) {
		unsigned d = truth_draw(2);

		fly(&t, d);
		if (t.noise < 7 && truth_draw(6) == 0 && !t.clean[0] && !t.clean[1] && t.said[d])
			make_noise(&t, d);
		if (truth_draw(20) == 0)
			t.now += 500 * 1000;
	}
	t.now += TURN_US;
	part(&t);
}
