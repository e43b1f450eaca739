/*
 * tags.c - how many tags has a packet?
 *
 * Open vSwitch 3.1 keeps two of a packet's tags.  It matches the outer one only, and of one with
 * two it loses the inner when a third is pushed (measured: the frame comes out with the pushed tag
 * and the outer one).  No match tells one tag from two, so a step asks: it takes the outer tag off
 * a clone of the packet, and sends that to a rule that sees whether there is one left.  All that
 * can come back from a clone is `exit`, which ends the translation up to the next group's bucket;
 * so two questions, one of them asked within a group, make an if and an else.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/ovs/render.h"

enum { MATCH_TEXT = 100, ACTIONS_TEXT = 160 };

#define TAGGED ",vlan_tci=0x1000/0x1000"
#define UNTAGGED ",vlan_tci=0/0x1000"

/* The rules of a question: `exit` if the answer is yes. */
static int
question(struct render *r, const char *yes, uint32_t *key)
{
	char match[MATCH_TEXT];
	int err;

	*key = render_key(r);
	snprintf(match, sizeof(match), "reg12=0x%" PRIx32 "%s", *key, yes);
	err = render_rule(r, RULE_STEP, OVS_PRIORITY_STEP, match, "exit");
	if (err != 0)
		return err;
	snprintf(match, sizeof(match), "reg12=0x%" PRIx32, *key);
	return render_rule(r, RULE_STEP, OVS_PRIORITY_STEP_ELSE, match, "drop");
}

/* The questions and the group within which the first is asked: once for all. */
static int
questions(struct render *r)
{
	char *text;
	int err;

	if (r->is_double != 0)
		return 0;
	if (asprintf(&text,
		     "group_id=%" PRIu32 ",type=indirect,bucket=bucket_id:1,actions="
		     "set_field:0x1->reg14,resubmit(,0)",
		     render_contain(r)) < 0)
		text = NULL;
	err = render_group(r, render_contain(r), text);
	if (err == 0)
		err = question(r, TAGGED, &r->is_double);
	return err != 0 ? err : question(r, UNTAGGED, &r->is_single);
}

static int
add_step(struct render *r, uint32_t key, const char *more, unsigned int priority, char *actions)
{
	char match[MATCH_TEXT];
	int err;

	if (actions == NULL)
		return err_set(r->e, -ENOMEM, "steer %s: out of memory", r->at->name);
	snprintf(match, sizeof(match), "reg12=0x%" PRIx32 "%s", key, more);
	err = render_rule(r, RULE_STEP, priority, match, actions);
	free(actions);
	return err;
}

static char *
ask(uint32_t key, const char *before, const char *after)
{
	char *text;

	if (asprintf(&text, "%sclone(pop_vlan,set_field:0x%" PRIx32 "->reg12,resubmit(,0)),%s",
		     before, key, after) < 0)
		return NULL;
	return text;
}

int
tags_guard(struct render *r, uint32_t key, const char *actions, const char *otherwise)
{
	char contain[ACTIONS_TEXT], *inner;
	int err;

	err = questions(r);
	if (err != 0)
		return err;
	if (asprintf(&inner, "set_field:0->reg14,%s", actions) < 0)
		return err_set(r->e, -ENOMEM, "steer %s: out of memory", r->at->name);
	if (otherwise[0] == '\0') {
		err = add_step(r, key, TAGGED, OVS_PRIORITY_STEP, ask(r->is_double, "", inner));
	} else {
		snprintf(contain, sizeof(contain), "group:%" PRIu32 ",", render_contain(r));
		err = add_step(r, key, ",reg14=0" TAGGED, OVS_PRIORITY_STEP,
			       ask(r->is_single, contain, otherwise));
		if (err == 0)
			err = add_step(r, key, ",reg14=0x1" TAGGED, OVS_PRIORITY_STEP,
				       ask(r->is_double, "", inner));
	}
	if (err == 0)
		err = add_step(r, key, "", OVS_PRIORITY_STEP_ELSE, inner);
	else
		free(inner);
	return err;
}

int
tags_contain(struct render *r, uint32_t key, const char *actions)
{
	int err = questions(r);

	if (err == 0)
		err = add_step(r, key, TAGGED, OVS_PRIORITY_STEP, ask(r->is_double, "", actions));
	return err != 0 ? err : add_step(r, key, "", OVS_PRIORITY_STEP_ELSE, strdup(actions));
}

void
tags_run(const struct render *r, uint32_t key, FILE *f)
{
	fprintf(f, "set_field:0x%" PRIx32 "->reg12,group:%" PRIu32 "," OVS_CLEAR, key,
		render_contain(r));
}
