/*
 * What systemd is told, at a socket as it gives one.
 */
#include "vnf/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/tap.h"

static int listener = -1;

static void
listen_at(const char *name)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	size_t len = strlen(name);

	memcpy(at.sun_path, name, len);
	if (*name == '@')
		at.sun_path[0] = '\0';
	else
		unlink(name);
	listener = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	CU_ASSERT_EQUAL_FATAL(bind(listener, (struct sockaddr *)&at,
				   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
			      0);
	setenv("NOTIFY_SOCKET", name, 1);
}

static const char *
told(void)
{
	static char text[256];
	ssize_t n = recv(listener, text, sizeof text - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void
state_arrives_by_path_and_by_abstract_name(void)
{
	char name[64];

	snprintf(name, sizeof name, "/tmp/notify-%d", (int)getpid());
	listen_at(name);
	notify("READY=1");
	CU_ASSERT_STRING_EQUAL(told(), "READY=1");
	close(listener);
	notify("STOPPING=1");	/* nobody is there any more */
	unlink(name);
	snprintf(name, sizeof name, "@notify-%d", (int)getpid());
	listen_at(name);
	notify("STATUS=works");
	CU_ASSERT_STRING_EQUAL(told(), "STATUS=works");
	unsetenv("NOTIFY_SOCKET");
	notify("READY=1");
	CU_ASSERT_STRING_EQUAL(told(), "");
	close(listener);
}

static void
watchdog_is_told_twice_in_its_time(void)
{
	char name[64], pid[16];
	unsigned i, n = 0;

	snprintf(name, sizeof name, "@watchdog-%d", (int)getpid());
	listen_at(name);
	snprintf(pid, sizeof pid, "%d", (int)getpid());
	notify_watchdog((usec_t){ 1000000 });
	CU_ASSERT_STRING_EQUAL(told(), "");
	setenv("WATCHDOG_USEC", "2000000", 1);
	setenv("WATCHDOG_PID", "1", 1);
	notify_watchdog((usec_t){ 1000000 });
	CU_ASSERT_STRING_EQUAL(told(), "");
	setenv("WATCHDOG_PID", pid, 1);
	for (i = 0; i < 100; i++) {	/* 5 s */
		notify_watchdog((usec_t){ 1000000 + i * 50000 });
		n += strcmp(told(), "WATCHDOG=1") == 0;
	}
	CU_ASSERT_EQUAL(n, 5);
	close(listener);
}

TAP_MAIN(notify, TAP_TEST(state_arrives_by_path_and_by_abstract_name),
	 TAP_TEST(watchdog_is_told_twice_in_its_time))
