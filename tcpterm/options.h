/*
 * options.h - the TCP option codec (RFC 9293 3.1, 7323, 2018), and the filter
 * for a handshake that is forwarded.
 *
 * Pure functions over bytes.
 */
#ifndef TCPTERM_OPTIONS_H
#define TCPTERM_OPTIONS_H

#include <tcpterm/types.h>

enum { TCP_OPTIONS_MAX = 40 };

/*
 * Reads `len` bytes of options; never fails.  A length beyond the header sets `malformed` and ends
 * the reading; one that the kind can't have sets it and only that option is ignored (RFC 9293
 * MUST-7).  The last of several options of a kind counts.
 */
void options_parse(const uint8_t *bytes, unsigned len, struct tcpterm_options *o);

/*
 * Writes the options in Linux's order into `bytes` (room for TCP_OPTIONS_MAX), padded to a multiple
 * of 4 with NOPs; returns the length.  SYN form: mss, sackOK and TS, or nop nop sackOK, nop wscale.
 * Other segments: nop nop TS, nop nop SACK with as many blocks as fit.
 */
unsigned options_build(const struct tcpterm_options *o, bool syn, uint8_t *bytes);

/*
 * For a forwarded SYN or SYN-ACK: overwrites with NOPs every option but MSS, window scale,
 * SACK-permitted and timestamps, lowers the MSS to `mss_max` and the window scale to 14, in place.
 * Returns how many options were removed; the caller mends the checksum.
 */
unsigned options_filter(uint8_t *bytes, unsigned len, uint16_t mss_max);

#endif
