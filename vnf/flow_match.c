/*
 * flow_match.c - flows and frames held against a filter: see flow_filter.h.
 */
#include "vnf/flow_filter.h"
#include "vnf/flow_keys.h"
#include "vnf/note.h"
#include "vnf/row.h"

/* What every subject has; end 0 is the client's. */
struct ends {
	struct ip_addr addr[2];
	uint16_t port[2];
	uint16_t domain;
};

/* Of a frame without a flow: who opens is the client, else the lower port is a server's. */
static void
ends_of_pkt(const struct pkt *p, struct ends *t)
{
	bool syn = p->kind == PKT_TCP && p->flags & TCP_SYN;
	bool reverse = syn ? p->flags & TCP_ACK : p->sport < p->dport;

	t->addr[reverse] = p->src;
	t->addr[!reverse] = p->dst;
	t->port[reverse] = p->sport;
	t->port[!reverse] = p->dport;
	t->domain = p->domain;
}

static void
ends_of(const struct flow_subject *s, struct ends *t)
{
	const struct flow *f = s->flow;
	unsigned i;

	if (!f) {
		ends_of_pkt(s->pkt, t);
		return;
	}
	for (i = 0; i < 2; i++) {
		t->addr[i] = flow_addr(f, i);
		t->port[i] = f->key.port[i];
	}
	t->domain = f->key.domain;
}

static bool
is_end(const struct flow_filter_value *v, const struct ends *t, unsigned i)
{
	/* a short IPv6 prefix holds the form in which IPv4 addresses are kept */
	return ip_addr_is_v4(&t->addr[i]) == ip_addr_is_v4(&v->end.addr) &&
	       ip_addr_in_prefix(&t->addr[i], &v->end.addr, v->end.len) &&
	       (!v->end.has_port || v->end.port == t->port[i]);
}

static bool
is_in(const struct flow_filter_value *v, uint64_t n)
{
	return v->range.lo <= n && n <= v->range.hi;
}

static const char *
text_of(const struct flow_filter *ff, const struct flow_filter_value *v)
{
	return ff->text + v->text;
}

/* Are these the tags that `text` ("100.200") names? */
static bool
is_vlan(const char *text, const struct flow_subject *s)
{
	uint16_t vid[PKT_MAX_TAGS];
	unsigned i,
		n = s->flow ? tcpterm_flow_vids(s->stack, s->flow, vid) : pkt_key_vids(s->pkt, vid);

	for (i = 0; i < n; i++) {
		unsigned v = 0;

		for (; *text >= '0' && *text <= '9'; text++)
			v = 10 * v + (unsigned)(*text - '0');
		if (v != vid[i] || *text != (i + 1 < n ? '.' : '\0'))
			return false;
		text += *text == '.';
	}
	return n > 0 || !*text;
}

static bool
is_state(const char *text, const struct flow *f)
{
	struct tcpterm_leg_info leg[2];

	tcpterm_flow_info(f, leg);
	return strcmp(tcpterm_state_name(leg[0].state), text) == 0 ||
	       strcmp(tcpterm_state_name(leg[1].state), text) == 0;
}

static bool
is_id(const struct flow_filter_value *v, const struct flow_subject *s)
{
	return v->id.worker == s->worker && v->id.ref == s->flow->ref &&
	       v->id.generation == s->flow->generation;
}

/* Keys for which the flow has to be known. */
static bool
flow_has(const struct flow_filter *ff, enum flow_filter_key key, const struct flow_filter_value *v,
	 const struct flow_subject *s)
{
	const struct flow *f = s->flow;
	const struct note *n = f->caller;

	switch (key) {
	case KEY_ID:
		return is_id(v, s);
	case KEY_MODE:
		return strcmp(row_mode(f), text_of(ff, v)) == 0;
	case KEY_RULE:
		return n && strcmp(n->rule, text_of(ff, v)) == 0;
	case KEY_GENERATION:
		return n && is_in(v, n->generation);
	case KEY_START:
		return strcmp(tcpterm_start_name((enum tcpterm_start)f->start), text_of(ff, v)) ==
		       0;
	case KEY_STATE:
		return is_state(text_of(ff, v), f);
	case KEY_APP:
		return n ? app_is(&n->app, text_of(ff, v)) : !*text_of(ff, v);
	case KEY_SNI:
		return n ? app_is_sni(&n->app, text_of(ff, v)) : !*text_of(ff, v);
	case KEY_HOST:
		return n ? app_is_host(&n->app, text_of(ff, v)) : !*text_of(ff, v);
	case KEY_ALPN:
		return n ? app_is_alpn(&n->app, text_of(ff, v)) : !*text_of(ff, v);
	case KEY_OLDER:
		return usec_diff(s->now, f->started) >= (int64_t)v->range.lo;
	default:
		return usec_diff(s->now, f->last) >= (int64_t)v->range.lo;
	}
}

static bool
ends_have(const struct flow_filter *ff, enum flow_filter_key key, const struct flow_filter_value *v,
	  const struct flow_subject *s, const struct ends *t)
{
	switch (key) {
	case KEY_CLIENT:
		return is_end(v, t, 0);
	case KEY_SERVER:
		return is_end(v, t, 1);
	case KEY_ADDR:
		return is_end(v, t, 0) || is_end(v, t, 1);
	case KEY_CPORT:
		return is_in(v, t->port[0]);
	case KEY_SPORT:
		return is_in(v, t->port[1]);
	case KEY_PORT:
		return is_in(v, t->port[0]) || is_in(v, t->port[1]);
	case KEY_DOMAIN:
		return is_in(v, t->domain);
	default:
		return is_vlan(text_of(ff, v), s);
	}
}

static enum flow_filter_answer
has_value(const struct flow_filter *ff, enum flow_filter_key key, const struct flow_filter_value *v,
	  const struct flow_subject *s, const struct ends *t)
{
	bool has;

	if (key > KEY_DOMAIN && !s->flow)
		return FLOW_FILTER_UNKNOWN;
	has = key > KEY_DOMAIN ? flow_has(ff, key, v, s) : ends_have(ff, key, v, s, t);
	return has ? FLOW_FILTER_YES : FLOW_FILTER_NO;
}

static enum flow_filter_answer
word_holds(const struct flow_filter *ff, const struct flow_filter_word *w,
	   const struct flow_subject *s, const struct ends *t)
{
	enum flow_filter_answer a = FLOW_FILTER_NO;
	unsigned i;

	for (i = w->first; i < w->first + w->n && a == FLOW_FILTER_NO; i++)
		a = has_value(ff, (enum flow_filter_key)w->key, &ff->value[i], s, t);
	if (a == FLOW_FILTER_UNKNOWN || !w->negated)
		return a;
	return a == FLOW_FILTER_YES ? FLOW_FILTER_NO : FLOW_FILTER_YES;
}

enum flow_filter_answer
flow_filter_match(const struct flow_filter *ff, const struct flow_subject *s)
{
	enum flow_filter_answer all = FLOW_FILTER_YES;
	struct ends t;
	unsigned i;

	if (ff->n_words)
		ends_of(s, &t);
	for (i = 0; i < ff->n_words; i++) {
		enum flow_filter_answer a = word_holds(ff, &ff->word[i], s, &t);

		if (a == FLOW_FILTER_NO)
			return FLOW_FILTER_NO;
		if (a == FLOW_FILTER_UNKNOWN)
			all = a;
	}
	return all;
}
