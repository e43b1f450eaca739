/*
 * Random policies.  What is printed parses to the same; a decision, and its explanation, is what
 * a naive interpreter of the same rules says; a rule that is refused as shadowed
 * never wins there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/prop/lib/policy_model.h"
#include "tests/unit/tap.h"

enum { N_FACTS = 400, POLICIES = 300 };

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
name_of(const struct ref_policy *ref, unsigned r, char name[16])
{
	if (r < ref->n_rules)
		snprintf(name, 16, "r%u", r);
	else
		strcpy(name, "default");
}

static void
check_verdict(const struct policy *p, const struct ref_policy *ref, const struct policy_facts *f)
{
	struct ref_verdict r = ref_decide(ref, f);
	struct policy_verdict v;
	enum policy_mode mode;
	char name[16];
	bool proxied;
	unsigned m;

	policy_decide(p, f, &v);
	name_of(ref, r.rule, name);
	if (strcmp(v.name, name) != 0 || v.n_waiting != r.n_waiting)
		printf("# decided by %s, %u wait, naively by %s, %u wait\n", v.name, v.n_waiting,
		       name, r.n_waiting);
	CU_ASSERT_STRING_EQUAL(v.name, name);
	CU_ASSERT_EQUAL(v.swapped, r.swapped);
	CU_ASSERT_EQUAL(v.n_waiting, r.n_waiting);
	if (r.rule == ref->n_rules)
		r.may[POLICY_TRACK] = true;
	for (m = 0; m <= POLICY_RESET; m++)
		CU_ASSERT_EQUAL(v.may >> m & 1, r.may[m]);
	if (r.n_waiting) {
		mode = r.may[POLICY_PROXY]     ? POLICY_PROXY
		       : r.may[POLICY_PASSIVE] ? POLICY_PASSIVE
					       : POLICY_TRACK;
		CU_ASSERT_EQUAL(v.mode, mode);
		return;
	}
	if (r.rule == ref->n_rules)
		return;
	proxied = ref->rule[r.rule].mode == POLICY_PROXY;
	CU_ASSERT_EQUAL(v.mode, proxied && f->midstream ? POLICY_TRACK : ref->rule[r.rule].mode);
	CU_ASSERT_EQUAL(v.demoted, proxied && f->midstream);
}

/* What an explanation is checked against while it is told. */
struct told {
	const struct policy *p;
	const struct ref_policy *ref;
	const struct policy_facts *f;
	struct policy_facts back;
	struct ref_verdict v;
	uint32_t n;		/* rules told */
	bool taken, swapped;
};

/* Every rule before the one that takes it fails, either way round, for a reason that is true. */
static void
rule_told(void *aux, const struct policy_try *t)
{
	struct told *told = aux;
	const char *name = policy_rule_name(told->p, t->rule);
	const struct ref_rule *r;

	CU_ASSERT_EQUAL(t->rule, told->n++);
	CU_ASSERT_FALSE(told->taken);
	told->taken = t->takes;
	told->swapped = t->swapped;
	if (strcmp(name, "default") == 0)
		return;
	r = &told->ref->rule[atoi(name + 1)];
	CU_ASSERT_EQUAL(t->waits, told->v.waits[r - told->ref->rule]);
	if (t->waits) {
		CU_ASSERT_FALSE(t->takes);
		CU_ASSERT_PTR_NOT_NULL_FATAL(t->fails[t->swapped]);
		CU_ASSERT_EQUAL(
			ref_said(told->ref->name_set, &r->names, told->f, t->fails[t->swapped]),
			POLICY_UNKNOWN);
		return;
	}
	if (t->takes) {
		CU_ASSERT_PTR_NULL(t->fails[t->swapped]);
		return;
	}
	CU_ASSERT_PTR_NOT_NULL_FATAL(t->fails[0]);
	CU_ASSERT(ref_fails(told->ref, r, told->f, t->fails[0]));
	CU_ASSERT_EQUAL(t->fails[1] != NULL, told->f->midstream);
	if (t->fails[1])
		CU_ASSERT(ref_fails(told->ref, r, &told->back, t->fails[1]));
}

static void
check_explanation(const struct policy *p, const struct ref_policy *ref,
		  const struct policy_facts *f)
{
	struct told told = { .p = p, .ref = ref, .f = f, .back = turned_round(f) };
	char name[16];

	told.v = ref_decide(ref, f);
	name_of(ref, told.v.rule, name);
	policy_explain(p, f, rule_told, &told);
	CU_ASSERT(told.taken);
	CU_ASSERT_STRING_EQUAL(policy_rule_name(p, told.n - 1), name);
	CU_ASSERT_EQUAL(told.swapped, told.v.swapped);
}

static uint64_t
seed_of(unsigned i)
{
	const char *seed = getenv("SEED");
	const uint64_t base = seed ? strtoull(seed, NULL, 0) : 1;

	draw_seed(base + i);
	if (i == 0)
		printf("# seed %llu (SEED=N sets the first)\n", (unsigned long long)base);
	return base + i;
}

static void
decisions_and_explanations_equal_the_naive_interpreters(void)
{
	static struct ref_policy ref;
	struct policy_facts f;
	struct policy *p;
	unsigned i, k, n_matched = 0, n_waited = 0, n_all = 0;
	char *text;

	for (i = 0; i < POLICIES; i++) {
		const uint64_t seed = seed_of(i);

		draw_policy(&ref);
		p = parse_accepted(&ref, &text);
		for (k = 0; k < N_FACTS; k++) {
			f = draw_facts();
			check_verdict(p, &ref, &f);
			check_explanation(p, &ref, &f);
			n_matched += ref_decide(&ref, &f).rule < ref.n_rules;
			n_waited += ref_decide(&ref, &f).n_waiting > 0;
			n_all++;
		}
		if (CU_get_number_of_failures() > 0) {
			printf("# seed %llu:\n%s", (unsigned long long)seed, text);
			i = POLICIES;
		}
		free(text);
		policy_free(p);
	}
	printf("# %u of %u facts met a rule, %u waited\n", n_matched, n_all, n_waited);
	CU_ASSERT(n_all >= 100000 && n_matched > n_all / 4 && n_waited > n_all / 20);
}

static void
refused_rules_never_win(void)
{
	static struct ref_policy full, accepted;
	unsigned i, k, r, n_refused = 0;
	struct policy_facts f;
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
			r = ref_decide(&full, &f).rule;
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

TAP_MAIN(policy,
	 { "P2 decisions_and_explanations_equal_the_naive_interpreters",
	   decisions_and_explanations_equal_the_naive_interpreters },
	 TAP_TEST(refused_rules_never_win), TAP_TEST(what_is_printed_parses_to_the_same))
