/*
 * known.c - what is known of a flow: see app.h.
 */
#include <string.h>

#include "vnf/app/memory.h"
#include "vnf/pattern.h"

enum app_answer
app_answer(const struct app_state *s)
{
	return (enum app_answer)s->answer;
}

bool
app_is_weak(const struct app_state *s)
{
	return s->answer == APP_FOUND && s->weak;
}

char *
app_print(const struct app_state *s, char buf[APP_LABEL])
{
	const char *outer = app_label((enum app_id)s->outer), *id = app_label((enum app_id)s->id);

	buf[0] = '\0';
	if (s->answer == APP_FOUND)
		stpcpy(stpcpy(stpcpy(buf, outer), *outer && *id ? "+" : ""), id);
	return buf;
}

bool
app_is(const struct app_state *s, const char *label)
{
	char chain[APP_LABEL];

	if (s->answer != APP_FOUND)
		return *label == '\0';
	return strcmp(app_label((enum app_id)s->id), label) == 0 ||
	       strcmp(app_label((enum app_id)s->outer), label) == 0 ||
	       strcmp(app_print(s, chain), label) == 0;
}

bool
app_is_sni(const struct app_state *s, const char *sni)
{
	const struct app_names *n = s->names;
	const char *is = n && n->kind == APP_NAMES_TLS ? n->tls.sni : "";

	return *sni ? *is && pattern_is_name(sni, is) : !*is;
}

bool
app_is_host(const struct app_state *s, const char *host)
{
	const struct app_names *n = s->names;
	const char *is = n && n->kind == APP_NAMES_HTTP ? n->http.host : "";

	return *host ? *is && pattern_is_host(host, is) : !*is;
}

bool
app_is_alpn(const struct app_state *s, const char *alpn)
{
	const struct app_names *n = s->names;
	const char *is = n && n->kind == APP_NAMES_TLS ? n->tls.alpn : "";

	return *alpn ? *is && pattern_is_among(alpn, is) : !*is;
}

const struct app_names *
app_names(const struct app_state *s)
{
	return s->names;
}

bool
app_says_nothing(const struct app_state *s, uint32_t bytes)
{
	return s->phase == LOOKING && s->answer == APP_UNKNOWN &&
	       (s->seen[0] >= bytes || s->seen[1] >= bytes);
}

/* The client's bytes were read for names, or no more of them will be. */
static bool
client_is_read(const struct app_state *s)
{
	return s->phase == OVER || (s->done | s->closed) >> dir_of(s, 0) & 1;
}

void
app_known(const struct app_state *s, struct app_known *k)
{
	const struct app_names *n = s->names;
	const bool read = client_is_read(s);

	*k = (struct app_known){ .grows = false };
	if (s->answer == APP_UNKNOWN)
		return;
	k->app = app_print(s, k->chain);
	k->grows = s->answer == APP_FOUND && (s->phase == AWAITING || s->phase == LOOKING);
	k->sni = k->alpn = k->grows ? NULL : "";
	k->host = "";
	if (n && n->kind == APP_NAMES_TLS) {
		k->sni = read ? n->tls.sni : NULL;
		k->alpn = read ? n->tls.alpn : NULL;
	} else if (n && n->kind == APP_NAMES_HTTP) {
		k->host = read ? n->http.host : NULL;
	}
}
