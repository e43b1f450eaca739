/*
 * own_host.h - a stack with addresses of its own, and a listener for any, shown a frame at a time.
 *
 * It may be several that share their frames (team.h): `stack` is the first and has the addresses.
 * It is 192.0.2.2/24 and 2001:db8::2/64 at MAC 02:00:00:00:00:02, untagged.  Frames in are of
 * exact-size memory; what leaves is kept as it would be on the wire.  One at a time, one thread.
 */
#ifndef LEAT_TESTS_UNIT_OWN_HOST_H
#define LEAT_TESTS_UNIT_OWN_HOST_H

#include <tcpterm/address.h>
#include <tcpterm/stack.h>

#include "datapath/pool.h"
#include "tests/unit/frame.h"
#include "tests/unit/lib/team.h"

enum { OUT_MAX = 66000 };

struct own_host {
	struct team team;
	struct tcpterm *stack;
	struct pools pools;
	struct frame in, want;		/* the test's */
	unsigned n_out, n_forwarded, n_forwarded_changed;
	uint8_t out[OUT_MAX];		/* the latest frame that the stack made */
	uint32_t len;
	uint8_t side;
	uint16_t domain;
};
extern struct own_host host;

void host_begin(void);
/* Every buffer came back, and what was forwarded is what came. */
void host_end(void);

/* One of MAC 02:00:00:00:00:02, in domain 0 and untagged. */
struct tcpterm_address host_address(const char *text, unsigned prefix_len);

void host_send_to(uint16_t domain, struct rte_mbuf *m);

/* Shows the stack the frame host.in, by side 1 of domain 0: was it answered; forwarded; neither,
 * and counted as `why`? */
bool host_answered(void);
bool host_forwarded(void);
bool host_ignored(enum drop why);

/* Is the latest frame made these bytes? */
bool host_out_is(const void *bytes, size_t len);
bool host_out_is_hex(const char *hex);

void host_ether_to(struct frame *f, uint64_t dst);

/* One byte of host.in is another, and all sums are right again. */
void host_change(size_t at, uint8_t to);

#endif
