/*
 * shift_too_far.c - undefined behaviour that only UndefinedBehaviorSanitizer sees.
 */
#include <stdio.h>

int
main(int argc, char **argv)
{
	(void)argv;
	printf("# 1 << 32 is %d\n", 1 << (31 + argc));
	return 0;
}
