/*
 * table.c - see table.h.  A bit a row: the first byte of each direction selects rows, of
 * which only those are asked that both selections have.
 */
#include "vnf/app/table.h"

#include <string.h>

#include "vnf/app/recognise.h"

struct side {
	const char *bytes;
	app_recogniser *fn;	/* neither: nothing is known of this direction */
	const char *first;
	uint8_t n_bytes, n_first;	/* n_first 0: any byte */
};

struct row {
	const char *label, *reference;
	struct side side[2];	/* client's, server's */
	app_agreement *agree;	/* NULL: any two do */
	const char *tls_word;
	app_tls_place *tls_at;
};

/* clang-format off */
#define ANY ""
#define SILENT { .bytes = NULL }
#define BYTES(b) { .bytes = b, .n_bytes = sizeof b - 1, .first = b, .n_first = 1 }
#define BY(f, set) { .fn = f, .first = set, .n_first = sizeof set - 1 }
#define STAYS .tls_at = NULL
#define AGREED(f) .agree = f
#define TLS_AFTER(word) .tls_word = word
#define TLS_AT(f) .tls_at = f
#define PROTOCOL(id, name, ref, client, server, upgrade) \
	[APP_##id] = { .label = name, .reference = ref, .side = { client, server }, upgrade },

static const struct row rows[APP_N] = {
#include "vnf/app/protocols.def"
};
/* clang-format on */

_Static_assert(APP_N <= 64, "a bit a row: more rows need a wider mask");

static uint64_t begins[2][256];

static bool
is_told(const struct side *side)
{
	return side->bytes || side->fn;
}

static void __attribute__((constructor)) sort_by_first_byte(void)
{
	unsigned i, k, c;

	for (i = 1; i < APP_N; i++)
		for (k = 0; k < 2; k++) {
			const struct side *s = &rows[i].side[k];

			if (!is_told(&rows[i].side[0]) && !is_told(&rows[i].side[1]))
				continue;
			for (c = 0; c < 256 && s->n_first == 0; c++)
				begins[k][c] |= APP_ONLY(i);
			for (c = 0; c < s->n_first; c++)
				begins[k][(uint8_t)s->first[c]] |= APP_ONLY(i);
		}
}

/* What one direction says of a row. */
static enum app_match
side_match(const struct side *side, const struct app_bytes *v)
{
	enum app_match m;

	if (side->fn)
		m = side->fn(v->p, v->n);
	else
		m = match_bytes(v->p, v->n, 0, side->bytes, side->n_bytes);
	return m == APP_MORE && v->closed ? APP_NO : m;
}

/*
 * Both directions together; *spoke: one of them is known and has said something.  APP_WEAK only
 * once both have been heard: "get a" of one protocol is answered as another's.  *hinted: neither
 * direction alone would have told it.
 */
static enum app_match
row_match(const struct row *row, const struct app_bytes view[2], bool *spoke, bool *hinted)
{
	enum app_match m[2] = { APP_MORE, APP_MORE }, best;
	bool is_open = false;
	unsigned k;

	*spoke = false;
	for (k = 0; k < 2; k++) {
		if (!is_told(&row->side[k]))
			continue;
		if (view[k].n == 0) {
			is_open |= !view[k].closed;
			continue;
		}
		m[k] = side_match(&row->side[k], &view[k]);
		if (m[k] == APP_NO)
			return APP_NO;
		*spoke = true;
		is_open |= m[k] == APP_MORE;
	}
	best = m[0] > m[1] ? m[0] : m[1];
	*hinted = best == APP_HINT;
	if (m[0] >= APP_HINT && m[1] >= APP_HINT) {
		if (row->agree && !row->agree(view[0].p, view[1].p))
			return APP_NO;
		best = APP_YES;
	}
	return best == APP_WEAK && is_open ? APP_MORE : best;
}

static uint64_t
rows_beginning(const struct app_bytes view[2], uint64_t among)
{
	unsigned k;

	for (k = 0; k < 2; k++)
		if (view[k].n)
			among &= begins[k][view[k].p[0]];
	return among;
}

/* --- what the first bytes of most say --- */

enum { PREFIX = 4, REMEMBERED = 256 };

/* Rows that a direction's first bytes refuse, whatever follows: recognisers are monotonous. */
static __thread struct remembered {
	uint32_t prefix;
	bool is_set;
	uint64_t refuse;
} remembered[2][REMEMBERED];

static uint64_t
rows_refused(unsigned k, const uint8_t *p)
{
	uint64_t refuse = 0, mask = begins[k][*p];

	for (; mask; mask &= mask - 1) {
		unsigned id = (unsigned)__builtin_ctzll(mask);
		const struct app_bytes v = { p, PREFIX, false };

		if (is_told(&rows[id].side[k]) && side_match(&rows[id].side[k], &v) == APP_NO)
			refuse |= APP_ONLY(id);
	}
	return refuse;
}

/* Of `among` those that the first bytes do not refuse: few words begin most flows. */
static uint64_t
rows_possible(const struct app_bytes view[2], uint64_t among)
{
	for (unsigned k = 0; k < 2; k++) {
		struct remembered *r;
		uint32_t prefix;

		if (view[k].n < PREFIX || !among)
			continue;
		memcpy(&prefix, view[k].p, PREFIX);
		r = &remembered[k][prefix * 0x9e3779b1u >> 24];
		if (!r->is_set || r->prefix != prefix)
			*r = (struct remembered){ prefix, true, rows_refused(k, view[k].p) };
		among &= ~r->refuse;
	}
	return among;
}

enum app_answer
app_identify(const struct app_bytes view[2], uint64_t among, struct app_found *found)
{
	uint64_t mask = view[0].n + view[1].n ? rows_possible(view, rows_beginning(view, among))
					      : 0;
	unsigned n_possible = 0, n_speaking = 0, n_weak = 0, n_sure = 0, n_hinted = 0;
	bool spoke, hinted;

	if (view[0].n + view[1].n == 0)
		return view[0].closed && view[1].closed ? APP_UNDEFINED : APP_UNKNOWN;
	for (; mask; mask &= mask - 1) {
		enum app_id id = (enum app_id)__builtin_ctzll(mask);
		enum app_match m = row_match(&rows[id], view, &spoke, &hinted);

		if (m == APP_NO)
			continue;
		/* the first of those that one direction tells, else of those that both do */
		if (m == APP_YES ? n_sure == 0 || (n_sure == n_hinted && !hinted)
				 : m == APP_WEAK && n_weak == 0 && n_sure == 0)
			*found = (struct app_found){ .id = id, .weak = m == APP_WEAK };
		n_sure += m == APP_YES;
		n_hinted += m == APP_YES && hinted;
		n_weak += m == APP_WEAK;
		n_possible++;
		n_speaking += spoke;
	}
	if (n_sure > 0) {
		found->tie = n_sure > 1;
		if (n_sure > 1 && n_sure == n_hinted)
			found->id = APP_NONE;
		return APP_FOUND;
	}
	if (n_weak == 1 && (n_speaking == 1 || (view[0].closed && view[1].closed)))
		return APP_FOUND;
	if (n_possible == 0 || (view[0].closed && view[1].closed))
		return APP_UNDEFINED;
	return APP_UNKNOWN;
}

/* Could these bytes of side `k` not be the other side's?  Those of BitTorrent or SSH could. */
static bool
is_side(const struct row *row, const struct app_bytes *v, unsigned k)
{
	const struct app_bytes so_far = { v->p, v->n, false };

	if (v->n == 0)
		return false;
	if (is_told(&row->side[!k]))
		return side_match(&row->side[!k], &so_far) == APP_NO;
	return side_match(&row->side[k], &so_far) == APP_YES;
}

static bool
is_sided(const struct app_found *f, const struct app_bytes view[2])
{
	const struct row *row = &rows[f->id];

	return f->id != APP_NONE && !f->weak &&
	       (is_side(row, &view[f->flip], 0) || is_side(row, &view[!f->flip], 1));
}

static enum app_answer
identify_either_way(const struct app_bytes view[2], const struct app_bytes swapped[2],
		    uint64_t among, struct app_found *found)
{
	enum app_answer straight = app_identify(view, among, found), other;
	struct app_found f;

	other = app_identify(swapped, among, &f);
	if (straight == APP_FOUND && other == APP_FOUND)
		found->tie = true;
	if (straight == APP_FOUND && !found->weak)
		return APP_FOUND;
	if (other == APP_FOUND && straight != APP_FOUND && (!f.weak || straight == APP_UNDEFINED)) {
		*found = f;
		found->flip = true;
		return APP_FOUND;
	}
	if (straight == APP_FOUND && other != APP_UNKNOWN)
		return APP_FOUND;
	return straight == APP_UNDEFINED && other == APP_UNDEFINED ? APP_UNDEFINED : APP_UNKNOWN;
}

enum app_answer
app_identify_unsure(const struct app_bytes view[2], uint64_t among, struct app_found *found)
{
	const struct app_bytes swapped[2] = { view[1], view[0] };
	enum app_answer answer = identify_either_way(view, swapped, among, found);

	if (answer == APP_FOUND)
		found->sided = is_sided(found, view);
	return answer;
}

unsigned
app_candidates(const void *client, size_t n_client, const void *server, size_t n_server)
{
	const struct app_bytes view[2] = { { .p = client, .n = n_client },
					   { .p = server, .n = n_server } };
	uint64_t mask = rows_beginning(view, APP_EVERY & ~APP_ONLY(APP_NONE));
	unsigned n = 0;
	bool spoke, hinted;

	for (; mask; mask &= mask - 1)
		if (row_match(&rows[__builtin_ctzll(mask)], view, &spoke, &hinted) != APP_NO &&
		    spoke)
			n++;
	return n;
}

const char *
app_label(enum app_id id)
{
	return id > APP_NONE && id < APP_N ? rows[id].label : "";
}

const char *
app_reference(enum app_id id)
{
	return id > APP_NONE && id < APP_N ? rows[id].reference : "";
}

const char *
app_tls_word(enum app_id id)
{
	return rows[id].tls_word;
}

app_tls_place *
app_tls_at(enum app_id id)
{
	return rows[id].tls_at;
}
