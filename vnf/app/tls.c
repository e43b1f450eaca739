/*
 * tls.c - names in TLS: the ClientHello, over as many records as it takes, and the ServerHello.
 */
#include "vnf/app/names.h"

#include <string.h>

#include "vnf/app/memory.h"
#include "vnf/app/recognise.h"

enum {
	RECORD_HEADER = 5,
	RECORD_MAX = 16384 + 256,	/* RFC 8446 5.2 */
	HANDSHAKE_HEADER = 4,
	HELLO_MAX = 16384,
};

enum extension {
	EXT_SERVER_NAME = 0,		/* RFC 6066 3 */
	EXT_ALPN = 16,			/* RFC 7301 3.1 */
	EXT_SUPPORTED_VERSIONS = 43,	/* RFC 8446 4.2.1 */
	EXT_ECH = 0xfe0d,		/* RFC 9849 5 */
};

/* What is left to read; after a read past the end, `bad`. */
struct cursor {
	const uint8_t *p;
	size_t n;
	bool bad;
};

static struct cursor
read_block(struct cursor *c, size_t n)
{
	struct cursor block = { c->p, n, false };

	if (c->bad || n > c->n) {
		c->bad = true;
		return (struct cursor){ c->p, 0, true };
	}
	c->p += n;
	c->n -= n;
	return block;
}

static unsigned
read_uint(struct cursor *c, unsigned n_bytes)
{
	struct cursor b = read_block(c, n_bytes);
	unsigned v = 0;

	while (b.n--)
		v = v << 8 | *b.p++;
	return v;
}

/* A vector whose length stands before it in `n_bytes`. */
static struct cursor
read_vector(struct cursor *c, unsigned n_bytes)
{
	return read_block(c, read_uint(c, n_bytes));
}

/* --- the handshake's bytes out of their records --- */

/*
 * Puts what there is of the first message's body into `body`; its length of `body` is in *n_body,
 * that of the message in *whole (0: its header is not there).  Returns the bytes of stream that are
 * needed before there can be more, 0: the message is whole or no message comes.  A record that is
 * too long, or ends where nothing is kept, counts for nothing, however much of it is there.
 */
static size_t
deframe(const uint8_t *p, size_t n, uint8_t *body, size_t max, size_t *n_body, size_t *whole)
{
	uint8_t header[HANDSHAKE_HEADER];
	size_t at = 0, n_header = 0;

	*n_body = *whole = 0;
	while (at + RECORD_HEADER <= n && p[at] == 22) {
		size_t len = be16(p + at + 3), i;

		if (len > RECORD_MAX || at + RECORD_HEADER + len > APP_LONG)
			return 0;
		for (i = 0; i < len && at + RECORD_HEADER + i < n; i++) {
			uint8_t c = p[at + RECORD_HEADER + i];

			if (n_header < HANDSHAKE_HEADER)
				header[n_header++] = c;
			else if (*n_body < max)
				body[(*n_body)++] = c;
			if (n_header == HANDSHAKE_HEADER) {
				*whole = be32(header) & 0xffffff;
				if (*n_body >= *whole || *n_body == max)
					return 0;
			}
		}
		if (i < len)
			return at + RECORD_HEADER + len;
		at += RECORD_HEADER + len;
	}
	return at + RECORD_HEADER > n && at + RECORD_HEADER < APP_LONG ? at + RECORD_HEADER + 1 : 0;
}

/* --- extensions --- */

static void
read_server_name(struct app_names *names, struct cursor c)
{
	struct cursor list = read_vector(&c, 2);

	while (list.n > 0 && !list.bad) {
		unsigned type = read_uint(&list, 1);
		struct cursor name = read_vector(&list, 2);

		if (type == 0 && !name.bad) {
			name_put(names->tls.sni, sizeof names->tls.sni, name.p, name.n);
			return;
		}
	}
}

static void
read_alpn(struct app_names *names, struct cursor c)
{
	struct cursor list = read_vector(&c, 2);
	size_t len = 0, size = sizeof names->tls.alpn;

	while (list.n > 0 && !list.bad) {
		struct cursor name = read_vector(&list, 1);

		if (name.bad || len + name.n + 2 > size)
			break;
		if (len)
			names->tls.alpn[len++] = ';';
		name_put(names->tls.alpn + len, size - len, name.p, name.n);
		len += strlen(names->tls.alpn + len);
	}
}

static bool
is_grease(unsigned v)
{
	return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);	/* RFC 8701 2 */
}

/* The client's, which counts until the server's is known. */
static void
set_version(struct app_names *names, unsigned version)
{
	if (!names->tls.chosen)
		names->tls.version = (uint16_t)version;
}

static void
read_versions(struct app_names *names, struct cursor c)
{
	struct cursor list = read_vector(&c, 1);
	unsigned best = 0;

	while (list.n > 0 && !list.bad) {
		unsigned v = read_uint(&list, 2);

		if (!list.bad && !is_grease(v) && v > best)
			best = v;
	}
	if (best)
		set_version(names, best);
}

static void
read_extension(struct app_names *names, unsigned type, struct cursor c)
{
	switch (type) {
	case EXT_SERVER_NAME:
		read_server_name(names, c);
		break;
	case EXT_ALPN:
		read_alpn(names, c);
		break;
	case EXT_SUPPORTED_VERSIONS:
		read_versions(names, c);
		break;
	case EXT_ECH:
		names->tls.ech = true;
		break;
	default:
		break;
	}
}

/* RFC 8446 4.1.2; a hello that is cut tells what is before the cut. */
static void
read_hello(struct app_names *names, struct cursor c)
{
	struct cursor extensions;
	size_t left;

	names->tls.sni[0] = names->tls.alpn[0] = '\0';
	set_version(names, read_uint(&c, 2));
	read_block(&c, 32);
	read_vector(&c, 1);
	read_vector(&c, 2);
	read_vector(&c, 1);
	left = read_uint(&c, 2);
	if (c.bad)
		return;
	extensions = (struct cursor){ c.p, left < c.n ? left : c.n, false };
	while (extensions.n > 0 && !extensions.bad) {
		unsigned type = read_uint(&extensions, 2);
		struct cursor e = read_vector(&extensions, 2);

		if (!e.bad)
			read_extension(names, type, e);
	}
}

/* RFC 5246 E.2: only a version. */
static size_t
read_ssl2(struct app_names *names, const uint8_t *p, size_t n)
{
	if (n < 5)
		return 5;
	set_version(names, be16(p + 3));
	return 0;
}

size_t
tls_read_client(struct app_names *names, const uint8_t *p, size_t n)
{
	uint8_t body[HELLO_MAX];
	size_t have, whole, want;

	if (p[0] == 0x80)
		return read_ssl2(names, p, n);
	if (p[0] != 22)
		return 0;
	want = deframe(p, n, body, sizeof body, &have, &whole);
	read_hello(names, (struct cursor){ body, have, false });
	if (want > 0)
		return want;
	if (have == whole)
		ja_fill(names, body, have);
	return 0;
}

/* RFC 8446 4.1.3 */
size_t
tls_read_server(struct app_names *names, const uint8_t *p, size_t n)
{
	uint8_t body[APP_LOOK];
	struct cursor c, extensions;
	size_t have, whole, want;

	if (p[0] != 22)
		return 0;
	n = n < APP_LOOK ? n : APP_LOOK;
	want = deframe(p, n, body, sizeof body, &have, &whole);
	if (want > 0 && n < APP_LOOK)
		return want < APP_LOOK ? want : APP_LOOK;
	c = (struct cursor){ body, have, false };
	if (have < 2)
		return 0;
	names->tls.chosen = true;
	names->tls.version = (uint16_t)read_uint(&c, 2);
	read_block(&c, 32);
	read_vector(&c, 1);
	read_block(&c, 3);
	extensions = read_vector(&c, 2);
	while (extensions.n > 0 && !extensions.bad) {
		unsigned type = read_uint(&extensions, 2);
		struct cursor e = read_vector(&extensions, 2);

		if (type == EXT_SUPPORTED_VERSIONS && !e.bad && e.n == 2)
			names->tls.version = (uint16_t)be16(e.p);
	}
	return 0;
}

bool
alpn_has(const char *list, const char *protocol)
{
	size_t len = strlen(protocol), n;

	for (; *list; list += n + (list[n] == ';')) {
		n = strcspn(list, ";");
		if (n == len && memcmp(list, protocol, n) == 0)
			return true;
	}
	return false;
}
