/*
 * option.c - see option.h.
 */
#include "vnf/option.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnf/log.h"
#include "vnf/scrape.h"

int
option_read_number(const char *what, const char *text, long low, long high, long *v,
		   struct err *err)
{
	char *end;

	errno = 0;
	*v = strtol(text, &end, 10);
	if (errno == 0 && end != text && *end == '\0' && *v >= low && *v <= high)
		return 0;
	return err_set(err, -EINVAL, "%s%sa number from %ld to %ld is needed", what,
		       *what ? ": " : "", low, high);
}

int
option_text(struct options *o, const struct option_row *row, char *text, struct err *err)
{
	(void)err;
	*(const char **)((char *)o + row->field) = text;
	return 0;
}

int
option_number(struct options *o, const struct option_row *row, char *text, struct err *err)
{
	long v;
	int rc = option_read_number("", text, row->low, row->high, &v, err);

	if (rc == 0)
		*(unsigned *)((char *)o + row->field) = (unsigned)v;
	return rc;
}

int
option_switch(struct options *o, const struct option_row *row, char *text, struct err *err)
{
	bool yes = strcmp(text, "yes") == 0;

	if (!yes && strcmp(text, "no") != 0)
		return err_set(err, -EINVAL, "yes or no is needed");
	*(bool *)((char *)o + row->field) = yes;
	return 0;
}

static int
set_cores(struct options *o, const struct option_row *row, char *text, struct err *err)
{
	char *word, *save, *dash;
	unsigned n = 0;
	long lo, hi;

	(void)row;
	for (word = strtok_r(text, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		dash = strchr(word, '-');
		if (dash)
			*dash++ = '\0';
		if (option_read_number("a core", word, 0, 1023, &lo, err) != 0 ||
		    option_read_number("the last core", dash ? dash : word, lo, 1023, &hi, err) !=
			    0)
			return -EINVAL;
		for (; lo <= hi && n < MAX_WORKERS; lo++)
			o->core[n++] = (int)lo;
	}
	return n ? 0 : err_set(err, -EINVAL, "no core is named");
}

static int
set_congestion(struct options *o, const struct option_row *row, char *text, struct err *err)
{
	if (strcmp(text, "cubic") != 0 && strcmp(text, "reno") != 0)
		return err_set(err, -EINVAL, "cubic or reno is needed");
	return option_text(o, row, text, err);
}

static int
set_metrics(struct options *o, const struct option_row *row, char *text, struct err *err)
{
	int rc = scrape_check(text, err);

	return rc == 0 ? option_text(o, row, text, err) : rc;
}

static int
set_mode(struct options *o, const struct option_row *row, char *text, struct err *err)
{
	char *end;
	unsigned long mode = strtoul(text, &end, 8);

	if (*text < '0' || *text > '7' || *end != '\0' || mode == 0 || mode > 0777)
		return err_set(err, -EINVAL, "an octal mode as 0660 is needed");
	*(unsigned *)((char *)o + row->field) = (unsigned)mode;
	return 0;
}

static int
add_log(struct options *o, const struct option_row *row, char *text, struct err *err)
{
	(void)row;
	if (o->n_log == MAX_LOG_SPECS)
		return err_set(err, -EINVAL, "there are %d already, which is the most",
			       MAX_LOG_SPECS);
	o->log[o->n_log++] = text;
	return log_check(text, err);
}

static int
set_vlan(struct options *o, const struct option_row *row, char *text, struct err *err)
{
	(void)row;
	o->vlan_ignore = strcmp(text, "ignore") == 0;
	if (!o->vlan_ignore && strcmp(text, "stack") != 0)
		return err_set(err, -EINVAL, "stack or ignore is needed");
	return 0;
}

static int
set_checksums(struct options *o, const struct option_row *row, char *text, struct err *err)
{
	if (strcmp(text, "auto") != 0 && strcmp(text, "verify") != 0 && strcmp(text, "trust") != 0)
		return err_set(err, -EINVAL, "auto, verify or trust is needed");
	return option_text(o, row, text, err);
}

static void
clear_log(struct options *o)
{
	o->n_log = 0;
}

static int
set_log_file(struct options *o, const struct option_row *row, char *text, struct err *err)
{
	return option_text(o, row, strcmp(text, "no") == 0 ? NULL : text, err);
}

/* --- the table --- */

#define TEXT(f) .set = option_text, .field = offsetof(struct options, f)
#define SWITCH(f) .set = option_switch, .field = offsetof(struct options, f)
#define MODE(f) .set = set_mode, .field = offsetof(struct options, f)
#define NUMBER(f, lo, hi)                                                                          \
	.set = option_number, .field = offsetof(struct options, f), .low = (lo), .high = (hi)

/* clang-format off */
const struct option_row option_rows[] = {
	{ "name", "NAME", "of this instance (leat)",
	  TEXT(name), .round = OPTION_EARLY },
	{ "config", "FILE", "instead of " LEAT_SYSCONFDIR "/NAME.conf (leat.conf(5))",
	  TEXT(config), .round = OPTION_EARLY },
	{ "check", NULL, "only say whether leatd would start with this configuration and policy",
	  SWITCH(check), .round = OPTION_EARLY },
	{ "check-policy", "FILE", "only say whether the policy is right (-: standard input)",
	  TEXT(check_policy), .round = OPTION_EARLY },
	{ "expand-policy", "FILE", "only write the policy with the files that it names in it",
	  TEXT(expand_policy), .round = OPTION_EARLY },
	{ "read", "FILE", "only show the flows of this pcap or pcapng file (-: standard input)",
	  TEXT(read), .round = OPTION_EARLY, .letter = 'r' },
	{ "output", "DIR", "with -r: write each stream to a file there",
	  TEXT(output), .round = OPTION_EARLY, .letter = 'o' },
	{ "format", "FORMAT", "with -r: table, list, json, csv, eve, stream or none",
	  TEXT(format), .round = OPTION_EARLY, .letter = 'f' },
	{ "vlan", "stack|ignore", "with -r: are VLAN tags part of what makes a flow? (stack)",
	  .set = set_vlan, .round = OPTION_EARLY },
	{ "checksums", "auto|verify|trust",
	  "with -r: is what has a wrong one ignored? (auto: unless there is a reason)",
	  .set = set_checksums, .field = offsetof(struct options, checksums),
	  .round = OPTION_EARLY },
	{ "run-dir", "DIR", "control socket DIR/NAME.ctl and DIR/NAME.pid",
	  TEXT(run_dir) },
	{ "db", "FILE", "database of policies and flows",
	  TEXT(db) },
	{ "keep-days", "N", "remove flows that ended earlier (0: never)",
	  NUMBER(keep_days, 0, 36500) },
	{ "keep-mb", "N", "remove the oldest flows beyond this size (4096; 0: never)",
	  NUMBER(keep_mb, 0, 1 << 30) },
	{ "pcapng-files", "N", "a folder of flows' frames gets so many files (10000; 0: any)",
	  NUMBER(pcapng_files, 0, 1 << 30) },
	{ "pcapng-mb", "N", "and so many MB (1024; 0: any)",
	  NUMBER(pcapng_mb, 0, 1 << 30) },
	{ "policy", "FILE", "load and activate this policy (else: the last active one)",
	  TEXT(policy) },
	{ "port", "NAME=SPEC[,copy][,mirror][,meta][,trust][,vlan-ignore][,mtu=N]",
	  "SPEC: vhost:PATH, afpacket:IF, pcap:IN[,OUT], ring:NAME",
	  .set = option_port, .clear = option_clear_ports },
	{ "pair", "A:B", "A towards clients, B towards servers",
	  .set = option_pair, .clear = option_clear_pairs, .round = OPTION_LATE },
	{ "workers", "N", "threads that handle packets (1)",
	  NUMBER(n_workers, 1, MAX_WORKERS) },
	{ "cores", "LIST", "where they run: 1,2 or 1-2",
	  .set = set_cores },
	{ "flows", "N", "each worker follows so many of each kind at most (65536)",
	  NUMBER(n_flows, 64, 1 << 22) },
	{ "embryos", "N", "handshakes that each worker keeps at most (16384)",
	  NUMBER(n_embryos, 64, 1 << 22) },
	{ "window", "KB", "the largest receive window of a proxied connection (4096)",
	  NUMBER(window_kb, 64, 1 << 20) },
	{ "idle", "SECONDS", "after which a flow that says nothing is forgotten (3600)",
	  NUMBER(idle_s, 10, 30 * 86400) },
	{ "passive-kb", "N", "KB that a direction of a passive flow holds out of order (1024)",
	  NUMBER(passive_kb, 16, 1 << 20) },
	{ "passive-segments", "N", "segments of them (1024)",
	  NUMBER(passive_segments, 16, 1 << 20) },
	{ "passive-reorder-ms", "MS", "how late a tap may show a segment (10)",
	  NUMBER(reorder_ms, 1, 10000) },
	{ "passive-hole-ms", "MS", "after which a hole is a gap without evidence (2000)",
	  NUMBER(hole_ms, 1, 600000) },
	{ "passive-compare-kb", "N", "KB of a direction kept to be compared with what comes (128)",
	  NUMBER(compare_kb, 2, 1 << 20) },
	{ "passive-compare-ms", "MS", "for so long (2000)",
	  NUMBER(compare_ms, 1, 600000) },
	{ "passive-sample", "N", "1 in N passive flows begins while there is no room (0: each)",
	  NUMBER(sample, 0, 1 << 20) },
	{ "congestion", "cubic|reno", "congestion control of proxied connections (cubic)",
	  .set = set_congestion, .field = offsetof(struct options, congestion) },
	{ "drain", "SECONDS", "SIGTERM lets flows end for so long before it ends (0)",
	  NUMBER(drain_s, 0, 86400) },
	{ "bfd-stall-ms", "MS", "no BFD while a worker has hung for so long (300)",
	  NUMBER(bfd_stall_ms, 10, 10000) },
	{ "socket-mem", "MB", "memory for packets (256)",
	  NUMBER(mem_mb, 32, 1 << 20) },
	{ "no-huge", NULL, "ordinary memory instead of hugepages: for tests",
	  SWITCH(no_huge) },
	{ "fault", "PORT:loss=P%,seed=N,log=FILE", "lose frames on purpose as they arrive",
	  .set = option_fault, .clear = option_clear_faults, .round = OPTION_LATE },
	{ "ovs-db", "SOCK", "Open vSwitch's database (this host's)",
	  TEXT(ovs_db) },
	{ "ovs-rundir", "DIR", "where BRIDGE.mgmt is (beside its database)",
	  TEXT(ovs_rundir) },
	{ "instance", "N", "number of this instance in the switch's rules (0)",
	  NUMBER(instance, 0, 255) },
	{ "steer", NULL, "put the steering rules in place and keep them there",
	  SWITCH(steer) },
	{ "bfd-ms", "N", "interval of the switch's BFD on leatd's ports (100; 0: none)",
	  NUMBER(bfd_ms, 0, 10000) },
	{ "clear-on-exit", NULL, "take the steering rules out of the switch at the end",
	  SWITCH(clear_on_exit) },
	{ "offline", "show|clear|bypass", "do this to the switch in place of a leatd that is dead",
	  TEXT(offline), .round = OPTION_EARLY },
	{ "dry-run", NULL, "with --offline: only say what would be sent",
	  SWITCH(dry_run), .round = OPTION_EARLY },
	{ "metrics", "ADDR:PORT|unix:PATH", "Prometheus' text there (leat-metrics(7))",
	  .set = set_metrics, .field = offsetof(struct options, metrics) },
	{ "user", "USER[:GROUP]", "become this user after start, with the capabilities needed",
	  TEXT(user) },
	{ "socket-group", "GROUP", "who may use the control socket, besides root and the user",
	  TEXT(socket_group) },
	{ "socket-readers", "GROUP", "who may ask there, and change nothing",
	  TEXT(socket_readers) },
	{ "socket-mode", "MODE", "of the control socket (0660)",
	  MODE(socket_mode) },
	{ "vhost-owner", "[USER]:[GROUP]", "of the vhost ports' sockets",
	  TEXT(vhost_owner) },
	{ "vhost-mode", "MODE", "of the vhost ports' sockets",
	  MODE(vhost_mode) },
	{ "log", "[MODULE:][DEST:]LEVEL", "what is logged, as leatctl vlog set (info)",
	  .set = add_log, .clear = clear_log },
	{ "log-file", "[=FILE]", "log to a file too (" LEAT_LOGDIR "/NAME.log)",
	  .set = set_log_file, .field = offsetof(struct options, log_file) },
	{ "syslog", NULL, "log to syslog too",
	  SWITCH(syslog) },
	{ "verbose", NULL, "say more",
	  SWITCH(verbose) },
	{ "version", NULL, NULL,
	  SWITCH(version), .round = OPTION_EARLY },
	{ "help", NULL, NULL,
	  SWITCH(help), .round = OPTION_EARLY },
};
/* clang-format on */
const unsigned option_n_rows = sizeof option_rows / sizeof option_rows[0];

const struct option_row *
option_find(const char *name)
{
	unsigned i;

	for (i = 0; i < option_n_rows; i++)
		if (strcmp(option_rows[i].name, name) == 0)
			return &option_rows[i];
	return NULL;
}

/* The copy belongs to `o`. */
static char *
keep(struct options *o, const char *text)
{
	char **more = realloc(o->kept, (o->n_kept + 1) * sizeof *more);

	if (!more)
		return NULL;
	o->kept = more;
	o->kept[o->n_kept] = strdup(text);
	return o->kept[o->n_kept] ? o->kept[o->n_kept++] : NULL;
}

int
option_set(struct options *o, const struct option_row *row, const char *text, struct err *err)
{
	char *copy;

	if (!text)
		text = "yes";
	if (*text == '\0')
		return err_set(err, -EINVAL, "a value is needed: %s",
			       row->arg ? row->arg : "yes or no");
	copy = keep(o, text);
	return copy ? row->set(o, row, copy, err) : err_set(err, -ENOMEM, "no memory");
}
