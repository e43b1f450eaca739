/*
 * cmd_db.c - db/status.
 */
#include "vnf/cmd.h"

static void
cmd_db_status(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	const struct leat *l = aux;
	struct store_status st;
	struct journal_status js;
	struct table *t;
	struct err err = { 0 };
	int rc = store_status(l->store, &st, &err);

	(void)argc;
	(void)argv;
	t = CMD_TABLE("item", "value");
	cmd_put_str(t, "path", l->db_path);
	cmd_put_str(t, "state", rc == 0 ? "ok" : err.msg);
	cmd_put_uint(t, "run", st.run);
	cmd_put_uint(t, "schema", (uint64_t)st.user_version);
	cmd_put_uint(t, "file_size", st.file_size);
	cmd_put_uint(t, "free_size", st.free_size);
	cmd_put_uint(t, "wal_size", st.wal_size);
	cmd_put_uint(t, "wal_used", st.wal_used);
	cmd_put_uint(t, "flow_rows", st.flow_rows);
	cmd_put_uint(t, "gap_rows", st.gap_rows);
	cmd_put_uint(t, "live_rows", st.live_rows);
	cmd_put_uint(t, "policies", st.policies);
	cmd_put_uint(t, "committed", st.committed);
	cmd_put_uint(t, "refused", st.refused);
	cmd_put_uint(t, "rolled_back", st.rolled_back);
	cmd_put_uint(t, "failures", st.failures);
	cmd_put_str(t, "last_error", st.last_errno ? st.last_error : NULL);
	journal_status(l->journal, &js);
	cmd_put_uint(t, "journal_waiting", js.waiting);
	cmd_put_uint(t, "journal_lost", js.lost);
	cmd_put_uint(t, "checkpoints", l->checkpoint.n_done);
	cmd_reply_table(conn, t);
}

void
cmd_db_register(struct leat *l)
{
	verb_register(l->ctl, "db/status", cmd_db_status, l);
}
