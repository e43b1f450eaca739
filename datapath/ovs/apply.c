/*
 * apply.c - brings a bridge to the rules that selections ask for.
 *
 * `ovs-ofctl diff-flows` says what is missing ('+') and what is there and not wanted ('-'), both in
 * the tool's own normal form, so that "ip,nw_proto=6" and "tcp" need no comparing here.  Its
 * judgement of equality is stricter than the text (an action that names a group never compares
 * equal), so two lines of the same text cancel each other first.  Of what remains:
 *	+ and a foreign - with the same match	refuse
 *	+					add, which replaces ours with the same match
 *	- of ours, without such a +		delete
 *	- of others				none of our business
 * Groups have no such command; we render them as dump-groups prints them.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/ovs/apply.h"
#include "datapath/ovs/mirror.h"
#include "datapath/ovs/ports.h"

struct line {
	char sign;
	bool cancelled;
	uint64_t cookie;
	const char *text;	/* all of it after the sign */
	size_t key_len;		/* table, priority and match: the text's beginning */
};

struct diff {
	char *text;
	struct line *lines;
	unsigned int n;
};

static uint32_t
group_base(unsigned int instance)
{
	return OVS_GROUP_BASE + (instance << 8);
}

static bool
is_ours(unsigned int instance, uint64_t cookie)
{
	return (cookie & OVS_COOKIE_MASK) == ovs_cookie(instance);
}

/* "+table=3 priority=7,tcp,in_port=1 cookie=0x1 actions=drop"; the table is left out if it is 0,
 * the priority if it is 32768, the cookie if it is 0. */
static void
parse_line(struct line *l, char *text)
{
	const char *cookie, *actions, *key_end;

	l->sign = text[0];
	l->cancelled = false;
	l->text = text + 1;
	key_end = l->text;
	if (strncmp(key_end, "table=", 6) == 0)
		key_end += strcspn(key_end, " ") + 1;
	key_end += strcspn(key_end, " ");
	l->key_len = (size_t)(key_end - l->text);
	actions = strstr(key_end, " actions=");
	cookie = strstr(key_end, " cookie=0x");
	l->cookie = cookie != NULL && (actions == NULL || cookie < actions)
			    ? strtoull(cookie + 8, NULL, 16)
			    : 0;
}

static int
by_text(const void *a, const void *b)
{
	const struct line *const *x = a, *const *y = b;

	return strcmp((*x)->text, (*y)->text);
}

/* Sorted by text, a '-' and a '+' that are the same are neighbours. */
static int
cancel_equal(struct diff *d)
{
	struct line **sorted = calloc(d->n + 1, sizeof(struct line *));
	unsigned int i;

	if (sorted == NULL)
		return -ENOMEM;
	for (i = 0; i < d->n; i++)
		sorted[i] = &d->lines[i];
	qsort(sorted, d->n, sizeof(struct line *), by_text);
	for (i = 1; i < d->n; i++)
		if (sorted[i]->sign != sorted[i - 1]->sign && !sorted[i - 1]->cancelled &&
		    strcmp(sorted[i]->text, sorted[i - 1]->text) == 0)
			sorted[i]->cancelled = sorted[i - 1]->cancelled = true;
	free(sorted);
	return 0;
}

static int
diff_parse(struct diff *d)
{
	unsigned int room = 1;
	char *line, *save;
	const char *s;

	for (s = d->text; *s != '\0'; s++)
		room += *s == '\n';
	d->lines = calloc(room + 1, sizeof(*d->lines));
	if (d->lines == NULL)
		return -ENOMEM;
	for (line = strtok_r(d->text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (line[0] == '+' || line[0] == '-')
			parse_line(&d->lines[d->n++], line);
	return cancel_equal(d);
}

static void
diff_fini(struct diff *d)
{
	free(d->text);
	free(d->lines);
}

/* The line of the other sign with the same table, priority and match. */
static const struct line *
counterpart(const struct diff *d, const struct line *l)
{
	unsigned int i;

	for (i = 0; i < d->n; i++)
		if (d->lines[i].sign != l->sign && d->lines[i].key_len == l->key_len &&
		    memcmp(d->lines[i].text, l->text, l->key_len) == 0)
			return &d->lines[i];
	return NULL;
}

static int
diff_flows(const struct ovs_target *t, const char *bridge, const char *doing,
	   const struct ovs_program *p, struct diff *d, struct err *e)
{
	char *wanted = NULL;
	unsigned int i;
	size_t len;
	FILE *f;
	int err;

	*d = (struct diff){ 0 };
	f = open_memstream(&wanted, &len);
	if (f == NULL)
		return err_set(e, -ENOMEM, "%s: out of memory", doing);
	for (i = 0; i < p->n_rules; i++) {
		ovs_rule_print(&p->rules[i], f);
		fputc('\n', f);
	}
	fclose(f);
	err = ovs_ofctl(t, doing, "diff-flows", bridge, "/dev/stdin", wanted, OVS_DIFFERS_OK,
			&d->text, e);
	free(wanted);
	if (err == 0 && diff_parse(d) != 0)
		err = err_set(e, -ENOMEM, "%s: out of memory", doing);
	return err;
}

static int
flow_changes(const struct diff *d, unsigned int instance, const char *bridge, FILE *f,
	     struct err *e)
{
	const struct line *l, *other;
	unsigned int i;

	for (i = 0; i < d->n; i++) {
		l = &d->lines[i];
		if (l->cancelled || l->sign != '+')
			continue;
		other = counterpart(d, l);
		if (other != NULL && !is_ours(instance, other->cookie))
			return err_set(
				e, -EEXIST,
				"bridge %s has a rule of someone else with the match "
				"and priority of one of ours; nothing was changed. It is: %s",
				bridge, other->text);
		fprintf(f, "flow add %s\n", l->text);
	}
	for (i = 0; i < d->n; i++) {
		l = &d->lines[i];
		if (l->cancelled || l->sign != '-' || !is_ours(instance, l->cookie) ||
		    counterpart(d, l) != NULL)
			continue;
		fprintf(f, "flow delete_strict cookie=0x%" PRIx64 "/-1,%.*s\n", l->cookie,
			(int)l->key_len, l->text);
	}
	return 0;
}

/* Calls for each group of the instance that dump-groups printed. */
static char *
next_group(char **at, unsigned int instance, uint32_t *id)
{
	char *line;

	while ((line = strsep(at, "\n")) != NULL) {
		line += strspn(line, " ");
		if (sscanf(line, "group_id=%" SCNu32, id) == 1 &&
		    (*id & ~0xffu) == group_base(instance))
			return line;
	}
	return NULL;
}

static const struct ovs_group *
find_group(const struct ovs_program *p, uint32_t id)
{
	unsigned int i;

	for (i = 0; i < p->n_groups; i++)
		if (p->groups[i].id == id)
			return &p->groups[i];
	return NULL;
}

/* `adds` goes before the flows, which name the groups, and `deletes` after them, for deleting a
 * group would delete the flows that lead to it. */
static int
group_changes(const struct ovs_program *p, const char *dump, FILE *adds, FILE *deletes)
{
	bool there[256] = { false };
	char *copy = strdup(dump), *at = copy, *line;
	const struct ovs_group *g;
	unsigned int i;
	uint32_t id;

	if (copy == NULL)
		return -ENOMEM;
	while ((line = next_group(&at, p->instance, &id)) != NULL) {
		g = find_group(p, id);
		if (g == NULL)
			fprintf(deletes, "group delete group_id=%" PRIu32 "\n", id);
		else
			there[id & 0xff] = strcmp(g->text, line) == 0;
	}
	for (i = 0; i < p->n_groups; i++)
		if (!there[p->groups[i].id & 0xff])
			fprintf(adds, "group add_or_mod %s\n", p->groups[i].text);
	free(copy);
	return 0;
}

/* What has to be sent so that the bridge holds `p`. */
static int
changes(const struct ovs_target *t, const char *bridge, const struct ovs_program *p, char **bundle,
	struct err *e)
{
	char *groups = NULL, *group_deletes = NULL, doing[160];
	struct diff d = { 0 };
	FILE *f, *last;
	size_t len, last_len;
	int err;

	snprintf(doing, sizeof(doing), "reading the rules of bridge %s", bridge);
	err = ovs_ofctl(t, doing, "dump-groups", bridge, NULL, NULL, 0, &groups, e);
	if (err == 0)
		err = diff_flows(t, bridge, doing, p, &d, e);
	f = open_memstream(bundle, &len);
	last = open_memstream(&group_deletes, &last_len);
	if (err == 0 && (f == NULL || last == NULL || group_changes(p, groups, f, last) != 0))
		err = err_set(e, -ENOMEM, "%s: out of memory", doing);
	if (err == 0)
		err = flow_changes(&d, p->instance, bridge, f, e);
	if (last != NULL)
		fclose(last);
	if (err == 0)
		fputs(group_deletes, f);
	if (f != NULL)
		fclose(f);
	diff_fini(&d);
	free(groups);
	free(group_deletes);
	return err;
}

/* The bundle's text and after it the mirrors' changes. */
static int
hand_over(const char *bundle, const char *mirrors, char **sent)
{
	if (sent == NULL)
		return 0;
	return asprintf(sent, "%s%s", bundle, mirrors) < 0 ? -ENOMEM : 0;
}

/* All is read and compared before anything is changed. The rules come first: they decide over
 * traffic. */
static int
bring_to(const struct ovs_target *t, const char *bridge, const struct ovs_program *p,
	 const struct ovs_selection *sel, unsigned int n, bool dry_run, char **sent, struct err *e)
{
	struct mirror_plan mirrors = { 0 };
	char *bundle = NULL, doing[160];
	int err;

	snprintf(doing, sizeof(doing), "programming bridge %s", bridge);
	err = changes(t, bridge, p, &bundle, e);
	if (err == 0)
		err = mirror_plan(t, p->instance, bridge, sel, n, &mirrors, e);
	if (err == 0 && bundle[0] != '\0' && !dry_run)
		err = ovs_ofctl(t, doing, "bundle", bridge, "-", bundle, 0, NULL, e);
	if (err == 0 && !dry_run)
		err = mirror_apply(t, bridge, &mirrors, e);
	if (err == 0 && hand_over(bundle, mirrors.text, sent) != 0)
		err = err_set(e, -ENOMEM, "%s: out of memory", doing);
	mirror_plan_fini(&mirrors);
	free(bundle);
	return err;
}

struct lookup {
	const struct ovs_target *t;
	struct ovs_port_list ports;
};

/* What is not in the list is looked for by itself: that says why it is not there. */
static int
resolve(void *ctx, const char *bridge, const char *port, uint32_t *number, struct err *e)
{
	const struct lookup *l = ctx;

	*number = ovs_port_list_find(&l->ports, port);
	return *number != 0 ? 0 : ovs_port_number(l->t, bridge, port, number, e);
}

static int
render(const struct ovs_target *t, unsigned int instance, const char *bridge,
       const struct ovs_selection *sel, unsigned int n, struct ovs_program *p, struct err *e)
{
	struct lookup l = { .t = t };
	int err = n == 0 ? 0 : ovs_port_list_read(t, bridge, &l.ports, e);

	if (err == 0)
		err = ovs_render(p, instance, bridge, sel, n, resolve, &l, e);
	ovs_port_list_fini(&l.ports);
	return err;
}

int
ovs_apply(const struct ovs_target *t, unsigned int instance, const char *bridge,
	  const struct ovs_selection *sel, unsigned int n, bool dry_run, char **sent, struct err *e)
{
	struct ovs_program p = { 0 };
	int err;

	err = render(t, instance, bridge, sel, n, &p, e);
	if (err == 0)
		err = bring_to(t, bridge, &p, sel, n, dry_run, sent, e);
	ovs_program_fini(&p);
	return err;
}

/* A line for each change that would be sent. */
static int
difference_lines(const char *bundle, char **differences)
{
	static const struct {
		const char *command, *says;
	} kinds[] = { { "flow add ", "missing: " },
		      { "group add_or_mod ", "missing or other: " },
		      { "flow delete_strict ", "not wanted: " },
		      { "group delete ", "not wanted: " },
		      { "mirror add ", "missing or other: mirror " },
		      { "mirror delete ", "not wanted: mirror " } };
	const char *line, *end;
	unsigned int i;
	size_t len;
	FILE *f;

	f = open_memstream(differences, &len);
	if (f == NULL)
		return -ENOMEM;
	for (line = bundle; *line != '\0'; line = end + 1) {
		end = strchrnul(line, '\n');
		for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
			if (strncmp(line, kinds[i].command, strlen(kinds[i].command)) == 0)
				fprintf(f, "%s%.*s\n", kinds[i].says,
					(int)(end - line - (long)strlen(kinds[i].command)),
					line + strlen(kinds[i].command));
		if (*end == '\0')
			break;
	}
	return fclose(f) == 0 ? 0 : -ENOMEM;
}

int
ovs_check(const struct ovs_target *t, unsigned int instance, const char *bridge,
	  const struct ovs_selection *sel, unsigned int n, char **differences, struct err *e)
{
	char *bundle = NULL, foreign[sizeof(e->msg) + 2];
	int err;

	err = ovs_apply(t, instance, bridge, sel, n, true, &bundle, e);
	if (err == -EEXIST) {
		snprintf(foreign, sizeof(foreign), "%s\n", e->msg);
		*differences = strdup(foreign);
		return *differences == NULL ? -ENOMEM : 0;
	}
	if (err == 0 && difference_lines(bundle, differences) != 0)
		err = err_set(e, -ENOMEM, "checking bridge %s: out of memory", bridge);
	free(bundle);
	return err;
}

int
ovs_clear(const struct ovs_target *t, unsigned int instance, const char *bridge, bool dry_run,
	  char **sent, struct err *e)
{
	return ovs_apply(t, instance, bridge, NULL, 0, dry_run, sent, e);
}

/* Only what is this instance's: the switch filters rules by cookie, and groups by nothing. */
static void
show_lines(unsigned int instance, char *flows, char *groups, FILE *f)
{
	char *line;
	uint32_t id;

	while ((line = strsep(&flows, "\n")) != NULL)
		if (strstr(line, "cookie=0x") != NULL)
			fprintf(f, "%s\n", line + strspn(line, " "));
	while ((line = next_group(&groups, instance, &id)) != NULL)
		fprintf(f, "%s\n", line);
}

int
ovs_show(const struct ovs_target *t, unsigned int instance, const char *bridge, char **text,
	 struct err *e)
{
	char *flows = NULL, *groups = NULL, filter[64], doing[160];
	size_t len;
	FILE *f;
	int err;

	*text = NULL;
	snprintf(filter, sizeof(filter), "cookie=0x%" PRIx64 "/0x%" PRIx64, ovs_cookie(instance),
		 OVS_COOKIE_MASK);
	snprintf(doing, sizeof(doing), "reading the rules of bridge %s", bridge);
	err = ovs_ofctl(t, doing, "dump-flows", bridge, filter, NULL, OVS_NAMES, &flows, e);
	if (err == 0)
		err = ovs_ofctl(t, doing, "dump-groups", bridge, NULL, NULL, OVS_NAMES, &groups, e);
	f = err == 0 ? open_memstream(text, &len) : NULL;
	if (err == 0 && f == NULL)
		err = err_set(e, -ENOMEM, "%s: out of memory", doing);
	if (f != NULL) {
		show_lines(instance, flows, groups, f);
		err = mirror_show(t, instance, bridge, f, e);
		fclose(f);
	}
	if (err != 0) {
		free(*text);
		*text = NULL;
	}
	free(flows);
	free(groups);
	return err;
}
