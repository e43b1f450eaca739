/*
 * Names that identification reads: from TLS, HTTP/1, SSH and DNS, whole and in pieces.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/tap.h"
#include "vnf/app/app.h"

static struct app *app;
static struct app_state state;

static void
begin(void)
{
	const struct app_limits limits = { .n_holds = 2, .n_longs = 2, .n_names = 2 };

	if (!app)
		app = app_new(&limits);
	if (!app)
		abort();
	app_begin(&state, false);
}

static void
feed(unsigned dir, const void *p, size_t n, size_t piece)
{
	size_t at;

	for (at = 0; at < n; at += piece)
		app_feed(app, &state, dir, (const char *)p + at, n - at < piece ? n - at : piece);
}

static void
feed_text(unsigned dir, const char *text)
{
	feed(dir, text, strlen(text), strlen(text));
}

static void
end(void)
{
	struct app_status st;

	app_end(app, &state);
	app_status(app, &st);
	CU_ASSERT_EQUAL(st.holds + st.longs + st.names, 0);
}

static size_t
put16(uint8_t *p, size_t at, unsigned v)
{
	p[at] = (uint8_t)(v >> 8);
	p[at + 1] = (uint8_t)v;
	return at + 2;
}

/* A ClientHello's body: SNI, ALPN, versions, ECH, and padding (RFC 7685) of `pad` bytes. */
static size_t
make_hello(uint8_t *p, size_t pad)
{
	static const uint8_t fixed[] = {
		0x00, 0x00, 0x00, 0x0e, 0x00, 0x0c, 0x00, 0x00, 0x09, 'a',  '.',  'e',	'x',
		'a',  'm',  'p',  'l',	'e',  0x00, 0x10, 0x00, 0x0e, 0x00, 0x0c, 0x02, 'h',
		'2',  0x08, 'h',  't',	't',  'p',  '/',  '1',	'.',  '1',  0x00, 0x2b, 0x00,
		0x05, 0x04, 0x0a, 0x0a, 0x03, 0x04, 0xfe, 0x0d, 0x00, 0x01, 0x00,
	};
	size_t at = put16(p, 0, 0x0303);

	memset(p + at, 0x55, 32);
	at += 32;
	p[at++] = 0;
	at = put16(p, at, 4);
	at = put16(p, at, 0x1a1a);	/* RFC 8701 */
	at = put16(p, at, 0x1301);
	at = put16(p, at, 0x0100);
	at = put16(p, at, (unsigned)(sizeof fixed + (pad ? 4 + pad : 0)));
	if (pad) {	/* first, so that the names come last */
		at = put16(p, at, 21);
		at = put16(p, at, (unsigned)pad);
		memset(p + at, 0, pad);
		at += pad;
	}
	memcpy(p + at, fixed, sizeof fixed);
	return at + sizeof fixed;
}

/* The hello in records of `record` bytes. */
static size_t
make_records(uint8_t *to, size_t pad, size_t record)
{
	static uint8_t message[20000];
	size_t n = make_hello(message + 4, pad), at = 0, out = 0;

	message[0] = 1;
	message[1] = 0;
	put16(message, 2, (unsigned)n);
	for (n += 4; at < n; at += record) {
		size_t len = n - at < record ? n - at : record;

		to[out] = 22;
		to[out + 1] = 3;
		to[out + 2] = 1;
		put16(to, out + 3, (unsigned)len);
		memcpy(to + out + 5, message + at, len);
		out += 5 + len;
	}
	return out;
}

static void
check_hello(void)
{
	const struct app_names *n = app_names(&state);
	char chain[APP_LABEL];

	CU_ASSERT_STRING_EQUAL(app_print(&state, chain), "tls");
	CU_ASSERT_PTR_NOT_NULL_FATAL(n);
	CU_ASSERT_EQUAL_FATAL(n->kind, APP_NAMES_TLS);
	CU_ASSERT_STRING_EQUAL(n->tls.sni, "a.example");
	CU_ASSERT_STRING_EQUAL(n->tls.alpn, "h2;http/1.1");
	CU_ASSERT_EQUAL(n->tls.version, 0x0304);
	CU_ASSERT_TRUE(n->tls.ech);
	CU_ASSERT_EQUAL(strlen(n->tls.ja3), 32);
	CU_ASSERT_EQUAL(strncmp(n->tls.ja4, "t13d01", 6), 0);
}

static void
client_hello_tells_its_names_in_any_records_and_segments(void)
{
	static const size_t pads[] = { 0, 600, 16200 }, records[] = { 64, 1000, 16384 };
	static const size_t pieces[] = { 1, 7, 1448, 65536 };
	static uint8_t bytes[24000];
	size_t i, k, j;

	for (i = 0; i < 3; i++)
		for (k = 0; k < 3; k++)
			for (j = 0; j < 4; j++) {
				size_t n = make_records(bytes, pads[i], records[k]);

				begin();
				feed(0, bytes, n, pieces[j]);
				check_hello();
				end();
			}
}

/* As md5sum and sha256sum tell of the texts that the documents have hashed. */
static void
client_hello_has_its_fingerprints(void)
{
	uint8_t bytes[1000];
	size_t n = make_records(bytes, 0, 16384);

	begin();
	feed(0, bytes, n, n);
	CU_ASSERT_PTR_NOT_NULL_FATAL(app_names(&state));
	CU_ASSERT_STRING_EQUAL(app_names(&state)->tls.ja3, "ff931fde1bf7b143f1d7d20db63531e5");
	CU_ASSERT_STRING_EQUAL(app_names(&state)->tls.ja4, "t13d0104h2_0f2cb44170f4_19db675bb9c5");
	end();
}

static void
server_chooses_the_version(void)
{
	static const uint8_t hello[] = "\x16\x03\x03\0\x2c\x02\0\0\x28\x03\x03"
				       "0123456789abcdef0123456789abcdef\0\xc0\x2f\0\0\0";
	uint8_t bytes[1000];
	size_t n = make_records(bytes, 0, 16384);

	begin();
	feed(0, bytes, n, n);
	feed(1, hello, sizeof hello - 1, 5);
	app_settle(app, &state);
	CU_ASSERT_PTR_NOT_NULL_FATAL(app_names(&state));
	CU_ASSERT_EQUAL(app_names(&state)->tls.version, 0x0303);
	end();
}

static void
http_host_is_of_the_target_or_the_field(void)
{
	static const struct {
		const char *request, *method, *host;
	} c[] = {
		{ "GET / HTTP/1.1\r\nA: b\r\nhost:  h.example:80 \r\n\r\n", "GET", "h.example:80" },
		{ "POST http://h.example/x HTTP/1.1\r\nHost: other\r\n\r\n", "POST", "h.example" },
		{ "CONNECT h.example:443 HTTP/1.1\r\nHost: other\r\n\r\n", "CONNECT",
		  "h.example:443" },
		{ "GET / HTTP/1.0\r\n\r\nHost: body\r\n", "GET", "" },
	};
	size_t i, piece;

	for (i = 0; i < sizeof c / sizeof *c; i++)
		for (piece = 1; piece < 90; piece += 8) {
			begin();
			feed(0, c[i].request, strlen(c[i].request), piece);
			feed_text(1, "HTTP/1.1 404 Not Found\r\n");
			CU_ASSERT_PTR_NOT_NULL_FATAL(app_names(&state));
			CU_ASSERT_STRING_EQUAL(app_names(&state)->http.host, c[i].host);
			CU_ASSERT_STRING_EQUAL(app_names(&state)->http.method, c[i].method);
			CU_ASSERT_EQUAL(app_names(&state)->http.status, 404);
			end();
		}
}

static void
ssh_has_both_banners_and_dns_the_first_name(void)
{
	static const char query[] = "\0\x1d\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x03www\x07"
				    "example\0\0\x01\0\x01";

	begin();
	feed_text(1, "SSH-2.0-server_1 x\r\n");
	feed(0, "SSH-2.0-client_1\r\n", 18, 3);
	CU_ASSERT_STRING_EQUAL(app_names(&state)->ssh.banner[0], "SSH-2.0-client_1");
	CU_ASSERT_STRING_EQUAL(app_names(&state)->ssh.banner[1], "SSH-2.0-server_1 x");
	end();
	begin();
	feed(0, query, sizeof query - 1, 4);
	CU_ASSERT_PTR_NOT_NULL_FATAL(app_names(&state));
	CU_ASSERT_STRING_EQUAL(app_names(&state)->dns.name, "www.example");
	end();
}

/* The one that has kept bytes for longest gives way. */
static void
flows_that_never_tell_cannot_blind_it(void)
{
	struct app_state idle[8], *late = &idle[7];
	struct app_status before, after;
	unsigned i;

	begin();
	app_status(app, &before);
	for (i = 0; i < 8; i++) {
		app_begin(&idle[i], false);
		app_feed(app, &idle[i], 0, "GE", 2);
	}
	CU_ASSERT_EQUAL(app_answer(&idle[0]), APP_UNDEFINED);
	CU_ASSERT_EQUAL(app_feed(app, late, 0, "T / HTTP/1.1\r\n", 14), APP_FOUND);
	app_status(app, &after);
	CU_ASSERT_EQUAL(after.stolen - before.stolen, 6);
	for (i = 0; i < 8; i++)
		app_end(app, &idle[i]);
	end();
}

static void
state_of_a_flow_is_small(void)
{
	CU_ASSERT_TRUE(sizeof(struct app_state) <= 64);
}

TAP_MAIN(app_names,
	 { "I4 client hello tells its names in any records and segments",
	   client_hello_tells_its_names_in_any_records_and_segments },
	 TAP_TEST(client_hello_has_its_fingerprints), TAP_TEST(server_chooses_the_version),
	 { "I4 http host is of the target or the field", http_host_is_of_the_target_or_the_field },
	 TAP_TEST(ssh_has_both_banners_and_dns_the_first_name),
	 TAP_TEST(flows_that_never_tell_cannot_blind_it), TAP_TEST(state_of_a_flow_is_small))
