/*
 * Link headers: learned from frames, written for them.
 */
#include "tcpterm/l2.h"

#include <string.h>

#include "tests/unit/eal.h"
#include "tests/unit/frame.h"
#include "tests/unit/tap.h"

static struct frame f;
static struct flow_key key;	/* of the latest frame */

static struct flow_key
key_of(const struct vlan_tag *tag, unsigned n)
{
	struct flow_key k = { .n_tags = (uint16_t)n };
	unsigned i, n_vids = 0;

	for (i = 0; i < n && n <= 2; i++)
		if (vlan_vid(tag[i]))
			k.vid[n_vids++] = vlan_vid(tag[i]);
	return k;
}

/* Learns from a frame with these tags; returns the length of its link header. */
static unsigned
learn_of(struct l2_headers *s, struct l2_template *t, const struct vlan_tag *tag, unsigned n,
	 unsigned n_keyed, uint8_t last_mac_byte)
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
	p.n_key_tags = (uint8_t)n_keyed;
	memcpy(p.tag, tag, n * sizeof *tag);
	key = key_of(tag, n);
	CU_ASSERT_TRUE(l2_learn(s, t, &p));
	rte_pktmbuf_free(p.m);
	return (unsigned)f.len;
}

static unsigned
learn(struct l2_headers *s, struct l2_template *t, const struct vlan_tag *tag, unsigned n,
      uint8_t mac)
{
	return learn_of(s, t, tag, n, n, mac);
}

static const struct vlan_tag tags[] = {
	{ 0x88a8, 0x600a }, { 0x8100, 0x2014 }, { 0x8100, 0xb01e }, { 0x9100, 0x0028 }
};

static void
written_header_is_the_learned_one(void)
{
	struct l2_headers *s = l2_headers_new(8);
	struct l2_template t = { 0 };
	uint8_t b[14 + 4 * PKT_MAX_TAGS];
	unsigned n;

	for (n = 0; n <= 4; n++) {
		unsigned len = learn(s, &t, tags, n, 9);

		CU_ASSERT_EQUAL(l2_write(s, &t, key.vid, false, 0x0800, b), len);
		CU_ASSERT_EQUAL(memcmp(b, f.b, 12), 0);
		CU_ASSERT_EQUAL(memcmp(b + 12, f.b + 12, len - 14), 0);
		CU_ASSERT_TRUE(b[len - 2] == 0x08 && b[len - 1] == 0x00);
	}
	l2_forget(s, &t);
	l2_headers_free(s);
}

static void
swapped_header_exchanges_the_macs_only(void)
{
	struct l2_headers *s = l2_headers_new(8);
	struct l2_template t = { 0 };
	uint8_t b[14 + 4 * PKT_MAX_TAGS];

	learn(s, &t, tags, 4, 9);
	CU_ASSERT_EQUAL(l2_write(s, &t, key.vid, true, 0x86dd, b), 30);
	CU_ASSERT_EQUAL(memcmp(b, f.b + 6, 6), 0);
	CU_ASSERT_EQUAL(memcmp(b + 6, f.b, 6), 0);
	CU_ASSERT_EQUAL(memcmp(b + 12, f.b + 12, 16), 0);
	CU_ASSERT_TRUE(b[28] == 0x86 && b[29] == 0xdd);
	l2_headers_free(s);
}

static void
template_follows_a_mac_move_and_a_change_of_tags(void)
{
	struct l2_headers *s = l2_headers_new(2);
	struct l2_template t = { 0 };
	struct vlan_tag changed[4];
	uint8_t b[14 + 4 * PKT_MAX_TAGS];
	unsigned i;

	learn(s, &t, tags, 2, 9);
	learn(s, &t, tags, 2, 77);
	CU_ASSERT_EQUAL(l2_src(s, &t)[5], 77);
	memcpy(changed, tags, sizeof changed);
	/* Each change needs a new deep stack; the room for two suffices if the old ones go. */
	for (i = 0; i < 50; i++) {
		changed[3].tci = (uint16_t)(1 + i);
		learn(s, &t, changed, 4, 9);
		l2_write(s, &t, key.vid, false, 0x0800, b);
		CU_ASSERT_EQUAL(b[27], 1 + i);
	}
	l2_headers_free(s);
}

static void
no_room_leaves_the_template(void)
{
	struct l2_headers *s = l2_headers_new(1);
	struct l2_template a = { 0 }, b = { 0 };
	struct tcpterm_l2 l2 = { .n_tags = 3 };

	memcpy(l2.tag, tags, sizeof tags);
	CU_ASSERT_TRUE(l2_from(s, &a, &l2, 1));
	CU_ASSERT_EQUAL(a.side, 1);
	l2.tag[2].tci = 5;
	CU_ASSERT_FALSE(l2_from(s, &b, &l2, 0));
	CU_ASSERT_EQUAL(b.n_tags, 0);
	CU_ASSERT_PTR_NULL(l2_src(s, &b));
	l2_forget(s, &a);
	CU_ASSERT_TRUE(l2_from(s, &b, &l2, 0));
	l2_headers_free(s);
}

/* A million flows that differ in their VIDs only need room for one header. */
static void
vids_are_each_flows_own(void)
{
	struct vlan_tag tag[3] = { { 0x88a8, 0x6000 }, { 0x8100, 0 }, { 0x8100, 0x3000 } };
	struct l2_headers *s = l2_headers_new(1);
	uint8_t b[14 + 4 * PKT_MAX_TAGS];
	struct l2_template t[9];
	struct flow_key k[9];

	memset(t, 0, sizeof t);
	for (unsigned i = 0; i < 9; i++) {
		tag[0].tci = (uint16_t)(0x6000 | (1 + i));
		tag[2].tci = (uint16_t)(0x3000 | (0xffe - i));
		learn_of(s, &t[i], tag, 3, 2, 9);
		k[i] = (struct flow_key){ .n_tags = 2,
					  .vid = { vlan_vid(tag[0]), vlan_vid(tag[2]) } };
	}
	for (unsigned i = 0; i < 9; i++) {
		CU_ASSERT_EQUAL(l2_write(s, &t[i], k[i].vid, false, 0x0800, b), 26);
		CU_ASSERT_TRUE(b[14] == 0x60 && b[15] == 1 + i);
		CU_ASSERT_TRUE(b[18] == 0 && b[19] == 0);
		CU_ASSERT_TRUE(b[22] == 0x3f && b[23] == 0xfe - i);
	}
	l2_headers_free(s);
}

static void
redirected_header_keeps_the_rest(void)
{
	static const uint8_t to[6] = { 2, 4, 6, 8, 10, 12 };
	struct l2_headers *s = l2_headers_new(2);
	struct l2_template t = { 0 };
	uint8_t b[14 + 4 * PKT_MAX_TAGS];

	learn(s, &t, tags, 2, 9);
	CU_ASSERT_TRUE(l2_redirect(s, &t, to));
	CU_ASSERT_EQUAL(l2_write(s, &t, key.vid, false, 0x0800, b), 22);
	CU_ASSERT_EQUAL(memcmp(b, to, 6), 0);
	CU_ASSERT_EQUAL(memcmp(b + 6, f.b + 6, 14), 0);
	l2_headers_free(s);
}

TAP_MAIN(l2, TAP_TEST(written_header_is_the_learned_one),
	 TAP_TEST(swapped_header_exchanges_the_macs_only),
	 TAP_TEST(template_follows_a_mac_move_and_a_change_of_tags),
	 TAP_TEST(no_room_leaves_the_template), TAP_TEST(vids_are_each_flows_own),
	 TAP_TEST(redirected_header_keeps_the_rest))
