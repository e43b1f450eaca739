/*
 * The stack: packets to flows, timers to flows, output at the burst's end.
 */
#include <errno.h>
#include <stdlib.h>

#include "tcpterm/burst.h"
#include "tcpterm/embryo.h"
#include "tcpterm/endpoint.h"
#include "tcpterm/half.h"
#include "tcpterm/mgmt.h"
#include "tcpterm/pair.h"
#include "tcpterm/relay.h"
#include "tcpterm/reset.h"
#include "tcpterm/rest.h"
#include "tcpterm/roles.h"
#include "tcpterm/tape.h"
#include "tcpterm/track.h"

enum { N_SENT = 1 << 20, N_DEEP_STACKS = 65536 };

/* --- life --- */

static void
defaults(struct tcpterm_conf *c)
{
	for (unsigned i = 0; i < 2; i++)
		if (c->mtu[i] == 0)
			c->mtu[i] = 1500;
	if (c->n_held_max == 0)
		c->n_held_max = c->payload_pool->size / 2;
	if (c->n_flows == 0)
		c->n_flows = 65536;
	if (c->n_embryos == 0)
		c->n_embryos = 16384;
	if (c->n_deferred == 0)
		c->n_deferred = c->n_embryos;
	if (c->n_timewaits == 0)
		c->n_timewaits = c->n_flows;
	if (c->n_listeners == 0)
		c->n_listeners = 1024;
	if (c->rcv_wnd_min == 0)
		c->rcv_wnd_min = 16 * 1024;
	if (c->rcv_wnd_max == 0)
		c->rcv_wnd_max = 4 * 1024 * 1024;
	if (c->n_ready == 0)
		c->n_ready = 1024;
	if (c->idle_us == 0)
		c->idle_us = 3600LL * 1000 * 1000;
	if (c->passive.compare_bytes == 0)
		c->passive.compare_bytes = HALF_COMPARE_BYTES;
	if (c->passive.compare_us == 0)
		c->passive.compare_us = HALF_COMPARE_US;
}

static int
slabs_init(struct tcpterm *s)
{
	const size_t size[TCPTERM_N_KINDS] = {
		[TCPTERM_KIND_EMBRYO] = sizeof(struct embryo),
		[TCPTERM_KIND_CONN] = sizeof(struct endpoint_head),
		[TCPTERM_KIND_RELAY] = sizeof(struct relay_head),
		[TCPTERM_KIND_PASSIVE] = pair_size(),
		[TCPTERM_KIND_TRACK] = sizeof(struct track),
		[TCPTERM_KIND_PASS] = sizeof(struct track),
		[TCPTERM_KIND_DROP] = sizeof(struct track),
	};

	for (unsigned k = 1; k < TCPTERM_KIND_TIMEWAIT; k++) {
		uint32_t n = k == TCPTERM_KIND_EMBRYO ? s->conf.n_embryos : s->conf.n_flows;

		for (unsigned v6 = 0; v6 < 2; v6++)
			if (slab_init_inside(&s->slabs[flow_slab(k, v6)], size[k], n,
					     offsetof(struct flow, generation),
					     v6 ? FLOW_V6_LEAD : 0) != 0)
				return -ENOMEM;
	}
	if (rest_init(s) != 0 ||
	    slab_init(&s->timings, sizeof(struct track_timing), TRACK_TIMINGS) != 0)
		return -ENOMEM;
	if (timewaits_init(&s->timewaits, s->conf.n_timewaits) != 0)
		return -ENOMEM;
	return slab_init(&s->sent, sizeof(struct sent_seg),
			 s->conf.n_segments ? s->conf.n_segments : N_SENT);
}

struct tcpterm *
tcpterm_new(const struct tcpterm_conf *conf, usec_t now, struct err *err)
{
	struct tcpterm *s;

	if (!cc_find(conf->cc)) {
		err_set(err, -EINVAL, "no congestion control is called \"%s\": use cubic or reno",
			conf->cc);
		return NULL;
	}
	if (held_register() != 0) {
		err_set(err, -ENOSPC, "no room in the mbufs for tcpterm's dynamic field");
		return NULL;
	}
	s = calloc(1, sizeof *s);
	if (!s)
		goto no_memory;
	s->conf = *conf;
	defaults(&s->conf);
	s->now = now;
	LIST_INIT(&s->pending);
	TAILQ_INIT(&s->quiet);
	TAILQ_INIT(&s->pairs);
	TAILQ_INIT(&s->holding);
	timer_wheel_init(&s->wheel, s->slabs, now);
	s->table = table_new(s->slabs, 4 * s->conf.n_flows, core_flow_hash, s);
	s->listeners = listeners_new(s->conf.n_listeners);
	s->vlans = vlan_stacks_new(N_DEEP_STACKS);
	s->l2s = l2_headers_new(2 * s->conf.n_flows + N_DEEP_STACKS);
	if (slabs_init(s) == 0 && flood_init(s) == 0 && s->table && s->listeners && s->vlans &&
	    s->l2s)
		return s;
	tcpterm_free(s);
no_memory:
	err_set(err, -ENOMEM, "no memory for a TCP stack of %u flows", conf->n_flows);
	return NULL;
}

void
core_end(struct tcpterm *s, struct flow *f, enum tcpterm_end why)
{
	switch ((enum tcpterm_kind)f->kind) {
	case TCPTERM_KIND_EMBRYO:
		embryo_end(s, f, why);
		break;
	case TCPTERM_KIND_CONN:
		endpoint_end(s, f, why);
		break;
	case TCPTERM_KIND_RELAY:
		relay_end(s, f, why);
		break;
	case TCPTERM_KIND_PASSIVE:
		pair_end(s, f, why);
		break;
	case TCPTERM_KIND_TRACK:
	case TCPTERM_KIND_PASS:
	case TCPTERM_KIND_DROP:
		track_end(s, f, why);
		break;
	case TCPTERM_KIND_TIMEWAIT:
	case TCPTERM_KIND_NONE:
	case TCPTERM_N_KINDS:
		break;
	}
}

void
tcpterm_free(struct tcpterm *s)
{
	if (!s)
		return;
	for (unsigned k = 0; k < N_FLOW_SLABS; k++) {
		for (uint32_t i = 0; s->slabs[k].base && i < s->slabs[k].n_touched; i++)
			if (slab_alive(&s->slabs[k], i))
				core_end(s, slab_at(&s->slabs[k], i), TCPTERM_END_ABORTED);
		slab_fini(&s->slabs[k]);
	}
	rest_fini(s);
	slab_fini(&s->sent);
	slab_fini(&s->timings);
	timewaits_fini(&s->timewaits);
	flood_fini(s);
	slab_fini(&s->pieces);
	slab_fini(&s->track_more);
	slab_fini(&s->watches);
	slab_fini(&s->takeovers);
	table_free(s->table);
	listeners_free(s->listeners);
	mgmt_free(s->mgmt);
	tapes_free(s->tapes);
	vlan_stacks_free(s->vlans);
	l2_headers_free(s->l2s);
	free(s);
}

/* --- input --- */

static void
start_followed(struct tcpterm *s, enum tcpterm_kind kind, struct pkt *p,
	       const struct tcpterm_verdict *v)
{
	bool reverse = roles_from_responder(p, v);
	struct flow *f;

	if (kind == TCPTERM_KIND_PASSIVE && !pair_admits(s, p)) {
		core_forward(s, p);
		return;
	}
	f = flow_create(s, kind, p, reverse);

	if (!f) {
		core_forward(s, p);
		return;
	}
	f->cookie = v->cookie;
	f->caller = v->caller;
	f->is_copy = v->copy;
	roles_begin(f, p, v);
	if (kind == TCPTERM_KIND_PASSIVE)
		pair_start(s, f, p, v);
	else
		track_start(s, f, p, v);
	if (v->interrupted) {
		f->start = TCPTERM_START_INTERRUPTED;
		s->stats.interrupted++;
	}
	flow_announce(s, f);
	core_dispatch(s, p, f, reverse);
}

void
core_decide(struct tcpterm *s, struct pkt *p, const struct tcpterm_verdict *v)
{
	switch (v->decision) {
	case TCPTERM_ACCEPT:
		endpoint_accept(s, p, v);
		break;
	case TCPTERM_RELAY:
		embryo_relay(s, p, v);
		break;
	case TCPTERM_PASSIVE:
		start_followed(s, TCPTERM_KIND_PASSIVE, p, v);
		break;
	case TCPTERM_TRACK:
		start_followed(s, TCPTERM_KIND_TRACK, p, v);
		break;
	case TCPTERM_PASS:
		start_followed(s, TCPTERM_KIND_PASS, p, v);
		break;
	case TCPTERM_FORWARD:
		core_forward(s, p);
		break;
	case TCPTERM_DROP:
		start_followed(s, TCPTERM_KIND_DROP, p, v);
		break;
	case TCPTERM_RESET:
		reset_refuse(s, p, roles_from_responder(p, v), v->ends);
		core_drop(s, p->m, DROP_filter_reset);
		break;
	case TCPTERM_SILENT:
		core_drop(s, p->m, DROP_filter_silent);
		break;
	case TCPTERM_DEFER:
		embryo_defer(s, p, v);
		break;
	}
}

void
core_unknown(struct tcpterm *s, struct pkt *p)
{
	struct tcpterm_verdict v;

	if (!s->conf.ops->unknown) {
		core_forward(s, p);
		return;
	}
	v = s->conf.ops->unknown(s->conf.ctx, p);
	if (v.decision == TCPTERM_ACCEPT || v.decision == TCPTERM_RELAY ||
	    v.decision == TCPTERM_DEFER)
		v.decision = flood_passes(s, p, &v)
				     ? TCPTERM_FORWARD
				     : TCPTERM_TRACK; /* no handshake to begin from */
	core_decide(s, p, &v);
}

void
core_new_flow(struct tcpterm *s, struct pkt *p)
{
	if ((p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN)
		embryo_syn(s, p);
	else if (!cookie_input(s, p))
		core_unknown(s, p);
}

/* What the checksum refuses is forwarded; only who would acknowledge it, or keep it, may not. */
static bool
bypasses(const struct pkt *p, const struct flow *f)
{
	return p->cksum_bad &&
	       (!f || f->kind == TCPTERM_KIND_TRACK || f->kind == TCPTERM_KIND_PASS);
}

static void
bypass(struct tcpterm *s, struct pkt *p)
{
	drops_count(&s->drops, p->refusal);
	s->stats.bypass++;
	core_forward(s, p);
}

/* A passive flow on the path: the frame goes on, the reader keeps a reference; of what may be
 * delivered only later, by an mbuf of its own. */
static void
passive_input(struct tcpterm *s, struct pkt *p, struct flow *f, unsigned dir)
{
	bool is_copy = f->is_copy;	/* the flow may be gone soon */

	if (pair_next(s, f, p, dir)) {
		if (!is_copy)
			core_forward(s, p);
		return;
	}
	if (!is_copy) {
		struct pkt on = *p;

		on.m = rte_pktmbuf_clone(p->m, s->conf.header_pool);
		if (!on.m) {	/* the connection matters more than our view of it */
			drops_count(&s->drops, DROP_no_mbuf);
			pair_missed(s, f, p, dir);
			core_forward(s, p);
			return;
		}
		core_forward(s, &on);
	}
	pair_input(s, f, p, dir);
}

void
core_dispatch(struct tcpterm *s, struct pkt *p, struct flow *f, unsigned dir)
{
	if (!f && timewait_input(s, p))
		return;
	if (bypasses(p, f)) {
		bypass(s, p);
		return;
	}
	switch (f ? (enum tcpterm_kind)f->kind : TCPTERM_KIND_NONE) {
	case TCPTERM_KIND_NONE:
	case TCPTERM_KIND_TIMEWAIT:
	case TCPTERM_N_KINDS:
		core_new_flow(s, p);
		break;
	case TCPTERM_KIND_EMBRYO:
		embryo_input(s, f, p, dir);
		break;
	case TCPTERM_KIND_CONN:
		endpoint_input(s, f, p);
		break;
	case TCPTERM_KIND_RELAY:
		relay_input(s, f, p, dir);
		break;
	case TCPTERM_KIND_PASSIVE:
		passive_input(s, p, f, dir);
		break;
	case TCPTERM_KIND_TRACK:
	case TCPTERM_KIND_PASS:
	case TCPTERM_KIND_DROP:
		track_input(s, f, p, dir);
		break;
	}
}

static void
icmp_input(struct tcpterm *s, struct pkt *p, struct flow *f, unsigned dir)
{
	bool consumed = f && f->kind == TCPTERM_KIND_CONN;

	if (f && f->kind == TCPTERM_KIND_RELAY)
		consumed = relay_icmp(f, p, dir);
	else if (consumed)
		endpoint_icmp(s, f, p);
	if (consumed)
		core_drop(s, p->m, DROP_proxy_consumed);
	else
		core_forward(s, p);
}

static void
input_one(struct tcpterm *s, struct pkt *p, struct flow *f, unsigned dir)
{
	s->stats.segments_in++;
	if (p->at.v > s->now.v)
		s->now = p->at;
	if (s->tapes)
		tape_in(s, p, f);
	switch (p->kind) {
	case PKT_TCP:
		core_dispatch(s, p, f, dir);
		break;
	case PKT_ICMP_ERROR:
		icmp_input(s, p, f, dir);
		break;
	case PKT_REFUSED:
		bypass(s, p);
		break;
	case PKT_OTHER:
		if (mgmt_input(s, p))
			break;
		/* fall through */
	case PKT_FRAGMENT:
		core_forward(s, p);
		break;
	}
	if (s->tapes)
		tape_in_done(s);
}

static void
input_burst(struct tcpterm *s, struct pkt *p, unsigned n)
{
	struct burst b;

	burst_find(s, p, n, &b);
	s->crowd = (struct crowd){ .p = p, .n = n, .burst = &b };
	s->learned.p = NULL;
	for (unsigned i = 0; i < n; i++) {
		const struct found *at = burst_at(s, p, i, &b);

		input_one(s, &p[i], at->f, at->how == FLOW_MATCH_REVERSED);
	}
	s->crowd.burst = NULL;
}

void
tcpterm_input(struct tcpterm *s, struct pkt *p, unsigned n, usec_t now)
{
	s->now = now;
	for (unsigned done = 0; done < n; done += BURST)
		input_burst(s, p + done, RTE_MIN(n - done, (unsigned)BURST));
}

void
tcpterm_input_whole(struct tcpterm *s, struct pkt *p, const struct pkt *original, unsigned n,
		    usec_t now)
{
	s->original = original;
	s->n_original = n;
	tcpterm_input(s, p, 1, now);
	for (unsigned i = 0; i < s->n_original; i++)
		rte_pktmbuf_free(original[i].m);
	s->n_original = 0;
}

/* --- time --- */

static void
fire(void *ctx, struct flow *f)
{
	struct tcpterm *s = ctx;

	switch ((enum tcpterm_kind)f->kind) {
	case TCPTERM_KIND_EMBRYO:
		embryo_timer(s, f);
		break;
	case TCPTERM_KIND_CONN:
		endpoint_timer(s, f);
		break;
	case TCPTERM_KIND_RELAY:
		relay_timer(s, f);
		break;
	case TCPTERM_KIND_PASSIVE:
		pair_timer(s, f);
		break;
	case TCPTERM_KIND_TRACK:
	case TCPTERM_KIND_PASS:
	case TCPTERM_KIND_DROP:
		track_timer(s, f);
		break;
	case TCPTERM_KIND_TIMEWAIT:
	case TCPTERM_KIND_NONE:
	case TCPTERM_N_KINDS:
		break;
	}
}

static void
output_pending(struct tcpterm *s)
{
	struct conn *c;

	while ((c = LIST_FIRST(&s->pending))) {
		LIST_REMOVE(c, pending);
		c->is_pending = false;
		tcb_progress(c);
		send_output(c);
		if (c->f->kind == TCPTERM_KIND_RELAY)
			relay_settle(s, c->f);
		else
			endpoint_settle(s, c->f);
	}
}

void
tcpterm_run(struct tcpterm *s, usec_t now)
{
	s->now = now;
	tcpterm_mend(s);
	timer_run(&s->wheel, now, fire, s);
	timewait_run(s);
	flood_run(s);
	output_pending(s);
	rest_run(s);
}

usec_t
tcpterm_next(const struct tcpterm *s)
{
	if (!LIST_EMPTY(&s->pending))
		return s->now;
	return usec_min(timer_next(&s->wheel), usec_min(timewait_next(s), flood_next(s)));
}

/* --- looking --- */

unsigned
tcpterm_flow_vids(const struct tcpterm *s, const struct flow *f, uint16_t vid[PKT_MAX_TAGS])
{
	const struct flow_key k = flow_key_of(f);

	return vlan_stack_vids(s->vlans, &k, vid);
}

const uint8_t *
tcpterm_flow_mac(const struct tcpterm *s, const struct flow *f, unsigned dir)
{
	return l2_src(s->l2s, &f->l2[dir & 1]);
}

struct flow *
tcpterm_flow(struct tcpterm *s, uint32_t ref, uint32_t generation)
{
	unsigned at = ref >> REF_SLAB_SHIFT;
	uint32_t index = ref & REF_INDEX_MASK;

	if (at >= N_FLOW_SLABS || !slab_alive(&s->slabs[at], index) ||
	    slab_generation(&s->slabs[at], index) != generation)
		return NULL;
	return slab_at(&s->slabs[at], index);
}

void
tcpterm_flow_info(const struct flow *f, struct tcpterm_leg_info leg[2])
{
	memset(leg, 0, 2 * sizeof *leg);
	switch ((enum tcpterm_kind)f->kind) {
	case TCPTERM_KIND_RELAY:
		rest_relay_info(f, leg);
		break;
	case TCPTERM_KIND_CONN:
		rest_endpoint_info(f, leg);
		break;
	case TCPTERM_KIND_PASSIVE:
		pair_info(f, leg);
		break;
	case TCPTERM_KIND_TRACK:
	case TCPTERM_KIND_PASS:
	case TCPTERM_KIND_DROP:
		track_info(f, leg);
		break;
	default:
		break;
	}
}

const struct tcpterm_stats *
tcpterm_stats(struct tcpterm *s)
{
	s->stats.n_listeners = listeners_count(s->listeners);
	return &s->stats;
}

const struct drops *
tcpterm_drops(struct tcpterm *s)
{
	return &s->drops;
}
