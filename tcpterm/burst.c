#include "tcpterm/burst.h"

static bool
has_flow(const struct pkt *p)
{
	return p->kind == PKT_TCP || p->kind == PKT_ICMP_ERROR;
}

static struct found
found(struct flow *f, enum flow_match how)
{
	return f ? (struct found){ f, how, f->ref, f->generation } : (struct found){ 0 };
}

struct found
burst_find_one(struct tcpterm *s, const struct pkt *p)
{
	enum flow_match how = FLOW_MATCH_NO;
	struct table_key key;
	struct flow *f;

	if (!has_flow(p) || !core_table_key(s, p, &key))
		return (struct found){ 0 };
	f = table_find(s->table, &key, &how);
	return found(f, how);
}

void
burst_find(struct tcpterm *s, const struct pkt *p, unsigned n, struct burst *b)
{
	struct table_key key[BURST];
	struct flow *f[BURST];
	enum flow_match how[BURST];
	unsigned which[BURST], m = 0;

	b->changes = s->table_changes;
	for (unsigned i = 0; i < n; i++) {
		b->with_last[i] = i > 0 && (p[i].goes_on || pkt_goes_with(&p[i], &p[i - 1]));
		b->at[i] = (struct found){ 0 };
		if (!b->with_last[i] && has_flow(&p[i]) && core_table_key(s, &p[i], &key[m]))
			which[m++] = i;
	}
	if (m == 0)
		return;
	table_find_burst(s->table, key, m, f, how);
	for (unsigned i = 0; i < m; i++)
		b->at[which[i]] = found(f[i], how[i]);
}
