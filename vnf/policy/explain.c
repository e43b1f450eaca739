/*
 * Why a flow is whose it is: every rule tried, by what decide.c decides with.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "vnf/policy/ast.h"

/* In the order in which conditions are printed. */
static const struct {
	enum dim_id dim;
	enum match_field field;
} indexed[] = {
	{ DIM_DOMAIN, SEEN_DOMAIN }, { DIM_VID, SEEN_VLAN }, { DIM_SRC, SEEN_FROM },
	{ DIM_SPORT, SEEN_SPORT },   { DIM_DST, SEEN_TO },   { DIM_DPORT, SEEN_DPORT },
};

static const char *const field_names[] = {
	[SEEN_FROM] = "from",  [SEEN_TO] = "to",	 [SEEN_SPORT] = "from port",
	[SEEN_DPORT] = "port", [SEEN_PROTO] = "proto",	 [SEEN_VLAN] = "vlan",
	[SEEN_ON] = "on",      [SEEN_DOMAIN] = "domain", [SEEN_APP] = "app",
	[SEEN_SNI] = "sni",    [SEEN_HOST] = "host",	 [SEEN_ALPN] = "alpn",
	[SEEN_N] = NULL,
};

static enum match_field
rule_fails(const struct policy *p, uint32_t i, const struct way *w)
{
	size_t k;

	for (k = 0; k < sizeof indexed / sizeof indexed[0]; k++)
		if (!index_holds(&w->rows, indexed[k].dim, i))
			return indexed[k].field;
	return rest_fails(p->rule[i], w);
}

/* What of a rule does not hold, or is not known, one way round. */
static const char *
names_fail(const struct policy *p, uint32_t i, const struct way *w, const struct policy_facts *f,
	   enum policy_truth *truth)
{
	enum match_field field = rule_fails(p, i, w);

	*truth = POLICY_FALSE;
	if (field == SEEN_N)
		*truth = names_hold(p->rule[i], f, &field);
	return field_names[field];
}

void
policy_explain(const struct policy *p, const struct policy_facts *f,
	       void (*fn)(void *aux, const struct policy_try *t), void *aux)
{
	enum policy_truth truth;
	struct policy_verdict v;
	struct policy_try t;
	struct walk w;
	uint32_t i;
	unsigned k;

	policy_decide(p, f, &v);
	walk_begin(&w, p, f);
	for (i = 0; i <= v.rule; i++) {
		t = (struct policy_try){ .rule = i, .takes = i == v.rule };
		t.swapped = t.takes && v.swapped;
		for (k = 0; k < w.n_ways && i < p->n_rules; k++) {
			t.fails[k] = names_fail(p, i, &w.way[k], f, &truth);
			t.swapped |= truth == POLICY_UNKNOWN && k > 0 && !t.waits;
			t.waits |= truth == POLICY_UNKNOWN;
		}
		fn(aux, &t);
	}
}

static enum match_field
field_of(const char *name)
{
	enum match_field k;

	for (k = 0; k < SEEN_N && strcmp(field_names[k], name) != 0; k++)
		;
	return k;
}

static void
addr_put(const struct ip_addr *a, FILE *out)
{
	const bool v4 = ip_addr_is_v4(a);
	char text[INET6_ADDRSTRLEN];

	inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? &a->b[12] : a->b, text, sizeof text);
	fputs(text, out);
}

static void
vlan_put(const struct policy_facts *f, FILE *out)
{
	const char *sep = "the VLANs are ";
	unsigned k;

	for (k = 0; k < f->n_tags; k++) {
		if (f->vid[k] == 0)
			continue;
		fprintf(out, "%s%u", sep, f->vid[k]);
		sep = ".";
	}
	if (sep[0] != '.')
		fputs("it is untagged", out);
}

static void
name_put(const struct policy_facts *f, enum match_field field, FILE *out)
{
	const char *fact = fact_of(f, field);

	if (fact == NULL)
		fputs("that is not known", out);
	else if (*fact == '\0')
		fputs("it says none", out);
	else
		fprintf(out, field == SEEN_APP && f->app_grows ? "it is %s so far" : "it is %s",
			fact);
}

/* What the flow has where `field` wants something else. */
static void
fact_put(const struct policy_facts *f, enum match_field field, bool swap, const char *const *ports,
	 FILE *out)
{
	switch (field) {
	case SEEN_FROM:
		fputs("the client is ", out);
		addr_put(swap ? &f->dst : &f->src, out);
		break;
	case SEEN_TO:
		fputs("the server is ", out);
		addr_put(swap ? &f->src : &f->dst, out);
		break;
	case SEEN_SPORT:
		fprintf(out, "the client's port is %u", swap ? f->dport : f->sport);
		break;
	case SEEN_DPORT:
		fprintf(out, "the server's port is %u", swap ? f->sport : f->dport);
		break;
	case SEEN_PROTO:
		fprintf(out, "the protocol is %u", f->proto);
		break;
	case SEEN_VLAN:
		vlan_put(f, out);
		break;
	case SEEN_ON:
		fprintf(out, "it comes by %s", ports ? ports[swap ? f->peer : f->port] : "another");
		break;
	case SEEN_DOMAIN:
		fprintf(out, "the domain is %u", f->domain);
		break;
	case SEEN_APP:
	case SEEN_SNI:
	case SEEN_HOST:
	case SEEN_ALPN:
		name_put(f, field, out);
		break;
	case SEEN_N:
		break;
	}
}

/* The condition on one line, cut to what a person reads. */
static void
condition_put(const struct match *m, enum match_field field, FILE *out)
{
	enum { SHOWN = 60 };
	char *text = NULL;
	size_t len, i;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return;
	condition_print(m, field, f);
	if (fclose(f) == 0 && len > 0) {
		for (i = 0; i < len; i++)
			if (text[i] == '\n' || text[i] == '\t')
				text[i] = ' ';
		fprintf(out, "%.*s%s: ", SHOWN, text + 1, len > SHOWN + 1 ? "..." : "");
	}
	free(text);
}

void
policy_explain_why(const struct policy *p, const struct policy_facts *f, const struct policy_try *t,
		   const char *const *ports, FILE *out)
{
	unsigned way;

	if (t->takes)
		return;
	for (way = 0; way < 2 && t->fails[way]; way++) {
		const enum match_field field = field_of(t->fails[way]);

		fputs(way ? "; the other way round " : "", out);
		condition_put(p->rule[t->rule]->match, field, out);
		fact_put(f, field, way, ports, out);
	}
}
