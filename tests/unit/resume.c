/*
 * Flows that an earlier leatd left at its last checkpoint, and what a worker does when it sees
 * them.
 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/storage.h"
#include "tests/unit/tap.h"
#include "tests/unit/vnf_box.h"
#include "vnf/resume.h"
#include "vnf/row.h"

enum { SECOND = 1000000, CLIENT_PORT = 40000 };

static struct vnf_box box;
static struct frame frame;
static struct resume before;
static const char *roles_before = "known";

/* A live flow of box_segment()'s ends in the store's latest checkpoint. */
static void
checkpointed(const char *mode, uint16_t sport, uint16_t dport, uint16_t domain, uint16_t vlan,
	     int64_t age_us)
{
	struct live_record r = { .flow = { .family = 4, .domain = domain, .generation = 7 } };
	static unsigned serial;

	r.flow.end[0] = (struct end_record){ .addr = { 10, 0, 0, 1 }, .port = sport };
	r.flow.end[1] = (struct end_record){ .addr = { 10, 0, 0, 2 }, .port = dport };
	r.flow.n_vlans = vlan > 0;
	r.flow.vlan[0] = vlan;
	r.flow.ended = r.flow.started = clock_to_unix_us(box.now) - age_us;
	snprintf(r.flow.flow_id, sizeof r.flow.flow_id, "0:1:%x", ++serial);
	strcpy(r.flow.mode, mode);
	strcpy(r.flow.rule, "old");
	strcpy(r.flow.start, "syn");
	strcpy(r.flow.roles, roles_before);
	CU_ASSERT_EQUAL_FATAL(store_checkpoint_add(storage, &r, &storage_err), 0);
}

static void
begin_checkpoint(unsigned n_workers, const char *policy)
{
	box_begin(&box, n_workers, policy);
	CU_ASSERT_EQUAL_FATAL(store_begin(storage, &storage_err), 0);
	CU_ASSERT_EQUAL_FATAL(store_checkpoint_begin(storage, &storage_err), 0);
}

/* The daemon that wrote it is gone without having ended a flow; another one starts. */
static void
lose_leatd(void)
{
	CU_ASSERT_EQUAL_FATAL(store_checkpoint_end(storage, &storage_err), 0);
	CU_ASSERT_EQUAL_FATAL(store_commit(storage, &storage_err), 0);
	storage_close();
	CU_ASSERT_EQUAL_FATAL(storage_open(), 0);
	CU_ASSERT_EQUAL_FATAL(resume_init(&before, storage, box.active.qsbr, box.now, &storage_err),
			      0);
	box.conf.resume = &before;
}

static void
begin(unsigned n_workers, const char *policy, const char *mode)
{
	begin_checkpoint(n_workers, policy);
	checkpointed(mode, CLIENT_PORT, 80, 0, 0, SECOND);
	lose_leatd();
}

static void
end(void)
{
	resume_fini(&before);
	box_end(&box);
}

static void
see(bool reverse, uint16_t sport, uint16_t dport, uint16_t flags)
{
	unsigned owner = box_owner(sport, dport, 0, box.conf.n_workers);

	box_segment(&frame, reverse, sport, dport, flags, 0);
	box_send(&box, reverse ? BOX_B : BOX_A, (uint16_t)owner, &frame);
	box_turn(&box);
}

/* The only flow there is. */
static struct flow *
flow(void)
{
	uint64_t cursor = 0;
	struct flow *f = NULL;
	unsigned i;

	for (i = 0; i < box.conf.n_workers && !f; i++)
		do
			tcpterm_walk(box.w[i]->stack, &cursor, &f, 1);
		while (cursor && !f);
	return f;
}

static void
each_mode_is_taken_up_again(void)
{
	static const struct {
		const char *mode;
		enum tcpterm_kind kind;
	} modes[] = {
		{ "proxy", TCPTERM_KIND_TRACK },     { "track", TCPTERM_KIND_TRACK },
		{ "passive", TCPTERM_KIND_PASSIVE }, { "pass", TCPTERM_KIND_PASS },
		{ "drop", TCPTERM_KIND_DROP },
	};
	unsigned i;

	for (i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		begin(1, "default pass\n", modes[i].mode);
		see(false, CLIENT_PORT, 80, TCP_ACK | TCP_PSH);
		CU_ASSERT_PTR_NOT_NULL_FATAL(flow());
		CU_ASSERT_EQUAL(flow()->kind, modes[i].kind);
		if (modes[i].kind != TCPTERM_KIND_PASSIVE)
			CU_ASSERT_EQUAL(flow()->start, TCPTERM_START_INTERRUPTED);
		CU_ASSERT_EQUAL(box_count(&box, BOX_B) > 0, modes[i].kind != TCPTERM_KIND_DROP);
		box_count(&box, BOX_A);
		end();
	}
}

static void
rule_generation_and_roles_are_those_of_before(void)
{
	struct tcpterm_leg_info leg[2];
	struct flow_record r;

	begin_checkpoint(1, "rule new: track proto tcp\ndefault pass\n");
	checkpointed("track", 80, CLIENT_PORT, 0, 0, SECOND);	/* ports would say otherwise */
	lose_leatd();
	see(true, 80, CLIENT_PORT, TCP_ACK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(flow());
	row_fill(box.w[0]->stack, 0, flow(), box.now, &r, leg);
	CU_ASSERT_STRING_EQUAL(r.rule, "old");
	CU_ASSERT_EQUAL(r.generation, 7);
	CU_ASSERT_STRING_EQUAL(r.mode, "track");
	CU_ASSERT_STRING_EQUAL(r.start, "interrupted");
	CU_ASSERT_EQUAL(r.end[0].port, 80);
	CU_ASSERT_EQUAL(flow()->roles, TCPTERM_ROLES_KNOWN);
	end();
}

/* So that what comes later may correct it. */
static void
guess_of_before_is_one_still(void)
{
	roles_before = "guessed";
	begin(1, "default pass\n", "passive");
	see(true, CLIENT_PORT, 80, TCP_ACK | TCP_PSH);
	CU_ASSERT_PTR_NOT_NULL_FATAL(flow());
	CU_ASSERT_EQUAL(flow()->key.port[0], CLIENT_PORT);
	CU_ASSERT_EQUAL(flow()->roles, TCPTERM_ROLES_GUESSED);
	box_count(&box, BOX_A);
	end();
	roles_before = "known";
}

static void
flow_that_nobody_knows_is_forwarded_and_never_answered(void)
{
	begin(1, "rule web: proxy proto tcp to any port 80\ndefault pass\n", "proxy");
	see(false, CLIENT_PORT + 1, 80, TCP_ACK | TCP_PSH);
	see(true, CLIENT_PORT + 1, 80, TCP_ACK);
	see(false, CLIENT_PORT + 1, 81, TCP_ACK | TCP_PSH);
	CU_ASSERT_EQUAL(box_count(&box, BOX_A), 1);	/* the server's segment */
	CU_ASSERT_EQUAL(box_count(&box, BOX_B), 2);
	CU_ASSERT_EQUAL(box.w[0]->tcp->interrupted, 0);
	CU_ASSERT_EQUAL(box.w[0]->tcp->segments_out, 0);
	CU_ASSERT_EQUAL(resume_waiting(&before), 1);
	end();
}

static void
key_is_whole_domain_tags_and_ports(void)
{
	begin_checkpoint(1, "default pass\n");
	checkpointed("track", CLIENT_PORT, 80, 1, 0, SECOND);
	checkpointed("track", CLIENT_PORT, 80, 0, 100, SECOND);
	checkpointed("track", CLIENT_PORT, 8080, 0, 0, SECOND);
	checkpointed("track", 80, CLIENT_PORT, 0, 0, SECOND);
	lose_leatd();
	see(false, CLIENT_PORT, 80, TCP_ACK);
	CU_ASSERT_EQUAL(box.w[0]->tcp->interrupted, 0);
	frame_init(&frame);
	frame_ether(&frame, RTE_ETHER_TYPE_IPV4);
	frame_tag(&frame, RTE_ETHER_TYPE_VLAN, 100);
	frame_ip4(&frame, "10.0.0.2", "10.0.0.1", 6, NULL, 0);
	frame_tcp(&frame, 80, CLIENT_PORT, 1, 1, TCP_ACK, 1000, NULL, 0);
	frame_end(&frame);
	box_send(&box, BOX_B, 0, &frame);
	box_turn(&box);
	CU_ASSERT_EQUAL(box.w[0]->tcp->interrupted, 1);
	CU_ASSERT_EQUAL(resume_waiting(&before), 3);
	end();
}

static void
syn_begins_the_tuple_anew(void)
{
	begin(1, "default proxy\n", "proxy");
	see(false, CLIENT_PORT, 80, TCP_SYN);
	CU_ASSERT_EQUAL(flow()->kind, TCPTERM_KIND_EMBRYO);
	CU_ASSERT_EQUAL(resume_waiting(&before), 0);
	end();
}

static void
only_a_proxied_flow_is_watched(void)
{
	static const char *const modes[] = { "proxy", "track" };
	unsigned i;

	for (i = 0; i < 2; i++) {
		begin(1, "default pass\n", modes[i]);
		see(true, CLIENT_PORT, 80, TCP_ACK);
		box_turn(&box);
		CU_ASSERT_EQUAL(box.w[0]->tcp->probes, i == 0 ? 2 : 0);
		end();
	}
}

static void
every_worker_finds_its_own(void)
{
	enum { N = 40 };
	unsigned i;

	begin_checkpoint(4, "default pass\n");
	for (i = 0; i < N; i++)
		checkpointed("track", (uint16_t)(CLIENT_PORT + i), 80, 0, 0, SECOND);
	lose_leatd();
	CU_ASSERT_EQUAL(resume_waiting(&before), N);
	for (i = 0; i < N; i++)
		see(i % 2, (uint16_t)(CLIENT_PORT + i), 80, TCP_ACK);
	CU_ASSERT_EQUAL(box_flows(&box, TCPTERM_KIND_TRACK), N);
	CU_ASSERT_EQUAL(resume_waiting(&before), 0);
	for (i = 0; i < 4; i++)
		CU_ASSERT(box.w[i]->tcp->interrupted > 0);
	end();
}

static void
table_goes_when_all_are_taken_or_an_hour_has_passed(void)
{
	unsigned round;

	for (round = 0; round < 2; round++) {
		begin(1, "default pass\n", "track");
		resume_run(&before, box.now);
		CU_ASSERT_PTR_NOT_NULL(before.table);
		if (round == 0)
			see(false, CLIENT_PORT, 80, TCP_ACK);
		resume_run(&before, usec_add(box.now, round ? 3601LL * SECOND : 0));
		CU_ASSERT_PTR_NULL(before.table);
		resume_run(&before, box.now);
		CU_ASSERT_PTR_NULL(before.retired);
		see(false, CLIENT_PORT + 1, 80, TCP_ACK);
		end();
	}
}

static void
what_was_last_seen_an_hour_ago_is_not_known(void)
{
	begin_checkpoint(1, "default pass\n");
	checkpointed("track", CLIENT_PORT, 80, 0, 0, 3601LL * SECOND);
	lose_leatd();
	CU_ASSERT_EQUAL(resume_waiting(&before), 0);
	CU_ASSERT_PTR_NULL(before.table);
	end();
}

static void
patience_is_as_long_as_the_time_without_leatd(void)
{
	const struct resumed *f;
	struct pkt p;
	bool from_server;
	usec_t until;

	begin_checkpoint(1, "default pass\n");
	checkpointed("proxy", CLIENT_PORT, 80, 0, 0, 5LL * SECOND);
	lose_leatd();
	memset(&p, 0, sizeof p);
	p.src = ip_addr_v4((const uint8_t[]){ 10, 0, 0, 1 });
	p.dst = ip_addr_v4((const uint8_t[]){ 10, 0, 0, 2 });
	p.sport = CLIENT_PORT;
	p.dport = 80;
	p.hash = flow_hash(&p.src, &p.dst, p.sport, p.dport, 0, NULL, 0);
	f = resume_take(&before, 0, &p, usec_add(box.now, SECOND), &from_server);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_FALSE(from_server);
	until = resume_repeats_until(&before, 0, f);
	CU_ASSERT_EQUAL(usec_diff(until, box.now), 7 * SECOND);
	end();
}

TAP_MAIN(resume, TAP_TEST(each_mode_is_taken_up_again),
	 TAP_TEST(rule_generation_and_roles_are_those_of_before),
	 TAP_TEST(guess_of_before_is_one_still),
	 TAP_TEST(flow_that_nobody_knows_is_forwarded_and_never_answered),
	 TAP_TEST(key_is_whole_domain_tags_and_ports), TAP_TEST(syn_begins_the_tuple_anew),
	 TAP_TEST(only_a_proxied_flow_is_watched), TAP_TEST(every_worker_finds_its_own),
	 TAP_TEST(table_goes_when_all_are_taken_or_an_hour_has_passed),
	 TAP_TEST(what_was_last_seen_an_hour_ago_is_not_known),
	 TAP_TEST(patience_is_as_long_as_the_time_without_leatd))
