/* SPDX-License-Identifier: MIT */
/*
 * Two tables with chains: keys by their own random bits, tenants by a salted hash of their number.
 * A chain of keys is walked to its end, whatever is found on the way, and the tenant is compared as
 * part of the entry: how long a search takes says nothing about whose a key is.
 *
 * An owner's id is laid out as a request's. Its place is that of the entry, counted from behind the
 * requests' places; its generation counts the owners of the entry. `first` tells which of them were
 * owners of the key that is there now: to those the mailbox is taken, to older ones it is stale.
 */
#include "runtime/registry.h"
#include "base/ids.h"
#include "runtime/key.h"

#include <stdlib.h>

/* An odd number with no pattern in its bits: 2^64 divided by the golden ratio (Knuth, TAOCP 3,
 * section 6.4, multiplicative hashing). */
#define HASH_FACTOR UINT64_C(0x9E3779B97F4A7C15)

/* ---- Memory ---- */

static uint32_t bucket_count_for(uint32_t entries) {
    uint32_t count = 1;
    while (count < entries) count *= 2;
    return count;
}

static berth_status make_memory(berth__registry *registry) {
    const uint32_t count = registry->count_max;
    const uint32_t buckets = registry->bucket_count;
    berth__heap_entry *heap = calloc(count, sizeof *heap);
    registry->times.entries = heap;
    registry->order = calloc(count, sizeof *registry->order);
    registry->entries = calloc(count, sizeof *registry->entries);
    registry->links = calloc(count, sizeof *registry->links);
    registry->tenant_links = calloc(count, sizeof *registry->tenant_links);
    registry->tenants = calloc(count, sizeof *registry->tenants);
    registry->buckets = calloc(buckets, sizeof *registry->buckets);
    registry->tenant_buckets = calloc(buckets, sizeof *registry->tenant_buckets);
    if (heap == NULL || registry->order == NULL || registry->entries == NULL ||
        registry->links == NULL || registry->tenant_links == NULL || registry->tenants == NULL ||
        registry->buckets == NULL || registry->tenant_buckets == NULL)
        return BERTH_ENOMEM;
    berth__heap_init(&registry->times, heap, registry->order, count);
    return BERTH_OK;
}

berth_status berth__registry_init(berth__registry *registry, const berth_options *options,
                                  uint32_t place_first) {
    berth_key random;
    *registry = (berth__registry){.count_max = options->keys_max,
                                  .tenant_max = options->keys_tenant_max,
                                  .size_max = options->keys_size_max,
                                  .place_first = place_first,
                                  .tenants_free = BERTH__NONE,
                                  .bucket_count = bucket_count_for(options->keys_max)};
    berth__list_init(&registry->free);
    berth__list_init(&registry->idle);
    if (registry->count_max == 0) return BERTH_OK;
    berth_status status = make_memory(registry);
    if (status == BERTH_OK) status = berth__key_make(&random);
    if (status != BERTH_OK) return status;
    registry->salt = berth__key_bits(&random);
    for (uint32_t i = 0; i < registry->count_max; i++) {
        berth__list_push(&registry->free, registry->links, i);
        registry->tenants[i].next = registry->tenants_free;
        registry->tenants_free = i;
    }
    for (uint32_t i = 0; i < registry->bucket_count; i++)
        registry->buckets[i] = registry->tenant_buckets[i] = BERTH__NONE;
    return BERTH_OK;
}

void berth__registry_fini(berth__registry *registry) {
    free(registry->times.entries);
    free(registry->order);
    free(registry->entries);
    free(registry->links);
    free(registry->tenant_links);
    free(registry->tenants);
    free(registry->buckets);
    free(registry->tenant_buckets);
}

/* ---- Tenants ---- */

static uint32_t *tenant_bucket(const berth__registry *registry, uint64_t tenant) {
    const uint64_t hash = (tenant ^ registry->salt) * HASH_FACTOR;
    return &registry->tenant_buckets[(hash >> 32) & (registry->bucket_count - 1)];
}

static uint32_t find_tenant(const berth__registry *registry, uint64_t tenant) {
    uint32_t index = *tenant_bucket(registry, tenant);
    while (index != BERTH__NONE && registry->tenants[index].tenant != tenant)
        index = registry->tenants[index].next;
    return index;
}

/* There are as many places for tenants as for mailboxes. */
static uint32_t join_tenant(berth__registry *registry, uint64_t tenant) {
    uint32_t index = find_tenant(registry, tenant);
    if (index == BERTH__NONE) {
        uint32_t *bucket = tenant_bucket(registry, tenant);
        index = registry->tenants_free;
        registry->tenants_free = registry->tenants[index].next;
        registry->tenants[index] = (berth__keyed_tenant){.tenant = tenant, .next = *bucket};
        berth__list_init(&registry->tenants[index].idle);
        *bucket = index;
    }
    registry->tenants[index].count++;
    return index;
}

static void leave_tenant(berth__registry *registry, uint32_t index) {
    berth__keyed_tenant *tenant = &registry->tenants[index];
    if (--tenant->count > 0) return;
    uint32_t *at = tenant_bucket(registry, tenant->tenant);
    while (*at != index) at = &registry->tenants[*at].next;
    *at = tenant->next;
    tenant->next = registry->tenants_free;
    registry->tenants_free = index;
}

/* ---- Room ---- */

static uint32_t is_full(const berth__registry *registry) {
    return registry->free.count == 0;
}

static uint32_t is_too_large(const berth__registry *registry, uint64_t size) {
    return registry->size_max != 0 && size > registry->size_max - registry->size;
}

/* The tenant, if it has as many as it may; else NULL. */
static const berth__keyed_tenant *full_tenant(const berth__registry *registry, uint64_t tenant) {
    if (registry->tenant_max == 0) return NULL;
    const uint32_t index = find_tenant(registry, tenant);
    if (index == BERTH__NONE || registry->tenants[index].count < registry->tenant_max) return NULL;
    return &registry->tenants[index];
}

static berth_status refuse(berth_refusal *refusal, uint32_t reason, uint64_t limit,
                           uint64_t asked) {
    refusal->reason = reason;
    refusal->limit = limit;
    refusal->asked = asked;
    return BERTH_EREFUSED;
}

/* Bytes that the idle ones would give back, as far as they are asked for. */
static uint32_t can_shrink(const berth__registry *registry, uint64_t size) {
    uint64_t given = 0;
    for (uint32_t index = registry->idle.head; index != BERTH__NONE;
         index = registry->links[index].next) {
        given += registry->entries[index].size;
        if (size <= registry->size_max - registry->size + given) return 1;
    }
    return 0;
}

berth_status berth__registry_check(const berth__registry *registry, const berth__newcomer *newcomer,
                                   berth_refusal *refusal) {
    const berth__keyed_tenant *tenant = full_tenant(registry, newcomer->tenant);
    if (is_full(registry) && registry->idle.count == 0)
        return refuse(refusal, BERTH_REFUSAL_KEYS, registry->count_max,
                      (uint64_t)registry->count + 1);
    if (tenant != NULL && tenant->idle.count == 0)
        return refuse(refusal, BERTH_REFUSAL_KEYS_TENANT, registry->tenant_max,
                      (uint64_t)tenant->count + 1);
    if (is_too_large(registry, newcomer->size) && !can_shrink(registry, newcomer->size))
        return refuse(refusal, BERTH_REFUSAL_KEYS_SIZE, registry->size_max,
                      registry->size + newcomer->size);
    return BERTH_OK;
}

uint32_t berth__registry_in_the_way(const berth__registry *registry,
                                    const berth__newcomer *newcomer) {
    const berth__keyed_tenant *tenant = full_tenant(registry, newcomer->tenant);
    if (tenant != NULL) return tenant->idle.head;
    if (is_full(registry) || is_too_large(registry, newcomer->size)) return registry->idle.head;
    return BERTH__NONE;
}

/* ---- Entries ---- */

static uint32_t *bucket_of(const berth__registry *registry, const berth_key *key) {
    return &registry->buckets[berth__key_bits(key) & (registry->bucket_count - 1)];
}

uint32_t berth__registry_add(berth__registry *registry, const berth_key *key,
                             const berth__newcomer *newcomer, berth_request_id id) {
    const uint32_t index = registry->free.head;
    uint32_t *bucket = bucket_of(registry, key);
    berth__keyed *entry = &registry->entries[index];
    berth__list_remove(&registry->free, registry->links, index);
    *entry = (berth__keyed){.key = *key,
                            .id = id,
                            .size = newcomer->size,
                            .first = entry->generation,
                            .generation = entry->generation,
                            .tenant = join_tenant(registry, newcomer->tenant),
                            .next = *bucket};
    *bucket = index;
    registry->count++;
    registry->size += newcomer->size;
    return index;
}

void berth__registry_remove(berth__registry *registry, uint32_t index) {
    berth__keyed *entry = &registry->entries[index];
    uint32_t *at = bucket_of(registry, &entry->key);
    while (*at != index) at = &registry->entries[*at].next;
    *at = entry->next;
    berth__registry_disown(registry, index);
    berth__registry_set_idle(registry, index, 0);
    berth__heap_remove(&registry->times, index);
    leave_tenant(registry, entry->tenant);
    registry->count--;
    registry->size -= entry->size;
    entry->id = 0;
    /* A place that ran out of generations is used no more. */
    if (entry->generation < BERTH__GENERATION_MAX)
        berth__list_push(&registry->free, registry->links, index);
}

uint32_t berth__registry_find(const berth__registry *registry, const berth_key *key) {
    uint32_t found = BERTH__NONE;
    for (uint32_t index = *bucket_of(registry, key); index != BERTH__NONE;
         index = registry->entries[index].next)
        if (berth__key_equal(&registry->entries[index].key, key)) found = index;
    return found;
}

uint32_t berth__registry_open(const berth__registry *registry, const berth_key *key,
                              uint64_t tenant) {
    uint32_t found = BERTH__NONE;
    for (uint32_t index = *bucket_of(registry, key); index != BERTH__NONE;
         index = registry->entries[index].next) {
        const berth__keyed *entry = &registry->entries[index];
        const uint32_t is_theirs = registry->tenants[entry->tenant].tenant == tenant;
        if (berth__key_equal(&entry->key, key) & is_theirs) found = index;
    }
    return found;
}

/* ---- Owners ---- */

static berth_owner_id owner_id(const berth__registry *registry, uint32_t index) {
    return registry->entries[index].generation << BERTH__PLACE_BITS |
           (registry->place_first + index);
}

berth_owner_id berth__registry_own(berth__registry *registry, uint32_t index) {
    berth__keyed *entry = &registry->entries[index];
    if (entry->generation == BERTH__GENERATION_MAX) return 0;
    entry->generation++;
    if (!entry->owned) registry->owned_count++;
    entry->owned = 1;
    return owner_id(registry, index);
}

void berth__registry_disown(berth__registry *registry, uint32_t index) {
    berth__keyed *entry = &registry->entries[index];
    if (entry->owned) registry->owned_count--;
    entry->owned = 0;
}

berth_owner_id berth__registry_owner(const berth__registry *registry, uint32_t index) {
    return registry->entries[index].owned ? owner_id(registry, index) : 0;
}

berth_status berth__registry_find_owner(const berth__registry *registry, berth_owner_id owner,
                                        uint32_t *out) {
    const uint32_t place = berth__id_place(owner);
    const uint64_t generation = owner >> BERTH__PLACE_BITS;
    if (place < registry->place_first || place - registry->place_first >= registry->count_max)
        return BERTH_ESTALE;
    const uint32_t index = place - registry->place_first;
    const berth__keyed *entry = &registry->entries[index];
    *out = index;
    if (entry->id == 0 || generation <= entry->first || generation > entry->generation)
        return BERTH_ESTALE;
    if (generation < entry->generation) return BERTH_ETAKEN;
    return entry->owned ? BERTH_OK : BERTH_ESTALE;
}

/* ---- Time ---- */

void berth__registry_set_time(berth__registry *registry, uint32_t index, uint64_t at_ns) {
    if (at_ns == BERTH_FOREVER) {
        berth__heap_remove(&registry->times, index);
        return;
    }
    registry->order[index] = registry->arrivals++;
    berth__heap_set(&registry->times, index, at_ns);
}

void berth__registry_set_idle(berth__registry *registry, uint32_t index, uint32_t idle) {
    berth__keyed *entry = &registry->entries[index];
    berth__list *of_tenant = &registry->tenants[entry->tenant].idle;
    if (entry->idle == idle) return;
    entry->idle = idle != 0;
    if (idle) {
        berth__list_push(&registry->idle, registry->links, index);
        berth__list_push(of_tenant, registry->tenant_links, index);
    } else {
        berth__list_remove(&registry->idle, registry->links, index);
        berth__list_remove(of_tenant, registry->tenant_links, index);
    }
}

uint64_t berth__registry_next_at(const berth__registry *registry) {
    return registry->times.count > 0 ? registry->times.entries[0].at : BERTH_FOREVER;
}

uint32_t berth__registry_take_due(berth__registry *registry, uint64_t now) {
    if (registry->times.count == 0 || registry->times.entries[0].at > now) return BERTH__NONE;
    const uint32_t index = registry->times.entries[0].place;
    berth__heap_remove(&registry->times, index);
    return index;
}
