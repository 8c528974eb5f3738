/* SPDX-License-Identifier: MIT */
/*
 * What:    the gate of one ring: whether a reader may go to it without the pool lock, and whether
 *          one is inside.
 * Why:     who reads what is there waits for nobody; and a ring never changes hands under a reader.
 * Rules:   one reader inside at most. The lock holder opens, shuts, marks and takes; it never waits
 *          for the reader: a ring that is taken while one is inside is brought back by him.
 * Threads: enter and leave: any, without the lock. All else: under the pool lock.
 */
#ifndef BERTH__RUNTIME_GATE_H
#define BERTH__RUNTIME_GATE_H

#include "berth.h"

#include <stdatomic.h>

/* What a reader is asked to do when he leaves; or'ed into the state. */
enum berth__gate_ask {
    BERTH__GATE_WANTED = 4,  /* the ring was taken meanwhile: bring it back */
    BERTH__GATE_RETURN = 8,  /* nobody writes into it now: bring it back once it is empty */
    BERTH__GATE_RESUME = 16, /* its request waits for him: say when there is room again */
    BERTH__GATE_FIXED = 32   /* the outcome is fixed: it comes after the chunks */
};

typedef struct berth__gate {
    _Atomic uint64_t state; /* 0: no request's; see gate.c */
    _Atomic uint64_t lent;  /* chunks up to this offset are lent; 0 = none; the reader's own */
    uint64_t lent_count;    /* how many, where any are; written before `lent`, read after it */
    berth_request_id id;    /* whose ring it is; written while no reader can be inside */
} berth__gate;

/* A ring gets a request, or (id 0) has none; shut, nobody inside. */
void berth__gate_assign(berth__gate *gate, berth_request_id id);

/* 1 if the caller is inside now: nobody else reads until he leaves. In a pool of more than 262,144
 * places the gate may still be another request's: the caller compares `id`, and leaves. */
uint32_t berth__gate_enter(berth__gate *gate, berth_request_id id);

/* Returns what is asked of the reader, as bits of berth__gate_ask. */
uint32_t berth__gate_leave(berth__gate *gate);

void berth__gate_open(berth__gate *gate);

/* 1 if nobody is inside, and nobody gets in until it is opened; 0 if a reader is. */
uint32_t berth__gate_shut(berth__gate *gate);

/* Ask something of the reader, or no longer. Not WANTED. */
void berth__gate_ask(berth__gate *gate, uint32_t ask);
void berth__gate_unask(berth__gate *gate, uint32_t ask);

/* The ring is to go to another: 1 if it can now, and is nobody's any more; 0 if the reader who is
 * inside will bring it. */
uint32_t berth__gate_take(berth__gate *gate);

/* Shut, nobody inside: it is another reader's from now on, who is asked the same; id 0: nobody's.
 */
void berth__gate_pass(berth__gate *gate, uint64_t id);

uint32_t berth__gate_is_inside(const berth__gate *gate);

/* It was taken while a reader was inside, and he has not brought it back. */
uint32_t berth__gate_is_awaited(const berth__gate *gate);

#endif
