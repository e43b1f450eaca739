/*
 * ICMP errors about a connection of the stack's own (RFC 9293 3.9.2.2, RFC 5461, RFC 5927).
 */
#include <errno.h>

#include "tests/unit/lib/caller.h"
#include "tests/unit/tap.h"

enum { UNREACHABLE = 3, SOURCE_QUENCH = 4, TIME_EXCEEDED = 11, PARAMETER = 12, SECOND = 1000000 };

static struct caller k;

/* An error about what is in flight from offset 0 on. */
static void
icmp(uint8_t type, uint8_t code)
{
	ends_icmp(&k.e, 0, 0, type, code);
	ends_run(&k.e, 0);
}

static void
start(void)
{
	caller_init(&k, &(struct ends_conf){ .wscale = -1 });
	caller_write(&k, 100);
}

static void
error_is_told_and_holds_until_the_way_is_open(void)
{
	start();
	icmp(UNREACHABLE, 1);
	CU_ASSERT_EQUAL(k.n_errors, 1);
	CU_ASSERT_EQUAL(tcpterm_error(k.f), EHOSTUNREACH);
	caller_hear(&k, 0, 0, 100);
	CU_ASSERT_EQUAL(tcpterm_error(k.f), 0);
	CU_ASSERT_EQUAL(k.n_closed, 0);
	caller_fini(&k);
}

/* RFC 9293 3.9.1.8, SHLD-20 */
static void
error_reports_can_be_turned_off(void)
{
	start();
	tcpterm_set_error_reports(k.f, false);
	icmp(UNREACHABLE, 1);
	CU_ASSERT_EQUAL(k.n_errors, 0);
	CU_ASSERT_EQUAL(tcpterm_error(k.f), EHOSTUNREACH);	/* who asks is told */
	tcpterm_set_error_reports(k.f, true);
	CU_ASSERT_EQUAL(k.n_errors, 0);
	icmp(UNREACHABLE, 0);
	CU_ASSERT_EQUAL(k.n_errors, 1);
	CU_ASSERT_EQUAL(tcpterm_error(k.f), ENETUNREACH);
	caller_fini(&k);
}

static void
each_error_has_its_number_and_ends_nothing(void)
{
	static const struct {
		uint8_t type, code;
		int error;
	} c[] = {
		{ UNREACHABLE, 0, ENETUNREACH },    { UNREACHABLE, 2, ENOPROTOOPT },
		{ UNREACHABLE, 3, ECONNREFUSED },   { UNREACHABLE, 5, EOPNOTSUPP },
		{ UNREACHABLE, 13, EHOSTUNREACH },  { UNREACHABLE, 200, EHOSTUNREACH },
		{ TIME_EXCEEDED, 0, EHOSTUNREACH }, { PARAMETER, 0, EPROTO },
	};

	start();
	for (unsigned i = 0; i < sizeof c / sizeof c[0]; i++) {
		icmp(c[i].type, c[i].code);
		CU_ASSERT_EQUAL(k.n_errors, i + 1);
		CU_ASSERT_EQUAL(tcpterm_error(k.f), c[i].error);
	}
	CU_ASSERT_EQUAL(k.n_closed, 0);
	caller_fini(&k);
}

/* RFC 6633, MUST-55 */
static void
source_quench_says_nothing(void)
{
	start();
	icmp(SOURCE_QUENCH, 0);
	CU_ASSERT_EQUAL(k.n_errors, 0);
	CU_ASSERT_EQUAL(tcpterm_error(k.f), 0);
	caller_fini(&k);
}

/* RFC 5927 4.1 */
static void
number_that_is_not_in_flight_is_not_believed(void)
{
	start();
	ends_icmp(&k.e, 0, 100, UNREACHABLE, 1);
	ends_icmp(&k.e, 0, -1, UNREACHABLE, 1);
	ends_run(&k.e, 0);
	CU_ASSERT_EQUAL(tcpterm_stats(k.e.stack)->icmp_unverified, 2);
	caller_hear(&k, 0, 0, 100);
	ends_icmp(&k.e, 0, 99, UNREACHABLE, 1);
	CU_ASSERT_EQUAL(tcpterm_stats(k.e.stack)->icmp_unverified, 3);
	CU_ASSERT_EQUAL(k.n_errors, 0);
	CU_ASSERT_EQUAL(tcpterm_error(k.f), 0);
	caller_fini(&k);
}

/* RFC 5461 2 */
static void
network_says_why_nobody_answered(void)
{
	start();
	tcpterm_set_user_timeout(k.f, 3000);
	icmp(UNREACHABLE, 0);
	ends_run(&k.e, 10 * SECOND);
	CU_ASSERT_EQUAL(k.n_closed, 1);
	CU_ASSERT_EQUAL(k.why, TCPTERM_END_TIMEOUT);
	CU_ASSERT_EQUAL(k.error, ENETUNREACH);
	caller_fini(&k);
}

TAP_MAIN(unreach, TAP_TEST(error_is_told_and_holds_until_the_way_is_open),
	 TAP_TEST(error_reports_can_be_turned_off),
	 TAP_TEST(each_error_has_its_number_and_ends_nothing), TAP_TEST(source_quench_says_nothing),
	 TAP_TEST(number_that_is_not_in_flight_is_not_believed),
	 TAP_TEST(network_says_why_nobody_answered))
