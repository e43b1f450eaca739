/*
 * address.h - addresses at which a stack is itself a host: it answers ARP, Neighbour Discovery and
 * pings for them, and for no others.
 *
 * They belong to a stack and its thread.  What a listener or a caller's open captures does not
 * depend on them: a stack terminates foreign addresses with or without one, and TCP for a
 * management address is offered to the listeners as any other.  All other frames go on as if
 * there were none (tcpterm_ops.forward): UDP, ARP for others, pings of others.
 *
 * Whose frames they are is said by ingress domain, tags, IP address and destination MAC together;
 * a tag is compared by its VID, and a priority tag (VID 0) is none.  Answers leave by the port,
 * with the tags, TPIDs and priorities, of what asked.
 */
#ifndef TCPTERM_ADDRESS_H
#define TCPTERM_ADDRESS_H

#include <tcpterm/types.h>

struct tcpterm;

struct tcpterm_address {
	struct ip_addr addr;
	uint8_t prefix_len;	/* bits of the 128-bit form (IPv4 /n: 96 + n) in which the
				 * neighbours are: only these, and link-local ones, may ask for
				 * the MAC; 0: whoever asks */
	struct rte_ether_addr mac;
	uint16_t domain;
	uint8_t n_vids;		/* 0: untagged */
	uint16_t vid[PKT_MAX_TAGS];	/* exactly these, outermost first */
};

/*
 * From now on the stack answers for `a`, which is copied: ARP requests (RFC 826) and probes (RFC
 * 5227), Neighbour Solicitations (RFC 4861, 4862), ICMP echo requests (RFC 792, 4443).  Nothing is
 * announced or asked: who took an address over from another host tells the neighbours itself.
 * 0; -EEXIST: it has this address in this domain and with these tags; -EINVAL: no host's address
 * or MAC, a prefix that is longer than the address, a VID that is none; -ENOMEM.
 */
int tcpterm_address_add(struct tcpterm *s, const struct tcpterm_address *a);

/* Of `a` the address, the domain and the tags count.  -ENOENT.  Connections stay. */
int tcpterm_address_remove(struct tcpterm *s, const struct tcpterm_address *a);

#endif
