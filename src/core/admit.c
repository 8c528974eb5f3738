/* SPDX-License-Identifier: MIT */
#include "core/admit.h"
#include "base/hot.h"
#include "core/backfill.h"
#include "core/cursor.h"
#include "core/fit.h"
#include "core/hooks.h"
#include "core/life.h"
#include "core/plain.h"
#include "core/share.h"

#define SKIPPED_MAX 64u

/* One round of admission: the first in line, and, once it was needed, its shadow. */
typedef struct search {
    uint32_t head;
    uint32_t shadow_of; /* BERTH__NONE: not worked out */
    uint32_t skipped;   /* who waits for a prompt that is being computed */
    berth__shadow shadow;
} search;

/* ---- Past a head that does not fit ---- */

/* Who has been overtaken often enough or has waited long enough is not overtaken any more: what
 * runs drains until it fits. */
static int may_be_overtaken(const berth__core *core, uint32_t head) {
    const berth__entry *entry = &core->entries[head];
    const uint32_t count_max = core->options.overtake_max;
    const uint64_t ns_max = core->options.overtake_ns_max;
    if (count_max != 0 && entry->overtaken >= count_max) return 0;
    return ns_max == 0 || core->now - entry->submitted_at_ns < ns_max;
}

/* May this one, which fits, go before the head? The shadow is worked out for the first who asks. */
static int may_pass(const berth__core *core, uint32_t place, search *s) {
    if (core->options.fit == BERTH_FIT_FIRST)
        return core->entries[place].level == core->entries[s->head].level;
    if (s->shadow_of != s->head) {
        s->shadow = berth__backfill_shadow(core, s->head);
        s->shadow_of = s->head;
    }
    return berth__backfill_may_pass(core, place, &s->shadow);
}

/* `place`, or the first after it who waits neither to be resumed nor for his reader, and whose
 * prompt nobody else is computing right now; BERTH__NONE if those looked at all wait, for a prompt
 * SKIPPED_MAX of them at most. */
static uint32_t who_can_start(const berth__core *core, uint32_t place, berth__cursor *cursor,
                              search *s) {
    while (place != BERTH__NONE) {
        const int waits = core->entries[place].suspended || core->entries[place].paused;
        if (!waits && !berth__share_is_coming(core, place)) return place;
        if (!waits && s->skipped >= SKIPPED_MAX) return BERTH__NONE;
        s->skipped += !waits;
        place = berth__cursor_next(core, cursor);
    }
    return place;
}

static uint32_t look_past(const berth__core *core, berth__cursor *cursor, search *s) {
    if (core->options.fit == BERTH_FIT_STRICT || !may_be_overtaken(core, s->head))
        return BERTH__NONE;
    for (uint32_t looked = 0; looked < core->options.look_max; looked++) {
        const uint32_t place = who_can_start(core, berth__cursor_next(core, cursor), cursor, s);
        if (place == BERTH__NONE) return BERTH__NONE;
        if (berth__fit_check(core, place, NULL) == BERTH__FIT_YES && may_pass(core, place, s))
            return place;
    }
    return BERTH__NONE;
}

/* The parked request that can be admitted now, or BERTH__NONE. */
static uint32_t find(const berth__core *core, search *s) {
    berth__cursor cursor;
    s->skipped = 0;
    s->head = who_can_start(core, berth__cursor_first(core, &cursor), &cursor, s);
    if (s->head == BERTH__NONE) return BERTH__NONE;
    const uint32_t fit = berth__fit_check(core, s->head, NULL);
    if (fit == BERTH__FIT_YES) return s->head;
    return berth__fit_is_for_all(fit) ? BERTH__NONE : look_past(core, &cursor, s);
}

static void overtake(berth__core *core, uint32_t place, search *s) {
    if (s->shadow_of == s->head) berth__backfill_pass(core, place, &s->shadow);
    core->entries[s->head].overtaken++;
    core->counters.backfills_total++;
}

/* ---- Delay ---- */

/* It could go in; its band's CoDel may say that it should not. */
static int is_too_late(berth__core *core, uint32_t place) {
    const berth__entry *entry = &core->entries[place];
    const berth_band_options *band = &core->options.bands[entry->band_index];
    const berth__delay delay = {.now = core->now,
                                .waited_ns = core->now - entry->submitted_at_ns,
                                .target_ns = band->codel_target_ns,
                                .interval_ns = band->codel_interval_ns,
                                .alone = core->queue.bands[entry->band_index].count == 1};
    if (band->codel_target_ns == 0 || entry->preemptions > 0) return 0;
    return berth__codel_drops(&core->codels[entry->band_index], &delay);
}

static void drop(berth__core *core, uint32_t place) {
    static const berth__cause cause = {BERTH_OUTCOME_EVICTED, BERTH_EVICT_DELAY, 0};
    core->counters.codel_dropped_total++;
    berth__band_of(core, place)->codel_dropped_total++;
    berth__life_stop(core, place, cause);
}

/* ---- For others ---- */

int berth__admit_is_due(const berth__core *core) {
    search s = {.shadow_of = BERTH__NONE};
    return find(core, &s) != BERTH__NONE;
}

BERTH__HOT int berth__admit_at_once(const berth__core *core, const berth__load *load) {
    const int plain = !core->flows.on && core->bands.with_share == 0;
    return berth__queue_is_clear(&core->queue, plain ? load->band_index : 0) &&
           berth__fit_load(core, load) &&
           (!berth__has_tenants(core) || berth__tenants_may_run(core, load->tenant_index));
}

BERTH__HOT uint32_t berth__admit_all(berth__core *core) {
    search s = {.shadow_of = BERTH__NONE};
    uint32_t count = 0;
    if (core->plain) return berth__plain_admit_all(core);
    for (;;) {
        const uint32_t place = find(core, &s);
        if (place == BERTH__NONE) return count;
        if (is_too_late(core, place)) {
            drop(core, place);
            continue;
        }
        if (place != s.head) overtake(core, place, &s);
        berth__life_admit(core, place);
        if (core->idle_count != BERTH__NONE) core->idle_count--;
        count++;
    }
}
