/*
 * scrape.h - answers HTTP's GET /metrics with a text, at an address or a UNIX socket.
 *
 * Few clients at a time, each with a bounded request, one answer and a deadline; nobody is waited
 * for.  A client that is slow, silent or wrong costs its own slot; where all are taken the oldest
 * is thrown out.  One thread: who runs the loop.
 */
#ifndef LEAT_VNF_SCRAPE_H
#define LEAT_VNF_SCRAPE_H

#include <poll.h>
#include <stddef.h>

#include "datapath/clock.h"
#include "datapath/err.h"

enum {
	SCRAPE_CLIENTS = 8,
	SCRAPE_MAX_FDS = SCRAPE_CLIENTS + 1,
	SCRAPE_REQUEST = 4096,			/* bytes */
	SCRAPE_PATIENCE_US = 5 * 1000 * 1000,	/* from connect to the answer's last byte */
};

struct scrape;

/* What is answered: malloc'ed, freed by the caller; NULL: no memory. */
typedef char *scrape_text_fn(void *aux);

/*
 * Listens at `where`: "PORT" (of 127.0.0.1), "ADDRESS:PORT", "[IPV6]:PORT" or "unix:PATH" (mode
 * 0660).  NULL fills `err`.
 */
struct scrape *scrape_open(const char *where, scrape_text_fn *text, void *aux, struct err *err);

/* NULL does nothing. */
void scrape_close(struct scrape *s);

/* Is it an address as above?  0, or -EINVAL with `err`. */
int scrape_check(const char *where, struct err *err);

/* What to wait for, in at most SCRAPE_MAX_FDS of `fds`: how many.  0 for NULL. */
size_t scrape_fds(const struct scrape *s, struct pollfd *fds);

/* Does what can be done now.  NULL does nothing. */
void scrape_run(struct scrape *s, usec_t now);

#endif
