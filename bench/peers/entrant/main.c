/* SPDX-License-Identifier: MIT */
/* The main() of a program of entrants: one workload of one entrant, figures on stdout. A process
 * per run keeps one entrant's threads and heap from another's. */
#include "drive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the conductor is told where there are no figures. */
#define EXIT_HAS_NONE 3     /* not in this workload */
#define EXIT_NOT_BUILT_IN 4 /* this entrant was left out of the build */

static uint32_t number(int argc, char **argv, int index) {
    if (index >= argc) {
        fprintf(stderr, "argument %d is missing\n", index);
        exit(2);
    }
    return (uint32_t)strtoul(argv[index], NULL, 10);
}

static void saturated(const peer_ops *ops, int argc, char **argv) {
    uint32_t window = number(argc, argv, 6);
    peer_shape shape = {.producers = number(argc, argv, 3),
                        .workers = number(argc, argv, 4),
                        .tenants = argc > 8 ? number(argc, argv, 8) : 0};
    if (shape.producers == 0 || shape.workers == 0 || window == 0) exit(2);
    shape.in_flight_max = shape.producers * window;
    drive_saturated(ops, &shape, number(argc, argv, 5), window,
                    argc > 7 ? number(argc, argv, 7) : 0);
}

static int run(const peer_ops *ops, int argc, char **argv) {
    const char *workload = argv[2];
    if (ops->special != NULL && ops->special(argc, argv)) return 0;
    if (ops->create == NULL) return EXIT_HAS_NONE;
    if (strcmp(workload, "saturated") == 0)
        saturated(ops, argc, argv);
    else if (strcmp(workload, "burst") == 0)
        drive_burst(ops, number(argc, argv, 3));
    else if (strcmp(workload, "idle") == 0)
        drive_idle(ops, number(argc, argv, 3), number(argc, argv, 4));
    else if (strcmp(workload, "first") == 0)
        drive_first(ops);
    else
        return EXIT_HAS_NONE;
    return 0;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fputs("usage: PROGRAM ENTRANT WORKLOAD [NUMBER...]\n", stderr);
        return 2;
    }
    for (const peer_ops *const *at = peer_list; *at != NULL; at++)
        if (strcmp((*at)->name, argv[1]) == 0) return run(*at, argc, argv);
    return EXIT_NOT_BUILT_IN;
}
