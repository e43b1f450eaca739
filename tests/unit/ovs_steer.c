/*
 * ovs_steer.c - the rules rendered for selections, behaviour by behaviour.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/ovs_render.h"

static void
golden(unsigned int instance, const struct ovs_selection *sel, unsigned int n, const char *want)
{
	struct err e = { "" };
	char *got = render(instance, sel, n, 0, &e);

	if (strcmp(got, want) != 0)
		printf("# %s# rendered:\n%s", e.msg, got);
	CU_ASSERT_STRING_EQUAL(got, want);
	free(got);
}

#define C "cookie=0x4c45415400100001,table=0,"
#define R "cookie=0x4c45415400180001,table=0,"
#define PART(C, P, MATCH, GROUP) "flow add " C "priority=" P "," MATCH ",actions=group:" GROUP "\n"

#define PARTS(C, P, PORT, GROUP)                                                                   \
	PART(C, P, "ip,nw_proto=6,ip_frag=yes,in_port=" PORT, GROUP)                               \
	PART(C, P, "icmp,icmp_type=3,in_port=" PORT, GROUP)                                        \
	PART(C, P, "ipv6,nw_proto=6,ip_frag=yes,in_port=" PORT, GROUP)                             \
	PART(C, P, "icmp6,icmp_type=1,in_port=" PORT, GROUP)                                       \
	PART(C, P, "icmp6,icmp_type=2,in_port=" PORT, GROUP)

#define RULES_OF(C, P, A, B, NEXT)                                                                 \
	"flow add " R "priority=501,in_port=31,actions=set_field:2->in_port," NEXT "\n"            \
	"flow add " R "priority=501,in_port=32,actions=set_field:1->in_port," NEXT "\n"            \
	"flow add " C "priority=199,tcp,in_port=1,tp_dst=80,actions=group:" A "\n"                 \
	"flow add " C "priority=199,tcp6,in_port=1,tp_dst=80,actions=group:" A "\n"                \
	"flow add " C "priority=199,tcp,in_port=2,tp_src=80,actions=group:" B "\n"                 \
	"flow add " C "priority=199,tcp6,in_port=2,tp_src=80,actions=group:" B          \
	"\n" PARTS(C, P, "1", A) PARTS(C, P, "2", B)

#define ALWAYS                                                                                     \
	"group add_or_mod group_id=1279590656,type=indirect,bucket=bucket_id:1,actions=drop\n"

/* 0x4c450101 is 1279590657. */
static void
inline_selection_is_fail_open_in_both_directions(void)
{
	struct ovs_selection s = web();

	golden(1, &s, 1,
	       ALWAYS
	       "group add_or_mod group_id=1279590658,type=ff,bucket=bucket_id:1,watch_port:32,"
	       "actions=output:31,bucket=bucket_id:2,watch_group:1279590656,actions=NORMAL\n"
	       "group add_or_mod group_id=1279590657,type=ff,bucket=bucket_id:1,watch_port:31,"
	       "actions=group:1279590658,bucket=bucket_id:2,watch_group:1279590656,actions=NORMAL\n"
	       "group add_or_mod group_id=1279590660,type=ff,bucket=bucket_id:1,watch_port:31,"
	       "actions=output:32,bucket=bucket_id:2,watch_group:1279590656,actions=NORMAL\n"
	       "group add_or_mod group_id=1279590659,type=ff,bucket=bucket_id:1,watch_port:32,"
	       "actions=group:1279590660,bucket=bucket_id:2,watch_group:1279590656,"
	       "actions=NORMAL\n" RULES_OF(C, "399", "1279590657", "1279590659", "NORMAL"));
}

static void
fail_closed_groups_have_no_second_bucket(void)
{
	struct ovs_selection s = web();

	s.fail_closed = true;
	golden(1, &s, 1,
	       ALWAYS
	       "group add_or_mod group_id=1279590658,type=ff,bucket=bucket_id:1,watch_port:32,"
	       "actions=output:31\n"
	       "group add_or_mod group_id=1279590657,type=ff,bucket=bucket_id:1,watch_port:31,"
	       "actions=group:1279590658\n"
	       "group add_or_mod group_id=1279590660,type=ff,bucket=bucket_id:1,watch_port:31,"
	       "actions=output:32\n"
	       "group add_or_mod group_id=1279590659,type=ff,bucket=bucket_id:1,watch_port:32,"
	       "actions=group:1279590660\n" RULES_OF(C, "499", "1279590657", "1279590659",
						     "NORMAL"));
}

static void
next_is_the_operators_table(void)
{
	struct ovs_selection s = web();

	s.next_table = 10;
	CU_ASSERT(contains(&s, 1,
			   "flow add " R "priority=501,in_port=31,actions=set_field:2->in_port,"
			   "resubmit(,10)"));
	CU_ASSERT(contains(&s, 1,
			   "group add_or_mod group_id=1279590657,type=ff,bucket=bucket_id:1,"
			   "watch_port:31,actions=group:1279590658,bucket=bucket_id:2,"
			   "watch_group:1279590656,actions=resubmit(,10)"));
}

static void
copy_carries_its_id_and_direction_and_goes_on(void)
{
	struct ovs_selection s = mirror();

	CU_ASSERT(contains(&s, 1, "flow add " R "priority=501,in_port=33,actions=drop"));
	CU_ASSERT(contains(&s, 1,
			   "flow add " C "priority=199,tcp,in_port=1,tp_dst=80,actions="
			   "set_field:0x10001->reg12,group:1279590911,set_field:0->xxreg3,NORMAL"));
	CU_ASSERT(contains(&s, 1,
			   "flow add " C "priority=199,tcp6,in_port=2,tp_src=80,actions="
			   "set_field:0x10004->reg12,group:1279590911,set_field:0->xxreg3,NORMAL"));
	CU_ASSERT(contains(&s, 1,
			   "flow add " C "priority=299,ip,nw_proto=6,ip_frag=yes,in_port=2,"
			   "actions=set_field:0x10004->reg12,group:1279590911,"
			   "set_field:0->xxreg3,NORMAL"));
	CU_ASSERT(contains(&s, 1,
			   "flow add " C "priority=510,reg12=0x10001,actions=push_vlan:0x8100,"
			   "set_field:4101->vlan_vid,output:33"));
	CU_ASSERT(contains(&s, 1,
			   "flow add " C "priority=510,reg12=0x10004,actions=push_vlan:0x8100,"
			   "set_field:6149->vlan_vid,output:33"));
}

/* There is room for the tag in any case: no question about tags is needed. */
static void
copy_of_untagged_frames_is_one_action(void)
{
	struct ovs_selection s = mirror();

	s.vlan = OVS_VLAN_NONE;
	CU_ASSERT(contains(&s, 1,
			   "flow add " C "priority=199,tcp,in_port=1,vlan_tci=0x0000/0x1fff,"
			   "tp_dst=80,actions=clone(push_vlan:0x8100,"
			   "set_field:4101->vlan_vid,output:33),NORMAL"));
}

/* Fragments say nothing of ports, so the rule for them serves both selections. */
static void
copy_and_inline_share_the_rules_without_ports(void)
{
	struct ovs_selection both[2] = { mirror(), web() }, reversed[2] = { web(), mirror() };
	const char *line =
		"priority=399,ip,nw_proto=6,ip_frag=yes,in_port=1,actions="
		"set_field:0x10001->reg12,group:1279590911,set_field:0->xxreg3,group:1279590657";
	char want[300];

	snprintf(want, sizeof(want), "flow add cookie=0x4c45415400100002,table=0,%s", line);
	CU_ASSERT(contains(both, 2, want));
	snprintf(want, sizeof(want), "flow add " C "%s", line);
	CU_ASSERT(contains(reversed, 2, want));
}

static void
equal_ways_share_their_groups(void)
{
	static const struct ovs_port_range mail[] = { { 25, 25 } };
	struct ovs_selection two[2] = { web(), web() };

	two[1].ports = mail;
	CU_ASSERT(contains(two, 2,
			   "flow add cookie=0x4c45415400100002,table=0,priority=199,tcp,"
			   "in_port=1,tp_dst=25,actions=group:1279590657"));
}

static void
fail_closed_wins_for_what_has_no_ports(void)
{
	static const struct ovs_port_range mail[] = { { 25, 25 } };
	struct ovs_selection two[2] = { web(), web() };

	two[1].ports = mail;
	two[1].fail_closed = true;
	CU_ASSERT(
		contains(two, 2,
			 "flow add cookie=0x4c45415400100002,table=0,priority=499,icmp,icmp_type=3,"
			 "in_port=1,actions=group:1279590661"));
	CU_ASSERT(contains(two, 2,
			   "flow add " C "priority=199,tcp,in_port=1,tp_dst=80,"
			   "actions=group:1279590657"));
}

static void
port_range_becomes_the_fewest_masks(void)
{
	static const struct ovs_port_range r[] = { { 8000, 8003 }, { 8004, 8006 } };
	struct ovs_selection s = web();

	s.ports = r;
	s.n_ports = 2;
	CU_ASSERT(contains(&s, 1,
			   "flow add " C "priority=199,tcp,in_port=1,tp_dst=0x1f40/0xfffc,"
			   "actions=group:1279590657"));
	CU_ASSERT(contains(&s, 1,
			   "flow add " C "priority=199,tcp,in_port=1,tp_dst=0x1f44/0xfffe,"
			   "actions=group:1279590657"));
	CU_ASSERT(contains(&s, 1,
			   "flow add " C "priority=199,tcp,in_port=1,tp_dst=8006,"
			   "actions=group:1279590657"));
}

/* Every port belongs to exactly one of a range's masks if it is in the range, else to none. */
static void
range_masks_cover_the_range_exactly(void)
{
	static const struct ovs_port_range ranges[] = { { 0, 65535 },	 { 1, 65534 },
							{ 0, 0 },	 { 65535, 65535 },
							{ 1024, 65535 }, { 7, 4242 },
							{ 0, 1023 } };
	struct ovs_selection s = web();
	static uint8_t hits[65536];
	unsigned int i, port, value, mask;
	struct err e = { "" };
	char *text, *line, *save;
	bool exact = true;

	for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		s.ports = &ranges[i];
		memset(hits, 0, sizeof(hits));
		text = render(1, &s, 1, 0, &e);
		for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
			if (strstr(line, "tcp,in_port=1") == NULL)
				continue;
			value = mask = 0;
			if (strstr(line, "tp_dst=0x") != NULL)
				sscanf(strstr(line, "tp_dst="), "tp_dst=0x%x/0x%x", &value, &mask);
			else if (strstr(line, "tp_dst=") != NULL) {
				mask = 0xffff;
				sscanf(strstr(line, "tp_dst="), "tp_dst=%u", &value);
			}
			for (port = 0; port < 65536; port++)
				hits[port] += (port & mask) == value;
		}
		for (port = 0; port < 65536; port++)
			exact &= hits[port] == (port >= ranges[i].first && port <= ranges[i].last);
		free(text);
	}
	CU_ASSERT(exact);
}

static void
prefixes_are_sources_on_one_side_and_destinations_on_the_other(void)
{
	static const struct ovs_prefix from[] = { { .len = 12, .addr = { 10, 31, 2, 3 } } };
	static const struct ovs_prefix to[] = { { .len = 32, .addr = { 192, 0, 2, 7 } } };
	struct ovs_selection s = web();
	struct err e = { "" };
	char *text;

	s.from = from;
	s.to = to;
	s.n_from = s.n_to = 1;
	CU_ASSERT(contains(&s, 1,
			   "flow add " C "priority=199,tcp,in_port=1,nw_src=10.16.0.0/12,"
			   "nw_dst=192.0.2.7/32,tp_dst=80,actions=group:1279590657"));
	CU_ASSERT(contains(&s, 1,
			   "flow add " C "priority=199,tcp,in_port=2,nw_src=192.0.2.7/32,"
			   "nw_dst=10.16.0.0/12,tp_src=80,actions=group:1279590659"));
	CU_ASSERT(contains(&s, 1,
			   "flow add " C "priority=399,icmp,icmp_type=3,in_port=2,"
			   "nw_dst=10.16.0.0/12,actions=group:1279590659"));
	text = render(1, &s, 1, 0, &e);
	CU_ASSERT_PTR_NULL(strstr(text, "tcp6"));
	free(text);
}

static void
ipv6_prefixes_leave_ipv4_alone(void)
{
	static const struct ovs_prefix to[] = {
		{ .v6 = true, .len = 33, .addr = { 0xfd, 0x77, [4] = 0xff } }
	};
	struct ovs_selection s = web();
	struct err e = { "" };
	char *text;

	s.to = to;
	s.n_to = 1;
	CU_ASSERT(contains(&s, 1,
			   "flow add " C "priority=199,tcp6,in_port=1,ipv6_dst=fd77:0:8000::/33,"
			   "tp_dst=80,actions=group:1279590657"));
	text = render(1, &s, 1, 0, &e);
	CU_ASSERT_PTR_NULL(strstr(text, "tcp,"));
	free(text);
}

static void
vlan_is_the_outer_tag_or_none(void)
{
	struct ovs_selection s = web();

	s.vlan = 100;
	CU_ASSERT(contains(&s, 1,
			   "flow add " C "priority=199,tcp,in_port=1,dl_vlan=100,tp_dst=80,"
			   "actions=group:1279590657"));
	s.vlan = OVS_VLAN_NONE;
	CU_ASSERT(contains(&s, 1,
			   "flow add " C "priority=399,icmp6,icmp_type=2,in_port=2,"
			   "vlan_tci=0x0000/0x1fff,actions=group:1279590659"));
}

static void
instances_differ_in_cookies_and_groups(void)
{
	struct ovs_selection s = web();
	struct err e = { "" };
	char *text = render(0x2a, &s, 1, 0, &e);

	CU_ASSERT_PTR_NOT_NULL(strstr(text, "cookie=0x4c45415402a00001,"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "group_id=1279601153,"));	/* 0x4c452a01 */
	free(text);
}

static void
other_bridges_selections_are_left_out(void)
{
	struct ovs_selection s = web();

	s.bridge = "br1";
	golden(1, &s, 1, "");
}

static void
selections_that_make_no_sense_are_refused(void)
{
	static const struct ovs_prefix v4[] = { { .len = 8, .addr = { 10 } } },
				       v6[] = { { .v6 = true, .len = 8 } };
	static const struct ovs_port_range upside_down[] = { { 90, 80 } };
	struct ovs_selection s = web();

	s.from = v4;
	s.to = v6;
	s.n_from = s.n_to = 1;
	nonsense(&s, 1, -EINVAL, "no address family in common");
	s = web();
	s.ports = upside_down;
	nonsense(&s, 1, -EINVAL, "upside down");
	s = web();
	s.client = "p9";
	nonsense(&s, 1, -ENODEV, "no port p9");
	s = mirror();
	s.tag_id = 0x7ff;
	nonsense(&s, 1, -EINVAL, "1 to 2046");
}

static void
one_leat_port_between_two_pairs_is_refused(void)
{
	struct ovs_selection two[2] = { web(), web() };

	two[1].client = "p4";
	two[1].server = "p3";
	nonsense(two, 2, -EINVAL, "joins one pair of ports");
}

static void
too_many_rules_are_refused(void)
{
	static struct ovs_prefix many[5000];
	struct ovs_selection s = web();
	unsigned int i;

	for (i = 0; i < 5000; i++)
		many[i] = (struct ovs_prefix){ .len = 32,
					       .addr = { 10, 0, (uint8_t)(i >> 8), (uint8_t)i } };
	s.from = many;
	s.n_from = 5000;
	nonsense(&s, 1, -E2BIG, "more than 8192 rules");
}

TAP_MAIN(ovs_steer, TAP_TEST(inline_selection_is_fail_open_in_both_directions),
	 TAP_TEST(fail_closed_groups_have_no_second_bucket), TAP_TEST(next_is_the_operators_table),
	 TAP_TEST(copy_carries_its_id_and_direction_and_goes_on),
	 TAP_TEST(copy_of_untagged_frames_is_one_action),
	 TAP_TEST(copy_and_inline_share_the_rules_without_ports),
	 TAP_TEST(equal_ways_share_their_groups), TAP_TEST(fail_closed_wins_for_what_has_no_ports),
	 TAP_TEST(port_range_becomes_the_fewest_masks),
	 TAP_TEST(range_masks_cover_the_range_exactly),
	 TAP_TEST(prefixes_are_sources_on_one_side_and_destinations_on_the_other),
	 TAP_TEST(ipv6_prefixes_leave_ipv4_alone), TAP_TEST(vlan_is_the_outer_tag_or_none),
	 TAP_TEST(instances_differ_in_cookies_and_groups),
	 TAP_TEST(other_bridges_selections_are_left_out),
	 TAP_TEST(selections_that_make_no_sense_are_refused),
	 TAP_TEST(one_leat_port_between_two_pairs_is_refused), TAP_TEST(too_many_rules_are_refused))
