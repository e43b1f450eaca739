/*
 * drain.c - drain.
 */
#include <string.h>

#include "vnf/cmd/cmd.h"
#include "vnf/option.h"

enum { SECONDS_MAX = 86400 };

static void
cmd_drain(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct leat *l = aux;
	struct err err = { 0 };
	long seconds = 0;

	if (argc > 1 && strcmp(argv[1], "off") == 0) {
		drain_end(&l->drain);
		unixctl_reply(conn, "");
		return;
	}
	if (argc > 1 && option_read_number("drain", argv[1], 1, SECONDS_MAX, &seconds, &err) != 0) {
		unixctl_reply_error(conn, err.msg);
		return;
	}
	drain_begin(&l->drain, seconds * 1000000, clock_now());
	unixctl_reply(conn, "");
}

void
cmd_drain_register(struct leat *l)
{
	verb_register(l->ctl, "drain", cmd_drain, l);
}
