/*
 * checkpoint.c - live flows become rows, and rows of those that a kill interrupted.
 */
#include "vnf/checkpoint.h"

#include <string.h>

#include "tests/unit/disk.h"
#include "tests/unit/storage.h"
#include "tests/unit/tap.h"
#include "tests/unit/vnf_box.h"

enum { N_FLOWS = 700, FIRST_PORT = 20000 };

static struct vnf_box box;
static struct frame frame;
static struct checkpoint checkpoint;

static void
begin(void)
{
	disk_begin();
	box_begin(&box, 2, "rule all: track proto tcp port 80\ndefault drop\n");
	checkpoint_init(&checkpoint, storage, box.conf.flows, box.now);
}

static void
end(void)
{
	disk_heal();
	checkpoint_fini(&checkpoint);
	box_end(&box);
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
	box_count(&box, BOX_B);
}

/* Both threads' parts in turn, for `seconds`. */
static void
pass(unsigned seconds)
{
	usec_t until = usec_add(box.now, (int64_t)seconds * 1000000);

	while (usec_before(box.now, until)) {
		checkpoint_run(&checkpoint, box.now);
		flows_run(box.conf.flows, box.now);
		checkpoint_write(&checkpoint);
		box_turn(&box);
	}
}

static void
live_flows_are_written_every_few_seconds(void)
{
	begin();
	make_flows(N_FLOWS);
	pass(4);
	CU_ASSERT_EQUAL(checkpoint.n_done, 1);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM live"), N_FLOWS);
	CU_ASSERT_EQUAL(storage_int("SELECT count(DISTINCT flow_id) FROM live"), N_FLOWS);
	make_flows(N_FLOWS + 10);
	pass(4);
	CU_ASSERT(checkpoint.n_done >= 2);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM live"), N_FLOWS + 10);
	end();
}

static void
no_flows_write_nothing(void)
{
	struct store_status before, after;

	begin();
	pass(4);
	CU_ASSERT_EQUAL(checkpoint.n_done, 1);
	CU_ASSERT_EQUAL(store_status(storage, &before, &storage_err), 0);
	pass(10);
	CU_ASSERT(checkpoint.n_done >= 3);
	CU_ASSERT_EQUAL(store_status(storage, &after, &storage_err), 0);
	CU_ASSERT_EQUAL(after.wal_used, before.wal_used);
	end();
}

static void
earlier_one_stands_when_the_disk_is_full(void)
{
	begin();
	make_flows(10);
	pass(4);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM live"), 10);
	make_flows(20);
	atomic_store(&disk.write, 13);	/* SQLITE_FULL */
	pass(7);
	CU_ASSERT_EQUAL(checkpoint.n_done, 1);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM live"), 10);
	disk_heal();
	pass(7);
	CU_ASSERT_EQUAL(storage_int("SELECT count(*) FROM live"), 20);
	end();
}

TAP_MAIN(checkpoint, TAP_TEST(live_flows_are_written_every_few_seconds),
	 TAP_TEST(no_flows_write_nothing), TAP_TEST(earlier_one_stands_when_the_disk_is_full))
