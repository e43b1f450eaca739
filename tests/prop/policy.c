/*
 * Random policies.  What is printed parses to the same; a decision is what a
 * naive interpreter of the same rules says; a rule that is refused as shadowed
 * never wins there.  The universe is small, so that rules meet.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/tap.h"
#include "vnf/policy/policy.h"

enum { MAX_RULES = 130, MAX_ITEMS = 4, N_SETS = 4, N_PORTS = 3, N_FACTS = 400, POLICIES = 300 };

static const char *const port_names[N_PORTS] = { "leat-a", "leat-b", "tap" };
static uint64_t rng;

static uint32_t
draw(uint32_t n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (uint32_t)(rng >> 33) % n;
}

/* --- the model: what was written, kept plainly ------------------------------- */

struct ref_item {
	bool is_set, v6;
	unsigned set;
	uint8_t addr[16];	/* 4 bytes or 16 */
	unsigned len;		/* of the prefix, or of the VLAN stack (0: untagged) */
	unsigned lo, hi;	/* range; VLAN stack: hi 0 */
	uint16_t vid[3];
};

struct ref_list {
	unsigned n;		/* 0: any */
	bool not ;
	struct ref_item item[MAX_ITEMS];
};

struct ref_rule {
	struct ref_list from, to, sport, dport, vlan, domain;
	bool tcp, gone;
	int on;			/* port index, -1: any */
	enum policy_mode mode;
};

struct ref_policy {
	struct ref_list addr_set[N_SETS], port_set[N_SETS];
	struct ref_rule rule[MAX_RULES];
	unsigned n_rules;
};

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

/* The rule that wins, and whether with the ends swapped; n_rules: none. */
static unsigned
ref_decide(const struct ref_policy *p, const struct policy_facts *f, bool *swapped)
{
	struct policy_facts back = *f;
	unsigned i;

	back.src = f->dst;
	back.dst = f->src;
	back.sport = f->dport;
	back.dport = f->sport;
	back.port = f->peer;
	*swapped = false;
	for (i = 0; i < p->n_rules; i++) {
		if (ref_takes(p, &p->rule[i], f))
			return i;
		if (f->midstream && ref_takes(p, &p->rule[i], &back)) {
			*swapped = true;
			return i;
		}
	}
	return i;
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

static void
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
	p->n_rules = draw(4) ? draw(12) : draw(MAX_RULES);
	for (i = 0; i < p->n_rules; i++) {
		p->rule[i] = (struct ref_rule){
			.from = draw_condition(ADDR, 2),
			.to = draw_condition(ADDR, 2),
			.sport = draw_condition(PORT, 6),
			.dport = draw_condition(PORT, 2),
			.vlan = draw_condition(VLAN, 6),
			.domain = draw_condition(DOMAIN, 6),
			.tcp = draw(2),
			.on = draw(5) ? -1 : (int)draw(N_PORTS),
			.mode = (enum policy_mode)draw(POLICY_RESET + 1),
		};
	}
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
	if (draw(3) == 0)
		fprintf(f, " { %s }", attrs[r->mode <= POLICY_PASSIVE ? draw(3) : 0]);
	fputs("\n", f);
}

/* One line a statement; a rule that is gone leaves its line empty. */
static char *
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
	fputs("default track\n", f);
	fclose(f);
	return text;
}

/* --- the properties --------------------------------------------------------------- */

static struct policy_facts
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
	draw_addr(a, v6);
	f.src = v6 ? ip_addr_v6(a) : ip_addr_v4(a);
	draw_addr(a, v6);
	f.dst = v6 ? ip_addr_v6(a) : ip_addr_v4(a);
	if (v6 && draw(16) == 0)
		memcpy(f.dst.b, "\0\0\0\0\0\0\0\0\0\0\377\376", 12);
	return f;
}

/*
 * Takes out the rules that the errors call unable to match; anything else is a
 * failure.  True if there were errors.
 */
static bool
drop_refused(struct ref_policy *p, const struct policy_errors *errs, const char *text)
{
	unsigned i;

	for (i = 0; i < errs->n; i++) {
		const unsigned at = (unsigned)errs->list[i].line - 1;

		if (strstr(errs->list[i].text, "can never match") == NULL || at >= p->n_rules) {
			printf("# %s# in:\n%s", errs->list[i].text, text);
			CU_FAIL_FATAL("a random policy is refused");
		}
		p->rule[at].gone = true;
	}
	return errs->n > 0;
}

/* Parses what `p` says, less what is refused; the text is the caller's to free. */
static struct policy *
parse_accepted(struct ref_policy *p, char **text)
{
	struct policy_errors errs;
	struct policy *out;
	bool again;

	do {
		*text = write_policy(p);
		policy_parse("p", *text, strlen(*text), &out, &errs);
		again = drop_refused(p, &errs, *text);
		policy_errors_free(&errs);
		if (again)
			free(*text);
	} while (again);
	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	CU_ASSERT_EQUAL_FATAL(policy_bind(out, port_names, N_PORTS, &errs), 0);
	return out;
}

static void
check_verdict(const struct policy *p, const struct ref_policy *ref, const struct policy_facts *f)
{
	struct policy_verdict v;
	bool swapped, proxied;
	char name[16] = "default";
	unsigned r = ref_decide(ref, f, &swapped);

	policy_decide(p, f, &v);
	if (r < ref->n_rules)
		snprintf(name, sizeof name, "r%u", r);
	if (strcmp(v.name, name) != 0)
		printf("# decided by %s, naively by %s\n", v.name, name);
	CU_ASSERT_STRING_EQUAL(v.name, name);
	CU_ASSERT_EQUAL(v.swapped, swapped);
	if (r == ref->n_rules)
		return;
	proxied = ref->rule[r].mode == POLICY_PROXY;
	CU_ASSERT_EQUAL(v.mode, proxied && f->midstream ? POLICY_TRACK : ref->rule[r].mode);
	CU_ASSERT_EQUAL(v.demoted, proxied && f->midstream);
}

static uint64_t
seed_of(unsigned i)
{
	const char *seed = getenv("SEED");
	const uint64_t base = seed ? strtoull(seed, NULL, 0) : 1;

	rng = (base + i) * 0x9e3779b97f4a7c15u;
	if (i == 0)
		printf("# seed %llu (SEED=N sets the first)\n", (unsigned long long)base);
	return base + i;
}

static void
decisions_equal_the_naive_interpreters(void)
{
	static struct ref_policy ref;
	struct policy_facts f;
	struct policy *p;
	unsigned i, k, n_matched = 0, n_all = 0;
	bool swapped;
	char *text;

	for (i = 0; i < POLICIES; i++) {
		const uint64_t seed = seed_of(i);

		draw_policy(&ref);
		p = parse_accepted(&ref, &text);
		for (k = 0; k < N_FACTS; k++) {
			f = draw_facts();
			check_verdict(p, &ref, &f);
			n_matched += ref_decide(&ref, &f, &swapped) < ref.n_rules;
			n_all++;
		}
		if (CU_get_number_of_failures() > 0) {
			printf("# seed %llu:\n%s", (unsigned long long)seed, text);
			i = POLICIES;
		}
		free(text);
		policy_free(p);
	}
	printf("# %u of %u facts met a rule\n", n_matched, n_all);
	CU_ASSERT(n_matched > n_all / 4);
}

static void
refused_rules_never_win(void)
{
	static struct ref_policy full, accepted;
	unsigned i, k, r, n_refused = 0;
	struct policy_facts f;
	bool swapped;
	char *text;

	for (i = 0; i < POLICIES; i++) {
		seed_of(i);
		draw_policy(&full);
		accepted = full;
		policy_free(parse_accepted(&accepted, &text));
		free(text);
		for (r = 0; r < full.n_rules; r++)
			n_refused += accepted.rule[r].gone;
		for (k = 0; k < N_FACTS; k++) {
			f = draw_facts();
			f.midstream = false;
			r = ref_decide(&full, &f, &swapped);
			CU_ASSERT(r == full.n_rules || !accepted.rule[r].gone);
		}
	}
	printf("# %u rules were refused\n", n_refused);
	CU_ASSERT(n_refused > 100);
}

static void
what_is_printed_parses_to_the_same(void)
{
	static struct ref_policy ref;
	struct policy_errors errs;
	struct policy *p, *q;
	char *text, *out;
	size_t len;
	unsigned i;
	FILE *f;

	for (i = 0; i < POLICIES; i++) {
		seed_of(i);
		draw_policy(&ref);
		p = parse_accepted(&ref, &text);
		free(text);
		f = open_memstream(&out, &len);
		CU_ASSERT_EQUAL(policy_print(p, f), 0);
		fclose(f);
		policy_parse("q", out, len, &q, &errs);
		policy_errors_print(&errs, stdout);
		policy_errors_free(&errs);
		CU_ASSERT_PTR_NOT_NULL_FATAL(q);
		CU_ASSERT(policy_equal(p, q));
		free(out);
		policy_free(p);
		policy_free(q);
	}
}

TAP_MAIN(policy, TAP_TEST(decisions_equal_the_naive_interpreters),
	 TAP_TEST(refused_rules_never_win), TAP_TEST(what_is_printed_parses_to_the_same))
