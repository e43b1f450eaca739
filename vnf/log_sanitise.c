/*
 * log_sanitise.c - what may stand in a line: see log.h.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "vnf/log.h"

/* The length of the well-formed UTF-8 sequence at `s` that is no control character, or 0. */
static unsigned
utf8_len(const unsigned char *s)
{
	unsigned n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2, i;
	uint32_t c = s[0] & (0x7fu >> n);
	static const uint32_t least[] = { 0, 0, 0xa0, 0x800, 0x10000 };

	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	/* what turns the direction of writing around can make a line look like another */
	if ((c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2066 && c <= 0x2069))
		return 0;
	return n;
}

void
log_sanitise(char *out, unsigned size, const char *in)
{
	const unsigned char *s = (const unsigned char *)in;
	char *end = out + size - 1;
	unsigned n;

	while (*s) {
		n = *s >= 0x80 ? utf8_len(s) : *s >= 0x20 && *s != 0x7f;
		if (end - out < (n ? (int)n : 4))
			break;
		if (n) {
			memcpy(out, s, n);
			out += n;
		} else if (*s == '\n') {
			out = stpcpy(out, "\\n");
		} else {
			out += sprintf(out, "\\x%02x", *s);
		}
		s += n ? n : 1;
	}
	*out = '\0';
}
