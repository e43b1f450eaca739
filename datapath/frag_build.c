/* frag_build.c - headers of the first fragment, payload of all, as one chain. */
#include "datapath/frag_build.h"

#include <string.h>

#include "datapath/checksum.h"

enum {
	IP4_DF = 0x4000,
	IP6_FRAGMENT_LEN = 8,
	IP_MAX_LEN = 65535,
};

static bool
fits_ip(const struct frag_piece *first, uint32_t total, bool is_v6)
{
	uint32_t header = first->l4 - first->l3;

	return header - (is_v6 ? sizeof(struct rte_ipv6_hdr) : 0) + total <= IP_MAX_LEN;
}

static void
clear_fragmentation(uint8_t *l3, uint32_t header, uint32_t total, bool is_v6)
{
	struct rte_ipv4_hdr *ip4 = (struct rte_ipv4_hdr *)l3;
	struct rte_ipv6_hdr *ip6 = (struct rte_ipv6_hdr *)l3;

	if (is_v6) {
		ip6->payload_len = rte_cpu_to_be_16(header - sizeof *ip6 + total);
		/* the fragment header stays, as an atomic one's (RFC 6946) */
		memset(l3 + header - IP6_FRAGMENT_LEN + 2, 0, 2);
		return;
	}
	ip4->total_length = rte_cpu_to_be_16(header + total);
	ip4->fragment_offset &= rte_cpu_to_be_16(IP4_DF);
	cksum_ip4_write(ip4);
}

static struct rte_mbuf *
copy_headers(const struct frag_piece *first, uint32_t total, bool is_v6, struct rte_mempool *pool)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	if (!m)
		return NULL;
	if (rte_pktmbuf_tailroom(m) < first->l4)
		m->data_off = 0;
	memcpy(rte_pktmbuf_append(m, first->l4), rte_pktmbuf_mtod(first->m, void *), first->l4);
	clear_fragmentation(rte_pktmbuf_mtod_offset(m, uint8_t *, first->l3), first->l4 - first->l3,
			    total, is_v6);
	return m;
}

/* Appends `len` bytes at `off` of `src` to `head` by reference; `*tail` is its last segment. */
static bool
append_reference(struct rte_mbuf *head, struct rte_mbuf **tail, struct rte_mbuf *src, uint32_t off,
		 uint32_t len, struct rte_mempool *pool)
{
	struct rte_mbuf *ref;
	uint16_t n;

	for (; len > 0; src = src->next) {
		if (off >= src->data_len) {
			off -= src->data_len;
			continue;
		}
		n = RTE_MIN(len, src->data_len - off);
		ref = rte_pktmbuf_alloc(pool);
		if (!ref)
			return false;
		rte_pktmbuf_attach(ref, src);
		ref->data_off = src->data_off + off;
		ref->data_len = n;
		ref->next = NULL;
		ref->nb_segs = 1;
		(*tail)->next = ref;
		*tail = ref;
		head->nb_segs++;
		head->pkt_len += n;
		len -= n;
		off = 0;
	}
	return true;
}

struct rte_mbuf *
frag_build(const struct frag_piece *const *order, unsigned n, uint32_t total, bool is_v6,
	   struct rte_mempool *pool, enum drop *why)
{
	struct rte_mbuf *head, *tail;
	unsigned i;

	*why = is_v6 ? DROP_ip6_header : DROP_ip4_header;
	if (!fits_ip(order[0], total, is_v6))
		return NULL;
	*why = DROP_no_mbuf;
	head = tail = copy_headers(order[0], total, is_v6, pool);
	for (i = 0; head && i < n; i++) {
		if (!append_reference(head, &tail, order[i]->m, order[i]->l4, order[i]->len,
				      pool)) {
			rte_pktmbuf_free(head);
			return NULL;
		}
	}
	if (head)
		*why = DROP_NONE;
	return head;
}
