/*
 * flow_filter.c - see flow_filter.h: the language.  flow_match.c holds flows against it.
 *
 * Every key is a row of `keys`: its name, and how its values are read.
 */
#include "vnf/flow_filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "db/record.h"
#include "vnf/flow_keys.h"
#include "vnf/nearest.h"
#include "vnf/row.h"

typedef int read_value(struct flow_filter *ff, struct flow_filter_value *v, const char *text,
		       struct err *err);

static read_value read_id, read_mode, read_name, read_number, read_start, read_end, read_port,
	read_vlan, read_state, read_app, read_text, read_duration;

static const struct {
	const char *name;
	read_value *read;
} keys[] = {
	[KEY_ID] = { "id", read_id },
	[KEY_MODE] = { "mode", read_mode },
	[KEY_RULE] = { "rule", read_name },
	[KEY_GENERATION] = { "generation", read_number },
	[KEY_START] = { "start", read_start },
	[KEY_CLIENT] = { "client", read_end },
	[KEY_SERVER] = { "server", read_end },
	[KEY_ADDR] = { "addr", read_end },
	[KEY_CPORT] = { "cport", read_port },
	[KEY_SPORT] = { "sport", read_port },
	[KEY_PORT] = { "port", read_port },
	[KEY_VLAN] = { "vlan", read_vlan },
	[KEY_DOMAIN] = { "domain", read_number },
	[KEY_STATE] = { "state", read_state },
	[KEY_APP] = { "app", read_app },
	[KEY_SNI] = { "sni", read_text },
	[KEY_HOST] = { "host", read_text },
	[KEY_ALPN] = { "alpn", read_text },
	[KEY_OLDER] = { "older", read_duration },
	[KEY_IDLE] = { "idle", read_duration },
};

/* --- values --- */

static int
put_text(struct flow_filter *ff, struct flow_filter_value *v, const char *text, struct err *err)
{
	size_t n = strlen(text) + 1;

	if (ff->text_len + n > sizeof ff->text)
		return err_set(err, -EINVAL, "the filter is too long");
	v->text = ff->text_len;
	memcpy(ff->text + ff->text_len, text, n);
	ff->text_len = (uint16_t)(ff->text_len + n);
	return 0;
}

/* One of `names`, of which the error lists all. */
static int
put_word(struct flow_filter *ff, struct flow_filter_value *v, const char *what, const char *text,
	 const char *const names[], size_t n, struct err *err)
{
	struct nearest near = nearest_begin(text);
	char known[256] = "";
	size_t i, len = 0;

	for (i = 0; i < n; i++) {
		if (strcmp(names[i], text) == 0)
			return put_text(ff, v, text, err);
		nearest_look(&near, names[i]);
	}
	for (i = 0; i < n && len < sizeof known; i++)
		len += (size_t)snprintf(known + len, sizeof known - len, "%s%s", i ? ", " : "",
					names[i]);
	return err_set(err, -EINVAL, "there is no %s \"%.40s\"%s%s%s: there are %s", what, text,
		       near.word ? " (is it " : "", near.word ? near.word : "",
		       near.word ? "?)" : "", known);
}

static int
read_id(struct flow_filter *ff, struct flow_filter_value *v, const char *text, struct err *err)
{
	(void)ff;
	if (row_id_parse(text, &v->id.worker, &v->id.ref, &v->id.generation))
		return 0;
	return err_set(err, -EINVAL, "\"%.40s\" is no flow's id: `flow list` shows them", text);
}

static int
read_mode(struct flow_filter *ff, struct flow_filter_value *v, const char *text, struct err *err)
{
	static const char *const names[] = { "proxy", "passive", "track", "pass", "drop" };

	return put_word(ff, v, "mode", text, names, sizeof names / sizeof names[0], err);
}

static int
read_start(struct flow_filter *ff, struct flow_filter_value *v, const char *text, struct err *err)
{
	static const char *const names[] = { "syn",    "synack",      "midstream",
					     "unseen", "interrupted", "cookie" };

	return put_word(ff, v, "start", text, names, sizeof names / sizeof names[0], err);
}

static int
read_state(struct flow_filter *ff, struct flow_filter_value *v, const char *text, struct err *err)
{
	const char *names[TCPTERM_TIME_WAIT + 1];
	unsigned i;

	for (i = 0; i <= TCPTERM_TIME_WAIT; i++)
		names[i] = tcpterm_state_name((enum tcpterm_state)i);
	return put_word(ff, v, "state", text, names, TCPTERM_TIME_WAIT + 1, err);
}

static int
read_name(struct flow_filter *ff, struct flow_filter_value *v, const char *text, struct err *err)
{
	if (!*text || strlen(text) >= RECORD_RULE)
		return err_set(err, -EINVAL, "a rule's name has 1 to %d letters", RECORD_RULE - 1);
	return put_text(ff, v, text, err);
}

/* Nothing behind the equals sign: flows whose application is not known. */
static int
read_app(struct flow_filter *ff, struct flow_filter_value *v, const char *text, struct err *err)
{
	if (strlen(text) >= RECORD_APP)
		return err_set(err, -EINVAL, "an application's name has at most %d letters",
			       RECORD_APP - 1);
	return put_text(ff, v, text, err);
}

/* Likewise: flows without one. */
static int
read_text(struct flow_filter *ff, struct flow_filter_value *v, const char *text, struct err *err)
{
	return put_text(ff, v, text, err);
}

static bool
read_digits(const char **text, uint64_t max, uint64_t *out)
{
	const char *s = *text;
	uint64_t n = 0;

	for (; *s >= '0' && *s <= '9'; s++) {
		n = n * 10 + (uint64_t)(*s - '0');
		if (n > max)
			return false;
	}
	if (s == *text)
		return false;
	*text = s;
	*out = n;
	return true;
}

/* N or LO:HI */
static int
read_range(struct flow_filter_value *v, const char *what, uint64_t max, const char *text,
	   struct err *err)
{
	const char *s = text;

	if (read_digits(&s, max, &v->range.lo)) {
		v->range.hi = v->range.lo;
		if (!*s || (*s++ == ':' && read_digits(&s, max, &v->range.hi) && !*s &&
			    v->range.lo <= v->range.hi))
			return 0;
	}
	return err_set(err, -EINVAL, "\"%.40s\" is no %s: a number up to %ju, or a range LOW:HIGH",
		       text, what, (uintmax_t)max);
}

static int
read_number(struct flow_filter *ff, struct flow_filter_value *v, const char *text, struct err *err)
{
	(void)ff;
	return read_range(v, "number", UINT32_MAX, text, err);
}

static int
read_port(struct flow_filter *ff, struct flow_filter_value *v, const char *text, struct err *err)
{
	(void)ff;
	return read_range(v, "port", UINT16_MAX, text, err);
}

/* The address in the first `n` bytes. */
static bool
read_addr(const char *text, size_t n, struct ip_addr *a)
{
	char buf[IP_ADDR_STRLEN];

	if (n >= sizeof buf)
		return false;
	memcpy(buf, text, n);
	buf[n] = '\0';
	return ip_addr_parse(buf, a) == 0;
}

/* 10.0.0.1, 10.0.0.0/8, fd00::/8, 10.0.0.1:80, [fd00::1]:80 */
static bool
parse_end(struct flow_filter_value *v, const char *text)
{
	bool bracket = *text == '[';
	const char *s = text + bracket;
	size_t n = bracket ? strcspn(s, "]") : strcspn(s, "/");
	const char *colon = memchr(s, ':', n);
	uint64_t bits = 0, port = 0;
	bool v4;

	/* one colon only: it stands before a port */
	if (!bracket && colon && !memchr(colon + 1, ':', (size_t)(s + n - colon - 1)))
		n = (size_t)(colon - s);
	if (!read_addr(s, n, &v->end.addr) || (bracket && s[n] != ']'))
		return false;
	v4 = ip_addr_is_v4(&v->end.addr);
	v->end.len = 128;
	s += n + bracket;
	if (*s == '/' && !bracket) {
		s++;
		if (!read_digits(&s, v4 ? 32 : 128, &bits))
			return false;
		v->end.len = (uint8_t)(v4 ? 96 + bits : bits);
	} else if (*s == ':') {
		s++;
		if (!read_digits(&s, UINT16_MAX, &port))
			return false;
		v->end.has_port = true;
		v->end.port = (uint16_t)port;
	}
	return !*s;
}

static int
read_end(struct flow_filter *ff, struct flow_filter_value *v, const char *text, struct err *err)
{
	(void)ff;
	if (parse_end(v, text))
		return 0;
	return err_set(err, -EINVAL,
		       "\"%.60s\" is no address: 10.0.0.1, 10.0.0.0/8, fd00::/8, 10.0.0.1:80 or "
		       "[fd00::1]:80",
		       text);
}

/* 100, 100.200, none: kept as `flow list` shows it. */
static int
read_vlan(struct flow_filter *ff, struct flow_filter_value *v, const char *text, struct err *err)
{
	const char *s = text;
	uint64_t vid;

	if (strcmp(text, "none") == 0)
		return put_text(ff, v, "", err);
	do {
		if (!read_digits(&s, 4095, &vid))
			break;
		if (!*s)
			return put_text(ff, v, text, err);
	} while (*s++ == '.');
	return err_set(err, -EINVAL,
		       "\"%.60s\" are no VLAN tags: 100, 100.200 (outermost first) or none", text);
}

static int
read_duration(struct flow_filter *ff, struct flow_filter_value *v, const char *text,
	      struct err *err)
{
	static const struct {
		const char *name;
		uint64_t us;
	} units[] = { { "", 1000000 },	 { "s", 1000000 },	 { "ms", 1000 },
		      { "m", 60000000 }, { "h", 3600000000ull }, { "d", 86400000000ull } };
	const char *s = text;
	unsigned i;

	(void)ff;
	if (read_digits(&s, 100000, &v->range.lo))
		for (i = 0; i < sizeof units / sizeof units[0]; i++)
			if (strcmp(s, units[i].name) == 0) {
				v->range.lo *= units[i].us;
				return 0;
			}
	return err_set(err, -EINVAL, "\"%.40s\" is no duration: a number, and s, ms, m, h or d",
		       text);
}

/* --- words --- */

static int
find_key(const char *name, size_t len, struct err *err)
{
	struct nearest near;
	char asked[32];
	unsigned i;

	snprintf(asked, sizeof asked, "%.*s", (int)len, name);
	near = nearest_begin(asked);
	for (i = 0; i < N_KEYS; i++) {
		if (strlen(keys[i].name) == len && memcmp(name, keys[i].name, len) == 0)
			return (int)i;
		nearest_look(&near, keys[i].name);
	}
	return err_set(err, -EINVAL, "there is no key \"%s\"%s%s%s: the keys are " FLOW_FILTER_KEYS,
		       asked, near.word ? " (is it " : "", near.word ? near.word : "",
		       near.word ? "?)" : "");
}

static int
read_values(struct flow_filter *ff, struct flow_filter_word *w, char *list, struct err *err)
{
	char *one;
	int rc;

	w->first = ff->n_values;
	while ((one = strsep(&list, ",")) != NULL) {
		struct flow_filter_value *v = &ff->value[ff->n_values];

		if (ff->n_values == FLOW_FILTER_VALUES)
			return err_set(err, -EINVAL, "a filter has at most %d values",
				       FLOW_FILTER_VALUES);
		rc = keys[w->key].read(ff, v, one, err);
		if (rc != 0)
			return rc;
		ff->n_values++;
		w->n++;
	}
	return 0;
}

static int
read_word(struct flow_filter *ff, const char *text, struct err *err)
{
	struct flow_filter_word *w = &ff->word[ff->n_words];
	const char *equals = strchr(text, '=');
	char list[FLOW_FILTER_TEXT];
	int key;

	if (!equals || equals == text || (*text == '!' && equals == text + 1))
		return err_set(err, -EINVAL,
			       "\"%.60s\": KEY=VALUE or KEY!=VALUE is needed; the keys "
			       "are " FLOW_FILTER_KEYS,
			       text);
	if (ff->n_words == FLOW_FILTER_WORDS)
		return err_set(err, -EINVAL, "a filter has at most %d words", FLOW_FILTER_WORDS);
	w->negated = equals[-1] == '!';
	key = find_key(text, (size_t)(equals - text) - w->negated, err);
	if (key < 0)
		return key;
	w->key = (uint8_t)key;
	if (strlen(equals + 1) >= sizeof list)
		return err_set(err, -EINVAL, "the filter is too long");
	strcpy(list, equals + 1);
	ff->n_words++;
	return read_values(ff, w, list, err);
}

int
flow_filter_parse(struct flow_filter *ff, int argc, const char *const argv[], struct err *err)
{
	int i, rc = 0;

	memset(ff, 0, sizeof *ff);
	for (i = 0; i < argc && rc == 0; i++)
		rc = read_word(ff, argv[i], err);
	return rc;
}

bool
flow_filter_is_id(const struct flow_filter *ff, unsigned *worker, uint32_t *ref,
		  uint32_t *generation)
{
	const struct flow_filter_value *v = &ff->value[0];

	if (ff->n_words != 1 || ff->n_values != 1 || ff->word[0].key != KEY_ID ||
	    ff->word[0].negated)
		return false;
	*worker = v->id.worker;
	*ref = v->id.ref;
	*generation = v->id.generation;
	return true;
}
