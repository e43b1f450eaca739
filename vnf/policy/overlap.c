/*
 * The words that follow `overlap`: first, last, reject, and the hosts whose TCP is followed.
 */
#include <string.h>

#include "vnf/policy/ast.h"

static const char *const words[POLICY_N_OVERLAPS] = {
	[POLICY_OVERLAP_FIRST] = "first",
	[POLICY_OVERLAP_LAST] = "last",
	[POLICY_OVERLAP_REJECT] = "reject",
	[POLICY_OVERLAP_BSD] = "bsd",
	[POLICY_OVERLAP_BSD_RIGHT] = "bsd-right",
	[POLICY_OVERLAP_LINUX] = "linux",
	[POLICY_OVERLAP_OLD_LINUX] = "old-linux",
	[POLICY_OVERLAP_SOLARIS] = "solaris",
	[POLICY_OVERLAP_OLD_SOLARIS] = "old-solaris",
	[POLICY_OVERLAP_HPUX10] = "hpux10",
	[POLICY_OVERLAP_HPUX11] = "hpux11",
	[POLICY_OVERLAP_IRIX] = "irix",
	[POLICY_OVERLAP_MACOS] = "macos",
	[POLICY_OVERLAP_WINDOWS] = "windows",
	[POLICY_OVERLAP_WINDOWS2K3] = "windows2k3",
	[POLICY_OVERLAP_VISTA] = "vista",
};

const char *
overlap_word(enum policy_overlap o)
{
	return words[o];
}

void
overlap_choose(struct parser *ps, const struct loc *loc, const struct word *word)
{
	char quote[64];
	unsigned i;

	attr_once(ps, ATTR_OVERLAP, loc);
	for (i = 0; i < POLICY_N_OVERLAPS; i++)
		if (strcmp(words[i], word->s) == 0) {
			ps->attrs->v.overlap = (enum policy_overlap)i;
			return;
		}
	error_at(ps->p, ps->errs, &word->loc,
		 "expected \"first\", \"last\", \"reject\" or a host (bsd, bsd-right, "
		 "linux, old-linux, solaris, old-solaris, hpux10, hpux11, irix, macos, windows, "
		 "windows2k3, vista), found %s",
		 source_quote(ps->p, &word->loc, quote, sizeof quote));
}
