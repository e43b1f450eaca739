/*
 * stay.h - clients that stay: the reply to one goes on in turns of the control thread until it
 * goes, its time is over, or there is no more to say.
 */
#ifndef LEAT_VNF_CMD_STAY_H
#define LEAT_VNF_CMD_STAY_H

#include "ctl/unixctl.h"
#include "datapath/clock.h"

struct leat;

/* What begins with it may be in a list of them. */
struct stay {
	struct unixctl_conn *conn;
	int64_t for_us;		/* 0: no limit */
	usec_t began;
	struct stay *next;
};

/* One command's. */
struct stay_ops {
	/* Sends what there is now; `over`: the client has gone, or its time is over.  True: this
	 * was the last turn. */
	bool (*turn)(struct stay *s, bool over);
	/* Ends the reply and frees it. */
	void (*end)(struct leat *l, struct stay *s);
};

/* A turn of all in the list. */
void stays_run(struct leat *l, struct stay **list, const struct stay_ops *ops, usec_t now);
/* Ends all. */
void stays_end(struct leat *l, struct stay **list, const struct stay_ops *ops);
unsigned stays_count(const struct stay *list);

#endif
