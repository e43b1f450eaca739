/*
 * events.c - see events.h.
 */
#include "vnf/events.h"

#include <stdio.h>

#include "vnf/row.h"
#include "vnf/verdict.h"
#include "vnf/waiting.h"
#include "vnf/worker.h"

enum {
	TAPE_FLOW_BYTES = 1 << 20,	/* of a flow's frames that are kept */
	CONFLICTS_KEPT = 64,		/* of a flow's direction, in the database */
};

/* --- frames --- */

static void
drop_copy(struct worker *w, struct rte_mbuf *m)
{
	drops_count(&w->drops, DROP_tap_consumed);
	rte_pktmbuf_free(m);
}

/* `p` says whose the frame is; NULL: it has to be read for that. */
static void
send_out(struct worker *w, unsigned port, struct rte_mbuf *m, const struct pkt *p)
{
	if (w->capturing)
		capture_flow_out(w, port, m, p);
	worker_send(w, port, m);
}

static void
event_tx(void *ctx, uint16_t domain, uint8_t side, struct rte_mbuf *m)
{
	struct worker *w = ctx;
	unsigned pair = w->pair_of[domain];

	if (pair != NO_PAIR)
		send_out(w, w->conf->ports->pair[pair][side], m, NULL);
	else
		drop_copy(w, m);
}

static void
event_forward(void *ctx, const struct pkt *p)
{
	struct worker *w = ctx;
	const struct ports *ports = w->conf->ports;

	if (ports->is_tap[p->m->port])
		drop_copy(w, p->m);
	else
		send_out(w, ports->peer[p->m->port], p->m, w->whole ? w->whole : p);
}

/* --- what is told besides the journal --- */

static void
tell_eve(struct worker *w, const struct note *n, struct eve_event *e)
{
	e->to = n->eve;
	sinks_eve(w->conf->sinks, w->id, e);
}

static void
tell_app(struct worker *w, struct note *n, const struct flow_record *r)
{
	n->app_said = true;
	if (n->sink)
		sink_app(n->sink, r->app, r->names);
	if (n->eve)
		tell_eve(w, n, &(struct eve_event){ .row = *r, .at = r->ended, .kind = EVE_APP });
}

static bool
is_watched(const struct worker *w, const struct note *n)
{
	return watches_any(w->conf->watches) && watch_wants(w, n);
}

/* Who it is, if that was a guess and the bytes tell. */
static void
say_client(struct worker *w, struct flow *f, const struct note *n)
{
	if (f->roles == TCPTERM_ROLES_GUESSED && app_client(&n->app) >= 0)
		tcpterm_initiator_is(w->stack, f, (unsigned)app_client(&n->app));
}

/* Once nothing more will be known of its application. */
static void
say_app(struct worker *w, struct flow *f, struct note *n)
{
	struct tcpterm_leg_info leg[2];
	struct flow_record r;

	say_client(w, f, n);
	if (f->roles == TCPTERM_ROLES_WRONG || n->app_said || (!n->sink && !n->eve) ||
	    app_wants(&n->app, 0) || app_wants(&n->app, 1))
		return;
	row_fill(w->stack, w->id, f, w->now, &r, leg);
	tell_app(w, n, &r);
}

/* A gap or a conflict, of which `e` has the place. */
static void
tell_anomaly(struct worker *w, const struct flow *f, const struct note *n, struct eve_event *e)
{
	struct tcpterm_leg_info leg[2];

	row_fill(w->stack, w->id, f, w->now, &e->row, leg);
	if (f->roles == TCPTERM_ROLES_WRONG) {
		row_turn(&e->row);
		e->direction ^= 1;
	}
	e->at = e->row.ended;
	tell_eve(w, n, e);
}

/* --- flows --- */

static struct rule_count *
counter_of(const struct worker *w, const struct note *n)
{
	return counters_at(&w->conf->active->counters, w->id, n->slot);
}

void
events_count(const struct worker *w, const struct flow *f)
{
	struct note *n = f->caller;
	uint64_t packets = flow_packets(f, 0) + flow_packets(f, 1);
	uint64_t bytes = flow_bytes(f, 0) + flow_bytes(f, 1);
	struct rule_count *r;

	if (!n)
		return;
	r = counter_of(w, n);
	r->packets += packets - n->packets;
	r->bytes += bytes - n->bytes;
	n->packets = packets;
	n->bytes = bytes;
}

/* Flows whose bytes go nowhere have none. */
static void
open_sink(struct worker *w, const struct flow *f, struct note *n)
{
	const struct sink_conf c = {
		.dir = n->files ? sinks_text_at(w->conf->sinks, n->files) : w->conf->sink_dir,
		.stream = n->stream || w->conf->stream,
		.roles_guessed = f->roles == TCPTERM_ROLES_GUESSED,
	};
	struct tcpterm_leg_info leg[2];
	struct flow_record r;

	if (!c.dir && !c.stream)
		return;
	row_fill(w->stack, w->id, f, w->now, &r, leg);
	n->sink = sink_open(w->conf->sinks, w->id, &c, &r);
}

/* Until its end says whether they are kept. */
static void
begin_tape(struct worker *w, struct flow *f)
{
	if (!tcpterm_capture(w->stack, f, 0, TAPE_FLOW_BYTES))
		w->stats.tapes_full++;
}

static void
take_note(struct worker *w, struct flow *f)
{
	struct note *n;

	if (f->caller != &w->pending)
		return;
	counter_of(w, &w->pending)->flows++;
	f->caller = n = note_take(w->notes);
	if (!n) {
		w->stats.notes_full++;
		return;
	}
	*n = w->pending;
	counters_begin(counter_of(w, n));
	app_begin(&n->app, f->roles == TCPTERM_ROLES_GUESSED);
	f->inspected = f->kind != TCPTERM_KIND_PASSIVE;
	if (n->waits)
		waiting_begin(w, f, n);
	if (f->kind == TCPTERM_KIND_PASSIVE && w->conf->sinks)
		open_sink(w, f, n);
	if (n->pcapng)
		begin_tape(w, f);
}

static void
event_flow_new(void *ctx, struct flow *f)
{
	struct worker *w = ctx;

	take_note(w, f);
	/* one that is watched is, as another object too */
	if (f->caller && is_watched(w, f->caller))
		f->inspected = f->kind != TCPTERM_KIND_PASSIVE;
	if (followers_any(w->conf->followers))
		follow_flow(w, f, true);
}

/* What was told of the flow's directions before is turned round by who was told. */
static void
event_roles(void *ctx, struct flow *f)
{
	struct worker *w = ctx;
	struct note *n = f->caller;
	struct tcpterm_leg_info leg[2];
	struct turn_record t = { "" };
	const bool turned = f->roles == TCPTERM_ROLES_CORRECTED;

	if (!n || n == &w->pending)
		return;
	if (n->sink)
		sink_roles(n->sink, turned);
	if (!turned) {
		app_keep_roles(&n->app);
		return;
	}
	app_turn(&n->app);
	if (is_watched(w, n))
		watch_turned(w, n);
	tcpterm_flow_info(f, leg);
	if (leg[0].gaps + leg[1].gaps + leg[0].conflicts + leg[1].conflicts > 0) {
		row_id(w->id, f, t.flow_id);
		journal_put_turn(w->conf->journal, w->id, &t);
	}
	/* that it was not said yet was for the roles */
	if (f->end == TCPTERM_END_NONE)
		say_app(w, f, n);
}

/* When it was over, which may be told later.  A flow of a capture ends with its last frame, or is
 * still open when the capture ends. */
static usec_t
end_of(const struct worker *w, const struct flow *f)
{
	bool closed = f->end == TCPTERM_END_FIN || f->end == TCPTERM_END_RST ||
		      f->end == TCPTERM_END_REFUSED;

	return w->conf->replay || (f->kind == TCPTERM_KIND_PASSIVE && closed) ? f->last : w->now;
}

/* Of `leatd -r FILE -f none` flows are counted, and that is all. */
static bool
is_row_read(const struct worker *w, const struct note *n)
{
	return journal_reads_rows(w->conf->journal) || w->has_tapes ||
	       (n && (n->sink || n->eve || n->log || is_watched(w, n)));
}

static void
fill_row(struct worker *w, const struct flow *f, struct flow_record *r,
	 struct tcpterm_leg_info leg[2])
{
	if (!is_row_read(w, f->caller)) {
		row_count(f, r, leg);
		return;
	}
	row_fill(w->stack, w->id, f, end_of(w, f), r, leg);
	if (w->conf->replay && f->end == TCPTERM_END_ABORTED)
		snprintf(r->reason, sizeof r->reason, "open");
}

static unsigned
end_bit(enum tcpterm_end end)
{
	switch (end) {
	case TCPTERM_END_RST:
		return POLICY_KEEP_RESET;
	case TCPTERM_END_REFUSED:
		return POLICY_KEEP_REFUSED;
	case TCPTERM_END_TIMEOUT:
		return POLICY_KEEP_TIMEOUT;
	case TCPTERM_END_IDLE:
		return POLICY_KEEP_IDLE;
	case TCPTERM_END_EVICTED:
		return POLICY_KEEP_EVICTED;
	default:
		return 0;
	}
}

/* Does its application have one of the labels "tls,http"? */
static bool
has_label(const struct note *n, const char *labels)
{
	char label[APP_LABEL];
	size_t len;

	for (; labels && *labels; labels += len + (labels[len] == ',')) {
		len = strcspn(labels, ",");
		snprintf(label, sizeof label, "%.*s", (int)len, labels);
		if (app_is(&n->app, label))
			return true;
	}
	return false;
}

/* The verdict on its frames. */
static bool
is_kept(const struct worker *w, const struct flow *f, const struct note *n,
	const struct tcpterm_leg_info leg[2])
{
	unsigned what = POLICY_KEEP_ALWAYS | end_bit(f->end);

	if (!n->keep && !n->keep_apps)
		return true;
	if (leg[0].gaps || leg[1].gaps)
		what |= POLICY_KEEP_GAPS;
	if (leg[0].conflicts || leg[1].conflicts)
		what |= POLICY_KEEP_CONFLICT;
	if (app_answer(&n->app) != APP_FOUND)
		what |= POLICY_KEEP_UNIDENTIFIED;
	return n->keep & what || has_label(n, sinks_text_at(w->conf->sinks, n->keep_apps));
}

static void
end_tape(struct worker *w, const struct flow *f, const struct note *n, const struct flow_record *r,
	 const struct tcpterm_leg_info leg[2])
{
	struct tcpterm_capture *c = tcpterm_capture_of(w->stack, f);

	if (!c)
		return;
	if (n->pcapng && is_kept(w, f, n, leg))
		sinks_keep(w->conf->sinks, w->id, n->pcapng, r, w->stack, c);
	else
		tcpterm_capture_drop(w->stack, c);
}

/* Who gets a flow's bytes, events or frames hears of its end. */
static void
tell_end(struct worker *w, const struct flow *f, struct note *n, const struct flow_record *r,
	 const struct tcpterm_leg_info leg[2])
{
	if (!n->app_said)
		tell_app(w, n, r);
	if (n->sink)
		sink_close(n->sink, r);
	if (is_watched(w, n))
		watch_over(w, n, r);
	if (n->eve)
		tell_eve(w, n, &(struct eve_event){ .row = *r, .at = r->ended, .kind = EVE_FLOW });
	if (w->has_tapes)
		end_tape(w, f, n, r, leg);
}

static void
event_flow_end(void *ctx, struct flow *f)
{
	struct worker *w = ctx;
	struct note *n = f->caller;
	struct tcpterm_leg_info leg[2];
	struct flow_record r;

	if (n) {
		app_settle(w->app, &n->app);
		say_client(w, f, n);
	}
	fill_row(w, f, &r, leg);
	/* what that tells the journal of belongs to the row */
	if (n)
		tell_end(w, f, n, &r, leg);
	journal_put(w->conf->journal, w->id, &r, n && n->log);
	if (!w->conf->replay)
		measures_add(&w->measures, &r);
	if (followers_any(w->conf->followers))
		follow_flow(w, f, false);
	if (!n)
		return;
	if (n->wait)
		waiting_end(w, n);
	app_end(w->app, &n->app);
	events_count(w, f);
	counters_end(counter_of(w, n));
	note_give(w->notes, n);
	f->caller = NULL;
}

/* --- bytes of relayed and tracked flows --- */

static void
event_bytes(void *ctx, struct flow *f, unsigned dir, uint64_t off, const void *p, uint32_t len)
{
	struct worker *w = ctx;
	struct note *n = f->caller;
	bool watched;

	if (!n) {
		f->inspected = false;
		return;
	}
	watched = is_watched(w, n);
	if (watched)
		watch_data(w, n, dir, off, &(struct watch_bytes){ .p = p, .len = len });
	app_feed_at(w->app, &n->app, dir, off, p, len);
	if (n->wait)
		waiting_heard(w, n);
	f->inspected = watched || app_wants(&n->app, 0) || app_wants(&n->app, 1);
	say_app(w, f, n);
}

/* --- passive streams --- */

static void
identify(struct worker *w, struct note *n, unsigned dir, const struct rte_mbuf *m, uint32_t m_off,
	 uint32_t len)
{
	for (; m && len > 0 && app_wants(&n->app, dir); m = m->next) {
		uint32_t take;

		if (m_off >= m->data_len) {
			m_off -= m->data_len;
			continue;
		}
		take = RTE_MIN(len, m->data_len - m_off);
		app_feed(w->app, &n->app, dir, rte_pktmbuf_mtod_offset(m, void *, m_off), take);
		len -= take;
		m_off = 0;
	}
}

static void
event_data(void *ctx, struct flow *f, unsigned dir, uint64_t offset, const struct rte_mbuf *m,
	   uint32_t m_off, uint32_t len)
{
	const struct sink_piece piece = { (struct rte_mbuf *)(uintptr_t)m, m_off, len,
					  ((struct worker *)ctx)->now };
	struct worker *w = ctx;
	struct note *n = f->caller;

	if (!n)
		return;
	if (is_watched(w, n))
		watch_data(w, n, dir, offset,
			   &(struct watch_bytes){ .m = m, .m_off = m_off, .len = len });
	if (app_wants(&n->app, dir)) {
		identify(w, n, dir, m, m_off, len);
		say_app(w, f, n);
	}
	if (n->wait)
		waiting_heard(w, n);
	if (n->sink)
		sink_data(n->sink, dir, offset, &piece);
	else if (w->conf->sinks)
		sinks_count(w->conf->sinks, w->id, len, 0);
}

static void
event_gap(void *ctx, struct flow *f, unsigned dir, uint64_t offset, uint64_t len,
	  enum tcpterm_gap_reason reason)
{
	struct worker *w = ctx;
	struct note *n = f->caller;
	struct gap_record g = {
		.declared = clock_to_unix_us(w->now),
		.offset = offset,
		.length = len,
		.direction = dir ? RECORD_DOWN : RECORD_UP,
	};

	if (n)
		app_gap(w->app, &n->app, dir);
	if (n && n->wait)
		waiting_heard(w, n);
	if (n && is_watched(w, n))
		watch_gap(w, n, dir, offset, len, tcpterm_gap_name(reason));
	if (n && n->eve) {
		struct eve_event e = {
			.offset = offset, .len = len, .kind = EVE_GAP, .direction = (uint8_t)dir
		};

		snprintf(e.reason, sizeof e.reason, "%s", tcpterm_gap_name(reason));
		tell_anomaly(w, f, n, &e);
	}
	/* A sink tells the journal itself, of bytes lost on the way to it as well. */
	if (n && n->sink) {
		sink_gap(n->sink, dir, offset, len, reason);
		return;
	}
	if (w->conf->sinks)
		sinks_count(w->conf->sinks, w->id, 0, len);
	row_id(w->id, f, g.flow_id);
	snprintf(g.reason, sizeof g.reason, "%s", tcpterm_gap_name(reason));
	journal_put_gap(w->conf->journal, w->id, &g);
}

static void
event_conflict(void *ctx, struct flow *f, unsigned dir, uint64_t offset, uint32_t len,
	       const uint8_t *was, const uint8_t *came, uint32_t shown)
{
	struct worker *w = ctx;
	struct note *n = f->caller;
	struct tcpterm_leg_info leg[2];
	struct conflict_record c = {
		.seen = clock_to_unix_us(w->now),
		.offset = offset,
		.length = len,
		.direction = dir ? RECORD_DOWN : RECORD_UP,
		.shown = (uint16_t)RTE_MIN(shown, (uint32_t)RECORD_SHOWN),
	};

	tcpterm_flow_info(f, leg);
	snprintf(c.overlap, sizeof c.overlap, "%s",
		 tcpterm_overlap_name((enum tcpterm_overlap)leg[dir].overlap));
	memcpy(c.was, was, c.shown);
	memcpy(c.came, came, c.shown);
	row_id(w->id, f, c.flow_id);
	if (n && n->sink)
		sink_conflict(n->sink, &c);
	if (n && n->eve)
		tell_anomaly(w, f, n,
			     &(struct eve_event){ .offset = offset,
						  .len = len,
						  .kind = EVE_CONFLICT,
						  .direction = (uint8_t)dir });
	if (leg[dir].conflicts <= CONFLICTS_KEPT || w->conf->replay)
		journal_put_conflict(w->conf->journal, w->id, &c);
}

static const struct tcpterm_passive_ops passive_ops = {
	.data = event_data,
	.gap = event_gap,
	.conflict = event_conflict,
};

const struct tcpterm_ops events_ops = {
	.tx = event_tx,
	.forward = event_forward,
	.unknown = verdict_unknown,
	.flow_new = event_flow_new,
	.flow_end = event_flow_end,
	.roles = event_roles,
	.bytes = event_bytes,
	.passive = &passive_ops,
};
