/*
 * port_pcap.c - captures in and out, through DPDK's own device.
 */
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_mbuf.h>

#include "datapath/port.h"
#include "tests/unit/eal.h"
#include "tests/unit/tap.h"

static struct err err;
static struct rte_mempool *pool;
static char dir[] = "/tmp/leat-pcap-XXXXXX", in[64], out[64];

static void
set_up(void)
{
	CU_ASSERT_EQUAL_FATAL(test_eal_init(), 0);
	if (!pool) {
		pool = rte_pktmbuf_pool_create("rx", 1023, 0, 0, 2176, SOCKET_ID_ANY);
		CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
		snprintf(in, sizeof in, "%s/in.pcap", dir);
		snprintf(out, sizeof out, "%s/out.pcap", dir);
	}
	CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
}

static int link_type = DLT_EN10MB;

/* Frame i is 60 + i bytes of value i, captured at 1000 s + i us. */
static void
write_capture(unsigned n)
{
	pcap_t *dead = pcap_open_dead(link_type, 65535);
	pcap_dumper_t *d = pcap_dump_open(dead, in);
	uint8_t bytes[256];
	unsigned i;

	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	for (i = 0; i < n; i++) {
		struct pcap_pkthdr h = { .ts = { 1000, i }, .caplen = 60 + i, .len = 60 + i };

		memset(bytes, (int)i, sizeof bytes);
		pcap_dump((u_char *)d, &h, bytes);
	}
	pcap_dump_close(d);
	pcap_close(dead);
}

static struct port *
open_pcap(const char *spec)
{
	struct port_conf c = { .name = "cap", .spec = spec, .n_queues = 2, .pool = pool };
	struct port *p = port_new(&c, &err);

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL_FATAL(port_open(p, &err), 0);
	return p;
}

static void
capture_is_received_with_its_times_to_its_end(void)
{
	struct rte_mbuf *m[PORT_BURST];
	struct drops drops = { { 0 } };
	char spec[128];
	unsigned i, n, seen = 0;
	struct port *p;
	usec_t t;

	set_up();
	write_capture(100);
	snprintf(spec, sizeof spec, "pcap:%s", in);
	p = open_pcap(spec);
	CU_ASSERT_EQUAL(port_state(p), PORT_UP);
	CU_ASSERT_EQUAL(port_rx(p, 1, m, &drops), 0);
	while (!port_at_end(p)) {
		n = port_rx(p, 0, m, &drops);
		for (i = 0; i < n; i++, seen++) {
			CU_ASSERT_EQUAL(m[i]->pkt_len, 60 + seen);
			CU_ASSERT_EQUAL(*rte_pktmbuf_mtod(m[i], uint8_t *), seen);
			CU_ASSERT_TRUE(port_rx_timestamp(m[i], &t));
			CU_ASSERT_EQUAL(t.v, 1000000000 + seen);
			rte_pktmbuf_free(m[i]);
		}
	}
	CU_ASSERT_EQUAL(seen, 100);
	CU_ASSERT_EQUAL(port_rx_fd(p, 0), -1);
	port_free(p);
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(pool), 0);
}

static void
frame_that_was_not_captured_has_no_time(void)
{
	struct rte_mbuf *m = test_mbuf("x", 1);
	usec_t t;

	CU_ASSERT_FALSE(port_rx_timestamp(m, &t));
	rte_pktmbuf_free(m);
}

static void
chain_is_written_as_one_frame(void)
{
	struct rte_mbuf *m =
		test_mbuf_chain("the bytes of a frame, in three pieces, and enough", 50, 7, 20);
	char spec[160], text[PCAP_ERRBUF_SIZE];
	struct drops drops = { { 0 } };
	struct pcap_pkthdr *h;
	const u_char *bytes;
	struct port *p;
	pcap_t *f;

	set_up();
	write_capture(1);
	snprintf(spec, sizeof spec, "pcap:%s,%s", in, out);
	p = open_pcap(spec);
	port_tx(p, 0, &m, 1, &drops);
	port_free(p);
	CU_ASSERT_EQUAL(test_mbufs_live(), 0);
	f = pcap_open_offline(out, text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL_FATAL(pcap_next_ex(f, &h, &bytes), 1);
	CU_ASSERT_EQUAL(h->caplen, 50);
	CU_ASSERT_EQUAL(memcmp(bytes, "the bytes of a frame, in three pieces, and enough", 50), 0);
	CU_ASSERT_EQUAL(pcap_next_ex(f, &h, &bytes), PCAP_ERROR_BREAK);
	pcap_close(f);
	unlink(in);
	unlink(out);
	rmdir(dir);
}

static void
expect_refusal(int type)
{
	char spec[128], want[256];
	struct port_conf c = { .name = "cap", .spec = spec, .n_queues = 1, .pool = pool };
	struct port *p;

	snprintf(spec, sizeof spec, "pcap:%s", in);
	snprintf(want, sizeof want, "port cap: %s has frames of link type %d,", in, type);
	p = port_new(&c, &err);
	CU_ASSERT_NOT_EQUAL(port_open(p, &err), 0);
	CU_ASSERT_NSTRING_EQUAL(err.msg, want, strlen(want));
	port_free(p);
}

/* A section, and an interface of link type 101. */
static void
write_pcapng(bool swapped)
{
	const uint32_t le[] = { 0x0a0d0d0a, 28, 0x1a2b3c4d, 1, ~0u, ~0u, 28, 1, 20, 101, 0, 20 };
	FILE *f = fopen(in, "w");
	unsigned i;

	for (i = 0; i < sizeof le / sizeof le[0]; i++) {
		uint32_t v = swapped ? __builtin_bswap32(i == 9 ? 101u << 16 : le[i]) : le[i];

		fwrite(&v, sizeof v, 1, f);
	}
	fclose(f);
}

static void
capture_of_other_links_is_refused(void)
{
	set_up();
	link_type = DLT_RAW;
	write_capture(3);
	link_type = DLT_EN10MB;
	expect_refusal(101);
	write_pcapng(false);
	expect_refusal(101);
	write_pcapng(true);
	expect_refusal(101);
	unlink(in);
}

static void
missing_capture_is_named(void)
{
	struct port_conf c = { .name = "cap", .spec = "pcap:/nowhere/x.pcap", .n_queues = 1 };
	struct port *p = port_new(&c, &err);

	CU_ASSERT_NOT_EQUAL(port_open(p, &err), 0);
	CU_ASSERT_STRING_EQUAL(err.msg, "port cap: /nowhere/x.pcap: No such file or directory");
	CU_ASSERT_EQUAL(port_state(p), PORT_FAILED);
	port_free(p);
}

TAP_MAIN(port_pcap, TAP_TEST(capture_is_received_with_its_times_to_its_end),
	 TAP_TEST(frame_that_was_not_captured_has_no_time),
	 TAP_TEST(capture_of_other_links_is_refused), TAP_TEST(chain_is_written_as_one_frame),
	 TAP_TEST(missing_capture_is_named))
