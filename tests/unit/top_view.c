/*
 * top_view.c - the lines of leatctl top, made of two looks.
 */
#include "ctl/top_view.h"

#include <string.h>

#include "tests/unit/tap.h"

static json_t *
read_json(const char *s)
{
	json_t *doc = json_loads(s, 0, NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(doc);
	return doc;
}

#define ENDS(id) "\"client\":\"10.0.0.1:" id "\",\"server\":\"10.0.0.2:80\","
#define COUNTS(up, down) "\"up_bytes\":" up ",\"down_bytes\":" down ","
#define RETRANS(n) "\"client_retrans\":" n ",\"server_retrans\":0,"
#define FLOW(id, up, down, retrans, rule)                                                          \
	"{\"id\":\"" id "\",\"mode\":\"proxy\",\"rule\":\"" rule "\"," ENDS(id) COUNTS(up, down) \
		RETRANS(retrans) "\"age_s\":1.5," MEASURED "}"
#define MEASURED                                                                                 \
	"\"client_srtt\":1234,\"server_srtt\":56789,\"up_goodput\":null,\"down_goodput\":1500000," \
	"\"client_state\":\"established\",\"server_state\":\"close-wait\""

static struct top_look
look(double at_s, const char *frames, const char *flows)
{
	char workers[128];

	snprintf(workers, sizeof workers,
		 "[{\"worker\":0,\"frames\":%s,\"flows\":2,\"held_mbufs\":7}]", frames);
	return (struct top_look){
		.status = read_json("[{\"item\":\"instance\",\"value\":\"leat\"},"
				    "{\"item\":\"state\",\"value\":\"ready\"},"
				    "{\"item\":\"uptime_s\",\"value\":3723},"
				    "{\"item\":\"flows\",\"value\":2},"
				    "{\"item\":\"policy_generation\",\"value\":4}]"),
		.workers = read_json(workers),
		.flows = read_json(flows),
		.at_s = at_s,
	};
}

static void
view(enum top_order order, unsigned n_lines, unsigned n_columns, struct text *out)
{
	struct top_look before = look(10, "1000",
				      "[" FLOW("1", "0", "1000", "9",
					       "web") "," FLOW("2", "5000000", "0", "0", "db") "]");
	struct top_look now = look(12, "5000",
				   "[" FLOW("1", "0", "3001000", "9",
					    "web") "," FLOW("2", "5000500", "0", "0", "db") "]");

	top_view(out, &now, &before, order, n_lines, n_columns);
	top_look_fini(&before);
	top_look_fini(&now);
}

static void
rates_are_what_was_added_between_two_looks(void)
{
	struct text out = TEXT_EMPTY;

	view(TOP_BY_RATE, 20, 200, &out);
	CU_ASSERT_STRING_EQUAL(
		out.s,
		"leat: ready, up 1:02:03, 2 flows, policy generation 4\n"
		"worker 0: 2.0k frames/s, 2 flows, 7 mbufs held\n"
		"\n"
		" bytes/s       up     down  goodput  rtt ms c/s retrans state       mode     rule"
		"             client > server (by rate)\n"
		"    1.5M        0     3.0M     1.5M      1.2/57       9 close-wait  proxy    web"
		"              10.0.0.1:1 > 10.0.0.2:80\n"
		"     250     5.0M        0     1.5M      1.2/57       0 close-wait  proxy    db"
		"               10.0.0.1:2 > 10.0.0.2:80\n");
	text_fini(&out);
}

static void
order_is_as_it_was_asked_for(void)
{
	struct text out = TEXT_EMPTY;

	view(TOP_BY_BYTES, 20, 200, &out);
	CU_ASSERT_TRUE(strstr(out.s, " db ") < strstr(out.s, " web "));
	text_fini(&out);
	view(TOP_BY_RETRANSMITS, 20, 200, &out);
	CU_ASSERT_TRUE(strstr(out.s, " web ") < strstr(out.s, " db "));
	text_fini(&out);
}

static void
lines_and_columns_are_no_more_than_the_screens(void)
{
	struct text out = TEXT_EMPTY;
	char *at, *line;
	unsigned n = 0;

	view(TOP_BY_RATE, 5, 30, &out);
	for (at = out.s; (line = strsep(&at, "\n")) != NULL && at; n++)
		CU_ASSERT_TRUE(strlen(line) <= 30);
	CU_ASSERT_EQUAL(n, 5);
	text_fini(&out);
}

static void
nothing_from_the_network_reaches_the_terminal_raw(void)
{
	struct top_look now = look(1, "0", "[" FLOW("1", "0", "0", "0", "a\\u001b[2Jb") "]");
	struct top_look none = { .at_s = 0 };
	struct text out = TEXT_EMPTY;

	top_view(&out, &now, &none, TOP_BY_RATE, 20, 200);
	CU_ASSERT_PTR_NULL(strchr(out.s, '\033'));
	CU_ASSERT_PTR_NOT_NULL(strstr(out.s, "a\\x1b[2Jb"));
	text_fini(&out);
	top_look_fini(&now);
}

TAP_MAIN(top_view, TAP_TEST(rates_are_what_was_added_between_two_looks),
	 TAP_TEST(order_is_as_it_was_asked_for),
	 TAP_TEST(lines_and_columns_are_no_more_than_the_screens),
	 TAP_TEST(nothing_from_the_network_reaches_the_terminal_raw))
