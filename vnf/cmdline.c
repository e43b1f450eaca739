/*
 * cmdline.c - see cmdline.h.  What there is to say is in the table (option.h); the file is
 * read between the options that choose it and those that override it.
 */
#include "vnf/cmdline.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tcpterm/passive.h>

#include "vnf/conf.h"
#include "vnf/option.h"

enum {
	HELP_COLUMN = 25,
	MAX_ROWS = 96,
	FIRST = 256,		/* getopt's number of the first row */
	REORDER_MS = 10,	/* the stack's defaults (passive.h) */
	HOLE_MS = 2000,
};

/* --- help --- */

/* May its value be left out? */
static bool
is_optional(const struct option_row *row)
{
	return !row->arg || strncmp(row->arg, "[=", 2) == 0;
}

static void
help_row(const struct option_row *row, FILE *to)
{
	const char *arg = row->arg ? row->arg : "";
	const char letter[] = { '-', row->letter, ',', ' ', '\0' };
	int n = fprintf(to, "  %s--%s%s%s", row->letter ? letter : "", row->name,
			*arg == '\0' || is_optional(row) ? "" : " ", arg);
	const char *line = row->help, *end;

	if (n > HELP_COLUMN - 2) {
		fputc('\n', to);
		n = 0;
	}
	for (; line; line = end ? end + 1 : NULL) {
		end = strchr(line, '\n');
		fprintf(to, "%*s%.*s\n", HELP_COLUMN - n, "",
			end ? (int)(end - line) : (int)strlen(line), line);
		n = 0;
	}
}

void
cmdline_help(FILE *to)
{
	unsigned i;

	fputs("Usage: leatd [OPTION]...\n"
	      "Terminates, follows or reassembles the TCP flows that come by its ports "
	      "(leatd(8)).\n\n",
	      to);
	for (i = 0; i < option_n_rows; i++)
		if (option_rows[i].help)
			help_row(&option_rows[i], to);
	fputs("  --version, --help\n", to);
}

/* --- arguments --- */

/* `letters`: those that are options, in getopt's form. */
static void
make_getopt(struct option *table, char *letters)
{
	unsigned i;

	letters += sprintf(letters, "+:");

	memset(table, 0, (MAX_ROWS + 1) * sizeof *table);
	for (i = 0; i < option_n_rows && i < MAX_ROWS; i++) {
		table[i].name = option_rows[i].name;
		table[i].has_arg = is_optional(&option_rows[i]) ? optional_argument
								: required_argument;
		table[i].val = FIRST + (int)i;
		if (option_rows[i].letter)
			letters += sprintf(letters, "%c:", option_rows[i].letter);
	}
}

static const struct option_row *
row_of(int opt)
{
	unsigned i;

	for (i = 0; opt < FIRST && i < option_n_rows; i++)
		if (option_rows[i].letter == opt)
			return &option_rows[i];
	return &option_rows[opt - FIRST];
}

static int
set_argument(struct options *o, const struct option_row *row, const char *text, struct err *err)
{
	struct err why = { 0 };

	if (option_set(o, row, text, &why) == 0)
		return 0;
	return err_set(err, -EINVAL, "--%s%s%s%s: %s", row->name, text ? " '" : "",
		       text ? text : "", text ? "'" : "", why.msg);
}

/* Of those that are not for a capture alone: what means something with one. */
static bool
is_of_replay(const struct option_row *row)
{
	static const char *const names[] = { "policy",	   "db",      "flows",	"idle",
					     "socket-mem", "no-huge", "verbose" };
	unsigned i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(row->name, names[i]) == 0)
			return true;
	return row->round == OPTION_EARLY || strncmp(row->name, "passive-", 8) == 0;
}

static int
check_argument(const struct options *o, const struct option_row *row, bool again, struct err *err)
{
	if (o->read && again && row->letter == 'r')
		return err_set(err, -EINVAL, "--read is given twice: one capture at a time");
	if (o->read && !is_of_replay(row))
		return err_set(err, -EINVAL, "--%s means nothing with --read", row->name);
	return 0;
}

/* The options of one round, from all of argv. */
static int
read_arguments(int argc, char *argv[], enum option_round round, struct options *o, struct err *err)
{
	struct option table[MAX_ROWS + 1];
	bool seen[MAX_ROWS] = { false };
	const struct option_row *row;
	char letters[2 * MAX_ROWS];
	int opt, rc = 0;

	make_getopt(table, letters);
	opterr = 0;
	optind = 0;	/* glibc: begin anew */
	while (rc == 0 && (opt = getopt_long(argc, argv, letters, table, NULL)) != -1) {
		if (opt == '?')
			return err_set(err, -EINVAL, "'%s' is no option", argv[optind - 1]);
		if (opt == ':')
			return err_set(err, -EINVAL, "'%s' needs a value", argv[optind - 1]);
		row = row_of(opt);
		rc = check_argument(o, row, seen[row - option_rows], err);
		if (rc != 0 || row->round != round)
			continue;
		if (row->clear && !seen[row - option_rows])
			row->clear(o);
		seen[row - option_rows] = true;
		rc = set_argument(o, row, optarg, err);
	}
	if (rc == 0 && optind < argc)
		return err_set(err, -EINVAL, "'%s' is no option", argv[optind]);
	return rc;
}

/* --- all --- */

static int
read_file(struct options *o, FILE *errors, struct err *err)
{
	const char *dir = getenv("LEAT_SYSCONFDIR");
	char path[512];

	if (o->config)
		return conf_read(o->config, o, errors, err);
	snprintf(path, sizeof path, "%s/%s.conf", dir ? dir : LEAT_SYSCONFDIR, o->name);
	if (strchr(o->name, '/') || access(path, F_OK) != 0)
		return 0;
	return conf_read(path, o, errors, err);
}

void
cmdline_passive(const struct options *o, struct tcpterm_passive_conf *c)
{
	c->budget_bytes = o->passive_kb * 1024;
	c->n_segments = o->passive_segments;
	c->reorder_us = o->reorder_ms * 1000LL;
	c->deadline_us = o->hole_ms * 1000LL;
	c->compare_bytes = o->compare_kb * 1024;
	c->compare_us = o->compare_ms * 1000LL;
	c->sample = o->sample;
}

/* What comes late may come up to the deadline. */
static int
check_passive(const struct options *o, struct err *err)
{
	unsigned reorder = o->reorder_ms ? o->reorder_ms : REORDER_MS;
	unsigned hole = o->hole_ms ? o->hole_ms : HOLE_MS;

	return hole >= reorder ? 0
			       : err_set(err, -EINVAL,
					 "passive-hole-ms %u is less than passive-reorder-ms %u: "
					 "no segment that is late could be waited for",
					 hole, reorder);
}

static int
complete(struct options *o, struct err *err)
{
	if (o->n_ports == 0)
		return err_set(err, -EINVAL, "no port: give --port NAME=SPEC, twice for a pair");
	return check_passive(o, err) != 0 ? -EINVAL : option_complete_pairs(o, err);
}

int
cmdline_parse(int argc, char *argv[], struct options *o, FILE *errors, struct err *err)
{
	unsigned i;
	int rc;

	*o = (struct options){
		.name = "leat",
		.n_workers = 1,
		.bfd_ms = 100,
		.bfd_stall_ms = 300,
		.keep_mb = 4096,
		.pcapng_files = 10000,
		.pcapng_mb = 1024,
		.socket_mode = 0660,
	};
	for (i = 0; i < MAX_WORKERS; i++)
		o->core[i] = -1;
	rc = read_arguments(argc, argv, OPTION_EARLY, o, err);
	if (rc != 0 || o->help || o->version || o->check_policy || o->expand_policy)
		return rc;
	if (o->offline || o->read)
		return read_arguments(argc, argv, OPTION_PLAIN, o, err) != 0
			       ? -EINVAL
			       : check_passive(o, err);
	rc = read_file(o, errors, err);
	if (rc == 0)
		rc = read_arguments(argc, argv, OPTION_PLAIN, o, err);
	if (rc == 0)
		rc = read_arguments(argc, argv, OPTION_LATE, o, err);
	return rc == 0 ? complete(o, err) : rc;
}

void
cmdline_free(struct options *o)
{
	while (o->n_kept > 0)
		free(o->kept[--o->n_kept]);
	free(o->kept);
	o->kept = NULL;
}
