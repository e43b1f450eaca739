/*
 * recognise.c - see recognise.h.
 */
#include "vnf/app/recognise.h"

#include <string.h>
#include <strings.h>

enum app_match
match_bytes(const uint8_t *p, size_t n, size_t at, const void *want, size_t len)
{
	size_t have;

	if (n <= at)
		return APP_MORE;
	have = n - at < len ? n - at : len;
	if (memcmp(p + at, want, have) != 0)
		return APP_NO;
	return have == len ? APP_YES : APP_MORE;
}

enum app_match
match_text(const uint8_t *p, size_t n, size_t at, const char *want)
{
	return match_bytes(p, n, at, want, strlen(want));
}

enum app_match
match_word(const uint8_t *p, size_t n, size_t at, const char *want)
{
	size_t len, have;

	if (n <= at)
		return APP_MORE;
	/* Most are refused here: letters of one kind are alike but for this bit. */
	if ((p[at] | 0x20) != ((uint8_t)want[0] | 0x20))
		return APP_NO;
	len = strlen(want);
	have = n - at < len ? n - at : len;
	if (strncasecmp((const char *)p + at, want, have) != 0)
		return APP_NO;
	return have == len ? APP_YES : APP_MORE;
}

enum app_match
match_any(const uint8_t *p, size_t n, size_t at, const char *const *words)
{
	enum app_match best = APP_NO, m;

	if (n <= at)
		return *words ? APP_MORE : APP_NO;
	for (; *words && best != APP_YES; words++) {
		/* nearly all differ in their first letter, in more than its case */
		if ((p[at] ^ (uint8_t) * *words) & 0xdf)
			continue;
		m = match_word(p, n, at, *words);
		best = m > best ? m : best;
	}
	return best;
}

bool
line_ended(const uint8_t *p, size_t n)
{
	return memchr(p, '\n', n) != NULL;
}

size_t
line_length(const uint8_t *p, size_t n)
{
	const uint8_t *end = memchr(p, '\n', n);

	if (!end)
		return n;
	return (size_t)(end - p) - (end > p && end[-1] == '\r');
}

bool
has_word(const uint8_t *p, size_t n, const char *word)
{
	return memmem(p, n, word, strlen(word)) != NULL;
}
