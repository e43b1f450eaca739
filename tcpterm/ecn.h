/*
 * ecn.h - explicit congestion notification (RFC 3168), of one connection.
 *
 * A relay's legs each have their own: a mark that came on one is echoed on it and is never seen on
 * the other.  Only ecn.c writes struct ecn.
 */
#ifndef TCPTERM_ECN_H
#define TCPTERM_ECN_H

#include <stdbool.h>
#include <stdint.h>

struct ackinfo;
struct conn;
struct pkt;
struct segment;

struct ecn {
	bool on;	/* both ends agreed (6.1.1) */
	bool offer;	/* SYN-SENT: our SYN asks for it */
	bool echo;	/* CE came, and no CWR since (6.1.3): ECE is in all that we send */
	bool cwr;	/* the window was reduced: the next new data says so (6.1.2) */
	bool wait;	/* nothing new leaves before the retransmission timer fires (6.1.2) */
	uint8_t n_waits;	/* in a row */
};

/* A relay's leg: the ends' SYN and SYN-ACK flags, that crossed. */
void ecn_relayed(struct conn *c, uint16_t syn_flags, uint16_t synack_flags);

/* SYN-SENT begins: does our SYN ask for ECN? By tcpterm_conf.ecn and tuning.no_ecn. */
void ecn_open(struct conn *c);

/* The peer's SYN or SYN-ACK came to a connection of the library: agreed, or not. */
void ecn_agree(struct conn *c, const struct pkt *p);

/* The peer's SYN came again; once it does not ask for ECN there is none (6.1.1). */
void ecn_agree_again(struct conn *c, const struct pkt *p);

/* A SYN that asked for ECN was lost, or refused by a RST: the next one does not ask (6.1.1.1).
 * False: it did not ask. */
bool ecn_fall_back(struct conn *c);

/* The flags that our SYN, or our SYN-ACK, carries for it. */
uint16_t ecn_syn_flags(const struct conn *c, bool synack);

/* An acceptable segment came: its CE and CWR marks. */
void ecn_input(struct conn *c, const struct pkt *p);

/* Its acknowledgement was taken, and `a` is what it said: ECE reduces the window once for all that
 * was in flight, and is noted in `a`. Before recover_ack(). */
void ecn_ack(struct conn *c, const struct pkt *p, struct ackinfo *a);

/* The window was reduced, for any reason. */
void ecn_reduced(struct conn *c);

/* A mark came to a window of one segment, which can't be less: the retransmission timer begins
 * anew, and new data wait for it, each time in a row twice as long (6.1.2, RFC 9438 4.6). */
void ecn_wait(struct conn *c);

/* The retransmission timer fired.  True: it was for that alone, nothing is in flight. */
bool ecn_waited(struct conn *c);

/* Sets the ECN bits of a segment with data that is about to leave. Only new data is ECT (6.1.5:
 * retransmissions, probes and acknowledgements are not), and it carries CWR if that is due. */
void ecn_mark(struct conn *c, struct segment *g, bool new_data);

#endif
