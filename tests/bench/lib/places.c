#include "tests/bench/lib/places.h"

#include <string.h>

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "datapath/checksum.h"

enum { SPORT = 40000, DPORT = 1000, OPTIONS = 12, WINDOW = 64240, ISN = 1000 };

const char *
spread_name(enum spread s)
{
	static const char *const name[] = { "qinq", "addresses", "mixed" };

	return name[s];
}

/* Three small numbers: of the VLANs, of the server's address, of its port. */
struct digits {
	uint16_t vid[2];
	unsigned n_tags;
	uint32_t address;
	uint16_t port;
};

static struct digits
digits(enum spread s, uint32_t i)
{
	switch (s) {
	case SPREAD_QINQ:
		return (struct digits){
			.vid = { (uint16_t)(1 + i / 1000), (uint16_t)(1 + i % 1000) }, .n_tags = 2
		};
	case SPREAD_ADDRESSES:
		return (struct digits){
			.vid = { 7 }, .n_tags = 1, .address = i / 1000, .port = (uint16_t)(i % 1000)
		};
	default:
		return (struct digits){ .vid = { (uint16_t)(1 + i / 10000) },
					.n_tags = 1,
					.address = i / 100 % 100,
					.port = (uint16_t)(i % 100) };
	}
}

static struct ip_addr
address(bool v6, unsigned end, uint32_t n)
{
	const uint8_t b[16] = { 0x20,
				0x01,
				0x0d,
				0xb8,
				[7] = (uint8_t)end,
				[13] = 1,
				[14] = (uint8_t)(n >> 8),
				[15] = (uint8_t)n };
	const uint8_t v4[4] = { 10, (uint8_t)(1 + end), (uint8_t)(n >> 8), (uint8_t)n };

	return v6 ? ip_addr_v6(b) : ip_addr_v4(v4);
}

struct tcpterm_identity
place_identity(enum spread s, bool v6, uint32_t i)
{
	struct digits d = digits(s, i);
	struct tcpterm_identity id = {
		.l2 = { .dst = { { 2, 0, 0, 0, 0, 2 } },
			.src = { { 2, 0, 0, 0, 0, 1 } },
			.n_tags = (uint8_t)d.n_tags },
		.local = address(v6, 0, 1),
		.remote = address(v6, 1, d.address),
		.local_port = SPORT,
		.remote_port = (uint16_t)(DPORT + d.port),
	};

	for (unsigned k = 0; k < d.n_tags; k++)
		id.l2.tag[k] = (struct vlan_tag){
			.tpid = k + 1 < d.n_tags ? RTE_ETHER_TYPE_QINQ : RTE_ETHER_TYPE_VLAN,
			.tci = d.vid[k],
		};
	return id;
}

struct tcpterm_selector
place_selector(enum spread s, bool v6, uint32_t i)
{
	struct digits d = digits(s, i);
	struct tcpterm_selector select = {
		.tags = TCPTERM_TAGS_EXACT,
		.n_vids = (uint8_t)d.n_tags,
		.vid = { d.vid[0], d.vid[1] },
		.dst = address(v6, 1, d.address),
		.dst_len = 128,
		.dst_port = { (uint16_t)(DPORT + d.port), (uint16_t)(DPORT + d.port) },
		.src_port = { 0, 65535 },
	};

	return select;
}

uint32_t
place_of(enum spread s, const struct pkt *p)
{
	uint32_t outer = vlan_vid(p->tag[0]) - 1u, port = p->dport - (uint32_t)DPORT;
	uint32_t n = (uint32_t)(p->dst.b[14] << 8 | p->dst.b[15]);

	if (s == SPREAD_QINQ)
		return outer * 1000 + vlan_vid(p->tag[1]) - 1;
	return s == SPREAD_ADDRESSES ? n * 1000 + port : outer * 10000 + n * 100 + port;
}

void
place_payload(uint32_t i, unsigned dir, uint8_t to[PLACES_PAYLOAD])
{
	uint64_t x = (uint64_t)i << 1 | dir;

	for (unsigned k = 0; k < PLACES_PAYLOAD / 8; k++) {
		x = (x + 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;
		memcpy(to + 8 * k, &x, 8);
	}
}

/* --- frames --- */

#define SYN RTE_TCP_SYN_FLAG
#define ACK RTE_TCP_ACK_FLAG
#define FIN RTE_TCP_FIN_FLAG

const struct place_segment place_opening[PLACE_OPENING] = {
	{ 0, SYN, 0, 0, 0 },
	{ 1, SYN | ACK, 0, 1, 0 },
	{ 0, ACK, 1, 1, 0 },
	{ 0, ACK, 1, 1, PLACES_PAYLOAD },
	{ 1, ACK, 1, 1 + PLACES_PAYLOAD, PLACES_PAYLOAD },
	{ 0, ACK, 1 + PLACES_PAYLOAD, 1 + PLACES_PAYLOAD, 0 },
};

const struct place_segment place_closing[PLACE_CLOSING] = {
	{ 0, ACK | FIN, 1 + PLACES_PAYLOAD, 1 + PLACES_PAYLOAD, 0 },
	{ 1, ACK | FIN, 1 + PLACES_PAYLOAD, 2 + PLACES_PAYLOAD, 0 },
	{ 0, ACK, 2 + PLACES_PAYLOAD, 2 + PLACES_PAYLOAD, 0 },
};

static uint8_t *
put16(uint8_t *to, uint16_t v)
{
	to[0] = (uint8_t)(v >> 8);
	to[1] = (uint8_t)v;
	return to + 2;
}

static uint8_t *
put_link(uint8_t *to, const struct tcpterm_l2 *l2, unsigned dir, uint16_t type)
{
	memcpy(to, dir ? &l2->src : &l2->dst, 6);
	memcpy(to + 6, dir ? &l2->dst : &l2->src, 6);
	to += 12;
	for (unsigned k = 0; k < l2->n_tags; k++)
		to = put16(put16(to, l2->tag[k].tpid), l2->tag[k].tci);
	return put16(to, type);
}

/* The IP header of a packet of `len` bytes behind it. */
static uint8_t *
put_ip(uint8_t *to, bool v6, const struct ip_addr *src, const struct ip_addr *dst, unsigned len)
{
	const struct rte_ipv4_hdr ip4 = {
		.version_ihl = 0x45,
		.total_length = rte_cpu_to_be_16((uint16_t)(sizeof ip4 + len)),
		.time_to_live = 64,
		.next_proto_id = IPPROTO_TCP,
	};
	const struct rte_ipv6_hdr ip6 = {
		.vtc_flow = rte_cpu_to_be_32(6u << 28),
		.payload_len = rte_cpu_to_be_16((uint16_t)len),
		.proto = IPPROTO_TCP,
		.hop_limits = 64,
	};

	if (v6) {
		memcpy(to, &ip6, sizeof ip6);
		memcpy(to + 8, src->b, 16);
		memcpy(to + 24, dst->b, 16);
		return to + sizeof ip6;
	}
	memcpy(to, &ip4, sizeof ip4);
	memcpy(to + 12, src->b + 12, 4);
	memcpy(to + 16, dst->b + 12, 4);
	return to + sizeof ip4;
}

void
place_frame(struct rte_mbuf *m, enum spread s, bool v6, uint32_t i, const struct place_segment *seg)
{
	static const uint8_t options[OPTIONS] = { 2, 4, 5, 0xb4, 1, 3, 3, 7, 4, 2, 1, 1 };
	const struct tcpterm_identity id = place_identity(s, v6, i);
	const bool syn = seg->flags & SYN;
	const unsigned opt = syn ? OPTIONS : 0, dir = seg->dir;
	const uint16_t l3 = (uint16_t)(14 + 4 * id.l2.n_tags), l4 = (uint16_t)(l3 + (v6 ? 40 : 20));
	const struct rte_tcp_hdr tcp = {
		.src_port = rte_cpu_to_be_16(dir ? id.remote_port : id.local_port),
		.dst_port = rte_cpu_to_be_16(dir ? id.local_port : id.remote_port),
		.sent_seq = rte_cpu_to_be_32(ISN + seg->seq),
		.recv_ack = rte_cpu_to_be_32(seg->flags & ACK ? ISN + seg->ack : 0),
		.data_off = (uint8_t)((20 + opt) / 4 << 4),
		.tcp_flags = seg->flags,
		.rx_win = rte_cpu_to_be_16(syn ? WINDOW : WINDOW >> 7),
	};
	uint8_t *at = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(l4 + 20 + opt + seg->len));

	at = put_link(at, &id.l2, dir, v6 ? RTE_ETHER_TYPE_IPV6 : RTE_ETHER_TYPE_IPV4);
	at = put_ip(at, v6, dir ? &id.remote : &id.local, dir ? &id.local : &id.remote,
		    20 + opt + seg->len);
	memcpy(at, &tcp, sizeof tcp);
	memcpy(at + 20, options, opt);
	if (seg->len)
		place_payload(i, dir, at + 20 + opt);
	cksum_tcp_write(m, l3, l4);
}
