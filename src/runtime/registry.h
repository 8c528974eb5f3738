/* SPDX-License-Identifier: MIT */
/*
 * What:    the table of mailboxes with keys: by key, by owner, by tenant, by when their time ends.
 * Why:     a client who comes back is found by 128 random bits, and what nobody comes back for
 *          ends by a timer, without a scan.
 * Rules:   memory of its own, all made by init; no lock, no clock, no core in here. An entry is
 *          `idle` while it has ended and has no owner: these give way to limits, the longest first.
 * Threads: guarded by the pool lock.
 */
#ifndef BERTH__RUNTIME_REGISTRY_H
#define BERTH__RUNTIME_REGISTRY_H

#include "base/heap.h"
#include "base/list.h"
#include "berth.h"

/* One mailbox with a key. */
typedef struct berth__keyed {
    berth_key key;
    berth_request_id id; /* 0 = free */
    uint64_t size;       /* bytes that it counts */
    uint64_t left_at_ns; /* when the last owner left, or when it was submitted */
    uint64_t ended_at_ns;
    uint64_t first;      /* generation of the last owner in this place before this key */
    uint64_t generation; /* of the latest owner */
    uint32_t tenant;     /* index into tenants */
    uint32_t next;       /* in its bucket */
    uint8_t owned;
    uint8_t ended;
    uint8_t idle;
    uint8_t reserved[5];
} berth__keyed;

/* What one tenant has. */
typedef struct berth__keyed_tenant {
    uint64_t tenant;
    uint32_t count;
    uint32_t next; /* in its bucket; or the next free one */
    berth__list idle;
    uint32_t reserved;
} berth__keyed_tenant;

typedef struct berth__registry {
    berth__keyed *entries;
    berth__link *links; /* by entry: `free` or `idle` */
    berth__list free;
    berth__list idle;
    berth__link *tenant_links; /* by entry: the idle ones of its tenant */
    uint32_t *buckets;         /* by bits of the key */
    berth__keyed_tenant *tenants;
    uint32_t *tenant_buckets;
    uint64_t salt; /* random: nobody can choose tenants that lie in one bucket */
    berth__heap times;
    uint64_t *order; /* by entry: in which their times were set */
    uint64_t arrivals;
    uint64_t size; /* of all together */
    uint64_t size_max;
    uint32_t count;
    uint32_t count_max;
    uint32_t tenant_max;
    uint32_t bucket_count; /* a power of two */
    uint32_t tenants_free; /* the first of a chain */
    uint32_t place_first;  /* owners' ids begin at this place */
    uint32_t owned_count;
    uint32_t reserved;
} berth__registry;

/* What somebody new would bring. */
typedef struct berth__newcomer {
    uint64_t tenant;
    uint64_t size;
} berth__newcomer;

/* Owners' ids will have places from `place_first` on. ENOMEM; ESYSTEM without random numbers. */
berth_status berth__registry_init(berth__registry *registry, const berth_options *options,
                                  uint32_t place_first);
void berth__registry_fini(berth__registry *registry);

/* ---- Room ---- */

/* Would the newcomer find room, if the idle ones that are in the way went? If not, why. */
berth_status berth__registry_check(const berth__registry *registry, const berth__newcomer *newcomer,
                                   berth_refusal *refusal);

/* The next one that has to go for a newcomer who passed check; BERTH__NONE if there is room. */
uint32_t berth__registry_in_the_way(const berth__registry *registry,
                                    const berth__newcomer *newcomer);

/* ---- Entries. All O(1), or O(log entries) where the time of one changes. ---- */

/* Returns its index; there is room. */
uint32_t berth__registry_add(berth__registry *registry, const berth_key *key,
                             const berth__newcomer *newcomer, berth_request_id id);
void berth__registry_remove(berth__registry *registry, uint32_t index);

/* The entry of a key, whoever's; BERTH__NONE. */
uint32_t berth__registry_find(const berth__registry *registry, const berth_key *key);

/* The same for one who says that it is this tenant's. Takes as long if it is another's. */
uint32_t berth__registry_open(const berth__registry *registry, const berth_key *key,
                              uint64_t tenant);

/* A new owner; 0 if it has had as many as there are ids for. */
berth_owner_id berth__registry_own(berth__registry *registry, uint32_t index);
void berth__registry_disown(berth__registry *registry, uint32_t index);

/* The owner there is; 0 without one. */
berth_owner_id berth__registry_owner(const berth__registry *registry, uint32_t index);

/* OK and the index; ESTALE; ETAKEN if another owner has come after this one. */
berth_status berth__registry_find_owner(const berth__registry *registry, berth_owner_id owner,
                                        uint32_t *out);

/* ---- Time ---- */

/* When its time ends; BERTH_FOREVER: never. */
void berth__registry_set_time(berth__registry *registry, uint32_t index, uint64_t at_ns);

/* It gives way from now on, after all that do already; or no longer. */
void berth__registry_set_idle(berth__registry *registry, uint32_t index, uint32_t idle);

/* When the next time ends; BERTH_FOREVER if none does. */
uint64_t berth__registry_next_at(const berth__registry *registry);

/* The entry whose time has ended at `now`, which has no time any more; BERTH__NONE. */
uint32_t berth__registry_take_due(berth__registry *registry, uint64_t now);

#endif
