/* SPDX-License-Identifier: MIT */
#include "support/core_pair.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NEVER_WAS UINT64_C(0xfffffffffffffffe)

static const char *const kind_names[] = {
    [CORE_SUBMIT] = "submit",     [CORE_RECOST] = "recost",       [CORE_CHARGE] = "charge",
    [CORE_CAPACITY] = "capacity", [CORE_CANCEL] = "cancel",       [CORE_EXPIRE] = "expire",
    [CORE_CLOSE] = "close",       [CORE_SHUTDOWN] = "shutdown",   [CORE_ADMIT] = "admit",
    [CORE_EMIT] = "emit",         [CORE_FINISH] = "finish",       [CORE_LET_GO] = "let_go",
    [CORE_PLAN] = "plan",         [CORE_COMMIT] = "commit",       [CORE_FORGET] = "forget",
    [CORE_PIN] = "pin",           [CORE_UNPIN] = "unpin",         [CORE_CHUNK] = "chunk",
    [CORE_IDLE] = "idle",         [CORE_PREEMPT] = "preempt",     [CORE_PAUSE] = "pause",
    [CORE_SUSPEND] = "suspend",   [CORE_PLAN_FAIL] = "plan_fail",
};

void core_pair_init(core_pair *pair, const berth_options *options) {
    memset(pair, 0, sizeof *pair);
    core_kit_init(&pair->kit, options);
    core_model_init(&pair->model, &pair->kit.options);
    pair->ids[0] = NEVER_WAS;
    pair->name_count = 1;
    pair->entries = calloc(2 * (size_t)pair->kit.options.running_max, sizeof *pair->entries);
    pair->model_entries =
        calloc(2 * (size_t)pair->kit.options.running_max, sizeof *pair->model_entries);
    if (pair->entries == NULL || pair->model_entries == NULL) abort();
}

void core_pair_fini(core_pair *pair) {
    core_kit_fini(&pair->kit);
    core_model_fini(&pair->model);
    free(pair->entries);
    free(pair->model_entries);
}

/* ---- Comparing ---- */

static const char *differ(core_pair *pair, const char *what, uint64_t core, uint64_t model) {
    snprintf(pair->text, sizeof pair->text, "%s: core %" PRIu64 " (0x%" PRIx64 "), model %" PRIu64,
             what, core, core, model);
    return pair->text;
}

static const char *same_status(core_pair *pair, berth_status core, berth_status model) {
    if (core == model) return NULL;
    snprintf(pair->text, sizeof pair->text, "status: core %s, model %s", berth_status_name(core),
             berth_status_name(model));
    return pair->text;
}

static const char *same_log(core_pair *pair) {
    const core_log *core = &pair->kit.log;
    const core_log *model = &pair->model.log;
    if (core->count != model->count)
        return differ(pair, "count of transitions", core->count, model->count);
    for (uint32_t i = 0; i < core->count; i++) {
        if (core->items[i].id != model->items[i].id)
            return differ(pair, "id of a transition", core->items[i].id, model->items[i].id);
        if (core->items[i].transition != model->items[i].transition)
            return differ(pair, "transition", core->items[i].transition,
                          model->items[i].transition);
    }
    return NULL;
}

/* The first 8 bytes that differ between two structs without padding. */
static const char *same_bytes(core_pair *pair, const char *what, const void *core,
                              const void *model, size_t size) {
    uint64_t a;
    uint64_t b;
    char name[64];
    if (memcmp(core, model, size) == 0) return NULL;
    for (size_t at = 0; at + 8 <= size; at += 8) {
        memcpy(&a, (const char *)core + at, sizeof a);
        memcpy(&b, (const char *)model + at, sizeof b);
        if (a == b) continue;
        snprintf(name, sizeof name, "%s at byte %zu", what, at);
        return differ(pair, name, a, b);
    }
    return differ(pair, what, 0, 0);
}

static const char *same_stats(core_pair *pair) {
    berth_stats core;
    berth_stats model;
    berth__core_stats(pair->kit.core, &core);
    core_model_stats(&pair->model, &model);
    core.drain_interval_ns = 0;
    for (uint32_t b = 0; b < BERTH_BANDS_MAX; b++) core.bands[b].predicted_wait_ns = 0;
    return same_bytes(pair, "stats", &core, &model, sizeof core);
}

static const char *same_view(core_pair *pair, uint32_t name) {
    berth__view core;
    berth__view model;
    const berth_request_id id = pair->ids[name];
    const berth_status a = berth__core_view(pair->kit.core, id, &core);
    const berth_status b = core_model_view(&pair->model, id, &model);
    const char *wrong = same_status(pair, a, b);
    return wrong != NULL ? wrong : same_bytes(pair, "view", &core, &model, sizeof core);
}

/* Everything that can be looked at: counters, the request of the event, and the latest ones. */
static const char *same_sight(core_pair *pair, uint32_t name) {
    const uint32_t recent = pair->name_count > 24 ? pair->name_count - 24 : 0;
    const char *wrong = same_log(pair);
    if (wrong == NULL) wrong = same_stats(pair);
    if (wrong == NULL && name < pair->name_count) wrong = same_view(pair, name);
    for (uint32_t i = recent; i < pair->name_count && wrong == NULL; i++)
        wrong = same_view(pair, i);
    if (wrong != NULL) return wrong;
    if (berth__core_next_at(pair->kit.core) != core_model_next_at(&pair->model))
        return differ(pair, "next_at", berth__core_next_at(pair->kit.core),
                      core_model_next_at(&pair->model));
    if (berth__core_has_plan(pair->kit.core) != core_model_has_plan(&pair->model) &&
        pair->kit.options.face == BERTH_FACE_ENGINE)
        return differ(pair, "has_plan", berth__core_has_plan(pair->kit.core),
                      core_model_has_plan(&pair->model));
    if (berth__core_oldest_ended(pair->kit.core, 0) != core_model_oldest_ended(&pair->model))
        return differ(pair, "oldest_ended", berth__core_oldest_ended(pair->kit.core, 0),
                      core_model_oldest_ended(&pair->model));
    return NULL;
}

/* ---- Applying ---- */

static uint64_t moment(const core_pair *pair, const core_event *event) {
    return pair->now - (event->back_ns < pair->now ? event->back_ns : pair->now);
}

static berth_request_id id_of(const core_pair *pair, const core_event *event) {
    return event->name < pair->name_count ? pair->ids[event->name] : 0;
}

static const char *apply_submit(core_pair *pair, const core_event *event) {
    const uint64_t now = moment(pair, event);
    berth_request_id core_id = 1;
    berth_request_id model_id = 2;
    berth_refusal core_refusal;
    berth_refusal model_refusal;
    const berth_status a =
        berth__core_submit(pair->kit.core, now, &event->submit, &core_id, &core_refusal);
    const berth_status b =
        core_model_submit(&pair->model, now, &event->submit, &model_id, &model_refusal);
    core_refusal.retry_after_ns = core_refusal.retry_after_ns != 0;
    if (a != b) return same_status(pair, a, b);
    if (core_id != model_id) return differ(pair, "id", core_id, model_id);
    if (a == BERTH_OK) {
        core_kit_accept(&pair->kit, core_id);
        while (pair->name_count <= event->name) pair->ids[pair->name_count++] = NEVER_WAS;
        pair->ids[event->name] = core_id;
    }
    if (pair->kit.options.face != BERTH_FACE_ENGINE &&
        berth__core_admit(pair->kit.core, now) != core_model_admit(&pair->model, now))
        return "how many were admitted after a submit";
    return same_bytes(pair, "refusal", &core_refusal, &model_refusal, sizeof core_refusal);
}

static const char *apply_plan(core_pair *pair, const core_event *event) {
    const uint64_t now = moment(pair, event);
    const uint32_t room = event->amount < 2 * (uint64_t)pair->kit.options.running_max
                              ? (uint32_t)event->amount
                              : 2 * pair->kit.options.running_max;
    berth_plan core = {.struct_size = sizeof core, .entry_max = room, .entries = pair->entries};
    berth_plan model = core;
    model.entries = pair->model_entries;
    const berth_status a = berth__core_plan(pair->kit.core, now, &core);
    const berth_status b = core_model_plan(&pair->model, now, &model);
    if (a != b) return same_status(pair, a, b);
    model.entries = core.entries;
    const char *wrong = same_bytes(pair, "plan", &core, &model, sizeof core);
    if (wrong != NULL || a != BERTH_OK) return wrong;
    if (core.step_id != 0) {
        pair->step_id = core.step_id;
        pair->entry_count = core.entry_count;
    }
    return same_bytes(pair, "plan entries", pair->entries, pair->model_entries,
                      core.entry_count * sizeof *core.entries);
}

/* What the engine says about the entry at `index` of its plan. */
static berth__progress progress_for(const core_event *event, const berth_plan_entry *entry,
                                    uint32_t index, uint32_t last) {
    uint64_t random = event->seed ^ ((uint64_t)index << 32);
    berth__progress p = {.tokens_computed = entry->tokens,
                         .tokens_generated = entry->kind == BERTH_ENTRY_DECODE ? entry->samples : 0,
                         .has_output = entry->kind == BERTH_ENTRY_DECODE,
                         .code = event->code};
    const uint32_t kind = event->choice;
    if (kind == CORE_COMMIT_FINISH_ALL || (kind == CORE_COMMIT_FINISH_FIRST && index == 0))
        p.finish = BERTH_FINISH_STOP;
    if (kind == CORE_COMMIT_FAIL_LAST && index == last) p.finish = BERTH_FINISH_FAILED;
    if (kind != CORE_COMMIT_RANDOM) return p;
    p.tokens_computed = core_random_below(&random, entry->tokens / 2 + 2) * 2;
    p.tokens_generated = core_random_below(&random, 3);
    p.has_output = (uint32_t)core_random_below(&random, 2);
    if (core_random_below(&random, 4) == 0) {
        p.held = event->submit.cost;
        p.held_count = event->submit.cost_count;
    }
    if (core_random_below(&random, 4) == 0)
        p.finish = (uint32_t)core_random_below(&random, BERTH_FINISH_FAILED + 2);
    return p;
}

static const char *commit_one(core_pair *pair, berth_request_id id,
                              const berth__progress *progress) {
    return same_status(pair, berth__core_commit_entry(pair->kit.core, id, progress),
                       core_model_commit_entry(&pair->model, id, progress));
}

static const char *commit_entries(core_pair *pair, const core_event *event) {
    const char *wrong = NULL;
    const uint32_t count = pair->entry_count;
    for (uint32_t i = 0; i < count && wrong == NULL; i++) {
        const berth_plan_entry *entry = &pair->entries[i];
        const berth__progress progress = progress_for(event, entry, i, count - 1);
        uint64_t random = event->seed ^ (i + 1) * UINT64_C(0x1000193);
        const uint64_t fault =
            event->choice == CORE_COMMIT_RANDOM ? core_random_below(&random, 12) : 11;
        if (fault == 0) continue; /* the step was executed in part */
        wrong = commit_one(pair, entry->id, &progress);
        if (fault == 1 && wrong == NULL) wrong = commit_one(pair, entry->id, &progress);
        if (fault == 2 && wrong == NULL) /* an id that is not in the step */
            wrong = commit_one(pair, pair->ids[core_random_below(&random, pair->name_count)],
                               &progress);
        if (fault == 3 && wrong == NULL) { /* a reader that is too slow */
            const uint64_t now = moment(pair, event);
            wrong = same_status(
                pair, berth__core_cancel(pair->kit.core, now, entry->id, BERTH_CANCEL_SLOW_READER),
                core_model_cancel(&pair->model, now, entry->id, BERTH_CANCEL_SLOW_READER));
        }
    }
    return wrong;
}

static const char *apply_commit(core_pair *pair, const core_event *event) {
    const uint64_t now = moment(pair, event);
    const berth_step_id step = pair->step_id + (event->choice == CORE_COMMIT_WRONG_STEP);
    const berth_status a = berth__core_commit_begin(pair->kit.core, now, step);
    const berth_status b = core_model_commit_begin(&pair->model, now, step);
    const char *wrong = same_status(pair, a, b);
    if (wrong != NULL || a != BERTH_OK) return wrong;
    /* Units and tokens beyond the plan are reports. */
    if (event->submit.cost_count > 0 ||
        (core_model_kv_grows(&pair->model) && event->choice == CORE_COMMIT_RANDOM))
        pair->kit.may_overdraw = 1;
    if (event->choice != CORE_COMMIT_NOTHING) wrong = commit_entries(pair, event);
    berth__core_commit_end(pair->kit.core);
    core_model_commit_end(&pair->model);
    return wrong;
}

static const char *apply_worker(core_pair *pair, const core_event *event) {
    const uint64_t now = moment(pair, event);
    const berth_request_id id = id_of(pair, event);
    berth__core *core = pair->kit.core;
    core_model *model = &pair->model;
    if (event->kind == CORE_ADMIT)
        return same_status(pair, (berth_status)berth__core_admit(core, now),
                           (berth_status)core_model_admit(model, now));
    if (event->kind == CORE_EMIT)
        return same_status(pair, berth__core_emit(core, now, id, event->amount),
                           core_model_emit(model, now, id, event->amount));
    if (event->kind == CORE_FINISH)
        return same_status(pair, berth__core_finish(core, now, id, event->choice, event->code),
                           core_model_finish(model, now, id, event->choice, event->code));
    return same_status(pair, berth__core_let_go(core, now, id), core_model_let_go(model, now, id));
}

static const char *apply_recost(core_pair *pair, const core_event *event) {
    const uint64_t now = moment(pair, event);
    const berth_request_id id = id_of(pair, event);
    berth_refusal a;
    berth_refusal b;
    const char *wrong =
        same_status(pair, berth__core_recost(pair->kit.core, now, id, &event->submit, &a),
                    core_model_recost(&pair->model, now, id, &event->submit, &b));
    a.retry_after_ns = a.retry_after_ns != 0;
    return wrong != NULL ? wrong : same_bytes(pair, "refusal", &a, &b, sizeof a);
}

static const char *apply_units(core_pair *pair, const core_event *event) {
    const uint64_t now = moment(pair, event);
    const berth_request_id id = id_of(pair, event);
    const berth__submit *s = &event->submit;
    berth__core *core = pair->kit.core;
    core_model *model = &pair->model;
    if (event->kind == CORE_RECOST) return apply_recost(pair, event);
    pair->kit.may_overdraw = 1;
    if (event->kind == CORE_CHARGE)
        return same_status(pair, berth__core_charge(core, now, id, s->cost, s->cost_count),
                           core_model_charge(model, now, id, s->cost, s->cost_count));
    return same_status(pair, berth__core_capacity_set(core, now, event->resource, event->amount),
                       core_model_capacity_set(model, now, event->resource, event->amount));
}

static const char *apply_quiet(core_pair *pair, const core_event *event) {
    const uint64_t now = moment(pair, event);
    const berth_request_id id = id_of(pair, event);
    berth__core *core = pair->kit.core;
    core_model *model = &pair->model;
    switch ((enum core_event_kind)event->kind) {
    case CORE_CANCEL:
        return same_status(pair, berth__core_cancel(core, now, id, event->choice),
                           core_model_cancel(model, now, id, event->choice));
    case CORE_PREEMPT:
        return same_status(pair, berth__core_preempt(core, now, id),
                           core_model_preempt(model, now, id));
    case CORE_PAUSE:
        return same_status(pair, berth__core_pause(core, now, id, event->choice),
                           core_model_pause(model, now, id, event->choice));
    case CORE_SUSPEND:
        return same_status(pair, berth__core_suspend(core, now, id, event->choice),
                           core_model_suspend(model, now, id, event->choice));
    case CORE_PLAN_FAIL:
        return same_status(pair, berth__core_plan_fail(core, now, pair->step_id),
                           core_model_plan_fail(model, now, pair->step_id));
    case CORE_FORGET:
        return same_status(pair, berth__core_forget(core, id, event->choice),
                           core_model_forget(model, id, event->choice));
    case CORE_EXPIRE: berth__core_expire(core, now), core_model_expire(model, now); break;
    case CORE_CLOSE: berth__core_close(core, now), core_model_close(model, now); break;
    case CORE_SHUTDOWN:
        berth__core_shutdown(core, now, event->choice);
        core_model_shutdown(model, now, event->choice);
        break;
    case CORE_PIN: berth__core_pin(core, id), core_model_pin(model, id, 1); break;
    case CORE_UNPIN: berth__core_unpin(core, id), core_model_pin(model, id, 0); break;
    case CORE_CHUNK:
        berth__core_count_chunk(core, id, event->choice, event->amount);
        core_model_count_chunk(model, id, event->choice, event->amount);
        break;
    case CORE_IDLE:
        berth__core_set_idle(core, (uint32_t)event->amount);
        core_model_set_idle(model, (uint32_t)event->amount);
        break;
    case CORE_SUBMIT:
    case CORE_RECOST:
    case CORE_CHARGE:
    case CORE_CAPACITY:
    case CORE_ADMIT:
    case CORE_EMIT:
    case CORE_FINISH:
    case CORE_LET_GO:
    case CORE_PLAN:
    case CORE_COMMIT: return "not a quiet event";
    }
    return NULL;
}

static const char *dispatch(core_pair *pair, const core_event *event) {
    switch ((enum core_event_kind)event->kind) {
    case CORE_SUBMIT: return apply_submit(pair, event);
    case CORE_PLAN: return apply_plan(pair, event);
    case CORE_COMMIT: return apply_commit(pair, event);
    case CORE_ADMIT:
    case CORE_EMIT:
    case CORE_FINISH:
    case CORE_LET_GO: return apply_worker(pair, event);
    case CORE_RECOST:
    case CORE_CHARGE:
    case CORE_CAPACITY: return apply_units(pair, event);
    case CORE_CANCEL:
    case CORE_PREEMPT:
    case CORE_PAUSE:
    case CORE_SUSPEND:
    case CORE_PLAN_FAIL:
    case CORE_EXPIRE:
    case CORE_CLOSE:
    case CORE_SHUTDOWN:
    case CORE_FORGET:
    case CORE_PIN:
    case CORE_UNPIN:
    case CORE_IDLE:
    case CORE_CHUNK: return apply_quiet(pair, event);
    }
    return "no such event";
}

const char *core_pair_apply(core_pair *pair, const core_event *event) {
    core_kit_clear(&pair->kit);
    pair->model.log.count = 0;
    pair->now += event->elapsed_ns;
    const char *wrong = dispatch(pair, event);
    if (wrong == NULL) wrong = core_kit_law(&pair->kit, 1);
    return wrong != NULL ? wrong : same_sight(pair, event->name);
}

/* ---- Printing ---- */

static void print_cost(FILE *out, const berth__submit *submit) {
    fprintf(out, " cost=[");
    for (uint32_t r = 0; r < submit->cost_count && r < BERTH_RESOURCES_MAX; r++)
        fprintf(out, "%s%" PRIu64, r == 0 ? "" : " ", submit->cost[r]);
    fprintf(out, "]");
}

void core_event_print(FILE *out, const core_event *event) {
    const berth__submit *s = &event->submit;
    fprintf(out, "+%" PRIu64, event->elapsed_ns);
    if (event->back_ns != 0) fprintf(out, "-%" PRIu64, event->back_ns);
    fprintf(out, " %s #%u", kind_names[event->kind], (unsigned)event->name);
    if (event->kind == CORE_SUBMIT)
        fprintf(out, " band=%u size=%" PRIu64 " queue=%" PRIu64 " first=%" PRIu64 " total=%" PRIu64,
                (unsigned)s->terms.band, s->terms.payload_size, s->terms.queue_ns,
                s->terms.first_output_ns, s->terms.total_ns);
    if (event->kind == CORE_SUBMIT || event->kind == CORE_RECOST)
        fprintf(out, " prompt=%" PRIu64 " new=%" PRIu64 " samples=%u", s->terms.prompt_tokens,
                s->terms.max_new_tokens, (unsigned)s->samples);
    if (s->cost_count > 0) print_cost(out, s);
    fprintf(out, " resource=%u amount=%" PRIu64 " choice=%u code=%d seed=0x%" PRIx64 "\n",
            (unsigned)event->resource, event->amount, (unsigned)event->choice, (int)event->code,
            event->seed);
}

/* ---- Saving ---- */

size_t core_pair_state_size(const core_pair *pair) {
    return sizeof *pair + core_kit_state_size(&pair->kit) + core_model_state_size(&pair->model) +
           2 * (size_t)pair->kit.options.running_max * sizeof *pair->entries;
}

void core_pair_save(const core_pair *pair, void *state) {
    unsigned char *to = state;
    memcpy(to, pair, sizeof *pair);
    to += sizeof *pair;
    core_kit_save(&pair->kit, to);
    to += core_kit_state_size(&pair->kit);
    core_model_save(&pair->model, to);
    to += core_model_state_size(&pair->model);
    memcpy(to, pair->entries, 2 * (size_t)pair->kit.options.running_max * sizeof *pair->entries);
}

void core_pair_restore(core_pair *pair, const void *state) {
    const unsigned char *from = state;
    const core_kit kit = pair->kit;
    const core_model model = pair->model;
    memcpy(pair, from, sizeof *pair);
    from += sizeof *pair;
    pair->kit.log = kit.log;
    pair->model.log = model.log;
    core_kit_restore(&pair->kit, from);
    from += core_kit_state_size(&pair->kit);
    core_model_restore(&pair->model, from);
    from += core_model_state_size(&pair->model);
    memcpy(pair->entries, from, 2 * (size_t)pair->kit.options.running_max * sizeof *pair->entries);
}
