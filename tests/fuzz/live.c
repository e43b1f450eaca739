/*
 * live.c - a live connection and an adversary that knows its numbers: a relay's legs, or a
 * connection of the library's, after a valid handshake and a valid exchange.
 *
 * [0], [1] choose the settings.  Then commands of 12 bytes: a valid prefix (the end sends what is
 * next, acknowledges what it was sent), or a segment made from the connection's own numbers -
 * at an edge of a window, a number before or after, half the space away - with payload, flags and
 * up to 40 bytes of options as the input has them: lengths of 0, of 1, beyond the end, SACK blocks
 * that overlap, wrap or lie backwards.  Time passes in between, by timers or by leaps.
 * Whatever comes: no crash, no leak, numbers in their order, and what leaves parses with its
 * checksum right.
 */
#include <string.h>

#include "tcpterm/endpoint.h"
#include "tcpterm/relay.h"
#include "tests/fuzz/lib/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { COMMAND = 12, MAX_COMMANDS = 200, PORT = 40000 };

static bool relayed;
static uint32_t nxt[2], heard[2];	/* of each end: what it sends next, and what it was sent */
static struct tcpterm_options agreed;
static struct tcpterm_tuning tuning;
static bool ecn;

static void
heard_by(unsigned side, const struct pkt *p, uint32_t end)
{
	unsigned k = p->dport == PORT ? 0 : 1;

	(void)side;
	if ((int32_t)(end - heard[k]) > 0)
		heard[k] = end;
}

static struct tcpterm_verdict
filter(void *ctx, const struct tcpterm_syn *syn)
{
	(void)ctx;
	(void)syn;
	return (struct tcpterm_verdict){
		.decision = relayed ? TCPTERM_RELAY : TCPTERM_ACCEPT,
		.tuning = tuning,
	};
}

static void
input(struct fuzz_seg *g)
{
	g->port = PORT;
	fuzz_send(g, relayed ? g->side : 0);
}

static void
handshake(void)
{
	struct fuzz_seg g = { .flags = TCP_SYN | (ecn ? TCP_ECE | TCP_CWR : 0),
			      .window = 20000,
			      .seq = 1000 };
	struct tcpterm_options later = { .has_ts = agreed.has_ts, .tsval = 2 };

	nxt[0] = 1001;
	nxt[1] = 0xfffffff0 + 1;
	heard[0] = heard[1] = 0;
	fuzz_set_options(&g, &agreed);
	input(&g);
	tcpterm_run(fuzz.stack, fuzz.now);
	if (relayed) {
		g.side = 1;
		g.flags = TCP_SYN | TCP_ACK | (ecn ? TCP_ECE : 0);
		g.seq = nxt[1] - 1;
		g.ack = nxt[0];
		input(&g);
		heard[0] = nxt[1];
		heard[1] = nxt[0];
	}
	g = (struct fuzz_seg){ .flags = TCP_ACK, .window = 20000, .seq = nxt[0], .ack = heard[0] };
	fuzz_set_options(&g, &later);
	input(&g);
	tcpterm_run(fuzz.stack, fuzz.now);
}

/* --- the connection, from inside --- */

static struct conn *
conn(unsigned side)
{
	struct flow *f;
	uint64_t cursor = 0;

	if (tcpterm_walk(fuzz.stack, &cursor, &f, 1) != 1)
		return NULL;
	if (f->kind == TCPTERM_KIND_RELAY)
		return &relay_of(f)->leg[side];
	return f->kind == TCPTERM_KIND_CONN ? &endpoint_of(f)->c : NULL;
}

static void
check(void)
{
	for (unsigned k = 0; k < 2; k++) {
		const struct conn *c = conn(k);

		if (!c || c->state < TCPTERM_ESTABLISHED)
			continue;
		fuzz_require(c->una >= 0 && c->una <= c->nxt && c->nxt <= c->tx->end + 1);
		fuzz_require(c->rcv.nxt <= c->rcv.adv && c->rx->end == c->rcv.nxt);
		fuzz_require(c->tx->start <= c->una && c->mss > 0 && c->cc.cwnd > 0);
		fuzz_require((uint64_t)c->sent.sacked + c->sent.lost <=
			     (uint64_t)(c->nxt - c->una));
		fuzz_require(c->sent.rexmit <= c->sent.lost);
	}
}

/* --- commands --- */

/* The end sends what comes next, and acknowledges all that it was sent. */
static void
valid(unsigned side, const uint8_t *b)
{
	struct fuzz_seg g = { .side = side,
			      .flags = TCP_ACK | (b[2] & 0x80 ? TCP_FIN : 0),
			      .window = (uint16_t)(b[3] << 8),
			      .seq = nxt[side],
			      .ack = heard[side],
			      .len = b[2] & 0x40 ? b[4] * 5u : 0 };
	struct tcpterm_options o = { .has_ts = agreed.has_ts };

	o.tsval = (uint32_t)(fuzz.now.v / 1000);
	fuzz_set_options(&g, &o);
	nxt[side] += g.len + !!(g.flags & TCP_FIN);
	input(&g);
}

static uint32_t
delta(uint8_t b)
{
	static const uint32_t by[16] = { 0,
					 0,
					 0,
					 1,
					 (uint32_t)-1,
					 2,
					 (uint32_t)-2,
					 100,
					 1460,
					 (uint32_t)-1460,
					 0x7fffffff,
					 0x80000000u,
					 0x80000001u,
					 65535,
					 (uint32_t)-65535,
					 536 };

	return by[b & 15];
}

/* A number of the connection's, as the wire has it, and a little away. */
static uint32_t
number_of(const struct conn *c, uint8_t which, uint8_t by)
{
	const int64_t offs[8] = { c->una,     c->nxt,	  c->una - c->wnd_max, c->wnd_edge,
				  c->rcv.nxt, c->rcv.adv, c->rcv.last_ack,     c->rcv.fin };

	return seq_of(which & 4 ? c->irs : c->iss, offs[which & 7]).v + delta(by);
}

/* SACK blocks of the connection's own numbers. */
static void
sack_blocks(struct fuzz_seg *g, const struct conn *c, const uint8_t *b)
{
	unsigned n = 1 + (b[0] & 3), i;
	uint8_t *o = g->options;
	uint32_t edge;

	*o++ = 1;
	*o++ = 1;
	*o++ = 5;
	*o++ = (uint8_t)(2 + 8 * n + (b[0] & 0x80 ? b[0] >> 4 & 7 : 0));
	for (i = 0; i < 2 * n; i++, o += 4) {
		edge = rte_cpu_to_be_32(number_of(c, b[1 + i % 3] & 3, b[1 + i % 3] >> 4) +
					(i & 1) * 1460u * (b[0] >> 2 & 3));
		memcpy(o, &edge, 4);
	}
	g->opt_len = 4 + 8 * n;
}

static void
crafted(unsigned side, const uint8_t *b)
{
	static const uint16_t lengths[8] = { 0, 0, 1, 2, 100, 536, 1460, 1900 };
	const struct conn *c = conn(side);
	struct fuzz_seg g = { .side = side,
			      .flags = b[2],
			      .window = (uint16_t)(b[3] << 8 | b[4]),
			      .urgent = (uint16_t)(b[5] << 8 | b[4]),
			      .tos = b[5] & 3,
			      .len = lengths[b[6] & 7] };

	if (!c)
		return;
	g.seq = number_of(c, 4 | b[7] >> 4, b[7]);
	g.ack = number_of(c, b[8] >> 4 & 3, b[8]);
	if (b[6] & 0x08) {
		sack_blocks(&g, c, b + 8);
	} else if (b[6] & 0x10) {	/* any bytes at all */
		g.opt_len = 4u * (1 + (b[6] >> 5));
		for (unsigned i = 0; i < g.opt_len; i++)
			g.options[i] = b[9 + i % 3] >> (i / 3 & 3);
	} else if (b[6] & 0x20) {
		struct tcpterm_options o = { .has_ts = true };

		o.tsval = c->rcv.ts_recent + delta(b[9]);
		o.tsecr = delta(b[10]);
		fuzz_set_options(&g, &o);
	}
	input(&g);
}

static void
pass_time(uint8_t b)
{
	static const int64_t us[8] = { 0, 100, 1000, 25000, 200000, 1000000, 20000000, 300000000 };
	usec_t next = tcpterm_next(fuzz.stack);

	if (b & 8 && next.v != USEC_NEVER.v)
		fuzz.now = usec_before(fuzz.now, next) ? next : fuzz.now;
	else
		fuzz.now = usec_add(fuzz.now, us[b & 7]);
	if (!(b & 0x10))	/* else the burst goes on */
		tcpterm_run(fuzz.stack, fuzz.now);
}

static void
command(const uint8_t *b)
{
	unsigned side = relayed && b[0] & 1;

	if (b[0] & 2)
		valid(side, b);
	else
		crafted(side, b);
	pass_time(b[1]);
	if (!(b[1] & 0x10))
		check();
}

static void
start(const uint8_t *choice)
{
	static const struct fuzz_target target = { .filter = filter, .heard = heard_by };
	struct tcpterm_conf conf = { .n_flows = 16,
				     .n_held_max = choice[0] & 1 ? 16 : 0,
				     .keepalive_us = choice[0] & 2 ? 10000000 : 0,
				     .cc = choice[0] & 4 ? "reno" : "cubic" };

	relayed = choice[0] & 8;
	ecn = choice[0] & 0x10;
	tuning = (struct tcpterm_tuning){
		.pace = choice[0] & 0x20,
		.idle_restart = choice[0] & 0x40,
		.mss = choice[0] & 0x80 ? 300 : 0,
	};
	agreed = (struct tcpterm_options){ .has_mss = true,
					   .mss = choice[1] & 1 ? 1460 : 88,
					   .has_ts = choice[1] & 2,
					   .tsval = 1,
					   .sack_permitted = choice[1] & 4,
					   .has_wscale = choice[1] & 8,
					   .wscale = choice[1] >> 4 };
	fuzz_open(&target, &conf);
	handshake();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	if (size < 2)
		return 0;
	start(bytes);
	for (size_t i = 2, n = 0; i + COMMAND <= size && n < MAX_COMMANDS; i += COMMAND, n++)
		command(bytes + i);
	fuzz_close();
	return 0;
}
