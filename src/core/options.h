/* SPDX-License-Identifier: MIT */
/*
 * What:    the rules of berth_options: defaults, ranges, contradictions.
 * Why:     create, the JSON adapter and the core must agree on them.
 * Rules:   check() says what is wrong and where; normalise() fills in defaults and cannot fail.
 * Threads: none; pure functions.
 */
#ifndef BERTH__CORE_OPTIONS_H
#define BERTH__CORE_OPTIONS_H

#include "berth.h"

/* Steps of an engine that may be outstanding at once, at most. */
#define BERTH__STEPS_MAX 4u

void berth__options_default(berth_options *options);

/* BERTH_OK or BERTH_ECONFIG; `options` is a full struct of this version. error may be NULL. */
berth_status berth__options_check(const berth_options *options, berth_config_error *error);

/* Replace every 0 that means "default" by the default; `options` has passed check(). */
void berth__options_normalise(berth_options *options);

/* Places in the request table: parked + running + ended. */
uint32_t berth__options_requests_max(const berth_options *normalised);

#endif
