/*
 * of_kafka.c - recogniser: Kafka.  Many protocols begin with a length and small numbers, so a call
 * is read as far as its kind tells what has to be there.
 */
#include "vnf/app/app.h"
#include "vnf/app/recognise.h"

#include <string.h>

/* Length, key and version of the call, its number, the client's name. */
enum {
	KAFKA_PRODUCE,
	KAFKA_FETCH,
	KAFKA_METADATA = 3,
	KAFKA_API_VERSIONS = 18,
	KAFKA_KEYS = 93,
	KAFKA_VERSIONS = 20,	/* of produce and fetch; of all others */
	KAFKA_VERSIONS_OTHER = 14,
	KAFKA_HEADER = 14,
};

/* How long a client waits is said in ms: at most an hour. */
static bool
kafka_waits(const uint8_t *p)
{
	return be32(p) <= 3600 * 1000;
}

/* How many topics, and the first's name: letters, digits, '.', '_' and '-', at most 249. */
static enum app_match
kafka_topics(const uint8_t *p, size_t n, size_t at)
{
	if (n < at + 7)
		return APP_MORE;
	if (be32(p + at) - 1 > UINT16_MAX || be16(p + at + 4) - 1 >= 249)
		return APP_NO;
	return is_alnum(p[at + 6]) || strchr("._-", p[at + 6]) ? APP_YES : APP_NO;
}

/* Metadata: of all topics, of none, or of some, then at most three flags; or with tags. */
static enum app_match
kafka_metadata(const uint8_t *p, size_t n, size_t at, uint32_t version)
{
	if (n < at + 4)
		return n > at && version >= 9 && p[at] != 0 ? APP_NO : APP_MORE;
	if (version >= 9)
		return p[at] == 0 ? APP_YES : APP_NO;
	if (be32(p + at) != 0 && be32(p + at) != UINT32_MAX)
		return kafka_topics(p, n, at);
	return be32(p) + 4 - (at + 4) <= 3 ? APP_YES : APP_NO;
}

/* Produce: a transaction's name or none, whose answers are wanted, how long, how many topics. */
static enum app_match
kafka_produce(const uint8_t *p, size_t n, size_t at, uint32_t version)
{
	static const uint8_t none[] = { 0xff, 0xff }, none_compact[] = { 0, 0 };
	enum app_match m;

	if (version >= 3) {
		m = match_bytes(p, n, at, version < 9 ? none : none_compact, 2);
		if (m != APP_YES)
			return m;
		at += 2;
	}
	if (n < at + 7)
		return APP_MORE;
	if ((be16(p + at) > 1 && be16(p + at) != 0xffff) || !kafka_waits(p + at + 2))
		return APP_NO;
	if (version < 9)
		return kafka_topics(p, n, at + 6);
	return p[at + 6] > 1 ? APP_YES : APP_NO;
}

/* Fetch: who copies, if a broker does, how long it waits, how many bytes it wants at least. */
static enum app_match
kafka_fetch(const uint8_t *p, size_t n, size_t at, uint32_t version)
{
	if (n > at && version >= 12 && p[at++] != 0)
		return APP_NO;
	if (n < at + 12)
		return APP_MORE;
	if (version < 15 && be32(p + at) != UINT32_MAX && be32(p + at) > UINT16_MAX)
		return APP_NO;
	at += version < 15 ? 4 : 0;
	return kafka_waits(p + at) && be32(p + at + 4) <= INT32_MAX ? APP_YES : APP_NO;
}

/* Who asks for versions: nothing more, or a program's name in a version with tags. */
static enum app_match
kafka_asks(const uint8_t *p, size_t n, size_t at, uint32_t version)
{
	static const uint8_t none[4];

	if (version < 3 && be32(p) + 4 == at)
		return APP_YES;
	if (version < 3 && be32(p) == at)	/* librdkafka of old: a list of none */
		return match_bytes(p, n, at, none, sizeof none);
	if (version < 3)
		return APP_NO;
	if (be32(p) + 4 < at + 4 || (n > at && p[at] != 0))
		return APP_NO;
	if (n < at + 3)
		return APP_MORE;
	return p[at + 1] > 1 && p[at + 1] < 128 && is_alnum(p[at + 2]) ? APP_YES : APP_NO;
}

/* The same client's next call, of the next number. */
static enum app_match
kafka_again(const uint8_t *p, size_t n, size_t at)
{
	const size_t next = 4 + (size_t)be32(p), name = KAFKA_HEADER - 2;

	if (be32(p) + 4 <= at || be32(p) > APP_LOOK)
		return APP_NO;
	if (n < next + at)
		return APP_MORE;
	return be32(p + next + 8) == be32(p + 8) + 1 &&
			       memcmp(p + next + name, p + name, at - name) == 0
		       ? APP_YES
		       : APP_NO;
}

/* What is behind the name; where a few bytes of it tell too little, another call has to follow. */
static enum app_match
kafka_body(const uint8_t *p, size_t n, size_t at)
{
	const uint32_t version = be16(p + 6);

	switch (be16(p + 4)) {
	case KAFKA_PRODUCE:
		return kafka_produce(p, n, at, version);
	case KAFKA_FETCH:
		return kafka_fetch(p, n, at, version);
	case KAFKA_API_VERSIONS:
		return kafka_asks(p, n, at, version);
	case KAFKA_METADATA:
		return kafka_metadata(p, n, at, version);
	default:
		return kafka_again(p, n, at);
	}
}

enum app_match
kafka_client(const uint8_t *p, size_t n)
{
	uint32_t len;
	bool begins;
	size_t i;

	if (n > 3 && be32(p) < 10)
		return APP_NO;
	if (n > 5 && be16(p + 4) > KAFKA_KEYS)
		return APP_NO;
	if (n > 7 &&
	    be16(p + 6) > (be16(p + 4) <= KAFKA_FETCH ? KAFKA_VERSIONS : KAFKA_VERSIONS_OTHER))
		return APP_NO;
	if (n > 8 && p[8] != 0)	/* 16 million calls by one connection */
		return APP_NO;
	if (n < KAFKA_HEADER)
		return APP_MORE;
	len = be16(p + 12);
	if (be16(p + 4) == KAFKA_API_VERSIONS && be32(p) == 10 && be16(p + 6) < 3)
		return len == 0 || len == 0xffff ? APP_YES : APP_NO;	/* no name */
	if (len == 0 || len > 255 || len > be32(p) - 10)
		return APP_NO;
	for (i = KAFKA_HEADER; i < n && i < KAFKA_HEADER + len; i++)
		if (!is_print(p[i]))
			return APP_NO;
	if (i < KAFKA_HEADER + len)
		return APP_MORE;
	begins = be16(p + 4) == KAFKA_API_VERSIONS || be16(p + 4) == KAFKA_METADATA;
	if (len < 3 && !begins)
		return APP_NO;
	return as(kafka_body(p, n, i), len < 3 || !is_alnum(p[KAFKA_HEADER]) ? APP_WEAK : APP_YES);
}

/* --- NATS: INFO, then CONNECT; lines with words from the middle --- */

enum app_match
nats_client(const uint8_t *p, size_t n)
{
	enum app_match m = match_text(p, n, 0, "CONNECT {");

	return m != APP_NO ? m
			   : as(match_any(p, n, 0,
					  (const char *const[]){ "PUB ", "HPUB ", "SUB ", "UNSUB ",
								 "PING\r\n", "PONG\r\n", NULL }),
				APP_HINT);
}

enum app_match
nats_server(const uint8_t *p, size_t n)
{
	enum app_match m = match_text(p, n, 0, "INFO {");

	return m != APP_NO ? m
			   : as(match_any(p, n, 0,
					  (const char *const[]){ "MSG ", "+OK\r", "-ERR ", NULL }),
				APP_HINT);
}
