#include "tests/prop/lib/feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/frag.h"
#include "tests/unit/eal.h"

enum { POOL = 8191, DATAGRAMS = 64, FRAGMENTS_US = 30 * 1000 * 1000, KEPT = 64 << 20 };

struct feed feed;

static struct rte_mempool *headers;

/* --- what the stack says --- */

static uint8_t *
room_for(struct fed_half *h, uint64_t off, uint64_t len)
{
	h->disorder += off != h->n_bytes || len == 0;
	h->n_bytes = off + len;
	if (feed.no_bytes || off + len > KEPT)
		return NULL;
	if (off + len > h->room) {
		uint64_t room = RTE_MAX(2 * h->room, off + len + 4096);

		h->bytes = realloc(h->bytes, room);
		if (!h->bytes)
			abort();
		memset(h->bytes + h->room, 0, room - h->room);
		h->room = room;
	}
	return h->bytes + off;
}

static struct fed_half *
half_of(const struct flow *f, unsigned d)
{
	return f->caller ? &((struct fed_flow *)f->caller)->dir[d] : NULL;
}

static void
say_client(struct flow *f)
{
	int client = feed.client && f->roles == TCPTERM_ROLES_GUESSED ? feed.client(f) : -1;

	if (client >= 0)
		tcpterm_initiator_is(feed.s, f, (unsigned)client);
}

static void
on_roles(void *ctx, struct flow *f)
{
	struct fed_flow *to = f->caller;
	struct fed_half was;

	(void)ctx;
	if (!to || f->roles != TCPTERM_ROLES_CORRECTED)
		return;
	was = to->dir[0];
	to->dir[0] = to->dir[1];
	to->dir[1] = was;
	to->key = flow_key_of(f);
}

static void
on_bytes(void *ctx, struct flow *f, unsigned d, uint64_t off, const struct rte_mbuf *m,
	 uint32_t m_off, uint32_t len)
{
	struct fed_half *h = half_of(f, d);
	const uint8_t *from;
	uint8_t *to;

	(void)ctx;
	to = h ? room_for(h, off, len) : NULL;
	if (!to)
		return;
	from = rte_pktmbuf_read(m, m_off, len, to);
	if (!from)
		h->disorder++;
	else if (from != to)
		memcpy(to, from, len);
	if (feed.n_asked++ % 16 == 0)
		say_client(f);
}

static void
on_gap(void *ctx, struct flow *f, unsigned d, uint64_t off, uint64_t len,
       enum tcpterm_gap_reason reason)
{
	struct fed_half *h = half_of(f, d);
	unsigned i;

	(void)ctx;
	if (!h)
		return;
	room_for(h, off, len);
	i = h->n_gaps++ % FEED_GAPS;
	h->gap[i].off = off;
	h->gap[i].len = len;
	h->gap[i].reason = reason;
}

static void
on_conflict(void *ctx, struct flow *f, unsigned d, uint64_t off, uint32_t len, const uint8_t *was,
	    const uint8_t *came, uint32_t shown)
{
	struct fed_half *h = half_of(f, d);

	(void)ctx, (void)off;
	if (h)
		h->n_conflicts++;
	if (h && (shown == 0 || shown > len || memcmp(was, came, shown) == 0))
		h->disorder++;
}

static void
on_end(void *ctx, struct flow *f, unsigned d, uint64_t off)
{
	struct fed_half *h = half_of(f, d);

	(void)ctx;
	if (!h)
		return;
	h->n_ends++;
	h->disorder += off != h->n_bytes;
}

static const struct tcpterm_passive_ops told = { on_bytes, on_gap, on_conflict, on_end, NULL };

static void
on_new(void *ctx, struct flow *f)
{
	struct fed_flow *to;

	(void)ctx;
	f->caller = NULL;
	if (feed.n_flows == FEED_FLOWS) {
		feed.n_lost++;
		return;
	}
	to = &feed.flow[feed.n_flows++];
	f->caller = to;
	to->key = flow_key_of(f);
	to->n_vids = tcpterm_flow_vids(feed.s, f, to->vid);
}

static void
on_flow_end(void *ctx, struct flow *f)
{
	struct fed_flow *to = f->caller;

	(void)ctx;
	if (!to)
		return;
	say_client(f);
	to->over = true;
	to->start = (enum tcpterm_start)f->start;
	to->end = (enum tcpterm_end)f->end;
	to->packets[0] = flow_packets(f, 0);
	to->packets[1] = flow_packets(f, 1);
	tcpterm_flow_info(f, to->leg);
}

static struct tcpterm_verdict
on_unknown(void *ctx, const struct pkt *p)
{
	(void)ctx, (void)p;
	return feed.verdict;
}

static struct tcpterm_verdict
on_syn(void *ctx, const struct tcpterm_syn *syn)
{
	(void)ctx, (void)syn;
	return feed.verdict;
}

static void
on_tx(void *ctx, uint16_t domain, uint8_t side, struct rte_mbuf *m)
{
	(void)ctx, (void)domain, (void)side;
	feed.n_tx++;
	rte_pktmbuf_free(m);
}

static void
on_forward(void *ctx, const struct pkt *p)
{
	(void)ctx;
	feed.n_refused++;
	rte_pktmbuf_free(p->m);
}

/* --- in --- */

void
feed_begin(const struct tcpterm_passive_conf *conf)
{
	struct tcpterm_listener_conf any = { .select = { .dst_port = { 0, 65535 },
							 .src_port = { 0, 65535 },
							 .any_domain = true },
					     .filter = on_syn };
	struct tcpterm_conf c = {
		.ops = &feed.ops, .n_flows = 65536, .n_ready = 1, .idle_us = 86400000000
	};
	tcpterm_listener_id id;
	struct err err;

	if (test_eal_init() != 0)
		abort();
	memset(&feed, 0, sizeof feed);
	if (!headers)
		headers = rte_pktmbuf_pool_create("feed", POOL, 0, 0, 512, 0);
	feed.flow = calloc(FEED_FLOWS, sizeof *feed.flow);
	feed.frags = headers ? frag_table_new(DATAGRAMS, FRAGMENTS_US, headers) : NULL;
	feed.ops = (struct tcpterm_ops){ .tx = on_tx,
					 .forward = on_forward,
					 .unknown = on_unknown,
					 .flow_new = on_new,
					 .flow_end = on_flow_end,
					 .roles = on_roles,
					 .passive = &told };
	feed.verdict = (struct tcpterm_verdict){ .decision = TCPTERM_PASSIVE, .copy = true };
	feed.parse = (struct parse_conf){ .tap = true };
	c.payload_pool = c.header_pool = headers;
	if (conf)
		c.passive = *conf;
	feed.s = feed.frags && feed.flow ? tcpterm_new(&c, feed.now, &err) : NULL;
	if (!feed.s || tcpterm_listen(feed.s, &any, &id) != 0)
		abort();
}

static void
advance(int64_t us)
{
	usec_t next;

	while ((next = tcpterm_next(feed.s)).v <= us) {
		feed.now.v = RTE_MAX(feed.now.v, next.v);
		tcpterm_run(feed.s, feed.now);
	}
	feed.now.v = RTE_MAX(feed.now.v, us);
}

void
feed_wait(int64_t us)
{
	advance(feed.now.v + us);
	tcpterm_run(feed.s, feed.now);
}

static void
input_fragment(const struct pkt *p)
{
	struct frag_result r;
	struct pkt whole;
	unsigned i;

	frag_input(feed.frags, p, feed.now, &r);
	for (i = 0; i < r.n_original; i++)
		rte_pktmbuf_free(r.original[i]);
	feed.n_refused += r.refusal != DROP_NONE;
	if (!r.whole)
		return;
	if (pkt_parse(&whole, r.whole, &feed.parse) == PKT_TCP)
		tcpterm_input(feed.s, &whole, 1, feed.now);
	else
		rte_pktmbuf_free(r.whole);
}

void
feed_frame(int64_t us, const uint8_t *bytes, uint32_t len, uint32_t wire_len)
{
	struct pkt p;

	(void)wire_len;
	advance(us);
	if (pkt_parse(&p, test_mbuf(bytes, len), &feed.parse) == PKT_FRAGMENT)
		input_fragment(&p);
	else
		tcpterm_input(feed.s, &p, 1, feed.now);
	tcpterm_run(feed.s, feed.now);
}

bool
feed_end(void)
{
	unsigned live;

	tcpterm_free(feed.s);
	feed.s = NULL;
	frag_table_free(feed.frags);
	feed.frags = NULL;
	live = test_mbufs_live() + rte_mempool_in_use_count(headers);
	if (live || feed.n_tx)
		printf("# %u buffers live, %llu frames sent\n", live,
		       (unsigned long long)feed.n_tx);
	return live == 0 && feed.n_tx == 0;
}

void
feed_clear(void)
{
	unsigned i, d;

	for (i = 0; i < feed.n_flows; i++)
		for (d = 0; d < 2; d++)
			free(feed.flow[i].dir[d].bytes);
	free(feed.flow);
	feed.flow = NULL;
}
