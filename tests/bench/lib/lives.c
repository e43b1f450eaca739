#include "tests/bench/lib/lives.h"

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "tests/bench/lib/frame.h"

/* A segment; numbers from the initial ones on. */
struct part_of_life {
	uint8_t step;
	bool to_server;
	uint8_t flags;
	uint32_t seq, ack;
	unsigned len;
};

#define UP true
#define DOWN false
#define ACK TCP_ACK

static const struct part_of_life life[] = {
	{ 0, UP, TCP_SYN, 0, 0, 0 },
	{ 1, DOWN, TCP_SYN | ACK, 0, 1, 0 },
	{ 2, UP, ACK, 1, 1, 0 },
	{ 2, UP, ACK | TCP_PSH, 1, 1, LIVES_REQUEST },
	{ 3, DOWN, ACK | TCP_PSH, 1, 1 + LIVES_REQUEST, LIVES_REPLY },
	{ 4, UP, ACK, 1 + LIVES_REQUEST, 1 + LIVES_REPLY, 0 },
	{ 4, UP, ACK | TCP_FIN, 1 + LIVES_REQUEST, 1 + LIVES_REPLY, 0 },
	{ 5, DOWN, ACK | TCP_FIN, 1 + LIVES_REPLY, 2 + LIVES_REQUEST, 0 },
	{ 6, UP, ACK, 2 + LIVES_REQUEST, 2 + LIVES_REPLY, 0 },
};

static void
send_part(struct lives *l, const struct part_of_life *p, uint32_t flow)
{
	const struct frame f = {
		.net = l->net,
		.flow = flow & 0xffffff,
		.dport = l->dport,
		.to_server = p->to_server,
		.flags = p->flags,
		.seq = (p->to_server ? FRAME_ISN : FRAME_ISN_SERVER) + p->seq,
		.ack = p->flags & ACK ? (p->to_server ? FRAME_ISN_SERVER : FRAME_ISN) + p->ack : 0,
		.clock = l->clock,
	};
	struct rte_mempool *mp = p->len ? l->at->pools->frames : l->at->pools->headers;
	struct rte_mbuf *m = frame_make(mp, &f, p->len, flow);

	if (m)
		port_tx(p->to_server ? l->at->client : l->at->server, 0, &m, 1, &l->at->drops);
	else
		l->wrong++;
}

void
lives_send(struct lives *l, unsigned step)
{
	l->clock++;
	for (unsigned i = 0; i < LIVES_CROWD; i++)
		for (unsigned k = 0; k < RTE_DIM(life); k++)
			if (life[k].step == step)
				send_part(l, &life[k], l->n + i);
	if (step == LIVES_STEPS - 1)
		l->n += LIVES_CROWD;
}

static void
take(struct lives *l, const struct rte_mbuf *m, bool server)
{
	const struct rte_tcp_hdr *tcp =
		rte_pktmbuf_mtod_offset(m, const struct rte_tcp_hdr *, FRAME_L4);

	l->bytes[server] += m->pkt_len - FRAME_L4 - (tcp->data_off >> 4) * 4;
	l->fins[server] += (tcp->tcp_flags & TCP_FIN) != 0;
	l->wrong += (tcp->tcp_flags & TCP_RST) != 0;
}

void
lives_receive(struct lives *l)
{
	for (unsigned server = 0; server < 2; server++) {
		struct port *port = server ? l->at->server : l->at->client;
		struct rte_mbuf *m[PORT_BURST];
		unsigned i, n;

		while ((n = port_rx(port, 0, m, &l->at->drops)) > 0) {
			for (i = 0; i < n; i++)
				take(l, m[i], server);
			rte_pktmbuf_free_bulk(m, n);
		}
	}
}

bool
lives_whole(const struct lives *l)
{
	return l->wrong == 0 && l->bytes[0] == (uint64_t)l->n * LIVES_REPLY &&
	       l->bytes[1] == (uint64_t)l->n * LIVES_REQUEST && l->fins[0] == l->n &&
	       l->fins[1] == l->n;
}
