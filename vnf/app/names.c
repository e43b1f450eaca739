/*
 * names.c - see names.h: HTTP/1, SSH, DNS.
 */
#include "vnf/app/names.h"

#include <string.h>
#include <strings.h>

#include "vnf/app/recognise.h"

enum { HTTP_HEAD_MAX = 16384 };	/* bytes of a request in which its Host is looked for */

void
name_put(char *to, size_t size, const uint8_t *p, size_t n)
{
	size_t len = n < size - 1 ? n : size - 1;

	memcpy(to, p, len);
	to[len] = '\0';
}

/* --- HTTP/1 --- */

/* The authority of "scheme://authority/...", else none. */
static bool
absolute_host(const uint8_t *p, size_t n, const uint8_t **host, size_t *len)
{
	const uint8_t *at = memmem(p, n, "://", 3);
	size_t i;

	if (!at || (n > 0 && p[0] == '/'))
		return false;
	at += 3;
	n -= (size_t)(at - p);
	for (i = 0; i < n && at[i] != '/' && at[i] != '?' && at[i] != '#'; i++)
		;
	*host = at;
	*len = i;
	return i > 0;
}

/* The method, and the host where the target tells it (RFC 9112 3.2.2, 3.2.3). */
static void
read_request_line(struct app_names *names, const uint8_t *p, size_t n)
{
	const uint8_t *target = memchr(p, ' ', n), *end, *host;
	size_t len;

	if (!target)
		return;
	name_put(names->http.method, sizeof names->http.method, p, (size_t)(target - p));
	target++;
	n -= (size_t)(target - p);
	end = memchr(target, ' ', n);
	n = end ? (size_t)(end - target) : n;
	if (strcmp(names->http.method, "CONNECT") == 0)
		name_put(names->http.host, sizeof names->http.host, target, n);
	else if (absolute_host(target, n, &host, &len))
		name_put(names->http.host, sizeof names->http.host, host, len);
}

/* RFC 9112 5: no space before the colon, any around the value. */
static void
read_field(struct app_names *names, const uint8_t *p, size_t n)
{
	if (n < 5 || strncasecmp((const char *)p, "Host:", 5) != 0)
		return;
	for (p += 5, n -= 5; n > 0 && (*p == ' ' || *p == '\t'); p++, n--)
		;
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	name_put(names->http.host, sizeof names->http.host, p, n);
}

size_t
http_read_client(struct app_names *names, const uint8_t *p, size_t n)
{
	const uint8_t *at = p, *end = p + (n < HTTP_HEAD_MAX ? n : HTTP_HEAD_MAX);
	bool first = true;

	names->http.host[0] = '\0';
	while (at < end && line_ended(at, (size_t)(end - at))) {
		size_t len = line_length(at, (size_t)(end - at));

		if (first)
			read_request_line(names, at, len);
		else if (len == 0)
			return 0;
		else
			read_field(names, at, len);
		first = false;
		if (names->http.host[0])
			return 0;
		at = (const uint8_t *)memchr(at, '\n', (size_t)(end - at)) + 1;
	}
	return n < HTTP_HEAD_MAX ? n + 1 : 0;
}

size_t
http_read_server(struct app_names *names, const uint8_t *p, size_t n)
{
	if (n < 12)
		return 12;
	names->http.status = (uint16_t)(100 * (p[9] - '0') + 10 * (p[10] - '0') + (p[11] - '0'));
	return 0;
}

/* --- SSH --- */

static size_t
ssh_read(char banner[APP_NAME], const uint8_t *p, size_t n)
{
	if (!line_ended(p, n) && n < APP_NAME)
		return n + 1;
	name_put(banner, APP_NAME, p, line_length(p, n));
	return 0;
}

size_t
ssh_read_client(struct app_names *names, const uint8_t *p, size_t n)
{
	return ssh_read(names->ssh.banner[0], p, n);
}

size_t
ssh_read_server(struct app_names *names, const uint8_t *p, size_t n)
{
	return ssh_read(names->ssh.banner[1], p, n);
}

/* --- DNS over TCP --- */

/* The first question's name, with dots; the root is ".". */
size_t
dns_read(struct app_names *names, const uint8_t *p, size_t n)
{
	char *to = names->dns.name;
	size_t at = 14, len = 0;

	while (at < n && p[at] != 0 && p[at] < 64 && at + p[at] < n &&
	       len + p[at] + 2 < sizeof names->dns.name) {
		if (len)
			to[len++] = '.';
		memcpy(to + len, p + at + 1, p[at]);
		len += p[at];
		at += 1 + p[at];
	}
	if (at >= n || (p[at] < 64 && at + p[at] >= n))
		return n + 1;
	if (len == 0)
		to[len++] = '.';
	to[len] = '\0';
	return 0;
}
