#include "tests/bench/lib/frame.h"

#include <string.h>

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "datapath/checksum.h"

enum {
	WINDOW = 0xffff,
	SPORT = 20000,
	SYN_OPTIONS = 20,
	TS_OPTION = 12,
	HEADERS = FRAME_L4 + 20 + TS_OPTION,
};

/* The header as it is patched. */
struct headers {
	struct rte_ether_hdr eth;
	struct rte_ipv4_hdr ip;
	struct rte_tcp_hdr tcp;
	uint8_t options[SYN_OPTIONS];
} __attribute__((packed, aligned(2)));

static uint16_t full_sum;	/* of FRAME_PAYLOAD_MAX bytes without their stamp */

static void
fill(struct rte_mempool *mp, void *arg, void *obj, unsigned i)
{
	struct rte_mbuf *m = obj;
	uint8_t *at = (uint8_t *)m->buf_addr + RTE_PKTMBUF_HEADROOM + HEADERS;

	(void)mp;
	(void)arg;
	(void)i;
	for (unsigned k = FRAME_STAMP; k < FRAME_PAYLOAD_MAX; k++)
		at[k] = (uint8_t)(k * 7 + k / 251);
	full_sum = rte_raw_cksum(at + FRAME_STAMP, FRAME_PAYLOAD_MAX - FRAME_STAMP);
}

void
frame_prepare(const struct pools *pools)
{
	rte_mempool_obj_iter(pools->frames, fill, NULL);
}

/* --- made --- */

static void
write_ends(struct headers *h, const struct frame *f)
{
	rte_be32_t client =
		rte_cpu_to_be_32(10u << 24 | (uint32_t)f->net << 16 | (f->flow & 0xffff));
	rte_be32_t server = rte_cpu_to_be_32(172u << 24 | 16u << 16 | (uint32_t)f->net << 8 | 1);
	rte_be16_t sport = rte_cpu_to_be_16((uint16_t)(SPORT + (f->flow >> 16)));
	rte_be16_t dport = rte_cpu_to_be_16(f->dport);
	static const struct rte_ether_addr mac[2] = { { { 2, 0, 0, 0, 0, 1 } },
						      { { 2, 0, 0, 0, 0, 2 } } };

	h->eth.src_addr = mac[!f->to_server];
	h->eth.dst_addr = mac[f->to_server];
	h->eth.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	h->ip = (struct rte_ipv4_hdr){
		.version_ihl = 0x45,
		.fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG),
		.time_to_live = 64,
		.next_proto_id = IPPROTO_TCP,
		.src_addr = f->to_server ? client : server,
		.dst_addr = f->to_server ? server : client,
	};
	h->tcp = (struct rte_tcp_hdr){
		.src_port = f->to_server ? sport : dport,
		.dst_port = f->to_server ? dport : sport,
		.sent_seq = rte_cpu_to_be_32(f->seq),
		.recv_ack = rte_cpu_to_be_32(f->ack),
		.tcp_flags = f->flags,
		.rx_win = rte_cpu_to_be_16(WINDOW),
	};
}

/* Their length. */
static unsigned
write_options(uint8_t *to, const struct frame *f)
{
	static const uint8_t syn[8] = { 2, 4, 1460 >> 8, 1460 & 0xff, 1, 3, 3, FRAME_SHIFT };
	static const uint8_t kind[4] = { 1, 1, 8, 10 };
	rte_be32_t t = rte_cpu_to_be_32(f->clock);

	memcpy(to, kind, 4);
	memcpy(to + 4, &t, 4);
	memcpy(to + 8, &t, 4);
	if (!(f->flags & RTE_TCP_SYN_FLAG))
		return TS_OPTION;
	to[0] = 4;	/* SACK permitted takes the padding's place */
	to[1] = 2;
	memcpy(to + TS_OPTION, syn, sizeof syn);
	return SYN_OPTIONS;
}

/* Lengths and checksums; `sum` is the payload's. */
static void
finish(struct rte_mbuf *m, unsigned opt_len, unsigned payload_len, uint32_t sum)
{
	struct headers *h = rte_pktmbuf_mtod(m, struct headers *);
	unsigned tcp_len = sizeof h->tcp + opt_len;
	uint32_t s;

	h->ip.total_length = rte_cpu_to_be_16(sizeof h->ip + tcp_len + payload_len);
	h->ip.hdr_checksum = rte_ipv4_cksum(&h->ip);
	h->tcp.data_off = (uint8_t)(tcp_len / 4 << 4);
	s = rte_raw_cksum(&h->tcp, tcp_len);
	s += cksum_pseudo(&h->ip.src_addr, 8, IPPROTO_TCP, tcp_len + payload_len);
	s += sum;
	s = (s & 0xffff) + (s >> 16);
	s = (s & 0xffff) + (s >> 16);
	h->tcp.cksum = (uint16_t)~s;
	m->data_len = (uint16_t)(FRAME_L4 + tcp_len + payload_len);
	m->pkt_len = m->data_len;
}

struct rte_mbuf *
frame_make(struct rte_mempool *mp, const struct frame *f, unsigned len, uint64_t stamp)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(mp);
	struct headers *h;
	unsigned opt_len;
	uint32_t sum = 0;
	uint8_t *at;

	if (!m)
		return NULL;
	h = rte_pktmbuf_mtod(m, struct headers *);
	write_ends(h, f);
	opt_len = write_options(h->options, f);
	if (len > 0) {
		at = h->options + opt_len;
		memcpy(at, &stamp, FRAME_STAMP);
		sum = rte_raw_cksum(&stamp, FRAME_STAMP);
		sum += len == FRAME_PAYLOAD_MAX
			       ? full_sum
			       : rte_raw_cksum(at + FRAME_STAMP, len - FRAME_STAMP);
	}
	finish(m, opt_len, len, sum);
	return m;
}

/* --- read --- */

uint32_t
frame_flow(const struct rte_mbuf *m, uint8_t net, uint16_t dport, bool at_server)
{
	const struct headers *h = rte_pktmbuf_mtod(m, const struct headers *);
	uint32_t client = rte_be_to_cpu_32(at_server ? h->ip.src_addr : h->ip.dst_addr);
	rte_be16_t sport = at_server ? h->tcp.src_port : h->tcp.dst_port;
	rte_be16_t server = at_server ? h->tcp.dst_port : h->tcp.src_port;

	if ((client >> 16 & 0xff) != net || server != rte_cpu_to_be_16(dport))
		return UINT32_MAX;
	return (client & 0xffff) | (uint32_t)(rte_be_to_cpu_16(sport) - SPORT) << 16;
}
