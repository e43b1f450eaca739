/*
 * relay.c - what a payload segment, a short connection and a SYN cost a worker in every mode.
 *
 *	obj/tests/bench/relay [SEGMENTS [MODE...]]
 *
 * Of all modes, or of those that are named (`track`, or `track/1` with one flow alone).
 *
 * Clients and servers (lib/peers.h, lib/lives.h) stand at two pairs of ring ports, with a leatd's
 * worker, or in `forward` a bare loop from rx to tx, between them.  `forward` and `track` are
 * divided by all packets, the rest by payload segments: acknowledgements of both legs are part of
 * their price.  `proxy-trust` is over the ports that do not verify, `life` a connection from SYN to
 * both FINs, and `copy` one rte_memcpy() of a segment's payload that lies in no cache.  SYNs of a
 * flood are lib/syns.h's; `further-class` is what each class of listeners costs that is searched in
 * vain.  Modes with `virtio:` before their name are over virtio-user ports, whose other end is
 * DPDK's vhost driver in this process: beside their own `forward`, without a goal.
 *
 * Every case in turn, five times, in one process; the best of each is printed.
 *
 * The exit status is 1 unless every segment came out, in order and whole, and every SYN met what
 * its mode says.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/lib/frame.h"
#include "tests/bench/lib/row.h"
#include "tests/bench/lib/runs.h"
#include "tests/bench/lib/syns.h"

enum {
	N_REPEATS = 5,
	N_FLOWS = 128 * 1024,	/* of each kind */
	MANY = 1000,
	VERY_MANY = 100 * 1000,
	SEGMENTS_A_LIFE = 20,	/* as long as one life takes */
	SEGMENTS_A_SYN = 2,
};

enum device { RING, VIRTIO, N_DEVICES };

/* Those with the same port follow the same rule. */
static const struct what {
	enum mode mode;
	const char *name;
	unsigned n_flows;
	enum device ports;
	unsigned pair;		/* of a SYN: enum syns_mode */
	uint16_t dport;
	double goal;
} cases[] = {
	{ FORWARD, "forward", 1, RING, BED_VERIFIES, 5000, 0 },
	{ COPY, "copy", 1, RING, BED_VERIFIES, 0, 0 },
	{ TRACK, "track", 1, RING, BED_VERIFIES, 5001, 100 },
	{ TRACK, "track", VERY_MANY, RING, BED_VERIFIES, 5001, 250 },
	{ PROXY, "proxy", 1, RING, BED_VERIFIES, 5002, 600 },
	{ PROXY, "proxy", MANY, RING, BED_VERIFIES, 5002, 0 },
	{ PROXY, "proxy-trust", 1, RING, BED_TRUSTS, 5002, 450 },
	{ PASSIVE, "passive", 1, RING, BED_VERIFIES, 5003, 200 },
	{ PASSIVE, "passive-trust", 1, RING, BED_TRUSTS, 5003, 0 },
	{ LIFE, "life", LIVES_CROWD, RING, BED_VERIFIES, 5002, 12000 },
	{ SYN, "syn-forward", 1, RING, SYNS_FORWARD, 0, 0 },
	{ SYN, "relay-pass", 1, RING, SYNS_RELAY_PASS, 0, 0 },
	{ SYN, "relay-drop", 1, RING, SYNS_RELAY_DROP, 0, 0 },
	{ SYN, "relay-cookie", 1, RING, SYNS_RELAY_COOKIE, 0, 250 },
	{ SYN, "listener-cookie", 1, RING, SYNS_LISTENER_COOKIE, 0, 250 },
	{ SYN, "classes-cookie", 1, RING, SYNS_CLASSES_COOKIE, 0, 0 },
	{ FORWARD, "forward", 1, VIRTIO, BED_VERIFIES, 5000, 0 },
	{ TRACK, "track", 1, VIRTIO, BED_VERIFIES, 5001, 0 },
	{ TRACK, "track", VERY_MANY, VIRTIO, BED_VERIFIES, 5001, 0 },
	{ PROXY, "proxy", 1, VIRTIO, BED_VERIFIES, 5002, 0 },
	{ PROXY, "proxy", MANY, VIRTIO, BED_VERIFIES, 5002, 0 },
	{ PASSIVE, "passive", 1, VIRTIO, BED_VERIFIES, 5003, 0 },
	{ LIFE, "life", LIVES_CROWD, VIRTIO, BED_VERIFIES, 5002, 0 },
};

enum { N_CASES = RTE_DIM(cases) };

static const char policy_text[] = "rule t: track proto tcp to any port 5001\n"
				  "rule p: proxy proto tcp to any port 5002\n"
				  "rule r: passive proto tcp to any port 5003\n"
				  "default drop\n";

struct bench {
	struct runs runs[N_DEVICES];
	struct syns syns;
	struct peers *peers[N_CASES];
	bool left_out[N_CASES];
	double best[N_CASES];		/* cycles; 0: none yet */
};

/* --- what is measured --- */

static double
cycles_of(struct bench *b, unsigned k, uint64_t n)
{
	const struct what *w = &cases[k];
	struct runs *r = &b->runs[w->ports];
	struct took t;
	double cycles;

	if (w->mode == COPY)
		return runs_copies(n);
	if (w->mode == SYN) {
		cycles = syns_run(&b->syns, w->pair, n / SEGMENTS_A_SYN);
		frame_prepare(&b->runs[RING].hosts);	/* it wrote into the same frames */
		return cycles;
	}
	t = w->mode == LIFE ? runs_lives(r, n / SEGMENTS_A_LIFE)
			    : runs_segments(r, w->mode, b->peers[k], n);
	if (w->mode == FORWARD || w->mode == TRACK)
		return t.packets ? (double)t.cycles / (double)t.packets : 0;
	return t.segments ? (double)t.cycles / (double)t.segments : 0;
}

static void
measure(struct bench *b, uint64_t n)
{
	unsigned i, k;

	for (k = 0; k < N_CASES; k++)
		if (b->peers[k])
			runs_establish(&b->runs[cases[k].ports], cases[k].mode, b->peers[k]);
	for (i = 0; i < N_REPEATS * N_CASES; i++) {
		double *best = &b->best[i % N_CASES];
		double cycles;

		if (b->left_out[i % N_CASES])
			continue;
		cycles = cycles_of(b, i % N_CASES, n / N_REPEATS);
		if (*best == 0 || (cycles > 0 && cycles < *best))
			*best = cycles;
	}
}

/* --- what stands around it --- */

static struct peers *
peers_new(struct bench *b, unsigned k)
{
	const struct what *w = &cases[k];
	struct peers *p = calloc(1, sizeof *p + w->n_flows * sizeof p->flow[0]);

	if (!p)
		return NULL;
	*p = (struct peers){ .at = &b->runs[w->ports].at[w->pair],
			     .n_flows = w->n_flows,
			     .chunk = w->n_flows > 1 ? 2 : PORT_BURST,
			     .window = w->n_flows > 1 ? 4 : 256,
			     .net = (uint8_t)k,
			     .dport = w->dport };
	return p;
}

static int
make_peers(struct bench *b, struct err *err)
{
	for (unsigned k = 0; k < N_CASES; k++) {
		struct runs *r = &b->runs[cases[k].ports];

		if (cases[k].mode == LIFE)
			r->lives = (struct lives){ .at = &r->at[cases[k].pair],
						   .net = (uint8_t)k,
						   .dport = cases[k].dport };
		if (cases[k].mode >= LIFE || b->left_out[k])
			continue;
		b->peers[k] = peers_new(b, k);
		if (!b->peers[k])
			return err_set(err, -ENOMEM, "no memory for the peers");
	}
	return 0;
}

/* Is a case of these to be measured? */
static bool
wanted(const struct bench *b, enum device ports, bool syn)
{
	for (unsigned k = 0; k < N_CASES; k++)
		if (!b->left_out[k] && cases[k].ports == ports && (cases[k].mode == SYN) == syn)
			return true;
	return false;
}

static int
set_up(struct bench *b, struct err *err)
{
	int rc = runs_make(&b->runs[RING], NULL, policy_text, N_FLOWS, err);

	if (rc == 0 && wanted(b, RING, true)) {
		rc = syns_make(&b->syns, &b->runs[RING].hosts, err);
		frame_prepare(&b->runs[RING].hosts);
	}
	if (rc == 0 && wanted(b, VIRTIO, false))
		rc = runs_make(&b->runs[VIRTIO], &b->runs[RING], policy_text, N_FLOWS, err);
	return rc == 0 ? make_peers(b, err) : rc;
}

static void
tear_down(struct bench *b)
{
	if (wanted(b, VIRTIO, false))
		runs_end(&b->runs[VIRTIO]);
	if (wanted(b, RING, true))
		syns_end(&b->syns);
	runs_end(&b->runs[RING]);
	for (unsigned k = 0; k < N_CASES; k++)
		free(b->peers[k]);
}

/* --- the result --- */

static struct row
row_of(const struct bench *b, unsigned k)
{
	static const char *const of[] = {
		[FORWARD] = "packet",  [TRACK] = "packet",    [PROXY] = "segment",
		[PASSIVE] = "segment", [LIFE] = "connection", [COPY] = "segment",
		[SYN] = "SYN"
	};
	const struct what *w = &cases[k];
	const struct runs *r = &b->runs[w->ports];
	struct row row = { .bench = "relay",
			   .mode = w->name,
			   .ports = w->ports == VIRTIO ? "virtio-user" : "ring",
			   .of = of[w->mode],
			   .flows = w->n_flows,
			   .payload = PEERS_PAYLOAD,
			   .cycles = b->best[k],
			   .goal = w->goal };

	if (w->mode == LIFE) {	/* the small ones' bytes are copied together */
		row.payload = LIVES_REQUEST + LIVES_REPLY;
		row.copied_bytes = r->bed.worker->tcp->copied_bytes / RTE_MAX(r->lives.n, 1u);
	} else if (w->mode == SYN) {
		row.flows = b->syns.sent[w->pair];	/* each is of a flow of its own */
		row.payload = 0;
	}
	return row;
}

static bool
is_whole(const struct bench *b, unsigned k, uint64_t n)
{
	const struct lives *l = &b->runs[cases[k].ports].lives;
	const struct peers *p = b->peers[k];

	if (cases[k].mode == LIFE && !lives_whole(l))
		fprintf(stderr, "relay: %u lives: %" PRIu64 " and %" PRIu64 " bytes came out\n",
			l->n, l->bytes[1], l->bytes[0]);
	if (!p)
		return cases[k].mode != LIFE || lives_whole(l);
	if (p->wrong == 0 && p->received == p->sent && p->sent >= n)
		return true;
	fprintf(stderr,
		"relay: %s, %u flows: %" PRIu64 " segments sent, %" PRIu64 " came out, %" PRIu64
		" wrong\n",
		cases[k].name, p->n_flows, p->sent, p->received, p->wrong);
	return false;
}

/* Each mode did what its name says, nothing had to be sent again, and nothing large was copied. */
static bool
did_its_work(const struct bench *b, enum device ports)
{
	const struct tcpterm_stats *s = b->runs[ports].bed.worker->tcp;
	unsigned n_flows[N_MODES] = { 0 };

	for (unsigned k = 0; k < N_CASES; k++)
		if (!b->left_out[k] && cases[k].ports == ports)
			n_flows[cases[k].mode] += cases[k].n_flows;
	if (s->n_flows[TCPTERM_KIND_RELAY] == n_flows[PROXY] &&
	    s->n_flows[TCPTERM_KIND_TRACK] == n_flows[TRACK] &&
	    s->n_flows[TCPTERM_KIND_PASSIVE] == n_flows[PASSIVE] && s->retransmits == 0 &&
	    s->copied_bytes == (uint64_t)b->runs[ports].lives.n * LIVES_REQUEST)
		return true;
	fprintf(stderr,
		"relay: %u flows proxied, %u tracked, %u read, %" PRIu64
		" retransmissions, %" PRIu64 " bytes copied\n",
		s->n_flows[TCPTERM_KIND_RELAY], s->n_flows[TCPTERM_KIND_TRACK],
		s->n_flows[TCPTERM_KIND_PASSIVE], s->retransmits, s->copied_bytes);
	return false;
}

static bool
print_case(const struct bench *b, unsigned k, const struct row *row, double syn_forward, uint64_t n)
{
	if (cases[k].mode == SYN)
		return syns_print(&b->syns, cases[k].pair, row, syn_forward);
	row_print(row, "");
	return is_whole(b, k, n);
}

/* What a further class adds, where both ends of the difference were measured. */
static void
further_class(const struct row *row, unsigned n)
{
	const struct row *one = NULL, *more = NULL;
	struct row r;

	for (unsigned i = 0; i < n; i++) {
		if (strcmp(row[i].mode, "listener-cookie") == 0)
			one = &row[i];
		if (strcmp(row[i].mode, "classes-cookie") == 0)
			more = &row[i];
	}
	if (!one || !more)
		return;
	r = *more;
	r.mode = "further-class";
	r.cycles = (more->cycles - one->cycles) / SYNS_FURTHER;
	r.goal = 80;
	row_print(&r, "");
	row_table(&r, 1, NULL);
}

/* The rows of one kind of ports and one baseline, which is the first of them. */
static bool
print(const struct bench *b, enum device ports, bool syn, uint64_t n)
{
	struct row row[N_CASES];
	bool whole = true, has_forward = false;
	unsigned i = 0;

	for (unsigned k = 0; k < N_CASES; k++) {
		if (b->left_out[k] || cases[k].ports != ports || (cases[k].mode == SYN) != syn)
			continue;
		row[i] = row_of(b, k);
		has_forward |= i == 0 && strstr(row[i].mode, "forward");
		i++;
		whole &= print_case(b, k, &row[i - 1], has_forward ? row[0].cycles : 0, n);
	}
	if (i > 0)
		row_table(row, i, has_forward ? &row[0] : NULL);
	if (syn)
		further_class(row, i);
	return whole;
}

static void
leave_out_unnamed(struct bench *b, char *const *name, int n)
{
	for (unsigned k = 0; k < N_CASES; k++) {
		const char *where = cases[k].ports == VIRTIO ? "virtio:" : "";
		char of_mode[64], whole[80];

		snprintf(of_mode, sizeof of_mode, "%s%s", where, cases[k].name);
		snprintf(whole, sizeof whole, "%s/%u", of_mode, cases[k].n_flows);
		b->left_out[k] = n > 0;
		for (int i = 0; i < n; i++)
			if (strcmp(name[i], of_mode) == 0 || strcmp(name[i], whole) == 0)
				b->left_out[k] = false;
	}
}

int
main(int argc, char **argv)
{
	static struct bench b;
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 0) : 1000000;
	struct err err = { "" };
	bool whole;

	leave_out_unnamed(&b, argv + 2, argc - 2);
	if (set_up(&b, &err) != 0) {
		fprintf(stderr, "relay: %s\n", err.msg);
		return 1;
	}
	measure(&b, n);
	whole = print(&b, RING, false, n) & print(&b, RING, true, n) & print(&b, VIRTIO, false, n);
	whole &= did_its_work(&b, RING);
	if (wanted(&b, VIRTIO, false))
		whole &= did_its_work(&b, VIRTIO);
	tear_down(&b);
	return !whole;
}
