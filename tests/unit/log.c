/*
 * Log lines: format, levels, limits, and what may stand in them.
 */
#include <fcntl.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/tap.h"

#define LOG_MODULE "steer"
#include "vnf/log.h"

static struct err err;
static char dir[] = "/tmp/log-XXXXXX", path[64];

/* Lines go to an empty file alone, at level info. */
static void
begin(void)
{
	if (!strchr(path, '/') && !mkdtemp(dir))
		abort();
	snprintf(path, sizeof path, "%s/t.log", dir);
	log_module_get("other");
	unlink(path);
	CU_ASSERT_EQUAL_FATAL(log_to_file(path, &err), 0);
	CU_ASSERT_EQUAL(log_set("off", &err), 0);
	CU_ASSERT_EQUAL(log_set("file:info", &err), 0);
}

static const char *
written(void)
{
	static char text[65536];
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, text, sizeof text - 1);

	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static unsigned
n_lines(void)
{
	const char *s = written();
	unsigned n = 0;

	for (; (s = strchr(s, '\n')); s++)
		n++;
	return n;
}

static bool
matches(const char *text, const char *pattern)
{
	regex_t re;
	bool yes;

	if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return false;
	yes = regexec(&re, text, 0, NULL, 0) == 0;
	regfree(&re);
	return yes;
}

static void
line_is_of_the_switchs_format(void)
{
	begin();
	log_warn("bridge %s: lost\n", "br0");
	CU_ASSERT_TRUE(matches(written(),
			       "^20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-9]{2}:[0-9]{2}:[0-9]{2}"
			       "\\.[0-9]{3}Z\\|[0-9]{5,}\\|steer\\|WARN\\|bridge br0: lost\n$"));
	log_info("next");
	CU_ASSERT_EQUAL(atoi(strstr(written(), "|steer|WARN") - 5) + 1,
			atoi(strstr(written(), "|steer|INFO") - 5));
}

static void
levels_are_by_module_and_destination(void)
{
	begin();
	log_dbg("not this");
	CU_ASSERT_EQUAL(log_set("steer:dbg", &err), 0);
	CU_ASSERT_EQUAL(log_set("console:off", &err), 0);
	log_dbg("this");
	CU_ASSERT_EQUAL(log_set("steer,file,warn", &err), 0);
	log_info("not this");
	CU_ASSERT_EQUAL(log_set("ANY:file:info", &err), 0);
	log_info("and this");
	CU_ASSERT_EQUAL(log_set("ANY:ANY:off", &err), 0);
	log_err("not this");
	CU_ASSERT_EQUAL(n_lines(), 2);
	CU_ASSERT_PTR_NULL(strstr(written(), "not this"));
	CU_ASSERT_EQUAL(log_set("other:dbg", &err), 0);
	log_err("not this");
	CU_ASSERT_EQUAL(n_lines(), 2);
}

static void
wrong_levels_change_nothing(void)
{
	begin();
	CU_ASSERT_EQUAL(log_set("steer:file:loud", &err), -22);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "'loud' is no module"));
	CU_ASSERT_EQUAL(log_set("off:dbg", &err), -22);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "'dbg': there is a word of this kind"));
	log_info("still");
	CU_ASSERT_EQUAL(n_lines(), 1);
}

static void
list_has_every_module(void)
{
	char *text;

	begin();
	CU_ASSERT_EQUAL(log_set("steer:file:dbg", &err), 0);
	text = log_list();
	CU_ASSERT_TRUE(matches(text, "console +syslog +file\n"));
	CU_ASSERT_TRUE(matches(text, "\nsteer +OFF +OFF +DBG\n"));
	CU_ASSERT_TRUE(matches(text, "\nother +OFF +OFF +INFO\n"));
	free(text);
}

static void
bytes_from_outside_can_not_forge_a_line(void)
{
	char out[200];

	begin();
	log_warn("host %s",
		 "a\n2026-11-22T00:00:00.000Z|00001|leatd|INFO|all is well\x1b[2J\x7f\r");
	CU_ASSERT_EQUAL(n_lines(), 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(written(), "host a\\n2026-11-22"));
	CU_ASSERT_PTR_NOT_NULL(strstr(written(), "well\\x1b[2J\\x7f\\x0d\n"));
	log_sanitise(out, sizeof out,
		     "\xc3\xa9 \xe2\x82\xac \xc2\x9b \xff \xc0\xaf \xe2\x80\xae \xed\xa0\x80 \xe2");
	CU_ASSERT_STRING_EQUAL(out, "\xc3\xa9 \xe2\x82\xac \\xc2\\x9b \\xff \\xc0\\xaf "
				    "\\xe2\\x80\\xae \\xed\\xa0\\x80 \\xe2");
	log_sanitise(out, 4, "abcdef");
	CU_ASSERT_STRING_EQUAL(out, "abc");
	log_sanitise(out, 4, "\n\n\n");
	CU_ASSERT_EQUAL(strlen(out), 0);
}

static void
call_that_repeats_is_kept_back_and_counted(void)
{
	struct log_limit l = { .spent = 0 };
	unsigned dropped, since, ago, i, passed = 0;

	for (i = 0; i < 100; i++)
		passed += log_limit_pass(&l, 5000 + i, 60, 1000, &dropped, &since, &ago);
	CU_ASSERT_EQUAL(passed, 60);
	CU_ASSERT_TRUE(log_limit_pass(&l, 8000, 60, 1000, &dropped, &since, &ago));
	CU_ASSERT_EQUAL(dropped, 40);
	CU_ASSERT_EQUAL(since, 2);
	CU_ASSERT_EQUAL(ago, 2);
	for (i = 0, passed = 0; i < 10000; i += 10)
		passed += log_limit_pass(&l, 8000 + i, 60, 1000, &dropped, &since, &ago);
	CU_ASSERT_TRUE(passed >= 9 && passed <= 12);
	CU_ASSERT_TRUE(log_limit_pass(&l, 200000, 60, 1000, &dropped, &since, &ago));
	for (i = 0, passed = 0; i < 100; i++)
		passed += log_limit_pass(&l, 200000, 60, 1000, &dropped, &since, &ago);
	CU_ASSERT_EQUAL(passed, 59);
}

static void
another_call_is_not_kept_back(void)
{
	unsigned i;

	begin();
	for (i = 0; i < 1000; i++)
		log_info("again and again");
	log_info("another");
	CU_ASSERT_TRUE(n_lines() < 70);
	CU_ASSERT_PTR_NOT_NULL(strstr(written(), "another"));
}

static void
file_is_opened_anew_after_it_was_renamed(void)
{
	char old[80];

	begin();
	snprintf(old, sizeof old, "%s.1", path);
	log_info("one");
	CU_ASSERT_EQUAL(rename(path, old), 0);
	log_info("two");
	CU_ASSERT_EQUAL(log_reopen(&err), 0);
	log_info("three");
	CU_ASSERT_EQUAL(n_lines(), 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(written(), "three"));
	unlink(old);
	CU_ASSERT_TRUE(log_to_file("/nonexistent/x", &err) < 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "/nonexistent/x"));
	log_info("four");
	CU_ASSERT_EQUAL(n_lines(), 2);
}

static void
syslog_gets_datagrams_and_is_never_waited_for(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	char line[4096];
	ssize_t n;
	unsigned i;

	begin();
	snprintf(at.sun_path, sizeof at.sun_path, "%s/log", dir);
	CU_ASSERT_EQUAL(log_to_syslog(at.sun_path, "leatd", &err), 0);
	CU_ASSERT_EQUAL(log_set("syslog:dbg", &err), 0);
	log_err("nobody listens");
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	log_err("is full");
	n = recv(fd, line, sizeof line - 1, MSG_DONTWAIT);
	line[n > 0 ? n : 0] = '\0';
	CU_ASSERT_TRUE(matches(line, "^<27>leatd\\[[0-9]+\\]: [0-9]{5,}\\|steer\\|ERR\\|is full$"));
	for (i = 0; i < 1500; i++)
		log_dbg("more than its queue holds");
	close(fd);
	unlink(at.sun_path);
	CU_ASSERT_EQUAL(log_set("syslog:off", &err), 0);
}

/* Standard error as a file, named to be the journal's. */
static void
journal_gets_severities_instead_of_times(void)
{
	int was = dup(STDERR_FILENO);
	struct stat st;
	char stream[64];

	begin();
	CU_ASSERT_EQUAL(log_to_file(NULL, &err), 0);
	CU_ASSERT_PTR_NOT_NULL(freopen(path, "a", stderr));
	CU_ASSERT_EQUAL(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_ask_journal();
	CU_ASSERT_EQUAL(log_set("console:info", &err), 0);
	log_warn("from here");
	setenv("JOURNAL_STREAM", "1:2", 1);
	log_ask_journal();
	log_warn("not the journal");
	dup2(was, STDERR_FILENO);
	CU_ASSERT_TRUE(matches(written(), "^<4>[0-9]{5,}\\|steer\\|WARN\\|from here\n20[0-9]{2}-"));
	unlink(path);
	rmdir(dir);
}

TAP_MAIN(log, TAP_TEST(line_is_of_the_switchs_format),
	 TAP_TEST(levels_are_by_module_and_destination), TAP_TEST(wrong_levels_change_nothing),
	 TAP_TEST(list_has_every_module), TAP_TEST(bytes_from_outside_can_not_forge_a_line),
	 TAP_TEST(call_that_repeats_is_kept_back_and_counted),
	 TAP_TEST(another_call_is_not_kept_back),
	 TAP_TEST(file_is_opened_anew_after_it_was_renamed),
	 TAP_TEST(syslog_gets_datagrams_and_is_never_waited_for),
	 TAP_TEST(journal_gets_severities_instead_of_times))
