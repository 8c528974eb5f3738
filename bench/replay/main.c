/* SPDX-License-Identifier: MIT */
/* Read the settings, get a trace, run it, report. Exit: 0, 1 broken, 2 bad input. */
#include "deal.h"
#include "realtime.h"
#include "report.h"
#include "selftest.h"
#include "virtual.h"

#include <stdio.h>

enum { EXIT_OK = 0, EXIT_BROKEN = 1, EXIT_INPUT = 2 };

static int get_trace(const replay_settings *settings, replay_trace *out) {
    replay_trace_error error = {0};
    if (settings->trace_path == NULL) {
        if (replay_generator_run(&settings->generator, settings->seed, out) == 0) return 0;
        fputs("berth-replay: so many requests at such a rate do not fit\n", stderr);
        return -1;
    }
    if (replay_trace_read(settings->trace_path, settings->limit, out, &error) == 0) return 0;
    if (error.line == 0)
        fprintf(stderr, "%s: %s\n", settings->trace_path, error.message);
    else
        fprintf(stderr, "%s:%llu:%llu: %s\n", settings->trace_path, (unsigned long long)error.line,
                (unsigned long long)error.column, error.message);
    return -1;
}

static int run(const replay_settings *settings, replay_trace *trace, replay_host *host) {
    if (settings->real_time > 0.0) return replay_realtime_run(host, settings, trace);
    if (replay_host_init(host, settings, trace, NULL) != 0) return -1;
    return replay_virtual_run(host);
}

static int replay(const replay_settings *settings) {
    replay_trace trace;
    replay_report report;
    replay_host host = {0};
    const uint64_t start_ns = replay_wall_ns();
    if (get_trace(settings, &trace) != 0) return EXIT_INPUT;
    if (settings->limit != 0 && trace.count > settings->limit) trace.count = settings->limit;
    replay_deal(settings, &trace);
    int result = run(settings, &trace, &host);
    host.wall_s = (double)(replay_wall_ns() - start_ns) / 1e9;
    if (result == 0) result = replay_report_make(&host, &report);
    if (result == 0)
        result = settings->json ? replay_report_json(&host, &report)
                                : replay_report_table(&host, &report);
    if (result == 0) result = replay_host_fini(&host);
    replay_trace_fini(&trace);
    return result == 0 ? EXIT_OK : EXIT_BROKEN;
}

int main(int argc, char **argv) {
    replay_settings settings;
    if (replay_settings_read(argc, argv, &settings) != 0) return EXIT_INPUT;
    switch (settings.task) {
    case REPLAY_TASK_HELP: replay_settings_help(); return EXIT_OK;
    case REPLAY_TASK_SELF_TEST: return replay_self_test() == 0 ? EXIT_OK : EXIT_BROKEN;
    case REPLAY_TASK_RUN: break;
    }
    return replay(&settings);
}
