/* SPDX-License-Identifier: MIT */
#include "compare_plot.h"

#include <stdio.h>
#include <string.h>

static double good(const replay_report *r) {
    return r->all.submitted > 0 ? 100.0 * (double)r->all.good / (double)r->all.submitted : 0.0;
}

static double refused(const replay_report *r) {
    const double all = (double)r->all.submitted;
    return all > 0.0 ? 100.0 * (double)r->all.refused_total / all : 0.0;
}

static double tokens(const replay_report *r) {
    return r->tokens_per_s;
}

static double ttft_p99(const replay_report *r) {
    return (double)r->all.ttft.p99_ns / 1e9;
}

static double longest(const replay_report *r) {
    return (double)r->longest.wait_ns / 1e9;
}

static double preemptions(const replay_report *r) {
    return (double)r->preemptions;
}

static double recomputed(const replay_report *r) {
    return (double)r->recomputed;
}

static double kv(const replay_report *r) {
    return 100.0 * r->mean[REPLAY_KV_BLOCKS] / (double)r->capacity[REPLAY_KV_BLOCKS];
}

static const struct {
    const char *title;
    double (*of)(const replay_report *report);
} panels[] = {
    {"goodput, % of requests", good},  {"refused, % of requests", refused},
    {"output tokens/s", tokens},       {"first token p99, s", ttft_p99},
    {"longest wait, s", longest},      {"preemptions", preemptions},
    {"recomputed tokens", recomputed}, {"KV in use, mean %", kv},
};

#define PANELS (sizeof panels / sizeof panels[0])

int replay_compare_plot(const char *const *names, const replay_report *reports, uint32_t count,
                        const char *path) {
    if (strpbrk(path, "\"\\\n") != NULL) return replay_broken("--svg: gnuplot cannot be told this");
    FILE *to = popen("gnuplot", "w");
    if (to == NULL) return replay_broken("gnuplot does not start");
    fprintf(to,
            "set terminal svg size 1100,%zu font 'sans,11'\nset output \"%s\"\n"
            "set multiplot layout %zu,2\nunset key\nset grid ytics\nset boxwidth 0.7\n"
            "set style fill solid 0.8\nset yrange [0:*]\nset xtics rotate by -30\n"
            "set linetype 1 linecolor '#c0392b'\nset linetype 2 linecolor '#7f8c8d'\n",
            260 * ((PANELS + 1) / 2), path, (PANELS + 1) / 2);
    for (size_t p = 0; p < PANELS; p++) {
        fprintf(to, "$data << EOD\n");
        for (uint32_t i = 0; i < count; i++)
            fprintf(to, "%u \"%s\" %.6g %d\n", (unsigned)i, names[i], panels[p].of(&reports[i]),
                    strcmp(names[i], "berth") == 0 ? 1 : 2);
        fprintf(to, "EOD\nset title \"%s\"\nset xrange [-0.7:%u.7]\n", panels[p].title,
                (unsigned)(count - 1));
        fprintf(to, "plot $data using 1:3:4:xtic(2) with boxes linecolor variable\n");
    }
    fprintf(to, "unset multiplot\n");
    return pclose(to) == 0 ? 0 : replay_broken("gnuplot failed");
}
