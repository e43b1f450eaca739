#include "tests/passive/lib/said.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATTERN = 1 << 16, HEAD = 160 };

/* Bodies are pieces of it; twice, so that a piece needs not be cut. */
static uint8_t pattern[2 * PATTERN];

static void
make_pattern(void)
{
	uint64_t x = 0x9e3779b97f4a7c15u;
	unsigned i;

	if (pattern[0])
		return;
	for (i = 0; i < PATTERN; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		pattern[i] = pattern[PATTERN + i] = (uint8_t)(x >> 24) | 1;
	}
}

/* The first bytes of a stream; all are HEAD bytes long. */
static void
make_head(uint32_t flow, unsigned d, char head[HEAD + 1])
{
	int n = snprintf(head, HEAD + 1,
			 d ? "HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: image/x-bench\r\n"
			     "Content-Length: 1000000000\r\nX-Flow: %u\r\nX-Fill: "
			   : "GET /object/%u HTTP/1.1\r\nHost: host.example\r\nAccept: */*\r\n"
			     "X-Fill: ",
			 flow);

	memset(head + n, 'x', (size_t)(HEAD - n));
	memcpy(head + HEAD - 4, "\r\n\r\n", 5);
}

static const uint8_t *
body_at(uint32_t flow, unsigned d, uint64_t off)
{
	return &pattern[(off + flow * 1009ull + d * 31ull) % PATTERN];
}

/* A run of bytes at an offset: where it is, and how long it is at most. */
static const uint8_t *
run_at(uint32_t flow, unsigned d, uint64_t off, uint32_t *len)
{
	static char head[HEAD + 1];
	uint32_t most = PATTERN;
	const uint8_t *at;

	make_pattern();
	if (off < HEAD) {
		make_head(flow, d, head);
		at = (const uint8_t *)head + off;
		most = (uint32_t)(HEAD - off);
	} else {
		at = body_at(flow, d, off);
	}
	*len = *len < most ? *len : most;
	return at;
}

void
said_bytes(uint32_t flow, unsigned d, uint64_t off, uint8_t *to, uint32_t len)
{
	while (len > 0) {
		uint32_t n = len;
		const uint8_t *at = run_at(flow, d, off, &n);

		memcpy(to, at, n);
		to += n;
		off += n;
		len -= n;
	}
}

uint32_t
said_right(uint32_t flow, unsigned d, uint64_t off, const uint8_t *bytes, uint32_t len)
{
	uint32_t right = 0, i;

	while (len > 0) {
		uint32_t n = len;
		const uint8_t *at = run_at(flow, d, off, &n);

		if (memcmp(at, bytes, n) == 0)
			right += n;
		else
			for (i = 0; i < n; i++)
				right += at[i] == bytes[i];
		bytes += n;
		off += n;
		len -= n;
	}
	return right;
}

/* --- the truth --- */

static bool
parse_row(struct truth_file *t, struct truth_row *r, char *line)
{
	char *at, *next;
	uint64_t all;
	unsigned i;

	strtoul(line, &at, 10);
	r->len[0] = (uint32_t)strtoul(at, &at, 10);
	r->len[1] = (uint32_t)strtoul(at, &at, 10);
	all = (uint64_t)r->len[0] + r->len[1];
	while ((next = strpbrk(at, "ud")) != NULL) {
		struct truth_hole *h = &r->hole[r->n_holes];

		if (r->n_holes++ == SAID_HOLES)
			return false;
		h->d = *next == 'd';
		h->off = (uint32_t)strtoul(next + 1, &at, 10);
		h->len = (uint32_t)strtoul(at, &at, 10);
	}
	for (i = 0; i < r->n_holes; i++)
		t->hole_bytes += r->hole[i].len;
	for (i = 0; i < r->n_holes; i++)
		all -= r->hole[i].len;
	t->holes += r->n_holes;
	t->shown += all;
	return true;
}

int
truth_read(struct truth_file *t, const char *path)
{
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;
	bool good = true;

	*t = (struct truth_file){ 0 };
	if (!f)
		return -1;
	while (good && getline(&line, &size, f) > 0) {
		if ((t->n_flows & (t->n_flows - 1)) == 0) {
			size_t room = t->n_flows ? 2 * (size_t)t->n_flows : 1;

			t->row = realloc(t->row, room * sizeof *t->row);
			if (!t->row)
				abort();
		}
		memset(&t->row[t->n_flows], 0, sizeof *t->row);
		good = parse_row(t, &t->row[t->n_flows++], line);
	}
	free(line);
	fclose(f);
	errno = EINVAL;
	return good ? 0 : -1;
}

void
truth_fini(struct truth_file *t)
{
	free(t->row);
}

uint32_t
truth_hidden(const struct truth_row *r, unsigned d, uint64_t off, uint64_t len)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < r->n_holes; i++) {
		uint64_t from = r->hole[i].off, to = from + r->hole[i].len;

		if (r->hole[i].d != d)
			continue;
		from = from > off ? from : off;
		to = to < off + len ? to : off + len;
		n += to > from ? to - from : 0;
	}
	return (uint32_t)n;
}
