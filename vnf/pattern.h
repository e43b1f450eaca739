/*
 * pattern.h - names of hosts and protocols held against patterns, as filters of flows and
 * policies write them.  Stateless, any thread.
 *
 * A pattern is a name, or "*." and a name: all names below that one.  Names have no case, and a dot
 * at their end is none (RFC 1034 3.1).
 */
#ifndef LEAT_VNF_PATTERN_H
#define LEAT_VNF_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

bool pattern_is_name(const char *pattern, const char *name);

/* Of HTTP: "host" or "host:port"; a pattern without a port is one with any. */
bool pattern_is_host(const char *pattern, const char *host);

/* How many bytes of "host:port" are the host. */
size_t pattern_host_length(const char *host);

/* Is it one of a list with ';' between? */
bool pattern_is_among(const char *pattern, const char *list);

/* Is it the whole of a chain ("smtp+tls"), or a link of it? */
bool pattern_is_link(const char *pattern, const char *chain);

#endif
