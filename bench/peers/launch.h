/* SPDX-License-Identifier: MIT */
/* What: one run of one entrant in a process of its own.
 * Why: an entrant's threads, heap and settings end with its run.
 * Rules: a run that takes longer than two minutes is killed and said so.
 * Threads: one at a time. */
#ifndef PEER_LAUNCH_H
#define PEER_LAUNCH_H

typedef enum launch_result {
    LAUNCH_OK,
    LAUNCH_HAS_NONE,  /* the entrant does not do this workload */
    LAUNCH_NOT_BUILT, /* it, or its program, is not there */
    LAUNCH_FAILED     /* it was there and did not come to its end */
} launch_result;

/* Each figure that the entrant says. */
typedef void launch_figure(void *context, const char *metric, const char *unit, double value);

/* Runs DIRECTORY/PROGRAM ENTRANT ARGS..., with ARGS split at blanks. */
launch_result launch(const char *directory, const char *program, const char *entrant,
                     const char *args, launch_figure *figure, void *context);

#endif
