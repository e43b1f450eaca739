#include <netinet/in.h>

#include <rte_ip.h>
#include <rte_tcp.h>

#include "datapath/checksum.h"
#include "tcpterm/options.h"
#include "tcpterm/segment.h"
#include "tcpterm/tape.h"

/*
 * Checksums are taken of what is to be written while it is at hand: whoever reads a header back
 * right after it was written, in pieces of other sizes, waits until the stores are through.
 */
static uint16_t
fold(uint64_t sum)
{
	sum = (sum >> 32) + (uint32_t)sum;
	sum = (sum >> 16) + (uint16_t)sum;
	sum = (sum >> 16) + (uint16_t)sum;
	return (uint16_t)((sum >> 16) + sum);
}

/* The pseudo-header's without its length. */
static uint64_t
sum_ends(const struct segment *g)
{
	const uint32_t *a = g->src, *b = g->dst;
	uint64_t sum = (uint64_t)a[0] + b[0];

	return g->v6 ? sum + a[1] + a[2] + a[3] + b[1] + b[2] + b[3] : sum;
}

static void
write_v4(const struct segment *g, uint32_t ip_payload, struct rte_ipv4_hdr *ip)
{
	const uint16_t len = rte_cpu_to_be_16((uint16_t)(sizeof *ip + ip_payload));
	const uint16_t id = rte_cpu_to_be_16(g->ip_id);
	const uint16_t df = rte_cpu_to_be_16(g->df ? RTE_IPV4_HDR_DF_FLAG : 0);
	uint64_t sum = sum_ends(g) + len + id + df + rte_cpu_to_be_16(0x4500 | g->tos) +
		       rte_cpu_to_be_16((uint16_t)(g->ttl << 8 | IPPROTO_TCP));

	*ip = (struct rte_ipv4_hdr){
		.version_ihl = 0x45,
		.type_of_service = g->tos,
		.total_length = len,
		.packet_id = id,
		.fragment_offset = df,
		.time_to_live = g->ttl,
		.next_proto_id = IPPROTO_TCP,
		.hdr_checksum = (uint16_t)~fold(sum),
		.src_addr = *g->src,
		.dst_addr = *g->dst,
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
	memcpy(ip->src_addr, g->src, 16);
	memcpy(ip->dst_addr, g->dst, 16);
}

/* Options are whole words of 32 bits, and written so. */
static uint64_t
sum_options(const uint8_t *at, unsigned len)
{
	uint64_t sum = 0;
	uint32_t w;

	for (unsigned i = 0; i < len; i += sizeof w) {
		memcpy(&w, at + i, sizeof w);
		sum += w;
	}
	return sum;
}

/* `sum`: of all else that the checksum is of. */
static void
write_tcp(const struct segment *g, unsigned opt_len, uint64_t sum, struct rte_tcp_hdr *tcp)
{
	const uint8_t off = (uint8_t)((sizeof *tcp + opt_len) / 4 << 4), flags = (uint8_t)g->flags;
	const uint16_t sport = rte_cpu_to_be_16(g->sport), dport = rte_cpu_to_be_16(g->dport);
	const uint32_t seq = rte_cpu_to_be_32(g->seq);
	const uint32_t ack = rte_cpu_to_be_32(g->flags & TCP_ACK ? g->ack : 0);
	const uint16_t window = rte_cpu_to_be_16(g->window), urgent = rte_cpu_to_be_16(g->urgent);

	sum += (uint64_t)seq + ack + sport + dport + window + urgent;
	sum += rte_cpu_to_be_16((uint16_t)(off << 8 | flags));
	*tcp = (struct rte_tcp_hdr){
		.src_port = sport,
		.dst_port = dport,
		.sent_seq = seq,
		.recv_ack = ack,
		.data_off = off,
		.tcp_flags = flags,
		.rx_win = window,
		.cksum = (uint16_t)~fold(sum),
		.tcp_urp = urgent,
	};
}

/* The length; 0: there was no room to learn it. */
static unsigned
write_link(const struct tcpterm *s, const struct segment *g, uint16_t ether_type, uint8_t *to)
{
	if (g->along)
		return l2_write_as(g->along, g->l2_swap, ether_type, to);
	return l2_write(s->l2s, &g->f->l2[g->l2], g->f->key.vid, g->l2_swap, ether_type, to);
}

uint32_t
segment_room(const struct tcpterm *s, const struct flow *f, unsigned to, bool ts)
{
	unsigned link = l2_len(s->l2s, &f->l2[f->l2[!to].place ? !to : to & 1]);
	unsigned ip = f->key.v6 ? sizeof(struct rte_ipv6_hdr) : sizeof(struct rte_ipv4_hdr);

	return link ? link + ip + (uint32_t)sizeof(struct rte_tcp_hdr) + (ts ? 12 : 0) : 0;
}

void
segment_send(struct tcpterm *s, const struct segment *g, struct rte_mbuf *m)
{
	bool v4 = !g->v6;
	uint8_t *at = rte_pktmbuf_mtod(m, uint8_t *);
	unsigned l3 = write_link(s, g, v4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6, at);
	unsigned l4 = l3 + (v4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr));
	unsigned options = l4 + sizeof(struct rte_tcp_hdr), opt_len, len;
	uint32_t ip_payload;
	uint64_t sum;

	if (l3 == 0) {
		core_drop(s, m, DROP_no_memory);
		return;
	}
	opt_len = g->opt ? options_build(g->opt, g->flags & TCP_SYN, at + options) : 0;
	ip_payload = sizeof(struct rte_tcp_hdr) + opt_len + m->pkt_len;
	sum = g->summed ? g->payload_sum : m->pkt_len ? cksum_mbuf(m, 0, m->pkt_len) : 0;
	sum += sum_ends(g) + rte_cpu_to_be_16(IPPROTO_TCP) + rte_cpu_to_be_32(ip_payload);
	sum += sum_options(at + options, opt_len);
	if (v4)
		write_v4(g, ip_payload, (struct rte_ipv4_hdr *)(at + l3));
	else
		write_v6(g, ip_payload, (struct rte_ipv6_hdr *)(at + l3));
	write_tcp(g, opt_len, sum, (struct rte_tcp_hdr *)(at + l4));
	len = options + opt_len;
	m->data_len = (uint16_t)(m->data_len + len);
	m->pkt_len += len;
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

/* Of end `d`, as segment.h wants them. */
static const uint32_t *
flow_words(const struct flow *f, unsigned d)
{
	return f->key.v6 ? flow_v6(f)[d].w : &f->key.v4[d];
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
		.v6 = f->key.v6,
		.src = flow_words(f, !to),
		.dst = flow_words(f, to),
		.sport = f->key.port[!to],
		.dport = f->key.port[to],
		.ttl = 64,
		.df = true,
	};
}

void
segment_ends(struct segment *g, const struct ip_addr *src, const struct ip_addr *dst)
{
	g->v6 = !ip_addr_is_v4(src) || !ip_addr_is_v4(dst);
	g->src = g->v6 ? src->w : &src->w[3];
	g->dst = g->v6 ? dst->w : &dst->w[3];
}

static void
turn_round(struct segment *g, const struct pkt *p)
{
	g->along = p;
	g->l2_swap = true;
	g->domain = p->domain;
	g->side = p->side;
	segment_ends(g, &p->dst, &p->src);
	g->sport = p->dport;
	g->dport = p->sport;
}

void
segment_reply(struct tcpterm *s, struct segment g, const struct pkt *p)
{
	turn_round(&g, p);
	segment_send_bare(s, &g);
}

/* Nobody else looks at the frame: not a capture, nor a ring that it is still in. */
static bool
is_ours_alone(const struct tcpterm *s, const struct rte_mbuf *m)
{
	return m->nb_segs == 1 && RTE_MBUF_DIRECT(m) && rte_mbuf_refcnt_read(m) == 1 &&
	       rte_pktmbuf_tailroom(m) >= TCP_OPTIONS_MAX && !s->tapes;
}

void
segment_reply_by(struct tcpterm *s, struct segment g, const struct pkt *p)
{
	struct rte_mbuf *m = p->m;

	if (!is_ours_alone(s, m)) {
		segment_reply(s, g, p);
		core_drop(s, m, DROP_proxy_consumed);
		return;
	}
	drops_count(&s->drops, DROP_proxy_consumed);
	turn_round(&g, p);
	m->data_len = 0;
	m->pkt_len = 0;
	m->ol_flags = 0;
	segment_send(s, &g, m);
}
