/* SPDX-License-Identifier: MIT */
/*
 * What:    the core's data: the table of requests, the lists they are in, the counters.
 * Why:     the core's files share this and nothing else; nobody outside src/core includes it.
 * Rules:   a taken place is in exactly one list: a band's queue (PARKED), running (RUNNING and
 *          STOPPING), ended (ENDED and not gone), or none (ENDED, gone, pinned).
 * Threads: none of its own.
 *
 *              queue              running                 ended
 *   submit --> PARKED --admit--> RUNNING --stop--> STOPPING --end--> ENDED --forget--> free
 *                 |                                                    ^
 *                 ^                |                                   |
 *                 +---- preempt ---+                                   |
 *                 |                                                    |
 *                 +-------------------- end ---------------------------+
 */
#ifndef BERTH__CORE_STATE_H
#define BERTH__CORE_STATE_H

#include "base/agenda.h"
#include "base/ids.h"
#include "base/invariant.h"
#include "core/bands.h"
#include "core/codel.h"
#include "core/core.h"
#include "core/flows.h"
#include "core/kv_peak.h"
#include "core/ledger.h"
#include "core/lengths.h"
#include "core/options.h"
#include "core/prefix.h"
#include "core/queue.h"
#include "core/rate.h"
#include "core/sets.h"
#include "core/tenants.h"
#include "core/ticket.h"

#include <stddef.h>

/* One request. Moments of UINT64_MAX are no deadline. A deadline and the moment that puts an end to
 * it share their place: the deadline is not asked for any more.
 *
 * Whoever ends a parked request touches lines that are in no cache, of pages that are in no
 * translation buffer. So all that is known of a place is on three cache lines in a row: what is
 * needed to end it; what is not; and what the owner of the core keeps. */
typedef struct berth__entry {
    uint64_t generation; /* of `ids`: the one field that outlives the request */
    uint64_t payload_size;
    union {
        uint64_t queue_at_ns;    /* until it is admitted for the first time */
        uint64_t admitted_at_ns; /* from then on; 0 if it ended before */
    };
    union {
        uint64_t first_output_due_at_ns;
        uint64_t first_output_at_ns; /* where has_output */
    };
    union {
        uint64_t total_at_ns;
        uint64_t ended_at_ns; /* once its outcome is fixed */
    };
    uint32_t tenant_index; /* BERTH__NONE where tenants decide nothing, and once it has ended */
    uint32_t slot;
    union {
        uint32_t overtaken; /* how often, while it was the first in line */
        int32_t code;       /* once its outcome is fixed */
    };
    uint8_t state; /* berth__state */
    uint8_t band_index;
    uint8_t outcome; /* berth_outcome_kind */
    uint8_t detail;
    uint8_t gone;
    uint8_t pinned;
    uint8_t in_step;     /* the outstanding steps that contain it, a bit of each: flight.h */
    uint8_t preemptions; /* how often it was preempted; stays at 255 */
    uint16_t samples;    /* sequences from its prompt; tokens beyond it are those of all of them */
    unsigned level : 4;  /* the band index that it competes in, or was admitted from */
    unsigned paused : 2; /* berth__pause: left out of plans and of admission by its reader */
    unsigned suspended : 1;    /* parked or running, and left out until it is resumed */
    unsigned committed : 1;    /* its result in the step being committed was seen */
    unsigned planned : 1;      /* a plan has listed it before */
    unsigned engine_knows : 1; /* the engine itself ended it: its slot needs no LEAVE */
    unsigned has_output : 1;

    uint64_t prompt_tokens;
    uint64_t max_new_tokens;
    uint64_t tokens_computed;
    uint64_t tokens_generated;
    uint64_t submitted_at_ns;
    uint64_t tenant;
    uint32_t flow;           /* where there are flows */
    uint32_t chunks_dropped; /* stays at UINT32_MAX */

    unsigned char beside[BERTH__BESIDE_SIZE]; /* the owner's */
} berth__entry;

_Static_assert(offsetof(berth__entry, prompt_tokens) == 64, "one line to end it");
_Static_assert(sizeof(berth__entry) == BERTH__PLACE_SIZE, "three lines");

/* What only a running or stopping request has; by slot. */
typedef struct berth__run {
    uint64_t prompt_charged; /* tokens of the prompt that its flow was charged */
    uint64_t prefill_tokens; /* a prefill until so many are computed: the prompt, and after a
                                preemption also what had been generated */
    uint64_t asked[BERTH_RESOURCES_MAX]; /* its units when it was admitted: what it asks for again
                                            if it is preempted */
    uint64_t planned_tokens;             /* in all outstanding steps; KV is held for them */
    uint64_t step_tokens[BERTH__STEPS_MAX]; /* the same by step: see flight.h */
    uint64_t admission;                     /* counts admissions: the newest has the largest */
    uint64_t began_at_ns;                   /* when it was admitted, this time */
    uint64_t queue_at_ns; /* of the entry, until it was admitted; for one that is unadmitted */
    uint64_t likely_end;  /* predicted: tokens of output that are expected; 0 = not yet */

    uint32_t held_block;    /* of the prefix index: the last that it holds; BERTH__NONE */
    uint32_t next_block;    /* the one that it computes next, for all; BERTH__NONE */
    uint32_t shared_blocks; /* of its context: held there, not among its own units */
    uint32_t found;         /* the engine has said how much of its prompt was in its cache */
    uint32_t drains;        /* to give way once no step contains it: in no plan until then */
    uint32_t reserved;
} berth__run;

/* Which blocks of prompt a request names, and how much of them was resident when somebody last
 * looked: good until the index changes. */
typedef struct berth__want {
    uint64_t looked; /* the index's change_count then, and 1; 0 = nobody has */
    uint32_t tail;   /* its last block in the prefix index; BERTH__NONE */
    uint32_t hit;    /* the last one that is resident with all before it; BERTH__NONE */
    uint32_t next;   /* the one behind that; BERTH__NONE */
    uint32_t reserved;
} berth__want;

/* The set that a request names. */
typedef struct berth__set_name {
    uint64_t id; /* 0 = none */
    uint64_t units;
} berth__set_name;

/* How the tokens of the step being planned are shared; see budget.h. */
typedef struct berth__budget {
    uint64_t decodes;                 /* given to those who generate */
    uint64_t wanted[BERTH_BANDS_MAX]; /* by the prefills of each band */
    uint32_t active;                  /* a plan is being made, and step_tokens is set */
    uint32_t reserved;
} berth__budget;

/* kv_mode ratio. */
typedef struct berth__ratio {
    uint64_t scaled;  /* the ratio, in millionths times kv_ratio_decay_steps */
    uint64_t clipped; /* tokens to come of those who run, each with 4,096 at most */
} berth__ratio;

/* When a running request ends at the latest. */
typedef struct berth__end {
    uint64_t at_ns;
    uint32_t place;
    uint32_t reserved;
} berth__end;

/* A slot that the engine must be told to forget. */
typedef struct berth__leaving {
    berth_request_id id;
    uint32_t slot;
    uint32_t band;
    uint32_t flags; /* berth_entry_flag */
    uint32_t reserved;
} berth__leaving;

struct berth__core {
    berth_options options; /* normalised */
    berth__sink *sink;
    void *sink_context;
    berth__link *links;
    berth__entry *entries;
    uint32_t place_count;
    uint32_t reserved2;
    uint64_t *order; /* of arrival, by place; breaks ties between deadlines */
    uint64_t *units; /* resource_count per place */

    /* By place; NULL where nobody needs them. */
    uint64_t *pause_due_at_ns; /* engine: while paused */
    uint64_t *prefix_tokens;   /* with a prefix index: credited by the cache */
    uint64_t *run_ns;          /* with EASY: upper bound of the time it runs; 0 = not known */

    /* What is above is fixed, and read (berth__core_expect) by threads that are still to get the
     * pool's lock: it shares no cache line with what an event writes. */
    unsigned char apart[64];

    uint64_t now;
    uint64_t arrivals;
    berth__ids ids;
    berth__agenda deadlines;
    berth__queue queue;
    berth__flows flows;
    berth__bands bands;
    berth__tenants tenants;
    berth__tickets tickets;
    berth__ledger ledger;
    berth__rate rate;
    berth__prefix prefix;
    berth__sets sets;
    berth__want *wants;         /* by place, if there is a prefix index */
    berth__set_name *set_names; /* by place, if there are sets */
    berth__codel codels[BERTH_BANDS_MAX];
    berth__rate steps;   /* the same of an engine's steps: how long one takes */
    berth__list running; /* in order of admission */
    berth__list ended;   /* in order of ending */

    berth__run *runs; /* running_max, by slot */
    uint64_t admissions;
    uint32_t *growing; /* running_max where KV grows: who is asked for growth, in a plan */
    uint32_t
        *victims; /* running_max on an engine: who gives way, a heap in the order of victim.h */
    berth__budget budget;
    uint64_t decode_tokens; /* in a plan: given to decodes; UINT64_MAX where some gave way */
    berth__peak peak;       /* future_peak, predicted */
    berth__ratio ratio;     /* ratio */
    berth__lengths lengths; /* of completed outputs; where predict.h needs them */
    uint32_t victims_count;
    uint32_t held_up;     /* running, and left out of plans: paused or suspended */
    berth__end *ends;     /* running_max with EASY: scratch of backfill.h */
    uint32_t pause_steps; /* plans left in which nobody is admitted, after a preemption */
    uint32_t *slots_free; /* a stack */
    uint32_t slots_free_count;
    uint32_t leaving_count;
    berth__leaving *leaving; /* running_max */

    berth_step_id step_id;      /* of the last step */
    uint32_t steps_outstanding; /* the newest so many up to step_id */
    uint32_t closed;
    uint32_t broken;
    uint32_t failed;        /* broken, and all have been told */
    uint32_t samples;       /* of those who run and are stopping, together */
    uint32_t draining;      /* how many drain, in the latest plan */
    uint32_t plain;         /* fixed: plain.h does for most of it */
    uint32_t plain_submits; /* fixed: nothing in the options asks more of a submit than lend.h */
    uint32_t plain_steps;   /* fixed: plans are made by plain_step.h */
    uint32_t minds;         /* fixed: berth__minds */
    uint32_t commit_bit;    /* in a commit: its step's in berth__entry.in_step */
    uint32_t plain_ends;    /* fixed: plain.h does for who is parked, until he ends or enters */
    uint32_t reserved;
    uint32_t unlimited;     /* fixed: bands of which only the count of the parked is limited */
    uint32_t not_decoding;  /* in a plan: who runs and was given no tokens as a decode, at most */
    uint32_t idle_count;    /* admissions allowed before set_idle; BERTH__NONE = no bound */

    /* Counters only: gauges and resources are worked out when read. */
    berth_stats counters;
};

static inline uint64_t *berth__units_of(const berth__core *core, uint32_t place) {
    return core->units + (size_t)place * core->options.resource_count;
}

static inline berth__run *berth__run_of(const berth__core *core, uint32_t place) {
    return &core->runs[core->entries[place].slot];
}

/* What one of its samples has generated, at least, if they go on evenly; one that ended early holds
 * this back, so that what is left of it is never too little for the others. */
static inline uint64_t berth__generated_each(const berth__entry *entry) {
    return entry->tokens_generated / entry->samples;
}

static inline uint64_t berth__prefix_tokens_of(const berth__core *core, uint32_t place) {
    return core->prefix_tokens == NULL ? 0 : core->prefix_tokens[place];
}

/* Has it never been admitted? Asked of one that is parked or was until now. */
static inline int berth__is_new(const berth__entry *entry) {
    return entry->preemptions == 0;
}

static inline int berth__is_held_up(const berth__entry *entry) {
    return entry->state == BERTH__RUNNING && (entry->paused || entry->suspended);
}

static inline int berth__is_engine(const berth__core *core) {
    return core->options.face == BERTH_FACE_ENGINE;
}

static inline berth__load berth__load_of(const berth__core *core, uint32_t place) {
    const berth__entry *entry = &core->entries[place];
    return (berth__load){.band_index = entry->band_index,
                         .tenant_index = entry->tenant_index,
                         .size = entry->payload_size,
                         .units = berth__units_of(core, place)};
}

static inline berth_band_stats *berth__band_of(berth__core *core, uint32_t place) {
    return &core->counters.bands[core->entries[place].band_index];
}

#endif
