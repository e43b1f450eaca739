/*
 * of_tunnel.c - recognisers: what leads to other traffic: proxies, tunnels, routes, relays.
 */
#include "vnf/app/recognise.h"
#include "vnf/app/table.h"

#include <string.h>

/* --- the PROXY protocol: APP_YES once its header is whole --- */

enum { PROXY_LINE = 107 };	/* bytes of its longest line */

enum app_match
proxy_client(const uint8_t *p, size_t n)
{
	static const uint8_t v2[] = "\r\n\r\n\0\r\nQUIT\n";
	enum app_match m;

	if (p[0] == 'P') {
		m = match_text(p, n, 0, "PROXY ");
		if (m == APP_YES)
			m = match_any(p, n, 6,
				      (const char *const[]){ "TCP4 ", "TCP6 ", "UNKNOWN", NULL });
		if (m != APP_YES || line_ended(p, n < PROXY_LINE ? n : PROXY_LINE))
			return m;
		return n < PROXY_LINE ? APP_MORE : APP_NO;
	}
	m = match_bytes(p, n, 0, v2, sizeof v2 - 1);
	if (m != APP_YES || n < 16)
		return m == APP_YES ? APP_MORE : m;
	if (p[12] >> 4 != 2 || (p[12] & 15) > 1 || be16(p + 14) > 400)
		return APP_NO;
	return n >= 16 + be16(p + 14) ? APP_YES : APP_MORE;
}

size_t
proxy_length(const uint8_t *p, size_t n)
{
	if (p[0] == 'P')
		return (size_t)((const uint8_t *)memchr(p, '\n', n) + 1 - p);
	return 16 + be16(p + 14);
}

/* --- SOCKS --- */

/* A text from `at` on of at most `max` bytes; *end: where its NUL is. */
static enum app_match
text_to_nul(const uint8_t *p, size_t n, size_t at, size_t max, size_t *end)
{
	size_t i;

	for (i = at; i < n && p[i]; i++)
		if (!is_print(p[i]) || i - at >= max)
			return APP_NO;
	*end = i;
	return i < n ? APP_YES : APP_MORE;
}

/*
 * Version 4: command, port, address, a user that ends with NUL.  Network 0 is 4A's: a name is
 * behind the user.  Otherwise it is an address that a host can have.
 */
static enum app_match
socks4_request(const uint8_t *p, size_t n)
{
	enum app_match m;
	size_t end;

	if (n > 1 && p[1] != 1 && p[1] != 2)
		return APP_NO;
	if (n > 3 && be16(p + 2) == 0)
		return APP_NO;
	if (n < 9)
		return n > 4 && p[4] > 223 ? APP_NO : APP_MORE;
	if (p[4] > 223 || be32(p + 4) == 0 || (p[4] && be16(p + 6) == 0))
		return APP_NO;
	m = text_to_nul(p, n, 8, 64, &end);
	if (m != APP_YES || p[4])
		return as(m, APP_WEAK);
	if (p[5] || p[6])
		return APP_NO;
	if (n > end + 1 && !is_alnum(p[end + 1]))
		return APP_NO;
	return as(text_to_nul(p, n, end + 1, 255, &end), APP_WEAK);
}

/* Is one of these methods offered twice? */
static bool
socks5_repeats(const uint8_t *methods, size_t n)
{
	unsigned had = 0;

	while (n--) {
		if (had >> *methods & 1)
			return true;
		had |= 1u << *methods++;
	}
	return false;
}

/* Behind the methods: a command for an address of one of three kinds (RFC 1928 4). */
static enum app_match
socks5_request(const uint8_t *p, size_t n)
{
	if (n < 4 || p[0] != 5 || p[1] == 0 || p[1] > 3 || p[2] != 0)
		return APP_HINT;
	return p[3] == 1 || p[3] == 3 || p[3] == 4 ? APP_YES : APP_HINT;
}

enum app_match
socks_client(const uint8_t *p, size_t n)
{
	size_t i;

	if (p[0] == 4)
		return socks4_request(p, n);
	if (n > 1 && (p[1] == 0 || p[1] > 10))
		return APP_NO;
	for (i = 2; n > 1 && i < n && i < 2u + p[1]; i++)
		if (p[i] > 9)	/* those that are assigned: private ones claim too much */
			return APP_NO;
	if (n > 1 && socks5_repeats(p + 2, n - 2 < p[1] ? n - 2 : p[1]))
		return APP_NO;
	if (n < 2 || n < 2u + p[1])
		return APP_MORE;
	return socks5_request(p + 2 + p[1], n - 2 - p[1]);
}

enum app_match
socks_server(const uint8_t *p, size_t n)
{
	if (n < 2)
		return APP_MORE;
	if (p[0] == 5)
		return p[1] <= 2 || p[1] == 0xff ? APP_HINT : APP_NO;
	return p[1] >= 0x5a && p[1] <= 0x5d ? APP_HINT : APP_NO;
}

/* The version is the same, and the method is none or one of those that were offered. */
bool
socks_agree(const uint8_t *client, const uint8_t *server)
{
	if (client[0] == 4 || server[0] != 5)
		return client[0] == 4 && server[0] == 0;
	return server[1] == 0xff || memchr(client + 2, server[1], client[1]);
}

/* --- routing, tunnels --- */

enum app_match
bgp_either(const uint8_t *p, size_t n)
{
	static const uint8_t marker[16] = { 255, 255, 255, 255, 255, 255, 255, 255,
					    255, 255, 255, 255, 255, 255, 255, 255 };
	enum app_match m = match_bytes(p, n, 0, marker, sizeof marker);

	if (m != APP_YES || n < 19)
		return m == APP_YES ? APP_MORE : m;
	if (be16(p + 16) < 19 || be16(p + 16) > 4096 || p[18] == 0 || p[18] > 5)
		return APP_NO;
	return APP_YES;
}

enum {
	OPENVPN_RESET = 14,	/* opcode, session, no acknowledgements, packet 0 */
	OPENVPN_COUNTER = 8,	/* tls-auth and tls-crypt: a counter and the time */
	OPENVPN_CRYPT = OPENVPN_RESET + OPENVPN_COUNTER + 32,
};

/* A session's 8 random bytes: so many pairs of the same come by chance once in 10^5. */
static bool
openvpn_session(const uint8_t *p)
{
	unsigned i, k, same = 0;

	for (i = 0; i < 8; i++)
		for (k = 0; k < i; k++)
			same += p[i] == p[k];
	return same < 6;
}

/* Is it as long as tls-auth's HMAC makes it, and the first that is counted? */
static bool
openvpn_auth(const uint8_t *p, size_t len)
{
	static const uint8_t hmac[] = { 16, 20, 28, 32, 48, 64 };

	if (len < OPENVPN_RESET + OPENVPN_COUNTER ||
	    !memchr(hmac, (int)(len - OPENVPN_RESET - OPENVPN_COUNTER), sizeof hmac))
		return false;
	return be32(p + 2 + len - 5 - OPENVPN_COUNTER) - 1 < 16;
}

/*
 * A reset of the client: opcode 7 of key 0.  With a HMAC in front (tls-auth) its end is still an
 * empty list of acknowledgements and packet 0; where that is encrypted (tls-crypt), the counter of
 * its own, 1, is in the clear.  Opcode 10 (tls-crypt-v2) has the client's key behind it.
 */
enum app_match
openvpn_client(const uint8_t *p, size_t n)
{
	static const uint8_t nothing[5];
	size_t len;

	if (n < 3)
		return APP_MORE;
	len = be16(p);
	if (p[2] == 10 << 3) {
		if (len < OPENVPN_CRYPT + 32 || len > 1500)
			return APP_NO;
		return n < 15 ? APP_MORE : (be32(p + 11) & 0xffffff) == 1 ? APP_YES : APP_NO;
	}
	if (p[2] != 7 << 3 || len < OPENVPN_RESET || len > 128)
		return APP_NO;
	if (n < 2 + len)
		return n < 11 || openvpn_session(p + 3) ? APP_MORE : APP_NO;
	if (!openvpn_session(p + 3))
		return APP_NO;
	if (memcmp(p + 2 + len - 5, nothing, 5) == 0 &&
	    (len == OPENVPN_RESET || openvpn_auth(p, len)))
		return APP_YES;
	return len == OPENVPN_CRYPT && be32(p + 11) == 1 ? APP_YES : APP_NO;
}

enum app_match
openvpn_server(const uint8_t *p, size_t n)
{
	if (n < 3)
		return APP_MORE;
	return p[2] == 8 << 3 && be16(p) >= 14 && be16(p) <= 160 ? APP_HINT : APP_NO;
}

/* A control message with the cookie; `other`: the type that only the other end sends first. */
static enum app_match
pptp_either(const uint8_t *p, size_t n, uint8_t other)
{
	static const uint8_t want[] = { 0, 1, 0x1a, 0x2b, 0x3c, 0x4d, 0 };
	enum app_match m;

	if (n > 1 && (p[0] != 0 || p[1] < 12 || p[1] > 168))
		return APP_NO;
	m = match_bytes(p, n, 2, want, sizeof want);
	if (m != APP_YES || n < 10)
		return m == APP_YES ? APP_MORE : m;
	return p[9] >= 1 && p[9] <= 15 && p[9] != other ? APP_YES : APP_NO;
}

enum app_match
pptp_client(const uint8_t *p, size_t n)
{
	return pptp_either(p, n, 2);
}

enum app_match
pptp_server(const uint8_t *p, size_t n)
{
	return pptp_either(p, n, 1);
}

static const uint8_t stun_cookie[] = { 0x21, 0x12, 0xa4, 0x42 };

/* Behind a length of two bytes (RFC 4571 2), as media between peers has it. */
static enum app_match
stun_framed(const uint8_t *p, size_t n)
{
	if (n > 2 && p[2] > 1)
		return APP_NO;
	if (n > 5 && be16(p) != be16(p + 4) + 20)
		return APP_NO;
	return match_bytes(p, n, 6, stun_cookie, sizeof stun_cookie);
}

enum app_match
stun_either(const uint8_t *p, size_t n)
{
	enum app_match framed = stun_framed(p, n), plain;

	if (n > 3 && be16(p + 2) % 4 != 0)
		return framed;
	plain = match_bytes(p, n, 4, stun_cookie, sizeof stun_cookie);
	return plain > framed ? plain : framed;
}
