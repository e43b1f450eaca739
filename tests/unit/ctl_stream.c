/*
 * ctl_stream.c - replies read as they come, against Jansson reading them whole.
 */
#include "ctl/stream.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/text.h"
#include "tests/unit/tap.h"

static bool
keep(void *aux, const char *s, size_t n)
{
	text_put(aux, s, n);
	return true;
}

static bool
refuse(void *aux, const char *s, size_t n)
{
	(void)aux;
	(void)s;
	(void)n;
	return false;
}

/* Reads `reply` in steps of `step` bytes. */
static enum stream_state
read_in_steps(const char *reply, size_t step, struct text *out)
{
	size_t at = 0, got = 0, n = strlen(reply);
	struct ctl_stream st;

	ctl_stream_init(&st, keep, out);
	while (st.state == STREAM_BEGIN && got < n) {
		got = got + step < n ? got + step : n;
		at += ctl_stream_begin(&st, 7, reply, got);
	}
	if (st.state == STREAM_OTHER)
		return st.state;
	CU_ASSERT_TRUE(at == got || st.state >= STREAM_DONE);
	while (st.state < STREAM_DONE && got < n) {
		size_t m = step < n - got ? step : n - got;

		got += ctl_stream_add(&st, reply + got, m);
	}
	return st.state;
}

static void
string_result_is_what_jansson_reads(void)
{
	static const char *const strings[] = {
		"plain",
		"two\\nlines\\n",
		"",
		"\\\"\\\\\\/\\b\\f\\n\\r\\t",
		"\\u0041\\u00e4\\u20ac\\u00A7",
		"\\ud83d\\ude00 after",
		"gr\xc3\xbc\xc3\x9f",
		"}],{[\\\"",
	};
	char reply[256];
	size_t i, step;

	for (i = 0; i < sizeof strings / sizeof strings[0]; i++) {
		json_t *doc;

		snprintf(reply, sizeof reply, "{\"id\":7,\"result\":\"%s\",\"error\":null}",
			 strings[i]);
		doc = json_loads(reply, 0, NULL);
		CU_ASSERT_PTR_NOT_NULL_FATAL(doc);
		for (step = 1; step <= strlen(reply); step++) {
			struct text out = TEXT_EMPTY;

			CU_ASSERT_EQUAL(read_in_steps(reply, step, &out), STREAM_DONE);
			CU_ASSERT_STRING_EQUAL(out.s ? out.s : "",
					       json_string_value(json_object_get(doc, "result")));
			text_fini(&out);
		}
		json_decref(doc);
	}
}

static void
half_a_surrogate_pair_becomes_the_replacement_character(void)
{
	static const char *const replies[] = {
		"{\"id\":7,\"result\":\"\\ud83dx\",\"error\":null}",
		"{\"id\":7,\"result\":\"\\ude00x\",\"error\":null}"
	};
	size_t i;

	for (i = 0; i < 2; i++) {
		struct text out = TEXT_EMPTY;

		CU_ASSERT_EQUAL(read_in_steps(replies[i], 3, &out), STREAM_DONE);
		CU_ASSERT_STRING_EQUAL(out.s, "\xef\xbf\xbdx");
		text_fini(&out);
	}
}

static void
array_result_is_passed_on_as_it_is(void)
{
	static const char array[] = "[{\"a\":\"]}\\\"\"},\n {\"a\":[1,2]}]";
	char reply[128];
	size_t step;

	snprintf(reply, sizeof reply, "{\"id\":7,\"result\":%s,\"error\":null}", array);
	for (step = 1; step <= strlen(reply); step++) {
		struct text out = TEXT_EMPTY;

		CU_ASSERT_EQUAL(read_in_steps(reply, step, &out), STREAM_DONE);
		CU_ASSERT_EQUAL(out.len, strlen(array) + 1);
		CU_ASSERT_EQUAL(strncmp(out.s, array, strlen(array)), 0);
		text_fini(&out);
	}
}

static void
error_behind_a_result_is_kept(void)
{
	static const char reply[] = "{\"id\":7,\"result\":[1\n],\"error\":\"a } in it\\n\"}";
	static const char tail[] = ",\"error\":\"a } in it\\n\"}";
	struct text out = TEXT_EMPTY;
	struct ctl_stream st;
	size_t n;

	ctl_stream_init(&st, keep, &out);
	n = ctl_stream_begin(&st, 7, reply, strlen(reply));
	CU_ASSERT_EQUAL(n, strlen(reply));
	CU_ASSERT_EQUAL(st.state, STREAM_DONE);
	CU_ASSERT_EQUAL(st.n_tail, strlen(tail));
	CU_ASSERT_EQUAL(memcmp(st.tail, tail, st.n_tail), 0);
	text_fini(&out);
}

static void
other_replies_are_left_to_be_read_whole(void)
{
	static const char *const replies[] = {
		"{\"id\":7,\"result\":null,\"error\":\"no\"}",
		"{\"error\":null,\"id\":7,\"result\":\"x\"}",
		"{\"id\":8,\"result\":\"x\",\"error\":null}",
		"{\"id\":7,\"result\":{\"a\":1},\"error\":null}",
		"HTTP/1.1 400 Bad Request\r\n",
	};
	size_t i, step;

	for (i = 0; i < sizeof replies / sizeof replies[0]; i++)
		for (step = 1; step < 30; step++) {
			struct text out = TEXT_EMPTY;

			CU_ASSERT_EQUAL(read_in_steps(replies[i], step, &out), STREAM_OTHER);
			CU_ASSERT_EQUAL(out.len, 0);
			text_fini(&out);
		}
}

static void
bad_escapes_and_a_full_disk_end_it(void)
{
	static const char reply[] = "{\"id\":7,\"result\":\"\\q\",\"error\":null}";
	static const char good[] = "{\"id\":7,\"result\":\"good\",\"error\":null}";
	struct text out = TEXT_EMPTY;
	struct ctl_stream st;

	CU_ASSERT_EQUAL(read_in_steps(reply, 4, &out), STREAM_BROKEN);
	text_fini(&out);
	ctl_stream_init(&st, refuse, NULL);
	ctl_stream_begin(&st, 7, good, strlen(good));
	CU_ASSERT_EQUAL(st.state, STREAM_REFUSED);
}

TAP_MAIN(ctl_stream, TAP_TEST(string_result_is_what_jansson_reads),
	 TAP_TEST(half_a_surrogate_pair_becomes_the_replacement_character),
	 TAP_TEST(array_result_is_passed_on_as_it_is), TAP_TEST(error_behind_a_result_is_kept),
	 TAP_TEST(other_replies_are_left_to_be_read_whole),
	 TAP_TEST(bad_escapes_and_a_full_disk_end_it))
