/*
 * counter FILE [TRUTH]: the streams of a capture as libnids follows them, counted; with TRUTH
 * compared with what was said.  Built by `make bench-passive` alone, where libnids is.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <nids.h>

#include "tests/passive/lib/said.h"

static struct truth_file truth;
static bool judging;
static uint64_t streams, endings, bytes, right, wrong, whole;

struct each {
	uint64_t right[2];
};

static uint32_t
number_of(const struct tcp_stream *s)
{
	return (ntohl(s->addr.saddr) & 0xffffff) - 1;
}

/* `h` is the half that receives; d: who sent it. */
static void
take(const struct tcp_stream *s, const struct half_stream *h, unsigned d)
{
	uint32_t n = (uint32_t)h->count_new, flow = number_of(s);
	struct each *e = s->user;
	uint32_t good;

	bytes += n;
	if (n == 0 || !judging || !e || flow >= truth.n_flows)
		return;
	good = said_right(flow, d, (uint64_t)(h->count - h->count_new), (const uint8_t *)h->data,
			  n);
	e->right[d] += good;
	right += good;
	wrong += n - good;
}

static void
finish(struct tcp_stream *s)
{
	uint32_t flow = number_of(s);
	struct each *e = s->user;
	unsigned d;

	for (d = 0; e && flow < truth.n_flows && d < 2; d++)
		whole += e->right[d] == truth.row[flow].len[d];
	free(e);
	s->user = NULL;
}

static void
on_tcp(struct tcp_stream *s, void **unused)
{
	(void)unused;
	switch (s->nids_state) {
	case NIDS_JUST_EST:
		s->client.collect = s->server.collect = 1;
		s->user = judging ? calloc(1, sizeof(struct each)) : NULL;
		streams++;
		break;
	case NIDS_DATA:
		take(s, &s->server, 0);
		take(s, &s->client, 1);
		break;
	case NIDS_CLOSE:
	case NIDS_RESET:
		endings++;
		finish(s);
		break;
	default:
		finish(s);
	}
}

static void
quiet(int type, int err, void *iph, void *data)
{
	(void)type;
	(void)err;
	(void)iph;
	(void)data;
}

int
main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: counter FILE [TRUTH]\n");
		return 2;
	}
	judging = argc > 2;
	if (judging && truth_read(&truth, argv[2]) != 0) {
		perror(argv[2]);
		return 1;
	}
	nids_params.filename = argv[1];
	nids_params.device = NULL;
	nids_params.scan_num_hosts = 0;
	nids_params.syslog = (void (*)())quiet;
	nids_params.n_tcp_streams = 1 << 18;
	if (!nids_init()) {
		fprintf(stderr, "counter: %s\n", nids_errbuf);
		return 1;
	}
	nids_register_tcp((void(*))on_tcp);
	nids_run();
	printf("{\"flows\": %" PRIu64 ", \"endings\": %" PRIu64 ", \"bytes\": %" PRIu64, streams,
	       endings, bytes);
	if (judging)
		printf(", \"shown\": %" PRIu64 ", \"right\": %" PRIu64 ", \"wrong\": %" PRIu64
		       ", \"streams\": %u, \"whole\": %" PRIu64,
		       truth.shown, right, wrong, 2 * truth.n_flows, whole);
	printf("}\n");
	return 0;
}
