/* SPDX-License-Identifier: MIT */
#include "plot.h"

#include <stdio.h>
#include <string.h>

#define PANELS_MAX 24u

/* Workloads that more than one peer has, in order; others have nobody to stand beside. */
static size_t panels(const bench_board *board, const char **names) {
    const char *workload, *peer, *unit;
    size_t count = 0;
    for (uint32_t i = 0; bench_board_row(board, i, &workload, &peer, &unit); i++) {
        const char *other, *other_peer, *other_unit;
        size_t rows = 0;
        bool known = false;
        for (size_t k = 0; k < count; k++) known = known || strcmp(names[k], workload) == 0;
        for (uint32_t j = 0; bench_board_row(board, j, &other, &other_peer, &other_unit); j++)
            rows += strcmp(other, workload) == 0;
        if (!known && rows > 1 && count < PANELS_MAX) names[count++] = workload;
    }
    return count;
}

static void panel(const bench_board *board, const char *name, FILE *to) {
    const char *workload, *peer, *unit;
    uint32_t place = 0;
    fprintf(to, "$data << EOD\n");
    for (uint32_t i = 0; bench_board_row(board, i, &workload, &peer, &unit); i++) {
        bench_summary sum;
        if (strcmp(workload, name) != 0 || !bench_board_summary(board, name, peer, &sum)) continue;
        fprintf(to, "%u \"%s\" %.6g %.6g %.6g %d\n", place, peer, sum.median, sum.min, sum.max,
                place == 0 ? 1 : 2);
        place++;
    }
    fprintf(to, "EOD\nset title \"%s\"\nset xrange [-0.7:%u.7]\n", name,
            place == 0 ? 0 : place - 1);
    fprintf(to, "plot $data using 1:3:4:5:(0.7):6:xtic(2) with boxerrorbars linecolor variable\n");
}

bool plot(const bench_board *board, const char *path) {
    const char *names[PANELS_MAX];
    size_t count = panels(board, names), columns = 2, lines = (count + columns - 1) / columns;
    if (strpbrk(path, "\"\\\n") != NULL || count == 0) {
        fprintf(stderr, "%s: nothing to draw, or a name that gnuplot cannot be told\n", path);
        return false;
    }
    FILE *to = popen("gnuplot", "w");
    if (to == NULL) return false;
    fprintf(to, "set terminal svg size 1100,%zu font 'sans,11'\nset output \"%s\"\n", 300 * lines,
            path);
    fprintf(to,
            "set multiplot layout %zu,%zu\nunset key\nset logscale y\nset grid ytics\n"
            "set boxwidth 0.7\nset style fill solid 0.8\nset xtics rotate by -30\n"
            "set ylabel 'ns'\nset format y '%%.0s%%c'\n"
            "set linetype 1 linecolor '#c0392b'\nset linetype 2 linecolor '#7f8c8d'\n",
            lines, columns);
    for (size_t i = 0; i < count; i++) panel(board, names[i], to);
    fprintf(to, "unset multiplot\n");
    if (pclose(to) == 0) return true;
    fprintf(stderr, "%s: gnuplot failed\n", path);
    return false;
}
