/*
 * tap.h - CUnit behind result lines that tests/run counts.
 *
 *	static void
 *	reordered_segment_is_not_marked_lost(void)
 *	{
 *		CU_ASSERT_EQUAL(...);
 *	}
 *
 *	TAP_MAIN(rack, {"reordered_segment_is_not_marked_lost",
 *	    reordered_segment_is_not_marked_lost})
 *
 * TAP_TEST(fn) writes such a pair once; TAP_CHECK(S1, fn) names the acceptance check that the test
 * shows, as `S1 name`.  Each test gives one line, `ok - name`
 * or `not ok - name`, the latter after a `# file:line: condition` for every
 * assertion that failed.  A test calls tap_skip() to be counted as skipped.
 * Arguments of the program, if any, name the only tests to run.
 *
 * One thread, one inclusion a program.
 */
#ifndef LEAT_TESTS_UNIT_TAP_H
#define LEAT_TESTS_UNIT_TAP_H

#include <CUnit/CUnit.h>

struct tap_test {
	const char *name;
	void (*run)(void);
};

/* clang-format off */
#define TAP_TEST(fn) { #fn, fn }
#define TAP_CHECK(id, fn) { #id " " #fn, fn }
/* clang-format on */

#define TAP_MAIN(suite_name, ...)                                                                  \
	int main(int argc, char **argv)                                                            \
	{                                                                                          \
		static const struct tap_test tests[] = { __VA_ARGS__ };                            \
                                                                                                   \
		return tap_run(#suite_name, tests, sizeof tests / sizeof tests[0], argc, argv);    \
	}

/*
 * Runs `n` tests in their order and prints a result line for each.  Returns the
 * program's exit status: 0 if no test failed, else 1.
 */
int tap_run(const char *suite, const struct tap_test *tests, unsigned n, int argc, char **argv);

/* Marks the running test as skipped, for a `reason` that fits on one line and is
 * static.  The caller returns from the test afterwards. */
void tap_skip(const char *reason);

#endif
