/*
 * table.h - the rows of protocols.def, and which of them fit what was seen of a flow.
 *
 * Stateless; any thread.
 */
#ifndef LEAT_VNF_APP_TABLE_H
#define LEAT_VNF_APP_TABLE_H

#include "vnf/app/app.h"

struct app_bytes {
	const uint8_t *p;
	size_t n;
	bool closed;		/* no more of them will be looked at */
};

struct app_found {
	enum app_id id;		/* APP_NONE: several rows fit equally, by hints */
	bool weak, flip;
	bool tie;		/* another row fits as well: fewer bytes may have told */
	bool sided;		/* app_identify_unsure(): not the other way round, for certain */
};

/* Masks for app_identify(): every row, one row. */
#define APP_EVERY UINT64_MAX
#define APP_ONLY(id) (UINT64_C(1) << (id))

/* What do the first bytes of the client and of the server tell?  Fills `found` for APP_FOUND. */
enum app_answer app_identify(const struct app_bytes view[2], uint64_t among,
			     struct app_found *found);

/* The same where it is not known which of the two is the client. */
enum app_answer app_identify_unsure(const struct app_bytes view[2], uint64_t among,
				    struct app_found *found);

/* How a flow of this kind may go on as TLS; NULL: not by a word, or not at a place. */
const char *app_tls_word(enum app_id id);
typedef size_t app_tls_place(const uint8_t *p, size_t n);
app_tls_place *app_tls_at(enum app_id id);

/* The length of a PROXY header that is there as a whole. */
size_t proxy_length(const uint8_t *p, size_t n);

#endif
