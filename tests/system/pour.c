/*
 * pour.c - a capture's frames into a virtio-user port, as a switch would give them.
 *
 *	pour SOCKET FILE
 *
 * Waits for whoever has made the socket, sends all frames in their order as fast as they are taken,
 * prints how many, and stays until it is ended: what is still in the rings belongs to the device.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <pcap/pcap.h>
#include <rte_eal.h>
#include <rte_ethdev.h>

enum { N_MBUFS = 4095, DEPTH = 1024, BURST = 32, PATIENCE_S = 60, STEP_US = 100 };

static struct rte_mempool *pool;

static bool
wait_for_link(void)
{
	struct rte_eth_link link = { 0 };
	unsigned i;

	for (i = 0; i < PATIENCE_S * 10 && !link.link_status; i++) {
		usleep(100 * 1000);
		rte_eth_link_get_nowait(0, &link);
	}
	return link.link_status;
}

static bool
start(const char *socket)
{
	static char args[][16] = { "pour",	     "--no-huge", "--no-pci", "--no-shconf",
				   "--no-telemetry", "-m",	  "64",	      "--vdev" };
	const struct rte_eth_conf conf = { 0 };
	enum { N = sizeof args / sizeof args[0] };
	char *argv[N + 2] = { NULL };
	static char device[256];
	int i;

	for (i = 0; i < N; i++)
		argv[i] = args[i];
	snprintf(device, sizeof device, "net_vhost0,iface=%s,client=1,queues=1", socket);
	argv[N] = device;
	if (rte_eal_init(N + 1, argv) < 0)
		return false;
	pool = rte_pktmbuf_pool_create("pour", N_MBUFS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
				       SOCKET_ID_ANY);
	return pool && rte_eth_dev_configure(0, 1, 1, &conf) == 0 &&
	       rte_eth_rx_queue_setup(0, 0, DEPTH, 0, NULL, pool) == 0 &&
	       rte_eth_tx_queue_setup(0, 0, DEPTH, 0, NULL) == 0 && rte_eth_dev_start(0) == 0;
}

/* All of them, however long it takes; false: nobody takes any. */
static bool
send_all(struct rte_mbuf **m, unsigned n)
{
	unsigned sent = 0, steps = 0;

	while (sent < n) {
		unsigned now = rte_eth_tx_burst(0, 0, m + sent, (uint16_t)(n - sent));

		sent += now;
		steps = now ? 0 : steps + 1;
		if (steps > PATIENCE_S * 1000000u / STEP_US)
			return false;
		if (now == 0)
			usleep(STEP_US);
	}
	return true;
}

/* The number of frames; -1: not all. */
static int64_t
pour(pcap_t *p)
{
	struct rte_mbuf *m[BURST];
	struct pcap_pkthdr *h;
	const u_char *bytes;
	int64_t all = 0;
	unsigned n = 0;

	while (pcap_next_ex(p, &h, &bytes) == 1) {
		char *to;

		m[n] = rte_pktmbuf_alloc(pool);
		to = m[n] ? rte_pktmbuf_append(m[n], (uint16_t)h->caplen) : NULL;
		if (!to)
			return -1;
		memcpy(to, bytes, h->caplen);
		all++;
		if (++n < BURST)
			continue;
		if (!send_all(m, n))
			return -1;
		n = 0;
	}
	return send_all(m, n) ? all : -1;
}

int
main(int argc, char **argv)
{
	char why[PCAP_ERRBUF_SIZE] = "usage: pour SOCKET FILE";
	pcap_t *p = argc == 3 ? pcap_open_offline(argv[2], why) : NULL;
	int64_t n;

	if (!p) {
		fprintf(stderr, "pour: %s\n", why);
		return 1;
	}
	if (!start(argv[1]) || !wait_for_link()) {
		fprintf(stderr, "pour: nobody is at %s\n", argv[1]);
		return 1;
	}
	n = pour(p);
	printf("%" PRId64 "\n", n);
	fflush(stdout);
	pcap_close(p);
	if (n < 0)
		return 1;
	for (;;)
		pause();
}
