/*
 * lex.h - the scanner's other end (private to vnf/policy).
 *
 * One scanner a parser, on its thread.
 */
#ifndef LEAT_VNF_POLICY_LEX_H
#define LEAT_VNF_POLICY_LEX_H

#include "vnf/policy/ast.h"

/* Larger numbers are read as this; every place that takes a number refuses it. */
#define LEX_NUMBER_MAX ((uint64_t)1 << 60)

/* Suffixes of durations, largest first, in us; ends with a NULL suffix. */
struct lex_unit {
	const char *suffix;
	int64_t us;
};

extern const struct lex_unit lex_units[];

/* Would a name of these characters be read as a keyword? */
bool lex_is_keyword(const char *s);

/* Scans the first of the policy's files, and each other where it is named.  0 or -ENOMEM. */
int lex_open(struct parser *ps);
void lex_close(struct parser *ps);

/* Reads on to the end: how many statements begin with "rule". */
int lex_count_rules(struct parser *ps);

#endif
