/*
 * of_net.c - recognisers: TLS, DNS, and what carries or steers other traffic.
 */
#include "vnf/app/recognise.h"
#include "vnf/app/table.h"

#include <string.h>

/* --- TLS --- */

enum { TLS_RECORD_MAX = 16384 + 256 };	/* RFC 8446 5.2 */

/* RFC 5246 E.2: a ClientHello in the framing of SSL 2. */
static enum app_match
ssl2_hello(const uint8_t *p, size_t n)
{
	const uint8_t want[] = { 1, 3 };
	enum app_match m = match_bytes(p, n, 2, want, sizeof want);

	if (m != APP_YES || n < 11)
		return m == APP_YES ? APP_MORE : m;
	if (p[4] > 3 || be16(p + 5) % 3 != 0 || be16(p + 5) == 0)
		return APP_NO;
	if (be16(p + 7) != 0 && be16(p + 7) != 16)
		return APP_NO;
	return be16(p + 9) >= 16 && be16(p + 9) <= 32 ? APP_YES : APP_NO;
}

/* The five bytes of a record's header; APP_YES: they are good and a byte follows. */
static enum app_match
tls_record(const uint8_t *p, size_t n)
{
	if (n > 1 && p[1] != 3)
		return APP_NO;
	if (n > 2 && p[2] > 4)
		return APP_NO;
	if (n > 4 && (be16(p + 3) == 0 || be16(p + 3) > TLS_RECORD_MAX))
		return APP_NO;
	return n > 5 ? APP_YES : APP_MORE;
}

/* A message of a handshake whose beginning was not seen. */
static enum app_match
tls_later_message(const uint8_t *p, size_t n)
{
	static const uint8_t messages[] = { 0, 4, 8, 11, 12, 13, 14, 15, 16, 20, 22 };

	if (!memchr(messages, p[5], sizeof messages) || be16(p + 3) < 4)
		return APP_NO;
	if (n > 6 && p[6] > 1)
		return APP_NO;
	if (n < 9)
		return APP_MORE;
	return p[5] != 14 || be16(p + 7) == 0 ? APP_WEAK : APP_NO;
}

/* "Change cipher spec", the byte 1, then another record. */
static enum app_match
tls_change(const uint8_t *p, size_t n)
{
	if (be16(p + 3) != 1 || p[5] != 1)
		return APP_NO;
	if (n > 6 && (p[6] < 20 || p[6] > 23))
		return APP_NO;
	return n < 8 ? APP_MORE : p[7] == 3 ? APP_WEAK : APP_NO;
}

/* A handshake, which begins with the message `hello`, an alert, or data. */
static enum app_match
tls_either(const uint8_t *p, size_t n, uint8_t hello)
{
	enum app_match m = tls_record(p, n);

	if (m != APP_YES)
		return m;
	if (p[0] == 20)
		return tls_change(p, n);
	if (p[0] == 23) {	/* a tag and something in it */
		if (be16(p + 3) < 17)
			return APP_NO;
		return p[2] > 0 && p[2] < 4 ? APP_WEAK : APP_HINT;
	}
	if (p[0] == 21) {
		if (be16(p + 3) != 2)
			return be16(p + 3) >= 18 ? APP_HINT : APP_NO;
		return p[5] == 1 || p[5] == 2 ? APP_WEAK : APP_NO;
	}
	if (p[5] != hello)
		return tls_later_message(p, n);
	if (n > 6 && p[6] != 0)
		return APP_NO;
	return n > 9 ? (p[9] == 3 ? APP_YES : APP_NO) : APP_MORE;
}

enum app_match
tls_client(const uint8_t *p, size_t n)
{
	return p[0] == 0x80 ? ssl2_hello(p, n) : tls_either(p, n, 1);
}

enum app_match
tls_server(const uint8_t *p, size_t n)
{
	return tls_either(p, n, 2);
}

/* --- DNS over TCP --- */

enum { DNS_HEADER = 2 + 12 };

/* The end of a name without compression; 0: not there yet, -1: it is none. */
static int
dns_name_end(const uint8_t *p, size_t n, size_t at)
{
	size_t start = at, i;

	while (at < n && p[at] != 0) {
		if (p[at] > 63)
			return -1;
		for (i = at + 1; i <= at + p[at] && i < n; i++)
			if (p[i] < ' ' || p[i] == 0x7f)	/* RFC 6763 4.1.1: others are in use */
				return -1;
		at += 1 + p[at];
		if (at - start > 254)
			return -1;
	}
	return at < n ? (int)at + 1 : 0;
}

static enum app_match
dns_question(const uint8_t *p, size_t n)
{
	int at = dns_name_end(p, n, DNS_HEADER);
	uint32_t type, class;

	if (at <= 0 || n < (size_t)at + 4)
		return at < 0 ? APP_NO : APP_MORE;
	type = be16(p + at);
	class = be16(p + at + 2);
	if (type == 0 || (type > 264 && type != 32768 && type != 32769 && type < 65280))
		return APP_NO;
	return class == 1 || class == 3 || class == 4 || class == 254 || class == 255 ? APP_YES
										      : APP_NO;
}

/* Flags: QR, opcode, AA, TC, RD / RA, Z, AD, CD, rcode. */
static enum app_match
dns_either(const uint8_t *p, size_t n, bool response)
{
	uint32_t opcode;

	if (n >= 2 && be16(p) < 12 + 5)
		return APP_NO;
	if (n > 4 && (p[4] >> 7 != response || (p[4] >> 3 & 15) > 5 || (p[4] >> 3 & 15) == 3))
		return APP_NO;
	if (n > 5 && (p[5] & 0x40 || (p[5] & 15) > (response ? 11 : 0)))
		return APP_NO;
	if (n >= 8 && be16(p + 6) != 1)
		return APP_NO;
	if (n < DNS_HEADER)
		return APP_MORE;
	opcode = p[4] >> 3 & 15;
	if (!response && opcode == 0 && (be16(p + 8) != 0 || be16(p + 10) > 1 || be16(p + 12) > 2))
		return APP_NO;
	return n == DNS_HEADER ? APP_MORE : dns_question(p, n);
}

enum app_match
dns_client(const uint8_t *p, size_t n)
{
	return p[0] >= 0x10 ? APP_NO : dns_either(p, n, false);	/* no question has 4 KB */
}

enum app_match
dns_server(const uint8_t *p, size_t n)
{
	return dns_either(p, n, true);
}

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

/* --- who is who --- */

/* Capabilities-Exchange and Device-Watchdog, which begin a connection; or a session's message,
 * whose first AVP is its Session-Id (RFC 6733 8.8). */
enum app_match
diameter_either(const uint8_t *p, size_t n)
{
	static const uint8_t session_id[] = { 0, 0, 1, 7, 0x40, 0 };
	uint32_t command;

	if (n > 3 && (be32(p) & 0xffffff) < 20)
		return APP_NO;
	if (n > 4 && p[4] & 0x0f)
		return APP_NO;
	if (n < 12)
		return APP_MORE;
	command = be32(p + 4) & 0xffffff;
	if ((command == 257 || command == 280) && be32(p + 8) == 0)
		return APP_YES;
	return command == 257 ? APP_NO : match_bytes(p, n, 20, session_id, sizeof session_id);
}

/* A length, then an application tag of ASN.1 whose content begins with protocol version 5. */
static enum app_match
kerberos_either(const uint8_t *p, size_t n, const char *tags, uint8_t field)
{
	const uint8_t version[] = { field, 3, 2, 1, 5 };
	size_t i = 4, k;

	if (n > 1 && p[1] != 0)
		return APP_NO;
	if (n > 4 && (p[4] == 0 || !strchr(tags, p[4])))
		return APP_NO;
	for (k = 0; k < 2; k++) {
		if (n > i && k == 1 && p[i] != 0x30)
			return APP_NO;
		i++;	/* the tag */
		if (n <= i)
			return APP_MORE;
		if (p[i] > 0x83 || p[i] == 0x80)
			return APP_NO;
		i += p[i] > 0x80 ? 1 + (p[i] & 3) : 1;
	}
	return match_bytes(p, n, i, version, sizeof version);
}

enum app_match
kerberos_client(const uint8_t *p, size_t n)
{
	return kerberos_either(p, n, "\x6a\x6c", 0xa1);
}

enum app_match
kerberos_server(const uint8_t *p, size_t n)
{
	return kerberos_either(p, n, "\x6b\x6d\x7e", 0xa0);
}

/* LDAPMessage: its length, a message id, the operation's tag. */
static enum app_match
ldap_either(const uint8_t *p, size_t n, const char *operations)
{
	enum app_match m;
	size_t i = 2;

	if (n < 2)
		return APP_MORE;
	if (p[1] > 0x84 || p[1] == 0x80 || p[1] < 5)
		return APP_NO;
	i += p[1] > 0x80 ? p[1] & 7 : 0;
	if (n > i && p[i] != 2)
		return APP_NO;
	if (n > i + 1 && (p[i + 1] == 0 || p[i + 1] > 4))
		return APP_NO;
	if (n <= i + 1)
		return APP_MORE;
	i += 2 + p[i + 1];
	if (n > i && (p[i] == 0 || !strchr(operations, p[i])))
		return APP_NO;
	if (n <= i + 1)
		return APP_MORE;
	if (p[i] == 0x42)
		return p[i + 1] == 0 ? APP_WEAK : APP_NO;
	if (p[i] != 0x60)
		return p[i + 1] > 1 && p[i + 1] <= 0x84 ? APP_WEAK : APP_NO;
	i += p[i + 1] > 0x80 ? 2 + (p[i + 1] & 7) : 2;
	m = match_bytes(p, n, i, "\2\1", 2);
	if (m != APP_YES || n < i + 3)
		return m == APP_YES ? APP_MORE : m;
	return p[i + 2] == 2 || p[i + 2] == 3 ? APP_YES : APP_NO;	/* its version */
}

enum app_match
ldap_client(const uint8_t *p, size_t n)
{
	return ldap_either(p, n, "\x60\x63\x77\x42");
}

enum app_match
ldap_server(const uint8_t *p, size_t n)
{
	return ldap_either(p, n, "\x61\x64\x65\x78");
}

/* --- remote procedures --- */

/* A record of one fragment; what it holds begins at 4. */
static enum app_match
sunrpc_record(const uint8_t *p, size_t n, uint32_t type)
{
	if (n > 1 && p[1] != 0)
		return APP_NO;
	if (n > 3 && (be32(p) & 0xffffff) < 24)
		return APP_NO;
	if (n >= 12 && be32(p + 8) != type)
		return APP_NO;
	return n >= 20 ? APP_YES : APP_MORE;
}

enum app_match
sunrpc_client(const uint8_t *p, size_t n)
{
	enum app_match m = sunrpc_record(p, n, 0);

	if (m != APP_YES)
		return m;
	return be32(p + 12) == 2 && be32(p + 16) != 0 ? APP_YES : APP_NO;
}

enum app_match
sunrpc_server(const uint8_t *p, size_t n)
{
	enum app_match m = sunrpc_record(p, n, 1);

	if (m != APP_YES)
		return m;
	return be32(p + 12) <= 1 && be32(p + 16) <= 6 ? APP_YES : APP_NO;
}
