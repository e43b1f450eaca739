/*
 * verbs.c - see verbs.h.
 */
#include "ctl/verbs.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

#define READS true
#define CHANGES false

const struct verb verbs[] = {
	{ "coverage/show", "", "Show every counter of the daemon that is not zero.", 0, 0, READS,
	  VERB_NO_FILE },
	{ "db/backup", "FILE [--replace]", "Copy the database to a file while it is in use.", 1, 2,
	  CHANGES, VERB_NO_FILE },
	{ "db/checkpoint", "", "Move the database's log into the database.", 0, 0, CHANGES,
	  VERB_NO_FILE },
	{ "db/prune", "[--older-than DAYS] [--dry-run]", "Remove the flows that are too old.", 0, 3,
	  CHANGES, VERB_NO_FILE },
	{ "db/status", "", "Show the database: size, journal, what was written and lost.", 0, 0,
	  READS, VERB_NO_FILE },
	{ "drain", "[SECONDS]|off",
	  "Take no more flows, and tell the switch when those that are here have ended.", 0, 1,
	  CHANGES, VERB_NO_FILE },
	{ "exit", "", "Let the daemon end in good order.", 0, 0, CHANGES, VERB_NO_FILE },
	{ "flow/conflicts", "[FLOW] [--limit N]",
	  "List bytes that came twice and differed, the latest first.", 0, 3, READS, VERB_NO_FILE },
	{ "flow/count", "[KEY=VALUE]...", "Count the flows that are alive.", 0, -1, READS,
	  VERB_NO_FILE },
	{ "flow/follow",
	  "FLOW [--hex|--raw up|down] [--for SECONDS] | [KEY=VALUE]... [--for SECONDS] "
	  "[--count N]",
	  "Show the bytes of a flow, or flows that begin and end, as they do.", 0, -1, READS,
	  VERB_NO_FILE },
	{ "flow/kill", "FLOW | KEY=VALUE... | --all [--dry-run]",
	  "End flows, with a RST to both ends.", 1, -1, CHANGES, VERB_NO_FILE },
	{ "flow/list", "[KEY=VALUE]... [--sort COLUMN[:desc]] [--limit N]",
	  "List the flows that are alive.", 0, -1, READS, VERB_NO_FILE },
	{ "flow/show", "FLOW", "Show all that is known of one flow.", 1, 1, READS, VERB_NO_FILE },
	{ "limit/show", "", "Show each limit, how much of it is used, and the most that ever was.",
	  0, 0, READS, VERB_NO_FILE },
	{ "list-commands", "", "List the commands the daemon knows.", 0, 0, READS, VERB_NO_FILE },
	{ "memory/show", "", "Show what memory is used for.", 0, 0, READS, VERB_NO_FILE },
	{ "pcap/list", "", "List the captures, and those that ended last.", 0, 0, READS,
	  VERB_NO_FILE },
	{ "pcap/start", "FILE [KEY=VALUE]... [--max-mb N] [--for SECONDS] [--snaplen N]",
	  "Copy frames, or those of some flows, into a pcapng file.", 1, -1, CHANGES,
	  VERB_NO_FILE },
	{ "pcap/stop", "[CAPTURE]", "End a capture, and say what it took.", 0, 1, CHANGES,
	  VERB_NO_FILE },
	{ "policy/check", "FILE", "Say whether a policy is right; needs no running daemon.", 2, 2,
	  READS, VERB_CHECK_FILE },
	{ "policy/counters", "", "Show what each rule took: flows, packets, bytes, the last time.",
	  0, 0, READS, VERB_NO_FILE },
	{ "policy/diff", "[A] B",
	  "Say what differs between generations or files; A: the active one.", 1, 3, READS,
	  VERB_COMPARE },
	{ "policy/explain", "TUPLE", "Say which rule takes a flow, and why those before it do not.",
	  1, -1, READS, VERB_NO_FILE },
	{ "policy/list", "", "List the generations of the policy.", 0, 0, READS, VERB_NO_FILE },
	{ "policy/load", "[--dry-run] FILE", "Make a policy the active one.", 2, 3, CHANGES,
	  VERB_SEND_FILE },
	{ "policy/reapply", "[--dry-run]", "Put live flows under the policy in force now.", 0, 1,
	  CHANGES, VERB_NO_FILE },
	{ "policy/rollback", "[--dry-run] GENERATION", "Make an earlier policy active again.", 1, 2,
	  CHANGES, VERB_NO_FILE },
	{ "policy/show", "[--source] [GENERATION]", "Show the active policy, or an earlier one.", 0,
	  2, READS, VERB_NO_FILE },
	{ "port/list", "", "List the ports and their state.", 0, 0, READS, VERB_NO_FILE },
	{ "port/set", "PORT KEY=VALUE...", "Set how many frames a port loses, for tests.", 2, -1,
	  CHANGES, VERB_NO_FILE },
	{ "port/show", "PORT", "Show all that is known of one port.", 1, 1, READS, VERB_NO_FILE },
	{ "replay", "FILE [-o DIR] [--policy FILE] [--db FILE] [--vlan stack|ignore]",
	  "Show the flows of a capture file; needs no running daemon.", 1, -1, READS,
	  VERB_NO_FILE },
	{ "status", "", "Show in a few lines how the daemon is.", 0, 0, READS, VERB_NO_FILE },
	{ "steer/apply", "[--dry-run]", "Put the steering rules into the switch.", 0, 1, CHANGES,
	  VERB_NO_FILE },
	{ "steer/bypass", "[--dry-run]", "Lead the traffic round Leat until steer/apply.", 0, 1,
	  CHANGES, VERB_OFFLINE },
	{ "steer/check", "", "Say how the switch differs from what the policy asks for.", 0, 0,
	  READS, VERB_NO_FILE },
	{ "steer/clear", "[--dry-run]", "Take this instance's rules out of the switch.", 0, 1,
	  CHANGES, VERB_OFFLINE },
	{ "steer/show", "", "Show the steering rules, and what the switch has.", 0, 0, READS,
	  VERB_OFFLINE },
	{ "steer/trace", "tcp ADDR:PORT ADDR:PORT [vlan N]",
	  "Say which rules of switch and policy take a flow.", 3, 5, READS, VERB_NO_FILE },
	{ "top", "[-d SECONDS] [-n N] [KEY=VALUE]...",
	  "Show workers and the busiest flows again and again.", 0, -1, READS, VERB_NO_FILE },
	{ "version", "", "Say the daemon's version.", 0, 0, READS, VERB_NO_FILE },
	{ "vlog/list", "", "List the modules that log, and their levels.", 0, 0, READS,
	  VERB_NO_FILE },
	{ "vlog/reopen", "", "Open the log file anew, after it was renamed.", 0, 0, CHANGES,
	  VERB_NO_FILE },
	{ "vlog/set", "[MODULE:][DEST:]LEVEL...", "Set what is logged.", 0, -1, CHANGES,
	  VERB_NO_FILE },
	{ "wait-until", "COLUMN=VALUE[,COLUMN>=VALUE]... COMMAND [ARGUMENT]...",
	  "Ask again and again until the answer is so; -t says how long.", 2, -1, READS,
	  VERB_NO_FILE },
	{ "worker/reset-peaks", "", "Forget the longest turns that `worker show` shows.", 0, 0,
	  CHANGES, VERB_NO_FILE },
	{ "worker/show", "", "Show the workers and what they do.", 0, 0, READS, VERB_NO_FILE },
};
const size_t n_verbs = sizeof verbs / sizeof verbs[0];

const struct verb *
verb_find(const char *name)
{
	size_t i;

	for (i = 0; i < n_verbs; i++)
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	return NULL;
}

void
verb_register(struct unixctl_server *srv, const char *name, unixctl_cb *cb, void *aux)
{
	const struct verb *v = verb_find(name);

	assert(v);
	unixctl_command_register(srv, v->name, v->usage, v->help, v->min,
				 v->max < 0 ? INT_MAX : v->max, cb, aux);
	if (v->reads_only)
		unixctl_command_reads_only(srv, v->name);
}

/* The verb behind "NOUN/", or NULL if `name` is of another noun. */
static const char *
verb_of(const char *name, const char *noun)
{
	size_t len = strlen(noun);

	return !strncmp(name, noun, len) && name[len] == '/' ? name + len + 1 : NULL;
}

bool
verb_has_noun(const char *noun)
{
	size_t i;

	for (i = 0; i < n_verbs; i++)
		if (verb_of(verbs[i].name, noun))
			return true;
	return false;
}

void
verb_put_verbs(struct text *out, const char *noun)
{
	const char *between = "";
	size_t i;

	for (i = 0; i < n_verbs; i++) {
		const char *verb = verb_of(verbs[i].name, noun);

		if (!verb)
			continue;
		text_puts(out, between);
		text_puts(out, verb);
		between = ", ";
	}
}
