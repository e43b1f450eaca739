/*
 * stream.c - see stream.h.
 */
#include "ctl/stream.h"

#include <stdio.h>
#include <string.h>

void
ctl_stream_init(struct ctl_stream *st, ctl_sink *sink, void *aux)
{
	st->state = STREAM_BEGIN;
	st->sink = sink;
	st->aux = aux;
	st->depth = st->n_hex = 0;
	st->in_string = st->escaped = false;
	st->unit = st->high = 0;
	st->n_out = st->n_tail = 0;
}

static void
flush(struct ctl_stream *st)
{
	if (st->n_out && st->state != STREAM_REFUSED && !st->sink(st->aux, st->out, st->n_out))
		st->state = STREAM_REFUSED;
	st->n_out = 0;
}

static void
put(struct ctl_stream *st, char c)
{
	if (st->n_out == sizeof st->out)
		flush(st);
	st->out[st->n_out++] = c;
}

/* As UTF-8 (RFC 3629). */
static void
put_code_point(struct ctl_stream *st, uint32_t c)
{
	if (c < 0x80) {
		put(st, (char)c);
		return;
	}
	if (c < 0x800) {
		put(st, (char)(0xc0 | c >> 6));
	} else {
		if (c < 0x10000) {
			put(st, (char)(0xe0 | c >> 12));
		} else {
			put(st, (char)(0xf0 | c >> 18));
			put(st, (char)(0x80 | (c >> 12 & 0x3f)));
		}
		put(st, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	put(st, (char)(0x80 | (c & 0x3f)));
}

/* A unit of UTF-16 is read; a surrogate without its other half becomes U+FFFD. */
static void
take_unit(struct ctl_stream *st)
{
	uint32_t high = st->high, unit = st->unit;

	st->high = 0;
	if (high && unit >= 0xdc00 && unit < 0xe000) {
		put_code_point(st, 0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00));
		return;
	}
	if (high)
		put_code_point(st, 0xfffd);
	if (unit >= 0xd800 && unit < 0xdc00)
		st->high = unit;
	else
		put_code_point(st, unit >= 0xdc00 && unit < 0xe000 ? 0xfffd : unit);
}

static bool
take_hex(struct ctl_stream *st, char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + ('a' - 'A') : c) : NULL;

	if (!at)
		return false;
	st->unit = st->unit << 4 | (uint32_t)(at - digits);
	if (--st->n_hex == 0)
		take_unit(st);
	return true;
}

static bool
take_escape(struct ctl_stream *st, char c)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at = c ? strchr(from, c) : NULL;

	st->escaped = false;
	if (c == 'u') {
		st->n_hex = 4;
		st->unit = 0;
		return true;
	}
	if (at)
		put(st, to[at - from]);
	return at != NULL;
}

/* One byte of a string (RFC 8259 section 7). */
static void
take_of_string(struct ctl_stream *st, char c)
{
	bool ok = true;

	if (st->n_hex) {
		ok = take_hex(st, c);
	} else if (st->escaped) {
		ok = take_escape(st, c);
	} else if (c == '\\') {
		st->escaped = true;
	} else {
		if (st->high)
			put_code_point(st, 0xfffd);
		st->high = 0;
		if (c == '"')
			st->state = STREAM_TAIL;
		else
			put(st, c);
	}
	if (!ok)
		st->state = STREAM_BROKEN;
}

static void
take_of_array(struct ctl_stream *st, char c)
{
	put(st, c);
	if (st->escaped)
		st->escaped = false;
	else if (st->in_string) {
		st->escaped = c == '\\';
		st->in_string = c != '"';
	} else if (c == '"') {
		st->in_string = true;
	} else if (c == '[' || c == '{') {
		st->depth++;
	} else if ((c == ']' || c == '}') && --st->depth == 0) {
		put(st, '\n');
		st->state = STREAM_TAIL;
	}
}

/* ,"error":null} or ,"error":"text"} */
static void
take_of_tail(struct ctl_stream *st, char c)
{
	if (st->n_tail < sizeof st->tail)
		st->tail[st->n_tail++] = c;
	if (st->escaped) {
		st->escaped = false;
	} else if (st->in_string) {
		st->escaped = c == '\\';
		st->in_string = c != '"';
	} else if (c == '"') {
		st->in_string = true;
	} else if (c == '}') {
		st->state = STREAM_DONE;
	}
}

size_t
ctl_stream_add(struct ctl_stream *st, const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n && st->state < STREAM_DONE; i++) {
		if (st->state == STREAM_STRING)
			take_of_string(st, s[i]);
		else if (st->state == STREAM_ARRAY)
			take_of_array(st, s[i]);
		else
			take_of_tail(st, s[i]);
	}
	flush(st);
	return i;
}

size_t
ctl_stream_begin(struct ctl_stream *st, int id, const char *s, size_t n)
{
	char prefix[48];
	size_t len = (size_t)snprintf(prefix, sizeof prefix, "{\"id\":%d,\"result\":", id);

	if (n < len + 1) {
		if (memcmp(s, prefix, n < len ? n : len) != 0)
			st->state = STREAM_OTHER;
		return 0;
	}
	if (memcmp(s, prefix, len) != 0 || (s[len] != '"' && s[len] != '[')) {
		st->state = STREAM_OTHER;
		return 0;
	}
	st->state = s[len] == '"' ? STREAM_STRING : STREAM_ARRAY;
	if (st->state == STREAM_STRING)
		len++;
	return len + ctl_stream_add(st, s + len, n - len);
}
