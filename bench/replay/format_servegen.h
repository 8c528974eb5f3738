/* SPDX-License-Identifier: MIT */
/*
 * What:    reads traces as drawn from ServeGen: arrival_s,client_id,input_tokens,output_tokens.
 * Why:     its clients are tenants of very different size.
 * Rules:   arrivals are seconds from the start, exact to the nanosecond; the first row is moment 0.
 * Threads: none.
 */
#ifndef REPLAY_FORMAT_SERVEGEN_H
#define REPLAY_FORMAT_SERVEGEN_H

#include "reader.h"

#define REPLAY_SERVEGEN_HEADER "arrival_s,client_id,input_tokens,output_tokens"

int replay_format_servegen(replay_reader *in, replay_trace *out);

#endif
