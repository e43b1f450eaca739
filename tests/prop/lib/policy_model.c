/*
 * policy_model.c - see policy_model.h.
 */
#include "tests/prop/lib/policy_model.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

const char *const port_names[N_PORTS] = { "leat-a", "leat-b", "tap" };
static uint64_t rng;

uint32_t
draw(uint32_t n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (uint32_t)(rng >> 33) % n;
}
void
draw_seed(uint64_t seed)
{
	rng = seed * 0x9e3779b97f4a7c15u;
}

/* --- the naive interpreter ------------------------------------------------------- */

static bool
ref_bits_equal(const uint8_t *a, const uint8_t *b, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if ((a[i / 8] ^ b[i / 8]) >> (7 - i % 8) & 1)
			return false;
	return true;
}

static bool
ref_addr(const struct ref_policy *p, const struct ref_list *l, const struct ip_addr *a)
{
	const bool v4 = ip_addr_is_v4(a);
	bool in = l->n == 0;
	unsigned i;

	for (i = 0; i < l->n; i++) {
		const struct ref_item *x = &l->item[i];

		if (x->is_set)
			in |= ref_addr(p, &p->addr_set[x->set], a);
		else if (x->v6 != v4)
			in |= ref_bits_equal(x->addr, v4 ? &a->b[12] : a->b, x->len);
	}
	return in != l->not ;
}

static bool
ref_number(const struct ref_policy *p, const struct ref_list *l, unsigned v)
{
	bool in = l->n == 0;
	unsigned i;

	for (i = 0; i < l->n; i++) {
		const struct ref_item *x = &l->item[i];

		in |= x->is_set ? ref_number(p, &p->port_set[x->set], v) : v >= x->lo && v <= x->hi;
	}
	return in != l->not ;
}

static bool
ref_vlan(const struct ref_list *l, const struct policy_facts *f)
{
	unsigned i, k, n = 0;
	uint16_t vid[POLICY_TAGS_MAX];

	for (k = 0; k < f->n_tags; k++)
		if (f->vid[k])
			vid[n++] = f->vid[k];
	for (i = 0; i < l->n; i++) {
		const struct ref_item *x = &l->item[i];

		if (x->hi) {
			if (n == 1 && vid[0] >= x->lo && vid[0] <= x->hi)
				return true;
			continue;
		}
		for (k = 0; k < n && k < x->len && vid[k] == x->vid[k]; k++)
			;
		if (k == n && k == x->len)
			return true;
	}
	return l->n == 0;
}

static bool
ref_takes(const struct ref_policy *p, const struct ref_rule *r, const struct policy_facts *f)
{
	return !r->gone && (!r->tcp || f->proto == IPPROTO_TCP) &&
	       (r->on < 0 || r->on == f->port) && ref_addr(p, &r->from, &f->src) &&
	       ref_addr(p, &r->to, &f->dst) && ref_number(p, &r->sport, f->sport) &&
	       ref_number(p, &r->dport, f->dport) && ref_number(p, &r->domain, f->domain) &&
	       ref_vlan(&r->vlan, f);
}

bool
ref_fails(const struct ref_policy *p, const struct ref_rule *r, const struct policy_facts *f,
	  const char *name)
{
	if (strcmp(name, "from") == 0)
		return !ref_addr(p, &r->from, &f->src);
	if (strcmp(name, "to") == 0)
		return !ref_addr(p, &r->to, &f->dst);
	if (strcmp(name, "from port") == 0)
		return !ref_number(p, &r->sport, f->sport);
	if (strcmp(name, "port") == 0)
		return !ref_number(p, &r->dport, f->dport);
	if (strcmp(name, "domain") == 0)
		return !ref_number(p, &r->domain, f->domain);
	if (strcmp(name, "vlan") == 0)
		return !ref_vlan(&r->vlan, f);
	if (strcmp(name, "on") == 0)
		return r->on >= 0 && r->on != f->port;
	if (strcmp(name, "proto") == 0)
		return r->tcp && f->proto != IPPROTO_TCP;
	return ref_said(p->name_set, &r->names, f, name) == POLICY_FALSE;
}

struct policy_facts
turned_round(const struct policy_facts *f)
{
	struct policy_facts back = *f;

	back.src = f->dst;
	back.dst = f->src;
	back.sport = f->dport;
	back.dport = f->sport;
	back.port = f->peer;
	return back;
}

struct ref_verdict
ref_decide(const struct ref_policy *p, const struct policy_facts *f)
{
	const struct policy_facts back = turned_round(f);
	struct ref_verdict v = { 0 };

	for (; v.rule < p->n_rules; v.rule++) {
		const struct ref_rule *r = &p->rule[v.rule];
		const bool takes = ref_takes(p, r, f);
		enum policy_truth truth;

		if (!takes && !(f->midstream && ref_takes(p, r, &back)))
			continue;
		truth = ref_truth(p->name_set, &r->names, f);
		if (truth == POLICY_FALSE)
			continue;
		v.may[f->midstream && r->mode == POLICY_PROXY ? POLICY_TRACK : r->mode] = true;
		v.swapped = truth == POLICY_TRUE && !takes;
		if (truth == POLICY_TRUE)
			break;
		v.waits[v.rule] = true;
		v.n_waiting++;
	}
	return v;
}

/* --- random policies ---------------------------------------------------------- */

/* Few bits vary, at both ends of a prefix. */
static void
draw_addr(uint8_t *a, bool v6)
{
	memset(a, 0, 16);
	a[0] = v6 ? (draw(8) ? 0xfd : 0) : 10;
	a[1] = (uint8_t)draw(4);
	a[v6 ? 15 : 3] = (uint8_t)draw(4);
	if (v6 && draw(8) == 0)
		a[9] = 0xff;	/* near ::ffff:0:0 */
}

static struct ref_item
draw_prefix(void)
{
	static const unsigned lens[2][6] = { { 0, 8, 15, 16, 31, 32 }, { 0, 8, 80, 96, 127, 128 } };
	struct ref_item x = { .v6 = draw(2) };
	unsigned i;

	draw_addr(x.addr, x.v6);
	x.len = lens[x.v6][draw(12) ? 1 + draw(5) : 0];
	for (i = x.len; i < 128; i++)
		x.addr[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
	return x;
}

static struct ref_item
draw_range(unsigned max)
{
	struct ref_item x = { .lo = draw(8) ? draw(10) : max - draw(3) };

	x.hi = x.lo + (draw(2) ? draw(4) : 0);
	if (x.hi > max)
		x.hi = max;
	return x;
}

static struct ref_item
draw_vlan(void)
{
	struct ref_item x = { .len = draw(4) };
	unsigned i;

	if (draw(3) == 0) {
		x.lo = 1 + draw(4);
		x.hi = x.lo + 1 + draw(3);
	}
	for (i = 0; i < x.len; i++)
		x.vid[i] = (uint16_t)(1 + draw(4));
	return x;
}

enum what { ADDR, PORT, DOMAIN, VLAN };

/* Sets below `n_sets` may be named. */
static struct ref_list
draw_list(enum what what, unsigned n_sets)
{
	struct ref_list l = { .n = 1 + (draw(2) ? draw(MAX_ITEMS) : 0) };
	unsigned i;

	for (i = 0; i < l.n; i++) {
		if ((what == ADDR || what == PORT) && n_sets && draw(4) == 0)
			l.item[i] = (struct ref_item){ .is_set = true, .set = draw(n_sets) };
		else if (what == ADDR)
			l.item[i] = draw_prefix();
		else if (what == VLAN)
			l.item[i] = draw_vlan();
		else
			l.item[i] = draw_range(65535);
	}
	return l;
}

static struct ref_list
draw_condition(enum what what, unsigned odds)
{
	struct ref_list l = { 0 };

	if (draw(odds) != 0)
		return l;
	l = draw_list(what, N_SETS);
	l.not = what != VLAN && draw(5) == 0;
	return l;
}

void
draw_policy(struct ref_policy *p)
{
	unsigned i;

	memset(p, 0, sizeof *p);
	for (i = 0; i < N_SETS; i++) {
		p->addr_set[i] = draw_list(ADDR, i);
		p->port_set[i] = draw_list(PORT, i);
		/* What the set is of goes by its first item. */
		p->addr_set[i].item[0] = draw_prefix();
		p->port_set[i].item[0] = draw_range(65535);
	}
	for (i = 0; i < N_NAME_SETS; i++)
		p->name_set[i] = draw_name_set();
	p->n_rules = draw(4) ? draw(12) : draw(MAX_RULES);
	for (i = 0; i < p->n_rules; i++) {
		p->rule[i] = (struct ref_rule){
			.from = draw_condition(ADDR, 2),
			.to = draw_condition(ADDR, 2),
			.sport = draw_condition(PORT, 6),
			.dport = draw_condition(PORT, 2),
			.vlan = draw_condition(VLAN, 6),
			.domain = draw_condition(DOMAIN, 6),
			.names = draw_names(),
			.tcp = draw(2),
			.on = draw(5) ? -1 : (int)draw(N_PORTS),
			.mode = (enum policy_mode)draw(POLICY_RESET + 1),
		};
	}
}

struct policy_facts
draw_facts(void)
{
	struct policy_facts f = { .sport = (uint16_t)draw(14),
				  .dport = (uint16_t)draw(14),
				  .domain = (uint16_t)draw(12),
				  .port = (uint8_t)draw(N_PORTS),
				  .peer = (uint8_t)draw(N_PORTS),
				  .n_tags = (uint8_t)draw(4),
				  .midstream = draw(2) };
	const bool v6 = draw(2);
	uint8_t a[16];
	unsigned i;

	if (draw(8) == 0)
		f.dport = (uint16_t)(65535 - draw(3));
	f.proto = draw(4) ? IPPROTO_TCP : IPPROTO_UDP;
	for (i = 0; i < f.n_tags; i++)
		f.vid[i] = (uint16_t)draw(7);
	draw_said(&f);
	draw_addr(a, v6);
	f.src = v6 ? ip_addr_v6(a) : ip_addr_v4(a);
	draw_addr(a, v6);
	f.dst = v6 ? ip_addr_v6(a) : ip_addr_v4(a);
	if (v6 && draw(16) == 0)
		memcpy(f.dst.b, "\0\0\0\0\0\0\0\0\0\0\377\376", 12);
	return f;
}

/* --- as text, in whatever way it may be written -------------------------------- */

static void
write_item(FILE *f, enum what what, const struct ref_item *x)
{
	char text[INET6_ADDRSTRLEN];
	unsigned i;

	if (x->is_set) {
		fprintf(f, "<%s%u>", what == ADDR ? "a" : "p", x->set);
	} else if (what == ADDR) {
		inet_ntop(x->v6 ? AF_INET6 : AF_INET, x->addr, text, sizeof text);
		fprintf(f, "%s/%u", text, x->len);
	} else if (what != VLAN || x->hi) {
		fprintf(f, "%u:%u", x->lo, x->hi);
	} else {
		fputs(x->len ? "" : "untagged", f);
		for (i = 0; i < x->len; i++)
			fprintf(f, "%s%u", i ? "." : "", x->vid[i]);
	}
}

static void
write_items(FILE *f, enum what what, const struct ref_list *l)
{
	unsigned i;

	for (i = 0; i < l->n; i++) {
		fputs(i == 0 ? "" : draw(2) ? ", " : "\t", f);
		write_item(f, what, &l->item[i]);
	}
}

static void
write_list(FILE *f, enum what what, const struct ref_list *l)
{
	const bool braces = l->n > 1 || draw(2);

	if (l->n == 0) {
		fputs(" any", f);
		return;
	}
	fputs(l->not ? " ! " : " ", f);
	fputs(braces ? "{" : "", f);
	write_items(f, what, l);
	fputs(braces ? "}" : "", f);
}

static void
write_end(FILE *f, const char *word, const struct ref_list *addr, const struct ref_list *port)
{
	if (addr->n == 0 && port->n == 0 && draw(2))
		return;
	fprintf(f, " %s", word);
	write_list(f, ADDR, addr);
	if (port->n) {
		fputs(" port", f);
		write_list(f, PORT, port);
	}
}

/* Some of what only a proxied connection has a use for, in a row of its own. */
static void
write_proxy_attrs(FILE *f)
{
	static const char *const attrs[][3] = {
		{ "cc cubic", "cc reno" },
		{ "pace" },
		{ "idle-restart" },
		{ "ecn off" },
		{ "mss 88", "mss 1400", "mss 65495" },
		{ "flood pass", "flood cookie", "flood drop" },
		{ "signed pass", "signed reset" },
		{ "close local" },
	};
	const unsigned first = draw(8), n = 1 + draw(8);
	unsigned i, k;

	for (i = 0; i < n; i++) {
		const char *const *one = attrs[(first + i) % 8];

		for (k = draw(3); !one[k]; k--)
			;
		fprintf(f, "%s %s", i == 0 ? " {" : ",", one[k]);
	}
	fputs(" }", f);
}

static void
write_rule(FILE *f, const struct ref_rule *r, unsigned i)
{
	static const char *const attrs[] = { "log", "log, timeout 90s", "timeout 1500ms" };

	fprintf(f, "rule r%u: %s", i, policy_mode_name(r->mode));
	if (r->tcp)
		fputs(" proto tcp", f);
	if (r->on >= 0)
		fprintf(f, draw(2) ? " on %s" : " in on \"%s\"", port_names[r->on]);
	write_end(f, "to", &r->to, &r->dport);
	if (r->vlan.n || draw(4) == 0) {
		fputs(" vlan", f);
		write_list(f, VLAN, &r->vlan);
	}
	if (r->domain.n || draw(4) == 0) {
		fputs(" domain", f);
		write_list(f, DOMAIN, &r->domain);
	}
	write_end(f, "from", &r->from, &r->sport);
	write_names(f, &r->names);
	if (r->mode == POLICY_PROXY && draw(2) == 0)
		write_proxy_attrs(f);
	else if (r->mode == POLICY_TRACK && draw(4) == 0)
		fprintf(f, " { window %s }", draw(2) ? "strict" : "loose");
	else if (draw(3) == 0)
		fprintf(f, " { %s }", attrs[r->mode <= POLICY_PASSIVE ? draw(3) : 0]);
	fputs("\n", f);
}

char *
write_policy(const struct ref_policy *p)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	unsigned i;

	for (i = 0; i < p->n_rules; i++) {
		if (p->rule[i].gone)
			fputs("\n", f);
		else
			write_rule(f, &p->rule[i], i);
	}
	for (i = 0; i < N_SETS; i++) {
		fprintf(f, "set <a%u> {", i);
		write_items(f, ADDR, &p->addr_set[i]);
		fprintf(f, "}\nset <p%u> {", i);
		write_items(f, PORT, &p->port_set[i]);
		fputs("}\n", f);
	}
	for (i = 0; i < N_NAME_SETS; i++) {
		fprintf(f, "set <n%u> { ", i);
		write_words(f, &p->name_set[i]);
		fputs(" }\n", f);
	}
	fputs("default track\n", f);
	fclose(f);
	return text;
}
