/*
 * capture.h - one flow's frames, of both directions, as a pcapng file whose fate is decided late.
 *
 * While the flow lives its frames are copied into room that the stack got at its start; nothing is
 * written.  When the owner knows what became of the flow it keeps the capture, which is written
 * then, or drops it, and nothing is left.  Each frame is in it once: as it came in, or, if the
 * stack made it, as it leaves; so a relay's capture shows both its connections.  Interface 0 of
 * the file is the domain's side 0, interface 1 its side 1; every packet says whether it came or
 * left.  Segments in fragments are there as they were put together; a SYN on which the decision
 * was deferred is not.
 *
 * Belongs to the stack and its thread.
 */
#ifndef TCPTERM_CAPTURE_H
#define TCPTERM_CAPTURE_H

#include <stddef.h>

#include <tcpterm/flow.h>

struct tcpterm;
struct tcpterm_capture;

struct tcpterm_captures_conf {
	uint64_t n_bytes;	/* of memory for the frames of all captures; 0: 16 MB */
	uint32_t n_captures;	/* at a time; 0: 1,024 */
	int64_t unix_us;	/* the stack's time plus this is microseconds since 1970 */
};

/* Makes the room.  Once a stack, before its first frame.  0, -EALREADY, -ENOMEM. */
int tcpterm_captures(struct tcpterm *s, const struct tcpterm_captures_conf *conf);

/*
 * Begins with the frame in hand, if it is of `f`: called from the stack's flow_new it has the flow
 * from its first frame on.  Of each frame at most `snaplen` bytes are kept (0: all); frames that
 * `max_bytes` of memory (0: no limit of its own) or the stack's room do not take are counted as
 * lost.  NULL: the flow has one already, or there are n_captures, or no room was made.
 */
struct tcpterm_capture *tcpterm_capture(struct tcpterm *s, struct flow *f, uint32_t snaplen,
					uint64_t max_bytes);

/* The flow's capture; NULL: it has none. */
struct tcpterm_capture *tcpterm_capture_of(const struct tcpterm *s, const struct flow *f);

struct tcpterm_capture_info {
	uint64_t frames, lost;
	uint64_t bytes;		/* of memory */
	usec_t began, latest;	/* the stack's time of the first and the last frame */
};
void tcpterm_capture_info(const struct tcpterm_capture *c, struct tcpterm_capture_info *info);

/*
 * The end, at any time: from the flow's first frame to long after the flow itself is gone, as in
 * flow_end.  Afterwards `c` is no more.
 *
 * Keep hands the whole file to `write` piece by piece; a piece that it refuses with a negative
 * errno ends it, which is returned, and `c` is as it was.  What was not decided when the stack is
 * freed is dropped.
 */
typedef int tcpterm_write_fn(void *ctx, const void *bytes, size_t len);
int tcpterm_capture_keep(struct tcpterm *s, struct tcpterm_capture *c, tcpterm_write_fn *write,
			 void *ctx);
void tcpterm_capture_drop(struct tcpterm *s, struct tcpterm_capture *c);

#endif
