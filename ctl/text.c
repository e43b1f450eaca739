/*
 * text.c - see text.h.
 *
 * All three escapes walk the text by code point: utf8_next() is the only place
 * that knows UTF-8, and refuses what RFC 3629 refuses (overlong forms,
 * surrogates, beyond U+10FFFF), so that nothing hides from the checks.
 */
#include "ctl/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TEXT_FIRST = 256,	/* bytes of the first allocation */
	TEXT_ROOM = 64,		/* bytes that most formats need less than */
	BAD_BYTE = 0x110000,	/* no code point: a byte that is not UTF-8 */
};

/* Room for `n` more bytes and the NUL. */
static bool
reserve(struct text *t, size_t n)
{
	size_t cap = t->cap ? t->cap : TEXT_FIRST;
	char *s;

	if (t->failed)
		return false;
	if (n >= SIZE_MAX / 4 - t->len) {
		t->failed = true;
		return false;
	}
	while (cap < t->len + n + 1)
		cap *= 2;
	if (cap == t->cap)
		return true;
	s = realloc(t->s, cap);
	if (!s) {
		t->failed = true;
		return false;
	}
	t->s = s;
	t->cap = cap;
	return true;
}

void
text_fini(struct text *t)
{
	free(t->s);
	*t = TEXT_EMPTY;
}

void
text_put(struct text *t, const char *s, size_t n)
{
	if (!reserve(t, n))
		return;
	if (n)
		memcpy(t->s + t->len, s, n);
	t->len += n;
	t->s[t->len] = '\0';
}

void
text_puts(struct text *t, const char *s)
{
	text_put(t, s, strlen(s));
}

void
text_fill(struct text *t, char c, size_t n)
{
	if (!reserve(t, n))
		return;
	memset(t->s + t->len, c, n);
	t->len += n;
	t->s[t->len] = '\0';
}

void
text_printf(struct text *t, const char *fmt, ...)
{
	va_list ap;
	size_t room;
	int n;

	if (!reserve(t, TEXT_ROOM))
		return;
	/* Mostly it fits at once. */
	room = t->cap - t->len;
	va_start(ap, fmt);
	n = vsnprintf(t->s + t->len, room, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n >= room && reserve(t, (size_t)n)) {
		va_start(ap, fmt);
		n = vsnprintf(t->s + t->len, (size_t)n + 1, fmt, ap);
		va_end(ap);
	}
	if (n < 0)
		t->failed = true;
	if (t->failed)
		t->s[t->len] = '\0';
	else
		t->len += (size_t)n;
}

char *
text_steal(struct text *t)
{
	char *s;

	text_put(t, "", 0);
	s = t->failed ? NULL : t->s;
	if (!s)
		free(t->s);
	*t = TEXT_EMPTY;
	return s;
}

/*
 * The code point that begins at `s`, of `n` > 0 bytes, and its length; BAD_BYTE
 * and 1 where there is none.
 */
static uint32_t
utf8_next(const unsigned char *s, size_t n, size_t *len)
{
	static const uint32_t lowest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t cp;
	size_t i, need;

	*len = 1;
	if (s[0] < 0x80)
		return s[0];
	if (s[0] >= 0xc0 && s[0] < 0xe0) {
		need = 2;
		cp = s[0] & 0x1fu;
	} else if (s[0] >= 0xe0 && s[0] < 0xf0) {
		need = 3;
		cp = s[0] & 0x0fu;
	} else if (s[0] >= 0xf0 && s[0] < 0xf8) {
		need = 4;
		cp = s[0] & 0x07u;
	} else {
		return BAD_BYTE;
	}
	if (n < need)
		return BAD_BYTE;
	for (i = 1; i < need; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return BAD_BYTE;
		cp = cp << 6 | (s[i] & 0x3fu);
	}
	if (cp < lowest[need] || cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000))
		return BAD_BYTE;
	*len = need;
	return cp;
}

static bool
is_control(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0);
}

/* They reorder what a terminal shows around them (Unicode UAX 9). */
static bool
is_bidi_control(uint32_t cp)
{
	return cp == 0x061c || cp == 0x200e || cp == 0x200f || (cp >= 0x202a && cp <= 0x202e) ||
	       (cp >= 0x2066 && cp <= 0x2069) || cp == 0x2028 || cp == 0x2029;
}

/* Puts the escape of the code point `cp`, or of the byte `byte` that is none. */
static void
put_escape(struct text *t, uint32_t cp, unsigned char byte)
{
	if (cp == '\\')
		text_puts(t, "\\\\");
	else if (cp == '\n')
		text_puts(t, "\\n");
	else if (cp == '\r')
		text_puts(t, "\\r");
	else if (cp == '\t')
		text_puts(t, "\\t");
	else if (cp == BAD_BYTE || cp < 0x80)
		text_printf(t, "\\x%02x", byte);
	else
		text_printf(t, "\\u%04x", (unsigned)cp);
}

/* Puts `s` escaped, but leaves the characters of `keep` as they are. */
static void
put_harmless(struct text *t, const char *s, size_t n, const char *keep)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t i, len, run = 0;

	for (i = 0; i < n; i += len) {
		uint32_t cp = utf8_next(p + i, n - i, &len);

		if (cp != '\\' && cp != BAD_BYTE && !is_control(cp) && !is_bidi_control(cp))
			continue;
		if (cp && cp < 0x80 && strchr(keep, (int)cp))
			continue;
		text_put(t, s + run, i - run);
		run = i + len;
		put_escape(t, cp, p[i]);
	}
	text_put(t, s + run, n - run);
}

void
text_put_terminal(struct text *t, const char *s, size_t n)
{
	put_harmless(t, s, n, "");
}

void
text_put_screen(struct text *t, const char *s, size_t n)
{
	put_harmless(t, s, n, "\n\t\\");
}

void
text_put_json(struct text *t, const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t i, len, run = 0;

	for (i = 0; i < n; i += len) {
		uint32_t cp = utf8_next(p + i, n - i, &len);

		if (cp != '"' && cp != '\\' && cp != BAD_BYTE && !is_control(cp))
			continue;
		text_put(t, s + run, i - run);
		run = i + len;
		if (cp == '"' || cp == '\\')
			text_printf(t, "\\%c", (int)cp);
		else if (cp == '\n')
			text_puts(t, "\\n");
		else if (cp == BAD_BYTE)
			text_puts(t, "\\ufffd");
		else
			text_printf(t, "\\u%04x", (unsigned)cp);
	}
	text_put(t, s + run, n - run);
}

void
text_put_csv(struct text *t, const char *s, size_t n)
{
	struct text field = TEXT_EMPTY;
	bool quoted;
	size_t i;

	put_harmless(&field, s, n, "\r\n\t\\");
	if (field.failed)
		t->failed = true;
	quoted = field.len && (field.s[strcspn(field.s, ",\"\r\n\t")] || field.s[0] == ' ' ||
			       field.s[field.len - 1] == ' ');
	if (!quoted) {
		text_put(t, field.len ? field.s : "", field.len);
	} else {
		text_puts(t, "\"");
		for (i = 0; i < field.len; i++)
			text_put(t, field.s[i] == '"' ? "\"\"" : field.s + i,
				 field.s[i] == '"' ? 2 : 1);
		text_puts(t, "\"");
	}
	text_fini(&field);
}

size_t
text_width(const char *s, size_t n)
{
	size_t i, len, width = 0;

	for (i = 0; i < n; i += len, width++)
		utf8_next((const unsigned char *)s + i, n - i, &len);
	return width;
}
