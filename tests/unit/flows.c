/*
 * flows.c - reading flows of workers, and the rows that the store gets.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

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

/* --- questions that share the workers --- */

static bool client_takes;
static unsigned n_slow_rows, n_slow_done;

static int
slow_ready(void *aux)
{
	(void)aux;
	return client_takes;
}

static void
slow_row(void *aux, const struct flow_view *v)
{
	(void)aux;
	(void)v;
	n_slow_rows++;
}

static void
slow_done(void *aux, int rc)
{
	(void)aux;
	CU_ASSERT_EQUAL(rc, 0);
	n_slow_done++;
}

static void
asker_that_takes_no_rows_keeps_no_other_waiting(void)
{
	const struct flows_question slow = { .ready = slow_ready,
					     .row = slow_row,
					     .done = slow_done };
	unsigned i;

	box_begin(&box, 2, "default track\n");
	make_flows(N_FLOWS);
	client_takes = false;
	n_slow_rows = n_slow_done = 0;
	CU_ASSERT_EQUAL(flows_ask(box.conf.flows, &slow), 0);
	ask((struct flows_question){ 0 });
	CU_ASSERT_EQUAL(answer.n_done, 1);
	CU_ASSERT_EQUAL(answer.n_rows, N_FLOWS);
	CU_ASSERT_EQUAL(n_slow_rows, 0);
	/* Nor is it given up: it is the asker that does not answer. */
	CU_ASSERT_TRUE(flows_run(box.conf.flows, usec_add(box.now, 60 * 1000 * 1000)));
	client_takes = true;
	for (i = 0; i < 200 && flows_run(box.conf.flows, box.now); i++)
		box_turn(&box);
	CU_ASSERT_EQUAL(n_slow_done, 1);
	CU_ASSERT_EQUAL(n_slow_rows, N_FLOWS);
	box_end(&box);
}

static void
add_counted(void *aux, uint64_t n)
{
	*(uint64_t *)aux += n;
}

static void
count_done(void *aux, int rc)
{
	(void)aux;
	CU_ASSERT_EQUAL(rc, 0);
}

static bool
kill_one(uint64_t arg, unsigned worker, struct tcpterm *stack, struct flow *f, usec_t now)
{
	(void)worker;
	(void)now;
	CU_ASSERT_EQUAL(arg, 17);
	tcpterm_kill(stack, f, TCPTERM_END_ABORTED);
	return true;
}

static uint64_t
count(const char *word, flows_act *act)
{
	struct flow_filter ff;
	uint64_t n = 0;
	const struct flows_question q = {
		.filter = &ff,
		.act = act,
		.arg = 17,
		.counted = add_counted,
		.done = count_done,
		.aux = &n,
	};
	struct err err = { 0 };
	unsigned i;

	CU_ASSERT_EQUAL_FATAL(flow_filter_parse(&ff, 1, &word, &err), 0);
	CU_ASSERT_EQUAL_FATAL(flows_ask(box.conf.flows, &q), 0);
	/* the question has a copy of its own */
	memset(&ff, 0xff, sizeof ff);
	for (i = 0; i < 200 && flows_run(box.conf.flows, box.now); i++)
		box_turn(&box);
	return n;
}

static void
chosen_flows_are_counted_and_killed_and_no_others(void)
{
	box_begin(&box, 2, "default track\n");
	make_flows(N_FLOWS);
	CU_ASSERT_EQUAL(count("port=80", NULL), N_FLOWS);
	CU_ASSERT_EQUAL(count("cport=20000:20099", NULL), 100);
	CU_ASSERT_EQUAL(count("cport=20000:20099", kill_one), 100);
	CU_ASSERT_EQUAL(count("cport=20000:20099", NULL), 0);
	CU_ASSERT_EQUAL(count("port=80", NULL), N_FLOWS - 100);
	CU_ASSERT_EQUAL(box_flows(&box, TCPTERM_KIND_TRACK), N_FLOWS - 100);
	box_end(&box);
}

/* --- many --- */

enum { N_MANY = 100000 };

static void
make_many(void)
{
	unsigned i;

	for (i = 0; i < N_MANY; i++) {
		box_segment(&frame, false, (uint16_t)(1024 + i % 50000), (uint16_t)(80 + i / 50000),
			    TCP_SYN, 0);
		box_send(&box, BOX_A, 0, &frame);
		if (i % 32 != 31)
			continue;
		box_turn(&box);
		box_count(&box, BOX_B);
	}
	box_turn(&box);
	box_count(&box, BOX_B);
	CU_ASSERT_EQUAL(box_flows(&box, TCPTERM_KIND_TRACK), N_MANY);
}

/* Of this thread, so that the machine's other work is not in it. */
static int64_t
cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Asks, and says how many turns the worker took.  How long they were is a note, as it was in a
 * build and on a machine: 70 to 110 us the longest without sanitizers. */
static unsigned
turns_of(const char *what, struct flows_question q)
{
	int64_t longest = 0, all = 0, began, turn;
	unsigned n_turns = 0;

	q.done = take_end;
	memset(&answer, 0, sizeof answer);
	CU_ASSERT_EQUAL_FATAL(flows_ask(box.conf.flows, &q), 0);
	while (flows_run(box.conf.flows, box.now) && n_turns < 100000) {
		began = cpu_us();
		box_turn(&box);
		turn = cpu_us() - began;
		longest = turn > longest ? turn : longest;
		all += turn;
		n_turns++;
	}
	CU_ASSERT_EQUAL(answer.n_done, 1);
	printf("# %s: %u rows, %u turns, %jd us of the worker, the longest turn %jd us\n", what,
	       answer.n_rows, n_turns, (intmax_t)all, (intmax_t)longest);
	return n_turns;
}

static void
reading_100000_flows_takes_no_more_than_64_a_turn(void)
{
	const char *word = "addr=10.9.0.0/16";
	const unsigned least = N_MANY / 64;
	struct flow_filter ff;
	uint64_t n = 0;
	struct err err;

	box_begin_large(&box, 1, 131072, "rule all: track proto tcp\ndefault drop\n");
	make_many();
	CU_ASSERT_EQUAL(flow_filter_parse(&ff, 1, &word, &err), 0);
	CU_ASSERT(turns_of("all copied", (struct flows_question){ .row = take_row }) >= least);
	CU_ASSERT_EQUAL(answer.n_rows, N_MANY);
	CU_ASSERT(turns_of("none chosen",
			   (struct flows_question){ .row = take_row, .filter = &ff }) >= least);
	CU_ASSERT_EQUAL(answer.n_rows, 0);
	CU_ASSERT(turns_of("counted",
			   (struct flows_question){ .counted = add_counted, .aux = &n }) >= least);
	CU_ASSERT_EQUAL(n, N_MANY);
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
	 TAP_TEST(asker_that_takes_no_rows_keeps_no_other_waiting),
	 TAP_TEST(chosen_flows_are_counted_and_killed_and_no_others),
	 TAP_TEST(reading_100000_flows_takes_no_more_than_64_a_turn),
	 TAP_TEST(worker_that_does_not_turn_is_told_of), TAP_TEST(ended_flow_becomes_a_row),
	 TAP_TEST(text_that_is_no_id_is_refused))
