/*
 * of_host.c - recognisers: terminals, screens, shares, repositories.
 */
#include "vnf/app/recognise.h"

#include <string.h>

enum app_match
ssh_either(const uint8_t *p, size_t n)
{
	return match_any(p, n, 0, (const char *const[]){ "SSH-2.0-", "SSH-1.", NULL });
}

static bool
is_telnet_option(uint8_t c)
{
	return c <= 49 || (c >= 138 && c <= 140) || c == 255;
}

/* IAC, WILL to DONT, option; twice tells more than once. */
enum app_match
telnet_either(const uint8_t *p, size_t n)
{
	size_t i;

	for (i = 0; i < n && i < 6; i++) {
		bool fits = i % 3 == 0	 ? p[i] == 255
			    : i % 3 == 1 ? p[i] >= 251 && p[i] <= 254
					 : is_telnet_option(p[i]);

		if (!fits)
			return i < 3 ? APP_NO : APP_HINT;
	}
	return i < 3 ? APP_MORE : i < 6 ? APP_HINT : APP_YES;
}

enum app_match
vnc_either(const uint8_t *p, size_t n)
{
	enum app_match m = match_text(p, n, 0, "RFB ");
	size_t i;

	if (m != APP_YES)
		return m;
	for (i = 4; i < n && i < 11; i++)
		if (i == 7 ? p[i] != '.' : !is_digit(p[i]))
			return APP_NO;
	return n > 10 ? APP_YES : APP_MORE;
}

/*
 * TPKT (RFC 1006 6) around an X.224 connection request or confirm, class 0, to or from
 * reference 0.  *at: where its variable part is; *end: the packet's end.
 */
static enum app_match
x224_connect(const uint8_t *p, size_t n, uint8_t code, size_t *at, size_t *end)
{
	if (n > 1 && p[1] != 0)
		return APP_NO;
	if (n > 4 && (be16(p + 2) < 11 || p[4] != be16(p + 2) - 5))
		return APP_NO;
	if (n > 5 && p[5] != code)
		return APP_NO;
	if (n >= 11 && (p[10] & 0xf0) != 0)
		return APP_NO;
	if (n > 7 && code == 0xe0 && be16(p + 6) != 0)
		return APP_NO;
	if (n < 11)
		return APP_MORE;
	*at = 11;
	*end = be16(p + 2);
	return APP_YES;
}

/* A routing token or a cookie: a line, behind which is nothing or the request. */
static enum app_match
rdp_line(const uint8_t *p, size_t n, size_t at, size_t end)
{
	static const uint8_t negotiate[] = { 1, 0, 8, 0 };

	for (; at < n && at < end && is_print(p[at]); at++)
		;
	if (at + 1 < n && (p[at] != '\r' || p[at + 1] != '\n'))
		return APP_NO;
	if (at + 2 > n || at + 2 > end)
		return at < n && (p[at] != '\r' || at + 2 > end) ? APP_NO : APP_MORE;
	return at + 2 == end ? APP_WEAK : match_bytes(p, n, at + 2, negotiate, sizeof negotiate);
}

/* Where TLS may begin: behind the connection request. */
size_t
rdp_tls(const uint8_t *p, size_t n)
{
	return n >= 6 && p[0] == 3 && p[5] == 0xe0 ? be16(p + 2) : 0;
}

enum app_match
rdp_client(const uint8_t *p, size_t n)
{
	static const uint8_t negotiate[] = { 1, 0, 8, 0 };
	enum app_match m, cookie;
	size_t at = 0, end = 0;

	m = x224_connect(p, n, 0xe0, &at, &end);
	if (m != APP_YES)
		return m;
	if (be16(p + 8) != 0)	/* others name themselves in their reference */
		return APP_NO;
	if (at == end)
		return APP_WEAK;
	cookie = match_text(p, n, at, "Cookie: ");
	if (cookie != APP_NO)
		return cookie;
	if (n > at && is_print(p[at]))
		return rdp_line(p, n, at, end);
	if (n > at + 1 && p[at] == 1 && p[at + 1] != 0)	/* flags of the request */
		return n < at + 4 ? APP_MORE : p[at + 2] == 8 && p[at + 3] == 0 ? APP_YES : APP_NO;
	return match_bytes(p, n, at, negotiate, sizeof negotiate);
}

enum app_match
rdp_server(const uint8_t *p, size_t n)
{
	size_t at = 0, end = 0;
	enum app_match m = x224_connect(p, n, 0xd0, &at, &end);

	if (m != APP_YES)
		return m;
	if (be16(p + 6) != 0)
		return APP_NO;
	if (at == end)
		return APP_HINT;
	if (n > at && p[at] != 2 && p[at] != 3)
		return APP_NO;
	if (n < at + 4)
		return APP_MORE;
	return p[at + 2] == 8 && p[at + 3] == 0 ? APP_YES : APP_NO;
}

/* Data of protocol 0x32, of one of its four kinds, of a connection whose beginning was not seen. */
static enum app_match
s7_data(const uint8_t *p, size_t n)
{
	static const uint8_t data[] = { 2, 0xf0, 0x80, 0x32 }, kinds[] = { 1, 2, 3, 7 }, zero[2];
	enum app_match m = match_bytes(p, n, 4, data, sizeof data);

	if (m != APP_YES)
		return m;
	if (p[1] != 0 || be16(p + 2) < 17 || (n > 8 && !memchr(kinds, p[8], sizeof kinds)))
		return APP_NO;
	return match_bytes(p, n, 9, zero, sizeof zero);
}

/* The parameters of a connection of S7 (TPDU size, TSAPs), then data of protocol 0x32. */
static enum app_match
s7_either(const uint8_t *p, size_t n, uint8_t code)
{
	static const uint8_t data[] = { 2, 0xf0, 0x80, 0x32 };
	size_t at = 0, end = 0;
	enum app_match m;

	if (n > 4 && p[4] == 2)
		return s7_data(p, n);
	m = x224_connect(p, n, code, &at, &end);
	if (m != APP_YES)
		return m;
	if (end < 14 || end > 64 || (n > at && (p[at] < 0xc0 || p[at] > 0xc2)))
		return APP_NO;
	if (n > end && p[end] != 3)
		return APP_NO;
	if (n > end + 1 && p[end + 1] != 0)
		return APP_NO;
	return match_bytes(p, n, end + 4, data, sizeof data);
}

enum app_match
s7_client(const uint8_t *p, size_t n)
{
	return s7_either(p, n, 0xe0);
}

enum app_match
s7_server(const uint8_t *p, size_t n)
{
	return s7_either(p, n, 0xd0);
}

/* A session message with SMB 1, 2 or encrypted SMB 3 in it; or the session's own request. */
enum app_match
smb_either(const uint8_t *p, size_t n)
{
	static const uint8_t request[] = { 0x81, 0, 0, 0x44, 0x20 }, granted[] = { 0x82, 0, 0, 0 };

	if (p[0] == 0x81)
		return match_bytes(p, n, 0, request, sizeof request);
	if (p[0] == 0x82)
		return as(match_bytes(p, n, 0, granted, sizeof granted), APP_HINT);
	if (n > 4 && p[4] != 0xff && (p[4] < 0xfc || p[4] > 0xfe))
		return APP_NO;
	return match_text(p, n, 5, "SMB");
}

/* --- git: "hhhh" and a line --- */

static bool
is_hex(uint8_t c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

enum app_match
git_client(const uint8_t *p, size_t n)
{
	size_t i;

	for (i = 0; i < n && i < 4; i++)
		if (!is_hex(p[i]))
			return APP_NO;
	return match_any(p, n, 4,
			 (const char *const[]){ "git-upload-pack ", "git-receive-pack ",
						"git-upload-archive ", NULL });
}

enum app_match
git_server(const uint8_t *p, size_t n)
{
	enum app_match m;
	size_t i;

	for (i = 0; i < n && i < 4; i++)
		if (!is_hex(p[i]))
			return APP_NO;
	if (n < 5)
		return APP_MORE;
	m = match_any(p, n, 4, (const char *const[]){ "version ", "ERR ", NULL });
	if (m != APP_NO)
		return as(m, APP_WEAK);
	for (; i < n && i < 44; i++)
		if (!is_hex(p[i]))
			return APP_NO;
	return n < 45 ? APP_MORE : p[44] == ' ' ? APP_YES : APP_NO;
}
