/*
 * measures.c - what is measured of a flow is in every place that shows it: /metrics, flow list,
 * flow show.
 */
#include "vnf/measures.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/tap.h"
#include "vnf/flow_row.h"

static struct flow_record
flow(uint32_t n)
{
	struct flow_record r = { .family = 4, .wscale_clamped = true, .mode = "track" };
	unsigned i;

	for (i = 0; i < 2; i++) {
		r.leg[i] = (struct leg_record){
			.srtt = n + 1 + i,
			.min_rtt = n + 11 + i,
			.retransmits = n + 21 + i,
			.out_of_order = n + 31 + i,
			.zero_windows = n + 41 + i,
			.handshake = n + 51 + i,
			.out_of_window = n + 61 + i,
			.retransmit_bytes = n + 71 + i,
		};
		r.direction[i].goodput = n + 81 + i;
		r.direction[i].gap_bytes = n + 91 + i;
		r.direction[i].conflicts = n + 101 + i;
	}
	return r;
}

static bool
has_line(const char *text, const char *line)
{
	const char *at = strstr(text, line);

	if (at && (at == text || at[-1] == '\n') && at[strlen(line)] == '\n')
		return true;
	printf("# no line \"%s\"\n", line);
	return false;
}

static void
histograms_and_sums_of_ended_flows_are_told(void)
{
	struct measures m = { 0 }, more = { 0 };
	struct flow_record r = flow(100), unmeasured = { .family = 4 };
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	measures_add(&m, &unmeasured);
	measures_add(&m, &r);
	r.leg[0].srtt = 50;	/* a bound is in its bucket */
	measures_add(&more, &r);
	r.leg[0].srtt = 2000000;
	measures_add(&more, &r);
	measures_sum(&m, &more);
	measures_print(&m, f);
	fclose(f);
	CU_ASSERT(has_line(text, "# TYPE leat_flow_rtt_seconds histogram"));
	CU_ASSERT(has_line(text, "leat_flow_rtt_seconds_bucket{leg=\"client\",le=\"5e-05\"} 1"));
	CU_ASSERT(has_line(text, "leat_flow_rtt_seconds_bucket{leg=\"client\",le=\"0.0001\"} 1"));
	CU_ASSERT(has_line(text, "leat_flow_rtt_seconds_bucket{leg=\"client\",le=\"0.00025\"} 2"));
	CU_ASSERT(has_line(text, "leat_flow_rtt_seconds_bucket{leg=\"client\",le=\"1\"} 2"));
	CU_ASSERT(has_line(text, "leat_flow_rtt_seconds_bucket{leg=\"client\",le=\"+Inf\"} 3"));
	CU_ASSERT(has_line(text, "leat_flow_rtt_seconds_sum{leg=\"client\"} 2.000151"));
	CU_ASSERT(has_line(text, "leat_flow_rtt_seconds_count{leg=\"client\"} 3"));
	CU_ASSERT(has_line(text, "leat_flow_rtt_seconds_sum{leg=\"server\"} 0.000306"));
	CU_ASSERT(has_line(text, "leat_flow_handshake_seconds_sum{leg=\"server\"} 0.000456"));
	CU_ASSERT(has_line(text, "leat_flow_goodput_bytes_sum{dir=\"down\"} 546"));
	CU_ASSERT(has_line(text, "leat_flow_retransmits_total{leg=\"client\"} 363"));
	CU_ASSERT(has_line(text, "leat_flow_retransmit_bytes_total{leg=\"client\"} 513"));
	CU_ASSERT(has_line(text, "leat_flow_out_of_order_total{leg=\"server\"} 396"));
	CU_ASSERT(has_line(text, "leat_flow_zero_windows_total{leg=\"client\"} 423"));
	CU_ASSERT(has_line(text, "leat_flow_out_of_window_total{leg=\"client\"} 483"));
	free(text);
}

/* `member` is "\"name\":" and `n` its number. */
static void
says(const struct text *t, const char *name, uint64_t n)
{
	char member[64];
	const char *at;

	snprintf(member, sizeof member, "\"%s\":", name);
	at = strstr(t->s, member);
	if (!at || strtoull(at + strlen(member), NULL, 10) != n)
		printf("# %s is not %ju in %s\n", name, (uintmax_t)n, t->s);
	CU_ASSERT(at && strtoull(at + strlen(member), NULL, 10) == n);
}

static void
list_has_all_that_is_measured(void)
{
	static const struct table_style json = { .format = TABLE_JSON };
	static const struct {
		const char *name[2];
		uint64_t n;
	} measured[] = {
		{ { "client_srtt", "server_srtt" }, 1 },
		{ { "client_min_rtt", "server_min_rtt" }, 11 },
		{ { "client_retrans", "server_retrans" }, 21 },
		{ { "client_out_of_order", "server_out_of_order" }, 31 },
		{ { "client_zero_windows", "server_zero_windows" }, 41 },
		{ { "client_handshake", "server_handshake" }, 51 },
		{ { "client_out_of_window", "server_out_of_window" }, 61 },
		{ { "client_retrans_bytes", "server_retrans_bytes" }, 71 },
		{ { "up_goodput", "down_goodput" }, 81 },
		{ { "up_gap_bytes", "down_gap_bytes" }, 91 },
		{ { "up_conflicts", "down_conflicts" }, 101 },
	};
	struct table_style person = { .format = TABLE_TABLE, .columns = flow_row_table_columns };
	struct table *t = flow_row_table();
	struct flow_view v = { .row = flow(0) };
	struct text text = TEXT_EMPTY;
	struct err err;
	unsigned i, k;

	flow_row_put(t, &v);
	CU_ASSERT_EQUAL_FATAL(table_render(t, &json, &text, &err), 0);
	for (i = 0; i < sizeof measured / sizeof measured[0]; i++)
		for (k = 0; k < 2; k++)
			says(&text, measured[i].name[k], measured[i].n + k);
	CU_ASSERT_PTR_NOT_NULL(strstr(text.s, "\"wscale_clamped\": \"yes\""));
	text.len = 0;
	CU_ASSERT_EQUAL(table_render(t, &person, &text, &err), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(text.s, "server_handshake"));
	CU_ASSERT_PTR_NULL(strstr(text.s, "zero_windows"));
	text_fini(&text);
	table_free(t);
}

TAP_MAIN(measures, TAP_TEST(histograms_and_sums_of_ended_flows_are_told),
	 TAP_TEST(list_has_all_that_is_measured))
