/*
 * mapped.c - see mapped.h.
 */
#include "vnf/replay/mapped.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <rte_byteorder.h>
#include <rte_prefetch.h>

enum {
	FILE_HEAD = 24,
	FRAME_HEAD = 16,
	FRAME_MAX = 1 << 26,	/* a length beyond is none */
	STEP = 2 << 20,		/* bytes asked for at a time */
	BEHIND = 2 * STEP,	/* kept, for what has just been read */
	LINE = 64,
	AHEAD = 2048,		/* bytes: a frame's worth on its way to the cache */
};

static const struct format {
	uint32_t magic;
	bool swapped, nano;
} formats[] = {
	{ 0xa1b2c3d4, false, false },
	{ 0xd4c3b2a1, true, false },
	{ 0xa1b23c4d, false, true },
	{ 0x4d3cb2a1, true, true },
};

static bool
know_format(struct mapped *m)
{
	uint32_t magic;
	unsigned i;

	memcpy(&magic, m->base, sizeof magic);
	for (i = 0; i < sizeof formats / sizeof formats[0]; i++)
		if (formats[i].magic == magic) {
			m->swapped = formats[i].swapped;
			m->nano = formats[i].nano;
			return true;
		}
	return false;
}

bool
mapped_open(struct mapped *m, FILE *f)
{
	struct stat st;

	*m = (struct mapped){ .at = FILE_HEAD };
	if (fstat(fileno(f), &st) != 0 || !S_ISREG(st.st_mode) || st.st_size < FILE_HEAD)
		return false;
	m->size = (size_t)st.st_size;
	m->base = mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE,
		       fileno(f), 0);
	if (m->base == MAP_FAILED)
		m->base = NULL;
	if (m->base && know_format(m))
		return true;
	mapped_close(m);
	return false;
}

void
mapped_close(struct mapped *m)
{
	if (m->base)
		munmap(m->base, m->size);
	m->base = NULL;
}

/* What the kernel does not do, it does page by page as they are read. */
static void
ask_ahead(struct mapped *m)
{
	size_t len = m->size - m->asked < STEP ? m->size - m->asked : STEP;

	if (m->asked == m->size || m->at + STEP < m->asked)
		return;
	madvise(m->base + m->asked, len, MADV_POPULATE_READ);
	m->asked += len;
	if (m->asked < m->given_back + BEHIND + 2 * STEP)
		return;
	madvise(m->base + m->given_back, STEP, MADV_DONTNEED);
	m->given_back += STEP;
}

static uint32_t
field(const struct mapped *m, const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof v);
	return m->swapped ? rte_bswap32(v) : v;
}

static int
broken(const struct mapped *m, size_t want, const char *what, char err[PCAP_ERRBUF_SIZE])
{
	snprintf(err, PCAP_ERRBUF_SIZE, "truncated: %zu bytes of %s, not %zu", m->size - m->at,
		 what, want);
	return -1;
}

int
mapped_next(struct mapped *m, struct pcap_pkthdr *head, const u_char **bytes,
	    char err[PCAP_ERRBUF_SIZE])
{
	const uint8_t *at = m->base + m->at;
	size_t left = m->size - m->at, i;

	if (left == 0)
		return 0;
	if (left < FRAME_HEAD)
		return broken(m, FRAME_HEAD, "a frame's header", err);
	ask_ahead(m);
	head->ts.tv_sec = field(m, at);
	head->ts.tv_usec = field(m, at + 4) / (m->nano ? 1000 : 1);
	head->caplen = field(m, at + 8);
	head->len = field(m, at + 12);
	if (head->caplen > FRAME_MAX) {
		snprintf(err, PCAP_ERRBUF_SIZE, "a frame of %u bytes", head->caplen);
		return -1;
	}
	m->at += FRAME_HEAD;
	if (left - FRAME_HEAD < head->caplen)
		return broken(m, head->caplen, "a frame", err);
	*bytes = m->base + m->at;
	m->at += head->caplen;
	for (i = 0; i < FRAME_HEAD + head->caplen; i += LINE)
		rte_prefetch0(at + i + AHEAD);
	return 1;
}
