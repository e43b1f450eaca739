/*
 * steering.h - the policy's `steer` statements, in the switch.
 *
 * Control thread only; it blocks for as long as the switch's tools do.  The switch holds
 * the state: here is only which bridges were asked for.
 */
#ifndef LEAT_VNF_STEERING_H
#define LEAT_VNF_STEERING_H

#include <stdbool.h>

#include "datapath/clock.h"
#include "datapath/ovs/target.h"
#include "vnf/cmdline.h"
#include "vnf/policy/policy.h"

struct steering {
	struct ovs_target target;
	const struct options *o;	/* our ports, the instance's number */
	bool keep;		/* put in place again what the switch lost */
	bool complained;	/* of the present trouble, once */
	usec_t checked;
};

/* `o` outlives it.  0, or a negative errno with `err`. */
int steering_init(struct steering *s, const struct options *o, struct err *err);

/*
 * Makes the ports that `p` names exist on their bridges, as far as they are called as ours and
 * are vhost-user ports; others are the operator's.  0, or a negative errno with `err`.
 */
int steering_ensure_ports(struct steering *s, const struct policy *p, struct err *err);

/*
 * Makes every bridge that `p` names hold what it asks for, our ports first.
 * *said (to be freed, may be NULL): what was sent, "" if nothing was missing.  0, or a negative
 * errno with `err`.
 */
int steering_apply(struct steering *s, const struct policy *p, char **said, struct err *err);

/* Takes this instance's rules away from every bridge that `p` names. */
int steering_clear(struct steering *s, const struct policy *p, struct err *err);

/* *text (to be freed): what the policy asks for, and what each bridge has. */
int steering_show(struct steering *s, const struct policy *p, char **text, struct err *err);

#endif
