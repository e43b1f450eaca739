/*
 * A capture and its truth as files.
 */
#include <arpa/inet.h>
#include <stdarg.h>

#include "tests/prop/lib/truth.h"

enum { SNAPLEN = 65535, ETHERNET = 1, EPOCH_S = 1700000000 };

static FILE *
open_file(const struct truth *t, const char *dir, const char *format, ...)
{
	char name[64], path[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(name, sizeof name, format, ap);
	va_end(ap);
	snprintf(path, sizeof path, "%s/%llu%s", dir, (unsigned long long)t->seed, name);
	return fopen(path, "w");
}

static int
close_file(FILE *f)
{
	bool bad = ferror(f);

	return fclose(f) != 0 || bad ? -1 : 0;
}

static int
write_frames(const struct truth *t, const char *dir)
{
	const uint32_t head[6] = { 0xa1b2c3d4, 2 | 4 << 16, 0, 0, SNAPLEN, ETHERNET };
	FILE *f = open_file(t, dir, ".pcap");
	unsigned i;

	if (!f)
		return -1;
	fwrite(head, sizeof head, 1, f);
	for (i = 0; i < t->n_frames; i++) {
		const struct truth_frame *g = &t->frame[i];
		const uint32_t record[4] = { EPOCH_S + (uint32_t)(g->at / 1000000),
					     (uint32_t)(g->at % 1000000), g->len, g->len };

		fwrite(record, sizeof record, 1, f);
		fwrite(g->bytes, g->len, 1, f);
	}
	return close_file(f);
}

static int
write_half(const struct truth *t, const char *dir, unsigned n, unsigned d)
{
	const struct truth_half *h = &t->flow[n].dir[d];
	FILE *f = open_file(t, dir, "-%u.%s", n, d ? "s2c" : "c2s");

	if (!f)
		return -1;
	fwrite(h->bytes, h->n_bytes, 1, f);
	return close_file(f);
}

static int
write_gaps(const struct truth *t, const char *dir, unsigned n)
{
	FILE *f = open_file(t, dir, "-%u.gaps", n);
	unsigned d, i;

	if (!f)
		return -1;
	for (d = 0; d < 2; d++)
		for (i = 0; i < t->flow[n].dir[d].n_gaps; i++)
			fprintf(f, "%s %llu %llu lost-in-tap\n", d ? "s2c" : "c2s",
				(unsigned long long)t->flow[n].dir[d].gap[i].off,
				(unsigned long long)t->flow[n].dir[d].gap[i].len);
	return close_file(f);
}

static void
write_flow(FILE *f, unsigned n, const struct frame_path *p)
{
	char text[INET6_ADDRSTRLEN];
	unsigned d, i;

	fprintf(f, "%u", n);
	for (d = 0; d < 2; d++) {
		inet_ntop(p->v6 ? AF_INET6 : AF_INET, p->addr[d], text, sizeof text);
		fprintf(f, p->v6 ? " [%s]:%u" : " %s:%u", text, p->port[d]);
	}
	fputs(p->n_tags ? " " : " -", f);
	for (i = 0; i < p->n_tags; i++)
		fprintf(f, "%s%u", i ? "." : "", p->vid[i]);
	fputc('\n', f);
}

int
truth_write(const struct truth *t, const char *dir)
{
	FILE *f = open_file(t, dir, ".flows");
	unsigned i;

	if (!f)
		return -1;
	for (i = 0; i < t->n_flows; i++)
		write_flow(f, i, &t->flow[i].path);
	if (close_file(f) != 0 || write_frames(t, dir) != 0)
		return -1;
	for (i = 0; i < t->n_flows; i++)
		if (write_half(t, dir, i, 0) != 0 || write_half(t, dir, i, 1) != 0 ||
		    write_gaps(t, dir, i) != 0)
			return -1;
	return 0;
}
