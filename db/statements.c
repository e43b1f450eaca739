/*
 * statements.c - every SQL statement that a store runs more than once.
 */
#include "db/internal.h"

#define TWELVE "?,?,?,?,?,?,?,?,?,?,?,?,"

/* Flows of earlier runs that have live rows, whose end came after their checkpoint. */
#define ENDED_SINCE                                                        \
	"SELECT f.run, f.flow_id "                                         \
	"FROM run r JOIN flow f ON f.run = r.id AND f.id > r.checkpoint_flow " \
	"WHERE r.id IN (SELECT run FROM live_flow WHERE run < ?1)"

#define CONFLICT_COLUMNS "run, flow_id, seen, direction, offset, length, overlap, was, came"

#define OTHER_DIRECTION "CASE direction WHEN 'up' THEN 'down' ELSE 'up' END"

#define LAST_CHECKPOINTED "coalesce((SELECT max(id) FROM run WHERE id < ?1 AND checkpoint > 0), 0)"

static const char *const sql[N_STMT] = {
	[STMT_BEGIN] = "BEGIN IMMEDIATE",
	[STMT_COMMIT] = "COMMIT",
	[STMT_ROLLBACK] = "ROLLBACK",
	[STMT_RUN_ADD] = "UPDATE run SET flows = flows + ?1, last_flow = ?2 WHERE id = ?3",
	[STMT_RUN_COUNT] = "UPDATE run SET flows = flows + ?1, journal_lost = journal_lost + ?2, "
			   "gaps_lost = gaps_lost + ?3, waiting = ?4, counted = ?5, "
			   "last_flow = ?6, conflicts_lost = conflicts_lost + ?7 "
			   "WHERE id = ?8",
	[STMT_FLOW] = "INSERT INTO flow (ended, " STORE_FLOW_COLUMNS ", reason, id) "
		      "VALUES (" TWELVE TWELVE TWELVE TWELVE "?,?,?,?,?,?)",
	[STMT_GAP] = "INSERT INTO gap (run, flow_id, declared, direction, offset, length, reason) "
		     "VALUES (?,?,?,?,?,?,?)",
	[STMT_GAP_ADOPT] = "UPDATE gap SET flow = ?1 "
			   "WHERE flow IS NULL AND run = ?2 AND flow_id = ?3",
	[STMT_GAP_TURN] = "UPDATE gap SET direction = " OTHER_DIRECTION " "
			  "WHERE flow IS NULL AND run = ?1 AND flow_id = ?2",
	[STMT_CONFLICT] = "INSERT INTO conflict (run, flow_id, seen, direction, offset, length, "
			  "overlap, was, came) VALUES (?,?,?,?,?,?,?,?,?)",
	[STMT_CONFLICT_ADOPT] = "UPDATE conflict SET flow = ?1 "
				"WHERE flow IS NULL AND run = ?2 AND flow_id = ?3",
	[STMT_CONFLICT_TURN] = "UPDATE conflict SET direction = " OTHER_DIRECTION " "
			       "WHERE flow IS NULL AND run = ?1 AND flow_id = ?2",
	[STMT_CONFLICTS] = "SELECT " CONFLICT_COLUMNS " FROM conflict ORDER BY id DESC LIMIT ?1",
	[STMT_CONFLICTS_OF] = "SELECT " CONFLICT_COLUMNS " FROM conflict "
			      "WHERE flow_id = ?2 AND run = ?3 ORDER BY id DESC LIMIT ?1",
	[STMT_EVENT] = "INSERT INTO event (run, at, what, detail) VALUES (?,?,?,?)",
	[STMT_LIVE] = "INSERT INTO live_flow (seen, " STORE_FLOW_COLUMNS ", checkpoint, "
		      "client_state, server_state, up_held, down_held) "
		      "VALUES (" TWELVE TWELVE TWELVE TWELVE "?,?,?,?,?,?,?,?,?)",
	[STMT_LIVE_END] = "UPDATE run SET checkpoint = ?1, checkpointed = ?2, checkpoint_flow = ?3 "
			  "WHERE id = ?4",
	[STMT_LIVE_TRIM] = "DELETE FROM live_flow WHERE id IN (SELECT id FROM live_flow "
			   "WHERE run = ?1 AND checkpoint < ?2 LIMIT ?3)",
	/* Rows of no complete checkpoint, and rows of flows whose end was recorded. */
	[STMT_RECOVER_ENDED] =
		"DELETE FROM live_flow WHERE run < ?1 AND ("
		"NOT EXISTS (SELECT 1 FROM run r "
		"WHERE r.id = live_flow.run AND r.checkpoint = live_flow.checkpoint) "
		"OR (run, flow_id) IN (" ENDED_SINCE "))",
	[STMT_RECOVER_NEXT] = "SELECT id, run, up_gaps + down_gaps, flow_id, "
			      "up_conflicts + down_conflicts FROM live_flow "
			      "WHERE run < ?1 ORDER BY run LIMIT 1",
	[STMT_RECOVER_MOVE] = "INSERT INTO flow (id, ended, " STORE_FLOW_COLUMNS ", reason) "
			      "SELECT ?1, seen, " STORE_FLOW_COLUMNS
			      ", 'interrupted' FROM live_flow WHERE id = ?2",
	[STMT_RECOVER_DELETE] = "DELETE FROM live_flow WHERE id = ?1",
	/* Rows that are recovered, and rows that still have to be. */
	[STMT_INTERRUPTED] =
		"SELECT ended, " STORE_FLOW_COLUMNS ", reason FROM flow "
		"WHERE reason = 'interrupted' AND run >= " LAST_CHECKPOINTED " UNION ALL "
		"SELECT seen, " STORE_FLOW_COLUMNS ", 'interrupted' FROM live_flow "
		"WHERE run < ?1 AND run >= " LAST_CHECKPOINTED " AND EXISTS (SELECT 1 FROM run r "
		"WHERE r.id = live_flow.run AND r.checkpoint = live_flow.checkpoint) "
		"AND (run, flow_id) NOT IN (" ENDED_SINCE ")",
	[STMT_PRUNE_FLOWS] = "DELETE FROM flow WHERE id IN (SELECT id FROM flow "
			     "WHERE ended < ?1 ORDER BY ended LIMIT ?2)",
	[STMT_PRUNE_OLDEST] = "DELETE FROM flow WHERE id IN (SELECT id FROM flow "
			      "ORDER BY id LIMIT ?1)",
	/* Those of flows whose end was never recorded. */
	[STMT_PRUNE_GAPS] = "DELETE FROM gap WHERE id IN (SELECT id FROM gap "
			    "WHERE declared < ?1 AND flow IS NULL ORDER BY declared LIMIT ?2)",
	[STMT_PRUNE_CONFLICTS] = "DELETE FROM conflict WHERE id IN (SELECT id FROM conflict "
				 "WHERE seen < ?1 AND flow IS NULL ORDER BY seen LIMIT ?2)",
	[STMT_PRUNE_EVENTS] = "DELETE FROM event WHERE id IN (SELECT id FROM event "
			      "WHERE at < ?1 LIMIT ?2)",
	[STMT_PRUNE_POLICIES] =
		"DELETE FROM policy WHERE generation IN (SELECT generation FROM policy "
		"WHERE loaded < ?1 AND active = 0 AND generation <= " STORE_POLICY_HORIZON
		" LIMIT ?2)",
	[STMT_POLICY_CLEAR] = "UPDATE policy SET active = 0 WHERE active = 1",
	[STMT_POLICY_INSERT] = "INSERT INTO policy (name, text, loaded, active) VALUES (?,?,?,1)",
	[STMT_POLICY_SET] = "UPDATE policy SET active = 1 WHERE generation = ?1",
	[STMT_POLICY_ACTIVE] = "SELECT generation, name, loaded, active, text FROM policy "
			       "WHERE active = 1",
	[STMT_POLICY_GET] = "SELECT generation, name, loaded, active, text FROM policy "
			    "WHERE generation = ?1",
	[STMT_POLICY_LIST] = "SELECT generation, name, loaded, active FROM policy "
			     "ORDER BY generation DESC",
};

int
store_prepare(struct store *s)
{
	int i, rc;

	for (i = 0; i < N_STMT; i++) {
		rc = sqlite3_prepare_v3(s->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &s->stmt[i],
					NULL);
		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

void
store_finalize(struct store *s)
{
	int i;

	for (i = 0; i < N_STMT; i++) {
		sqlite3_finalize(s->stmt[i]);
		s->stmt[i] = NULL;
	}
}
