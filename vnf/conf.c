/*
 * conf.c - see conf.h.  The lines are split first, then set in the rounds of the table, so that
 * their order in the file has no meaning but among repeated keys.
 */
#include "vnf/conf.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnf/nearest.h"
#include "vnf/option.h"
#include "vnf/text_file.h"

enum {
	FILE_MAX = 1 << 20,
	MAX_FAULTS = 100,	/* told */
	VALUE_SHOWN = 64,
};

struct setting {
	const struct option_row *row;
	const char *value;
	unsigned line;
};

struct fault {
	unsigned line;
	char text[400];
};

struct reader {
	unsigned line;		/* of what is read now */
	struct setting *list;
	size_t n;
	struct fault fault[MAX_FAULTS];
	unsigned n_faults;	/* more than there is room for are counted only */
};

static void __attribute__((format(printf, 2, 3))) fault(struct reader *r, const char *fmt, ...)
{
	struct fault *f = &r->fault[r->n_faults];
	va_list ap;

	if (r->n_faults++ >= MAX_FAULTS)
		return;
	f->line = r->line;
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof f->text, fmt, ap);
	va_end(ap);
}

/* --- lines --- */

static char *
trim(char *s)
{
	size_t n;

	while (isspace((unsigned char)*s))
		s++;
	for (n = strlen(s); n > 0 && isspace((unsigned char)s[n - 1]); n--)
		s[n - 1] = '\0';
	return s;
}

/* A '#' begins a comment at the line's start or behind a space, so that a path may have one. */
static void
cut_comment(char *s)
{
	char *at;

	for (at = strchr(s, '#'); at; at = strchr(at + 1, '#')) {
		if (at == s || isspace((unsigned char)at[-1])) {
			*at = '\0';
			return;
		}
	}
}

static void
unknown_key(struct reader *r, const char *key)
{
	const struct option_row *row = option_find(key);
	struct nearest near = nearest_begin(key);
	unsigned i;

	if (row) {
		fault(r, "'%s' is an option of the command line only", key);
		return;
	}
	for (i = 0; i < option_n_rows; i++)
		if (option_rows[i].round != OPTION_EARLY)
			nearest_look(&near, option_rows[i].name);
	if (near.word)
		fault(r, "'%.*s' is no key: is '%s' meant?", VALUE_SHOWN, key, near.word);
	else
		fault(r, "'%.*s' is no key: see leat.conf(5)", VALUE_SHOWN, key);
}

static const struct setting *
given_before(const struct reader *r, const struct option_row *row)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if (r->list[i].row == row)
			return &r->list[i];
	return NULL;
}

static void
add_line(struct reader *r, char *key, char *value)
{
	const struct option_row *row = option_find(key);
	const struct setting *before = row ? given_before(r, row) : NULL;

	if (!row || row->round == OPTION_EARLY)
		unknown_key(r, key);
	else if (before && !row->clear)
		fault(r, "%s: given already in line %u", key, before->line);
	else
		r->list[r->n++] = (struct setting){ row, value, r->line };
}

static void
read_line(struct reader *r, char *line)
{
	char *equals;

	cut_comment(line);
	line = trim(line);
	if (*line == '\0')
		return;
	equals = strchr(line, '=');
	if (!equals || equals == line) {
		fault(r, "'%.*s': KEY = VALUE is needed", VALUE_SHOWN, line);
		return;
	}
	*equals = '\0';
	add_line(r, trim(line), trim(equals + 1));
}

/* --- the whole --- */

static size_t
count_lines(const char *text, size_t len)
{
	size_t n = 1, i;

	for (i = 0; i < len; i++)
		n += text[i] == '\n';
	return n;
}

static void
read_lines(struct reader *r, char *text, size_t len)
{
	char *line = text, *end;

	for (; line; line = end ? end + 1 : NULL) {
		r->line++;
		end = memchr(line, '\n', (size_t)(text + len - line));
		if (end)
			*end = '\0';
		if (strlen(line) != (size_t)((end ? end : text + len) - line))
			fault(r, "a NUL byte: this is no text file");
		else
			read_line(r, line);
	}
}

static void
set_round(struct reader *r, enum option_round round, struct options *o)
{
	const struct setting *s;
	struct err why;

	for (s = r->list; s < r->list + r->n; s++) {
		if (s->row->round != round)
			continue;
		r->line = s->line;
		why = (struct err){ 0 };
		if (option_set(o, s->row, s->value, &why) != 0)
			fault(r, "%s = %.*s: %s", s->row->name, VALUE_SHOWN, s->value, why.msg);
	}
}

static int
by_line(const void *a, const void *b)
{
	const struct fault *x = a, *y = b;

	return x->line < y->line ? -1 : x->line > y->line;
}

/* They were found round by round, and are told in the file's order. */
static int
tell_faults(struct reader *r, const char *path, FILE *to, struct err *err)
{
	unsigned n = r->n_faults < MAX_FAULTS ? r->n_faults : MAX_FAULTS, i;

	qsort(r->fault, n, sizeof r->fault[0], by_line);
	for (i = 0; i < n; i++)
		fprintf(to, "%s:%u: %s\n", path, r->fault[i].line, r->fault[i].text);
	return err_set(err, -EINVAL, "%s: %u error%s: correct %s and start again", path,
		       r->n_faults, r->n_faults == 1 ? "" : "s", r->n_faults == 1 ? "it" : "them");
}

int
conf_read(const char *path, struct options *o, FILE *errors, struct err *err)
{
	struct reader *r = calloc(1, sizeof *r);
	size_t len;
	char *text = NULL;
	int rc;

	if (!r)
		return err_set(err, -ENOMEM, "%s: no memory", path);
	rc = text_file_read(path, FILE_MAX, &text, &len, err);
	if (rc == 0) {
		r->list = calloc(count_lines(text, len), sizeof *r->list);
		if (!r->list) {
			rc = -ENOMEM;
			err_set(err, rc, "%s: no memory", path);
		}
	}
	if (rc == 0) {
		read_lines(r, text, len);
		set_round(r, OPTION_PLAIN, o);
		set_round(r, OPTION_LATE, o);
		rc = r->n_faults ? tell_faults(r, path, errors, err) : 0;
	}
	free(r->list);
	free(text);
	free(r);
	return rc;
}
