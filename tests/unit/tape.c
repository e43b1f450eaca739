/*
 * Flows' frames, kept or dropped when the flow is over; kept files are read by libpcap.
 */
#include "tcpterm/tape.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/pcapng.h"
#include "tests/unit/lib/ends.h"
#include "tests/unit/tap.h"

enum { FILE_MAX = 4 << 20, UNIX_S = 1700000000 };

static struct ends e;
static const struct ends_conf plain = { .accept = true, .wscale = -1 };

/* What a kept capture wrote. */
static struct {
	uint8_t b[FILE_MAX];
	size_t len, room;
	unsigned n_writes;
} file;

static int
keep_bytes(void *ctx, const void *bytes, size_t len)
{
	(void)ctx;
	file.n_writes++;
	if (file.len + len > file.room)
		return -ENOSPC;
	memcpy(file.b + file.len, bytes, len);
	file.len += len;
	return 0;
}

/* An established connection of a stack with room for captures, and the capture of it. */
static struct tcpterm_capture *
begin(const struct tcpterm_captures_conf *conf, uint32_t snaplen, uint64_t max_bytes)
{
	struct tcpterm_capture *c;

	ends_init(&e, &plain, false);
	CU_ASSERT_EQUAL_FATAL(tcpterm_captures(e.stack, conf), 0);
	CU_ASSERT_EQUAL(tcpterm_captures(e.stack, conf), -EALREADY);
	ends_handshake(&e);
	CU_ASSERT_PTR_NULL(tcpterm_capture_of(e.stack, ends_flow(&e)));
	c = tcpterm_capture(e.stack, ends_flow(&e), snaplen, max_bytes);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	CU_ASSERT_PTR_EQUAL(tcpterm_capture_of(e.stack, ends_flow(&e)), c);
	CU_ASSERT_PTR_NULL(tcpterm_capture(e.stack, ends_flow(&e), 0, 0));
	e.n_out = 0;
	file.len = file.n_writes = 0;
	file.room = FILE_MAX;
	return c;
}

/* The client sends `n` segments, 1 ms apart, each acknowledged within it. */
static void
talk(unsigned n, uint32_t len)
{
	for (unsigned i = 0; i < n; i++) {
		const struct ends_seg g = { .seq = (int64_t)i * len, .len = len, .pieces = 3 };
		uint8_t room[4096];

		ends_send(&e, 0, &g);
		while (tcpterm_read(e.stack, ends_flow(&e), room, sizeof room) > 0)
			;
		ends_run(&e, 1000);
	}
}

static struct tcpterm_capture_info
info_of(const struct tcpterm_capture *c)
{
	struct tcpterm_capture_info info;

	tcpterm_capture_info(c, &info);
	return info;
}

/* --- the file, as libpcap reads it --- */

struct seen {
	unsigned n_up, n_down, n_cut;
	int64_t first, last;	/* us since UNIX_S */
};

static struct seen
read_back(void)
{
	static char text[PCAP_ERRBUF_SIZE];
	FILE *f = fmemopen(file.b, file.len, "rb");
	pcap_t *p = f ? pcap_fopen_offline(f, text) : NULL;
	struct seen s = { .first = -1 };
	struct pcap_pkthdr *h;
	const u_char *b;
	int rc;

	if (!p)
		printf("# %s\n", text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	while ((rc = pcap_next_ex(p, &h, &b)) == 1) {
		s.last = (h->ts.tv_sec - UNIX_S) * 1000000LL + h->ts.tv_usec;
		s.first = s.first < 0 ? s.last : s.first;
		s.n_cut += h->caplen < h->len;
		if (h->caplen >= 30 && b[29] == 7)	/* from 192.0.2.7 */
			s.n_up++;
		else
			s.n_down++;
	}
	CU_ASSERT_EQUAL(rc, PCAP_ERROR_BREAK);
	pcap_close(p);
	return s;
}

static void
kept_capture_has_both_directions_at_their_times(void)
{
	const struct tcpterm_captures_conf conf = { .unix_us = UNIX_S * 1000000LL };
	struct tcpterm_capture *c = begin(&conf, 0, 0);
	int64_t began = e.now.v;
	struct seen s;

	talk(100, 1400);
	CU_ASSERT_EQUAL(info_of(c).frames, 100 + e.n_out);
	CU_ASSERT_TRUE(e.n_out >= 50);
	CU_ASSERT_EQUAL(info_of(c).lost, 0);
	CU_ASSERT_EQUAL(tcpterm_capture_keep(e.stack, c, keep_bytes, NULL), 0);
	s = read_back();
	CU_ASSERT_EQUAL(s.n_up, 100);
	CU_ASSERT_EQUAL(s.n_down, e.n_out);
	CU_ASSERT_EQUAL(s.n_cut, 0);
	CU_ASSERT_EQUAL(s.first, began);
	CU_ASSERT_TRUE(s.last >= began + 99 * 1000);
	CU_ASSERT_TRUE(s.last < began + 100 * 1000);
	CU_ASSERT_PTR_NULL(tcpterm_capture_of(e.stack, ends_flow(&e)));
	ends_fini(&e);
}

/* The room for frames is as it was: another capture as large fits, again and again. */
static void
dropped_capture_leaves_nothing(void)
{
	const struct tcpterm_captures_conf conf = { .n_bytes = 256 << 10, .n_captures = 1 };
	struct tcpterm_capture *c = begin(&conf, 0, 0);

	for (unsigned i = 0; i < 20; i++) {
		talk(100, 1400);	/* 100 in all the first time, then they come again */
		CU_ASSERT_TRUE(info_of(c).frames >= 100);
		CU_ASSERT_EQUAL(info_of(c).lost, 0);
		tcpterm_capture_drop(e.stack, c);
		CU_ASSERT_PTR_NULL(tcpterm_capture_of(e.stack, ends_flow(&e)));
		c = tcpterm_capture(e.stack, ends_flow(&e), 0, 0);
		CU_ASSERT_PTR_NOT_NULL_FATAL(c);
		CU_ASSERT_EQUAL(info_of(c).bytes, 0);
	}
	CU_ASSERT_EQUAL(file.n_writes, 0);
	ends_fini(&e);
}

static void
memory_is_bounded_and_what_it_does_not_take_is_counted(void)
{
	const struct tcpterm_captures_conf small = { .n_bytes = 32 << 10 }, large = { 0 };
	struct tcpterm_capture_info info;
	struct tcpterm_capture *c;

	for (unsigned i = 0; i < 2; i++) {
		c = i ? begin(&large, 0, 20000) : begin(&small, 0, 0);
		talk(100, 1400);
		info = info_of(c);
		CU_ASSERT_TRUE(info.bytes <= (i ? 20000u : 34u << 10));
		CU_ASSERT_TRUE(info.bytes >= (i ? 18000u : 30u << 10));
		CU_ASSERT_EQUAL(info.frames + info.lost, 100 + e.n_out);
		CU_ASSERT_TRUE(info.lost > 0);
		CU_ASSERT_EQUAL(tcpterm_capture_keep(e.stack, c, keep_bytes, NULL), 0);
		CU_ASSERT_EQUAL(read_back().n_up + read_back().n_down, info.frames);
		ends_fini(&e);
	}
}

static void
frames_are_cut_at_the_snap_length(void)
{
	const struct tcpterm_captures_conf conf = { .unix_us = UNIX_S * 1000000LL };
	struct tcpterm_capture *c = begin(&conf, 60, 0);

	talk(50, 1400);
	CU_ASSERT_EQUAL(tcpterm_capture_keep(e.stack, c, keep_bytes, NULL), 0);
	CU_ASSERT_EQUAL(read_back().n_cut, 50);
	CU_ASSERT_EQUAL(read_back().n_up, 50);
	ends_fini(&e);
}

/* A full disk: the capture is still there, and may be written elsewhere. */
static void
refused_write_leaves_the_capture(void)
{
	const struct tcpterm_captures_conf conf = { 0 };
	struct tcpterm_capture *c = begin(&conf, 0, 0);

	talk(10, 1400);
	for (file.room = 0; file.room < 9000; file.room += 97) {
		file.len = 0;
		CU_ASSERT_EQUAL(tcpterm_capture_keep(e.stack, c, keep_bytes, NULL), -ENOSPC);
	}
	file.room = FILE_MAX;
	file.len = 0;
	CU_ASSERT_EQUAL(tcpterm_capture_keep(e.stack, c, keep_bytes, NULL), 0);
	CU_ASSERT_EQUAL(read_back().n_up, 10);
	ends_fini(&e);
}

static void
capture_outlives_its_flow(void)
{
	const struct tcpterm_captures_conf conf = { 0 };
	struct tcpterm_capture *c = begin(&conf, 0, 0), *other;

	talk(3, 100);
	tcpterm_abort(e.stack, ends_flow(&e));
	CU_ASSERT_PTR_NULL(ends_flow(&e));
	CU_ASSERT_EQUAL(info_of(c).frames, 3 + e.n_out);	/* the RST too */
	/* a new flow in the same place has a capture of its own */
	e.client_port++;
	ends_handshake(&e);
	CU_ASSERT_PTR_NULL(tcpterm_capture_of(e.stack, ends_flow(&e)));
	other = tcpterm_capture(e.stack, ends_flow(&e), 0, 0);
	CU_ASSERT_PTR_NOT_NULL(other);
	CU_ASSERT_EQUAL(info_of(other).frames, 0);
	CU_ASSERT_EQUAL(tcpterm_capture_keep(e.stack, c, keep_bytes, NULL), 0);
	CU_ASSERT_EQUAL(read_back().n_up, 3);
	ends_fini(&e);	/* and what was not decided goes with the stack */
}

static void
stack_without_room_captures_nothing(void)
{
	ends_init(&e, &plain, true);
	CU_ASSERT_PTR_NULL(tcpterm_capture(e.stack, ends_flow(&e), 0, 0));
	CU_ASSERT_PTR_NULL(tcpterm_capture_of(e.stack, ends_flow(&e)));
	ends_fini(&e);
}

TAP_MAIN(tape, TAP_TEST(kept_capture_has_both_directions_at_their_times),
	 TAP_TEST(dropped_capture_leaves_nothing),
	 TAP_TEST(memory_is_bounded_and_what_it_does_not_take_is_counted),
	 TAP_TEST(frames_are_cut_at_the_snap_length), TAP_TEST(refused_write_leaves_the_capture),
	 TAP_TEST(capture_outlives_its_flow), TAP_TEST(stack_without_room_captures_nothing))
