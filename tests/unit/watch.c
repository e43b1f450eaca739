/*
 * watch.c - the bytes of a flow, told to those who watch it.
 */
#include "vnf/watch.h"

#include <string.h>

#include "tests/unit/tap.h"
#include "tests/unit/vnf_box.h"
#include "vnf/row.h"
#include "vnf/watch_text.h"

static struct vnf_box box;
static struct frame frame;
static struct err err;
static uint16_t client_port = 40000;

/* 10.0.0.1:40000 > 10.0.0.2:80 or back: the SYNs are bytes 1000 and 5000, 10 may follow. */
static void
pass(bool reverse, uint16_t flags)
{
	const bool syn = flags & TCP_SYN;

	frame_init(&frame);
	frame_ether(&frame, RTE_ETHER_TYPE_IPV4);
	frame_ip4(&frame, reverse ? "10.0.0.2" : "10.0.0.1", reverse ? "10.0.0.1" : "10.0.0.2", 6,
		  NULL, 0);
	frame_tcp(&frame, reverse ? 80 : client_port, reverse ? client_port : 80,
		  (reverse ? 5000 : 1000) + !syn, flags & TCP_ACK ? (reverse ? 1001 : 5001) : 0,
		  flags, 1000, NULL, 0);
	if (flags & TCP_PSH)
		frame_fill(&frame, 10);
	frame_end(&frame);
	box_send(&box, reverse ? BOX_B : BOX_A, 0, &frame);
	box_turn(&box);
	box_turn(&box);
	box_count(&box, BOX_A);
	box_count(&box, BOX_B);
}

static void
begin(const char *policy)
{
	box_begin(&box, 1, policy);
	box.conf.watches = watches_new(1, box.active.qsbr);
	CU_ASSERT_PTR_NOT_NULL_FATAL(box.conf.watches);
}

static void
end(void)
{
	watches_free(box.conf.watches);
	box.conf.watches = NULL;
	box_end(&box);
}

static struct flow *
the_flow(void)
{
	uint64_t cursor = 0;
	struct flow *f = NULL;

	tcpterm_walk(box.w[0]->stack, &cursor, &f, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	return f;
}

static struct watch *
watch(void)
{
	const struct flow *f = the_flow();
	struct watch *one = watch_begin(box.conf.watches, 0, f->ref, f->generation, &err);

	CU_ASSERT_PTR_NOT_NULL_FATAL(one);
	box_turn(&box);
	return one;
}

static void
tracked_flow_is_shown_as_it_crosses(void)
{
	struct watch_piece p;
	struct watch *one;

	begin("default track\n");
	pass(false, TCP_SYN);
	one = watch();
	CU_ASSERT_TRUE_FATAL(watch_next(one, &p));
	CU_ASSERT_EQUAL(p.kind, WATCH_BEGIN);
	CU_ASSERT_STRING_EQUAL(p.row.mode, "track");
	CU_ASSERT_EQUAL(p.row.end[0].port, 40000);
	pass(true, TCP_SYN | TCP_ACK);
	CU_ASSERT_FALSE(watch_next(one, &p));
	pass(false, TCP_PSH | TCP_ACK);
	CU_ASSERT_TRUE_FATAL(watch_next(one, &p));
	CU_ASSERT_EQUAL(p.kind, WATCH_DATA);
	CU_ASSERT_EQUAL(p.direction, 0);
	CU_ASSERT_EQUAL(p.n, 10);
	CU_ASSERT_FALSE(watch_next(one, &p));
	tcpterm_kill(box.w[0]->stack, the_flow(), TCPTERM_END_ABORTED);
	box_turn(&box);
	box_count(&box, BOX_A);
	box_count(&box, BOX_B);
	CU_ASSERT_TRUE(watch_next(one, &p));
	CU_ASSERT_EQUAL(p.kind, WATCH_END);
	CU_ASSERT_TRUE(p.row.reason[0] != '\0');
	watch_end(box.conf.watches, one);
	CU_ASSERT_FALSE(watches_any(box.conf.watches));
	end();
}

static void
flow_that_there_is_not_is_nothing(void)
{
	struct watch *one;

	begin("default track\n");
	pass(false, TCP_SYN);
	one = watch_begin(box.conf.watches, 0, 12345, 1, &err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(one);
	CU_ASSERT_FALSE(watch_is_nothing(one));
	box_turn(&box);
	CU_ASSERT_TRUE(watch_is_nothing(one));
	watch_end(box.conf.watches, one);
	CU_ASSERT_PTR_NULL(watch_begin(box.conf.watches, 7, 1, 1, &err));
	end();
}

static void
what_finds_no_room_is_a_gap_of_its_length(void)
{
	enum { N = 3000 };
	uint64_t at = 0, gaps = 0;
	struct watch_bytes b = { .p = (const uint8_t *)"0123456789", .len = 10 };
	struct watch_piece p;
	struct watch *one;
	unsigned i;

	begin("default track\n");
	pass(false, TCP_SYN);
	one = watch();
	CU_ASSERT_TRUE(watch_next(one, &p));
	CU_ASSERT_TRUE(watch_wants(box.w[0], the_flow()->caller));
	for (i = 0; i < N; i++)
		watch_data(box.w[0], the_flow()->caller, 1, i * 10u, &b);
	/* from here on it reads */
	for (i = N; i < 2 * N; i++) {
		for (unsigned k = 0; k < 2 && watch_next(one, &p); k++) {
			CU_ASSERT_EQUAL_FATAL(p.offset, at);
			at += p.len;
			gaps += p.kind == WATCH_GAP ? p.len : 0;
		}
		watch_data(box.w[0], the_flow()->caller, 1, i * 10u, &b);
	}
	while (watch_next(one, &p)) {
		CU_ASSERT_EQUAL_FATAL(p.offset, at);
		at += p.len;
	}
	CU_ASSERT_EQUAL(at, 2 * N * 10);
	CU_ASSERT(gaps > 0);
	end();
}

static void
put_bytes(struct watch_piece *p, unsigned direction, uint64_t offset, const char *bytes)
{
	*p = (struct watch_piece){ .kind = WATCH_DATA,
				   .direction = (uint8_t)direction,
				   .offset = offset,
				   .n = (uint16_t)strlen(bytes),
				   .len = strlen(bytes) };
	memcpy(p->bytes, bytes, p->n);
}

static void
lines_are_harmless_and_say_what_is_missing(void)
{
	struct watch_view v = { .style = WATCH_TEXT };
	struct text t = TEXT_EMPTY;
	struct watch_piece p;

	put_bytes(&p, 0, 0, "GET /\r\nX: \x1b[2J");
	watch_show(&v, &t, &p);
	put_bytes(&p, 0, 14, "more\n");
	watch_show(&v, &t, &p);
	put_bytes(&p, 1, 0, "200");
	watch_show(&v, &t, &p);
	p = (struct watch_piece){
		.kind = WATCH_GAP, .direction = 1, .offset = 3, .len = 1460, .reason = "lost-in-tap"
	};
	watch_show(&v, &t, &p);
	put_bytes(&p, 1, 1463, "x");
	watch_show(&v, &t, &p);
	put_bytes(&p, 0, 100, "y");
	watch_show(&v, &t, &p);
	watch_show_end(&v, &t);
	CU_ASSERT_STRING_EQUAL(t.s, "> GET /\n> X: \\x1b[2Jmore\n< 200\n"
				    "< [gap 1460 bytes lost-in-tap]\n< x\n> [at byte 100]\n> y\n");
	text_fini(&t);
}

static void
hexadecimal_and_json_have_every_byte(void)
{
	struct watch_view hex = { .style = WATCH_HEX }, json = { .style = WATCH_JSON };
	struct text t = TEXT_EMPTY;
	struct watch_piece p;

	put_bytes(&p, 0, 0, "0123456789abcdef\x01Z");
	watch_show(&hex, &t, &p);
	CU_ASSERT_STRING_EQUAL(
		t.s, "> 00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  "
		     "|0123456789abcdef|\n"
		     "> 00000010  01 5a                                             |.Z|\n");
	t.len = 0;
	put_bytes(&p, 1, 7, "\"\xff");
	watch_show(&json, &t, &p);
	CU_ASSERT_STRING_EQUAL(t.s, "{\"event\": \"data\", \"direction\": \"down\", \"offset\": 7, "
				    "\"length\": 2, \"bytes\": \"22ff\"}\n");
	text_fini(&t);
}

/* The server's port is the higher one: it is taken for the client until its SYN-ACK comes again. */
static void
ends_that_change_places_are_told_before_what_follows(void)
{
	struct watch_view v = { .style = WATCH_TEXT }, json = { .style = WATCH_JSON };
	struct text t = TEXT_EMPTY, j = TEXT_EMPTY;
	char expected[256];
	struct watch_piece p;
	struct watch *one;
	unsigned i;

	begin("default passive\n");
	client_port = 40;
	pass(false, TCP_ACK);
	CU_ASSERT_EQUAL(the_flow()->roles, TCPTERM_ROLES_GUESSED);
	one = watch();
	CU_ASSERT_TRUE(watch_next(one, &p));
	CU_ASSERT_EQUAL(p.row.end[0].port, 80);
	watch_show(&v, &t, &p);
	watch_show(&json, &j, &p);
	t.len = j.len = 0;
	pass(true, TCP_SYN | TCP_ACK);
	pass(false, TCP_PSH | TCP_ACK);
	for (i = 0; i < 30; i++)
		box_turn(&box);
	CU_ASSERT_TRUE_FATAL(watch_next(one, &p));
	CU_ASSERT_EQUAL(p.kind, WATCH_DATA);
	CU_ASSERT_EQUAL(p.direction, 0);
	p.n = (uint16_t)(p.len = 0);
	watch_show(&v, &t, &p);
	watch_show(&json, &j, &p);
	snprintf(expected, sizeof expected,
		 "# %s 10.0.0.1:40 > 10.0.0.2:80: so it is, the client had been guessed wrong\n",
		 v.row.flow_id);
	CU_ASSERT_STRING_EQUAL(t.s, expected);
	snprintf(expected, sizeof expected,
		 "{\"event\": \"roles\", \"id\": \"%s\", \"client\": \"10.0.0.1:40\", "
		 "\"server\": \"10.0.0.2:80\"}\n",
		 v.row.flow_id);
	CU_ASSERT_EQUAL(strncmp(j.s, expected, strlen(expected)), 0);
	text_fini(&t);
	text_fini(&j);
	client_port = 40000;
	end();
}

TAP_MAIN(watch, TAP_TEST(ends_that_change_places_are_told_before_what_follows),
	 TAP_TEST(tracked_flow_is_shown_as_it_crosses), TAP_TEST(flow_that_there_is_not_is_nothing),
	 TAP_TEST(what_finds_no_room_is_a_gap_of_its_length),
	 TAP_TEST(lines_are_harmless_and_say_what_is_missing),
	 TAP_TEST(hexadecimal_and_json_have_every_byte))
