/*
 * Link headers: learned from frames, written for them.
 */
#include "tcpterm/l2.h"

#include <string.h>

#include "tests/unit/eal.h"
#include "tests/unit/frame.h"
#include "tests/unit/tap.h"

static struct frame f;

/* Learns from a frame with these tags; returns the length of its link header. */
static unsigned
learn(struct l2_stacks *s, struct l2_template *t, const struct vlan_tag *tag, unsigned n,
      uint8_t last_mac_byte)
{
	struct pkt p;
	unsigned i;

	memset(&p, 0, sizeof p);
	frame_init(&f);
	frame_ether(&f, 0x0800);
	for (i = 0; i < n; i++)
		frame_tag(&f, tag[i].tpid, tag[i].tci);
	f.b[11] = last_mac_byte;
	p.m = frame_mbuf(&f);
	p.n_tags = (uint8_t)n;
	memcpy(p.tag, tag, n * sizeof *tag);
	CU_ASSERT_TRUE(l2_learn(s, t, &p));
	rte_pktmbuf_free(p.m);
	return (unsigned)f.len;
}

static const struct vlan_tag tags[] = {
	{ 0x88a8, 0x600a }, { 0x8100, 0x2014 }, { 0x8100, 0xb01e }, { 0x9100, 0x0028 }
};

static void
written_header_is_the_learned_one(void)
{
	struct l2_stacks *s = l2_stacks_new(8);
	struct l2_template t = { 0 };
	uint8_t b[14 + 4 * PKT_MAX_TAGS];
	unsigned n;

	for (n = 0; n <= 4; n++) {
		unsigned len = learn(s, &t, tags, n, 9);

		CU_ASSERT_EQUAL(l2_len(&t), len);
		CU_ASSERT_EQUAL(l2_write(s, &t, false, 0x0800, b), len);
		CU_ASSERT_EQUAL(memcmp(b, f.b, 12), 0);
		CU_ASSERT_EQUAL(memcmp(b + 12, f.b + 12, len - 14), 0);
		CU_ASSERT_TRUE(b[len - 2] == 0x08 && b[len - 1] == 0x00);
	}
	l2_forget(s, &t);
	l2_stacks_free(s);
}

static void
swapped_header_exchanges_the_macs_only(void)
{
	struct l2_stacks *s = l2_stacks_new(8);
	struct l2_template t = { 0 };
	uint8_t b[14 + 4 * PKT_MAX_TAGS];

	learn(s, &t, tags, 4, 9);
	CU_ASSERT_EQUAL(l2_write(s, &t, true, 0x86dd, b), 30);
	CU_ASSERT_EQUAL(memcmp(b, f.b + 6, 6), 0);
	CU_ASSERT_EQUAL(memcmp(b + 6, f.b, 6), 0);
	CU_ASSERT_EQUAL(memcmp(b + 12, f.b + 12, 16), 0);
	CU_ASSERT_TRUE(b[28] == 0x86 && b[29] == 0xdd);
	l2_stacks_free(s);
}

static void
template_follows_a_mac_move_and_a_change_of_tags(void)
{
	struct l2_stacks *s = l2_stacks_new(2);
	struct l2_template t = { 0 };
	struct vlan_tag changed[4];
	uint8_t b[14 + 4 * PKT_MAX_TAGS];
	unsigned i;

	learn(s, &t, tags, 2, 9);
	learn(s, &t, tags, 2, 77);
	CU_ASSERT_EQUAL(t.src.addr_bytes[5], 77);
	memcpy(changed, tags, sizeof changed);
	/* Each change needs a new deep stack; the room for two suffices if the old ones go. */
	for (i = 0; i < 50; i++) {
		changed[3].tci = (uint16_t)(1 + i);
		learn(s, &t, changed, 4, 9);
		l2_write(s, &t, false, 0x0800, b);
		CU_ASSERT_EQUAL(b[27], 1 + i);
	}
	l2_stacks_free(s);
}

static void
no_room_for_a_deep_stack_leaves_the_template(void)
{
	struct l2_stacks *s = l2_stacks_new(1);
	struct l2_template a = { 0 }, b = { 0 };
	struct tcpterm_l2 l2 = { .n_tags = 3 };

	memcpy(l2.tag, tags, sizeof tags);
	CU_ASSERT_TRUE(l2_from(s, &a, &l2, 1));
	CU_ASSERT_EQUAL(a.side, 1);
	l2.tag[2].tci = 5;
	CU_ASSERT_FALSE(l2_from(s, &b, &l2, 0));
	CU_ASSERT_EQUAL(b.n_tags, 0);
	l2_forget(s, &a);
	CU_ASSERT_TRUE(l2_from(s, &b, &l2, 0));
	l2_stacks_free(s);
}

TAP_MAIN(l2, TAP_TEST(written_header_is_the_learned_one),
	 TAP_TEST(swapped_header_exchanges_the_macs_only),
	 TAP_TEST(template_follows_a_mac_move_and_a_change_of_tags),
	 TAP_TEST(no_room_for_a_deep_stack_leaves_the_template))
