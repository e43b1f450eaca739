/*
 * policy.c - how long a large policy takes to load, and a first packet to decide.
 *
 *	obj/tests/bench/policy [RULES [PREFIXES]]
 *
 * Two sets of PREFIXES prefixes, from no two of which a rule could be made smaller, and
 * RULES rules that use them and prefixes, ports and VLANs of their own.  Half of the facts are
 * meant for a rule, one of all with equal odds, the others for none.  ns_per_decision is the mean
 * of the processor's time over facts that are more than fit into a cache.
 */
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vnf/policy/policy.h"

enum { N_FACTS = 1 << 20 };

static uint64_t rng = 1;

static uint32_t
draw(uint32_t n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (uint32_t)(rng >> 33) % n;
}

static double
seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Every second /28 of a /8, in an order of its own, so that none touch. */
static void
write_set(FILE *f, const char *name, unsigned net, unsigned n)
{
	unsigned i;

	fprintf(f, "set <%s> {\n", name);
	for (i = 0; i < n; i++) {
		const unsigned a = i * 40503u % n * 32;	/* 40503 is prime */

		fprintf(f, "\t%u.%u.%u.%u/28\n", net + (a >> 24), a >> 16 & 255, a >> 8 & 255,
			a & 255);
	}
	fputs("}\n", f);
}

static void
write_rule(FILE *f, unsigned i)
{
	fprintf(f, "rule r%u: %s proto tcp", i, i % 7 ? "track" : "proxy");
	switch (i % 4) {
	case 0:
		fprintf(f, " from <lan> to 198.%u.%u.0/28 port %u", 18 + (i >> 8 & 1), i & 255,
			1 + i % 60000);
		break;
	case 1:
		fprintf(f, " from 172.%u.%u.0/24 to <bad> port { %u %u:%u }", 16 + (i >> 8) % 16,
			i & 255, 1 + i % 60000, 61000 + i % 100, 61200 + i % 100);
		break;
	case 2:
		fprintf(f, " vlan %u from 10.%u.%u.0/24 to any port %u", 1 + i % 4000, i >> 8 & 255,
			i & 255, 1 + i % 60000);
		break;
	default:
		fprintf(f, " from any port ! { 0:%u } to 203.%u.%u.0/26 port %u", i % 1024,
			i >> 8 & 255, i & 255, 1 + i % 60000);
		break;
	}
	fputs("\n", f);
}

static char *
write_policy(unsigned n_rules, unsigned n_prefixes, size_t *len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, len);
	unsigned i;

	write_set(f, "lan", 10, n_prefixes);
	write_set(f, "bad", 192, n_prefixes);
	for (i = 0; i < n_rules; i++)
		write_rule(f, i);
	fputs("default pass\n", f);
	fclose(f);
	return text;
}

static struct ip_addr
address(unsigned a, unsigned b, unsigned c, unsigned d)
{
	const uint8_t bytes[4] = { (uint8_t)a, (uint8_t)b, (uint8_t)c, (uint8_t)d };

	return ip_addr_v4(bytes);
}

/* One of a set. */
static struct ip_addr
member(unsigned net, unsigned n)
{
	const unsigned a = draw(n) * 32 + draw(16);

	return address(net, a >> 16 & 255, a >> 8 & 255, a & 255);
}

/* What rule `i` is meant for, as write_rule() has it. */
static void
draw_meant(struct policy_facts *f, unsigned i, unsigned n_prefixes)
{
	f->dport = (uint16_t)(1 + i % 60000);
	switch (i % 4) {
	case 0:
		f->src = member(10, n_prefixes);
		f->dst = address(198, 18 + (i >> 8 & 1), i & 255, draw(16));
		break;
	case 1:
		f->src = address(172, 16 + (i >> 8) % 16, i & 255, draw(256));
		f->dst = member(192, n_prefixes);
		break;
	case 2:
		f->src = address(10, i >> 8 & 255, i & 255, draw(256));
		f->dst = address(1 + draw(200), draw(256), draw(256), draw(256));
		f->n_tags = 1;
		f->vid[0] = (uint16_t)(1 + i % 4000);
		break;
	default:
		f->src = address(1 + draw(200), draw(256), draw(256), draw(256));
		f->dst = address(203, i >> 8 & 255, i & 255, draw(64));
		f->sport = (uint16_t)(2000 + draw(60000));
		break;
	}
}

/* Half of them are meant for a rule. */
static struct policy_facts *
draw_facts(unsigned n_rules, unsigned n_prefixes)
{
	struct policy_facts *f = calloc(N_FACTS, sizeof *f);
	unsigned i;

	for (i = 0; f && i < N_FACTS; i++) {
		f[i].src = member(draw(2) ? 10 : 172, n_prefixes);
		f[i].dst = member(draw(2) ? 192 : 203, n_prefixes);
		f[i].sport = (uint16_t)draw(65536);
		f[i].dport = (uint16_t)draw(65536);
		f[i].proto = IPPROTO_TCP;
		if (i & 1)
			draw_meant(&f[i], draw(n_rules), n_prefixes);
	}
	return f;
}

static int
load(const char *text, size_t len, struct policy **p, double *wall, double *cpu)
{
	struct policy_errors errs;
	int rc;

	*wall = seconds(CLOCK_MONOTONIC);
	*cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
	rc = policy_parse("bench", text, len, p, &errs);
	*wall = seconds(CLOCK_MONOTONIC) - *wall;
	*cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - *cpu;
	policy_errors_print(&errs, stderr);
	policy_errors_free(&errs);
	return rc;
}

/* Mean ns a decision; *n_default of them no rule took. */
static double
decide(const struct policy *p, const struct policy_facts *f, unsigned *n_default)
{
	struct policy_verdict v;
	double before;
	unsigned i;

	*n_default = 0;
	before = seconds(CLOCK_PROCESS_CPUTIME_ID);
	for (i = 0; i < N_FACTS; i++) {
		policy_decide(p, &f[i], &v);
		*n_default += v.rule == policy_n_rules(p);
	}
	return (seconds(CLOCK_PROCESS_CPUTIME_ID) - before) * 1e9 / N_FACTS;
}

int
main(int argc, char **argv)
{
	const unsigned n_rules = argc > 1 ? (unsigned)atoi(argv[1]) : 10000;
	const unsigned n_prefixes = argc > 2 ? (unsigned)atoi(argv[2]) : 100000;
	struct policy_facts *f = draw_facts(n_rules, n_prefixes);
	struct policy *p = NULL;
	unsigned n_default;
	double wall, cpu, ns;
	size_t len;
	char *text = write_policy(n_rules, n_prefixes, &len);

	if (!f || !text || load(text, len, &p, &wall, &cpu) != 0)
		return 1;
	printf("{\"bench\":\"policy\",\"what\":\"load\",\"rules\":%u,\"sets\":2,"
	       "\"prefixes_a_set\":%u,\"bytes\":%zu,\"seconds\":%.3f,\"cpu_seconds\":%.3f}\n",
	       policy_n_rules(p), n_prefixes, len, wall, cpu);
	decide(p, f, &n_default);
	ns = decide(p, f, &n_default);
	printf("{\"bench\":\"policy\",\"what\":\"decide\",\"rules\":%u,\"prefixes_a_set\":%u,"
	       "\"decisions\":%u,\"by_default\":%u,\"ns_per_decision\":%.0f}\n",
	       policy_n_rules(p), n_prefixes, N_FACTS, n_default, ns);
	policy_free(p);
	free(text);
	free(f);
	return 0;
}
