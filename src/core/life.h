/* SPDX-License-Identifier: MIT */
/*
 * What:    the transitions of one request's life, each with its counters, lists and sums.
 * Why:     every event is made of these steps, so that none can forget a counter or a unit.
 * Rules:   the caller has checked the state; each tells the sink; the first outcome stays.
 * Threads: none of its own.
 */
#ifndef BERTH__CORE_LIFE_H
#define BERTH__CORE_LIFE_H

#include "core/state.h"

/* Why a request ends: berth_outcome_kind, its detail, the host's code. */
typedef struct berth__cause {
    uint8_t kind;
    uint8_t detail;
    int32_t code;
} berth__cause;

/* The cause of a running request's end that the host says has finished. */
static inline berth__cause berth__life_cause(uint32_t finish, int32_t code) {
    if (finish == BERTH_FINISH_FAILED) return (berth__cause){BERTH_OUTCOME_FAILED, 0, code};
    return (berth__cause){BERTH_OUTCOME_COMPLETED, (uint8_t)finish, 0};
}

/* The clock of events: never back. */
static inline void berth__life_tick(berth__core *core, uint64_t now) {
    if (now > core->now) core->now = now;
}

void berth__life_park(berth__core *core, uint32_t place);
void berth__life_admit(berth__core *core, uint32_t place);

/* A running request that no step contains is parked again, at its place in line by arrival and past
 * every limit; its tokens are to be computed anew. It ends as EVICTED where it could never be
 * admitted again. */
void berth__life_preempt(berth__core *core, uint32_t place);

/* What else adds up units must follow wherever those of a running or stopping request change. */
void berth__life_account(berth__core *core, uint32_t place, const uint64_t *before,
                         const uint64_t *after);

/* A worker's request that was admitted and not begun is parked again, as if it had not been. */
void berth__life_unadmit(berth__core *core, uint32_t place);

/* What a running or stopping request would hold after a report of `held`. KV that grows with the
 * tokens is as it was, whatever the report says. */
void berth__life_report(const berth__core *core, uint32_t place, const uint64_t *held,
                        uint32_t held_count, uint64_t *after);

/* It holds `after` now; EOVERFLOW changes nothing. */
berth_status berth__life_hold(berth__core *core, uint32_t place, const uint64_t *after);

/* Fix the outcome of a parked or running request. A parked one ends; a running one is stopping
 * until it is let go, which on an engine is at once where no step contains it. */
static inline void berth__life_stop(berth__core *core, uint32_t place, berth__cause cause);
void berth__life_stop_any(berth__core *core, uint32_t place, berth__cause cause);

/* The same for a running request that the host says has finished: STOP, LENGTH or FAILED. */
void berth__life_finish(berth__core *core, uint32_t place, uint32_t finish, int32_t code);

/* A stopping request is let go: its units are free. */
void berth__life_end(berth__core *core, uint32_t place);

/* It has ended, and lets go of all it held: its outcome is kept. The last step of both above. */
void berth__life_retain(berth__core *core, uint32_t place);

/* Of that step, what comes after the sink was told. */
void berth__life_keep(berth__core *core, uint32_t place);

/* The outcome was taken or dropped. */
void berth__life_forget(berth__core *core, uint32_t place);

/* Drop the oldest retained outcome whose place is not pinned; 0 if there is none. */
int berth__life_drop_oldest(berth__core *core);

/* An ended, forgotten, unpinned request gives its place back. */
void berth__life_free_place(berth__core *core, uint32_t place);

/* A deadline applies that did not before: one that is put off or given up need not be told. */
void berth__life_arm(berth__core *core, uint32_t place);

/* When the next deadline is due, if that is `until` or before; else a moment after `until` and not
 * after the next one. UINT64_MAX if there is none. */
uint64_t berth__life_next_at(berth__core *core, uint64_t until);

/* Will it be looked at by the time that it is due? */
int berth__life_is_armed(const berth__core *core, uint32_t place);

/* The first output came: its deadline is met. */
void berth__life_output(berth__core *core, uint32_t place);

/* End everything as INTERNAL, by the table alone; or one, in a core that has failed. */
void berth__life_fail(berth__core *core);
void berth__life_fail_one(berth__core *core, uint32_t place);

/* berth__life_stop of one that is parked, was never admitted and is not suspended, where its end is
 * nothing to tenants, flows or what is shared: see plain.h. */
void berth__plain_end_parked(berth__core *core, uint32_t place, berth__cause cause);

static inline void berth__life_stop(berth__core *core, uint32_t place, berth__cause cause) {
    const berth__entry *entry = &core->entries[place];
    if (core->plain_ends && entry->state == BERTH__PARKED && berth__is_new(entry) &&
        !entry->suspended)
        berth__plain_end_parked(core, place, cause);
    else
        berth__life_stop_any(core, place, cause);
}

/* End whatever is due at the core's now. */
void berth__life_expire_due(berth__core *core);
static inline void berth__life_expire(berth__core *core) {
    if (core->deadlines.next_at <= core->now || core->tickets.live.count > 0 ||
        core->bands.with_aging != 0)
        berth__life_expire_due(core);
}

#endif
