/*
 * follow.c - flows that begin and end, told to those who follow.
 */
#include "vnf/follow.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/tap.h"
#include "tests/unit/vnf_box.h"

static struct vnf_box box;
static struct frame frame;
static struct err err;

static void
begin(unsigned n_workers)
{
	box_begin(&box, n_workers, "rule web: track proto tcp port 80\ndefault track\n");
	box.conf.followers = followers_new(n_workers, box.active.qsbr);
	CU_ASSERT_PTR_NOT_NULL_FATAL(box.conf.followers);
}

static void
end(void)
{
	followers_free(box.conf.followers);
	box.conf.followers = NULL;
	box_end(&box);
}

static struct follower *
follow(const char *word)
{
	struct flow_filter ff;
	struct follower *f;

	CU_ASSERT_EQUAL_FATAL(flow_filter_parse(&ff, word ? 1 : 0, &word, &err), 0);
	f = follow_begin(box.conf.followers, &ff, &err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	return f;
}

static void
pass(bool reverse, uint16_t sport, uint16_t dport, uint16_t flags)
{
	box_segment(&frame, reverse, sport, dport, flags, 0);
	box_send(&box, reverse ? BOX_B : BOX_A, 0, &frame);
	box_turn(&box);
	box_turn(&box);
	box_count(&box, BOX_A);
	box_count(&box, BOX_B);
}

static void
flow_is_told_when_it_begins_and_when_it_ends(void)
{
	struct follow_event e;
	struct follower *f;

	begin(2);
	pass(false, 39999, 80, TCP_SYN);
	f = follow(NULL);
	CU_ASSERT_FALSE(follow_next(f, &e));
	pass(false, 40000, 80, TCP_SYN);
	CU_ASSERT_TRUE_FATAL(follow_next(f, &e));
	CU_ASSERT_TRUE(e.begins);
	CU_ASSERT_STRING_EQUAL(e.row.rule, "web");
	CU_ASSERT_STRING_EQUAL(e.row.mode, "track");
	CU_ASSERT_EQUAL(e.row.end[0].port, 40000);
	CU_ASSERT_FALSE(follow_next(f, &e));
	pass(true, 40000, 80, TCP_RST | TCP_ACK);
	CU_ASSERT_TRUE_FATAL(follow_next(f, &e));
	CU_ASSERT_FALSE(e.begins);
	CU_ASSERT_STRING_EQUAL(e.row.rule, "web");
	CU_ASSERT_EQUAL(e.row.end[0].port, 40000);
	CU_ASSERT_EQUAL(e.row.direction[1].packets, 1);
	CU_ASSERT_TRUE(e.row.reason[0] != '\0');
	CU_ASSERT_EQUAL(follow_lost(f), 0);
	follow_end(box.conf.followers, f);
	end();
}

static void
followers_are_told_what_they_chose(void)
{
	struct follower *web, *other;
	struct follow_event e;

	begin(1);
	web = follow("rule=web");
	other = follow("rule!=web");
	pass(false, 40000, 80, TCP_SYN);
	pass(false, 40001, 81, TCP_SYN);
	CU_ASSERT_TRUE(follow_next(web, &e));
	CU_ASSERT_EQUAL(e.row.end[1].port, 80);
	CU_ASSERT_FALSE(follow_next(web, &e));
	CU_ASSERT_TRUE(follow_next(other, &e));
	CU_ASSERT_EQUAL(e.row.end[1].port, 81);
	CU_ASSERT_FALSE(follow_next(other, &e));
	follow_end(box.conf.followers, web);
	CU_ASSERT_TRUE(followers_any(box.conf.followers));
	follow_end(box.conf.followers, other);
	CU_ASSERT_FALSE(followers_any(box.conf.followers));
	followers_run(box.conf.followers);
	pass(false, 40002, 80, TCP_SYN);
	end();
}

static void
events_that_find_no_room_are_counted(void)
{
	enum { N = 1100 };
	struct follow_event e;
	struct follower *f;
	unsigned i, n = 0;

	begin(1);
	f = follow("port=80:81");
	for (i = 0; i < N / 2; i++) {
		pass(false, (uint16_t)(20000 + i), 80, TCP_SYN);
		pass(true, (uint16_t)(20000 + i), 80, TCP_RST | TCP_ACK);
	}
	while (follow_next(f, &e))
		n++;
	CU_ASSERT_EQUAL(n + follow_lost(f), N);
	CU_ASSERT_TRUE(follow_lost(f) > 0);
	pass(false, 40000, 80, TCP_SYN);
	CU_ASSERT_TRUE(follow_next(f, &e));
	follow_end(box.conf.followers, f);
	end();
}

static void
only_so_many_follow_at_a_time(void)
{
	struct follower *f[FOLLOWERS_MAX];
	struct flow_filter ff;
	unsigned i;

	begin(1);
	for (i = 0; i < FOLLOWERS_MAX; i++)
		f[i] = follow(NULL);
	CU_ASSERT_EQUAL(flow_filter_parse(&ff, 0, NULL, &err), 0);
	CU_ASSERT_PTR_NULL(follow_begin(box.conf.followers, &ff, &err));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "already"));
	follow_end(box.conf.followers, f[3]);
	f[3] = follow(NULL);
	for (i = 0; i < FOLLOWERS_MAX; i++)
		follow_end(box.conf.followers, f[i]);
	end();
}

TAP_MAIN(follow, TAP_TEST(flow_is_told_when_it_begins_and_when_it_ends),
	 TAP_TEST(followers_are_told_what_they_chose),
	 TAP_TEST(events_that_find_no_room_are_counted), TAP_TEST(only_so_many_follow_at_a_time))
