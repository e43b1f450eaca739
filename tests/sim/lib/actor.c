#include "tests/sim/lib/actor.h"

#include <string.h>

#include "tests/sim/lib/rng.h"

enum { CHUNK_MAX = 65536 };

void
actor_init(struct actor *a, const struct actor_config *cfg, const struct endpoint_ops *ops,
	   void *ep)
{
	memset(a, 0, sizeof *a);
	a->cfg = *cfg;
	a->ops = ops;
	a->ep = ep;
	a->wrong_at = UINT64_MAX;
}

static void
read_some(struct actor *a, int64_t now)
{
	static uint8_t buf[CHUNK_MAX];
	size_t n, right;

	while (now >= a->read_at) {
		n = a->cfg.read_chunk < CHUNK_MAX ? a->cfg.read_chunk : CHUNK_MAX;
		n = a->ops->read(a->ep, buf, n, now);
		if (!n)
			return;
		right = stream_match(a->cfg.key_in, a->read, buf, n);
		if (right < n && a->wrong_at == UINT64_MAX)
			a->wrong_at = a->read + right;
		a->read += n;
		a->read_at = now + a->cfg.read_pause_us;
		if (a->cfg.stall_us && !a->stalled && a->read >= a->cfg.stall_at) {
			a->stalled = true;
			a->read_at = now + a->cfg.stall_us;
		}
	}
}

static void
write_some(struct actor *a, int64_t now)
{
	static uint8_t buf[CHUNK_MAX];
	size_t n;

	while (now >= a->write_at && a->written < a->cfg.total_out) {
		n = a->cfg.write_chunk < CHUNK_MAX ? a->cfg.write_chunk : CHUNK_MAX;
		if (n > a->cfg.total_out - a->written)
			n = (size_t)(a->cfg.total_out - a->written);
		stream_fill(a->cfg.key_out, a->written, buf, n);
		n = a->ops->write(a->ep, buf, n, now);
		if (!n)
			return;
		a->written += n;
		a->write_at = now + a->cfg.write_pause_us;
	}
}

static bool
abort_due(const struct actor *a, int64_t now)
{
	return a->cfg.aborts && !a->aborted &&
	       (a->written + a->read >= a->cfg.abort_at || now >= a->cfg.abort_us);
}

int64_t
actor_step(struct actor *a, int64_t now)
{
	struct endpoint_status st;
	int64_t next = INT64_MAX;

	read_some(a, now);
	write_some(a, now);
	a->ops->status(a->ep, &st);
	if (st.state != EP_OPEN && st.state != EP_OPENING)
		return a->read_at > now ? a->read_at : INT64_MAX;
	if (abort_due(a, now)) {
		a->aborted = true;
		a->ops->abort(a->ep, now);
		return INT64_MAX;
	}
	a->eof |= st.eof;
	if (!a->closed && st.state == EP_OPEN && a->written == a->cfg.total_out &&
	    (!a->cfg.close_after_eof || a->eof)) {
		a->closed = true;
		a->ops->shutdown(a->ep, now);
	}
	if (a->read_at > now)
		next = a->read_at;
	if (a->write_at > now && a->write_at < next && a->written < a->cfg.total_out)
		next = a->write_at;
	if (a->cfg.aborts && !a->aborted && a->cfg.abort_us > now && a->cfg.abort_us < next)
		next = a->cfg.abort_us;
	return next;
}

bool
actor_done(const struct actor *a, struct endpoint_status *st)
{
	a->ops->status(a->ep, st);
	if (st->state == EP_OPEN || st->state == EP_OPENING)
		return false;
	return st->state != EP_CLOSED || st->eof;
}
