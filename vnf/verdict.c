/*
 * verdict.c - see verdict.h.
 */
#include "vnf/verdict.h"

#include <netinet/in.h>
#include <string.h>

static void
facts_of(const struct worker *w, const struct pkt *p, bool midstream, struct policy_facts *f)
{
	unsigned i;

	*f = (struct policy_facts){ .app = NULL };
	f->src = p->src;
	f->dst = p->dst;
	f->sport = p->sport;
	f->dport = p->dport;
	f->domain = p->domain;
	f->port = (uint8_t)p->m->port;
	f->peer = w->conf->ports->peer[f->port];
	f->proto = IPPROTO_TCP;
	f->n_tags = p->n_tags;
	f->midstream = midstream;
	for (i = 0; i < p->n_tags; i++)
		f->vid[i] = vlan_vid(p->tag[i]);
}

void
verdict_sinks(const struct worker *w, struct note *n, const struct policy_attrs *a)
{
	struct sinks *s = w->conf->sinks;

	if (!s)
		return;
	n->eve = w->conf->eve ? w->conf->eve : sinks_text(s, a->eve);
	n->pcapng = sinks_text(s, a->pcapng);
	n->keep = (uint16_t)a->keep;
	n->keep_apps = sinks_text(s, a->keep_apps);
}

static void
note_verdict(struct worker *w, const struct policy_verdict *v)
{
	struct note *n = &w->pending;
	size_t len;

	/* As in a flood, where one rule decides all. */
	if (v->n_waiting == 0 && w->pending_rule == v->rule + 1 &&
	    n->generation == w->snapshot->generation) {
		n->mode = v->mode;
		return;
	}
	w->pending_rule = v->n_waiting == 0 ? v->rule + 1 : 0;
	*n = (struct note){
		.generation = w->snapshot->generation,
		.slot = w->snapshot->slot[v->rule],
		.mode = v->mode,
		.stream = v->attrs.stream,
		.log = v->attrs.log,
		.waits = v->n_waiting > 0,
	};
	len = strlen(v->name);
	memcpy(n->rule, v->name, RTE_MIN(len, sizeof n->rule - 1));
	verdict_sinks(w, n, &v->attrs);
	if (v->attrs.sink == POLICY_SINK_FILES && w->conf->sinks)
		n->files = sinks_text(w->conf->sinks, v->attrs.sink_dir);
}

static enum tcpterm_decision
decision_of(enum policy_mode mode)
{
	switch (mode) {
	case POLICY_PROXY:
		return TCPTERM_RELAY;
	case POLICY_TRACK:
		return TCPTERM_TRACK;
	case POLICY_PASSIVE:
		return TCPTERM_PASSIVE;
	case POLICY_PASS:
		return TCPTERM_PASS;
	case POLICY_DROP:
		return TCPTERM_DROP;
	case POLICY_RESET:
		return TCPTERM_RESET;
	}
	return TCPTERM_PASS;
}

/* A decision that makes no flow is counted here, the others where their flow begins and ends. */
static void
count_decision(struct worker *w, const struct pkt *p, enum tcpterm_decision d)
{
	struct rule_count *r = counters_at(&w->conf->active->counters, w->id, w->pending.slot);

	r->hit = clock_to_unix_us(w->now);
	if (d != TCPTERM_RESET && d != TCPTERM_SILENT)
		return;
	r->flows++;
	r->packets++;
	r->bytes += p->payload_len;
}

unsigned
verdict_ends(enum policy_reset reset)
{
	switch (reset) {
	case POLICY_RESET_CLIENT:
		return TCPTERM_INITIATOR;
	case POLICY_RESET_SERVER:
		return TCPTERM_RESPONDER;
	case POLICY_RESET_BOTH:
		break;
	}
	return TCPTERM_BOTH_ENDS;
}

/* Mid-stream, a rule that matches one way round only says who the client is. */
static enum tcpterm_sender
sender_of(const struct worker *w, const struct policy_facts *f, const struct policy_verdict *v)
{
	struct policy_facts back = *f;
	struct policy_verdict other;

	if (!f->midstream || v->swapped)
		return v->swapped ? TCPTERM_SENDER_RESPONDER : TCPTERM_SENDER_INITIATOR;
	back.src = f->dst;
	back.dst = f->src;
	back.sport = f->dport;
	back.dport = f->sport;
	back.port = f->peer;
	back.peer = f->port;
	back.midstream = false;
	policy_decide(w->snapshot->policy, &back, &other);
	return other.rule == v->rule ? TCPTERM_SENDER_GUESSED : TCPTERM_SENDER_INITIATOR;
}

/* A copy can only be read: a rule of any other mode has no effect on it. */
static enum tcpterm_decision
decision_on_tap(enum policy_mode mode)
{
	return mode == POLICY_PASSIVE ? TCPTERM_PASSIVE : TCPTERM_SILENT;
}

/* While its rule is not known it is read if it may come to that. */
static void
begin_on_tap(struct worker *w, struct policy_verdict *v)
{
	if (v->n_waiting > 0 && v->may & 1u << POLICY_PASSIVE)
		v->mode = w->pending.mode = POLICY_PASSIVE;
}

/* While it drains no flow begins, but what a rule refuses is refused. */
static enum tcpterm_decision
decision_draining(enum tcpterm_decision d, bool tap)
{
	switch (d) {
	case TCPTERM_RESET:
	case TCPTERM_SILENT:
		return d;
	case TCPTERM_DROP:
		return TCPTERM_SILENT;
	default:
		return tap ? TCPTERM_SILENT : TCPTERM_FORWARD;
	}
}

static bool
is_tap(const struct worker *w, const struct pkt *p)
{
	return w->conf->ports->is_tap[p->m->port];
}

static uint8_t
cc_of(enum policy_cc cc)
{
	switch (cc) {
	case POLICY_CC_CUBIC:
		return TCPTERM_CC_CUBIC;
	case POLICY_CC_RENO:
		return TCPTERM_CC_RENO;
	case POLICY_CC_DEFAULT:
		break;
	}
	return TCPTERM_CC_DEFAULT;
}

static uint8_t
flood_of(enum policy_flood flood)
{
	switch (flood) {
	case POLICY_FLOOD_COOKIE:
		return TCPTERM_FLOOD_COOKIE;
	case POLICY_FLOOD_DROP:
		return TCPTERM_FLOOD_DROP;
	case POLICY_FLOOD_PASS:
		break;
	}
	return TCPTERM_FLOOD_PASS;
}

static uint8_t
overlap_of(enum policy_overlap overlap)
{
	static const uint8_t of[POLICY_N_OVERLAPS] = {
		[POLICY_OVERLAP_FIRST] = TCPTERM_OVERLAP_FIRST,
		[POLICY_OVERLAP_LAST] = TCPTERM_OVERLAP_LAST,
		[POLICY_OVERLAP_REJECT] = TCPTERM_OVERLAP_REJECT,
		[POLICY_OVERLAP_BSD] = TCPTERM_OVERLAP_BSD,
		[POLICY_OVERLAP_BSD_RIGHT] = TCPTERM_OVERLAP_BSD_RIGHT,
		[POLICY_OVERLAP_LINUX] = TCPTERM_OVERLAP_LINUX,
		[POLICY_OVERLAP_OLD_LINUX] = TCPTERM_OVERLAP_OLD_LINUX,
		[POLICY_OVERLAP_SOLARIS] = TCPTERM_OVERLAP_SOLARIS,
		[POLICY_OVERLAP_OLD_SOLARIS] = TCPTERM_OVERLAP_OLD_SOLARIS,
		[POLICY_OVERLAP_HPUX10] = TCPTERM_OVERLAP_HPUX10,
		[POLICY_OVERLAP_HPUX11] = TCPTERM_OVERLAP_HPUX11,
		[POLICY_OVERLAP_IRIX] = TCPTERM_OVERLAP_IRIX,
		[POLICY_OVERLAP_MACOS] = TCPTERM_OVERLAP_MACOS,
		[POLICY_OVERLAP_WINDOWS] = TCPTERM_OVERLAP_WINDOWS,
		[POLICY_OVERLAP_WINDOWS2K3] = TCPTERM_OVERLAP_WINDOWS2K3,
		[POLICY_OVERLAP_VISTA] = TCPTERM_OVERLAP_VISTA,
	};

	return of[overlap];
}

static uint8_t
urgent_of(enum policy_urgent urgent)
{
	switch (urgent) {
	case POLICY_URGENT_OOB:
		return TCPTERM_URGENT_OOB;
	case POLICY_URGENT_DROP:
		return TCPTERM_URGENT_DROP;
	case POLICY_URGENT_INLINE:
		break;
	}
	return TCPTERM_URGENT_INLINE;
}

static struct tcpterm_tuning
tuning_of(const struct policy_attrs *a)
{
	return (struct tcpterm_tuning){
		.cc = cc_of(a->cc),
		.pace = a->pace,
		.idle_restart = a->idle_restart,
		.no_ecn = a->no_ecn,
		.mss = a->mss,
	};
}

static struct tcpterm_verdict
decide(struct worker *w, const struct pkt *p, bool midstream)
{
	bool tap = is_tap(w, p);
	enum tcpterm_decision decision;
	struct policy_facts facts;
	struct policy_verdict v;

	facts_of(w, p, midstream, &facts);
	policy_decide(w->snapshot->policy, &facts, &v);
	note_verdict(w, &v);
	if (tap)
		begin_on_tap(w, &v);
	decision = tap ? decision_on_tap(v.mode) : decision_of(v.mode);
	if (drain_phase(w->conf->drain) != DRAIN_OFF)
		decision = decision_draining(decision, tap);
	count_decision(w, p, decision);
	return (struct tcpterm_verdict){
		.decision = decision,
		.caller = &w->pending,
		.idle_us = v.attrs.timeout_us,
		.close_local = v.attrs.close_local,
		.flood = flood_of(v.attrs.flood),
		.signed_reset = v.attrs.signed_reset,
		.window_strict = v.attrs.window_strict,
		.tuning = tuning_of(&v.attrs),
		.overlap = overlap_of(v.attrs.overlap),
		.urgent = urgent_of(v.attrs.urgent),
		.copy = tap,
		.sender = (uint8_t)sender_of(w, &facts, &v),
		.sender_unsure = midstream,
		.ends = (uint8_t)verdict_ends(v.reset),
	};
}

/* What the rule decided then; is it still there, to say the rest? */
static bool
note_resumed(struct worker *w, const struct resumed *r, const struct policy_verdict *v)
{
	struct note *n = &w->pending;
	bool same = strncmp(v->name, r->rule, sizeof r->rule) == 0;

	if (same)
		note_verdict(w, v);
	else
		*n = (struct note){ .slot = COUNTER_NONE };
	w->pending_rule = 0;
	n->generation = r->generation;
	n->mode = r->mode;
	memcpy(n->rule, r->rule, sizeof n->rule);
	return same;
}

/* A flow of before goes on in its mode; a proxied one can only be tracked from its middle. */
static struct tcpterm_verdict
resume(struct worker *w, const struct pkt *p, const struct resumed *r, bool from_server)
{
	bool tap = is_tap(w, p), proxied = r->mode == POLICY_PROXY, same;
	struct policy_facts facts;
	struct policy_verdict v;

	facts_of(w, p, true, &facts);
	facts.settled = true;
	policy_decide(w->snapshot->policy, &facts, &v);
	same = note_resumed(w, r, &v);
	return (struct tcpterm_verdict){
		.decision = tap	      ? decision_on_tap(r->mode)
			    : proxied ? TCPTERM_TRACK
				      : decision_of(r->mode),
		.caller = &w->pending,
		.idle_us = same ? v.attrs.timeout_us : 0,
		.overlap = same ? overlap_of(v.attrs.overlap) : TCPTERM_OVERLAP_FIRST,
		.urgent = same ? urgent_of(v.attrs.urgent) : TCPTERM_URGENT_INLINE,
		.window_strict = same && v.attrs.window_strict,
		.copy = tap,
		.interrupted = true,
		.was_terminated = proxied,
		.repeats_until = resume_repeats_until(w->conf->resume, w->id, r),
		.sender = from_server ? TCPTERM_SENDER_RESPONDER : TCPTERM_SENDER_INITIATOR,
		.sender_unsure = r->roles_guessed,
	};
}

struct tcpterm_verdict
verdict_syn(void *ctx, const struct tcpterm_syn *syn)
{
	struct worker *w = ctx;

	resume_forget(w->conf->resume, w->id, syn->pkt, w->now);
	return decide(w, syn->pkt, false);
}

struct tcpterm_verdict
verdict_unknown(void *ctx, const struct pkt *p)
{
	bool opens = (p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN, from_server;
	struct worker *w = ctx;
	const struct resumed *r = NULL;

	if (!(p->flags & TCP_SYN) && drain_phase(w->conf->drain) == DRAIN_OFF)
		r = resume_take(w->conf->resume, w->id, p, w->now, &from_server);
	return r ? resume(w, p, r, from_server) : decide(w, p, !opens);
}

/* The port by which the client's segments come, as far as the flow remembers it. */
static uint8_t
client_port(const struct worker *w, const struct flow *f)
{
	const struct ports *ports = w->conf->ports;
	const unsigned known = f->seen & 1 ? 0 : 1;
	const unsigned side = known ? !f->l2[1].side : f->l2[0].side;
	uint8_t i, pair = NO_PAIR;

	if (f->key.domain < N_DOMAINS)
		pair = w->pair_of[f->key.domain];
	if (pair != NO_PAIR)
		return ports->pair[pair][side];
	for (i = 0; i + 1u < ports->n && !ports->is_tap[i]; i++)
		;
	return i;
}

void
verdict_anew(const struct worker *w, const struct flow *f, bool settled, struct policy_verdict *v)
{
	const struct note *n = f->caller;
	struct app_known known = { .app = NULL };
	struct policy_facts facts = {
		.src = flow_addr(f, 0),
		.dst = flow_addr(f, 1),
		.sport = f->key.port[0],
		.dport = f->key.port[1],
		.domain = f->key.domain,
		.port = client_port(w, f),
		.proto = IPPROTO_TCP,
		.midstream = f->roles == TCPTERM_ROLES_GUESSED || f->roles == TCPTERM_ROLES_WRONG,
		.settled = settled,
	};

	if (n)
		app_known(&n->app, &known);
	facts.app = known.app;
	facts.app_grows = known.grows;
	facts.sni = known.sni;
	facts.host = known.host;
	facts.alpn = known.alpn;
	facts.peer = w->conf->ports->peer[facts.port];
	facts.n_tags = (uint8_t)tcpterm_flow_vids(w->stack, f, facts.vid);
	policy_decide(w->snapshot->policy, &facts, v);
	if (v->mode == POLICY_PROXY && f->start != TCPTERM_START_SYN &&
	    f->start != TCPTERM_START_COOKIE) {
		v->mode = POLICY_TRACK;
		v->demoted = true;
	}
}
