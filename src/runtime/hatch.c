/* SPDX-License-Identifier: MIT */
/*
 * Properties
 *   At most one producer is inside. While one is, the ring's bytes are his to write behind the
 *   offset: it is neither cleared nor given to another. Whoever takes a ring gets it at once or is
 *   brought it; it is not lost.
 *   A chunk is in, or it is not, by one atomic operation, which fails once the hatch was shut: what
 *   the lock holder does after shutting it (fix an outcome, put a reader to sleep, count) comes
 *   after every chunk that is in, and before every chunk that is not.
 *   Nobody waits: not the lock holder for a producer who lost his core, nor a producer for anybody.
 *
 * Operation
 *   One word, changed by single atomic operations:
 *
 *     bits 4 to 63   the offset where the chunks end: it only grows, from request to request too
 *     bit 3          TURN: which tally belongs to that offset
 *     bit 2          WANTED: told to the producer as he leaves
 *     bit 1          INSIDE
 *     bit 0          SHUT
 *
 *   The producer looks at the word, then whose ring it is, and adds INSIDE by compare-and-swap: it
 *   succeeds only if the word is still the one that he looked at, and as offsets never come again
 *   it is the same request's. He writes the chunk behind the offset, and the tally whose turn it is
 *   not, where nobody looks. Then one compare-and-swap moves the offset, turns the tallies and lets
 *   him out; it fails if SHUT came in between, and then he leaves without it.
 *   Under the lock, with SHUT set and nobody inside, the word is stored plainly: nobody else
 *   changes it then. On an engine's pool no hatch is ever opened.
 *
 * Safety
 *   word: looking and entering acquire what opening released (the ring cleared, `kept`, the
 *     tallies); publish and leave release the chunk and what the producer changed; shutting and the
 *     reader's load acquire it. Before he enters the producer may look whether there is room: what
 *     he reads then is older or newer than his word, and where it is newer he does not get in, or
 *     `kept`, which only grows, has grown. The tallies he reads inside only: they are made anew
 *     where a hatch is opened again, and the word may be the same.
 *   id: stored before the word of its era, with release; a producer who reads an id that is newer
 *     than his word fails to enter by his word, and one that is older is not his.
 *   The tally that holds is written by nobody while the hatch is shut: to turn them is to publish.
 */
#include "runtime/hatch.h"

uint32_t berth__hatch_publish(berth__hatch *hatch, uint64_t word, uint64_t offset) {
    const uint64_t turn = (word & BERTH__HATCH_TURN) ^ BERTH__HATCH_TURN;
    uint64_t inside = word | BERTH__HATCH_INSIDE;
    return atomic_compare_exchange_strong_explicit(&hatch->word, &inside, offset | turn,
                                                   memory_order_release, memory_order_relaxed) != 0;
}

uint32_t berth__hatch_leave(berth__hatch *hatch) {
    return (uint32_t)(atomic_fetch_and_explicit(&hatch->word, ~(uint64_t)BERTH__HATCH_INSIDE,
                                                memory_order_acq_rel) &
                      BERTH__HATCH_FLAGS);
}

void berth__hatch_assign(berth__hatch *hatch, berth_request_id id, uint64_t offset) {
    atomic_store_explicit(&hatch->id, id, memory_order_relaxed);
    atomic_store_explicit(&hatch->word, offset | BERTH__HATCH_SHUT, memory_order_release);
}

uint64_t berth__hatch_shut(berth__hatch *hatch) {
    return atomic_fetch_or_explicit(&hatch->word, BERTH__HATCH_SHUT, memory_order_acq_rel) |
           BERTH__HATCH_SHUT;
}

void berth__hatch_open(berth__hatch *hatch) {
    const uint64_t word = atomic_load_explicit(&hatch->word, memory_order_relaxed);
    atomic_store_explicit(&hatch->word, berth__hatch_offset(word), memory_order_release);
}

uint32_t berth__hatch_take(berth__hatch *hatch) {
    uint64_t word = atomic_load_explicit(&hatch->word, memory_order_acquire);
    uint64_t after;
    if ((word & (BERTH__HATCH_SHUT | BERTH__HATCH_INSIDE)) == BERTH__HATCH_SHUT) return 1;
    do {
        after = word | BERTH__HATCH_SHUT;
        if ((word & BERTH__HATCH_INSIDE) != 0) after |= BERTH__HATCH_WANTED;
    } while (!atomic_compare_exchange_weak_explicit(&hatch->word, &word, after,
                                                    memory_order_acq_rel, memory_order_acquire));
    return (after & BERTH__HATCH_WANTED) == 0;
}

void berth__hatch_return(berth__hatch *hatch) {
    atomic_fetch_and_explicit(&hatch->word, ~(uint64_t)BERTH__HATCH_WANTED, memory_order_relaxed);
}

uint32_t berth__hatch_is_inside(const berth__hatch *hatch) {
    return (atomic_load_explicit(&hatch->word, memory_order_acquire) & BERTH__HATCH_INSIDE) != 0;
}

uint32_t berth__hatch_is_awaited(const berth__hatch *hatch) {
    return (atomic_load_explicit(&hatch->word, memory_order_acquire) & BERTH__HATCH_WANTED) != 0;
}
