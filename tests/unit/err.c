/*
 * err.c - a failure's message.
 */
#include <errno.h>
#include <string.h>

#include "datapath/err.h"
#include "tests/unit/tap.h"

static void
code_is_returned_and_message_is_formatted(void)
{
	struct err e;

	CU_ASSERT_EQUAL(err_set(&e, -EINVAL, "port %d: %s", 7, "no such device"), -EINVAL);
	CU_ASSERT_STRING_EQUAL(e.msg, "port 7: no such device");
}

static void
code_is_returned_without_a_place_for_the_message(void)
{
	CU_ASSERT_EQUAL(err_set(NULL, -ENOMEM, "%s", "unused"), -ENOMEM);
}

static void
message_too_long_is_cut_and_terminated(void)
{
	char longer[2 * sizeof(struct err)];
	struct err e;

	memset(longer, 'x', sizeof longer);
	longer[sizeof longer - 1] = '\0';
	err_set(&e, -EIO, "%s", longer);
	CU_ASSERT_EQUAL(strlen(e.msg), sizeof e.msg - 1);
}

TAP_MAIN(err, TAP_TEST(code_is_returned_and_message_is_formatted),
	 TAP_TEST(code_is_returned_without_a_place_for_the_message),
	 TAP_TEST(message_too_long_is_cut_and_terminated))
