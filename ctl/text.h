/*
 * text.h - text that is being composed, and the escapes it needs.
 *
 * A growing buffer with a sticky failure: compose without checking, ask once at
 * the end.  Owned by whoever holds the struct; no thread but its owner's may
 * touch it.  No global state.
 */
#ifndef LEAT_CTL_TEXT_H
#define LEAT_CTL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
	char *s;	/* NUL-terminated once anything was put, else NULL */
	size_t len;	/* bytes, without the NUL */
	size_t cap;
	bool failed;	/* memory ran out: what is here is incomplete */
};

#define TEXT_EMPTY ((struct text){ .s = NULL })

/* Frees the bytes; the struct may be used again. */
void text_fini(struct text *t);

void text_put(struct text *t, const char *s, size_t n);
void text_puts(struct text *t, const char *s);
void text_fill(struct text *t, char c, size_t n);
void text_printf(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Hands the bytes to the caller, who frees them, and leaves `t` empty.  Never
 * NULL for an empty text; NULL if memory ran out.
 */
char *text_steal(struct text *t);

/*
 * Puts `n` bytes so that they can do no harm on a terminal: control characters
 * (C0, DEL, C1), the bidirectional overrides and bytes that are not UTF-8 become
 * \n, \t, \r, \xNN or \uNNNN, and a backslash is doubled so that the result is
 * not ambiguous.
 */
void text_put_terminal(struct text *t, const char *s, size_t n);

/*
 * As text_put_terminal, for whole output: new lines, tabs and backslashes stay.
 */
void text_put_screen(struct text *t, const char *s, size_t n);

/*
 * Puts `n` bytes as the inside of a JSON string (RFC 8259 section 7), without
 * the quotes.  Bytes that are not UTF-8 become U+FFFD.
 */
void text_put_json(struct text *t, const char *s, size_t n);

/*
 * Puts `n` bytes as one CSV field, in quotes where RFC 4180 section 2 asks for
 * them.  Line breaks and tabs are kept (in quotes), other control characters
 * are escaped as text_put_terminal does.
 */
void text_put_csv(struct text *t, const char *s, size_t n);

/* The number of columns that `n` bytes of UTF-8 take: one a code point. */
size_t text_width(const char *s, size_t n);

#endif
