/*
 * VLAN stacks in keys: shallow as they are, deep by name.
 */
#include "tcpterm/vlan_stack.h"

#include <string.h>

#include "tests/unit/tap.h"

static const uint16_t deep[] = { 10, 20, 30, 40 };

static void
two_tags_are_the_key_itself(void)
{
	struct vlan_stacks *v = vlan_stacks_new(4);
	struct flow_key k = { 0 };
	uint16_t vid[PKT_MAX_TAGS];

	CU_ASSERT_TRUE(vlan_stack_key(v, deep, 2, false, &k));
	CU_ASSERT_TRUE(k.n_tags == 2 && k.vid[0] == 10 && k.vid[1] == 20);
	CU_ASSERT_EQUAL(vlan_stack_vids(v, &k, vid), 2);
	CU_ASSERT_EQUAL(vid[1], 20);
	CU_ASSERT_TRUE(vlan_stack_key(v, deep, 0, false, &k));
	CU_ASSERT_TRUE(k.n_tags == 0 && k.vid[0] == 0 && k.vid[1] == 0);
	vlan_stacks_free(v);
}

static void
deep_stack_is_known_only_once_created(void)
{
	struct vlan_stacks *v = vlan_stacks_new(4);
	struct flow_key a = { 0 }, b = { 0 };
	uint16_t vid[PKT_MAX_TAGS];

	CU_ASSERT_FALSE(vlan_stack_key(v, deep, 4, false, &a));
	CU_ASSERT_TRUE(vlan_stack_key(v, deep, 4, true, &a));
	CU_ASSERT_TRUE(vlan_stack_key(v, deep, 4, false, &b));
	CU_ASSERT_EQUAL(memcmp(&a, &b, sizeof a), 0);
	CU_ASSERT_TRUE(vlan_stack_key(v, deep, 3, true, &b));
	CU_ASSERT_NOT_EQUAL(memcmp(&a.vid, &b.vid, sizeof a.vid), 0);
	CU_ASSERT_EQUAL(vlan_stack_vids(v, &a, vid), 4);
	CU_ASSERT_EQUAL(memcmp(vid, deep, sizeof deep), 0);
	vlan_stacks_free(v);
}

static void
stack_in_use_is_never_forgotten(void)
{
	struct vlan_stacks *v = vlan_stacks_new(2);
	struct flow_key a = { 0 }, b = { 0 }, c = { 0 };
	const uint16_t other[] = { 1, 2, 3 }, third[] = { 4, 5, 6 };

	CU_ASSERT_TRUE(vlan_stack_key(v, deep, 4, true, &a));
	vlan_stack_get(v, &a);
	CU_ASSERT_TRUE(vlan_stack_key(v, other, 3, true, &b));
	vlan_stack_get(v, &b);
	CU_ASSERT_FALSE(vlan_stack_key(v, third, 3, true, &c));
	vlan_stack_put(v, &b);
	CU_ASSERT_TRUE(vlan_stack_key(v, third, 3, true, &c));
	CU_ASSERT_TRUE(vlan_stack_key(v, deep, 4, false, &c));
	CU_ASSERT_FALSE(vlan_stack_key(v, other, 3, false, &c));
	vlan_stacks_free(v);
}

static void
name_of_a_forgotten_stack_is_nobody_elses(void)
{
	struct vlan_stacks *v = vlan_stacks_new(1);
	struct flow_key a = { 0 }, b = { 0 };
	const uint16_t other[] = { 1, 2, 3, 4 };
	uint16_t vid[PKT_MAX_TAGS];

	CU_ASSERT_TRUE(vlan_stack_key(v, deep, 4, true, &a));
	CU_ASSERT_TRUE(vlan_stack_key(v, other, 4, true, &b));
	CU_ASSERT_NOT_EQUAL(memcmp(&a, &b, sizeof a), 0);
	CU_ASSERT_EQUAL(vlan_stack_vids(v, &a, vid), 0);
	vlan_stack_get(v, &a);
	vlan_stack_put(v, &a);
	CU_ASSERT_EQUAL(vlan_stack_vids(v, &b, vid), 4);
	vlan_stacks_free(v);
}

static void
many_stacks_are_kept_apart(void)
{
	enum { MANY = 20000 };
	struct vlan_stacks *v = vlan_stacks_new(MANY);
	uint16_t vid[PKT_MAX_TAGS], want[3];
	unsigned i, wrong = 0;

	for (i = 0; i < MANY; i++) {
		struct flow_key k = { 0 };

		want[0] = (uint16_t)(1 + i % 4094);
		want[1] = (uint16_t)(1 + i / 4094);
		want[2] = 7;
		wrong += !vlan_stack_key(v, want, 3, true, &k);
		vlan_stack_get(v, &k);
		wrong += vlan_stack_vids(v, &k, vid) != 3 || memcmp(vid, want, sizeof want) != 0;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	vlan_stacks_free(v);
}

TAP_MAIN(vlan_stack, TAP_TEST(two_tags_are_the_key_itself),
	 TAP_TEST(deep_stack_is_known_only_once_created), TAP_TEST(stack_in_use_is_never_forgotten),
	 TAP_TEST(name_of_a_forgotten_stack_is_nobody_elses), TAP_TEST(many_stacks_are_kept_apart))
