/*
 * info.c - TCP_INFO: what Linux's struct tcp_info says of a connection, as far as the library knows
 * it.
 */
#include <linux/tcp.h>
#include <string.h>

#include "tcpterm/endpoint.h"
#include "tests/pkt/adapter/adapter.h"

/* Linux's numbers of the states, which its headers for programs name too. */
enum { LINUX_CLOSE = 7, LINUX_LISTEN = 10 };

static const uint8_t states[] = {
	[TCPTERM_CLOSED] = LINUX_CLOSE, [TCPTERM_LISTEN] = LINUX_LISTEN, [TCPTERM_SYN_SENT] = 2,
	[TCPTERM_SYN_RECEIVED] = 3,	[TCPTERM_ESTABLISHED] = 1,	 [TCPTERM_FIN_WAIT_1] = 4,
	[TCPTERM_FIN_WAIT_2] = 5,	[TCPTERM_CLOSE_WAIT] = 8,	 [TCPTERM_CLOSING] = 11,
	[TCPTERM_LAST_ACK] = 9,		[TCPTERM_TIME_WAIT] = 6,
};

enum { CA_OPEN, CA_DISORDER, CA_CWR, CA_RECOVERY, CA_LOSS };

static uint8_t
congestion_state(const struct conn *c)
{
	switch (c->rec.state) {
	case RECOVER_CWR:
		return CA_CWR;
	case RECOVER_FAST:
		return CA_RECOVERY;
	case RECOVER_LOSS:
		return CA_LOSS;
	case RECOVER_OPEN:
		break;
	}
	return c->sent.n_sacked > 0 || c->sent.reno_sacked > 0 ? CA_DISORDER : CA_OPEN;
}

static uint32_t
segments(const struct conn *c, uint64_t bytes)
{
	return (uint32_t)((bytes + c->mss - 1) / c->mss);
}

static uint32_t
since_ms(usec_t t)
{
	return (uint32_t)(usec_diff(adapter.now, t) / 1000);
}

static void
sending(const struct conn *c, struct tcp_info *i)
{
	i->tcpi_unacked = segments(c, (uint64_t)(c->nxt - RTE_MAX(c->una, 0)));
	i->tcpi_sacked = c->sack_on ? c->sent.n_sacked : segments(c, c->sent.reno_sacked);
	i->tcpi_lost = segments(c, c->sent.lost);
	i->tcpi_retrans = segments(c, c->sent.rexmit);
	i->tcpi_total_retrans = (uint32_t)c->n_rexmit;
	i->tcpi_retransmits = c->rtt.backoff;
	i->tcpi_backoff = c->rtt.backoff;
	i->tcpi_probes = RTE_MAX(c->n_probes, c->n_keepalives);
	i->tcpi_snd_cwnd = c->cc.cwnd / c->mss;
	i->tcpi_snd_ssthresh = c->cc.ssthresh == UINT32_MAX ? 0x7fffffff : c->cc.ssthresh / c->mss;
	i->tcpi_bytes_acked = (uint64_t)RTE_MAX(c->una, 0);
	i->tcpi_notsent_bytes = (uint32_t)RTE_MAX(c->tx->end - c->nxt, 0);
	i->tcpi_snd_wnd = (uint32_t)RTE_MAX(c->wnd_edge - c->una, 0);
}

void
info_of(const struct sock *s, struct tcp_info *i)
{
	const struct conn *c = s->f ? &endpoint_of(s->f)->c : NULL;

	memset(i, 0, sizeof *i);
	i->tcpi_state = s->kind == SOCK_LISTENS ? LINUX_LISTEN : LINUX_CLOSE;
	i->tcpi_snd_mss = 536;
	if (!c)
		return;
	i->tcpi_state = states[c->state];
	i->tcpi_ca_state = congestion_state(c);
	i->tcpi_options =
		(uint8_t)((c->ts_on ? TCPI_OPT_TIMESTAMPS : 0) | (c->sack_on ? TCPI_OPT_SACK : 0) |
			  (c->wscale_on ? TCPI_OPT_WSCALE : 0) | (c->ecn.on ? TCPI_OPT_ECN : 0));
	i->tcpi_snd_wscale = c->snd_shift & 15;
	i->tcpi_rcv_wscale = c->rcv_shift & 15;
	i->tcpi_rto = (uint32_t)rtt_rto(&c->rtt);
	i->tcpi_ato = 40000;
	i->tcpi_snd_mss = c->mss;
	i->tcpi_rcv_mss = c->rcv.seg_max;
	i->tcpi_pmtu = 1500;
	i->tcpi_advmss = c->mss_offered;
	i->tcpi_rtt = c->rtt.srtt;
	i->tcpi_rttvar = c->rtt.rttvar;
	i->tcpi_min_rtt = c->rtt.min ? c->rtt.min : UINT32_MAX;
	i->tcpi_reordering = 3;
	i->tcpi_rcv_space = c->rcv.limit;
	i->tcpi_bytes_received = (uint64_t)RTE_MAX(c->rcv.nxt, 0);
	i->tcpi_last_ack_recv = since_ms(c->heard_at);
	i->tcpi_rcv_ooopack = (uint32_t)c->n_ooo;
	sending(c, i);
}
