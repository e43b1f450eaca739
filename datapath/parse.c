/* parse.c - the link layer, and what all kinds have in common. */
#include "datapath/parse.h"

#include "datapath/parse_step.h"

enum {
	ETHER_LEN = 14,
	TAG_LEN = 4,
	IP4_LEN = 20,
	TPID_OLD_QINQ = 0x9100,
};

static bool
is_tpid(uint16_t ether_type)
{
	return ether_type == RTE_ETHER_TYPE_VLAN || ether_type == RTE_ETHER_TYPE_QINQ ||
	       ether_type == TPID_OLD_QINQ;
}

/*
 * Reads the Ethernet header and its tags, leaves p->l3 behind them, and the
 * type of what is there in `type`.
 */
static enum drop
parse_link(struct pkt *p, const struct parse_conf *conf, uint16_t *type)
{
	uint32_t end = p->m->pkt_len;
	const uint8_t *b = pkt_head(p, 0, ETHER_LEN, end);

	if (!b)
		return DROP_eth_short;
	*type = read16(b + 12);
	for (p->l3 = ETHER_LEN; is_tpid(*type); p->l3 += TAG_LEN) {
		b = pkt_head(p, p->l3, TAG_LEN, end);
		if (!b)
			return DROP_eth_short;
		if (conf->meta && p->meta_len == 0)
			pkt_consume_meta(p, read16(b), conf);
		else if (p->n_tags == PKT_MAX_TAGS)
			return DROP_vlan_deep;
		else
			pkt_add_tag(p, *type, read16(b), conf);
		*type = read16(b + 2);
	}
	return conf->meta && p->meta_len == 0 ? DROP_meta_missing : DROP_NONE;
}

unsigned
pkt_key_vids(const struct pkt *p, uint16_t vid[PKT_MAX_TAGS])
{
	unsigned i, n = 0;

	for (i = 0; i < p->n_tags && n < p->n_key_tags; i++) {
		if (vlan_vid(p->tag[i]) != 0)
			vid[n++] = vlan_vid(p->tag[i]);
	}
	return n;
}

static void
set_hash(struct pkt *p)
{
	uint16_t vid[PKT_MAX_TAGS];
	unsigned n;

	if (p->kind == PKT_FRAGMENT) {
		/* no VLANs: a worker that only meets the fragments' domain finds them */
		p->hash = flow_hash(&p->src, &p->dst, p->frag_id >> 16, p->frag_id & 0xffff,
				    p->domain, NULL, 0);
		return;
	}
	if (likely(p->n_key_tags == 0)) {
		p->hash = flow_hash(&p->src, &p->dst, p->sport, p->dport, p->domain, NULL, 0);
		return;
	}
	n = pkt_key_vids(p, vid);
	p->hash = flow_hash(&p->src, &p->dst, p->sport, p->dport, p->domain, vid, n);
}

static enum pkt_kind
parse_frame(struct pkt *p, const struct parse_conf *conf)
{
	uint16_t type;
	enum drop why = parse_link(p, conf, &type);

	if (why != DROP_NONE)
		return pkt_refuse(p, why);
	if (type == RTE_ETHER_TYPE_IPV4)
		return parse_ip4(p, conf);
	if (type == RTE_ETHER_TYPE_IPV6)
		return parse_ip6(p, conf);
	return PKT_OTHER;
}

/* In pieces, or the compiler makes one slow instruction of it. */
static inline void
clear(struct pkt *p)
{
	enum { HALF = offsetof(struct pkt, tag) / 2 };

	memset(p, 0, HALF);
	memset((char *)p + HALF, 0, offsetof(struct pkt, tag) - HALF);
}

static inline void
begin(struct pkt *p, struct rte_mbuf *m, const struct parse_conf *conf)
{
	clear(p);
	p->m = m;
	p->domain = conf->domain;
	p->side = conf->side;
}

/* As it is said in parse.h. */
static bool
is_plain(const struct pkt *p)
{
	return p->kind == PKT_TCP && !p->is_v6 && p->l3 <= ETHER_LEN + TAG_LEN &&
	       p->l4 - p->l3 == IP4_LEN && p->refusal == DROP_NONE && p->cut == 0;
}

static inline enum pkt_kind
read_frame(struct pkt *p, struct rte_mbuf *m, const struct parse_conf *conf)
{
	begin(p, m, conf);
	if (likely(parse_plain(p, conf))) {
		p->kind = PKT_TCP;
		p->is_plain = !p->is_v6;
	} else {
		begin(p, m, conf);
		p->kind = parse_frame(p, conf);
		p->is_plain = is_plain(p);
	}
	if (p->kind == PKT_TCP || p->kind == PKT_FRAGMENT || p->kind == PKT_ICMP_ERROR)
		set_hash(p);
	return p->kind;
}

enum pkt_kind
pkt_parse(struct pkt *p, struct rte_mbuf *m, const struct parse_conf *conf)
{
	return read_frame(p, m, conf);
}

enum pkt_kind
pkt_parse_after(struct pkt *p, const struct pkt *before, struct rte_mbuf *m,
		const struct parse_conf *conf)
{
	return parse_again(p, before, m, conf) ? PKT_TCP : read_frame(p, m, conf);
}
