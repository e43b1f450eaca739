/*
 * stack.c - segments into a live stack: a relay, a connection of the library's, a
 * tracked and a passive flow, each established by a valid handshake.
 *
 * [0], [1] choose the stack's settings.  Then commands of 8 bytes: which flow and side, the
 * segment's flags, numbers and window by small steps from valid ones, its length, an option
 * or a mutated byte, and how much time passes.  Whatever comes: no crash, every
 * mbuf is returned, and what leaves parses with its checksum right.
 */
#include "tests/fuzz/lib/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { N_FLOWS = 4, COMMAND = 8, MAX_COMMANDS = 256, PORT = 40000 };

struct peer {
	uint32_t nxt, ack;	/* what this end sends next; what it was sent */
};

static struct peer peers[N_FLOWS][2];
static bool use_ts;

/* What an end is sent moves its idea of the other. */
static void
heard(unsigned side, const struct pkt *p, uint32_t end)
{
	unsigned i = (side ? p->sport : p->dport) - (unsigned)PORT;

	if (i < N_FLOWS && (int32_t)(end - peers[i][side].ack) > 0)
		peers[i][side].ack = end;
}

static struct tcpterm_verdict
filter(void *ctx, const struct tcpterm_syn *syn)
{
	static const enum tcpterm_decision decisions[N_FLOWS] = { TCPTERM_RELAY, TCPTERM_ACCEPT,
								  TCPTERM_TRACK, TCPTERM_PASSIVE };

	(void)ctx;
	return (struct tcpterm_verdict){ .decision = decisions[syn->pkt->sport % N_FLOWS] };
}

/* What is met in its middle was proxied before, or is refused. */
static struct tcpterm_verdict
unknown(void *ctx, const struct pkt *p)
{
	(void)ctx;
	return (struct tcpterm_verdict){
		.decision = p->sport % 2 ? TCPTERM_RESET : TCPTERM_TRACK,
		.interrupted = true,
		.was_terminated = true,
		.repeats_until = usec_add(fuzz.now, p->window),
		.ends = p->seq & 3,
	};
}

static void
input(const struct fuzz_seg *g)
{
	fuzz_send(g, g->side);
}

static void
icmp(unsigned flow, unsigned side, uint32_t seq, uint16_t mtu)
{
	static const uint8_t a[2][4] = { { 192, 0, 2, 7 }, { 198, 51, 100, 9 } };
	struct pkt p = {
		.m = rte_pktmbuf_alloc(fuzz.pools.frames),
		.kind = PKT_ICMP_ERROR,
		.side = (uint8_t)side,
		.src = ip_addr_v4(a[!side]),
		.dst = ip_addr_v4(a[side]),
		.sport = side ? (uint16_t)(PORT + flow) : 80,
		.dport = side ? 80 : (uint16_t)(PORT + flow),
		.seq = seq,
		.icmp_type = 3,
		.icmp_code = 4,
		.icmp_mtu = mtu,
	};

	p.hash = flow_hash(&p.src, &p.dst, p.sport, p.dport, 0, NULL, 0);
	tcpterm_input(fuzz.stack, &p, 1, fuzz.now);
}

/* Valid from both ends, as the flow's mode needs it. */
static void
handshake(unsigned flow, uint8_t choice)
{
	struct fuzz_seg g = {
		.port = (uint16_t)(PORT + flow), .flags = TCP_SYN, .window = 20000, .pieces = 1
	};
	struct peer *client = &peers[flow][0], *server = &peers[flow][1];

	*client = (struct peer){ .nxt = 1000 };
	*server = (struct peer){ .nxt = 0xfffffff0 };
	fuzz_set_options(&g, &(struct tcpterm_options){ .has_mss = true,
							.mss = 1460,
							.has_ts = use_ts,
							.sack_permitted = choice & 2,
							.has_wscale = choice & 4,
							.wscale = choice >> 4 });
	g.seq = client->nxt++;
	input(&g);
	tcpterm_run(fuzz.stack, fuzz.now);
	if (flow != 1) {
		g.side = 1;
		g.flags = TCP_SYN | TCP_ACK;
		g.seq = server->nxt++;
		g.ack = client->nxt;
		input(&g);
		client->ack = server->nxt;
		server->ack = client->nxt;
	}
	g = (struct fuzz_seg){ .port = (uint16_t)(PORT + flow),
			       .flags = TCP_ACK,
			       .window = 20000,
			       .pieces = 1,
			       .seq = client->nxt,
			       .ack = client->ack };
	fuzz_set_options(&g, &(struct tcpterm_options){ .has_ts = use_ts });
	input(&g);
	tcpterm_run(fuzz.stack, fuzz.now);
}

/* --- commands --- */

static int32_t
step(uint8_t b)
{
	static const int32_t steps[16] = {
		0,    0,    0,	   0,	  1,	  -1,	   100, -100,
		1460, 2920, -1460, 60000, -60000, 1 << 30, 536, INT32_MIN
	};

	return steps[b & 15];
}

static struct fuzz_seg
segment_of(const uint8_t *b, const struct peer *p)
{
	static const uint16_t flags[8] = { TCP_ACK,	      TCP_ACK, TCP_ACK, TCP_ACK | TCP_PSH,
					   TCP_ACK | TCP_FIN, TCP_RST, TCP_SYN, 0x3f };
	static const uint16_t lengths[8] = { 0, 1, 100, 536, 1460, 1460, 14600, 40000 };
	struct fuzz_seg g = {
		.port = (uint16_t)(PORT + (b[0] & 3)),
		.side = b[0] >> 2 & 1,
		.flags = flags[b[1] & 7],
		.len = lengths[b[1] >> 3 & 7],
		.pieces = 1 + (b[0] >> 5) * 3,
		.seq = p->nxt + (uint32_t)step(b[2]),
		.ack = p->ack + (uint32_t)step(b[2] >> 4),
		.window = b[3] & 0x80 ? (uint16_t)(b[3] & 15) : (uint16_t)(b[3] << 8),
		.mutate_at = b[5],
		.mutate = b[4] & 0x80 ? b[6] : 0,
	};
	struct tcpterm_options o = { .has_ts = use_ts && b[4] & 1 };

	o.tsval = (uint32_t)(fuzz.now.v / 1000) + (uint32_t)step(b[4] >> 3);
	if (b[4] & 2) {
		o.n_sack = 1 + (b[5] & 1);
		for (unsigned i = 0; i < o.n_sack; i++) {
			o.sack[i].left = g.ack + 1460u * (b[5] >> 1 & 15) + 4000 * i;
			o.sack[i].right = o.sack[i].left + 1460u * (b[6] & 7);
		}
	}
	fuzz_set_options(&g, &o);
	return g;
}

static void
pass_time(uint8_t b)
{
	static const int64_t us[8] = {
		0, 1000, 50000, 300000, 1000000, 5000000, 70000000, 400000000
	};

	fuzz.now = usec_add(fuzz.now, us[b & 7]);
	if (!(b & 0x80))	/* else the burst goes on */
		tcpterm_run(fuzz.stack, fuzz.now);
}

/* From outside, with the first flow there is. */
static void
interfere(uint8_t how, uint8_t what)
{
	static const enum tcpterm_decision down[4] = { TCPTERM_TRACK, TCPTERM_PASS, TCPTERM_DROP,
						       TCPTERM_RELAY };
	struct flow *f;
	uint64_t cursor = 0;

	if (tcpterm_walk(fuzz.stack, &cursor, &f, 1) != 1)
		return;
	switch (what & 3) {
	case 0:
	case 1:
		tcpterm_kill(fuzz.stack, f, TCPTERM_END_ABORTED);
		break;
	case 2:
		(void)tcpterm_reset_ends(fuzz.stack, f, how & 3, TCPTERM_END_EVICTED);
		break;
	case 3:
		(void)tcpterm_demote(fuzz.stack, f, down[how & 3]);
		break;
	}
}

static void
command(const uint8_t *b)
{
	struct peer *p = &peers[b[0] & 3][b[0] >> 2 & 1];
	struct fuzz_seg g = segment_of(b, p);

	if ((b[0] & 0x18) == 0x18) {
		icmp(b[0] & 3, g.side, g.ack - 1, (uint16_t)(b[3] * 8));
	} else {
		input(&g);
		if (g.seq == p->nxt && !(g.flags & (TCP_RST | TCP_SYN)))
			p->nxt += g.len + !!(g.flags & TCP_FIN);
	}
	if ((b[7] & 0x78) == 0x78)
		interfere(b[5], b[6]);
	pass_time(b[7]);
}

static void
stack_start(const uint8_t *choice)
{
	static const struct fuzz_target target = { filter, unknown, heard };
	struct tcpterm_conf conf = { .n_flows = choice[0] & 8 ? 2 : 16,
				     .n_held_max = choice[0] & 1 ? 16 : 0,
				     .rcv_wnd_max = choice[1] & 1 ? 60000 : 0,
				     .cc = choice[1] & 2 ? "reno" : "cubic" };

	use_ts = choice[1] & 4;
	fuzz_open(&target, &conf);
	for (unsigned i = 0; i < N_FLOWS; i++)
		handshake(i, choice[0]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	if (size < 2)
		return 0;
	stack_start(bytes);
	for (size_t i = 2, n = 0; i + COMMAND <= size && n < MAX_COMMANDS; i += COMMAND, n++)
		command(bytes + i);
	fuzz_close();
	return 0;
}
