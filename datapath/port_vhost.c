/*
 * port_vhost.c - virtio-user, as the server of a vhost-user socket.
 *
 * The switch is the client (dpdkvhostuserclient), so either side may restart.
 * The driver waits for it in accept(), inside of open.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <rte_ethdev.h>

#include "datapath/port_ethdev.h"

enum { ARGS_LEN = PATH_MAX + 128 };

static int
vhost_check(const char *path, struct err *err)
{
	if (path[0] != '/')
		return err_set(err, -EINVAL, "vhost:%s: the path must begin with /", path);
	if (strlen(path) >= sizeof((struct sockaddr_un *)0)->sun_path)
		return err_set(err, -ENAMETOOLONG, "vhost:%s: a socket's path is at most %zu bytes",
			       path, sizeof((struct sockaddr_un *)0)->sun_path - 1);
	if (strchr(path, ','))
		return err_set(err, -EINVAL, "vhost:%s: no comma may be in the path", path);
	return 0;
}

/* The socket of a process that was killed would make bind() fail. */
static int
remove_stale_socket(const char *path, struct err *err)
{
	struct stat st;

	if (lstat(path, &st) != 0) {
		if (errno == ENOENT)
			return 0;
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	}
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, -EEXIST, "%s exists and is no socket: it is left alone", path);
	if (unlink(path) != 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	return 0;
}

static int
check_folder(const char *path, struct err *err)
{
	char folder[PATH_MAX];

	snprintf(folder, sizeof folder, "%s", path);
	*strrchr(folder, '/') = '\0';
	if (access(folder[0] ? folder : "/", W_OK | X_OK) != 0)
		return err_set(err, -errno, "no socket can be made in %s: %s", folder,
			       strerror(errno));
	return 0;
}

static int
vhost_open(struct port *p, struct err *err)
{
	char args[ARGS_LEN];
	struct ethdev_want want = {
		.driver = "net_virtio_user",
		.args = args,
		.rx_intr = true,
		.rx_offloads = RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM |
			       RTE_ETH_RX_OFFLOAD_TCP_LRO,
	};
	int rc = check_folder(p->arg, err);

	atomic_store(&p->is_clean, false);
	if (rc == 0)
		rc = remove_stale_socket(p->arg, err);
	if (rc != 0)
		return rc;
	atomic_store(&p->is_clean, true);
	snprintf(args, sizeof args, "path=%s,server=1,queue_size=%u,queues=%u%s", p->arg,
		 p->conf.n_desc, p->conf.n_queues, p->conf.n_queues > 1 ? ",cq=1" : "");
	rc = ethdev_open(p, &want, err);
	atomic_store(&p->is_clean, false);
	return rc;
}

static void
vhost_abandon(struct port *p)
{
	unlink(p->arg);
}

/* The driver makes the socket right before it waits; what a killed process left is gone by then. */
static bool
vhost_is_listening(const struct port *p)
{
	struct stat st;

	return atomic_load(&p->is_clean) && lstat(p->arg, &st) == 0 && S_ISSOCK(st.st_mode);
}

static void
vhost_close(struct port *p)
{
	ethdev_close(p);
	unlink(p->arg);
}

const struct port_kind port_kind_vhost = {
	.prefix = "vhost:",
	.check = vhost_check,
	.open = vhost_open,
	.close = vhost_close,
	.abandon = vhost_abandon,
	.is_listening = vhost_is_listening,
	.link_is_up = ethdev_link_is_up,
	.rx = ethdev_rx,
	.tx = ethdev_tx,
	.rx_fd = ethdev_rx_fd,
	.rx_arm = ethdev_rx_arm,
};
