#include <netinet/in.h>

#include <rte_ip.h>
#include <rte_tcp.h>

#include "datapath/checksum.h"
#include "tcpterm/options.h"
#include "tcpterm/segment.h"
#include "tcpterm/tape.h"

static void
write_v4(const struct segment *g, uint32_t ip_payload, struct rte_ipv4_hdr *ip)
{
	*ip = (struct rte_ipv4_hdr){
		.version_ihl = 0x45,
		.type_of_service = g->tos,
		.total_length = rte_cpu_to_be_16((uint16_t)(sizeof *ip + ip_payload)),
		.packet_id = rte_cpu_to_be_16(g->ip_id),
		.fragment_offset = rte_cpu_to_be_16(g->df ? RTE_IPV4_HDR_DF_FLAG : 0),
		.time_to_live = g->ttl,
		.next_proto_id = IPPROTO_TCP,
		.src_addr = g->src.w[3],
		.dst_addr = g->dst.w[3],
	};
}

static void
write_v6(const struct segment *g, uint32_t ip_payload, struct rte_ipv6_hdr *ip)
{
	*ip = (struct rte_ipv6_hdr){
		.vtc_flow = rte_cpu_to_be_32(6u << 28 | (uint32_t)g->tos << 20 | g->flow_label),
		.payload_len = rte_cpu_to_be_16((uint16_t)ip_payload),
		.proto = IPPROTO_TCP,
		.hop_limits = g->ttl,
	};
	memcpy(ip->src_addr, g->src.b, 16);
	memcpy(ip->dst_addr, g->dst.b, 16);
}

static void
write_tcp(const struct segment *g, unsigned opt_len, struct rte_tcp_hdr *tcp)
{
	*tcp = (struct rte_tcp_hdr){
		.src_port = rte_cpu_to_be_16(g->sport),
		.dst_port = rte_cpu_to_be_16(g->dport),
		.sent_seq = rte_cpu_to_be_32(g->seq),
		.recv_ack = rte_cpu_to_be_32(g->flags & TCP_ACK ? g->ack : 0),
		.data_off = (uint8_t)((sizeof *tcp + opt_len) / 4 << 4),
		.tcp_flags = (uint8_t)g->flags,
		.rx_win = rte_cpu_to_be_16(g->window),
		.tcp_urp = rte_cpu_to_be_16(g->urgent),
	};
}

/* The length; 0: there was no room to learn it. */
static unsigned
write_link(const struct tcpterm *s, const struct segment *g, uint16_t ether_type, uint8_t *to)
{
	if (g->along)
		return l2_write_as(g->along, g->l2_swap, ether_type, to);
	return l2_write(s->l2s, &g->f->l2[g->l2], &g->f->key, g->l2_swap, ether_type, to);
}

void
segment_send(struct tcpterm *s, const struct segment *g, struct rte_mbuf *m)
{
	bool v4 = ip_addr_is_v4(&g->src);
	uint8_t *at = rte_pktmbuf_mtod(m, uint8_t *);
	unsigned l3 = write_link(s, g, v4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6, at);
	unsigned l4 = l3 + (v4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr));
	unsigned options = l4 + sizeof(struct rte_tcp_hdr), opt_len, len;
	uint32_t ip_payload;

	if (l3 == 0) {
		core_drop(s, m, DROP_no_memory);
		return;
	}
	opt_len = g->opt ? options_build(g->opt, g->flags & TCP_SYN, at + options) : 0;
	ip_payload = sizeof(struct rte_tcp_hdr) + opt_len + m->pkt_len;
	if (v4)
		write_v4(g, ip_payload, (struct rte_ipv4_hdr *)(at + l3));
	else
		write_v6(g, ip_payload, (struct rte_ipv6_hdr *)(at + l3));
	write_tcp(g, opt_len, (struct rte_tcp_hdr *)(at + l4));
	len = options + opt_len;
	m->data_len = (uint16_t)len;
	m->pkt_len += len;
	if (g->summed)
		cksum_tcp_write_summed(m, (uint16_t)l3, (uint16_t)l4, (uint16_t)len,
				       g->payload_sum);
	else
		cksum_tcp_write(m, (uint16_t)l3, (uint16_t)l4);
	s->stats.segments_out++;
	if (s->tapes && g->f)
		tape_out(s, g->f, g->side, m);
	s->conf.ops->tx(s->conf.ctx, g->domain, g->side, m);
}

bool
segment_send_bare(struct tcpterm *s, const struct segment *g)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(s->conf.header_pool);

	if (!m) {
		drops_count(&s->drops, DROP_no_mbuf);
		return false;
	}
	segment_send(s, g, m);
	return true;
}

struct segment
segment_for(const struct flow *f, unsigned to)
{
	bool own = f->l2[!to].place;	/* the far end's own header is known */
	bool peer = f->seen & (1u << to);

	return (struct segment){
		.f = f,
		.l2 = own ? !to : to & 1,
		.l2_swap = !own,
		.domain = f->key.domain,
		.side = peer || f->kind == TCPTERM_KIND_CONN ? f->l2[to].side : !f->l2[!to].side,
		.src = f->key.addr[!to],
		.dst = f->key.addr[to],
		.sport = f->key.port[!to],
		.dport = f->key.port[to],
		.ttl = 64,
		.df = true,
	};
}

void
segment_reply(struct tcpterm *s, struct segment g, const struct pkt *p)
{
	g.along = p;
	g.l2_swap = true;
	g.domain = p->domain;
	g.side = p->side;
	g.src = p->dst;
	g.dst = p->src;
	g.sport = p->dport;
	g.dport = p->sport;
	segment_send_bare(s, &g);
}
