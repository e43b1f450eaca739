/*
 * top_view.h - what leatctl top shows, made of what the daemon said twice.
 *
 * Pure: documents in, lines out.
 */
#ifndef LEAT_CTL_TOP_VIEW_H
#define LEAT_CTL_TOP_VIEW_H

#include <jansson.h>

#include "ctl/text.h"

enum top_order { TOP_BY_RATE, TOP_BY_BYTES, TOP_BY_RETRANSMITS, TOP_BY_AGE, TOP_ORDERS };

extern const char *const top_order_names[TOP_ORDERS];

/* One look: the answers of status, worker/show and flow/list, and when. */
struct top_look {
	json_t *status, *workers, *flows;	/* owned; NULL: none */
	double at_s;				/* any clock that only goes forward */
};

void top_look_fini(struct top_look *l);

/*
 * Appends the screen: at most `n_lines` lines of at most `n_columns`.  Rates are those since
 * `before`, whose documents may be NULL.
 */
void top_view(struct text *out, const struct top_look *now, const struct top_look *before,
	      enum top_order order, unsigned n_lines, unsigned n_columns);

#endif
