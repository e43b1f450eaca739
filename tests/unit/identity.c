/*
 * Active opens: the identity on the wire, equal tuples on different tags, ports that a stack
 * chooses, and link headers that follow who moves (check S7).
 */
#include <errno.h>
#include <string.h>

#include "tests/unit/frame.h"
#include "tests/unit/lib/lone.h"

static const uint8_t local[4] = { 203, 0, 113, 5 }, remote[4] = { 198, 51, 100, 9 };

static struct tcpterm_identity
identity(uint16_t last_vid)
{
	return (struct tcpterm_identity){
		.l2 = { .dst = { { 2, 0, 0, 0, 0, 2 } },
			.src = { { 2, 0, 0, 0, 0, 1 } },
			.n_tags = 3,
			.tag = { { 0x88a8, 30 }, { 0x8100, 40 }, { 0x8100, last_vid } } },
		.local = ip_addr_v4(local),
		.remote = ip_addr_v4(remote),
		.local_port = 1234,
		.remote_port = 80,
		.side = 1,
		.ttl = 33,
	};
}

static struct flow *
open_to(const struct tcpterm_identity *id, uint64_t cookie)
{
	struct flow *f = NULL;

	CU_ASSERT_EQUAL_FATAL(lone_connect(id, cookie, &f), 0);
	return f;
}

/* The whole frame as somebody else would write it; what is random is taken from it. */
static void
syn_matches_its_identity_byte_for_byte(void)
{
	static struct frame want;
	struct tcpterm_identity id = identity(50);
	uint8_t options[20] = { 2, 4, 0x05, 0xa8, 4, 2, 8, 10, [16] = 1, 3, 3, 7 };
	const uint8_t *got;
	struct flow *again;

	id.l2.tag[0].tci |= 5 << 13;	/* PCP 5 */
	lone_begin(TCPTERM_ACCEPT);
	open_to(&id, 5);
	CU_ASSERT_EQUAL(lone_connect(&id, 5, &again), -EADDRINUSE);
	CU_ASSERT_EQUAL_FATAL(lone.n_out, 1);
	CU_ASSERT_EQUAL(lone.out[0].side, 1);
	got = rte_pktmbuf_mtod(lone.out[0].m, const uint8_t *);
	memcpy(options + 8, got + lone.out[0].l4 + 28, 4);	/* TSval */
	frame_init(&want);
	frame_ether(&want, 0x0800);
	frame_tag(&want, 0x88a8, 5 << 13 | 30);
	frame_tag(&want, 0x8100, 40);
	frame_tag(&want, 0x8100, 50);
	frame_ip4(&want, "203.0.113.5", "198.51.100.9", 6, NULL, 0);
	want.b[26 + 8] = 33;
	frame_tcp(&want, 1234, 80, lone.out[0].seq, 0, TCP_SYN, 16384, options, sizeof options);
	frame_end(&want);
	CU_ASSERT_EQUAL_FATAL(lone.out[0].m->pkt_len, want.len);
	CU_ASSERT_EQUAL(memcmp(got, want.b, want.len), 0);
	lone_end();
}

/* --- one tuple on many tag stacks --- */

enum { N_STACKS = 100 };

static struct conn_of_stack {
	struct flow *f;
	struct tcpterm *stack;		/* that has it */
	uint32_t isn;
	char sent[32];			/* what the stack sent on these tags */
	unsigned n_established;
} conns[N_STACKS];

static struct lone_tags
tags_of(unsigned i)
{
	return (struct lone_tags){
		3, { { 0x88a8, 30 }, { 0x8100, 40 }, { 0x8100, (uint16_t)(100 + i) } }
	};
}

static void
note_sent(const struct pkt *p)
{
	struct conn_of_stack *c = &conns[vlan_vid(p->tag[2]) - 100];
	uint8_t buf[32];

	CU_ASSERT_TRUE(p->n_tags == 3 && p->tag[0].tpid == 0x88a8 && p->sport == 1234);
	if (p->flags & TCP_SYN)
		c->isn = p->seq;
	if (p->payload_len > 0 && p->payload_len < sizeof c->sent)
		memcpy(c->sent, rte_pktmbuf_read(p->m, p->payload, p->payload_len, buf),
		       p->payload_len);
}

static void
note_established(struct flow *f)
{
	conns[f->cookie].n_established++;
}

/* A segment of the server on stack `i`. */
static void
server_says(unsigned i, uint16_t flags, const char *text)
{
	const struct lone_tags tags = tags_of(i);
	const struct lone_segment g = {
		.tags = &tags,
		.flags = flags,
		.seq = 5000 + 7 * i + !(flags & TCP_SYN),
		.ack = conns[i].isn + 1,
		.reverse = true,
		.src = { 198, 51, 100, 9 },
		.dst = { 203, 0, 113, 5 },
		.sport = 80,
		.dport = 1234,
		.text = text,
	};

	lone_feed(&g);
}

static void
one_tuple_on_a_hundred_tag_stacks_is_a_hundred_connections(void)
{
	char text[32], got[32];

	lone_begin(TCPTERM_ACCEPT);
	memset(conns, 0, sizeof conns);
	lone.seen = note_sent;
	lone.established = note_established;
	for (unsigned i = 0; i < N_STACKS; i++) {
		const struct tcpterm_identity id = identity((uint16_t)(100 + i));

		conns[i].f = open_to(&id, i);
		conns[i].stack = lone.stack;
	}
	for (unsigned i = N_STACKS; i-- > 0;)
		server_says(i, TCP_SYN | TCP_ACK, NULL);
	for (unsigned i = 0; i < N_STACKS; i++) {
		CU_ASSERT_EQUAL(conns[i].n_established, 1);
		snprintf(text, sizeof text, "from stack %u", i);
		CU_ASSERT_EQUAL(tcpterm_write(conns[i].stack, conns[i].f, text, strlen(text)),
				(ssize_t)strlen(text));
	}
	team_run(&lone.team, lone.now);
	for (unsigned i = 0; i < N_STACKS; i++) {
		ssize_t n;

		snprintf(text, sizeof text, "from stack %u", i);
		CU_ASSERT_STRING_EQUAL(conns[i].sent, text);
		snprintf(text, sizeof text, "to stack %u", i);
		server_says(i, TCP_ACK, text);
		n = tcpterm_read(conns[i].stack, conns[i].f, got, sizeof got);
		CU_ASSERT_EQUAL(n, (ssize_t)strlen(text));
		CU_ASSERT_EQUAL(memcmp(got, text, strlen(text)), 0);
	}
	CU_ASSERT_EQUAL(lone_stats().n_flows[TCPTERM_KIND_CONN], N_STACKS);
	lone_end();
}

/* The passive side of the same. */
static void
one_tuple_is_accepted_on_a_hundred_tag_stacks(void)
{
	lone_begin(TCPTERM_ACCEPT);
	for (unsigned i = 0; i < N_STACKS; i++) {
		const struct lone_tags tags = tags_of(i);

		lone.verdict.cookie = i;
		lone_syn(&tags);
	}
	CU_ASSERT_EQUAL_FATAL(lone.n_out, N_STACKS);
	for (unsigned i = 0; i < N_STACKS; i++) {
		const struct lone_tags tags = tags_of(i);
		const struct lone_segment g = {
			.tags = &tags, .flags = TCP_ACK, .seq = 1001, .ack = lone.out[i].seq + 1
		};

		CU_ASSERT_EQUAL(vlan_vid(lone.out[i].tag[2]), 100 + i);
		lone_feed(&g);
		CU_ASSERT_EQUAL(lone.n_established, i + 1);
	}
	CU_ASSERT_EQUAL(lone_stats().n_flows[TCPTERM_KIND_CONN], N_STACKS);
	lone_end();
}

/* --- who moves --- */

static const char *
macs_of_last(void)
{
	return rte_pktmbuf_mtod(lone.out[lone.n_out - 1].m, const char *);
}

static void
accepted_connection_follows_its_peers_mac(void)
{
	struct lone_segment g = { .flags = TCP_ACK, .seq = 1001, .text = "a" };

	lone_begin(TCPTERM_ACCEPT);
	lone_syn(&lone_untagged);
	g.ack = lone.out[0].seq + 1;
	lone_feed(&g);
	CU_ASSERT_EQUAL(memcmp(macs_of_last(), "\2\0\0\0\0\1\2\0\0\0\0\2", 12), 0);
	g.seq += 1000000;	/* nothing that the peer could have sent */
	g.mac = 0x66;
	lone_feed(&g);
	CU_ASSERT_EQUAL(memcmp(macs_of_last(), "\2\0\0\0\0\1\2\0\0\0\0\2", 12), 0);
	g.seq = 1002;
	g.mac = 0x55;
	lone_feed(&g);
	CU_ASSERT_EQUAL(memcmp(macs_of_last(), "\2\0\0\0\0\x55\2\0\0\0\0\2", 12), 0);
	lone_end();
}

static void
opened_connection_keeps_its_identity_until_its_peer_moves(void)
{
	struct tcpterm_identity id = identity(50);
	struct lone_segment g = {
		.flags = TCP_SYN | TCP_ACK,
		.seq = 5000,
		.reverse = true,
		.src = { 198, 51, 100, 9 },
		.dst = { 203, 0, 113, 5 },
		.sport = 80,
		.dport = 1234,
		.mac = 0x20,	/* a router that answers by a MAC of its own */
	};

	lone_begin(TCPTERM_ACCEPT);
	id.l2.n_tags = 0;
	open_to(&id, 0);
	g.ack = lone.out[0].seq + 1;
	lone_feed(&g);
	CU_ASSERT_EQUAL(memcmp(macs_of_last(), "\2\0\0\0\0\2\2\0\0\0\0\1", 12), 0);
	g = (struct lone_segment){ .flags = TCP_ACK,
				   .seq = 5001,
				   .ack = g.ack,
				   .reverse = true,
				   .src = { 198, 51, 100, 9 },
				   .dst = { 203, 0, 113, 5 },
				   .sport = 80,
				   .dport = 1234,
				   .text = "a",
				   .mac = 0x30 };
	lone_feed(&g);
	CU_ASSERT_EQUAL(memcmp(macs_of_last(), "\2\0\0\0\0\x30\2\0\0\0\0\1", 12), 0);
	lone_end();
}

/* Each leg speaks by the header of the end that it stands for, as that end's frames have it. */
static void
relay_follows_each_ends_mac(void)
{
	struct lone_segment c = { .flags = TCP_SYN, .seq = 1000 }, s = {
		.flags = TCP_SYN | TCP_ACK, .seq = 5000, .ack = 1001, .reverse = true
	};

	lone_begin(TCPTERM_RELAY);
	lone_feed(&c);
	lone_feed(&s);
	c = (struct lone_segment){ .flags = TCP_ACK, .seq = 1001, .ack = 5001, .mac = 0x55 };
	lone_feed(&c);
	/* the server is acknowledged now, as by the client, which has moved */
	CU_ASSERT_EQUAL(lone.out[lone.n_out - 1].side, 1);
	CU_ASSERT_EQUAL(memcmp(macs_of_last(), "\2\0\0\0\0\2\2\0\0\0\0\x55", 12), 0);
	s = (struct lone_segment){ .flags = TCP_ACK,
				   .seq = 5001,
				   .ack = 1001,
				   .reverse = true,
				   .mac = 0x77,
				   .text = "b" };
	lone_feed(&s);
	CU_ASSERT_EQUAL(lone.out[lone.n_out - 2].side + lone.out[lone.n_out - 1].side, 1);
	for (unsigned i = lone.n_out - 2; i < lone.n_out; i++)
		CU_ASSERT_EQUAL(memcmp(rte_pktmbuf_mtod(lone.out[i].m, char *),
				       lone.out[i].side ? "\2\0\0\0\0\2\2\0\0\0\0\x55"
							: "\2\0\0\0\0\1\2\0\0\0\0\x77",
				       12),
				0);
	lone_end();
}

/* --- ports --- */

/* Which of `n` stacks a flow's frames come to. */
static unsigned
owner_of(const struct flow *f, unsigned n)
{
	uint16_t vid[PKT_MAX_TAGS];
	unsigned n_vids = tcpterm_flow_vids(lone.stack, f, vid);
	const struct ip_addr from = flow_addr(f, 0), to = flow_addr(f, 1);

	return flow_hash(&from, &to, f->key.port[0], f->key.port[1], f->key.domain, vid, n_vids) %
	       n;
}

static void
open_some(uint16_t stack, uint16_t n_stacks)
{
	const struct tcpterm_conf conf = { .n_flows = 512, .stack = stack, .n_stacks = n_stacks };
	static bool used[65536];
	struct tcpterm_identity id = identity(50);

	memset(used, 0, sizeof used);
	lone_begin_with(&conf, 1023, TCPTERM_ACCEPT);
	id.local_port = 0;
	for (unsigned i = 0; i < 200; i++) {
		struct flow *f = open_to(&id, i);

		CU_ASSERT_EQUAL(owner_of(f, RTE_MAX(n_stacks, (uint16_t)1)), stack);
		CU_ASSERT_TRUE(f->key.port[0] >= 32768 && f->key.port[0] < 61000);
		CU_ASSERT_FALSE(used[f->key.port[0]]);
		used[f->key.port[0]] = true;
	}
	lone_end();
}

static void
free_port_brings_the_answers_to_its_own_stack(void)
{
	for (uint16_t n = 1; n <= 4; n *= 2)
		for (uint16_t i = 0; i < n; i++)
			open_some(i, n);
}

/* From each stack of the team; the answers arrive at others, and find it. */
static void
answers_reach_the_stack_that_opened_by_a_free_port(void)
{
	struct tcpterm_identity id = identity(50);
	struct lone_segment g = {
		.flags = TCP_SYN | TCP_ACK,
		.seq = 5000,
		.reverse = true,
		.src = { 198, 51, 100, 9 },
		.dst = { 203, 0, 113, 5 },
		.sport = 80,
	};

	lone_begin(TCPTERM_ACCEPT);
	id.l2.n_tags = 0;
	id.local_port = 0;
	for (unsigned i = 0; i < 40 * lone.team.n; i++) {
		struct tcpterm *opener = lone.team.stack[i % lone.team.n];
		unsigned n_out = lone.n_out;

		lone.stack = opener;
		open_to(&id, i);
		CU_ASSERT_PTR_EQUAL(lone.stack, opener);
		CU_ASSERT_EQUAL_FATAL(lone.n_out, n_out + 1);
		g.dport = lone.out[n_out].sport;
		g.ack = lone.out[n_out].seq + 1;
		lone_feed(&g);
		CU_ASSERT_PTR_EQUAL(lone.stack, opener);
		CU_ASSERT_EQUAL(lone.n_established, i + 1);
	}
	CU_ASSERT_EQUAL(lone.team.crossed, lone.team.n > 1 ? 40 * lone.team.n : 0);
	lone_end();
}

static void
given_port_whose_answers_go_elsewhere_is_refused(void)
{
	const struct tcpterm_conf conf = { .n_flows = 512, .stack = 1, .n_stacks = 4 };
	struct tcpterm_identity id = identity(50);
	unsigned n_ours = 0, n_others = 0;

	lone_begin_with(&conf, 1023, TCPTERM_ACCEPT);
	for (id.local_port = 1000; id.local_port < 1200; id.local_port++) {
		struct flow *f = NULL;
		int rc = tcpterm_connect(lone.stack, &id, 0, lone.now, &f);

		n_others += rc == -EXDEV;
		n_ours += rc == 0 && owner_of(f, 4) == 1;
	}
	CU_ASSERT_EQUAL(n_ours + n_others, 200);
	CU_ASSERT_TRUE(n_ours > 20 && n_others > 100);
	CU_ASSERT_EQUAL(lone.n_out, n_ours);
	lone_end();
}

TEAM_MAIN(identity, TAP_CHECK(S7, syn_matches_its_identity_byte_for_byte),
	  TAP_CHECK(S7, one_tuple_on_a_hundred_tag_stacks_is_a_hundred_connections),
	  TAP_CHECK(S7, one_tuple_is_accepted_on_a_hundred_tag_stacks),
	  TAP_CHECK(S7, accepted_connection_follows_its_peers_mac),
	  TAP_CHECK(S7, opened_connection_keeps_its_identity_until_its_peer_moves),
	  TAP_CHECK(S7, relay_follows_each_ends_mac),
	  TAP_CHECK(S7, answers_reach_the_stack_that_opened_by_a_free_port),
	  TAP_TEST(free_port_brings_the_answers_to_its_own_stack),
	  TAP_TEST(given_port_whose_answers_go_elsewhere_is_refused))
