/*
 * verdict.c - from the policy's modes to what happens on the wire.
 */
#include "tests/unit/tap.h"
#include "tests/unit/vnf_box.h"
#include "vnf/verdict.h"

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

/* How many resets came out of a port; the latest one's numbers are in `rst`. */
static struct pkt rst;

static unsigned
resets(enum box_port port)
{
	const struct parse_conf conf = { .trust = true };
	struct rte_mbuf *m;
	struct pkt p;
	unsigned n = 0;

	while ((m = box_receive(&box, port)) != NULL) {
		CU_ASSERT_EQUAL(pkt_parse(&p, m, &conf), PKT_TCP);
		if (p.flags & TCP_RST) {
			rst = p;
			n++;
		}
		rte_pktmbuf_free(m);
	}
	return n;
}

/* A segment with 10 bytes, of the client or of the server; 80 is the server's port. */
static void
send_midstream(bool reverse)
{
	box_segment(&frame, reverse, 40000, 80, TCP_ACK | TCP_PSH, 0);
	box_send(&box, reverse ? BOX_B : BOX_A, 0, &frame);
	box_turn(&box);
}

static void
reset_in_progress_tells_the_ends_that_the_rule_names(void)
{
	static const struct {
		const char *policy;
		unsigned client, server;
	} rules[] = {
		{ "default reset\n", 1, 1 },
		{ "default reset both\n", 1, 1 },
		{ "default reset client\n", 1, 0 },
		{ "default reset server\n", 0, 1 },
		/* the rule knows who the client is better than the ports do */
		{ "rule r: reset client proto tcp from 10.0.0.1\ndefault drop\n", 1, 0 },
		{ "rule r: reset client proto tcp from 10.0.0.2\ndefault drop\n", 0, 1 },
	};
	unsigned i;

	for (i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		box_begin(&box, 1, rules[i].policy);
		send_midstream(false);
		CU_ASSERT_EQUAL(resets(BOX_A), rules[i].client);
		if (rules[i].client)	/* what the client acknowledged */
			CU_ASSERT_EQUAL(rst.seq, 5001);
		CU_ASSERT_EQUAL(resets(BOX_B), rules[i].server);
		if (rules[i].server)	/* the number of what did not arrive */
			CU_ASSERT_EQUAL(rst.seq, 1000);
		send_midstream(true);
		CU_ASSERT_EQUAL(resets(BOX_A), rules[i].client);
		if (rules[i].client)
			CU_ASSERT_EQUAL(rst.seq, 5000);
		CU_ASSERT_EQUAL(resets(BOX_B), rules[i].server);
		if (rules[i].server)
			CU_ASSERT_EQUAL(rst.seq, 1001);
		box_end(&box);
	}
}

static void
reset_server_leaves_the_client_without_an_answer_to_its_syn(void)
{
	box_begin(&box, 1, "default reset server\n");
	send_syn(40000, 80);
	CU_ASSERT_EQUAL(box_count(&box, BOX_A), 0);
	CU_ASSERT_EQUAL(box_count(&box, BOX_B), 0);
	box_end(&box);
}

/* What a worker says of the SYN in `frame`. */
static struct tcpterm_verdict
said_of(uint16_t dport)
{
	const struct parse_conf conf = { .trust = true };
	struct tcpterm_verdict v;
	struct pkt p;

	box_segment(&frame, false, 40000, dport, TCP_SYN, 0);
	CU_ASSERT_EQUAL(pkt_parse(&p, frame_mbuf(&frame), &conf), PKT_TCP);
	p.m->port = 0;
	v = verdict_syn(box.w[0], &(struct tcpterm_syn){ .pkt = &p });
	rte_pktmbuf_free(p.m);
	return v;
}

static void
what_a_rule_chooses_for_its_connections_reaches_them(void)
{
	struct tcpterm_verdict v;

	box_begin(&box, 1,
		  "rule a: proxy proto tcp to any port 1 { cc reno, pace, idle-restart, ecn off, "
		  "mss 1300, flood cookie, signed reset }\n"
		  "rule b: proxy proto tcp to any port 2 { cc cubic, flood drop }\n"
		  "rule c: track proto tcp to any port 4 { window strict }\n"
		  "default proxy\n");
	box_turn(&box);		/* the worker looks at the policy */
	v = said_of(1);
	CU_ASSERT_EQUAL(v.decision, TCPTERM_RELAY);
	CU_ASSERT_EQUAL(v.flood, TCPTERM_FLOOD_COOKIE);
	CU_ASSERT_TRUE(v.signed_reset);
	CU_ASSERT_EQUAL(v.tuning.cc, TCPTERM_CC_RENO);
	CU_ASSERT_TRUE(v.tuning.pace && v.tuning.idle_restart && v.tuning.no_ecn);
	CU_ASSERT_EQUAL(v.tuning.mss, 1300);
	v = said_of(2);
	CU_ASSERT_EQUAL(v.flood, TCPTERM_FLOOD_DROP);
	CU_ASSERT_EQUAL(v.tuning.cc, TCPTERM_CC_CUBIC);
	CU_ASSERT_FALSE(v.tuning.pace || v.tuning.idle_restart || v.tuning.no_ecn);
	v = said_of(3);
	CU_ASSERT_EQUAL(v.flood, TCPTERM_FLOOD_PASS);
	CU_ASSERT_EQUAL(v.tuning.cc, TCPTERM_CC_DEFAULT);
	CU_ASSERT_EQUAL(v.tuning.mss, 0);
	CU_ASSERT_FALSE(v.signed_reset);
	CU_ASSERT_FALSE(v.window_strict);
	v = said_of(4);
	CU_ASSERT_EQUAL(v.decision, TCPTERM_TRACK);
	CU_ASSERT_TRUE(v.window_strict);
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
	 TAP_TEST(reset_in_progress_tells_the_ends_that_the_rule_names),
	 TAP_TEST(reset_server_leaves_the_client_without_an_answer_to_its_syn),
	 TAP_TEST(what_a_rule_chooses_for_its_connections_reaches_them),
	 TAP_TEST(new_policy_decides_new_flows_and_leaves_the_old))
