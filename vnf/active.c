/*
 * active.c - see active.h.
 */
#include "vnf/active.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_MODULE "policy"
#include "vnf/log.h"

static const char built_in[] = "default pass\n";

int
active_init(struct active *a, unsigned n_workers, struct store *store, const struct ports *ports,
	    struct err *err)
{
	size_t size = rte_rcu_qsbr_get_memsize(n_workers);

	*a = (struct active){ .store = store, .ports = ports };
	size = RTE_ALIGN_CEIL(size, RTE_CACHE_LINE_SIZE);
	a->qsbr = aligned_alloc(RTE_CACHE_LINE_SIZE, size);
	if (!a->qsbr || rte_rcu_qsbr_init(a->qsbr, n_workers) != 0) {
		free(a->qsbr);
		a->qsbr = NULL;
		return err_set(err, -ENOMEM, "no memory for the policy");
	}
	return counters_init(&a->counters, n_workers, err);
}

static char *
errors_text(const struct policy_errors *errs, const char *name, int code)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	if (errs->n)
		policy_errors_print(errs, f);
	else
		fprintf(f, "%s: %s\n", name, strerror(-code));
	fclose(f);
	return text;
}

static int
bind_ports(struct active *a, struct policy *p, struct policy_errors *errs)
{
	const char *names[MAX_PORTS];
	unsigned i;

	for (i = 0; i < a->ports->n; i++)
		names[i] = port_config(a->ports->port[i])->name;
	return policy_bind(p, names, a->ports->n, errs);
}

int
active_compile(struct active *a, const char *name, const char *text, size_t len,
	       struct policy **out, char **errors)
{
	struct policy_errors errs;
	int rc = policy_parse(name, text, len, out, &errs);

	*errors = NULL;
	if (rc == 0) {
		policy_errors_free(&errs);
		rc = bind_ports(a, *out, &errs);
	}
	if (rc != 0) {
		*errors = errors_text(&errs, name, rc);
		policy_free(*out);
		*out = NULL;
	}
	policy_errors_free(&errs);
	return rc;
}

/* --- snapshots --- */

/* Rules that are printed as before keep their counters. */
static void
slots_take(struct active *a, struct snapshot *s)
{
	const struct snapshot *was = atomic_load(&a->now);
	const uint32_t n = policy_n_rules(s->policy);
	uint32_t i, k;

	for (i = 0; i <= n; i++) {
		if (was) {
			k = i < n ? policy_find_rule(was->policy, policy_rule_name(s->policy, i))
				  : policy_n_rules(was->policy);
			if (policy_rule_equal(s->policy, i, was->policy, k)) {
				s->slot[i] = was->slot[k];
				counters_hold(&a->counters, s->slot[i]);
				continue;
			}
		}
		s->slot[i] = counters_take(&a->counters);
	}
}

static void
snapshot_free(struct active *a, struct snapshot *s)
{
	uint32_t i;

	if (!s)
		return;
	for (i = 0; s->slot && i <= policy_n_rules(s->policy); i++)
		counters_drop(&a->counters, s->slot[i]);
	policy_free(s->policy);
	free(s->slot);
	free(s->name);
	free(s);
}

/* Takes `p`.  Everything that publishing needs, so that it can't fail.  NULL: no memory. */
static struct snapshot *
snapshot_new(struct active *a, struct policy *p, const char *name, uint64_t generation)
{
	struct snapshot *s = calloc(1, sizeof *s);
	uint32_t *slot = calloc(policy_n_rules(p) + 1, sizeof *slot);

	if (s)
		s->name = strdup(name);
	if (!s || !slot || !s->name) {
		if (s)
			free(s->name);
		free(s);
		free(slot);
		policy_free(p);
		return NULL;
	}
	s->policy = p;
	s->slot = slot;
	s->generation = generation;
	slots_take(a, s);
	return s;
}

static void
publish(struct active *a, struct snapshot *s)
{
	struct snapshot *was = atomic_exchange(&a->now, s);

	if (was) {
		was->token = rte_rcu_qsbr_start(a->qsbr);
		was->next = a->retired;
		a->retired = was;
	}
	log_info("policy generation %ju (%s) is in force: %u rules", (uintmax_t)s->generation,
		 s->name, policy_n_rules(s->policy));
}

void
active_fini(struct active *a)
{
	struct snapshot *s, *next;

	for (s = a->retired; s; s = next) {
		next = s->next;
		snapshot_free(a, s);
	}
	snapshot_free(a, atomic_exchange(&a->now, NULL));
	counters_fini(&a->counters);
	free(a->qsbr);
	*a = (struct active){ .store = NULL };
}

/* --- changes --- */

void
change_fini(struct change *c)
{
	free(c->said);
	free(c->errors);
	c->said = c->errors = NULL;
}

static int
change_failed(struct change *c, int rc, const char *step, const struct err *err)
{
	if (asprintf(&c->errors, "%s: %s; the policy in force stays", step, err->msg) < 0)
		c->errors = NULL;
	return rc;
}

/* The store's part: a new generation, or an earlier one again (`text` NULL). */
static int
keep(struct active *a, struct snapshot *s, const char *text, struct err *err)
{
	if (!a->store)
		return 0;
	if (!text)
		return store_policy_activate(a->store, s->generation, err);
	return store_policy_save(a->store, text, s->name, &s->generation, err);
}

/* Takes `p`.  The store and the workers, or none of them. */
static int
commit(struct active *a, struct policy *p, const char *name, const char *text, uint64_t generation,
       struct change *c)
{
	struct snapshot *s = snapshot_new(a, p, name, generation);
	const struct snapshot *now = active_snapshot(a);
	struct err err = { 0 };
	int rc = 0;

	c->was = now ? now->generation : 0;
	if (!s) {
		err_set(&err, 0, "no memory");
		return change_failed(c, -ENOMEM, "loading", &err);
	}
	c->n_rules = policy_n_rules(s->policy);
	if (!c->dry_run && (rc = keep(a, s, text, &err)) != 0)
		change_failed(c, rc, "the database", &err);
	c->generation = s->generation;
	if (rc == 0 && !c->dry_run)
		publish(a, s);
	else
		snapshot_free(a, s);
	return rc;
}

int
active_load(struct active *a, const char *name, const char *text, size_t len, struct change *c)
{
	struct policy *p;
	int rc = active_compile(a, name, text, len, &p, &c->errors);

	return rc == 0 ? commit(a, p, name, text, 0, c) : rc;
}

int
active_rollback(struct active *a, uint64_t generation, struct change *c)
{
	struct store_policy stored = { 0 };
	struct err err = { 0 };
	struct policy *p;
	int rc;

	if (!a->store) {
		err_set(&err, 0, "no policies are kept");
		return change_failed(c, -ENOENT, "the database", &err);
	}
	rc = store_policy_get(a->store, generation, &stored, &err);
	if (rc == -ENOENT)
		err_set(&err, rc, "there is no generation %ju", (uintmax_t)generation);
	if (rc != 0)
		return change_failed(c, rc, "the database", &err);
	rc = active_compile(a, stored.name, stored.text, strlen(stored.text), &p, &c->errors);
	if (rc == 0)
		rc = commit(a, p, stored.name, NULL, generation, c);
	store_policy_fini(&stored);
	return rc;
}

/* --- at start --- */

/* Puts `text` in force as it is. */
static int
restore(struct active *a, const char *name, const char *text, uint64_t generation, char **errors)
{
	struct snapshot *s;
	struct policy *p;
	int rc = active_compile(a, name, text, strlen(text), &p, errors);

	if (rc != 0)
		return rc;
	s = snapshot_new(a, p, name, generation);
	if (!s)
		return -ENOMEM;
	publish(a, s);
	return 0;
}

static int
load_at_start(struct active *a, const char *name, const char *text, char **errors)
{
	struct change c = { 0 };
	int rc = active_load(a, name, text, strlen(text), &c);

	*errors = c.errors;
	c.errors = NULL;
	change_fini(&c);
	return rc;
}

int
active_start(struct active *a, const char *name, const char *text, char **errors)
{
	struct store_policy stored = { 0 };
	struct err err;
	int rc = a->store ? store_policy_active(a->store, &stored, &err) : -ENOENT;

	*errors = NULL;
	if (rc != 0 && rc != -ENOENT) {
		*errors = strdup(err.msg);
		return rc;
	}
	if (!text && rc == -ENOENT) {
		log_warn("no policy yet: everything passes until `leatctl policy load FILE`");
		return restore(a, "built-in", built_in, 0, errors);
	}
	if (text && (rc == -ENOENT || strcmp(text, stored.text) != 0))
		rc = load_at_start(a, name, text, errors);
	else
		rc = restore(a, stored.name, stored.text, stored.generation, errors);
	store_policy_fini(&stored);
	return rc;
}

void
active_reclaim(struct active *a)
{
	struct snapshot **link = &a->retired, *s;

	while ((s = *link) != NULL) {
		if (rte_rcu_qsbr_check(a->qsbr, s->token, false) == 1) {
			*link = s->next;
			snapshot_free(a, s);
		} else {
			link = &s->next;
		}
	}
	counters_reclaim(&a->counters);
}
