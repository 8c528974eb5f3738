/* SPDX-License-Identifier: MIT */
/*
 * Properties
 *   At most one reader is inside. While one is, the ring is its request's: it is neither cleared
 *   nor given to another. Whoever takes a ring gets it at once or is brought it; it is not lost.
 *
 * Operation
 *   The state is a word of 64 bits, changed by single atomic operations:
 *
 *     bits 24 to 63   generation of the id
 *     bits 6 to 23    the low 18 bits of its place
 *     bits 2 to 5     WANTED, RETURN, RESUME, FIXED: told to the reader
 *     bit 1           INSIDE
 *     bit 0           OPEN
 *
 *   To enter is to add INSIDE to an open state of the same id; a stale id finds another generation,
 *   and the caller compares the whole id inside. Taking a ring shuts the gate: with nobody
 *   inside the state becomes 0; else WANTED is added, which the reader is told as he leaves.
 *
 * Safety
 *   state: entering acquires; opening, assigning and leaving release. What was written before the
 *     gate was opened (the ring cleared, the id) is seen inside, and what a reader did is seen by
 *     the next one, and by the lock holder who shuts or takes.
 *   RETURN is asked before the lock holder looks whether the ring is empty, and the reader looks
 *     after leaving: one of them sees it empty.
 */
#include "runtime/gate.h"

#define OPEN UINT64_C(1)
#define INSIDE UINT64_C(2)
#define ASKS                                                                                       \
    ((uint64_t)(BERTH__GATE_WANTED | BERTH__GATE_RETURN | BERTH__GATE_RESUME | BERTH__GATE_FIXED))
#define PLACE_SHIFT 6u
#define PLACE_MASK UINT64_C(0x3FFFF)
#define GENERATION_MASK (~UINT64_C(0) << 24)

static uint64_t key_of(berth_request_id id) {
    return (id & GENERATION_MASK) | (id & PLACE_MASK) << PLACE_SHIFT;
}

void berth__gate_assign(berth__gate *gate, berth_request_id id) {
    gate->id = id;
    atomic_store_explicit(&gate->lent, 0, memory_order_relaxed);
    atomic_store_explicit(&gate->state, key_of(id), memory_order_release);
}

uint32_t berth__gate_enter(berth__gate *gate, berth_request_id id) {
    const uint64_t key = key_of(id);
    uint64_t state = atomic_load_explicit(&gate->state, memory_order_relaxed);
    do {
        if ((state & ~ASKS) != (key | OPEN)) return 0;
    } while (!atomic_compare_exchange_weak_explicit(&gate->state, &state, state | INSIDE,
                                                    memory_order_acquire, memory_order_relaxed));
    return 1;
}

uint32_t berth__gate_leave(berth__gate *gate) {
    return (uint32_t)(atomic_fetch_and_explicit(&gate->state, ~INSIDE, memory_order_acq_rel) &
                      ASKS);
}

void berth__gate_open(berth__gate *gate) {
    atomic_fetch_or_explicit(&gate->state, OPEN, memory_order_release);
}

uint32_t berth__gate_shut(berth__gate *gate) {
    uint64_t state = atomic_load_explicit(&gate->state, memory_order_acquire);
    while ((state & (OPEN | INSIDE)) != 0) {
        if ((state & INSIDE) != 0) return 0;
        if (atomic_compare_exchange_weak_explicit(&gate->state, &state, state & ~OPEN,
                                                  memory_order_acquire, memory_order_acquire))
            break;
    }
    return 1;
}

void berth__gate_ask(berth__gate *gate, uint32_t ask) {
    const uint64_t state = atomic_load_explicit(&gate->state, memory_order_acquire);
    if ((state & (OPEN | INSIDE)) == 0) /* nobody else changes it */
        atomic_store_explicit(&gate->state, state | ask, memory_order_release);
    else
        atomic_fetch_or_explicit(&gate->state, ask, memory_order_acq_rel);
}

void berth__gate_unask(berth__gate *gate, uint32_t ask) {
    atomic_fetch_and_explicit(&gate->state, ~(uint64_t)ask, memory_order_acq_rel);
}

uint32_t berth__gate_take(berth__gate *gate) {
    uint64_t state = atomic_load_explicit(&gate->state, memory_order_acquire);
    uint64_t after;
    do {
        after = (state & INSIDE) != 0 ? (state & ~OPEN) | BERTH__GATE_WANTED : 0;
    } while (!atomic_compare_exchange_weak_explicit(&gate->state, &state, after,
                                                    memory_order_acq_rel, memory_order_acquire));
    return after == 0;
}

uint32_t berth__gate_is_inside(const berth__gate *gate) {
    return (atomic_load_explicit(&gate->state, memory_order_acquire) & INSIDE) != 0;
}

uint32_t berth__gate_is_awaited(const berth__gate *gate) {
    return (atomic_load_explicit(&gate->state, memory_order_acquire) & BERTH__GATE_WANTED) != 0;
}

void berth__gate_pass(berth__gate *gate, uint64_t id) {
    const uint64_t state = atomic_load_explicit(&gate->state, memory_order_acquire);
    gate->id = id;
    atomic_store_explicit(&gate->state, key_of(id) | (state & ASKS), memory_order_release);
}
