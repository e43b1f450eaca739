/*
 * peers.c - see peers.h.
 */
#include "tests/bench/lib/peers.h"

#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "datapath/checksum.h"

enum {
	L3 = 14,
	L4 = L3 + 20,
	SHIFT = 7,		/* window scale of both ends */
	WINDOW = 0xffff,
	SPORT = 20000,
	ISN = 1000,		/* clients'; a server's is ISN_SERVER */
	ISN_SERVER = 2000,
	STAMP = 8,		/* bytes of payload that say which segment it is */
	SYN_OPTIONS = 20,
	TS_OPTION = 12,
};

/* The header as it is patched; what a frame of this benchmark begins with. */
struct headers {
	struct rte_ether_hdr eth;
	struct rte_ipv4_hdr ip;
	struct rte_tcp_hdr tcp;
	uint8_t options[SYN_OPTIONS];
} __attribute__((packed, aligned(2)));

static uint16_t payload_sum;	/* of the payload without its stamp */

static void
fill(struct rte_mempool *mp, void *arg, void *obj, unsigned i)
{
	struct rte_mbuf *m = obj;
	uint8_t *at = (uint8_t *)m->buf_addr + RTE_PKTMBUF_HEADROOM + PEERS_HEADERS;

	(void)mp;
	(void)arg;
	(void)i;
	for (unsigned k = STAMP; k < PEERS_PAYLOAD; k++)
		at[k] = (uint8_t)(k * 7 + k / 251);
	payload_sum = rte_raw_cksum(at + STAMP, PEERS_PAYLOAD - STAMP);
}

void
peers_prepare(const struct pools *pools)
{
	rte_mempool_obj_iter(pools->frames, fill, NULL);
}

/* --- frames out --- */

static void
write_ends(struct headers *h, const struct peers *p, unsigned f, bool to_server)
{
	rte_be32_t client =
		rte_cpu_to_be_32(10u << 24 | (uint32_t)p->net << 16 | (f >> 8) << 8 | (f & 0xff));
	rte_be32_t server = rte_cpu_to_be_32(172u << 24 | 16u << 16 | (uint32_t)p->net << 8 | 1);
	rte_be16_t sport = rte_cpu_to_be_16(SPORT), dport = rte_cpu_to_be_16(p->dport);
	static const struct rte_ether_addr mac[2] = { { { 2, 0, 0, 0, 0, 1 } },
						      { { 2, 0, 0, 0, 0, 2 } } };

	h->eth.src_addr = mac[!to_server];
	h->eth.dst_addr = mac[to_server];
	h->eth.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	h->ip = (struct rte_ipv4_hdr){
		.version_ihl = 0x45,
		.fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG),
		.time_to_live = 64,
		.next_proto_id = IPPROTO_TCP,
		.src_addr = to_server ? client : server,
		.dst_addr = to_server ? server : client,
	};
	h->tcp = (struct rte_tcp_hdr){
		.src_port = to_server ? sport : dport,
		.dst_port = to_server ? dport : sport,
		.rx_win = rte_cpu_to_be_16(WINDOW),
	};
}

static void
write_timestamps(uint8_t *to, uint32_t now)
{
	static const uint8_t kind[4] = { 1, 1, 8, 10 };
	rte_be32_t t = rte_cpu_to_be_32(now);

	memcpy(to, kind, 4);
	memcpy(to + 4, &t, 4);
	memcpy(to + 8, &t, 4);
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
	m->data_len = (uint16_t)(L4 + tcp_len + payload_len);
	m->pkt_len = m->data_len;
}

static struct rte_mbuf *
begin(struct peers *p, struct rte_mempool *mp, unsigned f, bool to_server)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(mp);

	if (!m) {
		p->wrong++;
		return NULL;
	}
	write_ends(rte_pktmbuf_mtod(m, struct headers *), p, f, to_server);
	return m;
}

static void
transmit(struct peers *p, bool to_server, struct rte_mbuf **m, unsigned n)
{
	port_tx(to_server ? p->at->client : p->at->server, 0, m, n, &p->at->drops);
}

static void
send_bare(struct peers *p, unsigned f, bool to_server, uint8_t flags, uint32_t seq, uint32_t ack)
{
	static const uint8_t syn[8] = { 2, 4, 1460 >> 8, 1460 & 0xff, 1, 3, 3, SHIFT };
	struct rte_mbuf *m = begin(p, p->at->pools->headers, f, to_server);
	unsigned opt_len = TS_OPTION;
	struct headers *h;

	if (!m)
		return;
	h = rte_pktmbuf_mtod(m, struct headers *);
	h->tcp.sent_seq = rte_cpu_to_be_32(seq);
	h->tcp.recv_ack = rte_cpu_to_be_32(ack);
	h->tcp.tcp_flags = flags;
	write_timestamps(h->options, p->clock);
	if (flags & TCP_SYN) {
		h->options[0] = 4;	/* SACK permitted takes the padding's place */
		h->options[1] = 2;
		memcpy(h->options + TS_OPTION, syn, sizeof syn);
		opt_len = SYN_OPTIONS;
	}
	finish(m, opt_len, 0, 0);
	transmit(p, to_server, &m, 1);
}

static struct rte_mbuf *
data_frame(struct peers *p, unsigned f)
{
	struct rte_mbuf *m = begin(p, p->at->pools->frames, f, true);
	uint64_t stamp = (uint64_t)f << 40 | p->flow[f].sent;
	struct headers *h;

	if (!m)
		return NULL;
	h = rte_pktmbuf_mtod(m, struct headers *);
	h->tcp.sent_seq = rte_cpu_to_be_32(ISN + 1 + (uint32_t)p->flow[f].sent * PEERS_PAYLOAD);
	h->tcp.recv_ack = rte_cpu_to_be_32(ISN_SERVER + 1);
	h->tcp.tcp_flags = TCP_ACK;
	write_timestamps(h->options, p->clock);
	memcpy((uint8_t *)h + PEERS_HEADERS, &stamp, STAMP);
	finish(m, TS_OPTION, PEERS_PAYLOAD, (uint32_t)payload_sum + rte_raw_cksum(&stamp, STAMP));
	return m;
}

unsigned
peers_open(struct peers *p, unsigned first, unsigned n)
{
	unsigned f;

	for (f = first; f < first + n && f < p->n_flows; f++)
		send_bare(p, f, true, TCP_SYN, ISN, 0);
	return f - first;
}

/* How many segments may this client send now? */
static unsigned
room(const struct peers *p, const struct peers_flow *f)
{
	uint32_t nxt = (uint32_t)f->sent * PEERS_PAYLOAD;
	uint32_t stop = f->una + p->window * PEERS_PAYLOAD;

	if (!f->established)
		return 0;
	if ((int32_t)(f->edge - stop) < 0)
		stop = f->edge;
	return (int32_t)(stop - nxt) > 0 ? (stop - nxt) / PEERS_PAYLOAD : 0;
}

unsigned
peers_send(struct peers *p, unsigned n_max)
{
	struct rte_mbuf *m[PORT_BURST];
	unsigned n = 0, tried, i, k;

	p->clock++;
	n_max = RTE_MIN(n_max, (unsigned)PORT_BURST);
	for (tried = 0; tried < p->n_flows && n + p->chunk <= n_max; tried++) {
		i = p->next;
		p->next = i + 1 == p->n_flows ? 0 : i + 1;
		if (room(p, &p->flow[i]) < p->chunk)
			continue;
		for (k = 0; k < p->chunk && (m[n] = data_frame(p, i)); k++, n++)
			p->flow[i].sent++;
	}
	if (n)
		transmit(p, true, m, n);
	p->sent += n;
	return n;
}

/* --- frames in --- */

static bool
verified(struct peers *p, struct rte_mbuf *m)
{
	static const struct parse_conf conf = { 0 };
	struct pkt pkt;

	return !p->verify || (pkt_parse(&pkt, m, &conf) == PKT_TCP && !pkt.cksum_bad);
}

static void
take_segment(struct peers *p, unsigned f, struct rte_mbuf *m, uint32_t seq, unsigned off)
{
	struct peers_flow *fl = &p->flow[f];
	uint64_t want = (uint64_t)f << 40 | fl->received, buf;
	const uint64_t *stamp = rte_pktmbuf_read(m, off, STAMP, &buf);

	if (m->pkt_len != off + PEERS_PAYLOAD || memcmp(stamp, &want, STAMP) != 0 ||
	    seq != ISN + 1 + (uint32_t)fl->received * PEERS_PAYLOAD) {
		p->wrong++;
		return;
	}
	fl->received++;
	p->received++;
	if (fl->received - fl->acked < 2)
		return;
	fl->acked = (uint32_t)fl->received;
	send_bare(p, f, false, TCP_ACK, ISN_SERVER + 1, seq + PEERS_PAYLOAD);
}

static void
at_server(struct peers *p, unsigned f, struct rte_mbuf *m, const struct rte_tcp_hdr *tcp)
{
	uint32_t seq = rte_be_to_cpu_32(tcp->sent_seq);
	unsigned off = L4 + (tcp->data_off >> 4) * 4;

	if (tcp->tcp_flags & TCP_SYN)
		send_bare(p, f, false, TCP_SYN | TCP_ACK, ISN_SERVER, seq + 1);
	else if (m->pkt_len > off)
		take_segment(p, f, m, seq, off);
}

static void
at_client(struct peers *p, unsigned f, const struct rte_tcp_hdr *tcp)
{
	struct peers_flow *fl = &p->flow[f];
	uint32_t ack = rte_be_to_cpu_32(tcp->recv_ack) - (ISN + 1);
	unsigned shift = tcp->tcp_flags & TCP_SYN ? 0 : SHIFT;

	if (tcp->tcp_flags & TCP_RST)
		p->wrong++;
	if (tcp->tcp_flags & TCP_SYN) {
		send_bare(p, f, true, TCP_ACK, ISN + 1, ISN_SERVER + 1);
		fl->established = true;
	}
	if ((int32_t)(ack - fl->una) > 0)
		fl->una = ack;
	fl->edge = ack + ((uint32_t)rte_be_to_cpu_16(tcp->rx_win) << shift);
}

static void
take(struct peers *p, struct rte_mbuf *m, bool server)
{
	const struct headers *h = rte_pktmbuf_mtod(m, const struct headers *);
	uint32_t client = rte_be_to_cpu_32(server ? h->ip.src_addr : h->ip.dst_addr);
	rte_be16_t port = server ? h->tcp.dst_port : h->tcp.src_port;
	unsigned f = client & 0xffff;

	if (f >= p->n_flows || (client >> 16 & 0xff) != p->net ||
	    port != rte_cpu_to_be_16(p->dport) || !verified(p, m))
		p->wrong++;
	else if (server)
		at_server(p, f, m, &h->tcp);
	else
		at_client(p, f, &h->tcp);
}

static void
drain(struct peers *p, struct port *port, bool server)
{
	struct rte_mbuf *m[PORT_BURST];
	unsigned i, n;

	while ((n = port_rx(port, 0, m, &p->at->drops)) > 0) {
		for (i = 0; i < n; i++)
			take(p, m[i], server);
		rte_pktmbuf_free_bulk(m, n);
	}
}

void
peers_receive(struct peers *p)
{
	drain(p, p->at->server, true);
	drain(p, p->at->client, false);
}

void
peers_flush(struct peers *p)
{
	unsigned f;

	for (f = 0; f < p->n_flows; f++) {
		struct peers_flow *fl = &p->flow[f];

		if (fl->acked == (uint32_t)fl->received)
			continue;
		fl->acked = (uint32_t)fl->received;
		send_bare(p, f, false, TCP_ACK, ISN_SERVER + 1,
			  ISN + 1 + fl->acked * PEERS_PAYLOAD);
	}
}
