/*
 * policy.h - what the commands on policies share (vnf/cmd/policy.c, rule.c).
 *
 * Control thread only.
 */
#ifndef LEAT_VNF_CMD_POLICY_H
#define LEAT_VNF_CMD_POLICY_H

#include "vnf/leat.h"

/* Reads a generation's number; false if the text is none. */
bool cmd_generation(const char *text, uint64_t *generation);

/* An earlier generation, compiled: 0 and *p, the caller's; else *errors, to be freed. */
int cmd_policy_get(struct leat *l, uint64_t generation, struct policy **p, char **errors);

/* rule.c: policy/explain, policy/counters, policy/diff. */
void cmd_rule_register(struct leat *l);
/* reapply.c: policy/reapply. */
void cmd_reapply_register(struct leat *l);

#endif
