/*
 * mapped.h - a pcap file in memory: its frames are where the file has them, and nothing is copied.
 *
 * libpcap has opened the file and knows that it can be read; here it is gone through once, from its
 * beginning.  Pages are asked for ahead of time and given back behind, so that no more than some
 * megabytes of the file are the process's; what lies behind may still be read.
 *
 * mapped_close() comes when no mbuf refers to a frame any more.  Writing into a frame is allowed
 * and changes no file, but what is written may be gone some megabytes later.  Whoever makes the
 * file shorter meanwhile causes SIGBUS.
 *
 * One thread.
 */
#ifndef LEAT_VNF_REPLAY_MAPPED_H
#define LEAT_VNF_REPLAY_MAPPED_H

#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct mapped {
	uint8_t *base;		/* NULL: nothing is mapped */
	size_t size, at;	/* bytes of the file; of them gone through */
	size_t asked, given_back;
	bool swapped, nano;
};

/* False: it is no file of the disk, or not of the format; libpcap has to read it. */
bool mapped_open(struct mapped *m, FILE *f);
void mapped_close(struct mapped *m);

/* As pcap_next_ex(): 1; 0 at the end; -1 where the file breaks off, with why in `err`. */
int mapped_next(struct mapped *m, struct pcap_pkthdr *head, const u_char **bytes,
		char err[PCAP_ERRBUF_SIZE]);

#endif
