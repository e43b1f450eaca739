/* port_afpacket.c - a network interface of this host. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "datapath/port_ethdev.h"

enum {
	/* A frame of the ring holds the kernel's header too; a block is a whole number
	 * of pages and of frames. */
	FRAME_SIZE = 2048,
	JUMBO_FRAME_SIZE = 16384,
	BLOCK_SIZE = 65536,
	ROOM_FOR_HEADER = 128,
};

static int
afpacket_check(const char *ifname, struct err *err)
{
	size_t len = strlen(ifname);

	if (len == 0 || len >= IF_NAMESIZE || strchr(ifname, ','))
		return err_set(err, -EINVAL, "afpacket:%s: no name of an interface", ifname);
	return 0;
}

static int
afpacket_open(struct port *p, struct err *err)
{
	char args[256];
	struct ethdev_want want = { .driver = "net_af_packet", .args = args };
	bool jumbo = p->conf.mtu > FRAME_SIZE - ROOM_FOR_HEADER;

	/* the kernel's MTU counts no tag, and DPDK's device takes none above 1500 */
	want.mtu = (uint16_t)(p->conf.mtu - (p->conf.parse.meta ? PORT_META_LEN : 0));
	if (if_nametoindex(p->arg) == 0)
		return err_set(err, -ENODEV, "port %s: there is no interface '%s'", p->name,
			       p->arg);
	snprintf(args, sizeof args, "iface=%s,qpairs=1,blocksz=%d,framesz=%d,framecnt=%u", p->arg,
		 BLOCK_SIZE, jumbo ? JUMBO_FRAME_SIZE : FRAME_SIZE,
		 (unsigned)RTE_ALIGN_CEIL(p->conf.n_desc, BLOCK_SIZE / FRAME_SIZE));
	return ethdev_open(p, &want, err);
}

const struct port_kind port_kind_afpacket = {
	.prefix = "afpacket:",
	.check = afpacket_check,
	.open = afpacket_open,
	.close = ethdev_close,
	.link_is_up = ethdev_link_is_up,
	.rx = ethdev_rx,
	.tx = ethdev_tx,
	.rx_fd = ethdev_rx_fd,
};
