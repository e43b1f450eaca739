/*
 * vhost_owner.c - see vhost_owner.h.
 */
#include "vnf/vhost_owner.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_MODULE "port"
#include "vnf/log.h"
#include "vnf/privileges.h"

static const char prefix[] = "vhost:";

int
vhost_owner_init(struct vhost_owner *v, const struct options *o, struct err *err)
{
	*v = (struct vhost_owner){
		.o = o,
		.wanted = o->vhost_owner || o->vhost_mode,
		.uid = (uid_t)-1,
		.gid = (gid_t)-1,
		.mode = (mode_t)o->vhost_mode,
	};
	return o->vhost_owner ? privileges_owner(o->vhost_owner, &v->uid, &v->gid, err) : 0;
}

/* The mode first: whose it is not any more can't change it. */
static int
put_right(const struct vhost_owner *v, const char *path)
{
	struct stat st;

	if (lstat(path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return 0;
	if (v->mode && (st.st_mode & 07777) != v->mode && chmod(path, v->mode) != 0)
		return -errno;
	if (((v->uid != (uid_t)-1 && st.st_uid != v->uid) ||
	     (v->gid != (gid_t)-1 && st.st_gid != v->gid)) &&
	    lchown(path, v->uid, v->gid) != 0)
		return -errno;
	return 0;
}

void
vhost_owner_run(struct vhost_owner *v)
{
	const char *path;
	unsigned i;
	int rc;

	for (i = 0; v->wanted && i < v->o->n_ports; i++) {
		if (strncmp(v->o->port[i].spec, prefix, sizeof prefix - 1) != 0)
			continue;
		path = v->o->port[i].spec + sizeof prefix - 1;
		rc = put_right(v, path);
		if (rc == 0 || v->complained)
			continue;
		v->complained = true;
		log_warn("%s: owner and mode can't be set: %s; a group has to be one of leatd's "
			 "user's",
			 path, strerror(-rc));
	}
}
