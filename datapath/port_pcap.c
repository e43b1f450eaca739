/*
 * port_pcap.c - a capture file as the frames that arrive, and another for what is
 * sent.
 *
 * Without OUT the driver discards what is sent.  Received frames carry the time
 * of their capture.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_ethdev.h>

#include "datapath/captured.h"
#include "datapath/port_ethdev.h"

enum {
	FILE_HEADER = 24,	/* of pcap; a block of pcapng that says more is longer */
	ETHERNET = 1,
};

#define PCAP_US 0xa1b2c3d4u
#define PCAP_NS 0xa1b23c4du
#define PCAPNG 0x0a0d0d0au
#define PCAPNG_ORDER 0x1a2b3c4du

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

static uint32_t
word_at(const uint8_t *b, size_t at, bool swapped)
{
	uint32_t v;

	memcpy(&v, b + at, sizeof v);
	return swapped ? __builtin_bswap32(v) : v;
}

/* The link type that a pcap or pcapng file begins with; 0: it can't be told. */
static uint32_t
link_type(const uint8_t *b, size_t n)
{
	uint32_t magic, length;
	uint16_t type;
	bool swapped;

	if (n < FILE_HEADER)
		return 0;
	magic = word_at(b, 0, false);
	swapped = magic == __builtin_bswap32(PCAP_US) || magic == __builtin_bswap32(PCAP_NS);
	if (swapped || magic == PCAP_US || magic == PCAP_NS)
		return word_at(b, 20, swapped) & 0xffff;
	swapped = word_at(b, 8, false) == __builtin_bswap32(PCAPNG_ORDER);
	length = word_at(b, 4, swapped);
	if (magic != PCAPNG || length > n - 12 || word_at(b, length, swapped) != 1)
		return 0;
	memcpy(&type, b + length + 8, sizeof type);
	return swapped ? __builtin_bswap16(type) : type;
}

/* The driver takes the frames of any file for Ethernet's. */
static int
check_file(const struct port *p, const char *path, struct err *err)
{
	uint8_t head[4096];
	struct stat st;
	uint32_t type = 0;
	ssize_t n;
	int fd;

	if (stat(path, &st) != 0 || (fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) < 0)
		return err_set(err, -errno, "port %s: %s: %s", p->name, path, strerror(errno));
	if (S_ISREG(st.st_mode) && (n = read(fd, head, sizeof head)) > 0)
		type = link_type(head, (size_t)n);
	close(fd);
	return type == 0 || type == ETHERNET
		       ? 0
		       : err_set(err, -EINVAL,
				 "port %s: %s has frames of link type %u, not of Ethernet: leatd "
				 "-r may read it",
				 p->name, path, type);
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
	rc = check_file(p, in, err);
	if (rc != 0)
		return rc;
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
