/*
 * leat.h - one running leatd: everything the main thread made, for its commands.
 *
 * Made in main.c, in the order of the fields, and unmade in the reverse.  The main thread
 * is the control thread: it alone uses what is here, but for what the headers
 * of the parts allow to others.
 */
#ifndef LEAT_VNF_LEAT_H
#define LEAT_VNF_LEAT_H

#include "ctl/unixctl.h"
#include "datapath/pool.h"
#include "vnf/active.h"
#include "vnf/checkpoint.h"
#include "vnf/flows.h"
#include "vnf/journal.h"
#include "vnf/cmdline.h"
#include "vnf/ports.h"
#include "vnf/recorder.h"
#include "vnf/sink.h"
#include "vnf/steer/steering.h"
#include "vnf/vhost_owner.h"
#include "vnf/watch.h"
#include "vnf/worker.h"

struct stay;

struct leat {
	const struct options *o;
	char run_dir[200], db_path[256], ctl_path[256], pid_path[256], stream_path[256];
	int pid_fd;
	unsigned n_frames, n_headers;
	struct pools pools;
	struct store *store;
	struct journal *journal;
	struct sinks *sinks;
	struct ports *ports;
	struct active active;
	struct flows *flows;
	struct captures *captures;
	struct followers *followers;
	struct stay *following;	/* cmd/flow_follow.c's clients */
	struct watches *watches;
	struct stay *watching;	/* cmd/flow_watch.c's */
	struct worker_conf worker_conf;
	struct resume resume;
	struct worker *worker[MAX_WORKERS];
	struct steering steering;
	struct checkpoint checkpoint;
	struct recorder *recorder;
	struct unixctl_conn *db_asker;	/* waits for the recorder's job */
	struct vhost_owner vhost_owner;
	struct unixctl_server *ctl;
	struct scrape *scrape;	/* NULL: no metrics are asked for */
	int signal_fd;
	struct drain drain;
	bool ending;		/* by a signal, once it is drained */
	bool exiting;
	usec_t started;
};

/* cmd/: each file registers its commands. */
void cmd_db_register(struct leat *l);
void cmd_drain_register(struct leat *l);
void cmd_memory_register(struct leat *l);
void cmd_flow_register(struct leat *l);
void cmd_flow_conflicts_register(struct leat *l);
void cmd_flow_follow_register(struct leat *l);
void cmd_flow_kill_register(struct leat *l);
void cmd_pcap_register(struct leat *l);
void cmd_policy_register(struct leat *l);
void cmd_port_register(struct leat *l);
void cmd_status_register(struct leat *l);
void cmd_steer_register(struct leat *l);
void cmd_vlog_register(struct leat *l);
void cmd_worker_register(struct leat *l);

/* cmd/db.c: answers who waits for a job that is over; or who waits at the end. */
void cmd_db_run(struct leat *l);
void cmd_db_end(struct leat *l);

/* cmd/flow_follow.c: in each turn of the control thread, and at its end. */
void cmd_flow_follow_run(struct leat *l, usec_t now);
void cmd_flow_follow_end(struct leat *l);

/* cmd/flow_watch.c: takes a flow/follow that names one flow; false: it does not.  Likewise. */
bool cmd_flow_watch(struct leat *l, struct unixctl_conn *conn, int argc, const char *argv[]);
void cmd_flow_watch_run(struct leat *l, usec_t now);
void cmd_flow_watch_end(struct leat *l);

/* control.c: serves until a signal or `exit` comes. */
int control_open(struct leat *l, struct err *err);
void control_run(struct leat *l);

#endif
