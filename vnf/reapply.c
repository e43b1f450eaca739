/*
 * reapply.c - see reapply.h.
 */
#include "vnf/reapply.h"

#include <errno.h>
#include <string.h>

#include "vnf/events.h"
#include "vnf/verdict.h"

/* One flow that is decided anew. */
struct anew {
	struct worker *w;
	struct tcpterm *stack;
	struct flow *f;
	struct policy_verdict v;
};

/* The mode in which the flow is; false: it has none any more. */
static bool
mode_of(const struct flow *f, enum policy_mode *mode)
{
	switch ((enum tcpterm_kind)f->kind) {
	case TCPTERM_KIND_EMBRYO:
	case TCPTERM_KIND_RELAY:
		*mode = POLICY_PROXY;
		return true;
	case TCPTERM_KIND_TRACK:
		*mode = POLICY_TRACK;
		return true;
	case TCPTERM_KIND_PASSIVE:
		*mode = POLICY_PASSIVE;
		return true;
	case TCPTERM_KIND_PASS:
		*mode = POLICY_PASS;
		return true;
	case TCPTERM_KIND_DROP:
		*mode = POLICY_DROP;
		return true;
	default:
		return false;
	}
}

/* Does the rule that decided it say what the new one says? */
static bool
is_same(const struct note *n, const struct policy_verdict *v)
{
	return n && n->mode == v->mode && strncmp(n->rule, v->name, sizeof n->rule - 1) == 0;
}

/* Is there a way for tcpterm_demote() or tcpterm_reset_ends()? */
static bool
leads_down(const struct flow *f, enum policy_mode from, enum policy_mode to)
{
	if (f->is_copy)
		return false;
	switch (to) {
	case POLICY_TRACK:
		return from == POLICY_PROXY || from == POLICY_PASSIVE;
	case POLICY_PASS:
		return from == POLICY_PROXY || from == POLICY_TRACK || from == POLICY_PASSIVE;
	case POLICY_DROP:
		return true;
	case POLICY_RESET:
		return from == POLICY_PROXY || from == POLICY_TRACK || from == POLICY_PASSIVE;
	default:
		return false;
	}
}

/* The flow is the new rule's from here on, and so is what it carries. */
static void
adopt(const struct anew *a, struct note *n)
{
	const struct counters *c = &a->w->conf->active->counters;
	const struct snapshot *s = a->w->snapshot;
	const uint32_t slot = s->slot[a->v.rule];

	n->generation = s->generation;
	n->mode = a->v.mode;
	n->log = a->v.attrs.log;
	verdict_sinks(a->w, n, &a->v.attrs);
	(void)tcpterm_set_window(a->f, a->v.attrs.window_strict);	/* if it is tracked */
	memset(n->rule, 0, sizeof n->rule);
	memcpy(n->rule, a->v.name, strnlen(a->v.name, sizeof n->rule - 1));
	if (slot == n->slot)
		return;
	counters_end(counters_at(c, a->w->id, n->slot));
	n->slot = slot;
	counters_begin(counters_at(c, a->w->id, slot));
	counters_at(c, a->w->id, slot)->flows++;
	counters_at(c, a->w->id, slot)->hit = clock_to_unix_us(a->w->now);
}

/* A flow that is only read has no numbers of ours: it is followed first. */
static int
reset(const struct anew *a)
{
	const struct flow_key key = flow_key_of(a->f);
	struct flow *f = a->f;
	int rc = 0;

	if (f->kind == TCPTERM_KIND_PASSIVE) {
		rc = tcpterm_demote(a->stack, f, TCPTERM_TRACK);
		f = rc == 0 ? tcpterm_find(a->stack, &key) : NULL;
	}
	return f ? tcpterm_reset_ends(a->stack, f, verdict_ends(a->v.reset), TCPTERM_END_ABORTED)
		 : rc;
}

/* Its windows are judged as the rule says from where it is followed on. */
static int
follow(const struct anew *a)
{
	const struct flow_key key = flow_key_of(a->f);
	int rc = tcpterm_demote(a->stack, a->f, TCPTERM_TRACK);
	struct flow *f = rc == 0 ? tcpterm_find(a->stack, &key) : rc == -EAGAIN ? a->f : NULL;

	if (f)
		(void)tcpterm_set_window(f, a->v.attrs.window_strict);
	return rc;
}

static int
move(const struct anew *a)
{
	switch (a->v.mode) {
	case POLICY_TRACK:
		return follow(a);
	case POLICY_PASS:
		return tcpterm_demote(a->stack, a->f, TCPTERM_PASS);
	case POLICY_DROP:
		return tcpterm_demote(a->stack, a->f, TCPTERM_DROP);
	case POLICY_RESET:
		return reset(a);
	default:
		return -EINVAL;
	}
}

/* The note goes with the flow, whose object is another one once it has moved. */
static enum reapply_outcome
move_down(const struct anew *a)
{
	struct note *n = a->f->caller, was;
	int rc;

	if (n) {
		events_count(a->w, a->f);
		was = *n;
		adopt(a, n);
	}
	rc = move(a);
	if (rc == 0)
		return REAPPLY_MOVED;
	if (rc == -EAGAIN)
		return REAPPLY_LATER;
	if (n) {
		struct rule_count *r =
			counters_at(&a->w->conf->active->counters, a->w->id, n->slot);

		if (was.slot != n->slot) {
			counters_end(r);
			r->flows--;
			counters_begin(
				counters_at(&a->w->conf->active->counters, a->w->id, was.slot));
		}
		*n = was;
	}
	return REAPPLY_STAYS;
}

static enum reapply_outcome
decide(const struct anew *a, enum policy_mode from, bool dry_run)
{
	struct note *n = a->f->caller;
	const bool same = is_same(n, &a->v);

	if (same || from == a->v.mode) {
		if (n && !dry_run) {
			events_count(a->w, a->f);
			adopt(a, n);
		}
		return same ? REAPPLY_SAME : REAPPLY_RULE;
	}
	if (!leads_down(a->f, from, a->v.mode))
		return REAPPLY_STAYS;
	return dry_run ? REAPPLY_MOVED : move_down(a);
}

enum reapply_outcome
reapply_decided(struct worker *w, struct flow *f, const struct policy_verdict *v)
{
	const struct anew a = { .w = w, .stack = w->stack, .f = f, .v = *v };
	enum policy_mode from;

	return mode_of(f, &from) ? decide(&a, from, false) : REAPPLY_STAYS;
}

bool
reapply_flow(uint64_t arg, unsigned worker, struct tcpterm *stack, struct flow *f, usec_t now)
{
	struct reapply *r = (struct reapply *)(uintptr_t)arg;
	struct anew a = { .w = r->worker[worker], .stack = stack, .f = f };
	enum policy_mode from;

	(void)now;
	if (!mode_of(f, &from))
		return false;
	verdict_anew(a.w, f, true, &a.v);
	if (f->caller && ((const struct note *)f->caller)->wait) {
		r->tally[worker].n[from][a.v.mode][REAPPLY_LATER]++;
		return false;
	}
	r->tally[worker].n[from][a.v.mode][decide(&a, from, r->dry_run)]++;
	return false;
}
