/*
 * sink_put.c - a worker's side of the sinks: see sink.h.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <rte_ring_elem.h>

#include "vnf/row.h"
#include "vnf/sink_lane.h"

/* The direction of an event, of one of the flow as it is now; and back. */
static unsigned
as_opened(const struct sink *k, unsigned direction)
{
	return direction ^ (k->roles == SINK_ROLES_TURNED);
}

static bool
put(struct sink *k, struct sink_event *e)
{
	struct sinks *s = k->all;
	struct sink_lane *l;

	e->roles = k->roles;
	if (s->direct) {
		sink_handle(s, e);
		return true;
	}
	assert(s->lane);
	l = &s->lane[k->worker];
	if (rte_ring_sp_enqueue_elem(l->events, e, sizeof *e) != 0)
		return false;
	sink_hail(s);
	return true;
}

static void
journal_gap(struct sink *k, unsigned direction, uint64_t offset, uint64_t len,
	    enum tcpterm_gap_reason why)
{
	struct gap_record g = {
		.declared = clock_to_unix_us(clock_now()),
		.offset = offset,
		.length = len,
		.direction = as_opened(k, direction) == 0 ? RECORD_UP : RECORD_DOWN,
	};

	if (!k->all->journal)
		return;
	memcpy(g.flow_id, k->begin.flow_id, sizeof g.flow_id);
	snprintf(g.reason, sizeof g.reason, "%s", tcpterm_gap_name(why));
	journal_put_gap(k->all->journal, k->worker, &g);
}

/* Lists the bytes that had no room before anything that follows them; false: still none. */
static bool
flush_lost(struct sink *k, unsigned direction)
{
	struct sink_event e = {
		.sink = k,
		.kind = SINK_GAP,
		.direction = (uint8_t)direction,
		.offset = k->lost[direction].offset,
		.len = k->lost[direction].len,
		.reason = TCPTERM_GAP_BUDGET,
	};

	if (e.len == 0)
		return true;
	if (!put(k, &e))
		return false;
	journal_gap(k, direction, e.offset, e.len, TCPTERM_GAP_BUDGET);
	k->lost[direction].len = 0;
	return true;
}

/* What is known by now of the application; false: there is no room. */
static bool
put_meta(struct sink *k)
{
	struct sink_event e = { .sink = k, .kind = SINK_META };

	if (k->meta_due && put(k, &e))
		k->meta_due = false;
	return !k->meta_due;
}

/* Its last event; false: there is no room. */
static bool
put_close(struct sink *k)
{
	struct sink_event e = { .sink = k, .kind = SINK_CLOSE };

	return flush_lost(k, 0) && flush_lost(k, 1) && put_meta(k) && put(k, &e);
}

/* Ends that found the ring full, tried again. */
static void
close_late(struct sink_lane *l)
{
	while (l->closing) {
		struct sink *next = l->closing->next;

		if (!put_close(l->closing))
			return;
		l->closing = next;
	}
}

/* A slot; NULL: there is none. */
static struct sink *
take_slot(struct sinks *s, struct sink_lane *l)
{
	struct sink *k = NULL;

	if (s->direct)
		return malloc(sizeof *k);
	close_late(l);
	k = l->spare;
	if (k)
		l->spare = k->next;
	else if (rte_ring_sc_dequeue(l->free, (void **)&k) != 0 && l->n_touched < SINK_SLOTS)
		k = &l->slots[l->n_touched++];
	l->refused += k == NULL;
	return k;
}

void
sink_name(char name[SINK_NAME_LEN], const struct flow_record *r)
{
	const int family = r->family == 4 ? AF_INET : AF_INET6;
	char client[INET6_ADDRSTRLEN], server[INET6_ADDRSTRLEN];

	inet_ntop(family, r->end[RECORD_CLIENT].addr, client, sizeof client);
	inet_ntop(family, r->end[RECORD_SERVER].addr, server, sizeof server);
	snprintf(name, SINK_NAME_LEN, "%s-%s.%u-%s.%u", r->flow_id, client,
		 r->end[RECORD_CLIENT].port, server, r->end[RECORD_SERVER].port);
}

struct sink *
sink_open(struct sinks *s, unsigned worker, const struct sink_conf *conf,
	  const struct flow_record *r)
{
	struct sink_lane *l = s->direct ? NULL : &s->lane[worker];
	struct sink_event e = { .kind = SINK_OPEN };
	struct sink *k = take_slot(s, l);

	if (!k)
		return NULL;
	k->all = s;
	k->worker = (uint16_t)worker;
	k->has_files = conf->dir != NULL;
	k->has_stream = conf->stream;
	k->roles_guessed = conf->roles_guessed;
	k->begin = *r;
	k->is_named = k->meta_due = false;
	k->roles = k->heard = SINK_ROLES_OPENED;
	snprintf(k->dir, sizeof k->dir, "%s", conf->dir ? conf->dir : "");
	sink_name(k->name, r);
	memset(k->lost, 0, sizeof k->lost);
	e.sink = k;
	if (put(k, &e))
		return k;
	k->next = l->spare;
	l->spare = k;
	l->refused++;
	return NULL;
}

static void
lose(struct sink *k, unsigned direction, uint64_t offset, uint64_t len)
{
	if (k->lost[direction].len == 0)
		k->lost[direction].offset = offset;
	k->lost[direction].len = offset + len - k->lost[direction].offset;
	k->all->lane[k->worker].lost_bytes += len;
}

/* With nobody to read it, there is only to count. */
static bool
is_unread(const struct sink *k)
{
	return !k->has_files &&
	       atomic_load_explicit(&k->all->stream.n_readers, memory_order_relaxed) == 0;
}

void
sink_data(struct sink *k, unsigned direction, uint64_t offset, const struct sink_piece *p)
{
	struct sink_event e = { .sink = k,
				.kind = SINK_DATA,
				.direction = (uint8_t)as_opened(k, direction),
				.offset = offset,
				.len = p->len,
				.at = p->now,
				.m = p->m,
				.m_off = p->m_off };

	if (is_unread(k)) {
		sinks_count(k->all, k->worker, p->len, 0);
		return;
	}
	for (struct rte_mbuf *g = p->m; g; g = g->next)
		rte_mbuf_refcnt_update(g, 1);
	if (flush_lost(k, e.direction) && put(k, &e))
		return;
	rte_pktmbuf_free(p->m);
	lose(k, e.direction, offset, p->len);
}

void
sink_gap(struct sink *k, unsigned direction, uint64_t offset, uint64_t len,
	 enum tcpterm_gap_reason why)
{
	struct sink_event e = { .sink = k,
				.kind = SINK_GAP,
				.direction = (uint8_t)as_opened(k, direction),
				.offset = offset,
				.len = len,
				.reason = (uint8_t)why };

	if (flush_lost(k, e.direction) && put(k, &e))
		journal_gap(k, e.direction, offset, len, why);
	else
		lose(k, e.direction, offset, len);
}

void
sink_app(struct sink *k, const char *app, const char *names)
{
	if (k->is_named || !k->has_stream)
		return;
	k->is_named = k->meta_due = true;
	snprintf(k->app, sizeof k->app, "%s", app);
	snprintf(k->names, sizeof k->names, "%s", names);
	put_meta(k);
}

void
sink_roles(struct sink *k, bool turned)
{
	k->roles = turned ? SINK_ROLES_TURNED : SINK_ROLES_KNOWN;
}

/* An event has its record before it, and no record lacks its event. */
static bool
put_conflict(struct sink *k, const struct conflict_record *c)
{
	struct sink_event e = { .sink = k, .kind = SINK_CONFLICT, .conflict = c };
	struct sink_lane *l;

	if (k->all->direct)
		return put(k, &e);
	l = &k->all->lane[k->worker];
	e.conflict = NULL;
	return rte_ring_free_count(l->events) > 0 &&
	       rte_ring_sp_enqueue_elem(l->conflicts, (void *)(uintptr_t)c, sizeof *c) == 0 &&
	       put(k, &e);
}

void
sink_conflict(struct sink *k, const struct conflict_record *c)
{
	struct conflict_record as = *c;

	as.direction = as_opened(k, c->direction) ? RECORD_DOWN : RECORD_UP;
	if (!is_unread(k) && !put_conflict(k, &as))
		k->all->lane[k->worker].conflicts_lost++;
}

void
sink_close(struct sink *k, const struct flow_record *r)
{
	struct sink_lane *l = k->all->direct ? NULL : &k->all->lane[k->worker];

	k->ending = *r;
	if (k->roles == SINK_ROLES_TURNED)
		row_turn(&k->ending);
	if (l)
		close_late(l);
	if (put_close(k))
		return;
	k->next = l->closing;
	l->closing = k;
}

void
sinks_eve(struct sinks *s, unsigned worker, const struct eve_event *e)
{
	struct sink_lane *l;

	if (s->direct) {
		sink_eve_event(s, e);
		return;
	}
	l = &s->lane[worker];
	if (rte_ring_sp_enqueue_elem(l->told, (void *)(uintptr_t)e, sizeof *e) != 0)
		l->eve_lost++;
	else
		sink_hail(s);
}
