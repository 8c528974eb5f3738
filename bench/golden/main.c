/* SPDX-License-Identifier: MIT */
/* Run the golden experiments and hold them against what was published. Exit: 0 all rows pass, 1 one
 * fails, 2 bad options or a broken run. */
#include "board.h"
#include "easy.h"
#include "fairness.h"
#include "overload.h"
#include "unified.h"
#include "watermark.h"

#include <stdio.h>
#include <string.h>

typedef struct suite {
    const char *name;
    void (*run)(golden_board *board);
} suite;

static const suite suites[] = {
    {"watermark", golden_watermark}, {"fairness", golden_fairness}, {"easy", golden_easy},
    {"overload", golden_overload},   {"unified", golden_unified},
};

static int help(void) {
    puts("Usage: sh bench/run.sh golden [--json] [SUITE...]\n"
         "\n"
         "Repeats published experiments on the scheduler: per row what was published, what comes\n"
         "out here, and whether it is in the band. Suites (all, unless named):");
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++) printf("  %s\n", suites[i].name);
    puts("\nExit status: 0, 1 where a row fails, 2 for bad options or a broken run.");
    return 0;
}

int main(int argc, char **argv) {
    static golden_board board;
    unsigned chosen = 0;
    int json = 0;
    for (int i = 1; i < argc; i++) {
        size_t s = 0;
        if (strcmp(argv[i], "--help") == 0) return help();
        if (strcmp(argv[i], "--json") == 0) {
            json = 1;
            continue;
        }
        while (s < sizeof suites / sizeof suites[0] && strcmp(suites[s].name, argv[i]) != 0) s++;
        if (s == sizeof suites / sizeof suites[0]) {
            fprintf(stderr, "berth-golden: '%s' is no suite and no option (--help lists them)\n",
                    argv[i]);
            return 2;
        }
        chosen |= 1u << s;
    }
    for (size_t s = 0; s < sizeof suites / sizeof suites[0]; s++)
        if (chosen == 0 || (chosen & 1u << s)) suites[s].run(&board);
    if ((json ? golden_board_json(&board) : golden_board_table(&board)) != 0) return 2;
    return golden_board_failed(&board) == 0 ? 0 : 1;
}
