/*
 * upkeep.c - see upkeep.h.
 */
#include "vnf/upkeep.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	LOOK_US = 10 * 1000 * 1000,
	LOOK_AGAIN_US = 1000 * 1000,	/* after rows were removed */
	SLICE_ROWS = 4096,
	SLICE_PAGES = 512,
	COUNT_ROWS = 50000,
	BACKUP_PAGES = 256,
	SLACK = 16 << 20,		/* unused bytes that stay for rows to come */
};

void
upkeep_init(struct upkeep *u, struct store *store, const struct retention *keep)
{
	*u = (struct upkeep){ .store = store, .keep = *keep };
}

void
upkeep_fini(struct upkeep *u)
{
	store_backup_close(u->backup);
	u->backup = NULL;
}

static int64_t
age_limit(const struct upkeep *u)
{
	return clock_to_unix_us(clock_now()) - u->keep.age_us;
}

/* Removes a slice of what is too old, else of what is too much: 1, 0: nothing is, or an error. */
static int
remove_slice(struct upkeep *u, int64_t before, uint64_t bytes, struct store_pruned *p,
	     struct err *err)
{
	uint64_t used, unused;
	int n = before ? store_prune(u->store, before, SLICE_ROWS, p, err) : 0;

	if (n == 0 && bytes) {
		n = store_space(u->store, &used, &unused, err);
		if (n == 0 && used > bytes)
			n = store_prune_oldest(u->store, SLICE_ROWS, p, err);
	}
	return n > 0 ? 1 : n;
}

/* --- retention --- */

/* Gives a slice back of what is above `slack`: 1, 0: nothing is, or an error. */
static int
give_back_slice(struct upkeep *u, uint64_t slack, struct err *err)
{
	uint64_t used, unused;
	int n = store_space(u->store, &used, &unused, err);

	if (n == 0 && unused > slack)
		n = store_give_back(u->store, SLICE_PAGES, err);
	return n > 0 ? 1 : n;
}

int
upkeep_retain(struct upkeep *u, usec_t now, struct err *err)
{
	int n;

	if (u->keep.age_us == 0 && u->keep.bytes == 0)
		return 0;
	if (!u->pruning && !u->giving_back) {
		if (usec_before(now, u->next))
			return 0;
		u->next = usec_add(now, LOOK_US);
		u->pruning = true;
	}
	if (u->pruning) {
		n = remove_slice(u, u->keep.age_us ? age_limit(u) : 0, u->keep.bytes, &u->pruned,
				 err);
		if (n > 0)
			u->next = usec_add(now, LOOK_AGAIN_US);
		if (n != 0)
			return n;
		u->pruning = false;
		u->giving_back = true;
	}
	n = give_back_slice(u, SLACK, err);
	if (n == 0)
		u->giving_back = false;
	return n;
}

/* --- jobs --- */

void
upkeep_begin(struct upkeep *u, const struct upkeep_job *job)
{
	struct store_status st;

	u->job = *job;
	u->job_pruned = (struct store_pruned){ 0 };
	u->cursor = (struct store_cursor){ 0 };
	u->done = u->all = 0;
	store_status(u->store, &st, NULL);
	u->size_before = job->kind == UPKEEP_CHECKPOINT ? st.wal_size : st.file_size;
}

static const char *
megabytes(char text[32], uint64_t bytes)
{
	snprintf(text, 32, "%.1f MB", (double)bytes / 1e6);
	return text;
}

static int
work_backup(struct upkeep *u, char *text, size_t size, struct err *err)
{
	char mb[32];
	int rc;

	if (!u->backup) {
		rc = store_backup_open(u->store, u->job.path, u->job.replace, &u->backup, err);
		if (rc < 0)
			return rc;
	}
	rc = store_backup_step(u->backup, BACKUP_PAGES, &u->done, &u->all, err);
	if (rc > 0)
		return 1;
	store_backup_close(u->backup);
	u->backup = NULL;
	if (rc == 0) {
		struct store_status st;

		store_status(u->store, &st, NULL);
		snprintf(text, size, "%s: %s, as of now", u->job.path, megabytes(mb, st.file_size));
	}
	return rc;
}

static int
work_checkpoint(struct upkeep *u, char *text, size_t size, struct err *err)
{
	struct store_status st;
	char was[32], is[32];
	int rc = store_wal_checkpoint(u->store, err);

	store_status(u->store, &st, NULL);
	if (rc == 0)
		snprintf(text, size, "the log had %s, and has %s", megabytes(was, u->size_before),
			 megabytes(is, st.wal_size));
	return rc;
}

static void
say_pruned(const struct upkeep *u, const char *verb, char *text, size_t size)
{
	const struct store_pruned *p = &u->job_pruned;

	snprintf(text, size,
		 "%s %" PRIu64 " flows, %" PRIu64 " gaps and conflicts, %" PRIu64
		 " events, %" PRIu64 " policies",
		 verb, p->flows, p->gaps, p->events, p->policies);
}

static int64_t
job_before(const struct upkeep *u)
{
	if (u->job.before)
		return u->job.before;
	return u->keep.age_us ? age_limit(u) : 0;
}

static int
no_retention(struct err *err)
{
	return err_set(
		err, -EINVAL,
		"everything is kept: say what may go by --older-than DAYS, or start leatd with "
		"--keep-days or --keep-mb");
}

static int
work_prune(struct upkeep *u, char *text, size_t size, struct err *err)
{
	uint64_t bytes = u->job.before ? 0 : u->keep.bytes;
	int64_t before = job_before(u);
	struct store_status st;
	char was[32], is[32];
	size_t len;
	int n;

	if (!before && !bytes)
		return no_retention(err);
	n = remove_slice(u, before, bytes, &u->job_pruned, err);
	if (n == 0)
		n = give_back_slice(u, 0, err);
	u->done = u->job_pruned.flows;
	if (n != 0)
		return n;
	/* The file shrinks when the log is moved into it; a reader may put that off. */
	store_wal_checkpoint(u->store, NULL);
	store_status(u->store, &st, NULL);
	say_pruned(u, "removed", text, size);
	len = strlen(text);
	snprintf(text + len, size - len, "; the file had %s, and has %s",
		 megabytes(was, u->size_before), megabytes(is, st.file_size));
	return 0;
}

/* How many of the oldest flows the limit of size would take, from their average size. */
static int
count_beyond(struct upkeep *u, struct err *err)
{
	struct store_status st;
	uint64_t used, unused;
	int rc = store_status(u->store, &st, err);

	if (rc == 0)
		rc = store_space(u->store, &used, &unused, err);
	if (rc == 0 && used > u->keep.bytes && st.flow_rows > 0) {
		uint64_t n = (used - u->keep.bytes) / (used / st.flow_rows + 1);

		if (n > u->job_pruned.flows)
			u->job_pruned.flows = n;
	}
	return rc;
}

static int
work_count(struct upkeep *u, char *text, size_t size, struct err *err)
{
	bool by_size = !u->job.before && u->keep.bytes;
	int64_t before = job_before(u);
	int rc = 0;

	if (!before && !by_size)
		return no_retention(err);
	if (before)
		rc = store_prune_count(u->store, before, COUNT_ROWS, &u->cursor, &u->job_pruned,
				       err);
	if (rc > 0)
		return 1;
	if (rc == 0 && by_size)
		rc = count_beyond(u, err);
	if (rc == 0)
		say_pruned(u, by_size ? "would remove about" : "would remove", text, size);
	return rc;
}

bool
upkeep_work(struct upkeep *u, struct upkeep_result *result)
{
	static int (*const work[])(struct upkeep *, char *, size_t, struct err *) = {
		[UPKEEP_BACKUP] = work_backup,
		[UPKEEP_CHECKPOINT] = work_checkpoint,
		[UPKEEP_PRUNE] = work_prune,
		[UPKEEP_COUNT] = work_count,
	};
	struct err err = { 0 };
	int rc = work[u->job.kind](u, result->text, sizeof result->text, &err);

	if (rc > 0)
		return false;
	result->rc = rc;
	if (rc < 0)
		snprintf(result->text, sizeof result->text, "%s", err.msg);
	u->job.kind = UPKEEP_NONE;
	return true;
}
