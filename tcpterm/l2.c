/*
 * Link headers learned and written.
 */
#include "tcpterm/l2.h"

#include <string.h>

#include "tcpterm/intern.h"

_Static_assert((int)INTERN_WORDS >= (int)PKT_MAX_TAGS, "a whole stack is interned");

struct l2_stacks *
l2_stacks_new(uint32_t n_max)
{
	return (struct l2_stacks *)intern_new(n_max);
}

void
l2_stacks_free(struct l2_stacks *s)
{
	intern_free((struct intern *)s);
}

static uint32_t
tag_word(struct vlan_tag t)
{
	return (uint32_t)t.tpid << 16 | t.tci;
}

static struct vlan_tag
word_tag(uint32_t w)
{
	return (struct vlan_tag){ .tpid = (uint16_t)(w >> 16), .tci = (uint16_t)w };
}

/* Is the interned stack of `t` these tags? */
static bool
same_deep(const struct l2_stacks *s, const struct l2_template *t, const struct vlan_tag *tag,
	  unsigned n)
{
	unsigned n_words, i;
	const uint32_t *w = intern_words((const struct intern *)s, t->deep, &n_words);

	if (n_words != n)
		return false;
	for (i = 2; i < n; i++)
		if (w[i] != tag_word(tag[i]))
			return false;
	return true;
}

static bool
same_tags(const struct l2_stacks *s, const struct l2_template *t, const struct vlan_tag *tag,
	  unsigned n)
{
	unsigned i;

	if (t->n_tags != n)
		return false;
	for (i = 0; i < n && i < 2; i++)
		if (tag_word(t->tag[i]) != tag_word(tag[i]))
			return false;
	return n <= 2 || same_deep(s, t, tag, n);
}

static bool
set_tags(struct l2_stacks *s, struct l2_template *t, const struct vlan_tag *tag, unsigned n)
{
	uint32_t words[PKT_MAX_TAGS], deep = 0;
	unsigned i;

	if (same_tags(s, t, tag, n))
		return true;
	if (n > PKT_MAX_TAGS)
		return false;
	for (i = 0; i < n; i++)
		words[i] = tag_word(tag[i]);
	if (n > 2) {
		if (!intern_name((struct intern *)s, words, n, true, &deep))
			return false;
		intern_get((struct intern *)s, deep);
	}
	l2_forget(s, t);
	memset(t->tag, 0, sizeof t->tag);
	for (i = 0; i < n && i < 2; i++)
		t->tag[i] = tag[i];
	t->n_tags = (uint8_t)n;
	t->deep = deep;
	return true;
}

bool
l2_learn(struct l2_stacks *s, struct l2_template *t, const struct pkt *p)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(p->m, const struct rte_ether_hdr *);

	t->dst = eth->dst_addr;
	t->src = eth->src_addr;
	t->side = p->side;
	t->meta = p->meta_len ? p->domain : 0;
	return set_tags(s, t, p->tag, p->n_tags);
}

bool
l2_from(struct l2_stacks *s, struct l2_template *t, const struct tcpterm_l2 *l2, uint8_t side)
{
	t->dst = l2->dst;
	t->src = l2->src;
	t->side = side;
	t->meta = 0;
	return set_tags(s, t, l2->tag, l2->n_tags);
}

void
l2_forget(struct l2_stacks *s, struct l2_template *t)
{
	if (t->n_tags > 2)
		intern_put((struct intern *)s, t->deep);
	t->n_tags = 0;
	t->deep = 0;
}

unsigned
l2_len(const struct l2_template *t)
{
	return RTE_ETHER_HDR_LEN + 4u * (t->n_tags + (t->meta != 0));
}

static uint8_t *
put16(uint8_t *to, uint16_t v)
{
	to[0] = (uint8_t)(v >> 8);
	to[1] = (uint8_t)v;
	return to + 2;
}

static uint8_t *
put_tag(uint8_t *to, struct vlan_tag tag)
{
	return put16(put16(to, tag.tpid), tag.tci);
}

unsigned
l2_write(const struct l2_stacks *s, const struct l2_template *t, bool swap, uint16_t ether_type,
	 uint8_t *to)
{
	const uint32_t *words = NULL;
	unsigned n_words = 0, i;
	uint8_t *at = to;

	memcpy(at, swap ? &t->src : &t->dst, RTE_ETHER_ADDR_LEN);
	memcpy(at + RTE_ETHER_ADDR_LEN, swap ? &t->dst : &t->src, RTE_ETHER_ADDR_LEN);
	at += 2 * RTE_ETHER_ADDR_LEN;
	if (t->meta)
		at = put_tag(at, (struct vlan_tag){ RTE_ETHER_TYPE_VLAN, t->meta });
	if (t->n_tags > 2)
		words = intern_words((const struct intern *)s, t->deep, &n_words);
	for (i = 0; i < t->n_tags; i++)
		at = put_tag(at, i < n_words ? word_tag(words[i]) : t->tag[i & 1]);
	at = put16(at, ether_type);
	return (unsigned)(at - to);
}
