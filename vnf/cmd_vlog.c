/*
 * cmd_vlog.c - vlog/set.
 */
#include <string.h>

#include "vnf/cmd.h"
#include "vnf/log.h"

static void
cmd_vlog_set(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	enum log_level level;
	const char *word;
	int i;

	(void)aux;
	for (i = 1; i < argc; i++) {
		word = strrchr(argv[i], ':');
		if (log_level_parse(word ? word + 1 : argv[i], &level) != 0) {
			unixctl_reply_errorf(conn, "%s: no level: off, err, warn, info or dbg",
					     argv[i]);
			return;
		}
		log_set_level(level);
	}
	unixctl_reply(conn, log_level_name(log_level()));
}

void
cmd_vlog_register(struct leat *l)
{
	verb_register(l->ctl, "vlog/set", cmd_vlog_set, l);
}
