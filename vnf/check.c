/*
 * check.c - see check.h.
 */
#include "vnf/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vnf/memory.h"
#include "vnf/policy/policy.h"
#include "vnf/ports.h"
#include "vnf/policy_file.h"
#include "vnf/privileges.h"
#include "vnf/vhost_owner.h"

int
check_name(const char *name, struct err *err)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_.-";

	if (*name != '\0' && strlen(name) <= 32 && strspn(name, letters) == strlen(name))
		return 0;
	return err_set(err, -EINVAL,
		       "--name '%s': 1 to 32 letters, digits, '_', '.', '-' are needed", name);
}

static int
parse_and_bind(const struct options *o, const char *text, size_t len, struct policy_errors *errs)
{
	const char *names[MAX_PORTS];
	struct policy *p = NULL;
	unsigned i;
	int rc = policy_parse(o->policy, text, len, &p, errs);

	if (rc != 0)
		return rc;
	policy_errors_free(errs);
	for (i = 0; i < o->n_ports; i++)
		names[i] = o->port[i].name;
	rc = policy_bind(p, names, o->n_ports, errs);
	policy_free(p);
	return rc;
}

int
check_policy(const struct options *o, FILE *errors, struct err *err)
{
	struct policy_errors errs;
	size_t len;
	char *text;
	unsigned n;
	int rc;

	if (!o->policy)
		return 0;
	rc = policy_file_read(o->policy, errors, &text, &len, err);
	if (rc != 0)
		return rc;
	rc = parse_and_bind(o, text, len, &errs);
	policy_errors_print(&errs, errors);
	n = errs.n + errs.n_more;
	policy_errors_free(&errs);
	free(text);
	if (rc == 0)
		return 0;
	if (n == 0)
		return err_set(err, rc, "%s: %s", o->policy, strerror(-rc));
	return err_set(err, rc, "%s: %u error%s in the policy: correct %s and start again",
		       o->policy, n, n == 1 ? "" : "s", n == 1 ? "it" : "them");
}

/* The ports' specs, as they will be read when the ports are made. */
static int
check_ports(const struct options *o, struct err *err)
{
	struct ports *p = ports_new(o, o->n_workers, NULL, err);

	if (!p)
		return -EINVAL;
	ports_free(p);
	return 0;
}

/* Users and groups that are named. */
static int
check_owners(const struct options *o, struct err *err)
{
	struct privileges p;
	struct vhost_owner v;
	gid_t gid;
	int rc = privileges_find(o, &p, err);

	if (rc == 0)
		rc = vhost_owner_init(&v, o, err);
	if (rc == 0 && o->socket_group)
		rc = privileges_group(o->socket_group, &gid, err);
	if (rc == 0 && o->socket_readers)
		rc = privileges_group(o->socket_readers, &gid, err);
	return rc;
}

int
check_start(const struct options *o, FILE *errors, struct err *err)
{
	struct memory_plan memory;
	int rc = check_name(o->name, err);

	if (rc == 0)
		rc = check_owners(o, err);
	if (rc == 0)
		rc = check_ports(o, err);
	if (rc == 0)
		rc = memory_plan(o, &memory, err);
	return rc == 0 ? check_policy(o, errors, err) : rc;
}
