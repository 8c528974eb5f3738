/* SPDX-License-Identifier: MIT */
/**
 * berth.h - an inference scheduler that is linked into an LLM engine.
 *
 * A host hands Berth requests of different urgency and size. Berth decides which run now, which
 * wait and which are refused (with a reason and a time to retry), and carries the output back.
 * This header is the whole interface and its manual; it reads from top to bottom.
 *
 * The first program: an engine's loop, and one request that generates three tokens.
 *
 *     #include <berth.h>
 *     #include <stdio.h>
 *
 *     int main(void) {
 *         berth_pool *pool;
 *         berth_request_id id;
 *         berth_request request = {.struct_size = sizeof request, .max_new_tokens = 3};
 *         berth_plan_entry entry[1];
 *         berth_plan plan = {.struct_size = sizeof plan, .entries = entry, .entry_max = 1};
 *         berth_record record = {.struct_size = sizeof record};
 *         char text[64];
 *         if (berth_pool_create(NULL, NULL, &pool) != BERTH_OK) return 1;
 *         if (berth_submit(pool, &request, &id, NULL) != BERTH_OK) return 1;
 *         while (berth_plan_wait(pool, &plan, 0) == BERTH_OK) {
 *             berth_result result = {.id = id, .tokens_computed = entry[0].tokens,
 *                                    .tokens_generated = 1, .bytes = "token", .bytes_size = 5};
 *             if (entry[0].tokens_generated == 2) result.finish = BERTH_FINISH_LENGTH;
 *             berth_commit(pool, plan.step_id, &result, 1);
 *         }
 *         while (berth_mailbox_read(pool, id, text, sizeof text, 0, &record) == BERTH_OK &&
 *                record.kind == BERTH_RECORD_CHUNK)
 *             printf("%d: %.*s\n", (int)record.sequence, (int)record.size, text);
 *         return berth_pool_destroy(pool) == BERTH_OK ? 0 : 1;
 *     }
 *
 *
 * Words
 *
 *   host, engine  the program that links Berth; the part of it that computes tokens
 *   pool          one scheduler with its resources, queues, mailboxes and worker threads, if any
 *   request       one inference to run; a berth_request_id names it
 *   band          priority class, 1 to 8; a higher number is more urgent
 *   tenant        whose request it is; the unit of fairness and quota; a number of the host's
 *   resource      a named capacity, counted in units (blocks, tokens, bytes, places)
 *   cost          a vector of units, one per resource, that a request asks for or holds
 *   parked        accepted and waiting
 *   running       admitted: it holds its cost
 *   stopping      its outcome is fixed; its units are held until the engine or worker lets go
 *   slot          small dense number of a running request, for the engine's own tables
 *   step, plan    one iteration of the engine; what Berth says should run in it
 *   executor      the table of callbacks that the host fills
 *   mailbox       where a request's chunks and its outcome wait to be read
 *   chunk         one piece of output: bytes and a sequence number
 *   outcome       how a request ended
 *   refusal       why a submit was not accepted, and when to try again
 *   ticket        room in the queue for requests that are still to be submitted
 *   key           128 random bits that let a client who comes back open a mailbox again
 *   owner         who may read a mailbox that has a key; an owner id names it
 *
 *
 * Contracts
 *
 * Every function returns a status: BERTH_OK, or a negative number. A call that fails has changed
 * nothing, and has zeroed its outputs. Three things are kept apart: a status says whether the
 * call worked, a refusal why a request was not accepted, an outcome how it ended.
 *
 * Structs that carry `struct_size` grow: the caller sets it to sizeof its struct; fields are only
 * appended; zero means the default. A larger struct than this version knows is accepted when its
 * unknown tail is zero. Fields named `reserved` must be zero.
 *
 * Moments end in `_at_ns` and are read off the pool's clock (monotonic nanoseconds); durations end
 * in `_ns`. A timeout of 0 does not wait; BERTH_FOREVER waits without limit.
 *
 * The pool lock is held for bounded work only and never across a callback: "never blocks" below
 * means that a call waits for nothing else. A forked child must not touch a pool.
 */
#ifndef BERTH_H
#define BERTH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define BERTH_API
#elif defined(__GNUC__)
#define BERTH_API __attribute__((visibility("default")))
#else
#define BERTH_API
#endif

/* ---- Version ------------------------------------------------------------------------------- */

#define BERTH_VERSION_MAJOR 0
#define BERTH_VERSION_MINOR 1
#define BERTH_VERSION_PATCH 0

/**
 * berth_version() - the version of the library that is linked, as "MAJOR.MINOR.PATCH".
 *
 * Returns:  static
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(1)
 */
BERTH_API const char *berth_version(void);

/* ---- Statuses ------------------------------------------------------------------------------ */

/** Every status: name, number, message. Numbers are pinned and never reused. */
#define BERTH_STATUS_MAP(X)                                                                        \
    X(OK, 0, "success")                                                                            \
    X(EINVAL, -1, "an argument is malformed or out of range")                                      \
    X(EREFUSED, -2, "a limit was met; the refusal says which")                                     \
    X(ECLOSED, -3, "the pool is closed to new work")                                               \
    X(ESTALE, -4, "no request has this id, or its outcome was taken or dropped")                   \
    X(EAGAIN, -5, "nothing there yet")                                                             \
    X(ETIMEDOUT, -6, "the time limit passed first")                                                \
    X(EBUSY, -7, "in use: a call, a worker, a step or a second reader is inside")                  \
    X(EREENTRY, -8, "this call cannot be made from inside a callback")                             \
    X(EFACE, -9, "this call belongs to another face of the pool")                                  \
    X(ESTEP, -10, "no such step is outstanding")                                                   \
    X(ENOMEM, -11, "memory could not be allocated")                                                \
    X(EFULL, -12, "the mailbox has no room for this chunk")                                        \
    X(ESPACE, -13, "the caller's buffer is too small")                                             \
    X(EENDED, -14, "the request has ended; what came later was dropped")                           \
    X(EBROKEN, -15, "an invariant of the pool failed; the pool only closes and destroys")          \
    X(ESYSTEM, -16, "the operating system refused a thread, a lock or a descriptor")               \
    X(ECONFIG, -17, "the configuration is wrong; the error struct says where")                     \
    X(EOVERFLOW, -18, "a sum of units or bytes does not fit in 64 bits")                           \
    X(ETAKEN, -19, "the mailbox belongs to another owner")                                         \
    X(ELOST, -20, "what was asked for is no longer retained; the output says what is")

typedef int32_t berth_status;

enum berth_status_code {
#define BERTH_STATUS_ENUM(name, number, message) BERTH_##name = number,
    BERTH_STATUS_MAP(BERTH_STATUS_ENUM)
#undef BERTH_STATUS_ENUM
    BERTH_STATUS_LAST = -20
};

/**
 * berth_status_name() - the name of a status, such as "BERTH_EINVAL"; "BERTH_UNKNOWN" for others.
 *
 * Returns:  static
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(number of statuses)
 */
BERTH_API const char *berth_status_name(berth_status status);

/**
 * berth_status_message() - one line for people that says what a status means.
 *
 * Returns:  static
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(number of statuses)
 */
BERTH_API const char *berth_status_message(berth_status status);

/* ---- Ids and bounds ------------------------------------------------------------------------ */

/** The pool: the only pointer that Berth hands out. */
typedef struct berth_pool berth_pool;

/** One inference to run; its fields are below, at submit. */
typedef struct berth_request berth_request;

/**
 * Names one request: 24 bits of place in the table, 40 bits of generation above them; never 0.
 * A stale, wrong or repeated id is BERTH_ESTALE, never a crash. Ids are guessable: they stay
 * inside the process.
 */
typedef uint64_t berth_request_id;

/** Names one owner of a mailbox that has a key: laid out as a request's, never equal to one. */
typedef uint64_t berth_owner_id;

/** Names one ticket, as a berth_request_id names a request; never 0. */
typedef uint64_t berth_ticket_id;

/** Names one step of the engine; counts up from 1 within a pool; 0 is no step. */
typedef uint64_t berth_step_id;

#define BERTH_RESOURCES_MAX 8u
#define BERTH_BANDS_MAX 8u
#define BERTH_OUTCOMES_MAX 16u /* kinds of outcome and of refusal that the stats have room for */
#define BERTH_REFUSALS_MAX 32u
#define BERTH_NAME_SIZE 32u
#define BERTH_SAMPLES_MAX 256u
#define BERTH_REQUESTS_MAX 16777215u
#define BERTH_FOREVER UINT64_MAX

/** Bands: higher is more urgent. 0 in a request is the pool's default band. */
enum berth_band {
    BERTH_BAND_DEFAULT = 0,
    BERTH_BAND_LOW = 1,
    BERTH_BAND_NORMAL = 2,
    BERTH_BAND_HIGH = 3,
    BERTH_BAND_CRITICAL = 4
};

/** Faces of a pool: who runs the requests. Fixed at create. */
enum berth_face {
    BERTH_FACE_ENGINE = 0, /* one engine loop: plan, compute, commit */
    BERTH_FACE_WORKER = 1, /* Berth's threads call the executor */
    BERTH_FACE_GATE = 2    /* admission only: the host runs and finishes by itself */
};

/** Clocks of a pool. */
enum berth_clock {
    BERTH_CLOCK_SYSTEM = 0, /* the machine's monotonic clock; a timer thread ends what is due */
    BERTH_CLOCK_VIRTUAL = 1 /* starts at 0, moves only by berth_clock_advance; no threads */
};

/** How much of the KV cache admission reserves, and whom it lets in. */
enum berth_kv_mode {
    BERTH_KV_WORST_CASE = 0, /* prompt and max_new_tokens: who is in never runs out */
    BERTH_KV_OPTIMISTIC = 1, /* the prompt, if the watermark stays free beside it */
    BERTH_KV_RATIO = 2, /* the prompt, if a part of what all may still generate stays free too: a
                           part that falls from step to step and rises with preemptions */
    BERTH_KV_FUTURE_PEAK = 3, /* the prompt, if the most that all will hold at once, going on to
                                 their max_new_tokens, stays below the capacity */
    BERTH_KV_PREDICTED = 4    /* likewise, going on to where outputs of their tenant in their band
                                 have ended, once there were 8; else of their band */
};

/** Who gives way when the KV cache runs out, in the lowest band that runs; ties: the newest. */
enum berth_victim {
    BERTH_VICTIM_NEWEST = 0,         /* who was admitted last */
    BERTH_VICTIM_LEAST_COMPUTED = 1, /* who has generated least; then the longest prompt */
    BERTH_VICTIM_CHEAPEST = 2        /* who has computed least, so that least is computed again */
};

/**
 * What becomes of a stream whose reader is behind. Whatever it is, the producer never waits, and
 * the outcome has a place of its own. A chunk that does not fit at all ends a request on an engine;
 * berth_emit says BERTH_EFULL instead and changes nothing.
 */
enum berth_mailbox_full {
    BERTH_FULL_DEFAULT = 0,  /* the pool's */
    BERTH_FULL_END = 1,      /* nothing, as long as chunks fit */
    BERTH_FULL_COALESCE = 2, /* with half of the ring unread, chunks are appended to the last one:
                                one sequence number, the tokens of all */
    BERTH_FULL_PAUSE = 3,    /* engine face: with half of the ring unread the request, which keeps
                                what it holds, is left out of plans until no more than a quarter is,
                                at most pause_ns_max; its deadlines go on. Then it ends as
                                CANCELLED (slow reader) */
    BERTH_FULL_PREEMPT = 4   /* as pause, but it gives up what it holds: it is preempted when its
                                step is committed, and admitted again once its reader has caught
                                up; others pass it meanwhile */
};

/** Who decides which blocks of prompts stay in the KV cache. */
enum berth_prefix_owner {
    BERTH_PREFIX_POOL = 0,  /* the pool: the engine keeps a block until it is named by
                               berth_prefix_evictions */
    BERTH_PREFIX_ENGINE = 1 /* the engine: it says what it found (berth_result) and what it gave up
                               (berth_prefix_lost), and the pool expects accordingly */
};

/** What happens when the first in line does not fit. */
enum berth_fit {
    BERTH_FIT_STRICT = 0, /* nobody else goes in: no request is starved, some capacity is idle */
    BERTH_FIT_FIRST = 1,  /* the next one of its band that fits goes in */
    BERTH_FIT_EASY = 2    /* the next one that fits and cannot delay it: who ends, at the latest,
                             before it can start, or uses what stays spare beside it */
};

/** From when on a mailbox with a key is retained. While it has an owner it does not expire. */
enum berth_retain {
    BERTH_RETAIN_ACTIVITY = 0, /* its end, or when its last owner left, if that is later */
    BERTH_RETAIN_END = 1       /* its end */
};

/* ---- Options ------------------------------------------------------------------------------- */

/** One resource of a pool. */
typedef struct berth_resource_options {
    char name[BERTH_NAME_SIZE]; /* lower case letters, digits and '_'; ends in NUL; unique */
    uint64_t capacity_units;    /* what all running requests together may hold; 1 or more */
    uint64_t parked_units_max;  /* what all parked requests together may ask for; 0 = no limit */
    uint64_t reserved[8];
} berth_resource_options;

/** Limits and rights of one band. Parts are in millionths (_ppm): 250,000 is a quarter. */
typedef struct berth_band_options {
    uint32_t parked_max;      /* requests parked; 0 = no limit of its own */
    uint32_t bypass;          /* 1 = refused at once (BYPASS), for the host to run by other means */
    uint64_t parked_size_max; /* payload bytes parked; 0 = no limit */
    uint64_t parked_units_max[BERTH_RESOURCES_MAX]; /* cost parked; 0 = no limit */

    /* How full the pool may be for this band to enter: the slots and each resource, with the
     * newcomer, at most this part of the capacity, rounded up. Not below that of the band under
     * it; 0 = 1,000,000, the whole. */
    uint32_t ceiling_ppm;

    /* While somebody of this band is parked and the band uses less than this part of the slots
     * and of each resource, it goes before bands that have their share, whatever their number.
     * Others borrow what it does not ask for. All shares together at most 1,000,000; 0 = none. */
    uint32_t share_ppm;

    /* Who has been parked this long competes in the next higher band from then on, as if it had
     * come there at that moment, and goes no higher. Not with share_ppm, nor in the highest band;
     * 0 = never. */
    uint64_t aging_ns;

    /* CoDel (RFC 8289) on the time spent parked: once everybody who would have been admitted during
     * codel_interval_ns had waited for codel_target_ns or longer, one of them ends as EVICTED
     * (delay) instead, and further ones ever more often until somebody waited less. Never the last
     * of the band's queue, nor one that was preempted. A target of 0 = nobody is dropped; an
     * interval of 0 = ten times the target, an hour at most. */
    uint64_t codel_target_ns;
    uint64_t codel_interval_ns;
    uint64_t reserved[12];
} berth_band_options;

/** What a tenant may do. 0 in a pool's options is no limit, in berth_tenant_set the pool's. */
typedef struct berth_tenant_options {
    uint32_t weight;      /* its part against other tenants', 1 to 10,000; 0 = 1 */
    uint32_t parked_max;  /* requests parked */
    uint32_t running_max; /* requests running or stopping; who exceeds it waits, others pass it.
                             Needs fairness */
    uint32_t rate_burst;  /* requests that may come at once after a pause; 0 = 1 */
    uint64_t rate_ns;     /* one request per so much time in the long run, one hour at most */
    uint64_t units_max[BERTH_RESOURCES_MAX]; /* cost parked and held, by resource */
    uint64_t reserved[8];
} berth_tenant_options;

/** Who goes first of two tenants in one band. */
enum berth_fairness {
    BERTH_FAIRNESS_NONE = 0, /* tenants make no difference */
    BERTH_FAIRNESS_VTC = 1   /* virtual token counters: the one that has had least by its weight */
};

/** Who goes first of two requests of one band, with fairness of one tenant; 4 is experimental. */
enum berth_order {
    BERTH_ORDER_ARRIVAL = 0,  /* who came first */
    BERTH_ORDER_DEADLINE = 1, /* whose first deadline is earliest; those without one last */
    BERTH_ORDER_SHORTEST = 2, /* who is expected to compute fewest tokens */
    BERTH_ORDER_PREFIX = 3    /* who found the longest prefix in the cache when it was submitted, or
                                 given its prompt by recost; needs prefix_blocks_max */
};

/**
 * Options of a pool; all zero is a useful pool. Limits are exact: the pool allocates for them at
 * create and never again.
 */
typedef struct berth_options {
    uint32_t struct_size;
    uint32_t face;  /* berth_face; default: engine */
    uint32_t clock; /* berth_clock; default: system; virtual needs a pool without workers */

    uint32_t running_max; /* requests running or stopping at once, so slots are below it; 0 = 64 */
    uint32_t parked_max;  /* requests parked; 0 = 1,024 */
    uint32_t ended_max;   /* ended requests kept until taken, oldest dropped first; 0 = 256 */
    uint64_t parked_size_max; /* payload bytes parked; 0 = no limit */

    uint32_t band_count;   /* bands 1..band_count exist; 0 = 4, 8 at most */
    uint32_t band_default; /* band of requests that name none; 0 = 2, or 1 where that is all */
    berth_band_options bands[BERTH_BANDS_MAX]; /* bands[0] is band 1 */

    uint32_t resource_count; /* 0 to 8 */
    uint32_t kv_resource;    /* with kv_block_tokens: index of the resource that counts KV blocks */
    berth_resource_options resources[BERTH_RESOURCES_MAX];

    /* KV cost from tokens. With kv_block_tokens > 0 every request asks for
     * ceil((prompt_tokens + max_new_tokens) / kv_block_tokens) blocks of kv_resource, times
     * kv_block_units (with samples, of the prompt's full blocks once, and for each sample of the
     * others); what it names for that resource in its own cost must be 0. kv_mode below may
     * ask for less, and refuses at submit whoever could not get that much alone. */
    uint32_t kv_block_tokens; /* tokens per block; 0 = costs are the request's own */
    uint32_t kv_lengths_max;  /* predicted, with tenants: pairs of tenant and band whose outputs are
                                 remembered by themselves; who completed nothing for longest gives
                                 way. 0 = 1,024 (about 300 KB) */
    uint64_t kv_block_units;  /* units per block (1 to count blocks, bytes to count bytes); 0 = 1 */

    uint32_t mailbox_size;  /* bytes of ring per streaming request, power of two; 0 = 4,096 */
    uint32_t mailboxes_max; /* rings, at least running_max; those above it keep unread output of
                               ended requests; 0 = 2 * running_max */

    uint32_t worker_count;      /* worker face: threads; 0 = 1 there, must be 0 elsewhere */
    uint32_t reserved1;         /* must be 0 */
    uint64_t worker_stack_size; /* bytes per worker thread; 0 = the system's default */

    uint64_t queue_ns_max; /* deadline to leave the queue for requests that set none; 0 = none */
    uint64_t seed;         /* of the jitter in retry_after_ns; any value */

    /* KV that grows, engine face with kv_block_tokens only. In every mode but worst_case a request
     * asks for the blocks of its prompt, and while it runs it holds those of its tokens so far; a
     * plan grants what its step adds, and where that does not fit it preempts one request after
     * the other until it does. parked_units_max counts what is asked. */
    uint32_t kv_mode;             /* berth_kv_mode; default: worst_case */
    uint32_t kv_watermark_ppm;    /* part of the capacity, in millionths, that stays free beside a
                                     newcomer while anything runs; not with worst_case */
    uint32_t victim;              /* berth_victim: who gives way in the lowest band that runs */
    uint32_t preempt_max;         /* who was preempted so often gives way last in its band;
                                     0 = no such limit, 255 at most */
    uint32_t preempt_pause_steps; /* after a plan that preempts nobody is admitted for so many
                                     further plans while anything runs that is not held up (paused
                                     or suspended); 0 = only in that plan */
    uint32_t kv_quantile_ppm;     /* predicted: the part of the outputs, in millionths, that were no
                                     longer than what is reserved; 0 = 900,000 */
    uint32_t kv_ratio_ppm;        /* ratio: its first value, in millionths; 0 = 700,000 */
    uint32_t kv_ratio_floor_ppm;  /* ratio: the part of that where it stops falling; 0 = 140,000 */
    uint32_t kv_ratio_decay_steps; /* ratio: plans without a preemption until then; 0 = 600 */

    /* What one step computes, engine face only. Who generates goes first, with one token and its
     * draft; prefills share the rest by band and then by admission, and nobody is admitted for
     * whom nothing would be left. */
    uint32_t draft_tokens;       /* speculative tokens that a decode may carry beside its own, KV
                                    permitting; 64 at most */
    uint64_t step_tokens;        /* tokens of all together; at least running_max * (1 +
                                    draft_tokens); 0 = no limit */
    uint64_t prefill_tokens_max; /* of one request's prefill in one step; 0 = no limit */

    uint32_t mailbox_full; /* berth_mailbox_full, of requests that name none; 0 = end */
    uint64_t pause_ns_max; /* with pause or preempt: it ends if its reader has not caught up by
                              then; 0 = 10 s */

    uint32_t fairness;    /* berth_fairness; default: none */
    uint32_t tenants_max; /* tenants with a request parked or running, or options of their own;
                             those idle longest give way. 0 = 1,024 with fairness, else tenants
                             are names that decide nothing */
    uint32_t vtc_prompt_weight; /* service that a prompt token counts, 1 to 1,000; 0 = 1 */
    uint32_t vtc_output_weight; /* the same of a generated token; 0 = 2 */

    uint32_t order;               /* berth_order; default: arrival */
    uint32_t order_displaced_max; /* nobody is passed by more than so many who came later, in its
                                     band and, with fairness, of its tenant; 0 = 64 with shortest
                                     and prefix, no bound with the others */
    uint32_t displace;  /* 1 = where a parked limit of the pool is met, the newest parked of the
                           lowest band below the newcomer's ends as EVICTED to make room */
    uint32_t steps_max; /* engine face: plans that may be out before the first of them is committed;
                           4 at most, 0 = 1 */
    berth_tenant_options tenant_defaults; /* of tenants without options of their own */
    /* What requests share. The prefix index (engine face) knows so many blocks of prompts, by the
     * names in block_hashes; it needs kv_block_tokens. A set (an adapter) is counted once in
     * set_resource while any running request has it. */
    uint32_t prefix_blocks_max; /* 0 = prompts share nothing */
    uint32_t prefix_owner;      /* berth_prefix_owner; default: pool */
    uint32_t sets_max;          /* different sets held at once; 0 = there are no sets */
    uint32_t set_resource;      /* index of the resource that counts them */

    /* When the first in line does not fit; not with strict. EASY goes by upper bounds of how long
     * requests run (berth_request.run_ns); on an engine, for those without one, by the tokens they
     * may still compute and the measured time of a step. Behind what has no bound nobody passes.
     * It counts with what each holds now. Where that grows (kv_mode other than worst_case, or
     * berth_charge) who passes may delay the first all the same, and the two limits below are what
     * bounds its wait. */
    uint32_t fit;             /* berth_fit; default: strict */
    uint32_t look_max;        /* how many behind the first are looked at; 0 = 64 */
    uint32_t overtake_max;    /* a first in line that was overtaken so often is not any more; 0 = no
                                 such limit */
    uint32_t wait_ppm; /* refused (DEADLINE) if its predicted time in the queue is more than this
                          part, in millionths, of the least of queue_ns, first_output_ns and
                          total_ns that it has; 0 = nobody is */
    uint64_t overtake_ns_max; /* nor one that was submitted so long ago; 0 = no such limit */

    /* Mailboxes with keys (BERTH_MAILBOX_KEYED); all 0 where there are none. Those that have ended
     * and have no owner make room where a limit is met, in the order in which they came to be so;
     * where none can, the newcomer is refused. */
    uint32_t keys_max;         /* at once, from submit until taken or dropped; 0 = none */
    uint32_t keys_tenant_max;  /* of one tenant; 0 = no limit of its own */
    uint64_t keys_size_max;    /* bytes: mailbox_size for each that streams; 0 = no limit */
    uint64_t keys_grace_ns;    /* without an owner and not ended for so long, it is cancelled
                                  (reader gone); 0 = 30 s, BERTH_FOREVER = never */
    uint64_t keys_retain_ns;   /* retained for so long; 0 = 60 s, BERTH_FOREVER = until taken */
    uint32_t keys_retain_from; /* berth_retain; default: activity */

    uint32_t tickets_max; /* tickets (berth_reserve) that are out at once; 0 = 256 */
    uint64_t ticket_ns;   /* a ticket expires after so long; 0 = 10 s */
} berth_options;

/**
 * berth_options_init() - fill options with the defaults.
 *
 * Defaults that follow from other fields (band_default, mailboxes_max, worker_count,
 * kv_block_units, keys_grace_ns, keys_retain_ns) stay 0; the others are written out.
 *
 * @options      not NULL
 * @struct_size  sizeof the caller's struct
 *
 * Errors:   BERTH_EINVAL  options is NULL, or struct_size is smaller than version 0.1's struct
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(1)
 */
BERTH_API berth_status berth_options_init(berth_options *options, size_t struct_size);

/** Where a configuration is wrong. Text is NUL-terminated. */
typedef struct berth_config_error {
    uint32_t struct_size;
    uint32_t line;   /* from 1; 0 where the error has no place in a text */
    uint32_t column; /* from 1, in bytes */
    uint32_t reserved;
    char path[128];    /* key path, such as "bands[2].parked_max" */
    char message[160]; /* what is wrong, and what was expected */
} berth_config_error;

/**
 * berth_options_check() - say whether a pool can be made of these options, and if not, why.
 *
 * @options  borrowed for the call
 * @error    receives the path and the message; may be NULL
 *
 * Errors:   BERTH_EINVAL   options is NULL or its struct_size cannot be
 *           BERTH_ECONFIG  a field is out of range, or two contradict each other
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(1)
 */
BERTH_API berth_status berth_options_check(const berth_options *options, berth_config_error *error);

/**
 * berth_options_from_json() - set options from a JSON object.
 *
 * Keys are the field names; nested objects are nested structs; `bands` is an array or an object
 * by band name ("low", "normal", "high", "critical"); `face`, `clock` and what else is an enum
 * (`kv_mode`, `mailbox_full`, ...) go by lower-case name; `kv_resource` is a resource's name or
 * index. Only what the text names is changed. Numbers are whole and at most 2^63 - 1. The result
 * has passed berth_options_check().
 *
 * @options    in and out; unchanged when the call fails
 * @text       borrowed for the call; UTF-8, need not end in NUL
 * @text_size  bytes
 * @error      receives line, column, key path and message; may be NULL
 *
 * Errors:   BERTH_EINVAL   a pointer is NULL
 *           BERTH_ECONFIG  syntax, unknown or repeated key, wrong type, out of range, contradiction
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(text_size * depth)
 */
BERTH_API berth_status berth_options_from_json(berth_options *options, const char *text,
                                               size_t text_size, berth_config_error *error);

/* ---- The executor's contract --------------------------------------------------------------- */

/** What a worker is to run: borrowed until the executor's callback returns. */
typedef struct berth_call {
    uint32_t struct_size;
    uint32_t slot; /* below running_max */
    berth_pool *pool;
    berth_request_id id;
    void *payload; /* the request's own */
    uint64_t payload_size;
    uint64_t prompt_tokens;
    uint64_t max_new_tokens;
    uint32_t band;
    uint32_t reserved;
} berth_call;

/** What execute returns. A negative value is BERTH_OUTCOME_FAILED with that value as its code. */
enum berth_execute_result {
    BERTH_EXECUTE_DONE = 0,   /* ended: completed, unless berth_finish was called before */
    BERTH_EXECUTE_PENDING = 1 /* berth_finish will be called, now or later, from any thread */
};

/**
 * Callbacks of the host. No lock is held during any of them. They may call every function whose
 * contract says "from callbacks: yes"; others return BERTH_EREENTRY. All may be NULL except
 * execute on the worker face, which only that face has.
 */
typedef struct berth_executor {
    uint32_t struct_size;
    uint32_t reserved; /* must be 0 */
    void *user_data;   /* first argument of every callback; kept until destroy returns */

    /* Run one request. Worker thread; may block; required on the worker face. A worker whose last
     * requests took microseconds is given up to 32 at a time: their outcomes may come together,
     * and what is more urgent and comes meanwhile goes after them. Where one of them takes longer
     * than that, the others are told, or are parked again, within about 2 ms. Meanwhile submits may
     * take no lock: they count, and their deadlines run, from when a worker is back, or 1 ms later
     * at most. */
    int32_t (*execute)(void *user_data, const berth_call *call);

    /* The request `id` is to stop: its outcome is fixed and what it still emits is dropped. Called
     * at most once per request and only while it is running, from the thread that caused it; must
     * not block. Worker and gate face; an engine learns it from its plan. */
    void (*cancelled)(void *user_data, berth_request_id id, void *payload);

    /* The payload is no longer needed. Exactly once for every accepted request, on every face,
     * never for a refused one; from any thread that is inside a call, or the timer's; must not
     * block. */
    void (*release)(void *user_data, void *payload, uint64_t payload_size);

    /* Units that a request asks for. Called by submit, on its thread, before the request is
     * accepted; writes count units into cost, which holds what the request names. A negative
     * return makes submit return BERTH_EINVAL. Default: the request's own cost. */
    int32_t (*cost)(void *user_data, const berth_request *request, uint64_t *cost,
                    uint32_t count);

    /* Experimental, see the end of this header: the request's rank. Otherwise NULL. */
    uint64_t (*rank)(void *user_data, const berth_request *request);

    /* A mailbox has become ready, and none was: call berth_ready_take, now or later, on any thread.
     * At most once per call that made records, a step's commit among them, and not again until
     * berth_ready_take has named all; from any thread that is inside a call, a worker's or the
     * timer's; must not block. For loops that are woken by a call, such as uv_async_send. */
    void (*ready)(void *user_data);
} berth_executor;

/* ---- Life of a pool ------------------------------------------------------------------------ */

/**
 * berth_pool_create() - make a pool, with all its memory, and start its threads.
 *
 * @options   copied; NULL = defaults
 * @executor  copied, its user_data kept until destroy; NULL = none, where none is required
 * @out       receives the pool; caller frees with berth_pool_destroy
 *
 * Errors:   BERTH_EINVAL   out is NULL, or a struct_size cannot be
 *           BERTH_ECONFIG  options or executor are impossible; berth_options_check says why
 *           BERTH_ENOMEM   memory could not be allocated
 *           BERTH_ESYSTEM  a lock, thread or descriptor could not be made
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   allocates all that the pool will ever use. Where its table of requests takes 32 MiB
 *           or more (from some 130,000 requests parked, running and ended together), Linux is asked
 *           to back it by huge pages: what is touched of it becomes resident 2 MiB at a time, whose
 *           first touch takes as long as clearing them does. Where there are none, nothing differs
 * Cost:     O(requests + rings)
 */
BERTH_API berth_status berth_pool_create(const berth_options *options,
                                         const berth_executor *executor, berth_pool **out);

/**
 * berth_close() - refuse new work from now on; what is accepted goes on.
 *
 * Idempotent. Blocked plan_wait calls return when nothing is left to run.
 *
 * @pool     not NULL
 *
 * Errors:   BERTH_EINVAL  pool is NULL
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(1)
 */
BERTH_API berth_status berth_close(berth_pool *pool);

/**
 * berth_drain() - close, end what is parked with BERTH_OUTCOME_SHUTDOWN, wait for what runs.
 *
 * On time-out the pool stays closed; drain may be called again. On a virtual clock it does not
 * wait: what runs is BERTH_ETIMEDOUT.
 *
 * @pool        not NULL
 * @timeout_ns  0 = do not wait
 *
 * Errors:   BERTH_EINVAL    pool is NULL
 *           BERTH_ETIMEDOUT requests still run
 *           BERTH_EREENTRY  called from a callback
 * Threads:  any; blocks up to timeout_ns; from callbacks: no
 * Memory:   does not allocate
 * Cost:     O(parked)
 */
BERTH_API berth_status berth_drain(berth_pool *pool, uint64_t timeout_ns);

/**
 * berth_pool_destroy() - end everything and free the pool.
 *
 * What is parked, and what runs on an engine between two steps, ends with BERTH_OUTCOME_SHUTDOWN.
 * While somebody else still owes the pool a return, destroy changes nothing and says BERTH_EBUSY:
 * a call that waits, a worker inside execute, a request that is pending or admitted through a
 * gate, an outstanding step. Cancel, drain or finish those first.
 *
 * @pool     NULL is allowed and does nothing; taken when BERTH_OK
 *
 * Errors:   BERTH_EBUSY     see above; nothing was changed
 *           BERTH_EREENTRY  called from a callback
 * Threads:  one at a time per pool; blocks until idle workers have left; from callbacks: no
 * Memory:   frees all of the pool
 * Cost:     O(requests)
 */
BERTH_API berth_status berth_pool_destroy(berth_pool *pool);

/* ---- Names of prompt blocks ---------------------------------------------------------------- */

/** The name of one block of a prompt: 128 bits that stand for all tokens up to its end. */
typedef struct berth_block_hash {
    uint64_t low;
    uint64_t high;
} berth_block_hash;

/** What the blocks of a prompt depend on beside its tokens. */
typedef struct berth_block_key {
    uint32_t struct_size;
    uint32_t block_tokens; /* tokens per block, 1 or more */
    uint64_t adapter;      /* fine-tuned weights in use; 0 = none */
    const void *salt;      /* anything else: images, a tenant that shares nothing; may be NULL */
    uint64_t salt_size;    /* bytes */
} berth_block_key;

/**
 * berth_block_hashes() - name the full blocks of a prompt, for berth_request's block_hashes.
 *
 * XXH3-128 of the parent's name and the block's tokens, chained; the parent of the first block is
 * the hash of adapter and salt. Numbers are hashed as little-endian bytes: the names are the same
 * on every machine, and change with a major version of Berth only. Not a defence against tenants
 * who can compute collisions: XXH3 is not cryptographic; give such tenants salts of their own.
 *
 * @key          borrowed for the call
 * @tokens       borrowed for the call; may be NULL with token_count 0
 * @token_count  the last block_tokens - 1 of them may be left over
 * @out          receives token_count / block_tokens names
 * @out_max      room in out
 *
 * Errors:   BERTH_EINVAL  a pointer is NULL, or block_tokens is 0
 *           BERTH_ESPACE  out_max is too small; nothing was written
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(token_count)
 */
BERTH_API berth_status berth_block_hashes(const berth_block_key *key, const uint32_t *tokens,
                                          uint64_t token_count, berth_block_hash *out,
                                          uint64_t out_max);

/* ---- Submit, charge, cancel ---------------------------------------------------------------- */

/** How a request's output is carried. */
enum berth_mailbox_mode {
    BERTH_MAILBOX_STREAM = 0, /* chunks in a ring, then the outcome */
    BERTH_MAILBOX_OUTCOME = 1 /* the outcome only; chunks are counted and dropped */
};

/** Bits of berth_request's mailbox_flags. */
enum berth_mailbox_flag {
    BERTH_MAILBOX_KEYED = 1 /* it gets a key, and is read by who attaches with it; see there */
};

/** One inference to run. */
struct berth_request {
    uint32_t struct_size;
    uint32_t band;          /* 1..band_count; 0 = the pool's default */
    void *payload;          /* the host's; kept until release() */
    uint64_t payload_size;  /* bytes, counted against parked_size_max; not read by Berth */
    uint64_t prompt_tokens; /* tokens to prefill */
    uint64_t max_new_tokens; /* the most it may generate, for its cost; 0 = it asks for the blocks
                                of its prompt only, and the host charges what it grows to */
    uint32_t mailbox_mode;  /* berth_mailbox_mode */
    uint32_t cost_count;    /* entries of cost that are used, at most the pool's resource_count */
    uint64_t cost[BERTH_RESOURCES_MAX]; /* units asked for, by resource; the rest must be 0 */
    uint64_t queue_ns;        /* leave the queue within; 0 = the pool's queue_ns_max */
    uint64_t first_output_ns; /* first chunk or finish within; 0 = none */
    uint64_t total_ns;        /* end within; 0 = none */
    uint64_t tenant;          /* whose it is: any number of the host's; told in its outcome */
    uint32_t mailbox_full;    /* berth_mailbox_full; pause and preempt are an engine's */
    uint32_t block_hash_count; /* needs prefix_blocks_max; those beyond the prompt are ignored */
    uint64_t rank;            /* experimental, see the end of this header; otherwise 0 */

    const berth_block_hash *block_hashes; /* names of the prompt's full blocks, from the first on,
                                             as berth_block_hashes gives them; copied */
    uint64_t set;              /* what it shares beside its prompt, such as its adapter; 0 = none;
                                  needs sets_max */
    uint64_t set_units;        /* units of set_resource that the set holds; counted once */
    uint64_t run_ns;          /* from admission it runs no longer than this; for BERTH_FIT_EASY, and
                                 nothing is done about it if it does; 0 = not known */
    uint32_t mailbox_flags;    /* berth_mailbox_flag */
    uint32_t samples;          /* sequences to generate from its prompt, BERTH_SAMPLES_MAX at most;
                                  0 = 1; more only on an engine */
    berth_ticket_id ticket;    /* from berth_reserve, of the same band and tenant; 0 = none */
};

/** Why a submit was not accepted. */
enum berth_refusal_reason {
    BERTH_REFUSAL_NONE = 0,
    BERTH_REFUSAL_CLOSED = 1,        /* the pool is closing */
    BERTH_REFUSAL_NEVER_FITS = 2,    /* asks for more than the capacity of a resource */
    BERTH_REFUSAL_PARKED = 3,        /* the pool's parked_max */
    BERTH_REFUSAL_PARKED_SIZE = 4,   /* the pool's parked_size_max */
    BERTH_REFUSAL_PARKED_COST = 5,   /* a resource's parked_units_max */
    BERTH_REFUSAL_BAND = 6,          /* the band's parked_max */
    BERTH_REFUSAL_BAND_SIZE = 7,     /* the band's parked_size_max */
    BERTH_REFUSAL_BAND_COST = 8,     /* the band's parked_units_max of a resource */
    BERTH_REFUSAL_SLOTS = 9,         /* no place in the request table */
    BERTH_REFUSAL_TENANT = 10,       /* the tenant's parked_max */
    BERTH_REFUSAL_TENANT_COST = 11,  /* the tenant's units_max of a resource */
    BERTH_REFUSAL_TENANT_RATE = 12,  /* the tenant's rate; retry_after_ns is exact */
    BERTH_REFUSAL_TENANTS = 13,      /* tenants_max, and all of them have work or options */
    BERTH_REFUSAL_BYPASS = 14,       /* the band's bypass: to be run by other means */
    BERTH_REFUSAL_KEYS = 15,         /* keys_max, and all of them live or have an owner */
    BERTH_REFUSAL_KEYS_TENANT = 16,  /* the tenant's keys_tenant_max, likewise */
    BERTH_REFUSAL_KEYS_SIZE = 17,    /* keys_size_max, likewise */
    BERTH_REFUSAL_DEADLINE = 18,     /* wait_ppm: asked is the predicted wait, limit the longest
                                        that would do, both in ns */
    BERTH_REFUSAL_TICKETS = 19,      /* tickets_max; of berth_reserve only */
    BERTH_REFUSAL_COUNT = 20
};

typedef struct berth_refusal {
    uint32_t struct_size;
    uint32_t reason;         /* berth_refusal_reason */
    uint32_t resource;       /* index, where the reason is about one */
    uint32_t reserved;
    uint64_t limit;          /* the limit that was met, in its own unit */
    uint64_t asked;          /* what the request would have made of it */
    uint64_t ahead_count;    /* requests parked in its band and above */
    uint64_t retry_after_ns; /* from the measured drain rate; 0 = trying again cannot help */
} berth_refusal;

/**
 * berth_submit() - hand the pool one request.
 *
 * On the engine face it is parked until a plan admits it; on the others it is admitted at once if
 * it fits, nothing that comes before it waits, and (worker face) a worker is free to take it.
 *
 * With `samples` it generates so many sequences from one prompt, as one request with one slot: all
 * of them are admitted, preempted and ended together. max_new_tokens is that of each. The prompt is
 * computed once; then a plan's `tokens` are those of all samples, one each and its draft, and what
 * results report as computed and generated is the sum of what was. A sample that ends early is the
 * host's business: it reports less from then on, and finishes the request with the last one. KV
 * counts the prompt's full blocks once and for each sample those of what lies behind them, as many
 * as the tokens can fill however they are spread; other resources are as `cost` says, for all.
 *
 * @pool     not NULL
 * @request  copied; payload kept until release(), which is not called if refused
 * @out      receives the id; 0 if not accepted
 * @refusal  receives why, and when to try again; may be NULL
 *
 * Units:    request's `_ns` fields are durations from now
 * Errors:   BERTH_EINVAL    malformed (band out of range, cost too long, unknown mode or flag, a
 *                           key where keys_max is 0, a ticket of another band or tenant, more
 *                           samples than step_tokens has room for with their drafts)
 *           BERTH_ESTALE    its ticket was used up, cancelled or has expired
 *           BERTH_EREFUSED  a limit was met; refusal says which
 *           BERTH_ECLOSED   close or destroy has begun; refusal says so too
 *           BERTH_EOVERFLOW the cost, or what is parked with it, does not fit in 64 bits
 *           BERTH_ESYSTEM   the system has no random numbers for a key
 *           BERTH_EBROKEN   the pool has failed
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(log requests), plus the executor's callbacks, and what it displaces
 */
BERTH_API berth_status berth_submit(berth_pool *pool, const berth_request *request,
                                    berth_request_id *out, berth_refusal *refusal);

/**
 * berth_reserve() - ask for room in the queue before the work of making requests is done.
 *
 * The cheap early door: before tokenising, for one request or for several samples at once, all of
 * them or none. A ticket counts against the queue limits of pool, band and tenant as `count` such
 * requests would, and holds nothing else: no place in line, no units. Whatever would refuse the
 * first of them now refuses the ticket. Each submit that names it uses up one of its requests, and
 * is then refused only for what it asks beyond what the ticket holds, for a limit not of the
 * queue (its tenant's rate, capacity, keys), or because the pool is closed; not for wait_ppm. A
 * submit that fails uses up nothing. What is left goes after ticket_ns.
 *
 * @pool     not NULL
 * @request  borrowed for the call; each of them, as far as it is known: band, tenant, payload_size,
 *           cost, prompt_tokens, max_new_tokens, samples and the times count; its ticket must be
 *           0
 * @count    requests, 1 or more
 * @out      receives the ticket; 0 if there is none
 * @refusal  receives why not, and when to try again; may be NULL
 *
 * Errors:   as berth_submit; BERTH_EREFUSED also where tickets_max are out (TICKETS)
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(1), plus the executor's cost()
 */
BERTH_API berth_status berth_reserve(berth_pool *pool, const berth_request *request, uint32_t count,
                                     berth_ticket_id *out, berth_refusal *refusal);

/**
 * berth_ticket_cancel() - give up what is left of a ticket.
 *
 * @pool     not NULL
 * @ticket   any ticket that berth_reserve returned
 *
 * Errors:   BERTH_EINVAL  pool is NULL or ticket is 0
 *           BERTH_ESTALE  it was used up, cancelled before, or has expired
 *           BERTH_EBROKEN the pool has failed
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(1)
 */
BERTH_API berth_status berth_ticket_cancel(berth_pool *pool, berth_ticket_id ticket);

/**
 * berth_recost() - correct what a parked request asks for, once its prompt is tokenised.
 *
 * The request keeps its place. Only prompt_tokens, max_new_tokens, cost and cost_count of `known`
 * are used, the rest must be 0; cost_count 0 keeps the cost it named, any other replaces all of
 * it. KV cost from tokens is worked out again; the executor's cost() is not called.
 *
 * @pool     not NULL
 * @id       a parked request
 * @known    borrowed for the call
 * @refusal  receives reason, resource, limit and asked; may be NULL; the request goes on as it
 *           was, and nothing is counted
 *
 * Errors:   BERTH_EINVAL    malformed
 *           BERTH_ESTALE    no such request
 *           BERTH_EBUSY     it is not parked any more; use berth_charge
 *           BERTH_EENDED    it has ended
 *           BERTH_EREFUSED  the new cost can never fit, or meets a parked limit
 *           BERTH_EOVERFLOW the cost, or what is parked with it, does not fit in 64 bits
 *           BERTH_EBROKEN   the pool has failed
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(resources), plus what it admits
 */
BERTH_API berth_status berth_recost(berth_pool *pool, berth_request_id id,
                                    const berth_request *known, berth_refusal *refusal);

/**
 * berth_charge() - state what a running request holds now.
 *
 * Absolute, so saying it twice is harmless. Less than before frees units for others; more is
 * taken even where it exceeds the capacity, because it is a report: the excess shows as overdraft
 * in the stats and stops admission until it is paid back. Where KV grows (kv_mode) the pool counts
 * it by itself: held[kv_resource] must be 0.
 *
 * @pool        not NULL
 * @id          a running or stopping request
 * @held        borrowed for the call; held_count units, the rest stay as they are
 * @held_count  at most the pool's resource_count
 *
 * Errors:   BERTH_EINVAL    malformed
 *           BERTH_ESTALE    no such request
 *           BERTH_EAGAIN    it is still parked; use berth_recost
 *           BERTH_EENDED    it has ended
 *           BERTH_EOVERFLOW the sum does not fit in 64 bits
 *           BERTH_EBROKEN   the pool has failed
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(resources), plus what it admits
 */
BERTH_API berth_status berth_charge(berth_pool *pool, berth_request_id id, const uint64_t *held,
                                    uint32_t held_count);

/**
 * berth_capacity_set() - change the capacity of a resource while the pool runs.
 *
 * Nothing that runs is stopped: what is held above a smaller capacity shows as overdraft, and where
 * KV grows (kv_mode) the next growth preempts until it fits. Parked requests that could never fit
 * any more end with BERTH_OUTCOME_EVICTED; so does a preempted one whose tokens so far do not.
 *
 * @pool            not NULL
 * @resource        index below the pool's resource_count
 * @capacity_units  1 or more
 *
 * Errors:   BERTH_EINVAL  malformed
 *           BERTH_EBROKEN the pool has failed
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(parked) when it shrinks, else O(1), plus what it admits
 */
BERTH_API berth_status berth_capacity_set(berth_pool *pool, uint32_t resource,
                                          uint64_t capacity_units);

/**
 * berth_tenant_set() - give a tenant a weight and quotas of its own.
 *
 * They hold from the next decision on; what is parked or running stays. A tenant with options of
 * its own is known until they are taken away again.
 *
 * @pool     not NULL
 * @tenant   any number
 * @options  borrowed for the call; a field of 0 is that of the pool's tenant_defaults. NULL = all
 *           of them
 *
 * Errors:   BERTH_EINVAL   malformed, or the pool has no tenants (tenants_max); running_max and a
 *                          weight need fairness
 *           BERTH_EREFUSED tenants_max is met, and all of them have work or options
 *           BERTH_EBROKEN  the pool has failed
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(bands * log tenants), plus what it admits
 */
BERTH_API berth_status berth_tenant_set(berth_pool *pool, uint64_t tenant,
                                        const berth_tenant_options *options);

/**
 * berth_cancel() - the caller no longer wants this request.
 *
 * A parked request ends at once. A running one is stopping: its outcome is there at once, its
 * units are held until the outstanding step that contains it is committed, execute returns or
 * berth_finish is called. On an engine between steps they are free at once, and the next plan
 * says LEAVE. Cancelling what has ended changes nothing.
 *
 * @pool     not NULL
 * @id       any id that submit returned
 *
 * Errors:   BERTH_EINVAL  pool is NULL or id is 0
 *           BERTH_ESTALE  no such request
 *           BERTH_EENDED  its outcome was fixed before
 *           BERTH_EBROKEN the pool has failed
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(log requests) with a deadline, else O(1)
 */
BERTH_API berth_status berth_cancel(berth_pool *pool, berth_request_id id);

/**
 * berth_cancel_many() - the caller no longer wants any of these requests.
 *
 * As berth_cancel on one after the other, and cheaper: lock, clock and wake-ups are shared, and in
 * a large table what is known of many comes from memory together. Each id stands for itself: one
 * that names nothing any more, has ended or stands there twice stops none of the others.
 *
 * Up to 32 requests end at one moment, and nobody is admitted until they all have ended. After each
 * 32, due callbacks are called and the lock is given up, so that a long list holds up nobody: what
 * others do meanwhile comes before the rest of it.
 *
 * @pool          not NULL
 * @ids           borrowed for the call
 * @id_count      may be 0
 * @out_statuses  receives for each id what berth_cancel would have said; may be NULL
 * @out_count     receives how many were cancelled; may be NULL
 *
 * Errors:   BERTH_EINVAL  pool is NULL, or ids is NULL with a count
 *           BERTH_EBROKEN the pool has failed. If it fails within the call, only the statuses from
 *                         there on say so
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     as berth_cancel, for each
 */
BERTH_API berth_status berth_cancel_many(berth_pool *pool, const berth_request_id *ids,
                                         uint32_t id_count, berth_status *out_statuses,
                                         uint32_t *out_count);

/* ---- Outcomes and mailboxes ---------------------------------------------------------------- */

enum berth_outcome_kind {
    BERTH_OUTCOME_NONE = 0,
    BERTH_OUTCOME_COMPLETED = 1, /* detail: berth_finish_kind, stop or length */
    BERTH_OUTCOME_FAILED = 2,    /* code is the host's */
    BERTH_OUTCOME_CANCELLED = 3, /* detail: berth_cancel_cause */
    BERTH_OUTCOME_EXPIRED = 4,   /* detail: berth_deadline */
    BERTH_OUTCOME_EVICTED = 5,   /* it could not stay parked; detail: berth_evict_cause */
    BERTH_OUTCOME_SHUTDOWN = 6,  /* the pool was drained or destroyed */
    BERTH_OUTCOME_INTERNAL = 7,  /* the pool failed */
    BERTH_OUTCOME_COUNT = 8
};

enum berth_cancel_cause {
    BERTH_CANCEL_CALLER = 1,
    BERTH_CANCEL_READER_GONE = 2,
    BERTH_CANCEL_SLOW_READER = 3 /* its mailbox was full, or its pause too long */
};

enum berth_deadline {
    BERTH_DEADLINE_QUEUE = 1,
    BERTH_DEADLINE_FIRST_OUTPUT = 2,
    BERTH_DEADLINE_TOTAL = 3
};

enum berth_evict_cause {
    BERTH_EVICT_CAPACITY = 1, /* a capacity is below what it needs: either has changed */
    BERTH_EVICT_DISPLACED = 2, /* a higher band needed its place in the queue */
    BERTH_EVICT_DELAY = 3      /* the band's CoDel: everybody has waited too long */
};

/** How a request ended. The first cause wins; there is exactly one. */
typedef struct berth_outcome {
    uint32_t struct_size;
    uint32_t kind;   /* berth_outcome_kind */
    uint32_t detail; /* by kind, see there; 0 where it has none */
    int32_t code;    /* the host's, for FAILED; else 0 */
    uint32_t band;
    uint32_t reserved;
    uint64_t prompt_tokens;
    uint64_t tokens_computed;    /* of the prompt and of what was generated, since it was last
                                    admitted */
    uint64_t tokens_generated;
    uint64_t chunks_dropped;     /* came after the outcome, or had no mailbox */
    uint64_t submitted_at_ns;
    uint64_t admitted_at_ns;     /* 0 = never; also at 0 of a virtual clock: advance it first */
    uint64_t first_output_at_ns; /* 0 = none; likewise */
    uint64_t ended_at_ns;        /* when the outcome was fixed */
    uint64_t tenant;             /* the request's own */
    uint64_t reserved1[7];       /* zero */
} berth_outcome;

/**
 * berth_wait() - wait until a request's outcome is fixed; any number of threads may.
 *
 * Never destructive: after a time-out the outcome is still there to be waited for. On a virtual
 * clock it never waits.
 *
 * @pool        not NULL
 * @id          any id that submit returned
 * @timeout_ns  0 = do not wait, BERTH_FOREVER = no limit
 * @out         receives the outcome; may be NULL
 *
 * Errors:   BERTH_EINVAL    malformed
 *           BERTH_ESTALE    no such request, or its outcome was taken or dropped meanwhile
 *           BERTH_ETIMEDOUT it has not ended
 *           BERTH_EREENTRY  called from a callback with a timeout other than 0; may be BERTH_OK
 *                           where there is nothing to wait for
 * Threads:  any; blocks up to timeout_ns; from callbacks: with timeout 0
 * Memory:   does not allocate
 * Cost:     O(1)
 */
BERTH_API berth_status berth_wait(berth_pool *pool, berth_request_id id, uint64_t timeout_ns,
                                  berth_outcome *out);

/**
 * berth_outcome_take() - take the outcome, and give back the place it was kept in.
 *
 * The id is stale afterwards, and unread chunks are gone.
 *
 * @pool     not NULL
 * @id       any id that submit returned
 * @out      receives the outcome; may be NULL
 *
 * Errors:   BERTH_EINVAL  malformed
 *           BERTH_ESTALE  no such request, or its outcome was taken or dropped before
 *           BERTH_EAGAIN  it has not ended
 *           BERTH_EBUSY   a reader is inside berth_mailbox_read
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(1)
 */
BERTH_API berth_status berth_outcome_take(berth_pool *pool, berth_request_id id,
                                          berth_outcome *out);

enum berth_record_kind {
    BERTH_RECORD_NONE = 0,
    BERTH_RECORD_ADMITTED = 1, /* gate face: it is in; first record, once */
    BERTH_RECORD_CHUNK = 2,    /* output */
    BERTH_RECORD_END = 3       /* the outcome; last record, stays until taken */
};

/** What berth_mailbox_read found. */
typedef struct berth_record {
    uint32_t struct_size;
    uint32_t kind;     /* berth_record_kind */
    uint64_t sequence; /* chunks count from 0; END has the number of chunks */
    uint64_t size;     /* bytes of this chunk; of the chunk waiting, with BERTH_ESPACE */
    uint64_t tokens;   /* tokens that the chunk carries; told up to 2^32 - 1 */
    uint32_t slot;     /* of ADMITTED */
    uint32_t reserved;
    uint64_t reserved1[4]; /* zero */
    berth_outcome outcome; /* of END; written whole, its struct_size is not read */
} berth_record;

/**
 * berth_mailbox_read() - read the next record of a request: chunks in order, then the outcome.
 *
 * One reader at a time. A chunk is read whole or not at all. END can be read again until the
 * outcome is taken. On a virtual clock it never waits.
 *
 * @pool         not NULL
 * @id           any id that submit returned; an owner's where the mailbox has a key
 * @buffer       receives the chunk's bytes; may be NULL with buffer_size 0
 * @buffer_size  bytes
 * @timeout_ns   0 = do not wait, BERTH_FOREVER = no limit
 * @out          receives the record
 *
 * Errors:   BERTH_EINVAL    malformed
 *           BERTH_ESTALE    no such request, or its outcome was taken or dropped; or the owner has
 *                           detached
 *           BERTH_ETIMEDOUT nothing came in time (with timeout 0: nothing is there)
 *           BERTH_ESPACE    the chunk is larger than the buffer; out->size says how large
 *           BERTH_EBUSY     another reader is inside
 *           BERTH_ETAKEN    another owner has taken the mailbox over; or it has a key, and id is
 *                           the request's instead of an owner's
 *           BERTH_EREENTRY  called from a callback with a timeout other than 0, and no chunk there
 * Threads:  one at a time per request; blocks up to timeout_ns; from callbacks: with timeout 0
 * Memory:   does not allocate
 * Cost:     O(size)
 */
BERTH_API berth_status berth_mailbox_read(berth_pool *pool, berth_request_id id, void *buffer,
                                          size_t buffer_size, uint64_t timeout_ns,
                                          berth_record *out);

/** A piece of a chunk where it lies. Fixed size. A chunk is one span, or two where it wraps. */
typedef struct berth_span {
    const void *bytes; /* borrowed until berth_mailbox_consume */
    uint64_t size;     /* bytes */
    uint64_t sequence; /* of its chunk */
    uint64_t tokens;   /* of its chunk, in the first span; 0 in the second */
    uint32_t more;     /* 1: the chunk goes on in the next span */
    uint32_t lease;    /* to be handed to berth_mailbox_consume; the same in all spans of a peek */
    uint64_t reserved[3];
} berth_span;

/**
 * berth_mailbox_peek() - many chunks at once, without a copy: where they lie, oldest first.
 *
 * They stay unread, and the caller is the mailbox's one reader, until berth_mailbox_consume gives
 * them back; until then berth_mailbox_close and berth_outcome_take say BERTH_EBUSY, and the pool
 * cannot be destroyed. If the request is dropped meanwhile, its chunks stay readable, and its ring
 * is the pool's again at the consume: do not keep it for long. Records that are no chunks come by
 * berth_mailbox_read.
 *
 * @pool       not NULL
 * @id         any id that submit returned
 * @spans      receives up to span_max spans
 * @span_max   2 or more
 * @out_count  receives how many; whole chunks only
 *
 * Errors:   BERTH_EINVAL  malformed
 *           BERTH_ESTALE  no such request, or its outcome was taken or dropped
 *           BERTH_EAGAIN  no chunk is there; berth_mailbox_read says what is
 *           BERTH_EBUSY   another reader is inside
 * Threads:  one at a time per request; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(spans)
 */
BERTH_API berth_status berth_mailbox_peek(berth_pool *pool, berth_request_id id, berth_span *spans,
                                          uint32_t span_max, uint32_t *out_count);

/**
 * berth_mailbox_consume() - give back what was peeked at; the first chunks of it are read.
 *
 * @pool         not NULL
 * @id           of the peek
 * @lease        of its spans
 * @chunk_count  how many chunks were read, from the oldest on; the others stay unread; 0 = none
 *
 * Errors:   BERTH_EINVAL  malformed, or more chunks than were peeked at; nothing was given back
 *           BERTH_ESTALE  nothing is peeked at by this id and lease
 * Threads:  one at a time per request; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(chunk_count)
 */
BERTH_API berth_status berth_mailbox_consume(berth_pool *pool, berth_request_id id, uint32_t lease,
                                             uint32_t chunk_count);

/**
 * berth_mailbox_wait_any() - wait until one of many mailboxes has something to read.
 *
 * Reads nothing. A mailbox that somebody waits for by this call or by berth_mailbox_read is not
 * named by berth_ready_take. On a virtual clock it never waits.
 *
 * @pool        not NULL
 * @ids         borrowed for the call; each once
 * @id_count    1 or more
 * @timeout_ns  0 = do not wait, BERTH_FOREVER = no limit
 * @out_index   receives the index of the first in `ids` that has a record, or that is stale
 *
 * Errors:   BERTH_EINVAL    malformed
 *           BERTH_ESTALE    ids[*out_index] names no request, or its outcome was taken or dropped
 *           BERTH_ETAKEN    ids[*out_index] is not the id of that mailbox's owner (any more)
 *           BERTH_ETIMEDOUT nothing came in time
 *           BERTH_EBUSY     another thread waits for one of them
 *           BERTH_EREENTRY  called from a callback with a timeout other than 0
 * Threads:  any; blocks up to timeout_ns; from callbacks: with timeout 0
 * Memory:   does not allocate
 * Cost:     O(id_count)
 */
BERTH_API berth_status berth_mailbox_wait_any(berth_pool *pool, const berth_request_id *ids,
                                              uint32_t id_count, uint64_t timeout_ns,
                                              uint32_t *out_index);

/**
 * berth_mailbox_close() - the reader is gone, for good.
 *
 * A request that has not ended is cancelled (BERTH_CANCEL_READER_GONE); its outcome is dropped
 * when it ends, or at once if it has. The id is stale for readers from here on.
 *
 * @pool     not NULL
 * @id       any id that submit returned
 *
 * Errors:   BERTH_EINVAL  malformed
 *           BERTH_ESTALE  no such request
 *           BERTH_EBUSY   a reader is inside berth_mailbox_read
 *           BERTH_EBROKEN the pool has failed; berth_outcome_take still works
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     as berth_cancel
 */
BERTH_API berth_status berth_mailbox_close(berth_pool *pool, berth_request_id id);

/**
 * berth_ready_descriptor() - a descriptor for event loops, readable while something is ready.
 *
 * Made at the first call. Level-triggered: readable from the moment a mailbox gets a record that
 * nobody waits for, until berth_ready_take has named every such mailbox; after that it may be so
 * once more, and berth_ready_take says BERTH_EAGAIN. Do not read, write or close it.
 *
 * @pool     not NULL
 * @out      receives the descriptor; borrowed until berth_pool_destroy; -1 on failure
 *
 * Errors:   BERTH_EINVAL   malformed
 *           BERTH_ESYSTEM  the system has no descriptor left
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(1)
 */
BERTH_API berth_status berth_ready_descriptor(berth_pool *pool, int32_t *out);

/**
 * berth_ready_take() - name the requests whose mailboxes became ready since they were last named.
 *
 * A request is named once until it gets another record after that; read its mailbox until
 * BERTH_ETIMEDOUT or END. Order is that of becoming ready, from the first call of this or of
 * berth_ready_descriptor on; what was ready before that comes first, in any order. Where a mailbox
 * has a key its owner is named, from when he attaches if there is something to read; without one it
 * is not ready.
 *
 * @pool       not NULL
 * @ids        receives up to ids_max ids
 * @ids_max    1 or more
 * @out_count  receives how many
 *
 * Errors:   BERTH_EINVAL  malformed
 *           BERTH_EAGAIN  none is ready
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(ids)
 */
BERTH_API berth_status berth_ready_take(berth_pool *pool, berth_request_id *ids, uint32_t ids_max,
                                        uint32_t *out_count);

/* ---- Clients who come back ----------------------------------------------------------------- */

/*
 * A request submitted with BERTH_MAILBOX_KEYED has a key, which may leave the process: whoever
 * shows key and tenant may read the mailbox, now, after a broken connection, or after the end.
 *
 *     request.mailbox_flags = BERTH_MAILBOX_KEYED;
 *     berth_submit(pool, &request, &id, NULL);
 *     berth_mailbox_key(pool, id, &key);             give the client berth_key_to_text of it
 *
 *     berth_attachment at = {.struct_size = sizeof at, .tenant = tenant, .sequence = 0};
 *     berth_mailbox_attach(pool, &key, &at);         a connection; at.owner reads until it ends:
 *     berth_mailbox_read(pool, at.owner, ...);       send record.sequence along with each chunk
 *     berth_mailbox_detach(pool, at.owner, 0);       the connection is gone
 *
 *     at.sequence = last_received + 1;               another connection goes on from there
 *     berth_mailbox_attach(pool, &key, &at);
 *
 * Chunks that were read stay in the ring until newer ones need their place, and after the end as
 * long as the mailbox is retained. A mailbox is born without an owner and has one at most. With
 * none, a request that has not ended goes on for keys_grace_ns and is then cancelled
 * (BERTH_CANCEL_READER_GONE); one that has ended is retained for keys_retain_ns. Neither time runs
 * while there is an owner. The request's own id serves for all but reading.
 *
 * What is retained gives way earlier to limits: to those of keys, as the options say; to
 * ended_max, the oldest end first; to a request that is admitted and finds no ring
 * (mailboxes_max), the oldest end without an owner first. A request that was preempted and is
 * parked gives up chunks that were read where a ring is needed. All of these are counted.
 */

/** A name that cannot be guessed: 128 bits from the system's random source. */
typedef struct berth_key {
    uint8_t bytes[16];
} berth_key;

#define BERTH_KEY_TEXT_SIZE 32u /* characters of a key's text, without a NUL */

/**
 * berth_key_to_text() - a key as 32 lower-case hexadecimal digits.
 *
 * @key          borrowed for the call
 * @buffer       receives the digits and a NUL
 * @buffer_size  bytes; at least BERTH_KEY_TEXT_SIZE + 1
 *
 * Errors:   BERTH_EINVAL  a pointer is NULL
 *           BERTH_ESPACE  buffer is too small; nothing was written
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(1)
 */
BERTH_API berth_status berth_key_to_text(const berth_key *key, char *buffer, size_t buffer_size);

/**
 * berth_key_from_text() - read what berth_key_to_text wrote, and nothing else.
 *
 * @text       borrowed for the call; need not end in NUL
 * @text_size  bytes
 * @out        receives the key; all zero on failure
 *
 * Errors:   BERTH_EINVAL  a pointer is NULL, or text is not exactly 32 lower-case digits
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(1)
 */
BERTH_API berth_status berth_key_from_text(const char *text, size_t text_size, berth_key *out);

/**
 * berth_mailbox_key() - the key of a request.
 *
 * @pool     not NULL
 * @id       a request submitted with BERTH_MAILBOX_KEYED
 * @out      receives the key; all zero on failure
 *
 * Errors:   BERTH_EINVAL  malformed, or the request has no key
 *           BERTH_ESTALE  no such request, or its outcome was taken or dropped
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(1)
 */
BERTH_API berth_status berth_mailbox_key(berth_pool *pool, berth_request_id id, berth_key *out);

enum berth_attach_flag {
    BERTH_ATTACH_TAKE_OVER = 1 /* if it has an owner, be it in his place */
};

#define BERTH_SEQUENCE_UNREAD UINT64_MAX

/** An owner's place at a mailbox. */
typedef struct berth_attachment {
    uint32_t struct_size;
    uint32_t flags;       /* in: berth_attach_flag */
    uint64_t tenant;      /* in: the request's */
    uint64_t sequence;    /* in: the first chunk to read; BERTH_SEQUENCE_UNREAD = the first that
                             nobody has read */
    berth_owner_id owner; /* out: for berth_mailbox_read */
    berth_request_id id;  /* out: the request */
    uint64_t oldest;      /* out: the oldest chunk that is retained, also with BERTH_ELOST */
    uint64_t next;        /* out: the next chunk that will come, likewise; oldest if none is
                             retained */
} berth_attachment;

/**
 * berth_mailbox_attach() - become the owner of a mailbox, and read from a chunk on.
 *
 * A key with another tenant fails as a key that does not exist does, in the same time. With
 * BERTH_ATTACH_TAKE_OVER the owner before is no longer: if he sleeps in a read or a wait for many
 * he returns with BERTH_ETAKEN, and so does all that he reads later.
 *
 * @pool        not NULL
 * @key         borrowed for the call
 * @attachment  in and out
 *
 * Errors:   BERTH_EINVAL    malformed; or the sequence is beyond the next chunk's
 *           BERTH_ESTALE    no mailbox of this tenant has this key, or not any more
 *           BERTH_EBUSY     it has an owner; or, to be taken over, he is copying a chunk just now,
 *                           or has peeked at some and not consumed them
 *           BERTH_ELOST     the chunk is no longer retained; oldest and next say what is
 *           BERTH_EOVERFLOW it has had 2^40 owners
 *           BERTH_EBROKEN   the pool has failed
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(1), plus O(chunks retained) to find the sequence
 */
BERTH_API berth_status berth_mailbox_attach(berth_pool *pool, const berth_key *key,
                                            berth_attachment *attachment);

enum berth_detach_flag {
    BERTH_DETACH_CANCEL = 1 /* nobody will come back: cancel it now (reader gone) */
};

/**
 * berth_mailbox_detach() - the owner is gone; the mailbox stays.
 *
 * A read that sleeps returns with BERTH_ESTALE. The next owner finds the chunks that this one did
 * not read, and those that are retained.
 *
 * @pool     not NULL
 * @owner    from berth_mailbox_attach
 * @flags    berth_detach_flag
 *
 * Errors:   BERTH_EINVAL  malformed
 *           BERTH_ESTALE  no such owner: it has detached, or the mailbox was taken or dropped
 *           BERTH_ETAKEN  another owner has taken the mailbox over
 *           BERTH_EBUSY   a reader is copying a chunk just now, or has peeked at some
 *           BERTH_EBROKEN the pool has failed
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(log keys), as berth_cancel with BERTH_DETACH_CANCEL
 */
BERTH_API berth_status berth_mailbox_detach(berth_pool *pool, berth_owner_id owner,
                                            uint32_t flags);

/* ---- Engine face --------------------------------------------------------------------------- */

enum berth_entry_kind {
    BERTH_ENTRY_PREFILL = 1, /* compute `tokens` of the prompt, from tokens_computed on; after a
                                preemption, of the prompt and what was generated */
    BERTH_ENTRY_DECODE = 2,  /* generate: compute `tokens` (1 per sample) after what is there */
    BERTH_ENTRY_LEAVE = 3    /* it is no longer running: forget its slot; nothing to commit. Not
                                sent for what a committed result finished; sent for all else,
                                such as a request that was cancelled during its last step */
};

enum berth_entry_flag {
    BERTH_ENTRY_ADMITTED = 1,  /* first time in a plan since it was admitted: set up its slot */
    BERTH_ENTRY_RESUMED = 2,   /* with ADMITTED: it ran before and was preempted; its prefill is its
                                  prompt and what it had generated, which is not generated again */
    BERTH_ENTRY_PREEMPTED = 4  /* of LEAVE: it goes on later, under the same id, from the start */
};

/** One line of a plan. Fixed size. */
typedef struct berth_plan_entry {
    berth_request_id id;
    void *payload;             /* borrowed until release(); NULL for LEAVE */
    uint32_t slot;             /* below running_max; stable while it runs */
    uint32_t kind;             /* berth_entry_kind */
    uint32_t flags;            /* berth_entry_flag */
    uint32_t band;
    uint64_t tokens;           /* to compute in this step */
    uint64_t tokens_computed;  /* before this step, prompt included: what was committed, and what
                                  the steps that are still outstanding are to compute */
    uint64_t tokens_generated; /* so far, as committed */
    uint64_t prompt_tokens;
    uint64_t max_new_tokens;
    uint64_t prefix_tokens;    /* of tokens_computed: found resident at its admission */
    uint32_t samples;          /* sequences to generate from its prompt; 0 in LEAVE */
    uint32_t reserved0;        /* zero */
    uint64_t reserved[4];      /* zero */
} berth_plan_entry;

/** A step: what leaves, then what runs. LEAVE entries come first. */
typedef struct berth_plan {
    uint32_t struct_size;
    uint32_t entry_max;         /* in: room in entries; 2 * running_max always suffices */
    berth_plan_entry *entries;  /* in: the caller's array */
    berth_step_id step_id;      /* out: to be committed; 0 = nothing runs in this plan */
    uint32_t entry_count;       /* out: entries written */
    uint32_t leave_count;       /* out: how many of them, the first ones, are LEAVE */
    uint32_t admitted_count;    /* out: how many are flagged ADMITTED */
    uint32_t reserved;
    uint64_t now_at_ns;         /* out: when it was made */
    uint64_t parked_count;      /* out: still parked after it */
} berth_plan;

/**
 * berth_plan_next() - what the next step of the engine should do.
 *
 * Admits what fits, strictly by band and then by arrival, unless the options of bands, fairness
 * and order say otherwise (options.fit says what happens when the first in line does not fit), and
 * lists once every running request that is in the step: all, unless step_tokens is short of
 * prefills.
 *
 * First come those that must leave: forget them before setting up the admitted ones, which may
 * get their slots. Where KV grows (kv_mode), what the step adds is granted before it; if it does
 * not fit, requests are preempted one after the other, and nobody is admitted in that plan: they
 * leave with the flag PREEMPTED, keep id, unread output and place in line, and come back later
 * with RESUMED, to compute their prompt and what they had generated.
 *
 * A plan with a step_id must be committed before the next one is asked for, or, with
 * options.steps_max, before so many more are; a plan without one (step_id 0) holds LEAVE entries or
 * nothing, and is not committed.
 *
 * Several outstanding steps may contain the same request. The later one goes on from where the
 * earlier ones are to get: prompts by their next chunk, who generates by one token more, which the
 * earlier step is taken to produce; never beyond max_new_tokens, where that is set: who may have
 * all of it in outstanding steps is left out. KV is held for all tokens in flight, and slot and
 * units of a request until the last step that contains it is committed: only then does it leave. So
 * who is in a step is not preempted. If it is its turn, later plans leave it out until its steps
 * are committed, together with those whose growth does not fit, and admit nobody.
 *
 * @pool     not NULL
 * @plan     in and out; see its fields
 *
 * Errors:   BERTH_EINVAL  malformed
 *           BERTH_EFACE   not an engine's pool
 *           BERTH_ESTEP   as many steps are outstanding as may be
 *           BERTH_ESPACE  entry_max is below what leaves, runs and might be admitted, at most
 *                         running_max of the latter two; entry_count says how much that is
 *           BERTH_EREENTRY called from a callback
 *           BERTH_EBROKEN the pool has failed
 * Threads:  engine thread; never blocks; from callbacks: no
 * Memory:   does not allocate
 * Cost:     O(running + admitted), and O(running + preempted * log running) where KV runs out
 */
BERTH_API berth_status berth_plan_next(berth_pool *pool, berth_plan *plan);

/**
 * berth_plan_wait() - as berth_plan_next, but an idle engine waits until there is something in it.
 *
 * Woken by a submit, a recost, a cancel, a deadline, a charge, a change of capacity, or close. A
 * plan of LEAVE entries only has step_id 0 and is not committed. On a virtual clock it never waits,
 * nor while a step is outstanding: BERTH_ETIMEDOUT then says that the oldest is to be committed.
 *
 * @pool        not NULL
 * @plan        in and out
 * @timeout_ns  0 = do not wait, BERTH_FOREVER = no limit
 *
 * Errors:   as berth_plan_next, and
 *           BERTH_ETIMEDOUT the time passed and the plan is empty
 *           BERTH_ECLOSED   the pool is closed and nothing is left to run
 *           BERTH_EREENTRY  called from a callback
 * Threads:  engine thread; blocks up to timeout_ns; from callbacks: no
 * Memory:   does not allocate
 * Cost:     as berth_plan_next
 */
BERTH_API berth_status berth_plan_wait(berth_pool *pool, berth_plan *plan, uint64_t timeout_ns);

enum berth_finish_kind {
    BERTH_FINISH_NONE = 0,   /* goes on */
    BERTH_FINISH_STOP = 1,   /* completed: the model stopped */
    BERTH_FINISH_LENGTH = 2, /* completed: a length was reached */
    BERTH_FINISH_FAILED = 3  /* failed, with the host's code */
};

/** What happened to one request in a step. Fixed size. */
typedef struct berth_result {
    berth_request_id id;
    berth_status status;       /* out: what became of this entry */
    uint32_t finish;           /* berth_finish_kind */
    int32_t code;              /* with BERTH_FINISH_FAILED */
    uint32_t held_count;       /* units in held */
    uint64_t tokens_computed;  /* really computed in this step, be it more or less than planned */
    uint64_t tokens_generated; /* new ones; one chunk may carry several, or none */
    const void *bytes;         /* output, borrowed for the call; NULL where there is none */
    uint64_t bytes_size;       /* at most mailbox_size - 64 */
    const uint64_t *held;      /* what it holds now, as for berth_charge; NULL = as before. KV that
                                  grows follows from tokens_computed */
    uint64_t prefix_tokens;    /* BERTH_PREFIX_ENGINE, first result after ADMITTED or RESUMED:
                                  prompt tokens that the engine found in its cache; else 0 */
    uint64_t reserved[5];      /* must be 0 */
} berth_result;

/**
 * berth_commit() - what the step produced and who finished.
 *
 * Ends the step, which is the oldest outstanding one: commits come in the order of the plans. A
 * request of the plan that results do not mention has computed nothing and goes on. Say what was
 * really computed, of each step: the next plan goes on from that and from what is still
 * outstanding, which was planned as if all before it were done; where it was not, the positions in
 * those steps are the engine's business. Results of a request that finished in an earlier step are
 * BERTH_EENDED, and its units are held until its last step ends. Each entry gets its own status and
 * is independent of the others:
 *   BERTH_OK      counted and delivered
 *   BERTH_EENDED  the request is stopping; its output was dropped and counted, its units are free
 *                 unless a later step contains it
 *   BERTH_EFULL   its mailbox is full: it ends as CANCELLED (slow reader), the chunk is dropped
 *   BERTH_ESTALE  not in this step
 *   BERTH_EINVAL  malformed, or the same id twice; nothing of it was counted
 *   BERTH_EOVERFLOW  held does not fit in 64 bits; nothing of it was counted
 *
 * @pool          not NULL
 * @step_id       of the plan
 * @results       in and out; borrowed for the call
 * @result_count  may be 0: the step did nothing
 *
 * Errors:   BERTH_EINVAL  results is NULL with a count
 *           BERTH_EFACE   not an engine's pool
 *           BERTH_ESTEP   not the oldest outstanding step; nothing was changed
 *           BERTH_EREENTRY called from a callback
 *           BERTH_EBROKEN the pool has failed
 * Threads:  engine thread; never blocks; from callbacks: no
 * Memory:   does not allocate
 * Cost:     O(running + bytes)
 */
BERTH_API berth_status berth_commit(berth_pool *pool, berth_step_id step_id, berth_result *results,
                                    uint32_t result_count);

/**
 * berth_prefix_evictions() - name the blocks that left the pool's prefix index.
 *
 * With BERTH_PREFIX_POOL the engine keeps the blocks of ended requests, since others may begin with
 * them, until they are named here; call it after each plan, before its step. Without calls the
 * index fills up with blocks that wait to be named, and credits less.
 *
 * @pool       not NULL
 * @out        receives up to out_max names, oldest first
 * @out_max    1 or more
 * @out_count  receives how many
 *
 * Errors:   BERTH_EINVAL  malformed
 *           BERTH_EAGAIN  none left
 * Threads:  engine thread; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(names)
 */
BERTH_API berth_status berth_prefix_evictions(berth_pool *pool, berth_block_hash *out,
                                              uint32_t out_max, uint32_t *out_count);

/**
 * berth_prefix_lost() - the engine gave up these blocks of its cache.
 *
 * With BERTH_PREFIX_ENGINE. In any order; names that are not known, or are held by a running
 * request here, are passed over.
 *
 * @pool        not NULL
 * @hashes      borrowed for the call
 * @hash_count  may be 0
 * @out_count   receives how many were known and given up; may be NULL
 *
 * Errors:   BERTH_EINVAL  malformed, or the pool owns the cache
 *           BERTH_EBROKEN the pool has failed
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(hash_count)
 */
BERTH_API berth_status berth_prefix_lost(berth_pool *pool, const berth_block_hash *hashes,
                                         uint32_t hash_count, uint32_t *out_count);

/**
 * berth_plan_fail() - the step could not run for want of KV; make room and plan again.
 *
 * Ends the oldest outstanding step and all after it: nobody in them has computed anything, and
 * whoever is stopping is let go. Should a later one have failed, commit those before it first. Then
 * one running request gives way, chosen as by options.victim: it is parked at its place in line,
 * the next plan tells it to leave, and that plan admits nobody. Never all: the others go on. If
 * only one is left to run, it ends with BERTH_OUTCOME_EVICTED, because no room can be made for it.
 *
 * @pool     not NULL
 * @step_id  of the plan
 *
 * Errors:   BERTH_EINVAL  pool is NULL
 *           BERTH_EFACE   not an engine's pool
 *           BERTH_ESTEP   not the oldest outstanding step; nothing was changed
 *           BERTH_EREENTRY called from a callback
 *           BERTH_EBROKEN the pool has failed
 * Threads:  engine thread; never blocks; from callbacks: no
 * Memory:   does not allocate
 * Cost:     O(running)
 */
BERTH_API berth_status berth_plan_fail(berth_pool *pool, berth_step_id step_id);

/**
 * berth_suspend() - leave a request out of plans while it waits for something outside the engine.
 *
 * Such as a tool, a grammar, or KV that comes from elsewhere. A running one keeps its slot and what
 * it holds; a step that contains it is committed as usual. A parked one is passed over by admission
 * and keeps its place. Deadlines go on. It may be preempted meanwhile. Suspending twice is as once.
 *
 * @pool     not NULL
 * @id       a parked or running request of an engine's pool
 *
 * Errors:   BERTH_EINVAL  malformed
 *           BERTH_EFACE   not an engine's pool
 *           BERTH_ESTALE  no such request
 *           BERTH_EENDED  it has ended
 *           BERTH_EBROKEN the pool has failed
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(1)
 */
BERTH_API berth_status berth_suspend(berth_pool *pool, berth_request_id id);

/**
 * berth_resume() - what a suspended request waited for is there; it goes on.
 *
 * Resuming what is not suspended changes nothing. Wakes berth_plan_wait.
 *
 * @pool     not NULL
 * @id       a parked or running request of an engine's pool
 *
 * Errors:   as berth_suspend
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(1)
 */
BERTH_API berth_status berth_resume(berth_pool *pool, berth_request_id id);

/* ---- Worker and gate face ------------------------------------------------------------------ */

/**
 * berth_emit() - deliver one chunk of a running request.
 *
 * Most chunks take a short way: while a stream has put something out before, its mailbox is in the
 * list of berth_ready_take, and nobody sleeps on it, a chunk costs its copy and two atomic
 * operations on memory of its own, and no turn at the pool's lock. The first chunk of a worker's
 * request does, too, where it has no deadline and nobody has ever asked for that list. What took it
 * is counted when somebody looks: counters, a tenant's too, and the outcome are exact whenever they
 * are read. It is no event: where a deadline has passed and nothing has noticed yet, the chunk is
 * in time. Streams that have a key or coalesce, and pools that are fair by tokens
 * (BERTH_FAIRNESS_VTC), take the lock each time.
 *
 * @pool       not NULL
 * @id         a running request of a worker's or a gate's pool
 * @bytes      borrowed for the call
 * @size       bytes, at most mailbox_size - 64
 * @tokens     that the chunk carries; counted as generated
 *
 * Errors:   BERTH_EINVAL  malformed
 *           BERTH_EFACE   an engine commits instead
 *           BERTH_ESTALE  no such request
 *           BERTH_EAGAIN  it is still parked
 *           BERTH_EENDED  its outcome is fixed; the chunk was dropped and counted
 *           BERTH_EFULL   no room: nothing was changed; try again once the reader has read
 *           BERTH_EBUSY   another thread emits for it at this moment: nothing was changed
 *           BERTH_EBROKEN the pool has failed
 * Threads:  one at a time per request; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(size)
 */
BERTH_API berth_status berth_emit(berth_pool *pool, berth_request_id id, const void *bytes,
                                  size_t size, uint64_t tokens);

/**
 * berth_finish() - a pending or gated request has ended, and lets its units go.
 *
 * On the worker face it may be called inside execute too; the units are then held until execute
 * returns. Calling it twice, or after a cancel, is harmless: the first outcome stays.
 *
 * @pool     not NULL
 * @id       a running or stopping request of a worker's or a gate's pool
 * @finish   STOP, LENGTH or FAILED
 * @code     the host's, with FAILED
 *
 * Errors:   BERTH_EINVAL  malformed
 *           BERTH_EFACE   an engine commits instead
 *           BERTH_ESTALE  no such request
 *           BERTH_EAGAIN  it is still parked
 *           BERTH_EENDED  an outcome was fixed before; the units were let go if they were held
 *           BERTH_EBROKEN the pool has failed
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(log requests), plus what it admits
 */
BERTH_API berth_status berth_finish(berth_pool *pool, berth_request_id id, uint32_t finish,
                                    int32_t code);

/* ---- Being seen ---------------------------------------------------------------------------- */

typedef struct berth_band_stats {
    uint64_t submitted_total;
    uint64_t refused_total;
    uint64_t ended_total;
    uint64_t parked;
    uint64_t running;
    uint64_t stopping;
    uint64_t parked_size;     /* bytes */
    uint64_t queue_ns_total;  /* spent parked by those admitted */
    uint64_t admitted_total;
    uint64_t preemptions_total;
    uint64_t service_gap; /* between the tenants that wait in it: the most and the least that
                             one has had by its weight, in weighted tokens; with fairness */
    uint64_t codel_dropped_total; /* ended as EVICTED (delay) */
    uint64_t predicted_wait_ns;   /* that a newcomer of the mean cost would be parked */
    uint64_t reserved[4];
} berth_band_stats;

typedef struct berth_resource_stats {
    char name[BERTH_NAME_SIZE];
    uint64_t capacity_units;
    uint64_t used_units;      /* held by running and stopping requests */
    uint64_t used_units_peak; /* since create */
    uint64_t overdraft_units; /* used above capacity */
    uint64_t parked_units;    /* asked for by parked requests */
    uint64_t reserved[8];
} berth_resource_stats;

/**
 * One consistent snapshot. At every moment
 *     submitted_total = refused_total + parked + running + stopping + ended_total
 * for the pool and for each band; ended_total is the sum of outcome_total, refused_total of
 * refusal_total.
 */
typedef struct berth_stats {
    uint32_t struct_size;
    uint32_t face;
    uint32_t closed; /* 1 after close */
    uint32_t broken; /* 1 after an invariant failed */
    uint64_t now_at_ns;

    uint64_t submitted_total;
    uint64_t refused_total;
    uint64_t admitted_total;
    uint64_t ended_total;
    uint64_t parked; /* above parked_max by who was preempted, or handed back by a worker */
    uint64_t running;
    uint64_t stopping;
    uint64_t running_peak;
    uint64_t parked_peak;
    uint64_t parked_size;

    uint64_t outcome_total[BERTH_OUTCOMES_MAX]; /* by berth_outcome_kind */
    uint64_t refusal_total[BERTH_REFUSALS_MAX]; /* by berth_refusal_reason */

    uint64_t retained;               /* ended, not yet taken */
    uint64_t retained_dropped_total; /* dropped by ended_max, or for a ring or a place, untaken */
    uint64_t chunks_total;           /* delivered */
    uint64_t chunks_dropped_total;   /* late, or for mailboxes without chunks */
    uint64_t bytes_total;            /* of chunks delivered */
    uint64_t prompt_tokens_total;    /* of admitted requests */
    uint64_t tokens_computed_total;
    uint64_t tokens_generated_total;
    uint64_t steps_total;            /* committed */
    uint64_t drain_interval_ns;      /* measured time between two admissions while some wait */

    uint32_t active_workers; /* workers inside execute */
    uint32_t worker_count;
    uint32_t running_max;
    uint32_t parked_max;

    uint32_t band_count;
    uint32_t resource_count;
    berth_band_stats bands[BERTH_BANDS_MAX];
    berth_resource_stats resources[BERTH_RESOURCES_MAX];

    uint64_t preemptions_total;       /* running requests that gave way and were parked again */
    uint64_t readmitted_total;        /* of those, how often one was admitted again; admitted_total
                                         counts each request once */
    uint64_t tokens_recomputed_total; /* computed, then given up by preemptions */

    uint64_t paused;       /* of running: left out of plans until their readers catch up */
    uint64_t pauses_total; /* how often that began */
    uint64_t prefix_hit_tokens_total; /* of prompts, found resident at admission */
    uint64_t prefix_evicted_total;    /* blocks that left the index */
    uint64_t prefix_truncated_total;  /* blocks named at submit for which it had no room */
    uint32_t prefix_blocks_held;      /* by running requests, each counted once */
    uint32_t prefix_blocks_cached;    /* resident, held by nobody */
    uint32_t sets_held;
    uint32_t reserved0;
    uint64_t backfills_total;         /* admissions past a first in line that did not fit */

    uint64_t keyed;                /* mailboxes with keys */
    uint64_t keyed_owned;          /* of those, how many have an owner */
    uint64_t keyed_size;           /* bytes, as keys_size_max counts them */
    uint64_t attached_total;       /* owners, take-overs included */
    uint64_t taken_over_total;
    uint64_t keyed_gone_total;     /* cancelled, because nobody came back in time */
    uint64_t keyed_expired_total;  /* dropped after keys_retain_ns; these and those that gave way */
    uint64_t keyed_evicted_total;  /* to limits of keys are in retained_dropped_total */
    uint64_t codel_dropped_total;     /* ended as EVICTED (delay) */

    uint64_t suspended;          /* parked or running, and left out until they are resumed */
    uint64_t suspensions_total;  /* how often that began */
    uint64_t steps_failed_total; /* by berth_plan_fail */

    uint64_t tickets;               /* out now */
    uint64_t tickets_held;          /* requests that they still stand for */
    uint64_t tickets_total;         /* given out */
    uint64_t tickets_refused_total; /* asked for in vain; no submit, and in no other counter */
    uint64_t tickets_expired_total;
} berth_stats;

/**
 * berth_stats_read() - one consistent snapshot of all counters.
 *
 * @pool     not NULL
 * @out      receives it; struct_size set by the caller
 *
 * Errors:   BERTH_EINVAL  malformed
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(1), and O(streams) that berth_emit goes the short way for
 */
BERTH_API berth_status berth_stats_read(berth_pool *pool, berth_stats *out);

/**
 * berth_stats_to_json() - write a snapshot as one JSON object.
 *
 * Beside every field of the snapshot it has the keys `scheduler_type` ("berth"), `active_workers`,
 * `queued_tasks`, `available_capacity` and `total_capacity` (requests: running_max and what is
 * free of it).
 *
 * @stats        borrowed for the call
 * @buffer       receives the text, ended by NUL; may be NULL with buffer_size 0
 * @buffer_size  bytes
 * @out_size     receives the bytes of the text without NUL, also with BERTH_ESPACE; may be NULL
 *
 * Errors:   BERTH_EINVAL  malformed
 *           BERTH_ESPACE  buffer is too small; nothing was written but out_size
 *           BERTH_ENOMEM  memory could not be allocated
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   allocates, and frees before it returns
 * Cost:     O(size of the text)
 */
BERTH_API berth_status berth_stats_to_json(const berth_stats *stats, char *buffer,
                                           size_t buffer_size, size_t *out_size);

/** What a tenant has, and has had since it became known. */
typedef struct berth_tenant_stats {
    uint32_t struct_size;
    uint32_t known; /* 0 = never seen, or idle and given up for others: all is 0 */
    uint64_t tenant;
    uint64_t weight;
    uint64_t submitted_total;
    uint64_t refused_total;
    uint64_t parked;
    uint64_t running; /* or stopping */
    uint64_t prompt_tokens_total;    /* of admitted requests, less what a prefix cache gave */
    uint64_t tokens_generated_total;
    uint64_t units[BERTH_RESOURCES_MAX]; /* parked and held, by resource */
} berth_tenant_stats;

/**
 * berth_tenant_stats_read() - what one tenant has.
 *
 * @pool     not NULL
 * @tenant   any number; one that is not known is all zero
 * @out      receives it; struct_size set by the caller
 *
 * Errors:   BERTH_EINVAL  malformed, or the pool has no tenants (tenants_max)
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(resources), and as berth_stats_read
 */
BERTH_API berth_status berth_tenant_stats_read(berth_pool *pool, uint64_t tenant,
                                               berth_tenant_stats *out);

/**
 * berth_refusal_name() - a refusal's reason in lower case, such as "never_fits"; else "unknown".
 *
 * Returns:  static
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(1)
 */
BERTH_API const char *berth_refusal_name(uint32_t reason);

/**
 * berth_outcome_name() - an outcome's kind in lower case, such as "completed"; else "unknown".
 *
 * Returns:  static
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(1)
 */
BERTH_API const char *berth_outcome_name(uint32_t kind);

/**
 * berth_kv_cost() - KV blocks and bytes of a request, as the pool works them out.
 *
 * blocks = ceil((prompt_tokens + max_new_tokens) / block_tokens), in 64 bits, checked.
 *
 * @prompt_tokens   tokens
 * @max_new_tokens  tokens
 * @block_tokens    tokens per block, 1 or more; 16 is customary
 * @block_size      bytes per block
 * @out_blocks      receives blocks; may be NULL
 * @out_size        receives bytes; may be NULL
 *
 * Errors:   BERTH_EINVAL    block_tokens is 0
 *           BERTH_EOVERFLOW the result does not fit in 64 bits
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(1)
 */
BERTH_API berth_status berth_kv_cost(uint64_t prompt_tokens, uint64_t max_new_tokens,
                                     uint32_t block_tokens, uint64_t block_size,
                                     uint64_t *out_blocks, uint64_t *out_size);

/* ---- Time ---------------------------------------------------------------------------------- */

/**
 * berth_clock_now() - the pool's clock.
 *
 * @pool     not NULL
 * @out      receives nanoseconds
 *
 * Errors:   BERTH_EINVAL  malformed
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(1)
 */
BERTH_API berth_status berth_clock_now(berth_pool *pool, uint64_t *out);

/**
 * berth_clock_next() - when the next deadline of any request, or the end of a key's time, is due.
 *
 * @pool     not NULL
 * @out      receives the moment; BERTH_FOREVER if none is
 *
 * Errors:   BERTH_EINVAL  malformed
 * Threads:  any; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(1)
 */
BERTH_API berth_status berth_clock_next(berth_pool *pool, uint64_t *out);

/**
 * berth_clock_advance() - move a virtual clock; what comes due on the way ends in order of time,
 * then of arrival, each at its own moment.
 *
 * @pool     not NULL
 * @to_at_ns not before the clock's now
 *
 * Errors:   BERTH_EINVAL  the clock is the system's, or would go back
 *           BERTH_EBROKEN the pool has failed
 * Threads:  one at a time per pool; never blocks; from callbacks: yes
 * Memory:   does not allocate
 * Cost:     O(due * log requests)
 */
BERTH_API berth_status berth_clock_advance(berth_pool *pool, uint64_t to_at_ns);

/* ---- Experimental -------------------------------------------------------------------------- */

/*
 * What stands behind this fence works and is tested, but may change or go with any version before
 * 1.0; who uses it says so by defining BERTH_EXPERIMENTAL before the header. The fence promises:
 *
 *   - a program that compiles without the macro uses nothing of this, and is not affected by what
 *     becomes of it: no call, no other option and no counter depends on it;
 *   - the macro changes no layout and no number. Fields of structs that belong to this part stand
 *     where they are, marked, and are zero elsewhere; one that is given up becomes a reserved field
 *     in its place, and a number that is given up is not used again;
 *   - what is promised of every call (statuses, bounds, no invariant broken by the host) holds here
 *     as well.
 *
 *
 * The host's rank
 *
 * With options.order BERTH_ORDER_RANK ("rank" in JSON) the host says who goes first of two requests
 * of one band, and with fairness of one tenant: the lowest number; of equal ones, who came first.
 * The number is berth_executor.rank's, if there is one, else berth_request.rank.
 *
 *     uint64_t rank(void *user_data, const berth_request *request);
 *
 * Called by submit on its thread, once, before the request is accepted and without any lock; the
 * request is the caller's, and borrowed for the call. It may call what callbacks may call. A rank
 * is fixed at submit, also through recost and preemption: one that would be another number later
 * breaks nothing, and moves nobody who is parked. Nobody is protected from being passed for ever
 * unless options.order_displaced_max is set.
 *
 * Without the order, berth_pool_create refuses a rank() (BERTH_ECONFIG) and berth_submit a rank
 * that is not 0 (BERTH_EINVAL).
 */
#ifdef BERTH_EXPERIMENTAL

/** Who goes first, as berth_order. */
enum berth_order_experimental {
    BERTH_ORDER_RANK = 4 /* the host's rank; the lowest number first */
};

#endif /* BERTH_EXPERIMENTAL */

#ifdef __cplusplus
}
#endif

#endif /* BERTH_H */
