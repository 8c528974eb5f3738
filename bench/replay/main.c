/* SPDX-License-Identifier: MIT */
/* Read the settings, get a trace, run it, report. Exit: 0, 1 broken, 2 bad input. */
#include "compare.h"
#include "deal.h"
#include "goodput.h"
#include "help.h"
#include "prefix.h"
#include "report_json.h"
#include "report_table.h"
#include "run.h"
#include "selftest.h"

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

static int replay(const replay_settings *settings, const replay_trace *trace) {
    replay_report report;
    if (replay_run(settings, trace, &report) != 0) return -1;
    return settings->json ? replay_report_json(settings, &report)
                          : replay_report_table(settings, trace->count, &report);
}

static int with_trace(const replay_settings *settings) {
    replay_trace trace;
    int result = -1;
    if (get_trace(settings, &trace) != 0) return EXIT_INPUT;
    if (settings->prefix_cache && !replay_prefix_has_names(&trace)) {
        fprintf(stderr, "%s: --prefix-cache: no row names blocks of its prompt (hash_ids)\n",
                settings->trace_path);
        replay_trace_fini(&trace);
        return EXIT_INPUT;
    }
    if (settings->limit != 0 && trace.count > settings->limit) trace.count = settings->limit;
    if (replay_deal(settings, &trace) != 0)
        fputs("berth-replay: no memory for the deal\n", stderr);
    else if (settings->task == REPLAY_TASK_COMPARE)
        result = replay_compare(settings, &trace);
    else if (settings->task == REPLAY_TASK_GOODPUT)
        result = replay_goodput(settings, &trace);
    else
        result = replay(settings, &trace);
    replay_trace_fini(&trace);
    return result == 0 ? EXIT_OK : EXIT_BROKEN;
}

int main(int argc, char **argv) {
    replay_settings settings;
    if (replay_settings_read(argc, argv, &settings) != 0) return EXIT_INPUT;
    switch (settings.task) {
    case REPLAY_TASK_HELP: replay_help(); return EXIT_OK;
    case REPLAY_TASK_SELF_TEST: return replay_self_test() == 0 ? EXIT_OK : EXIT_BROKEN;
    case REPLAY_TASK_RUN:
    case REPLAY_TASK_COMPARE:
    case REPLAY_TASK_GOODPUT: break;
    }
    return with_trace(&settings);
}
