/* port_ethdev.c - the life of a DPDK device behind a port, and its bursts. */
#include "datapath/port_ethdev.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_ethdev.h>

#include "datapath/port_tx.h"

enum {
	TX_OFFLOADS_WANTED = RTE_ETH_TX_OFFLOAD_MULTI_SEGS | RTE_ETH_TX_OFFLOAD_TCP_CKSUM |
			     RTE_ETH_TX_OFFLOAD_TCP_TSO,
};

static int
device_failed(const struct port *p, const char *what, int rc, struct err *err)
{
	return err_set(err, rc, "port %s (%s): %s: %s", p->name, p->spec, what, strerror(-rc));
}

static int
probe(struct port *p, const struct ethdev_want *want, struct err *err)
{
	static atomic_uint serial;
	int rc;

	snprintf(p->device, sizeof p->device, "%s%u", want->driver, atomic_fetch_add(&serial, 1));
	rc = rte_eal_hotplug_add("vdev", p->device, want->args);
	if (rc != 0)
		return device_failed(p, "the device can't be made", rc, err);
	rc = rte_eth_dev_get_port_by_name(p->device, &p->eth);
	if (rc != 0)
		rte_eal_hotplug_remove("vdev", p->device);
	return rc == 0 ? 0 : device_failed(p, "the device has no port", rc, err);
}

static int
set_mtu(const struct port *p, uint16_t mtu, const struct rte_eth_dev_info *have, struct err *err)
{
	const uint32_t headers = RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;
	int rc = rte_eth_dev_set_mtu(p->eth, mtu);

	if (rc == 0 || rc == -ENOTSUP)
		return 0;
	return err_set(err, rc,
		       "port %s (%s): an MTU of %u is refused: %s; the device takes frames of %u "
		       "bytes: give the port mtu=%u or less",
		       p->name, p->spec, mtu, strerror(-rc), have->max_rx_pktlen,
		       have->max_rx_pktlen - headers);
}

static int
configure(struct port *p, const struct ethdev_want *want, struct err *err)
{
	struct rte_eth_dev_info have;
	struct rte_eth_conf conf = { 0 };
	int rc = rte_eth_dev_info_get(p->eth, &have);

	if (rc != 0)
		return device_failed(p, "nothing is known of it", rc, err);
	p->n_queues = RTE_MIN(p->conf.n_queues, RTE_MIN(have.max_rx_queues, have.max_tx_queues));
	p->tx_offloads = have.tx_offload_capa & TX_OFFLOADS_WANTED;
	conf.txmode.offloads = p->tx_offloads;
	conf.rxmode.offloads = have.rx_offload_capa & want->rx_offloads;
	conf.intr_conf.rxq = want->rx_intr;
	rc = rte_eth_dev_configure(p->eth, p->n_queues, p->n_queues, &conf);
	if (rc != 0)
		return device_failed(p, "its configuration is refused", rc, err);
	rc = set_mtu(p, want->mtu ? want->mtu : p->conf.mtu, &have, err);
	if (rc != 0)
		return rc;
	p->has_rx_intr = want->rx_intr;
	return 0;
}

static int
set_up_queues(struct port *p, struct err *err)
{
	uint16_t q, n_rx = p->conf.n_desc, n_tx = p->conf.n_desc;
	int rc = rte_eth_dev_adjust_nb_rx_tx_desc(p->eth, &n_rx, &n_tx);

	for (q = 0; q < p->n_queues && rc == 0; q++) {
		rc = rte_eth_rx_queue_setup(p->eth, q, n_rx, SOCKET_ID_ANY, NULL, p->conf.pool);
		if (rc == 0)
			rc = rte_eth_tx_queue_setup(p->eth, q, n_tx, SOCKET_ID_ANY, NULL);
	}
	return rc == 0 ? 0 : device_failed(p, "its queues can't be set up", rc, err);
}

static int
start(struct port *p, struct err *err)
{
	int rc = rte_eth_dev_start(p->eth);

	if (rc != 0)
		return device_failed(p, "it does not start", rc, err);
	/* a device that has no such mode receives everything as it is */
	rc = rte_eth_promiscuous_enable(p->eth);
	if (rc != 0 && rc != -ENOTSUP)
		return device_failed(p, "promiscuous mode is refused", rc, err);
	return 0;
}

int
ethdev_open(struct port *p, const struct ethdev_want *want, struct err *err)
{
	int rc = probe(p, want, err);

	if (rc != 0)
		return rc;
	rc = configure(p, want, err);
	if (rc == 0)
		rc = set_up_queues(p, err);
	if (rc == 0)
		rc = start(p, err);
	if (rc != 0)
		ethdev_close(p);
	return rc;
}

void
ethdev_close(struct port *p)
{
	rte_eth_dev_stop(p->eth);
	rte_eth_dev_close(p->eth);
	rte_eal_hotplug_remove("vdev", p->device);
	p->n_queues = 0;
}

bool
ethdev_link_is_up(struct port *p)
{
	struct rte_eth_link link = { 0 };

	return rte_eth_link_get_nowait(p->eth, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

uint16_t
ethdev_rx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	return rte_eth_rx_burst(p->eth, queue, m, n);
}

/*
 * rte_eth_tx_prepare() is not asked: what it would do, port_tx_prepare() has done
 * for the few frames that need it.
 */
uint16_t
ethdev_tx(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	uint16_t i;

	for (i = 0; i < n; i++)
		m[i] = port_tx_prepare(p, queue, m[i]);
	return rte_eth_tx_burst(p->eth, queue, m, n);
}

int
ethdev_rx_fd(struct port *p, uint16_t queue)
{
	return p->has_rx_intr ? rte_eth_dev_rx_intr_ctl_q_get_fd(p->eth, queue) : -1;
}

static void
drain(int fd)
{
	uint64_t n;

	if (fd >= 0 && read(fd, &n, sizeof n) < 0)
		return;	/* EAGAIN: nothing had come */
}

int
ethdev_rx_arm(struct port *p, uint16_t queue, bool armed)
{
	int rc;

	if (!p->has_rx_intr)
		return -ENOTSUP;
	if (armed)
		return rte_eth_dev_rx_intr_enable(p->eth, queue);
	rc = rte_eth_dev_rx_intr_disable(p->eth, queue);
	drain(ethdev_rx_fd(p, queue));
	return rc;
}
