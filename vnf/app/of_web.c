/*
 * of_web.c - recognisers: HTTP and what took its lines, media, files between peers.
 */
#include "vnf/app/recognise.h"

#include <string.h>

/* The end of a method: its capital letters and what WebDAV and SSDP add; `n`: all of it. */
static size_t
method_length(const uint8_t *p, size_t n)
{
	size_t i;

	for (i = 0; i < n && (is_upper(p[i]) || p[i] == '-' || p[i] == '_'); i++)
		;
	return i;
}

/* APP_YES: "METHOD " and a byte of the target are there, the latter at *at. */
static enum app_match
request_start(const uint8_t *p, size_t n, size_t *at)
{
	size_t len = method_length(p, n < 25 ? n : 25);

	if (len == n)
		return n < 25 ? APP_MORE : APP_NO;
	if (p[len] != ' ' || len < 3)
		return APP_NO;
	*at = len + 1;
	return n > *at ? APP_YES : APP_MORE;
}

/* After the target, `version`: "HTTP/1.". */
static enum app_match
request_version(const uint8_t *p, size_t n, size_t at, const char *version)
{
	while (at < n && p[at] > ' ' && p[at] != 0x7f)
		at++;
	if (at == n)
		return APP_MORE;
	return p[at] == ' ' ? match_text(p, n, at + 1, version) : APP_NO;
}

/* Behind a path, is there a version of RTSP?  Some of its devices ask as HTTP's do. */
static enum app_match
rtsp_version(const uint8_t *p, size_t n, size_t at)
{
	const uint8_t *end = memchr(p + at, ' ', n - at);

	if (!end || end + 1 == p + n)
		return APP_MORE;
	if (end[1] != 'R' || memchr(p + at, '\n', (size_t)(end - p) - at))
		return APP_NO;
	return match_text(p, n, (size_t)(end - p) + 1, "RTSP/");
}

/* It is HTTP's unless it ends as RTSP's; HTTP 0.9 has no version. */
static enum app_match
http_path(const uint8_t *p, size_t n, size_t at)
{
	const enum app_match other = rtsp_version(p, n, at);

	return other == APP_NO || (other == APP_MORE && line_ended(p, n)) ? APP_YES : APP_WEAK;
}

/* GET and POST of a path are hardly anyone else's; what others have too waits for the version. */
static enum app_match
http_request(const uint8_t *p, size_t n)
{
	enum app_match m;
	size_t at = 0;

	m = request_start(p, n, &at);
	if (m != APP_YES)
		return m;
	m = match_any(p, at, 0,
		      (const char *const[]){ "GET ", "POST ", "HEAD ", "PUT ", "DELETE ", "PATCH ",
					     NULL });
	if (m == APP_YES) {
		if (p[at] == '/')
			return http_path(p, n, at);
		m = match_any(p, n, at, (const char *const[]){ "http://", "https://", NULL });
		if (m != APP_NO)
			return m;
	}
	return request_version(p, n, at, "HTTP/1.");
}

/* An empty line may come first (RFC 9112 2.2). */
enum app_match
http_client(const uint8_t *p, size_t n)
{
	enum app_match m;

	if (p[0] != '\r')
		return http_request(p, n);
	m = match_text(p, n, 0, "\r\n");
	if (m != APP_YES || n == 2)
		return m == APP_YES ? APP_MORE : m;
	return http_request(p + 2, n - 2);
}

enum app_match
http_server(const uint8_t *p, size_t n)
{
	enum app_match m = match_text(p, n, 0, "HTTP/1.");
	size_t i;

	if (m != APP_YES)
		return m;
	for (i = 7; i < n && i < 12; i++)
		if (i == 8 ? p[i] != ' ' : !is_digit(p[i]))
			return APP_NO;
	return n >= 12 ? APP_YES : APP_MORE;
}

/* A setting of IANA's registry, or of RFC 8701's kind; a server pushes nothing by it. */
static bool
http2_setting(const uint8_t *p)
{
	const uint32_t id = be16(p), value = be32(p + 2);

	if (id == 2)
		return value == 0;
	return (id >= 1 && id <= 16) || (id & 0x0f0f) == 0x0a0a;
}

/* A SETTINGS frame of stream 0, then its settings. */
enum app_match
http2_server(const uint8_t *p, size_t n)
{
	static const uint8_t rest[] = { 4, 0, 0, 0, 0, 0 };
	enum app_match m;
	size_t at;

	if (n > 1 && p[1] != 0)
		return APP_NO;
	if (n > 2 && (p[2] % 6 != 0 || p[2] > 60))
		return APP_NO;
	m = match_bytes(p, n, 3, rest, sizeof rest);
	if (m != APP_YES || p[2] == 0)
		return as(m, APP_HINT);
	for (at = 9; at < 9u + p[2]; at += 6) {
		if (n < at + 6)
			return APP_MORE;
		if (!http2_setting(p + at))
			return APP_NO;
	}
	return APP_WEAK;
}

/* RFC 2326 10, RFC 7826 13 */
static const char *const rtsp_methods[] = {
	"OPTIONS ",	  "DESCRIBE ",	  "ANNOUNCE ",	    "SETUP ",  "PLAY ",
	"PAUSE ",	  "TEARDOWN ",	  "GET_PARAMETER ", "RECORD ", "REDIRECT ",
	"SET_PARAMETER ", "PLAY_NOTIFY ", "FLUSH ",	    NULL
};

/*
 * A target of the protocol's own tells it where the version does not: a proxy of another protocol
 * may be asked for it.
 */
static enum app_match
by_target(enum app_match target, enum app_match version)
{
	if (version == APP_YES || target == APP_NO)
		return version;
	return as(target, APP_WEAK);
}

enum app_match
rtsp_client(const uint8_t *p, size_t n)
{
	enum app_match m;
	size_t at = 0;

	if (n > 4 && memcmp(p, "GET /", 5) == 0)	/* most of all */
		return rtsp_version(p, n, 5);
	m = match_any(p, n, 0, (const char *const[]){ "GET /", "POST /", "PUT /", NULL });
	if (m != APP_NO)
		return m == APP_YES ? rtsp_version(p, n, 5) : m;
	m = match_any(p, n, 0, rtsp_methods);
	if (m == APP_YES)
		m = request_start(p, n, &at);
	if (m != APP_YES)
		return m;
	m = match_any(p, n, at, (const char *const[]){ "rtsp://", "rtsps://", "rtspu://", NULL });
	return by_target(m, request_version(p, n, at, "RTSP/"));
}

enum app_match
rtsp_server(const uint8_t *p, size_t n)
{
	return match_any(p, n, 0, (const char *const[]){ "RTSP/1.0 ", "RTSP/2.0 ", NULL });
}

/* IANA's Session Initiation Protocol (SIP) Parameters, Methods */
static const char *const sip_methods[] = { "REGISTER ", "INVITE ",  "ACK ",	"BYE ",
					   "CANCEL ",	"OPTIONS ", "MESSAGE ", "SUBSCRIBE ",
					   "NOTIFY ",	"INFO ",    "PUBLISH ", "UPDATE ",
					   "REFER ",	"PRACK ",   NULL };

/* Requests come from both ends. */
static enum app_match
sip_message(const uint8_t *p, size_t n)
{
	enum app_match m = match_text(p, n, 0, "SIP/2.0 ");
	size_t at = 0;

	if (m == APP_YES)
		return m;
	if (m == APP_MORE && n > 1)	/* no method begins with "SI" */
		return m;
	m = match_any(p, n, 0, sip_methods);
	if (m == APP_YES)
		m = request_start(p, n, &at);
	if (m != APP_YES)
		return m;
	m = match_any(p, n, at, (const char *const[]){ "sip:", "sips:", "tel:", NULL });
	return by_target(m, request_version(p, n, at, "SIP/2.0"));
}

/* Empty lines keep a connection alive (RFC 5626 3.5.1), and are answered by one. */
enum app_match
sip_either(const uint8_t *p, size_t n)
{
	size_t at = 0;

	while (at < n && at < 16 && p[at] == (at % 2 ? '\n' : '\r'))
		at++;
	if (at == n)
		return APP_MORE;
	return at % 2 ? APP_NO : sip_message(p + at, n - at);
}

/* --- RTMP: version 3, a time, four zeros or, as Flash does it, a version, and random bytes --- */

enum { RTMP_ENOUGH = 128, RTMP_DISTINCT = 72 };

/* Cassandra's version 3 asks for options, with a length of four zeros, before it starts. */
static bool
is_cassandra_opening(const uint8_t *p)
{
	return p[1] < 0x20 && p[4] == 5 && be32(p + 5) == 0 && p[9] == 3 && p[10] < 0x20 &&
	       p[13] == 1;
}

/* Random bytes are seldom twice the same: 95 of 119 differ, 4 more or less. */
static bool
is_random(const uint8_t *p, size_t n)
{
	bool had[256] = { false };
	size_t i, distinct = 0;

	for (i = 0; i < n; i++) {
		distinct += !had[p[i]];
		had[p[i]] = true;
	}
	return distinct >= RTMP_DISTINCT;
}

static enum app_match
rtmp_either(const uint8_t *p, size_t n)
{
	bool plain, flash;

	if (n < 9)
		return APP_MORE;
	plain = p[0] == 3 && be32(p + 5) == 0;	/* 6: with keys, as Flash does it */
	flash = p[6] == 0 && p[7] < 0x80 && p[5] > 0 && (p[5] < 0x40 || p[5] == 0x80);
	if (!plain && !flash)
		return APP_NO;
	if (n < RTMP_ENOUGH)
		return APP_MORE;
	if (is_cassandra_opening(p))
		return APP_NO;
	if (is_random(p + 9, RTMP_ENOUGH - 9))
		return APP_WEAK;
	return plain ? APP_HINT : APP_NO;
}

enum app_match
rtmp_client(const uint8_t *p, size_t n)
{
	return rtmp_either(p, n);
}

/* Servers have versions of all kinds there. */
enum app_match
rtmp_server(const uint8_t *p, size_t n)
{
	enum app_match m;

	if (n < RTMP_ENOUGH)
		return APP_MORE;
	m = rtmp_either(p, n);
	return m == APP_NO && is_random(p + 9, RTMP_ENOUGH - 9) ? APP_HINT : m;
}
