/*
 * The files of a policy.  A text that names others carries them once it was
 * expanded: each file as it was read, behind a line that is a comment to everybody else:
 *
 *	#:file "/etc/leat/policy"
 *
 * The first is the policy itself.  A line in a file that would read as such a head is a comment
 * too, and loses its colon on the way: no column of what has a meaning moves.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnf/policy/ast.h"

static const char head[] = "#:file \"";

enum { HEAD = sizeof head - 1 };

static struct source *
source_add(struct policy *p, const char *name, const char *text, size_t len)
{
	struct source *s = arena_alloc(&p->arena, sizeof *s);

	if (s == NULL)
		return NULL;
	*s = (struct source){ .name = name, .text = text, .len = len, .order = p->n_sources++ };
	*p->sources_tail = s;
	p->sources_tail = &s->next;
	return s;
}

static bool
is_head(const char *text, size_t len)
{
	return len > HEAD && memcmp(text, head, HEAD) == 0;
}

/* The next line that begins at or after `at` and is a head; `end` if there is none. */
static const char *
next_head(const char *at, const char *end)
{
	while (at < end && !is_head(at, (size_t)(end - at))) {
		at = memchr(at, '\n', (size_t)(end - at));
		at = at ? at + 1 : end;
	}
	return at;
}

/* The name in a head's line, and *text behind the line. */
static char *
head_name(struct policy *p, const char *at, const char *end, const char **text)
{
	const char *eol = memchr(at, '\n', (size_t)(end - at)), *quote;

	eol = eol ? eol : end;
	*text = eol < end ? eol + 1 : end;
	for (quote = eol; quote > at + HEAD && quote[-1] != '"'; quote--)
		;
	return arena_strndup(&p->arena, at + HEAD,
			     quote > at + HEAD ? (size_t)(quote - 1 - at - HEAD) : 0);
}

int
sources_take(struct policy *p, const char *name, const char *text, size_t len)
{
	const char *own_name = arena_strndup(&p->arena, name, strlen(name));
	const char *own = arena_strndup(&p->arena, text, len), *at, *end, *next;

	if (own_name == NULL || own == NULL)
		return -ENOMEM;
	if (!is_head(own, len))
		return source_add(p, own_name, own, len) ? 0 : -ENOMEM;
	for (at = own, end = own + len; at < end; at = next) {
		const char *file = head_name(p, at, end, &text);

		next = next_head(text, end);
		if (file == NULL || source_add(p, file, text, (size_t)(next - text)) == NULL)
			return -ENOMEM;
	}
	return 0;
}

static void
source_put(const struct source *s, FILE *out)
{
	const char *at = s->text, *end = at + s->len, *next;

	fprintf(out, "%s%s\"\n", head, s->name);
	for (;;) {
		next = next_head(at, end);
		fwrite(at, 1, (size_t)(next - at), out);
		if (next == end)
			break;
		fputs("# ", out);
		at = next + 2;
	}
	if (s->len > 0 && end[-1] != '\n')
		fputc('\n', out);
}

int
sources_put(const struct policy *p, FILE *out)
{
	const struct source *s = p->sources;

	if (s->next == NULL && !is_head(s->text, s->len))
		fwrite(s->text, 1, s->len, out);
	else
		for (; s; s = s->next)
			source_put(s, out);
	return ferror(out) ? -EIO : 0;
}

/* `path` as seen from the folder of the file that names it. */
static char *
path_join(struct policy *p, const char *from, const char *path)
{
	const char *slash = path[0] == '/' ? NULL : strrchr(from, '/');
	const size_t dir = slash ? (size_t)(slash + 1 - from) : 0;
	char *out = arena_alloc(&p->arena, dir + strlen(path) + 1);

	if (out) {
		memcpy(out, from, dir);
		strcpy(out + dir, path);
	}
	return out;
}

static struct source *
source_read(struct parser *ps, const struct word *word, const char *path)
{
	struct source *s = NULL;
	struct err err = { "" };
	char *text = NULL, *own;
	size_t len;
	int rc;

	if (ps->read == NULL) {
		error_at(ps->p, ps->errs, &word->loc,
			 "\"%s\" did not come with this text: \"leatctl policy load\" and "
			 "\"leatd --expand-policy\" put it in",
			 path);
		return NULL;
	}
	rc = ps->read(path, POLICY_TEXT_MAX, &text, &len, &err);
	if (rc != 0) {
		error_at(ps->p, ps->errs, &word->loc, "%s", err.msg);
		return NULL;
	}
	own = arena_strndup(&ps->p->arena, text, len);
	free(text);
	if (own)
		s = source_add(ps->p, path, own, len);
	ps->nomem |= s == NULL;
	return s;
}

struct source *
source_open(struct parser *ps, const struct word *word)
{
	const char *path = path_join(ps->p, word->loc.src->name, word->s);
	struct source *s;

	if (path == NULL) {
		ps->nomem = true;
		return NULL;
	}
	if (word->s[0] == '\0' || strcmp(word->s, "-") == 0) {
		error_at(ps->p, ps->errs, &word->loc, "expected the path of a file");
		return NULL;
	}
	for (s = ps->p->sources; s; s = s->next)
		if (strcmp(s->name, path) == 0)
			return s;
	return source_read(ps, word, path);
}
