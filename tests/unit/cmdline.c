/*
 * The command line and the configuration file: one table for both, and what is wrong is told.
 */
#include "vnf/cmdline.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tcpterm/passive.h>

#include "tests/unit/tap.h"
#include "vnf/conf.h"
#include "vnf/nearest.h"
#include "vnf/option.h"
#include "vnf/text_file.h"

#define RINGS "--port a=ring:x --port b=ring:y "
#define RINGS_CONF "port = a=ring:x\nport = b=ring:y\n"

static struct options o;
static struct err err;
static char errors[4096];

/* What leatd makes of a file and of these words. */
static int
parse(const char *conf, const char *text)
{
	static char program[] = "leatd", config[] = "--config", words[512];
	char path[] = "/tmp/cmdline-XXXXXX", *argv[32] = { program, config, path };
	FILE *to = fmemopen(errors, sizeof errors, "w"), *f = fdopen(mkstemp(path), "w");
	int rc, argc = 3;
	char *word, *save;

	fputs(conf, f);
	fclose(f);
	snprintf(words, sizeof words, "%s", text);
	for (word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	memset(errors, 0, sizeof errors);
	err.msg[0] = '\0';
	rc = cmdline_parse(argc, argv, &o, to, &err);
	fclose(to);
	unlink(path);
	return rc;
}

/* Cuts the file's name, which is another one each time. */
static const char *
fault(unsigned n)
{
	static char line[512];
	const char *s = errors, *at;

	while (n-- > 0 && s)
		s = strchr(s, '\n') ? strchr(s, '\n') + 1 : NULL;
	at = s && *s ? strchr(s, ':') : NULL;
	snprintf(line, sizeof line, "%.*s", at ? (int)strcspn(at + 1, "\n") : 0, at ? at + 1 : "");
	return line;
}

static void
file_and_command_line_say_the_same(void)
{
	CU_ASSERT_EQUAL(parse("# a comment\n\nworkers=2\n cores = 1,3-4 # behind\nsteer = yes\n"
			      "pair = b:a\nfault = a:loss=1%,seed=7\n"
			      "port = a=pcap:/tmp/x#1,/tmp/y,mtu=9000\nport = b=ring:y,trust",
			      "--socket-mem=64"),
			0);
	CU_ASSERT_EQUAL(o.n_workers, 2);
	CU_ASSERT_EQUAL(o.core[0], 1);
	CU_ASSERT_EQUAL(o.core[2], 4);
	CU_ASSERT_EQUAL(o.core[3], -1);
	CU_ASSERT_TRUE(o.steer);
	CU_ASSERT_EQUAL(o.n_ports, 2);
	CU_ASSERT_STRING_EQUAL(o.port[0].spec, "pcap:/tmp/x#1,/tmp/y");
	CU_ASSERT_EQUAL(o.port[0].mtu, 9000);
	CU_ASSERT_EQUAL(o.port[0].fault.loss_ppm, 10000);
	CU_ASSERT_TRUE(o.port[1].trust);
	CU_ASSERT_EQUAL(o.pair[0][0], 1);
	CU_ASSERT_EQUAL(o.pair[0][1], 0);
	CU_ASSERT_EQUAL(o.mem_mb, 64);
	cmdline_free(&o);
}

static void
command_line_wins(void)
{
	CU_ASSERT_EQUAL(parse(RINGS_CONF "workers = 2\nsteer = yes\nsocket-mem = 100\n"
					 "db = /x\npair = b:a",
			      "--workers 3 --steer=no --socket-mem=64"),
			0);
	CU_ASSERT_EQUAL(o.n_workers, 3);
	CU_ASSERT_FALSE(o.steer);
	CU_ASSERT_EQUAL(o.mem_mb, 64);
	CU_ASSERT_STRING_EQUAL(o.db, "/x");
	CU_ASSERT_EQUAL(o.pair[0][0], 1);
	cmdline_free(&o);
}

static void
ports_of_the_command_line_replace_those_of_the_file(void)
{
	CU_ASSERT_EQUAL(parse("port = c=ring:z\nport = d=ring:z\npair = d:c", RINGS), 0);
	CU_ASSERT_EQUAL(o.n_ports, 2);
	CU_ASSERT_STRING_EQUAL(o.port[0].name, "a");
	CU_ASSERT_EQUAL(o.n_pairs, 1);
	CU_ASSERT_EQUAL(o.pair[0][0], 0);
	cmdline_free(&o);
}

static void
all_errors_are_told_at_once_with_their_lines(void)
{
	CU_ASSERT_EQUAL(parse("pair = a:c\nworker = 2\nport = a=ring:x\nsteer = maybe\n"
			      "nonsense\nworkers = 99\nname = x\nsocket-mem = 64\nsocket-mem = 65\n"
			      "db =\nzzzzzzzzzz = 1\nport = a=ring:y\n",
			      ""),
			-22);
	CU_ASSERT_STRING_EQUAL(fault(0), "1: pair = a:c: there is no port 'c'");
	CU_ASSERT_STRING_EQUAL(fault(1), "2: 'worker' is no key: is 'workers' meant?");
	CU_ASSERT_STRING_EQUAL(fault(2), "4: steer = maybe: yes or no is needed");
	CU_ASSERT_STRING_EQUAL(fault(3), "5: 'nonsense': KEY = VALUE is needed");
	CU_ASSERT_STRING_EQUAL(fault(4), "6: workers = 99: a number from 1 to 8 is needed");
	CU_ASSERT_STRING_EQUAL(fault(5), "7: 'name' is an option of the command line only");
	CU_ASSERT_STRING_EQUAL(fault(6), "9: socket-mem: given already in line 8");
	CU_ASSERT_STRING_EQUAL(fault(7), "10: db = : a value is needed: FILE");
	CU_ASSERT_STRING_EQUAL(fault(8), "11: 'zzzzzzzzzz' is no key: see leat.conf(5)");
	CU_ASSERT_STRING_EQUAL(fault(9), "12: port = a=ring:y: two ports are called 'a'");
	CU_ASSERT_STRING_EQUAL(fault(10), "");
	CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "10 errors: correct them and start again"));
	cmdline_free(&o);
}

static void
file_that_is_no_text_is_refused(void)
{
	struct options fresh = { 0 };
	char path[] = "/tmp/cmdline-XXXXXX";
	int fd = mkstemp(path);
	FILE *to = fmemopen(errors, sizeof errors, "w");

	CU_ASSERT_EQUAL(write(fd, "db = /x\0y\nsteer\r\n", 17), 17);
	close(fd);
	CU_ASSERT_EQUAL(conf_read(path, &fresh, to, &err), -22);
	fclose(to);
	CU_ASSERT_STRING_EQUAL(fault(0), "1: a NUL byte: this is no text file");
	CU_ASSERT_STRING_EQUAL(fault(1), "2: 'steer': KEY = VALUE is needed");
	unlink(path);
	cmdline_free(&fresh);
}

static void
wrong_options_are_told_with_their_names(void)
{
	CU_ASSERT_EQUAL(parse("", RINGS "--workers 0"), -22);
	CU_ASSERT_STRING_EQUAL(err.msg, "--workers '0': a number from 1 to 8 is needed");
	cmdline_free(&o);
	CU_ASSERT_EQUAL(parse("", "--nonsense"), -22);
	CU_ASSERT_STRING_EQUAL(err.msg, "'--nonsense' is no option");
	cmdline_free(&o);
	CU_ASSERT_EQUAL(parse("", "--port a=ring:x"), -22);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "port a is in no pair"));
	cmdline_free(&o);
	CU_ASSERT_EQUAL(parse("", "--db"), -22);
	CU_ASSERT_STRING_EQUAL(err.msg, "'--db' needs a value");
	cmdline_free(&o);
	CU_ASSERT_EQUAL(parse("", RINGS "word"), -22);
	CU_ASSERT_STRING_EQUAL(err.msg, "'word' is no option");
	cmdline_free(&o);
}

static void
limits_of_passive_flows_are_settings(void)
{
	struct tcpterm_passive_conf c = { 0 };

	CU_ASSERT_EQUAL(parse(RINGS_CONF "passive-kb = 64\npassive-sample = 10\n",
			      "--passive-segments 16 --passive-reorder-ms 20 --passive-hole-ms 500 "
			      "--passive-compare-kb 2 --passive-compare-ms 7"),
			0);
	cmdline_passive(&o, &c);
	CU_ASSERT_TRUE(c.budget_bytes == 65536 && c.n_segments == 16 && c.sample == 10);
	CU_ASSERT_TRUE(c.reorder_us == 20000 && c.deadline_us == 500000);
	CU_ASSERT_TRUE(c.compare_bytes == 2048 && c.compare_us == 7000);
	cmdline_free(&o);
	CU_ASSERT_EQUAL(parse("", RINGS "--passive-kb 15"), -22);
	CU_ASSERT_STRING_EQUAL(err.msg, "--passive-kb '15': a number from 16 to 1048576 is needed");
	cmdline_free(&o);
	CU_ASSERT_EQUAL(parse("", RINGS "--passive-hole-ms 9"), -22);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(err.msg, "passive-hole-ms 9 is less than passive-reorder-ms 10"));
	cmdline_free(&o);
	CU_ASSERT_EQUAL(parse("", "-r x --passive-reorder-ms 3000"), -22);
	cmdline_free(&o);
}

static void
what_means_nothing_to_a_replay_is_refused(void)
{
	CU_ASSERT_EQUAL(parse("", "-r x -f json -o y --policy p --db d --flows 64 --idle 10 "
				  "--socket-mem 64 --passive-kb 16 --vlan ignore --verbose"),
			0);
	cmdline_free(&o);
	CU_ASSERT_EQUAL(parse("", "--fault a:loss=1% -r x"), -22);
	CU_ASSERT_STRING_EQUAL(err.msg, "--fault means nothing with --read");
	cmdline_free(&o);
	CU_ASSERT_EQUAL(parse("", "-r x --user nobody"), -22);
	CU_ASSERT_STRING_EQUAL(err.msg, "--user means nothing with --read");
	cmdline_free(&o);
	CU_ASSERT_EQUAL(parse("", "-r x --read y"), -22);
	CU_ASSERT_STRING_EQUAL(err.msg, "--read is given twice: one capture at a time");
	cmdline_free(&o);
}

static const char *
nearest_of(const char *word)
{
	static const char *const known[] = { "workers", "cores", "policy", "port", "pair" };
	struct nearest n = nearest_begin(word);
	unsigned i;

	for (i = 0; i < sizeof known / sizeof known[0]; i++)
		nearest_look(&n, known[i]);
	return n.word ? n.word : "";
}

static void
nearest_word_is_found_and_a_far_one_is_not(void)
{
	CU_ASSERT_STRING_EQUAL(nearest_of("wrokers"), "workers");
	CU_ASSERT_STRING_EQUAL(nearest_of("core"), "cores");
	CU_ASSERT_STRING_EQUAL(nearest_of("polcies"), "policy");
	CU_ASSERT_STRING_EQUAL(nearest_of("pairs"), "pair");
	CU_ASSERT_STRING_EQUAL(nearest_of("listen"), "");
	CU_ASSERT_STRING_EQUAL(nearest_of("x"), "");
}

/* The page as text: what troff needs around hyphens is taken away. */
static char *
page(const char *name)
{
	const char *dir = getenv("LEAT_SRCDIR");
	char path[512], *text, *from, *to;
	size_t len;

	snprintf(path, sizeof path, "%s/doc/%s", dir ? dir : ".", name);
	if (text_file_read(path, 1 << 20, &text, &len, &err) != 0)
		return NULL;
	for (from = to = text; *from; from++)
		if (*from != '\\')
			*to++ = *from;
	*to = '\0';
	return text;
}

static void
manual_pages_name_every_option(void)
{
	char *options = page("leatd.8"), *keys = page("leat.conf.5"), word[64];
	unsigned i;

	CU_ASSERT_FATAL(options && keys);
	for (i = 0; i < option_n_rows; i++) {
		snprintf(word, sizeof word, "--%s", option_rows[i].name);
		if (!strstr(options, word)) {
			printf("# leatd.8 does not name %s\n", word);
			CU_FAIL("an option is not in leatd.8");
		}
		snprintf(word, sizeof word, "%s~=~", option_rows[i].name);
		if (option_rows[i].round != OPTION_EARLY && !strstr(keys, word)) {
			printf("# leat.conf.5 does not name %s\n", option_rows[i].name);
			CU_FAIL("a key is not in leat.conf.5");
		}
	}
	free(options);
	free(keys);
}

TAP_MAIN(cmdline, TAP_TEST(file_and_command_line_say_the_same), TAP_TEST(command_line_wins),
	 TAP_TEST(ports_of_the_command_line_replace_those_of_the_file),
	 TAP_TEST(all_errors_are_told_at_once_with_their_lines),
	 TAP_TEST(file_that_is_no_text_is_refused),
	 TAP_TEST(wrong_options_are_told_with_their_names),
	 TAP_TEST(limits_of_passive_flows_are_settings),
	 TAP_TEST(what_means_nothing_to_a_replay_is_refused),
	 TAP_TEST(manual_pages_name_every_option),
	 TAP_TEST(nearest_word_is_found_and_a_far_one_is_not))
