/* SPDX-License-Identifier: MIT */
/*
 * What:    the rows of a golden run: what was published, what came out here, and the band.
 * Why:     a figure passes or fails by a stated band, never by looking at it.
 * Rules:   rows keep the order in which they were added; names are static strings.
 * Threads: one.
 */
#ifndef GOLDEN_BOARD_H
#define GOLDEN_BOARD_H

typedef struct golden_row {
    const char *suite;
    const char *name;
    const char *published; /* as it was published, or "-" where only a band is known */
    const char *unit;
    double ours;
    double min; /* passes from min to max, both included */
    double max;
    char note[96]; /* seeds, single runs */
} golden_row;

enum { GOLDEN_ROWS_MAX = 64 };

typedef struct golden_board {
    golden_row rows[GOLDEN_ROWS_MAX];
    unsigned count;
} golden_board;

/* A band without an upper or lower end; without both the figure is told, not judged. */
#define GOLDEN_ANY 1e300

void golden_board_add(golden_board *board, const golden_row *row);

int golden_row_passes(const golden_row *row);

/* How many rows fail. */
unsigned golden_board_failed(const golden_board *board);

/* 0, or -1 where stdout fails. */
int golden_board_table(const golden_board *board);
int golden_board_json(const golden_board *board);

#endif
