/* SPDX-License-Identifier: MIT */
#include "format_servegen.h"

#define SECOND_NS UINT64_C(1000000000)
#define SECONDS_MAX UINT64_C(1000000000) /* 31 years */

static int row(replay_reader *in, replay_row *out) {
    uint64_t seconds = 0, fraction_ns = 0;
    if (in->at < in->end && (*in->at == '\n' || *in->at == '\r'))
        return replay_reader_wrong(in, in->at, "an empty line");
    if (replay_reader_whole(in, "seconds of arrival_s", SECONDS_MAX, "seconds", &seconds) != 0)
        return -1;
    if (replay_reader_skip(in, '.') && replay_reader_fraction(in, &fraction_ns) != 0) return -1;
    out->arrive_at_ns = seconds * SECOND_NS + fraction_ns;
    if (replay_reader_separator(in, ',') != 0) return -1;
    if (replay_reader_whole(in, "a whole number as client_id", UINT64_MAX - 1, "as client_id",
                            &out->tenant) != 0)
        return -1;
    if (replay_reader_separator(in, ',') != 0) return -1;
    if (replay_reader_tokens(in, "a whole number of input_tokens", &out->prompt_tokens) != 0)
        return -1;
    if (replay_reader_separator(in, ',') != 0) return -1;
    if (replay_reader_tokens(in, "a whole number of output_tokens", &out->output_tokens) != 0)
        return -1;
    return replay_reader_end_of_line(in);
}

int replay_format_servegen(replay_reader *in, replay_trace *out) {
    if (replay_reader_header(in, REPLAY_SERVEGEN_HEADER) != 0) return -1;
    out->has_tenants = 1;
    while (replay_reader_has_row(in, out)) {
        const replay_reader before = *in;
        replay_row next = {0};
        if (row(in, &next) != 0) return -1;
        if (replay_reader_add(in, &before, next, out) != 0) return -1;
    }
    return 0;
}
