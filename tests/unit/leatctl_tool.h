/*
 * leatctl_tool.h - the program leatctl in a folder of its own, and a server that it can ask, in a
 * process of its own.
 */
#ifndef LEAT_TESTS_UNIT_LEATCTL_TOOL_H
#define LEAT_TESTS_UNIT_LEATCTL_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { TOOL_OUT_MAX = 8192, TOOL_BIG_TEXT = 3000000 };

/* A folder with a socket, a copy of leatctl, and who serves. */
extern char tool_folder[64], tool_socket_path[96], tool_program[96];
extern pid_t tool_server;

/* What a program said. */
extern char tool_out[TOOL_OUT_MAX], tool_err[TOOL_OUT_MAX];

void tool_set_up(void);
void tool_tear_down(void);
void tool_stop_server(void);

/* Runs a program with these words and this standard input; what it writes is in
 * tool_out and tool_err.  Returns its exit status, 255 if it could not be run. */
int tool_run(const char *path, const char *input, const char *const words[]);

#define LEATCTL(...)                                                                               \
	tool_run(tool_program, NULL, (const char *const[]){ "leatctl", __VA_ARGS__, NULL })

void tool_expect(int status, int expected_status, const char *expected_out,
		 const char *expected_err);
bool tool_is_one_line(const char *s);

/* A file in the folder; its path is in `path`, of 128 bytes. */
void tool_write_file(const char *name, const char *text, size_t len, mode_t mode, char *path);

#endif
