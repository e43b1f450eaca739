/*
 * store_flow.c - rows of flows that ended, of their gaps, of what was lost.
 */
#include "db/store.h"
#include "tests/unit/storage.h"
#include "tests/unit/tap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int
add(const struct flow_record *r)
{
	return store_flow_ended(storage, r, &storage_err);
}

static void
begin(void)
{
	CU_ASSERT_EQUAL_FATAL(store_begin(storage, &storage_err), 0);
}

static void
commit(void)
{
	CU_ASSERT_EQUAL_FATAL(store_commit(storage, &storage_err), 0);
}

/* The one flow's column, and what it should be. */
static const char *const columns[][2] = {
	{ "id", "1" },
	{ "run", "1" },
	{ "flow_id", "1:5:3" },
	{ "started", "1700000000000005" },
	{ "ended", "1700000001000005" },
	{ "domain", "14" },
	{ "family", "4" },
	{ "client", "192.0.2.255" },
	{ "client_port", "50005" },
	{ "server", "10.1.2.3" },
	{ "server_port", "443" },
	{ "vlan", "100.4094" },
	{ "client_mac", "02:00:5e:10:ff:0a" },
	{ "server_mac", "02:00:5e:10:ff:0b" },
	{ "mode", "proxy" },
	{ "rule", "web" },
	{ "generation", "12" },
	{ "app", "tls" },
	{ "start", "syn" },
	{ "reason", "fin" },
	{ "up_packets", "501" },
	{ "up_bytes", "502" },
	{ "up_gaps", "601" },
	{ "up_gap_bytes", "503" },
	{ "down_packets", "509" },
	{ "down_bytes", "510" },
	{ "down_gaps", "602" },
	{ "down_gap_bytes", "511" },
	{ "client_srtt", "504" },
	{ "client_min_rtt", "505" },
	{ "client_retransmits", "506" },
	{ "client_out_of_order", "507" },
	{ "client_zero_windows", "508" },
	{ "server_srtt", "512" },
	{ "server_min_rtt", "513" },
	{ "server_retransmits", "514" },
	{ "server_out_of_order", "515" },
	{ "server_zero_windows", "516" },
	{ "client_handshake", "700" },
	{ "server_handshake", "701" },
	{ "client_retransmit_bytes", "710" },
	{ "server_retransmit_bytes", "711" },
	{ "client_out_of_window", "720" },
	{ "server_out_of_window", "721" },
	{ "up_goodput", "730" },
	{ "down_goodput", "731" },
	{ "sni", "www.example" },
	{ "coalesce(host, 'null')", "null" },
	{ "alpn", "h2;http/1.1" },
	{ "names", "{\"tls_version\":\"TLS 1.3\",\"ja4\":\"t13d\","
		   "\"ech\":\"a \\\"b\\\" \\\\x5c\"}" },
	{ "up_conflicts", "740" },
	{ "down_conflicts", "741" },
	{ "wscale_clamped", "1" },
	{ "roles", "known" },
};

enum { N_COLUMNS = sizeof columns / sizeof columns[0] };

static void
every_column_of_a_flow_is_what_was_given(void)
{
	struct flow_record r;
	char sql[128];
	size_t i;

	storage_begin(true);
	storage_flow(&r, 5);
	r.direction[RECORD_UP].gaps = 601;
	r.direction[RECORD_DOWN].gaps = 602;
	r.direction[RECORD_UP].conflicts = 740;
	r.direction[RECORD_DOWN].conflicts = 741;
	begin();
	CU_ASSERT_EQUAL(add(&r), 0);
	commit();
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM pragma_table_info('flow')"), N_COLUMNS);
	for (i = 0; i < N_COLUMNS; i++) {
		snprintf(sql, sizeof sql, "SELECT %s FROM flow", columns[i][0]);
		CU_ASSERT_STRING_EQUAL(storage_text(sql), columns[i][1]);
		if (strcmp(storage_text(sql), columns[i][1]) != 0)
			printf("# %s is %s, not %s\n", columns[i][0], storage_text(sql),
			       columns[i][1]);
	}
	storage_end();
}

static void
what_is_not_known_is_null(void)
{
	struct flow_record r = { .family = 4 };

	storage_begin(true);
	begin();
	CU_ASSERT_EQUAL(add(&r), 0);
	commit();
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM flow WHERE app IS NULL "
				    "AND client_mac IS NULL AND server_mac IS NULL "
				    "AND client_srtt IS NULL AND client_min_rtt IS NULL "
				    "AND server_srtt IS NULL AND server_min_rtt IS NULL "
				    "AND client_handshake IS NULL AND up_goodput IS NULL "
				    "AND sni IS NULL AND host IS NULL AND alpn IS NULL "
				    "AND names IS NULL "
				    "AND vlan = '' AND client = '0.0.0.0'"),
			1);
	storage_end();
}

static void
ipv6_and_sixteen_tags_and_full_strings_are_kept(void)
{
	struct flow_record r;
	int i;

	storage_begin(true);
	storage_flow(&r, 1);
	r.family = 6;
	memset(r.end[0].addr, 0, 16);
	memcpy(r.end[0].addr, "\x20\x01\x0d\xb8", 4);
	r.end[0].addr[15] = 1;
	memset(r.end[1].addr, 0xff, 16);
	r.end[0].port = 65535;
	r.n_vlans = 16;
	for (i = 0; i < 16; i++)
		r.vlan[i] = 4095;
	memset(r.rule, 'r', sizeof r.rule);
	memset(r.mode, 'm', sizeof r.mode);
	memset(r.flow_id, 'f', sizeof r.flow_id);
	begin();
	CU_ASSERT_EQUAL(add(&r), 0);
	commit();
	CU_ASSERT_STRING_EQUAL(storage_text("SELECT client FROM flow"), "2001:db8::1");
	CU_ASSERT_STRING_EQUAL(storage_text("SELECT server FROM flow"),
			       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	CU_ASSERT_EQUAL(storage_int("SELECT client_port FROM flow"), 65535);
	CU_ASSERT_STRING_EQUAL(storage_text("SELECT replace(vlan, '4095', 'x') FROM flow"),
			       "x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x");
	CU_ASSERT_EQUAL(storage_int("SELECT length(rule) FROM flow"), sizeof r.rule);
	CU_ASSERT_EQUAL(storage_int("SELECT length(mode) FROM flow"), sizeof r.mode);
	CU_ASSERT_EQUAL(storage_int("SELECT length(flow_id) FROM flow"), sizeof r.flow_id);
	storage_end();
}

static void
counts_beyond_a_signed_integer_are_held_at_its_top(void)
{
	struct flow_record r;

	storage_begin(true);
	storage_flow(&r, 1);
	r.direction[0].bytes = UINT64_MAX;
	r.leg[0].srtt = UINT32_MAX;
	begin();
	CU_ASSERT_EQUAL(add(&r), 0);
	commit();
	CU_ASSERT_EQUAL(storage_int("SELECT up_bytes FROM flow"), INT64_MAX);
	CU_ASSERT_EQUAL(storage_int("SELECT client_srtt FROM flow"), UINT32_MAX);
	storage_end();
}

static void
record_that_can_not_be_is_refused_and_the_batch_goes_on(void)
{
	struct gap_record g = { .flow_id = "a", .length = 0 };
	struct flow_record r;
	struct store_status st;

	storage_begin(true);
	storage_flow(&r, 1);
	begin();
	CU_ASSERT_EQUAL(add(&r), 0);
	r.family = 5;
	CU_ASSERT_EQUAL(add(&r), -EINVAL);
	r.family = 4;
	r.n_vlans = 17;
	CU_ASSERT_EQUAL(add(&r), -EINVAL);
	CU_ASSERT_EQUAL(store_gap(storage, &g, &storage_err), -EINVAL);
	r.n_vlans = 1;
	CU_ASSERT_EQUAL(add(&r), 0);
	commit();
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM flow"), 2);
	CU_ASSERT_EQUAL(store_status(storage, &st, &storage_err), 0);
	CU_ASSERT_EQUAL(st.refused, 3);
	CU_ASSERT_EQUAL(st.committed, 2);
	CU_ASSERT_EQUAL(st.failures, 0);
	storage_end();
}

static void
batch_rolled_back_leaves_nothing_and_its_numbers_are_given_again(void)
{
	struct flow_record r;
	unsigned int i;

	storage_begin(true);
	CU_ASSERT_EQUAL(storage_add_flows(0, 3), 0);
	begin();
	for (i = 0; i < 5; i++) {
		storage_flow(&r, i);
		CU_ASSERT_EQUAL(add(&r), 0);
	}
	CU_ASSERT_EQUAL(store_lost(storage, 9, &storage_err), 0);
	store_rollback(storage);
	CU_ASSERT_EQUAL(storage_add_flows(3, 2), 0);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM flow"), 5);
	CU_ASSERT_EQUAL(storage_int("SELECT max(id) FROM flow"), 5);
	CU_ASSERT_EQUAL(storage_int("SELECT flows FROM run"), 5);
	CU_ASSERT_EQUAL(storage_int("SELECT journal_lost FROM run"), 0);
	storage_end();
}

static void
id_of_a_row_is_not_used_again_after_all_rows_were_removed(void)
{
	storage_begin(true);
	CU_ASSERT_EQUAL(storage_add_flows(0, 4), 0);
	CU_ASSERT_EQUAL(storage_sql("DELETE FROM flow"), 0);
	storage_close();
	CU_ASSERT_EQUAL(storage_open(), 0);
	CU_ASSERT_EQUAL(storage_add_flows(0, 1), 0);
	CU_ASSERT_EQUAL(storage_int("SELECT id FROM flow"), 5);
	storage_end();
}

static void
rows_and_lost_add_up_to_the_flows_that_ended(void)
{
	struct store_status st;

	storage_begin(true);
	CU_ASSERT_EQUAL(storage_add_flows(0, 40), 0);
	begin();
	CU_ASSERT_EQUAL(store_lost(storage, 7, &storage_err), 0);
	CU_ASSERT_EQUAL(store_lost(storage, 3, &storage_err), 0);
	commit();
	CU_ASSERT_EQUAL(storage_int("SELECT flows + journal_lost FROM run"), 50);
	CU_ASSERT_EQUAL(store_status(storage, &st, &storage_err), 0);
	CU_ASSERT_EQUAL(st.journal_lost, 10);
	CU_ASSERT_EQUAL(st.flow_rows, 40);
	storage_end();
}

static int
gap(const char *flow_id, enum record_direction direction, uint64_t offset)
{
	struct gap_record g = {
		.declared = storage_now + 3,
		.offset = offset,
		.length = 1448,
		.direction = direction,
		.reason = "lost-in-tap",
	};

	memcpy(g.flow_id, flow_id, strlen(flow_id));
	return store_gap(storage, &g, &storage_err);
}

static void
gaps_are_joined_to_their_flow_when_it_ends(void)
{
	struct flow_record r;

	storage_begin(true);
	begin();
	CU_ASSERT_EQUAL(gap("1:1:3", RECORD_UP, 100), 0);
	CU_ASSERT_EQUAL(gap("1:1:3", RECORD_DOWN, 5000000000), 0);
	CU_ASSERT_EQUAL(gap("1:2:3", RECORD_UP, 300), 0);
	commit();
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM gap WHERE flow IS NULL"), 3);

	begin();
	storage_flow(&r, 1);
	r.direction[RECORD_UP].gaps = 1;
	r.direction[RECORD_DOWN].gaps = 1;
	CU_ASSERT_EQUAL(add(&r), 0);
	commit();
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM gap WHERE flow IS NULL"), 1);
	CU_ASSERT_STRING_EQUAL(storage_text("SELECT group_concat(flow || direction || offset || "
					    "'+' || length || reason || declared, ' ') "
					    "FROM (SELECT * FROM gap WHERE flow = 1 ORDER BY id)"),
			       "1up100+1448lost-in-tap1700000000000003 "
			       "1down5000000000+1448lost-in-tap1700000000000003");
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM flow_gaps WHERE server = '10.1.2.3'"), 2);
	storage_end();
}

static void
gaps_of_a_flow_go_with_its_row(void)
{
	struct flow_record r;

	storage_begin(true);
	begin();
	CU_ASSERT_EQUAL(gap("1:1:3", RECORD_UP, 100), 0);
	storage_flow(&r, 1);
	r.direction[RECORD_UP].gaps = 1;
	CU_ASSERT_EQUAL(add(&r), 0);
	commit();
	CU_ASSERT_EQUAL(storage_sql("PRAGMA foreign_keys = ON; DELETE FROM flow"), 0);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM gap"), 0);
	storage_end();
}

static void
events_are_kept_with_their_time(void)
{
	storage_begin(true);
	begin();
	CU_ASSERT_EQUAL(store_event(storage, "reload", "web's rules; 2 of them", &storage_err), 0);
	commit();
	CU_ASSERT_STRING_EQUAL(storage_text("SELECT run || what || detail || at FROM event"),
			       "1reloadweb's rules; 2 of them1700000000000000");
	storage_end();
}

static void
views_answer(void)
{
	static const char *const sql[] = {
		"SELECT flows FROM flow_by_rule WHERE rule = 'web' AND mode = 'proxy'",
		"SELECT flows FROM flow_by_app WHERE app = 'tls'",
		"SELECT flows FROM flow_by_reason WHERE reason = 'fin'",
		"SELECT flows FROM top_talkers WHERE client = '192.0.2.255'",
		"SELECT flows FROM retransmitting_pairs WHERE client_retransmits > 0",
		("SELECT count(*) FROM flow_text WHERE client LIKE '192.0.2.255:5000%' "
		 "AND ended = '2023-11-14 22:13:21' AND instance = 'blue' AND seconds = 1.0"),
	};
	size_t i;

	storage_begin(true);
	CU_ASSERT_EQUAL(storage_add_flows(0, 8), 0);
	for (i = 0; i < sizeof sql / sizeof sql[0]; i++)
		CU_ASSERT_EQUAL(storage_int(sql[i]), 8);
	begin();
	CU_ASSERT_EQUAL(gap("1:1:3", RECORD_UP, 100), 0);
	commit();
	CU_ASSERT_EQUAL(storage_int("SELECT bytes FROM gaps_by_hour "
				    "WHERE hour = '2023-11-14 22:00' AND reason = 'lost-in-tap'"),
			1448);
	storage_end();
}

TAP_MAIN(store_flow, TAP_TEST(every_column_of_a_flow_is_what_was_given),
	 TAP_TEST(what_is_not_known_is_null),
	 TAP_TEST(ipv6_and_sixteen_tags_and_full_strings_are_kept),
	 TAP_TEST(counts_beyond_a_signed_integer_are_held_at_its_top),
	 TAP_TEST(record_that_can_not_be_is_refused_and_the_batch_goes_on),
	 TAP_TEST(batch_rolled_back_leaves_nothing_and_its_numbers_are_given_again),
	 TAP_TEST(id_of_a_row_is_not_used_again_after_all_rows_were_removed),
	 TAP_TEST(rows_and_lost_add_up_to_the_flows_that_ended),
	 TAP_TEST(gaps_are_joined_to_their_flow_when_it_ends),
	 TAP_TEST(gaps_of_a_flow_go_with_its_row), TAP_TEST(events_are_kept_with_their_time),
	 TAP_TEST(views_answer))
