/*
 * extract.c - libtcpterm alone: the two byte streams of every connection in a capture.
 *
 *	extract [--no-huge] CAPTURE.pcap FOLDER
 *
 * Connection N gives FOLDER/N-client and FOLDER/N-server: what each end sent, byte k of the stream
 * at place k of the file.  Bytes that the capture lacks are a hole in the file and a line of
 * output; of a connection with such a hole FOLDER/N.pcapng is kept too, so that somebody can look.
 *
 * Nothing is transmitted: the stack is given no way to.  Time is the capture's, so that what is
 * missing is decided as if the frames came now.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tcpterm/capture.h>
#include <tcpterm/stack.h>

#include "datapath/eal.h"
#include "datapath/pool.h"
#include "datapath/port.h"

static struct {
	struct tcpterm *stack;
	struct port *port;
	const char *folder;
	usec_t now;
	unsigned n_flows;
} host;

/* What we know of a connection: flow.caller. */
struct note {
	unsigned number;
	unsigned n_gaps;
	FILE *file[2];
};

static const char *const end_name[2] = { "client", "server" };

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "extract: %s: %s\n", what, why);
	exit(1);
}

static FILE *
create(const struct note *n, const char *what)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof path, "%s/%u%s", host.folder, n->number, what);
	file = fopen(path, "wb");
	if (!file)
		die(path, strerror(errno));
	return file;
}

/* --- the streams --- */

/* Bytes of one direction, in order, each once.  They are the frames' own: `m` is a chain of packet
 * buffers that lives as long as this call. */
static void
data(void *ctx, struct flow *f, unsigned dir, uint64_t offset, const struct rte_mbuf *m,
     uint32_t m_off, uint32_t len)
{
	struct note *n = f->caller;

	(void)ctx;
	if (fseeko(n->file[dir], (off_t)offset, SEEK_SET) != 0)
		die(end_name[dir], strerror(errno));
	for (; m && len > 0; m = m->next) {
		uint32_t k = RTE_MIN(len, m_off < m->data_len ? m->data_len - m_off : 0u);

		if (fwrite(rte_pktmbuf_mtod_offset(m, const char *, m_off), 1, k, n->file[dir]) !=
		    k)
			die(end_name[dir], strerror(errno));
		m_off -= RTE_MIN(m_off, (uint32_t)m->data_len);
		len -= k;
	}
}

/* Bytes that will not come.  The stack waits for a proof (the other end acknowledged them), then a
 * while for reordering, before it says so. */
static void
gap(void *ctx, struct flow *f, unsigned dir, uint64_t offset, uint64_t len,
    enum tcpterm_gap_reason reason)
{
	struct note *n = f->caller;

	(void)ctx;
	n->n_gaps++;
	printf("%u-%s: %" PRIu64 " bytes at %" PRIu64 " are missing: %s\n", n->number,
	       end_name[dir], len, offset, tcpterm_gap_name(reason));
}

/* The same bytes came twice and differ: one of the two never reached the other end. */
static void
conflict(void *ctx, struct flow *f, unsigned dir, uint64_t offset, uint32_t len, const uint8_t *was,
	 const uint8_t *came, uint32_t shown)
{
	struct note *n = f->caller;

	(void)ctx, (void)was, (void)came, (void)shown;
	printf("%u-%s: %u bytes at %" PRIu64 " came with two contents\n", n->number, end_name[dir],
	       len, offset);
}

static const struct tcpterm_passive_ops passive = { .data = data,
						    .gap = gap,
						    .conflict = conflict };

/* --- connections --- */

/* A flow in the table: its notes, and a capture of its frames that nobody may ever want. */
static void
begins(void *ctx, struct flow *f)
{
	struct note *n = calloc(1, sizeof *n);

	(void)ctx;
	if (!n)
		die("memory", strerror(ENOMEM));
	n->number = ++host.n_flows;
	n->file[0] = create(n, "-client");
	n->file[1] = create(n, "-server");
	f->caller = n;
	tcpterm_capture(host.stack, f, 0, 1 << 20);
}

static int
write_to(void *ctx, const void *bytes, size_t len)
{
	return fwrite(bytes, 1, len, ctx) == len ? 0 : -EIO;
}

/* Only now it is known whether the capture is wanted. */
static void
decide_capture(struct flow *f, const struct note *n)
{
	struct tcpterm_capture *c = tcpterm_capture_of(host.stack, f);
	FILE *file;

	if (!c)
		return;
	if (n->n_gaps == 0) {
		tcpterm_capture_drop(host.stack, c);
		return;
	}
	file = create(n, ".pcapng");
	if (tcpterm_capture_keep(host.stack, c, write_to, file) != 0 || fclose(file) != 0)
		die("the capture", "can't be written");
}

static void
ends(void *ctx, struct flow *f)
{
	const struct ip_addr from = flow_addr(f, 0), to = flow_addr(f, 1);
	char client[IP_ADDR_STRLEN], server[IP_ADDR_STRLEN];
	struct tcpterm_leg_info leg[2];
	struct note *n = f->caller;

	(void)ctx;
	tcpterm_flow_info(f, leg);
	printf("%u: %s.%u > %s.%u %s to %s: %" PRIu64 " and %" PRIu64 " bytes, %u gaps\n",
	       n->number, ip_addr_format(&from, client), f->key.port[0],
	       ip_addr_format(&to, server), f->key.port[1], tcpterm_start_name(f->start),
	       tcpterm_end_name(f->end), leg[0].stream_bytes, leg[1].stream_bytes, n->n_gaps);
	decide_capture(f, n);
	if (fclose(n->file[0]) != 0 || fclose(n->file[1]) != 0)
		die("a stream", strerror(errno));
	free(n);
}

/* A connection is read from its SYN, or from wherever the capture begins.  `copy`: these frames are
 * on nobody's way, and need not be sent on. */
static const struct tcpterm_verdict read_it = { .decision = TCPTERM_PASSIVE, .copy = true };

static struct tcpterm_verdict
at_syn(void *ctx, const struct tcpterm_syn *syn)
{
	(void)ctx, (void)syn;
	return read_it;
}

static struct tcpterm_verdict
mid_stream(void *ctx, const struct pkt *p)
{
	(void)ctx, (void)p;
	return read_it;
}

/* What is not TCP. */
static void
not_ours(void *ctx, const struct pkt *p)
{
	(void)ctx;
	rte_pktmbuf_free(p->m);
}

static const struct tcpterm_ops ops = {
	.forward = not_ours,
	.unknown = mid_stream,
	.flow_new = begins,
	.flow_end = ends,
	.passive = &passive,
};

/* --- frames and time --- */

/* Runs what is due until `t`, each thing at its own time: a gap is declared when it would have
 * been. */
static void
advance(usec_t t)
{
	for (usec_t next; next = tcpterm_next(host.stack), !usec_before(t, next);)
		tcpterm_run(host.stack, next);
	host.now = usec_before(host.now, t) ? t : host.now;
}

static void
read_all(void)
{
	const struct parse_conf parse = { .side = 0 };
	struct rte_mbuf *m[PORT_BURST];
	struct drops drops = { 0 };
	usec_t at = host.now;
	unsigned n;

	while ((n = port_rx(host.port, 0, m, &drops)) > 0)
		for (unsigned i = 0; i < n; i++) {
			struct pkt p;

			port_rx_timestamp(m[i], &at);
			advance(usec_before(at, host.now) ? host.now : at);
			pkt_parse(&p, m[i], &parse);
			tcpterm_input(host.stack, &p, 1, host.now);
			tcpterm_run(host.stack, host.now);
		}
	/* What comes no more is missing after the deadline; what is open then ends as idle. */
	while ((at = tcpterm_next(host.stack)).v != USEC_NEVER.v)
		advance(at);
}

static void
start(const char *capture, bool no_huge)
{
	const struct tcpterm_listener_conf any = {
		.select = { .any_domain = true,
			    .src_port = { 0, 65535 },
			    .dst_port = { 0, 65535 } },
		.filter = at_syn,
	};
	const struct tcpterm_captures_conf captures = { .n_bytes = 64 << 20 };
	struct pool_conf sizes = { .n_frames = 16383, .n_headers = 1023 };
	struct eal_conf eal = { .name = "extract", .no_huge = no_huge };
	struct port_conf port = { .name = "capture", .n_queues = 1, .rx_only = true };
	struct tcpterm_conf conf = { .ops = &ops };
	tcpterm_listener_id id;
	struct pools pools;
	char spec[4096];
	struct err err;

	snprintf(spec, sizeof spec, "pcap:%s", capture);
	eal.mem_mb = pools_mem_mb(&sizes);
	if (eal_start(&eal, &err) != 0 || pools_new(&pools, &sizes, &err) != 0)
		die("DPDK", err.msg);
	port.spec = spec;
	conf.payload_pool = port.pool = pools.frames;
	conf.header_pool = pools.headers;
	host.port = port_new(&port, &err);
	if (!host.port || port_open(host.port, &err) != 0)
		die("the capture", err.msg);
	host.stack = tcpterm_new(&conf, host.now, &err);
	if (!host.stack)
		die("the stack", err.msg);
	/* Frames' times count from 1970 already. */
	if (tcpterm_captures(host.stack, &captures) != 0 ||
	    tcpterm_listen(host.stack, &any, &id) != 0)
		die("the stack", strerror(ENOMEM));
}

int
main(int argc, char **argv)
{
	bool no_huge = argc == 4 && strcmp(argv[1], "--no-huge") == 0;

	if (argc != 3 + no_huge) {
		fprintf(stderr, "usage: extract [--no-huge] CAPTURE.pcap FOLDER\n");
		return 2;
	}
	host.folder = argv[argc - 1];
	start(argv[argc - 2], no_huge);
	read_all();
	tcpterm_free(host.stack);
	port_free(host.port);
	eal_stop();
	return 0;
}
