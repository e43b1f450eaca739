/*
 * play.h - one script against one connection of libtcpterm, in virtual time.
 *
 * The stack under test is at 192.0.2.1 port 8080; the script is its peer, at 198.51.100.2
 * port 40000, whose sequence numbers begin shortly below their wrap.  All frames are
 * written, read and checked by code of the tests' own.  One thread.
 */
#ifndef LEAT_TESTS_PKT_PLAY_H
#define LEAT_TESTS_PKT_PLAY_H

#include "tests/pkt/lib/script.h"

/* True if all happened as the script says; else `# FILE:LINE: ...` lines said what did not. */
bool play(const struct script *s);

#endif
