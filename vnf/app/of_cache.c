/*
 * of_cache.c - recognisers: caches.
 */
#include "vnf/app/recognise.h"

#include <string.h>

/* --- Redis --- */

/* A line of words is a command, too. */
static const char *const redis_inline[] = {
	"PING\r\n",   "PING\n",	   "INFO\r\n",	 "MONITOR\r\n", "SYNC\r\n",    "SET ",
	"GET ",	      "DEL ",	   "KEYS ",	 "EXISTS ",	"SELECT ",     "AUTH ",
	"INCR ",      "CONFIG ",   "HELLO ",	 "CLIENT ",	"COMMAND\r\n", "DBSIZE\r\n",
	"FLUSHALL\r", "FLUSHDB\r", "SUBSCRIBE ", "LPUSH ",	"RPUSH ",      "HGETALL ",
	"HSET ",      "TTL ",	   "EXPIRE ",	 "MGET ",	"MSET ",       "ECHO ",
	"PUBLISH ",   "EVAL ",	   "PSYNC ",	 "REPLCONF ",	NULL
};

/* A line of words; AUTH has a password behind it, or is mail's, with a mechanism (RFC 4422). */
static enum app_match
redis_line(const uint8_t *p, size_t n)
{
	enum app_match m = as(match_any(p, n, 0, redis_inline), APP_HINT);

	if (m != APP_HINT || match_word(p, n, 0, "AUTH ") != APP_YES)
		return m;
	if (!line_ended(p, n))
		return APP_MORE;
	return match_any(p, n, 5,
			 (const char *const[]){ "PLAIN", "LOGIN", "CRAM-", "NTLM", "GSSAPI",
						"XOAUTH2", "DIGEST-", "SCRAM-", "OAUTHBEARER",
						"EXTERNAL", "ANONYMOUS", NULL }) == APP_YES
		       ? APP_NO
		       : APP_HINT;
}

enum app_match
redis_client(const uint8_t *p, size_t n)
{
	size_t i;

	if (p[0] != '*')
		return redis_line(p, n);
	for (i = 1; i < n && i < 8 && is_digit(p[i]); i++)
		;
	if (i == n)
		return i < 8 ? APP_MORE : APP_NO;
	if (i == 1)
		return APP_NO;
	return match_text(p, n, i, "\r\n$");
}

enum app_match
redis_server(const uint8_t *p, size_t n)
{
	size_t i;

	if (p[0] == '+' || p[0] == '-') {
		enum app_match m =
			match_any(p, n, 0,
				  (const char *const[]){ "+PONG\r", "-NOAUTH ", "-DENIED ",
							 "-LOADING ", "-MOVED ", NULL });

		return m != APP_NO
			       ? as(m, APP_WEAK)
			       : as(match_any(p, n, 0,
					      (const char *const[]){ "+OK\r", "-ERR ", "+QUEUED",
								     "+FULLRESYNC ", "+CONTINUE",
								     "-WRONG", NULL }),
				    APP_HINT);
	}
	for (i = 1; i < n && i < 12 && (is_digit(p[i]) || (i == 1 && p[i] == '-')); i++)
		;
	if (i == n)
		return i < 12 ? APP_MORE : APP_NO;
	return i > 1 ? as(match_text(p, n, i, "\r\n"), APP_HINT) : APP_NO;
}

/* --- memcached --- */

enum { MEMCACHED_BODY = 8 << 20, MEMCACHED_STATUS = 0x100, MEMCACHED_KEY = 250 };

/*
 * Header of the binary protocol: operation, the lengths of key and extras, a type that is 0, the
 * whole length.  What is in its body adds up; where nothing is, it tells little.
 */
static enum app_match
memcached_binary(const uint8_t *p, size_t n)
{
	uint32_t parts;

	if (n > 1 && p[1] > 0x48)
		return APP_NO;
	if (n > 3 && be16(p + 2) > MEMCACHED_KEY)
		return APP_NO;
	if (n > 5 && (p[4] > 20 || p[4] % 4 || p[5] != 0))
		return APP_NO;
	if (n < 12)
		return APP_MORE;
	parts = be16(p + 2) + p[4];
	if (be32(p + 8) < parts || be32(p + 8) > MEMCACHED_BODY)
		return APP_NO;
	return be32(p + 8) ? APP_YES : APP_HINT;
}

/* A body is a key with what its operation adds to it: one that a counter is to have, or a value. */
static enum app_match
memcached_request(const uint8_t *p, size_t n)
{
	enum app_match m = memcached_binary(p, n);
	size_t i;

	if (m != APP_YES)
		return m;
	if (be16(p + 2) == 0)	/* to be flushed later; hello */
		return p[1] == 8 || p[1] == 0x18 || p[1] == 0x1f ? APP_HINT : APP_NO;
	for (i = 25 + p[4]; i < n && i < 24u + p[4] + be16(p + 2); i++)
		if (p[i] < ' ')
			return APP_NO;
	return n < 24u + p[4] + be16(p + 2) ? APP_MORE : APP_YES;
}

static enum app_match
memcached_response(const uint8_t *p, size_t n)
{
	enum app_match m = memcached_binary(p, n);

	return n > 7 && be16(p + 6) >= MEMCACHED_STATUS ? APP_NO : m;
}

/* A key, then `more` numbers, then the line's end or "noreply". */
static enum app_match
memcached_line(const uint8_t *p, size_t n, size_t at, unsigned more)
{
	size_t len = line_length(p, n), i;
	unsigned words = 0;

	for (i = at; i < len; i++) {
		if (p[i] == '\r' && i + 1 == n)
			return APP_MORE;
		if (p[i] < ' ')
			return APP_NO;
		if (p[i] == ' ')
			continue;
		words += p[i - 1] == ' ';
		if (p[i - 1] == ' ' && match_text(p, len, i, "HTTP/") == APP_YES)
			return APP_NO;
		if (words > 1 && words <= 1 + more && !is_digit(p[i]) && p[i] != '-')
			return APP_NO;
	}
	if (!line_ended(p, n))
		return APP_MORE;
	if (p[2] == 'l' && is_digit(p[at]) && is_digit(p[len - 1]))
		return APP_NO;	/* beanstalkd's jobs have numbers */
	return words > more && p[len] == '\r' ? APP_YES : APP_NO;
}

enum app_match
memcached_client(const uint8_t *p, size_t n)
{
	static const struct {
		const char *verb;
		unsigned more;	/* numbers after the key */
		enum app_match strength;
	} form[] = {
		{ "set ", 3, APP_YES },
		{ "add ", 3, APP_YES },
		{ "replace ", 3, APP_YES },
		{ "append ", 3, APP_YES },
		{ "prepend ", 3, APP_YES },
		{ "cas ", 4, APP_YES },
		{ "get ", 0, APP_WEAK },
		{ "gets ", 0, APP_WEAK },
		{ "delete ", 0, APP_WEAK },
		{ "incr ", 1, APP_WEAK },
		{ "decr ", 1, APP_WEAK },
		{ "touch ", 1, APP_WEAK },
		{ "gat ", 0, APP_HINT },
		{ "gats ", 0, APP_HINT },
		{ "lru_crawler ", 0, APP_HINT },
		{ "watch ", 0, APP_HINT },
		{ "cache_memlimit ", 0, APP_HINT },
		{ "mg ", 0, APP_HINT },
		{ "ms ", 1, APP_HINT },
		{ "md ", 0, APP_HINT },
		{ "ma ", 0, APP_HINT },
		{ "me ", 0, APP_HINT },
		{ "slabs ", 0, APP_HINT },
		{ "stats ", 0, APP_HINT },
		{ "verbosity ", 0, APP_HINT },
	};
	enum app_match best = APP_NO;
	size_t i;

	if (p[0] == 0x80)
		return memcached_request(p, n);
	if (match_text(p, n, 0, "stats \r\n") == APP_YES)	/* libmemcached's */
		return APP_HINT;
	for (i = 0; i < sizeof form / sizeof *form; i++) {
		enum app_match m = match_text(p, n, 0, form[i].verb);

		if (m == APP_YES)
			return as(memcached_line(p, n, strlen(form[i].verb), form[i].more),
				  form[i].strength);
		best = m > best ? m : best;
	}
	if (is_lower(p[0])) {
		enum app_match m = match_any(p, n, 0,
					     (const char *const[]){ "stats\r\n", "version\r\n",
								    "flush_all", "mn\r\n", NULL });

		return as(m > best ? m : best, APP_HINT);
	}
	return best;
}

/* An answer with something in it. */
static enum app_match
memcached_told(const uint8_t *p, size_t n)
{
	enum app_match value = match_text(p, n, 0, "VALUE "), stat, stored;

	if (value == APP_YES)
		return as(memcached_line(p, n, 6, 2), APP_WEAK);
	stat = match_text(p, n, 0, "STAT ");
	if (stat == APP_YES)
		return as(memcached_line(p, n, 5, 1), APP_WEAK);
	stored = as(
		match_any(p, n, 0, (const char *const[]){ "STORED\r\n", "NOT_STORED\r\n", NULL }),
		APP_WEAK);
	return stored > APP_MORE   ? stored
	       : value == APP_MORE ? value
	       : stat > stored	   ? stat
				   : stored;
}

enum app_match
memcached_server(const uint8_t *p, size_t n)
{
	enum app_match m, hint;
	size_t i;

	if (p[0] == 0x81)
		return memcached_response(p, n);
	if (is_digit(p[0])) {	/* what was counted */
		for (i = 1; i < n && i < 20 && is_digit(p[i]); i++)
			;
		return as(match_text(p, n, i, "\r\n"), APP_HINT);
	}
	m = memcached_told(p, n);
	if (m >= APP_HINT)
		return m;
	hint = as(match_any(p, n, 0,
			    (const char *const[]){ "END\r\n", "VERSION ", "NOT_FOUND\r\n",
						   "DELETED\r\n", "ERROR\r\n", "OK\r\n",
						   "TOUCHED\r\n", "EXISTS\r\n", "CLIENT_ERROR ",
						   "SERVER_ERROR ", "EN\r\n", "HD", "VA ", "MN\r\n",
						   "ME ", "NS", "NF", "EX", NULL }),
		  APP_HINT);
	return m > hint ? m : hint;
}
