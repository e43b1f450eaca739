/*
 * waiting.c - rules that ask for what a flow says: it begins in the strongest mode that it may
 * need, and is decided at the bytes that tell, or when they were waited for long enough.
 */
#include "vnf/waiting.h"

#include <string.h>

#include "tests/unit/lib/hello.h"
#include "tests/unit/tap.h"
#include "tests/unit/vnf_box.h"

static struct vnf_box box;
static struct frame frame;
static struct pkt got;		/* the latest frame that came out */
static uint8_t said[4096];	/* its payload */
static uint32_t seq[2];		/* the client's next number, the server's */

enum { CLIENT, SERVER };

/* A segment of one end's, and the turn in which it is dealt with. */
static void
say(unsigned who, uint16_t flags, const void *bytes, size_t len)
{
	const char *const addr[] = { "10.0.0.1", "10.0.0.2" };
	const uint16_t port[] = { 40000, 443 };

	frame_init(&frame);
	frame_ether(&frame, 0x0800);
	frame_ip4(&frame, addr[who], addr[!who], 6, NULL, 0);
	frame_tcp(&frame, port[who], port[!who], seq[who], flags & TCP_ACK ? seq[!who] : 0, flags,
		  65000, NULL, 0);
	frame_bytes(&frame, bytes, len);
	frame_end(&frame);
	seq[who] += (uint32_t)len + !!(flags & (TCP_SYN | TCP_FIN));
	box_send(&box, who == CLIENT ? BOX_A : BOX_B, 0, &frame);
	box_turn(&box);
}

/* Does a frame come out towards this end?  It is `got`. */
static bool
hears(unsigned who)
{
	const struct parse_conf conf = { .trust = true };
	struct rte_mbuf *m = box_receive(&box, who == CLIENT ? BOX_A : BOX_B);

	if (!m)
		return false;
	CU_ASSERT_EQUAL_FATAL(pkt_parse(&got, m, &conf), PKT_TCP);
	CU_ASSERT_FATAL(got.payload_len <= sizeof said);
	if (got.payload_len) {
		const void *at = rte_pktmbuf_read(m, got.payload, got.payload_len, said);

		if (at != said)
			memcpy(said, at, got.payload_len);
	}
	rte_pktmbuf_free(m);
	return true;
}

static unsigned
silence(unsigned who)
{
	unsigned n = 0;

	while (hears(who))
		n += got.payload_len > 0;
	return n;
}

static void
shake_hands(const char *policy)
{
	box_begin(&box, 1, policy);
	seq[CLIENT] = 1000;
	seq[SERVER] = 5000;
	say(CLIENT, TCP_SYN, "", 0);
	say(SERVER, TCP_SYN | TCP_ACK, "", 0);
	say(CLIENT, TCP_ACK, "", 0);
	silence(CLIENT);
	silence(SERVER);
}

static void
say_hello(const char *sni)
{
	uint8_t bytes[sizeof hello];

	memcpy(bytes, hello, sizeof hello);
	memcpy(bytes + HELLO_NAME, sni, 11);
	say(CLIENT, TCP_ACK | TCP_PSH, bytes, sizeof bytes);
}

static struct flow *
flow(void)
{
	uint64_t cursor = 0;
	struct flow *f = NULL;

	tcpterm_walk(box.w[0]->stack, &cursor, &f, 1);
	return f;
}

static const char *
rule(void)
{
	struct flow *f = flow();

	return f && f->caller ? ((struct note *)f->caller)->rule : "";
}

static const char badsni[] = "set <bad> { bad.example *.worse.example }\n"
			     "rule badsni: reset client to any port 443 sni <bad>\n"
			     "rule web: proxy to any port 443\n"
			     "default track\n";

static void
flow_is_proxied_from_its_syn_and_reset_at_a_listed_client_hello(void)
{
	shake_hands(badsni);
	CU_ASSERT_EQUAL(box_flows(&box, TCPTERM_KIND_RELAY), 1);
	CU_ASSERT_EQUAL(waiting_count(box.w[0]->waiting), 1);
	say_hello("bad.example");
	CU_ASSERT_TRUE_FATAL(hears(CLIENT));
	CU_ASSERT_TRUE(got.flags & TCP_RST);
	CU_ASSERT_EQUAL(got.seq, 5001);
	CU_ASSERT_FALSE(hears(CLIENT));
	CU_ASSERT_EQUAL(silence(SERVER), 0);	/* it never sees the name */
	CU_ASSERT_EQUAL(box_flows(&box, TCPTERM_KIND_RELAY), 0);
	CU_ASSERT_EQUAL(waiting_count(box.w[0]->waiting), 0);
	CU_ASSERT_EQUAL(box.w[0]->stats.decided_late, 1);
	box_end(&box);
}

static void
flow_that_is_not_listed_is_not_delayed(void)
{
	shake_hands(badsni);
	say_hello("www.example");
	CU_ASSERT_TRUE_FATAL(hears(SERVER));	/* in the turn in which it came */
	CU_ASSERT_EQUAL(got.payload_len, sizeof hello);
	CU_ASSERT_EQUAL(memcmp(said + HELLO_NAME, "www.example", 11), 0);
	CU_ASSERT_STRING_EQUAL(rule(), "web");
	CU_ASSERT_EQUAL(box_flows(&box, TCPTERM_KIND_RELAY), 1);
	CU_ASSERT_EQUAL(waiting_count(box.w[0]->waiting), 0);
	box_end(&box);
}

static void
hello_in_many_segments_is_put_together(void)
{
	uint8_t bytes[sizeof hello];
	size_t at, n;

	shake_hands(badsni);
	memcpy(bytes, hello, sizeof hello);
	for (at = 0; at < sizeof bytes; at += n) {
		n = sizeof bytes - at < 50 ? sizeof bytes - at : 50;
		CU_ASSERT_EQUAL(waiting_count(box.w[0]->waiting), 1);
		say(CLIENT, TCP_ACK | TCP_PSH, bytes + at, n);
	}
	CU_ASSERT_EQUAL(waiting_count(box.w[0]->waiting), 0);
	CU_ASSERT_EQUAL(box_flows(&box, TCPTERM_KIND_RELAY), 0);
	silence(SERVER);
	silence(CLIENT);
	CU_ASSERT_TRUE(got.flags & TCP_RST);
	box_end(&box);
}

static void
server_first_banner_crosses_while_the_rule_is_not_known(void)
{
	shake_hands(badsni);
	say(SERVER, TCP_ACK | TCP_PSH, "220 mx.example ESMTP\r\n", 22);
	CU_ASSERT_TRUE_FATAL(hears(CLIENT));
	CU_ASSERT_EQUAL(got.payload_len, 22);
	CU_ASSERT_EQUAL(memcmp(said, "220 mx.example", 14), 0);
	CU_ASSERT_EQUAL(waiting_count(box.w[0]->waiting), 1);	/* it may be of FTP, and STARTTLS */
	box_end(&box);
}

static void
silent_flow_is_decided_when_the_time_is_over(void)
{
	unsigned i;

	shake_hands("set inspect 20ms 512B\n"
		    "rule ssh: drop to any port 443 app ssh\n"
		    "rule web: proxy to any port 443 app { http tls }\n"
		    "default track\n");
	CU_ASSERT_EQUAL(box_flows(&box, TCPTERM_KIND_RELAY), 1);
	for (i = 0; i < 15; i++)
		box_turn(&box);
	CU_ASSERT_EQUAL(waiting_count(box.w[0]->waiting), 1);
	for (i = 0; i < 5; i++)
		box_turn(&box);
	CU_ASSERT_EQUAL(waiting_count(box.w[0]->waiting), 0);
	CU_ASSERT_EQUAL(box_flows(&box, TCPTERM_KIND_TRACK), 1);
	CU_ASSERT_STRING_EQUAL(rule(), "default");
	box_end(&box);
}

static void
bytes_that_fit_nothing_are_waited_for_as_long_as_the_policy_says(void)
{
	static const char nonsense[100] = "\x99nothing that is known";

	shake_hands("set inspect 3s 128B\n"
		    "rule tls: drop to any port 443 app tls\n"
		    "default track\n");
	say(CLIENT, TCP_ACK | TCP_PSH, nonsense, sizeof nonsense);
	say(CLIENT, TCP_ACK | TCP_PSH, nonsense, sizeof nonsense);
	CU_ASSERT_EQUAL(waiting_count(box.w[0]->waiting), 0);
	CU_ASSERT_EQUAL(box_flows(&box, TCPTERM_KIND_TRACK), 1);
	box_end(&box);
}

/* What each kind of beginning comes to. */
static void
every_way_down_is_gone_where_the_bytes_say_so(void)
{
	static const struct {
		const char *policy;
		enum tcpterm_kind begins, becomes;
		unsigned resets;
	} ways[] = {
		{ "rule r: reset app tls\ndefault track\n", TCPTERM_KIND_TRACK, TCPTERM_KIND_DROP,
		  1 },
		{ "rule r: drop app tls\ndefault track\n", TCPTERM_KIND_TRACK, TCPTERM_KIND_DROP,
		  0 },
		{ "rule r: pass app tls\ndefault drop\n", TCPTERM_KIND_TRACK, TCPTERM_KIND_PASS,
		  0 },
		{ "rule r: passive app tls\ndefault track\n", TCPTERM_KIND_PASSIVE,
		  TCPTERM_KIND_PASSIVE, 0 },
		{ "rule r: track app tls\ndefault passive\n", TCPTERM_KIND_PASSIVE,
		  TCPTERM_KIND_TRACK, 0 },
		{ "rule r: reset app tls\ndefault passive\n", TCPTERM_KIND_PASSIVE,
		  TCPTERM_KIND_DROP, 1 },
		{ "rule r: track app tls\ndefault proxy\n", TCPTERM_KIND_RELAY, TCPTERM_KIND_RELAY,
		  0 },
		{ "rule r: proxy app tls\ndefault drop\n", TCPTERM_KIND_RELAY, TCPTERM_KIND_RELAY,
		  0 },
	};
	unsigned i, resets;

	for (i = 0; i < sizeof ways / sizeof *ways; i++) {
		shake_hands(ways[i].policy);
		CU_ASSERT_EQUAL(box_flows(&box, ways[i].begins), 1);
		say_hello("www.example");
		CU_ASSERT_EQUAL(waiting_count(box.w[0]->waiting), 0);
		CU_ASSERT_EQUAL(box_flows(&box, ways[i].becomes), 1);
		if (ways[i].resets == 0)
			CU_ASSERT_STRING_EQUAL(rule(), "r");
		for (resets = 0; hears(CLIENT);)
			resets += !!(got.flags & TCP_RST);
		CU_ASSERT_EQUAL(resets, ways[i].resets);
		if (CU_get_number_of_failures() > 0)
			printf("# of: %s", ways[i].policy);
		box_end(&box);
	}
}

static void
relay_that_is_to_be_tracked_is_as_soon_as_it_holds_nothing(void)
{
	shake_hands("rule r: track app tls\ndefault proxy\n");
	say_hello("www.example");
	CU_ASSERT_EQUAL(box_flows(&box, TCPTERM_KIND_RELAY), 1);
	say(SERVER, TCP_ACK, "", 0);
	box_turn(&box);
	CU_ASSERT_EQUAL(box_flows(&box, TCPTERM_KIND_TRACK), 1);
	CU_ASSERT_STRING_EQUAL(rule(), "r");
	box_end(&box);
}

/* Is a segment dropped that nobody let the client send? */
static bool
is_strict(void)
{
	const uint64_t *dropped = &tcpterm_drops(box.w[0]->stack)->n[DROP_track_window];
	const uint64_t before = *dropped;

	CU_ASSERT_EQUAL(box_flows(&box, TCPTERM_KIND_TRACK), 1);
	seq[CLIENT] += 3u << 29;
	say(CLIENT, TCP_ACK, "x", 1);
	seq[CLIENT] -= (3u << 29) + 1;
	return *dropped > before;
}

/* Whether it moves at once, or when what it holds has gone. */
static void
flow_that_moves_down_is_followed_as_strictly_as_its_rule_says(void)
{
	shake_hands("rule r: track app tls { window strict }\ndefault proxy\n");
	say_hello("www.example");
	say(SERVER, TCP_ACK, "", 0);
	box_turn(&box);
	CU_ASSERT_TRUE(is_strict());
	box_end(&box);
	shake_hands("rule r: track app tls { window strict }\ndefault passive\n");
	say_hello("www.example");
	CU_ASSERT_TRUE(is_strict());
	box_end(&box);
	shake_hands("rule r: track app tls\ndefault passive\n");
	say_hello("www.example");
	CU_ASSERT_FALSE(is_strict());
	box_end(&box);
}

static void
tracked_bytes_out_of_order_are_put_together(void)
{
	const size_t half = sizeof hello / 2;

	shake_hands("rule r: drop app tls sni bad.example\ndefault track\n");
	seq[CLIENT] += half;
	say(CLIENT, TCP_ACK | TCP_PSH, hello + half, sizeof hello - half);
	CU_ASSERT_EQUAL(waiting_count(box.w[0]->waiting), 1);
	seq[CLIENT] -= sizeof hello;
	say(CLIENT, TCP_ACK | TCP_PSH, hello, half);
	CU_ASSERT_EQUAL(waiting_count(box.w[0]->waiting), 0);
	CU_ASSERT_EQUAL(box_flows(&box, TCPTERM_KIND_DROP), 1);
	CU_ASSERT_STRING_EQUAL(rule(), "r");
	box_end(&box);
}

static void
another_policy_decides_what_still_waits(void)
{
	shake_hands(badsni);
	box_policy(&box, "rule good: proxy to any port 443 sni bad.example\n"
			 "default reset\n");
	box_turn(&box);
	CU_ASSERT_EQUAL(waiting_count(box.w[0]->waiting), 1);
	say_hello("bad.example");
	CU_ASSERT_STRING_EQUAL(rule(), "good");
	CU_ASSERT_EQUAL(box_flows(&box, TCPTERM_KIND_RELAY), 1);
	box_end(&box);
}

static void
flow_that_ends_waits_no_more(void)
{
	shake_hands(badsni);
	say(CLIENT, TCP_RST, "", 0);
	box_turn(&box);
	CU_ASSERT_EQUAL(waiting_count(box.w[0]->waiting), 0);
	box_end(&box);
}

TAP_MAIN(waiting,
	 { "P4 flow_is_proxied_from_its_syn_and_reset_at_a_listed_client_hello",
	   flow_is_proxied_from_its_syn_and_reset_at_a_listed_client_hello },
	 { "P4 flow_that_is_not_listed_is_not_delayed", flow_that_is_not_listed_is_not_delayed },
	 TAP_TEST(hello_in_many_segments_is_put_together),
	 { "I7 server_first_banner_crosses_while_the_rule_is_not_known",
	   server_first_banner_crosses_while_the_rule_is_not_known },
	 TAP_TEST(silent_flow_is_decided_when_the_time_is_over),
	 TAP_TEST(bytes_that_fit_nothing_are_waited_for_as_long_as_the_policy_says),
	 TAP_TEST(every_way_down_is_gone_where_the_bytes_say_so),
	 TAP_TEST(relay_that_is_to_be_tracked_is_as_soon_as_it_holds_nothing),
	 TAP_TEST(flow_that_moves_down_is_followed_as_strictly_as_its_rule_says),
	 TAP_TEST(tracked_bytes_out_of_order_are_put_together),
	 TAP_TEST(another_policy_decides_what_still_waits), TAP_TEST(flow_that_ends_waits_no_more))
