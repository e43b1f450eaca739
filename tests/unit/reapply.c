/*
 * reapply.c - live flows put under another policy: who moves, who stays, who counts for whom.
 */
#include "vnf/reapply.h"

#include <string.h>

#include "tests/unit/tap.h"
#include "tests/unit/vnf_box.h"

static struct vnf_box box;
static struct frame frame;
static struct reapply re;

static void
send_one(uint16_t dport, uint16_t flags)
{
	box_segment(&frame, false, 40000, dport, flags, 0);
	box_send(&box, BOX_A, 0, &frame);
	box_turn(&box);
}

static struct flow *
flow_to(uint16_t dport)
{
	struct flow *f[64];
	uint64_t cursor;
	unsigned i, n;

	for (i = 0; i < box.conf.n_workers; i++) {
		cursor = 0;
		do {
			n = tcpterm_walk(box.w[i]->stack, &cursor, f, 64);
			while (n > 0)
				if (f[--n]->key.port[1] == dport)
					return f[n];
		} while (cursor != 0);
	}
	return NULL;
}

static void
reapply(bool dry_run)
{
	static const uint16_t ports[] = { 80, 81, 82, 83, 84, 85 };
	unsigned i;

	memset(&re, 0, sizeof re);
	re.worker = box.w;
	re.dry_run = dry_run;
	for (i = 0; i < sizeof ports / sizeof ports[0]; i++) {
		struct flow *f = flow_to(ports[i]);

		if (f)
			CU_ASSERT_FALSE(
				reapply_flow((uintptr_t)&re, 0, box.w[0]->stack, f, box.now));
	}
}

static uint64_t
tally(enum policy_mode from, enum policy_mode to, enum reapply_outcome o)
{
	return re.tally[0].n[from][to][o];
}

static struct rule_count
count_of(const char *rule)
{
	const struct snapshot *s = active_snapshot(&box.active);

	return counters_sum(&box.active.counters, s->slot[policy_find_rule(s->policy, rule)]);
}

static const char before[] = "rule a: track to any port 80\n"
			     "rule b: track to any port 81\n"
			     "rule c: track to any port 82\n"
			     "rule d: pass to any port 83\n"
			     "rule e: track to any port 84\n"
			     "default pass\n";
static const char after[] = "rule e: track to any port 84\n"
			    "rule b: pass to any port 81\n"
			    "rule new: track to any port 80\n"
			    "rule c: drop to any port 82\n"
			    "rule d: proxy to any port 83\n"
			    "default pass\n";

static void
begin(void)
{
	uint16_t port;

	box_begin(&box, 1, before);
	for (port = 80; port <= 84; port++)
		send_one(port, TCP_SYN);
	box_count(&box, BOX_B);
	box_policy(&box, after);
	box_turn(&box);
}

static void
dry_run_says_what_would_happen_and_changes_nothing(void)
{
	begin();
	reapply(true);
	CU_ASSERT_EQUAL(tally(POLICY_TRACK, POLICY_TRACK, REAPPLY_RULE), 1);
	CU_ASSERT_EQUAL(tally(POLICY_TRACK, POLICY_TRACK, REAPPLY_SAME), 1);
	CU_ASSERT_EQUAL(tally(POLICY_TRACK, POLICY_PASS, REAPPLY_MOVED), 1);
	CU_ASSERT_EQUAL(tally(POLICY_TRACK, POLICY_DROP, REAPPLY_MOVED), 1);
	CU_ASSERT_EQUAL(tally(POLICY_PASS, POLICY_PROXY, REAPPLY_STAYS), 1);
	CU_ASSERT_EQUAL(box_flows(&box, TCPTERM_KIND_TRACK), 4);
	CU_ASSERT_EQUAL(box_flows(&box, TCPTERM_KIND_PASS), 1);
	CU_ASSERT_STRING_EQUAL(((struct note *)flow_to(80)->caller)->rule, "a");
	box_end(&box);
}

static void
flows_move_down_and_never_up(void)
{
	const struct note *n;

	begin();
	reapply(false);
	CU_ASSERT_EQUAL(tally(POLICY_TRACK, POLICY_PASS, REAPPLY_MOVED), 1);
	CU_ASSERT_EQUAL(tally(POLICY_TRACK, POLICY_DROP, REAPPLY_MOVED), 1);
	CU_ASSERT_EQUAL(tally(POLICY_PASS, POLICY_PROXY, REAPPLY_STAYS), 1);
	CU_ASSERT_EQUAL(flow_to(81)->kind, TCPTERM_KIND_PASS);
	CU_ASSERT_EQUAL(flow_to(82)->kind, TCPTERM_KIND_DROP);
	send_one(81, TCP_ACK);
	CU_ASSERT_EQUAL(box_count(&box, BOX_B), 1);
	send_one(82, TCP_ACK);
	CU_ASSERT_EQUAL(box_count(&box, BOX_B), 0);
	/* What can't go up keeps its rule. */
	n = flow_to(83)->caller;
	CU_ASSERT(n->mode == POLICY_PASS && strcmp(n->rule, "d") == 0);
	/* Asked again, all is as it should be but that. */
	reapply(false);
	CU_ASSERT_EQUAL(tally(POLICY_TRACK, POLICY_TRACK, REAPPLY_SAME), 2);
	CU_ASSERT_EQUAL(tally(POLICY_PASS, POLICY_PASS, REAPPLY_SAME), 1);
	CU_ASSERT_EQUAL(tally(POLICY_DROP, POLICY_DROP, REAPPLY_SAME), 1);
	CU_ASSERT_EQUAL(tally(POLICY_PASS, POLICY_PROXY, REAPPLY_STAYS), 1);
	box_end(&box);
}

static void
flow_counts_for_its_new_rule_from_there_on(void)
{
	struct rule_count r;

	begin();
	reapply(false);
	r = count_of("new");
	CU_ASSERT(r.flows == 1 && r.packets == 0 && r.hit > 0);
	CU_ASSERT_EQUAL(count_of("e").flows, 1);
	CU_ASSERT_EQUAL(count_of("d").flows, 0);
	send_one(80, TCP_ACK);
	reapply(false);
	CU_ASSERT_EQUAL(count_of("new").packets, 1);
	CU_ASSERT_EQUAL(count_of("new").flows, 1);
	/* Of the old rules' slots only the one that its flow still counts by is kept. */
	active_reclaim(&box.active);
	active_reclaim(&box.active);
	CU_ASSERT_EQUAL(box.active.counters.n_leaving, 1);
	box_end(&box);
}

static void
reset_ends_the_flow_and_tells_both_ends(void)
{
	box_begin(&box, 1, "default track\n");
	box_segment(&frame, false, 40000, 80, TCP_SYN, 0);
	box_send(&box, BOX_A, 0, &frame);
	box_turn(&box);
	box_segment(&frame, true, 40000, 80, TCP_SYN | TCP_ACK, 0);
	box_send(&box, BOX_B, 0, &frame);
	box_turn(&box);
	send_one(80, TCP_ACK);
	box_count(&box, BOX_A);
	box_count(&box, BOX_B);
	box_policy(&box, "default reset\n");
	box_turn(&box);
	reapply(false);
	CU_ASSERT_EQUAL(tally(POLICY_TRACK, POLICY_RESET, REAPPLY_MOVED), 1);
	box_turn(&box);
	CU_ASSERT_EQUAL(box_count(&box, BOX_A), 1);
	CU_ASSERT_EQUAL(box_count(&box, BOX_B), 1);
	CU_ASSERT_EQUAL(box_flows(&box, TCPTERM_KIND_TRACK), 0);
	box_end(&box);
}

/* Between any two turns the policy is another one, and everything that comes goes on. */
static void
reload_loses_no_frame_and_leaves_flows_their_rule(void)
{
	enum { RELOADS = 20, EACH = 5 };
	unsigned i, k, n_sent = 0, n_out = 0;
	char text[160];

	box_begin(&box, 2, "rule old: track to any port 80\ndefault pass\n");
	send_one(80, TCP_SYN);
	n_sent++;
	for (i = 1; i <= RELOADS; i++) {
		for (k = 0; k < EACH; k++) {
			box_segment(&frame, false, (uint16_t)(40000 + k * i), (uint16_t)(80 + k),
				    k ? TCP_SYN : TCP_ACK, 0);
			box_send(&box, BOX_A, (uint16_t)(i & 1), &frame);
			n_sent++;
		}
		snprintf(text, sizeof text,
			 "rule g%u: track to any port 81:82\ndefault pass { log }\n", i);
		box_policy(&box, text);
		box_turn(&box);
		box_turn(&box);
		n_out += box_count(&box, BOX_B);
		active_reclaim(&box.active);
		CU_ASSERT_PTR_NULL(box.active.retired);
	}
	CU_ASSERT_EQUAL(n_out, n_sent);
	CU_ASSERT_STRING_EQUAL(((struct note *)flow_to(80)->caller)->rule, "old");
	box_end(&box);
}

TAP_MAIN(reapply, TAP_TEST(dry_run_says_what_would_happen_and_changes_nothing),
	 TAP_TEST(flows_move_down_and_never_up),
	 TAP_TEST(flow_counts_for_its_new_rule_from_there_on),
	 TAP_TEST(reset_ends_the_flow_and_tells_both_ends),
	 { "P3 reload_loses_no_frame_and_leaves_flows_their_rule",
	   reload_loses_no_frame_and_leaves_flows_their_rule })
