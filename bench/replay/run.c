/* SPDX-License-Identifier: MIT */
#include "run.h"
#include "realtime.h"
#include "virtual.h"

static int drive(const replay_settings *settings, replay_trace *trace, replay_host *host) {
    if (settings->real_time > 0.0) return replay_realtime_run(host, settings, trace);
    if (replay_host_init(host, settings, trace, NULL) != 0) return -1;
    return replay_virtual_run(host);
}

int replay_run(const replay_settings *settings, const replay_trace *trace, replay_report *out) {
    static replay_host host; /* large, and one replay runs at a time */
    replay_trace own;
    const uint64_t start_ns = replay_wall_ns();
    host = (replay_host){0};
    if (replay_trace_copy(trace, &own) != 0) return replay_broken("no memory for the rows");
    if (drive(settings, &own, &host) != 0) return -1; /* left to the process's end */
    int result = replay_report_make(&host, out);
    out->wall_s = (double)(replay_wall_ns() - start_ns) / 1e9;
    if (replay_host_fini(&host) != 0) result = -1;
    replay_trace_copy_fini(&own);
    return result;
}
