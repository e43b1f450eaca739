/* The policy language: what it reads, what it refuses and where, what it decides. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/tap.h"
#include "vnf/policy/policy.h"

static struct policy *
parsed(const char *text)
{
	struct policy_errors errs;
	struct policy *p;

	policy_parse("t", text, strlen(text), &p, &errs);
	policy_errors_print(&errs, stdout);
	policy_errors_free(&errs);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	return p;
}

static char *
printed(const struct policy *p)
{
	char *out = NULL;
	size_t size;
	FILE *f = open_memstream(&out, &size);

	CU_ASSERT_EQUAL(policy_print(p, f), 0);
	fclose(f);
	return out;
}

static void
address(struct ip_addr *a, const char *text)
{
	uint8_t b[16];

	if (inet_pton(AF_INET, text, b) == 1)
		*a = ip_addr_v4(b);
	else if (inet_pton(AF_INET6, text, b) == 1)
		*a = ip_addr_v6(b);
	else
		CU_FAIL_FATAL("bad address in a test");
}

static struct policy_facts
facts(const char *src, unsigned sport, const char *dst, unsigned dport)
{
	struct policy_facts f = {
		.sport = (uint16_t)sport, .dport = (uint16_t)dport, .proto = IPPROTO_TCP, .peer = 1
	};

	address(&f.src, src);
	address(&f.dst, dst);
	return f;
}

static const char *
decided(const struct policy *p, struct policy_facts f)
{
	struct policy_verdict v;

	policy_decide(p, &f, &v);
	return v.name;
}

static void
first_match_wins_in_file_order(void)
{
	struct policy *p = parsed("rule a: pass to any port 22\n"
				  "rule b: drop from 10.0.0.0/8\n"
				  "rule c: reset server to any port { 80 443 8000:8999 }\n"
				  "default track\n");
	struct policy_facts f = facts("10.1.1.1", 5, "192.0.2.1", 22);
	struct policy_verdict v;

	policy_decide(p, &f, &v);
	CU_ASSERT_EQUAL(v.mode, POLICY_PASS);
	CU_ASSERT_EQUAL(v.rule, 0);
	CU_ASSERT_STRING_EQUAL(decided(p, facts("10.1.1.1", 5, "192.0.2.1", 80)), "b");
	f = facts("11.1.1.1", 5, "192.0.2.1", 8999);
	policy_decide(p, &f, &v);
	CU_ASSERT_EQUAL(v.mode, POLICY_RESET);
	CU_ASSERT_EQUAL(v.reset, POLICY_RESET_SERVER);
	f.dport = 9000;
	policy_decide(p, &f, &v);
	CU_ASSERT_EQUAL(v.mode, POLICY_TRACK);
	CU_ASSERT_EQUAL(v.rule, policy_n_rules(p));
	CU_ASSERT_STRING_EQUAL(v.name, "default");
	policy_free(p);
}

static void
sets_hold_both_families_and_other_sets(void)
{
	struct policy *p = parsed("set <lan> { 10.0.0.0/8 fd00::/8 }\n"
				  "set <more> { <lan>, 192.0.2.7 }\n"
				  "set <web> { 80 443 }\n"
				  "set <both> { <web> 8000:8999 }\n"
				  "rule i: pass from <more> to any port <both>\n"
				  "default drop\n");

	CU_ASSERT_STRING_EQUAL(decided(p, facts("10.255.255.255", 1, "1.1.1.1", 80)), "i");
	CU_ASSERT_STRING_EQUAL(decided(p, facts("11.0.0.0", 1, "1.1.1.1", 80)), "default");
	CU_ASSERT_STRING_EQUAL(decided(p, facts("192.0.2.7", 1, "1.1.1.1", 8500)), "i");
	CU_ASSERT_STRING_EQUAL(decided(p, facts("192.0.2.8", 1, "1.1.1.1", 8500)), "default");
	CU_ASSERT_STRING_EQUAL(decided(p, facts("fdff::1", 1, "2001:db8::1", 443)), "i");
	CU_ASSERT_STRING_EQUAL(decided(p, facts("fe00::1", 1, "2001:db8::1", 443)), "default");
	CU_ASSERT_STRING_EQUAL(decided(p, facts("fd00::1", 1, "2001:db8::1", 444)), "default");
	policy_free(p);
}

static void
all_of_ipv6_holds_no_ipv4(void)
{
	struct policy *p = parsed("rule six: pass from ::/0\n"
				  "rule four: drop from 0.0.0.0/0\n"
				  "default track\n");

	CU_ASSERT_STRING_EQUAL(decided(p, facts("1.2.3.4", 1, "1.1.1.1", 80)), "four");
	CU_ASSERT_STRING_EQUAL(decided(p, facts("::1", 1, "::2", 80)), "six");
	CU_ASSERT_STRING_EQUAL(decided(p, facts("ffff::1", 1, "::2", 80)), "six");
	policy_free(p);
}

static void
negation_takes_what_the_list_leaves(void)
{
	struct policy *p = parsed("rule a: pass from ! { 10.0.0.0/8 ::/0 } port ! 80 to any\n"
				  "default drop\n");

	CU_ASSERT_STRING_EQUAL(decided(p, facts("9.0.0.1", 81, "1.1.1.1", 1)), "a");
	CU_ASSERT_STRING_EQUAL(decided(p, facts("9.0.0.1", 80, "1.1.1.1", 1)), "default");
	CU_ASSERT_STRING_EQUAL(decided(p, facts("10.0.0.1", 81, "1.1.1.1", 1)), "default");
	CU_ASSERT_STRING_EQUAL(decided(p, facts("fd00::1", 81, "fd00::2", 1)), "default");
	policy_free(p);
}

static void
port_after_from_is_the_clients(void)
{
	struct policy *p = parsed("rule a: pass from any port 5\n"
				  "rule b: drop port 6\n"
				  "default track\n");

	CU_ASSERT_STRING_EQUAL(decided(p, facts("1.1.1.1", 5, "1.1.1.2", 7)), "a");
	CU_ASSERT_STRING_EQUAL(decided(p, facts("1.1.1.1", 7, "1.1.1.2", 5)), "default");
	CU_ASSERT_STRING_EQUAL(decided(p, facts("1.1.1.1", 7, "1.1.1.2", 6)), "b");
	policy_free(p);
}

static void
vlan_stacks_match_whole_and_priority_tags_are_none(void)
{
	struct policy *p = parsed("rule stack: pass vlan 100.200\n"
				  "rule one: drop vlan { 300:399 5 }\n"
				  "rule none: reset untagged\n"
				  "default track\n");
	struct policy_facts f = facts("1.1.1.1", 5, "1.1.1.2", 7);

	CU_ASSERT_STRING_EQUAL(decided(p, f), "none");
	f.n_tags = 1;			/* priority tag */
	CU_ASSERT_STRING_EQUAL(decided(p, f), "none");
	f.vid[0] = 100;
	CU_ASSERT_STRING_EQUAL(decided(p, f), "default");
	f.n_tags = 2;
	f.vid[1] = 200;
	CU_ASSERT_STRING_EQUAL(decided(p, f), "stack");
	f.n_tags = 3;
	f.vid[2] = 1;
	CU_ASSERT_STRING_EQUAL(decided(p, f), "default");
	f.vid[2] = 200;
	f.vid[1] = 100;
	f.vid[0] = 0;
	CU_ASSERT_STRING_EQUAL(decided(p, f), "stack");
	f.n_tags = 1;
	f.vid[0] = 399;
	CU_ASSERT_STRING_EQUAL(decided(p, f), "one");
	f.n_tags = 2;
	CU_ASSERT_STRING_EQUAL(decided(p, f), "default");
	policy_free(p);
}

static void
rules_can_name_domain_and_protocol(void)
{
	struct policy *p = parsed("rule a: pass domain { 1 4:9 } proto tcp\ndefault drop\n");
	struct policy_facts f = facts("1.1.1.1", 5, "1.1.1.2", 7);

	CU_ASSERT_STRING_EQUAL(decided(p, f), "default");
	f.domain = 9;
	CU_ASSERT_STRING_EQUAL(decided(p, f), "a");
	f.proto = IPPROTO_UDP;
	CU_ASSERT_STRING_EQUAL(decided(p, f), "default");
	policy_free(p);
}

static void
ports_are_bound_by_name(void)
{
	static const char *const names[] = { "leat-a", "leat-b", "leat-tap" };
	struct policy *p = parsed("rule a: pass on leat-b\n"
				  "rule b: drop in on leat-tap\n"
				  "default track\n");
	struct policy_facts f = facts("1.1.1.1", 5, "1.1.1.2", 7);
	struct policy_errors errs;

	f.port = 1;
	CU_ASSERT_STRING_EQUAL(decided(p, f), "default");
	CU_ASSERT_EQUAL(policy_bind(p, names, 3, &errs), 0);
	CU_ASSERT_STRING_EQUAL(decided(p, f), "a");
	f.port = 2;
	CU_ASSERT_STRING_EQUAL(decided(p, f), "b");
	f.port = 0;
	CU_ASSERT_STRING_EQUAL(decided(p, f), "default");
	CU_ASSERT_EQUAL(policy_bind(p, names, 2, &errs), -EINVAL);
	CU_ASSERT_EQUAL(errs.n, 1);
	CU_ASSERT_STRING_EQUAL(errs.list[0].text,
			       "t:2:20: there is no port \"leat-tap\": the nearest name is "
			       "\"leat-a\"\n"
			       "    rule b: drop in on leat-tap\n"
			       "                       ^\n");
	policy_errors_free(&errs);
	CU_ASSERT_EQUAL(policy_bind(p, names, 1000, &errs), -E2BIG);
	policy_free(p);
}

static void
midstream_is_matched_either_way_round(void)
{
	static const char *const names[] = { "a", "b" };
	struct policy *p = parsed("rule late: drop on b from 10.0.0.0/8 to any port 25\n"
				  "rule web: proxy to any port 80\n"
				  "default pass\n");
	struct policy_facts f = facts("1.1.1.1", 80, "2.2.2.2", 4000);
	struct policy_errors errs;
	struct policy_verdict v;

	CU_ASSERT_EQUAL(policy_bind(p, names, 2, &errs), 0);
	policy_decide(p, &f, &v);
	CU_ASSERT_EQUAL(v.mode, POLICY_PASS);
	f.midstream = true;
	policy_decide(p, &f, &v);
	CU_ASSERT_STRING_EQUAL(v.name, "web");
	CU_ASSERT(v.swapped);
	CU_ASSERT(v.demoted);
	CU_ASSERT_EQUAL(v.mode, POLICY_TRACK);
	/* Swapped, the packet that came by `a` is of a client behind `b`. */
	f = facts("1.1.1.1", 25, "10.2.2.2", 80);
	f.midstream = true;
	policy_decide(p, &f, &v);
	CU_ASSERT_STRING_EQUAL(v.name, "late");
	CU_ASSERT(v.swapped);
	/* What matches as it is given is not swapped. */
	f = facts("2.2.2.2", 80, "1.1.1.1", 80);
	f.midstream = true;
	policy_decide(p, &f, &v);
	CU_ASSERT_STRING_EQUAL(v.name, "web");
	CU_ASSERT_FALSE(v.swapped);
	policy_free(p);
}

static void
attributes_come_with_the_verdict(void)
{
	struct policy *p =
		parsed("rule a: proxy to any port 1 { log timeout 1500ms, close local }\n"
		       "rule b: passive to any port 2 { overlap first, sink files \"/x y\" }\n"
		       "rule c: passive { sink count }\n"
		       "default reset client { log }\n");
	struct policy_facts f = facts("1.1.1.1", 5, "2.2.2.2", 1);
	struct policy_verdict v;

	policy_decide(p, &f, &v);
	CU_ASSERT(v.attrs.log && v.attrs.close_local);
	CU_ASSERT_EQUAL(v.attrs.timeout_us, 1500000);
	f.dport = 2;
	policy_decide(p, &f, &v);
	CU_ASSERT_EQUAL(v.attrs.sink, POLICY_SINK_FILES);
	CU_ASSERT_STRING_EQUAL(v.attrs.sink_dir, "/x y");
	CU_ASSERT_EQUAL(v.attrs.timeout_us, 0);
	CU_ASSERT_FALSE(v.attrs.log);
	f.dport = 3;
	policy_decide(p, &f, &v);
	CU_ASSERT_EQUAL(v.attrs.sink, POLICY_SINK_COUNT);
	CU_ASSERT(policy_uses(p, POLICY_RESET) && policy_uses(p, POLICY_PROXY));
	CU_ASSERT_FALSE(policy_uses(p, POLICY_DROP));
	CU_ASSERT_STRING_EQUAL(policy_rule_name(p, 1), "b");
	CU_ASSERT_STRING_EQUAL(policy_rule_name(p, 3), "default");
	policy_free(p);
}

static void
steer_is_exposed_for_the_switch(void)
{
	struct policy *p = parsed(
		"set <lan> { 10.0.0.0/9 10.128.0.0/9 ::/0 }\n"
		"steer web: bridge br0 client p1 server p2 proto tcp port { 80 443 8000:8999 }\n"
		" via leat-a leat-b next normal fail closed\n"
		"steer tap: bridge br0 client p1 server p2 vlan 7 from <lan> to 192.0.2.0/24\n"
		" copy to leat-tap next resubmit 9\n"
		"default track\n");
	const struct policy_steer *s;
	size_t n;

	s = policy_steers(p, &n);
	CU_ASSERT_EQUAL_FATAL(n, 2);
	CU_ASSERT_STRING_EQUAL(s[0].pairs[0].b, "leat-b");
	CU_ASSERT_EQUAL(s[0].kind, POLICY_STEER_INLINE);
	CU_ASSERT_EQUAL(s[0].n_ports, 3);
	CU_ASSERT(s[0].ports[2].lo == 8000 && s[0].ports[2].hi == 8999);
	CU_ASSERT(s[0].fail_closed && s[0].next_table == 0 && s[0].order == 0);
	CU_ASSERT_EQUAL(s[0].vlan, POLICY_STEER_VLAN_ANY);
	CU_ASSERT_EQUAL(s[0].n_from, 0);
	CU_ASSERT_EQUAL(s[1].kind, POLICY_STEER_COPY);
	CU_ASSERT_EQUAL(s[1].vlan, 7);
	CU_ASSERT(s[1].next_table == 9 && s[1].order == 1 && s[1].n_ports == 0);
	CU_ASSERT_EQUAL_FATAL(s[1].n_from, 2);	/* joined; IPv6 is one prefix */
	CU_ASSERT(!s[1].from[0].v6 && s[1].from[0].len == 8 && s[1].from[0].addr.b[12] == 10);
	CU_ASSERT(s[1].from[1].v6 && s[1].from[1].len == 0);
	CU_ASSERT_EQUAL_FATAL(s[1].n_to, 1);
	CU_ASSERT(s[1].to[0].len == 24 && !s[1].to[0].v6);
	policy_free(p);
}

/* Printed as it is written here. */
static void
steer_paths_print_as_they_are_written(void)
{
	static const char text[] =
		"steer a: bridge b client c server d vlan 1 via e f attachment 64 next normal fail "
		"open\n"
		"steer b: bridge b client c server d vlan 2 via e f attachment 64 next normal fail "
		"closed\n"
		"steer c: bridge b client d server c via e f attachment 2046 next resubmit 3 fail "
		"open\n"
		"steer mirror: bridge b client c server d mirror to mirror\n"
		"steer d: bridge q client c server d via balance l3 { \"l3\" h, i j } "
		"next normal fail open\n"
		"steer e: bridge r client c server d via balance l3l4 { k l } "
		"next normal fail open\n"
		"steer f: bridge b client c server d vlan 3 copy to t sample 1/16 next normal\n"
		"default track\n";
	struct policy *p = parsed(text), *q;
	const struct policy_steer *s;
	char *again = printed(p);
	size_t n;

	CU_ASSERT_STRING_EQUAL(again, text);
	q = parsed(again);
	CU_ASSERT(policy_equal(p, q));
	s = policy_steers(p, &n);
	CU_ASSERT_EQUAL_FATAL(n, 7);
	CU_ASSERT(s[0].attachment == 64 && s[2].attachment == 2046 && s[4].attachment == 0);
	CU_ASSERT(s[3].kind == POLICY_STEER_MIRROR && s[3].n_pairs == 0);
	CU_ASSERT_STRING_EQUAL(s[3].tap, "mirror");
	CU_ASSERT(s[4].n_pairs == 2 && s[4].balance == POLICY_BALANCE_L3);
	CU_ASSERT_STRING_EQUAL(s[4].pairs[1].b, "j");
	CU_ASSERT(s[5].n_pairs == 1 && s[5].balance == POLICY_BALANCE_L3L4);
	CU_ASSERT(s[6].kind == POLICY_STEER_COPY && s[6].sample == 16);
	free(again);
	policy_free(p);
	policy_free(q);
}

static void
print_is_canonical_and_parses_to_the_same(void)
{
	struct policy *p =
		parsed("rule  \"in\": pass  in on \"x:1\"  # a comment\n"
		       "set <a>{10.0.0.1/32,2001:DB8::/32}\n"
		       "default\treset both\n"
		       "rule b: track port 1:1 from <a> vlan untagged { timeout 7200s }\n");
	char *text = printed(p), *again;
	struct policy *q = parsed(text);

	CU_ASSERT_STRING_EQUAL(text,
			       "set <a> { 10.0.0.1 2001:db8::/32 }\n"
			       "rule \"in\": pass on \"x:1\"\n"
			       "rule b: track untagged from <a> to any port 1 { timeout 2h }\n"
			       "default reset\n");
	CU_ASSERT(policy_equal(p, q));
	again = printed(q);
	CU_ASSERT_STRING_EQUAL(text, again);
	free(text);
	free(again);
	policy_free(p);
	policy_free(q);
}

static void
policies_that_differ_are_not_equal(void)
{
	static const char *const texts[] = {
		"default track\n",
		"default drop\n",
		"default track { log }\n",
		"rule a: pass to any port 1\ndefault track\n",
		"rule a: pass to any port 2\ndefault track\n",
		"rule a: pass to any port ! 2\ndefault track\n",
		"rule b: pass to any port 2\ndefault track\n",
		"rule a: pass from any port 2\ndefault track\n",
		"rule a: pass proto tcp to any port 2\ndefault track\n",
		"rule a: pass vlan 2\ndefault track\n",
		"rule a: pass vlan 2:3\ndefault track\n",
		"rule a: pass from 1.2.3.4\ndefault track\n",
		"rule a: pass from 1.2.3.0/24\ndefault track\n",
		"set <s> { 1 }\ndefault track\n",
		"set <s> { 1 2 }\ndefault track\n",
		"steer s: bridge b client c server d via e f next normal\ndefault track\n",
		"steer s: bridge b client c server d via f e next normal\ndefault track\n",
		"steer s: bridge b client c server d copy to f next normal\ndefault track\n",
		"steer s: bridge b client c server d mirror to f\ndefault track\n",
		"steer s: bridge b client c server d copy to f sample 1/2 next normal\n"
		"default track\n",
		"steer s: bridge b client c server d via e f attachment 64 next normal\n"
		"default track\n",
		"steer s: bridge b client c server d via balance { e f } next normal\n"
		"default track\n",
		"steer s: bridge b client c server d via balance l3 { e f } next normal\n"
		"default track\n",
		"steer s: bridge b client c server d via balance { e f, g h } next normal\n"
		"default track\n",
	};
	enum { N = sizeof texts / sizeof texts[0] };
	struct policy *p[N];
	size_t i, k;

	for (i = 0; i < N; i++)
		p[i] = parsed(texts[i]);
	for (i = 0; i < N; i++)
		for (k = 0; k < N; k++)
			CU_ASSERT_EQUAL(policy_equal(p[i], p[k]), i == k);
	for (i = 0; i < N; i++)
		policy_free(p[i]);
}

static char *
difference(const char *a, const char *b)
{
	struct policy *p = parsed(a), *q = parsed(b);
	char *out = NULL;
	size_t size;
	FILE *f = open_memstream(&out, &size);

	CU_ASSERT_EQUAL(policy_diff(p, q, f), 0);
	fclose(f);
	policy_free(p);
	policy_free(q);
	return out;
}

static bool
differ(const char *a, const char *b, const char *wanted)
{
	char *said = difference(a, b);
	const bool same = strcmp(said, wanted) == 0;

	if (!same)
		printf("# said:\n%s# wanted:\n%s", said, wanted);
	free(said);
	return same;
}

static void
difference_names_what_came_went_changed_and_moved(void)
{
	static const char one[] =
		"set <gone> { 1 }\nset <lan> { 10.0.0.0/8 fd00::/8 }\n"
		"steer s: bridge b client c server d vlan 1 via e f next normal\n"
		"steer t: bridge b client c server d vlan 2 via e f next normal\n"
		"rule a: pass to any port 1\nrule b: pass to any port 2\n"
		"rule c: pass to any port 3\nrule \"d:x\": pass to any port 4\ndefault track\n";

	CU_ASSERT(differ(one, one, ""));
	CU_ASSERT(differ(one,
			 "set <lan> { fd00::/8 10.0.0.0/9 }\nset <new> { 2 3 }\n"
			 "steer t: bridge b client c server d vlan 2 via e f next normal\n"
			 "steer s: bridge b client c server d vlan 3 via e f next normal\n"
			 "rule c: pass to any port 3\nrule a: pass to any port 1\n"
			 "rule e: pass to any port 9\n"
			 "rule \"d:x\": drop to any port 4\ndefault drop\n",
			 "- set <gone> { 1 }\n"
			 "- rule b: pass to any port 2\n"
			 "- set <lan>: 10.0.0.0/8\n"
			 "+ set <lan>: 10.0.0.0/9\n"
			 "+ set <new> { 2 3 }\n"
			 "> steer t: was number 2, is number 1\n"
			 "- steer s: bridge b client c server d vlan 1 via e f next normal fail "
			 "open\n"
			 "+ steer s: bridge b client c server d vlan 3 via e f next normal fail "
			 "open\n"
			 "> rule c: was number 3, is number 1\n"
			 "+ rule e: pass to any port 9\n"
			 "- rule \"d:x\": pass to any port 4\n"
			 "+ rule \"d:x\": drop to any port 4\n"
			 "- default track\n"
			 "+ default drop\n"));
	/* Long sets are printed on several lines. */
	CU_ASSERT(differ("set <p> { 1 2 3 4 5 6 7 8 9 10 11 12 }\ndefault pass\n",
			 "set <p> { 1 2 3 4 5 6 7 8 9 10 12 11:11 13 }\ndefault pass\n",
			 "+ set <p>: 13\n"));
	CU_ASSERT(differ("default pass\n", "set <p> { 1 }\ndefault pass\n", "+ set <p> { 1 }\n"));
}

/* The file's text, which the caller frees; empty if it can't be read. */
static char *
read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = NULL;
	size_t room = 0;

	if (f && getdelim(&text, &room, '\0', f) < 0) {
		free(text);
		text = NULL;
	}
	if (f)
		fclose(f);
	return text ? text : strdup("");
}

/* Each example of the man page is between .Bd -literal and .Ed.  Returns how many there are. */
static unsigned
man_examples(char *man)
{
	static const char begin[] = ".Bd -literal -offset indent\n";
	unsigned n = 0;
	char *at = man, *end;

	while ((at = strstr(at, begin)) != NULL && (end = strstr(at, ".Ed\n")) != NULL) {
		*end = '\0';
		policy_free(parsed(at + strlen(begin)));
		at = end + 1;
		n++;
	}
	return n;
}

static void
examples_of_the_documents_parse(void)
{
	const char *root = getenv("LEAT_SRCDIR");
	char path[4096], *text;

	root = root ? root : ".";
	snprintf(path, sizeof path, "%s/doc/examples/guide.policy", root);
	text = read_file(path);
	policy_free(parsed(text));
	free(text);
	snprintf(path, sizeof path, "%s/doc/leat-policy.5", root);
	text = read_file(path);
	CU_ASSERT_EQUAL(man_examples(text), 6);
	free(text);
}

TAP_MAIN(policy, TAP_TEST(first_match_wins_in_file_order),
	 TAP_TEST(sets_hold_both_families_and_other_sets), TAP_TEST(all_of_ipv6_holds_no_ipv4),
	 TAP_TEST(negation_takes_what_the_list_leaves), TAP_TEST(port_after_from_is_the_clients),
	 TAP_TEST(vlan_stacks_match_whole_and_priority_tags_are_none),
	 TAP_TEST(rules_can_name_domain_and_protocol), TAP_TEST(ports_are_bound_by_name),
	 TAP_TEST(midstream_is_matched_either_way_round),
	 TAP_TEST(attributes_come_with_the_verdict), TAP_TEST(steer_is_exposed_for_the_switch),
	 TAP_TEST(steer_paths_print_as_they_are_written),
	 TAP_TEST(print_is_canonical_and_parses_to_the_same),
	 TAP_TEST(policies_that_differ_are_not_equal),
	 TAP_TEST(difference_names_what_came_went_changed_and_moved),
	 TAP_TEST(examples_of_the_documents_parse))
