/*
 * Link headers learned and written.
 *
 * What is interned is the header as it is on the wire, up to its EtherType.  A VID that
 * is in the flow's key has the reserved value 4095 there instead.
 */
#include "tcpterm/l2.h"

#include <string.h>

#include "tcpterm/intern.h"

enum {
	MACS = 2 * RTE_ETHER_ADDR_LEN,
	TAGGED = MACS + 4,
	LONGEST = MACS + 4 * (1 + PKT_MAX_TAGS),
	WORDS = 1 + LONGEST / 4,
	VID_MASK = 0xfff,
};

/* The first word of an entry. */
enum {
	META = 1 << 8,		/* the first tag is the metadata tag */
	KEYED = 1 << 9,		/* VIDs are the key's */
	DF = 1 << 10,
	LENGTH = 0xff,
	TTL_SHIFT = 16,		/* 8 bits; 0: no IP header was seen */
	TOS_SHIFT = 24,		/* 8 bits, ECN's 0 */
	TOS_MASK = 0xfc,
};

union header {
	uint32_t word[WORDS];
	struct {
		uint32_t what;
		uint8_t b[LONGEST];
	};
};

struct l2_headers *
l2_headers_new(uint32_t n_max)
{
	return (struct l2_headers *)intern_new(n_max, WORDS);
}

void
l2_headers_free(struct l2_headers *s)
{
	intern_free((struct intern *)s);
}

void
l2_headers_commit(struct l2_headers *s)
{
	intern_commit((struct intern *)s);
}

/* --- headers --- */

static uint8_t *
put16(uint8_t *to, uint16_t v)
{
	to[0] = (uint8_t)(v >> 8);
	to[1] = (uint8_t)v;
	return to + 2;
}

static uint8_t *
put_tag(uint8_t *to, uint16_t tpid, uint16_t tci)
{
	return put16(put16(to, tpid), tci);
}

static unsigned
n_words(const union header *h)
{
	return 1 + (h->what & LENGTH) / 4;
}

/* What the first word says of the IP header. */
static uint32_t
manners_of_ip(const struct pkt *p)
{
	return (uint32_t)p->ttl << TTL_SHIFT | (uint32_t)(p->tos & TOS_MASK) << TOS_SHIFT |
	       (p->df ? DF : 0);
}

/* `n_keyed`: how many VIDs the key has. */
static void
compose(union header *h, const uint8_t *macs, uint16_t meta, const struct vlan_tag *tag, unsigned n,
	unsigned n_keyed)
{
	bool keyed = n_keyed == 1 || n_keyed == 2;	/* deeper: the key has a name of them */
	uint8_t *at = h->b + MACS;

	memcpy(h->b, macs, MACS);
	if (meta)
		at = put_tag(at, RTE_ETHER_TYPE_VLAN, meta);
	for (unsigned i = 0; i < n; i++)
		at = put_tag(
			at, tag[i].tpid,
			(uint16_t)(tag[i].tci | (keyed && vlan_vid(tag[i]) != 0 ? VID_MASK : 0)));
	h->what = (uint32_t)(at - h->b) | (meta ? META : 0) | (keyed ? KEYED : 0);
}

static const union header *
known(const struct l2_headers *s, const struct l2_template *t)
{
	const struct intern *all = (const struct intern *)s;
	unsigned n;

	return t->place ? (const union header *)intern_words(all, intern_at(all, t->place), &n)
			: NULL;
}

/* --- learning --- */

static bool
set(struct l2_headers *s, struct l2_template *t, const union header *h, unsigned n_tags)
{
	struct intern *all = (struct intern *)s;
	const union header *is = known(s, t);
	uint32_t name;

	if (is && memcmp(is, h, 4 * n_words(h)) == 0)
		return true;
	if (!intern_name(all, h->word, n_words(h), true, &name))
		return false;
	intern_get(all, name);
	l2_forget(s, t);
	t->place = intern_place(name);
	t->n_tags = n_tags & 31;
	return true;
}

/* Is it the header that is known?  False where that takes longer to see: with two tags and more. */
static bool
is_known(const struct l2_headers *s, const struct l2_template *t, const struct pkt *p)
{
	const uint8_t *frame = rte_pktmbuf_mtod(p->m, const uint8_t *), *tag;
	const union header *h;
	uint32_t what;

	if (t->place == 0 || t->side != (p->side & 1) || t->n_tags != p->n_tags)
		return false;
	h = (const union header *)intern_words_at((const struct intern *)s, t->place);
	tag = h->b + MACS;
	if (memcmp(h->b, frame, MACS) != 0)
		return false;
	what = h->what ^ manners_of_ip(p);
	if (p->n_tags == 0)
		return p->meta_len ? what == (TAGGED | META) && tag[2] == p->domain >> 8 &&
					     tag[3] == (p->domain & 0xff)
				   : what == MACS;
	return p->n_tags == 1 && p->meta_len == 0 && p->n_key_tags == 1 &&
	       what == (TAGGED | KEYED) && memcmp(tag, frame + MACS, 2) == 0 &&
	       tag[2] == (p->tag[0].tci >> 8 | 0xf);
}

bool
l2_learn(struct l2_headers *s, struct l2_template *t, const struct pkt *p)
{
	union header h;

	if (is_known(s, t, p))
		return true;
	compose(&h, rte_pktmbuf_mtod(p->m, const uint8_t *), p->meta_len ? p->domain : 0, p->tag,
		p->n_tags, p->n_key_tags);
	h.what |= manners_of_ip(p);
	t->side = p->side & 1;
	return set(s, t, &h, p->n_tags);
}

bool
l2_from(struct l2_headers *s, struct l2_template *t, const struct tcpterm_l2 *l2, uint8_t side)
{
	uint8_t macs[MACS];
	unsigned n_keyed = 0;
	union header h;

	if (l2->n_tags > PKT_MAX_TAGS)
		return false;
	memcpy(macs, &l2->dst, RTE_ETHER_ADDR_LEN);
	memcpy(macs + RTE_ETHER_ADDR_LEN, &l2->src, RTE_ETHER_ADDR_LEN);
	for (unsigned i = 0; i < l2->n_tags; i++)
		n_keyed += vlan_vid(l2->tag[i]) != 0;
	compose(&h, macs, 0, l2->tag, l2->n_tags, n_keyed);
	t->side = side & 1;
	return set(s, t, &h, l2->n_tags);
}

bool
l2_redirect(struct l2_headers *s, struct l2_template *t, const uint8_t dst[6])
{
	const union header *is = known(s, t);
	union header h;

	if (!is)
		return false;
	memcpy(&h, is, 4 * n_words(is));
	memcpy(h.b, dst, RTE_ETHER_ADDR_LEN);
	return set(s, t, &h, t->n_tags);
}

void
l2_forget(struct l2_headers *s, struct l2_template *t)
{
	struct intern *all = (struct intern *)s;

	if (t->place)
		intern_put(all, intern_at(all, t->place));
	t->place = 0;
	t->n_tags = 0;
}

struct manners
l2_manners(const struct l2_headers *s, const struct l2_template *t)
{
	const union header *h = known(s, t);
	uint32_t what = h ? h->what : 0;

	return (struct manners){
		.ttl = (uint8_t)(what >> TTL_SHIFT),
		.tos = (uint8_t)(what >> TOS_SHIFT),
		.df = what & DF,
	};
}

const uint8_t *
l2_src(const struct l2_headers *s, const struct l2_template *t)
{
	const union header *h = known(s, t);

	return h ? h->b + RTE_ETHER_ADDR_LEN : NULL;
}

/* --- writing --- */

static void
put_macs(uint8_t *to, const uint8_t *macs, bool swap)
{
	memcpy(to, macs + (swap ? RTE_ETHER_ADDR_LEN : 0), RTE_ETHER_ADDR_LEN);
	memcpy(to + RTE_ETHER_ADDR_LEN, macs + (swap ? 0 : RTE_ETHER_ADDR_LEN), RTE_ETHER_ADDR_LEN);
}

/* The key's VIDs take their places in the tags from `at` on. */
static void
put_vids(uint8_t *at, const uint8_t *end, const uint16_t vid[2])
{
	for (unsigned i = 0; at < end; at += 4)
		if ((at[2] & 0xf) == 0xf && at[3] == 0xff && i < 2) {
			at[2] = (uint8_t)((at[2] & 0xf0) | vid[i] >> 8);
			at[3] = (uint8_t)vid[i++];
		}
}

unsigned
l2_len(const struct l2_headers *s, const struct l2_template *t)
{
	const union header *h = known(s, t);

	return h ? (h->what & LENGTH) + 2 : 0;
}

unsigned
l2_write(const struct l2_headers *s, const struct l2_template *t, const uint16_t vid[2], bool swap,
	 uint16_t ether_type, uint8_t *to)
{
	const union header *h = known(s, t);
	unsigned len;

	if (!h)
		return 0;
	len = h->what & LENGTH;
	put_macs(to, h->b, swap);
	memcpy(to + MACS, h->b + MACS, len - MACS);
	if (h->what & KEYED)
		put_vids(to + MACS + (h->what & META ? 4 : 0), to + len, vid);
	put16(to + len, ether_type);
	return len + 2;
}

unsigned
l2_write_as(const struct pkt *p, bool swap, uint16_t ether_type, uint8_t *to)
{
	uint8_t *at = to + MACS, macs[MACS];

	memcpy(macs, rte_pktmbuf_mtod(p->m, const uint8_t *), MACS);
	put_macs(to, macs, swap);
	if (p->meta_len)
		at = put_tag(at, RTE_ETHER_TYPE_VLAN, p->domain);
	for (unsigned i = 0; i < p->n_tags; i++)
		at = put_tag(at, p->tag[i].tpid, p->tag[i].tci);
	return (unsigned)(put16(at, ether_type) - to);
}
