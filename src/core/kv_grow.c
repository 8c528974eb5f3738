/* SPDX-License-Identifier: MIT */
#include "core/kv_grow.h"
#include "base/checked.h"
#include "core/kv.h"
#include "core/kv_mode.h"
#include "core/life.h"
#include "core/step.h"
#include "core/victim.h"

uint64_t berth__kv_grow_units(const berth__core *core, uint32_t place, uint64_t tokens) {
    const berth__run *run = berth__run_of(core, place);
    const uint64_t all = tokens > run->prefill_tokens ? tokens : run->prefill_tokens;
    return berth__kv_units(&core->options, all) - run->shared_blocks * core->options.kv_block_units;
}

/* Make room for `more` units, one victim at a time; `gone` counts them. 0 if `place` itself went.
 */
static int make_room(berth__core *core, uint32_t place, uint64_t more, uint32_t *gone) {
    while (more > berth__kv_mode_free(core)) {
        if (*gone == 0) berth__victim_begin(core);
        const uint32_t victim = berth__victim_next(core);
        if (victim == BERTH__NONE) return 0;
        berth__life_preempt(core, victim);
        ++*gone;
        if (victim == place) return 0;
    }
    return 1;
}

uint32_t berth__kv_grow_all(berth__core *core) {
    const uint32_t kv = core->options.kv_resource;
    uint64_t after[BERTH_RESOURCES_MAX];
    uint32_t count = 0;
    uint32_t gone = 0;
    if (!berth__kv_grows(&core->options)) return 0;
    /* A copy: the list changes under the walk. */
    for (uint32_t p = core->running.head; p != BERTH__NONE; p = core->links[p].next)
        core->growing[count++] = p;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t place = core->growing[i];
        const berth__entry *entry = &core->entries[place];
        if (entry->state != BERTH__RUNNING || entry->paused) continue;
        const uint64_t tokens =
            berth__add_saturating(entry->tokens_computed, berth__step_tokens(core, place));
        const uint64_t units = berth__kv_grow_units(core, place, tokens);
        const uint64_t held = berth__units_of(core, place)[kv];
        if (units <= held || !make_room(core, place, units - held, &gone)) continue;
        berth__life_report(core, place, NULL, 0, after);
        after[kv] = units;
        (void)berth__life_hold(core, place, after); /* it fits */
    }
    return gone;
}

void berth__kv_grow_settle(const berth__core *core, uint32_t place, uint64_t tokens,
                           uint64_t *after) {
    if (berth__kv_grows(&core->options))
        after[core->options.kv_resource] = berth__kv_grow_units(core, place, tokens);
}
