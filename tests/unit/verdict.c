/*
 * verdict.c - from the policy's modes to what happens on the wire.
 */
#include "tests/unit/tap.h"
#include "tests/unit/vnf_box.h"

static struct vnf_box box;
static struct frame frame;

static void
send_syn(uint16_t sport, uint16_t dport)
{
	box_segment(&frame, false, sport, dport, TCP_SYN, 0);
	box_send(&box, BOX_A, 0, &frame);
	box_turn(&box);
}

static void
each_mode_becomes_its_kind(void)
{
	static const struct {
		const char *policy;
		enum tcpterm_kind kind;
		unsigned n_forwarded, n_back;
	} modes[] = {
		{ "default proxy\n", TCPTERM_KIND_EMBRYO, 1, 0 },
		{ "default track\n", TCPTERM_KIND_TRACK, 1, 0 },
		{ "default passive\n", TCPTERM_KIND_PASSIVE, 1, 0 },
		{ "default pass\n", TCPTERM_KIND_PASS, 1, 0 },
		{ "default drop\n", TCPTERM_KIND_DROP, 0, 0 },
		{ "default reset\n", TCPTERM_KIND_NONE, 0, 1 },
	};
	unsigned i;

	for (i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		box_begin(&box, 1, modes[i].policy);
		send_syn(40000, 80);
		if (modes[i].kind != TCPTERM_KIND_NONE)
			CU_ASSERT_EQUAL(box_flows(&box, modes[i].kind), 1);
		CU_ASSERT_EQUAL(box_count(&box, BOX_B), modes[i].n_forwarded);
		CU_ASSERT_EQUAL(box_count(&box, BOX_A), modes[i].n_back);
		box_end(&box);
	}
}

static void
proxy_that_could_only_begin_midstream_is_tracked(void)
{
	box_begin(&box, 1, "default proxy\n");
	box_segment(&frame, false, 40000, 80, TCP_ACK | TCP_PSH, 0);
	box_send(&box, BOX_A, 0, &frame);
	box_turn(&box);
	CU_ASSERT_EQUAL(box_flows(&box, TCPTERM_KIND_TRACK), 1);
	CU_ASSERT_EQUAL(box_count(&box, BOX_B), 1);
	box_end(&box);
}

static void
rules_see_addresses_ports_and_the_port_it_came_by(void)
{
	box_begin(&box, 1,
		  "rule one: drop on b proto tcp port 80\n"
		  "rule two: track on a proto tcp from 10.0.0.1 to 10.0.0.2 port 80\n"
		  "default drop\n");
	send_syn(40000, 80);
	send_syn(40000, 81);
	CU_ASSERT_EQUAL(box_flows(&box, TCPTERM_KIND_TRACK), 1);
	CU_ASSERT_EQUAL(box_flows(&box, TCPTERM_KIND_DROP), 1);
	CU_ASSERT_EQUAL(box_count(&box, BOX_B), 1);
	box_end(&box);
}

static void
new_policy_decides_new_flows_and_leaves_the_old(void)
{
	box_begin(&box, 1, "default track\n");
	send_syn(40000, 80);
	box_policy(&box, "default drop\n");
	send_syn(40000, 80);	/* again: of the flow that is there */
	send_syn(40001, 80);
	CU_ASSERT_EQUAL(box_flows(&box, TCPTERM_KIND_TRACK), 1);
	CU_ASSERT_EQUAL(box_flows(&box, TCPTERM_KIND_DROP), 1);
	CU_ASSERT_EQUAL(box_count(&box, BOX_B), 2);
	active_reclaim(&box.active);
	CU_ASSERT_PTR_NULL(box.active.retired);
	box_end(&box);
}

TAP_MAIN(verdict, TAP_TEST(each_mode_becomes_its_kind),
	 TAP_TEST(proxy_that_could_only_begin_midstream_is_tracked),
	 TAP_TEST(rules_see_addresses_ports_and_the_port_it_came_by),
	 TAP_TEST(new_policy_decides_new_flows_and_leaves_the_old))
