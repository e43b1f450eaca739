/*
 * names_model.h - random conditions on what a flow says, written as text, and a plain
 * three-valued interpreter of them.  One thread.
 */
#ifndef LEAT_TESTS_PROP_NAMES_MODEL_H
#define LEAT_TESTS_PROP_NAMES_MODEL_H

#include <stdbool.h>
#include <stdio.h>

#include "vnf/policy/policy.h"

enum { MAX_WORDS = 3, N_NAME_SETS = 2, N_SAID = 4 };

struct ref_words {
	unsigned n;		/* 0: any */
	bool not ;
	unsigned set;		/* above 0: this set, and no words */
	const char *word[MAX_WORDS];
};

/* app, sni, host, alpn */
struct ref_names {
	struct ref_words said[N_SAID];
};

struct ref_words draw_name_set(void);
struct ref_names draw_names(void);

/* Some state of knowledge that a flow can be in. */
void draw_said(struct policy_facts *f);

void write_words(FILE *f, const struct ref_words *w);
void write_names(FILE *f, const struct ref_names *n);

/* One condition, by its name; all of them. */
enum policy_truth ref_said(const struct ref_words sets[], const struct ref_names *n,
			   const struct policy_facts *f, const char *name);
enum policy_truth ref_truth(const struct ref_words sets[], const struct ref_names *n,
			    const struct policy_facts *f);

#endif
