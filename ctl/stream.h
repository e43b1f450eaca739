/*
 * stream.h - a reply read as it comes, for one that is long or never ends.
 *
 * Recognises the replies of Leat's own daemons, which begin with id and result in this order, and
 * gives the result's bytes on as they arrive: of a string, unescaped; of an array, as it is.
 * Any other reply has to be read whole.  Owned by one client; no thread but its owner's may
 * touch it.
 */
#ifndef LEAT_CTL_STREAM_H
#define LEAT_CTL_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Takes bytes of a result; false: they could not be shown, and the call is given up. */
typedef bool ctl_sink(void *aux, const char *s, size_t n);

enum stream_state {
	STREAM_BEGIN,	/* not enough to tell */
	STREAM_STRING,
	STREAM_ARRAY,
	STREAM_TAIL,	/* the result is over */
	STREAM_DONE,
	STREAM_OTHER,	/* not of this kind: nothing was taken */
	STREAM_BROKEN,	/* no JSON */
	STREAM_REFUSED,	/* by the sink */
};

struct ctl_stream {
	enum stream_state state;
	ctl_sink *sink;
	void *aux;
	unsigned depth;		/* of an array's brackets */
	bool in_string, escaped;
	unsigned n_hex;		/* digits still to come of \uXXXX */
	uint32_t unit, high;	/* the unit being read; a high surrogate before it, or 0 */
	size_t n_out, n_tail;
	char out[4096];
	char tail[1024];	/* what stands behind the result, as far as it fits */
};

void ctl_stream_init(struct ctl_stream *st, ctl_sink *sink, void *aux);

/*
 * Looks at the reply to request `id`, of which `s` is all that came so far: begins to read
 * it, and returns how many bytes it took, 0 while the state is BEGIN or becomes OTHER.
 */
size_t ctl_stream_begin(struct ctl_stream *st, int id, const char *s, size_t n);

/* Takes the bytes behind those, up to the reply's end; returns how many it took. */
size_t ctl_stream_add(struct ctl_stream *st, const char *s, size_t n);

#endif
