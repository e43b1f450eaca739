/*
 * A stack that is shown copies.
 */
#include "tests/unit/copies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include "datapath/captured.h"
#include "tests/unit/eal.h"
#include "tests/unit/lib/put.h"

enum { PERIOD = 65521, HEADERS = 14 + 20 + 20, POOL = 8192 };

struct copies copies;
uint32_t copies_n_ready, copies_n_flows, copies_n_held;

static uint8_t pattern[2][2 * PERIOD];
static struct rte_mempool *payload_pool, *header_pool;

static void
make_pattern(void)
{
	uint64_t r = 88172645463325252ull;
	unsigned d, i;

	for (d = 0; d < 2; d++)
		for (i = 0; i < PERIOD; i++) {
			r ^= r << 13;
			r ^= r >> 7;
			r ^= r << 17;
			pattern[d][i] = pattern[d][i + PERIOD] = (uint8_t)(r >> 24);
		}
}

uint8_t
copies_byte(unsigned d, uint64_t off)
{
	return pattern[d][off % PERIOD];
}

static void
sink_bytes(void *ctx, struct flow *f, unsigned d, uint64_t off, const struct rte_mbuf *m,
	   uint32_t m_off, uint32_t len)
{
	static uint8_t room[65536];
	const uint8_t *b = rte_pktmbuf_read(m, m_off, len, room);
	uint32_t i;

	(void)ctx;
	(void)f;
	copies.dir[d].disorder += off != copies.dir[d].next || !b;
	if (!b)
		return;
	for (i = 0; i < len && off + i < COPIES_HEAD; i++)
		copies.dir[d].head[off + i] = b[i];
	if (memcmp(b, &pattern[d][off % PERIOD], RTE_MIN(len, (uint32_t)PERIOD)) != 0)
		for (i = 0; i < len; i++)
			copies.dir[d].wrong += b[i] != copies_byte(d, off + i);
	copies.dir[d].next = off + len;
	copies.dir[d].bytes += len;
}

static void
sink_gap(void *ctx, struct flow *f, unsigned d, uint64_t off, uint64_t len,
	 enum tcpterm_gap_reason reason)
{
	unsigned i = copies.dir[d].n_gaps++ % COPIES_GAPS;

	(void)ctx;
	(void)f;
	copies.dir[d].disorder += off != copies.dir[d].next || len == 0;
	copies.dir[d].gap[i].off = off;
	copies.dir[d].gap[i].len = len;
	copies.dir[d].gap[i].reason = reason;
	copies.dir[d].gap[i].at = copies.now.v;
	copies.dir[d].next = off + len;
}

static void
sink_conflict(void *ctx, struct flow *f, unsigned d, uint64_t off, uint32_t len, const uint8_t *was,
	      const uint8_t *came, uint32_t shown)
{
	unsigned i = copies.n_conflicts++ % COPIES_CONFLICTS;

	(void)ctx;
	(void)f;
	copies.conflict[i].dir = d;
	copies.conflict[i].off = off;
	copies.conflict[i].len = len;
	copies.conflict[i].shown = shown;
	copies.conflict[i].was = was[0];
	copies.conflict[i].came = came[0];
}

static void
sink_end(void *ctx, struct flow *f, unsigned d, uint64_t off)
{
	(void)ctx;
	(void)f;
	copies.dir[d].n_ends++;
	copies.dir[d].end = off;
	copies.dir[d].disorder += off != copies.dir[d].next;
}

static void
sink_urgent(void *ctx, struct flow *f, unsigned d, uint64_t off, uint8_t byte)
{
	(void)ctx;
	(void)f;
	copies.dir[d].disorder += off != copies.dir[d].next;
	copies.dir[d].urgent[copies.dir[d].n_urgent++ % COPIES_URGENT] = byte;
}

static const struct tcpterm_passive_ops sink = { sink_bytes, sink_gap, sink_conflict, sink_end,
						 sink_urgent };

static void
on_tx(void *ctx, uint16_t domain, uint8_t side, struct rte_mbuf *m)
{
	(void)ctx;
	(void)domain;
	(void)side;
	copies.n_tx++;
	rte_pktmbuf_free(m);
}

static void
on_forward(void *ctx, const struct pkt *p)
{
	(void)ctx;
	copies.n_forwarded++;
	rte_pktmbuf_free(p->m);
}

static struct tcpterm_verdict
verdict(void)
{
	return (struct tcpterm_verdict){
		.decision = copies.decision,
		.window_strict = copies.strict,
		.idle_us = copies.idle_us,
		.overlap = copies.overlap,
		.urgent = copies.urgent,
		.copy = true,
		.cookie = 77,
	};
}

static struct tcpterm_verdict
on_unknown(void *ctx, const struct pkt *p)
{
	(void)ctx;
	(void)p;
	return verdict();
}

static struct tcpterm_verdict
on_syn(void *ctx, const struct tcpterm_syn *syn)
{
	(void)ctx;
	(void)syn;
	return verdict();
}

static void
on_new(void *ctx, struct flow *f)
{
	(void)ctx;
	(void)f;
	copies.n_new++;
}

static void
on_end(void *ctx, struct flow *f)
{
	(void)ctx;
	copies.n_ended++;
	copies.why = (enum tcpterm_end)f->end;
	copies.start = (enum tcpterm_start)f->start;
	copies.ended_at = copies.now.v;
	copies.packets = flow_packets(f, 0) + flow_packets(f, 1);
	tcpterm_flow_info(f, copies.leg);
}

/* What was told of a direction is the other's. */
static void
on_roles(void *ctx, struct flow *f)
{
	(void)ctx;
	for (size_t i = 0; f->roles == TCPTERM_ROLES_CORRECTED && i < sizeof copies.dir[0]; i++)
		RTE_SWAP(((uint8_t *)&copies.dir[0])[i], ((uint8_t *)&copies.dir[1])[i]);
}

static void
make_pools(void)
{
	if (test_eal_init() != 0 || captured_init() != 0)
		abort();
	if (payload_pool)
		return;
	make_pattern();
	payload_pool = rte_pktmbuf_pool_create("copies_payload", POOL, 0, 0, 2048, 0);
	header_pool = rte_pktmbuf_pool_create("copies_header", POOL, 0, 0, 256, 0);
	if (!payload_pool || !header_pool)
		abort();
}

void
copies_begin(const struct tcpterm_passive_conf *conf)
{
	struct tcpterm_listener_conf any = { .select = { .dst_port = { 0, 65535 },
							 .src_port = { 0, 65535 },
							 .any_domain = true },
					     .filter = on_syn };
	tcpterm_listener_id id;
	struct err err;

	make_pools();
	memset(&copies, 0, sizeof copies);
	copies.now.v = 1000000000;
	copies.isn[0] = 0xfffff000;
	copies.isn[1] = 0x12345678;
	copies.window = 0xffff;
	copies.shift = 7;
	copies.client_port = 40000;
	copies.client_mac = 1;
	copies.decision = TCPTERM_PASSIVE;
	copies.ops = (struct tcpterm_ops){ .tx = on_tx,
					   .forward = on_forward,
					   .unknown = on_unknown,
					   .flow_new = on_new,
					   .flow_end = on_end,
					   .roles = on_roles,
					   .passive = &sink };
	copies.conf.ops = &copies.ops;
	copies.conf.payload_pool = payload_pool;
	copies.conf.header_pool = header_pool;
	copies.conf.n_flows = copies_n_flows ? copies_n_flows : 1024;
	copies.conf.n_held_max = copies_n_held;
	copies.conf.n_ready = copies_n_ready;
	if (conf)
		copies.conf.passive = *conf;
	if (team_init(&copies.team, team_size, &copies.conf, 0, true, copies.now, &err) != 0) {
		printf("# %s\n", err.msg);
		abort();
	}
	copies.team.conf[0].trust = copies.team.conf[1].trust = true;
	copies.s = copies.team.stack[0];
	if (team_listen(&copies.team, &any, &id) != 0)
		abort();
}

bool
copies_end(void)
{
	unsigned live;

	team_fini(&copies.team);
	copies.s = NULL;
	live = test_mbufs_live() + rte_mempool_in_use_count(payload_pool) +
	       rte_mempool_in_use_count(header_pool);
	if (live || copies.n_tx || copies.n_forwarded)
		printf("# %u buffers live, %llu frames sent, %llu forwarded\n", live,
		       (unsigned long long)copies.n_tx, (unsigned long long)copies.n_forwarded);
	return live == 0 && copies.n_tx == 0 && copies.n_forwarded == 0;
}

/* Ethernet, IPv4 and TCP headers; the parser is told to trust checksums. */
static void
headers(uint8_t *b, unsigned d, uint16_t flags, uint32_t number, uint32_t ack, uint32_t len,
	uint32_t opt_len)
{
	uint32_t sum = 0, i;

	memset(b, 0, HEADERS);
	b[5] = (uint8_t)(2 - d);
	b[11] = d ? 2 : copies.client_mac;
	put16(b + 12, 0x0800);
	b[14] = 0x45;
	put16(b + 16, 40 + opt_len + len);
	b[22] = 64;
	b[23] = 6;
	put32(b + 26, d ? 0x0a000002 : 0x0b000001 + copies.client);
	put32(b + 30, d ? 0x0b000001 + copies.client : 0x0a000002);
	for (i = 0; i < 20; i += 2)
		sum += (uint32_t)b[14 + i] << 8 | b[15 + i];
	sum = (sum & 0xffff) + (sum >> 16);
	put16(b + 24, ~(sum + (sum >> 16)) & 0xffff);
	put16(b + 34, d ? 80 : copies.client_port);
	put16(b + 36, d ? copies.client_port : 80);
	put32(b + 38, number);
	put32(b + 42, ack);
	b[46] = (uint8_t)((5 + opt_len / 4) << 4);
	b[47] = (uint8_t)flags;
	put16(b + 48, copies.window);
	put16(b + 52, copies.urgent_ptr);
}

static void
show(struct rte_mbuf *m, unsigned d, bool bad_cksum)
{
	struct team *t = &copies.team;
	struct pkt p;

	copies.s = t->stack[team_owner(t, (uint8_t)d, m)];
	if (copies.missed) {
		pkt_parse(&p, m, &t->conf[d]);
		p.m = NULL;
		tcpterm_missed(copies.s, &p, copies.now);
		rte_pktmbuf_free(m);
	} else if (!bad_cksum) {
		team_arrive(t, team_stranger(t, (uint8_t)d, m), (uint8_t)d, m, copies.now);
	} else {
		pkt_parse(&p, m, &t->conf[d]);
		p.cksum_bad = true;
		p.refusal = DROP_tcp_cksum;
		tcpterm_input(copies.s, &p, 1, copies.now);
	}
	if (!copies.gather)
		team_run(t, copies.now);
}

static struct rte_mbuf *
frame_of(const uint8_t *b, uint32_t len)
{
	uint32_t kept = copies.snap && copies.snap < len ? copies.snap : len;
	struct rte_mbuf *m = copies.cut ? test_mbuf_chain(b, kept, copies.cut, copies.cut)
					: test_mbuf(b, kept);

	if (kept < len)
		captured_mark(m, copies.now, len - kept);
	return m;
}

static void
segment(unsigned d, uint16_t flags, int64_t off, int64_t ack, uint32_t len, uint8_t x, bool bad)
{
	static uint8_t b[HEADERS + 16 + 65536];
	const uint32_t scale_len = flags & TCP_SYN && copies.shift != 0xff ? 4 : 0;
	uint32_t opt_len = scale_len + (copies.stamped ? 12 : 0), i;
	uint8_t *payload = b + HEADERS + opt_len;

	headers(b, d, flags, copies.isn[d] + 1 + (uint32_t)off,
		flags & TCP_ACK ? copies.isn[!d] + 1 + (uint32_t)ack : 0, len, opt_len);
	if (scale_len)
		put32(b + HEADERS, 0x01030300u | copies.shift);
	if (copies.stamped) {
		put32(b + HEADERS + scale_len, 0x0101080a);
		put32(b + HEADERS + scale_len + 4, copies.stamp[d]);
		put32(b + HEADERS + scale_len + 8, copies.echo[d]);
	}
	/* A SYN's own number is -1, its bytes begin at 0. */
	memcpy(payload, &pattern[d][(uint64_t)(flags & TCP_SYN ? 0 : off) % PERIOD], len);
	for (i = 0; x && i < len; i++)
		payload[i] ^= x;
	show(frame_of(b, HEADERS + opt_len + len), d, bad);
}

void
copies_segment(unsigned d, uint16_t flags, int64_t off, int64_t ack, uint32_t len)
{
	segment(d, flags, off, ack, len, 0, false);
}

void
copies_altered(unsigned d, uint16_t flags, int64_t off, int64_t ack, uint32_t len, uint8_t x,
	       bool bad_cksum)
{
	segment(d, flags, off, ack, len, x, bad_cksum);
}

void
copies_syn(uint32_t len)
{
	segment(0, TCP_SYN, -1, 0, len, 0, false);
}

void
copies_synack(int64_t ack)
{
	segment(1, TCP_SYN | TCP_ACK, -1, ack, 0, 0, false);
}

void
copies_handshake(void)
{
	copies_syn(0);
	copies_synack(0);
	segment(0, TCP_ACK, 0, 0, 0, 0, false);
}

void
copies_close(int64_t off0, int64_t off1)
{
	segment(0, TCP_FIN | TCP_ACK, off0, off1, 0, 0, false);
	segment(1, TCP_FIN | TCP_ACK, off1, off0 + 1, 0, 0, false);
	segment(0, TCP_ACK, off0 + 1, off1 + 1, 0, 0, false);
}

void
copies_wait(int64_t us)
{
	int64_t until = copies.now.v + us;
	usec_t next;

	while ((next = team_next(&copies.team)).v <= until) {
		copies.now.v = RTE_MAX(copies.now.v, next.v);
		team_run(&copies.team, copies.now);
	}
	copies.now.v = until;
	team_run(&copies.team, copies.now);
}

struct flow *
copies_flow(void)
{
	struct flow *out[16];
	uint64_t cursor = 0;

	do {
		unsigned n = tcpterm_walk(copies.s, &cursor, out, 16), i;

		for (i = 0; i < n; i++)
			if (out[i]->end == TCPTERM_END_NONE)
				return out[i];
	} while (cursor);
	return NULL;
}

const struct tcpterm_stats *
copies_stats(void)
{
	return tcpterm_stats(copies.s);
}
