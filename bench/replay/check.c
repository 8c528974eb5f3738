/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <stdio.h>

static unsigned checks, failures;

void replay_check(int holds, const char *what) {
    checks++;
    if (holds) return;
    failures++;
    fprintf(stderr, "self-test: failed: %s\n", what);
}

int replay_check_sum(void) {
    printf("self-test: %u checks, %u failed\n", checks, failures);
    return failures == 0 ? 0 : -1;
}
