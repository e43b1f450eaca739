/*
 * policy_model.h - random policies, kept plainly, written as text, and decided naively.
 *
 * The interpreter is what the policy language's own is judged by: it shares no code with it.
 * The universe is small, so that rules meet.  One thread.
 */
#ifndef LEAT_TESTS_PROP_POLICY_MODEL_H
#define LEAT_TESTS_PROP_POLICY_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/prop/lib/names_model.h"

enum { MAX_RULES = 130, MAX_ITEMS = 4, N_SETS = 4, N_PORTS = 3 };

extern const char *const port_names[N_PORTS];

struct ref_item {
	bool is_set, v6;
	unsigned set;
	uint8_t addr[16];	/* 4 bytes or 16 */
	unsigned len;		/* of the prefix, or of the VLAN stack (0: untagged) */
	unsigned lo, hi;	/* range; VLAN stack: hi 0 */
	uint16_t vid[3];
};

struct ref_list {
	unsigned n;		/* 0: any */
	bool not ;
	struct ref_item item[MAX_ITEMS];
};

struct ref_rule {
	struct ref_list from, to, sport, dport, vlan, domain;
	struct ref_names names;
	bool tcp, gone;
	int on;			/* port index, -1: any */
	enum policy_mode mode;
};

struct ref_policy {
	struct ref_list addr_set[N_SETS], port_set[N_SETS];
	struct ref_words name_set[N_NAME_SETS];
	struct ref_rule rule[MAX_RULES];
	unsigned n_rules;
};

/* Draws from [0, n); seed() begins the row. */
uint32_t draw(uint32_t n);
void draw_seed(uint64_t seed);

void draw_policy(struct ref_policy *p);
struct policy_facts draw_facts(void);

/* One line a statement; a rule that is gone leaves its line empty.  To be freed. */
char *write_policy(const struct ref_policy *p);

/* What becomes of a flow. */
struct ref_verdict {
	unsigned rule;		/* that takes it if none of those that wait does; n_rules: none */
	bool swapped;
	unsigned n_waiting;
	bool waits[MAX_RULES];
	bool may[POLICY_RESET + 1];	/* be of this mode */
};

/* `may` of a flow that no rule takes is left to the caller: the default is not known here. */
struct ref_verdict ref_decide(const struct ref_policy *p, const struct policy_facts *f);

/* Does this one condition ("from", "port", ...) fail? */
bool ref_fails(const struct ref_policy *p, const struct ref_rule *r, const struct policy_facts *f,
	       const char *name);

/* The same flow with its ends the other way round. */
struct policy_facts turned_round(const struct policy_facts *f);

#endif
