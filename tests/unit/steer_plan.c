/*
 * steer_plan.c - a policy's selections for the switch, the flows they take, and the file that
 * says where the switch is.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/tap.h"
#include "vnf/steer/flow.h"
#include "vnf/steer/plan.h"
#include "vnf/steer/state.h"

static struct steer_plan *
plan_of(const char *steers, const struct options *o, struct err *err)
{
	struct steer_plan *plan = NULL;
	struct policy_errors errs;
	struct policy *p;
	char text[2048];

	snprintf(text, sizeof text, "%sdefault pass\n", steers);
	if (policy_parse("t", text, strlen(text), &p, &errs) != 0) {
		policy_errors_print(&errs, stdout);
		policy_errors_free(&errs);
		CU_FAIL_FATAL("the policy is wrong");
	}
	steer_plan_new(p, o, &plan, err);
	/* The plan is to live on without it. */
	policy_free(p);
	return plan;
}

static void
a_plan_says_what_the_policy_says(void)
{
	const struct options o = { .n_ports = 0 };
	struct steer_plan *plan;
	struct err err;

	plan = plan_of(
		"steer a: bridge br0 client p1 server p2 proto tcp port { 80 8000:8999 }\n"
		" from 10.0.0.0/8 to fd00::/8 vlan 7 via la lb attachment 70 next resubmit 3\n"
		"steer b: bridge br1 client p1 server p2 via balance l3 { c d, e f }\n"
		" next normal fail closed\n"
		"steer m: bridge br0 client p1 server p2 mirror to every\n",
		&o, &err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(plan);
	CU_ASSERT_EQUAL_FATAL(plan->n, 3);
	CU_ASSERT(plan->sel[0].kind == OVS_STEER_INLINE && plan->sel[0].tag_id == 70);
	CU_ASSERT(plan->sel[0].vlan == 7 && plan->sel[0].next_table == 3);
	CU_ASSERT(plan->sel[0].n_ports == 2 && plan->sel[0].ports[1].first == 8000);
	CU_ASSERT(plan->sel[0].from[0].addr[0] == 10 && plan->sel[0].from[0].len == 8);
	CU_ASSERT(plan->sel[0].to[0].v6 && plan->sel[0].to[0].addr[0] == 0xfd);
	CU_ASSERT_STRING_EQUAL(plan->sel[0].pairs[0].b, "lb");
	CU_ASSERT(plan->sel[1].n_pairs == 2 && plan->sel[1].balance == OVS_BALANCE_L3);
	CU_ASSERT(plan->sel[1].fail_closed && plan->sel[1].next_table == OVS_NEXT_NORMAL);
	CU_ASSERT_EQUAL(plan->sel[2].kind, OVS_STEER_MIRROR);
	CU_ASSERT_STRING_EQUAL(plan->sel[2].leat_tap, "every");
	CU_ASSERT(steer_plan_is_first(plan, 1) && !steer_plan_is_first(plan, 2));
	CU_ASSERT(steer_plan_has(plan, "br1") && !steer_plan_has(plan, "br2"));
	steer_plan_free(plan);
}

/* A copy and an inline flow of one domain would be taken for one flow. */
static void
taps_get_ids_that_no_attachment_has(void)
{
	const struct options o = { .n_ports = 0 };
	struct steer_plan *plan;
	struct err err;

	plan = plan_of("steer a: bridge b client p1 server p2 vlan 1 copy to t next normal\n"
		       "steer b: bridge b client p1 server p2 vlan 2 copy to t next normal\n"
		       "steer c: bridge b client p3 server p2 copy to t next normal\n"
		       "steer d: bridge b client p4 server p2 via e f attachment 65 next normal\n",
		       &o, &err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(plan);
	CU_ASSERT_EQUAL(plan->sel[0].tag_id, 64);
	CU_ASSERT_EQUAL(plan->sel[1].tag_id, 64);
	CU_ASSERT_EQUAL(plan->sel[2].tag_id, 66);
	steer_plan_free(plan);
}

static void
ports_must_be_given_as_selections_use_them(void)
{
	static const struct {
		const char *steer, *says;
	} wrong[] = {
		{ "steer s: bridge b client c server d via e f attachment 64 next normal\n",
		  "does not read the tag: give it as --port e=...,meta" },
		{ "steer s: bridge b client c server d via m f next normal\n",
		  "wants the tag of one" },
		{ "steer s: bridge b client c server d via t f next normal\n",
		  "was given as a tap" },
		{ "steer s: bridge b client c server d copy to e next normal\n",
		  "give it as --port e=...,copy" },
		{ "steer s: bridge b client c server d mirror to t\n",
		  "give it as --port t=...,mirror" },
	};
	struct options o = { .n_ports = 3 };
	struct steer_plan *plan;
	struct err err;
	size_t i;

	o.port[0] = (struct port_option){ .name = "e" };
	o.port[1] = (struct port_option){ .name = "m", .meta = true };
	o.port[2] = (struct port_option){ .name = "t", .copy = true, .meta = true };
	for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		plan = plan_of(wrong[i].steer, &o, &err);
		CU_ASSERT_PTR_NULL(plan);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, wrong[i].says));
		steer_plan_free(plan);
	}
	plan = plan_of("steer s: bridge b client c server d copy to t next normal\n"
		       "steer u: bridge b client g server d via m n attachment 64 next normal\n",
		       &o, &err);
	CU_ASSERT_PTR_NOT_NULL(plan);
	steer_plan_free(plan);
}

/* --- flows --- */

static struct steer_flow
flow(const char *a, const char *b, const char *vid)
{
	const char *words[5] = { "tcp", a, b, "vlan", vid };
	struct steer_flow fl;
	struct err err;

	CU_ASSERT_EQUAL(steer_flow_read(&fl, vid ? 5 : 3, words, &err), 0);
	return fl;
}

static void
a_selection_takes_the_flows_it_names(void)
{
	const struct options o = { .n_ports = 0 };
	struct steer_plan *plan;
	struct steer_flow fl;
	struct err err;
	char text[300];

	plan = plan_of(
		"steer s: bridge b client c server d proto tcp port 80:81 from 10.0.0.0/15\n"
		" vlan 5 via e f next normal\n"
		"steer u: bridge b client c server d untagged to fd00::/9 via e f next normal\n",
		&o, &err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(plan);
	fl = flow("10.1.255.255:9", "1.2.3.4:81", "5");
	CU_ASSERT(steer_flow_matches(&fl, &plan->sel[0]));
	CU_ASSERT(!steer_flow_matches(&fl, &plan->sel[1]));
	steer_flow_print(&fl, &plan->sel[0], true, text, sizeof text);
	CU_ASSERT_STRING_EQUAL(text, "tcp,in_port=d,dl_vlan=5,nw_src=1.2.3.4,nw_dst=10.1.255.255,"
				     "nw_ttl=64,tp_src=81,tp_dst=9");
	fl = flow("10.2.0.0:9", "1.2.3.4:81", "5");
	CU_ASSERT(!steer_flow_matches(&fl, &plan->sel[0]));
	fl = flow("10.1.0.0:9", "1.2.3.4:82", "5");
	CU_ASSERT(!steer_flow_matches(&fl, &plan->sel[0]));
	fl = flow("10.1.0.0:9", "1.2.3.4:80", NULL);
	CU_ASSERT(!steer_flow_matches(&fl, &plan->sel[0]));
	fl = flow("[::1]:1", "[fd7f::2]:2", NULL);
	CU_ASSERT(steer_flow_matches(&fl, &plan->sel[1]));
	steer_flow_print(&fl, &plan->sel[1], false, text, sizeof text);
	CU_ASSERT_STRING_EQUAL(text, "tcp6,in_port=c,ipv6_src=::1,ipv6_dst=fd7f::2,nw_ttl=64,"
				     "tp_src=1,tp_dst=2");
	fl = flow("[::1]:1", "[fd80::2]:2", NULL);
	CU_ASSERT(!steer_flow_matches(&fl, &plan->sel[1]));
	steer_plan_free(plan);
}

static void
what_is_no_flow_is_refused(void)
{
	static const char *const wrong[][5] = {
		{ "udp", "1.2.3.4:1", "1.2.3.4:2" },
		{ "tcp", "1.2.3.4", "1.2.3.4:2" },
		{ "tcp", "1.2.3.4:1", "1.2.3.4:65536" },
		{ "tcp", "1.2.3.4:1", "[::1]:2" },
		{ "tcp", "1.2.3.4:1", "::1:2" },
		{ "tcp", "1.2.3:1", "1.2.3.4:2" },
		{ "tcp", "1.2.3.4:1", "1.2.3.4:" },
		{ "tcp", "[::1:1", "[::1]:2" },
		{ "tcp", "1.2.3.4:1", "1.2.3.4:2", "vlan", "0" },
		{ "tcp", "1.2.3.4:1", "1.2.3.4:2", "vlan", "4095" },
		{ "tcp", "1.2.3.4:1", "1.2.3.4:2", "tag", "5" },
	};
	struct steer_flow fl;
	struct err err;
	size_t i;

	for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		err.msg[0] = '\0';
		CU_ASSERT_EQUAL(steer_flow_read(&fl, wrong[i][3] ? 5 : 3, wrong[i], &err), -EINVAL);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, i == 3 ? "IPv4" : "expected"));
	}
}

/* --- the file --- */

static void
the_state_comes_back_as_it_was_written(void)
{
	struct steer_state s = { .instance = 255, .ovs_db = "unix:/run/x.sock", .held = 1 }, t;
	char path[] = "/tmp/leat-state-XXXXXX";
	struct err err;
	int fd = mkstemp(path);

	CU_ASSERT_FATAL(fd >= 0);
	close(fd);
	CU_ASSERT_EQUAL(steer_state_write(path, &s, &err), 0);
	CU_ASSERT_EQUAL(steer_state_read(path, &t, &err), 0);
	CU_ASSERT(t.instance == 255 && t.held == STEER_HELD_BYPASS && t.ovs_rundir[0] == '\0');
	CU_ASSERT_STRING_EQUAL(t.ovs_db, s.ovs_db);
	unlink(path);
	CU_ASSERT_EQUAL(steer_state_read(path, &t, &err), -ENOENT);
}

static void
a_state_that_is_none_is_refused(void)
{
	static const char *const texts[] = { "instance 256\n", "instance x\n", "held maybe\n",
					     "ovs-db relative\n", "instance\n" };
	char path[] = "/tmp/leat-state-XXXXXX";
	struct steer_state s;
	struct err err;
	size_t i;
	FILE *f;
	int fd = mkstemp(path);

	CU_ASSERT_FATAL(fd >= 0);
	close(fd);
	for (i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		f = fopen(path, "w");
		CU_ASSERT_PTR_NOT_NULL_FATAL(f);
		fputs(texts[i], f);
		fclose(f);
		CU_ASSERT_EQUAL(steer_state_read(path, &s, &err), -EINVAL);
	}
	unlink(path);
}

TAP_MAIN(steer_plan, TAP_TEST(a_plan_says_what_the_policy_says),
	 TAP_TEST(taps_get_ids_that_no_attachment_has),
	 TAP_TEST(ports_must_be_given_as_selections_use_them),
	 TAP_TEST(a_selection_takes_the_flows_it_names), TAP_TEST(what_is_no_flow_is_refused),
	 TAP_TEST(the_state_comes_back_as_it_was_written),
	 TAP_TEST(a_state_that_is_none_is_refused))
