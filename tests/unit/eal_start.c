/*
 * eal_start.c - starting DPDK, and what is said when it can't be.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_log.h>

#include "datapath/clock.h"
#include "datapath/eal.h"
#include "datapath/pool.h"
#include "tests/unit/tap.h"

static struct err err;
static char last_line[512];
static int last_level;

static void
note(void *arg, int level, const char *line)
{
	CU_ASSERT_PTR_EQUAL(arg, last_line);
	snprintf(last_line, sizeof last_line, "%s", line);
	last_level = level;
}

static void
too_few_hugepages_are_said_with_the_command_that_helps(void)
{
	struct eal_conf c = { .name = "test", .mem_mb = 1u << 24 };
	unsigned need, have, n_free, n_all, advice;

	CU_ASSERT_EQUAL(eal_start(&c, &err), -ENOMEM);
	CU_ASSERT_EQUAL_FATAL(sscanf(err.msg,
				     "%u MB of hugepages are needed and %u MB are free "
				     "(%u of %u pages of 2 MB): run `sysctl vm.nr_hugepages=%u`",
				     &need, &have, &n_free, &n_all, &advice),
			      5);
	CU_ASSERT_EQUAL(need, 1u << 24);
	CU_ASSERT_TRUE((advice - n_all) * 2 + have >= need);
	CU_ASSERT_PTR_NULL(strchr(err.msg, '\n'));
}

/* After a failed check of hugepages EAL has not been touched: this start works. */
static void
ordinary_memory_starts_and_log_lines_arrive(void)
{
	struct eal_conf c = {
		.name = "test", .mem_mb = 64, .no_huge = true, .log = note, .log_arg = last_line
	};

	CU_ASSERT_EQUAL_FATAL(eal_start(&c, &err), 0);
	rte_log(RTE_LOG_ERR, RTE_LOGTYPE_USER1, "in %s", "pieces");
	rte_log(RTE_LOG_ERR, RTE_LOGTYPE_USER1, " and whole\n");
	CU_ASSERT_STRING_EQUAL(last_line, "in pieces and whole");
	CU_ASSERT_EQUAL(last_level, 3);
	CU_ASSERT_EQUAL(eal_start(&c, &err), -EALREADY);
	CU_ASSERT_STRING_EQUAL(err.msg, "DPDK was started before in this process");
}

static void
clock_goes_on_and_stays_near_the_systems(void)
{
	usec_t a = clock_now(), b;
	unsigned i;

	for (i = 0; i < 100000; i++) {
		b = clock_now();
		CU_ASSERT_FALSE_FATAL(usec_before(b, a));
		a = b;
	}
	CU_ASSERT_TRUE(clock_to_unix_us(a) - clock_to_unix_us(usec_add(a, -5000000)) > 4990000);
	CU_ASSERT_TRUE(clock_to_unix_us(a) > 1500000000000000);
}

static void
pools_hold_what_was_asked_for(void)
{
	struct pool_conf c = { .n_frames = 500, .n_headers = 300 };
	struct rte_mbuf *m[500], *h;
	struct pools p;

	CU_ASSERT_EQUAL_FATAL(pools_new(&p, &c, &err), 0);
	CU_ASSERT_EQUAL(rte_pktmbuf_alloc_bulk(p.frames, m, 500), 0);
	CU_ASSERT_PTR_NULL(rte_pktmbuf_alloc(p.frames));
	CU_ASSERT_EQUAL(pool_in_use(p.frames), 500);
	CU_ASSERT_EQUAL(rte_pktmbuf_tailroom(m[0]), POOL_FRAME_ROOM);
	h = rte_pktmbuf_alloc(p.headers);
	CU_ASSERT_EQUAL(rte_pktmbuf_tailroom(h), POOL_HEADER_ROOM);
	rte_pktmbuf_free(h);
	rte_pktmbuf_free_bulk(m, 500);
	CU_ASSERT_EQUAL(pool_in_use(p.frames), 0);
	pools_free(&p);
}

static void
reference_is_taken_again_once_nobody_has_it(void)
{
	struct pool_conf c = { .n_frames = 500, .n_headers = 300, .n_refs = 100 };
	uint8_t bytes[2][64] = { "first", "second" };
	struct rte_mbuf *m[100], *clone;
	struct pools p;

	CU_ASSERT_EQUAL_FATAL(pools_new(&p, &c, &err), 0);
	CU_ASSERT_TRUE_FATAL(pool_refs_take(p.refs, m, 100));
	CU_ASSERT_FALSE(pool_refs_take(p.refs, m, 1));
	pool_refer(m[0], bytes[0], sizeof bytes[0]);
	CU_ASSERT_PTR_EQUAL(rte_pktmbuf_mtod(m[0], uint8_t *), bytes[0]);
	CU_ASSERT_EQUAL(rte_pktmbuf_tailroom(m[0]), 0);
	clone = rte_pktmbuf_clone(m[0], p.headers);
	rte_pktmbuf_free(m[0]);
	rte_pktmbuf_free_bulk(m + 1, 99);
	CU_ASSERT_EQUAL(pool_in_use(p.refs), 1);
	CU_ASSERT_PTR_EQUAL(rte_pktmbuf_mtod(clone, uint8_t *), bytes[0]);
	rte_pktmbuf_free(clone);
	CU_ASSERT_EQUAL(pool_in_use(p.refs) + pool_in_use(p.headers), 0);
	CU_ASSERT_TRUE_FATAL(pool_refs_take(p.refs, m, 100));
	for (unsigned i = 0; i < 100; i++) {
		CU_ASSERT_EQUAL(m[i]->nb_segs, 1);
		CU_ASSERT_PTR_NULL(m[i]->next);
		CU_ASSERT_EQUAL(rte_mbuf_refcnt_read(m[i]), 1);
	}
	rte_pktmbuf_free_bulk(m, 100);
	pools_free(&p);
}

static void
pool_beyond_memory_is_said(void)
{
	struct pool_conf c = { .n_frames = 1000000, .n_headers = 100 };
	struct pools p;

	CU_ASSERT_EQUAL(pools_new(&p, &c, &err), -ENOMEM);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "no memory for 1000000 mbufs of 2176 bytes"));
	CU_ASSERT_PTR_NULL(p.frames);
	CU_ASSERT_TRUE(pools_mem_mb(&c) > 2000);
}

static void
held_mbufs_leave_the_devices_theirs(void)
{
	CU_ASSERT_EQUAL(pool_held_max(16384, 6 * 1024, 3, 1024), 16384 - 6144 - 384 - 1024);
	CU_ASSERT_EQUAL(pool_held_max(1000, 1024, 1, 0), 0);
}

TAP_MAIN(eal_start, TAP_TEST(too_few_hugepages_are_said_with_the_command_that_helps),
	 TAP_TEST(ordinary_memory_starts_and_log_lines_arrive),
	 TAP_TEST(clock_goes_on_and_stays_near_the_systems),
	 TAP_TEST(pools_hold_what_was_asked_for),
	 TAP_TEST(reference_is_taken_again_once_nobody_has_it),
	 TAP_TEST(pool_beyond_memory_is_said), TAP_TEST(held_mbufs_leave_the_devices_theirs))
