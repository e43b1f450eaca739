/*
 * ovs_ways.c - attachments, several pairs and samples: the rules and groups that are rendered.
 */
#include "tests/unit/ovs_render.h"

static const struct ovs_pair three_pairs[] = { { "a1", "b1" }, { "a2", "b2" }, { "a3", "b3" } };

#define C "flow add cookie=0x4c45415400100001,table=0,"
#define R "flow add cookie=0x4c45415400180001,table=0,"
#define BALANCED(FIELDS, KEY)                                                                      \
	"actions=set_field:" KEY "->reg12,"                                                        \
	"bundle_load(" FIELDS ",1,hrw,ofport,NXM_NX_REG13[0..15],members:41,42,43),"               \
	"bundle_load(" FIELDS ",1,hrw,ofport,NXM_NX_REG14[0..15],members:51,52,53),resubmit(,0)"

static struct ovs_selection
balanced(void)
{
	struct ovs_selection s = web();

	s.pairs = three_pairs;
	s.n_pairs = 3;
	return s;
}

static struct ovs_selection
attached(uint16_t id)
{
	struct ovs_selection s = web();

	s.tag_id = id;
	s.vlan = OVS_VLAN_NONE;
	return s;
}

static void
attachment_is_tagged_on_the_way_and_untagged_on_return(void)
{
	struct ovs_selection s = attached(64);

	CU_ASSERT(contains(&s, 1,
			   "group add_or_mod group_id=1279590658,type=ff,bucket=bucket_id:1,"
			   "watch_port:32,actions=push_vlan:0x8100,"
			   "move:NXM_NX_REG15[0..11]->OXM_OF_VLAN_VID[],output:31,"
			   "bucket=bucket_id:2,watch_group:1279590656,"
			   "actions=set_field:0->xxreg3,NORMAL"));
	CU_ASSERT(contains(&s, 1,
			   C "priority=199,tcp,in_port=1,vlan_tci=0x0000/0x1fff,tp_dst=80,"
			     "actions=set_field:0x40->reg15,group:1279590657"));
	CU_ASSERT(contains(&s, 1,
			   R "priority=501,in_port=31,dl_vlan=64,"
			     "actions=pop_vlan,set_field:2->in_port,NORMAL"));
	CU_ASSERT(contains(&s, 1,
			   R "priority=501,in_port=32,dl_vlan=64,"
			     "actions=pop_vlan,set_field:1->in_port,NORMAL"));
}

static void
frames_of_no_attachment_are_dropped(void)
{
	struct ovs_selection s = attached(64);

	CU_ASSERT(contains(&s, 1, R "priority=500,in_port=31,actions=drop"));
	CU_ASSERT(contains(&s, 1, R "priority=500,in_port=32,actions=drop"));
}

static unsigned int
count_lines(const char *text, const char *word)
{
	unsigned int n = 0;

	for (; (text = strstr(text, word)) != NULL; text++)
		n++;
	return n;
}

static void
attachments_of_a_pair_share_its_groups(void)
{
	static const struct ovs_port_range ports[][1] = { { { 25, 25 } }, { { 26, 26 } } };
	struct ovs_selection s[3] = { attached(64), attached(65), attached(66) };
	struct err e = { "" };
	char *text;

	s[1].ports = ports[0];
	s[2].ports = ports[1];
	text = render(1, s, 3, 0, &e);
	CU_ASSERT_EQUAL(count_lines(text, "group add_or_mod"), 5);
	/* One return rule an attachment and direction. */
	CU_ASSERT_EQUAL(count_lines(text, "priority=501,in_port=31,dl_vlan="), 3);
	CU_ASSERT_EQUAL(count_lines(text, "priority=501,in_port=32,dl_vlan="), 3);
	CU_ASSERT_EQUAL(count_lines(text, "priority=500,"), 2);
	free(text);
}

static void
attachment_between_two_pairs_of_ports_is_refused(void)
{
	struct ovs_selection two[2] = { attached(64), attached(64) };

	two[1].client = "p3";
	two[1].server = "p4";
	nonsense(two, 2, -EINVAL, "one attachment of it, joins one pair of ports");
}

static void
pair_with_and_without_attachments_is_refused(void)
{
	struct ovs_selection two[2] = { attached(64), web() };

	two[1].client = "p3";
	two[1].server = "p4";
	nonsense(two, 2, -EINVAL, "serves attachments, or traffic without, not both");
}

/* The switch would lose the inner tag of a frame with two (tags.c). */
static void
attachment_asks_for_room_if_frames_may_have_tags(void)
{
	struct ovs_selection s = attached(64);

	s.vlan = OVS_VLAN_ANY;
	CU_ASSERT(contains(&s, 1,
			   C
			   "priority=199,tcp,in_port=1,tp_dst=80,"
			   "actions=set_field:0x40->reg15,set_field:0x10001->reg12,resubmit(,0)"));
	CU_ASSERT(contains(&s, 1,
			   C "priority=511,reg12=0x10001,reg14=0,vlan_tci=0x1000/0x1000,"
			     "actions=group:1279590911,clone(pop_vlan,"
			     "set_field:0x10003->reg12,resubmit(,0)),set_field:0->xxreg3,NORMAL"));
	CU_ASSERT(contains(&s, 1,
			   C "priority=510,reg12=0x10001,"
			     "actions=set_field:0->reg14,group:1279590657"));
}

static void
pair_is_chosen_alike_by_both_sides(void)
{
	struct ovs_selection s = balanced();

	CU_ASSERT(contains(
		&s, 1,
		C "priority=199,tcp,in_port=1,tp_dst=80," BALANCED("symmetric_l3l4", "0x10001")));
	CU_ASSERT(contains(
		&s, 1,
		C "priority=199,tcp,in_port=2,tp_src=80," BALANCED("symmetric_l3l4", "0x10002")));
	CU_ASSERT(contains(
		&s, 1,
		C "priority=399,icmp,icmp_type=3,in_port=1," BALANCED("symmetric_l3", "0x10001")));
	s.balance = OVS_BALANCE_L3;
	CU_ASSERT(contains(
		&s, 1,
		C "priority=199,tcp6,in_port=2,tp_src=80," BALANCED("symmetric_l3", "0x10002")));
}

/* a2 42 and b2 52: each of the two steps watches the other port than it chose by. */
static void
chosen_pair_must_live_with_both_ports(void)
{
	struct ovs_selection s = balanced();

	CU_ASSERT(contains(&s, 1,
			   C "priority=511,reg12=0x10001,reg13=0x2a,actions=group:1279590661"));
	CU_ASSERT(contains(&s, 1,
			   "group add_or_mod group_id=1279590661,type=ff,bucket=bucket_id:1,"
			   "watch_port:52,actions=output:42,bucket=bucket_id:2,"
			   "watch_group:1279590656,actions=set_field:0->reg13,resubmit(,0)"));
	CU_ASSERT(contains(&s, 1,
			   C "priority=511,reg12=0x10001,reg13=0,reg14=0x34,"
			     "actions=group:1279590662"));
	CU_ASSERT(contains(&s, 1,
			   "group add_or_mod group_id=1279590662,type=ff,bucket=bucket_id:1,"
			   "watch_port:42,actions=output:42,bucket=bucket_id:2,"
			   "watch_group:1279590656,actions=set_field:0->xxreg3,NORMAL"));
}

static void
none_alive_goes_on_or_is_dropped(void)
{
	struct ovs_selection s = balanced();

	s.next_table = 7;
	CU_ASSERT(contains(&s, 1,
			   C "priority=510,reg12=0x10002,"
			     "actions=set_field:0->xxreg3,resubmit(,7)"));
	s.fail_closed = true;
	CU_ASSERT(contains(&s, 1, C "priority=510,reg12=0x10002,actions=drop"));
}

static void
every_pair_has_its_return_rules(void)
{
	struct ovs_selection s = balanced();

	CU_ASSERT(contains(&s, 1, R "priority=501,in_port=43,actions=set_field:2->in_port,NORMAL"));
	CU_ASSERT(contains(&s, 1, R "priority=501,in_port=53,actions=set_field:1->in_port,NORMAL"));
}

static void
sample_goes_its_way_and_the_rest_goes_on(void)
{
	struct ovs_selection s = web();

	s.sample = 10;
	CU_ASSERT(contains(&s, 1,
			   C "priority=199,tcp,in_port=1,tp_dst=80,actions="
			     "set_field:0x10001->reg12,multipath(symmetric_l3l4,2,modulo_n,10,0,"
			     "NXM_NX_REG13[0..15]),resubmit(,0)"));
	CU_ASSERT(contains(&s, 1,
			   C "priority=511,reg12=0x10001,reg13=0,"
			     "actions=set_field:0->xxreg3,group:1279590657"));
	CU_ASSERT(
		contains(&s, 1, C "priority=510,reg12=0x10001,actions=set_field:0->xxreg3,NORMAL"));
	/* Whose connection a fragment belongs to is not known: all of them. */
	CU_ASSERT(contains(&s, 1,
			   C "priority=399,ip,nw_proto=6,ip_frag=yes,in_port=1,"
			     "actions=group:1279590657"));
}

static void
keys_of_instances_differ(void)
{
	struct ovs_selection s = balanced();
	struct err e = { "" };
	char *text = render(9, &s, 1, 0, &e);

	CU_ASSERT_PTR_NOT_NULL(strstr(text, "reg12=0x90001,"));
	CU_ASSERT_PTR_NULL(strstr(text, "reg12=0x1"));
	free(text);
}

static void
mirrors_have_no_rules(void)
{
	struct ovs_selection s = mirror();
	struct err e = { "" };
	char *text;

	s.kind = OVS_STEER_MIRROR;
	text = render(1, &s, 1, 0, &e);
	CU_ASSERT_STRING_EQUAL(text, "");
	free(text);
}

static void
pairs_that_make_no_sense_are_refused(void)
{
	static const struct ovs_pair twice[] = { { "a1", "b1" }, { "a2", "b1" } },
				     same[] = { { "a1", "a1" } };
	struct ovs_selection s = balanced();

	s.pairs = twice;
	s.n_pairs = 2;
	nonsense(&s, 1, -EINVAL, "a port of Leat stands in two pairs");
	s.pairs = same;
	s.n_pairs = 1;
	nonsense(&s, 1, -EINVAL, "a pair is two ports, not a1 twice");
	s = balanced();
	s.n_pairs = 0;
	nonsense(&s, 1, -EINVAL, "1 to 16 pairs");
	s = web();
	s.sample = 70000;
	nonsense(&s, 1, -EINVAL, "a sample is 1 of 65535 at most");
}

TAP_MAIN(ovs_ways, TAP_TEST(attachment_is_tagged_on_the_way_and_untagged_on_return),
	 TAP_TEST(frames_of_no_attachment_are_dropped),
	 TAP_TEST(attachments_of_a_pair_share_its_groups),
	 TAP_TEST(attachment_between_two_pairs_of_ports_is_refused),
	 TAP_TEST(pair_with_and_without_attachments_is_refused),
	 TAP_TEST(attachment_asks_for_room_if_frames_may_have_tags),
	 TAP_TEST(pair_is_chosen_alike_by_both_sides),
	 TAP_TEST(chosen_pair_must_live_with_both_ports),
	 TAP_TEST(none_alive_goes_on_or_is_dropped), TAP_TEST(every_pair_has_its_return_rules),
	 TAP_TEST(sample_goes_its_way_and_the_rest_goes_on), TAP_TEST(keys_of_instances_differ),
	 TAP_TEST(mirrors_have_no_rules), TAP_TEST(pairs_that_make_no_sense_are_refused))
