#include "tests/bench/lib/syns.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_cycles.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "datapath/checksum.h"

enum {
	N_FLOWS = 4096,
	N_EMBRYOS = 1024,
	TURN_US = 20,
	LONG_TURN = 1000 * 1000,
	DPORT = 5000,		/* + mode */
	OPTIONS = 20,
};

static const char policy_text[] = "rule p: proxy proto tcp to any port 5001 { flood pass }\n"
				  "rule d: proxy proto tcp to any port 5002 { flood drop }\n"
				  "rule c: proxy proto tcp to any port 5003 { flood cookie }\n"
				  "default drop\n";

/* The frame as it is patched. */
struct syn {
	struct rte_ether_hdr eth;
	struct rte_ipv4_hdr ip;
	struct rte_tcp_hdr tcp;
	uint8_t options[OPTIONS];
} __attribute__((packed, aligned(2)));

/* --- frames --- */

static struct rte_mbuf *
syn_frame(struct syns *b, enum syns_mode mode)
{
	static const uint8_t options[OPTIONS] = { 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0,
						  1, 1, 0, 0,	 0, 0, 1, 3,  3, 7 };
	struct rte_mbuf *m = rte_pktmbuf_alloc(b->bed.pools.frames);
	uint32_t i = b->n++;
	struct syn *f;

	if (!m)
		return NULL;
	f = (struct syn *)rte_pktmbuf_append(m, sizeof *f);
	*f = (struct syn){
		.eth = { .dst_addr = { { 2, 0, 0, 0, 0, 2 } },
			 .src_addr = { { 2, 0, 0, 0, 0, 1 } },
			 .ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) },
		.ip = { .version_ihl = 0x45,
			.total_length = rte_cpu_to_be_16(40 + OPTIONS),
			.time_to_live = 64,
			.next_proto_id = IPPROTO_TCP,
			.src_addr = rte_cpu_to_be_32(10u << 24 | (i & 0xffffff)),
			.dst_addr = rte_cpu_to_be_32(172u << 24 | 16u << 16 | 1) },
		.tcp = { .src_port = rte_cpu_to_be_16((uint16_t)(1024 + (i >> 24) * 7)),
			 .dst_port = rte_cpu_to_be_16((uint16_t)(DPORT + mode)),
			 .sent_seq = rte_cpu_to_be_32(i * 2654435761u),
			 .data_off = (20 + OPTIONS) / 4 << 4,
			 .tcp_flags = TCP_SYN,
			 .rx_win = rte_cpu_to_be_16(64240) },
	};
	memcpy(f->options, options, OPTIONS);
	cksum_tcp_write(m, 14, 34);
	return m;
}

static unsigned
send_burst(struct syns *b, enum syns_mode mode)
{
	struct rte_mbuf *m[PORT_BURST];
	unsigned n = 0;

	while (n < PORT_BURST && (m[n] = syn_frame(b, mode)) != NULL)
		n++;
	port_tx(b->bed.client[BED_VERIFIES], 0, m, n, &b->drops);
	b->sent[mode] += n;
	return n;
}

static uint64_t
take(struct syns *b, struct port *port)
{
	struct rte_mbuf *m[PORT_BURST];
	uint64_t all = 0;
	unsigned n;

	while ((n = port_rx(port, 0, m, &b->drops)) > 0) {
		rte_pktmbuf_free_bulk(m, n);
		all += n;
	}
	return all;
}

/* --- what is measured --- */

static void
flush(struct syns *b)
{
	port_tx(b->bed.ports->port[0], 0, b->tx, b->n_tx, &b->drops);
	b->n_tx = 0;
}

/* As a worker does; all goes back to where the SYNs come from. */
static void
listener_tx(void *ctx, uint16_t domain, uint8_t side, struct rte_mbuf *m)
{
	struct syns *b = ctx;

	(void)domain;
	(void)side;
	b->tx[b->n_tx++] = m;
	if (b->n_tx == PORT_BURST)
		flush(b);
}

static void
listener_forward(void *ctx, const struct pkt *p)
{
	struct syns *b = ctx;

	drops_count(&b->drops, DROP_policy);
	rte_pktmbuf_free(p->m);
}

static unsigned
bare_turn(struct syns *b, enum syns_mode mode)
{
	static const struct parse_conf conf = { 0 };
	struct rte_mbuf *m[PORT_BURST];
	struct pkt p[PORT_BURST];
	unsigned i, n = port_rx(b->bed.ports->port[0], 0, m, &b->bed.worker->drops);

	if (mode == SYNS_FORWARD && n > 0) {
		port_tx(b->bed.ports->port[1], 0, m, n, &b->bed.worker->drops);
	} else if (n > 0) {
		for (i = 0; i < n; i++)
			pkt_parse(&p[i], m[i], &conf);
		tcpterm_input(b->listener[mode == SYNS_CLASSES_COOKIE], p, n, b->now);
		tcpterm_run(b->listener[mode == SYNS_CLASSES_COOKIE], b->now);
		flush(b);
	}
	return n;
}

/* One turn; its cycles, or 0 if it found nothing. */
static uint64_t
turn(struct syns *b, enum syns_mode mode)
{
	bool bare = mode == SYNS_FORWARD || mode >= SYNS_LISTENER_COOKIE;
	uint64_t from;
	unsigned n;

	b->now = usec_add(b->now, TURN_US);
	from = rte_rdtsc_precise();
	n = bare ? bare_turn(b, mode) : worker_turn(b->bed.worker, b->now);
	return n ? rte_rdtsc_precise() - from : 0;
}

double
syns_run(struct syns *b, enum syns_mode mode, uint64_t n)
{
	uint64_t cycles = 0, syns = 0, done = 0, took;
	unsigned fed;

	while (done < n) {
		fed = send_burst(b, mode);
		took = 0;
		for (unsigned i = 0; i < 4; i++)
			took += turn(b, mode);
		if (took < LONG_TURN) {
			cycles += took;
			syns += fed;
		}
		done += fed;
		b->back[mode] += take(b, b->bed.client[BED_VERIFIES]);
		b->on[mode] += take(b, b->bed.server[BED_VERIFIES]);
	}
	return syns ? (double)cycles / (double)syns : 0;
}

/* --- what stands around it --- */

/* More exact than the one that the SYNs are for, so looked for before it. */
static int
add_further(struct tcpterm *s)
{
	struct tcpterm_listener_conf l = {
		.select = { .any_domain = true, .dst_port = { 0, 65535 }, .src_port = { 0, 65535 } }
	};
	tcpterm_listener_id id;
	int rc = 0;

	l.select.src = ip_addr_v4(&(const uint8_t[4]){ 192, 0, 2, 0 });
	for (unsigned i = 0; i < SYNS_FURTHER && rc == 0; i++) {
		l.select.src_len = (uint8_t)(128 - i);
		rc = tcpterm_listen(s, &l, &id);
	}
	return rc;
}

static int
make_listener(struct syns *b, struct tcpterm **s, struct err *err)
{
	static const struct tcpterm_ops ops = { .tx = listener_tx, .forward = listener_forward };
	struct tcpterm_conf conf = {
		.ops = &ops,
		.ctx = b,
		.payload_pool = b->bed.pools.frames,
		.header_pool = b->bed.pools.headers,
		.n_flows = N_FLOWS,
		.n_embryos = N_EMBRYOS,
		.secret = { 3, 4 },
	};
	struct tcpterm_listener_conf l = {
		.select = { .any_domain = true, .dst_port = { 0, 65535 }, .src_port = { 0, 65535 } }
	};
	tcpterm_listener_id id;

	*s = tcpterm_new(&conf, b->now, err);
	return *s ? tcpterm_listen(*s, &l, &id) : -ENOMEM;
}

int
syns_make(struct syns *b, const struct pools *pools, struct err *err)
{
	const struct bed_conf conf = {
		.name = "syn",
		.pools = pools,
		.policy = policy_text,
		.n_frames = pools->frames->size / 2,
		.n_flows = N_FLOWS,
		.n_embryos = N_EMBRYOS,
	};
	int rc = bed_make(&b->bed, &conf, err);

	b->now = clock_now();
	for (unsigned i = 0; i < 2 && rc == 0; i++)
		rc = make_listener(b, &b->listener[i], err);
	if (rc == 0)
		rc = add_further(b->listener[1]);
	for (unsigned mode = 0; mode < SYNS_N_MODES && rc == 0; mode++)
		syns_run(b, mode, 2 * N_EMBRYOS);
	memset(b->sent, 0, sizeof b->sent);
	memset(b->back, 0, sizeof b->back);
	memset(b->on, 0, sizeof b->on);
	return rc;
}

void
syns_end(struct syns *b)
{
	for (unsigned i = 0; i < 2; i++)
		tcpterm_free(b->listener[i]);
	bed_end(&b->bed);
}

/* --- the result --- */

bool
syns_print(const struct syns *b, enum syns_mode mode, const struct row *row, double forward)
{
	const bool cookie = mode >= SYNS_RELAY_COOKIE;
	/* handshakes of before the pressure, whose SYN-ACK is sent again */
	const uint64_t again =
		mode < SYNS_LISTENER_COOKIE
			? 0
			: tcpterm_stats(b->listener[mode == SYNS_CLASSES_COOKIE])->retransmits;
	const uint64_t sent = b->sent[mode], back = b->back[mode] - again, on = b->on[mode];
	bool right = mode == SYNS_RELAY_DROP ? back == 0 && on < sent / 20
		     : cookie		     ? back == sent && on == 0
					     : back == 0 && on == sent;
	char more[160];
	int at = snprintf(more, sizeof more,
			  ",\"answered\":%" PRIu64 ",\"forwarded\":%" PRIu64 ",\"per_second\":%.0f",
			  back, on, row->cycles > 0 ? (double)rte_get_tsc_hz() / row->cycles : 0);

	if (forward > 0)
		snprintf(more + at, sizeof more - (size_t)at, ",\"over_forward\":%.0f",
			 row->cycles - forward);
	row_print(row, more);
	if (!right)
		fprintf(stderr,
			"relay: %s: of %" PRIu64 " SYNs %" PRIu64 " were answered, %" PRIu64
			" went on\n",
			row->mode, sent, back, on);
	return right && sent > 0;
}
