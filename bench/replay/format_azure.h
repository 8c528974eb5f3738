/* SPDX-License-Identifier: MIT */
/*
 * What:    reads traces of the Azure family: TIMESTAMP,ContextTokens,GeneratedTokens.
 * Why:     the best known hours of real chat and code services.
 * Rules:   calendar stamps, exact to the nanosecond; the first row is moment 0.
 * Threads: none.
 */
#ifndef REPLAY_FORMAT_AZURE_H
#define REPLAY_FORMAT_AZURE_H

#include "reader.h"

#define REPLAY_AZURE_HEADER "TIMESTAMP,ContextTokens,GeneratedTokens"

int replay_format_azure(replay_reader *in, replay_trace *out);

#endif
