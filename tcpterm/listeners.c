/*
 * The search behind tcpterm_listen().
 *
 * A class is a form of selector: which fields are exact, the prefix lengths,
 * and the ranges themselves.  A listener's key is its class and the values of
 * its exact fields; all listeners lie in one hash table by that key, so a SYN
 * costs one probe a class and a class costs no table.  Listeners that differ
 * only in priority share a chain.  Every different range makes a class of its
 * own, which is a linear search over different ranges.
 *
 * Classes are sorted by a bound of their listeners' priority, then by
 * specificity, and the search ends at the first class that can't win any more.
 * A listener costs 120 B, 4 of generation and at most 8 of chain head.
 */
#include "tcpterm/listeners.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tcpterm/area.h"
#include "tcpterm/slab.h"

enum { INDEX_BITS = 24, PORTS = 65536 };

struct entry {
	struct tcpterm_listener_conf conf;	/* its prefixes masked, its spare fields zero */
	uint32_t chain;				/* index + 1; 0 ends */
	uint32_t age;
};

_Static_assert(sizeof(struct entry) <= 120, "a listener with its heads takes at most 128 B");

/* Exact values are zero here: two listeners are of one class when their forms are equal bytes. */
struct form {
	uint8_t tags, dst_len, src_len, any_domain;
	uint16_t vid[2], dst_port[2], src_port[2];
};

struct class
{
	struct form form;
	uint64_t specificity;
	int32_t priority;		/* no listener of the class has a higher one */
	uint32_t n;
	uint32_t hash;			/* of the form */
};

struct listeners {
	struct slab entries;
	struct area heads;		/* of the chains: index + 1 */
	uint32_t mask;
	uint32_t age;
	struct class *classes;
	uint32_t n_classes, classes_room;
	uint32_t lone;			/* the only listener, which selects all: index + 1; or 0 */
};

/* What a search compares: a SYN's values, or a listener's own. */
struct probe {
	uint16_t n_vids, vid[PKT_MAX_TAGS];
	struct ip_addr dst, src;
	uint16_t dst_port, src_port, domain;
};

/* The first `len` bits of 64, up to all. */
static inline uint64_t
first_bits(unsigned len)
{
	return len == 0 ? 0 : rte_cpu_to_be_64(UINT64_MAX << (64 - RTE_MIN(len, 64u)));
}

static inline struct ip_addr
masked(const struct ip_addr *a, unsigned len)
{
	struct ip_addr m = *a;

	m.q[0] &= first_bits(len);
	m.q[1] &= first_bits(len > 64 ? len - 64 : 0);
	return m;
}

static uint32_t
range_width(const uint16_t range[2])
{
	return (uint32_t)range[1] - range[0] + 1;
}

static struct form
form_of(const struct tcpterm_selector *s)
{
	struct form f;

	memset(&f, 0, sizeof f);
	f.tags = (uint8_t)s->tags;
	f.dst_len = s->dst_len;
	f.src_len = s->src_len;
	f.any_domain = s->any_domain;
	if (s->tags == TCPTERM_TAGS_RANGE)
		memcpy(f.vid, s->vid, sizeof f.vid);
	if (s->dst_port[0] != s->dst_port[1])
		memcpy(f.dst_port, s->dst_port, sizeof f.dst_port);
	if (s->src_port[0] != s->src_port[1])
		memcpy(f.src_port, s->src_port, sizeof f.src_port);
	return f;
}

/* The order of listener.h from tags to ingress, as one number; greater wins. */
static uint64_t
specificity_of(const struct tcpterm_selector *s)
{
	static const uint8_t tags_rank[] = {
		[TCPTERM_TAGS_ANY] = 0,
		[TCPTERM_TAGS_NONE] = 1,
		[TCPTERM_TAGS_RANGE] = 2,
		[TCPTERM_TAGS_EXACT] = 3,
	};
	uint64_t v = tags_rank[s->tags];

	v = v << 8 | s->dst_len;
	v = v << 17 | (PORTS - range_width(s->dst_port));
	v = v << 8 | s->src_len;
	v = v << 17 | (PORTS - range_width(s->src_port));
	return v << 1 | !s->any_domain;
}

static uint64_t
mix(uint64_t h, const void *bytes, size_t len)
{
	const uint8_t *b = bytes;
	uint64_t w;
	size_t n;

	for (; len; b += n, len -= n) {
		n = len < 8 ? len : 8;
		w = 0;
		memcpy(&w, b, n);
		h = (h ^ w) * 0xff51afd7ed558ccdu;
		h ^= h >> 32;
	}
	return h;
}

static uint32_t
hash_probe(const struct class *c, const struct probe *p)
{
	struct ip_addr a;
	uint64_t h = c->hash;

	if (c->form.tags == TCPTERM_TAGS_EXACT)
		h = mix(h ^ p->n_vids, p->vid, p->n_vids * sizeof p->vid[0]);
	if (c->form.dst_len) {
		a = masked(&p->dst, c->form.dst_len);
		h = mix(h, &a, sizeof a);
	}
	if (c->form.src_len) {
		a = masked(&p->src, c->form.src_len);
		h = mix(h, &a, sizeof a);
	}
	if (c->form.dst_port[0] == c->form.dst_port[1])
		h = mix(h, &p->dst_port, sizeof p->dst_port);
	if (c->form.src_port[0] == c->form.src_port[1])
		h = mix(h, &p->src_port, sizeof p->src_port);
	if (!c->form.any_domain)
		h = mix(h, &p->domain, sizeof p->domain);
	return (uint32_t)(h ^ h >> 29);
}

static bool
tags_match(const struct tcpterm_selector *s, const struct probe *p)
{
	switch (s->tags) {
	case TCPTERM_TAGS_ANY:
		return true;
	case TCPTERM_TAGS_NONE:
		return p->n_vids == 0;
	case TCPTERM_TAGS_RANGE:
		return p->n_vids == 1 && p->vid[0] >= s->vid[0] && p->vid[0] <= s->vid[1];
	case TCPTERM_TAGS_EXACT:
		return p->n_vids == s->n_vids &&
		       memcmp(p->vid, s->vid, p->n_vids * sizeof p->vid[0]) == 0;
	}
	return false;
}

static bool
selects(const struct tcpterm_selector *s, const struct probe *p)
{
	struct ip_addr dst = masked(&p->dst, s->dst_len), src = masked(&p->src, s->src_len);

	return tags_match(s, p) && ip_addr_eq(&dst, &s->dst) && ip_addr_eq(&src, &s->src) &&
	       p->dst_port >= s->dst_port[0] && p->dst_port <= s->dst_port[1] &&
	       p->src_port >= s->src_port[0] && p->src_port <= s->src_port[1] &&
	       (s->any_domain || s->domain == p->domain);
}

static bool
valid(const struct tcpterm_selector *s)
{
	unsigned i, n = s->tags == TCPTERM_TAGS_EXACT ? s->n_vids : 2;

	if ((unsigned)s->tags > TCPTERM_TAGS_RANGE || s->dst_len > 128 || s->src_len > 128 ||
	    s->dst_port[0] > s->dst_port[1] || s->src_port[0] > s->src_port[1])
		return false;
	if (s->tags == TCPTERM_TAGS_EXACT && (n == 0 || n > PKT_MAX_TAGS))
		return false;
	if (s->tags == TCPTERM_TAGS_RANGE && s->vid[0] > s->vid[1])
		return false;
	if (s->tags == TCPTERM_TAGS_EXACT || s->tags == TCPTERM_TAGS_RANGE)
		for (i = 0; i < n; i++)
			if (s->vid[i] == 0 || s->vid[i] > 4094)
				return false;
	return true;
}

/* The selector with everything zero that does not select, so that equal ones are equal fields. */
static struct tcpterm_selector
normal(const struct tcpterm_selector *s)
{
	struct tcpterm_selector n;

	memset(&n, 0, sizeof n);
	n.priority = s->priority;
	n.tags = s->tags;
	if (s->tags == TCPTERM_TAGS_EXACT) {
		n.n_vids = s->n_vids;
		memcpy(n.vid, s->vid, s->n_vids * sizeof n.vid[0]);
	} else if (s->tags == TCPTERM_TAGS_RANGE) {
		memcpy(n.vid, s->vid, 2 * sizeof n.vid[0]);
	}
	n.dst = masked(&s->dst, s->dst_len);
	n.src = masked(&s->src, s->src_len);
	n.dst_len = s->dst_len;
	n.src_len = s->src_len;
	memcpy(n.dst_port, s->dst_port, sizeof n.dst_port);
	memcpy(n.src_port, s->src_port, sizeof n.src_port);
	n.any_domain = s->any_domain;
	n.domain = s->any_domain ? 0 : s->domain;
	return n;
}

/* Of normal ones. */
static bool
same(const struct tcpterm_selector *a, const struct tcpterm_selector *b)
{
	return a->priority == b->priority && a->tags == b->tags && a->n_vids == b->n_vids &&
	       memcmp(a->vid, b->vid, sizeof a->vid) == 0 && ip_addr_eq(&a->dst, &b->dst) &&
	       ip_addr_eq(&a->src, &b->src) && a->dst_len == b->dst_len &&
	       a->src_len == b->src_len &&
	       memcmp(a->dst_port, b->dst_port, sizeof a->dst_port) == 0 &&
	       memcmp(a->src_port, b->src_port, sizeof a->src_port) == 0 &&
	       a->any_domain == b->any_domain && a->domain == b->domain;
}

static struct probe
probe_of_selector(const struct tcpterm_selector *s)
{
	struct probe p;

	memset(&p, 0, sizeof p);
	if (s->tags == TCPTERM_TAGS_EXACT) {
		p.n_vids = s->n_vids;
		memcpy(p.vid, s->vid, sizeof p.vid);
	}
	p.dst = s->dst;
	p.src = s->src;
	p.dst_port = s->dst_port[0];
	p.src_port = s->src_port[0];
	p.domain = s->domain;
	return p;
}

static struct probe
probe_of_packet(const struct pkt *k)
{
	struct probe p;
	unsigned i;

	memset(&p, 0, sizeof p);
	for (i = 0; i < k->n_tags; i++)
		if (vlan_vid(k->tag[i]) != 0)	/* a priority tag is no tag */
			p.vid[p.n_vids++] = vlan_vid(k->tag[i]);
	p.dst = k->dst;
	p.src = k->src;
	p.dst_port = k->dport;
	p.src_port = k->sport;
	p.domain = k->domain;
	return p;
}

struct listeners *
listeners_new(uint32_t n_max)
{
	struct listeners *l = calloc(1, sizeof *l);
	uint32_t n_heads = 64;

	if (!l)
		return NULL;
	if (n_max >= 1u << INDEX_BITS)
		n_max = (1u << INDEX_BITS) - 1;
	while (n_heads < n_max)
		n_heads *= 2;
	/* A head is 4 B. Chains of two on average are short enough. */
	n_heads /= 2;
	l->mask = n_heads - 1;
	if (slab_init(&l->entries, sizeof(struct entry), n_max) != 0 ||
	    area_init(&l->heads, n_heads * sizeof(uint32_t)) != 0) {
		listeners_free(l);
		return NULL;
	}
	return l;
}

void
listeners_free(struct listeners *l)
{
	if (!l)
		return;
	slab_fini(&l->entries);
	area_fini(&l->heads);
	free(l->classes);
	free(l);
}

void
listeners_commit(struct listeners *l)
{
	slab_commit(&l->entries);
	area_commit(&l->heads);
}

static uint32_t *
head(const struct listeners *l, uint32_t hash)
{
	return (uint32_t *)l->heads.base + (hash & l->mask);
}

static struct entry *
at(const struct listeners *l, uint32_t link)
{
	return slab_at(&l->entries, link - 1);
}

static tcpterm_listener_id
id_of(const struct listeners *l, uint32_t link)
{
	return (slab_generation(&l->entries, link - 1) >> 1) << INDEX_BITS | link;
}

static struct class *
class_find(const struct listeners *l, const struct form *f)
{
	uint32_t i;

	for (i = 0; i < l->n_classes; i++)
		if (memcmp(&l->classes[i].form, f, sizeof *f) == 0)
			return &l->classes[i];
	return NULL;
}

/* Does `a` come before `b` in the search? */
static bool
class_before(const struct class *a, const struct class *b)
{
	if (a->priority != b->priority)
		return a->priority > b->priority;
	return a->specificity > b->specificity;
}

/* Moves the last class, or one whose bound rose, to its place. */
static void
class_sort_up(struct listeners *l, uint32_t i)
{
	struct class c = l->classes[i];

	for (; i > 0 && class_before(&c, &l->classes[i - 1]); i--)
		l->classes[i] = l->classes[i - 1];
	l->classes[i] = c;
}

static bool
class_add(struct listeners *l, const struct form *f, const struct tcpterm_selector *s)
{
	struct class *c;

	if (l->n_classes == l->classes_room) {
		uint32_t room = l->classes_room ? 2 * l->classes_room : 16;

		c = realloc(l->classes, room * sizeof *c);
		if (!c)
			return false;
		l->classes = c;
		l->classes_room = room;
	}
	c = &l->classes[l->n_classes++];
	memset(c, 0, sizeof *c);
	c->form = *f;
	c->specificity = specificity_of(s);
	c->priority = s->priority;
	c->hash = (uint32_t)mix(0x9e3779b97f4a7c15u, f, sizeof *f);
	class_sort_up(l, l->n_classes - 1);
	return true;
}

static bool
selects_all(const struct tcpterm_selector *s)
{
	return s->tags == TCPTERM_TAGS_ANY && s->dst_len == 0 && s->src_len == 0 && s->any_domain &&
	       range_width(s->dst_port) == PORTS && range_width(s->src_port) == PORTS;
}

/* Nothing has to be searched for where a program has one listener, for all, and decides itself. */
static void
see_whether_lone(struct listeners *l)
{
	uint32_t i = 0;

	l->lone = 0;
	if (l->entries.n_used != 1)
		return;
	while (!slab_alive(&l->entries, i))
		i++;
	if (selects_all(&at(l, i + 1)->conf.select))
		l->lone = i + 1;
}

int
listeners_add(struct listeners *l, const struct tcpterm_listener_conf *conf,
	      tcpterm_listener_id *id)
{
	struct tcpterm_selector s;
	struct probe p;
	struct form f;
	struct class *c;
	struct entry *e;
	uint32_t i, hash, link;

	if (!valid(&conf->select))
		return -EINVAL;
	s = normal(&conf->select);
	f = form_of(&s);
	c = class_find(l, &f);
	if (!c) {
		if (l->entries.n_used == l->entries.n_max || !class_add(l, &f, &s))
			return -ENOMEM;
		c = class_find(l, &f);
	}
	p = probe_of_selector(&s);
	hash = hash_probe(c, &p);
	for (link = *head(l, hash); link; link = at(l, link)->chain)
		if (same(&at(l, link)->conf.select, &s))
			return -EEXIST;
	e = slab_alloc(&l->entries, &i);
	if (!e)
		return -ENOMEM;
	e->conf = *conf;
	memcpy(&e->conf.select, &s, sizeof s);
	e->age = l->age++;
	e->chain = *head(l, hash);
	*head(l, hash) = i + 1;
	area_use(&l->heads);
	c->n++;
	if (s.priority > c->priority) {
		c->priority = s.priority;
		class_sort_up(l, (uint32_t)(c - l->classes));
	}
	*id = id_of(l, i + 1);
	see_whether_lone(l);
	return 0;
}

int
listeners_remove(struct listeners *l, tcpterm_listener_id id)
{
	uint32_t link = id & ((1u << INDEX_BITS) - 1), *p;
	struct probe probe;
	struct form f;
	struct class *c;

	if (link == 0 || !slab_alive(&l->entries, link - 1) || id_of(l, link) != id)
		return -ENOENT;
	f = form_of(&at(l, link)->conf.select);
	c = class_find(l, &f);
	probe = probe_of_selector(&at(l, link)->conf.select);
	for (p = head(l, hash_probe(c, &probe)); *p != link;)
		p = &at(l, *p)->chain;
	*p = at(l, link)->chain;
	slab_free(&l->entries, link - 1);
	if (--c->n == 0) {
		l->n_classes--;
		memmove(c, c + 1, (size_t)(l->classes + l->n_classes - c) * sizeof *c);
	}
	see_whether_lone(l);
	return 0;
}

static bool
beats(const struct entry *a, uint64_t a_specificity, const struct entry *b, uint64_t b_specificity)
{
	if (a->conf.select.priority != b->conf.select.priority)
		return a->conf.select.priority > b->conf.select.priority;
	if (a_specificity != b_specificity)
		return a_specificity > b_specificity;
	return (int32_t)(a->age - b->age) < 0;
}

const struct tcpterm_listener_conf *
listeners_find(const struct listeners *l, const struct pkt *p, tcpterm_listener_id *id)
{
	uint64_t best_specificity = 0;
	uint32_t best = 0, i, link;
	struct probe probe;

	if (l->lone) {
		*id = id_of(l, l->lone);
		return &at(l, l->lone)->conf;
	}
	probe = probe_of_packet(p);
	for (i = 0; i < l->n_classes; i++) {
		const struct class *c = &l->classes[i];

		if (best && (c->priority < at(l, best)->conf.select.priority ||
			     (c->priority == at(l, best)->conf.select.priority &&
			      c->specificity < best_specificity)))
			break;
		for (link = *head(l, hash_probe(c, &probe)); link; link = at(l, link)->chain) {
			const struct entry *e = at(l, link), *b = best ? at(l, best) : NULL;
			uint64_t specificity;

			if (!selects(&e->conf.select, &probe))
				continue;
			if (!b && !e->chain &&
			    i + 1 == l->n_classes) { /* none to compare it with */
				best = link;
				break;
			}
			specificity = specificity_of(&e->conf.select);
			if (!b || beats(e, specificity, b, best_specificity)) {
				best = link;
				best_specificity = specificity;
			}
		}
	}
	*id = best ? id_of(l, best) : 0;
	return best ? &at(l, best)->conf : NULL;
}

uint32_t
listeners_count(const struct listeners *l)
{
	return l->entries.n_used;
}
