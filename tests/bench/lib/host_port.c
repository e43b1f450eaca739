#include "tests/bench/lib/host_port.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "datapath/port_ethdev.h"

enum { PATIENCE_MS = 30000, POLL_MS = 10 };

static int
host_open(struct port *p, struct err *err)
{
	char args[PATH_MAX + 64];
	const struct ethdev_want want = { .driver = "net_vhost", .args = args };

	snprintf(args, sizeof args, "iface=%s,client=1,queues=%u", p->arg, p->conf.n_queues);
	return ethdev_open(p, &want, err);
}

/* The benchmarks' own kind of port, which no spec names. */
static const struct port_kind host_kind = {
	.prefix = "vhost:",
	.open = host_open,
	.close = ethdev_close,
	.link_is_up = ethdev_link_is_up,
	.rx = ethdev_rx,
	.tx = ethdev_tx,
	.rx_fd = ethdev_rx_fd,
};

struct port *
host_port_new(const struct port_conf *conf, struct err *err)
{
	struct port *p = port_new(conf, err);

	if (p)
		p->kind = &host_kind;
	return p;
}

int
host_ports_wait(struct port *const *p, unsigned n, struct err *err)
{
	for (unsigned i = 0, waited = 0; i < n; waited += POLL_MS) {
		if (port_poll_link(p[i]) == PORT_UP) {
			i++;
			continue;
		}
		if (waited > PATIENCE_MS)
			return err_set(err, -ETIMEDOUT,
				       "no link between a vhost port and its host");
		usleep(POLL_MS * 1000);
	}
	return 0;
}
