/* SPDX-License-Identifier: MIT */
#include "core/share.h"
#include "base/checked.h"
#include "core/bands.h"
#include "core/life.h"

#include <string.h>

berth_status berth__share_check(const berth_options *options, const berth__submit *submit) {
    if (submit->block_hash_count > 0 && options->prefix_blocks_max == 0) return BERTH_EINVAL;
    if (submit->set == 0) return submit->set_units == 0 ? BERTH_OK : BERTH_EINVAL;
    return options->sets_max == 0 ? BERTH_EINVAL : BERTH_OK;
}

void berth__share_add_set(const berth_options *options, const berth__submit *submit,
                          uint64_t *cost) {
    if (submit->set == 0) return;
    uint64_t *units = &cost[options->set_resource];
    *units = berth__add_saturating(*units, submit->set_units);
}

static uint64_t block_units(const berth__core *core, uint32_t count) {
    return count * core->options.kv_block_units; /* as many as fit into the capacity */
}

/* Its own units of KV become so many; what is used in all is the caller's business. */
static void set_own(berth__core *core, uint32_t place, uint64_t kv_units) {
    const uint32_t kv = core->options.kv_resource;
    uint64_t *units = berth__units_of(core, place);
    uint64_t after[BERTH_RESOURCES_MAX];
    memcpy(after, units, core->options.resource_count * sizeof *after);
    after[kv] = kv_units;
    berth__life_account(core, place, units, after);
    units[kv] = kv_units;
}

static uint64_t own(const berth__core *core, uint32_t place) {
    return berth__units_of(core, place)[core->options.kv_resource];
}

/* ---- What a request names ---- */

static void want(berth__core *core, uint32_t place, const berth__submit *submit) {
    /* Blocks behind the prompt's last full one would be named by tokens that it has not. */
    const uint64_t full = submit->terms.prompt_tokens / core->options.kv_block_tokens;
    const uint32_t count =
        submit->block_hash_count < full ? submit->block_hash_count : (uint32_t)full;
    core->wants[place] =
        (berth__want){.tail = berth__prefix_want(&core->prefix, submit->block_hashes, count)};
    core->prefix_tokens[place] = berth__share_hit_tokens(core, place);
}

void berth__share_name(berth__core *core, uint32_t place, const berth__submit *submit) {
    if (berth__share_has_index(core)) want(core, place, submit);
    if (core->options.sets_max > 0)
        core->set_names[place] = (berth__set_name){.id = submit->set, .units = submit->set_units};
}

void berth__share_rename(berth__core *core, uint32_t place, const berth__submit *submit) {
    if (!berth__share_has_index(core)) return;
    const uint32_t before = core->wants[place].tail;
    const uint64_t full = submit->terms.prompt_tokens / core->options.kv_block_tokens;
    const int keeps =
        submit->block_hash_count == 0 && berth__prefix_depth(&core->prefix, before) <= full;
    /* The same blocks of another prompt: another token is the last, and is left to compute. A
     * prompt shorter than that of the blocks named has none of them. */
    if (submit->block_hash_count > 0)
        want(core, place, submit);
    else
        core->wants[place] = (berth__want){.tail = keeps ? before : BERTH__NONE};
    core->prefix_tokens[place] = berth__share_hit_tokens(core, place);
    if (!keeps) berth__prefix_unwant(&core->prefix, before);
}

void berth__share_forget(berth__core *core, uint32_t place) {
    if (!berth__share_has_index(core)) return;
    berth__prefix_unwant(&core->prefix, core->wants[place].tail);
    core->wants[place].tail = BERTH__NONE;
}

/* ---- Admission ---- */

/* The last resident block of its prompt; the last token is always left to compute, since it is what
 * the first new one is generated from. */
static uint32_t depth_max_of(const berth__core *core, uint32_t place) {
    const uint64_t prompt = core->entries[place].prompt_tokens;
    const uint64_t depth_max = prompt == 0 ? 0 : (prompt - 1) / core->options.kv_block_tokens;
    return depth_max > UINT32_MAX ? UINT32_MAX : (uint32_t)depth_max;
}

static const berth__want *look_up(const berth__core *core, uint32_t place) {
    berth__want *want = &core->wants[place];
    if (want->looked == core->prefix.change_count + 1) return want;
    want->looked = core->prefix.change_count + 1;
    want->next = BERTH__NONE;
    want->hit =
        berth__prefix_hit(&core->prefix, want->tail, depth_max_of(core, place), &want->next);
    return want;
}

static uint32_t hit_of(const berth__core *core, uint32_t place) {
    return look_up(core, place)->hit;
}

int berth__share_remembers_well(const berth__core *core, uint32_t place) {
    const berth__want *want = &core->wants[place];
    uint32_t next = BERTH__NONE;
    if (want->looked != core->prefix.change_count + 1) return 1;
    return berth__prefix_hit(&core->prefix, want->tail, depth_max_of(core, place), &next) ==
               want->hit &&
           next == want->next;
}

uint64_t berth__share_hit_tokens(const berth__core *core, uint32_t place) {
    if (!berth__share_has_index(core)) return 0;
    return (uint64_t)berth__prefix_depth(&core->prefix, hit_of(core, place)) *
           core->options.kv_block_tokens;
}

static const berth__set_name *set_of(const berth__core *core, uint32_t place) {
    if (core->options.sets_max == 0 || core->set_names[place].id == 0) return NULL;
    return &core->set_names[place];
}

void berth__share_add_named_set(const berth__core *core, uint32_t place, uint64_t *cost) {
    const berth__set_name *set = set_of(core, place);
    if (set == NULL) return;
    uint64_t *units = &cost[core->options.set_resource];
    *units = berth__add_saturating(*units, set->units);
}

uint32_t berth__share_never_fits(const berth__core *core, uint32_t place, const uint64_t *units) {
    uint64_t whole[BERTH_RESOURCES_MAX];
    memcpy(whole, units, core->options.resource_count * sizeof *whole);
    berth__share_add_named_set(core, place, whole);
    return berth__bands_never_allow(core, core->entries[place].band_index, whole);
}

int berth__share_price(const berth__core *core, uint32_t place, uint64_t *cost) {
    const berth__set_name *set = set_of(core, place);
    if (berth__share_has_index(core)) {
        const uint32_t hit = hit_of(core, place);
        uint64_t *kv = &cost[core->options.kv_resource];
        *kv -= block_units(core, berth__prefix_depth(&core->prefix, hit));
        *kv += block_units(core, berth__prefix_unheld(&core->prefix, hit));
    }
    if (set != NULL) {
        uint64_t *units = &cost[core->options.set_resource];
        if (!berth__sets_has_room(&core->sets, set->id)) return 0;
        *units = berth__add_saturating(*units, berth__sets_price(&core->sets, set->id, set->units));
    }
    return 1;
}

int berth__share_is_coming(const berth__core *core, uint32_t place) {
    if (!berth__share_has_index(core)) return 0;
    const uint32_t owner = berth__prefix_owner_of(&core->prefix, look_up(core, place)->next);
    if (owner == BERTH__NONE) return 0;
    return core->entries[owner].state == BERTH__RUNNING &&
           !berth__is_held_up(&core->entries[owner]);
}

void berth__share_hold(berth__core *core, uint32_t place) {
    const berth__set_name *set = set_of(core, place);
    if (set != NULL) berth__sets_hold(&core->sets, set->id, set->units);
    if (!berth__share_has_index(core)) return;
    berth__entry *entry = &core->entries[place];
    berth__run *run = berth__run_of(core, place);
    run->held_block = hit_of(core, place);
    run->shared_blocks = berth__prefix_depth(&core->prefix, run->held_block);
    (void)berth__prefix_acquire(&core->prefix, run->held_block);
    run->next_block =
        berth__prefix_begin(&core->prefix, core->wants[place].tail, run->held_block, place);
    entry->tokens_computed = (uint64_t)run->shared_blocks * core->options.kv_block_tokens;
    core->prefix_tokens[place] = entry->tokens_computed;
    set_own(core, place, own(core, place) - block_units(core, run->shared_blocks));
    core->counters.prefix_hit_tokens_total =
        berth__add_saturating(core->counters.prefix_hit_tokens_total, core->prefix_tokens[place]);
}

/* ---- While it runs ---- */

/* One block of its own becomes shared. */
static void publish(berth__core *core, uint32_t place) {
    berth__run *run = berth__run_of(core, place);
    const uint32_t block = run->next_block;
    run->next_block = berth__prefix_publish(&core->prefix, block);
    run->held_block = block;
    run->shared_blocks++;
    set_own(core, place, own(core, place) - block_units(core, 1));
}

void berth__share_progress(berth__core *core, uint32_t place) {
    if (!berth__share_has_index(core)) return;
    const berth__run *run = berth__run_of(core, place);
    const uint64_t complete = core->entries[place].tokens_computed / core->options.kv_block_tokens;
    while (run->next_block != BERTH__NONE && run->shared_blocks < complete &&
           own(core, place) >= block_units(core, 1))
        publish(core, place);
}

/* What was credited behind this depth is not there: it holds no more of it, and must compute it. */
static void credit_less(berth__core *core, uint32_t place, uint32_t depth) {
    berth__run *run = berth__run_of(core, place);
    uint32_t lost = run->held_block;
    uint32_t kept = run->held_block;
    while (berth__prefix_depth(&core->prefix, kept) > depth)
        kept = core->prefix.blocks[kept].parent;
    berth__prefix_abandon(&core->prefix, run->next_block);
    run->next_block = BERTH__NONE;
    (void)berth__prefix_acquire(&core->prefix, kept);
    (void)berth__prefix_release(&core->prefix, lost);
    while (lost != kept) {
        const uint32_t parent = core->prefix.blocks[lost].parent;
        const berth_block_hash hash = core->prefix.blocks[lost].hash;
        (void)berth__prefix_lost(&core->prefix, &hash);
        lost = parent;
    }
    run->held_block = kept;
    run->shared_blocks = depth;
    run->next_block = berth__prefix_begin(&core->prefix, core->wants[place].tail, kept, place);
}

/* What the engine found beyond what was credited is there: its own units become shared ones. */
static void credit_more(berth__core *core, uint32_t place, uint32_t depth) {
    const berth__run *run = berth__run_of(core, place);
    while (run->next_block != BERTH__NONE && run->shared_blocks < depth &&
           own(core, place) >= block_units(core, 1))
        publish(core, place);
}

/* Whole blocks of its chain in so many tokens. */
static uint32_t depth_in(const berth__core *core, uint32_t place, uint64_t tokens) {
    const uint32_t tail_depth = berth__prefix_depth(&core->prefix, core->wants[place].tail);
    const uint64_t depth = tokens / core->options.kv_block_tokens;
    return depth > tail_depth ? tail_depth : (uint32_t)depth;
}

void berth__share_would_move(const berth__core *core, uint32_t place, uint64_t tokens,
                             uint64_t *to_own, uint64_t *to_shared) {
    const uint32_t shared = berth__run_of(core, place)->shared_blocks;
    const uint32_t depth = depth_in(core, place, tokens);
    *to_own = depth < shared ? block_units(core, shared - depth) : 0;
    *to_shared = depth > shared ? block_units(core, depth - shared) : 0;
}

void berth__share_found(berth__core *core, uint32_t place, uint64_t tokens) {
    berth__entry *entry = &core->entries[place];
    berth__run *run = berth__run_of(core, place);
    const uint32_t kv = core->options.kv_resource;
    const uint32_t held_before = core->prefix.held_count;
    const uint32_t shared_before = run->shared_blocks;
    const uint32_t depth = depth_in(core, place, tokens);
    if (depth < run->shared_blocks) {
        const uint64_t more = block_units(core, run->shared_blocks - depth);
        credit_less(core, place, depth);
        set_own(core, place, own(core, place) + more);
        berth__ledger_add(&core->ledger, kv, more);
        berth__ledger_subtract(&core->ledger, kv,
                               block_units(core, held_before - core->prefix.held_count));
    } else {
        credit_more(core, place, depth);
    }
    /* How it ended is told already. Only a hit of whole blocks is shared; what else it found spares
     * the computing all the same. */
    if (entry->outcome == BERTH_OUTCOME_NONE) {
        core->prefix_tokens[place] = tokens;
        entry->tokens_computed = tokens;
        core->counters.prefix_hit_tokens_total +=
            tokens - (uint64_t)shared_before * core->options.kv_block_tokens;
    }
    berth__share_reclaim(core);
}

/* ---- When it runs no more ---- */

void berth__share_let_go(berth__core *core, uint32_t place) {
    const berth__set_name *set = set_of(core, place);
    if (set != NULL)
        berth__ledger_subtract(&core->ledger, core->options.set_resource,
                               berth__sets_let_go(&core->sets, set->id));
    if (!berth__share_has_index(core)) return;
    berth__run *run = berth__run_of(core, place);
    berth__prefix_abandon(&core->prefix, run->next_block);
    const uint32_t cached = berth__prefix_release(&core->prefix, run->held_block);
    berth__ledger_subtract(&core->ledger, core->options.kv_resource, block_units(core, cached));
    run->next_block = BERTH__NONE;
    run->held_block = BERTH__NONE;
    run->shared_blocks = 0;
    berth__share_reclaim(core); /* while KV is overdrawn nothing can stay cached */
}

void berth__share_reclaim(berth__core *core) {
    if (!berth__share_has_index(core)) return;
    const uint32_t kv = core->options.kv_resource;
    const uint64_t capacity = core->ledger.capacity[kv];
    const uint64_t used = core->ledger.used[kv];
    const uint64_t room = used >= capacity ? 0 : (capacity - used) / core->options.kv_block_units;
    while (core->prefix.cached.count > room) (void)berth__prefix_evict(&core->prefix);
}

uint64_t berth__share_units(const berth__core *core, uint32_t resource) {
    uint64_t units = 0;
    if (berth__share_has_index(core) && resource == core->options.kv_resource)
        units += block_units(core, core->prefix.held_count);
    if (core->options.sets_max > 0 && resource == core->options.set_resource)
        units += berth__sets_units(&core->sets);
    return units;
}
