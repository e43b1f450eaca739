/*
 * sinks.c - where a rule says that its flows' bytes, frames and events go.
 */
#include <string.h>

#include "vnf/policy/ast.h"

/* What the end of a flow may say that keeps its frames. */
static const struct verdict {
	const char *word;
	unsigned bit;
} verdicts[] = {
	{ "always", POLICY_KEEP_ALWAYS },
	{ "gaps", POLICY_KEEP_GAPS },
	{ "conflict", POLICY_KEEP_CONFLICT },
	{ "reset", POLICY_KEEP_RESET },
	{ "refused", POLICY_KEEP_REFUSED },
	{ "timeout", POLICY_KEEP_TIMEOUT },
	{ "idle", POLICY_KEEP_IDLE },
	{ "evicted", POLICY_KEEP_EVICTED },
	{ "unidentified", POLICY_KEEP_UNIDENTIFIED },
};

enum { N_VERDICTS = sizeof verdicts / sizeof verdicts[0] };

static const char unix_prefix[] = "unix:";

static void
path_check(struct parser *ps, const char *path, const struct loc *loc, const char *wanted)
{
	if (path[0] != '/')
		error_at(ps->p, ps->errs, loc, "expected %s", wanted);
	else if (strlen(path) > POLICY_PATH_MAX)
		error_at(ps->p, ps->errs, loc, "a path has at most %d characters", POLICY_PATH_MAX);
}

void
sink_count(struct parser *ps, const struct loc *loc)
{
	attr_once(ps, ATTR_SINK, loc);
}

void
sink_files(struct parser *ps, const struct loc *loc, const char *dir, const struct loc *dir_loc)
{
	attr_once(ps, ATTR_SINK, loc);
	ps->attrs->v.sink = POLICY_SINK_FILES;
	ps->attrs->v.sink_dir = dir;
	path_check(ps, dir, dir_loc, "the absolute path of a directory");
}

static void
kind_refuse(struct parser *ps, const struct loc *loc, const char *expected)
{
	char quote[64];

	error_at(ps->p, ps->errs, loc, "expected %s, found %s", expected,
		 source_quote(ps->p, loc, quote, sizeof quote));
}

void
sink_word(struct parser *ps, const char *kind, const struct loc *loc, const struct loc *kind_loc)
{
	if (strcmp(kind, "stream") == 0) {
		attr_once(ps, ATTR_STREAM, loc);
		ps->attrs->v.stream = true;
	} else if (strcmp(kind, "eve") == 0 || strcmp(kind, "pcapng") == 0) {
		error_at(ps->p, ps->errs, kind_loc, "a path in quotes has to follow \"%s\"", kind);
	} else {
		kind_refuse(ps, kind_loc, "a sink (count, files, stream, eve, pcapng)");
	}
}

static void
eve(struct parser *ps, const struct loc *loc, const char *path, const struct loc *path_loc)
{
	size_t skip = strncmp(path, unix_prefix, sizeof unix_prefix - 1) == 0
			      ? sizeof unix_prefix - 1
			      : 0;

	attr_once(ps, ATTR_EVE, loc);
	ps->attrs->v.eve = path;
	path_check(ps, path + skip, path_loc,
		   "the absolute path of a file, or \"unix:\" and that of a socket");
	if (ps->kept.line)
		error_at(ps->p, ps->errs, &ps->kept, "\"keep\" takes effect with pcapng only");
}

static void
pcapng(struct parser *ps, const struct loc *loc, const char *dir, const struct loc *dir_loc)
{
	attr_once(ps, ATTR_PCAPNG, loc);
	ps->attrs->v.pcapng = dir;
	ps->attrs->v.keep = ps->keep;
	ps->attrs->v.keep_apps = ps->keep_apps;
	path_check(ps, dir, dir_loc, "the absolute path of a directory");
	if (ps->kept.line)
		ps->attrs->seen[ATTR_KEEP] = ps->kept;
}

/* What was read of `keep` before is this one's. */
void
sink_path(struct parser *ps, const char *kind, const struct loc *loc, const struct loc *kind_loc,
	  const char *path, const struct loc *path_loc)
{
	if (strcmp(kind, "eve") == 0)
		eve(ps, loc, path, path_loc);
	else if (strcmp(kind, "pcapng") == 0)
		pcapng(ps, loc, path, path_loc);
	else
		kind_refuse(ps, kind_loc, "\"files\", \"eve\" or \"pcapng\"");
	ps->kept = (struct loc){ .line = 0 };
	ps->keep = 0;
	ps->keep_apps = NULL;
}

void
sink_keep(struct parser *ps, const char *word, const struct loc *loc)
{
	ps->kept = *loc;
	if (strcmp(word, "keep") != 0)
		kind_refuse(ps, loc, "\"keep\", another attribute or \"}\"");
}

void
sink_verdict(struct parser *ps, const char *word, const struct loc *loc)
{
	size_t i;

	for (i = 0; i < N_VERDICTS && strcmp(verdicts[i].word, word) != 0; i++)
		;
	if (i == N_VERDICTS)
		kind_refuse(ps, loc, "a verdict (" SINK_VERDICTS ", app)");
	else
		ps->keep |= verdicts[i].bit;
}

/* "tls,http", in the arena. */
static const char *
join(struct parser *ps, const struct texts *t, const struct loc *loc)
{
	char buf[POLICY_PATH_MAX + 1] = "";
	size_t i, len = 0;
	char *copy;

	for (i = 0; i < t->n; i++) {
		len += (size_t)snprintf(buf + len, sizeof buf - len, "%s%s", i ? "," : "", t->v[i]);
		if (len >= sizeof buf) {
			error_at(ps->p, ps->errs, loc, "these are too many to keep by");
			return "";
		}
	}
	copy = arena_strndup(&ps->p->arena, buf, len);
	ps->nomem |= copy == NULL;
	return copy;
}

void
sink_verdict_app(struct parser *ps, struct list *l, const struct loc *loc)
{
	const struct texts *t;

	if (ps->keep_apps) {
		error_at(ps->p, ps->errs, loc, "\"app\" is given twice: it takes { a list }");
		return;
	}
	if (l->negated || l->any) {
		error_at(ps->p, ps->errs, &l->loc,
			 "expected the applications whose frames are kept");
		return;
	}
	if (!list_check(ps, l, LIST_NAME) || !labels_check(ps, l))
		return;
	t = list_texts(ps, l);
	if (t)
		ps->keep_apps = join(ps, t, loc);
}

static void
check_one(struct parser *ps, const struct rule *r, enum attr_field field, unsigned modes,
	  const char *message)
{
	if (r->attrs->seen[field].line && !(modes & 1u << r->mode))
		error_at(ps->p, ps->errs, &r->attrs->seen[field], "%s", message);
}

void
sinks_check(struct parser *ps, const struct rule *r)
{
	const unsigned all = 1u << POLICY_PROXY | 1u << POLICY_TRACK | 1u << POLICY_PASSIVE;

	check_one(ps, r, ATTR_SINK, 1u << POLICY_PASSIVE,
		  "\"sink\" takes effect with passive only");
	check_one(ps, r, ATTR_STREAM, 1u << POLICY_PASSIVE,
		  "\"sink stream\" takes effect with passive only");
	check_one(ps, r, ATTR_EVE, all,
		  "\"sink eve\" takes effect with proxy, track and passive only");
	check_one(ps, r, ATTR_PCAPNG, all,
		  "\"sink pcapng\" takes effect with proxy, track and passive only");
	if (r->attrs->v.keep & (POLICY_KEEP_GAPS | POLICY_KEEP_CONFLICT))
		check_one(ps, r, ATTR_KEEP, 1u << POLICY_PASSIVE,
			  "gaps and conflict take effect with passive only");
}

static bool
same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool
sinks_equal(const struct policy_attrs *a, const struct policy_attrs *b)
{
	return a->sink == b->sink && same(a->sink_dir, b->sink_dir) && a->stream == b->stream &&
	       same(a->eve, b->eve) && same(a->pcapng, b->pcapng) && a->keep == b->keep &&
	       same(a->keep_apps, b->keep_apps);
}

static void
keep_print(const struct policy_attrs *a, FILE *f)
{
	const char *between = "";
	size_t i;

	if (!a->keep && !a->keep_apps)
		return;
	fputs(" keep { ", f);
	for (i = 0; i < N_VERDICTS; i++) {
		if (!(a->keep & verdicts[i].bit))
			continue;
		fprintf(f, "%s%s", between, verdicts[i].word);
		between = " ";
	}
	if (a->keep_apps) {
		fprintf(f, "%sapp { ", between);
		for (const char *c = a->keep_apps; *c; c++)
			fputc(*c == ',' ? ' ' : *c, f);
		fputs(" }", f);
	}
	fputs(" }", f);
}

const char *
sinks_print(const struct attr_list *a, const char *sep, FILE *f)
{
	const struct policy_attrs *v = &a->v;

	if (v->sink == POLICY_SINK_FILES) {
		fprintf(f, "%ssink files \"%s\"", sep, v->sink_dir);
		sep = ", ";
	} else if (a->seen[ATTR_SINK].line) {
		fprintf(f, "%ssink count", sep);
		sep = ", ";
	}
	if (v->stream) {
		fprintf(f, "%ssink stream", sep);
		sep = ", ";
	}
	if (v->eve) {
		fprintf(f, "%ssink eve \"%s\"", sep, v->eve);
		sep = ", ";
	}
	if (v->pcapng) {
		fprintf(f, "%ssink pcapng \"%s\"", sep, v->pcapng);
		keep_print(v, f);
		sep = ", ";
	}
	return sep;
}

bool
policy_keeps_frames(const struct policy *p)
{
	uint32_t i;

	for (i = 0; i < p->n_rules; i++)
		if (p->rule[i]->attrs->v.pcapng)
			return true;
	return p->def->attrs->v.pcapng != NULL;
}
