/*
 * attachments.c - many ports of the switch on one pair of Leat's, told apart by the metadata tag.
 */
#include <string.h>

#include "tests/unit/tap.h"
#include "tests/unit/vnf_box.h"

enum { RED = 100, BLUE = 2046, PAYLOAD = 1200, CUT = 640 };

static struct vnf_box box;
static struct frame frame, whole;

static void
send_it(enum box_port port)
{
	unsigned i;

	box_send(&box, port, 0, &frame);
	for (i = 0; i < 4; i++)
		box_turn(&box);
}

static void
segment(uint16_t id, bool reverse, uint16_t flags)
{
	box_segment(&frame, reverse, 40000, 80, flags, id);
	send_it(reverse ? BOX_B : BOX_A);
}

static unsigned
tag_of(const struct rte_mbuf *m)
{
	const uint8_t *b = rte_pktmbuf_mtod(m, const uint8_t *);

	return b[12] == 0x81 && b[13] == 0 ? (unsigned)(b[14] << 8 | b[15]) : 0;
}

/* What came out of the port has this tag in front, and nothing else came. */
static struct rte_mbuf *
only_one(enum box_port port, uint16_t id)
{
	struct rte_mbuf *m = box_receive(&box, port);

	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT_EQUAL(tag_of(m), id);
	CU_ASSERT_EQUAL(box_count(&box, BOX_A) + box_count(&box, BOX_B), 0);
	return m;
}

static void
it_crosses_verbatim(enum box_port to, uint16_t id)
{
	struct rte_mbuf *m = only_one(to, id);

	CU_ASSERT_EQUAL_FATAL(m->pkt_len, frame.len);
	CU_ASSERT_EQUAL(memcmp(rte_pktmbuf_mtod(m, void *), frame.b, frame.len), 0);
	rte_pktmbuf_free(m);
}

static void
equal_tuples_of_two_attachments_are_two_flows(void)
{
	static const char *const modes[] = { "default track\n", "default pass\n",
					     "default passive\n" };
	static const enum tcpterm_kind kinds[] = { TCPTERM_KIND_TRACK, TCPTERM_KIND_PASS,
						   TCPTERM_KIND_PASSIVE };
	unsigned i;

	for (i = 0; i < 3; i++) {
		box_begin_attached(&box, 2, modes[i]);
		segment(RED, false, TCP_SYN);
		it_crosses_verbatim(BOX_B, RED);
		segment(BLUE, false, TCP_SYN);
		it_crosses_verbatim(BOX_B, BLUE);
		segment(RED, true, TCP_SYN | TCP_ACK);
		it_crosses_verbatim(BOX_A, RED);
		segment(BLUE, true, TCP_SYN | TCP_ACK);
		it_crosses_verbatim(BOX_A, BLUE);
		CU_ASSERT_EQUAL(box_flows(&box, kinds[i]), 2);
		box_end(&box);
	}
}

static void
shake_hands(uint16_t id)
{
	segment(id, false, TCP_SYN);
	segment(id, true, TCP_SYN | TCP_ACK);
	frame_init(&frame);
	frame_ether(&frame, RTE_ETHER_TYPE_IPV4);
	frame_tag(&frame, RTE_ETHER_TYPE_VLAN, id);
	frame_ip4(&frame, "10.0.0.1", "10.0.0.2", 6, NULL, 0);
	frame_tcp(&frame, 40000, 80, 1001, 5001, TCP_ACK, 1000, NULL, 0);
	frame_end(&frame);
	send_it(BOX_A);
	box_count(&box, BOX_A);
	box_count(&box, BOX_B);
}

static void
data_from_the_client(uint16_t id, size_t len)
{
	frame_init(&frame);
	frame_ether(&frame, RTE_ETHER_TYPE_IPV4);
	frame_tag(&frame, RTE_ETHER_TYPE_VLAN, id);
	frame_ip4(&frame, "10.0.0.1", "10.0.0.2", 6, NULL, 0);
	frame_tcp(&frame, 40000, 80, 1001, 5001, TCP_ACK | TCP_PSH, 1000, NULL, 0);
	frame_fill(&frame, len);
	frame_end(&frame);
}

static void
what_a_proxy_makes_carries_the_tag(void)
{
	const uint16_t ids[] = { RED, BLUE };
	struct parse_conf conf = { .meta = true };
	struct rte_mbuf *m;
	struct pkt p;
	unsigned i;

	box_begin_attached(&box, 2, "default proxy\n");
	shake_hands(RED);
	shake_hands(BLUE);
	CU_ASSERT_EQUAL(box_flows(&box, TCPTERM_KIND_RELAY), 2);
	for (i = 0; i < 2; i++) {
		data_from_the_client(ids[i], 100 + i);
		send_it(BOX_A);
		box.now = usec_add(box.now, 100 * 1000);	/* a delayed ACK is due */
		box_turn(&box);
		m = box_receive(&box, BOX_A);
		CU_ASSERT_PTR_NOT_NULL_FATAL(m);
		CU_ASSERT_EQUAL(tag_of(m), ids[i]);
		CU_ASSERT_EQUAL(pkt_parse(&p, m, &conf), PKT_TCP);
		CU_ASSERT_EQUAL(p.ack, 1101 + i);
		CU_ASSERT_FALSE(p.cksum_bad);
		rte_pktmbuf_free(m);
		m = box_receive(&box, BOX_B);
		CU_ASSERT_PTR_NOT_NULL_FATAL(m);
		CU_ASSERT_EQUAL(tag_of(m), ids[i]);
		CU_ASSERT_EQUAL(pkt_parse(&p, m, &conf), PKT_TCP);
		CU_ASSERT_EQUAL(p.payload_len, 100 + i);
		CU_ASSERT_EQUAL(p.n_tags, 0);
		rte_pktmbuf_free(m);
		box_count(&box, BOX_A);
		box_count(&box, BOX_B);
	}
	box_end(&box);
}

static void
reset_carries_the_tag(void)
{
	box_begin_attached(&box, 1, "default reset\n");
	segment(RED, false, TCP_SYN);
	rte_pktmbuf_free(only_one(BOX_A, RED));
	box_end(&box);
}

static void
rules_select_attachments_by_domain(void)
{
	box_begin_attached(&box, 1, "rule red: drop domain 100\ndefault track\n");
	segment(RED, false, TCP_SYN);
	segment(BLUE, false, TCP_SYN);
	CU_ASSERT_EQUAL(box_flows(&box, TCPTERM_KIND_DROP), 1);
	CU_ASSERT_EQUAL(box_flows(&box, TCPTERM_KIND_TRACK), 1);
	it_crosses_verbatim(BOX_B, BLUE);
	box_end(&box);
}

static void
users_tags_lie_behind_the_metadata_tag(void)
{
	struct rte_mbuf *m;

	box_begin_attached(&box, 1, "rule v: reset vlan 7\ndefault drop\n");
	frame_init(&frame);
	frame_ether(&frame, RTE_ETHER_TYPE_IPV4);
	frame_tag(&frame, RTE_ETHER_TYPE_VLAN, RED);
	frame_tag(&frame, RTE_ETHER_TYPE_QINQ, 0x6007);
	frame_ip4(&frame, "10.0.0.1", "10.0.0.2", 6, NULL, 0);
	frame_tcp(&frame, 40000, 80, 1000, 0, TCP_SYN, 1000, NULL, 0);
	frame_end(&frame);
	send_it(BOX_A);
	m = only_one(BOX_A, RED);
	CU_ASSERT_EQUAL(memcmp(rte_pktmbuf_mtod_offset(m, void *, 16), "\x88\xa8\x60\x07\x08\0", 6),
			0);
	rte_pktmbuf_free(m);
	box_end(&box);
}

static void
what_is_no_tcp_crosses_with_its_tag(void)
{
	box_begin_attached(&box, 1, "default drop\n");
	frame_init(&frame);
	frame_ether(&frame, RTE_ETHER_TYPE_ARP);
	frame_tag(&frame, RTE_ETHER_TYPE_VLAN, RED);
	frame_fill(&frame, 28);
	frame_end(&frame);
	send_it(BOX_A);
	it_crosses_verbatim(BOX_B, RED);
	frame_init(&frame);
	frame_ether(&frame, RTE_ETHER_TYPE_IPV4);
	frame_tag(&frame, RTE_ETHER_TYPE_VLAN, BLUE);
	frame_ip4(&frame, "10.0.0.2", "10.0.0.1", 17, NULL, 0);
	frame_fill(&frame, 40);
	frame_end(&frame);
	send_it(BOX_B);
	it_crosses_verbatim(BOX_A, BLUE);
	box_end(&box);
}

static void
marks_that_no_attachment_has_are_bridged(void)
{
	const uint16_t foreign[] = { 0, 1, DOMAIN_TAPS - 1, DOMAIN_UNTAGGED };
	unsigned i;

	box_begin_attached(&box, 1, "default drop\n");
	for (i = 0; i < 4; i++) {	/* 0: no tag at all */
		segment(foreign[i], false, TCP_SYN);
		it_crosses_verbatim(BOX_B, foreign[i]);
	}
	CU_ASSERT_EQUAL(box_flows(&box, TCPTERM_KIND_DROP), 0);
	box_end(&box);
}

/* Bytes [off, off + len) of the whole's IP payload as a fragment. */
static void
send_piece(unsigned off, unsigned len, bool more)
{
	uint8_t *ip = frame.b + 18;
	const uint16_t words[] = { (uint16_t)(20 + len), 777,
				   (uint16_t)(off / 8 | (more ? 0x2000 : 0)) };
	uint16_t sum;
	unsigned i;

	frame_init(&frame);
	memcpy(frame.b, whole.b, 38);
	memcpy(frame.b + 38, whole.b + 38 + off, len);
	frame.len = 38 + len;
	for (i = 0; i < 3; i++) {
		ip[2 + 2 * i] = (uint8_t)(words[i] >> 8);
		ip[3 + 2 * i] = (uint8_t)words[i];
	}
	ip[10] = ip[11] = 0;
	sum = (uint16_t)~naive_sum(ip, 20, 0);
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
	send_it(BOX_A);
}

static void
fragments_of_two_attachments_never_mix(void)
{
	unsigned n;

	for (n = 1; n <= 2; n++) {
		box_begin_attached(&box, n, "default track\n");
		data_from_the_client(RED, PAYLOAD);
		whole = frame;
		send_piece(0, CUT, true);
		data_from_the_client(BLUE, PAYLOAD);
		whole = frame;
		send_piece(CUT, PAYLOAD + 20 - CUT, false);
		CU_ASSERT_EQUAL(box_flows(&box, TCPTERM_KIND_TRACK), 0);
		data_from_the_client(RED, PAYLOAD);
		whole = frame;
		send_piece(CUT, PAYLOAD + 20 - CUT, false);
		CU_ASSERT_EQUAL(box_flows(&box, TCPTERM_KIND_TRACK), 1);
		for (unsigned i = 0; i < 2; i++) {
			struct rte_mbuf *m = box_receive(&box, BOX_B);

			CU_ASSERT_PTR_NOT_NULL_FATAL(m);
			CU_ASSERT_EQUAL(tag_of(m), RED);
			rte_pktmbuf_free(m);
		}
		CU_ASSERT_EQUAL(box_count(&box, BOX_B), 0);
		box.now = usec_add(box.now, 2 * 1000000);
		box_turn(&box);
		rte_pktmbuf_free(only_one(BOX_B, BLUE));	/* never completed */
		box_end(&box);
	}
}

/* Mid-stream both ends are told. */
static void
resets_of_a_segment_in_pieces_carry_the_tag(void)
{
	struct rte_mbuf *m;
	unsigned n;

	for (n = 1; n <= 2; n++) {
		box_begin_attached(&box, n, "default reset\n");
		data_from_the_client(RED, PAYLOAD);
		whole = frame;
		send_piece(0, CUT, true);
		send_piece(CUT, PAYLOAD + 20 - CUT, false);
		m = box_receive(&box, BOX_B);
		CU_ASSERT_PTR_NOT_NULL_FATAL(m);
		CU_ASSERT_EQUAL(tag_of(m), RED);
		rte_pktmbuf_free(m);
		rte_pktmbuf_free(only_one(BOX_A, RED));
		box_end(&box);
	}
}

static void
metadata_tag_takes_no_room_from_the_user(void)
{
	box_begin_attached(&box, 1, "default track\n");
	CU_ASSERT_EQUAL(ports_mtu(box.conf.ports, 0), 1500);
	CU_ASSERT_EQUAL(port_mtu(box.conf.ports->port[BOX_A]), 1504);
	box_end(&box);
}

TAP_MAIN(attachments, TAP_TEST(equal_tuples_of_two_attachments_are_two_flows),
	 TAP_TEST(what_a_proxy_makes_carries_the_tag), TAP_TEST(reset_carries_the_tag),
	 TAP_TEST(rules_select_attachments_by_domain),
	 TAP_TEST(users_tags_lie_behind_the_metadata_tag),
	 TAP_TEST(what_is_no_tcp_crosses_with_its_tag),
	 TAP_TEST(marks_that_no_attachment_has_are_bridged),
	 TAP_TEST(fragments_of_two_attachments_never_mix),
	 TAP_TEST(resets_of_a_segment_in_pieces_carry_the_tag),
	 TAP_TEST(metadata_tag_takes_no_room_from_the_user))
