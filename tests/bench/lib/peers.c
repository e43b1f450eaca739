/*
 * peers.c - see peers.h.
 */
#include "tests/bench/lib/peers.h"

#include <stdlib.h>
#include <string.h>

#include <rte_ip.h>
#include <rte_tcp.h>

#include "tests/bench/lib/frame.h"

static void
transmit(struct peers *p, bool to_server, struct rte_mbuf **m, unsigned n)
{
	port_tx(to_server ? p->at->client : p->at->server, p->at->queue, m, n, &p->at->drops);
}

static struct frame
frame_of(const struct peers *p, unsigned f, bool to_server, uint8_t flags, uint32_t seq,
	 uint32_t ack)
{
	return (struct frame){ .net = p->net,
			       .flow = f,
			       .dport = p->dport,
			       .to_server = to_server,
			       .flags = flags,
			       .seq = seq,
			       .ack = ack,
			       .clock = p->clock };
}

static void
send_bare(struct peers *p, unsigned f, bool to_server, uint8_t flags, uint32_t seq, uint32_t ack)
{
	const struct frame what = frame_of(p, f, to_server, flags, seq, ack);
	struct rte_mbuf *m = frame_make(p->at->pools->headers, &what, 0, 0);

	if (m)
		transmit(p, to_server, &m, 1);
	else
		p->wrong++;
}

static struct rte_mbuf *
data_frame(struct peers *p, unsigned f)
{
	uint32_t seq = FRAME_ISN + 1 + (uint32_t)p->flow[f].sent * PEERS_PAYLOAD;
	const struct frame what = frame_of(p, f, true, TCP_ACK, seq, FRAME_ISN_SERVER + 1);
	uint64_t stamp = (uint64_t)f << 40 | p->flow[f].sent;
	struct rte_mbuf *m = frame_make(p->at->pools->frames, &what, PEERS_PAYLOAD, stamp);

	p->wrong += !m;
	return m;
}

unsigned
peers_open(struct peers *p, unsigned first, unsigned n)
{
	unsigned f;

	for (f = first; f < first + n && f < p->n_flows; f++)
		send_bare(p, f, true, TCP_SYN, FRAME_ISN, 0);
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
	const uint64_t *stamp = rte_pktmbuf_read(m, off, FRAME_STAMP, &buf);

	if (m->pkt_len != off + PEERS_PAYLOAD || memcmp(stamp, &want, FRAME_STAMP) != 0 ||
	    seq != FRAME_ISN + 1 + (uint32_t)fl->received * PEERS_PAYLOAD) {
		p->wrong++;
		return;
	}
	fl->received++;
	p->received++;
	if (fl->received - fl->acked < 2)
		return;
	fl->acked = (uint32_t)fl->received;
	send_bare(p, f, false, TCP_ACK, FRAME_ISN_SERVER + 1, seq + PEERS_PAYLOAD);
}

static void
at_server(struct peers *p, unsigned f, struct rte_mbuf *m, const struct rte_tcp_hdr *tcp)
{
	uint32_t seq = rte_be_to_cpu_32(tcp->sent_seq);
	unsigned off = FRAME_L4 + (tcp->data_off >> 4) * 4;

	if (tcp->tcp_flags & TCP_SYN)
		send_bare(p, f, false, TCP_SYN | TCP_ACK, FRAME_ISN_SERVER, seq + 1);
	else if (m->pkt_len > off)
		take_segment(p, f, m, seq, off);
}

static void
at_client(struct peers *p, unsigned f, const struct rte_tcp_hdr *tcp)
{
	struct peers_flow *fl = &p->flow[f];
	uint32_t ack = rte_be_to_cpu_32(tcp->recv_ack) - (FRAME_ISN + 1);
	unsigned shift = tcp->tcp_flags & TCP_SYN ? 0 : FRAME_SHIFT;

	if (tcp->tcp_flags & TCP_RST)
		p->wrong++;
	if (tcp->tcp_flags & TCP_SYN) {
		send_bare(p, f, true, TCP_ACK, FRAME_ISN + 1, FRAME_ISN_SERVER + 1);
		fl->established = true;
	}
	if ((int32_t)(ack - fl->una) > 0)
		fl->una = ack;
	fl->edge = ack + ((uint32_t)rte_be_to_cpu_16(tcp->rx_win) << shift);
}

static void
take(struct peers *p, struct rte_mbuf *m, bool server)
{
	const struct rte_tcp_hdr *tcp =
		rte_pktmbuf_mtod_offset(m, const struct rte_tcp_hdr *, FRAME_L4);
	uint32_t f = frame_flow(m, p->net, p->dport, server);

	if (f >= p->n_flows || !verified(p, m))
		p->wrong++;
	else if (server)
		at_server(p, f, m, tcp);
	else
		at_client(p, f, tcp);
}

static void
drain(struct peers *p, struct port *port, bool server)
{
	struct rte_mbuf *m[PORT_BURST];
	unsigned i, n;

	while ((n = port_rx(port, p->at->queue, m, &p->at->drops)) > 0) {
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
		send_bare(p, f, false, TCP_ACK, FRAME_ISN_SERVER + 1,
			  FRAME_ISN + 1 + fl->acked * PEERS_PAYLOAD);
	}
}
