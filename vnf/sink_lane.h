/*
 * sink_lane.h - the sinks' inside.  Private to vnf/sink*.c.
 *
 * A lane is one worker's side: it puts events into a ring that the thread drains (sink.c), and has
 * slots for its flows, which the thread gives back through another ring.  Without a thread there
 * are no lanes: the caller handles each event itself.
 */
#ifndef LEAT_VNF_SINK_LANE_H
#define LEAT_VNF_SINK_LANE_H

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

#include <rte_atomic.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "ctl/listen.h"
#include "vnf/eve.h"
#include "vnf/sink.h"
#include "vnf/sink_frame.h"

enum {
	SINK_SLOTS = 16384,	/* a worker's open flows with a sink */
	SINK_TEXTS = 255,
	SINK_TEXT_LEN = 256,
	SINK_READERS = SINK_READERS_MAX,
	SINK_STREAM_FDS = 1 + SINK_READERS,
	SINK_EVES = 16,		/* files and sockets for events */
	SINK_NAME_LEN = 160,
	SINK_SUFFIX_LEN = 16,
};

enum sink_file {
	SINK_FILE_UP,
	SINK_FILE_DOWN,
	SINK_FILE_GAPS,
	SINK_FILE_CONFLICTS,	/* made by the first */
	SINK_N_FILES
};

enum sink_event_kind {
	SINK_OPEN,
	SINK_DATA,
	SINK_GAP,
	SINK_META,	/* app and names are known */
	SINK_CONFLICT,
	SINK_CLOSE,
};

/* What is known of the ends that a sink was opened with. */
enum sink_roles {
	SINK_ROLES_OPENED,	/* no more than then */
	SINK_ROLES_KNOWN,	/* the guess was right */
	SINK_ROLES_TURNED,	/* it was wrong: its client is the server */
};

struct sink_event {
	struct sink *sink;
	union {
		struct rte_mbuf *m;	/* DATA: a reference */
		/* CONFLICT: for as long as it is handled; not in the ring: conflicts have one */
		const struct conflict_record *conflict;
	};
	uint64_t offset, len;
	usec_t at;		/* DATA: when it came */
	uint32_t m_off;
	uint8_t kind, reason;
	uint8_t direction;	/* 0: from who was the client when it was opened */
	uint8_t roles;		/* enum sink_roles, by now */
};

/* Bytes that are missing. */
struct sink_run {
	uint64_t offset, len;
};

/* What a reader was told of a flow. */
struct sink_told {
	uint64_t reader;	/* its id; 0: nothing yet */
	bool opened;
	bool late;		/* it came after the flow had begun */
	uint8_t roles;		/* enum sink_roles, of which it was told */
	struct sink_run lost[2];	/* of which it has yet to be told */
};

/*
 * The worker writes what is its own and hands the slot over by CLOSE; the thread owns the
 * descriptors and gives the slot back through the free ring.  What the worker writes for the thread
 * is written once, before the event that says so.
 */
struct sink {
	struct sinks *all;
	uint16_t worker;
	bool has_files, has_stream, roles_guessed;
	char dir[SINK_TEXT_LEN], name[SINK_NAME_LEN];
	struct flow_record begin;
	char app[RECORD_APP], names[RECORD_NAMES];	/* by META */
	struct flow_record ending;	/* by CLOSE; its directions are those of `begin` */
	/* the worker's: */
	struct sink *next;	/* in spare or closing */
	struct sink_run lost[2];	/* for which the ring had no room */
	bool is_named, meta_due;
	uint8_t roles;		/* enum sink_roles */
	/* the thread's: */
	uint8_t heard;		/* the same, by the latest event */
	uint8_t made;		/* bit a file: it was opened before */
	int fd[SINK_N_FILES];
	struct sink *newer, *older;	/* of those with open files, by their latest use */
	uint64_t number;		/* of the flow, for readers */
	bool meta_came;
	struct sink_told told[SINK_READERS];
};

struct sink_lane {
	struct rte_ring *events, *free;
	struct rte_ring *conflicts;	/* of the CONFLICTs in `events`, in their order */
	struct sink *slots;
	/* the worker's: */
	struct sink *spare;	/* slots that the thread never heard of */
	struct sink *closing;	/* flows that ended while the ring was full */
	unsigned n_touched;	/* slots that were used before */
	uint64_t lost_bytes, refused, bytes, gap_bytes, conflicts_lost;
	struct rte_ring *told;		/* struct eve_event */
	uint64_t eve_lost;
	/* sink_tape.c: pages for captures go round */
	struct rte_ring *empty_pages, *full_pages;
	uint8_t *pages;
	struct sink_page *spare_pages;	/* the worker's own */
	unsigned n_pages;		/* that were used before */
	uint64_t captures_lost;
};

/* What a folder for kept frames holds: the thread's, in sink_tape.c. */
struct sink_folder {
	uint64_t n_files, n_bytes;
	bool known;
	usec_t looked;		/* when that was counted last */
};

struct sink_text {
	atomic_int state;	/* 0: free, 1: being written, 2: there */
	char s[SINK_TEXT_LEN];
};

/* The socket's side. */
struct sink_stream {
	struct ctl_listener listener;	/* fd -1: none */
	const char *instance;
	struct sink_reader *readers;	/* SINK_READERS */
	atomic_uint n_readers;
	int failed;		/* errno with which the one that is waited for has left */
	uint64_t last_reader, last_number;
	uint64_t lost_bytes, lost_records, refused;
};

struct sinks {
	struct journal *journal;
	bool direct;		/* no thread, no lanes */
	struct sink_lane *lane;
	unsigned n_lanes;
	struct sink_text *texts;
	_Atomic uint64_t texts_refused;
	/* the thread */
	pthread_t thread;
	bool started;
	int wake_fd;
	atomic_bool stop;
	atomic_bool asleep;	/* it wants to be woken */
	uint64_t bytes, gap_bytes, errors, wakes;
	uint32_t open;
	char last_error[SINK_ERROR_LEN];
	struct sink_stream stream;
	atomic_bool listening;	/* stream.listener is the thread's */
	struct sink_eve *eve;	/* SINK_EVES */
	uint64_t eve_lines, eve_lost, captures_kept, captures_refused;
	struct sink_folder *folders;	/* by sinks_text() */
	unsigned max_kept_files;	/* in each; 0: any number */
	uint64_t max_kept_bytes;
	atomic_bool reopen;	/* files of events */
	/* sink_files.c: */
	unsigned n_fds, max_fds;
	struct sink *newest, *oldest;
};

/* sink_thread.c: what an event means; the thread, or the caller where there is none. */
void sink_handle(struct sinks *s, const struct sink_event *e);
void *sink_thread(void *sinks);
void sink_wake(struct sinks *s);
/* A worker has put something into a ring. */
static inline void
sink_hail(struct sinks *s)
{
	rte_atomic_thread_fence(__ATOMIC_SEQ_CST);	/* the thread sanitizer takes no other */
	if (atomic_load_explicit(&s->asleep, memory_order_relaxed))
		sink_wake(s);
}
void sink_complain(struct sinks *s, const char *what, const char *path, int code);
/* Before a flow's first file is made: gives it a name of its own, where one of that name and suffix
 * is there.  Identifiers begin anew with each run, and a flow may outlive a run; only a replay
 * writes again what it wrote before. */
void sink_free_name(const struct sinks *s, const char *dir, char name[SINK_NAME_LEN],
		    const char *suffix);

/* sink_files.c */
void sink_files_init(struct sinks *s);
void sink_files_open(struct sinks *s, struct sink *k);
void sink_files_data(struct sinks *s, struct sink *k, const struct sink_event *e);
void sink_files_gap(struct sinks *s, struct sink *k, const struct sink_event *e);
void sink_files_conflict(struct sinks *s, struct sink *k, const struct conflict_record *c);
/* The ends changed places: the files get other names. */
void sink_files_turn(struct sinks *s, struct sink *k);
void sink_files_close(struct sinks *s, struct sink *k);

/* sink_stream.c */
int sink_stream_init(struct sinks *s);
void sink_stream_fini(struct sinks *s);
void sink_stream_event(struct sinks *s, struct sink *k, const struct sink_event *e);
/* A reader that is waited for: what is written is never lost. */
int sink_stream_to(struct sinks *s, int fd);
/* -EPIPE: it does not read any more. */
int sink_stream_error(const struct sinks *s);
/* What to poll, SINK_STREAM_FDS at most; then what came of it, `n` 0: nothing was asked. */
unsigned sink_stream_fds(const struct sinks *s, struct pollfd *fds);
void sink_stream_run(struct sinks *s, const struct pollfd *fds, unsigned n);
void sink_stream_status(const struct sinks *s, struct sinks_status *st);

/* sink_eve.c */
int sink_eve_init(struct sinks *s);
void sink_eve_fini(struct sinks *s);
void sink_eve_event(struct sinks *s, const struct eve_event *e);
/* Writes what there is.  After how many ms it has to be called again; -1: it need not be. */
int sink_eve_flush(struct sinks *s, bool reopen);

/* sink_tape.c */
int sink_tape_open(struct sink_lane *l);
void sink_tape_close(struct sink_lane *l);
void sink_tape_status(const struct sinks *s, struct sinks_status *st);
/* The thread: writes one capture; false: there is none. */
bool sink_tape_drain(struct sinks *s, struct sink_lane *l);

/* sink_put.c */
/* FLOWID-CLIENT.PORT-SERVER.PORT */
void sink_name(char name[SINK_NAME_LEN], const struct flow_record *r);

#endif
