/*
 * port_pcap.c - a capture file as the frames that arrive, and another for what is
 * sent.
 *
 * Without OUT the driver discards what is sent.  Received frames carry the time
 * of their capture.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_ethdev.h>

#include "datapath/captured.h"
#include "datapath/port_ethdev.h"

static int
pcap_check(const char *files, struct err *err)
{
	const char *comma = strchr(files, ',');

	if (files[0] == '\0' || files[0] == ',')
		return err_set(err, -EINVAL, "pcap:%s: no file to read", files);
	if (comma && (comma[1] == '\0' || strchr(comma + 1, ',')))
		return err_set(err, -EINVAL, "pcap:%s: not IN or IN,OUT", files);
	return 0;
}

static int
pcap_open(struct port *p, struct err *err)
{
	const char *comma = strchr(p->arg, ',');
	int in_len = comma ? (int)(comma - p->arg) : (int)strlen(p->arg);
	char in[PATH_MAX], args[2 * PATH_MAX + 64];
	struct ethdev_want want = { .driver = "net_pcap", .args = args };
	int rc;

	snprintf(in, sizeof in, "%.*s", in_len, p->arg);
	if (access(in, R_OK) != 0)
		return err_set(err, -errno, "port %s: %s: %s", p->name, in, strerror(errno));
	snprintf(args, sizeof args, "rx_pcap=%s%s%s", in, comma ? ",tx_pcap=" : "",
		 comma ? comma + 1 : "");
	rc = ethdev_open(p, &want, err);
	if (rc == 0)
		rc = captured_init();
	atomic_store(&p->capture_ended, false);
	return rc;
}

/* The driver gives nothing at the end of its file, or when the pool is empty. */
static uint16_t
pcap_rx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	struct rte_eth_stats before, after;
	uint16_t got;

	if (atomic_load_explicit(&p->capture_ended, memory_order_relaxed))
		return 0;
	rte_eth_stats_get(p->eth, &before);
	got = ethdev_rx(p, queue, m, n);
	if (got > 0)
		return got;
	rte_eth_stats_get(p->eth, &after);
	if (after.rx_nombuf == before.rx_nombuf)
		atomic_store(&p->capture_ended, true);
	return 0;
}

static bool
pcap_at_end(struct port *p)
{
	return atomic_load(&p->capture_ended);
}

bool
port_rx_timestamp(const struct rte_mbuf *m, usec_t *t)
{
	return captured_at(m, t);
}

const struct port_kind port_kind_pcap = {
	.prefix = "pcap:",
	.check = pcap_check,
	.open = pcap_open,
	.close = ethdev_close,
	.link_is_up = ethdev_link_is_up,
	.rx = pcap_rx,
	.tx = ethdev_tx,
	.rx_fd = ethdev_rx_fd,
	.at_end = pcap_at_end,
};
