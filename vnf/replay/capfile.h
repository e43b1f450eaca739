/*
 * capfile.h - a capture file, frame by frame: pcap or pcapng, read by libpcap.
 *
 * Times are microseconds since 1970 and never go back (captured_forward()).  Frames of link types
 * without an Ethernet header get one.
 *
 * One thread.
 */
#ifndef LEAT_VNF_REPLAY_CAPFILE_H
#define LEAT_VNF_REPLAY_CAPFILE_H

#include <stdint.h>

#include <rte_mbuf.h>

#include "datapath/clock.h"
#include "datapath/err.h"
#include "datapath/pool.h"

struct capfile;

/* "-" is standard input; captured_init() comes before the first frame.  0 and *out, or a negative
 * errno with `err`.  Nothing may refer to a frame any more when it is closed. */
int capfile_open(const char *path, struct capfile **out, struct err *err);
void capfile_close(struct capfile *s);

/* Is it to be read by mbufs that only refer to its frames (but for those of 64 KB and more, which
 * are copied)? */
bool capfile_is_mapped(const struct capfile *s);

/*
 * Up to `n` frames that were captured within `span_us` of the first, marked with their times
 * (captured.h) and as come by port 0: in mbufs of pools->refs if it is mapped, else copied into
 * those of pools->frames, chained where one is too small.  Returns how many; 0 at the
 * end; a negative errno with `err` where the file breaks off or the pool is empty.  What was
 * readable before was returned before.
 */
int capfile_read(struct capfile *s, const struct pools *pools, int64_t span_us,
		 struct rte_mbuf *m[], unsigned n, struct err *err);

/* The time of the next frame; false: there is none.  May read it. */
bool capfile_next(struct capfile *s, usec_t *at);

struct capfile_status {
	uint64_t frames, bytes;		/* read, as they were on the wire */
	uint64_t cut;			/* frames shorter than on the wire */
	uint64_t jumps;			/* the clock's, backwards, of a second and more */
	uint64_t at, size;		/* bytes of the file; size 0: not known */
};
void capfile_status(const struct capfile *s, struct capfile_status *st);

#endif
