/*
 * pattern.c - see pattern.h.
 */
#include "vnf/pattern.h"

#include <string.h>
#include <strings.h>

static bool
name_is(const char *pattern, size_t n_pattern, const char *name, size_t n)
{
	n -= n > 0 && name[n - 1] == '.';
	n_pattern -= n_pattern > 0 && pattern[n_pattern - 1] == '.';
	if (n_pattern >= 2 && pattern[0] == '*' && pattern[1] == '.') {
		if (n < n_pattern)
			return false;
		name += n - (n_pattern - 1);
		return strncasecmp(pattern + 1, name, n_pattern - 1) == 0;
	}
	return n == n_pattern && strncasecmp(pattern, name, n) == 0;
}

bool
pattern_is_name(const char *pattern, const char *name)
{
	return name_is(pattern, strlen(pattern), name, strlen(name));
}

size_t
pattern_host_length(const char *host)
{
	const char *colon = strrchr(host, ':');

	if (!colon || colon[1 + strspn(colon + 1, "0123456789")] != '\0')
		return strlen(host);
	/* An IPv6 address has colons, and stands in brackets where a port follows. */
	if (memchr(host, ':', (size_t)(colon - host)) && colon[-1] != ']')
		return strlen(host);
	return (size_t)(colon - host);
}

bool
pattern_is_host(const char *pattern, const char *host)
{
	const size_t n = strlen(pattern), n_host = strlen(host);

	if (pattern_host_length(pattern) < n)
		return name_is(pattern, n, host, n_host);
	return name_is(pattern, n, host, pattern_host_length(host));
}

static bool
is_among(const char *word, const char *list, const char *separators)
{
	const size_t len = strlen(word);
	size_t n;

	for (;; list += n + 1) {
		n = strcspn(list, separators);
		if (n == len && memcmp(list, word, n) == 0)
			return true;
		if (list[n] == '\0')
			return false;
	}
}

bool
pattern_is_among(const char *pattern, const char *list)
{
	return is_among(pattern, list, ";");
}

bool
pattern_is_link(const char *pattern, const char *chain)
{
	return strcmp(pattern, chain) == 0 || is_among(pattern, chain, "+");
}
