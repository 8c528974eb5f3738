/* SPDX-License-Identifier: MIT */
/*
 * What:    the scheduler: a pure state machine over its options and timestamped events.
 * Why:     production, replay, simulator and exhaustive tests drive this one core by this door.
 * Rules:   no threads, clock, I/O, floats or allocation; each call is one event; a call that
 *          returns an error has changed nothing. What it decides it tells to its sink, in order.
 * Threads: none of its own; the caller serialises (the runtime by the pool lock).
 */
#ifndef BERTH__CORE_CORE_H
#define BERTH__CORE_CORE_H

#include "berth.h"

typedef struct berth__core berth__core;

/* Where a request is in its life. ENDED keeps the outcome until it is taken or dropped. */
enum berth__state {
    BERTH__FREE = 0,
    BERTH__PARKED = 1,
    BERTH__RUNNING = 2,
    BERTH__STOPPING = 3,
    BERTH__ENDED = 4,
    BERTH__LENT = 5 /* its id was given away, its submit has not come: see lend.h */
};

/*
 * What the core tells its sink. The sink may look at the core (berth__core_view), where the outcome
 * is there already; it makes no event and sets no pin, but may count output and chunks. At OUTCOME
 * of a parked request the view still says parked; GONE comes before ENDED where an outcome is taken
 * while stopping. A pin comes with the submit (terms), or right after it.
 */
enum berth__transition {
    BERTH__T_ADMITTED = 1,  /* parked -> running */
    BERTH__T_OUTCOME = 2,   /* the outcome is fixed: readable from now on, exactly once */
    BERTH__T_ENDED = 3,     /* units and payload are let go, exactly once, after T_OUTCOME */
    BERTH__T_GONE = 4,      /* the outcome was taken or dropped: the id is stale from now on */
    BERTH__T_PREEMPTED = 5, /* running -> parked, to be admitted again */
    BERTH__T_UNADMITTED = 6 /* the same, and it had not begun: the admission does not count */
};

typedef void berth__sink(void *context, uint32_t transition, berth_request_id id);

/* What every request has beside its cost, with every default applied by the caller. Deadlines are
 * durations; 0 = none. */
typedef struct berth__terms {
    uint64_t payload_size;
    uint64_t prompt_tokens;
    uint64_t max_new_tokens;
    uint64_t queue_ns;
    uint64_t first_output_ns;
    uint64_t total_ns;
    uint64_t tenant;
    uint32_t band;   /* 1..band_count */
    uint32_t pinned; /* as by berth__core_pin */
} berth__terms;

/* A submit. */
typedef struct berth__submit {
    berth__terms terms;
    uint64_t cost[BERTH_RESOURCES_MAX];
    uint64_t rank;
    uint32_t cost_count;
    uint32_t samples;                     /* 0 = 1 */
    const berth_block_hash *block_hashes; /* read during the event only */
    uint32_t block_hash_count;
    uint32_t count; /* reserve: how many such requests */
    uint64_t set;   /* 0 = none */
    uint64_t set_units;
    uint64_t run_ns;      /* upper bound of the time it runs; 0 = not known */
    uint32_t refused_for; /* berth_refusal_reason of the caller's own, where no other comes first */
    uint32_t reserved;
    uint64_t refused_limit;
    uint64_t refused_asked;
    berth_ticket_id ticket; /* 0 = none */
} berth__submit;

/* What can be seen of one request. */
typedef struct berth__view {
    berth_request_id id;
    uint32_t state; /* berth__state */
    uint32_t slot;  /* while running or stopping, and on an engine until told to leave */
    uint32_t in_step;
    uint32_t gone; /* outcome taken or dropped; only the engine or worker still knows the id */
    uint64_t payload_size;
    uint64_t units[BERTH_RESOURCES_MAX]; /* asked for (parked) or held (running, stopping) */
    berth_outcome outcome;               /* kind NONE until fixed; counters always current */
    uint64_t max_new_tokens;
    uint32_t samples;
    uint32_t reserved;
} berth__view;

/* What a worker is told of a request. */
typedef struct berth__brief {
    uint32_t slot;
    uint32_t band;
    uint64_t payload_size;
    uint64_t prompt_tokens;
    uint64_t max_new_tokens;
    uint32_t first_output_decides; /* it has a deadline, and none was counted yet */
    uint32_t reserved;
} berth__brief;

/* One thing that happened to a request in a step. */
typedef struct berth__progress {
    uint64_t tokens_computed;
    uint64_t tokens_generated;
    uint32_t has_output; /* meets the first-output deadline */
    uint32_t finish;     /* berth_finish_kind, or NONE */
    int32_t code;
    uint32_t held_count;
    const uint64_t *held;   /* as for berth__core_charge; NULL = as before */
    uint64_t prefix_tokens; /* that the engine found in its own cache */
} berth__progress;

/* Chunks that were delivered, said together. */
typedef struct berth__emitted {
    uint64_t chunks;
    uint64_t tokens;
    uint64_t size;
    uint64_t first_at_ns; /* when the first of them came, where it is the request's first */
} berth__emitted;

/*
 * Memory that a core of these options needs, in bytes; 0 if it would not fit in size_t.
 * `options` is normalised (berth__options_normalise): no field means "default" any more.
 */
size_t berth__core_size(const berth_options *options);

/* What the owner of a core keeps of each request has room in the core's own table, so that all that
 * is known of one is on one page: so many bytes of a place, zero until the owner writes them, from
 * one place to the next PLACE_SIZE apart. The core never looks at them. */
#define BERTH__BESIDE_SIZE 72u
#define BERTH__PLACE_SIZE 192u

/* Make a core in `memory` (zeroed by the caller, core_size bytes, aligned for any type, and better
 * to a cache line). */
berth__core *berth__core_init(void *memory, const berth_options *options, berth__sink *sink,
                              void *sink_context);

/* The owner's bytes of place 0, aligned for any word. */
void *berth__core_beside(berth__core *core);

/* ---- Events. `now` never goes back; an earlier one counts as the latest seen. ---- */

berth_status berth__core_submit(berth__core *core, uint64_t now, const berth__submit *submit,
                                berth_request_id *out, berth_refusal *refusal);
/* The same of a request that has its terms and a cost in every resource, and asks for nothing else.
 * EAGAIN, and nothing changed: berth__core_submit is to say what is wrong, or does what else there
 * is to be done. */
berth_status berth__core_submit_terms(berth__core *core, uint64_t now, const berth__terms *terms,
                                      const uint64_t *cost, berth_request_id *out);
/* A ticket for submit->count requests. A refused one is in no counter of submits. */
berth_status berth__core_reserve(berth__core *core, uint64_t now, const berth__submit *submit,
                                 berth_ticket_id *out, berth_refusal *refusal);
berth_status berth__core_ticket_cancel(berth__core *core, uint64_t now, berth_ticket_id ticket);

/* Only tokens and cost of `known` are used; cost_count 0 keeps the cost that was named. */
berth_status berth__core_recost(berth__core *core, uint64_t now, berth_request_id id,
                                const berth__submit *known, berth_refusal *refusal);
berth_status berth__core_charge(berth__core *core, uint64_t now, berth_request_id id,
                                const uint64_t *held, uint32_t held_count);
berth_status berth__core_capacity_set(berth__core *core, uint64_t now, uint32_t resource,
                                      uint64_t capacity_units);
berth_status berth__core_cancel(berth__core *core, uint64_t now, berth_request_id id,
                                uint32_t cause);

/* End every request whose deadline is at or before `now`, by deadline, then by arrival. */
void berth__core_expire(berth__core *core, uint64_t now);

/* When the next deadline is due; UINT64_MAX if none is. No event: it tidies and decides nothing. */
uint64_t berth__core_next_at(berth__core *core);

/* The same up to `until`; else a moment after `until` before which none is due. */
uint64_t berth__core_next_within(berth__core *core, uint64_t until);

/* A moment before which no deadline is due. It may be that of one which was put off or given up:
 * asking costs nothing. */
uint64_t berth__core_not_before(const berth__core *core);

/* Options of its own for a tenant; NULL = the pool's again. EINVAL malformed, or there are no
 * tenants; EREFUSED where the table is full of those that have work or options. */
berth_status berth__core_tenant_set(berth__core *core, uint64_t now, uint64_t tenant,
                                    const berth_tenant_options *options);

void berth__core_close(berth__core *core, uint64_t now);

/* End everything parked as SHUTDOWN; with `running` also what runs outside any step. */
void berth__core_shutdown(berth__core *core, uint64_t now, uint32_t running);

/* Worker and gate: admit what fits (T_ADMITTED per request). Submit, recost, finish, let_go,
 * cancel, charge, expire and capacity_set do not admit by themselves: the runtime calls this. */
uint32_t berth__core_admit(berth__core *core, uint64_t now);

/* How many more may be admitted until this is said again; UINT32_MAX is no bound. Worker: whoever
 * is admitted with no worker to take it would wait in no order and past its queue deadline, so the
 * runtime says how many workers are free before it submits or admits. Engine: the runtime says how
 * many rings there are, while they are short. */
void berth__core_set_idle(berth__core *core, uint32_t idle_count);

/* Worker and gate: output was emitted. EAGAIN parked, EENDED once an outcome is fixed (the caller
 * then counts the chunk as dropped). */
berth_status berth__core_emit(berth__core *core, uint64_t now, berth_request_id id,
                              uint64_t tokens);

/* Fix the outcome of a running request: it is stopping until let go. EENDED if fixed before. */
berth_status berth__core_finish(berth__core *core, uint64_t now, berth_request_id id,
                                uint32_t finish, int32_t code);

/* Worker: both at once, for a request that was running or stopping: finish, unless an outcome is
 * fixed, and let go. EENDED if it was neither. */
berth_status berth__core_complete(berth__core *core, uint64_t now, berth_request_id id,
                                  uint32_t finish, int32_t code);

/* Worker and gate: the engine or worker lets go of a stopping request: its units are free. */
berth_status berth__core_let_go(berth__core *core, uint64_t now, berth_request_id id);

/* Engine: a running request that no step contains gives up what it holds and is parked again, at
 * its old place in line; its tokens are to be computed anew. EAGAIN parked, EENDED once an outcome
 * is fixed, EBUSY in a step, EFACE on the other faces. One that could never be admitted again,
 * because a capacity has shrunk, ends as EVICTED instead. */
berth_status berth__core_preempt(berth__core *core, uint64_t now, berth_request_id id);

/* Worker: one that was admitted and not begun is parked again at its old place in line, as if it
 * had not been admitted: its queue deadline holds again, and no counter shows it. It is told as
 * T_UNADMITTED. EAGAIN parked, EENDED once an outcome is fixed, EFACE on the other faces. */
berth_status berth__core_unadmit(berth__core *core, uint64_t now, berth_request_id id);

/* Engine: leave a parked or running request out, of admission and of plans, or (0) no longer. What
 * it holds, its place in line and its deadlines stay. EENDED once an outcome is fixed. */
berth_status berth__core_suspend(berth__core *core, uint64_t now, berth_request_id id,
                                 uint32_t suspended);

/* Engine: the oldest outstanding step did nothing, for want of KV, and so did all after it: one of
 * those who run gives way, and the next plan admits nobody. The last one ends as EVICTED. */
berth_status berth__core_plan_fail(berth__core *core, uint64_t now, berth_step_id step_id);

/* Engine: is there anything that a plan would hold? 0 says that there is not. 1 does not promise it
 * while steps are outstanding: all may have to wait for them. Nor does it where somebody is parked,
 * all who run are held up, and kv_mode looks at who runs (ratio, future_peak, predicted): only a
 * plan looks at them anew, and then says whether one more goes in. */
uint32_t berth__core_has_plan(const berth__core *core);

/* Engine: leave, admit, list. Same contract as berth_plan_next. */
berth_status berth__core_plan(berth__core *core, uint64_t now, berth_plan *plan);

/*
 * Engine: a commit is begin, one entry per result, end. `entry` returns OK, EENDED (stopping:
 * dropped), ESTALE (not in the step), EINVAL (twice, or a bad finish or held_count), EOVERFLOW.
 */
berth_status berth__core_commit_begin(berth__core *core, uint64_t now, berth_step_id step_id);
berth_status berth__core_commit_entry(berth__core *core, berth_request_id id,
                                      const berth__progress *progress);
void berth__core_commit_end(berth__core *core);

/* The same as `entry` with a result that says tokens and nothing else. It names the place of an id
 * that was accepted and whose place nobody else has got since. */
berth_status berth__core_commit_tokens(berth__core *core, uint32_t place, uint64_t computed,
                                       uint64_t generated, uint32_t has_output);

/* Engine: 1 if the step that is to be committed next contains it, and no result of it was seen. */
uint32_t berth__core_awaits(const berth__core *core, berth_request_id id);

/* How a request waits for its reader. */
enum berth__pause {
    BERTH__PAUSE_NONE = 0,   /* it does not */
    BERTH__PAUSE_HOLD = 1,   /* it keeps what it holds */
    BERTH__PAUSE_GIVE_UP = 2 /* it is preempted, at the latest when its last step ends */
};

/* Engine: the reader of a running request is far behind: leave it out of plans, and out of
 * admission, until he has caught up (NONE), or until pause_ns_max have passed, when it ends. Saying
 * it twice changes nothing. EAGAIN parked for another reason, EENDED once an outcome is fixed. */
berth_status berth__core_pause(berth__core *core, uint64_t now, berth_request_id id, uint32_t how);
/* Engine: the prefix index. `tell` names an eviction (0 if there is none to name); `lost` hears of
 * one, and says whether the block was known, resident and held by nobody. */
uint32_t berth__core_prefix_tell(berth__core *core, berth_block_hash *out);
uint32_t berth__core_prefix_lost(berth__core *core, const berth_block_hash *hash);

/* The outcome was taken (or, with `dropped`, given up): the id is stale for users from now on.
 * EAGAIN while no outcome is fixed. */
berth_status berth__core_forget(berth__core *core, berth_request_id id, uint32_t dropped);

/* The place of an ended request is not reused while it is pinned (its payload is still to be
 * released). Pins do not decide anything else. */
void berth__core_pin(berth__core *core, berth_request_id id);
void berth__core_unpin(berth__core *core, berth_request_id id);

/* Worker and gate: what a request has put out since it was last said, where it runs, and has put
 * something out before or has no deadline for that. Counters, and the moment of the first output:
 * it is said when they are looked at, not when it happens. */
void berth__core_count_output(berth__core *core, berth_request_id id,
                              const berth__emitted *emitted);

/* 1 where tokens decide who is admitted: berth__core_emit is to say each chunk then. */
uint32_t berth__core_output_decides(const berth__core *core);

/* A chunk was delivered (`delivered` 1) or dropped (0), of `size` bytes. Counters only. */
void berth__core_count_chunk(berth__core *core, berth_request_id id, uint32_t delivered,
                             uint64_t size);

/* The same of so many that were delivered, `size` bytes together. */
void berth__core_count_chunks(berth__core *core, uint64_t count, uint64_t size);

/* ---- Looking. ESTALE for an id that names nothing; `gone` ones are still visible here. ---- */

berth_status berth__core_view(const berth__core *core, berth_request_id id, berth__view *out);
berth_status berth__core_outcome(const berth__core *core, berth_request_id id, berth_outcome *out);
void berth__core_brief(const berth__core *core, berth_request_id id, berth__brief *out);

/* Of one that is pinned or has not ended. */
uint64_t berth__core_payload_size(const berth__core *core, berth_request_id id);

void berth__core_stats(const berth__core *core, berth_stats *out);

/* EINVAL where there are no tenants; one that is not known is all zero. */
berth_status berth__core_tenant_stats(const berth__core *core, uint64_t tenant,
                                      berth_tenant_stats *out);

/* Hints, which change nothing: the caller is about to look at this place, which is in the table, or
 * only at as much of it as its end takes while parked; those that admission will look at next,
 * up to `max`, and how many they are. Lines that another processor wrote last arrive together then,
 * instead of one after the other. */
void berth__core_expect(const berth__core *core, uint32_t place);
void berth__core_expect_end(const berth__core *core, uint32_t place);
uint32_t berth__core_expect_next(const berth__core *core, uint32_t *places, uint32_t max);

/* Under the lock: these places are about to be ended one after the other, up to
 * BERTH__EXPECT_MAX of them, wherever they lie in a table that is in no cache. */
#define BERTH__EXPECT_MAX 32u
void berth__core_expect_ends(const berth__core *core, const uint32_t *places, uint32_t count);

/* Is the table so large that this is worth it? */
uint32_t berth__core_is_large(const berth__core *core);

/* Oldest ended request that is still retained; 0 if none. `after` = 0 or a retained ended id. */
berth_request_id berth__core_oldest_ended(const berth__core *core, berth_request_id after);

/* 0, or the line of the first invariant that does not hold. O(requests): tests and debug. */
uint32_t berth__core_check(const berth__core *core);

/* 1 once an invariant failed on the hot path; every event is BERTH_EBROKEN from then on. */
uint32_t berth__core_broken(const berth__core *core);

/*
 * Give up: everything without an outcome ends as INTERNAL, everything held is let go, so that
 * nobody waits for ever. Walks the table, not the lists, which may be what broke. Idempotent.
 */
void berth__core_fail(berth__core *core);

#endif
