/*
 * judge TRUTH FOLDER: files of streams, as `leatd -r -o` or tcpflow writes them, beside the truth.
 *
 * Right is a byte that the capture shows and that is in the file at its offset; wrong is one that
 * is another there.  Zeros where the capture shows nothing are a hole, neither right nor wrong.
 * leatd's .gaps files are compared with the holes.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/passive/lib/said.h"

enum { PIECE = 1 << 20 };

static struct truth_file truth;
static uint64_t right, wrong, beyond, whole, gaps_right, gaps_wrong;

/* A name's parts: whose stream it is, and which. */
struct part {
	uint32_t flow;
	unsigned d;
	bool gaps;
};

static bool
is_client(const unsigned a[4])
{
	return a[0] == SAID_CLIENTS;
}

static bool
read_name(const char *name, struct part *p)
{
	unsigned a[4], b[4], port[2], n;
	const char *ends = strchr(name, '-');
	char kind[16] = "";

	/* ID-CLIENT.PORT-SERVER.PORT.c2s is leatd's, 010.000.000.001.20000-203.000.113.001.00080
	 * tcpflow's, from sender to receiver. */
	n = (unsigned)sscanf(ends && strchr(ends + 1, '-') ? ends + 1 : name,
			     "%u.%u.%u.%u.%u-%u.%u.%u.%u.%u.%15s", &a[0], &a[1], &a[2], &a[3],
			     &port[0], &b[0], &b[1], &b[2], &b[3], &port[1], kind);
	if (n < 10 || !(is_client(a) || is_client(b)) || strcmp(kind, "conflicts") == 0)
		return false;
	p->d = !is_client(a) || strcmp(kind, "s2c") == 0;
	p->gaps = strcmp(kind, "gaps") == 0;
	p->flow = is_client(a) ? a[1] << 16 | a[2] << 8 | a[3] : b[1] << 16 | b[2] << 8 | b[3];
	p->flow--;
	return p->flow < truth.n_flows;
}

/* Bytes at an offset that all are in holes, or none is. */
static void
judge_run(const struct part *p, uint64_t off, const uint8_t *bytes, uint32_t len, uint64_t *good)
{
	const struct truth_row *r = &truth.row[p->flow];
	uint32_t i, n;

	if (off >= r->len[p->d]) {
		beyond += len;
	} else if (truth_hidden(r, p->d, off, 1)) {
		for (i = 0; i < len; i++)
			wrong += bytes[i] != 0;
	} else {
		n = said_right(p->flow, p->d, off, bytes, len);
		*good += n;
		wrong += len - n;
	}
}

/* How far what holds at an offset goes. */
static uint32_t
run_length(const struct truth_row *r, unsigned d, uint64_t off, uint32_t len)
{
	uint64_t to = off + len;
	unsigned i;

	if (off < r->len[d] && to > r->len[d])
		to = r->len[d];
	for (i = 0; i < r->n_holes; i++) {
		const struct truth_hole *h = &r->hole[i];

		if (h->d != d)
			continue;
		if (h->off > off && h->off < to)
			to = h->off;
		if (h->off + h->len > off && h->off + h->len < to)
			to = h->off + h->len;
	}
	return (uint32_t)(to - off);
}

static uint32_t
shown_of(const struct truth_row *r, unsigned d)
{
	return r->len[d] - truth_hidden(r, d, 0, r->len[d]);
}

/* Of a stream that no frame shows there is no file. */
static void
count_unshown(void)
{
	uint32_t i;

	for (i = 0; i < 2 * truth.n_flows; i++)
		whole += shown_of(&truth.row[i / 2], i % 2) == 0;
}

static void
judge_stream(const struct part *p, FILE *f)
{
	static uint8_t bytes[PIECE];
	const struct truth_row *r = &truth.row[p->flow];
	uint64_t off = 0, good = 0;
	size_t n;

	while ((n = fread(bytes, 1, PIECE, f)) > 0) {
		size_t at = 0;

		while (at < n) {
			uint32_t len = run_length(r, p->d, off, (uint32_t)(n - at));

			judge_run(p, off, bytes + at, len, &good);
			at += len;
			off += len;
		}
	}
	right += good;
	whole += good > 0 && good == shown_of(r, p->d);
}

static void
judge_gaps(const struct part *p, FILE *f)
{
	const struct truth_row *r = &truth.row[p->flow];
	uint64_t off, len;
	char dir[8];
	unsigned i;

	while (fscanf(f, "%7s %" SCNu64 " %" SCNu64 " %*s", dir, &off, &len) == 3) {
		for (i = 0; i < r->n_holes; i++)
			if (r->hole[i].d == (dir[0] == 's') && r->hole[i].off == off &&
			    r->hole[i].len == len)
				break;
		if (i < r->n_holes)
			gaps_right++;
		else
			gaps_wrong++;
	}
}

static void
judge_file(const char *folder, const char *name)
{
	struct part p;
	char path[1024];
	FILE *f;

	if (!read_name(name, &p))
		return;
	snprintf(path, sizeof path, "%s/%s", folder, name);
	f = fopen(path, "r");
	if (!f)
		return;
	if (p.gaps)
		judge_gaps(&p, f);
	else
		judge_stream(&p, f);
	fclose(f);
}

int
main(int argc, char **argv)
{
	DIR *d = argc == 3 ? opendir(argv[2]) : NULL;
	struct dirent *e;

	if (!d || truth_read(&truth, argv[1]) != 0) {
		perror(argc == 3 ? argv[1] : "usage: judge TRUTH FOLDER");
		return 1;
	}
	while ((e = readdir(d)) != NULL)
		judge_file(argv[2], e->d_name);
	closedir(d);
	count_unshown();
	printf("{\"shown\": %" PRIu64 ", \"right\": %" PRIu64 ", \"wrong\": %" PRIu64
	       ", \"beyond\": %" PRIu64 ", \"streams\": %u, \"whole\": %" PRIu64
	       ", \"gaps\": %" PRIu64 ", \"gaps_right\": %" PRIu64 ", \"gaps_wrong\": %" PRIu64
	       "}\n",
	       truth.shown, right, wrong, beyond, 2 * truth.n_flows, whole, truth.holes, gaps_right,
	       gaps_wrong);
	truth_fini(&truth);
	return 0;
}
