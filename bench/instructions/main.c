/* SPDX-License-Identifier: MIT */
/* berth-instructions: fixed single-threaded workloads, each of whose operations goes through one
 * function, measured(), so that a simulator can count the instructions inside it and nothing else.
 * Usage: berth-instructions NAME | --list | --all; prints how often measured() was entered. */
#include "workloads.h"

#include <stdio.h>
#include <string.h>

static int run(const counted *of) {
    uint64_t operations = of->run(of->first, of->second);
    printf("%s %llu\n", of->name, (unsigned long long)operations);
    return operations == 0;
}

int main(int argc, char **argv) {
    int failed = 0;
    if (argc != 2) {
        fputs("usage: berth-instructions NAME | --list | --all\n", stderr);
        return 2;
    }
    for (size_t i = 0; i < counted_count; i++) {
        if (strcmp(argv[1], "--list") == 0)
            puts(counted_all[i].name);
        else if (strcmp(argv[1], "--all") == 0)
            failed |= run(&counted_all[i]);
        else if (strcmp(argv[1], counted_all[i].name) == 0)
            return run(&counted_all[i]);
    }
    if (argv[1][0] == '-') return failed;
    fprintf(stderr, "no workload is named %s\n", argv[1]);
    return 2;
}
