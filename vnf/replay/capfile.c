/*
 * capfile.c - see capfile.h.  libpcap knows the formats; frames of a pcap file on the disk are
 * taken from the mapped file.  One frame is read ahead, which begins the next batch.
 */
#include "vnf/replay/capfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <rte_byteorder.h>
#include <rte_ether.h>

#include "datapath/captured.h"
#include "vnf/replay/mapped.h"

enum {
	BUFFER = 1 << 20,
	LINK_NAME = 64,
	SPARE = 32,
};

/* How the frames of a link type become Ethernet's. */
struct link {
	int type;
	uint8_t head;		/* bytes in front of the IP header, left out */
	int8_t protocol;	/* where in them the EtherType is; -1: the IP version says it */
};

static const struct link links[] = {
	{ DLT_EN10MB, 0, 0 },	   { DLT_RAW, 0, -1 },	      { DLT_IPV4, 0, -1 },
	{ DLT_IPV6, 0, -1 },	   { DLT_NULL, 4, -1 },	      { DLT_LOOP, 4, -1 },
	{ DLT_LINUX_SLL, 16, 14 }, { DLT_LINUX_SLL2, 20, 0 },
};

struct capfile {
	pcap_t *pcap;
	FILE *file;
	char *name;
	const struct link *link;
	struct mapped map;
	struct rte_mbuf *spare[SPARE];	/* that will refer to its next frames */
	unsigned n_spare;
	struct pcap_pkthdr *head;	/* of the frame read ahead */
	struct pcap_pkthdr mapped_head;
	const u_char *bytes;
	bool ahead, at_end;
	int error;
	struct err err;
	struct captured_clock clock;
	struct capfile_status status;
};

/* --- opening --- */

static const struct link *
find_link(int type)
{
	unsigned i;

	for (i = 0; i < sizeof links / sizeof links[0]; i++)
		if (links[i].type == type)
			return &links[i];
	return NULL;
}

static int
check_link(struct capfile *s, struct err *err)
{
	int type = pcap_datalink(s->pcap);
	const char *name = pcap_datalink_val_to_name(type);

	s->link = find_link(type);
	if (s->link)
		return 0;
	return err_set(err, -EPROTONOSUPPORT,
		       "%s: its frames are of link type %d (%s): Ethernet, raw IP, loopback and "
		       "Linux's cooked ones can be read",
		       s->name, type, name ? name : "unknown");
}

static int
open_file(struct capfile *s, const char *path, struct err *err)
{
	bool is_stdin = strcmp(path, "-") == 0;
	struct stat st;

	s->name = strdup(is_stdin ? "standard input" : path);
	s->file = is_stdin ? stdin : fopen(path, "re");
	if (!s->name || !s->file)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (fstat(fileno(s->file), &st) == 0 && S_ISDIR(st.st_mode))
		return err_set(err, -EISDIR, "%s: %s", path, strerror(EISDIR));
	if (fstat(fileno(s->file), &st) == 0 && S_ISREG(st.st_mode))
		s->status.size = (uint64_t)st.st_size;
	setvbuf(s->file, NULL, _IOFBF, BUFFER);
	return 0;
}

int
capfile_open(const char *path, struct capfile **out, struct err *err)
{
	struct capfile *s = calloc(1, sizeof *s);
	char why[PCAP_ERRBUF_SIZE] = "";
	int rc;

	*out = s;
	if (!s)
		return err_set(err, -ENOMEM, "%s: no memory", path);
	rc = open_file(s, path, err);
	if (rc == 0) {
		s->pcap = pcap_fopen_offline(s->file, why);
		if (!s->pcap)
			rc = err_set(err, -EINVAL,
				     "%s: it can't be read as pcap or pcapng (%s); what is "
				     "compressed is read as in `zcat FILE | leatd -r -`",
				     s->name, why);
	}
	if (rc == 0)
		rc = check_link(s, err);
	if (rc == 0) {
		if (s->file != stdin && mapped_open(&s->map, s->file))
			s->head = &s->mapped_head;
		return 0;
	}
	capfile_close(s);
	*out = NULL;
	return rc;
}

void
capfile_close(struct capfile *s)
{
	if (!s)
		return;
	rte_pktmbuf_free_bulk(s->spare, s->n_spare);
	mapped_close(&s->map);
	if (s->pcap)
		pcap_close(s->pcap);	/* and the file with it */
	else if (s->file && s->file != stdin)
		fclose(s->file);
	free(s->name);
	free(s);
}

bool
capfile_is_mapped(const struct capfile *s)
{
	return s->map.base && s->link->type == DLT_EN10MB;
}

/* --- reading --- */

static void
fail(struct capfile *s, const char *why)
{
	s->error = err_set(&s->err, -EIO, "%s: after %ju frames: %s", s->name,
			   (uintmax_t)s->status.frames, why);
}

/* Reads one frame ahead, if none is there. */
static bool
look_ahead(struct capfile *s)
{
	char why[PCAP_ERRBUF_SIZE];
	int rc;

	if (s->ahead || s->at_end)
		return s->ahead;
	if (s->map.base) {
		rc = mapped_next(&s->map, s->head, &s->bytes, why);
		if (rc < 0)
			fail(s, why);
	} else {
		rc = pcap_next_ex(s->pcap, &s->head, &s->bytes);
		if (rc == PCAP_ERROR)
			fail(s, pcap_geterr(s->pcap));
	}
	s->ahead = rc == 1;
	s->at_end = rc != 1;
	return s->ahead;
}

/* When the frame ahead was captured, on the scale that does not go back. */
static usec_t
time_ahead(struct capfile *s)
{
	return captured_forward(&s->clock,
				(int64_t)s->head->ts.tv_sec * 1000000 + s->head->ts.tv_usec);
}

bool
capfile_next(struct capfile *s, usec_t *at)
{
	if (!look_ahead(s))
		return false;
	*at = time_ahead(s);
	return true;
}

static bool
append(struct rte_mempool *pool, struct rte_mbuf *m, const void *bytes, uint32_t len)
{
	const uint8_t *from = bytes;

	while (len > 0) {
		struct rte_mbuf *last = rte_pktmbuf_lastseg(m);
		uint32_t n = RTE_MIN(len, (uint32_t)rte_pktmbuf_tailroom(last));

		if (n == 0) {
			struct rte_mbuf *more = rte_pktmbuf_alloc(pool);

			if (!more)
				return false;
			last->next = more;
			m->nb_segs++;
			continue;
		}
		memcpy(rte_pktmbuf_mtod_offset(last, void *, last->data_len), from, n);
		last->data_len = (uint16_t)(last->data_len + n);
		m->pkt_len += n;
		from += n;
		len -= n;
	}
	return true;
}

/* The Ethernet header of a frame that has none; its own is left out. */
static bool
put_link(const struct capfile *s, struct rte_mempool *pool, struct rte_mbuf *m)
{
	struct rte_ether_hdr eth = { .ether_type = 0 };
	uint16_t type = RTE_ETHER_TYPE_IPV4;

	if (s->link->head + 1u > s->head->caplen)
		return true;
	if (s->link->protocol >= 0)
		memcpy(&eth.ether_type, s->bytes + s->link->protocol, 2);
	else if (s->bytes[s->link->head] >> 4 == 6)
		type = RTE_ETHER_TYPE_IPV6;
	if (s->link->protocol < 0)
		eth.ether_type = rte_cpu_to_be_16(type);
	return append(pool, m, &eth, sizeof eth) &&
	       append(pool, m, s->bytes + s->link->head, s->head->caplen - s->link->head);
}

/* An mbuf that refers to where the mapped file has it. */
static inline struct rte_mbuf *
refer(struct capfile *s, struct rte_mempool *refs)
{
	struct rte_mbuf *m;

	if (s->n_spare == 0) {
		if (!pool_refs_take(refs, s->spare, SPARE))
			return NULL;
		s->n_spare = SPARE;
	}
	m = s->spare[--s->n_spare];
	pool_refer(m, (void *)(uintptr_t)s->bytes, (uint16_t)s->head->caplen);
	return m;
}

static struct rte_mbuf *
copy(struct capfile *s, struct rte_mempool *pool)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	if (!m)
		return NULL;
	m->port = 0;
	if (s->link->type == DLT_EN10MB ? append(pool, m, s->bytes, s->head->caplen)
					: put_link(s, pool, m))
		return m;
	rte_pktmbuf_free(m);
	return NULL;
}

/* The frame that was read ahead; NULL: no mbuf. */
static inline struct rte_mbuf *
take_frame(struct capfile *s, const struct pools *pools, usec_t at)
{
	/* an mbuf can't name more */
	bool refers = capfile_is_mapped(s) && s->head->caplen <= UINT16_MAX;
	struct rte_mbuf *m = refers ? refer(s, pools->refs) : copy(s, pools->frames);
	uint32_t cut = s->head->len > s->head->caplen ? s->head->len - s->head->caplen : 0;

	if (!m)
		return NULL;
	captured_mark(m, at, cut);
	captured_take(&s->clock, at);
	s->ahead = false;
	s->status.frames++;
	s->status.bytes += s->head->len;
	s->status.cut += cut > 0;
	return m;
}

int
capfile_read(struct capfile *s, const struct pools *pools, int64_t span_us, struct rte_mbuf *m[],
	     unsigned n, struct err *err)
{
	usec_t first = USEC_NEVER, at;
	unsigned got = 0;

	while (got < n && look_ahead(s)) {
		at = time_ahead(s);
		if (got == 0)
			first = at;
		else if (usec_diff(at, first) >= span_us)
			break;
		m[got] = take_frame(s, pools, at);
		if (!m[got])
			break;
		got++;
	}
	if (got > 0)
		return (int)got;
	if (s->ahead)
		return err_set(err, -ENOMEM, "%s: no room for a frame: raise --socket-mem",
			       s->name);
	if (s->error)
		*err = s->err;
	return s->error;
}

void
capfile_status(const struct capfile *s, struct capfile_status *st)
{
	*st = s->status;
	st->jumps = s->clock.jumps;
	st->at = s->map.base ? s->map.at : s->status.size ? (uint64_t)ftello(s->file) : 0;
}
