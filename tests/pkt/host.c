/*
 * host.c - loads tcpterm-pd.so as a host of packet scripts does, and drives it by its table: a
 * handshake, bytes both ways, the end.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/pkt/adapter/abi.h"
#include "tests/unit/frame.h"
#include "tests/unit/tap.h"

#ifdef __SANITIZE_ADDRESS__
#define DEEPBIND 0	/* its runtime refuses the other */
#else
#define DEEPBIND RTLD_DEEPBIND
#endif

enum { ETHER = 14, FIN = 1, SYN = 2, PSH = 8, ACK = 16, PORT = 8080, PEER_PORT = 40000 };

static struct pd_table t;

/* What the stack sent: flags, numbers, payload bytes. */
struct segment {
	unsigned flags;
	uint32_t seq, ack;
	size_t len;
};

static uint32_t
get32(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static void
bring(uint32_t number, uint32_t ack, uint16_t flags, size_t len)
{
	static struct frame f;

	frame_init(&f);
	frame_ether(&f, 0x0800);
	frame_ip4(&f, "192.0.2.1", "192.168.0.1", 6, NULL, 0);
	frame_tcp(&f, PEER_PORT, PORT, number, ack, flags, 65535, NULL, 0);
	frame_fill(&f, len);
	frame_end(&f);
	CU_ASSERT_EQUAL(t.packet_in(t.self, f.b + ETHER, f.len - ETHER), 0);
}

static struct segment
next(void)
{
	static uint8_t b[65536];
	size_t n = sizeof b, header;
	long long at;

	CU_ASSERT_EQUAL(t.packet_out(t.self, b, &n, &at), 0);
	if (n < 40)
		return (struct segment){ 0 };
	CU_ASSERT_EQUAL(naive_sum(b, 20, 0), 0xffff);
	CU_ASSERT_EQUAL(naive_sum(b + 20, n - 20, naive_sum(b + 12, 8, 6 + (uint32_t)(n - 20))),
			0xffff);
	header = 20 + (b[32] >> 4) * 4u;
	return (struct segment){
		.flags = b[33], .seq = get32(b + 24), .ack = get32(b + 28), .len = n - header
	};
}

static bool
load(void)
{
	const char *build = getenv("LEAT_BUILDDIR");
	void (*init)(const char *, struct pd_table *);
	char path[4096];
	void *so;

	snprintf(path, sizeof path, "%s/tests/pkt/tcpterm-pd.so", build ? build : ".");
	so = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE | DEEPBIND);
	if (!so) {
		printf("# %s\n", dlerror());
		return false;
	}
	*(void **)&init = dlsym(so, "packetdrill_interface_init");
	init("profile=linux,mask_psh=1", &t);
	return true;
}

static void
host_accepts_reads_writes_and_closes(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	socklen_t len = sizeof a;
	char bytes[1000];
	struct segment s;
	int l, c;
	uint32_t iss;

	CU_ASSERT_TRUE_FATAL(load());
	l = t.socket(t.self, AF_INET, SOCK_STREAM, 0);
	CU_ASSERT_EQUAL(t.bind(t.self, l, (const struct sockaddr *)&a, sizeof a), 0);
	CU_ASSERT_EQUAL(t.listen(t.self, l, 1), 0);
	bring(1000, 0, SYN, 0);
	s = next();
	CU_ASSERT_EQUAL(s.flags, SYN | ACK);
	CU_ASSERT_EQUAL(s.ack, 1001);
	iss = s.seq;
	bring(1001, iss + 1, ACK, 0);
	c = t.accept(t.self, l, (struct sockaddr *)&a, &len);
	CU_ASSERT_TRUE(c > 0);
	CU_ASSERT_EQUAL(ntohs(a.sin_port), PEER_PORT);

	bring(1001, iss + 1, ACK | PSH, 500);
	CU_ASSERT_EQUAL(next().ack, 1501);
	CU_ASSERT_EQUAL(t.read(t.self, c, bytes, sizeof bytes), 500);
	CU_ASSERT_EQUAL(t.write(t.self, c, bytes, 300), 300);
	s = next();
	CU_ASSERT_EQUAL(s.len, 300);
	CU_ASSERT_EQUAL(s.flags, ACK);	/* PSH is masked */

	bring(1501, iss + 301, ACK, 0);
	CU_ASSERT_EQUAL(t.close(t.self, c), 0);
	s = next();
	CU_ASSERT_EQUAL(s.flags, FIN | ACK);
	bring(1501, iss + 302, FIN | ACK, 0);
	CU_ASSERT_EQUAL(next().ack, 1502);
	CU_ASSERT_EQUAL(t.close(t.self, l), 0);
}

TAP_MAIN(host, TAP_TEST(host_accepts_reads_writes_and_closes))
