/*
 * policy_files.c - policies of several files: read, carried in one text, their errors placed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/tap.h"
#include "vnf/policy/policy.h"

struct file {
	const char *path, *text;
};

static const struct file *files;	/* ends with a NULL path */
static unsigned n_read;

static int
read_file(const char *path, size_t max, char **text, size_t *len, struct err *err)
{
	const struct file *f;

	for (f = files; f->path; f++) {
		if (strcmp(f->path, path) != 0)
			continue;
		CU_ASSERT(strlen(f->text) <= max);
		*text = strdup(f->text);
		*len = strlen(f->text);
		n_read++;
		return 0;
	}
	return err_set(err, -ENOENT, "%s: No such file or directory", path);
}

/* The first file's text with all others in it, or the errors: to be freed. */
static char *
expanded(const struct file *set, int wanted)
{
	struct policy_errors errs;
	char *out = NULL;
	size_t len;
	FILE *f = open_memstream(&out, &len);
	int rc;

	files = set;
	n_read = 0;
	rc = policy_expand(set->path, set->text, strlen(set->text), read_file, f, &errs);
	CU_ASSERT_EQUAL(rc, wanted);
	policy_errors_print(&errs, f);
	policy_errors_free(&errs);
	fclose(f);
	return out;
}

/* Parses the expanded text: *errors (to be freed) are the first lines of all errors. */
static struct policy *
parsed(const struct file *set, char **errors)
{
	char *text = expanded(set, 0), *line, *rest = NULL, *all = NULL;
	struct policy_errors errs;
	struct policy *p;
	size_t len;
	FILE *f = open_memstream(errors, &len), *whole = open_memstream(&all, &len);

	policy_parse("another", text, strlen(text), &p, &errs);
	policy_errors_print(&errs, whole);
	policy_errors_free(&errs);
	fclose(whole);
	for (line = strtok_r(all, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (line[0] != ' ')
			fprintf(f, "%s\n", line);
	fclose(f);
	free(all);
	free(text);
	return p;
}

static bool
errors_are(const struct file *set, const char *wanted)
{
	char *errors;
	bool same;

	policy_free(parsed(set, &errors));
	same = strcmp(errors, wanted) == 0;
	if (!same)
		printf("# said:   %s# wanted: %s\n", errors, wanted);
	free(errors);
	return same;
}

static char *
printed(const struct policy *p)
{
	char *out = NULL;
	size_t len;
	FILE *f = open_memstream(&out, &len);

	CU_ASSERT_EQUAL(policy_print(p, f), 0);
	fclose(f);
	return out;
}

static const struct file whole[] = {
	{ "/etc/leat/policy", "set <lan> file \"lists/lan\"\n"
			      "rule a: pass from <lan>\n"
			      "include \"more.policy\"\n"
			      "default track" },
	{ "/etc/leat/lists/lan", "# of the house\n10.0.0.0/8\nfd00::/8 # six\n\n192.0.2.7" },
	{ "/etc/leat/more.policy", "rule b: drop from <bad>\nset <bad> file \"/var/bad\"\n" },
	{ "/var/bad", "198.51.100.0/24\n#:file \"/etc/shadow\"\n203.0.113.9\n" },
	{ 0 },
};

static void
text_carries_the_files_that_it_names(void)
{
	char *errors, *text, *again, *canonical;
	struct policy *p = parsed(whole, &errors), *q;
	struct policy_errors errs;

	CU_ASSERT_STRING_EQUAL(errors, "");
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(n_read, 3);
	canonical = printed(p);
	CU_ASSERT_STRING_EQUAL(canonical, "set <lan> { 10.0.0.0/8 fd00::/8 192.0.2.7 }\n"
					  "set <bad> { 198.51.100.0/24 203.0.113.9 }\n"
					  "rule a: pass from <lan>\n"
					  "rule b: drop from <bad>\n"
					  "default track\n");
	/* Carried once more it is the same text, and needs nothing but itself. */
	text = expanded(whole, 0);
	files = &(const struct file){ 0 };
	again = expanded((const struct file[]){ { "x", text }, { 0 } }, 0);
	CU_ASSERT_STRING_EQUAL(text, again);
	CU_ASSERT_EQUAL(policy_parse("y", again, strlen(again), &q, &errs), 0);
	policy_errors_free(&errs);
	CU_ASSERT(policy_equal(p, q));
	CU_ASSERT_EQUAL(policy_count_rules(text, strlen(text)), 2);
	free(text);
	free(again);
	free(canonical);
	free(errors);
	policy_free(p);
	policy_free(q);
}

static void
text_that_names_no_file_stays_as_it_is(void)
{
	const struct file plain[] = { { "p", "# include \"x\"\nrule a: pas\ndefault" }, { 0 } };
	char *text = expanded(plain, 0);

	CU_ASSERT_STRING_EQUAL(text, plain[0].text);
	free(text);
}

static void
errors_name_the_file_they_are_in(void)
{
	CU_ASSERT(errors_are(
		(const struct file[]){ { "d/main", "include \"two\"\nrule a: pass port 70000\n"
						   "rule c: drop\ndefault pass\n" },
				       { "d/two",
					 "set <x> file \"list\"\nrule a: pass to any port 1\n"
					 "rule b: pass from <x>\nrule d: track to any port 1\n" },
				       { "d/list", "10.0.0.0/8\n10.0.0.1/8\nbad\n" },
				       { 0 } },
		"d/main:2:6: rule \"a\" is named twice: first at d/two:2:6\n"
		"d/main:2:19: expected a port from 0 to 65535\n"
		"d/two:4:6: rule \"d\" can never match: rule \"a\" (line 2:6) takes all of it\n"
		"d/list:2:1: bits are set beyond the prefix length: expected 10.0.0.0/8\n"
		"d/list:3:1: \"bad\" is no address: expected an address, a prefix or a <set> of "
		"addresses\n"));
	CU_ASSERT(errors_are((const struct file[]){ { "m", "include \"n\"\ndefault pass\n"
							   "rule b: drop to any port 1:9\n" },
						    { "n", "rule a: pass to any port 1:99\n" },
						    { 0 } },
			     "m:3:6: rule \"b\" can never match: rule \"a\" (n:1:6) takes all of "
			     "it\n"));
}

static void
statement_ends_with_its_file(void)
{
	CU_ASSERT(errors_are((const struct file[]){ { "m", "include \"n\" to any\ndefault pass\n" },
						    { "n", "rule a: pass" },
						    { 0 } },
			     "m:1:13: expected the next statement (rule, set, steer, default, "
			     "include), found \"to\"\n"));
	CU_ASSERT(errors_are(
		(const struct file[]){
			{ "m", "include \"n\"\ndefault pass\n" }, { "n", "rule a:\n" }, { 0 } },
		"n:2:1: expected an action (proxy, track, passive, pass, drop, reset), "
		"found the end of the file\n"));
	CU_ASSERT(errors_are((const struct file[]){ { "m", "set <a> file \"n\" }\ndefault pass\n" },
						    { "n", "1 2\n" },
						    { 0 } },
			     "m:1:18: expected the next statement (rule, set, steer, default, "
			     "include), found \"}\"\n"));
	CU_ASSERT(errors_are((const struct file[]){ { "m", "set <a> file \"n\"\ndefault pass\n" },
						    { "n", "# nothing\n" },
						    { 0 } },
			     "m:1:5: the list is empty: expected an address, a prefix or a <set> "
			     "of addresses\n"));
}

static void
files_that_hold_each_other_are_refused(void)
{
	struct file deep[POLICY_DEPTH_MAX + 3] = { { 0 } };
	char names[POLICY_DEPTH_MAX + 2][8], texts[POLICY_DEPTH_MAX + 2][32];
	unsigned i;
	char *out;

	out = expanded((const struct file[]){ { "a", "include \"b\"\ndefault pass\n" },
					      { "b", "\n include \"a\"\n" },
					      { 0 } },
		       -EINVAL);
	CU_ASSERT_STRING_EQUAL(out, "b:2:10: \"a\" can't hold itself\n"
				    "     include \"a\"\n"
				    "             ^\n");
	free(out);
	for (i = 0; i < POLICY_DEPTH_MAX + 2; i++) {
		snprintf(names[i], sizeof names[i], "f%u", i);
		snprintf(texts[i], sizeof texts[i], "include \"f%u\"\n", i + 1);
		deep[i] = (struct file){ names[i], texts[i] };
	}
	out = expanded(deep, -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(out, "f16:1:9: files are at most 16 deep in each other\n"));
	free(out);
	/* Twice beside each other is no circle; what it defines is defined twice. */
	CU_ASSERT(errors_are((const struct file[]){ { "m", "include \"n\"\ninclude \"n\"\n"
							   "default pass\n" },
						    { "n", "set <a> { 1 }\n" },
						    { 0 } },
			     "n:1:5: set <a> is defined twice: first at line 1:5\n"));
}

static void
every_file_that_is_not_there_is_an_error(void)
{
	char *out = expanded((const struct file[]){ { "m", "include \"n\"\nset <a> file \"o\"\n"
							   "include \"-\"\ndefault pass\n" },
						    { 0 } },
			     -EINVAL);

	CU_ASSERT_STRING_EQUAL(out, "m:1:9: n: No such file or directory\n"
				    "    include \"n\"\n"
				    "            ^\n"
				    "m:2:14: o: No such file or directory\n"
				    "    set <a> file \"o\"\n"
				    "                 ^\n"
				    "m:3:9: expected the path of a file\n"
				    "    include \"-\"\n"
				    "            ^\n");
	free(out);
}

TAP_MAIN(policy_files, TAP_TEST(text_carries_the_files_that_it_names),
	 TAP_TEST(text_that_names_no_file_stays_as_it_is),
	 TAP_TEST(errors_name_the_file_they_are_in), TAP_TEST(statement_ends_with_its_file),
	 TAP_TEST(files_that_hold_each_other_are_refused),
	 TAP_TEST(every_file_that_is_not_there_is_an_error))
