/*
 * app.c - see app.h.  A flow goes through phases: its first bytes are looked at until a row
 * fits; names are read; a word or a place is awaited after which TLS may begin, and that is looked
 * at anew.
 */
#include "vnf/app/app.h"

#include <stdlib.h>
#include <string.h>

#include "vnf/app/memory.h"
#include "vnf/app/names.h"
#include "vnf/app/table.h"

enum { AWAIT_MAX = 4096 };	/* bytes of the client's in which TLS is awaited */

static void look(struct app *a, struct app_state *s, unsigned dir, struct piece in);

/* Whose names are read, and as what. */
static const struct kind {
	enum app_id id;
	enum app_names_kind names;
	app_reader *read[2];	/* the client's bytes, the server's */
} kinds[] = {
	{ APP_tls, APP_NAMES_TLS, { tls_read_client, tls_read_server } },
	{ APP_http, APP_NAMES_HTTP, { http_read_client, http_read_server } },
	{ APP_ssh, APP_NAMES_SSH, { ssh_read_client, ssh_read_server } },
	{ APP_dns, APP_NAMES_DNS, { dns_read, dns_read } },
};

static const struct kind *
kind_of(enum app_id id)
{
	size_t i;

	for (i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (kinds[i].id == id || (id == APP_dot && kinds[i].id == APP_tls))
			return &kinds[i];
	return NULL;
}

/* --- names --- */

/* Both directions are read, or no more will come of those that are not. */
static bool
is_read(const struct app_state *s)
{
	return (s->done | s->closed) == 3;
}

/*
 * TLS may turn out to be DNS over TLS as long as the ClientHello is not read, and the server
 * answers nothing before.
 */
static void
name_answer(struct app *a, struct app_state *s)
{
	unsigned client = dir_of(s, 0), server = dir_of(s, 1);
	bool read = (s->done | s->closed) >> client & 1;

	if (s->id == APP_tls && read && s->seen[server] == 0 && s->answer == APP_UNKNOWN &&
	    s->names && alpn_has(s->names->tls.alpn, "dot"))
		s->id = APP_dot;
	if (s->id != APP_tls || read || s->seen[server] > 0)
		app_conclude(a, s, APP_FOUND);
	if (is_read(s))
		app_finish(a, s);
}

/* The next bytes of `dir`, for names. */
static void
read_names(struct app *a, struct app_state *s, unsigned dir, struct piece in)
{
	const struct kind *k = kind_of(s->id);
	struct piece all;
	size_t want;
	bool lost;

	if ((s->done | s->closed) >> dir & 1)
		return;
	all = app_gather(a, s, dir, in, &lost);
	want = s->tail && dir == dir_of(s, 0) && !lost ? s->tail->want : 0;
	if (all.n >= want)
		want = k->read[dir ^ s->flip](s->names, all.p, all.n);
	if (want == 0 || lost || !app_keep(a, s, dir, all, want))
		s->done |= (uint8_t)(1 << dir);
}

/* --- TLS inside --- */

/* From here on, bytes of the client's may be TLS. */
static void
begin_tls(struct app *a, struct app_state *s, struct piece in)
{
	s->outer = s->id;
	s->id = APP_NONE;
	s->phase = LOOKING;
	s->done = (uint8_t)(1 << dir_of(s, 1));
	s->closed |= s->done;
	look(a, s, dir_of(s, 0), in);
}

/* The word, anywhere; then the byte with which a record of a handshake begins. */
static void
await_word(struct app *a, struct app_state *s, const char *word, struct piece in)
{
	const size_t left = AWAIT_MAX - (size_t)s->passed, n = in.n < left ? in.n : left;
	size_t i;

	for (i = 0; i < n; i++) {
		char c = (char)in.p[i];

		if (s->asked && c == 0x16) {
			begin_tls(a, s, (struct piece){ in.p + i, in.n - i });
			return;
		}
		if (c >= 'a' && c <= 'z' && word[0] != '<')
			c = (char)(c - 'a' + 'A');
		if (word[s->n_word] != c)
			s->n_word = 0;
		s->n_word += word[s->n_word] == c;
		if (!word[s->n_word]) {
			s->asked = true;
			s->n_word = 0;
		}
	}
	s->passed = (uint16_t)(s->passed + n);
	if (s->passed == AWAIT_MAX)
		app_finish(a, s);
}

/* A request of a fixed length, behind which TLS begins or not. */
static void
await_place(struct app *a, struct app_state *s, app_tls_place *place, struct piece in)
{
	size_t at, i;

	for (i = 0; i < in.n && s->n_head < sizeof s->head; i++)
		s->head[s->n_head++] = in.p[i];
	at = place(s->head, s->n_head);
	if (s->n_head == sizeof s->head && at == 0) {
		app_finish(a, s);
		return;
	}
	if (at == 0 || s->passed + in.n <= at) {
		s->passed = (uint16_t)(s->passed + in.n);
		return;
	}
	at -= s->passed;
	if (in.p[at] == 0x16)
		begin_tls(a, s, (struct piece){ in.p + at, in.n - at });
	else
		app_finish(a, s);
}

static void
await(struct app *a, struct app_state *s, struct piece in)
{
	const char *word = app_tls_word(s->id);

	if (word)
		await_word(a, s, word, in);
	else
		await_place(a, s, app_tls_at(s->id), in);
}

/* --- a row fits --- */

static void
advance(struct app *a, struct app_state *s, unsigned dir, struct piece in)
{
	if (in.n == 0 || !app_wants(s, dir))
		return;
	if (s->phase == LOOKING) {
		look(a, s, dir, in);
	} else if (s->phase == READING) {
		read_names(a, s, dir, in);
		name_answer(a, s);
	} else {
		await(a, s, in);
	}
}

/* `in` came of `dir`; of it `rest` is not in the hold, where there is one. */
static void
settle_names(struct app *a, struct app_state *s, enum app_names_kind kind, unsigned dir,
	     struct piece in, struct piece rest)
{
	struct app_named *named = (struct app_named *)app_shelf_take(&a->names, s);
	unsigned d;

	if (!named) {
		app_conclude(a, s, APP_FOUND);
		app_finish(a, s);
		return;
	}
	s->names = &named->names;
	memset(s->names, 0, sizeof *s->names);
	s->names->kind = (uint8_t)kind;
	s->phase = READING;
	if (!s->hold) {
		read_names(a, s, dir, in);
	} else {
		for (d = 0; d < 2; d++)
			if (app_has_held(s, d))
				read_names(a, s, d, (struct piece){ in.p, 0 });
		if (rest.n)
			read_names(a, s, dir, rest);
	}
	name_answer(a, s);
}

static void
settle_upgrade(struct app *a, struct app_state *s, unsigned dir, struct piece in, struct piece rest)
{
	unsigned client = dir_of(s, 0);
	uint8_t first[APP_LOOK];
	size_t n = 0;

	app_conclude(a, s, APP_FOUND);
	s->phase = AWAITING;
	if (!s->hold) {
		if (dir == client)
			await(a, s, in);
		return;
	}
	if (app_has_held(s, client)) {
		n = s->hold->n[client];
		memcpy(first, s->hold->bytes[client], n);
	}
	app_drop_hold(a, s);
	advance(a, s, client, (struct piece){ first, n });
	if (!is_closed(s, client) && dir == client)
		advance(a, s, client, rest);
	else if (is_closed(s, client) && s->phase == AWAITING)
		app_finish(a, s);
}

/* The PROXY header is taken away, and what is behind it looked at as if it came first. */
static void
settle_proxy(struct app *a, struct app_state *s, unsigned dir, struct piece in, struct piece rest)
{
	unsigned client = dir_of(s, 0);
	struct app_hold *h = s->hold;
	uint8_t behind[APP_LOOK];
	size_t skip, n;

	s->outer = APP_proxy_protocol;
	s->id = APP_NONE;
	if (!h) {
		skip = proxy_length(in.p, in.n);
		advance(a, s, dir, (struct piece){ in.p + skip, in.n - skip });
		return;
	}
	skip = proxy_length(h->bytes[client], h->n[client]);
	n = h->n[client] - skip;
	memcpy(behind, h->bytes[client] + skip, n);
	h->n[client] = 0;
	look(a, s, client, (struct piece){ in.p, 0 });
	advance(a, s, client, (struct piece){ behind, n });
	advance(a, s, dir, rest);
}

static void
settle(struct app *a, struct app_state *s, const struct app_found *found, unsigned dir,
       struct piece in, struct piece rest)
{
	const struct kind *k = kind_of(found->id);

	s->id = (uint8_t)found->id;
	s->weak = found->weak;
	s->flip ^= found->flip;
	s->sided |= s->unsure && found->sided;
	s->unsure = false;
	if (s->id == APP_proxy_protocol) {
		settle_proxy(a, s, dir, in, rest);
	} else if (k) {
		settle_names(a, s, k->names, dir, in, rest);
	} else if (s->outer == APP_NONE && (app_tls_word(s->id) || app_tls_at(s->id))) {
		settle_upgrade(a, s, dir, in, rest);
	} else {
		app_conclude(a, s, APP_FOUND);
		app_finish(a, s);
	}
}

/* Rows that may be inside: after a word TLS alone, behind a PROXY header all others. */
static uint64_t
rows_inside(const struct app_state *s)
{
	if (s->outer == APP_NONE)
		return APP_EVERY;
	return s->outer == APP_proxy_protocol ? ~APP_ONLY(APP_proxy_protocol) : APP_ONLY(APP_tls);
}

static enum app_answer
ask(const struct app_state *s, const struct app_bytes view[2], struct app_found *found)
{
	return (s->unsure ? app_identify_unsure : app_identify)(view, rows_inside(s), found);
}

/*
 * Several rows fit: it is the one that the fewest bytes tell, so that it is the same however they
 * were cut.  An answer never becomes unknown again, so its first place is found by halving; `was`:
 * how much of side `k` was known before, which did not tell.
 */
static void
ask_shorter(const struct app_state *s, struct app_bytes view[2], unsigned k, size_t was,
	    struct app_found *found)
{
	struct app_bytes *v = &view[k];
	size_t low = was, high = v->n;

	while (low + 1 < high) {
		v->n = low + (high - low) / 2;
		v->closed = false;
		if (ask(s, view, found) == APP_UNKNOWN)
			low = v->n;
		else
			high = v->n;
	}
	v->n = high;
	v->closed = high == APP_LOOK;
	ask(s, view, found);
}

static void
look(struct app *a, struct app_state *s, unsigned dir, struct piece in)
{
	struct app_bytes view[2] = { { NULL, 0, false }, { NULL, 0, false } };
	struct app_found found;
	enum app_answer answer;
	size_t took = in.n < APP_LOOK ? in.n : APP_LOOK;
	unsigned d;

	if (s->hold)
		took = app_hold_add(s->hold, dir, in);
	for (d = 0; d < 2; d++) {
		struct app_bytes *v = &view[d ^ s->flip];

		if (s->hold)
			*v = (struct app_bytes){ s->hold->bytes[d], s->hold->n[d], false };
		else if (d == dir)
			*v = (struct app_bytes){ in.p, took, false };
		v->closed = is_closed(s, d) || v->n == APP_LOOK;
	}
	answer = ask(s, view, &found);
	if (answer == APP_FOUND && found.tie && took > 1 && !is_closed(s, dir))
		ask_shorter(s, view, dir ^ s->flip, view[dir ^ s->flip].n - took, &found);
	if (answer == APP_UNDEFINED || (answer == APP_FOUND && found.id == APP_NONE)) {
		app_give_up(a, s);
	} else if (answer == APP_FOUND) {
		settle(a, s, &found, dir, in, (struct piece){ in.p + took, in.n - took });
	} else {
		if (took < in.n)
			s->closed |= (uint8_t)(1 << dir);
		if (!s->hold && took > 0 &&
		    (!app_want_hold(a, s) || app_hold_add(s->hold, dir, in) < took))
			app_give_up(a, s);
	}
}

/* --- life --- */

struct app *
app_new(const struct app_limits *l)
{
	struct app *a = calloc(1, sizeof *a);

	if (a && (app_shelf_open(&a->holds, sizeof(struct app_hold), l->n_holds) != 0 ||
		  app_shelf_open(&a->longs, sizeof(struct app_long), l->n_longs) != 0 ||
		  app_shelf_open(&a->names, sizeof(struct app_named), l->n_names) != 0 ||
		  app_shelf_open(&a->parks, sizeof(struct app_park), l->n_parks) != 0)) {
		app_free(a);
		return NULL;
	}
	return a;
}

void
app_free(struct app *a)
{
	if (!a)
		return;
	app_shelf_close(&a->holds);
	app_shelf_close(&a->longs);
	app_shelf_close(&a->names);
	app_shelf_close(&a->parks);
	free(a);
}

void
app_begin(struct app_state *s, bool roles_unsure)
{
	*s = (struct app_state){ .unsure = roles_unsure };
}

bool
app_wants(const struct app_state *s, unsigned dir)
{
	if (s->phase == AWAITING)
		return dir == dir_of(s, 0);
	return s->phase != OVER && !((s->closed | s->done) >> dir & 1);
}

enum app_answer
app_feed(struct app *a, struct app_state *s, unsigned dir, const void *p, size_t len)
{
	if (len == 0 || s->phase == OVER)
		return app_answer(s);
	s->seen[dir] = len > UINT32_MAX - s->seen[dir] ? UINT32_MAX : s->seen[dir] + (uint32_t)len;
	advance(a, s, dir, (struct piece){ p, len });
	if (s->phase == LOOKING && s->seen[dir] > APP_PATIENCE)
		return app_settle(a, s);
	return app_answer(s);
}

enum app_answer
app_gap(struct app *a, struct app_state *s, unsigned dir)
{
	static const uint8_t none[1];

	s->closed |= (uint8_t)(1 << dir);
	if (s->phase == LOOKING)
		look(a, s, dir, (struct piece){ none, 0 });
	else if (s->phase == READING)
		name_answer(a, s);
	else if (s->phase == AWAITING && dir == dir_of(s, 0))
		app_finish(a, s);
	return app_answer(s);
}

enum app_answer
app_settle(struct app *a, struct app_state *s)
{
	app_gap(a, s, 0);
	return app_gap(a, s, 1);
}

void
app_end(struct app *a, struct app_state *s)
{
	app_finish(a, s);
	if (s->names)
		app_shelf_give(&a->names, &((struct app_named *)((char *)s->names -
								 offsetof(struct app_named, names)))
						   ->slot);
	s->names = NULL;
}

/* --- counters --- */

void
app_status(const struct app *a, struct app_status *st)
{
	*st = (struct app_status){
		.found = a->found,
		.undefined = a->undefined,
		.stolen = a->stolen,
		.holds = a->holds.n_used,
		.longs = a->longs.n_used,
		.names = a->names.n_used,
		.parks = a->parks.n_used,
	};
}
