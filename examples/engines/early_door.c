/* SPDX-License-Identifier: MIT */
/*
 * Under more load than the engine can do, the most that a server can give is an early answer. Start
 * here for tickets, refusal by predicted wait, CoDel, and the Retry-After that goes with them.
 *
 * Clients come twice as often as the engine can serve them and want their first token within two
 * seconds. Before a prompt is tokenised, berth_reserve says whether it can be in time; who cannot
 * is told at once when to come again. On a virtual clock, so that it takes no time to watch.
 */
#include <berth.h>
#include <stdio.h>

#define SECOND UINT64_C(1000000000)
#define STEP_NS (SECOND / 10)
#define RUNNING_MAX 4u
#define TOKENS 20u /* that each generates, one a step: two requests end a second */
#define STEPS 600u /* one minute */

static berth_pool *make_pool(void) {
    berth_pool *pool;
    berth_options options;
    berth_options_init(&options, sizeof options);
    options.clock = BERTH_CLOCK_VIRTUAL;
    options.running_max = RUNNING_MAX;
    options.wait_ppm = 800000; /* predicted to wait at most 0.8 of the time it has */
    options.bands[BERTH_BAND_NORMAL - 1].codel_target_ns = SECOND / 5;
    options.bands[BERTH_BAND_NORMAL - 1].codel_interval_ns = 2 * SECOND;
    return berth_pool_create(&options, NULL, &pool) == BERTH_OK ? pool : NULL;
}

/* One client. 1 if it was let in; the first refusals are printed. */
static uint32_t serve(berth_pool *pool, uint32_t *refused) {
    berth_ticket_id ticket;
    berth_request_id id;
    berth_refusal refusal = {.struct_size = sizeof refusal};
    berth_request request = {.struct_size = sizeof request,
                             .max_new_tokens = TOKENS,
                             .mailbox_mode = BERTH_MAILBOX_OUTCOME,
                             .first_output_ns = 2 * SECOND};
    if (berth_reserve(pool, &request, 1, &ticket, &refusal) != BERTH_OK) {
        if (++*refused <= 3)
            printf("refused (%s): would wait %.1f s, retry after %.1f s\n",
                   berth_refusal_name(refusal.reason), (double)refusal.asked / 1e9,
                   (double)refusal.retry_after_ns / 1e9);
        return 0;
    }
    /* The prompt is tokenised here, with room in the queue kept; then its length is known. */
    request.prompt_tokens = 100;
    request.ticket = ticket;
    return berth_submit(pool, &request, &id, NULL) == BERTH_OK;
}

static int step(berth_pool *pool) {
    berth_plan_entry entries[2 * RUNNING_MAX];
    berth_result results[2 * RUNNING_MAX];
    berth_plan plan = {
        .struct_size = sizeof plan, .entries = entries, .entry_max = 2 * RUNNING_MAX};
    uint32_t count = 0;
    uint64_t now;
    if (berth_plan_next(pool, &plan) != BERTH_OK) return 0;
    for (uint32_t i = plan.leave_count; i < plan.entry_count; i++)
        results[count++] = (berth_result){.id = entries[i].id,
                                          .tokens_computed = entries[i].tokens,
                                          .tokens_generated = 1,
                                          .finish = entries[i].tokens_generated + 1 == TOKENS
                                                        ? (uint32_t)BERTH_FINISH_LENGTH
                                                        : (uint32_t)BERTH_FINISH_NONE};
    /* The engine computes: the clock moves on. */
    if (berth_clock_now(pool, &now) != BERTH_OK) return 0;
    if (berth_clock_advance(pool, now + STEP_NS) != BERTH_OK) return 0;
    return plan.step_id == 0 || berth_commit(pool, plan.step_id, results, count) == BERTH_OK;
}

int main(void) {
    berth_pool *pool = make_pool();
    berth_stats stats = {.struct_size = sizeof stats};
    uint32_t accepted = 0;
    uint32_t refused = 0;
    if (pool == NULL) return 1;
    for (uint32_t i = 0; i < STEPS; i++) {
        if (i % 10 % 3 == 0) accepted += serve(pool, &refused); /* four a second */
        if (!step(pool)) return 1;
    }
    if (berth_stats_read(pool, &stats) != BERTH_OK) return 1;
    printf("%u let in, %u told at once to come later; %llu completed, %llu dropped for the wait of "
           "all, %llu too late\n",
           accepted, refused, (unsigned long long)stats.outcome_total[BERTH_OUTCOME_COMPLETED],
           (unsigned long long)stats.codel_dropped_total,
           (unsigned long long)stats.outcome_total[BERTH_OUTCOME_EXPIRED]);
    return berth_pool_destroy(pool) == BERTH_OK && refused > 0 &&
                   stats.outcome_total[BERTH_OUTCOME_COMPLETED] > 90
               ? 0
               : 1;
}
