/*
 * mirror.c - the OVS Mirrors of an instance.
 *
 * What is there is read as CSV, "UUID,name,src,dst,output", and what is wanted is written the same
 * way, ports by their UUIDs; so equal is equal text.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/ovs/mirror.h"

enum { UUID_LEN = 36, LINE_TEXT = 400, ARG_TEXT = 160 };

struct there {
	char uuid[UUID_LEN + 1];
	char output[UUID_LEN + 1];
	const char *rest;	/* from the name on */
	bool wanted;
};

struct reading {
	char *csv;
	struct there mirror[OVS_MIRRORS_MAX];
	unsigned int n;
};

static void
reading_fini(struct reading *r)
{
	free(r->csv);
}

static int
parse(char *csv, const char *of_bridge, struct reading *r)
{
	char *line;

	while ((line = strsep(&csv, "\n")) != NULL) {
		struct there *m = &r->mirror[r->n];
		size_t len = strlen(line);

		if (len < 2 * UUID_LEN + 2 || line[UUID_LEN] != ',')
			continue;
		memcpy(m->uuid, line, UUID_LEN);
		m->uuid[UUID_LEN] = '\0';
		if (strstr(of_bridge, m->uuid) == NULL)
			continue;
		if (r->n == OVS_MIRRORS_MAX)
			return -E2BIG;
		memcpy(m->output, line + len - UUID_LEN, UUID_LEN);
		m->output[UUID_LEN] = '\0';
		m->rest = line + UUID_LEN + 1;
		m->wanted = false;
		r->n++;
	}
	return 0;
}

/* The instance's mirrors on the bridge. */
static int
read_mirrors(const struct ovs_target *t, unsigned int instance, const char *bridge,
	     struct reading *r, struct err *e)
{
	char condition[60], doing[ARG_TEXT], *of_bridge = NULL;
	const char *find[] = { "--no-headings",
			       "--format=csv",
			       "--columns=_uuid,name,select_src_port,select_dst_port,output_port",
			       "find",
			       "Mirror",
			       condition,
			       NULL };
	const char *get[] = { "get", "Bridge", bridge, "mirrors", NULL };
	int err;

	*r = (struct reading){ 0 };
	snprintf(condition, sizeof(condition), "external_ids:leat-instance=%u", instance);
	snprintf(doing, sizeof(doing), "reading the mirrors of bridge %s", bridge);
	err = ovs_vsctl(t, doing, &r->csv, e, find);
	if (err != 0 || r->csv[0] == '\0')
		return err;
	err = ovs_vsctl(t, doing, &of_bridge, e, get);
	if (err == 0 && parse(r->csv, of_bridge, r) != 0)
		err = err_set(e, -E2BIG, "%s: more than %d", doing, OVS_MIRRORS_MAX);
	free(of_bridge);
	return err;
}

static int
port_uuid(const struct ovs_target *t, const struct ovs_selection *sel, const char *port,
	  char uuid[UUID_LEN + 1], struct err *e)
{
	const char *args[] = { "get", "Port", port, "_uuid", NULL };
	char doing[ARG_TEXT], *out = NULL;
	int err;

	snprintf(doing, sizeof(doing), "steer %.60s: looking for port %.60s", sel->name, port);
	err = ovs_vsctl(t, doing, &out, e, args);
	if (err != 0)
		return err;
	snprintf(uuid, UUID_LEN + 1, "%.*s", UUID_LEN, out);
	free(out);
	return 0;
}

static void
arg(FILE *args, const char *text)
{
	fwrite(text, 1, strlen(text) + 1, args);
}

static void
create(unsigned int instance, const char *bridge, const struct ovs_selection *sel,
       const char *client, const char *tap, FILE *args)
{
	static const char *const keys[] = { "name", "select_src_port", "select_dst_port",
					    "output_port", "external_ids:leat-instance" };
	char name[ARG_TEXT], number[12], id[ARG_TEXT + 8], text[2 * ARG_TEXT];
	const char *values[] = { name, client, client, tap, number };
	unsigned int i;

	snprintf(name, sizeof(name), "leat-%u-%.100s", instance, sel->name);
	snprintf(number, sizeof(number), "%u", instance);
	snprintf(id, sizeof(id), "--id=@leat-%.100s", sel->name);
	arg(args, "--");
	arg(args, id);
	arg(args, "create");
	arg(args, "Mirror");
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		snprintf(text, sizeof(text), "%s=%s", keys[i], values[i]);
		arg(args, text);
	}
	arg(args, "--");
	arg(args, "add");
	arg(args, "Bridge");
	arg(args, bridge);
	arg(args, "mirrors");
	arg(args, id + strlen("--id="));
	arg(args, "--");
	arg(args, "clear");
	arg(args, "Port");
	arg(args, tap);
	arg(args, "tag");
}

static void
take_away(const char *bridge, const struct there *m, FILE *args)
{
	arg(args, "--");
	arg(args, "remove");
	arg(args, "Bridge");
	arg(args, bridge);
	arg(args, "mirrors");
	arg(args, m->uuid);
	arg(args, "--");
	arg(args, "--if-exists");
	arg(args, "set");
	arg(args, "Port");
	arg(args, m->output);
	arg(args, "tag=4095");
}

/* A copy's frames carry Leat's tag and a mirror's do not. */
static int
refuse_mixture(const struct ovs_selection *sel, unsigned int n, const struct ovs_selection *m,
	       struct err *e)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (sel[i].kind == OVS_STEER_COPY && strcmp(sel[i].bridge, m->bridge) == 0 &&
		    strcmp(sel[i].leat_tap, m->leat_tap) == 0)
			return err_set(
				e, -EINVAL,
				"steer %s: port %s is the tap of steer %s's copies: a mirror "
				"needs a tap of its own",
				m->name, m->leat_tap, sel[i].name);
	return 0;
}

static int
plan_one(const struct ovs_target *t, unsigned int instance, const char *bridge,
	 const struct ovs_selection *sel, struct reading *r, FILE *text, FILE *args, struct err *e)
{
	char client[UUID_LEN + 1], tap[UUID_LEN + 1], want[LINE_TEXT];
	unsigned int i;
	int err;

	if ((err = port_uuid(t, sel, sel->client, client, e)) != 0 ||
	    (err = port_uuid(t, sel, sel->leat_tap, tap, e)) != 0)
		return err;
	snprintf(want, sizeof(want), "leat-%u-%.100s,[%s],[%s],%s", instance, sel->name, client,
		 client, tap);
	for (i = 0; i < r->n; i++)
		if (!r->mirror[i].wanted && strcmp(r->mirror[i].rest, want) == 0) {
			r->mirror[i].wanted = true;
			return 0;
		}
	fprintf(text, "mirror add leat-%u-%.100s, port %s to %s\n", instance, sel->name,
		sel->client, sel->leat_tap);
	create(instance, bridge, sel, client, tap, args);
	return 0;
}

/* A text in the making. */
struct stream {
	FILE *f;
	char *text;
	size_t len;
};

static int
stream_open(struct stream *s)
{
	s->f = open_memstream(&s->text, &s->len);
	return s->f == NULL ? -ENOMEM : 0;
}

static void
stream_close(struct stream *s)
{
	if (s->f != NULL)
		fclose(s->f);
	s->f = NULL;
}

static int
plan_wanted(const struct ovs_target *t, unsigned int instance, const char *bridge,
	    const struct ovs_selection *sel, unsigned int n, struct reading *r, FILE *text,
	    FILE *args, struct err *e)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < n && err == 0; i++) {
		if (sel[i].kind != OVS_STEER_MIRROR || strcmp(sel[i].bridge, bridge) != 0)
			continue;
		err = refuse_mixture(sel, n, &sel[i], e);
		if (err == 0)
			err = plan_one(t, instance, bridge, &sel[i], r, text, args, e);
	}
	return err;
}

/* What goes away comes first, for its tap may be the output of one that comes. */
static void
put_together(const char *bridge, const struct reading *r, const struct stream creates[2],
	     struct stream all[2])
{
	unsigned int i;

	for (i = 0; i < r->n; i++)
		if (!r->mirror[i].wanted) {
			fprintf(all[0].f, "mirror delete %.*s\n",
				(int)strcspn(r->mirror[i].rest, ","), r->mirror[i].rest);
			take_away(bridge, &r->mirror[i], all[1].f);
		}
	fwrite(creates[0].text, 1, creates[0].len, all[0].f);
	fwrite(creates[1].text, 1, creates[1].len, all[1].f);
	fputc('\0', all[1].f);
}

int
mirror_plan(const struct ovs_target *t, unsigned int instance, const char *bridge,
	    const struct ovs_selection *sel, unsigned int n, struct mirror_plan *plan,
	    struct err *e)
{
	struct stream creates[2] = { { 0 } }, all[2] = { { 0 } };	/* text, arguments */
	struct reading r;
	int err;

	err = read_mirrors(t, instance, bridge, &r, e);
	if (err == 0 && (stream_open(&creates[0]) != 0 || stream_open(&creates[1]) != 0 ||
			 stream_open(&all[0]) != 0 || stream_open(&all[1]) != 0))
		err = err_set(e, -ENOMEM, "planning the mirrors of bridge %s: out of memory",
			      bridge);
	if (err == 0)
		err = plan_wanted(t, instance, bridge, sel, n, &r, creates[0].f, creates[1].f, e);
	stream_close(&creates[0]);
	stream_close(&creates[1]);
	if (err == 0)
		put_together(bridge, &r, creates, all);
	stream_close(&all[0]);
	stream_close(&all[1]);
	free(creates[0].text);
	free(creates[1].text);
	reading_fini(&r);
	*plan = (struct mirror_plan){ all[0].text, all[1].text, all[1].len };
	if (err != 0)
		mirror_plan_fini(plan);
	return err;
}

int
mirror_apply(const struct ovs_target *t, const char *bridge, const struct mirror_plan *plan,
	     struct err *e)
{
	static const char *const purge[] = { "revalidator/purge", NULL };
	const char *at, **args;
	unsigned int n = 0;
	char doing[ARG_TEXT];
	int err;

	if (plan->text[0] == '\0')
		return 0;
	args = calloc(plan->args_len + 1, sizeof(*args));
	if (args == NULL)
		return err_set(e, -ENOMEM, "setting the mirrors of bridge %s: out of memory",
			       bridge);
	for (at = plan->args; *at != '\0'; at += strlen(at) + 1)
		args[n++] = at;
	snprintf(doing, sizeof(doing), "setting the mirrors of bridge %s", bridge);
	err = ovs_vsctl(t, doing, NULL, e, args);
	free(args);
	/* The switch goes on as it decided for live flows until it is told to forget it. */
	return err != 0 ? err : ovs_appctl(t, doing, NULL, e, purge);
}

void
mirror_plan_fini(struct mirror_plan *plan)
{
	free(plan->text);
	free(plan->args);
	*plan = (struct mirror_plan){ 0 };
}

int
mirror_show(const struct ovs_target *t, unsigned int instance, const char *bridge, FILE *f,
	    struct err *e)
{
	struct reading r;
	unsigned int i;
	int err = read_mirrors(t, instance, bridge, &r, e);

	for (i = 0; i < r.n && err == 0; i++)
		fprintf(f, "mirror %.*s\n", (int)strcspn(r.mirror[i].rest, ","), r.mirror[i].rest);
	reading_fini(&r);
	return err;
}
