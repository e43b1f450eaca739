/*
 * What a tracked flow counts in few bits: as users see it, it goes on beyond them.
 *
 * Whole streams of many GB go past window.c as headers alone, for it looks at no payload; what
 * they come to is compared with 64-bit counters kept here.
 */
#include "tcpterm/core.h"
#include "tcpterm/measure.h"
#include "tests/unit/lib/tracked.h"
#include "tests/unit/tap.h"

enum { STEP = 1 << 26, WINDOW = 0xffff, SHIFT = 14 };

#define GB (1ull << 30)

static struct {
	uint64_t sent[2], took[2];	/* stream offsets; of the other's */
} model;

static struct track *
the_track(void)
{
	return (struct track *)copies_flow();
}

/* `len` bytes of end `d` from where it is, or from `at` bytes before; all is acknowledged that the
 * other sent, but for `open`. */
static void
speak(unsigned d, uint32_t len, uint32_t at, uint32_t open)
{
	uint64_t from = model.sent[d] - at, ack = model.sent[!d] - open;
	const struct pkt p = {
		.seq = copies.isn[d] + 1 + (uint32_t)from,
		.ack = copies.isn[!d] + 1 + (uint32_t)ack,
		.flags = TCP_ACK,
		.window = WINDOW,
		.payload_len = len,
	};
	struct track *t = the_track();

	if (!window_next(t, &p, d)) {
		CU_ASSERT_EQUAL(window_fit(t, &p, d), WINDOW_FITS);
		window_follow(copies.s, t, &p, d);
	}
	model.sent[d] = RTE_MAX(model.sent[d], from + len);
	model.took[d] = RTE_MAX(model.took[d], ack);
}

static void
begin(void)
{
	memset(&model, 0, sizeof model);
	tracked_begin(TCPTERM_TRACK);
	copies.shift = SHIFT;
	copies.isn[0] = 0xfffffff0;	/* the first lap is a short one */
	copies.isn[1] = 0x7ffffff0;
}

/* A handshake, and windows of a gigabyte. */
static void
open_wide(void)
{
	begin();
	tracked_handshake(100, 100);
	speak(1, 0, 0, 0);
	speak(0, 0, 0, 0);
}

static bool
as_modelled(void)
{
	return window_delivered(the_track(), 0) == model.took[1] &&
	       window_delivered(the_track(), 1) == model.took[0];
}

static void
bytes_taken_are_exact_over_many_laps_of_the_numbers(void)
{
	unsigned bad = 0;

	open_wide();
	speak(1, 1000, 0, 0);
	while (model.sent[0] < 40 * GB) {
		speak(0, STEP - 7, 0, 3);
		speak(0, 1000, 500, 0);		/* half of it again */
		speak(1, 5000, 0, 1000);
		speak(1, 5, 0, 0);
		bad += !as_modelled();
		CU_ASSERT_EQUAL(window_in_flight(the_track(), 1), 5005);
	}
	CU_ASSERT_EQUAL(bad, 0);
	CU_ASSERT_EQUAL(tracked_info(0)->stream_bytes, model.took[1]);
	CU_ASSERT_TRUE(model.took[1] > 39 * GB);
	tracked_end();
}

/* Most flows of less than 16 GB have nothing beside their own object. */
static void
what_fits_takes_no_second_object(void)
{
	open_wide();
	while (model.sent[0] < 15 * GB) {
		speak(0, STEP, 0, 0);
		speak(1, 5, 0, 0);
	}
	CU_ASSERT_TRUE(as_modelled());
	CU_ASSERT_PTR_NULL(the_track()->more);
	tracked_end();
}

/* Met in its middle: bytes count from the first acknowledgement that was seen, whatever was seen
 * first of the other end. */
static void
bytes_of_a_flow_met_in_its_middle_count_from_there(void)
{
	for (int late = -1; late <= 1; late++) {
		begin();
		copies_segment(0, TCP_ACK, 5000, 3000, 100);
		copies_segment(1, TCP_ACK, 3000 + late * 1000, 5100, 500);
		CU_ASSERT_EQUAL(tracked_info(1)->stream_bytes, 0);
		copies_segment(1, TCP_ACK, 4500, 5100, 1000);
		copies_segment(0, TCP_ACK, 5100, 5500, 100);
		CU_ASSERT_EQUAL(tracked_info(1)->stream_bytes, 2500);
		copies_segment(1, TCP_ACK, 5500, 5200, 0);
		CU_ASSERT_EQUAL(tracked_info(0)->stream_bytes, 200);
		tracked_end();
	}
}

/* In units of 32 us there is room for 35 minutes. */
static void
busy_time_goes_on_beyond_its_field(void)
{
	const int64_t hour = 3600ll * 1000 * 1000;

	tracked_begin(TCPTERM_TRACK);
	tracked_handshake(100, 100);
	copies_segment(0, TCP_ACK, 0, 0, 1000);
	for (int64_t i = 1; i <= 3; i++) {
		copies_wait(hour - 1000);
		copies_segment(0, TCP_ACK, i * 1000, 0, 1000);
		CU_ASSERT_TRUE(llabs((int64_t)tracked_info(0)->busy_us - i * (hour - 1000)) < 64);
	}
	CU_ASSERT_EQUAL(tracked_info(1)->busy_us, 0);
	tracked_end();
}

static void
long_waits_of_a_handshake_are_whole(void)
{
	static const int64_t waits[] = { (1 << 20) - 2, (1 << 20) - 1, 1 << 20, 60 * 1000 * 1000 };

	for (unsigned i = 0; i < RTE_DIM(waits); i++) {
		tracked_begin(TCPTERM_TRACK);
		tracked_handshake(waits[i], 7 * 1000 * 1000);
		CU_ASSERT_EQUAL(tracked_info(1)->handshake_us, waits[i]);
		CU_ASSERT_EQUAL(tracked_info(0)->handshake_us, 7 * 1000 * 1000);
		tracked_end();
	}
}

/* --- frames and bytes, of any kind --- */

static void
near_the_end(struct flow *f)
{
	f->count[0].bytes = UINT32_MAX - 99;
	f->count[1].packets = UINT32_MAX;
}

static void
counters_have_carried(unsigned dir1_packets)
{
	const struct flow *f = copies_flow();

	CU_ASSERT_EQUAL(flow_bytes(f, 0), UINT32_MAX + 1ull);
	CU_ASSERT_EQUAL(flow_packets(f, 1), UINT32_MAX + (uint64_t)dir1_packets);
	CU_ASSERT_EQUAL(flow_bytes(f, 1), 0);
}

static void
frames_and_bytes_are_counted_beyond_32_bits(void)
{
	static const enum tcpterm_decision as[] = { TCPTERM_TRACK, TCPTERM_PASS, TCPTERM_PASSIVE };

	for (unsigned i = 0; i < RTE_DIM(as); i++) {
		tracked_begin(as[i]);
		tracked_handshake(100, 100);
		near_the_end(copies_flow());
		copies_segment(0, TCP_ACK, 0, 0, 100);
		copies_segment(1, TCP_ACK, 0, 100, 0);
		counters_have_carried(1);
		tracked_end();
	}
}

static void
what_was_counted_stays_when_the_mode_changes(void)
{
	tracked_begin(TCPTERM_PASSIVE);
	tracked_handshake(100, 100);
	near_the_end(copies_flow());
	copies_segment(0, TCP_ACK, 0, 0, 100);
	copies_segment(1, TCP_ACK, 0, 100, 0);
	copies_flow()->is_copy = false;
	CU_ASSERT_EQUAL(tcpterm_demote(copies.s, copies_flow(), TCPTERM_TRACK), 0);
	counters_have_carried(1);
	copies_segment(1, TCP_ACK, 0, 100, 0);
	CU_ASSERT_EQUAL(tcpterm_demote(copies.s, copies_flow(), TCPTERM_PASS), 0);
	counters_have_carried(2);
	CU_ASSERT_EQUAL(tcpterm_demote(copies.s, copies_flow(), TCPTERM_DROP), 0);
	copies_segment(1, TCP_ACK, 0, 100, 0);
	counters_have_carried(3);
	CU_ASSERT_EQUAL(copies.s->track_more.n_used, 1);
	tcpterm_kill(copies.s, copies_flow(), TCPTERM_END_ABORTED);
	CU_ASSERT_EQUAL(copies.s->track_more.n_used, 0);
	tracked_end();
}

TAP_MAIN(track_counters, TAP_TEST(bytes_taken_are_exact_over_many_laps_of_the_numbers),
	 TAP_TEST(what_fits_takes_no_second_object),
	 TAP_TEST(bytes_of_a_flow_met_in_its_middle_count_from_there),
	 TAP_TEST(busy_time_goes_on_beyond_its_field),
	 TAP_TEST(long_waits_of_a_handshake_are_whole),
	 TAP_TEST(frames_and_bytes_are_counted_beyond_32_bits),
	 TAP_TEST(what_was_counted_stays_when_the_mode_changes))
