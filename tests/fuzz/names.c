/*
 * What one end says, to the readers of names: none reads beyond the bytes it is given, what it asks
 * for is more than it has, in pieces it reads what it reads at once, and what it leaves are texts
 * that end in their rooms.
 *
 * Input: a byte that chooses the reader, and what the end says.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vnf/app/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const struct {
	app_reader *fn;
	enum app_names_kind kind;
	size_t least;		/* bytes that its protocol's row has seen before it is asked */
} readers[] = {
	{ tls_read_client, APP_NAMES_TLS, 10 },	 { tls_read_server, APP_NAMES_TLS, 10 },
	{ http_read_client, APP_NAMES_HTTP, 5 }, { http_read_server, APP_NAMES_HTTP, 1 },
	{ ssh_read_client, APP_NAMES_SSH, 1 },	 { ssh_read_server, APP_NAMES_SSH, 1 },
	{ dns_read, APP_NAMES_DNS, 14 },
};

enum { N_READERS = sizeof readers / sizeof *readers };

static void
must(int holds, const char *what)
{
	if (!holds) {
		fprintf(stderr, "names: %s\n", what);
		abort();
	}
}

static void
must_end(const char *text, size_t size)
{
	must(memchr(text, '\0', size) != NULL, "a text has no end");
}

static void
look_at(const struct app_names *n)
{
	switch ((enum app_names_kind)n->kind) {
	case APP_NAMES_TLS:
		must_end(n->tls.sni, sizeof n->tls.sni);
		must_end(n->tls.alpn, sizeof n->tls.alpn);
		must_end(n->tls.ja3, sizeof n->tls.ja3);
		must_end(n->tls.ja4, sizeof n->tls.ja4);
		break;
	case APP_NAMES_HTTP:
		must_end(n->http.host, sizeof n->http.host);
		must_end(n->http.method, sizeof n->http.method);
		break;
	case APP_NAMES_SSH:
		must_end(n->ssh.banner[0], sizeof n->ssh.banner[0]);
		must_end(n->ssh.banner[1], sizeof n->ssh.banner[1]);
		break;
	case APP_NAMES_DNS:
		must_end(n->dns.name, sizeof n->dns.name);
		break;
	case APP_NAMES_NONE:
		break;
	}
}

/* The first `n` bytes, in memory of exactly that size. */
static size_t
ask(app_reader *fn, struct app_names *names, const uint8_t *bytes, size_t n)
{
	uint8_t *copy = malloc(n);
	size_t want;

	must(copy != NULL, "no memory");
	memcpy(copy, bytes, n);
	want = fn(names, copy, n);
	free(copy);
	must(want == 0 || want > n, "it asks for what it has");
	look_at(names);
	return want;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct app_names whole, pieces;
	const void *w = &whole, *p = &pieces;	/* cleared below, holes too */
	size_t n, want, all;
	unsigned k;

	if (size < 2)
		return 0;
	k = bytes[0] % N_READERS;
	bytes++;
	size--;
	if (size < readers[k].least)
		return 0;
	memset(&whole, 0, sizeof whole);
	memset(&pieces, 0, sizeof pieces);
	whole.kind = pieces.kind = (uint8_t)readers[k].kind;
	all = ask(readers[k].fn, &whole, bytes, size);
	for (n = readers[k].least; (want = ask(readers[k].fn, &pieces, bytes, n)) != 0; n = want)
		if (want > size)
			break;
	/* The other way round it may wait for bytes that, at once, are seen to be wrong. */
	must(want != 0 || all == 0, "in pieces it has enough, and at once it has not");
	if (want == 0)
		must(memcmp(w, p, sizeof whole) == 0, "in pieces it reads other names");
	return 0;
}
