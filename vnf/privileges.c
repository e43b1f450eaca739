/*
 * privileges.c - see privileges.h, capabilities(7).  The two system calls need no library.
 */
#include "vnf/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FOLDER_MODE = 0755, CAP_MAX = 63 };

static const struct {
	unsigned number;
	const char *name;
} names[] = {
	{ CAP_CHOWN, "CAP_CHOWN" },
	{ CAP_NET_ADMIN, "CAP_NET_ADMIN" },
	{ CAP_NET_RAW, "CAP_NET_RAW" },
};

/* --- who --- */

static bool
is_number(const char *text, unsigned long *n)
{
	char *end;

	*n = strtoul(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0';
}

/* The user's own group too. */
static int
find_user(const char *name, uid_t *uid, gid_t *gid, struct err *err)
{
	const struct passwd *pw = getpwnam(name);
	unsigned long n;

	if (!pw && is_number(name, &n))
		pw = getpwuid((uid_t)n);
	if (!pw)
		return err_set(err, -EINVAL, "there is no user '%s': adduser --system makes one",
			       name);
	*uid = pw->pw_uid;
	*gid = pw->pw_gid;
	return 0;
}

int
privileges_group(const char *name, gid_t *gid, struct err *err)
{
	const struct group *gr = getgrnam(name);
	unsigned long n;

	if (gr)
		*gid = gr->gr_gid;
	else if (is_number(name, &n))
		*gid = (gid_t)n;
	else
		return err_set(err, -EINVAL, "there is no group '%s'", name);
	return 0;
}

int
privileges_owner(const char *text, uid_t *uid, gid_t *gid, struct err *err)
{
	const char *colon = strchr(text, ':');
	char user[64];
	gid_t own;
	int rc = 0;

	snprintf(user, sizeof user, "%.*s", colon ? (int)(colon - text) : 63, text);
	if (*user)
		rc = find_user(user, uid, &own, err);
	if (rc == 0 && colon && colon[1])
		rc = privileges_group(colon + 1, gid, err);
	return rc;
}

static uint64_t
needed(const struct options *o)
{
	uint64_t keep = 0;
	unsigned i;

	for (i = 0; i < o->n_ports; i++)
		if (strncmp(o->port[i].spec, "afpacket:", 9) == 0)
			keep |= 1ull << CAP_NET_RAW | 1ull << CAP_NET_ADMIN;
	if (o->vhost_owner && *o->vhost_owner != ':')
		keep |= 1ull << CAP_CHOWN;
	return keep;
}

int
privileges_find(const struct options *o, struct privileges *p, struct err *err)
{
	const char *colon;
	int rc;

	*p = (struct privileges){ .keep = needed(o) };
	if (!o->user)
		return 0;
	colon = strchr(o->user, ':');
	snprintf(p->user, sizeof p->user, "%.*s", colon ? (int)(colon - o->user) : 63, o->user);
	rc = find_user(p->user, &p->uid, &p->gid, err);
	if (rc == 0 && colon)
		rc = privileges_group(colon + 1, &p->gid, err);
	if (rc == 0 && geteuid() != 0 && geteuid() != p->uid)
		return err_set(err, -EINVAL, "--user %s: only root can become another user",
			       o->user);
	if (rc == 0 && geteuid() != 0)
		p->user[0] = '\0';	/* is it already */
	return rc;
}

/* --- files --- */

/* Where others may write, root would follow what they put there: so by descriptor, never a link. */
static int
give(const struct privileges *p, const char *path, int kind)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | kind), rc = 0;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) != 0 || (!kind && (!S_ISREG(st.st_mode) || st.st_nlink != 1)))
		rc = -EINVAL;
	else if (fchown(fd, p->uid, p->gid) != 0)
		rc = -errno;
	close(fd);
	return rc;
}

int
privileges_own_folder(const struct privileges *p, const char *path, struct err *err)
{
	bool made = mkdir(path, FOLDER_MODE) == 0;
	int rc = made || errno == EEXIST ? 0 : -errno;

	if (rc == 0 && made && *p->user)
		rc = give(p, path, O_DIRECTORY);
	return rc == 0 ? 0 : err_set(err, rc, "%s: %s", path, strerror(-rc));
}

void
privileges_own_file(const struct privileges *p, const char *path)
{
	if (*p->user)
		(void)!give(p, path, 0);
}

/* --- capabilities --- */

static int
set_caps(uint64_t caps)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct set[2] = {
		{ .permitted = (uint32_t)caps, .effective = (uint32_t)caps },
		{ .permitted = (uint32_t)(caps >> 32), .effective = (uint32_t)(caps >> 32) },
	};

	return syscall(SYS_capset, &head, set) == 0 ? 0 : -errno;
}

/* What can't be had back, not even by a program with capabilities of its own. */
static void
drop_bounding(uint64_t keep)
{
	int cap;

	for (cap = 0; cap <= CAP_MAX; cap++)
		if (!(keep >> cap & 1))
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

static int
become(const struct privileges *p)
{
	drop_bounding(p->keep);
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || initgroups(p->user, p->gid) != 0 ||
	    setresgid(p->gid, p->gid, p->gid) != 0 || setresuid(p->uid, p->uid, p->uid) != 0)
		return -errno;
	prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
	return set_caps(p->keep);
}

int
privileges_drop(const struct privileges *p, struct err *err)
{
	int rc = 0;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (*p->user)
		rc = become(p);
	if (rc == 0 && *p->user && p->uid != 0 && (setuid(0) == 0 || geteuid() == 0))
		rc = -EPERM;
	if (rc != 0)
		return err_set(err, rc, "the rights of user %s can't be taken: %s", p->user,
			       strerror(-rc));
	return 0;
}

void
privileges_text(char *text, size_t size)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct set[2];
	uint64_t caps = 0;
	size_t n = 0;
	unsigned i;

	if (syscall(SYS_capget, &head, set) == 0)
		caps = set[0].effective | (uint64_t)set[1].effective << 32;
	snprintf(text, size, "%s", caps ? "" : "none");
	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (!(caps >> names[i].number & 1) || n >= size)
			continue;
		n += (size_t)snprintf(text + n, size - n, "%s%s", n ? " " : "", names[i].name);
		caps &= ~(1ull << names[i].number);
	}
	if (caps && n < size)
		snprintf(text + n, size - n, "%sall (0x%jx)", n ? " and " : "", (uintmax_t)caps);
}
