/* port_fault.c - seeded loss and its log. */
#include "datapath/port_fault.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "datapath/clock.h"

/* Vigna's splitmix64: one word of state, every seed is good. */
static uint64_t
next_random(struct port_fault_state *s)
{
	uint64_t z = s->x += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

void
port_fault_seed(struct port_fault_state *s, uint64_t seed, uint16_t queue)
{
	s->x = seed;
	s->x = next_random(s) + queue;
}

bool
port_fault_strikes(struct port_fault_state *s, uint32_t loss_ppm)
{
	return loss_ppm != 0 && next_random(s) % 1000000 < loss_ppm;
}

struct port_fault_log *
port_fault_log_open(const char *path, struct err *err)
{
	FILE *f = fopen(path, "w");

	if (!f)
		err_set(err, -errno, "%s: %s", path, strerror(errno));
	return (struct port_fault_log *)f;
}

static void
log_segment(FILE *f, const struct pkt *p, int64_t us)
{
	char src[IP_ADDR_STRLEN], dst[IP_ADDR_STRLEN];

	fprintf(f,
		"us=%" PRId64 " domain=%u side=%u src=%s sport=%u dst=%s dport=%u"
		" seq=%" PRIu32 " len=%" PRIu32 " flags=0x%x\n",
		us, p->domain, p->side, ip_addr_format(&p->src, src), p->sport,
		ip_addr_format(&p->dst, dst), p->dport, p->seq, p->payload_len, p->flags);
}

void
port_fault_log_frame(struct port_fault_log *l, struct rte_mbuf *m, const struct parse_conf *conf)
{
	FILE *f = (FILE *)l;
	int64_t us = clock_now().v;
	struct pkt p;

	if (pkt_parse(&p, m, conf) == PKT_TCP)
		log_segment(f, &p, us);
	else
		fprintf(f, "us=%" PRId64 " bytes=%" PRIu32 "\n", us, m->pkt_len);
}

void
port_fault_log_flush(struct port_fault_log *l)
{
	fflush((FILE *)l);
}

void
port_fault_log_close(struct port_fault_log *l)
{
	if (l)
		fclose((FILE *)l);
}
