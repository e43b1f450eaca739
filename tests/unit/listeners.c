/*
 * Which listener wins a SYN.
 */
#include "tcpterm/listeners.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/tap.h"

static const struct tcpterm_selector any = {
	.dst_port = { 0, 65535 },
	.src_port = { 0, 65535 },
	.any_domain = true,
};

static struct ip_addr
ip(const char *text)
{
	struct ip_addr a;

	CU_ASSERT_EQUAL_FATAL(ip_addr_parse(text, &a), 0);
	return a;
}

static struct pkt
syn(const char *dst, uint16_t dport, unsigned n_tags, ...)
{
	struct pkt p;
	va_list ap;

	memset(&p, 0, sizeof p);
	p.src = ip("192.0.2.7");
	p.dst = ip(dst);
	p.sport = 40000;
	p.dport = dport;
	va_start(ap, n_tags);
	for (; p.n_tags < n_tags; p.n_tags++)
		p.tag[p.n_tags] = (struct vlan_tag){ 0x8100, (uint16_t)va_arg(ap, int) };
	va_end(ap);
	return p;
}

static tcpterm_listener_id
add(struct listeners *l, const struct tcpterm_selector *s)
{
	struct tcpterm_listener_conf c;
	tcpterm_listener_id id = 0;

	memset(&c, 0, sizeof c);
	c.select = *s;
	CU_ASSERT_EQUAL(listeners_add(l, &c, &id), 0);
	return id;
}

static tcpterm_listener_id
find(struct listeners *l, struct pkt p)
{
	tcpterm_listener_id id;

	CU_ASSERT_EQUAL(listeners_find(l, &p, &id) != NULL, id != 0);
	return id;
}

static void
exact_stack_admits_no_other_and_ignores_a_priority_tag(void)
{
	struct listeners *l = listeners_new(16);
	struct tcpterm_selector s = any;
	tcpterm_listener_id id;

	s.tags = TCPTERM_TAGS_EXACT;
	s.n_vids = 2;
	s.vid[0] = 10;
	s.vid[1] = 20;
	id = add(l, &s);
	CU_ASSERT_EQUAL(find(l, syn("198.51.100.9", 8443, 2, 10, 20)), id);
	CU_ASSERT_EQUAL(find(l, syn("198.51.100.9", 8443, 3, 0, 10, 20)), id);
	CU_ASSERT_EQUAL(find(l, syn("198.51.100.9", 8443, 2, 0xe00a, 0x1014)), id);
	CU_ASSERT_EQUAL(find(l, syn("198.51.100.9", 8443, 2, 10, 21)), 0);
	CU_ASSERT_EQUAL(find(l, syn("198.51.100.9", 8443, 2, 20, 10)), 0);
	CU_ASSERT_EQUAL(find(l, syn("198.51.100.9", 8443, 1, 10)), 0);
	CU_ASSERT_EQUAL(find(l, syn("198.51.100.9", 8443, 0)), 0);
	listeners_free(l);
}

/* S2: eight overlapping listeners; the winner of each SYN, then the next after its removal. */
static void
winner_is_the_documented_one_then_the_next(void)
{
	struct listeners *l = listeners_new(16);
	tcpterm_listener_id id[8];
	struct pkt p = syn("198.51.100.9", 443, 1, 10);
	unsigned i;

	/* Bit 2: exact tag; bit 1: exact address; bit 0: exact port.  That is their order too. */
	for (i = 0; i < 8; i++) {
		struct tcpterm_selector s = any;

		if (i & 4) {
			s.tags = TCPTERM_TAGS_EXACT;
			s.n_vids = 1;
			s.vid[0] = 10;
		}
		if (i & 2) {
			s.dst = ip("198.51.100.9");
			s.dst_len = 128;
		}
		if (i & 1)
			s.dst_port[0] = s.dst_port[1] = 443;
		id[i] = add(l, &s);
	}
	CU_ASSERT_EQUAL(find(l, p), id[7]);
	CU_ASSERT_EQUAL(find(l, syn("198.51.100.9", 444, 1, 10)), id[6]);
	CU_ASSERT_EQUAL(find(l, syn("198.51.100.8", 443, 1, 10)), id[5]);
	CU_ASSERT_EQUAL(find(l, syn("198.51.100.8", 444, 1, 10)), id[4]);
	CU_ASSERT_EQUAL(find(l, syn("198.51.100.9", 443, 1, 11)), id[3]);
	CU_ASSERT_EQUAL(find(l, syn("198.51.100.9", 444, 0)), id[2]);
	CU_ASSERT_EQUAL(find(l, syn("198.51.100.8", 443, 0)), id[1]);
	CU_ASSERT_EQUAL(find(l, syn("198.51.100.8", 444, 0)), id[0]);
	for (i = 8; i-- > 0;) {
		CU_ASSERT_EQUAL(find(l, p), id[i]);
		CU_ASSERT_EQUAL(listeners_remove(l, id[i]), 0);
		CU_ASSERT_EQUAL(listeners_remove(l, id[i]), -ENOENT);
	}
	CU_ASSERT_EQUAL(find(l, p), 0);
	CU_ASSERT_EQUAL(listeners_count(l), 0);
	listeners_free(l);
}

static void
priority_comes_before_specificity(void)
{
	struct listeners *l = listeners_new(16);
	struct tcpterm_selector s = any, t = any;
	tcpterm_listener_id low, high, higher;

	t.dst = ip("10.0.0.1");
	t.dst_len = 128;
	low = add(l, &t);
	s.priority = 5;
	high = add(l, &s);
	CU_ASSERT_EQUAL(find(l, syn("10.0.0.1", 80, 0)), high);
	t.priority = 6;
	higher = add(l, &t);
	CU_ASSERT_EQUAL(find(l, syn("10.0.0.1", 80, 0)), higher);
	CU_ASSERT_EQUAL(listeners_remove(l, higher), 0);
	CU_ASSERT_EQUAL(find(l, syn("10.0.0.1", 80, 0)), high);
	CU_ASSERT_EQUAL(listeners_remove(l, high), 0);
	CU_ASSERT_EQUAL(find(l, syn("10.0.0.1", 80, 0)), low);
	listeners_free(l);
}

static void
of_equally_wide_ranges_the_older_wins(void)
{
	struct listeners *l = listeners_new(16);
	struct tcpterm_selector s = any;
	tcpterm_listener_id a, b, narrow;

	s.dst_port[0] = 85;
	s.dst_port[1] = 95;
	a = add(l, &s);
	s.dst_port[0] = 80;
	s.dst_port[1] = 90;
	b = add(l, &s);
	CU_ASSERT_EQUAL(find(l, syn("10.0.0.1", 87, 0)), a);
	CU_ASSERT_EQUAL(find(l, syn("10.0.0.1", 80, 0)), b);
	CU_ASSERT_EQUAL(find(l, syn("10.0.0.1", 96, 0)), 0);
	s.dst_port[0] = 87;
	s.dst_port[1] = 88;
	narrow = add(l, &s);
	CU_ASSERT_EQUAL(find(l, syn("10.0.0.1", 87, 0)), narrow);
	listeners_free(l);
}

static void
same_selector_and_nonsense_are_refused(void)
{
	struct listeners *l = listeners_new(2);
	struct tcpterm_listener_conf c;
	tcpterm_listener_id id;

	memset(&c, 0, sizeof c);
	c.select = any;
	c.select.dst = ip("10.1.2.3");
	c.select.dst_len = 96 + 8;
	CU_ASSERT_EQUAL(listeners_add(l, &c, &id), 0);
	c.select.dst = ip("10.9.9.9");		/* the same prefix */
	c.select.vid[5] = 3;			/* means nothing here */
	CU_ASSERT_EQUAL(listeners_add(l, &c, &id), -EEXIST);
	c.select.dst_port[0] = 2;
	c.select.dst_port[1] = 1;
	CU_ASSERT_EQUAL(listeners_add(l, &c, &id), -EINVAL);
	c.select = any;
	c.select.tags = TCPTERM_TAGS_EXACT;
	CU_ASSERT_EQUAL(listeners_add(l, &c, &id), -EINVAL);
	c.select.n_vids = 1;
	c.select.vid[0] = 4095;
	CU_ASSERT_EQUAL(listeners_add(l, &c, &id), -EINVAL);
	c.select.vid[0] = 7;
	CU_ASSERT_EQUAL(listeners_add(l, &c, &id), 0);
	c.select.vid[0] = 8;
	CU_ASSERT_EQUAL(listeners_add(l, &c, &id), -ENOMEM);
	CU_ASSERT_EQUAL(listeners_count(l), 2);
	listeners_free(l);
}

/* The selectors' order as listener.h writes it, step by step. */
static int
naive_rank(const struct tcpterm_selector *s, int what)
{
	static const int tags[] = { 0, 1, 3, 2 };	/* any, none, exact, range */

	switch (what) {
	case 0:
		return s->priority;
	case 1:
		return tags[s->tags];
	case 2:
		return s->dst_len;
	case 3:
		return s->dst_port[0] - s->dst_port[1];
	case 4:
		return s->src_len;
	case 5:
		return s->src_port[0] - s->src_port[1];
	default:
		return !s->any_domain;
	}
}

static bool
naive_match(const struct tcpterm_selector *s, const struct pkt *p)
{
	uint16_t vid[PKT_MAX_TAGS];
	unsigned n = 0, i;

	for (i = 0; i < p->n_tags; i++)
		if (p->tag[i].tci & 0xfff)
			vid[n++] = p->tag[i].tci & 0xfff;
	if ((s->tags == TCPTERM_TAGS_NONE && n) ||
	    (s->tags == TCPTERM_TAGS_RANGE &&
	     (n != 1 || vid[0] < s->vid[0] || vid[0] > s->vid[1])) ||
	    (s->tags == TCPTERM_TAGS_EXACT && (n != s->n_vids || memcmp(vid, s->vid, 2 * n) != 0)))
		return false;
	return ip_addr_in_prefix(&p->dst, &s->dst, s->dst_len) &&
	       ip_addr_in_prefix(&p->src, &s->src, s->src_len) && p->dport >= s->dst_port[0] &&
	       p->dport <= s->dst_port[1] && p->sport >= s->src_port[0] &&
	       p->sport <= s->src_port[1] && (s->any_domain || s->domain == p->domain);
}

static void
random_port_range(uint16_t range[2])
{
	switch (rand() % 3) {
	case 0:
		range[0] = range[1] = (uint16_t)(rand() % 4);
		break;
	case 1:
		range[0] = (uint16_t)(rand() % 3);
		range[1] = (uint16_t)(range[0] + rand() % 3);
		break;
	default:
		range[0] = 0;
		range[1] = 65535;
	}
}

static struct tcpterm_selector
random_selector(void)
{
	static const uint8_t lens[] = { 0, 96, 104, 127, 128 };
	struct tcpterm_selector s;
	char text[32];

	memset(&s, 0, sizeof s);
	s.priority = rand() % 3 - 1;
	s.tags = (enum tcpterm_tags)(rand() % 4);
	s.n_vids = (uint8_t)(1 + rand() % 2);
	s.vid[0] = (uint16_t)(1 + rand() % 3);
	s.vid[1] = (uint16_t)(s.vid[0] + rand() % 2);
	snprintf(text, sizeof text, "10.0.0.%d", rand() % 3);
	s.dst = ip(text);
	s.src = ip(text);
	s.dst_len = lens[rand() % 5];
	s.src_len = lens[rand() % 5];
	random_port_range(s.dst_port);
	random_port_range(s.src_port);
	s.any_domain = rand() % 2;
	s.domain = (uint16_t)(rand() % 2);
	return s;
}

static struct pkt
random_syn(void)
{
	struct pkt p;
	char text[32];

	memset(&p, 0, sizeof p);
	for (p.n_tags = 0; p.n_tags < 3 && rand() % 2; p.n_tags++)
		p.tag[p.n_tags] = (struct vlan_tag){ 0x8100, (uint16_t)(rand() % 4 | 0x2000) };
	snprintf(text, sizeof text, "10.0.0.%d", rand() % 4);
	p.dst = ip(text);
	snprintf(text, sizeof text, "10.0.0.%d", rand() % 4);
	p.src = ip(text);
	p.dport = (uint16_t)(rand() % 5);
	p.sport = (uint16_t)(rand() % 5);
	p.domain = (uint16_t)(rand() % 2);
	return p;
}

enum { N_RANDOM = 400 };

static struct tcpterm_selector chosen[N_RANDOM];
static tcpterm_listener_id ids[N_RANDOM];	/* in age order; 0: removed */

static tcpterm_listener_id
naive_find(const struct pkt *p, unsigned n)
{
	unsigned i, best = n;
	int what, d;

	for (i = 0; i < n; i++) {
		if (!ids[i] || !naive_match(&chosen[i], p))
			continue;
		for (what = 0, d = best == n; d == 0 && what < 7; what++)
			d = naive_rank(&chosen[i], what) - naive_rank(&chosen[best], what);
		if (d > 0)
			best = i;
	}
	return best == n ? 0 : ids[best];
}

static void
search_agrees_with_a_list_in_order(void)
{
	struct listeners *l = listeners_new(N_RANDOM);
	struct tcpterm_listener_conf c;
	unsigned n = 0, i, wrong = 0, hits = 0;

	srand(42);
	while (n < N_RANDOM) {
		memset(&c, 0, sizeof c);
		c.select = chosen[n] = random_selector();
		if (listeners_add(l, &c, &ids[n]) == 0)
			n++;
	}
	for (i = 0; i < 20000; i++) {
		struct pkt p = random_syn();
		tcpterm_listener_id id;
		unsigned gone = (unsigned)rand() % N_RANDOM;

		listeners_find(l, &p, &id);
		wrong += id != naive_find(&p, n);
		hits += id != 0;
		if (i % 100 == 0 && ids[gone]) {
			listeners_remove(l, ids[gone]);
			ids[gone] = 0;
		}
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_TRUE(hits > 5000);
	listeners_free(l);
}

/* It is found without a search while it is the only one. */
static void
lone_listener_for_all_is_found_until_it_has_company(void)
{
	struct listeners *l = listeners_new(16);
	struct tcpterm_selector s = any;
	tcpterm_listener_id all, web;

	all = add(l, &any);
	CU_ASSERT_EQUAL(find(l, syn("198.51.100.9", 443, 2, 10, 20)), all);
	s.dst_port[0] = s.dst_port[1] = 443;
	web = add(l, &s);
	CU_ASSERT_EQUAL(find(l, syn("198.51.100.9", 443, 0)), web);
	CU_ASSERT_EQUAL(find(l, syn("198.51.100.9", 80, 0)), all);
	CU_ASSERT_EQUAL(listeners_remove(l, all), 0);
	CU_ASSERT_EQUAL(find(l, syn("198.51.100.9", 443, 0)), web);
	CU_ASSERT_EQUAL(find(l, syn("198.51.100.9", 80, 0)), 0);
	CU_ASSERT_EQUAL(listeners_remove(l, web), 0);
	CU_ASSERT_EQUAL(find(l, syn("198.51.100.9", 443, 0)), 0);
	all = add(l, &any);
	CU_ASSERT_EQUAL(find(l, syn("198.51.100.9", 80, 1, 7)), all);
	listeners_free(l);
}

TAP_MAIN(listeners, TAP_CHECK(S1, exact_stack_admits_no_other_and_ignores_a_priority_tag),
	 TAP_CHECK(S2, winner_is_the_documented_one_then_the_next),
	 TAP_CHECK(S2, priority_comes_before_specificity),
	 TAP_CHECK(S2, of_equally_wide_ranges_the_older_wins),
	 TAP_CHECK(S2, lone_listener_for_all_is_found_until_it_has_company),
	 TAP_CHECK(S2, same_selector_and_nonsense_are_refused),
	 TAP_CHECK(S2, search_agrees_with_a_list_in_order))
