/*
 * Fingerprints of TLS clients, by the examples that their inventors published: JA3 (Salesforce's
 * page of 2017) and JA4 (FoxIO's technical details).
 */
#include <string.h>

#include "tests/unit/tap.h"
#include "vnf/app/app.h"

enum { HELLO_MAX = 1024 };

/* A ClientHello as it grows. */
static struct {
	uint8_t b[HELLO_MAX];
	size_t n, extensions;	/* where their length is */
} hello;

static void
put(const void *p, size_t n)
{
	memcpy(hello.b + hello.n, p, n);
	hello.n += n;
}

static void
put16(unsigned v)
{
	put((const uint8_t[]){ (uint8_t)(v >> 8), (uint8_t)v }, 2);
}

static void
set16(size_t at, size_t v)
{
	hello.b[at] = (uint8_t)(v >> 8);
	hello.b[at + 1] = (uint8_t)v;
}

/* Record and message, whose lengths end() fills in; version, random, no session, the suites. */
static void
begin(unsigned version, const uint16_t *suites, size_t n)
{
	static const uint8_t random[32] = { 0x5a };
	size_t i;

	hello.n = 0;
	put("\x16\x03\x01\0\0\x01\0\0\0", 9);
	put16(version);
	put(random, sizeof random);
	put("", 1);
	put16((unsigned)(2 * n));
	for (i = 0; i < n; i++)
		put16(suites[i]);
	put("\1", 2);		/* one compression method: none */
	hello.extensions = hello.n;
	put16(0);
}

static void
extension(unsigned type, const void *body, size_t n)
{
	put16(type);
	put16((unsigned)n);
	put(body, n);
}

/* What is known of a client that says it. */
static void
end(bool has_extensions, char ja3[33], char ja4[37])
{
	const struct app_limits limits = { .n_holds = 1, .n_longs = 1, .n_names = 1 };
	struct app *app = app_new(&limits);
	struct app_state s;

	if (!has_extensions)
		hello.n -= 2;
	else
		set16(hello.extensions, hello.n - hello.extensions - 2);
	set16(3, hello.n - 5);
	set16(7, hello.n - 9);
	app_begin(&s, false);
	app_feed(app, &s, 0, hello.b, hello.n);
	CU_ASSERT_PTR_NOT_NULL_FATAL(app_names(&s));
	CU_ASSERT_EQUAL_FATAL(app_names(&s)->kind, APP_NAMES_TLS);
	memcpy(ja3, app_names(&s)->tls.ja3, 33);
	memcpy(ja4, app_names(&s)->tls.ja4, 37);
	app_end(app, &s);
	app_free(app);
}

static const uint8_t server_name[] = { 0,   14,	 0,   0,   11,	'w', 'w', 'w',
				       '.', 'e', 'x', 'a', 'm', 'p', 'l', 'e' };

/* 769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0 */
static void
ja3_of_a_client_with_extensions(void)
{
	static const uint16_t suites[] = {
		47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4
	};
	static const uint8_t groups[] = { 0, 6, 0, 23, 0, 24, 0, 25 }, formats[] = { 1, 0 };
	char ja3[33], ja4[37];

	begin(769, suites, 12);
	extension(0, server_name, sizeof server_name);
	extension(10, groups, sizeof groups);
	extension(11, formats, sizeof formats);
	end(true, ja3, ja4);
	CU_ASSERT_STRING_EQUAL(ja3, "ada70206e40642a3e4461f35503241d5");
	CU_ASSERT_EQUAL(strncmp(ja4, "t10d120300_", 11), 0);
}

/* 769,4-5-10-9-100-98-3-6-19-18-99,,, */
static void
ja3_of_a_client_without(void)
{
	static const uint16_t suites[] = { 4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99 };
	char ja3[33], ja4[37];

	begin(769, suites, 11);
	end(false, ja3, ja4);
	CU_ASSERT_STRING_EQUAL(ja3, "de350869b8c85de67a350c8d186f11e6");
	CU_ASSERT_EQUAL(strncmp(ja4, "t10i110000_", 11), 0);
}

/* Chrome's, whose values of RFC 8701 count for nothing. */
static void
ja4_of_a_browser(void)
{
	static const uint16_t suites[] = { 0x0a0a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f,
					   0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014,
					   0x009c, 0x009d, 0x002f, 0x0035 };
	static const uint16_t empty[] = { 0x001b, 0x0033, 0x4469, 0x0017, 0x0023,
					  0x0005, 0x0012, 0xff01, 0x002d };
	static const uint8_t signatures[] = {
		0,    16,   0x04, 0x03, 0x08, 0x04, 0x04, 0x01, 0x05,
		0x03, 0x08, 0x05, 0x05, 0x01, 0x08, 0x06, 0x06, 0x01
	};
	static const uint8_t alpn[] = { 0,   12,  2,   'h', '2', 8,   'h',
					't', 't', 'p', '/', '1', '.', '1' };
	static const uint8_t versions[] = { 6, 0x0a, 0x0a, 3, 4, 3, 3 };
	char ja3[33], ja4[37];
	size_t i;

	begin(0x0303, suites, 16);
	extension(0x0a0a, "", 0);
	for (i = 0; i < sizeof empty / sizeof *empty; i++)
		extension(empty[i], "", 0);
	extension(0x0000, server_name, sizeof server_name);
	extension(0x0010, alpn, sizeof alpn);
	extension(0x000d, signatures, sizeof signatures);
	extension(0x000a, "\0\4\x0a\x0a\0\x1d", 6);
	extension(0x000b, "\1", 2);
	extension(0x002b, versions, sizeof versions);
	extension(0x1a1a, "", 1);
	extension(0x0015, "\0\0\0", 3);
	end(true, ja3, ja4);
	CU_ASSERT_STRING_EQUAL(ja4, "t13d1516h2_8daaf6152771_e5627efa2ab1");
}

TAP_MAIN(app_ja, TAP_TEST(ja3_of_a_client_with_extensions), TAP_TEST(ja3_of_a_client_without),
	 TAP_TEST(ja4_of_a_browser))
