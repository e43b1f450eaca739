/*
 * listeners.h - the search behind tcpterm_listen(): classes of selectors.
 *
 * Listeners with the same form (which fields are exact, prefix lengths, ranges)
 * are one class with one hash table, classes are searched in order of their
 * best priority; only SYNs pay for it.  At most 128 B a listener.  Single-threaded.
 */
#ifndef TCPTERM_LISTENERS_H
#define TCPTERM_LISTENERS_H

#include <tcpterm/listener.h>

struct listeners;

struct listeners *listeners_new(uint32_t n_max);
void listeners_free(struct listeners *l);
void listeners_commit(struct listeners *l);	/* as slab_commit() */
int listeners_add(struct listeners *l, const struct tcpterm_listener_conf *conf,
		  tcpterm_listener_id *id);
int listeners_remove(struct listeners *l, tcpterm_listener_id id);

/* The winner for this SYN, or NULL; *id its id. Valid until the next add or remove. */
const struct tcpterm_listener_conf *listeners_find(const struct listeners *l, const struct pkt *p,
						   tcpterm_listener_id *id);
uint32_t listeners_count(const struct listeners *l);

#endif
