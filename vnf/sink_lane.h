/*
 * sink_lane.h - the sinks' inside.  Private to vnf/sink*.c.
 *
 * A lane is one worker's side: it puts events into a ring that the thread drains (sink.c), and has
 * slots for its flows, which the thread gives back through another ring.  Without a thread there
 * are no lanes: the caller handles each event itself.
 */
#ifndef LEAT_VNF_SINK_LANE_H
#define LEAT_VNF_SINK_LANE_H

#include <pthread.h>
#include <stdatomic.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "vnf/sink.h"

enum {
	SINK_SLOTS = 16384,	/* a worker's open flows with a sink */
	SINK_TEXTS = 255,
	SINK_TEXT_LEN = 256,
};

enum sink_file { SINK_FILE_UP, SINK_FILE_DOWN, SINK_FILE_GAPS, SINK_N_FILES };

enum sink_event_kind { SINK_OPEN, SINK_DATA, SINK_GAP, SINK_CLOSE };

struct sink_event {
	struct sink *sink;
	struct rte_mbuf *m;	/* DATA: a reference */
	uint64_t offset, len;
	uint32_t m_off;
	uint8_t kind, direction, reason, unused;
};

/*
 * The worker writes what is its own and hands the slot over by CLOSE; the thread owns the
 * descriptors and gives the slot back through the free ring.
 */
struct sink {
	struct sinks *all;
	uint16_t worker;
	uint8_t made;		/* bit a file: it was opened before */
	bool has_files;
	char dir[SINK_TEXT_LEN], name[160];
	int fd[SINK_N_FILES];
	struct sink *newer, *older;	/* of those with open files, by their latest use */
	struct flow_record begin;
	/* the worker's: */
	struct sink *next;	/* in spare or closing */
	/* a run of bytes for which the ring had no room, a direction */
	struct {
		uint64_t offset, len;
	} lost[2];
};

struct sink_lane {
	struct rte_ring *events, *free;
	struct sink *slots;
	/* the worker's: */
	struct sink *spare;	/* slots that the thread never heard of */
	struct sink *closing;	/* flows that ended while the ring was full */
	unsigned n_touched;	/* slots that were used before */
	uint64_t lost_bytes, refused, bytes, gap_bytes;
};

struct sink_text {
	atomic_int state;	/* 0: free, 1: being written, 2: there */
	char s[SINK_TEXT_LEN];
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
	/* sink_files.c: */
	unsigned n_fds, max_fds;
	struct sink *newest, *oldest;
};

/* sink_thread.c: what an event means; the thread, or the caller where there is none. */
void sink_handle(struct sinks *s, const struct sink_event *e);
void *sink_thread(void *sinks);
void sink_wake(struct sinks *s);
void sink_complain(struct sinks *s, const char *what, const char *path, int code);

/* sink_files.c */
void sink_files_init(struct sinks *s);
void sink_files_open(struct sinks *s, struct sink *k);
void sink_files_data(struct sinks *s, struct sink *k, const struct sink_event *e);
void sink_files_gap(struct sinks *s, struct sink *k, const struct sink_event *e);
void sink_files_close(struct sinks *s, struct sink *k);

#endif
