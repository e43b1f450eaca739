/*
 * row.c - see row.h.
 */
#include "vnf/row.h"

#include <stdio.h>
#include <string.h>

#include <rte_common.h>

#include "vnf/note.h"

/* Lower case, without leading zeros; returns where it ends. */
static char *
put_hex(char *to, uint32_t v)
{
	int shift = v ? (int)(rte_fls_u32(v) - 1) & ~3 : 0;

	for (; shift >= 0; shift -= 4)
		*to++ = "0123456789abcdef"[v >> shift & 15];
	return to;
}

void
row_id(unsigned worker, const struct flow *f, char id[RECORD_ID])
{
	char *at = put_hex(id, worker);

	*at++ = ':';
	at = put_hex(at, f->ref);
	*at++ = ':';
	*put_hex(at, f->generation) = '\0';
}

bool
row_id_parse(const char *text, unsigned *worker, uint32_t *ref, uint32_t *generation)
{
	int end = 0;

	return sscanf(text, "%x:%x:%x%n", worker, ref, generation, &end) == 3 && text[end] == '\0';
}

const char *
row_mode(const struct flow *f)
{
	const struct note *n = f->caller;

	switch ((enum tcpterm_kind)f->kind) {
	case TCPTERM_KIND_RELAY:
	case TCPTERM_KIND_CONN:
	case TCPTERM_KIND_TIMEWAIT:
		return "proxy";
	case TCPTERM_KIND_EMBRYO:
		return n ? policy_mode_name(n->mode) : "proxy";
	case TCPTERM_KIND_PASSIVE:
		return "passive";
	case TCPTERM_KIND_TRACK:
		return "track";
	case TCPTERM_KIND_DROP:
		return "drop";
	case TCPTERM_KIND_PASS:
	case TCPTERM_KIND_NONE:
	case TCPTERM_N_KINDS:
		break;
	}
	return "pass";
}

static void
put_word(char word[RECORD_WORD], const char *s)
{
	memcpy(word, s, strnlen(s, RECORD_WORD - 1));	/* into zeros */
}

static void
put_ends(const struct tcpterm *s, const struct flow *f, struct flow_record *r)
{
	bool v4 = !f->key.v6;
	unsigned i;

	r->family = v4 ? 4 : 6;
	for (i = 0; i < 2; i++) {
		const uint8_t *mac = tcpterm_flow_mac(s, f, i);
		const struct ip_addr a = flow_addr(f, i);
		struct end_record *e = &r->end[i];

		memcpy(e->addr, a.b + (v4 ? 12 : 0), v4 ? 4 : 16);
		e->port = f->key.port[i];
		if (mac)
			memcpy(e->mac, mac, 6);
	}
}

/* What arrived by the time with bytes in flight, where that is measured; `held`: it did not yet. */
static uint64_t
goodput(const struct tcpterm_leg_info *leg, uint64_t held)
{
	if (leg->busy_us == 0 || leg->stream_bytes <= held)
		return 0;
	return (uint64_t)((double)(leg->stream_bytes - held) * 1e6 / (double)leg->busy_us);
}

static void
put_counts(const struct flow *f, const struct tcpterm_leg_info leg[2], struct flow_record *r)
{
	const bool ours = f->kind != TCPTERM_KIND_TRACK && f->kind != TCPTERM_KIND_PASSIVE;
	unsigned i;

	for (i = 0; i < 2; i++) {
		/* who sends on the leg to an end: Leat, or the other end */
		const struct tcpterm_leg_info *to = &leg[ours ? i : !i];

		r->direction[i] = (struct direction_record){
			.packets = flow_packets(f, i),
			/* what came twice is in the latter twice */
			.bytes = f->kind == TCPTERM_KIND_PASSIVE ? leg[i].stream_bytes
								 : flow_bytes(f, i),
			.gaps = leg[i].gaps,
			.gap_bytes = leg[i].gap_bytes,
			.goodput = goodput(&leg[i], ours ? leg[!i].queued : 0),
			.conflicts = leg[i].conflicts,
		};
		r->leg[i] = (struct leg_record){
			.srtt = leg[i].srtt_us,
			.min_rtt = leg[i].min_rtt_us,
			.retransmits = (uint32_t)RTE_MIN(to->retransmits, UINT32_MAX),
			.out_of_order = (uint32_t)RTE_MIN(leg[i].out_of_order, UINT32_MAX),
			.zero_windows = (uint32_t)RTE_MIN(leg[i].zero_windows, UINT32_MAX),
			.handshake = leg[i].handshake_us,
			.out_of_window = (uint32_t)RTE_MIN(leg[i].out_of_window, UINT32_MAX),
			.retransmit_bytes = to->retransmitted_bytes,
		};
	}
}

void
row_count(const struct flow *f, struct flow_record *r, struct tcpterm_leg_info leg[2])
{
	memset(r, 0, sizeof *r);
	tcpterm_flow_info(f, leg);
	put_counts(f, leg, r);
}

void
row_fill(const struct tcpterm *stack, unsigned worker, const struct flow *f, usec_t now,
	 struct flow_record *r, struct tcpterm_leg_info leg[2])
{
	const struct note *n = f->caller;
	char app[APP_LABEL];

	row_count(f, r, leg);
	r->started = clock_to_unix_us(f->started);
	r->ended = clock_to_unix_us(now);
	row_id(worker, f, r->flow_id);
	r->domain = f->key.domain;
	r->wscale_clamped = f->wscale_clamped;
	put_ends(stack, f, r);
	r->n_vlans = (uint8_t)tcpterm_flow_vids(stack, f, r->vlan);
	put_word(r->mode, row_mode(f));
	put_word(r->start, tcpterm_start_name(f->start));
	put_word(r->roles, tcpterm_roles_name(f->roles));
	put_word(r->reason, f->end == TCPTERM_END_NONE ? "" : tcpterm_end_name(f->end));
	if (n) {
		r->generation = n->generation;
		memcpy(r->rule, n->rule, sizeof r->rule);
		app_print(&n->app, app);
		memcpy(r->app, app, strnlen(app, sizeof r->app - 1));
		app_list(&n->app, r->names, sizeof r->names);
	}
}

void
row_turn(struct flow_record *r)
{
	const struct direction_record up = r->direction[RECORD_UP];
	const struct end_record client = r->end[RECORD_CLIENT];
	const struct leg_record leg = r->leg[RECORD_CLIENT];

	r->direction[RECORD_UP] = r->direction[RECORD_DOWN];
	r->direction[RECORD_DOWN] = up;
	r->end[RECORD_CLIENT] = r->end[RECORD_SERVER];
	r->end[RECORD_SERVER] = client;
	r->leg[RECORD_CLIENT] = r->leg[RECORD_SERVER];
	r->leg[RECORD_SERVER] = leg;
}
