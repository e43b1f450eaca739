/* Attributes: how connections behave, and where what is known of a flow goes. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

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

static struct policy_facts
facts_to(uint16_t dport)
{
	return (struct policy_facts){ .sport = 5, .dport = dport, .proto = IPPROTO_TCP, .peer = 1 };
}

static void
they_come_with_the_verdict(void)
{
	struct policy *p = parsed(
		"rule a: proxy to any port 1 { cc reno, pace, idle-restart, ecn off, mss 536,\n"
		"	flood cookie, signed reset }\n"
		"rule b: proxy to any port 2 { cc cubic flood drop signed pass }\n"
		"rule c: track to any port 4 { window strict }\n"
		"default proxy { flood pass }\n");
	struct policy_facts f = facts_to(1);
	struct policy_verdict v;

	policy_decide(p, &f, &v);
	CU_ASSERT(v.attrs.pace && v.attrs.idle_restart && v.attrs.no_ecn && v.attrs.signed_reset);
	CU_ASSERT_EQUAL(v.attrs.cc, POLICY_CC_RENO);
	CU_ASSERT_EQUAL(v.attrs.mss, 536);
	CU_ASSERT_EQUAL(v.attrs.flood, POLICY_FLOOD_COOKIE);
	f.dport = 2;
	policy_decide(p, &f, &v);
	CU_ASSERT_EQUAL(v.attrs.cc, POLICY_CC_CUBIC);
	CU_ASSERT_EQUAL(v.attrs.flood, POLICY_FLOOD_DROP);
	CU_ASSERT_FALSE(v.attrs.pace || v.attrs.idle_restart || v.attrs.no_ecn ||
			v.attrs.signed_reset);
	f.dport = 3;
	policy_decide(p, &f, &v);
	CU_ASSERT_EQUAL(v.attrs.cc, POLICY_CC_DEFAULT);
	CU_ASSERT_EQUAL(v.attrs.flood, POLICY_FLOOD_PASS);
	CU_ASSERT_EQUAL(v.attrs.mss, 0);
	CU_ASSERT_FALSE(v.attrs.window_strict);
	f.dport = 4;
	policy_decide(p, &f, &v);
	CU_ASSERT_TRUE(v.attrs.window_strict);
	policy_free(p);
}

static void
printed_compared_and_parsed_again(const char *mode, const char *const *attrs, size_t n)
{
	char text[160], *out;
	struct policy *plain;
	size_t i;

	snprintf(text, sizeof text, "default %s\n", mode);
	plain = parsed(text);
	for (i = 0; i < n; i++) {
		/* what the default says anyway is no difference */
		const bool same = strcmp(attrs[i], "flood pass") == 0 ||
				  strcmp(attrs[i], "signed pass") == 0 ||
				  strcmp(attrs[i], "window loose") == 0 ||
				  strcmp(attrs[i], "urgent inline") == 0;
		struct policy *p, *again;

		snprintf(text, sizeof text, "default %s { %s }\n", mode, attrs[i]);
		p = parsed(text);
		out = printed(p);
		CU_ASSERT_STRING_EQUAL(out, text);
		again = parsed(out);
		CU_ASSERT(policy_equal(p, again));
		CU_ASSERT_EQUAL(policy_equal(p, plain), same);
		free(out);
		policy_free(p);
		policy_free(again);
	}
	policy_free(plain);
}

static void
they_are_printed_compared_and_parsed_again(void)
{
	static const char *const of_track[] = { "window loose", "window strict" };
	static const char *const of_passive[] = { "urgent inline", "urgent oob", "urgent drop" };
	static const char *const of_proxy[] = {
		"cc cubic",
		"cc reno",
		"pace",
		"idle-restart",
		"ecn off",
		"flood pass",
		"flood cookie",
		"flood drop",
		"signed pass",
		"signed reset",
		"mss 1400",
		"cc reno, pace, idle-restart, ecn off, flood cookie, signed reset, mss 88",
	};

	printed_compared_and_parsed_again("proxy", of_proxy, RTE_DIM(of_proxy));
	printed_compared_and_parsed_again("passive", of_passive, RTE_DIM(of_passive));
	printed_compared_and_parsed_again("track", of_track, RTE_DIM(of_track));
}

static void
sinks_come_with_the_verdict(void)
{
	struct policy *p =
		parsed("set <web> { http tls }\n"
		       "rule a: track to any port 1 { sink eve \"unix:/e\" }\n"
		       "rule b: passive to any port 2 { sink stream, sink files \"/f\",\n"
		       "  sink pcapng \"/p\" keep { gaps reset, app { ssh <web> } } }\n"
		       "default pass\n");
	struct policy_facts f = facts_to(1);
	char *text = printed(p);
	struct policy *q = parsed(text);
	struct policy_verdict v;

	CU_ASSERT_PTR_NOT_NULL(strstr(text,
				      "{ sink files \"/f\", sink stream, sink pcapng \"/p\" keep "
				      "{ gaps reset app { http ssh tls } } }\n"));
	CU_ASSERT(policy_equal(p, q));
	policy_free(q);
	free(text);
	policy_decide(p, &f, &v);
	CU_ASSERT_STRING_EQUAL(v.attrs.eve, "unix:/e");
	CU_ASSERT(!v.attrs.stream && !v.attrs.pcapng);
	f.dport = 2;
	policy_decide(p, &f, &v);
	CU_ASSERT(v.attrs.stream && !v.attrs.eve);
	CU_ASSERT_EQUAL(v.attrs.sink, POLICY_SINK_FILES);
	CU_ASSERT_STRING_EQUAL(v.attrs.pcapng, "/p");
	CU_ASSERT_EQUAL(v.attrs.keep, POLICY_KEEP_GAPS | POLICY_KEEP_RESET);
	CU_ASSERT_STRING_EQUAL(v.attrs.keep_apps, "http,ssh,tls");
	CU_ASSERT_TRUE(policy_keeps_frames(p));
	policy_free(p);
}

TAP_MAIN(policy_tune, TAP_TEST(they_come_with_the_verdict),
	 TAP_TEST(they_are_printed_compared_and_parsed_again),
	 TAP_TEST(sinks_come_with_the_verdict))
