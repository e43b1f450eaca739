#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/eal.h"
#include "tests/unit/tap.h"
#include "vnf/sink.h"

static char dir[64];

static const struct flow_record the_flow = {
	.flow_id = "1",
	.family = 4,
	.end = { { .addr = { 192, 0, 2, 7 }, .port = 40000 },
		 { .addr = { 198, 51, 100, 9 }, .port = 80 } },
};

static struct sinks *
start(unsigned n_ring, bool files)
{
	struct sinks *s;
	struct err e;

	CU_ASSERT_EQUAL_FATAL(test_eal_init(), 0);
	if (files) {
		strcpy(dir, "/tmp/leat-sink-XXXXXX");
		CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	}
	s = sinks_new(2, n_ring, NULL, &e);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	return s;
}

static struct sink *
open_one(struct sinks *s, unsigned worker, const char *folder)
{
	const struct sink_conf c = { .dir = folder };

	return sink_open(s, worker, &c, &the_flow);
}

/* Reads a file, and removes it; its length. */
static ssize_t
slurp_at(const char *name, const char *suffix, char *buf, size_t size)
{
	char path[256];
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "%s.%s", name, suffix);
	fd = open(path, O_RDONLY);
	n = fd < 0 ? -1 : read(fd, buf, size);
	close(fd);
	unlink(path);
	return n;
}

/* DIR/<the flow's name><more>.suffix */
static ssize_t
slurp_of(const char *more, const char *suffix, char *buf, size_t size)
{
	char path[128];

	snprintf(path, sizeof path, "%s/1-192.0.2.7.40000-198.51.100.9.80%s", dir, more);
	return slurp_at(path, suffix, buf, size);
}

static ssize_t
slurp(const char *suffix, char *buf, size_t size)
{
	return slurp_of("", suffix, buf, size);
}

static void
feed(struct sink *k, unsigned d, uint64_t off, const char *text)
{
	struct rte_mbuf *m = test_mbuf_chain(text, strlen(text), 2, 1);

	sink_data(k, d, off, &(struct sink_piece){ m, 1, (uint32_t)strlen(text) - 1, { 0 } });
	rte_pktmbuf_free(m);
}

static void
bytes_lie_at_their_offsets_and_gaps_beside(void)
{
	struct sinks *s = start(64, true);
	struct sink *k = open_one(s, 1, dir);
	char buf[100] = "";

	CU_ASSERT_PTR_NOT_NULL_FATAL(k);
	feed(k, 0, 0, "xhello");
	sink_gap(k, 0, 5, 3, TCPTERM_GAP_LOST_IN_TAP);
	feed(k, 0, 8, "xworld");
	feed(k, 1, 0, "xok");
	sink_close(k, &the_flow);
	sinks_free(s);
	CU_ASSERT_EQUAL(test_mbufs_live(), 0);
	CU_ASSERT_EQUAL(slurp("c2s", buf, sizeof buf), 13);
	CU_ASSERT_EQUAL(memcmp(buf, "hello\0\0\0world", 13), 0);
	CU_ASSERT_EQUAL(slurp("s2c", buf, sizeof buf), 2);
	CU_ASSERT_EQUAL(memcmp(buf, "ok", 2), 0);
	memset(buf, 0, sizeof buf);
	CU_ASSERT(slurp("gaps", buf, sizeof buf) > 0);
	CU_ASSERT_STRING_EQUAL(buf, "c2s 5 3 lost-in-tap\n");
	CU_ASSERT_EQUAL(rmdir(dir), 0);
}

/* Who was called the client is the server, as turns out between two of its bytes. */
static void
ends_that_change_places_have_their_files_by_the_right_names(void)
{
	struct sinks *s = start(64, true);
	struct sink *k = open_one(s, 0, dir);
	struct flow_record ended = the_flow;
	char path[256], buf[100] = "";
	struct conflict_record c = {
		.offset = 1, .length = 1, .direction = RECORD_UP, .shown = 1, .overlap = "first"
	};

	CU_ASSERT_PTR_NOT_NULL_FATAL(k);
	feed(k, 0, 0, "xanswer");
	sink_gap(k, 0, 6, 3, TCPTERM_GAP_LOST_IN_TAP);
	sink_conflict(k, &c);
	sink_roles(k, true);
	feed(k, 1, 9, "xmore");
	feed(k, 0, 0, "xask");
	sink_gap(k, 1, 13, 2, TCPTERM_GAP_BUDGET);
	ended.end[0] = the_flow.end[1];
	ended.end[1] = the_flow.end[0];
	sink_close(k, &ended);
	sinks_free(s);
	CU_ASSERT_EQUAL(test_mbufs_live(), 0);
	CU_ASSERT_EQUAL(slurp("c2s", buf, sizeof buf), -1);
	CU_ASSERT_EQUAL(slurp("gaps", buf, sizeof buf), -1);
	snprintf(path, sizeof path, "%s/1-198.51.100.9.80-192.0.2.7.40000", dir);
	CU_ASSERT_EQUAL(slurp_at(path, "c2s", buf, sizeof buf), 3);
	CU_ASSERT_EQUAL(memcmp(buf, "ask", 3), 0);
	CU_ASSERT_EQUAL(slurp_at(path, "s2c", buf, sizeof buf), 13);
	CU_ASSERT_EQUAL(memcmp(buf, "answer\0\0\0more", 13), 0);
	memset(buf, 0, sizeof buf);
	CU_ASSERT(slurp_at(path, "gaps", buf, sizeof buf) > 0);
	CU_ASSERT_STRING_EQUAL(buf, "s2c 6 3 lost-in-tap\ns2c 13 2 budget\n");
	memset(buf, 0, sizeof buf);
	CU_ASSERT(slurp_at(path, "conflicts", buf, sizeof buf) > 0);
	CU_ASSERT_STRING_EQUAL(buf, "s2c 1 1 first 00 00\n");
	CU_ASSERT_EQUAL(rmdir(dir), 0);
}

static void
file_of_an_earlier_run_is_left_alone(void)
{
	struct sinks *s = start(64, true);
	struct sink *first = open_one(s, 0, dir), *again;
	char buf[100] = "";

	CU_ASSERT_PTR_NOT_NULL_FATAL(first);
	feed(first, 0, 0, "xthen");
	sink_close(first, &the_flow);
	again = open_one(s, 0, dir);
	CU_ASSERT_PTR_NOT_NULL_FATAL(again);
	feed(again, 0, 0, "xnow");
	sink_close(again, &the_flow);
	sinks_free(s);
	CU_ASSERT_EQUAL(slurp("c2s", buf, sizeof buf), 4);
	CU_ASSERT_EQUAL(memcmp(buf, "then", 4), 0);
	CU_ASSERT_EQUAL(slurp_of("-2", "c2s", buf, sizeof buf), 3);
	CU_ASSERT_EQUAL(memcmp(buf, "now", 3), 0);
	for (unsigned i = 0; i < 2; i++) {
		slurp_of(i ? "-2" : "", "s2c", buf, sizeof buf);
		slurp_of(i ? "-2" : "", "gaps", buf, sizeof buf);
	}
	CU_ASSERT_EQUAL(rmdir(dir), 0);
}

/* Until everything was handled, of which there is `bytes`. */
static void
await(struct sinks *s, uint64_t bytes, struct sinks_status *st)
{
	do {
		usleep(100);
		sinks_status(s, st);
	} while (st->waiting > 0 || st->open > 0 || st->bytes < bytes);
}

static void
bytes_that_go_nowhere_are_counted_where_they_come(void)
{
	struct sinks *s = start(64, false);
	struct sinks_status st;

	sinks_count(s, 0, 5, 0);
	sinks_count(s, 1, 7, 3);
	sinks_status(s, &st);
	CU_ASSERT_EQUAL(st.bytes, 12);
	CU_ASSERT_EQUAL(st.gap_bytes, 3);
	CU_ASSERT_EQUAL(st.errors, 0);
	sinks_free(s);
}

static void
thread_sleeps_while_there_is_nothing_and_hears_every_worker(void)
{
	struct sinks *s = start(64, true);
	struct sinks_status st, later;
	struct sink *k;
	char buf[8];

	do {
		usleep(1000);
		sinks_status(s, &st);
		usleep(20000);
		sinks_status(s, &later);
	} while (later.wakes != st.wakes);
	k = open_one(s, 1, dir);	/* the second lane */
	feed(k, 0, 0, "x12345");
	sink_close(k, &the_flow);
	await(s, 5, &st);
	CU_ASSERT(st.wakes > later.wakes);
	sinks_free(s);
	slurp("c2s", buf, sizeof buf);
	slurp("s2c", buf, sizeof buf);
	slurp("gaps", buf, sizeof buf);
	CU_ASSERT_EQUAL(rmdir(dir), 0);
}

static void
texts_are_kept_once_each(void)
{
	struct sinks *s = start(64, false);
	uint8_t a = sinks_text(s, "/a"), b = sinks_text(s, "/b");
	struct sinks_status st;
	char text[16];
	unsigned n = 0;

	CU_ASSERT_EQUAL(sinks_text(s, NULL), 0);
	CU_ASSERT_PTR_NULL(sinks_text_at(s, 0));
	CU_ASSERT_EQUAL(sinks_text(s, "/a"), a);
	CU_ASSERT_NOT_EQUAL(a, b);
	CU_ASSERT_STRING_EQUAL(sinks_text_at(s, b), "/b");
	for (int i = 0; i < 300; i++) {
		snprintf(text, sizeof text, "/%d", i);
		n += sinks_text(s, text) == 0;
		CU_ASSERT_EQUAL(n, i < 253 ? 0 : (unsigned)i - 252);
	}
	sinks_status(s, &st);
	CU_ASSERT_EQUAL(st.texts_refused, n);
	CU_ASSERT_STRING_EQUAL(sinks_text_at(s, a), "/a");
	sinks_free(s);
}

static void
folder_that_cannot_be_made_is_an_error_that_is_told(void)
{
	struct sinks *s = start(64, false);
	struct sink *k = open_one(s, 0, "/proc/no/such");
	struct sinks_status st;

	feed(k, 0, 0, "x12345");
	sink_close(k, &the_flow);
	await(s, 5, &st);
	CU_ASSERT(st.errors > 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(st.last_error, "/proc/no/such"));
	sinks_free(s);
}

static void
what_the_ring_has_no_room_for_is_a_gap_and_no_mbuf_is_lost(void)
{
	struct sinks *s = start(8, true);
	struct sink *k = open_one(s, 0, dir);
	struct sinks_status st;
	enum { N = 20000 };
	char buf[8];

	CU_ASSERT_PTR_NOT_NULL_FATAL(k);
	for (uint64_t i = 0; i < N; i++)
		feed(k, 0, i, "xy");
	sink_close(k, &the_flow);
	/* An end that found no room goes out with the next flow's. */
	do {
		k = open_one(s, 0, NULL);
		if (k)
			sink_close(k, &the_flow);
		sinks_status(s, &st);
	} while (st.bytes + st.gap_bytes < N);
	CU_ASSERT_EQUAL(st.bytes + st.lost_bytes, N);
	CU_ASSERT_EQUAL(st.gap_bytes, st.lost_bytes);
	sinks_free(s);
	CU_ASSERT_EQUAL(test_mbufs_live(), 0);
	slurp("c2s", buf, sizeof buf);
	slurp("s2c", buf, sizeof buf);
	slurp("gaps", buf, sizeof buf);
	CU_ASSERT_EQUAL(rmdir(dir), 0);
}

static void
every_conflict_has_a_line_or_is_counted(void)
{
	struct conflict_record c = { .length = 9, .shown = 2, .was = { 1, 2 }, .overlap = "linux" };
	struct sinks *s = start(4096, true);
	struct sink *k = open_one(s, 0, dir);
	enum { N = 5000, LINE = sizeof "c2s 10000 9 linux 0102 00ff\n" - 1 };
	static char buf[N * LINE + 1];
	struct sinks_status st;
	ssize_t n;

	CU_ASSERT_PTR_NOT_NULL_FATAL(k);
	c.came[1] = 0xff;
	for (unsigned i = 0; i < N; i++) {
		c.offset = 10000 + i;
		c.direction = i % 2 ? RECORD_DOWN : RECORD_UP;
		sink_conflict(k, &c);
	}
	sinks_status(s, &st);
	sink_close(k, &the_flow);
	sinks_free(s);
	n = slurp("conflicts", buf, sizeof buf);
	CU_ASSERT_EQUAL(n, (ssize_t)(N - st.conflicts_lost) * LINE);
	CU_ASSERT_EQUAL(memcmp(buf, "c2s 10000 9 linux 0102 00ff\ns2c 10001 9", 39), 0);
	slurp("c2s", buf, sizeof buf);
	slurp("s2c", buf, sizeof buf);
	slurp("gaps", buf, sizeof buf);
	CU_ASSERT_EQUAL(rmdir(dir), 0);
}

TAP_MAIN(sink, TAP_TEST(ends_that_change_places_have_their_files_by_the_right_names),
	 TAP_TEST(bytes_lie_at_their_offsets_and_gaps_beside),
	 TAP_TEST(file_of_an_earlier_run_is_left_alone),
	 TAP_TEST(bytes_that_go_nowhere_are_counted_where_they_come),
	 TAP_TEST(thread_sleeps_while_there_is_nothing_and_hears_every_worker),
	 TAP_TEST(texts_are_kept_once_each),
	 TAP_TEST(folder_that_cannot_be_made_is_an_error_that_is_told),
	 TAP_TEST(what_the_ring_has_no_room_for_is_a_gap_and_no_mbuf_is_lost),
	 TAP_TEST(every_conflict_has_a_line_or_is_counted))
