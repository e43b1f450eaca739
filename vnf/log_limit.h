/*
 * log_limit.h - how often one place in the code may write a line: a bucket of tokens, which says
 * how many lines it kept back when it lets one pass again.
 *
 * Zeroed is full.  Whoever owns it calls from one thread at a time.
 */
#ifndef LEAT_VNF_LOG_LIMIT_H
#define LEAT_VNF_LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct log_limit {
	uint32_t spent;			/* tokens */
	int64_t filled;			/* ms, when `spent` was right */
	unsigned n_dropped;
	int64_t first_dropped, last_dropped;
};

/*
 * May a line pass at `now` (ms)?  `burst` lines may pass at once, then one every `every_ms`.
 * *dropped is how many were kept back since the last that passed, *since the first and
 * *ago the last of them, in seconds before `now`.
 */
bool log_limit_pass(struct log_limit *l, int64_t now, unsigned burst, unsigned every_ms,
		    unsigned *dropped, unsigned *since, unsigned *ago);

#endif
