/*
 * table.c - rows as a table, a list, JSON and CSV, and the escapes of text.h.
 */
#include "ctl/table.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/tap.h"

static struct table *
two_flows(void)
{
	static const char *const names[] = { "flow", "bytes", "rtt", "note" };
	struct table *t = table_new(names, 4);

	table_row(t);
	table_fmt(t, "%d.%d", 0, 17);
	table_uint(t, 1234567);
	table_double(t, 1.25, 2);
	table_str(t, "first");
	table_row(t);
	table_str(t, "1.4");
	table_int(t, -5);
	return t;
}

static int
render(const struct table *t, struct table_style style, struct text *out, struct err *e)
{
	*out = TEXT_EMPTY;
	return table_render(t, &style, out, e);
}

static void
show(const char *what, const char *s)
{
	printf("# %s:\n", what);
	for (; *s; s += strcspn(s, "\n"), s += *s == '\n')
		printf("#   %.*s|\n", (int)strcspn(s, "\n"), s);
}

/* Renders, compares and says the difference. */
static void
expect_text(const struct table *t, struct table_style style, const char *expected)
{
	struct text out;
	struct err e = { "" };

	CU_ASSERT_EQUAL(render(t, style, &out, &e), 0);
	if (strcmp(out.s ? out.s : "", expected)) {
		show("expected", expected);
		show("got", out.s ? out.s : "");
	}
	CU_ASSERT_STRING_EQUAL(out.s ? out.s : "", expected);
	text_fini(&out);
}

static void
numbers_are_set_right_and_strings_left(void)
{
	struct table *t = two_flows();

	expect_text(t, (struct table_style){ .format = TABLE_TABLE },
		    "flow    bytes   rtt  note\n"
		    "0.17  1234567  1.25  first\n"
		    "1.4        -5     -  -\n");
	table_free(t);
}

static void
list_has_a_line_for_each_cell(void)
{
	struct table *t = two_flows();

	expect_text(t, (struct table_style){ .format = TABLE_LIST },
		    "flow  : 0.17\nbytes : 1234567\nrtt   : 1.25\nnote  : first\n"
		    "\n"
		    "flow  : 1.4\nbytes : -5\nrtt   : -\nnote  : -\n");
	table_free(t);
}

static void
json_is_an_array_of_objects_with_typed_values(void)
{
	struct table *t = two_flows();
	struct text out;
	json_t *doc;

	CU_ASSERT_EQUAL(render(t, (struct table_style){ .format = TABLE_JSON }, &out, NULL), 0);
	doc = json_loads(out.s, 0, NULL);
	CU_ASSERT_EQUAL_FATAL(json_array_size(doc), 2);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(json_array_get(doc, 0), "bytes")),
			1234567);
	CU_ASSERT_EQUAL(json_real_value(json_object_get(json_array_get(doc, 0), "rtt")), 1.25);
	CU_ASSERT_TRUE(json_is_string(json_object_get(json_array_get(doc, 1), "flow")));
	CU_ASSERT_TRUE(json_is_null(json_object_get(json_array_get(doc, 1), "note")));
	CU_ASSERT_EQUAL(json_object_size(json_array_get(doc, 1)), 4);
	json_decref(doc);
	text_fini(&out);
	table_free(t);
}

static void
json_gives_any_string_back_exactly(void)
{
	static const char *const names[] = { "a \"b\"\\" };
	const char *nasty =
		"q\" b\\ n\n t\t e\x1b[31m d\x7f c\xc2\x9b \xe2\x82\xac \xf0\x9f\x98\x80";
	struct table *t = table_new(names, 1);
	struct text out;
	json_t *doc;

	table_row(t);
	table_str(t, nasty);
	CU_ASSERT_EQUAL(render(t, (struct table_style){ .format = TABLE_JSON }, &out, NULL), 0);
	CU_ASSERT_PTR_NULL(strchr(out.s, '\x1b'));
	CU_ASSERT_PTR_NULL(strstr(out.s, "\xc2\x9b"));
	doc = json_loads(out.s, 0, NULL);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(json_array_get(doc, 0), names[0])),
			       nasty);
	json_decref(doc);
	text_fini(&out);
	table_free(t);
}

static void
bytes_that_are_no_utf8_never_reach_json(void)
{
	/* A lone continuation, an overlong slash, a surrogate, beyond U+10FFFF, a cut end. */
	static const char *const bad[] = { "\x80",	   "\xc0\xaf",
					   "\xed\xa0\x80", "\xf4\x90\x80\x80",
					   "\xe2\x82",	   "\xff" };
	size_t i;

	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct text out = TEXT_EMPTY;
		json_t *doc;

		text_puts(&out, "[\"x");
		text_put_json(&out, bad[i], strlen(bad[i]));
		text_puts(&out, "\"]");
		doc = json_loads(out.s, 0, NULL);
		CU_ASSERT_PTR_NOT_NULL(doc);
		CU_ASSERT_PTR_NOT_NULL(strstr(out.s, "\\ufffd"));
		json_decref(doc);
		text_fini(&out);
	}
}

static void
csv_quotes_what_rfc4180_says(void)
{
	static const char *const names[] = { "a", "b,c", "d" };
	struct table *t = table_new(names, 3);

	table_row(t);
	table_str(t, "plain");
	table_str(t, "say \"hi\"");
	table_str(t, "x,y");
	table_row(t);
	table_str(t, "two\nlines");
	table_none(t);
	table_str(t, "");
	table_row(t);
	table_str(t, "back\\slash");
	table_int(t, 7);
	table_double(t, NAN, 1);
	expect_text(t, (struct table_style){ .format = TABLE_CSV },
		    "a,\"b,c\",d\n"
		    "plain,\"say \"\"hi\"\"\",\"x,y\"\n"
		    "\"two\nlines\",,\n"
		    "back\\slash,7,\n");
	table_free(t);
}

static void
empty_table_has_only_its_headings(void)
{
	static const char *const names[] = { "flow", "bytes" };
	struct table *t = table_new(names, 2);

	CU_ASSERT_EQUAL(table_n_rows(t), 0);
	expect_text(t, (struct table_style){ .format = TABLE_TABLE }, "flow  bytes\n");
	expect_text(t, (struct table_style){ .format = TABLE_TABLE, .no_headings = true }, "");
	expect_text(t, (struct table_style){ .format = TABLE_LIST }, "");
	expect_text(t, (struct table_style){ .format = TABLE_JSON }, "[]\n");
	expect_text(t, (struct table_style){ .format = TABLE_CSV }, "flow,bytes\n");
	expect_text(t, (struct table_style){ .format = TABLE_CSV, .no_headings = true }, "");
	table_free(t);
}

static void
columns_are_shown_in_the_order_asked_for(void)
{
	struct table *t = two_flows();

	expect_text(t, (struct table_style){ .format = TABLE_TABLE, .columns = "note,flow" },
		    "note   flow\nfirst  0.17\n-      1.4\n");
	expect_text(t,
		    (struct table_style){
			    .format = TABLE_CSV, .no_headings = true, .columns = "bytes" },
		    "1234567\n-5\n");
	table_free(t);
}

static void
unknown_column_is_refused_with_the_known_ones(void)
{
	struct table *t = two_flows();
	struct err e = { "" };
	struct text out;

	CU_ASSERT_EQUAL(render(t, (struct table_style){ .columns = "flow,b\x1b[m" }, &out, &e),
			-EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "flow, bytes, rtt, note"));
	CU_ASSERT_PTR_NULL(strchr(e.msg, '\x1b'));
	text_fini(&out);
	CU_ASSERT_EQUAL(render(t, (struct table_style){ .columns = "flow,flow" }, &out, &e),
			-EINVAL);
	text_fini(&out);
	CU_ASSERT_EQUAL(render(t, (struct table_style){ .columns = "" }, &out, &e), -EINVAL);
	text_fini(&out);
	table_free(t);
}

static void
control_characters_are_escaped_for_the_terminal(void)
{
	static const char *const names[] = { "sni", "n" };
	struct table *t = table_new(names, 2);

	table_row(t);
	table_strn(t, "a\x1b[2J\0b\n\\", 9);
	table_int(t, 1);
	table_row(t);
	table_str(t, "\xc2\x9b"
		     "31m \xe2\x80\xae"
		     "evil \xff");
	table_int(t, 10);
	expect_text(t, (struct table_style){ .format = TABLE_TABLE },
		    "sni                         n\n"
		    "a\\x1b[2J\\x00b\\n\\\\           1\n"
		    "\\u009b31m \\u202eevil \\xff  10\n");
	expect_text(
		t,
		(struct table_style){ .format = TABLE_CSV, .columns = "sni", .no_headings = true },
		"\"a\\x1b[2J\\x00b\n\\\"\n\\u009b31m \\u202eevil \\xff\n");
	table_free(t);
}

static void
width_counts_code_points(void)
{
	static const char *const names[] = { "host", "n" };
	struct table *t = table_new(names, 2);

	table_row(t);
	table_str(t, "b\xc3\xbc"
		     "cher");
	table_int(t, 1);
	table_row(t);
	table_str(t, "books.");
	table_int(t, 2);
	expect_text(t, (struct table_style){ .format = TABLE_TABLE },
		    "host    n\nb\xc3\xbc"
		    "cher  1\nbooks.  2\n");
	CU_ASSERT_EQUAL(text_width("\xf0\x9f\x98\x80\xff"
				   "a",
				   6),
			3);
	table_free(t);
}

static void
large_unsigned_values_stay_positive(void)
{
	static const char *const names[] = { "n" };
	struct table *t = table_new(names, 1);

	table_row(t);
	table_uint(t, UINT64_MAX);
	expect_text(t, (struct table_style){ .format = TABLE_JSON },
		    "[{\"n\": 9223372036854775807}]\n");
	table_free(t);
}

static void
strings_of_any_length_and_many_rows_fit(void)
{
	static const char *const names[] = { "s", "n" };
	struct table *t = table_new(names, 2);
	char *big = malloc(100001);
	struct text out;
	json_t *doc;
	int i;

	memset(big, 'x', 100000);
	big[100000] = '\0';
	for (i = 0; i < 5000; i++) {
		table_row(t);
		table_fmt(t, "%s", i == 4999 ? big : "y");
		table_int(t, i);
	}
	CU_ASSERT_EQUAL(table_n_rows(t), 5000);
	CU_ASSERT_EQUAL(render(t, (struct table_style){ .format = TABLE_JSON }, &out, NULL), 0);
	doc = json_loads(out.s, 0, NULL);
	CU_ASSERT_EQUAL(json_array_size(doc), 5000);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(json_array_get(doc, 4999), "s")),
			       big);
	json_decref(doc);
	text_fini(&out);
	table_free(t);
	free(big);
}

static void
format_names_are_those_of_the_manual(void)
{
	enum table_format f = TABLE_TABLE;
	struct err e = { "" };

	CU_ASSERT_EQUAL(table_format_parse("csv", &f, &e), 0);
	CU_ASSERT_EQUAL(f, TABLE_CSV);
	CU_ASSERT_EQUAL(table_format_parse("text", &f, &e), 0);
	CU_ASSERT_EQUAL(f, TABLE_TABLE);
	CU_ASSERT_EQUAL(table_format_parse("list", &f, &e), 0);
	CU_ASSERT_EQUAL(f, TABLE_LIST);
	CU_ASSERT_EQUAL(table_format_parse("json", &f, &e), 0);
	CU_ASSERT_EQUAL(f, TABLE_JSON);
	CU_ASSERT_EQUAL(table_format_parse("xml", &f, &e), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "table, list, json or csv"));
}

/* Two rows, then none, then two, as they come. */
static void
expect_stream(struct table_style style, bool lines, const char *expected)
{
	struct table *t = two_flows();
	struct text out = TEXT_EMPTY;
	struct table_stream *st;
	struct err e = { "" };

	CU_ASSERT_EQUAL_FATAL(table_stream_new(&st, t, &style, lines, &e), 0);
	table_stream_rows(st, t, &out);
	table_clear(t);
	table_stream_rows(st, t, &out);
	table_row(t);
	table_str(t, "a much longer flow");
	table_int(t, 7);
	table_stream_rows(st, t, &out);
	table_stream_end(st, &out);
	if (strcmp(out.s, expected)) {
		show("expected", expected);
		show("got", out.s);
	}
	CU_ASSERT_STRING_EQUAL(out.s, expected);
	table_stream_free(st);
	table_free(t);
	text_fini(&out);
}

static void
rows_in_parts_make_one_table(void)
{
	expect_stream((struct table_style){ .format = TABLE_TABLE }, false,
		      "flow    bytes   rtt  note\n"
		      "0.17  1234567  1.25  first\n"
		      "1.4        -5     -  -\n"
		      "a much longer flow        7     -  -\n");
	expect_stream((struct table_style){ .format = TABLE_CSV, .columns = "flow,bytes" }, false,
		      "flow,bytes\n0.17,1234567\n1.4,-5\na much longer flow,7\n");
	expect_stream((struct table_style){ .format = TABLE_LIST, .columns = "flow" }, false,
		      "flow : 0.17\n\nflow : 1.4\n\nflow : a much longer flow\n");
	expect_stream((struct table_style){ .format = TABLE_JSON, .columns = "flow" }, false,
		      "[{\"flow\": \"0.17\"},\n {\"flow\": \"1.4\"},\n "
		      "{\"flow\": \"a much longer flow\"}]\n");
	expect_stream((struct table_style){ .format = TABLE_JSON, .columns = "flow" }, true,
		      "{\"flow\": \"0.17\"}\n{\"flow\": \"1.4\"}\n"
		      "{\"flow\": \"a much longer flow\"}\n");
}

static struct table *
shuffled(void)
{
	static const char *const names[] = { "addr", "n" };
	static const char *const addrs[] = { "10.0.0.10", "10.0.0.9", "9.1.1.1", "10.0.0.9" };
	struct table *t = table_new(names, 2);
	int i;

	for (i = 0; i < 4; i++) {
		table_row(t);
		table_str(t, addrs[i]);
		if (i == 2)
			table_none(t);
		else
			table_int(t, i * 10 - 5);
	}
	return t;
}

static void
rows_are_sorted_by_a_column_and_cut(void)
{
	const struct table_style csv = { .format = TABLE_CSV, .no_headings = true };
	struct table *t = shuffled();
	struct err e = { "" };

	CU_ASSERT_EQUAL(table_sort(t, "addr", false, 100, &e), 0);
	expect_text(t, csv, "9.1.1.1,\n10.0.0.9,5\n10.0.0.9,25\n10.0.0.10,-5\n");
	CU_ASSERT_EQUAL(table_sort(t, "n", true, 100, &e), 0);
	expect_text(t, csv, "10.0.0.9,25\n10.0.0.9,5\n10.0.0.10,-5\n9.1.1.1,\n");
	CU_ASSERT_EQUAL(table_sort(t, "n", false, 2, &e), 0);
	expect_text(t, csv, "10.0.0.10,-5\n10.0.0.9,5\n");
	table_row(t);
	table_str(t, "1.1.1.1");
	table_int(t, 1);
	expect_text(t, csv, "10.0.0.10,-5\n10.0.0.9,5\n1.1.1.1,1\n");
	CU_ASSERT_EQUAL(table_sort(t, "size", false, 2, &e), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "addr, n"));
	table_free(t);
}

TAP_MAIN(table, TAP_TEST(numbers_are_set_right_and_strings_left),
	 TAP_TEST(list_has_a_line_for_each_cell),
	 TAP_TEST(json_is_an_array_of_objects_with_typed_values),
	 TAP_TEST(json_gives_any_string_back_exactly),
	 TAP_TEST(bytes_that_are_no_utf8_never_reach_json), TAP_TEST(csv_quotes_what_rfc4180_says),
	 TAP_TEST(empty_table_has_only_its_headings),
	 TAP_TEST(columns_are_shown_in_the_order_asked_for),
	 TAP_TEST(unknown_column_is_refused_with_the_known_ones),
	 TAP_TEST(control_characters_are_escaped_for_the_terminal),
	 TAP_TEST(width_counts_code_points), TAP_TEST(large_unsigned_values_stay_positive),
	 TAP_TEST(strings_of_any_length_and_many_rows_fit),
	 TAP_TEST(format_names_are_those_of_the_manual), TAP_TEST(rows_in_parts_make_one_table),
	 TAP_TEST(rows_are_sorted_by_a_column_and_cut))
