/*
 * own_host.c - a stack with addresses of its own, and what it answers.
 */
#include "tests/unit/own_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/eal.h"
#include "tests/unit/tap.h"

struct own_host host;

/* --- a stack --- */

static void
on_tx(void *ctx, uint16_t domain, uint8_t side, struct rte_mbuf *m)
{
	const void *at = rte_pktmbuf_read(m, 0, m->pkt_len, host.out);
	unsigned n_segs = 0;

	(void)ctx;
	for (const struct rte_mbuf *one = m; one; one = one->next) {
		CU_ASSERT_TRUE(one->data_len > 0);
		n_segs++;
	}
	CU_ASSERT_EQUAL(n_segs, m->nb_segs);
	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	if (at != host.out)
		memcpy(host.out, at, m->pkt_len);
	host.len = m->pkt_len;
	host.side = side;
	host.domain = domain;
	host.n_out++;
	rte_pktmbuf_free(m);
}

static void
on_forward(void *ctx, const struct pkt *p)
{
	uint8_t room[2048];
	const void *at = rte_pktmbuf_read(p->m, 0, p->m->pkt_len, room);

	(void)ctx;
	host.n_forwarded++;
	host.n_forwarded_changed += !at || p->m->pkt_len != host.in.len ||
				    memcmp(at, host.in.b, host.in.len) != 0;
	rte_pktmbuf_free(p->m);
}

struct tcpterm_address
host_address(const char *text, unsigned prefix_len)
{
	struct tcpterm_address a = { .prefix_len = (uint8_t)prefix_len,
				     .mac = { { 2, 0, 0, 0, 0, 2 } } };

	CU_ASSERT_EQUAL(ip_addr_parse(text, &a.addr), 0);
	return a;
}

void
host_begin(void)
{
	static const struct tcpterm_ops ops = { .tx = on_tx, .forward = on_forward };
	const struct pool_conf sizes = { .n_frames = 1023, .n_headers = 1023 };
	const struct tcpterm_listener_conf any = {
		.select = { .any_domain = true,
			    .src_port = { 0, 65535 },
			    .dst_port = { 0, 65535 } },
	};
	struct tcpterm_conf conf = { .ops = &ops, .n_flows = 64 };
	const struct tcpterm_address v4 = host_address("192.0.2.2", 96 + 24);
	const struct tcpterm_address v6 = host_address("2001:db8::2", 64);
	tcpterm_listener_id id;

	CU_ASSERT_EQUAL_FATAL(test_eal_init(), 0);
	memset(&host, 0, sizeof host);
	CU_ASSERT_EQUAL_FATAL(pools_new(&host.pools, &sizes, NULL), 0);
	conf.payload_pool = host.pools.frames;
	conf.header_pool = host.pools.headers;
	CU_ASSERT_EQUAL_FATAL(
		team_init(&host.team, team_size, &conf, 0, false, (usec_t){ 1000 }, NULL), 0);
	host.stack = host.team.stack[0];
	CU_ASSERT_EQUAL(team_listen(&host.team, &any, &id), 0);
	CU_ASSERT_EQUAL(tcpterm_address_add(host.stack, &v4), 0);
	CU_ASSERT_EQUAL(tcpterm_address_add(host.stack, &v6), 0);
}

void
host_end(void)
{
	team_fini(&host.team);
	CU_ASSERT_EQUAL(host.n_forwarded_changed, 0);
	CU_ASSERT_EQUAL(test_mbufs_live(), 0);
	CU_ASSERT_EQUAL(pool_in_use(host.pools.headers), 0);
	pools_free(&host.pools);
}

/* --- frames --- */

void
host_send_to(uint16_t domain, struct rte_mbuf *m)
{
	const usec_t now = { 2000 };

	host.team.conf[1].domain = domain;
	team_arrive(&host.team, team_stranger(&host.team, 1, m), 1, m, now);
	team_run(&host.team, now);
}

bool
host_answered(void)
{
	unsigned n = host.n_out, n_forwarded = host.n_forwarded;

	host_send_to(0, frame_mbuf(&host.in));
	CU_ASSERT_TRUE(host.n_out - n + host.n_forwarded - n_forwarded <= 1);
	return host.n_out == n + 1;
}

bool
host_forwarded(void)
{
	unsigned n = host.n_forwarded;

	return !host_answered() && host.n_forwarded == n + 1;
}

bool
host_ignored(enum drop why)
{
	const struct drops *drops = tcpterm_drops(host.stack);
	uint64_t before = drops->n[why];
	unsigned n = host.n_forwarded;

	return !host_answered() && host.n_forwarded == n && drops->n[why] == before + 1;
}

bool
host_out_is(const void *bytes, size_t len)
{
	if (host.len == len && memcmp(host.out, bytes, len) == 0)
		return true;
	printf("# %u bytes instead of %zu:", host.len, len);
	for (uint32_t i = 0; i < host.len && i < 128; i++)
		printf(" %02x", host.out[i]);
	printf("\n");
	return false;
}

bool
host_out_is_hex(const char *hex)
{
	uint8_t b[256];
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n; i++) {
		const char digits[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

		b[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return host_out_is(b, n);
}

void
host_ether_to(struct frame *f, uint64_t dst)
{
	for (unsigned i = 0; i < 6; i++)
		f->b[i] = (uint8_t)(dst >> (40 - 8 * i));
}

void
host_change(size_t at, uint8_t to)
{
	host.in.b[at] = to;
	frame_end(&host.in);
}
