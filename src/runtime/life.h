/* SPDX-License-Identifier: MIT */
/*
 * What:    making a pool and taking it apart.
 * Why:     all memory and all threads come and go here and nowhere else.
 * Rules:   create undoes what it did when it fails; destroy decides first, under the lock, whether
 *          anybody is still inside, and changes nothing if so.
 * Threads: create any; destroy one at a time per pool.
 */
#ifndef BERTH__RUNTIME_LIFE_H
#define BERTH__RUNTIME_LIFE_H

#include "berth.h"

/* `options` have passed check; `executor` fits their face; both are full structs. */
berth_status berth__life_create(const berth_options *options, const berth_executor *executor,
                                berth_pool **out);
berth_status berth__life_destroy(berth_pool *pool);

#endif
