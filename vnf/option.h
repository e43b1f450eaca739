/*
 * option.h - the table of leatd's options: the command line, the configuration file and --help
 * are all read from it.
 *
 * A new option is a field of struct options (cmdline.h), a row in option.c, and, if it is neither
 * text, a number nor a switch, a setter.  It is documented in doc/leatd.8 and doc/leat.conf.5,
 * which tests/unit/cmdline.c demands.
 *
 * Main thread, at start.
 */
#ifndef LEAT_VNF_OPTION_H
#define LEAT_VNF_OPTION_H

#include <stddef.h>

#include "vnf/cmdline.h"

/* Early ones are set first, then plain ones, then late ones, in whatever order they are written. */
enum option_round {
	OPTION_PLAIN,
	OPTION_LATE,	/* names what a plain one has made */
	OPTION_EARLY,	/* on the command line only: decides what else is read */
};

struct option_row {
	const char *name;	/* --name, and the file's key */
	/* What --help calls its value; "[=..." may be left out, which is "yes"; NULL: a switch,
	 * [=yes|no]. */
	const char *arg;
	const char *help;	/* lines end in '\n' but for the last; NULL: not told by --help */
	/*
	 * 0, or -EINVAL with what was expected, without the option's name.  `text` is not empty,
	 * may be written to, and lives as long as `o`.
	 */
	int (*set)(struct options *o, const struct option_row *row, char *text, struct err *err);
	/* An option that may be repeated: forgets what the file said before the command line's
	 * first. */
	void (*clear)(struct options *o);
	enum option_round round;
	char letter;		/* -X; 0: it has none */
	size_t field;		/* offset in struct options, for the setters below */
	long low, high;		/* of option_number */
};

extern const struct option_row option_rows[];
extern const unsigned option_n_rows;

/* NULL if there is none. */
const struct option_row *option_find(const char *name);

/* Sets `row` to a copy of `text`; NULL is "yes" for a switch.  As row->set. */
int option_set(struct options *o, const struct option_row *row, const char *text, struct err *err);

/* Setters of const char *, unsigned and bool fields. */
int option_text(struct options *o, const struct option_row *row, char *text, struct err *err);
int option_number(struct options *o, const struct option_row *row, char *text, struct err *err);
int option_switch(struct options *o, const struct option_row *row, char *text, struct err *err);

/* A decimal number within the limits, into *v.  `what` begins the message, it may be "". */
int option_read_number(const char *what, const char *text, long low, long high, long *v,
		       struct err *err);

/* option_port.c: ports, pairs and faults. */
int option_port(struct options *o, const struct option_row *row, char *text, struct err *err);
int option_pair(struct options *o, const struct option_row *row, char *text, struct err *err);
int option_fault(struct options *o, const struct option_row *row, char *text, struct err *err);
void option_clear_ports(struct options *o);
void option_clear_pairs(struct options *o);
void option_clear_faults(struct options *o);

/* Two ports that are no copies are a pair if none is named; every other one must be in a pair. */
int option_complete_pairs(struct options *o, struct err *err);

#endif
