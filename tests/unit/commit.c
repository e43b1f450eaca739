/*
 * What tcpterm_commit() has the system give before the stack's thread comes to it.
 *
 * Counted, not timed: first touches of pages, as the kernel counts them for this thread.
 */
#include <sys/mman.h>
#include <sys/resource.h>

#include "tcpterm/area.h"
#include "tcpterm/core.h"
#include "tests/unit/copies.h"
#include "tests/unit/tap.h"

enum {
	PAGE = 4096,
	MANY = 1 << 20,
	LATER = 1000,
	FEW_PAGES = 100,	/* of 1,000 entries themselves, which are small */
};

static uint64_t
first_touches(void)
{
	struct rusage u;

	getrusage(RUSAGE_THREAD, &u);
	return (uint64_t)u.ru_minflt;
}

static size_t
pages_there(const struct area *a)
{
	static unsigned char there[64 * 1024];
	size_t n = 0;

	CU_ASSERT_FATAL(a->bytes / PAGE <= sizeof there);
	CU_ASSERT_EQUAL(mincore(a->base, a->bytes, there), 0);
	for (size_t i = 0; i < a->bytes / PAGE; i++)
		n += there[i] & 1;
	return n;
}

/* A few turns of the thread that does this. */
static void
commit(void)
{
	for (unsigned i = 0; i < 8; i++)
		tcpterm_commit(copies.s);
}

static void
begin(void)
{
	copies_n_flows = MANY;
	copies_begin(NULL);
	copies_n_flows = 0;
}

static void
end(void)
{
	CU_ASSERT_TRUE(copies_end());
}

/* --- the array itself --- */

static void
array_takes_pages_as_they_are_reached_and_then_all(void)
{
	enum { N = 4096 };
	struct area a;

	CU_ASSERT_EQUAL_FATAL(area_init(&a, N * PAGE), 0);
	CU_ASSERT_EQUAL(pages_there(&a), 0);
	for (unsigned i = 0; i < N; i++) {
		area_commit(&a);
		CU_ASSERT_EQUAL(pages_there(&a), i);
		if (i == N / 8)
			break;
		((uint8_t *)a.base)[(size_t)i * PAGE * 7] = 1;
		area_use(&a);
	}
	for (unsigned i = 0; i < N; i++)
		area_use(&a);
	area_commit(&a);
	CU_ASSERT_TRUE(pages_there(&a) < N);	/* some at a time */
	for (unsigned i = 0; i < 8; i++)
		area_commit(&a);
	CU_ASSERT_EQUAL(pages_there(&a), N);
	CU_ASSERT_EQUAL(((uint8_t *)a.base)[PAGE * 7], 1);
	area_fini(&a);
}

/* --- a stack's --- */

static void
learn_header(uint32_t i)
{
	struct tcpterm_l2 l2 = { .dst.addr_bytes = { 2 } };
	struct l2_template t = { 0 };

	memcpy(&l2.src.addr_bytes[2], &i, sizeof i);
	CU_ASSERT_TRUE(l2_from(copies.s->l2s, &t, &l2, 0));
}

static void
add_listener(uint32_t i)
{
	const struct tcpterm_listener_conf c = {
		.select = { .dst = ip_addr_v4(&i),
			    .dst_len = 128,
			    .dst_port = { 80, 80 },
			    .src_port = { 0, 65535 } },
	};
	tcpterm_listener_id id;

	CU_ASSERT_EQUAL(tcpterm_listen(copies.s, &c, &id), 0);
}

/* First touches of `LATER` more, after so many. */
static uint64_t
touches_after(uint32_t n, void (*add)(uint32_t i))
{
	uint64_t before;

	for (uint32_t i = 1; i <= n; i++)
		add(i);
	commit();
	before = first_touches();
	for (uint32_t i = 1; i <= LATER; i++)
		add(n + i);
	return first_touches() - before;
}

static void
chains_of_link_headers_are_there_before_they_are_reached(void)
{
	begin();
	CU_ASSERT_TRUE(touches_after(4000, learn_header) < FEW_PAGES);
	end();
}

static void
chains_of_listeners_are_there_before_they_are_reached(void)
{
	begin();
	listeners_free(copies.s->listeners);
	copies.s->listeners = listeners_new(MANY);
	CU_ASSERT_PTR_NOT_NULL_FATAL(copies.s->listeners);
	CU_ASSERT_TRUE(touches_after(1000, add_listener) < FEW_PAGES);
	end();
}

static void
what_a_flood_reaches_is_there_once_it_goes_on(void)
{
	struct area *a;

	begin();
	a = &copies.s->flood.filter;
	commit();
	CU_ASSERT_EQUAL(pages_there(a), 0);
	for (unsigned i = 0; i < 2000; i++)
		area_use(a);
	commit();
	CU_ASSERT_EQUAL(pages_there(a), a->bytes / PAGE);
	end();
}

TAP_MAIN(commit, TAP_TEST(array_takes_pages_as_they_are_reached_and_then_all),
	 TAP_TEST(chains_of_link_headers_are_there_before_they_are_reached),
	 TAP_TEST(chains_of_listeners_are_there_before_they_are_reached),
	 TAP_TEST(what_a_flood_reaches_is_there_once_it_goes_on))
