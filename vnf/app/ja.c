/*
 * ja.c - fingerprints of a ClientHello: JA3 (Salesforce, 2017) and JA4 (FoxIO, "JA4: TLS Client
 * Fingerprinting").  Both leave out the values of RFC 8701.
 */
#include <nettle/base16.h>
#include <nettle/md5.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vnf/app/names.h"
#include "vnf/app/recognise.h"

enum { LIST_MAX = 256 };	/* entries of a list that count: no client has as many */

struct list {
	unsigned n;
	uint16_t v[LIST_MAX];
};

struct hello {
	unsigned version, best;	/* legacy_version; the highest of supported_versions, else that */
	bool has_sni;
	char alpn[2];
	struct list ciphers, extensions, groups, formats, signatures;
};

static bool
is_grease(unsigned v)
{
	return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
}

/* Entries of `size` bytes. */
static void
list_read(struct list *l, const uint8_t *p, size_t n, size_t size)
{
	for (l->n = 0; n >= size && l->n < LIST_MAX; p += size, n -= size) {
		unsigned v = size == 1 ? *p : be16(p);

		if (size == 1 || !is_grease(v))
			l->v[l->n++] = (uint16_t)v;
	}
}

static int
by_value(const void *a, const void *b)
{
	return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

static void
read_alpn_ends(struct hello *h, const uint8_t *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t first, last;

	if (n < 4 || p[2] == 0 || p[2] > n - 3)
		return;
	first = p[3];
	last = p[2 + p[2]];
	if (is_alnum(first) && is_alnum(last)) {
		h->alpn[0] = (char)first;
		h->alpn[1] = (char)last;
	} else {
		h->alpn[0] = digits[first >> 4];
		h->alpn[1] = digits[last & 15];
	}
}

static void
read_extension(struct hello *h, unsigned type, const uint8_t *p, size_t n)
{
	struct list versions;
	unsigned i;

	switch (type) {
	case 0:
		h->has_sni = true;
		break;
	case 10:
		list_read(&h->groups, p + 2, n >= 2 ? n - 2 : 0, 2);
		break;
	case 11:
		list_read(&h->formats, p + 1, n >= 1 ? n - 1 : 0, 1);
		break;
	case 13:
		list_read(&h->signatures, p + 2, n >= 2 ? n - 2 : 0, 2);
		break;
	case 16:
		read_alpn_ends(h, p, n);
		break;
	case 43:
		list_read(&versions, p + 1, n >= 1 ? n - 1 : 0, 2);
		for (i = 0, h->best = 0; i < versions.n; i++)
			h->best = versions.v[i] > h->best ? versions.v[i] : h->best;
		break;
	default:
		break;
	}
}

/* False: the lengths in it do not fit. */
static bool
hello_read(struct hello *h, const uint8_t *p, size_t n)
{
	size_t at = 34, len;

	*h = (struct hello){ .alpn = { '0', '0' } };
	if (n < at + 1 || n < at + 1 + p[at] + 2)
		return false;
	h->version = h->best = be16(p);
	at += 1 + p[at];
	len = be16(p + at);
	at += 2;
	if (n < at + len + 1)
		return false;
	list_read(&h->ciphers, p + at, len, 2);
	at += len;
	at += 1 + p[at];
	for (at += 2; at + 4 <= n; at += 4 + len) {
		unsigned type = be16(p + at);

		len = be16(p + at + 2);
		if (len > n - at - 4)
			return false;
		if (!is_grease(type) && h->extensions.n < LIST_MAX)
			h->extensions.v[h->extensions.n++] = (uint16_t)type;
		read_extension(h, type, p + at + 4, len);
	}
	return true;
}

/* --- JA3 --- */

static void
ja3_list(struct md5_ctx *md5, const struct list *l)
{
	char text[8];
	unsigned i;

	md5_update(md5, 1, (const uint8_t *)",");
	for (i = 0; i < l->n; i++) {
		int n = snprintf(text, sizeof text, "%s%u", i ? "-" : "", l->v[i]);

		md5_update(md5, (size_t)n, (const uint8_t *)text);
	}
}

static void
ja3_fill(struct app_names *names, const struct hello *h)
{
	uint8_t digest[MD5_DIGEST_SIZE];
	struct md5_ctx md5;
	char text[8];

	md5_init(&md5);
	md5_update(&md5, (size_t)snprintf(text, sizeof text, "%u", h->version),
		   (const uint8_t *)text);
	ja3_list(&md5, &h->ciphers);
	ja3_list(&md5, &h->extensions);
	ja3_list(&md5, &h->groups);
	ja3_list(&md5, &h->formats);
	md5_digest(&md5, sizeof digest, digest);
	base16_encode_update(names->tls.ja3, sizeof digest, digest);
	names->tls.ja3[BASE16_ENCODE_LENGTH(sizeof digest)] = '\0';
}

/* --- JA4 --- */

static void
ja4_list(struct sha256_ctx *sha, const struct list *l, const char *before)
{
	char text[8];
	unsigned i;

	for (i = 0; i < l->n; i++) {
		int n = snprintf(text, sizeof text, "%s%04x", i ? "," : before, l->v[i]);

		sha256_update(sha, (size_t)n, (const uint8_t *)text);
	}
}

/* The first 12 digits; zeros for two empty lists. */
static void
ja4_hash(char to[13], const struct list *a, const struct list *b)
{
	uint8_t digest[6];
	struct sha256_ctx sha;

	strcpy(to, "000000000000");
	if (a->n == 0 && b->n == 0)
		return;
	sha256_init(&sha);
	ja4_list(&sha, a, "");
	ja4_list(&sha, b, "_");
	sha256_digest(&sha, sizeof digest, digest);
	base16_encode_update(to, sizeof digest, digest);	/* as long as the zeros */
}

static const char *
ja4_version(unsigned v)
{
	switch (v) {
	case 0x0304:
		return "13";
	case 0x0303:
		return "12";
	case 0x0302:
		return "11";
	case 0x0301:
		return "10";
	case 0x0300:
		return "s3";
	default:
		return "00";
	}
}

static void
ja4_fill(struct app_names *names, struct hello *h)
{
	struct list sorted = { .n = 0 };
	const struct list none = { .n = 0 };
	unsigned i, n_ciphers = h->ciphers.n, n_extensions = h->extensions.n;
	char ciphers[13], extensions[13];

	qsort(h->ciphers.v, h->ciphers.n, sizeof *h->ciphers.v, by_value);
	for (i = 0; i < h->extensions.n; i++)
		if (h->extensions.v[i] != 0 && h->extensions.v[i] != 16)
			sorted.v[sorted.n++] = h->extensions.v[i];
	qsort(sorted.v, sorted.n, sizeof *sorted.v, by_value);
	ja4_hash(ciphers, &h->ciphers, &none);
	ja4_hash(extensions, &sorted, &h->signatures);
	snprintf(names->tls.ja4, sizeof names->tls.ja4, "t%s%c%02u%02u%c%c_%s_%s",
		 ja4_version(h->best), h->has_sni ? 'd' : 'i', n_ciphers > 99 ? 99 : n_ciphers,
		 n_extensions > 99 ? 99 : n_extensions, h->alpn[0], h->alpn[1], ciphers,
		 extensions);
}

void
ja_fill(struct app_names *names, const uint8_t *p, size_t n)
{
	struct hello h;

	if (!hello_read(&h, p, n))
		return;
	ja3_fill(names, &h);
	ja4_fill(names, &h);
}
