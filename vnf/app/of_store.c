/*
 * of_store.c - recognisers: databases.
 */
#include "vnf/app/recognise.h"

#include <string.h>

/* --- MySQL: a packet is a length of 3 bytes, a number, and what follows --- */

enum { MYSQL_SSL_REQUEST = 32, MYSQL_CLIENT_PROTOCOL_41 = 0x0200, MYSQL_CLIENT_SSL = 0x0800 };

/* Instead of a greeting: an error's number and its text. */
static enum app_match
mysql_refusal(const uint8_t *p, size_t n)
{
	size_t i;

	if (p[3] != 0 || p[1] > 1 || (n > 6 && (le16(p + 5) < 1000 || le16(p + 5) > 4200)))
		return APP_NO;
	for (i = 7; i < n && i < 17; i++)
		if (!is_print(p[i]))
			return APP_NO;
	return n < 17 ? APP_MORE : APP_WEAK;
}

/* Protocol 10, a version, a thread, 8 bytes of challenge, 0. */
enum app_match
mysql_server(const uint8_t *p, size_t n)
{
	static const uint8_t order[] = { 0, 10 };
	enum app_match m;
	bool dot = false;
	size_t i;

	if (n > 2 && (p[2] != 0 || p[1] > 3))
		return APP_NO;
	if (n > 4 && p[4] == 0xff)
		return mysql_refusal(p, n);
	m = match_bytes(p, n, 3, order, sizeof order);
	if (m != APP_YES)
		return m;
	for (i = 5; i < n && p[i]; i++) {
		if (!is_print(p[i]) || (i == 5 && !is_digit(p[i])) || i > 5 + 80)
			return APP_NO;
		dot |= p[i] == '.';
	}
	if (n <= i + 13)
		return APP_MORE;
	return i > 7 && dot && p[i + 13] == 0 ? APP_YES : APP_NO;
}

/* Capabilities, the longest packet, a character set, 19 zeros or more. */
enum app_match
mysql_client(const uint8_t *p, size_t n)
{
	static const uint8_t zero[19];

	if (n > 2 && (p[2] != 0 || p[1] > 15 || (p[1] == 0 && p[0] < MYSQL_SSL_REQUEST)))
		return APP_NO;
	if (n > 3 && p[3] != 1)
		return APP_NO;
	if (n > 5 && !(le16(p + 4) & MYSQL_CLIENT_PROTOCOL_41))
		return APP_NO;
	if (n > 13)
		return match_bytes(p, n, 13, zero, sizeof zero);
	return APP_MORE;
}

/* TLS may begin behind a packet of 32 bytes that asks for it. */
size_t
mysql_tls(const uint8_t *p, size_t n)
{
	return n >= 6 && le32(p) == (MYSQL_SSL_REQUEST | 1 << 24) && p[5] & MYSQL_CLIENT_SSL >> 8
		       ? 4 + MYSQL_SSL_REQUEST
		       : 0;
}

/* --- PostgreSQL --- */

enum { PG_SSL_REQUEST = 80877103, PG_GSS_REQUEST = 80877104, PG_CANCEL_REQUEST = 80877102 };

/* A parameter's name of the start-up message. */
static enum app_match
pg_parameter(const uint8_t *p, size_t n)
{
	size_t i;

	for (i = 8; i < n && p[i]; i++)
		if ((!is_lower(p[i]) && p[i] != '_' && p[i] != '.') || i > 40)
			return APP_NO;
	if (i == n)
		return APP_MORE;
	return i >= 12 ? APP_YES : APP_NO;
}

enum app_match
postgresql_client(const uint8_t *p, size_t n)
{
	static const uint8_t version[] = { 0, 3, 0 };
	uint32_t code;
	enum app_match m;

	if (n > 3 && (be32(p) < 8 || be32(p) > 10000))
		return APP_NO;
	m = match_bytes(p, n, 4, version, sizeof version);
	if (m == APP_NO && p[4] != PG_SSL_REQUEST >> 24)
		return APP_NO;
	if (n < 8)
		return APP_MORE;
	code = be32(p + 4);
	if (code == PG_SSL_REQUEST || code == PG_GSS_REQUEST)
		return be32(p) == 8 ? APP_YES : APP_NO;
	if (code == PG_CANCEL_REQUEST)
		return be32(p) >= 16 ? APP_YES : APP_NO;
	return m == APP_YES && p[7] <= 9 ? pg_parameter(p, n) : APP_NO;
}

/* What is asked for, with its length: nothing, a password, MD5's salt, SASL's texts. */
static enum app_match
pg_authentication(const uint8_t *p, size_t n)
{
	const uint32_t len = be32(p + 1);

	switch (p[8]) {
	case 0:
	case 3:
	case 7:
	case 9:
		return len == 8 ? APP_YES : APP_NO;
	case 5:
		return len == 12 ? APP_YES : APP_NO;
	case 10:
		return match_text(p, n, 9, "SCRAM-");
	case 11:
		return match_text(p, n, 9, "r=");
	case 12:
		return match_text(p, n, 9, "v=");
	default:
		return len > 8 && p[8] == 8 ? APP_HINT : APP_NO;
	}
}

/* Authentication, an error, or the one letter that answers a request for TLS. */
enum app_match
postgresql_server(const uint8_t *p, size_t n)
{
	if (p[0] == 'S' || p[0] == 'N') {
		if (n < 2)
			return APP_MORE;
		return p[1] == (p[0] == 'S' ? 0x16 : 'R') ? APP_HINT : APP_NO;
	}
	if (n > 2 && (p[1] || p[2]))
		return APP_NO;
	if (n > 4 && be32(p + 1) < 8)
		return APP_NO;
	if (p[0] == 'E') {
		if (n > 5 && p[5] != 'S')
			return APP_NO;
		return match_any(p, n, 6, (const char *const[]){ "ERROR", "FATAL", "PANIC", NULL });
	}
	if (n > 7 && (p[5] || p[6] || p[7]))
		return APP_NO;
	return n < 9 ? APP_MORE : pg_authentication(p, n);
}

size_t
postgresql_tls(const uint8_t *p, size_t n)
{
	return n >= 8 && be32(p + 4) == PG_SSL_REQUEST ? 8 : 0;
}

/* --- Microsoft SQL Server: type, status, length, process, number, window --- */

static enum app_match
tds_header(const uint8_t *p, size_t n)
{
	if (n > 1 && p[1] > 1)
		return APP_NO;
	if (n > 3 && be16(p + 2) < 9)
		return APP_NO;
	if (n > 7 && (p[6] > 1 || p[7] != 0))
		return APP_NO;
	return n > 8 ? APP_YES : APP_MORE;
}

/*
 * The first option of PRELOGIN is the version, of 6 bytes, which are behind all options of 5 bytes
 * and the one that ends them; all of it is in one packet.
 */
static enum app_match
tds_prelogin(const uint8_t *p, size_t n)
{
	static const uint8_t six[] = { 0, 6 };
	enum app_match m;

	if (p[1] != 1 || (n > 9 && (p[8] != 0 || p[9] != 0)))
		return APP_NO;
	if (n > 10 && (p[10] < 6 || be16(p + 2) < 8u + p[10] + 6))
		return APP_NO;
	if (n > 13 && p[13] == 0)
		return APP_NO;
	m = match_bytes(p, n, 11, six, sizeof six);
	return m == APP_YES && n < 14 ? APP_MORE : m;
}

/* A batch, a call or a transaction of a session whose beginning was not seen: MS-TDS 2.2.5.3. */
static enum app_match
tds_request(const uint8_t *p, size_t n)
{
	static const uint8_t headers[] = { 22, 0, 0, 0, 18, 0, 0, 0, 2, 0 };

	if (n > 1 && p[1] & ~9)
		return APP_NO;
	if (n > 3 && be16(p + 2) < 8 + 22)
		return APP_NO;
	if (n > 7 && (p[6] > 1 || p[7] != 0))
		return APP_NO;
	return match_bytes(p, n, 8, headers, sizeof headers);
}

enum app_match
mssql_client(const uint8_t *p, size_t n)
{
	enum app_match m;

	if (p[0] < 0x10)
		return tds_request(p, n);
	m = tds_header(p, n);
	if (m != APP_YES)
		return m;
	if (p[0] == 0x12)
		return tds_prelogin(p, n);
	if (n < 16)
		return APP_MORE;
	if (p[1] & 1 ? le32(p + 8) != be16(p + 2) - 8
		     : le32(p + 8) < be16(p + 2) || le32(p + 8) > 128 << 10)
		return APP_NO;	/* all of it, or what is behind is in the next packets */
	return p[15] >= 0x70 && p[15] <= 0x74 ? APP_YES : APP_NO;
}

enum app_match
mssql_server(const uint8_t *p, size_t n)
{
	enum app_match m = tds_header(p, n);

	if (m != APP_YES)
		return m;
	if (p[8] == 0)
		return tds_prelogin(p, n);
	return p[8] == 0xe3 || p[8] == 0xaa || p[8] == 0xad ? APP_HINT : APP_NO;
}

/* --- Oracle's TNS: length, checksum 0, type, flags, checksum 0 --- */

/* APP_YES: the header is good, its type is p[4]. */
static enum app_match
tns_header(const uint8_t *p, size_t n)
{
	if (n > 1 && be16(p) < 8)
		return APP_NO;
	if (n > 3 && be16(p + 2) != 0)
		return APP_NO;
	if (n < 8)
		return APP_MORE;
	return be16(p + 6) == 0 && p[5] < 0x40 ? APP_YES : APP_NO;
}

/* Versions 300 to 330. */
static enum app_match
tns_version(const uint8_t *p, size_t n)
{
	if (n > 8 && p[8] != 1)
		return APP_NO;
	return n < 10 ? APP_MORE : p[9] >= 44 && p[9] <= 74 ? APP_YES : APP_NO;
}

enum app_match
oracle_client(const uint8_t *p, size_t n)
{
	enum app_match m = n > 4 && p[4] != 1 ? APP_NO : tns_header(p, n);

	return m == APP_YES ? tns_version(p, n) : m;
}

enum app_match
oracle_server(const uint8_t *p, size_t n)
{
	enum app_match m = tns_header(p, n);

	if (m != APP_YES)
		return m;
	switch (p[4]) {
	case 2:			/* accept */
		return tns_version(p, n);
	case 4:			/* refuse */
	case 5:			/* redirect */
		return APP_HINT;
	case 11:		/* resend */
		return be16(p) == 8 ? APP_YES : APP_NO;
	default:
		return APP_NO;
	}
}

/* --- MongoDB: length, request, answer to, operation, all little-endian --- */

enum { MONGODB_MAX = 48000000 };	/* bytes of a message: maxMessageSizeBytes */

/* A document at `at` (bsonspec.org): its length, at most `max`; its first element, or its end. */
static enum app_match
bson_document(const uint8_t *p, size_t n, size_t at, uint32_t max)
{
	if (n < at + 5)
		return APP_MORE;
	if (le32(p + at) < 5 || le32(p + at) > max)
		return APP_NO;
	if (p[at + 4] == 0)
		return le32(p + at) == 5 ? APP_YES : APP_NO;
	if (p[at + 4] > 0x13 && p[at + 4] != 0x7f && p[at + 4] != 0xff)
		return APP_NO;
	if (n < at + 6)
		return APP_MORE;
	return is_print(p[at + 5]) ? APP_YES : APP_NO;
}

/* OP_MSG: flags, then the kind of the first section, a document or the name of a sequence. */
static enum app_match
mongodb_message(const uint8_t *p, size_t n)
{
	if (n > 19 && le32(p + 16) & ~UINT32_C(0x10003))
		return APP_NO;
	if (n > 20 && p[20] > 1)
		return APP_NO;
	if (n < 26)
		return APP_MORE;
	if (p[20] == 0)
		return bson_document(p, n, 21, le32(p) - 21);
	return le32(p + 21) >= 5 && le32(p + 21) <= le32(p) - 21 && is_lower(p[25]) ? APP_YES
										    : APP_NO;
}

/* OP_REPLY: flags, a cursor, where it starts, how many documents, the first of them. */
static enum app_match
mongodb_reply(const uint8_t *p, size_t n)
{
	if (le32(p) < 36 || (n > 19 && le32(p + 16) > 15))
		return APP_NO;
	if (n < 36)
		return APP_MORE;
	if (le32(p + 32) == 0)
		return le32(p) == 36 ? APP_WEAK : APP_NO;
	return bson_document(p, n, 36, le32(p) - 36);
}

/* At `at`, "database.collection" and its NUL. */
static enum app_match
mongodb_collection(const uint8_t *p, size_t n, size_t at)
{
	bool dot = false;
	size_t i;

	for (i = at; i < n && p[i]; i++) {
		if (!is_print(p[i]) || i > at + 255)
			return APP_NO;
		dot |= i > at && p[i] == '.';
	}
	return i == n ? APP_MORE : dot ? APP_YES : APP_NO;
}

/* The older ones: 0 or flags, then a collection's name; 0, how many cursors; a database's name. */
static enum app_match
mongodb_older(const uint8_t *p, size_t n, uint32_t operation)
{
	if (operation == 2010)
		return n < 17 ? APP_MORE : is_alnum(p[16]) ? APP_WEAK : APP_NO;
	if (n < 20)
		return APP_MORE;
	if (le32(p + 16) > (operation == 2004 ? 255u : operation == 2002 ? 1u : 0u))
		return APP_NO;
	if (operation != 2007)
		return mongodb_collection(p, n, 20);
	if (n < 24)
		return APP_MORE;
	return le32(p + 20) > 0 && le32(p) == 24 + 8 * (uint64_t)le32(p + 20) ? APP_YES : APP_NO;
}

/* OP_COMPRESSED: what is compressed, its length, by what. */
static enum app_match
mongodb_compressed(const uint8_t *p, size_t n)
{
	uint32_t inside;

	if (n < 25)
		return APP_MORE;
	inside = le32(p + 16);
	if (le32(p + 20) == 0 || le32(p + 20) > MONGODB_MAX)
		return APP_NO;
	return (inside == 1 || (inside >= 2001 && inside <= 2013)) && p[24] <= 3 ? APP_YES : APP_NO;
}

static enum app_match
mongodb_either(const uint8_t *p, size_t n, const uint16_t *operations)
{
	uint32_t operation;

	if (n > 3 && (le32(p) < 20 || le32(p) > MONGODB_MAX))
		return APP_NO;
	if (n < 16)
		return APP_MORE;
	operation = le32(p + 12);
	while (*operations && *operations != operation)
		operations++;
	switch (*operations) {
	case 0:
		return APP_NO;
	case 2013:
		return mongodb_message(p, n);
	case 2012:
		return mongodb_compressed(p, n);
	case 1:
		return mongodb_reply(p, n);
	default:
		return mongodb_older(p, n, operation);
	}
}

enum app_match
mongodb_client(const uint8_t *p, size_t n)
{
	static const uint16_t requests[] = {
		2001, 2002, 2004, 2005, 2006, 2007, 2010, 2012, 2013, 0
	};

	if (n > 11 && le32(p + 8) != 0 && le32(p + 8) != UINT32_MAX)	/* answers nothing */
		return APP_NO;
	return mongodb_either(p, n, requests);
}

enum app_match
mongodb_server(const uint8_t *p, size_t n)
{
	static const uint16_t replies[] = { 1, 2011, 2012, 2013, 0 };

	return mongodb_either(p, n, replies);
}

/* --- Cassandra's CQL: version, flags, stream, operation, length --- */

/* STARTUP: how many options, and the first's name, "CQL_VERSION" or another. */
static enum app_match
cassandra_options(const uint8_t *p, size_t n)
{
	size_t i;

	if (n < 4)
		return n > 1 && (be16(p) == 0 || be16(p) > 15) ? APP_NO : APP_MORE;
	if (be16(p) == 0 || be16(p) > 15 || be16(p + 2) < 3 || be16(p + 2) > 63)
		return APP_NO;
	for (i = 4; i < n && i < 4 + be16(p + 2); i++)
		if (!is_upper(p[i]) && p[i] != '_')
			return APP_NO;
	return i < 4 + be16(p + 2) ? APP_MORE : APP_YES;
}

/* The frame that asks for a connection of `version`. */
static enum app_match
cassandra_startup(const uint8_t *p, size_t n, uint8_t version)
{
	const size_t at = version < 3 ? 3 : 4;

	if (n < at + 5)
		return APP_MORE;
	if (p[0] != version || p[at] != 1 || be32(p + at + 1) < 22 || be32(p + at + 1) > 4096)
		return APP_NO;
	return cassandra_options(p + at + 5, n - at - 5);
}

enum app_match
cassandra_client(const uint8_t *p, size_t n)
{
	size_t at = p[0] < 3 ? 3 : 4;	/* versions 1 and 2 have streams of one byte */

	if (n > 1 && p[1] != 0 && p[1] != 0x10)	/* nothing is agreed on yet; a beta's version */
		return APP_NO;
	if (n <= at)
		return APP_MORE;
	if (p[at] != 1 && p[at] != 5)
		return APP_NO;
	if (n < at + 5)
		return APP_MORE;
	if (p[at] == 5) {	/* is said by many: RTMP can begin like that of version 3 */
		if (be32(p + at + 1) != 0)
			return APP_NO;
		return cassandra_startup(p + at + 5, n - at - 5, p[0]) == APP_YES ? APP_YES
										  : APP_HINT;
	}
	return cassandra_startup(p, n, p[0]);
}

/* Operation and length; an error's text, an authenticator's name, or the first of some options. */
static enum app_match
cassandra_answer(const uint8_t *p, size_t n)
{
	const uint32_t len = be32(p + 1);

	if (p[0] == 2)
		return len == 0 ? APP_WEAK : APP_NO;
	if (p[0] == 3)
		return n < 7					   ? APP_MORE
		       : be16(p + 5) > 0 && be16(p + 5) == len - 2 ? APP_WEAK
								   : APP_NO;
	if (p[0] == 6) {
		if (n < 9)
			return APP_MORE;
		return be16(p + 5) - 1 < 16 && be16(p + 7) - 1 < 64 ? APP_WEAK : APP_NO;
	}
	if (n < 12)
		return APP_MORE;
	if (be32(p + 5) > 0x2500 || len < 7 || be16(p + 9) == 0 || be16(p + 9) > len - 6)
		return APP_NO;
	return is_print(p[11]) ? APP_WEAK : APP_NO;
}

enum app_match
cassandra_server(const uint8_t *p, size_t n)
{
	size_t at = (p[0] & 0x7f) < 3 ? 3 : 4;

	if (n > 1 && p[1] > 0x1f)
		return APP_NO;
	if (n > at && p[at] != 0 && p[at] != 2 && p[at] != 3 && p[at] != 6)
		return APP_NO;
	if (n > at + 2 && (p[at + 1] || p[at + 2]))
		return APP_NO;
	return n < at + 5 ? APP_MORE : cassandra_answer(p + at, n - at);
}
