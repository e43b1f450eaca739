/*
 * wire.h - a script's segment as a frame, and a frame as a segment.
 *
 * Numbers here are the wire's, not the script's; times stamps too.  Payload is a pattern
 * of its stream's offset, so that every byte can be checked wherever it lies.
 */
#ifndef LEAT_TESTS_PKT_WIRE_H
#define LEAT_TESTS_PKT_WIRE_H

#include <rte_mbuf.h>

#include "tests/pkt/lib/script.h"

enum { WIRE_LOCAL_PORT = 8080, WIRE_REMOTE_PORT = 40000 };
#define WIRE_LOCAL "192.0.2.1"
#define WIRE_REMOTE "198.51.100.2"
#define WIRE_ROUTER "203.0.113.1"

/* The byte at stream offset `off` (0 is the one after the SYN). */
uint8_t wire_byte(uint32_t off);

/* A frame from the peer whose payload begins at stream offset `off`; the caller's. */
struct rte_mbuf *wire_write(const struct script_seg *g, uint32_t off);

/* A frame from a router on the path that quotes the stack's segment; the caller's. */
struct rte_mbuf *wire_icmp(const struct script_icmp *i);

/*
 * Reads a frame that the stack sent; `payload` has room for 65535 bytes.  NULL, or what is
 * wrong with it: static text.
 */
const char *wire_read(const struct rte_mbuf *m, struct script_seg *g, uint8_t *payload);

#endif
