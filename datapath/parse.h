/*
 * parse.h - from a frame to what Leat knows of it, once, at the edge.
 *
 * A struct pkt lives in the worker's burst array; it owns nothing but names its
 * mbuf.  Multi-byte fields are in host order: network order ends here.
 * Offsets count bytes from the start of the frame (rte_pktmbuf_mtod of the
 * first segment); pkt_parse() has made all headers linear there.
 */
#ifndef LEAT_DATAPATH_PARSE_H
#define LEAT_DATAPATH_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>
#include <rte_mbuf.h>

#include "datapath/addr.h"
#include "datapath/clock.h"
#include "datapath/drops.h"
#include "datapath/flow_key.h"

enum {
	PKT_MAX_TAGS = 16,
	PKT_LINEAR_MAX = 256,	/* headers are made linear within this many bytes */
};

enum tcp_flag {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
	TCP_URG = 0x20,
	TCP_ECE = 0x40,
	TCP_CWR = 0x80,
	TCP_AE = 0x100,		/* RFC 9768 */
};

enum pkt_kind {
	PKT_OTHER,	/* ARP, ND, UDP, ...: bridged verbatim */
	PKT_TCP,	/* a whole TCP segment; every field below is set */
	PKT_FRAGMENT,	/* part of an IP datagram that carries TCP */
	PKT_ICMP_ERROR,	/* an error whose quote names a TCP tuple; addresses, ports and
			 * seq below are the quote's, as its sender sent them */
	PKT_REFUSED,	/* `refusal` says why; forwarded unchanged */
};

struct vlan_tag {
	uint16_t tpid;	/* 0x8100, 0x88a8, 0x9100 */
	uint16_t tci;	/* PCP, DEI, VID */
};

static inline uint16_t
vlan_vid(struct vlan_tag t)
{
	return t.tci & 0xfff;
}

struct pkt {
	struct rte_mbuf *m;
	usec_t at;		/* of a capture's frame: when it was taken; 0: now */
	enum pkt_kind kind;
	enum drop refusal;	/* DROP_NONE unless PKT_REFUSED or cksum_bad */

	/* where it came from */
	uint16_t domain;	/* ingress domain */
	uint8_t side;		/* which port of the pair, 0 or 1; on a tap, which direction */
	uint8_t meta_len;	/* 4 where a metadata tag was consumed, else 0 */

	/* link layer; the metadata tag is not among the tags */
	bool is_plain;		/* TCP as most is: of IPv4 without options, with at most one tag,
				 * whole and sound */
	bool goes_on;		/* all that follows, up to the ports, is as in the packet before it
				 * of its burst: pkt_parse_after() */
	uint8_t n_tags;
	uint8_t n_key_tags;	/* VIDs in the key: tags that are not priority tags (VID 0),
				 * or 0 on a port with `vlan ignore`; see pkt_key_vids() */
	uint16_t l3;		/* offset of the IP header */

	/* network layer */
	struct ip_addr src, dst;
	uint8_t ttl;		/* or hop limit */
	uint8_t tos;		/* DSCP and ECN */
	bool df;		/* IPv4 DF; true for IPv6 */
	bool is_v6;
	uint32_t flow_label;	/* IPv6 */

	/* transport layer */
	bool cksum_bad;		/* TCP checksum verified and wrong */
	bool summed;		/* payload_sum is known, from verifying it */
	bool unverified;	/* or it is what the checksum says, on a port that trusts */
	uint16_t payload_sum;	/* folded sum of the payload's bytes (checksum.h) */
	uint16_t sport, dport;
	uint16_t l4;		/* offset of the TCP or ICMP header */
	uint16_t payload;	/* offset of the TCP payload */
	uint32_t payload_len;	/* bytes, by the IP length: trailers are not in it */
	uint32_t cut;		/* of them, at the end, that a capture did not keep */
	uint32_t seq, ack;
	uint16_t flags;		/* enum tcp_flag */
	uint16_t window;	/* as on the wire, unscaled */
	uint16_t urgent;
	uint8_t opt_len;	/* TCP options: opt_len bytes at l4 + 20 */

	/* PKT_FRAGMENT; l4 is the offset of the fragment's share of the IP payload */
	uint32_t frag_id;
	uint16_t frag_off;	/* bytes */
	uint16_t frag_len;	/* bytes of IP payload in this fragment */
	bool frag_more;

	/* PKT_ICMP_ERROR */
	uint8_t icmp_type, icmp_code;
	uint32_t icmp_mtu;	/* next-hop MTU, 0 where the message has none */

	uint32_t hash;		/* flow_hash(); of (domain, addresses, id) for fragments */

	struct vlan_tag tag[PKT_MAX_TAGS];	/* n_tags of them; what follows is not written */
};

/*
 * The VIDs that are part of the flow's key, outermost first; returns
 * p->n_key_tags.  A priority tag (VID 0) says nothing of the flow.
 */
unsigned pkt_key_vids(const struct pkt *p, uint16_t vid[PKT_MAX_TAGS]);

/* Is it a segment of the same flow and direction as this one?  False may also say that it was not
 * worth looking. */
static inline bool
pkt_goes_with(const struct pkt *p, const struct pkt *before)
{
	return p->hash == before->hash && p->kind == PKT_TCP && before->kind == PKT_TCP &&
	       p->sport == before->sport && p->dport == before->dport &&
	       ip_addr_eq(&p->src, &before->src) && ip_addr_eq(&p->dst, &before->dst) &&
	       p->domain == before->domain && p->n_tags <= 1 &&
	       p->n_key_tags == before->n_key_tags && p->n_tags == before->n_tags &&
	       (p->n_key_tags == 0 || vlan_vid(p->tag[0]) == vlan_vid(before->tag[0]));
}

/* How a port's frames are to be read; fixed at the port's start. */
struct parse_conf {
	uint16_t domain;	/* used where there is no metadata tag */
	uint8_t side;
	bool meta;		/* the outermost tag is the metadata tag: VID & 0x7ff is the
				 * domain; on a tap VID & 0x800 is the side */
	bool tap;
	bool vlan_ignore;	/* VLANs are not part of the key */
	bool trust;		/* checksums are believed, not verified */
	bool excuse;		/* wrong ones may have a reason (cksum_excused()): captures */
};

/*
 * Makes the first `len` bytes of `m` lie in its first segment.  False if the
 * frame is shorter, or `len` is above PKT_LINEAR_MAX, or the first segment is
 * shared and has no room.  `m` stays the head of the chain; no byte changes.
 */
bool pkt_linearize(struct rte_mbuf *m, uint32_t len);

/*
 * Reads the frame in `m` into `p`, which is written whole, tags up to n_tags.  May pull header
 * bytes of a chain into its first segment; never changes a byte.  The kind is
 * returned too.  Verifies the IPv4 header checksum, and the TCP checksum unless
 * `trust`, or the mbuf says that it is good or was never computed
 * (RTE_MBUF_F_RX_L4_CKSUM_GOOD, _NONE), or is cut (captured.h).  `m` stays the caller's.
 */
enum pkt_kind pkt_parse(struct pkt *p, struct rte_mbuf *m, const struct parse_conf *conf);

/* The same of a frame that will follow another's packet, `before`, in a burst, and came by the same
 * port: if all that names them is the same, that is not read again. */
enum pkt_kind pkt_parse_after(struct pkt *p, const struct pkt *before, struct rte_mbuf *m,
			      const struct parse_conf *conf);

#endif
