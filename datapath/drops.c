/* drops.c - names of the reasons. */
#include "datapath/drops.h"

static const struct {
	const char *name, *text;
} reasons[DROP_N] = {
	[DROP_NONE] = { "none", "not dropped" },
#define REFUSAL(name, text) [DROP_##name] = { #name, text },
#define DROP(name, text) [DROP_##name] = { #name, text },
#include "datapath/drops.def"
};

const char *
drop_name(enum drop reason)
{
	return reasons[reason].name;
}

const char *
drop_text(enum drop reason)
{
	return reasons[reason].text;
}
