/*
 * policy_file.c - see policy_file.h.
 */
#include "vnf/policy_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vnf/policy/policy.h"
#include "vnf/text_file.h"

const char *
policy_file_name(const char *path)
{
	return strcmp(path, "-") == 0 ? "stdin" : path;
}

static int
expand(const char *path, const char *plain, size_t plain_len, FILE *errors, char **text,
       size_t *len, struct err *err)
{
	FILE *f = open_memstream(text, len);
	struct policy_errors errs;
	unsigned n;
	int rc;

	if (!f)
		return err_set(err, -ENOMEM, "%s: no memory", path);
	rc = policy_expand(policy_file_name(path), plain, plain_len, text_file_read, f, &errs);
	if (fclose(f) != 0 && rc == 0)
		rc = -ENOMEM;
	policy_errors_print(&errs, errors);
	n = errs.n + errs.n_more;
	policy_errors_free(&errs);
	if (rc == 0)
		return 0;
	free(*text);
	*text = NULL;
	if (n == 0)
		return err_set(err, rc, "%s: %s", path, strerror(-rc));
	return err_set(err, rc, "%s: %u of its files can't be read", policy_file_name(path), n);
}

int
policy_file_read(const char *path, FILE *errors, char **text, size_t *len, struct err *err)
{
	size_t plain_len;
	char *plain;
	int rc = text_file_read(path, POLICY_TEXT_MAX, &plain, &plain_len, err);

	*text = NULL;
	if (rc == 0)
		rc = expand(path, plain, plain_len, errors, text, len, err);
	free(plain);
	return rc;
}
