/*
 * Passive streams against captures of which the truth is known.
 *
 *	captures			judges SEEDS (1,000) captures from seed 1 on; SEED=N one
 *	captures -w DIR [N [SEED]]	writes N captures and what is to be found in them (truth.h)
 *	captures -r FILE [POLICY]	says what is found in a capture
 *
 * Judged are the bytes of both directions, the gaps, each with its place, length and reason, the
 * bytes that came too late, and whether versions differed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pcap/pcap.h>

#include "tests/prop/lib/feed.h"
#include "tests/prop/lib/truth.h"
#include "tests/unit/tap.h"

enum { SEEDS = 1000 };

/* --- judging --- */

static uint64_t n_bytes, n_gaps, n_late, n_conflicts, n_refused, n_corrected;	/* of all */

static bool
same_end(const struct frame_path *p, unsigned d, const struct ip_addr *a, uint16_t port)
{
	struct ip_addr is = p->v6 ? ip_addr_v6(p->addr[d]) : ip_addr_v4(p->addr[d]);

	return ip_addr_eq(&is, a) && port == p->port[d];
}

static bool
same_path(const struct frame_path *p, const struct fed_flow *f)
{
	return f->n_vids == p->n_tags && memcmp(f->vid, p->vid, 2 * p->n_tags) == 0 &&
	       same_end(p, 0, &f->key.addr[0], f->key.port[0]) &&
	       same_end(p, 1, &f->key.addr[1], f->key.port[1]);
}

static struct truth truth;	/* of the capture in hand */

static int
client_of(const struct flow *f)
{
	const struct flow_key k = flow_key_of(f);

	for (unsigned i = 0; i < truth.n_flows; i++)
		for (unsigned d = 0; d < 2; d++)
			if (same_end(&truth.flow[i].path, 0, &k.addr[d], k.port[d]))
				return (int)d;
	return -1;
}

static bool
same_gaps(const struct truth_half *h, const struct fed_half *is)
{
	unsigned i;

	if (is->n_gaps != h->n_gaps)
		return false;
	for (i = 0; i < h->n_gaps; i++)
		if (is->gap[i].off != h->gap[i].off || is->gap[i].len != h->gap[i].len ||
		    is->gap[i].reason != TCPTERM_GAP_LOST_IN_TAP)
			return false;
	return true;
}

static void
show_gaps(const struct truth_half *h, const struct fed_half *is)
{
	unsigned i;

	for (i = 0; i < RTE_MAX(h->n_gaps, is->n_gaps); i++) {
		printf("#\t");
		if (i < h->n_gaps)
			printf("%" PRIu64 "+%" PRIu64, h->gap[i].off, h->gap[i].len);
		printf("\t");
		if (i < is->n_gaps)
			printf("%" PRIu64 "+%" PRIu64 " %s", is->gap[i].off, is->gap[i].len,
			       tcpterm_gap_name(is->gap[i].reason));
		printf("\n");
	}
}

static bool
judge_half(const struct truth_half *h, const struct fed_flow *f, unsigned d)
{
	const struct fed_half *is = &f->dir[d];
	uint64_t i = 0;
	bool good = true;

	while (i < h->n_bytes && i < is->n_bytes && h->bytes[i] == is->bytes[i])
		i++;
	if (i < h->n_bytes || is->n_bytes != h->n_bytes) {
		printf("# direction %u: %" PRIu64 " bytes, not %" PRIu64 ", right up to %" PRIu64
		       "\n",
		       d, is->n_bytes, h->n_bytes, i);
		good = false;
	}
	if (!same_gaps(h, is)) {
		printf("# direction %u: gaps expected, told:\n", d);
		show_gaps(h, is);
		good = false;
	}
	if (is->disorder || is->n_ends != (h->n_bytes > 0 || is->n_ends == 1) ||
	    f->leg[d].late_bytes != h->late || f->leg[d].outdated < h->refused ||
	    (is->n_conflicts && !h->conflicts)) {
		printf("# direction %u: %" PRIu64 " out of turn, %u ends, %" PRIu64
		       " late, not %" PRIu64 ", %" PRIu64 " refused of %u, %u conflicts, %s\n",
		       d, is->disorder, is->n_ends, f->leg[d].late_bytes, h->late,
		       f->leg[d].outdated, h->refused, is->n_conflicts,
		       h->conflicts ? "expected" : "not expected");
		good = false;
	}
	n_bytes += is->n_bytes;
	n_gaps += is->n_gaps;
	n_late += h->late;
	n_conflicts += is->n_conflicts;
	n_refused += h->refused;
	return good;
}

static bool
judge_flow(const struct truth_flow *t)
{
	const struct fed_flow *f = NULL;
	bool good = true;
	unsigned i, n = 0;

	for (i = 0; i < feed.n_flows; i++)
		if (same_path(&t->path, &feed.flow[i])) {
			f = &feed.flow[i];
			n++;
		}
	for (i = 0; i < t->n_shots && !t->shot[i].shown; i++)
		;
	if (n != (i < t->n_shots)) {
		printf("# %u flows of its ends\n", n);
		return false;
	}
	for (i = 0; f && i < 2; i++)
		good &= judge_half(&t->dir[i], f, i);
	return good;
}

static bool
judge(const struct truth *t)
{
	bool good = feed_end();
	unsigned i;

	for (i = 0; i < t->n_flows; i++)
		if (!judge_flow(&t->flow[i])) {
			printf("# flow %u, start %d, end %d, alone %d\n", i, (int)t->flow[i].start,
			       (int)t->flow[i].end, t->flow[i].alone);
			good = false;
		}
	feed_clear();
	return good;
}

/* What each policy is to deliver.  bsd-right is a rule for fragments; of streams others take it for
 * bsd, too. */
static const enum truth_overlap families[TCPTERM_N_OVERLAPS] = {
	[TCPTERM_OVERLAP_FIRST] = TRUTH_FIRST,	       [TCPTERM_OVERLAP_LAST] = TRUTH_LAST,
	[TCPTERM_OVERLAP_REJECT] = TRUTH_REJECT,       [TCPTERM_OVERLAP_BSD] = TRUTH_BSD,
	[TCPTERM_OVERLAP_BSD_RIGHT] = TRUTH_BSD,       [TCPTERM_OVERLAP_LINUX] = TRUTH_LINUX,
	[TCPTERM_OVERLAP_OLD_LINUX] = TRUTH_OLD_LINUX, [TCPTERM_OVERLAP_SOLARIS] = TRUTH_SOLARIS,
	[TCPTERM_OVERLAP_OLD_SOLARIS] = TRUTH_SOLARIS, [TCPTERM_OVERLAP_HPUX10] = TRUTH_BSD,
	[TCPTERM_OVERLAP_HPUX11] = TRUTH_SOLARIS,      [TCPTERM_OVERLAP_IRIX] = TRUTH_BSD,
	[TCPTERM_OVERLAP_MACOS] = TRUTH_BSD,	       [TCPTERM_OVERLAP_WINDOWS] = TRUTH_BSD,
	[TCPTERM_OVERLAP_WINDOWS2K3] = TRUTH_BSD,      [TCPTERM_OVERLAP_VISTA] = TRUTH_FIRST,
};

static bool
run(uint64_t seed, enum tcpterm_overlap overlap)
{
	const struct truth_frame *f;
	bool good;

	truth_make(&truth, seed, families[overlap]);
	feed_begin(NULL);
	feed.verdict.overlap = (uint8_t)overlap;
	feed.client = client_of;
	for (f = truth.frame; f < truth.frame + truth.n_frames; f++)
		feed_frame(f->at, f->bytes, f->len, f->len);
	feed_wait(5 * 1000 * 1000);
	n_corrected += tcpterm_stats(feed.s)->roles_corrected;
	good = judge(&truth);
	if (!good)
		printf("# seed %" PRIu64 ", overlap %s\n", seed, tcpterm_overlap_name(overlap));
	truth_free(&truth);
	return good;
}

/* `share` of SEEDS, or the one that is named. */
static void
judge_seeds(unsigned share, enum tcpterm_overlap from, enum tcpterm_overlap to)
{
	const char *one = getenv("SEED"), *many = getenv("SEEDS");
	uint64_t first = one ? strtoull(one, NULL, 0) : 1, seed;
	uint64_t n = one ? 1 : (many ? strtoull(many, NULL, 0) : SEEDS) / share, failed = 0;
	enum tcpterm_overlap o;

	n_bytes = n_gaps = n_late = n_conflicts = n_refused = n_corrected = 0;
	printf("# seeds %" PRIu64 " to %" PRIu64 "; SEED=N runs one\n", first, first + n - 1);
	for (seed = first; seed < first + n; seed++)
		for (o = from; o <= to; o++)
			failed += !run(seed, o);
	printf("# %" PRIu64 " bytes, %" PRIu64 " gaps, %" PRIu64 " late, %" PRIu64
	       " conflicts, %" PRIu64 " refused, %" PRIu64 " ends taken for each other\n",
	       n_bytes, n_gaps, n_late, n_conflicts, n_refused, n_corrected);
	CU_ASSERT_EQUAL(failed, 0);
	/* The captures had what they are for. */
	CU_ASSERT_TRUE(n < SEEDS / share || (n_gaps > n && n_late > n && n_conflicts > n / 4 &&
					     n_refused > n / 10 && n_corrected > n / 20));
}

static void
streams_and_gaps_of_generated_captures_are_exact(void)
{
	judge_seeds(1, TCPTERM_OVERLAP_FIRST, TCPTERM_OVERLAP_FIRST);
}

static void
every_overlap_policy_delivers_the_bytes_it_promises(void)
{
	judge_seeds(20, TCPTERM_OVERLAP_LAST, TCPTERM_N_OVERLAPS - 1);
}

/* --- captures of others --- */

static void
show_half(const struct fed_flow *f, unsigned d)
{
	const struct fed_half *h = &f->dir[d];
	unsigned i;

	printf("\t%s %" PRIu64 " bytes %" PRIu64 " late %u conflicts %s", d ? "s2c" : "c2s",
	       h->n_bytes, f->leg[d].late_bytes, h->n_conflicts,
	       tcpterm_start_name((enum tcpterm_start)f->leg[d].start));
	for (i = 0; i < RTE_MIN(h->n_gaps, 8u); i++)
		printf(" gap %" PRIu64 "+%" PRIu64 " %s", h->gap[i].off, h->gap[i].len,
		       tcpterm_gap_name(h->gap[i].reason));
	printf("\n\t\t\"");
	for (i = 0; i < h->n_bytes && i < 64; i++)
		printf(h->bytes[i] >= ' ' && h->bytes[i] < 127 ? "%c" : "\\%02x", h->bytes[i]);
	printf("\"\n");
}

static void
show_flow(const struct fed_flow *f)
{
	char text[IP_ADDR_STRLEN];
	unsigned d, i;

	for (d = 0; d < 2; d++)
		printf("%s:%u ", ip_addr_format(&f->key.addr[d], text), f->key.port[d]);
	for (i = 0; i < f->n_vids; i++)
		printf("%s%u", i ? "." : "vlan ", f->vid[i]);
	printf(" start %s end %s packets %" PRIu64 "+%" PRIu64 "\n", tcpterm_start_name(f->start),
	       tcpterm_end_name(f->end), f->packets[0], f->packets[1]);
	for (d = 0; d < 2; d++)
		show_half(f, d);
}

/* Other links than Ethernet's are given its header. */
static void
feed_record(int link, const struct pcap_pkthdr *h, const uint8_t *bytes)
{
	static uint8_t frame[65536 + 14];
	uint32_t skip = link == DLT_LINUX_SLL ? 16 : link == DLT_NULL ? 4 : 0;
	int64_t at = h->ts.tv_sec * 1000000 + h->ts.tv_usec;

	if (link == DLT_EN10MB || h->caplen <= skip || h->caplen > 65536) {
		feed_frame(at, bytes, h->caplen, h->len);
		return;
	}
	memcpy(frame + 14, bytes + skip, h->caplen - skip);
	frame[12] = frame[14] >> 4 == 6 ? 0x86 : 0x08;
	frame[13] = frame[14] >> 4 == 6 ? 0xdd : 0x00;
	feed_frame(at, frame, h->caplen - skip + 14, h->len - skip + 14);
}

static uint8_t
overlap_named(const char *name)
{
	uint8_t o = 0;

	while (o < TCPTERM_N_OVERLAPS && strcmp(tcpterm_overlap_name(o), name) != 0)
		o++;
	return o % TCPTERM_N_OVERLAPS;
}

static int
read_capture(const char *file, const char *policy)
{
	char error[PCAP_ERRBUF_SIZE];
	pcap_t *p = pcap_open_offline(file, error);
	struct pcap_pkthdr *h;
	const u_char *bytes;
	struct tcpterm_stats st;
	unsigned i;
	int r;

	if (!p) {
		fprintf(stderr, "captures: %s: %s\n", file, error);
		return 1;
	}
	feed_begin(NULL);
	feed.verdict.overlap = overlap_named(policy);
	feed.parse.vlan_ignore = getenv("VLAN_IGNORE") != NULL;
	feed.parse.trust = getenv("TRUST") != NULL;
	while (pcap_next_ex(p, &h, &bytes) == 1)
		feed_record(pcap_datalink(p), h, bytes);
	feed_wait(5 * 1000 * 1000);
	st = *tcpterm_stats(feed.s);
	r = feed_end() ? 0 : 1;
	for (i = 0; i < feed.n_flows; i++)
		show_flow(&feed.flow[i]);
	printf("refused %" PRIu64, feed.n_refused);
#define STAT(name, about)                                                                          \
	if (st.name)                                                                               \
		printf(" %s %" PRIu64, #name, st.name);
#include <tcpterm/stats.def>
	printf("\n");
	feed_clear();
	pcap_close(p);
	return r;
}

static int
write_captures(const char *dir, const char *count, const char *first)
{
	uint64_t n = count ? strtoull(count, NULL, 0) : 1,
		 seed = first ? strtoull(first, NULL, 0) : 1;
	struct truth t;

	for (; n > 0; n--, seed++) {
		truth_make(&t, seed, TRUTH_FIRST);
		if (truth_write(&t, dir) != 0) {
			perror(dir);
			return 1;
		}
		truth_free(&t);
	}
	return 0;
}

static const struct tap_test tests[] = {
	TAP_CHECK(S10, streams_and_gaps_of_generated_captures_are_exact),
	TAP_CHECK(S13, every_overlap_policy_delivers_the_bytes_it_promises),
};

int
main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "-r") == 0)
		return read_capture(argv[2], argc > 3 ? argv[3] : "first");
	if (argc > 2 && strcmp(argv[1], "-w") == 0)
		return write_captures(argv[2], argc > 3 ? argv[3] : NULL,
				      argc > 4 ? argv[4] : NULL);
	return tap_run("captures", tests, sizeof tests / sizeof tests[0], argc, argv);
}
