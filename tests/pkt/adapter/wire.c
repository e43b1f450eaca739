/*
 * wire.c - the host's raw packets to and from the stack's frames.
 */
#include <errno.h>
#include <string.h>

#include "tests/pkt/adapter/adapter.h"

enum { ETHER = 14, N_OUT = 1024, FRAME_MAX = 65535 + ETHER, TCP_FLAGS = 13, TCP_CKSUM = 16 };
#define RECEIVE_MAX_US (10800LL * 1000 * 1000)	/* longer than any timer of a script's */

static struct {
	struct rte_mbuf *m;
	int64_t at;
} out[N_OUT];
static unsigned n_out, n_taken;

void
wire_tx(void *ctx, uint16_t domain, uint8_t side, struct rte_mbuf *m)
{
	(void)ctx, (void)domain, (void)side;
	if (n_out - n_taken == N_OUT) {
		rte_pktmbuf_free(m);
		return;
	}
	out[n_out % N_OUT].m = m;
	out[n_out++ % N_OUT].at = adapter.now.v;
}

bool
wire_has_output(void)
{
	return n_out > n_taken;
}

/* The frame as a chain of mbufs. */
static struct rte_mbuf *
frame_of(const void *ip, size_t n)
{
	static const uint8_t ether[ETHER] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0 };
	struct rte_mbuf *head = rte_pktmbuf_alloc(adapter.pool), *m = head, *more;
	const uint8_t *b = ip;
	size_t part;

	if (!head)
		return NULL;
	memcpy(rte_pktmbuf_append(head, ETHER), ether, ETHER);
	for (; n > 0; b += part, n -= part) {
		part = RTE_MIN(n, (size_t)rte_pktmbuf_tailroom(m));
		memcpy(rte_pktmbuf_mtod_offset(m, uint8_t *, m->data_len), b, part);
		m->data_len = (uint16_t)(m->data_len + part);
		head->pkt_len += (uint32_t)part;
		if (n == part)
			break;
		more = rte_pktmbuf_alloc(adapter.pool);
		if (!more) {
			rte_pktmbuf_free(head);
			return NULL;
		}
		m->next = more;
		head->nb_segs++;
		m = more;
	}
	return head;
}

int
wire_packet_in(void *self, const void *b, size_t n)
{
	static const struct parse_conf conf;
	struct rte_mbuf *m;
	struct pkt p;

	(void)self;
	clock_lock();
	m = frame_of(b, n);
	if (m) {
		pkt_parse(&p, m, &conf);
		io_note_urgent(&p);
		tcpterm_input(adapter.stack, &p, 1, adapter.now);
		clock_pump();
	}
	clock_unlock();
	return m ? 0 : fail(ENOBUFS);
}

/* Linux and others differ in where they push. */
static void
clear_push(uint8_t *ip, size_t n)
{
	uint8_t *tcp = ip + (ip[0] & 15) * 4;
	uint32_t sum;

	if (n < 40 || ip[9] != 6 || !(tcp[TCP_FLAGS] & TCP_PSH))
		return;
	tcp[TCP_FLAGS] &= (uint8_t)~TCP_PSH;
	sum = (uint32_t)(tcp[TCP_CKSUM] << 8 | tcp[TCP_CKSUM + 1]) + TCP_PSH;	/* RFC 1624 */
	sum = (sum & 0xffff) + (sum >> 16);
	tcp[TCP_CKSUM] = (uint8_t)(sum >> 8);
	tcp[TCP_CKSUM + 1] = (uint8_t)sum;
}

int
wire_packet_out(void *self, void *b, size_t *n, long long *at)
{
	static uint8_t frame[FRAME_MAX];
	const uint8_t *f;
	struct rte_mbuf *m;

	(void)self;
	clock_lock();
	if (!wire_has_output() && clock_is_armed())
		clock_advance(adapter.now.v + RECEIVE_MAX_US, true);
	*at = adapter.now.v;
	if (!wire_has_output()) {
		*n = 0;
		clock_unlock();
		return 0;
	}
	m = out[n_taken % N_OUT].m;
	*at = out[n_taken++ % N_OUT].at;
	f = rte_pktmbuf_read(m, 0, m->pkt_len, frame);
	*n = RTE_MIN(*n, (size_t)m->pkt_len - ETHER);
	memcpy(b, f + ETHER, *n);
	if (adapter.mask_psh)
		clear_push(b, *n);
	rte_pktmbuf_free(m);
	clock_unlock();
	return 0;
}
