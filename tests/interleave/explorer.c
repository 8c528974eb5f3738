/* SPDX-License-Identifier: MIT */
/*
 * A stateless search: an order is the list of choices made at the points where more than one thread
 * could go on. It is run from the start; then the last choice that has an alternative left is
 * changed, and what came after it is chosen anew. Choice 0 goes on with the same thread, so an
 * order without preemptions is tried first.
 *
 * It stands in for libuv and for the futex: those functions are defined here, and libuv is not
 * linked. Threads that the pool starts (its timer) are explored like the scenario's own.
 */
#include "interleave/explorer.h"
#include "interleave/shim.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#if defined(__has_feature) && !defined(__SANITIZE_ADDRESS__)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

#define THREADS_MAX 8u
#define STACK_SIZE ((size_t)256 * 1024)
#define CHOICES_MAX 100000u
#define STEPS_MAX 100000u
#define LOOKS_MAX 17u
#define NS_PER_LOOK UINT64_C(1000000)

typedef enum state { UNUSED = 0, RUNNABLE, ASLEEP, JOINING, DONE } state;

typedef struct thread {
    ucontext_t context;
    void *stack;
    void (*body)(void *argument);
    void *argument;
    state state;
    uint32_t joins;    /* JOINING: whom */
    void *word;        /* ASLEEP: on what */
    uint64_t until_ns; /* ASLEEP: UINT64_MAX has no limit */
    const char *file;  /* of its last step */
    int line;
} thread;

typedef struct choice {
    uint32_t taken;
    uint32_t count; /* of alternatives */
    uint32_t from;
    uint32_t to;
    const char *file;
    int line;
} choice;

static struct {
    const explorer_scenario *scenario;
    thread threads[THREADS_MAX];
    uint32_t current;
    uint32_t exploring;
    ucontext_t root;
    choice choices[CHOICES_MAX];
    uint32_t depth;
    uint32_t prefix; /* choices that are given */
    uint32_t preemptions;
    uint32_t preemptions_max;
    uint32_t looks; /* of the current thread, since it came to run */
    uint64_t steps;
    uint64_t now_ns;
    uint64_t ns_per_look; /* each reading of the clock finds it so much later */
    uint64_t random;
    const char *failure;
} x;

/* ---- Choosing ---- */

void explorer_fail(const char *what) {
    x.failure = what;
    setcontext(&x.root);
    abort();
}

static uint32_t add(uint32_t *list, uint32_t count, state wanted, uint32_t is_timed) {
    for (uint32_t i = 0; i < THREADS_MAX; i++) {
        const thread *each = &x.threads[i];
        if (i == x.current && each->state == RUNNABLE) continue;
        if (each->state != wanted || (is_timed && each->until_ns == UINT64_MAX)) continue;
        list[count++] = i;
    }
    return count;
}

/* Nobody can run: time passes until the first limit. THREADS_MAX: there is none. */
static uint32_t first_limit(void) {
    uint32_t first = THREADS_MAX;
    for (uint32_t i = 0; i < THREADS_MAX; i++)
        if (x.threads[i].state == ASLEEP && x.threads[i].until_ns != UINT64_MAX &&
            (first == THREADS_MAX || x.threads[i].until_ns < x.threads[first].until_ns))
            first = i;
    return first;
}

static void time_out(thread *sleeper) {
    if (sleeper->until_ns > x.now_ns) x.now_ns = sleeper->until_ns;
    sleeper->state = RUNNABLE;
}

static void go_to(uint32_t next) {
    thread *from = &x.threads[x.current];
    if (next == x.current) return;
    x.looks = 0;
    x.current = next;
    swapcontext(&from->context, &x.threads[next].context);
}

/* Who goes first of those who can: the current one, others, then sleepers by their limit. */
static uint32_t choose(const uint32_t *list, uint32_t runnable_count, uint32_t count) {
    const thread *from = &x.threads[x.current];
    const uint32_t goes_on = from->state == RUNNABLE;
    uint32_t taken = 0;
    if (!x.exploring || count == 1) return list[0];
    if (x.preemptions == x.preemptions_max) count = goes_on ? 1 : runnable_count;
    if (count == 1) return list[0];
    if (x.depth == CHOICES_MAX) explorer_fail("too many choices");
    choice *here = &x.choices[x.depth];
    if (x.depth < x.prefix) taken = here->taken;
    *here = (choice){.taken = taken,
                     .count = count,
                     .from = x.current,
                     .to = list[taken],
                     .file = from->file,
                     .line = from->line};
    x.depth++;
    if (goes_on ? taken > 0 : taken >= runnable_count) x.preemptions++;
    return list[taken];
}

static void reschedule(void) {
    uint32_t list[2 * THREADS_MAX];
    uint32_t count = 0;
    if (++x.steps > STEPS_MAX) explorer_fail("it never ends");
    if (x.threads[x.current].state == RUNNABLE) list[count++] = x.current;
    count = add(list, count, RUNNABLE, 0);
    const uint32_t runnable_count = count;
    if (count == 0) {
        list[0] = first_limit();
        count = 1;
        if (list[0] == THREADS_MAX) explorer_fail("nobody can run: a wake-up was lost");
    } else if (x.exploring) {
        count = add(list, count, ASLEEP, 1);
    }
    const uint32_t next = choose(list, runnable_count, count);
    if (x.threads[next].state == ASLEEP) time_out(&x.threads[next]);
    go_to(next);
}

void interleave_step(const char *file, int line) {
    x.threads[x.current].file = file;
    x.threads[x.current].line = line;
    if (x.exploring) reschedule();
}

/* One that looks goes on looking for a while, so that it comes to sleep too. */
void interleave_relax(void) {
    if (x.exploring && x.looks++ < LOOKS_MAX) return;
    explorer_yield();
}

void explorer_yield(void) {
    if (++x.steps > STEPS_MAX) explorer_fail("it never ends");
    for (uint32_t i = 1; i < THREADS_MAX; i++) {
        const uint32_t next = (x.current + i) % THREADS_MAX;
        if (x.threads[next].state != RUNNABLE) continue;
        go_to(next);
        return;
    }
}

/* ---- Threads ---- */

static void wake_joining(uint32_t done) {
    for (uint32_t i = 0; i < THREADS_MAX; i++)
        if (x.threads[i].state == JOINING && x.threads[i].joins == done)
            x.threads[i].state = RUNNABLE;
}

static void run_thread(void) {
    thread *self = &x.threads[x.current];
    self->body(self->argument);
    self->state = DONE;
    wake_joining((uint32_t)(self - x.threads));
    reschedule();
    abort();
}

/* What an abandoned thread has left on its stack means nothing to the next one. */
static void clean(void *stack) {
#if defined(__SANITIZE_ADDRESS__)
    ASAN_UNPOISON_MEMORY_REGION(stack, STACK_SIZE);
#else
    (void)stack;
#endif
}

static uint32_t first_unused(void) {
    uint32_t index = 0;
    while (x.threads[index].state != UNUSED)
        if (++index == THREADS_MAX) explorer_fail("too many threads");
    return index;
}

/* getcontext returns twice to a compiler's mind: the index is kept out of its sight. */
static uint32_t spawn(void (*body)(void *argument), void *argument) {
    thread *const made = &x.threads[first_unused()];
    void *stack = made->stack != NULL ? made->stack : malloc(STACK_SIZE);
    memset(made, 0, sizeof *made);
    made->stack = stack;
    clean(stack);
    made->body = body;
    made->argument = argument;
    made->state = RUNNABLE;
    made->file = "its start";
    getcontext(&made->context);
    made->context.uc_stack.ss_sp = stack;
    made->context.uc_stack.ss_size = STACK_SIZE;
    makecontext(&made->context, run_thread, 0);
    return (uint32_t)(made - x.threads);
}

static void join(uint32_t index) {
    thread *self = &x.threads[x.current];
    if (x.threads[index].state == DONE) return;
    self->joins = index;
    self->state = JOINING;
    reschedule();
}

/* ---- What the library calls instead of the system ---- */

typedef unsigned long thread_name;

uint64_t uv_hrtime(void);
int uv_random(void *loop, void *request, void *bytes, size_t size, unsigned flags, void *done);
int uv_thread_create_ex(thread_name *out, const void *options, void (*body)(void *),
                        void *argument);
int uv_thread_join(thread_name *name);
thread_name uv_thread_self(void);
int uv_thread_equal(const thread_name *a, const thread_name *b);
void berth__futex_wait(_Atomic uint32_t *word, uint32_t value, uint64_t until_ns);
void berth__futex_wake(_Atomic uint32_t *word);

uint64_t uv_hrtime(void) {
    return x.now_ns += x.ns_per_look != 0 ? x.ns_per_look : NS_PER_LOOK;
}

int uv_random(void *loop, void *request, void *bytes, size_t size, unsigned flags, void *done) {
    unsigned char *out = bytes;
    (void)loop;
    (void)request;
    (void)flags;
    (void)done;
    for (size_t i = 0; i < size; i++) {
        x.random = x.random * UINT64_C(6364136223846793005) + 1;
        out[i] = (unsigned char)(x.random >> 56);
    }
    return 0;
}

int uv_thread_create_ex(thread_name *out, const void *options, void (*body)(void *),
                        void *argument) {
    (void)options;
    *out = spawn(body, argument);
    return 0;
}

int uv_thread_join(thread_name *name) {
    join((uint32_t)*name);
    return 0;
}

thread_name uv_thread_self(void) {
    return x.current;
}

int uv_thread_equal(const thread_name *a, const thread_name *b) {
    return *a == *b;
}

void berth__futex_wait(_Atomic uint32_t *word, uint32_t value, uint64_t until_ns) {
    thread *self = &x.threads[x.current];
    interleave_step("a futex, to wait", 0);
    if (*word != value) return;
    self->word = word;
    self->until_ns = until_ns;
    self->state = ASLEEP;
    reschedule();
}

void berth__futex_wake(_Atomic uint32_t *word) {
    interleave_step("a futex, to wake", 0);
    for (uint32_t i = 0; i < THREADS_MAX; i++) {
        if (x.threads[i].state != ASLEEP || x.threads[i].word != (void *)word) continue;
        x.threads[i].state = RUNNABLE;
        return;
    }
}

/* ---- The search ---- */

static void run_body(void *argument) {
    void (*const *body)(void) = argument;
    (*body)();
}

static void run_main(void *argument) {
    const explorer_scenario *scenario = argument;
    uint32_t made[EXPLORER_BODIES_MAX];
    uint32_t count = 0;
    scenario->begin();
    /* The pool's own threads come to rest first. */
    explorer_yield();
    for (; count < EXPLORER_BODIES_MAX && scenario->bodies[count] != NULL; count++)
        made[count] = spawn(run_body, (void *)&scenario->bodies[count]);
    x.exploring = 1;
    for (uint32_t i = 0; i < count; i++) join(made[i]);
    x.exploring = 0;
    scenario->end();
    setcontext(&x.root);
}

void explorer_set_clock(uint64_t ns_per_look) {
    x.ns_per_look = ns_per_look;
}

static void run_order(void) {
    x.depth = 0;
    x.preemptions = 0;
    x.steps = 0;
    x.now_ns = 0;
    x.random = 1;
    x.exploring = 0;
    for (uint32_t i = 0; i < THREADS_MAX; i++) x.threads[i].state = UNUSED;
    x.current = spawn(run_main, (void *)x.scenario);
    volatile uint32_t is_back = 0;
    getcontext(&x.root);
    if (is_back) return;
    is_back = 1;
    setcontext(&x.threads[x.current].context);
}

/* The next order: the last choice that has an alternative left takes it. 0 if there is none. */
static uint32_t advance(void) {
    uint32_t depth = x.depth;
    while (depth > 0 && x.choices[depth - 1].taken + 1 == x.choices[depth - 1].count) depth--;
    if (depth == 0) return 0;
    x.choices[depth - 1].taken++;
    x.prefix = depth;
    return 1;
}

explorer_result explorer_run(const explorer_scenario *scenario, uint32_t preemptions_max,
                             uint64_t orders_max) {
    explorer_result result = {0, 0, NULL, 0};
    x.scenario = scenario;
    x.preemptions_max = preemptions_max;
    x.prefix = 0;
    x.failure = NULL;
    do {
        run_order();
        result.orders++;
        if (x.steps > result.steps_max) result.steps_max = x.steps;
        result.failure = x.failure;
        if (result.failure != NULL || result.orders == orders_max) return result;
    } while (advance());
    result.is_complete = 1;
    return result;
}

void explorer_print_order(void) {
    printf("  %s\n", x.failure);
    for (uint32_t i = 0; i < x.depth; i++) {
        const choice *each = &x.choices[i];
        if (each->taken == 0) continue;
        printf("  thread %u was left at %s:%d for thread %u\n", (unsigned)each->from, each->file,
               each->line, (unsigned)each->to);
    }
    for (uint32_t i = 0; i < THREADS_MAX; i++) {
        const thread *each = &x.threads[i];
        static const char *const names[] = {"", "could run", "slept", "waited for an end", "ended"};
        if (each->state != UNUSED)
            printf("  in the end thread %u %s, at %s:%d\n", (unsigned)i, names[each->state],
                   each->file, each->line);
    }
}
