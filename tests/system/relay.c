/* relay: carries frames between two interfaces and impairs them on the way, by a seed.
 *
 *	relay [--seed N] [--stats FILE] [--up SPEC] [--down SPEC] NEAR FAR
 *
 * "up" is from NEAR to FAR, "down" the other way. SPEC is a list joined by commas:
 *	loss=P%  dup=P%  reorder=P%	chance a frame is dropped, sent twice, held back
 *	hold=USEC			how long a reordered frame is held back (default 1000)
 *	delay=USEC			every frame's delay
 *	push=VID[.VID]			tags put on, the outer first: 0x88a8 outside of 0x8100
 *	pop=N				tags taken off
 * The same seed and the same sequence of frames give the same decisions in each direction. The
 * counts are printed as one JSON object, and written to FILE, at SIGTERM or SIGINT.
 * Single-threaded; needs CAP_NET_RAW.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	BATCH = 64,
	FRAME_MAX = 9600,
	TAG_ROOM = 16,		/* in front of a frame, for the tags put on or put back */
	HELD_MAX = 16384,	/* frames held back in one direction; more are dropped, counted */
	RCVBUF = 64 << 20,
};

struct spec {
	double loss, dup, reorder;	/* chances, 0 to 1 */
	int64_t hold, delay;		/* us */
	unsigned int push[2];
	int n_push, pop;
};

struct counts {
	uint64_t received, sent, lost, duplicated, reordered, overflow, unsent, kernel_drops;
};

struct held {
	int64_t due;		/* us */
	uint64_t order;		/* of arrival: equal times keep their order */
	uint16_t len;
	uint8_t *frame;
};

struct way {
	const char *name;
	int from, to;		/* sockets */
	struct spec spec;
	struct counts n;
	uint64_t rng;
	uint64_t order;
	struct held heap[HELD_MAX];	/* binary, the earliest first */
	int n_heap;
};

static volatile sig_atomic_t stopped;

static void
on_signal(int sig)
{
	(void)sig;
	stopped = 1;
}

static void
die(const char *what)
{
	fprintf(stderr, "relay: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* splitmix64: one draw, 0 to 1. */
static double
draw(struct way *w)
{
	uint64_t z = (w->rng += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	z ^= z >> 31;
	return (double)(z >> 11) / 9007199254740992.0;
}

static bool
earlier(const struct held *a, const struct held *b)
{
	return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void
heap_put(struct way *w, struct held h)
{
	int i = w->n_heap++;

	for (; i > 0 && earlier(&h, &w->heap[(i - 1) / 2]); i = (i - 1) / 2)
		w->heap[i] = w->heap[(i - 1) / 2];
	w->heap[i] = h;
}

static struct held
heap_take(struct way *w)
{
	struct held top = w->heap[0], last = w->heap[--w->n_heap];
	int i = 0, c;

	for (; (c = 2 * i + 1) < w->n_heap; i = c) {
		if (c + 1 < w->n_heap && earlier(&w->heap[c + 1], &w->heap[c]))
			c++;
		if (!earlier(&w->heap[c], &last))
			break;
		w->heap[i] = w->heap[c];
	}
	w->heap[i] = last;
	return top;
}

static void
transmit(struct way *w, const uint8_t *frame, size_t len)
{
	struct pollfd room = { .fd = w->to, .events = POLLOUT };
	int tries;

	for (tries = 0; tries < 100; tries++) {
		if (send(w->to, frame, len, MSG_DONTWAIT) >= 0) {
			w->n.sent++;
			return;
		}
		if (errno != EAGAIN && errno != ENOBUFS && errno != EINTR)
			break;
		poll(&room, 1, 1);
	}
	w->n.unsent++;
}

static void
hold_back(struct way *w, const uint8_t *frame, size_t len, int64_t due)
{
	struct held h = { .due = due, .order = w->order++, .len = (uint16_t)len };

	h.frame = w->n_heap < HELD_MAX ? malloc(len) : NULL;
	if (h.frame == NULL) {
		w->n.overflow++;
		return;
	}
	memcpy(h.frame, frame, len);
	heap_put(w, h);
}

static void
release_due(struct way *w, int64_t now)
{
	struct held h;

	while (w->n_heap > 0 && w->heap[0].due <= now) {
		h = heap_take(w);
		transmit(w, h.frame, h.len);
		free(h.frame);
	}
}

/* Puts a tag in front of the frame's type; the caller left TAG_ROOM. */
static uint8_t *
tag_push(uint8_t *frame, size_t *len, uint16_t tpid, uint16_t tci)
{
	memmove(frame - 4, frame, 12);
	frame -= 4;
	*len += 4;
	frame[12] = (uint8_t)(tpid >> 8);
	frame[13] = (uint8_t)tpid;
	frame[14] = (uint8_t)(tci >> 8);
	frame[15] = (uint8_t)tci;
	return frame;
}

static bool
tagged(const uint8_t *frame, size_t len)
{
	uint16_t type = (uint16_t)(frame[12] << 8 | frame[13]);

	return len >= 18 && (type == ETH_P_8021Q || type == ETH_P_8021AD);
}

static uint8_t *
retag(const struct spec *s, uint8_t *frame, size_t *len)
{
	int i;

	for (i = 0; i < s->pop && tagged(frame, *len); i++) {
		memmove(frame + 4, frame, 12);
		frame += 4;
		*len -= 4;
	}
	for (i = s->n_push - 1; i >= 0; i--)
		frame = tag_push(frame, len, i == 0 && s->n_push > 1 ? ETH_P_8021AD : ETH_P_8021Q,
				 (uint16_t)s->push[i]);
	return frame;
}

/* Every frame draws the same number of times, so one decision never shifts the next frame's. */
static void
carry(struct way *w, uint8_t *frame, size_t len, int64_t now)
{
	const struct spec *s = &w->spec;
	bool lost = draw(w) < s->loss, dup = draw(w) < s->dup, late = draw(w) < s->reorder;
	int64_t due = now + s->delay;
	int copies;

	w->n.received++;
	if (lost) {
		w->n.lost++;
		return;
	}
	frame = retag(s, frame, &len);
	if (late) {
		w->n.reordered++;
		due += s->hold;
	}
	if (dup)
		w->n.duplicated++;
	for (copies = dup ? 2 : 1; copies > 0; copies--) {
		if (due > now)
			hold_back(w, frame, len, due);
		else
			transmit(w, frame, len);
	}
}

/* The kernel takes the outer tag off and tells it beside the frame. */
static uint8_t *
tag_restore(struct msghdr *m, uint8_t *frame, size_t *len)
{
	struct cmsghdr *c;
	struct tpacket_auxdata aux;

	for (c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		if (aux.tp_status & TP_STATUS_VLAN_VALID)
			return tag_push(frame, len,
					(aux.tp_status & TP_STATUS_VLAN_TPID_VALID)
						? aux.tp_vlan_tpid
						: ETH_P_8021Q,
					aux.tp_vlan_tci);
	}
	return frame;
}

static void
receive(struct way *w)
{
	static uint8_t room[BATCH][TAG_ROOM + FRAME_MAX];
	static char control[BATCH][CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	struct mmsghdr m[BATCH];
	struct iovec iov[BATCH];
	uint8_t *frame;
	size_t len;
	int64_t now;
	int i, n;

	memset(m, 0, sizeof(m));
	for (i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){ room[i] + TAG_ROOM, FRAME_MAX };
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i],
						.msg_iovlen = 1,
						.msg_control = control[i],
						.msg_controllen = sizeof(control[i]) };
	}
	n = recvmmsg(w->from, m, BATCH, MSG_DONTWAIT, NULL);
	now = now_us();
	for (i = 0; i < n; i++) {
		len = m[i].msg_len;
		if (len < ETH_HLEN)
			continue;
		frame = tag_restore(&m[i].msg_hdr, room[i] + TAG_ROOM, &len);
		carry(w, frame, len, now);
	}
}

static int
interface_open(const char *name)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	struct packet_mreq promisc = { .mr_type = PACKET_MR_PROMISC };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), one = 1, size = RCVBUF;

	at.sll_ifindex = promisc.mr_ifindex = (int)if_nametoindex(name);
	if (fd < 0 || at.sll_ifindex == 0)
		die(name);
	if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) != 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)) != 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promisc, sizeof(promisc)) != 0 ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0)
		die(name);
	return fd;
}

static bool
chance(const char *text, double *p)
{
	char *end;

	*p = strtod(text, &end) / 100;
	return end != text && strcmp(end, "%") == 0 && *p >= 0 && *p <= 1;
}

static bool
setting(struct spec *s, const char *key, const char *value)
{
	if (strcmp(key, "loss") == 0)
		return chance(value, &s->loss);
	if (strcmp(key, "dup") == 0)
		return chance(value, &s->dup);
	if (strcmp(key, "reorder") == 0)
		return chance(value, &s->reorder);
	if (strcmp(key, "hold") == 0)
		return sscanf(value, "%" SCNd64, &s->hold) == 1;
	if (strcmp(key, "delay") == 0)
		return sscanf(value, "%" SCNd64, &s->delay) == 1;
	if (strcmp(key, "pop") == 0)
		return sscanf(value, "%d", &s->pop) == 1;
	if (strcmp(key, "push") == 0)
		return (s->n_push = sscanf(value, "%u.%u", &s->push[0], &s->push[1])) > 0;
	return false;
}

static void
spec_parse(struct spec *s, char *text)
{
	char *save, *item, *value;

	for (item = strtok_r(text, ",", &save); item; item = strtok_r(NULL, ",", &save)) {
		value = strchr(item, '=');
		if (value != NULL)
			*value++ = '\0';
		if (value == NULL || !setting(s, item, value)) {
			fprintf(stderr, "relay: bad setting: %s\n", item);
			exit(2);
		}
	}
}

static void
way_init(struct way *w, const char *name, uint64_t seed)
{
	memset(w, 0, sizeof(*w));
	w->name = name;
	w->rng = seed;
	w->spec.hold = 1000;
}

static void
way_report(struct way *w, FILE *f)
{
	struct tpacket_stats st = { 0 };
	socklen_t len = sizeof(st);

	/* Reading the kernel's count clears it. */
	if (getsockopt(w->from, SOL_PACKET, PACKET_STATISTICS, &st, &len) == 0)
		w->n.kernel_drops += st.tp_drops;
	fprintf(f,
		"\"%s\":{\"received\":%" PRIu64 ",\"sent\":%" PRIu64 ",\"lost\":%" PRIu64
		",\"duplicated\":%" PRIu64 ",\"reordered\":%" PRIu64 ",\"overflow\":%" PRIu64
		",\"unsent\":%" PRIu64 ",\"kernel_drops\":%" PRIu64 "}",
		w->name, w->n.received, w->n.sent, w->n.lost, w->n.duplicated, w->n.reordered,
		w->n.overflow, w->n.unsent, w->n.kernel_drops);
}

static void
report(struct way ways[2], uint64_t seed, FILE *f)
{
	fprintf(f, "{\"seed\":%" PRIu64 ",", seed);
	way_report(&ways[0], f);
	fputc(',', f);
	way_report(&ways[1], f);
	fputs("}\n", f);
	fflush(f);
}

static void
relay(struct way ways[2])
{
	struct pollfd in[2] = { { .fd = ways[0].from, .events = POLLIN },
				{ .fd = ways[1].from, .events = POLLIN } };
	struct timespec wait;
	int64_t now, left;
	int i;

	while (!stopped) {
		left = 1000000;
		now = now_us();
		for (i = 0; i < 2; i++) {
			release_due(&ways[i], now);
			if (ways[i].n_heap > 0 && ways[i].heap[0].due - now < left)
				left = ways[i].heap[0].due - now;
		}
		wait = (struct timespec){ left / 1000000, left % 1000000 * 1000 };
		if (ppoll(in, 2, &wait, NULL) < 0)
			continue;
		for (i = 0; i < 2; i++)
			if (in[i].revents & POLLIN)
				receive(&ways[i]);
	}
}

int
main(int argc, char *argv[])
{
	static const struct option options[] = { { "seed", 1, NULL, 's' },
						 { "stats", 1, NULL, 'f' },
						 { "up", 1, NULL, 'u' },
						 { "down", 1, NULL, 'd' },
						 { NULL, 0, NULL, 0 } };
	struct sigaction sa = { .sa_handler = on_signal };
	static struct way ways[2];
	const char *stats = NULL;
	char none[1] = "", *up = none, *down = none;
	uint64_t seed = 1;
	FILE *f;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 's': seed = strtoull(optarg, NULL, 0); break;
		case 'f': stats = optarg; break;
		case 'u': up = optarg; break;
		case 'd': down = optarg; break;
		default: return 2;
		}
	}
	if (argc - optind != 2) {
		fprintf(stderr, "usage: relay [--seed N] [--stats FILE] [--up SPEC] [--down SPEC] "
				"NEAR FAR\n");
		return 2;
	}
	way_init(&ways[0], "up", seed);
	way_init(&ways[1], "down", seed ^ 0xd0d0d0d0d0d0d0d0u);
	spec_parse(&ways[0].spec, up);
	spec_parse(&ways[1].spec, down);
	ways[0].from = ways[1].to = interface_open(argv[optind]);
	ways[0].to = ways[1].from = interface_open(argv[optind + 1]);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	fprintf(stderr, "relay: relaying between %s and %s, seed %" PRIu64 "\n", argv[optind],
		argv[optind + 1], seed);
	relay(ways);
	report(ways, seed, stdout);
	if (stats != NULL && (f = fopen(stats, "w")) != NULL) {
		report(ways, seed, f);
		fclose(f);
	}
	return 0;
}
