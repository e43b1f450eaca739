/*
 * ctl_access.c - who may ask for what on the control socket.
 *
 * The kernel takes a peer's identity when it connects, so this process connects as whoever
 * the test wants, and is itself again.
 */
#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/ctl_server.h"
#include "tests/unit/tap.h"

enum { ADMINS = 4001, READERS = 4002, OTHERS = 4003, SOMEBODY = 4004 };

static const char look[] = "{\"id\":1,\"method\":\"test/whoami\",\"params\":[]}";
static const char change[] = "{\"id\":1,\"method\":\"test/echo\",\"params\":[\"x\"]}";

static const char changed[] = "{\"id\":1,\"result\":\"x\\n\",\"error\":null}";

static bool
is_root(void)
{
	if (geteuid() == 0)
		return true;
	tap_skip("needs root");
	return false;
}

static void
serve_groups(struct ctl_server *f)
{
	const struct unixctl_access access = { .group = ADMINS, .readers = READERS };
	struct stat st;

	set_up(f);
	unixctl_command_reads_only(f->srv, "test/whoami");
	CU_ASSERT_EQUAL(unixctl_server_set_access(f->srv, &access, NULL), 0);
	CU_ASSERT_EQUAL(chmod(f->folder, 0755), 0);
	CU_ASSERT_EQUAL(stat(f->path, &st), 0);
	CU_ASSERT_EQUAL(st.st_gid, ADMINS);
}

/* A connection of a user who is in `first`, and in `second` besides. */
static int
connect_as(const struct ctl_server *f, uid_t uid, gid_t first, gid_t second)
{
	int fd;

	CU_ASSERT_EQUAL_FATAL(setgroups(1, &second), 0);
	CU_ASSERT_EQUAL_FATAL(setegid(first), 0);
	CU_ASSERT_EQUAL_FATAL(seteuid(uid), 0);
	fd = connect_raw(f->path);
	CU_ASSERT_EQUAL_FATAL(seteuid(0), 0);
	CU_ASSERT_EQUAL_FATAL(setegid(0), 0);
	CU_ASSERT_EQUAL_FATAL(setgroups(0, NULL), 0);
	return fd;
}

/* What the server says to one request. */
static const char *
answer(struct ctl_server *f, int fd, const char *request)
{
	static char buf[4096];

	put(fd, request);
	turns(f, 3);
	CU_ASSERT_TRUE(get(fd, buf, sizeof buf) > 0);
	return buf;
}

static void
member_of_the_group_may_all_by_its_first_or_another_group(void)
{
	struct ctl_server f;
	int fd;

	if (!is_root())
		return;
	serve_groups(&f);
	fd = connect_as(&f, SOMEBODY, ADMINS, OTHERS);
	CU_ASSERT_STRING_EQUAL(answer(&f, fd, change), changed);
	close(fd);
	fd = connect_as(&f, SOMEBODY, OTHERS, ADMINS);
	CU_ASSERT_STRING_EQUAL(answer(&f, fd, change), changed);
	close(fd);
	CU_ASSERT_EQUAL(f.n_called, 2);
	tear_down(&f);
}

static void
reader_may_look_and_change_nothing(void)
{
	struct ctl_server f;
	int fd;

	if (!is_root())
		return;
	serve_groups(&f);
	fd = connect_as(&f, SOMEBODY, OTHERS, READERS);
	CU_ASSERT_PTR_NOT_NULL(strstr(answer(&f, fd, look), "4004 4003"));
	CU_ASSERT_PTR_NOT_NULL(strstr(answer(&f, fd, change), "changes something"));
	CU_ASSERT_PTR_NOT_NULL(strstr(answer(&f, fd, look), "4004 4003"));
	CU_ASSERT_EQUAL(f.n_called, 0);
	close(fd);
	tear_down(&f);
}

static void
anyone_else_is_told_that_he_may_not_even_look(void)
{
	struct ctl_server f;
	int fd;

	if (!is_root())
		return;
	serve_groups(&f);
	fd = connect_as(&f, SOMEBODY, OTHERS, OTHERS);
	CU_ASSERT_PTR_NOT_NULL(strstr(answer(&f, fd, look), "none of the groups"));
	CU_ASSERT_PTR_NOT_NULL(strstr(answer(&f, fd, change), "none of the groups"));
	CU_ASSERT_EQUAL(f.n_called, 0);
	close(fd);
	tear_down(&f);
}

static void
root_may_all_and_so_may_the_daemons_own_user(void)
{
	const struct unixctl_access nobody = { .group = (gid_t)-1, .readers = (gid_t)-1 };
	struct ctl_server f;
	int fd;

	set_up(&f);
	CU_ASSERT_EQUAL(unixctl_server_set_access(f.srv, &nobody, NULL), 0);
	fd = connect_raw(f.path);
	CU_ASSERT_STRING_EQUAL(answer(&f, fd, change), changed);
	close(fd);
	tear_down(&f);
}

TAP_MAIN(ctl_access, TAP_TEST(member_of_the_group_may_all_by_its_first_or_another_group),
	 TAP_TEST(reader_may_look_and_change_nothing),
	 TAP_TEST(anyone_else_is_told_that_he_may_not_even_look),
	 TAP_TEST(root_may_all_and_so_may_the_daemons_own_user))
