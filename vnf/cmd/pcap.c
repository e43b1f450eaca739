/*
 * pcap.c - pcap/start, pcap/stop, pcap/list.
 *
 * `pcap stop` is answered when the file is whole.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnf/capture.h"
#include "vnf/cmd/cmd.h"
#define LOG_MODULE "capture"
#include "vnf/log.h"

enum { MAX_MB_DEFAULT = 100, N_STATES = CAPTURE_ENDED + 1 };

/* --- start --- */

static int
put_words(struct capture_conf *c, unsigned n, const char *const word[], struct err *err)
{
	size_t len = 0;
	unsigned i;

	for (i = 0; i < n; i++) {
		len += (size_t)snprintf(c->words + len, sizeof c->words - len, "%s%s", i ? " " : "",
					word[i]);
		if (len >= sizeof c->words)
			return err_set(err, -EINVAL, "the filter is too long");
	}
	return flow_filter_parse(&c->filter, (int)n, word, err);
}

static int
put_path(struct capture_conf *c, const char *path, struct err *err)
{
	if (*path != '/')
		return err_set(err, -EINVAL,
			       "%s: leatd writes the file, so its path has to begin with /", path);
	if (strlen(path) >= sizeof c->path)
		return err_set(err, -ENAMETOOLONG, "the path is longer than %zu bytes",
			       sizeof c->path - 1);
	strcpy(c->path, path);
	return 0;
}

static int
take_conf(struct capture_conf *c, int argc, const char *argv[], struct err *err)
{
	uint64_t mb = MAX_MB_DEFAULT, seconds = 0, snaplen = CAPTURE_SNAPLEN_MAX;
	const char *word[FLOW_FILTER_WORDS + 1], *value;
	unsigned n = 0;
	int i, rc = put_path(c, argv[1], err);

	for (i = 2; i < argc && rc == 0; i++) {
		if (cmd_option("--max-mb", argc, argv, &i, &value))
			rc = cmd_number("--max-mb", value, 1, 1 << 20, &mb, err);
		else if (cmd_option("--for", argc, argv, &i, &value))
			rc = cmd_number("--for", value, 1, 1000000, &seconds, err);
		else if (cmd_option("--snaplen", argc, argv, &i, &value))
			rc = cmd_number("--snaplen", value, 14, CAPTURE_SNAPLEN_MAX, &snaplen, err);
		else if (n <= FLOW_FILTER_WORDS)
			word[n++] = argv[i];
	}
	c->max_bytes = mb << 20;
	c->for_us = (int64_t)seconds * 1000000;
	c->snaplen = (uint32_t)snaplen;
	return rc == 0 ? put_words(c, n, word, err) : rc;
}

static void
cmd_start(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct capture_conf c = { .path = "" };
	struct leat *l = aux;
	struct err err;
	char text[32];
	int id = take_conf(&c, argc, argv, &err);

	if (id == 0)
		id = capture_start(l->captures, &c, &err);
	if (id < 0) {
		unixctl_reply_error(conn, err.msg);
		return;
	}
	log_info("capture %d into %s begins: %s", id, c.path, c.words[0] ? c.words : "all frames");
	snprintf(text, sizeof text, "%d", id);
	unixctl_reply(conn, text);
}

/* --- list --- */

static void
cmd_list(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	static const char *const states[N_STATES] = { "running", "ending", "ended" };
	struct table *t = CMD_TABLE("id", "state", "reason", "frames", "lost", "bytes", "seconds",
				    "snaplen", "max_bytes", "file", "filter");
	const struct leat *l = aux;
	struct capture_status st;
	unsigned i;

	(void)argc;
	(void)argv;
	for (i = 0; captures_get(l->captures, i, &st); i++) {
		table_row(t);
		table_uint(t, st.id);
		table_str(t, states[st.state]);
		table_str(t, st.reason);
		table_uint(t, st.frames);
		table_uint(t, st.lost);
		table_uint(t, st.bytes);
		table_double(t, (double)st.age_us / 1e6, 1);
		table_uint(t, st.conf->snaplen);
		table_uint(t, st.conf->max_bytes);
		table_str(t, st.conf->path);
		table_str(t, st.conf->words[0] ? st.conf->words : NULL);
	}
	cmd_reply_table(conn, t);
}

/* --- stop --- */

static void
stopped(void *conn, const struct capture_status *st)
{
	char text[160];

	snprintf(text, sizeof text, "%ju frames, %ju lost, %ju bytes (%s)", (uintmax_t)st->frames,
		 (uintmax_t)st->lost, (uintmax_t)st->bytes, st->reason ? st->reason : "stopped");
	unixctl_reply(conn, text);
}

/* The only one that runs; 0: there is none, or more than one. */
static unsigned
only_one(const struct leat *l)
{
	struct capture_status st;
	unsigned i, id = 0;

	for (i = 0; captures_get(l->captures, i, &st); i++) {
		if (st.state != CAPTURE_RUNNING)
			continue;
		if (id)
			return 0;
		id = st.id;
	}
	return id;
}

static void
cmd_stop(struct unixctl_conn *conn, int argc, const char *argv[], void *aux)
{
	struct leat *l = aux;
	uint64_t id = argc > 1 ? 0 : only_one(l);
	struct err err;
	int rc;

	if (argc > 1 && cmd_number("pcap stop", argv[1], 1, UINT32_MAX, &id, &err) != 0) {
		unixctl_reply_error(conn, err.msg);
		return;
	}
	if (id == 0) {
		unixctl_reply_error(conn, "which capture?  `pcap list` shows them");
		return;
	}
	rc = capture_stop(l->captures, (unsigned)id, stopped, conn);
	if (rc == -ENOENT)
		unixctl_reply_errorf(conn, "there is no capture %ju: `pcap list` shows them",
				     (uintmax_t)id);
	else if (rc != 0)
		unixctl_reply_errorf(conn, "capture %ju is being stopped already", (uintmax_t)id);
}

void
cmd_pcap_register(struct leat *l)
{
	verb_register(l->ctl, "pcap/list", cmd_list, l);
	verb_register(l->ctl, "pcap/start", cmd_start, l);
	verb_register(l->ctl, "pcap/stop", cmd_stop, l);
}
