/*
 * checksum.h - the Internet checksum (RFC 1071, 1624) over mbufs and headers.
 *
 * What rte_ip.h has is used; this adds chains, and updates where payload is
 * unchanged.  Pure functions; sums are 16-bit ones' complement in host order
 * of the bytes as they lie in memory (as rte_raw_cksum() gives them).
 */
#ifndef LEAT_DATAPATH_CHECKSUM_H
#define LEAT_DATAPATH_CHECKSUM_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ip.h>
#include <rte_mbuf.h>

#include "datapath/parse.h"

/* Folded sum of `len` bytes of the chain from offset `off`. */
uint16_t cksum_mbuf(const struct rte_mbuf *m, uint32_t off, uint32_t len);

/*
 * Folded sum of a pseudo-header: `addrs` are source and destination as they lie
 * in the IP header (8 or 32 bytes), `len` the length of the upper-layer packet.
 */
uint16_t cksum_pseudo(const void *addrs, unsigned addrs_len, uint8_t proto, uint32_t len);

/*
 * Folded sum of pseudo-header and `len` bytes from `l4` of a frame whose IP
 * header is at `l3` (linear up to its addresses).  0xffff when the checksum in
 * it is right; its complement when the field is 0 is the checksum to write.
 */
uint16_t cksum_l4(const struct rte_mbuf *m, uint16_t l3, uint16_t l4, uint32_t len, uint8_t proto);

/* Is the checksum of the IPv4 header at `ip` right?  Its options are linear behind it. */
bool cksum_ip4_ok(const uint8_t *ip);

/* Writes the header checksum of an IPv4 header, options included. */
void cksum_ip4_write(struct rte_ipv4_hdr *ip);

/* Is the TCP checksum of the parsed segment right?  Says the payload's own sum in `p`. */
bool cksum_tcp_ok(struct pkt *p);

/*
 * Takes the payload's sum from what the TCP checksum says, and reads no payload: it is not
 * verified, and what it is sent on by is wrong if it was.  Not where the field says nothing: where
 * it is 0, or was left to the sender's device.
 */
void cksum_tcp_believe(struct pkt *p);

/*
 * Is there a reason for the checksums of a parsed TCP segment to be wrong that is no fault of its
 * sender's?  They were left to the sender's device, which the frame has not been through: then
 * IPv4's is 0, or TCP's is the pseudo-header's sum alone, of the segment's length or (of what will
 * be cut) of none.  Or the addresses were rewritten since, by who made the capture harmless: then
 * both are wrong by as much.  Or whoever made the frame summed what is behind the packet, too.
 */
bool cksum_excused(const struct pkt *p);

/*
 * Computes and writes the IPv4 header checksum (if IPv4) and the TCP checksum
 * of a complete frame whose IP header is at `l3` and TCP header at `l4`.  The
 * TCP segment goes to the end of the IP length.  Headers are linear and writable.
 */
void cksum_tcp_write(struct rte_mbuf *m, uint16_t l3, uint16_t l4);

/*
 * RFC 1624 eqn. 3: the checksum after a 16-bit or 32-bit word changed.  All
 * three are taken as they lie in memory, or all three in host order.
 */
uint16_t cksum_update16(uint16_t cksum, uint16_t from, uint16_t to);
uint16_t cksum_update32(uint16_t cksum, uint32_t from, uint32_t to);

#endif
