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
	return 0;
}

static void
snapshot_free(struct snapshot *s)
{
	if (!s)
		return;
	policy_free(s->policy);
	free(s->name);
	free(s);
}

void
active_fini(struct active *a)
{
	struct snapshot *s, *next;

	for (s = a->retired; s; s = next) {
		next = s->next;
		snapshot_free(s);
	}
	snapshot_free(atomic_exchange(&a->now, NULL));
	free(a->qsbr);
	*a = (struct active){ .store = NULL };
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

/* Takes `p`. */
static int
publish(struct active *a, struct policy *p, const char *name, uint64_t generation)
{
	struct snapshot *s = calloc(1, sizeof *s), *was;

	if (!s || !(s->name = strdup(name))) {
		free(s);
		policy_free(p);
		return -ENOMEM;
	}
	s->policy = p;
	s->generation = generation;
	was = atomic_exchange(&a->now, s);
	if (was) {
		was->token = rte_rcu_qsbr_start(a->qsbr);
		was->next = a->retired;
		a->retired = was;
	}
	log_info("policy generation %ju (%s) is in force: %u rules", (uintmax_t)generation, name,
		 policy_n_rules(p));
	return 0;
}

int
active_load(struct active *a, const char *name, const char *text, size_t len, char **errors)
{
	uint64_t generation = 0;
	struct policy *p;
	struct err err;
	int rc = active_compile(a, name, text, len, &p, errors);

	if (rc != 0)
		return rc;
	if (a->store) {
		rc = store_policy_save(a->store, text, name, &generation, &err);
		if (rc != 0) {
			*errors = strdup(err.msg);
			policy_free(p);
			return rc;
		}
	}
	return publish(a, p, name, generation);
}

/* The store's active policy becomes the one in force. */
static int
restore(struct active *a, const struct store_policy *stored, char **errors)
{
	struct policy *p;
	int rc = active_compile(a, stored->name, stored->text, strlen(stored->text), &p, errors);

	return rc == 0 ? publish(a, p, stored->name, stored->generation) : rc;
}

int
active_start(struct active *a, const char *name, const char *text, char **errors)
{
	struct store_policy stored = { 0 };
	struct policy *p;
	struct err err;
	int rc = a->store ? store_policy_active(a->store, &stored, &err) : -ENOENT;

	*errors = NULL;
	if (rc != 0 && rc != -ENOENT) {
		*errors = strdup(err.msg);
		return rc;
	}
	if (!text && rc == -ENOENT) {
		log_warn("no policy yet: everything passes until `leatctl policy load FILE`");
		rc = active_compile(a, "built-in", built_in, strlen(built_in), &p, errors);
		return rc == 0 ? publish(a, p, "built-in", 0) : rc;
	}
	if (text && (rc == -ENOENT || strcmp(text, stored.text) != 0))
		rc = active_load(a, name, text, strlen(text), errors);
	else
		rc = restore(a, &stored, errors);
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
			snapshot_free(s);
		} else {
			link = &s->next;
		}
	}
}
