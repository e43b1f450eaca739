/* hop: one link between two interfaces, as a path has it: a rate, a queue, a delay, loss.
 *
 *	hop [--seed N] [--stats FILE] [--up SPEC] [--down SPEC] NEAR FAR
 *
 * "up" is from NEAR to FAR, "down" the other way. SPEC is a list joined by commas:
 *	loss=P%  reorder=P%	chance that a TCP segment is dropped, held back
 *	hold=USEC		a segment held back is late by 0 to so much (default 1000)
 *	police=MBIT  burst=BYTES	a token bucket: what it has no tokens for is dropped
 *	rate=MBIT  queue=FRAMES	the link's rate, and how many frames wait for it (default 1000)
 *	delay=USEC		every frame's
 * in that order. The fate of a segment is drawn from the seed, the direction, the port of the end
 * at NEAR and the segment's number in that direction of that connection: whatever carries a
 * connection of the same port under the same seed meets the same pattern. (Ports count modulo
 * LANES.) Other frames are delayed only.
 *
 * Payload bytes that were seen before are counted as sent again, before anything is done to them.
 * The counts are printed as one JSON object, and written to FILE, at SIGTERM or SIGINT; lane 0 has
 * one of its own. Single-threaded; needs CAP_NET_RAW.
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
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	BATCH = 64,
	FRAME_MAX = 1700,
	FLYING_MAX = 16384,	/* frames under way in one direction; a power of two */
	QUEUE_MAX = 4096,	/* a power of two */
	LANES = 128,		/* connections told apart */
	SOCKET_BYTES = 32 << 20,
};

struct spec {
	double loss, reorder;		/* chances, 0 to 1 */
	double police, rate;		/* bytes a us; 0: none */
	int64_t hold, delay;		/* us */
	int burst;			/* bytes */
	unsigned int queue;		/* frames */
};

struct lane {
	uint64_t n;			/* segments so far */
	bool known;
	uint32_t top;			/* the sequence number after the highest byte seen */
	uint64_t bytes, again;		/* of payload */
};

struct frame {
	int64_t due;			/* us */
	uint16_t len;
	uint8_t bytes[];
};

struct way {
	const char *name;
	int from, to;			/* sockets */
	bool up;
	struct spec spec;
	uint64_t seed;
	struct lane lane[LANES];
	double tokens;			/* bytes */
	int64_t tokens_at;		/* us */
	double free_at;			/* us: the link has sent all that waits */
	int64_t leaves[QUEUE_MAX];	/* when each frame that waits will have been sent */
	uint32_t q_head, q_tail;
	struct frame *flying[FLYING_MAX];	/* by due time */
	uint32_t f_head, f_tail;
	uint64_t n_received, n_sent, n_lost, n_policed, n_full, n_reordered, n_unsent;
};

struct segment {
	struct lane *lane;
	unsigned int port;		/* the near end's */
	uint32_t seq, len;		/* of payload */
	bool syn;
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
	fprintf(stderr, "hop: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* --- what the segments are --- */

static uint32_t
get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t
get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

/* False: no TCP segment, or one in a fragment or behind an extension header. */
static bool
parse(struct way *w, const uint8_t *p, size_t len, struct segment *s)
{
	uint32_t ip, tcp, end;

	if (len < ETH_HLEN + 40)
		return false;
	if (get16(p + 12) == ETH_P_IP && p[ETH_HLEN + 9] == IPPROTO_TCP) {
		ip = (p[ETH_HLEN] & 15) * 4;
		end = ETH_HLEN + get16(p + ETH_HLEN + 2);
	} else if (get16(p + 12) == ETH_P_IPV6 && p[ETH_HLEN + 6] == IPPROTO_TCP) {
		ip = 40;
		end = ETH_HLEN + 40 + get16(p + ETH_HLEN + 4);
	} else {
		return false;
	}
	tcp = ETH_HLEN + ip;
	if (end > len || tcp + 20 > end)
		return false;
	s->port = get16(p + tcp + (w->up ? 0 : 2));
	s->lane = &w->lane[s->port % LANES];
	s->seq = get32(p + tcp + 4);
	s->syn = p[tcp + 13] & 2;
	tcp += (p[tcp + 12] >> 4) * 4;
	s->len = end > tcp ? end - tcp : 0;
	return true;
}

static void
count_again(const struct segment *s)
{
	struct lane *l = s->lane;
	uint32_t end = s->seq + s->syn + s->len;
	int32_t beyond;

	if (!l->known || s->syn) {
		l->known = true;
		l->top = s->seq + s->syn;
	}
	l->bytes += s->len;
	beyond = (int32_t)(end - l->top);
	if (beyond <= 0)
		l->again += s->len;
	else if ((uint32_t)beyond < s->len)
		l->again += s->len - (uint32_t)beyond;
	if (beyond > 0)
		l->top = end;
}

/* splitmix64's finisher over what names the draw; 0 to 1. */
static double
draw(const struct way *w, const struct segment *s, uint64_t which)
{
	uint64_t z = w->seed;
	uint64_t words[] = { s->port % LANES, s->lane->n, which };

	for (unsigned int i = 0; i < 3; i++) {
		z += words[i] + 0x9e3779b97f4a7c15u;
		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
		z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
		z ^= z >> 31;
	}
	return (double)(z >> 11) / 9007199254740992.0;
}

/* --- the link --- */

static bool
policed(struct way *w, size_t len, int64_t now)
{
	const struct spec *s = &w->spec;

	if (s->police <= 0)
		return false;
	w->tokens += (double)(now - w->tokens_at) * s->police;
	w->tokens_at = now;
	if (w->tokens > s->burst)
		w->tokens = s->burst;
	if (w->tokens < (double)len)
		return true;
	w->tokens -= (double)len;
	return false;
}

/* When the link has sent the frame; -1: its queue is full. */
static int64_t
queued(struct way *w, size_t len, int64_t now)
{
	if (w->spec.rate <= 0)
		return now;
	while (w->q_head != w->q_tail && w->leaves[w->q_head % QUEUE_MAX] <= now)
		w->q_head++;
	if (w->q_tail - w->q_head >= w->spec.queue)
		return -1;
	if (w->free_at < (double)now)
		w->free_at = (double)now;
	w->free_at += (double)(len + 24) / w->spec.rate;	/* preamble, FCS and gap too */
	w->leaves[w->q_tail++ % QUEUE_MAX] = (int64_t)w->free_at;
	return (int64_t)w->free_at;
}

static void
transmit(struct way *w, const struct frame *f)
{
	struct pollfd room = { .fd = w->to, .events = POLLOUT };
	int tries;

	for (tries = 0; tries < 100; tries++) {
		if (send(w->to, f->bytes, f->len, MSG_DONTWAIT) >= 0) {
			w->n_sent++;
			return;
		}
		if (errno != EAGAIN && errno != ENOBUFS && errno != EINTR)
			break;
		poll(&room, 1, 1);
	}
	w->n_unsent++;
}

/* Nearly always the latest: the way to its place is short. */
static void
take_off(struct way *w, const uint8_t *p, size_t len, int64_t due)
{
	struct frame *f = malloc(sizeof(*f) + len);
	uint32_t i = w->f_tail;

	if (f == NULL || w->f_tail - w->f_head == FLYING_MAX) {
		free(f);
		w->n_unsent++;
		return;
	}
	f->due = due;
	f->len = (uint16_t)len;
	memcpy(f->bytes, p, len);
	for (; i != w->f_head && w->flying[(i - 1) % FLYING_MAX]->due > due; i--)
		w->flying[i % FLYING_MAX] = w->flying[(i - 1) % FLYING_MAX];
	w->flying[i % FLYING_MAX] = f;
	w->f_tail++;
}

static void
land_due(struct way *w, int64_t now)
{
	struct frame *f;

	while (w->f_head != w->f_tail && (f = w->flying[w->f_head % FLYING_MAX])->due <= now) {
		w->f_head++;
		transmit(w, f);
		free(f);
	}
}

static void
carry(struct way *w, const uint8_t *p, size_t len, int64_t now)
{
	const struct spec *spec = &w->spec;
	struct segment s;
	int64_t due, late = 0;

	w->n_received++;
	if (parse(w, p, len, &s)) {
		count_again(&s);
		s.lane->n++;
		if (draw(w, &s, 0) < spec->loss) {
			w->n_lost++;
			return;
		}
		if (draw(w, &s, 1) < spec->reorder) {
			w->n_reordered++;
			late = (int64_t)(draw(w, &s, 2) * (double)spec->hold);
		}
	}
	if (policed(w, len, now)) {
		w->n_policed++;
		return;
	}
	due = queued(w, len, now);
	if (due < 0)
		w->n_full++;
	else
		take_off(w, p, len, due + spec->delay + late);
}

static void
receive(struct way *w)
{
	static uint8_t room[BATCH][FRAME_MAX];
	struct mmsghdr m[BATCH];
	struct iovec iov[BATCH];
	int64_t now;
	int i, n;

	memset(m, 0, sizeof(m));
	for (i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){ room[i], FRAME_MAX };
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
	}
	n = recvmmsg(w->from, m, BATCH, MSG_DONTWAIT, NULL);
	now = now_us();
	for (i = 0; i < n; i++)
		if (m[i].msg_len >= ETH_HLEN)
			carry(w, room[i], m[i].msg_len, now);
}

/* --- set up, report --- */

static int
interface_open(const char *name)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	struct packet_mreq promisc = { .mr_type = PACKET_MR_PROMISC };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), one = 1, size = SOCKET_BYTES;

	at.sll_ifindex = promisc.mr_ifindex = (int)if_nametoindex(name);
	if (fd < 0 || at.sll_ifindex == 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) != 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promisc, sizeof(promisc)) != 0 ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0)
		die(name);
	return fd;
}

static bool
number(const char *text, const char *unit, double least, double most, double *v)
{
	char *end;

	*v = strtod(text, &end);
	return end != text && strcmp(end, unit) == 0 && *v >= least && *v <= most;
}

static bool
setting(struct spec *s, const char *key, const char *value)
{
	double v = 0;
	bool known = true;

	if (strcmp(key, "loss") == 0 && number(value, "%", 0, 100, &v))
		s->loss = v / 100;
	else if (strcmp(key, "reorder") == 0 && number(value, "%", 0, 100, &v))
		s->reorder = v / 100;
	else if (strcmp(key, "hold") == 0 && number(value, "", 0, 1e7, &v))
		s->hold = (int64_t)v;
	else if (strcmp(key, "delay") == 0 && number(value, "", 0, 1e7, &v))
		s->delay = (int64_t)v;
	else if (strcmp(key, "police") == 0 && number(value, "", 0.01, 1e5, &v))
		s->police = v / 8;
	else if (strcmp(key, "burst") == 0 && number(value, "", 1600, 1e9, &v))
		s->burst = (int)v;
	else if (strcmp(key, "rate") == 0 && number(value, "", 0.01, 1e5, &v))
		s->rate = v / 8;
	else if (strcmp(key, "queue") == 0 && number(value, "", 1, QUEUE_MAX, &v))
		s->queue = (unsigned int)v;
	else
		known = false;
	return known;
}

static void
spec_parse(struct spec *s, char *text)
{
	char *save, *item, *value;

	*s = (struct spec){ .hold = 1000, .queue = 1000, .burst = 65536 };
	for (item = strtok_r(text, ",", &save); item; item = strtok_r(NULL, ",", &save)) {
		value = strchr(item, '=');
		if (value != NULL)
			*value++ = '\0';
		if (value == NULL || !setting(s, item, value)) {
			fprintf(stderr, "hop: bad setting: %s\n", item);
			exit(2);
		}
	}
}

static void
way_init(struct way *w, bool up, uint64_t seed, char *spec)
{
	memset(w, 0, sizeof(*w));
	w->name = up ? "up" : "down";
	w->up = up;
	w->seed = up ? seed : ~seed;
	spec_parse(&w->spec, spec);
	w->tokens = w->spec.burst;
	w->tokens_at = now_us();
}

static void
way_report(struct way *w, FILE *f)
{
	struct tpacket_stats st = { 0 };
	socklen_t len = sizeof(st);
	uint64_t bytes = 0, again = 0;
	unsigned int i;

	for (i = 1; i < LANES; i++) {
		bytes += w->lane[i].bytes;
		again += w->lane[i].again;
	}
	getsockopt(w->from, SOL_PACKET, PACKET_STATISTICS, &st, &len);
	fprintf(f,
		"\"%s\":{\"received\":%" PRIu64 ",\"sent\":%" PRIu64 ",\"lost\":%" PRIu64
		",\"policed\":%" PRIu64 ",\"full\":%" PRIu64 ",\"reordered\":%" PRIu64
		",\"unsent\":%" PRIu64 ",\"kernel_drops\":%u",
		w->name, w->n_received, w->n_sent, w->n_lost, w->n_policed, w->n_full,
		w->n_reordered, w->n_unsent, st.tp_drops);
	fprintf(f,
		",\"bytes\":%" PRIu64 ",\"again\":%" PRIu64 ",\"other_bytes\":%" PRIu64
		",\"other_again\":%" PRIu64 "}",
		w->lane[0].bytes, w->lane[0].again, bytes, again);
}

static void
report(struct way ways[2], uint64_t seed, FILE *f)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	fprintf(f, "{\"seed\":%" PRIu64 ",\"cpu_s\":%.3f,", seed,
		(double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
			(double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
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
	int64_t left, next;
	int i;

	while (!stopped) {
		left = 1000000;
		for (i = 0; i < 2; i++) {
			land_due(&ways[i], now_us());
			if (ways[i].f_head == ways[i].f_tail)
				continue;
			next = ways[i].flying[ways[i].f_head % FLYING_MAX]->due - now_us();
			if (next < left)
				left = next > 0 ? next : 0;
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
	char none[2][1] = { "", "" }, *up = none[0], *down = none[1];
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
		fprintf(stderr, "usage: hop [--seed N] [--stats FILE] [--up SPEC] [--down SPEC] "
				"NEAR FAR\n");
		return 2;
	}
	way_init(&ways[0], true, seed, up);
	way_init(&ways[1], false, seed, down);
	ways[0].from = ways[1].to = interface_open(argv[optind]);
	ways[0].to = ways[1].from = interface_open(argv[optind + 1]);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	prctl(PR_SET_TIMERSLACK, 1);	/* ns: the delay is to be as exact as it was asked for */
	fprintf(stderr, "hop: relaying between %s and %s, seed %" PRIu64 "\n", argv[optind],
		argv[optind + 1], seed);
	relay(ways);
	report(ways, seed, stdout);
	if (stats != NULL && (f = fopen(stats, "w")) != NULL) {
		report(ways, seed, f);
		fclose(f);
	}
	return 0;
}
