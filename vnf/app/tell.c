/*
 * tell.c - the names of a flow as texts that harm no terminal, JSON or SQL: see app.h.
 */
#include <stdio.h>
#include <string.h>

#include "vnf/app/app.h"

struct teller {
	app_told *fn;
	void *aux;
};

size_t
app_harmless(char *to, size_t size, const char *from)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0;

	for (; *from; from++) {
		const unsigned char c = (unsigned char)*from;
		const bool plain = c >= 0x20 && c < 0x7f && c != '\\';

		if (n + (plain ? 2 : 5) > size)
			break;
		if (plain) {
			to[n++] = (char)c;
			continue;
		}
		to[n++] = '\\';
		to[n++] = 'x';
		to[n++] = hex[c >> 4];
		to[n++] = hex[c & 15];
	}
	to[n] = '\0';
	return n;
}

static void
tell(const struct teller *t, const char *key, const char *from, size_t size)
{
	char text[APP_NAME];

	if (*from && app_harmless(text, size < sizeof text ? size : sizeof text, from) > 0)
		t->fn(t->aux, key, text);
}

static void
tell_tls(const struct teller *t, const struct app_names *n)
{
	static const char *const known[] = { "SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2",
					     "TLS 1.3" };
	const unsigned version = n->tls.version;
	char text[16];

	tell(t, "sni", n->tls.sni, APP_NAME);
	tell(t, "alpn", n->tls.alpn, APP_ALPN);
	if (version >= 0x0300 && version < 0x0305)
		t->fn(t->aux, "tls_version", known[version - 0x0300]);
	else if (version) {
		snprintf(text, sizeof text, "0x%04x", version);
		t->fn(t->aux, "tls_version", text);
	}
	tell(t, "ja3", n->tls.ja3, APP_NAME);
	tell(t, "ja4", n->tls.ja4, APP_NAME);
	if (n->tls.ech)
		t->fn(t->aux, "ech", "yes");
}

static void
tell_http(const struct teller *t, const struct app_names *n)
{
	const unsigned status = n->http.status;
	const char text[4] = { (char)('0' + status / 100 % 10), (char)('0' + status / 10 % 10),
			       (char)('0' + status % 10), '\0' };

	tell(t, "host", n->http.host, APP_NAME);
	tell(t, "method", n->http.method, APP_NAME);
	if (status)
		t->fn(t->aux, "status", text);
}

void
app_tell(const struct app_state *s, app_told *fn, void *aux)
{
	const struct teller t = { fn, aux };
	const struct app_names *n = app_names(s);

	if (!n || s->answer != APP_FOUND)
		return;
	switch ((enum app_names_kind)n->kind) {
	case APP_NAMES_TLS:
		tell_tls(&t, n);
		break;
	case APP_NAMES_HTTP:
		tell_http(&t, n);
		break;
	case APP_NAMES_SSH:
		tell(&t, "client_banner", n->ssh.banner[0], APP_BANNER_TOLD);
		tell(&t, "server_banner", n->ssh.banner[1], APP_BANNER_TOLD);
		break;
	case APP_NAMES_DNS:
		tell(&t, "query", n->dns.name, APP_NAME);
		break;
	case APP_NAMES_NONE:
		break;
	}
}

/* --- all in one text --- */

struct listing {
	char *at;
	size_t room;
};

static void
list_one(void *aux, const char *key, const char *text)
{
	struct listing *l = aux;
	size_t key_len = strlen(key), text_len = strlen(text);

	if (key_len + text_len + 3 > l->room)
		return;		/* no half of a name */
	memcpy(l->at, key, key_len);
	l->at += key_len;
	*l->at++ = '=';
	memcpy(l->at, text, text_len);
	l->at += text_len;
	*l->at++ = '\n';
	*l->at = '\0';
	l->room -= key_len + text_len + 2;
}

void
app_list(const struct app_state *s, char *to, size_t size)
{
	struct listing l = { to, size };

	*to = '\0';
	app_tell(s, list_one, &l);
}
