/*
 * log.h - what leatd has to say: lines for standard error, a file and syslog, in Open vSwitch's
 * format.
 *
 * A file names the module that its lines belong to before it includes this:
 *
 *	#define LOG_MODULE "steer"
 *	#include "vnf/log.h"
 *
 * Each module has a level for each destination (leatctl vlog).  Each call of log_*() has a limit of
 * its own, so that one which repeats without end can't fill a disk (log_limit.h).  What comes from
 * outside may be in a line: bytes that a terminal or a reader of logs could take for something
 * else are written as \xNN.
 *
 * Any thread but a worker's.
 */
#ifndef LEAT_VNF_LOG_H
#define LEAT_VNF_LOG_H

#include <stdbool.h>

#include "datapath/err.h"
#include "vnf/log_limit.h"

#ifndef LOG_MODULE
#define LOG_MODULE "leatd"
#endif

enum log_level { LEVEL_OFF, LEVEL_EMER, LEVEL_ERR, LEVEL_WARN, LEVEL_INFO, LEVEL_DBG };
enum log_dest { DEST_CONSOLE, DEST_SYSLOG, DEST_FILE, N_DESTS };

struct log_module {
	const char *name;
	_Atomic enum log_level level[N_DESTS];
};

/* One call of log_*(). */
struct log_site {
	struct log_limit limit;
};

/* The module of that name, made if it is new; at most 64 of them.  `name` is static. */
struct log_module *log_module_get(const char *name);

bool log_wanted(const struct log_module *m, enum log_level level);
void log_write(const struct log_module *m, struct log_site *site, enum log_level level,
	       const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static struct log_module *log_this_module;

static void __attribute__((constructor)) log_know_this_module(void)
{
	log_this_module = log_module_get(LOG_MODULE);
}

#define log_at(level, ...)                                                                         \
	do {                                                                                       \
		static struct log_site log_site_;                                                  \
                                                                                                   \
		if (log_wanted(log_this_module, (level)))                                          \
			log_write(log_this_module, &log_site_, (level), __VA_ARGS__);              \
	} while (0)

#define log_err(...) log_at(LEVEL_ERR, __VA_ARGS__)
#define log_warn(...) log_at(LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_at(LEVEL_INFO, __VA_ARGS__)
#define log_dbg(...) log_at(LEVEL_DBG, __VA_ARGS__)

/*
 * Sets levels as Open vSwitch's tools write it: words separated by ':', ',' or spaces, of each kind
 * at most one: a module, a destination (console, syslog, file), a level (off, emer, err, warn,
 * info, dbg).  ANY or nothing is all modules or destinations; no level is dbg.
 * 0, or -EINVAL with `err`, and nothing is changed.
 */
int log_set(const char *spec, struct err *err);

/* Would log_set() take it?  The same errors. */
int log_check(const char *spec, struct err *err);

/* All modules and their levels as a table, to be freed; NULL: no memory. */
char *log_list(void);

/*
 * Appends to the file from now on; NULL ends it.  log_reopen() opens it anew, after it was
 * renamed; without a file it does nothing.  0, or a negative errno with `err`, and
 * what was open stays.
 */
int log_to_file(const char *path, struct err *err);
int log_reopen(struct err *err);

/* Sends lines to syslog's socket, "/dev/log", as `ident`, while somebody listens there.  0, or a
 * negative errno with `err`. */
int log_to_syslog(const char *path, const char *ident, struct err *err);

/* Is standard error the journal?  Then lines begin with <N> instead of a time. */
void log_ask_journal(void);

/* `in` as it may stand in a line; cut if it is longer than `size`. */
void log_sanitise(char *out, unsigned size, const char *in);

#endif
