/*
 * The names of a flow as texts: which, in what order, and what becomes of bytes that could do harm.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/tap.h"
#include "vnf/app/app.h"

static struct app *app;
static struct app_state state;
static char list[APP_LIST];

static const char *
told_of(const char *client, const char *server)
{
	const struct app_limits limits = { .n_holds = 2, .n_longs = 2, .n_names = 2 };

	if (!app)
		app = app_new(&limits);
	if (!app)
		abort();
	app_begin(&state, false);
	app_feed(app, &state, 0, client, strlen(client));
	app_feed(app, &state, 1, server, strlen(server));
	app_list(&state, list, sizeof list);
	return list;
}

static void
names_are_lines_in_their_order(void)
{
	CU_ASSERT_STRING_EQUAL(told_of("GET / HTTP/1.1\r\nHost: a.example:81\r\n\r\n",
				       "HTTP/1.1 404 Not Found\r\n\r\n"),
			       "host=a.example:81\nmethod=GET\nstatus=404\n");
	app_end(app, &state);
	CU_ASSERT_STRING_EQUAL(told_of("SSH-2.0-c\r\n", "SSH-2.0-s\r\n"),
			       "client_banner=SSH-2.0-c\nserver_banner=SSH-2.0-s\n");
	app_end(app, &state);
	CU_ASSERT_STRING_EQUAL(told_of("QUIT\r\n", "+OK ready\r\n"), "");
	app_end(app, &state);
}

static void
bytes_that_could_do_harm_are_written_in_hexadecimal(void)
{
	CU_ASSERT_STRING_EQUAL(
		told_of("GET / HTTP/1.1\r\nHost: \x1b[2J\\a'\"\xc3\xa9\x7f\r\n\r\n", ""),
		"host=\\x1b[2J\\x5ca'\"\\xc3\\xa9\\x7f\nmethod=GET\n");
	app_end(app, &state);
}

static void
no_name_is_longer_than_its_room_and_none_is_half_an_escape(void)
{
	char request[2048] = "GET / HTTP/1.1\r\nHost: ";
	size_t n = strlen(request);

	memset(request + n, 0x01, 1000);
	strcpy(request + n + 1000, "\r\n\r\n");
	told_of(request, "");
	n = strcspn(list, "\n");
	CU_ASSERT(n <= 5 + APP_NAME - 1 && n > 5 + APP_NAME - 6);
	CU_ASSERT_EQUAL((n - 5) % 4, 0);
	CU_ASSERT_STRING_EQUAL(list + n, "\nmethod=GET\n");
	app_end(app, &state);
}

static void
names_are_held_against_patterns(void)
{
	told_of("GET / HTTP/1.1\r\nHost: a.example:81\r\n\r\n", "");
	CU_ASSERT_TRUE(app_is_host(&state, "A.example"));
	CU_ASSERT_FALSE(app_is_host(&state, ""));
	CU_ASSERT_FALSE(app_is_sni(&state, "a.example"));
	CU_ASSERT_TRUE(app_is_sni(&state, ""));
	CU_ASSERT_TRUE(app_is_alpn(&state, ""));
	app_end(app, &state);
}

TAP_MAIN(app_tell, TAP_TEST(names_are_lines_in_their_order),
	 TAP_TEST(bytes_that_could_do_harm_are_written_in_hexadecimal),
	 TAP_TEST(no_name_is_longer_than_its_room_and_none_is_half_an_escape),
	 TAP_TEST(names_are_held_against_patterns))
