/*
 * tuple.h - a flow as an operator writes it, for `policy explain` and `steer trace`:
 *
 *	tcp 10.0.0.1:40000 10.0.0.2:80 [vlan 100.200] [on PORT] [domain N] [midstream]
 *		[app=CHAIN] [sni=NAME] [host=NAME] [alpn=NAME;NAME] [settled]
 *
 * The client's end comes first; IPv6 addresses stand in brackets; VLANs are written outermost
 * first.  What its bytes say is unknown where it is not given, unless it is `settled`.
 * Any thread; nothing is kept.
 */
#ifndef LEAT_VNF_TUPLE_H
#define LEAT_VNF_TUPLE_H

#include "datapath/err.h"
#include "vnf/policy/policy.h"
#include "vnf/ports.h"

enum { TUPLE_SAID = 4, TUPLE_SAID_LEN = 256 };

/* Must not be copied: `facts` points into it. */
struct tuple {
	struct policy_facts facts;	/* port, peer and domain: once bound */
	char said[TUPLE_SAID][TUPLE_SAID_LEN];
	bool has_on, has_domain;
	char on[POLICY_NAME_MAX + 1];
};

/*
 * Reads the words, however they are spread over the arguments.  0, or -EINVAL with what was
 * expected in `err`.
 */
int tuple_parse(int argc, const char *const argv[], struct tuple *t, struct err *err);

/*
 * Fills what depends on leatd's ports.  Without `on` and `domain` it is the client's port of the
 * first pair; with a domain alone, that of its pair.  0, or -EINVAL with `err`.
 */
int tuple_bind(struct tuple *t, const struct ports *ports, struct err *err);

#endif
