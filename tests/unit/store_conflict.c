/*
 * store_conflict.c - rows of bytes that came twice and differed: what they hold, whose they become,
 * how long they stay, how they are listed.
 */
#include "db/store.h"
#include "tests/unit/storage.h"
#include "tests/unit/tap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int
add(const char *flow_id, uint64_t offset, unsigned int shown)
{
	struct conflict_record c = {
		.seen = storage_now,
		.offset = offset,
		.length = 300,
		.direction = offset % 2 ? RECORD_DOWN : RECORD_UP,
		.shown = (uint16_t)shown,
	};

	snprintf(c.flow_id, sizeof c.flow_id, "%s", flow_id);
	snprintf(c.overlap, sizeof c.overlap, "windows2k3");
	memset(c.was, 0xa5, sizeof c.was);
	memset(c.came, 0, sizeof c.came);
	return store_conflict(storage, &c, &storage_err);
}

static void
end_flow(unsigned int n)
{
	struct flow_record r;

	storage_flow(&r, n);
	r.direction[RECORD_DOWN].conflicts = 2;
	r.direction[RECORD_DOWN].gaps = 2;
	CU_ASSERT_EQUAL(store_flow_ended(storage, &r, &storage_err), 0);
}

static void
begin(void)
{
	CU_ASSERT_EQUAL_FATAL(store_begin(storage, &storage_err), 0);
}

static void
commit(void)
{
	CU_ASSERT_EQUAL_FATAL(store_commit(storage, &storage_err), 0);
}

static void
both_versions_are_kept_and_joined_to_their_flow_when_it_ends(void)
{
	storage_begin(true);
	begin();
	CU_ASSERT_EQUAL(add("1:1:3", 100, 2), 0);
	CU_ASSERT_EQUAL(add("1:1:3", 5000000001, RECORD_SHOWN), 0);
	CU_ASSERT_EQUAL(add("1:2:3", 7, 0), 0);
	commit();
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM conflict WHERE flow IS NULL"), 3);
	begin();
	end_flow(1);
	commit();
	CU_ASSERT_STRING_EQUAL(
		storage_text("SELECT flow || direction || offset || '+' || length || overlap || "
			     "hex(was) || hex(came) || seen FROM conflict WHERE offset = 100"),
		"1up100+300windows2k3A5A500001700000000000000");
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM conflict WHERE length(was) = 128 AND "
				    "length(came) = 128 AND flow = 1 AND direction = 'down'"),
			1);
	CU_ASSERT_EQUAL(storage_int("SELECT length(was) FROM conflict WHERE flow IS NULL"), 0);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM flow_conflicts WHERE was LIKE 'A5A5%'"),
			2);
	storage_end();
}

static void
directions_of_a_flow_that_lives_may_change_places(void)
{
	const struct turn_record turn = { .flow_id = "1:1:3" };
	struct gap_record g = { .flow_id = "1:1:3", .length = 10, .reason = "lost-in-tap" };

	storage_begin(true);
	begin();
	CU_ASSERT_EQUAL(add("1:1:3", 100, 2), 0);
	CU_ASSERT_EQUAL(add("1:2:3", 200, 2), 0);
	CU_ASSERT_EQUAL(store_gap(storage, &g, &storage_err), 0);
	commit();
	begin();
	CU_ASSERT_EQUAL(store_turn(storage, &turn, &storage_err), 0);
	CU_ASSERT_EQUAL(add("1:1:3", 300, 2), 0);
	g.offset = 300;
	CU_ASSERT_EQUAL(store_gap(storage, &g, &storage_err), 0);
	end_flow(1);
	CU_ASSERT_EQUAL(store_turn(storage, &turn, &storage_err), 0);	/* it has ended */
	commit();
	CU_ASSERT_STRING_EQUAL(storage_text("SELECT group_concat(offset || direction, ' ') FROM "
					    "(SELECT * FROM conflict ORDER BY offset)"),
			       "100down 200up 300up");
	CU_ASSERT_STRING_EQUAL(storage_text("SELECT group_concat(offset || direction, ' ') FROM "
					    "(SELECT * FROM gap ORDER BY offset)"),
			       "0down 300up");
	storage_end();
}

static void
one_that_can_not_be_is_refused_and_the_batch_goes_on(void)
{
	struct conflict_record c = { .flow_id = "a", .length = 0 };

	storage_begin(true);
	begin();
	CU_ASSERT_EQUAL(store_conflict(storage, &c, &storage_err), -EINVAL);
	CU_ASSERT_EQUAL(add("1:1:3", 1, RECORD_SHOWN + 1), -EINVAL);
	CU_ASSERT_EQUAL(add("1:1:3", 1, 1), 0);
	CU_ASSERT_EQUAL(store_conflicts_lost(storage, 3, &storage_err), 0);
	commit();
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM conflict"), 1);
	CU_ASSERT_EQUAL(storage_int("SELECT conflicts_lost FROM run"), 3);
	storage_end();
}

static void
they_go_with_their_flow_and_without_one_by_age(void)
{
	struct store_pruned p = { 0 };

	storage_begin(true);
	begin();
	CU_ASSERT_EQUAL(add("1:1:3", 1, 1), 0);
	CU_ASSERT_EQUAL(add("0:0:0", 1, 1), 0);
	end_flow(1);
	commit();
	while (store_prune(storage, storage_now + 1, 100, &p, &storage_err) > 0)
		;
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM conflict WHERE flow = 1"), 1);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM conflict"), 1);
	CU_ASSERT_EQUAL(p.gaps, 1);
	while (store_prune(storage, storage_now + 2000000, 100, &p, &storage_err) > 0)
		;
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM conflict"), 0);
	CU_ASSERT_EQUAL(p.flows, 1);
	CU_ASSERT_EQUAL(p.gaps, 2);
	storage_end();
}

struct listed {
	unsigned int n;
	uint64_t offset, run;
	struct conflict_record last;
};

static int
list_one(void *arg, uint64_t run, const struct conflict_record *c)
{
	struct listed *l = arg;

	l->offset = l->n++ == 0 ? c->offset : l->offset;
	l->run = run;
	l->last = *c;
	return 0;
}

static struct listed
list(const char *flow_id, unsigned int limit)
{
	struct listed l = { 0 };

	CU_ASSERT_EQUAL(store_conflicts(storage, flow_id, limit, list_one, &l, &storage_err), 0);
	return l;
}

static void
latest_are_listed_first_of_all_or_of_one_flow_of_this_run(void)
{
	struct listed l;
	unsigned int i;

	storage_begin(true);
	begin();
	for (i = 0; i < 50; i++)
		CU_ASSERT_EQUAL(add(i % 5 ? "1:1:3" : "1:2:3", i, 3), 0);
	commit();
	l = list(NULL, 10);
	CU_ASSERT_EQUAL(l.n, 10);
	CU_ASSERT_EQUAL(l.offset, 49);
	CU_ASSERT_EQUAL(l.last.offset, 40);
	CU_ASSERT_EQUAL(l.run, 1);
	l = list("1:2:3", 100);
	CU_ASSERT_EQUAL(l.n, 10);
	CU_ASSERT_EQUAL(l.offset, 45);
	CU_ASSERT_EQUAL(l.last.offset, 0);
	CU_ASSERT_EQUAL(l.last.length, 300);
	CU_ASSERT_EQUAL(l.last.direction, RECORD_UP);
	CU_ASSERT_EQUAL(l.last.shown, 3);
	CU_ASSERT_EQUAL(memcmp(l.last.was, "\xa5\xa5\xa5", 4), 0);
	CU_ASSERT_STRING_EQUAL(l.last.overlap, "windows2k3");
	CU_ASSERT_STRING_EQUAL(l.last.flow_id, "1:2:3");
	storage_close();
	CU_ASSERT_EQUAL_FATAL(storage_open(), 0);
	CU_ASSERT_EQUAL(list("1:2:3", 100).n, 0);
	CU_ASSERT_EQUAL(list(NULL, 100).n, 50);
	storage_end();
}

TAP_MAIN(store_conflict, TAP_TEST(directions_of_a_flow_that_lives_may_change_places),
	 TAP_TEST(both_versions_are_kept_and_joined_to_their_flow_when_it_ends),
	 TAP_TEST(one_that_can_not_be_is_refused_and_the_batch_goes_on),
	 TAP_TEST(they_go_with_their_flow_and_without_one_by_age),
	 TAP_TEST(latest_are_listed_first_of_all_or_of_one_flow_of_this_run))
