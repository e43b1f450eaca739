#include "db/text.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *
put_number(char *out, unsigned int v)
{
	char digits[10];
	int n = 0;

	do
		digits[n++] = (char)('0' + v % 10);
	while (v /= 10);
	while (n > 0)
		*out++ = digits[--n];
	return out;
}

int
text_addr(char out[TEXT_ADDR], uint8_t family, const uint8_t addr[16])
{
	char *p = out;
	int i;

	if (family == 6) {
		inet_ntop(AF_INET6, addr, out, TEXT_ADDR);
		return (int)strlen(out);
	}
	for (i = 0; i < 4; i++) {
		if (i > 0)
			*p++ = '.';
		p = put_number(p, addr[i]);
	}
	*p = '\0';
	return (int)(p - out);
}

int
text_mac(char out[TEXT_MAC], const uint8_t mac[6])
{
	static const char hex[] = "0123456789abcdef";
	char *p = out;
	int i;

	for (i = 0; i < 6; i++) {
		if (i > 0)
			*p++ = ':';
		*p++ = hex[mac[i] >> 4];
		*p++ = hex[mac[i] & 15];
	}
	*p = '\0';
	return (int)(p - out);
}

int
text_vlan(char out[TEXT_VLAN], const uint16_t *vlan, unsigned int n_vlans)
{
	char *p = out;
	unsigned int i;

	for (i = 0; i < n_vlans && i < 16; i++) {
		if (i > 0)
			*p++ = '.';
		p = put_number(p, vlan[i]);
	}
	*p = '\0';
	return (int)(p - out);
}

void
text_to_addr(const char *text, uint8_t family, uint8_t addr[16])
{
	memset(addr, 0, 16);
	if (text && inet_pton(family == 6 ? AF_INET6 : AF_INET, text, addr) != 1)
		memset(addr, 0, 16);
}

void
text_to_mac(const char *text, uint8_t mac[6])
{
	memset(mac, 0, 6);
	if (text && sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", &mac[0], &mac[1], &mac[2],
			   &mac[3], &mac[4], &mac[5]) != 6)
		memset(mac, 0, 6);
}

unsigned int
text_to_vlan(const char *text, uint16_t *vlan, unsigned int max)
{
	unsigned int n = 0;
	char *end;

	while (text && *text && n < max) {
		vlan[n] = (uint16_t)strtoul(text, &end, 10);
		if (end == text)
			break;
		n++;
		text = *end == '.' ? end + 1 : end;
	}
	return n;
}

/* --- names --- */

static const char *
line_end(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end : line + strlen(line);
}

/* Where the value of a line begins; the line's end if it has none. */
static const char *
value_of(const char *line)
{
	const char *end = line_end(line), *equals = memchr(line, '=', (size_t)(end - line));

	return equals ? equals + 1 : end;
}

static bool
is_key(const char *line, const char *key)
{
	size_t n = strlen(key);

	return strncmp(line, key, n) == 0 && line[n] == '=';
}

const char *
text_name(const char *names, const char *key, int *len)
{
	const char *line;

	for (line = names; *line; line = line_end(line), line += *line == '\n') {
		if (!is_key(line, key))
			continue;
		*len = (int)(line_end(line) - value_of(line));
		return value_of(line);
	}
	return NULL;
}

/* Printable ASCII: two of its characters are escaped (RFC 8259 7). */
static char *
put_string(char *out, const char *from, const char *end)
{
	*out++ = '"';
	for (; from < end; from++) {
		if (*from == '"' || *from == '\\')
			*out++ = '\\';
		*out++ = *from;
	}
	*out++ = '"';
	return out;
}

static bool
is_among(const char *line, const char *const keys[])
{
	for (; *keys; keys++)
		if (is_key(line, *keys))
			return true;
	return false;
}

int
text_names_json(char *out, size_t size, const char *names, const char *const but[])
{
	const char *line, *end;
	char *p = out;

	for (line = names; *line; line = end + (*end == '\n')) {
		end = line_end(line);
		if (is_among(line, but) || value_of(line) == end ||
		    (size_t)(p - out) + 2 * (size_t)(end - line) + 8 > size)
			continue;
		*p = p == out ? '{' : ',';
		p++;
		p = put_string(p, line, value_of(line) - 1);
		*p++ = ':';
		p = put_string(p, value_of(line), end);
	}
	if (p == out)
		return 0;
	*p++ = '}';
	*p = '\0';
	return (int)(p - out);
}

void
text_add_name(char *names, size_t size, const char *key, const char *value)
{
	const size_t len = strlen(names);

	if (value && snprintf(names + len, size - len, "%s=%s\n", key, value) >= (int)(size - len))
		names[len] = '\0';
}

/* A string of ours, which begins at the quote; what is behind it, NULL: it is none. */
static const char *
get_string(const char *json, char *to, size_t size)
{
	size_t n = 0;

	if (*json != '"')
		return NULL;
	for (json++; *json && *json != '"'; json++) {
		json += *json == '\\' && json[1];
		if (n + 1 < size)
			to[n++] = *json;
	}
	to[n] = '\0';
	return *json ? json + 1 : NULL;
}

void
text_add_names(char *names, size_t size, const char *json)
{
	char key[32], value[256];

	while (json && (*json == '{' || *json == ',')) {
		json = get_string(json + 1, key, sizeof key);
		if (!json || *json != ':')
			return;
		json = get_string(json + 1, value, sizeof value);
		if (json)
			text_add_name(names, size, key, value);
	}
}
