/*
 * policy_counters.c - what each rule took, counted by the workers, across policies.
 */
#include "tests/unit/tap.h"
#include "tests/unit/vnf_box.h"
#include "vnf/events.h"

#include <string.h>

static struct vnf_box box;
static struct frame frame;

static void
send_one(bool reverse, uint16_t sport, uint16_t dport, uint16_t flags)
{
	box_segment(&frame, reverse, sport, dport, flags, 0);
	box_send(&box, reverse ? BOX_B : BOX_A, 0, &frame);
	box_turn(&box);
}

/* The sum over the workers, once every live flow has been counted. */
static struct rule_count
count_of(const char *rule)
{
	const struct snapshot *s = active_snapshot(&box.active);
	uint32_t i = strcmp(rule, "default") == 0 ? policy_n_rules(s->policy)
						  : policy_find_rule(s->policy, rule);
	uint64_t cursor;
	unsigned k, n;

	for (k = 0; k < box.conf.n_workers; k++) {
		cursor = 0;
		do {
			struct flow *f[64];

			n = tcpterm_walk(box.w[k]->stack, &cursor, f, 64);
			while (n > 0)
				events_count(box.w[k], f[--n]);
		} while (cursor != 0);
	}
	return counters_sum(&box.active.counters, s->slot[i]);
}

static void
live_flows_count_with_what_they_carried_so_far(void)
{
	struct rule_count r;

	box_begin(&box, 2, "rule web: track to any port 80\ndefault pass\n");
	send_one(false, 40000, 80, TCP_SYN);
	send_one(true, 40000, 80, TCP_SYN | TCP_ACK);
	send_one(false, 40000, 80, TCP_ACK | TCP_PSH);
	send_one(false, 40001, 81, TCP_SYN);
	r = count_of("web");
	CU_ASSERT(r.flows == 1 && r.packets == 3 && r.bytes == 10 && r.hit > 0);
	r = count_of("web");	/* asked twice, counted once */
	CU_ASSERT(r.flows == 1 && r.packets == 3 && r.bytes == 10);
	r = count_of("default");
	CU_ASSERT(r.flows == 1 && r.packets == 1 && r.bytes == 0);
	send_one(false, 40000, 80, TCP_ACK | TCP_RST);
	r = count_of("web");
	CU_ASSERT_EQUAL(r.packets, 4);
	box_end(&box);
}

static void
refusals_count_though_they_make_no_flow(void)
{
	struct rule_count r;

	box_begin(&box, 1,
		  "rule no: reset to any port 80\nrule quiet: drop to any port 81\n"
		  "default pass\n");
	send_one(false, 40000, 80, TCP_SYN);
	send_one(false, 40001, 80, TCP_SYN);
	send_one(false, 40000, 81, TCP_SYN);
	r = count_of("no");
	CU_ASSERT(r.flows == 2 && r.packets == 2 && r.hit > 0);
	r = count_of("quiet");
	CU_ASSERT(r.flows == 1 && r.packets == 1);
	box_end(&box);
}

static void
counters_survive_a_reload_where_the_rule_is_the_same(void)
{
	struct rule_count r;

	box_begin(&box, 1,
		  "rule a: track to any port 80\nrule b: track to any port 81\n"
		  "default pass\n");
	send_one(false, 40000, 80, TCP_SYN);
	send_one(false, 40000, 81, TCP_SYN);
	send_one(false, 40000, 82, TCP_SYN);
	/* Moved and written otherwise, a is the same; b is not. */
	box_policy(&box, "default pass\nrule b: track to any port 81 { log }\n"
			 "rule a: track port { 80 }\n");
	r = count_of("a");
	CU_ASSERT(r.flows == 1 && r.packets == 1);
	CU_ASSERT_EQUAL(count_of("b").flows, 0);
	CU_ASSERT_EQUAL(count_of("default").flows, 1);
	/* A flow that lives on counts for the rule that decided it. */
	send_one(false, 40000, 81, TCP_ACK);
	send_one(false, 40000, 80, TCP_ACK);
	CU_ASSERT_EQUAL(count_of("b").packets, 0);
	CU_ASSERT_EQUAL(count_of("a").packets, 2);
	box_end(&box);
}

static void
slot_is_given_again_only_when_no_flow_counts_by_it(void)
{
	struct counters *c = &box.active.counters;
	uint32_t slot;

	box_begin(&box, 1, "rule a: track to any port 80\ndefault pass\n");
	send_one(false, 40000, 80, TCP_SYN);
	slot = active_snapshot(&box.active)->slot[0];
	box_policy(&box, "default drop\n");
	box_turn(&box);
	active_reclaim(&box.active);
	CU_ASSERT_EQUAL(c->n_leaving, 1);
	CU_ASSERT_EQUAL(c->of[0][slot].flows, 1);
	send_one(true, 40000, 80, TCP_RST | TCP_ACK);
	active_reclaim(&box.active);
	CU_ASSERT_EQUAL(c->n_leaving, 0);
	CU_ASSERT_EQUAL(c->of[0][slot].flows, 0);
	CU_ASSERT(c->n_free >= 1);
	box_end(&box);
}

TAP_MAIN(policy_counters, TAP_TEST(live_flows_count_with_what_they_carried_so_far),
	 TAP_TEST(refusals_count_though_they_make_no_flow),
	 TAP_TEST(counters_survive_a_reload_where_the_rule_is_the_same),
	 TAP_TEST(slot_is_given_again_only_when_no_flow_counts_by_it))
