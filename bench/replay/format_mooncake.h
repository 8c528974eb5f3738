/* SPDX-License-Identifier: MIT */
/*
 * What:    reads Mooncake's traces: one JSON object a line, with the names of the prompt's blocks.
 * Why:     long contexts, and which requests share the beginning of their prompts.
 * Rules:   timestamp is in milliseconds, input_length and output_length in tokens, hash_ids (may be
 *          left out) one number per 512 tokens of the prompt; other keys say nothing to a replay.
 * Threads: none.
 */
#ifndef REPLAY_FORMAT_MOONCAKE_H
#define REPLAY_FORMAT_MOONCAKE_H

#include "reader.h"

#define REPLAY_MOONCAKE_BLOCK_TOKENS 512u

int replay_format_mooncake(replay_reader *in, replay_trace *out);

#endif
