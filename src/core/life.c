/* SPDX-License-Identifier: MIT */
#include "core/life.h"
#include "base/checked.h"
#include "base/hot.h"
#include "core/budget.h"
#include "core/hooks.h"
#include "core/kv.h"
#include "core/kv_mode.h"
#include "core/predict.h"
#include "core/pause.h"
#include "core/plain.h"
#include "core/share.h"

#include <string.h>

static void tell(berth__core *core, uint32_t transition, uint32_t place) {
    core->sink(core->sink_context, transition, berth__ids_of(&core->ids, place));
}

static void touch_rate(berth__core *core) {
    berth__rate_touch(&core->rate, core->now, core->queue.total.count > 0);
}

/* ---- Deadlines ---- */

/* Those that apply to a request as it is, none passed over: the earliest, ties in this order. */
BERTH__HOT static uint64_t next_due(const berth__core *core, uint32_t place, uint8_t *which) {
    const berth__entry *entry = &core->entries[place];
    uint64_t due = UINT64_MAX;
    *which = 0;
    if (entry->outcome != BERTH_OUTCOME_NONE) return due;
    if (entry->state == BERTH__PARKED && berth__is_new(entry) && entry->queue_at_ns < due) {
        due = entry->queue_at_ns;
        *which = BERTH_DEADLINE_QUEUE;
    }
    if (!entry->has_output && entry->first_output_due_at_ns < due) {
        due = entry->first_output_due_at_ns;
        *which = BERTH_DEADLINE_FIRST_OUTPUT;
    }
    if (entry->total_at_ns < due) {
        due = entry->total_at_ns;
        *which = BERTH_DEADLINE_TOTAL;
    }
    if (entry->paused && core->pause_due_at_ns[place] < due) {
        due = core->pause_due_at_ns[place];
        *which = BERTH__DEADLINE_PAUSE;
    }
    return due;
}

int berth__life_is_armed(const berth__core *core, uint32_t place) {
    uint8_t which;
    const uint64_t due = next_due(core, place, &which);
    return due == UINT64_MAX || core->deadlines.armed[place] <= due;
}

void berth__life_arm(berth__core *core, uint32_t place) {
    uint8_t which;
    const uint64_t due = next_due(core, place, &which);
    if (due != UINT64_MAX) berth__agenda_arm(&core->deadlines, place, due);
}

/* Whoever is due next is all over the table: several are asked for together, before the first of
 * them is looked at. */
static inline void expect_due(berth__core *core, uint64_t until) {
    uint32_t places[BERTH__EXPECT_MAX];
    if (core->deadlines.next_at > until || berth__agenda_was_told(&core->deadlines)) return;
    if (!berth__core_is_large(core)) return;
    berth__core_expect_ends(core, places,
                            berth__agenda_ahead(&core->deadlines, places, BERTH__EXPECT_MAX));
}

uint64_t berth__life_next_at(berth__core *core, uint64_t until) {
    berth__agenda *deadlines = &core->deadlines;
    uint64_t at;
    uint32_t place;
    while (deadlines->next_at <= until) {
        uint8_t which;
        expect_due(core, until);
        place = berth__agenda_first(deadlines, &at);
        if (place == BERTH__NONE || at > until) break;
        if (next_due(core, place, &which) == at) break;
        berth__agenda_drop(deadlines);
        berth__life_arm(core, place);
    }
    return deadlines->next_at;
}

void berth__life_output(berth__core *core, uint32_t place) {
    berth__entry *entry = &core->entries[place];
    if (entry->has_output) return;
    entry->has_output = 1;
    entry->first_output_at_ns = core->now;
}

/* How it ends when a deadline comes. */
static berth__cause cause_of(uint8_t which) {
    if (which == BERTH__DEADLINE_PAUSE)
        return (berth__cause){BERTH_OUTCOME_CANCELLED, BERTH_CANCEL_SLOW_READER, 0};
    return (berth__cause){BERTH_OUTCOME_EXPIRED, which, 0};
}

void berth__life_expire_due(berth__core *core) {
    berth__agenda *deadlines = &core->deadlines;
    uint64_t at;
    uint32_t place;
    berth__tickets_expire(core);
    berth__agenda_begin(deadlines);
    for (;;) {
        uint8_t which;
        expect_due(core, core->now);
        place = berth__agenda_take(deadlines, core->now, &at);
        if (place == BERTH__NONE) break;
        if (next_due(core, place, &which) == at)
            berth__life_stop(core, place, cause_of(which));
        else
            berth__life_arm(core, place);
    }
    if (core->bands.with_aging != 0) berth__bands_age(core);
}

/* ---- Parked ---- */

void berth__life_park(berth__core *core, uint32_t place) {
    if (core->plain_ends) {
        berth__plain_park(core, place);
        return;
    }
    const berth__load load = berth__load_of(core, place);
    touch_rate(core);
    core->entries[place].state = BERTH__PARKED;
    berth__queue_push(&core->queue, place, &load);
    berth__hook_move(core, place, 1, 0);
    berth__hook_push(core, place);
    berth__band_of(core, place)->parked++;
    berth__life_arm(core, place);
}

static void unpark(berth__core *core, uint32_t place) {
    const berth__load load = berth__load_of(core, place);
    touch_rate(core);
    berth__hook_remove(core, place);
    berth__queue_remove(&core->queue, place, &load);
    berth__band_of(core, place)->parked--;
}

/* ---- Running ---- */

/* The first admission of a request: what is counted per request, not per admission. */
static void count_first(berth__core *core, uint32_t place) {
    berth__entry *entry = &core->entries[place];
    berth_band_stats *band = berth__band_of(core, place);
    const uint64_t waited_ns = core->now - entry->submitted_at_ns;
    if (waited_ns > 0)
        berth__rate_admitted(&core->rate, berth__units_of(core, place),
                             core->options.resource_count);
    entry->admitted_at_ns = core->now;
    band->admitted_total++;
    band->queue_ns_total = berth__add_saturating(band->queue_ns_total, waited_ns);
    core->counters.admitted_total++;
    core->counters.prompt_tokens_total =
        berth__add_saturating(core->counters.prompt_tokens_total, entry->prompt_tokens);
}

/* What it has to compute before it generates: after a preemption also what it had generated. */
static void begin_run(berth__core *core, uint32_t place) {
    berth__entry *entry = &core->entries[place];
    berth__run *run = &core->runs[entry->slot];
    *run = (berth__run){.prefill_tokens = entry->prompt_tokens,
                        .admission = core->admissions++,
                        .began_at_ns = core->now,
                        .queue_at_ns = entry->queue_at_ns,
                        .held_block = BERTH__NONE,
                        .next_block = BERTH__NONE};
    if (entry->preemptions > 0)
        run->prefill_tokens = berth__add_saturating(entry->prompt_tokens, entry->tokens_generated);
    for (uint32_t r = 0; r < core->options.resource_count; r++)
        run->asked[r] = berth__units_of(core, place)[r];
}

void berth__life_admit(berth__core *core, uint32_t place) {
    berth__entry *entry = &core->entries[place];
    uint64_t cost[BERTH_RESOURCES_MAX];
    memcpy(cost, berth__units_of(core, place), core->options.resource_count * sizeof *cost);
    (void)berth__share_price(core, place, cost);
    if (core->flows.by_key) berth__flows_pass(core, place);
    unpark(core, place);
    berth__hook_move(core, place, -1, 1);
    berth__hook_use(core, place, NULL, berth__units_of(core, place), 1);
    berth__ledger_grant(&core->ledger, cost);
    berth__list_push(&core->running, core->links, place);
    core->samples += entry->samples;
    entry->state = BERTH__RUNNING;
    entry->slot = core->slots_free[--core->slots_free_count];
    begin_run(core, place);
    berth__share_hold(core, place);
    berth__share_reclaim(core);
    if (berth__has_tenants(core)) berth__counters_admit(core, place);
    if (entry->preemptions == 0)
        count_first(core, place);
    else
        core->counters.readmitted_total++;
    berth__band_of(core, place)->running++;
    core->counters.running++;
    if (core->counters.running > core->counters.running_peak)
        core->counters.running_peak = core->counters.running;
    berth__budget_admitted(core, place);
    berth__kv_mode_admitted(core, place);
    tell(core, BERTH__T_ADMITTED, place);
}

void berth__life_account(berth__core *core, uint32_t place, const uint64_t *before,
                         const uint64_t *after) {
    berth__hook_use(core, place, before, after, 0);
    berth__hook_units(core, place, before, after);
}

void berth__life_report(const berth__core *core, uint32_t place, const uint64_t *held,
                        uint32_t held_count, uint64_t *after) {
    const uint64_t *units = berth__units_of(core, place);
    for (uint32_t r = 0; r < core->options.resource_count; r++)
        after[r] = r < held_count ? held[r] : units[r];
    if (berth__kv_grows(&core->options))
        after[core->options.kv_resource] = units[core->options.kv_resource];
}

berth_status berth__life_hold(berth__core *core, uint32_t place, const uint64_t *after) {
    uint64_t *units = berth__units_of(core, place);
    const berth_status status = berth__ledger_change(&core->ledger, units, after);
    if (status != BERTH_OK) return status;
    berth__life_account(core, place, units, after);
    for (uint32_t r = 0; r < core->options.resource_count; r++) units[r] = after[r];
    berth__share_reclaim(core);
    return BERTH_OK;
}

/* The engine hears of the slot in its next plan, if it knows of it; others have nobody to tell. */
static void free_slot(berth__core *core, uint32_t place, uint32_t flags) {
    const berth__entry *entry = &core->entries[place];
    if (!berth__is_engine(core) || entry->engine_knows || !entry->planned) {
        core->slots_free[core->slots_free_count++] = entry->slot;
        return;
    }
    core->leaving[core->leaving_count++] = (berth__leaving){.id = berth__ids_of(&core->ids, place),
                                                            .slot = entry->slot,
                                                            .band = entry->band_index + 1u,
                                                            .flags = flags};
}

/* Whom it comes before in its band again. All that came earlier were preempted too, or overtaken,
 * so the walk is short. */
static uint32_t place_in_line(const berth__core *core, uint32_t place) {
    uint32_t before = core->queue.lists[core->entries[place].band_index].head;
    while (before != BERTH__NONE && core->order[before] < core->order[place])
        before = core->links[before].next;
    return before;
}

/* May it be parked with these units? Not if they exceed a capacity, and not if what is parked and
 * held by tickets would no longer add up in 64 bits. */
static int can_be_parked(const berth__core *core, uint32_t place, const uint64_t *units) {
    const uint64_t size = core->entries[place].payload_size;
    const berth__parked *total = &core->queue.total;
    const berth__parked *held = &core->queue.held_total;
    uint64_t sum;
    if (berth__share_never_fits(core, place, units) < core->options.resource_count) return 0;
    if (!berth__add(total->size + held->size, size, &sum)) return 0;
    for (uint32_t r = 0; r < core->options.resource_count; r++)
        if (!berth__add(total->units[r] + held->units[r], units[r], &sum)) return 0;
    return 1;
}

/* It holds nothing any more, and asks again for what it was admitted with. */
static void park_again(berth__core *core, uint32_t place, uint32_t flags) {
    berth__entry *entry = &core->entries[place];
    berth_band_stats *band = berth__band_of(core, place);
    const berth__load load = berth__load_of(core, place);
    const berth__run *run = berth__run_of(core, place);
    berth__ledger_release(&core->ledger, berth__units_of(core, place));
    berth__hook_use(core, place, berth__units_of(core, place), NULL, -1);
    berth__hook_units(core, place, berth__units_of(core, place), run->asked);
    berth__share_let_go(core, place);
    berth__list_remove(&core->running, core->links, place);
    core->samples -= core->entries[place].samples;
    free_slot(core, place, flags);
    for (uint32_t r = 0; r < core->options.resource_count; r++)
        berth__units_of(core, place)[r] = run->asked[r];
    core->counters.running--;
    band->running--;
    band->parked++;
    entry->state = BERTH__PARKED;
    entry->slot = BERTH__NONE;
    berth__queue_put_back(&core->queue, place, &load, place_in_line(core, place));
    berth__hook_move(core, place, 1, -1);
    berth__hook_push(core, place);
    berth__life_arm(core, place);
}

/* Can it be parked again? If not, because a capacity has shrunk, it ends. */
static int may_park_again(berth__core *core, uint32_t place) {
    static const berth__cause cause = {BERTH_OUTCOME_EVICTED, BERTH_EVICT_CAPACITY, 0};
    if (can_be_parked(core, place, berth__run_of(core, place)->asked)) return 1;
    berth__life_stop(core, place, cause);
    return 0;
}

void berth__life_preempt(berth__core *core, uint32_t place) {
    berth__entry *entry = &core->entries[place];
    if (berth__kv_grows(&core->options))
        berth__run_of(core, place)->asked[core->options.kv_resource] =
            berth__kv_mode_units(core, place);
    if (!may_park_again(core, place)) return;
    touch_rate(core);
    berth__pause_park(core, place);
    core->counters.preemptions_total++;
    core->counters.tokens_recomputed_total =
        berth__add_saturating(core->counters.tokens_recomputed_total,
                              entry->tokens_computed - berth__prefix_tokens_of(core, place));
    berth__band_of(core, place)->preemptions_total++;
    entry->tokens_computed = 0;
    if (entry->preemptions < UINT8_MAX) entry->preemptions++;
    park_again(core, place, BERTH_ENTRY_PREEMPTED);
    entry->planned = 0;
    tell(core, BERTH__T_PREEMPTED, place);
}

/* What admission counted is taken back. */
void berth__life_unadmit(berth__core *core, uint32_t place) {
    berth__entry *entry = &core->entries[place];
    berth_band_stats *band = berth__band_of(core, place);
    if (!may_park_again(core, place)) return;
    touch_rate(core);
    core->counters.admitted_total--;
    core->counters.prompt_tokens_total -= entry->prompt_tokens;
    band->admitted_total--;
    band->queue_ns_total -= entry->admitted_at_ns - entry->submitted_at_ns;
    core->counters.prefix_hit_tokens_total -= berth__prefix_tokens_of(core, place);
    entry->tokens_computed = 0;
    entry->queue_at_ns = berth__run_of(core, place)->queue_at_ns;
    if (berth__has_tenants(core)) berth__counters_unadmit(core, place);
    park_again(core, place, 0);
    tell(core, BERTH__T_UNADMITTED, place);
}

/* ---- Ended ---- */

BERTH__HOT void berth__life_retain(berth__core *core, uint32_t place) {
    berth__entry *entry = &core->entries[place];
    entry->state = BERTH__ENDED;
    berth__share_forget(core, place);
    core->counters.ended_total++;
    core->counters.outcome_total[entry->outcome]++;
    berth__band_of(core, place)->ended_total++;
    tell(core, BERTH__T_ENDED, place);
    berth__life_keep(core, place);
}

BERTH__HOT void berth__life_keep(berth__core *core, uint32_t place) {
    if (core->entries[place].gone) {
        berth__life_free_place(core, place);
        return;
    }
    if (core->ended.count == core->options.ended_max) {
        core->counters.retained_dropped_total++;
        berth__life_forget(core, core->ended.head);
    }
    berth__list_push(&core->ended, core->links, place);
}

void berth__life_stop_any(berth__core *core, uint32_t place, berth__cause cause) {
    berth__entry *entry = &core->entries[place];
    const uint8_t was = entry->state;
    BERTH__ASSERT(core->broken, entry->outcome == BERTH_OUTCOME_NONE);
    if (was == BERTH__PARKED) {
        unpark(core, place);
        berth__hook_units(core, place, berth__units_of(core, place), NULL);
        berth__hook_move(core, place, -1, 0);
        if (berth__is_new(entry)) entry->admitted_at_ns = 0;
    }
    entry->outcome = cause.kind;
    entry->detail = cause.detail;
    entry->code = cause.code;
    entry->ended_at_ns = core->now;
    berth__pause_end(core, place);
    berth__suspend_end(core, place);
    if (was == BERTH__RUNNING) {
        entry->state = BERTH__STOPPING;
        core->counters.running--;
        core->counters.stopping++;
        berth__band_of(core, place)->running--;
        berth__band_of(core, place)->stopping++;
    }
    tell(core, BERTH__T_OUTCOME, place);
    if (was == BERTH__PARKED)
        berth__life_retain(core, place);
    else if (berth__is_engine(core) && !entry->in_step)
        berth__life_end(core, place);
}

void berth__life_finish(berth__core *core, uint32_t place, uint32_t finish, int32_t code) {
    if (finish != BERTH_FINISH_FAILED) berth__predict_learn(core, place);
    berth__life_stop(core, place, berth__life_cause(finish, code));
}

void berth__life_end(berth__core *core, uint32_t place) {
    BERTH__ASSERT(core->broken, core->entries[place].state == BERTH__STOPPING);
    if (berth__has_tenants(core)) berth__counters_settle(core, place);
    berth__ledger_release(&core->ledger, berth__units_of(core, place));
    berth__hook_use(core, place, berth__units_of(core, place), NULL, -1);
    berth__hook_units(core, place, berth__units_of(core, place), NULL);
    berth__hook_move(core, place, 0, -1);
    berth__share_let_go(core, place);
    berth__list_remove(&core->running, core->links, place);
    core->samples -= core->entries[place].samples;
    free_slot(core, place, 0);
    core->entries[place].in_step = 0;
    core->counters.stopping--;
    berth__band_of(core, place)->stopping--;
    berth__life_retain(core, place);
}

void berth__life_free_place(berth__core *core, uint32_t place) {
    if (core->entries[place].pinned) return;
    core->entries[place].state = BERTH__FREE;
    berth__ids_give(&core->ids, place);
}

BERTH__HOT void berth__life_forget(berth__core *core, uint32_t place) {
    berth__entry *entry = &core->entries[place];
    entry->gone = 1;
    if (core->failed) {
        tell(core, BERTH__T_GONE, place);
        return;
    }
    if (entry->state == BERTH__ENDED) berth__list_remove(&core->ended, core->links, place);
    tell(core, BERTH__T_GONE, place);
    if (entry->state == BERTH__ENDED) berth__life_free_place(core, place);
}

int berth__life_drop_oldest(berth__core *core) {
    uint32_t place = core->ended.head;
    while (place != BERTH__NONE && core->entries[place].pinned) place = core->links[place].next;
    if (place == BERTH__NONE) return 0;
    core->counters.retained_dropped_total++;
    berth__life_forget(core, place);
    return 1;
}

/* ---- Failed ---- */

void berth__life_fail_one(berth__core *core, uint32_t place) {
    berth__entry *entry = &core->entries[place];
    if (entry->state == BERTH__FREE || entry->state == BERTH__LENT) return;
    if (entry->state == BERTH__ENDED) return;
    if (entry->outcome == BERTH_OUTCOME_NONE) {
        if (entry->state == BERTH__PARKED && berth__is_new(entry)) entry->admitted_at_ns = 0;
        entry->outcome = BERTH_OUTCOME_INTERNAL;
        entry->code = 0;
        entry->ended_at_ns = core->now;
        tell(core, BERTH__T_OUTCOME, place);
    }
    entry->state = BERTH__ENDED;
    core->counters.ended_total++;
    core->counters.outcome_total[entry->outcome]++;
    berth__band_of(core, place)->ended_total++;
    tell(core, BERTH__T_ENDED, place);
}

void berth__life_fail(berth__core *core) {
    core->broken = 1;
    if (core->failed) return;
    core->failed = 1;
    for (uint32_t place = 0; place < core->ids.place_count; place++)
        berth__life_fail_one(core, place);
    core->counters.running = 0;
    core->counters.stopping = 0;
    core->counters.paused = 0;
    core->counters.suspended = 0;
    core->held_up = 0;
    for (uint32_t b = 0; b < BERTH_BANDS_MAX; b++) {
        core->counters.bands[b].parked = 0;
        core->counters.bands[b].running = 0;
        core->counters.bands[b].stopping = 0;
    }
    const uint64_t lent_count = core->queue.lent_count;
    berth__queue_init(&core->queue, core->links, core->options.resource_count);
    core->queue.lent_count = lent_count;
    berth__tenants_clear(&core->tenants);
    berth__tickets_clear(core);
    berth__agenda_clear(&core->deadlines);
    core->steps_outstanding = 0;
}
