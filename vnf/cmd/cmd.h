/*
 * cmd.h - what the commands of the control socket share (vnf/cmd/).
 *
 * Control thread only.
 */
#ifndef LEAT_VNF_CMD_CMD_H
#define LEAT_VNF_CMD_CMD_H

#include "ctl/verbs.h"
#include "vnf/leat.h"

/* Ends the program where there is no memory, as for all that is small. */
struct table *cmd_table_new(const char *const *names, size_t n);

/* A table of these columns. */
#define CMD_TABLE(...)                                      \
	cmd_table_new((const char *const[]){ __VA_ARGS__ }, \
		      sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

/* Replies with the table and frees it. */
void cmd_reply_table(struct unixctl_conn *conn, struct table *t);

/* A row of a table with the columns item and value. */
void cmd_put_uint(struct table *t, const char *item, uint64_t v);
void cmd_put_str(struct table *t, const char *item, const char *s);

/* A time of day (us since 1970) as text in `buf`; NULL, which is shown as not known, for 0. */
const char *cmd_when(int64_t us, char *buf, size_t size);

/* Is argv[*i] the option `name`, as `--name VALUE` or `--name=VALUE`?  Then `*value` is its value,
 * and `*i` the last parameter it takes. */
bool cmd_option(const char *name, int argc, const char *argv[], int *i, const char **value);

/* Reads the number of an option.  0, or -EINVAL with `err`. */
int cmd_number(const char *option, const char *text, uint64_t lo, uint64_t hi, uint64_t *v,
	       struct err *err);

/* The sum over all workers of one counter of `member`. */
#define WORKERS_SUM(l, member)                                      \
	({                                                          \
		uint64_t sum_ = 0;                                  \
		for (unsigned i_ = 0; i_ < (l)->o->n_workers; i_++) \
			sum_ += (l)->worker[i_]->member;            \
		sum_;                                               \
	})

#endif
