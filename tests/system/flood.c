/*
 * flood.c - many TCP segments of as many connections, as fast as an interface takes them.
 *
 *	flood IFACE SRC_MAC DST_MAC DST_IP DST_PORT syn|ack N [SEED [RATE]]
 *
 * From addresses in 10.64.0.0/10 and ports that follow from SEED; checksums are right.  `ack` are
 * segments of no connection that anybody knows, with 100 bytes each.  RATE is segments a second; 0:
 * as many as leave.  Prints how many were sent.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 64, PAYLOAD = 100, PATIENCE_MS = 5000 };

struct frame {
	struct ether_header eth;
	struct iphdr ip;
	struct tcphdr tcp;
	uint8_t payload[PAYLOAD];
} __attribute__((packed));

static uint64_t state;

/* xorshift64* */
static uint32_t
random32(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)(state * UINT64_C(0x2545f4914f6cdd1d) >> 32);
}

static uint32_t
sum16(const void *p, size_t len, uint32_t sum)
{
	const uint8_t *b = p;
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)b[i] << 8 | b[i + 1];
	return sum;
}

static uint16_t
folded(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* Completes `f`: a segment of a connection that was not there before. */
static size_t
next_frame(struct frame *f, int is_syn)
{
	size_t payload = is_syn ? 0 : PAYLOAD;
	uint16_t segment = (uint16_t)(sizeof f->tcp + payload);

	f->ip.saddr = htonl(UINT32_C(0x0a400000) | (random32() & 0x3fffff));
	f->ip.tot_len = htons((uint16_t)(sizeof f->ip + segment));
	f->ip.check = 0;
	f->ip.check = folded(sum16(&f->ip, sizeof f->ip, 0));
	f->tcp.source = htons((uint16_t)(1024 + random32() % 60000));
	f->tcp.seq = htonl(random32());
	f->tcp.ack_seq = is_syn ? 0 : htonl(random32());
	f->tcp.syn = is_syn != 0;
	f->tcp.ack = !is_syn;
	f->tcp.check = 0;
	f->tcp.check = folded(
		sum16(&f->tcp, segment, sum16(&f->ip.saddr, 8, IPPROTO_TCP + (uint32_t)segment)));
	return sizeof f->eth + sizeof f->ip + segment;
}

static int
send_batch(int fd, struct mmsghdr *m, unsigned n)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	unsigned sent = 0;

	while (sent < n) {
		int rc = sendmmsg(fd, m + sent, n - sent, 0);

		if (rc > 0)
			sent += (unsigned)rc;
		else if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
			return -1;
		else if (poll(&p, 1, PATIENCE_MS) == 0)
			return -1;
	}
	return 0;
}

/* Waits until `done` segments are due. */
static void
keep_to(const struct timespec *from, long rate, long done)
{
	struct timespec at = *from;

	if (rate <= 0)
		return;
	at.tv_sec += done / rate;
	at.tv_nsec += done % rate * 1000000000 / rate;
	if (at.tv_nsec >= 1000000000) {
		at.tv_nsec -= 1000000000;
		at.tv_sec++;
	}
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
		;
}

static long
flood(int fd, const struct frame *model, int is_syn, long n, long rate)
{
	struct timespec from;
	static struct frame frame[BATCH];
	struct mmsghdr m[BATCH] = { 0 };
	struct iovec v[BATCH];
	long done = 0;

	clock_gettime(CLOCK_MONOTONIC, &from);
	while (done < n) {
		unsigned i, k = n - done < BATCH ? (unsigned)(n - done) : BATCH;

		for (i = 0; i < k; i++) {
			frame[i] = *model;
			v[i] = (struct iovec){ &frame[i], next_frame(&frame[i], is_syn) };
			m[i].msg_hdr.msg_iov = &v[i];
			m[i].msg_hdr.msg_iovlen = 1;
		}
		if (send_batch(fd, m, k) != 0)
			return -1;
		done += k;
		keep_to(&from, rate, done);
	}
	return done;
}

int
main(int argc, char *argv[])
{
	struct frame model = { .eth.ether_type = htons(ETHERTYPE_IP),
			       .ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP },
			       .tcp = { .doff = 5, .window = htons(1024) } };
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	const struct ether_addr *mac;
	long n;
	int fd;

	if (argc < 8 || (strcmp(argv[6], "syn") != 0 && strcmp(argv[6], "ack") != 0) ||
	    inet_pton(AF_INET, argv[4], &model.ip.daddr) != 1) {
		fprintf(stderr, "usage: flood IFACE SRC_MAC DST_MAC DST_IP DST_PORT syn|ack N "
				"[SEED [RATE]]\n");
		return 2;
	}
	mac = ether_aton(argv[2]);
	if (mac)
		memcpy(model.eth.ether_shost, mac, ETH_ALEN);
	mac = ether_aton(argv[3]);
	if (mac)
		memcpy(model.eth.ether_dhost, mac, ETH_ALEN);
	model.tcp.dest = htons((uint16_t)atoi(argv[5]));
	state = argc > 8 ? strtoull(argv[8], NULL, 10) | 1 : 1;
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	at.sll_ifindex = (int)if_nametoindex(argv[1]);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof at) != 0) {
		perror(argv[1]);
		return 1;
	}
	n = flood(fd, &model, strcmp(argv[6], "syn") == 0, atol(argv[7]),
		  argc > 9 ? atol(argv[9]) : 0);
	if (n < 0) {
		perror("flood");
		return 1;
	}
	printf("%ld\n", n);
	return 0;
}
