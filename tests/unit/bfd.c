/*
 * bfd.c - the answers to the switch's BFD, against frames made by hand from RFC 5880 and 5881.
 */
#include <string.h>

#include "tests/unit/frame.h"
#include "tests/unit/lib/put.h"
#include "tests/unit/tap.h"
#include "vnf/bfd.h"

enum {
	OUR_DISC = 0x0badcafe,
	PEER_DISC = 0x11223344,
	MS = 1000,
	INTERVAL_MS = 100,

	IP = 14,
	UDP = 34,
	CONTROL = 42,
	POLL = 0x20,
	FINAL = 0x10,
};

static struct bfd session;
static uint8_t asked[96], said[BFD_FRAME];
static usec_t now;

static uint32_t
get32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Of the pseudo-header and the datagram; 0xffff where the checksum in it is right. */
static uint16_t
udp_sum(const uint8_t *frame)
{
	unsigned len = (unsigned)frame[UDP + 4] << 8 | frame[UDP + 5];

	return naive_sum(frame + UDP, len, naive_sum(frame + IP + 12, 8, 17 + len));
}

static void
seal(void)
{
	put16(asked + IP + 10, 0);
	put16(asked + IP + 10, 0xffff ^ naive_sum(asked + IP, 20, 0));
	put16(asked + UDP + 6, 0);
	put16(asked + UDP + 6, 0xffff ^ udp_sum(asked));
}

/* As Open vSwitch 3.1 sends it. */
static void
ask(enum bfd_state state, unsigned flags, uint32_t your_disc)
{
	static const uint8_t head[] = {
		0x00, 0x23, 0x20, 0x00, 0x00, 0x01, 0x02, 0x00, 0x00, 0x00, 0x00, 0x31, 0x08, 0x00,
		0x45, 0xc0, 0x00, 0x34, 0x00, 0x00, 0x00, 0x00, 0xff, 0x11, 0x00, 0x00, 169,  254,
		1,    1,    169,  254,	1,    0,    0xd4, 0x31, 0x0e, 0xc8, 0x00, 0x20, 0x00, 0x00,
	};
	uint8_t *c = asked + CONTROL;

	memset(asked, 0, sizeof asked);
	memcpy(asked, head, sizeof head);
	c[0] = 1 << 5;
	c[1] = (uint8_t)(state << 6 | flags);
	c[2] = 3;
	c[3] = 24;
	put32(c + 4, PEER_DISC);
	put32(c + 8, your_disc);
	put32(c + 12, (state == BFD_UP ? INTERVAL_MS : 1000) * MS);
	put32(c + 16, INTERVAL_MS * MS);
	seal();
}

static enum bfd_input_result
tell(enum bfd_answer say)
{
	CU_ASSERT_TRUE(bfd_is_for_us(asked, BFD_FRAME));
	memset(said, 0xee, sizeof said);
	return bfd_input(&session, asked, BFD_FRAME, now, say, said);
}

/* The state in the answer; -1: none came. */
static int
answer(enum bfd_state state, unsigned flags, uint32_t your_disc)
{
	ask(state, flags, your_disc);
	return tell(BFD_SAY_ALIVE) == BFD_ANSWERED ? said[CONTROL + 1] >> 6 : -1;
}

static void
begin(void)
{
	now = (usec_t){ 1000 * 1000 };
	bfd_init(&session, OUR_DISC);
}

static void
come_up(void)
{
	begin();
	CU_ASSERT_EQUAL(answer(BFD_DOWN, 0, 0), BFD_INIT);
	CU_ASSERT_EQUAL(answer(BFD_INIT, 0, OUR_DISC), BFD_UP);
	CU_ASSERT_EQUAL(answer(BFD_UP, 0, OUR_DISC), BFD_UP);
}

static void
session_comes_up_by_down_init_up(void)
{
	come_up();
	CU_ASSERT_EQUAL(bfd_state(&session, now), BFD_UP);
	CU_ASSERT_EQUAL(said[CONTROL] & 0x1f, 0);
}

static void
init_answered_by_init_comes_up_too(void)
{
	/* both ends say Down at once; the peer takes our Init for its way up */
	begin();
	CU_ASSERT_EQUAL(answer(BFD_DOWN, 0, 0), BFD_INIT);
	CU_ASSERT_EQUAL(answer(BFD_UP, 0, OUR_DISC), BFD_UP);
}

static void
answer_is_a_whole_datagram_back_to_the_asker(void)
{
	begin();
	CU_ASSERT_EQUAL(answer(BFD_DOWN, 0, 0), BFD_INIT);
	CU_ASSERT_EQUAL(memcmp(said, "\x02\0\0\0\0\x31\x00\x23\x20\0\0\x01\x08\0", 14), 0);
	CU_ASSERT_EQUAL(memcmp(said + IP, "\x45\xc0\0\x34", 4), 0);
	CU_ASSERT_EQUAL(said[IP + 8], 255);
	CU_ASSERT_EQUAL(said[IP + 9], 17);
	CU_ASSERT_EQUAL(memcmp(said + IP + 12, "\xa9\xfe\1\0\xa9\xfe\1\1", 8), 0);
	CU_ASSERT_EQUAL(naive_sum(said + IP, 20, 0), 0xffff);
	CU_ASSERT_TRUE((said[UDP] << 8 | said[UDP + 1]) >= 49152);
	CU_ASSERT_EQUAL(memcmp(said + UDP + 2, "\x0e\xc8\0\x20", 4), 0);
	CU_ASSERT_EQUAL(udp_sum(said), 0xffff);
	CU_ASSERT_EQUAL(said[CONTROL] >> 5, 1);
	CU_ASSERT_EQUAL(said[CONTROL + 3], 24);
	CU_ASSERT_EQUAL(get32(said + CONTROL + 4), OUR_DISC);
	CU_ASSERT_EQUAL(get32(said + CONTROL + 8), PEER_DISC);
	CU_ASSERT_EQUAL(get32(said + CONTROL + 20), 0);
}

static void
intervals_and_multiplier_are_the_askers(void)
{
	begin();
	answer(BFD_DOWN, 0, 0);
	/* RFC 5880 6.8.3: at least a second while the session is not up */
	CU_ASSERT_EQUAL(get32(said + CONTROL + 12), 1000 * MS);
	answer(BFD_INIT, 0, OUR_DISC);
	ask(BFD_UP, 0, OUR_DISC);
	asked[CONTROL + 2] = 5;
	seal();
	CU_ASSERT_EQUAL(tell(BFD_SAY_ALIVE), BFD_ANSWERED);
	CU_ASSERT_EQUAL(get32(said + CONTROL + 12), INTERVAL_MS * MS);
	CU_ASSERT_EQUAL(said[CONTROL + 2], 5);
	CU_ASSERT_TRUE(get32(said + CONTROL + 16) <= INTERVAL_MS * MS);
}

static void
poll_is_answered_by_final(void)
{
	come_up();
	CU_ASSERT_EQUAL(said[CONTROL + 1] & (POLL | FINAL), 0);
	CU_ASSERT_EQUAL(answer(BFD_UP, POLL, OUR_DISC), BFD_UP);
	CU_ASSERT_EQUAL(said[CONTROL + 1] & (POLL | FINAL), FINAL);
	CU_ASSERT_EQUAL(answer(BFD_UP, FINAL, OUR_DISC), BFD_UP);
	CU_ASSERT_EQUAL(said[CONTROL + 1] & (POLL | FINAL), 0);
}

static void
session_on_its_way_up_polls(void)
{
	begin();
	CU_ASSERT_EQUAL(answer(BFD_DOWN, 0, 0), BFD_INIT);
	CU_ASSERT_EQUAL(said[CONTROL + 1] & (POLL | FINAL), POLL);
	CU_ASSERT_EQUAL(answer(BFD_DOWN, POLL, 0), BFD_INIT);	/* never both */
	CU_ASSERT_EQUAL(said[CONTROL + 1] & (POLL | FINAL), FINAL);
	CU_ASSERT_EQUAL(answer(BFD_UP, FINAL, OUR_DISC), BFD_UP);
	CU_ASSERT_EQUAL(said[CONTROL + 1] & (POLL | FINAL), 0);
}

/* Each is wrong in one byte; the checksums are right again. */
static void
what_rfc_5880_discards_is_not_answered(void)
{
	static const struct {
		unsigned at;
		uint8_t v;
	} wrong[] = {
		{ CONTROL, 0 << 5 },		/* version */
		{ CONTROL, 2 << 5 },
		{ CONTROL + 1, BFD_UP << 6 | 0x04 },	/* authentication that we have not */
		{ CONTROL + 1, BFD_UP << 6 | 0x01 },	/* multipoint */
		{ CONTROL + 2, 0 },		/* multiplier */
		{ CONTROL + 3, 23 },		/* length */
		{ CONTROL + 3, 25 },		/* beyond the datagram */
		{ CONTROL + 8, 0xff },		/* discriminator of somebody else's session */
		{ IP + 8, 254 },		/* RFC 5881 5: it came by a router */
		{ IP + 6, 0x20 },		/* a fragment */
		{ UDP + 5, 0x1f },		/* too short for what is in it */
		{ UDP + 5, 0x21 },		/* beyond the IP datagram */
		{ IP + 3, 0x35 },		/* beyond the frame */
	};
	unsigned i;

	for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		come_up();
		ask(BFD_UP, 0, OUR_DISC);
		asked[wrong[i].at] = wrong[i].v;
		seal();
		CU_ASSERT_EQUAL(tell(BFD_SAY_ALIVE), BFD_REFUSED);
		CU_ASSERT_EQUAL(bfd_state(&session, now), BFD_UP);
	}
	come_up();
	ask(BFD_UP, 0, OUR_DISC);
	put32(asked + CONTROL + 4, 0);	/* no discriminator of its own */
	seal();
	CU_ASSERT_EQUAL(tell(BFD_SAY_ALIVE), BFD_REFUSED);
}

static void
discriminator_of_zero_is_for_a_session_that_is_down(void)
{
	come_up();
	CU_ASSERT_EQUAL(answer(BFD_UP, 0, 0), -1);
	CU_ASSERT_EQUAL(answer(BFD_INIT, 0, 0), -1);
	CU_ASSERT_EQUAL(answer(BFD_DOWN, 0, 0), BFD_DOWN);
}

static void
wrong_checksums_are_not_answered(void)
{
	begin();
	ask(BFD_DOWN, 0, 0);
	asked[IP + 10] ^= 1;
	CU_ASSERT_EQUAL(tell(BFD_SAY_ALIVE), BFD_REFUSED);
	ask(BFD_DOWN, 0, 0);
	asked[CONTROL + 15] ^= 1;
	CU_ASSERT_EQUAL(tell(BFD_SAY_ALIVE), BFD_REFUSED);
	ask(BFD_DOWN, 0, 0);
	put16(asked + UDP + 6, 0);	/* RFC 768: none was made */
	CU_ASSERT_EQUAL(tell(BFD_SAY_ALIVE), BFD_ANSWERED);
}

static void
other_frames_are_nobodys_but_the_bridges(void)
{
	begin();
	ask(BFD_DOWN, 0, 0);
	CU_ASSERT_TRUE(bfd_is_for_us(asked, BFD_FRAME));
	CU_ASSERT_FALSE(bfd_is_for_us(asked, BFD_FRAME - 1));
	asked[0] = 2;	/* a guest's own BFD */
	CU_ASSERT_FALSE(bfd_is_for_us(asked, BFD_FRAME));
	ask(BFD_DOWN, 0, 0);
	asked[UDP + 3] = 0xc9;
	CU_ASSERT_FALSE(bfd_is_for_us(asked, BFD_FRAME));
	ask(BFD_DOWN, 0, 0);
	asked[IP + 9] = 6;
	CU_ASSERT_FALSE(bfd_is_for_us(asked, BFD_FRAME));
	ask(BFD_DOWN, 0, 0);
	asked[12] = 0x81;
	CU_ASSERT_FALSE(bfd_is_for_us(asked, BFD_FRAME));
}

static void
peer_that_goes_down_takes_the_session_down(void)
{
	come_up();
	CU_ASSERT_EQUAL(answer(BFD_DOWN, 0, OUR_DISC), BFD_DOWN);
	CU_ASSERT_EQUAL(said[CONTROL] & 0x1f, 3);	/* neighbour signalled session down */
	CU_ASSERT_EQUAL(answer(BFD_DOWN, 0, OUR_DISC), BFD_INIT);
	CU_ASSERT_EQUAL(answer(BFD_INIT, 0, OUR_DISC), BFD_UP);
	come_up();
	CU_ASSERT_EQUAL(answer(BFD_ADMIN_DOWN, 0, 0), BFD_DOWN);
	CU_ASSERT_EQUAL(answer(BFD_ADMIN_DOWN, 0, 0), BFD_DOWN);
}

static void
up_alone_does_not_bring_a_session_up(void)
{
	begin();
	CU_ASSERT_EQUAL(answer(BFD_UP, 0, OUR_DISC), BFD_DOWN);
	CU_ASSERT_EQUAL(bfd_state(&session, now), BFD_DOWN);
}

static void
peer_that_restarts_is_a_new_session(void)
{
	come_up();
	ask(BFD_DOWN, 0, 0);
	put32(asked + CONTROL + 4, 0x55667788);
	seal();
	CU_ASSERT_EQUAL(tell(BFD_SAY_ALIVE), BFD_ANSWERED);
	CU_ASSERT_EQUAL(said[CONTROL + 1] >> 6, BFD_DOWN);
	CU_ASSERT_EQUAL(get32(said + CONTROL + 8), 0x55667788);
}

static void
our_restart_ignores_what_was_for_the_session_before(void)
{
	come_up();
	bfd_init(&session, OUR_DISC + 1);
	CU_ASSERT_EQUAL(answer(BFD_UP, 0, OUR_DISC), -1);
	CU_ASSERT_EQUAL(answer(BFD_INIT, 0, OUR_DISC), -1);
	/* down, it may name a session that is no more; see acceptable() */
	CU_ASSERT_EQUAL(answer(BFD_DOWN, 0, OUR_DISC), BFD_INIT);
	CU_ASSERT_EQUAL(answer(BFD_UP, 0, OUR_DISC + 1), BFD_UP);
}

static void
silent_peer_is_down_after_its_detection_time(void)
{
	come_up();
	now = usec_add(now, 3 * INTERVAL_MS * MS - 1);
	CU_ASSERT_EQUAL(bfd_state(&session, now), BFD_UP);
	now = usec_add(now, 1);
	CU_ASSERT_EQUAL(bfd_state(&session, now), BFD_DOWN);
	CU_ASSERT_EQUAL(answer(BFD_UP, 0, OUR_DISC), BFD_DOWN);
	CU_ASSERT_EQUAL(said[CONTROL] & 0x1f, 1);	/* control detection time expired */
	CU_ASSERT_EQUAL(answer(BFD_DOWN, 0, OUR_DISC), BFD_INIT);
}

static void
withheld_answers_leave_the_session_to_expire(void)
{
	unsigned i;

	come_up();
	for (i = 0; i < 4; i++) {
		now = usec_add(now, INTERVAL_MS * MS);
		ask(BFD_UP, 0, OUR_DISC);
		CU_ASSERT_EQUAL(tell(BFD_SAY_NOTHING), BFD_WITHHELD);
		CU_ASSERT_EQUAL(said[0], 0xee);
	}
	CU_ASSERT_EQUAL(bfd_state(&session, now), BFD_DOWN);
}

static void
admin_down_is_said_at_once_and_taken_back(void)
{
	come_up();
	ask(BFD_UP, 0, OUR_DISC);
	CU_ASSERT_EQUAL(tell(BFD_SAY_ADMIN_DOWN), BFD_ANSWERED);
	CU_ASSERT_EQUAL(said[CONTROL + 1] >> 6, BFD_ADMIN_DOWN);
	CU_ASSERT_EQUAL(said[CONTROL] & 0x1f, 7);
	ask(BFD_DOWN, 0, OUR_DISC);
	CU_ASSERT_EQUAL(tell(BFD_SAY_ADMIN_DOWN), BFD_ANSWERED);
	CU_ASSERT_EQUAL(said[CONTROL + 1] >> 6, BFD_ADMIN_DOWN);
	CU_ASSERT_EQUAL(answer(BFD_DOWN, 0, OUR_DISC), BFD_INIT);
	CU_ASSERT_EQUAL(answer(BFD_UP, 0, OUR_DISC), BFD_UP);
}

TAP_MAIN(bfd, TAP_TEST(session_comes_up_by_down_init_up),
	 TAP_TEST(init_answered_by_init_comes_up_too),
	 TAP_TEST(answer_is_a_whole_datagram_back_to_the_asker),
	 TAP_TEST(intervals_and_multiplier_are_the_askers), TAP_TEST(poll_is_answered_by_final),
	 TAP_TEST(session_on_its_way_up_polls), TAP_TEST(what_rfc_5880_discards_is_not_answered),
	 TAP_TEST(discriminator_of_zero_is_for_a_session_that_is_down),
	 TAP_TEST(wrong_checksums_are_not_answered),
	 TAP_TEST(other_frames_are_nobodys_but_the_bridges),
	 TAP_TEST(peer_that_goes_down_takes_the_session_down),
	 TAP_TEST(up_alone_does_not_bring_a_session_up),
	 TAP_TEST(peer_that_restarts_is_a_new_session),
	 TAP_TEST(our_restart_ignores_what_was_for_the_session_before),
	 TAP_TEST(silent_peer_is_down_after_its_detection_time),
	 TAP_TEST(withheld_answers_leave_the_session_to_expire),
	 TAP_TEST(admin_down_is_said_at_once_and_taken_back))
