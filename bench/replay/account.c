/* SPDX-License-Identifier: MIT */
#include "account.h"

static void log_entry(replay_account *account, enum replay_decision kind,
                      const berth_plan_entry *entry, berth_step_id step_id) {
    replay_decision_entry decision = {.kind = kind, .at_ns = account->host->now_ns};
    const replay_row *row = entry->payload;
    decision.what[0] = kind == REPLAY_DECISION_LEAVE ? entry->id : row->index;
    decision.what[1] = entry->slot;
    decision.what[2] = kind == REPLAY_DECISION_LEAVE ? entry->flags : step_id;
    replay_decisions_add(account->host->decisions, &decision);
}

/* The row runs (1) or no longer does (-1). */
static void run(replay_account *account, int by) {
    account->running += by > 0 ? 1 : UINT64_MAX;
    account->held[REPLAY_SEQUENCES] += by > 0 ? 1 : UINT64_MAX;
}

/* What the row holds of the KV cache from now on, what it shares included. */
static void hold(replay_account *account, replay_row *row, uint64_t blocks) {
    const uint64_t own = blocks - row->shared;
    account->held[REPLAY_KV_BLOCKS] += own - row->held;
    row->held = own;
}

/* It holds nothing any more, and no step contains it. */
static void gone(replay_account *account, replay_row *row) {
    run(account, -1);
    replay_prefix_let_go(&account->host->prefix, row);
    hold(account, row, 0);
}

/* Blocks that a row holds with so many tokens in the cache; room for its prefill is there at once.
 */
static uint64_t blocks_of(const replay_account *account, const replay_row *row, uint64_t tokens) {
    uint64_t cost[REPLAY_RESOURCES];
    const uint64_t all = tokens > row->prefill ? tokens : row->prefill;
    if (replay_policy_grows(&account->host->settings->policy))
        return all == 0 ? 1 : (all + REPLAY_BLOCK_TOKENS - 1) / REPLAY_BLOCK_TOKENS;
    replay_row_cost(row, cost);
    return cost[REPLAY_KV_BLOCKS];
}

/* What the pool credits it with is in the cache, and all that is. */
static int begin_prefix(replay_account *account, const berth_plan_entry *entry) {
    replay_prefix *prefix = &account->host->prefix;
    replay_row *row = entry->payload;
    const uint64_t there = prefix->block_count > 0 ? replay_prefix_hit_tokens(prefix, row) : 0;
    if (entry->prefix_tokens != there)
        return replay_broken("row %u: %llu tokens are said to be cached, %llu are",
                             (unsigned)row->index + 1, (unsigned long long)entry->prefix_tokens,
                             (unsigned long long)there);
    if (prefix->block_count > 0) replay_prefix_hold(prefix, row);
    row->computed = row->ahead = there;
    return 0;
}

static int begin_run(replay_account *account, const berth_plan_entry *entry,
                     berth_step_id step_id) {
    replay_row *row = entry->payload;
    replay_fairness *fairness = &account->host->fairness;
    run(account, 1);
    row->prefill = row->prompt_tokens + row->generated;
    row->parked = 0;
    replay_fairness_parked(fairness, row->tenant_rank, -1);
    log_entry(account, REPLAY_DECISION_ADMITTED, entry, step_id);
    if (begin_prefix(account, entry) != 0) return -1;
    if (entry->flags & BERTH_ENTRY_RESUMED) return 0;
    row->admitted_at_ns = account->host->now_ns;
    replay_fairness_served(fairness, row->tenant_rank, row->prompt_tokens - row->computed, 0);
    return 0;
}

int replay_account_leave(replay_account *account, const berth_plan_entry *entry) {
    replay_row *row = replay_host_row(account->host, entry->id);
    if (row == NULL) return replay_broken("who leaves was never there");
    log_entry(account, REPLAY_DECISION_LEAVE, entry, 0);
    gone(account, row);
    if ((entry->flags & BERTH_ENTRY_PREEMPTED) == 0) return 0;
    row->parked = 1;
    row->preempted++;
    account->host->left_early++;
    replay_fairness_parked(&account->host->fairness, row->tenant_rank, 1);
    return 0;
}

int replay_account_plan(replay_account *account, const berth_plan_entry *entry,
                        berth_step_id step_id) {
    replay_row *row = entry->payload;
    if (entry->flags & BERTH_ENTRY_ADMITTED && begin_run(account, entry, step_id) != 0) return -1;
    if (entry->tokens_computed != row->ahead || entry->tokens_generated != row->generated)
        return replay_broken("row %u: the plan has other tokens than were committed or planned",
                             (unsigned)row->index + 1);
    row->ahead += entry->tokens;
    row->steps++;
    hold(account, row, blocks_of(account, row, row->ahead));
    return 0;
}

int replay_account_forget(replay_account *account) {
    berth_block_hash names[64];
    uint32_t count = 0;
    berth_status status;
    if (account->host->prefix.block_count == 0) return 0;
    while ((status = berth_prefix_evictions(account->host->pool, names, 64, &count)) == BERTH_OK)
        for (uint32_t i = 0; i < count; i++)
            if (replay_prefix_give_up(&account->host->prefix, &names[i]) != 0)
                return replay_broken("block %llu is given up, but is held or not there",
                                     (unsigned long long)names[i].low);
    return status == BERTH_EAGAIN ? 0 : replay_broken("%s", berth_status_message(status));
}

/* It has finished; what it holds is let go by the last step that contains it. */
static void finish(replay_account *account, replay_row *row) {
    row->finished = 1;
    if (row->steps == 0) gone(account, row);
}

int replay_account_settle(replay_account *account, const berth_result *result, replay_row *row) {
    replay_host *host = account->host;
    row->steps--;
    if (result->status == BERTH_EENDED) { /* it came too late; else the next plan says LEAVE */
        if (row->finished) finish(account, row);
        return 0;
    }
    if (result->status != BERTH_OK)
        return replay_broken("commit of row %u: %s", (unsigned)row->index + 1,
                             berth_status_message(result->status));
    if (result->tokens_generated > 0) {
        if (row->generated == 0) row->first_at_ns = host->now_ns;
        row->last_at_ns = host->now_ns;
    }
    row->computed += result->tokens_computed;
    if (replay_prefix_progress(&host->prefix, row) != 0)
        return replay_broken("row %u: computed what another one had computed meanwhile",
                             (unsigned)row->index + 1);
    row->generated += result->tokens_generated;
    replay_fairness_served(&host->fairness, row->tenant_rank, 0, result->tokens_generated);
    hold(account, row, blocks_of(account, row, row->ahead));
    if (result->finish != BERTH_FINISH_NONE) finish(account, row);
    return 0;
}

int replay_account_check(const replay_account *account) {
    if (replay_host_check(account->host) != 0) return -1;
    for (uint32_t r = 0; r < REPLAY_RESOURCES; r++) {
        const uint64_t held =
            account->held[r] + (r == REPLAY_KV_BLOCKS ? account->host->prefix.held : 0);
        if (held != account->host->used[r])
            return replay_broken("the plan holds %llu of resource %u, the pool says %llu",
                                 (unsigned long long)held, (unsigned)r,
                                 (unsigned long long)account->host->used[r]);
    }
    return 0;
}
