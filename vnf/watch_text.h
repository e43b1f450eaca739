/*
 * watch_text.h - what is watched of a flow, as lines for a person or a program.
 *
 * Control thread.
 */
#ifndef LEAT_VNF_WATCH_TEXT_H
#define LEAT_VNF_WATCH_TEXT_H

#include "ctl/text.h"
#include "vnf/watch.h"

enum watch_style {
	WATCH_TEXT,	/* lines of text, harmless on a terminal */
	WATCH_HEX,	/* 16 bytes a line */
	WATCH_JSON,	/* an object a line */
};

/* Begins as all zeros, but for the style. */
struct watch_view {
	enum watch_style style;
	bool in_line;		/* the line so far has no end yet, */
	uint8_t direction;	/*   and is of this direction */
	bool known[2];		/* where the next byte of the direction is expected */
	uint64_t next[2];
	uint32_t turned;	/* as of the latest piece */
	struct flow_record row;	/* BEGIN's, its ends as they are by then */
};

/* Adds the piece as it is shown. */
void watch_show(struct watch_view *v, struct text *t, const struct watch_piece *p);

/* Ends a line that is open. */
void watch_show_end(struct watch_view *v, struct text *t);

#endif
