/*
 * flow_filter.c - the words that choose flows.
 */
#include "vnf/flow_filter.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/tap.h"
#include "tests/unit/vnf_box.h"
#include "vnf/row.h"

static struct vnf_box box;
static struct frame frame;
static struct err err;

static int
parse_words(struct flow_filter *ff, const char *words)
{
	char copy[1024];
	const char *argv[32];
	char *rest = copy, *one;
	int argc = 0;

	snprintf(copy, sizeof copy, "%s", words);
	while ((one = strsep(&rest, " ")) != NULL)
		if (*one)
			argv[argc++] = one;
	return flow_filter_parse(ff, argc, argv, &err);
}

/* The flow from client port `cport`. */
static struct flow *
flow_of(uint16_t cport)
{
	uint64_t cursor = 0;
	struct flow *f;

	do {
		if (tcpterm_walk(box.w[0]->stack, &cursor, &f, 1) == 1 && f->key.port[0] == cport)
			return f;
	} while (cursor);
	return NULL;
}

static enum flow_filter_answer
answer(const char *words, uint16_t cport, int64_t later_us)
{
	struct flow_filter ff;
	struct flow_subject s = { .stack = box.w[0]->stack,
				  .flow = flow_of(cport),
				  .now = usec_add(box.now, later_us) };

	CU_ASSERT_PTR_NOT_NULL_FATAL(s.flow);
	memset(&err, 0, sizeof err);
	if (parse_words(&ff, words) != 0)
		printf("# %s: %s\n", words, err.msg);
	return flow_filter_match(&ff, &s);
}

static bool
holds(const char *words, uint16_t cport)
{
	return answer(words, cport, 0) == FLOW_FILTER_YES;
}

static void
open_flow(const char *client, const char *server, uint16_t cport, uint16_t sport, bool v6,
	  uint16_t tag, uint16_t inner)
{
	frame_init(&frame);
	frame_ether(&frame, v6 ? RTE_ETHER_TYPE_IPV6 : RTE_ETHER_TYPE_IPV4);
	if (tag)
		frame_tag(&frame, RTE_ETHER_TYPE_VLAN, tag);
	if (inner)
		frame_tag(&frame, RTE_ETHER_TYPE_VLAN, inner);
	if (v6)
		frame_ip6(&frame, client, server, 6);
	else
		frame_ip4(&frame, client, server, 6, NULL, 0);
	frame_tcp(&frame, cport, sport, 1000, 0, TCP_SYN, 1000, NULL, 0);
	frame_end(&frame);
	box_send(&box, BOX_A, 0, &frame);
	box_turn(&box);
	box_turn(&box);
	CU_ASSERT_EQUAL(box_count(&box, BOX_B), 1);
}

static void
begin(void)
{
	box_begin(&box, 1,
		  "rule web: proxy proto tcp port 80\nrule db: track proto tcp port 5432\n"
		  "default track\n");
	open_flow("10.1.2.3", "192.0.2.1", 40001, 80, false, 0, 0);
	open_flow("10.9.0.1", "192.0.2.1", 40002, 5432, false, 100, 200);
	open_flow("fd00::1", "2001:db8::2", 40003, 443, true, 100, 0);
}

static void
addresses_and_prefixes_choose(void)
{
	begin();
	CU_ASSERT_TRUE(holds("", 40001));
	CU_ASSERT_TRUE(holds("addr=10.1.2.3", 40001));
	CU_ASSERT_TRUE(holds("addr=192.0.2.1", 40001));
	CU_ASSERT_TRUE(holds("addr=10.0.0.0/8", 40001));
	CU_ASSERT_FALSE(holds("addr=11.0.0.0/8", 40001));
	CU_ASSERT_TRUE(holds("client=10.1.2.3", 40001));
	CU_ASSERT_FALSE(holds("server=10.1.2.3", 40001));
	CU_ASSERT_TRUE(holds("server=192.0.2.1:80", 40001));
	CU_ASSERT_FALSE(holds("server=192.0.2.1:81", 40001));
	CU_ASSERT_TRUE(holds("addr=10.0.0.0/8 addr=192.0.2.0/24", 40001));
	CU_ASSERT_TRUE(holds("client=fd00::/8", 40003));
	CU_ASSERT_TRUE(holds("server=[2001:db8::2]:443", 40003));
	CU_ASSERT_TRUE(holds("server=2001:db8::2", 40003));
	CU_ASSERT_TRUE(holds("addr=::/0", 40003));
	CU_ASSERT_FALSE(holds("addr=::/0", 40001));
	CU_ASSERT_TRUE(holds("addr=0.0.0.0/0", 40001));
	CU_ASSERT_FALSE(holds("addr=0.0.0.0/0", 40003));
	box_end(&box);
}

static void
ports_tags_and_domains_choose(void)
{
	begin();
	CU_ASSERT_TRUE(holds("port=80", 40001));
	CU_ASSERT_TRUE(holds("port=40001", 40001));
	CU_ASSERT_TRUE(holds("sport=80 cport=40001", 40001));
	CU_ASSERT_FALSE(holds("cport=80", 40001));
	CU_ASSERT_TRUE(holds("port=443,80", 40001));
	CU_ASSERT_TRUE(holds("cport=40000:40001", 40001));
	CU_ASSERT_FALSE(holds("cport=40002:40009", 40001));
	CU_ASSERT_TRUE(holds("vlan=none", 40001));
	CU_ASSERT_TRUE(holds("vlan=100.200", 40002));
	CU_ASSERT_FALSE(holds("vlan=100", 40002));
	CU_ASSERT_TRUE(holds("vlan=100", 40003));
	CU_ASSERT_FALSE(holds("vlan=100.200", 40003));
	CU_ASSERT_FALSE(holds("vlan=10", 40003));
	CU_ASSERT_TRUE(holds("domain=0", 40001));
	CU_ASSERT_FALSE(holds("domain=1:5", 40001));
	box_end(&box);
}

static void
what_a_flow_is_chooses(void)
{
	char id[RECORD_ID], word[RECORD_ID + 8];

	begin();
	CU_ASSERT_TRUE(holds("mode=proxy rule=web state=listen,closed start=syn", 40001));
	CU_ASSERT_FALSE(holds("mode=track", 40001));
	CU_ASSERT_TRUE(holds("mode=track rule=db", 40002));
	CU_ASSERT_TRUE(holds("mode=proxy,track", 40002));
	CU_ASSERT_TRUE(holds("generation=0", 40001));
	CU_ASSERT_FALSE(holds("generation=2:9", 40001));
	CU_ASSERT_TRUE(holds("app=", 40001));
	CU_ASSERT_FALSE(holds("app=tls", 40001));
	row_id(0, flow_of(40002), id);
	snprintf(word, sizeof word, "id=%s", id);
	CU_ASSERT_TRUE(holds(word, 40002));
	CU_ASSERT_FALSE(holds(word, 40001));
	CU_ASSERT_EQUAL(answer("older=10s", 40001, 9 * 1000000), FLOW_FILTER_NO);
	CU_ASSERT_EQUAL(answer("older=10s", 40001, 10 * 1000000), FLOW_FILTER_YES);
	CU_ASSERT_EQUAL(answer("idle=2m", 40001, 119 * 1000000), FLOW_FILTER_NO);
	CU_ASSERT_EQUAL(answer("idle=2m", 40001, 120 * 1000000), FLOW_FILTER_YES);
	box_end(&box);
}

static void
unequal_turns_a_word_round(void)
{
	begin();
	CU_ASSERT_FALSE(holds("mode!=proxy", 40001));
	CU_ASSERT_TRUE(holds("mode!=proxy", 40002));
	CU_ASSERT_TRUE(holds("port!=22,23", 40001));
	CU_ASSERT_FALSE(holds("port!=22,80", 40001));
	CU_ASSERT_TRUE(holds("addr!=10.9.0.0/16 mode!=track", 40001));
	CU_ASSERT_EQUAL(answer("older!=10s", 40001, 0), FLOW_FILTER_YES);
	box_end(&box);
}

static enum flow_filter_answer
frame_answer(const char *words, uint16_t flags, bool reverse)
{
	static const struct parse_conf conf = { .domain = 3 };
	struct rte_mbuf *m;
	struct flow_filter ff;
	struct pkt p;
	struct flow_subject s = { .pkt = &p };
	enum flow_filter_answer a;

	box_segment(&frame, reverse, 40009, 80, flags, 0);
	m = frame_mbuf(&frame);
	CU_ASSERT_EQUAL(pkt_parse(&p, m, &conf), PKT_TCP);
	CU_ASSERT_EQUAL(parse_words(&ff, words), 0);
	a = flow_filter_match(&ff, &s);
	rte_pktmbuf_free(m);
	return a;
}

static void
frame_without_a_flow_is_chosen_by_what_it_says(void)
{
	begin();
	CU_ASSERT_EQUAL(frame_answer("client=10.0.0.1 sport=80 domain=3 vlan=none", TCP_SYN, false),
			FLOW_FILTER_YES);
	CU_ASSERT_EQUAL(frame_answer("client=10.0.0.1", TCP_SYN | TCP_ACK, true), FLOW_FILTER_YES);
	CU_ASSERT_EQUAL(frame_answer("client=10.0.0.1", TCP_ACK, true), FLOW_FILTER_YES);
	CU_ASSERT_EQUAL(frame_answer("sport=81", TCP_ACK, false), FLOW_FILTER_NO);
	CU_ASSERT_EQUAL(frame_answer("rule=web", TCP_SYN, false), FLOW_FILTER_UNKNOWN);
	CU_ASSERT_EQUAL(frame_answer("rule!=web port=80", TCP_SYN, false), FLOW_FILTER_UNKNOWN);
	CU_ASSERT_EQUAL(frame_answer("rule=web port=81", TCP_SYN, false), FLOW_FILTER_NO);
	box_end(&box);
}

static void
refused(const char *words, const char *says)
{
	struct flow_filter ff;

	memset(&err, 0, sizeof err);
	CU_ASSERT_EQUAL(parse_words(&ff, words), -EINVAL);
	if (!strstr(err.msg, says))
		printf("# %s: \"%s\" lacks \"%s\"\n", words, err.msg, says);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, says));
}

static void
wrong_word_says_what_would_be_right(void)
{
	refused("prot=80", "is it port?");
	refused("colour=red", "the keys are id, mode,");
	refused("web", "KEY=VALUE");
	refused("=3", "KEY=VALUE");
	refused("!=3", "KEY=VALUE");
	refused("mode=proxi", "is it proxy?");
	refused("mode=", "there are proxy, passive");
	refused("state=establised", "is it established?");
	refused("start=begin", "midstream");
	refused("id=7", "flow list");
	refused("rule=", "1 to 63");
	refused("addr=10.0.0", "10.0.0.0/8");
	refused("addr=10.0.0.0/33", "10.0.0.0/8");
	refused("addr=10.0.0.1:99999", "10.0.0.0/8");
	refused("addr=[fd00::1", "[fd00::1]:80");
	refused("addr=fd00::1/129", "fd00::/8");
	refused("port=70000", "up to 65535");
	refused("port=9:3", "LOW:HIGH");
	refused("port=80x", "LOW:HIGH");
	refused("port=80,", "LOW:HIGH");
	refused("vlan=4096", "outermost first");
	refused("vlan=10.", "outermost first");
	refused("older=soon", "duration");
	refused("older=5y", "duration");
	refused("rule=a rule=a rule=a rule=a rule=a rule=a rule=a rule=a rule=a rule=a rule=a "
		"rule=a rule=a rule=a rule=a rule=a rule=a",
		"at most 16 words");
	refused("port=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,"
		"29,30,31,32,33",
		"at most 32 values");
}

static void
single_id_is_told_from_other_filters(void)
{
	struct flow_filter ff;
	uint32_t ref, generation;
	unsigned worker;

	CU_ASSERT_EQUAL(parse_words(&ff, "id=1:50000000:a"), 0);
	CU_ASSERT_TRUE(flow_filter_is_id(&ff, &worker, &ref, &generation));
	CU_ASSERT_EQUAL(worker, 1);
	CU_ASSERT_EQUAL(ref, 0x50000000);
	CU_ASSERT_EQUAL(generation, 10);
	CU_ASSERT_EQUAL(parse_words(&ff, "id!=1:50000000:a"), 0);
	CU_ASSERT_FALSE(flow_filter_is_id(&ff, &worker, &ref, &generation));
	CU_ASSERT_EQUAL(parse_words(&ff, "id=1:2:3 mode=proxy"), 0);
	CU_ASSERT_FALSE(flow_filter_is_id(&ff, &worker, &ref, &generation));
	CU_ASSERT_EQUAL(parse_words(&ff, ""), 0);
	CU_ASSERT_FALSE(flow_filter_is_id(&ff, &worker, &ref, &generation));
}

TAP_MAIN(flow_filter, TAP_TEST(addresses_and_prefixes_choose),
	 TAP_TEST(ports_tags_and_domains_choose), TAP_TEST(what_a_flow_is_chooses),
	 TAP_TEST(unequal_turns_a_word_round),
	 TAP_TEST(frame_without_a_flow_is_chosen_by_what_it_says),
	 TAP_TEST(wrong_word_says_what_would_be_right),
	 TAP_TEST(single_id_is_told_from_other_filters))
