/*
 * The captures of bench-passive:
 *
 *	make bulk|short|dirty N PCAP TRUTH
 *
 * bulk	8 downloads side by side, N segments of 1,460 bytes in all, an ACK for every second
 * short	N flows of a request and an answer of 200 to 2,000 bytes, 20,000 begun a second
 * dirty	N flows of a request and an answer of up to 16 KB, as a bad tap shows them: of the
 *	segments with bytes 1 % are never shown, 2 % are shown up to 3 ms late, 1 % twice, 1 % are
 *	followed by one that overlaps them with other bounds, and one in 400 by bytes that
 *	contradict them
 *
 * TRUTH says what can be told of them (said.h).  The same N gives the same files.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/prop/lib/seed.h"
#include "tests/passive/lib/said.h"
#include "tests/prop/lib/frames.h"
#include "tests/unit/lib/put.h"

enum {
	FIN = 1,
	SYN = 2,
	PSH = 8,
	ACK = 16,
	MSS = 1460,
	EPOCH_S = 1700000000,
	BULK_FLOWS = 8,
	BULK_STEP_US = 12,		/* a Gbit/s */
	FLOW_STEP_US = 50,
	RTT_US = 1000,
};

struct shot {
	int64_t at;			/* us */
	uint32_t flow, off, ack;	/* SYN: offset 0 is the first byte behind it */
	uint16_t len;
	uint8_t d, flags, alter;
	uint32_t order;
};

/* A segment of a flow on its way to the capture. */
struct talk {
	uint32_t flow;
	int64_t now;
	uint32_t said[2];
	struct truth_row truth;
};

static struct shot *shots;
static size_t n_shots, room;
static uint64_t state = 0x853c49e6748fea9bu;
static bool is_dirty;
static FILE *truth;

static uint32_t
draw(uint32_t n)
{
	return (uint32_t)(seed_next(&state) >> 24) % n;
}

/* --- what is shown --- */

static void
show(struct shot s)
{
	if (n_shots == room) {
		room = room ? 2 * room : 1 << 16;
		shots = realloc(shots, room * sizeof *shots);
		if (!shots)
			abort();
	}
	s.order = (uint32_t)n_shots;
	shots[n_shots++] = s;
}

static struct shot
segment(const struct talk *t, unsigned d, uint8_t flags, uint16_t len)
{
	return (struct shot){ .at = t->now,
			      .flow = t->flow,
			      .off = t->said[d],
			      .ack = t->said[!d],
			      .len = len,
			      .d = (uint8_t)d,
			      .flags = flags };
}

static void
hide(struct talk *t, const struct shot *s)
{
	struct truth_hole *last = &t->truth.hole[t->truth.n_holes - 1];

	if (t->truth.n_holes > 0 && last->d == s->d && last->off + last->len == s->off) {
		last->len += s->len;
		return;
	}
	t->truth.hole[t->truth.n_holes++] =
		(struct truth_hole){ .d = s->d, .off = s->off, .len = s->len };
}

/* Other bounds, the same bytes; or other bytes. */
static void
show_again(const struct shot *s)
{
	struct shot again = *s;

	again.at += 100 + draw(4000);
	again.off += s->len / 4;
	again.len = (uint16_t)(s->len / 2 + 1);
	show(again);
}

static void
contradict(const struct shot *s)
{
	struct shot other = *s;

	other.at += 100 + draw(4000);
	other.alter = 0x20;
	show(other);
}

/* What the tap makes of a segment with bytes. */
static void
show_dirty(struct talk *t, struct shot s)
{
	uint32_t fate = draw(1000);

	if (fate < 10 && t->truth.n_holes < SAID_HOLES) {
		hide(t, &s);
		return;
	}
	if (fate < 30)
		s.at += draw(3000);
	show(s);
	if (fate >= 30 && fate < 40) {
		struct shot twice = s;

		twice.at += draw(3000);
		show(twice);
	} else if (fate >= 40 && fate < 50) {
		show_again(&s);
	}
	if (draw(400) == 0)
		contradict(&s);
}

static void
say(struct talk *t, unsigned d, uint8_t flags, uint16_t len)
{
	struct shot s = segment(t, d, flags, len);

	if (is_dirty && len > 0)
		show_dirty(t, s);
	else
		show(s);
	t->said[d] += len;
}

/* --- flows --- */

static void
begin(struct talk *t, uint32_t flow, int64_t at)
{
	*t = (struct talk){ .flow = flow, .now = at };
	say(t, 0, SYN, 0);
	t->now += RTT_US / 2;
	say(t, 1, SYN | ACK, 0);
	t->now += RTT_US / 2;
	say(t, 0, ACK, 0);
}

/* The last byte of each direction is known by a FIN at least. */
static void
end(struct talk *t)
{
	t->now += RTT_US;
	say(t, 1, FIN | ACK, 0);
	t->said[1]++;
	t->now += RTT_US / 2;
	say(t, 0, FIN | ACK, 0);
	t->said[0]++;
	t->now += RTT_US / 2;
	say(t, 1, ACK, 0);
}

static void
write_row(const struct talk *t, uint32_t up, uint32_t down)
{
	unsigned i;

	fprintf(truth, "%u %u %u", t->flow, up, down);
	for (i = 0; i < t->truth.n_holes; i++)
		fprintf(truth, " %c %u %u", t->truth.hole[i].d ? 'd' : 'u', t->truth.hole[i].off,
			t->truth.hole[i].len);
	fputc('\n', truth);
}

static void
make_bulk(uint32_t n)
{
	struct talk t[BULK_FLOWS];
	uint32_t i;

	for (i = 0; i < BULK_FLOWS; i++) {
		begin(&t[i], i, i * BULK_STEP_US);
		t[i].now += RTT_US;
		say(&t[i], 0, ACK | PSH, 400);
	}
	for (i = 0; i < n; i++) {
		struct talk *of = &t[i % BULK_FLOWS];

		of->now = 4 * RTT_US + (int64_t)i * BULK_STEP_US;
		say(of, 1, ACK, MSS);
		if (i / BULK_FLOWS % 2)
			say(of, 0, ACK, 0);
	}
	for (i = 0; i < BULK_FLOWS; i++) {
		uint32_t up = t[i].said[0], down = t[i].said[1];

		end(&t[i]);
		write_row(&t[i], up, down);
	}
}

/* A request and an answer, an ACK for every second segment and the last. */
static void
make_flow(uint32_t number, uint32_t up, uint32_t down)
{
	struct talk t;
	uint32_t left;
	unsigned n = 0;

	begin(&t, number, (int64_t)number * FLOW_STEP_US);
	t.now += 100;
	for (left = up; left > 0; left -= left < MSS ? left : MSS)
		say(&t, 0, ACK | PSH, (uint16_t)(left < MSS ? left : MSS));
	t.now += RTT_US / 2;
	say(&t, 1, ACK, 0);
	for (left = down; left > 0; left -= left < MSS ? left : MSS) {
		t.now += 120;
		say(&t, 1, ACK | PSH, (uint16_t)(left < MSS ? left : MSS));
		if (++n % 2 == 0 || left <= MSS) {
			t.now += 60;
			say(&t, 0, ACK, 0);
		}
	}
	t.now += 5 * RTT_US;
	end(&t);
	write_row(&t, up, down);
}

static void
make_short(uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		make_flow(i, 200 + draw(200), 200 + draw(1800));
}

static void
make_dirty(uint32_t n)
{
	uint32_t i;

	is_dirty = true;
	for (i = 0; i < n; i++)
		make_flow(i, 200 + draw(2000), 200 + draw(16000));
}

/* --- the file --- */

static int
earlier(const void *a, const void *b)
{
	const struct shot *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static uint32_t
isn_of(const struct shot *s, unsigned d)
{
	return (s->flow + 1) * 2654435761u + d * 0x12345678u;
}

static size_t
make_frame(const struct shot *s, uint8_t to[FRAMES_MAX])
{
	static uint8_t payload[FRAMES_MAX];
	struct frame_path path = { .port = { (uint16_t)(20000 + s->flow % 40000), 80 } };
	struct frame_segment g = {
		.d = s->d,
		.seq = isn_of(s, s->d) + s->off + !(s->flags & SYN),
		.ack = s->flags & ACK ? isn_of(s, !s->d) + 1 + s->ack : 0,
		.flags = s->flags,
		.window = 0xffff,
		.payload = payload,
		.len = s->len,
		.ip_id = (uint16_t)s->order,
	};
	unsigned i;

	put32(path.addr[0], (uint32_t)SAID_CLIENTS << 24 | (s->flow + 1));
	put32(path.addr[1], 0xcb007101);	/* 203.0.113.1 */
	if (s->flags & SYN) {
		put32(g.options, 0x02040000u | MSS);
		put32(g.options + 4, 0x01030307);
		g.n_options = 8;
	}
	said_bytes(s->flow, s->d, s->off, payload, s->len);
	for (i = 0; s->alter && i < s->len; i++)
		payload[i] ^= s->alter;
	return frame_make(&path, &g, to);
}

static void
write_all(FILE *f)
{
	const uint32_t head[6] = { 0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, 1 };
	uint8_t frame[FRAMES_MAX];
	size_t i;

	qsort(shots, n_shots, sizeof *shots, earlier);
	fwrite(head, sizeof head, 1, f);
	for (i = 0; i < n_shots; i++) {
		uint32_t len = (uint32_t)make_frame(&shots[i], frame);
		const uint32_t record[4] = { EPOCH_S + (uint32_t)(shots[i].at / 1000000),
					     (uint32_t)(shots[i].at % 1000000), len, len };

		fwrite(record, sizeof record, 1, f);
		fwrite(frame, len, 1, f);
	}
}

static const struct kind {
	const char *name;
	void (*make)(uint32_t n);
} kinds[] = { { "bulk", make_bulk }, { "short", make_short }, { "dirty", make_dirty } };

int
main(int argc, char **argv)
{
	const struct kind *k = NULL;
	FILE *f;
	unsigned i;

	for (i = 0; argc == 5 && i < sizeof kinds / sizeof kinds[0]; i++)
		if (strcmp(argv[1], kinds[i].name) == 0)
			k = &kinds[i];
	if (!k) {
		fprintf(stderr, "usage: make bulk|short|dirty N PCAP TRUTH\n");
		return 2;
	}
	f = fopen(argv[3], "w");
	truth = fopen(argv[4], "w");
	if (f && truth) {
		k->make((uint32_t)strtoul(argv[2], NULL, 10));
		write_all(f);
		if (!ferror(f) && fclose(f) == 0 && !ferror(truth) && fclose(truth) == 0)
			return 0;
	}
	perror("make");
	return 1;
}
