/*
 * Users, groups and capabilities: what is asked for is found, and what is given up stays so.
 */
#include "vnf/privileges.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/tap.h"

static struct err err;
static struct privileges p;

static int
find(const char *user, const char *spec, const char *vhost_owner)
{
	struct options o = { .user = user, .vhost_owner = vhost_owner, .n_ports = 1 };

	o.port[0].spec = spec;
	err.msg[0] = '\0';
	return privileges_find(&o, &p, &err);
}

static void
only_what_the_ports_need_is_kept(void)
{
	CU_ASSERT_EQUAL(find(NULL, "vhost:/x", NULL), 0);
	CU_ASSERT_EQUAL(p.keep, 0);
	CU_ASSERT_EQUAL(find(NULL, "afpacket:eth0", NULL), 0);
	CU_ASSERT_EQUAL(p.keep, 1 << 12 | 1 << 13);	/* NET_ADMIN, NET_RAW */
	CU_ASSERT_EQUAL(find(NULL, "vhost:/x", ":daemon"), 0);
	CU_ASSERT_EQUAL(p.keep, 0);
	CU_ASSERT_EQUAL(find(NULL, "vhost:/x", "daemon:daemon"), 0);
	CU_ASSERT_EQUAL(p.keep, 1 << 0);	/* CHOWN */
}

static void
unknown_users_and_groups_are_told(void)
{
	uid_t uid = 7;
	gid_t gid = 7;

	CU_ASSERT_EQUAL(find("no-such-user", "ring:x", NULL), -22);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "no user 'no-such-user'"));
	CU_ASSERT_EQUAL(find("daemon:no-such-group", "ring:x", NULL), -22);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "no group 'no-such-group'"));
	CU_ASSERT_EQUAL(privileges_owner("no-such-user:daemon", &uid, &gid, &err), -22);
	CU_ASSERT_EQUAL(privileges_owner(":", &uid, &gid, &err), 0);
	CU_ASSERT_EQUAL(uid, 7);
	CU_ASSERT_EQUAL(gid, 7);
	CU_ASSERT_EQUAL(privileges_owner("root:0", &uid, &gid, &err), 0);
	CU_ASSERT_EQUAL(uid, 0);
	CU_ASSERT_EQUAL(gid, 0);
}

/* In a process of its own: there is no way back. */
static int
in_child(int (*run)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(run());
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

static int
become_daemon(void)
{
	char text[128];

	if (find("daemon", "afpacket:eth0", NULL) != 0 || privileges_drop(&p, &err) != 0)
		return 1;
	privileges_text(text, sizeof text);
	if (strcmp(text, "CAP_NET_ADMIN CAP_NET_RAW") != 0)
		return 2;
	if (getuid() == 0 || geteuid() == 0 || getgid() == 0)
		return 3;
	if (setuid(0) == 0 || setgid(0) == 0 || chown("/etc/passwd", getuid(), (gid_t)-1) == 0)
		return 4;
	return access("/etc/shadow", R_OK) == 0 ? 5 : 0;
}

static void
user_has_its_capabilities_and_no_way_back(void)
{
	if (geteuid() != 0) {
		tap_skip("not root");
		return;
	}
	CU_ASSERT_EQUAL(in_child(become_daemon), 0);
}

static int
refuse_another(void)
{
	if (setresuid(65534, 65534, 65534) != 0)
		return 1;
	if (find("nobody", "ring:x", NULL) != 0 || p.user[0])
		return 2;	/* is it already: nothing is to be done */
	return find("daemon", "ring:x", NULL) == -22 && strstr(err.msg, "only root") ? 0 : 3;
}

static void
who_is_not_root_can_not_become_another(void)
{
	if (geteuid() != 0) {
		tap_skip("not root");
		return;
	}
	CU_ASSERT_EQUAL(in_child(refuse_another), 0);
}

static void
links_are_not_given_away(void)
{
	char dir[] = "/tmp/privileges-XXXXXX", file[64], other[64];
	struct stat st;

	if (geteuid() != 0) {
		tap_skip("not root");
		return;
	}
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	snprintf(file, sizeof file, "%s/file", dir);
	snprintf(other, sizeof other, "%s/link", dir);
	CU_ASSERT_EQUAL(find("daemon", "ring:x", NULL), 0);
	fclose(fopen(file, "w"));
	CU_ASSERT_EQUAL(symlink(file, other), 0);
	privileges_own_file(&p, other);
	CU_ASSERT_EQUAL(stat(file, &st), 0);
	CU_ASSERT_EQUAL(st.st_uid, 0);
	privileges_own_file(&p, file);
	CU_ASSERT_EQUAL(stat(file, &st), 0);
	CU_ASSERT_EQUAL(st.st_uid, p.uid);
	unlink(other);
	unlink(file);
	fclose(fopen(file, "w"));
	CU_ASSERT_EQUAL(link(file, other), 0);	/* a second name of root's file */
	privileges_own_file(&p, other);
	CU_ASSERT_EQUAL(stat(file, &st), 0);
	CU_ASSERT_EQUAL(st.st_uid, 0);
	unlink(other);
	unlink(file);
	snprintf(file, sizeof file, "%s/folder", dir);
	CU_ASSERT_EQUAL(privileges_own_folder(&p, file, &err), 0);
	CU_ASSERT_EQUAL(stat(file, &st), 0);
	CU_ASSERT_EQUAL(st.st_uid, p.uid);
	rmdir(file);
	rmdir(dir);
}

TAP_MAIN(privileges, TAP_TEST(only_what_the_ports_need_is_kept),
	 TAP_TEST(unknown_users_and_groups_are_told),
	 TAP_TEST(user_has_its_capabilities_and_no_way_back),
	 TAP_TEST(who_is_not_root_can_not_become_another), TAP_TEST(links_are_not_given_away))
