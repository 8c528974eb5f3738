/* SPDX-License-Identifier: MIT */
#include "board.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

void golden_board_add(golden_board *board, const golden_row *row) {
    if (board->count < GOLDEN_ROWS_MAX) board->rows[board->count++] = *row;
}

int golden_row_passes(const golden_row *row) {
    return row->ours >= row->min && row->ours <= row->max;
}

unsigned golden_board_failed(const golden_board *board) {
    unsigned failed = 0;
    for (unsigned i = 0; i < board->count; i++) failed += !golden_row_passes(&board->rows[i]);
    return failed;
}

static int is_judged(const golden_row *row) {
    return row->min > -GOLDEN_ANY || row->max < GOLDEN_ANY;
}

static const char *result_of(const golden_row *row) {
    if (!is_judged(row)) return "told";
    return golden_row_passes(row) ? "pass" : "FAIL";
}

/* At least so many, at most so many, or from one to the other. */
static void band_text(const golden_row *row, char *out, size_t size) {
    if (!is_judged(row))
        snprintf(out, size, "-");
    else if (row->max >= GOLDEN_ANY)
        snprintf(out, size, ">= %.6g", row->min);
    else if (row->min <= -GOLDEN_ANY)
        snprintf(out, size, "<= %.6g", row->max);
    else if (row->min >= row->max)
        snprintf(out, size, "= %.6g", row->min);
    else
        snprintf(out, size, "%.6g to %.6g", row->min, row->max);
}

int golden_board_table(const golden_board *board) {
    const char *suite = "";
    printf("%-10s %-44s %12s %12s %-19s %s\n", "suite", "row", "published", "ours", "band",
           "result");
    for (unsigned i = 0; i < board->count; i++) {
        const golden_row *row = &board->rows[i];
        char band[48];
        band_text(row, band, sizeof band);
        printf("%-10s %-44s %12s %12.6g %-19s %s%s%s%s\n", row->suite == suite ? "" : row->suite,
               row->name, row->published, row->ours, band, result_of(row),
               row->note[0] != '\0' ? " (" : "", row->note, row->note[0] != '\0' ? ")" : "");
        suite = row->suite;
    }
    printf("%u rows, %u fail\n", board->count, golden_board_failed(board));
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : -1;
}

static json_t *end_of_band(double end) {
    return end >= GOLDEN_ANY || end <= -GOLDEN_ANY ? json_null() : json_real(end);
}

int golden_board_json(const golden_board *board) {
    json_t *rows = json_array();
    for (unsigned i = 0; i < board->count; i++) {
        const golden_row *row = &board->rows[i];
        json_t *object =
            json_pack("{s:s, s:s, s:s, s:s, s:f, s:o, s:o, s:s, s:s}", "suite", row->suite, "row",
                      row->name, "published", row->published, "unit", row->unit, "ours", row->ours,
                      "min", end_of_band(row->min), "max", end_of_band(row->max), "result",
                      result_of(row), "note", row->note);
        if (object == NULL || json_array_append_new(rows, object) != 0) {
            json_decref(rows);
            return -1;
        }
    }
    json_t *all = json_pack("{s:o, s:i, s:i}", "rows", rows, "count", (int)board->count, "failed",
                            (int)golden_board_failed(board));
    const int written = all != NULL && json_dumpf(all, stdout, JSON_INDENT(2)) == 0 &&
                        putchar('\n') != EOF && fflush(stdout) == 0;
    json_decref(all);
    return written ? 0 : -1;
}
