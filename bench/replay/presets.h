/* SPDX-License-Identifier: MIT */
/*
 * What:    named sets of policies: what engines in use today do, and the best that we can make.
 * Why:     a comparison needs the same engine under each, and one place that says what they are.
 * Rules:   the table in presets.c is the truth; ../README.md repeats it.
 * Threads: none.
 */
#ifndef REPLAY_PRESETS_H
#define REPLAY_PRESETS_H

#include "policy.h"

/* NULL if no preset has this name. */
const replay_policy *replay_preset_find(const char *name);

/* The index-th preset; NULL past the last. */
const replay_policy *replay_preset_at(uint32_t index);

/* "a, b or c". */
const char *replay_preset_wanted(void);

#endif
