/*
 * port_ring.c - ports, over the kind that needs no device.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "datapath/port.h"
#include "tests/unit/eal.h"
#include "tests/unit/frame.h"
#include "tests/unit/tap.h"

static struct err err;

static struct port_conf
conf(const char *name, const char *spec)
{
	return (struct port_conf){ .name = name, .spec = spec, .n_queues = 1, .n_desc = 64 };
}

static struct port *
open_port(const struct port_conf *c)
{
	struct port *p;

	CU_ASSERT_EQUAL_FATAL(test_eal_init(), 0);
	p = port_new(c, &err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL_FATAL(port_open(p, &err), 0);
	return p;
}

struct two {
	struct port *a, *b;
	struct drops drops;
};

static struct two
open_two(const char *spec)
{
	struct port_conf ca = conf("a", spec), cb = conf("b", spec);
	struct two t = { 0 };

	t.a = open_port(&ca);
	t.b = open_port(&cb);
	return t;
}

static void
close_two(struct two *t)
{
	port_free(t->a);
	port_free(t->b);
	CU_ASSERT_EQUAL(test_mbufs_live(), 0);
}

static void
mbuf_crosses_by_address_with_its_flags(void)
{
	struct two t = open_two("ring:cross");
	struct rte_mbuf *sent = test_mbuf_chain("payload", 7, 3), *got[PORT_BURST];
	struct rte_mbuf *second = sent->next;

	sent->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_NONE;
	sent->tso_segsz = 1400;
	port_tx(t.a, 0, &sent, 1, &t.drops);
	CU_ASSERT_EQUAL_FATAL(port_rx(t.b, 0, got, &t.drops), 1);
	CU_ASSERT_PTR_EQUAL(got[0], sent);
	CU_ASSERT_PTR_EQUAL(got[0]->next, second);
	CU_ASSERT_TRUE((got[0]->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) ==
		       RTE_MBUF_F_RX_L4_CKSUM_NONE);
	CU_ASSERT_EQUAL(got[0]->tso_segsz, 1400);
	CU_ASSERT_EQUAL(port_rx(t.a, 0, got + 1, &t.drops), 0);
	rte_pktmbuf_free(got[0]);
	close_two(&t);
}

static void
link_is_up_while_both_ends_are_open(void)
{
	struct port_conf ca = conf("a", "ring:link"), cb = conf("b", "ring:link");
	struct port *a = open_port(&ca), *b;
	struct drops drops = { { 0 } };
	struct rte_mbuf *m = test_mbuf("x", 1);

	CU_ASSERT_EQUAL(port_state(a), PORT_DOWN);
	port_tx(a, 0, &m, 1, &drops);
	CU_ASSERT_EQUAL(drops.n[DROP_tx_link_down], 1);
	CU_ASSERT_EQUAL(test_mbufs_live(), 0);
	b = open_port(&cb);
	CU_ASSERT_EQUAL(port_state(a), PORT_UP);
	CU_ASSERT_EQUAL(port_state(b), PORT_UP);
	port_close(b);
	CU_ASSERT_EQUAL(port_state(a), PORT_DOWN);
	CU_ASSERT_EQUAL(port_poll_link(a), PORT_DOWN);
	CU_ASSERT_EQUAL_FATAL(port_open(b, &err), 0);
	CU_ASSERT_EQUAL(port_poll_link(a), PORT_UP);
	port_free(b);
	port_free(a);
}

static void
full_ring_frees_and_counts_what_it_does_not_take(void)
{
	struct two t = open_two("ring:full");
	struct rte_mbuf *m[100], *got[PORT_BURST];
	struct port_stats s;
	unsigned i, n = 0, k;

	for (i = 0; i < 100; i++)
		m[i] = test_mbuf("0123456789", 10);
	port_tx(t.a, 0, m, 100, &t.drops);
	CU_ASSERT_EQUAL(t.drops.n[DROP_tx_full], 36);
	CU_ASSERT_EQUAL(test_mbufs_live(), 64);
	port_get_stats(t.a, &s);
	CU_ASSERT_EQUAL(s.tx_frames, 64);
	CU_ASSERT_EQUAL(s.tx_bytes, 640);
	while ((k = port_rx(t.b, 0, got, &t.drops)) > 0) {
		n += k;
		rte_pktmbuf_free_bulk(got, k);
	}
	CU_ASSERT_EQUAL(n, 64);
	port_get_stats(t.b, &s);
	CU_ASSERT_EQUAL(s.rx_frames, 64);
	CU_ASSERT_EQUAL(s.rx_bytes, 640);
	close_two(&t);
}

static void
frames_captive_in_a_closed_ring_are_freed(void)
{
	struct two t = open_two("ring:captive");
	struct rte_mbuf *m = test_mbuf("x", 1);

	port_tx(t.a, 0, &m, 1, &t.drops);
	port_close(t.b);
	CU_ASSERT_EQUAL(test_mbufs_live(), 0);
	close_two(&t);
}

static void
queues_are_apart(void)
{
	struct port_conf ca = conf("a", "ring:queues"), cb = conf("b", "ring:queues");
	struct rte_mbuf *m = test_mbuf("x", 1), *got[PORT_BURST];
	struct two t = { 0 };

	ca.n_queues = cb.n_queues = 2;
	t.a = open_port(&ca);
	t.b = open_port(&cb);
	port_tx(t.a, 1, &m, 1, &t.drops);
	CU_ASSERT_EQUAL(port_rx(t.b, 0, got, &t.drops), 0);
	CU_ASSERT_EQUAL(port_rx(t.b, 1, got, &t.drops), 1);
	CU_ASSERT_EQUAL(port_rx(t.b, 2, got + 1, &t.drops), 0);
	rte_pktmbuf_free(got[0]);
	close_two(&t);
}

static void
third_end_of_a_ring_is_refused(void)
{
	struct two t = open_two("ring:three");
	struct port_conf c = conf("c", "ring:three");
	struct port *p = port_new(&c, &err);

	CU_ASSERT_NOT_EQUAL(port_open(p, &err), 0);
	CU_ASSERT_STRING_EQUAL(err.msg, "ring:three has two ends already");
	CU_ASSERT_EQUAL(port_state(p), PORT_FAILED);
	port_free(p);
	close_two(&t);
}

static void
unknown_spec_is_refused_with_the_known_ones(void)
{
	struct port_conf c = conf("x", "tape:1");

	CU_ASSERT_PTR_NULL(port_new(&c, &err));
	CU_ASSERT_STRING_EQUAL(err.msg, "port x: 'tape:1' is no port: vhost:PATH, pcap:IN[,OUT], "
					"afpacket:IFNAME or ring:NAME");
}

/* Sends `n` numbered frames of `len` payload bytes through a lossy end; returns a
 * bit for each that arrived. */
static uint64_t
arrivals(uint64_t seed, const char *log, unsigned n)
{
	static struct frame f;
	struct port_conf ca = conf("a", "ring:lossy"), cb = conf("b", "ring:lossy");
	struct rte_mbuf *m, *got[PORT_BURST];
	uint64_t bits = 0;
	struct two t = { 0 };
	unsigned i;

	cb.fault = (struct port_fault){ .loss_ppm = 300000, .seed = seed, .log = log };
	cb.parse.domain = 5;
	t.a = open_port(&ca);
	t.b = open_port(&cb);
	for (i = 0; i < n; i++) {
		frame_init(&f);
		frame_ether(&f, 0);
		frame_ip4(&f, "10.0.0.1", "10.0.0.2", 6, NULL, 0);
		frame_tcp(&f, 1000, 80, i, 0, TCP_ACK, 100, NULL, 0);
		frame_fill(&f, 9);
		frame_end(&f);
		m = frame_mbuf(&f);
		port_tx(t.a, 0, &m, 1, &t.drops);
		if (port_rx(t.b, 0, got, &t.drops) == 1) {
			bits |= 1ull << i;
			rte_pktmbuf_free(got[0]);
		}
	}
	CU_ASSERT_EQUAL(t.drops.n[DROP_rx_fault] + __builtin_popcountll(bits), n);
	close_two(&t);
	return bits;
}

static void
loss_is_repeated_by_its_seed(void)
{
	uint64_t a = arrivals(1, NULL, 64);

	CU_ASSERT_EQUAL(a, arrivals(1, NULL, 64));
	CU_ASSERT_NOT_EQUAL(a, arrivals(2, NULL, 64));
	CU_ASSERT_TRUE(__builtin_popcountll(a) > 30 && __builtin_popcountll(a) < 60);
}

/* Sends `n` frames through the pair; a bit for each that arrived. */
static uint64_t
pass_some(struct two *t, unsigned n)
{
	static const uint8_t bytes[60];
	struct rte_mbuf *m, *got[PORT_BURST];
	uint64_t bits = 0;
	unsigned i;

	for (i = 0; i < n; i++) {
		m = test_mbuf(bytes, sizeof bytes);
		port_tx(t->a, 0, &m, 1, &t->drops);
		if (port_rx(t->b, 0, got, &t->drops) == 1) {
			bits |= 1ull << i;
			rte_pktmbuf_free(got[0]);
		}
	}
	return bits;
}

static void
loss_is_set_and_ended_while_frames_pass(void)
{
	struct two t = open_two("ring:lossy-later");
	uint32_t loss_ppm;
	uint64_t first, seed;

	CU_ASSERT_EQUAL(pass_some(&t, 32), 0xffffffff);
	port_set_fault(t.b, 300000, 1);
	port_get_fault(t.b, &loss_ppm, &seed);
	CU_ASSERT_EQUAL(loss_ppm, 300000);
	CU_ASSERT_EQUAL(seed, 1);
	first = pass_some(&t, 64);
	CU_ASSERT_EQUAL(first, arrivals(1, NULL, 64));
	port_set_fault(t.b, 300000, 1);
	CU_ASSERT_EQUAL(pass_some(&t, 64), first);
	port_set_fault(t.b, 0, 1);
	CU_ASSERT_EQUAL(pass_some(&t, 32), 0xffffffff);
	close_two(&t);
}

static void
lost_frames_are_logged_a_line_each(void)
{
	char path[] = "/tmp/leat-fault-XXXXXX", line[256], expected[256];
	uint64_t bits;
	long long us;
	int fd = mkstemp(path), at;
	unsigned i;
	FILE *log;

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	close(fd);
	bits = arrivals(3, path, 64);
	log = fopen(path, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(log);
	for (i = 0; i < 64; i++) {
		if (bits >> i & 1)
			continue;
		CU_ASSERT_PTR_NOT_NULL_FATAL(fgets(line, sizeof line, log));
		CU_ASSERT_EQUAL(sscanf(line, "us=%lld %n", &us, &at), 1);
		snprintf(expected, sizeof expected,
			 "domain=5 side=0 src=10.0.0.1 sport=1000 dst=10.0.0.2 dport=80"
			 " seq=%u len=9 flags=0x10\n",
			 i);
		CU_ASSERT_STRING_EQUAL(line + at, expected);
	}
	CU_ASSERT_PTR_NULL(fgets(line, sizeof line, log));
	fclose(log);
	unlink(path);
}

TAP_MAIN(port_ring, TAP_TEST(mbuf_crosses_by_address_with_its_flags),
	 TAP_TEST(link_is_up_while_both_ends_are_open),
	 TAP_TEST(full_ring_frees_and_counts_what_it_does_not_take),
	 TAP_TEST(frames_captive_in_a_closed_ring_are_freed), TAP_TEST(queues_are_apart),
	 TAP_TEST(third_end_of_a_ring_is_refused),
	 TAP_TEST(unknown_spec_is_refused_with_the_known_ones),
	 TAP_TEST(loss_is_repeated_by_its_seed), TAP_TEST(loss_is_set_and_ended_while_frames_pass),
	 TAP_TEST(lost_frames_are_logged_a_line_each))
