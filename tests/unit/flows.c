/*
 * flows.c - reading flows of workers, and the rows that the store gets.
 */
#include <errno.h>
#include <string.h>

#include "tests/unit/storage.h"
#include "tests/unit/tap.h"
#include "tests/unit/vnf_box.h"
#include "vnf/row.h"

enum { N_FLOWS = 300, FIRST_PORT = 20000 };

static struct vnf_box box;
static struct frame frame;

static struct {
	unsigned n[N_FLOWS], n_rows, n_done;
	int rc;
	struct flow_view last;
} answer;

static void
take_row(void *aux, const struct flow_view *v)
{
	unsigned i = v->row.end[0].port - FIRST_PORT;

	(void)aux;
	if (i < N_FLOWS)
		answer.n[i]++;
	answer.n_rows++;
	answer.last = *v;
}

static void
take_end(void *aux, int rc)
{
	(void)aux;
	answer.rc = rc;
	answer.n_done++;
}

static void
ask(struct flows_question q)
{
	unsigned i;

	q.row = take_row;
	q.done = take_end;
	memset(&answer, 0, sizeof answer);
	CU_ASSERT_EQUAL_FATAL(flows_ask(box.conf.flows, &q), 0);
	for (i = 0; i < 200 && flows_run(box.conf.flows, box.now); i++)
		box_turn(&box);
}

static void
make_flows(unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		box_segment(&frame, false, (uint16_t)(FIRST_PORT + i), 80, TCP_SYN, 0);
		box_send(&box, BOX_A, 0, &frame);
		box_turn(&box);
		box_turn(&box);
	}
	CU_ASSERT_EQUAL(box_count(&box, BOX_B), n);
}

static void
every_flow_of_every_worker_is_read_once(void)
{
	unsigned i;

	box_begin(&box, 2, "rule all: track proto tcp port 80\ndefault drop\n");
	make_flows(N_FLOWS);
	ask((struct flows_question){ 0 });
	CU_ASSERT_EQUAL(answer.n_done, 1);
	CU_ASSERT_EQUAL(answer.rc, 0);
	CU_ASSERT_EQUAL(answer.n_rows, N_FLOWS);
	for (i = 0; i < N_FLOWS; i++)
		CU_ASSERT_EQUAL(answer.n[i], 1);
	CU_ASSERT_STRING_EQUAL(answer.last.row.rule, "all");
	CU_ASSERT_STRING_EQUAL(answer.last.row.mode, "track");
	CU_ASSERT_EQUAL(answer.last.row.end[1].port, 80);
	box_end(&box);
}

static void
one_flow_is_found_by_its_id_and_a_stale_id_is_not(void)
{
	struct flows_question q = { .one = true };
	char id[RECORD_ID];

	box_begin(&box, 2, "default track\n");
	make_flows(3);
	ask((struct flows_question){ 0 });
	memcpy(id, answer.last.row.flow_id, sizeof id);
	CU_ASSERT_TRUE_FATAL(row_id_parse(id, &q.worker, &q.ref, &q.generation));
	ask(q);
	CU_ASSERT_EQUAL(answer.n_rows, 1);
	CU_ASSERT_STRING_EQUAL(answer.last.row.flow_id, id);
	q.generation++;
	ask(q);
	CU_ASSERT_EQUAL(answer.n_rows, 0);
	CU_ASSERT_EQUAL(answer.rc, 0);
	box_end(&box);
}

static void
worker_that_does_not_turn_is_told_of(void)
{
	struct flows_question q = { .row = take_row, .done = take_end };

	box_begin(&box, 1, "default track\n");
	memset(&answer, 0, sizeof answer);
	CU_ASSERT_EQUAL(flows_ask(box.conf.flows, &q), 0);
	CU_ASSERT_TRUE(flows_run(box.conf.flows, box.now));
	CU_ASSERT_FALSE(flows_run(box.conf.flows, usec_add(box.now, 10 * 1000 * 1000)));
	CU_ASSERT_EQUAL(answer.rc, -ETIMEDOUT);
	/* Its late answer is not taken for the next one's. */
	make_flows(2);
	ask((struct flows_question){ 0 });
	CU_ASSERT_EQUAL(answer.n_rows, 2);
	box_end(&box);
}

static void
ended_flow_becomes_a_row(void)
{
	struct err err;

	box_begin(&box, 1, "rule all: track proto tcp port 80\ndefault drop\n");
	make_flows(1);
	box_segment(&frame, true, FIRST_PORT, 80, TCP_RST | TCP_ACK, 0);
	box_send(&box, BOX_B, 0, &frame);
	box_turn(&box);
	CU_ASSERT_EQUAL(box_count(&box, BOX_A), 1);
	CU_ASSERT_EQUAL(journal_drain(box.conf.journal, 100, &err), 1);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM flow WHERE mode = 'track' AND "
				    "rule = 'all' AND server_port = 80 AND up_packets = 1 AND "
				    "down_packets = 1"),
			1);
	box_end(&box);
}

static void
text_that_is_no_id_is_refused(void)
{
	unsigned w;
	uint32_t ref, generation;

	CU_ASSERT_TRUE(row_id_parse("1:50000000:a", &w, &ref, &generation));
	CU_ASSERT_EQUAL(w, 1);
	CU_ASSERT_EQUAL(ref, 0x50000000);
	CU_ASSERT_EQUAL(generation, 10);
	CU_ASSERT_FALSE(row_id_parse("", &w, &ref, &generation));
	CU_ASSERT_FALSE(row_id_parse("1:2", &w, &ref, &generation));
	CU_ASSERT_FALSE(row_id_parse("1:2:3x", &w, &ref, &generation));
	CU_ASSERT_FALSE(row_id_parse("web", &w, &ref, &generation));
}

TAP_MAIN(flows, TAP_TEST(every_flow_of_every_worker_is_read_once),
	 TAP_TEST(one_flow_is_found_by_its_id_and_a_stale_id_is_not),
	 TAP_TEST(worker_that_does_not_turn_is_told_of), TAP_TEST(ended_flow_becomes_a_row),
	 TAP_TEST(text_that_is_no_id_is_refused))
