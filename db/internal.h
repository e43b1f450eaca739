/*
 * internal.h - the inside of a struct store, shared by the files of db/ alone.
 *
 * store.c opens and closes it, connect.c has its connections, batch.c writes `batch`, error.c the
 * error fields, live.c `cp`, policy.c `kept`, aside.c what is about damage.  Whoever is inside
 * the gate may use all of it.  Outside of it the writer's thread alone uses `sweeper`, which no
 * other thread touches, and reads `wal_pages`.
 */
#ifndef LEAT_DB_INTERNAL_H
#define LEAT_DB_INTERNAL_H

#include "db/gate.h"
#include "db/store.h"

#include <sqlite3.h>

/*
 * The columns that flow and live_flow share, in the order flow_bind() binds them: after
 * `ended` or `seen`, which is ?1.
 */
#define STORE_FLOW_COLUMNS \
	"run, flow_id, started, domain, family, client, client_port, server, server_port, " \
	"vlan, client_mac, server_mac, mode, rule, generation, app, start, " \
	"up_packets, up_bytes, up_gaps, up_gap_bytes, " \
	"down_packets, down_bytes, down_gaps, down_gap_bytes, " \
	"client_srtt, client_min_rtt, client_retransmits, client_out_of_order, " \
	"client_zero_windows, " \
	"server_srtt, server_min_rtt, server_retransmits, server_out_of_order, " \
	"server_zero_windows, client_handshake, server_handshake, client_retransmit_bytes, " \
	"server_retransmit_bytes, client_out_of_window, server_out_of_window, " \
	"up_goodput, down_goodput, sni, host, alpn, names, " \
	"up_conflicts, down_conflicts, wscale_clamped, roles"

/* Policies up to this generation may be removed: all but the newest hundred. */
#define STORE_POLICY_HORIZON \
	"coalesce((SELECT generation FROM policy ORDER BY generation DESC LIMIT 1 OFFSET 100), 0)"

enum {
	STORE_FLOW_PARAMETERS = 52,	/* ?1 and the columns above */
	STORE_PATH = 512,		/* bytes of a path, the NUL too */
	STORE_SUFFIX = 48,		/* of them, for what is appended to the database's */
	STORE_WAL_SWEEP = 4 << 20,	/* bytes of log from which it is emptied */
	STORE_NO_MAX_PAGES = 0x40000000, /* 4 TB: as good as none */
	STORE_TRIM_ROWS = 4096,		/* dead live_flow rows removed by one commit */
};

enum store_stmt {
	STMT_BEGIN,
	STMT_COMMIT,
	STMT_ROLLBACK,
	STMT_RUN_ADD,
	STMT_RUN_COUNT,
	STMT_FLOW,
	STMT_GAP,
	STMT_GAP_ADOPT,
	STMT_GAP_TURN,
	STMT_CONFLICT,
	STMT_CONFLICT_ADOPT,
	STMT_CONFLICT_TURN,
	STMT_CONFLICTS,
	STMT_CONFLICTS_OF,
	STMT_EVENT,
	STMT_LIVE,
	STMT_LIVE_END,
	STMT_LIVE_TRIM,
	STMT_RECOVER_ENDED,
	STMT_RECOVER_NEXT,
	STMT_RECOVER_MOVE,
	STMT_RECOVER_DELETE,
	STMT_INTERRUPTED,
	STMT_PRUNE_FLOWS,
	STMT_PRUNE_OLDEST,
	STMT_PRUNE_GAPS,
	STMT_PRUNE_CONFLICTS,
	STMT_PRUNE_EVENTS,
	STMT_PRUNE_POLICIES,
	STMT_POLICY_CLEAR,
	STMT_POLICY_INSERT,
	STMT_POLICY_SET,
	STMT_POLICY_ACTIVE,
	STMT_POLICY_GET,
	STMT_POLICY_LIST,
	N_STMT
};

/* What this run knows of checkpoints of live flows; a rollback restores it. */
struct checkpoint {
	bool open;		/* begun and not ended */
	bool trim;		/* rows of an older one may be left */
	uint64_t number;	/* of the open one */
	uint64_t done;		/* the last complete one, 0: none */
	int64_t at;		/* us, when the open one began */
	int64_t last_flow;	/* flow.id then */
	uint64_t n_rows;	/* of the open one */
	uint64_t n_done_rows;	/* of the complete one */
};

enum batch_kind { BATCH_OF_ROWS, BATCH_OF_POLICY };

struct batch {
	enum batch_kind kind;
	bool open;
	uint64_t n_flows;	/* rows that count as recorded by this run */
	uint64_t n_lost, n_gaps_lost, n_conflicts_lost, n_waiting;
	bool counted;		/* the caller told these */
	int64_t last_flow;	/* flow.id before the batch */
	struct checkpoint cp;	/* before the batch */
};

/* The last damaged file that was set aside. */
struct store_aside {
	int64_t at;		/* us since 1970 */
	unsigned int n;
	bool unfilled;		/* the new one has not got the policies yet */
	char path[STORE_PATH];
	char why[200];
};

struct store {
	struct gate gate;
	sqlite3 *db;		/* NULL: damage was met, and a new file could not be begun yet */
	sqlite3_stmt *stmt[N_STMT];
	sqlite3 *sweeper;	/* empties the log */
	char *path, *instance, *version;
	uint64_t max_size;
	int lock_fd;
	bool used_before;	/* a daemon had the file open earlier */
	int busy_ms;
	int64_t (*now)(void);
	int64_t started;
	int64_t run;		/* 0: no row of it could be written yet */
	bool run_begun;		/* its row is in the present file */
	int64_t page_size;
	uint64_t wal_limit;
	int64_t wal_pages;	/* frames in the log after the last commit; atomic */
	int64_t last_flow;	/* flow.id last given */
	uint64_t checkpoint_number;	/* last given, only grows */
	bool recover_ended;	/* flows that ended after their checkpoint are sorted out */
	struct checkpoint cp;
	struct batch batch;
	struct store_policy kept;	/* the active one, if this process has seen it */
	struct store_aside aside;
	bool damaged;		/* found at work, not yet set aside */
	uint64_t n_flows, n_lost, n_refused, n_rolled_back, n_failures;
	int last_errno;
	int64_t last_error_at;
	char last_error[512];
};

/* store.c */

/*
 * Lets the calling thread alone into the store and opens the database where it is not open.  An
 * error, also that it is inside already: it is not entered.
 */
int store_enter(struct store *s, struct err *e);

/* Likewise for a thread that must not wait long: -EBUSY after a second. */
int store_visit(struct store *s, struct err *e);
void store_leave(struct store *s);

/* connect.c */

/* Opens the database, creates it or brings it up to date; after a failure nothing is open. */
int store_connect(struct store *s, struct err *e);
void store_disconnect(struct store *s);

/* Writes the row of this run, unless it is there.  In no batch. */
int store_begin_run(struct store *s, struct err *e);

/* aside.c */

/* Renames the damaged file and begins a new one with the policies; nothing is open before. */
int store_begin_anew(struct store *s, struct err *e);

/* Gives a new file the policies, if that is still to be done, and says so in it. */
int store_fill_anew(struct store *s, struct err *e);

/* lock.c */

/*
 * Takes the lock of `path`; returns a descriptor that holds it, or -errno.  *used_before is
 * true if the lock was taken before, by whomever.
 */
int store_lock(const char *path, bool *used_before, struct err *e);

/* statements.c */

/* Prepares s->stmt; returns an SQLite result code.  store_finalize() undoes it at any point. */
int store_prepare(struct store *s);
void store_finalize(struct store *s);

/* error.c */

/* The negative errno for an SQLite result code. */
int store_errno(int rc);

/*
 * Says in *e what failed while `doing`, with what to do about it, remembers it for the
 * status, and returns the negative errno.  `rc` is the code SQLite gave last.
 */
int store_failed(struct store *s, int rc, const char *doing, struct err *e);

/* Likewise for a call or record that is refused: returns -EINVAL. */
int store_refused(struct store *s, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* batch.c */

/* Refuses with -EINVAL unless the calling thread has a batch open. */
int store_want_batch(struct store *s, struct err *e);

/*
 * Opens a batch; the store is entered, and left after a failure.  One of a policy is let through
 * where the log's limit stops flows, and its commit is synced to the disk.
 */
int store_open_batch(struct store *s, enum batch_kind kind, struct err *e);

/*
 * Runs a statement that gives no rows and resets it.  A failure inside a batch,
 * other than of the record itself, rolls the batch back.
 */
int store_run(struct store *s, enum store_stmt which, const char *doing, struct err *e);

/* Ends a failed step as store_run() does, for a statement that was stepped by hand. */
int store_step_failed(struct store *s, sqlite3_stmt *st, int rc, const char *doing, struct err *e);

/* Adds to what an earlier run's row counts, in the open batch. */
int store_run_add(struct store *s, int64_t run, uint64_t n_flows, struct err *e);

/* Moves the log into the database, inside the gate; `truncate` also shortens the file. */
int store_empty_wal(struct store *s, bool truncate);

/* flow.c */

/* Binds the STORE_FLOW_PARAMETERS of STMT_FLOW or STMT_LIVE; -EINVAL if the record can't be one. */
int store_flow_bind(struct store *s, sqlite3_stmt *st, const struct flow_record *r, struct err *e);

/* Gives the pending gaps, or conflicts, of a flow of `run` to row `flow`. */
int store_adopt(struct store *s, enum store_stmt which, int64_t flow, int64_t run,
		const char *flow_id, struct err *e);

/*
 * Made by the build from schema.sql, and from migrations/ in the order of its names: the
 * first of them leads from version 1 to 2.
 */
extern const char schema_sql[];
extern const char *const migration_sql[];
extern const unsigned int n_migration_sql;

#endif
