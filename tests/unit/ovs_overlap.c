/*
 * ovs_overlap.c - selections that want the same packets: who gets them.
 */
#include "tests/unit/ovs_render.h"

#include "datapath/ovs/overlap.h"

static const struct ovs_port_range mail_port[] = { { 25, 25 } }, low_ports[] = { { 1, 1023 } };
static const struct ovs_prefix host1[] = { { .len = 32, .addr = { 10, 0, 0, 1 } } },
			       host2[] = { { .len = 32, .addr = { 10, 0, 0, 2 } } },
			       net10[] = { { .len = 8, .addr = { 10 } } },
			       v6[] = { { .v6 = true, .len = 8, .addr = { 0xfd } } };

static struct ovs_rank rank[400];

static struct ovs_selection
from(const struct ovs_prefix *p)
{
	struct ovs_selection s = web();

	s.from = p;
	s.n_from = 1;
	return s;
}

static bool
same_side(const struct ovs_selection *x, const struct ovs_selection *y, enum ovs_part part)
{
	bool there = ovs_overlap(x, OVS_CLIENT, y, OVS_CLIENT, part);

	CU_ASSERT_EQUAL(there, ovs_overlap(y, OVS_CLIENT, x, OVS_CLIENT, part));
	return there;
}

static void
prefixes_overlap_if_one_holds_the_other(void)
{
	struct ovs_selection a = from(host1), b = from(host2), net = from(net10), six = from(v6),
			     any = web();

	CU_ASSERT(!same_side(&a, &b, OVS_PART_FLOW));
	CU_ASSERT(same_side(&a, &net, OVS_PART_FLOW));
	CU_ASSERT(same_side(&a, &any, OVS_PART_FLOW));
	CU_ASSERT(same_side(&six, &any, OVS_PART_FLOW));
	CU_ASSERT(!same_side(&six, &net, OVS_PART_FLOW));
	CU_ASSERT(same_side(&a, &a, OVS_PART_FLOW));
}

static void
prefix_lengths_are_counted_in_bits(void)
{
	static const struct ovs_prefix x[] = { { .len = 13, .addr = { 10, 8 } } },
				       y[] = { { .len = 14, .addr = { 10, 12 } } },
				       z[] = { { .len = 14, .addr = { 10, 16 } } },
				       all[] = { { .len = 0 } };
	struct ovs_selection a = from(x), b = from(y), c = from(z), d = from(all);

	CU_ASSERT(same_side(&a, &b, OVS_PART_FLOW));
	CU_ASSERT(!same_side(&a, &c, OVS_PART_FLOW));
	CU_ASSERT(same_side(&c, &d, OVS_PART_FLOW));
}

static void
ports_count_for_flows_alone(void)
{
	struct ovs_selection a = web(), b = web(), low = web();

	b.ports = mail_port;
	low.ports = low_ports;
	CU_ASSERT(!same_side(&a, &b, OVS_PART_FLOW));
	CU_ASSERT(same_side(&a, &low, OVS_PART_FLOW));
	CU_ASSERT(same_side(&a, &b, OVS_PART_FRAGMENT));
	CU_ASSERT(ovs_overlap(&a, OVS_CLIENT, &b, OVS_SERVER, OVS_PART_FLOW));
}

/* Of an error only the destination is known; at the clients' port it is the servers'. */
static void
sources_do_not_count_for_errors(void)
{
	struct ovs_selection a = from(host1), b = from(host2);

	CU_ASSERT(!same_side(&a, &b, OVS_PART_FRAGMENT));
	CU_ASSERT(same_side(&a, &b, OVS_PART_ERROR));
	CU_ASSERT(!ovs_overlap(&a, OVS_SERVER, &b, OVS_SERVER, OVS_PART_ERROR));
}

static void
vlans_overlap_if_equal_or_any(void)
{
	struct ovs_selection any = web(), none = web(), five = web(), six = web();

	none.vlan = OVS_VLAN_NONE;
	five.vlan = 5;
	six.vlan = 6;
	CU_ASSERT(same_side(&any, &five, OVS_PART_FLOW));
	CU_ASSERT(same_side(&any, &none, OVS_PART_FLOW));
	CU_ASSERT(!same_side(&five, &none, OVS_PART_FLOW));
	CU_ASSERT(!same_side(&five, &six, OVS_PART_FLOW));
}

static void
earlier_selection_has_the_higher_priority(void)
{
	struct ovs_selection two[2] = { from(net10), web() }, reversed[2] = { web(), from(net10) };

	two[1].fail_closed = reversed[0].fail_closed = true;
	CU_ASSERT(contains(two, 2,
			   "flow add cookie=0x4c45415400100001,table=0,priority=199,tcp,in_port=1,"
			   "nw_src=10.0.0.0/8,tp_dst=80,actions=group:1279590657"));
	CU_ASSERT(contains(two, 2,
			   "flow add cookie=0x4c45415400100002,table=0,priority=198,tcp,in_port=1,"
			   "tp_dst=80,actions=group:1279590661"));
	CU_ASSERT(contains(reversed, 2,
			   "flow add cookie=0x4c45415400100002,table=0,priority=198,tcp,in_port=1,"
			   "nw_src=10.0.0.0/8,tp_dst=80,actions=group:1279590661"));
}

static void
one_more_at_the_end_changes_no_earlier_rank(void)
{
	struct ovs_selection s[4] = { from(host1), from(host2), from(net10), web() };
	struct ovs_rank three[3];
	struct err e = { "" };

	CU_ASSERT_EQUAL(ovs_rank("br0", s, 3, three, &e), 0);
	CU_ASSERT_EQUAL(ovs_rank("br0", s, 4, rank, &e), 0);
	CU_ASSERT_EQUAL(memcmp(three, rank, sizeof(three)), 0);
	CU_ASSERT_EQUAL(rank[0].flow, 0);
	CU_ASSERT_EQUAL(rank[1].flow, 0);
	CU_ASSERT_EQUAL(rank[2].flow, 1);
	CU_ASSERT_EQUAL(rank[3].flow, 2);
}

/* 300 hosts behind one port: none overlaps another. */
static void
selections_of_different_hosts_share_a_rank(void)
{
	static struct ovs_prefix hosts[300];
	static struct ovs_selection s[300];
	struct err e = { "" };
	bool all_first = true;
	unsigned int i;

	for (i = 0; i < 300; i++) {
		hosts[i] = (struct ovs_prefix){ .len = 32,
						.addr = { 10, 1, (uint8_t)(i >> 8), (uint8_t)i } };
		s[i] = from(&hosts[i]);
	}
	CU_ASSERT_EQUAL(ovs_rank("br0", s, 300, rank, &e), 0);
	for (i = 0; i < 300; i++)
		all_first &= rank[i].flow == 0;
	CU_ASSERT(all_first);
}

static void
too_many_that_overlap_are_refused(void)
{
	static struct ovs_selection s[OVS_RANKS + 1];
	struct err e = { "" };
	unsigned int i;

	for (i = 0; i <= OVS_RANKS; i++)
		s[i] = web();
	CU_ASSERT_EQUAL(ovs_rank("br0", s, OVS_RANKS, rank, &e), 0);
	CU_ASSERT_EQUAL(rank[OVS_RANKS - 1].flow, OVS_RANKS - 1);
	CU_ASSERT_EQUAL(ovs_rank("br0", s, OVS_RANKS + 1, rank, &e), -E2BIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "more than 100 selections overlap one another"));
}

/* The second's replies come by p2 too, and would all go to the first. */
static void
half_a_connection_is_refused(void)
{
	struct ovs_selection two[2] = { web(), web() };

	two[1].client = "p3";
	nonsense(two, 2, -EINVAL, "some of what it would take at port p2 goes to steer web");
	two[0] = from(host1);
	two[1] = from(host2);
	two[1].client = "p3";
	two[0].tag_id = 64;
	two[1].tag_id = 65;
	CU_ASSERT(contains(two, 2,
			   "flow add cookie=0x4c45415400100002,table=0,priority=199,tcp,in_port=2,"
			   "nw_dst=10.0.0.2/32,tp_src=80,actions=set_field:0x41->reg15,"
			   "set_field:0x10004->reg12,resubmit(,0)"));
}

/* Both match a packet from p2 of ports 80 to 25, but no client has such a port. */
static void
services_of_both_sides_of_a_port_are_no_half_connections(void)
{
	struct ovs_selection two[2] = { web(), web() };

	two[0].client = "p1";
	two[0].server = "p2";
	two[1].client = "p2";
	two[1].server = "p3";
	two[1].ports = mail_port;
	two[0].tag_id = 64;
	two[1].tag_id = 65;
	CU_ASSERT_EQUAL(ovs_rank("br0", two, 2, rank, NULL), 0);
	two[1].n_ports = 0;
	nonsense(two, 2, -EINVAL, "half of these connections");
}

static void
copies_of_fragments_are_for_whom_they_overlap(void)
{
	struct ovs_selection s[3] = { mirror(), mirror(), from(host1) };
	struct err e = { "" };
	char *text;

	s[0].from = host2;
	s[0].n_from = 1;
	s[0].tag_id = 7;
	s[1].from = net10;
	s[1].n_from = 1;
	s[0].vlan = s[1].vlan = OVS_VLAN_NONE;
	text = render(1, s, 3, 0, &e);
	/* The way's rule for 10.0.0.1 makes the copy of 10/8, and not that of 10.0.0.2. */
	CU_ASSERT_PTR_NOT_NULL(strstr(
		text, "priority=399,ip,nw_proto=6,ip_frag=yes,in_port=1,nw_src=10.0.0.1/32,actions="
		      "clone(push_vlan:0x8100,set_field:4101->vlan_vid,output:33),group:"));
	/* That of 10.0.0.2 both. */
	CU_ASSERT_PTR_NOT_NULL(
		strstr(text, "in_port=1,vlan_tci=0x0000/0x1fff,nw_src=10.0.0.2/32,actions="
			     "clone(push_vlan:0x8100,set_field:4103->vlan_vid,output:33),"
			     "clone(push_vlan:0x8100,set_field:4101->vlan_vid,output:33),NORMAL"));
	free(text);
}

TAP_MAIN(ovs_overlap, TAP_TEST(prefixes_overlap_if_one_holds_the_other),
	 TAP_TEST(prefix_lengths_are_counted_in_bits), TAP_TEST(ports_count_for_flows_alone),
	 TAP_TEST(sources_do_not_count_for_errors), TAP_TEST(vlans_overlap_if_equal_or_any),
	 TAP_TEST(earlier_selection_has_the_higher_priority),
	 TAP_TEST(one_more_at_the_end_changes_no_earlier_rank),
	 TAP_TEST(selections_of_different_hosts_share_a_rank),
	 TAP_TEST(too_many_that_overlap_are_refused), TAP_TEST(half_a_connection_is_refused),
	 TAP_TEST(services_of_both_sides_of_a_port_are_no_half_connections),
	 TAP_TEST(copies_of_fragments_are_for_whom_they_overlap))
