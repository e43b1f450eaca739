/*
 * recognise.h - what a recogniser of one direction of one protocol is, and what it is made of.
 *
 * A recogniser is a pure function of the first `n` > 0 bytes of a direction, at most APP_LOOK.
 * It is monotonous: what it says of a prefix it says of every continuation, except that APP_MORE
 * can become anything and that APP_HINT and APP_WEAK can become stronger.  That is what makes the
 * answer the same however the bytes are cut.  tests/prop/app.c holds every row to it.
 */
#ifndef LEAT_VNF_APP_RECOGNISE_H
#define LEAT_VNF_APP_RECOGNISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum app_match {
	APP_NO,
	APP_MORE,		/* possible; more bytes are needed */
	APP_HINT,		/* fits, and tells something only with the other direction's */
	APP_WEAK,		/* enough, where nothing else is possible and both were heard */
	APP_YES,
};

typedef enum app_match app_recogniser(const uint8_t *p, size_t n);

/* Do the two directions, each of which fits by itself, belong together? */
typedef bool app_agreement(const uint8_t *client, const uint8_t *server);

/* How a row's side is told. */
#define SILENT
#define BYTES(literal)
#define ANY
#define BY(fn, ...) app_recogniser fn;
#define STAYS
#define AGREED(fn) app_agreement fn;
#define TLS_AFTER(verb)
#define TLS_AT(fn) size_t fn(const uint8_t *p, size_t n);
#define PROTOCOL(id, label, reference, client, server, upgrade) client server upgrade
#include "vnf/app/protocols.def"
#undef PROTOCOL
#undef SILENT
#undef BYTES
#undef ANY
#undef BY
#undef STAYS
#undef AGREED
#undef TLS_AFTER
#undef TLS_AT

static inline uint32_t
be16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static inline uint32_t
be32(const uint8_t *p)
{
	return be16(p) << 16 | be16(p + 2);
}

static inline uint32_t
le16(const uint8_t *p)
{
	return (uint32_t)p[1] << 8 | p[0];
}

static inline uint32_t
le32(const uint8_t *p)
{
	return le16(p + 2) << 16 | le16(p);
}

static inline bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static inline bool
is_upper(uint8_t c)
{
	return c >= 'A' && c <= 'Z';
}

static inline bool
is_lower(uint8_t c)
{
	return c >= 'a' && c <= 'z';
}

static inline bool
is_alnum(uint8_t c)
{
	return is_digit(c) || is_upper(c) || is_lower(c);
}

static inline bool
is_print(uint8_t c)
{
	return c >= 0x20 && c < 0x7f;
}

/*
 * At `at`, are there the `len` bytes of `want`?  APP_MORE while what is there of them agrees.
 * `match_text` takes a string, `match_word` ignores the case of letters.
 */
enum app_match match_bytes(const uint8_t *p, size_t n, size_t at, const void *want, size_t len);
enum app_match match_text(const uint8_t *p, size_t n, size_t at, const char *want);
enum app_match match_word(const uint8_t *p, size_t n, size_t at, const char *want);

/* The best of match_word() over a list that ends with NULL. */
enum app_match match_any(const uint8_t *p, size_t n, size_t at, const char *const *words);

/* The length of the first line without its end; `n` if there is no line feed yet. */
size_t line_length(const uint8_t *p, size_t n);
bool line_ended(const uint8_t *p, size_t n);

/* Is `word` somewhere in these bytes? */
bool has_word(const uint8_t *p, size_t n, const char *word);

/* `strength` where `m` is APP_YES, else `m`. */
static inline enum app_match
as(enum app_match m, enum app_match strength)
{
	return m == APP_YES ? strength : m;
}

#endif
