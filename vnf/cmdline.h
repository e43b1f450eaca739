/*
 * cmdline.h - what leatd is to do, read once at start from its command line (leatd(8)) and its
 * configuration file (leat.conf(5)).
 *
 * The strings belong to the struct.  Main thread, at start; read by any thread afterwards.
 */
#ifndef LEAT_VNF_CMDLINE_H
#define LEAT_VNF_CMDLINE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "datapath/err.h"
#include "datapath/port.h"

enum {
	MAX_PORTS = 16,
	MAX_PAIRS = MAX_PORTS / 2,
	MAX_WORKERS = PORT_MAX_QUEUES,
	MAX_LOG_SPECS = 32,
};

struct port_option {
	const char *name, *spec;
	bool copy;		/* a tap: received only, a copy of what goes elsewhere */
	bool meta;		/* frames carry the metadata tag */
	bool trust, excuse;	/* checksums: parse.h */
	bool vlan_ignore;
	uint16_t mtu;
	struct port_fault fault;
};

struct tcpterm_passive_conf;

struct options {
	const char *name, *config, *run_dir, *db, *policy, *check_policy, *expand_policy;
	const char *ovs_db, *ovs_rundir;
	const char *read;	/* a capture to read in place of all else; NULL: none */
	const char *output;	/* a folder for its streams; NULL: none */
	const char *format;	/* how its flows are shown; NULL: as a table */
	const char *checksums;	/* of its frames: verify, trust; NULL: what can be */
	bool vlan_ignore;	/* of them */
	const char *offline;	/* a steering verb to do without a daemon */
	unsigned instance;	/* number in the switch's rules */
	struct port_option port[MAX_PORTS];
	unsigned n_ports;
	uint8_t pair[MAX_PAIRS][2];	/* indices of ports: client's side, server's side */
	unsigned n_pairs;
	unsigned n_workers;
	int core[MAX_WORKERS];	/* where worker k runs; -1: anywhere */
	unsigned bfd_stall_ms;	/* a worker that has not turned for so long is no function */
	unsigned n_flows, n_embryos;	/* a worker, of each kind; 0: the stack's default */
	unsigned window_kb;	/* 0: the stack's default */
	unsigned idle_s;	/* likewise */
	/* Of passive flows, likewise. */
	unsigned passive_kb, passive_segments, reorder_ms, hole_ms, compare_kb, compare_ms, sample;
	const char *congestion;	/* NULL: likewise */
	unsigned drain_s;	/* SIGTERM drains for so long at most; 0: it does not */
	unsigned mem_mb;	/* 0: the default */
	unsigned keep_days, keep_mb;	/* of ended flows; 0: no limit */
	unsigned pcapng_files, pcapng_mb;	/* in a folder of kept frames; 0: no limit */
	unsigned bfd_ms;	/* of our inline ports in the switch; 0: no BFD */
	bool no_huge, steer, clear_on_exit, dry_run, verbose;
	const char *metrics;		/* where they are told; NULL: nowhere */
	const char *user;		/* USER[:GROUP] to become; NULL: stay */
	const char *socket_group, *socket_readers;
	unsigned socket_mode;
	const char *vhost_owner;	/* [USER]:[GROUP] */
	unsigned vhost_mode;	/* 0: as the umask makes it */
	const char *log[MAX_LOG_SPECS];	/* as vlog/set takes them */
	unsigned n_log;
	const char *log_file;	/* NULL: none; "yes": of the instance's name */
	bool syslog;
	bool check, help, version;
	char **kept;		/* what the strings point into */
	unsigned n_kept;
};

/*
 * 0, or a negative errno with a line for the user.  Faults of the configuration file are lines on
 * `errors` before it.  cmdline_free() is called in both cases.
 */
int cmdline_parse(int argc, char *argv[], struct options *o, FILE *errors, struct err *err);
void cmdline_free(struct options *o);

/* What they say of passive flows. */
void cmdline_passive(const struct options *o, struct tcpterm_passive_conf *c);

/* The text of --help. */
void cmdline_help(FILE *to);

#endif
