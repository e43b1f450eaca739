/*
 * Any text: it is refused, or what it prints parses to the same policy and
 * prints the same again; decisions on it end.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vnf/policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void
must(int holds, const char *what)
{
	if (!holds) {
		fprintf(stderr, "policy: %s\n", what);
		abort();
	}
}

static char *
printed(const struct policy *p, size_t *len)
{
	char *out = NULL;
	FILE *f = open_memstream(&out, len);

	must(f && policy_print(p, f) == 0 && fclose(f) == 0, "print failed");
	return out;
}

static struct policy *
parsed(const char *text, size_t len)
{
	struct policy_errors errs;
	struct policy *p;
	int rc = policy_parse("f", text, len, &p, &errs);

	must((rc == 0) == (p != NULL) && (rc == 0) == (errs.n == 0), "a result without its reason");
	policy_errors_free(&errs);
	return p;
}

/* The facts are the text's own bytes. */
static void
decide(const struct policy *p, const uint8_t *bytes, size_t size)
{
	struct policy_facts f;
	struct policy_verdict v;

	memset(&f, 0, sizeof f);
	f.src.b[10] = f.src.b[11] = 0xff;
	memcpy(&f.src.b[size & 8], bytes, size < 8 ? size : 8);
	memcpy(&f.dst, bytes + size - (size < 16 ? size : 16), size < 16 ? size : 16);
	memcpy(&f.sport, bytes + size / 2, 1);
	f.dport = (uint16_t)size;
	f.n_tags = (uint8_t)(size % 18);
	f.midstream = size & 1;
	policy_decide(p, &f, &v);
	must(v.rule <= policy_n_rules(p) && v.name, "a verdict by no rule");
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct policy *p = parsed((const char *)bytes, size), *q;
	size_t len, len2;
	char *text, *text2;

	if (p == NULL)
		return 0;
	text = printed(p, &len);
	q = parsed(text, len);
	must(q != NULL, "what is printed does not parse");
	must(policy_equal(p, q), "what is printed is another policy");
	text2 = printed(q, &len2);
	must(len == len2 && memcmp(text, text2, len) == 0, "printed twice, it differs");
	decide(p, bytes, size);
	free(text);
	free(text2);
	policy_free(p);
	policy_free(q);
	return 0;
}
