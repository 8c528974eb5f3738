/* SPDX-License-Identifier: MIT */
/* What a pool allocates: all of it at create, so the difference between two pools that differ in
 * one limit is what that limit costs. */
#include "ours_special.h"

#include "expect.h"

#include <malloc.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MORE 10000u

static size_t allocated(void) {
    struct mallinfo2 now = mallinfo2();
    return now.uordblks + now.hblkhd;
}

/* Bytes of a pool that has nothing in it; memory that is asked for but never touched counts. */
static double bytes_of(const berth_options *options) {
    berth_pool *pool;
    size_t before = allocated();
    expect(berth_pool_create(options, NULL, &pool), "berth_pool_create");
    size_t after = allocated();
    expect(berth_pool_destroy(pool), "berth_pool_destroy");
    return (double)(after - before);
}

typedef enum limit { PARKED, RUNNING, ENDED, MAILBOXES } limit;

static double bytes_with(limit which, uint32_t more) {
    berth_options options;
    berth_options_init(&options, sizeof options);
    options.mailboxes_max = 3 * MORE; /* what running_max would move, held still */
    switch (which) {
    case PARKED: options.parked_max += more; break;
    case RUNNING: options.running_max += more; break;
    case ENDED: options.ended_max += more; break;
    case MAILBOXES: options.mailboxes_max += more; break;
    }
    return bytes_of(&options);
}

static void say_each(const char *name, limit which) {
    peer_say(name, "bytes", (bytes_with(which, 2 * MORE) - bytes_with(which, MORE)) / MORE);
}

static double resident(void) {
    long pages = 0;
    FILE *from = fopen("/proc/self/statm", "r");
    if (from == NULL || fscanf(from, "%*d %ld", &pages) != 1) expect(BERTH_ESYSTEM, "statm");
    fclose(from);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

void ours_memory(void) {
    berth_options options;
    berth_pool *pool;
    berth_options_init(&options, sizeof options);
    double before = resident();
    expect(berth_pool_create(NULL, NULL, &pool), "berth_pool_create");
    peer_say("empty/resident", "bytes", resident() - before);
    expect(berth_pool_destroy(pool), "berth_pool_destroy");
    peer_say("empty", "bytes", bytes_of(&options));
    say_each("parked", PARKED);
    say_each("running", RUNNING);
    say_each("ended", ENDED);
    say_each("mailbox", MAILBOXES);
}

void ours_library(void) {
    extern char **environ;
    char stripped[] = "/tmp/berth-library-XXXXXX";
    char program[] = "strip", option[] = "--strip-all", to[] = "-o", library[] = PEER_LIBRARY;
    char *argv[] = {program, option, to, stripped, library, NULL};
    struct stat of;
    pid_t child;
    int status;
    int file = mkstemp(stripped);
    if (file < 0) expect(BERTH_ESYSTEM, "mkstemp");
    close(file);
    if (posix_spawnp(&child, program, NULL, NULL, argv, environ) != 0 ||
        waitpid(child, &status, 0) != child || status != 0 || stat(stripped, &of) != 0)
        expect(BERTH_ESYSTEM, "strip");
    unlink(stripped);
    peer_say("library", "bytes", (double)of.st_size);
}
