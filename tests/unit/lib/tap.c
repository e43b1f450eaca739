/*
 * tap.c - runs CUnit tests one at a time, so that each has its own result line.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/tap.h"

static const char *skip_reason;

void
tap_skip(const char *reason)
{
	skip_reason = reason;
}

static void
print_failures(void)
{
	const CU_FailureRecord *f;

	for (f = CU_get_failure_list(); f; f = f->pNext)
		printf("# %s:%u: %s\n", f->strFileName, f->uiLineNumber, f->strCondition);
}

/* True if the test is wanted: no names were given, or its name is among them. */
static bool
selected(const char *name, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], name))
			return true;
	}
	return argc < 2;
}

/* Returns true if the test passed. */
static bool
run_one(CU_pSuite suite, const struct tap_test *t)
{
	CU_pTest test = CU_add_test(suite, t->name, t->run);

	skip_reason = NULL;
	if (!test || CU_run_test(suite, test) != CUE_SUCCESS || CU_get_number_of_failures() > 0) {
		print_failures();
		printf("not ok - %s\n", t->name);
		return false;
	}
	if (skip_reason)
		printf("ok - %s # SKIP %s\n", t->name, skip_reason);
	else
		printf("ok - %s\n", t->name);
	return true;
}

int
tap_run(const char *suite_name, const struct tap_test *tests, unsigned n, int argc, char **argv)
{
	CU_pSuite suite;
	unsigned i;
	int status = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (CU_initialize_registry() != CUE_SUCCESS)
		return 1;
	suite = CU_add_suite(suite_name, NULL, NULL);
	if (!suite)
		return 1;
	for (i = 0; i < n; i++) {
		if (selected(tests[i].name, argc, argv) && !run_one(suite, &tests[i]))
			status = 1;
	}
	CU_cleanup_registry();
	return status;
}
