/*
 * kept.c - folders of flows' frames are bounded, by what is in them.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tcpterm/capture.h>

#include "tests/unit/eal.h"
#include "tests/unit/lib/ends.h"
#include "tests/unit/tap.h"
#include "vnf/sink.h"

static struct ends e;
static const struct ends_conf plain = { .accept = true, .wscale = -1 };
static char dir[64];
static unsigned n_kept;

static struct sinks *
begin(unsigned max_files, uint64_t max_bytes)
{
	struct sinks *s;
	struct err err;

	ends_init(&e, &plain, false);
	CU_ASSERT_EQUAL_FATAL(tcpterm_captures(e.stack, &(struct tcpterm_captures_conf){ 0 }), 0);
	ends_handshake(&e);
	strcpy(dir, "/tmp/leat-kept-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	s = sinks_new(1, 64, NULL, &err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	sinks_bound_kept(s, max_files, max_bytes);
	n_kept = 0;
	return s;
}

static const char *
path_of(unsigned i)
{
	static char path[128];

	snprintf(path, sizeof path, "%s/%u-192.0.2.7.0-198.51.100.9.0.pcapng", dir, i);
	return path;
}

static off_t
size_of(unsigned i)
{
	struct stat sb;

	return stat(path_of(i), &sb) == 0 ? sb.st_size : -1;
}

static void
end(struct sinks *s)
{
	unsigned i;

	sinks_free(s);
	for (i = 0; i < n_kept; i++)
		unlink(path_of(i));
	CU_ASSERT_EQUAL(rmdir(dir), 0);
	ends_fini(&e);
}

/* Another flow's frames; when the thread is done with them. */
static struct sinks_status
keep(struct sinks *s)
{
	struct flow_record r = {
		.family = 4,
		.end = { { .addr = { 192, 0, 2, 7 } }, { .addr = { 198, 51, 100, 9 } } },
	};
	struct tcpterm_capture *c = tcpterm_capture(e.stack, ends_flow(&e), 0, 0);
	struct sinks_status st;

	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	snprintf(r.flow_id, sizeof r.flow_id, "%u", n_kept++);
	sinks_keep(s, 0, sinks_text(s, dir), &r, e.stack, c);
	do {
		usleep(100);
		sinks_status(s, &st);
	} while (st.captures_kept + st.captures_refused + st.errors < n_kept);
	return st;
}

static void
full_folder_gets_no_more_files_until_some_are_taken_away(void)
{
	struct sinks *s = begin(2, 0);
	struct sinks_status st;

	keep(s);
	keep(s);
	st = keep(s);
	CU_ASSERT_EQUAL(st.captures_kept, 2);
	CU_ASSERT_EQUAL(st.captures_refused, 1);
	CU_ASSERT_EQUAL(st.kept_files, 2);
	CU_ASSERT_EQUAL(st.kept_bytes, (uint64_t)(size_of(0) + size_of(1)));
	CU_ASSERT_EQUAL(size_of(2), -1);
	CU_ASSERT_EQUAL(unlink(path_of(0)), 0);
	do
		st = keep(s);
	while (st.captures_kept == 2 && n_kept < 1000 && usleep(20000) == 0);
	CU_ASSERT_EQUAL(st.captures_kept, 3);
	CU_ASSERT(size_of(n_kept - 1) > 0);
	end(s);
}

static void
folder_gets_no_more_bytes_than_it_may(void)
{
	struct sinks *s = begin(0, 0);
	struct sinks_status st = keep(s);
	uint64_t one = st.kept_bytes;

	CU_ASSERT(one > 0);
	sinks_bound_kept(s, 0, 2 * one);
	keep(s);
	st = keep(s);
	CU_ASSERT_EQUAL(st.captures_kept, 2);
	CU_ASSERT_EQUAL(st.captures_refused, 1);
	CU_ASSERT_EQUAL(st.kept_bytes, 2 * one);
	end(s);
}

/* What an earlier run left, or another rule. */
static void
files_that_are_there_already_count(void)
{
	struct sinks *s = begin(2, 0);
	struct sinks_status st;

	close(open(path_of(100), O_WRONLY | O_CREAT, 0600));
	close(open(path_of(101), O_WRONLY | O_CREAT, 0600));
	st = keep(s);
	CU_ASSERT_EQUAL(st.captures_kept, 0);
	CU_ASSERT_EQUAL(st.captures_refused, 1);
	unlink(path_of(100));
	unlink(path_of(101));
	end(s);
}

TAP_MAIN(kept, TAP_TEST(full_folder_gets_no_more_files_until_some_are_taken_away),
	 TAP_TEST(folder_gets_no_more_bytes_than_it_may),
	 TAP_TEST(files_that_are_there_already_count))
