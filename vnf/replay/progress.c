/*
 * progress.c - see progress.h.
 */
#include "vnf/replay/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "vnf/replay/capfile.h"

enum {
	CALLS = 256,		/* between two looks at the clock */
	FIRST_MS = 1000,
	STEP_MS = 250,
};

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void
progress_begin(struct progress *p, bool always)
{
	*p = (struct progress){ .wanted = always || isatty(STDERR_FILENO) };
	p->began_ms = p->latest_ms = now_ms();
}

static void
write_line(const struct capfile *s, int64_t ms)
{
	struct capfile_status st;
	double seconds = (double)ms / 1000;

	capfile_status(s, &st);
	fputs(isatty(STDERR_FILENO) ? "\r\033[K" : "", stderr);
	if (st.size)
		fprintf(stderr, "%3u %%, ", (unsigned)(st.at * 100 / st.size));
	fprintf(stderr, "%ju frames, %.0f a second, %.0f MB/s", (uintmax_t)st.frames,
		(double)st.frames / seconds, (double)st.bytes / 1e6 / seconds);
	fputs(isatty(STDERR_FILENO) ? "" : "\n", stderr);
	fflush(stderr);
}

void
progress_show(struct progress *p, const struct capfile *s)
{
	int64_t now;

	if (!p->wanted || ++p->calls % CALLS != 0)
		return;
	now = now_ms();
	if (now - p->began_ms < FIRST_MS || now - p->latest_ms < STEP_MS)
		return;
	p->latest_ms = now;
	p->shown = true;
	write_line(s, now - p->began_ms);
}

void
progress_end(struct progress *p)
{
	if (p->shown && isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	p->shown = false;
}
