/*
 * steer_trace.c - steer/trace: the way of one flow, by the switch's own trace and the policy's
 * decision.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vnf/cmd/cmd.h"
#include "vnf/cmd/steer.h"
#include "vnf/steer/flow.h"

/* --- what the switch does --- */

/* The name of the selection whose rule has this cookie; NULL if it is none of ours. */
static const char *
selection_of(const struct leat *l, const struct steer_plan *plan, uint64_t cookie)
{
	uint64_t k = cookie & ~OVS_COOKIE_MASK & ~OVS_COOKIE_RETURN;

	if ((cookie & OVS_COOKIE_MASK) != ovs_cookie(l->o->instance) || k < 1 || k > plan->n)
		return NULL;
	return plan->sel[k - 1].name;
}

/* A line of ofproto/trace; where it is a rule of ours, with the selection's name. */
static void
put_line(const struct leat *l, const struct steer_job *job, const char *line, FILE *f)
{
	const char *at = strstr(line, "cookie 0x"), *name = NULL;
	uint64_t cookie;

	if (at && sscanf(at, "cookie %" SCNx64, &cookie) == 1)
		name = selection_of(l, job->plan, cookie);
	fprintf(f, "    %s", line);
	if (name)
		fprintf(f, "    <-- steer %s", name);
	fputc('\n', f);
}

/* What the trace says between the flow's own description and the megaflow. */
static void
put_trace(const struct leat *l, const struct steer_job *job, const struct steer_trace *t, FILE *f)
{
	static const char *const dull[] = { "Flow: ", "bridge(", "------",
					    "Final flow: ", "Megaflow: " };
	char *line, *at = t->text;
	size_t i;

	fprintf(f, "  bridge %s: %s\n", t->bridge, t->flow);
	while (at && (line = strsep(&at, "\n")) != NULL) {
		for (i = 0; i < sizeof dull / sizeof dull[0]; i++)
			if (strncmp(line, dull[i], strlen(dull[i])) == 0)
				break;
		if (*line && i == sizeof dull / sizeof dull[0])
			put_line(l, job, line, f);
	}
}

/* --- what the policy does --- */

static int
port_named(const struct ports *p, const char *name)
{
	unsigned i;

	for (i = 0; name && i < p->n; i++)
		if (strcmp(port_config(p->port[i])->name, name) == 0)
			return (int)i;
	return -1;
}

/* The flow as leatd would see it: by the selection's port, or else by its first. */
static void
facts_of(const struct leat *l, const struct steer_flow *flow, const struct ovs_selection *s,
	 struct policy_facts *facts)
{
	const char *name = s ? s->n_pairs ? s->pairs[0].a : s->leat_tap : NULL;
	int port = port_named(l->ports, name);
	unsigned k;

	if (port < 0)
		port = l->ports->n_pairs ? l->ports->pair[0][0] : 0;
	*facts = (struct policy_facts){
		.src = flow->src,
		.dst = flow->dst,
		.sport = flow->sport,
		.dport = flow->dport,
		.port = (uint8_t)port,
		.peer = l->ports->peer[port],
		.proto = 6,
		.n_tags = flow->vid != OVS_VLAN_NONE,
		.vid = { (uint16_t)flow->vid },
	};
	for (k = 0; k < l->ports->n_pairs; k++)
		if (l->ports->pair[k][0] == port)
			facts->domain = (uint16_t)k;
	if (s && s->tag_id)
		facts->domain = s->tag_id;
}

static void
put_policy(const struct leat *l, const struct steer_job *job, FILE *f)
{
	const struct snapshot *now = active_snapshot(&l->active);
	const struct ovs_selection *s = job->selection >= 0 ? &job->plan->sel[job->selection]
							    : NULL;
	struct policy_facts facts;
	struct policy_verdict v;

	facts_of(l, &job->flow, s, &facts);
	policy_decide(now->policy, &facts, &v);
	fprintf(f, "policy generation %ju: %s%s\n    ", (uintmax_t)now->generation,
		policy_mode_name(v.mode), s ? "" : ", if it came to leatd");
	policy_print_rule(now->policy, v.rule, f);
	fputc('\n', f);
}

/* --- the command --- */

static void
put_selection(const struct steer_job *job, FILE *f)
{
	static const char *const kinds[] = {
		[OVS_STEER_INLINE] = "leads it through leatd",
		[OVS_STEER_COPY] = "copies it to leatd",
		[OVS_STEER_MIRROR] = "mirrors it to leatd",
	};
	const struct ovs_selection *s;
	unsigned i;

	if (job->selection < 0)
		fprintf(f, "selection: none takes it\n");
	else
		fprintf(f, "selection: %s %s\n", job->plan->sel[job->selection].name,
			kinds[job->plan->sel[job->selection].kind]);
	for (i = 0; i < job->plan->n; i++) {
		s = &job->plan->sel[i];
		if (s->kind == OVS_STEER_MIRROR)
			fprintf(f, "mirror: %s copies all that crosses %s\n", s->name, s->client);
	}
}

static void
trace_done(struct steer_job *job)
{
	struct unixctl_conn *conn = job->arg2;
	struct leat *l = job->arg;
	char *text = NULL;
	size_t size;
	unsigned i;
	FILE *f = job->rc == 0 ? open_memstream(&text, &size) : NULL;

	if (!f) {
		unixctl_reply_error(conn, job->rc ? job->err.msg : strerror(ENOMEM));
		return;
	}
	put_selection(job, f);
	for (i = 0; i < job->n_traces; i++) {
		fprintf(f, "switch, %s:\n", i % 2 ? "server to client" : "client to server");
		put_trace(l, job, &job->trace[i], f);
	}
	put_policy(l, job, f);
	fclose(f);
	unixctl_reply(conn, text);
	free(text);
}

/* Both directions, as they would come by the selection's ports. */
static void
ask(struct steer_job *job, const struct ovs_selection *s)
{
	struct steer_trace *t;
	unsigned back;

	for (back = 0; back < 2; back++) {
		t = &job->trace[job->n_traces++];
		snprintf(t->bridge, sizeof t->bridge, "%s", s->bridge);
		steer_flow_print(&job->flow, s, back, t->flow, sizeof t->flow);
	}
}

/* Do two selections lie between the same ports? */
static bool
same_ends(const struct ovs_selection *a, const struct ovs_selection *b)
{
	return strcmp(a->bridge, b->bridge) == 0 && strcmp(a->client, b->client) == 0 &&
	       strcmp(a->server, b->server) == 0;
}

/* Of a flow that nobody selects: the way between the ports of each selection. */
static void
ask_all(struct steer_job *job)
{
	const struct ovs_selection *sel = job->plan->sel;
	unsigned i, k;

	for (i = 0; i < job->plan->n && job->n_traces + 2 <= STEER_TRACES_MAX; i++) {
		for (k = 0; k < i && !same_ends(&sel[k], &sel[i]); k++)
			;
		if (k == i)
			ask(job, &sel[i]);
	}
}

void
cmd_steer_trace(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct steer_job *job = cmd_steer_job(conn, STEER_TRACE);
	struct leat *l = aux;
	struct err err = { 0 };
	unsigned i;
	int rc;

	if (!job)
		return;
	job->trace = calloc(STEER_TRACES_MAX, sizeof *job->trace);
	rc = job->trace ? steer_flow_read(&job->flow, argc - 1, argv + 1, &err)
			: err_set(&err, -ENOMEM, "no memory");
	if (rc == 0)
		rc = steer_plan_new(active_snapshot(&l->active)->policy, l->o, &job->plan, &err);
	if (rc != 0) {
		unixctl_reply_error(conn, err.msg);
		steer_job_free(job);
		return;
	}
	job->selection = -1;
	for (i = 0; i < job->plan->n && job->selection < 0; i++)
		if (steer_flow_matches(&job->flow, &job->plan->sel[i]))
			job->selection = (int)i;
	if (job->selection >= 0)
		ask(job, &job->plan->sel[job->selection]);
	else
		ask_all(job);
	cmd_steer_submit(l, conn, job, trace_done);
}
