/*
 * names.h - reading names out of the first bytes of one direction.
 *
 * A reader is given all contiguous bytes so far and fills what they hold of `names`.  It
 * returns the number of bytes with which it makes sense to ask again, above `n`, or 0:
 * there is nothing more to learn.  Asked again it begins anew.
 */
#ifndef LEAT_VNF_APP_NAMES_H
#define LEAT_VNF_APP_NAMES_H

#include "vnf/app/app.h"

typedef size_t app_reader(struct app_names *names, const uint8_t *p, size_t n);

app_reader tls_read_client, tls_read_server;
app_reader http_read_client, http_read_server;
app_reader ssh_read_client, ssh_read_server;
app_reader dns_read;

/* Does a list of protocols, ';' between, have this one? */
bool alpn_has(const char *list, const char *protocol);

/* Fills ja3 and ja4 from a whole ClientHello, from its legacy_version on (RFC 8446 4.1.2). */
void ja_fill(struct app_names *names, const uint8_t *p, size_t n);

/* Copies to a text of `size` bytes, as far as it goes and up to a NUL; no NUL is left behind. */
void name_put(char *to, size_t size, const uint8_t *p, size_t n);

#endif
