/*
 * parse_step.h - the steps of pkt_parse(), a file each: link layer, IP, TCP,
 * ICMP; and the straight path past them.  Private to the parser.
 *
 * Each step reads its header of p->m, fills its fields of `p`, and either ends
 * by pkt_refuse() or PKT_OTHER, or hands on to the next.  `end` is the offset
 * at which the enclosing layer ends; it never lies beyond the frame.
 */
#ifndef LEAT_DATAPATH_PARSE_STEP_H
#define LEAT_DATAPATH_PARSE_STEP_H

#include <string.h>

#include "datapath/parse.h"

enum { META_DOMAIN = 0x7ff, META_SIDE = 0x800 };	/* of the metadata tag */

static inline uint16_t
read16(const uint8_t *b)
{
	return (uint16_t)(b[0] << 8 | b[1]);
}

static inline uint32_t
read32(const uint8_t *b)
{
	return (uint32_t)read16(b) << 16 | read16(b + 2);
}

/*
 * Bytes [off, off + len) of the frame, which may not pass `end`; NULL if they
 * do or can't be made linear.  Invalidates earlier answers.
 */
static inline const uint8_t *
pkt_head(struct pkt *p, uint32_t off, uint32_t len, uint32_t end)
{
	/* Nearly always it lies there already, and there is nothing to call. */
	bool there = off + len <= p->m->data_len && off + len <= PKT_LINEAR_MAX;

	if (off + len > end || (!there && !pkt_linearize(p->m, off + len)))
		return NULL;
	return rte_pktmbuf_mtod_offset(p->m, const uint8_t *, off);
}

static inline enum pkt_kind
pkt_refuse(struct pkt *p, enum drop why)
{
	p->refusal = why;
	return PKT_REFUSED;
}

/*
 * No end sends these, and middleboxes disagree on what they mean.  FIN with RST
 * is not among them: RFC 9293 3.10.7 takes it for a RST.
 */
static inline bool
tcp_flags_are_absurd(uint16_t flags)
{
	if ((flags & (TCP_SYN | TCP_FIN | TCP_RST | TCP_ACK)) == 0)
		return true;
	return (flags & TCP_SYN) && (flags & (TCP_FIN | TCP_RST));
}

static inline void
pkt_read_tcp(struct pkt *p, const uint8_t *th)
{
	p->sport = read16(th);
	p->dport = read16(th + 2);
	p->seq = read32(th + 4);
	p->ack = read32(th + 8);
	p->flags = read16(th + 12) & 0x1ff;
	p->window = read16(th + 14);
	p->urgent = read16(th + 18);
}

/* The metadata tag. */
static inline void
pkt_consume_meta(struct pkt *p, uint16_t tci, const struct parse_conf *conf)
{
	p->meta_len = 4;
	p->domain = tci & META_DOMAIN;
	if (conf->tap)
		p->side = (tci & META_SIDE) != 0;
}

static inline void
pkt_add_tag(struct pkt *p, uint16_t tpid, uint16_t tci, const struct parse_conf *conf)
{
	struct vlan_tag t = { .tpid = tpid, .tci = tci };

	p->tag[p->n_tags++] = t;
	if (vlan_vid(t) != 0 && !conf->vlan_ignore)
		p->n_key_tags++;
}

/* Where the walk over IPv6 extension headers ended. */
struct ip6_walk {
	uint32_t off;		/* of the upper-layer header, or of a fragment's payload */
	uint8_t next;		/* its protocol */
	bool fragment;		/* a fragment header that is not atomic was met */
	bool more;
	uint16_t frag_off;	/* bytes */
	uint32_t frag_id;
};

/*
 * Walks from the header `w->next` at `w->off` (RFC 8200 4).  False if a header
 * is cut or not where it may be.  A header that can't be passed (AH, ESP, a
 * routing header with segments left) is the answer in `next`.
 */
bool ip6_walk(struct pkt *p, struct ip6_walk *w, uint32_t end);

/* The frame whole, if it is as most are (parse_plain.c).  False: it is not, and what was written to
 * `p` says nothing. */
bool parse_plain(struct pkt *p, const struct parse_conf *conf);

/* The same, and p->hash, if its headers are but for numbers those of `before`; `p` is not begun. */
bool parse_again(struct pkt *p, const struct pkt *before, struct rte_mbuf *m,
		 const struct parse_conf *conf);

enum pkt_kind parse_ip4(struct pkt *p, const struct parse_conf *conf);
enum pkt_kind parse_ip6(struct pkt *p, const struct parse_conf *conf);
enum pkt_kind parse_tcp(struct pkt *p, uint32_t end, const struct parse_conf *conf);
enum pkt_kind parse_icmp4(struct pkt *p, uint32_t end, const struct parse_conf *conf);
enum pkt_kind parse_icmp6(struct pkt *p, uint32_t end, const struct parse_conf *conf);

#endif
