/*
 * Errors as a person reads them: place, message, the line, a caret.  What is
 * quoted from the text is made printable first: it goes to a terminal.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "vnf/policy/ast.h"

enum {
	LINE_SHOWN = 160,	/* bytes of a source line; more is cut around the place */
	LINE_BEFORE = 100,	/* of them before the place */
	QUOTE_SHOWN = 40,
	MESSAGE = 1024,		/* cut there: names in a text may be of any length */
};

static char
printable(char c)
{
	return c == '\t' || (c >= ' ' && c <= '~') ? c : '?';
}

/* A place that no file was set for is in the first. */
static const struct source *
source_of(const struct policy *p, const struct loc *loc)
{
	return loc->src ? loc->src : p->sources;
}

const char *
place_name(const struct loc *here, const struct loc *there, char buf[PLACE_MAX])
{
	if (here->src == there->src)
		snprintf(buf, PLACE_MAX, "line %d:%d", there->line, there->col);
	else
		snprintf(buf, PLACE_MAX, "%.*s:%d:%d", PLACE_MAX - 32, there->src->name,
			 there->line, there->col);
	return buf;
}

const char *
source_quote(const struct policy *p, const struct loc *loc, char *buf, size_t size)
{
	const struct source *src = source_of(p, loc);
	size_t i, n = loc->end - loc->off, k = 0;
	bool cut = n > QUOTE_SHOWN;

	if (cut)
		n = QUOTE_SHOWN;
	if (src->len == loc->off || size < QUOTE_SHOWN + 8) {
		snprintf(buf, size, "the end of the file");
		return buf;
	}
	buf[k++] = '"';
	for (i = 0; i < n; i++)
		buf[k++] = printable(src->text[loc->off + i]);
	snprintf(buf + k, size - k, cut ? "...\"" : "\"");
	return buf;
}

static void
source_line(const struct source *p, const struct loc *loc, FILE *f)
{
	size_t bol = loc->off, eol = loc->off, i;

	while (bol > 0 && p->text[bol - 1] != '\n')
		bol--;
	while (eol < p->len && p->text[eol] != '\n')
		eol++;
	if (loc->off - bol > LINE_BEFORE)
		bol = loc->off - LINE_BEFORE;
	if (eol - bol > LINE_SHOWN)
		eol = bol + LINE_SHOWN;
	fputs("    ", f);
	for (i = bol; i < eol; i++)
		fputc(printable(p->text[i]), f);
	fputs("\n    ", f);
	for (i = bol; i < loc->off; i++)
		fputc(p->text[i] == '\t' ? '\t' : ' ', f);
	fputs("^\n", f);
}

void
error_at(const struct policy *p, struct policy_errors *errs, const struct loc *loc, const char *fmt,
	 ...)
{
	const struct source *src = source_of(p, loc);
	struct policy_error *e;
	char message[MESSAGE], *text = NULL;
	size_t len = 0;
	va_list ap;
	FILE *f;

	va_start(ap, fmt);
	vsnprintf(message, sizeof message, fmt, ap);
	va_end(ap);
	if (errs->n == POLICY_ERRORS_MAX || (f = open_memstream(&text, &len)) == NULL) {
		errs->n_more++;
		return;
	}
	fprintf(f, "%s:%d:%d: %s\n", src->name, loc->line, loc->col, message);
	source_line(src, loc, f);
	if (fclose(f) != 0) {
		free(text);
		errs->n_more++;
		return;
	}
	e = &errs->list[errs->n++];
	e->file = src->order;
	e->line = loc->line;
	e->col = loc->col;
	e->text = text;
}

static int
error_order(const void *a, const void *b)
{
	const struct policy_error *x = a, *y = b;

	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->col != y->col)
		return x->col < y->col ? -1 : 1;
	return strcmp(x->text, y->text);
}

void
errors_sort(struct policy_errors *errs)
{
	qsort(errs->list, errs->n, sizeof errs->list[0], error_order);
}

void
policy_errors_print(const struct policy_errors *errs, FILE *f)
{
	unsigned i;

	for (i = 0; i < errs->n; i++)
		fputs(errs->list[i].text, f);
	if (errs->n_more > 0)
		fprintf(f, "and %u more error%s\n", errs->n_more, errs->n_more == 1 ? "" : "s");
}

void
policy_errors_free(struct policy_errors *errs)
{
	unsigned i;

	for (i = 0; i < errs->n; i++)
		free(errs->list[i].text);
	memset(errs, 0, sizeof *errs);
}

size_t
phrase_add(char *buf, size_t size, size_t len, const char *what, bool first, bool last)
{
	const bool prose = strncmp(what, "a ", 2) == 0 || strncmp(what, "an ", 3) == 0 ||
			   strncmp(what, "the ", 4) == 0;
	const char *sep = first ? "" : last ? " or " : ", ";
	int n = snprintf(buf + len, size - len, prose ? "%s%s" : "%s\"%s\"", sep, what);

	return n > 0 && (size_t)n < size - len ? len + (size_t)n : size - 1;
}
