/*
 * of_net.c - recognisers: TLS, DNS, who is who, remote procedures.
 */
#include "vnf/app/recognise.h"

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
	if (p[5] == 0 || p[5] == 14)	/* nothing is in these */
		return p[6] == 0 && be16(p + 7) == 0 ? APP_WEAK : APP_NO;
	return be16(p + 7) || p[6] ? APP_WEAK : APP_NO;
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

/* --- who is who --- */

/*
 * What is of the connection itself: Capabilities-Exchange, Device-Watchdog, Disconnect-Peer; or a
 * session's message, whose first AVP is its Session-Id (RFC 6733 8.8).
 */
enum app_match
diameter_either(const uint8_t *p, size_t n)
{
	static const uint8_t session_id[] = { 0, 0, 1, 7, 0x40, 0 };
	uint32_t command;

	if (n > 3 && ((be32(p) & 0xffffff) < 20 || p[3] % 4))
		return APP_NO;
	if (n > 4 && p[4] & 0x0f)
		return APP_NO;
	if (n < 12)
		return APP_MORE;
	command = be32(p + 4) & 0xffffff;
	if ((command == 257 || command == 280 || command == 282) && be32(p + 8) == 0)
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

/* Changes, comparisons, what is given up; their results, references, what comes between. */
static const char ldap_rarer[] = "\x66\x68\x4a\x6c\x6e\x50"
				 "\x67\x69\x6b\x6d\x6f\x73\x79";

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
	if (strchr(ldap_rarer, p[i]))
		return p[i + 1] > 0 && p[i + 1] <= 0x84 ? APP_HINT : APP_NO;
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
	return ldap_either(p, n, "\x60\x63\x77\x42\x66\x68\x4a\x6c\x6e\x50");
}

enum app_match
ldap_server(const uint8_t *p, size_t n)
{
	return ldap_either(p, n, "\x61\x64\x65\x78\x67\x69\x6b\x6d\x6f\x73\x79");
}

/* --- remote procedures --- */

/* A record of one fragment, of less than 4 MB; what it holds begins at 4. */
static enum app_match
sunrpc_record(const uint8_t *p, size_t n, uint32_t type)
{
	if (n > 1 && p[1] >= 0x40)
		return APP_NO;
	if (n > 3 && (be32(p) & 0xffffff) < (type ? 20 : 40))
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
