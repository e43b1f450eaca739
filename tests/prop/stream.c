/*
 * A stream and the reassembly queue before it, against arrays of bytes.
 *
 * Segments of one byte string arrive in any order, overlapping, as chains of any
 * shape; slices are compared with the string, releases move on.  Every mbuf comes back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/checksum.h"
#include "datapath/pool.h"
#include "tcpterm/tcb.h"
#include "tests/unit/eal.h"
#include "tests/unit/tap.h"

enum { N_BYTES = 200000, ROUNDS = 30 };

static struct pools pools;
static struct tcpterm stack;
static struct stream st;
static struct conn c;
static struct flow flow;
static uint8_t bytes[N_BYTES];
static bool here[N_BYTES];		/* the model: arrived, and taken */
static uint64_t rng;
static unsigned n_sums;			/* slices whose sum was known */

static uint32_t
rnd(uint32_t n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (uint32_t)(rng >> 16) % n;
}

static void
start(uint64_t seed)
{
	struct pool_conf conf = { .n_frames = 8191, .n_headers = 8191 };

	printf("# seed %llu\n", (unsigned long long)seed);
	rng = seed * 0x9e3779b97f4a7c15u + 1;
	CU_ASSERT_EQUAL_FATAL(test_eal_init(), 0);
	CU_ASSERT_EQUAL_FATAL(held_register(), 0);
	if (!pools.frames)
		CU_ASSERT_EQUAL_FATAL(pools_new(&pools, &conf, NULL), 0);
	stack = (struct tcpterm){ .conf = { .payload_pool = pools.frames,
					    .header_pool = pools.headers,
					    .n_held_max = 1000000,
					    .rcv_wnd_min = N_BYTES,
					    .rcv_wnd_max = N_BYTES } };
	st = (struct stream){ 0 };
	memset(here, 0, sizeof here);
	for (unsigned i = 0; i < N_BYTES; i++)
		bytes[i] = (uint8_t)(rng >> i % 50 ^ i * 31);
	tcb_init(&c, &stack, &flow, 0);
	c.rx = c.tx = &st;
	c.mss = 1460;
	c.sack_on = true;
	c.rcv.adv = N_BYTES;
}

static void
stop(void)
{
	ooo_clear(&c);
	stream_clear(&stack, &st);
	CU_ASSERT_EQUAL(stack.stats.n_held, 0);
	CU_ASSERT_EQUAL(c.ooo.bytes, 0);
	CU_ASSERT_EQUAL(c.ooo.mbufs, 0);
	CU_ASSERT_EQUAL(pool_in_use(pools.frames), 0);
	CU_ASSERT_EQUAL(pool_in_use(pools.headers), 0);
}

/* [off, off + len) behind `skip` bytes of something else, in pieces. */
static struct rte_mbuf *
chain(int64_t off, uint32_t len, uint32_t skip)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pools.frames), *tail = m;

	memset(rte_pktmbuf_append(m, (uint16_t)skip), 0xee, skip);
	for (uint32_t done = 0; done < len;) {
		uint32_t room = rte_pktmbuf_tailroom(tail), n = 1 + rnd(2000);

		n = RTE_MIN(RTE_MIN(n, room), len - done);
		memcpy(rte_pktmbuf_mtod_offset(tail, uint8_t *, tail->data_len), bytes + off + done,
		       n);
		tail->data_len = (uint16_t)(tail->data_len + n);
		m->pkt_len += n;
		done += n;
		if (done < len) {
			tail->next = rte_pktmbuf_alloc(pools.frames);
			CU_ASSERT_PTR_NOT_NULL_FATAL(tail->next);
			tail = tail->next;
			m->nb_segs++;
		}
	}
	return m;
}

static void
check_slice(int64_t off, uint32_t len)
{
	struct rte_mbuf *m = stream_slice(&stack, &st, off, len);
	static uint8_t copy[N_BYTES];
	uint16_t sum;

	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT_EQUAL_FATAL(m->pkt_len, len);
	CU_ASSERT_EQUAL(rte_mbuf_check(m, 1, &(const char *){ NULL }), 0);
	CU_ASSERT_EQUAL(memcmp(rte_pktmbuf_read(m, 0, len, copy), bytes + off, len), 0);
	stream_copy(&st, off, len, copy);
	CU_ASSERT_EQUAL(memcmp(copy, bytes + off, len), 0);
	if (stream_sum(&st, off, len, &sum)) {
		CU_ASSERT_EQUAL(sum, cksum_mbuf(m, 0, len));
		n_sums++;
	}
	rte_pktmbuf_free(m);
}

/* What arrived: its sum is known where a checksum was verified. */
static void
append(uint32_t len, uint32_t skip)
{
	struct rte_mbuf *m = chain(st.end, len, skip);
	struct part part = { .m_off = skip, .len = len, .summed = rnd(2) };

	if (part.summed)
		part.sum = cksum_mbuf(m, skip, len);
	stream_append(&stack, &st, m, part);
}

/* What goes as one ends where a frame's payload does, or tears none that could go whole. */
static void
check_whole(int64_t off, uint32_t most)
{
	int64_t end = off + stream_whole(&st, off, most);
	const struct held *h = held(st.head);

	CU_ASSERT(end > off && end <= off + most);
	while (h->off + h->part.len <= end && h->next)
		h = held(h->next);
	if (end < off + most) {
		CU_ASSERT_EQUAL(h->off, end);
		CU_ASSERT(!h->part.compact && h->part.len >= most / 2);
		CU_ASSERT(end + h->part.len > off + most);
	} else {
		CU_ASSERT(h->off >= end || h->off <= off || h->part.compact ||
			  h->part.len < most / 2 || end == st.end);
	}
}

static void
slice_or_release(void)
{
	uint32_t held_now = stream_len(&st);
	int64_t off;

	if (held_now == 0)
		return;
	off = st.start + rnd(held_now);
	check_slice(off, 1 + rnd(RTE_MIN((uint32_t)(st.end - off), 9000u)));
	check_slice(held(st.tail)->off, held(st.tail)->part.len);	/* as it came */
	check_whole(off, 1 + rnd(RTE_MIN((uint32_t)(st.end - off), 3000u)));
	if (rnd(3) == 0)
		stream_release(&stack, &st, off);
}

static void
appended_bytes_are_those_that_leave(void)
{
	for (unsigned round = 1; round <= ROUNDS; round++) {
		start(round);
		while (st.end < N_BYTES) {
			uint32_t len = 1 + rnd(rnd(4) ? 1460 : rnd(2) ? 60 : 20000), skip = rnd(80);

			len = (uint32_t)RTE_MIN((int64_t)len, N_BYTES - st.end);
			if (rnd(5) == 0)
				stream_write(&stack, &st, bytes + st.end, len);
			else
				append(len, skip);
			slice_or_release();
			if (stream_len(&st) > 100000)
				stream_release(&stack, &st, st.end - (int64_t)rnd(50000));
		}
		if (stream_len(&st) > 0)
			check_slice(st.start, stream_len(&st));
		stop();
	}
	CU_ASSERT_TRUE(n_sums > 100);
}

static void
deliver(int64_t off, uint32_t len, bool fin)
{
	uint32_t skip = rnd(80);
	struct pkt p = { .m = chain(off, len, skip),
			 .payload = (uint16_t)skip,
			 .payload_len = len,
			 .flags = fin ? TCP_FIN : 0 };

	receive_segment(&c, &p, off);
	memset(here + off, true, len);
}

static int64_t
first_missing(void)
{
	const bool *at = memchr(here, false, N_BYTES);

	return at ? at - here : N_BYTES;
}

/* The duplicate that is told first (RFC 2883 4) is of bytes that were here before. */
static void
check_duplicate(int64_t off, int64_t end, bool twice)
{
	struct tcpterm_options o;

	CU_ASSERT_EQUAL(c.ooo.has_dup, twice);
	if (c.ooo.has_dup) {
		ooo_sack(&c, 4, &o);
		CU_ASSERT(o.sack[0].left - 1 >= off && o.sack[0].right - 1 <= end);
		CU_ASSERT(o.sack[0].left < o.sack[0].right);
	}
	ooo_told(&c);
}

/* Every SACK block is of bytes that arrived, beyond the first hole, and not two of one block. */
static void
check_sack(void)
{
	struct tcpterm_options o;
	unsigned n = ooo_sack(&c, 4, &o);

	CU_ASSERT_EQUAL(n > 0, c.ooo.bytes > 0);
	for (unsigned i = 0; i < n; i++) {
		int64_t left = o.sack[i].left - 1, right = o.sack[i].right - 1;

		CU_ASSERT_FATAL(left > c.rcv.nxt && right > left && right <= N_BYTES);
		CU_ASSERT_PTR_NULL(memchr(here + left, false, (size_t)(right - left)));
		CU_ASSERT_FALSE(here[left - 1]);
		CU_ASSERT(right == N_BYTES || !here[right]);
	}
}

static void
segments_in_any_order_are_put_together(void)
{
	for (unsigned round = 1; round <= ROUNDS; round++) {
		start(round + 1000);
		while (first_missing() < N_BYTES) {
			int64_t missing = first_missing();
			int64_t off =
				missing + (int64_t)rnd(rnd(3) ? 20000 : 200) - (int64_t)rnd(3000);
			uint32_t len = 1 + rnd(rnd(2) ? 1460 : 4000);
			bool twice;

			off = rnd(4) == 0 ? missing : RTE_MAX(RTE_MIN(off, N_BYTES - 1), 0);
			len = (uint32_t)RTE_MIN((int64_t)len, N_BYTES - off);
			twice = memchr(here + off, true, len) != NULL;
			deliver(off, len, off + len == N_BYTES);
			check_duplicate(off, off + len, twice);
			CU_ASSERT_EQUAL(c.rcv.nxt, first_missing());
			CU_ASSERT_EQUAL(st.end, c.rcv.nxt);
			check_sack();
			slice_or_release();
			if (stream_len(&st) > 100000)
				stream_release(&stack, &st, st.end - 1000);
		}
		CU_ASSERT_TRUE(st.fin);
		CU_ASSERT_EQUAL(c.ooo.bytes, 0);
		if (stream_len(&st) > 0)
			check_slice(st.start, stream_len(&st));
		stop();
	}
}

TAP_MAIN(stream, TAP_TEST(appended_bytes_are_those_that_leave),
	 TAP_TEST(segments_in_any_order_are_put_together))
