/* SPDX-License-Identifier: MIT */
/* The lock excludes, and a sleeper hears what it is told whenever it is told. */
#include "runtime/park.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>
#include <time.h>

#define THREADS 4u
#define ROUNDS 20000u
#define MS UINT64_C(1000000)

typedef struct shared {
    berth__mutex lock;
    berth__park park;
    uint64_t count; /* guarded by lock */
    uint32_t inside;
    uint32_t overlaps;
    uint64_t delay_ns;
} shared;

/* The clock that sleepers' limits are read off. */
static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * UINT64_C(1000000000) + (uint64_t)time.tv_nsec;
}

static void make(shared *s) {
    *s = (shared){.count = 0};
    assert_int_equal(berth__mutex_init(&s->lock), BERTH_OK);
    assert_int_equal(berth__park_init(&s->park), BERTH_OK);
}

static void end(shared *s) {
    berth__park_fini(&s->park);
    berth__mutex_fini(&s->lock);
}

static void *add(void *argument) {
    shared *s = argument;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        berth__mutex_lock(&s->lock);
        if (s->inside++ != 0) s->overlaps++;
        s->count++;
        s->inside--;
        berth__mutex_unlock(&s->lock);
    }
    return NULL;
}

static void the_lock_lets_one_in_at_a_time(void **state) {
    pthread_t threads[THREADS];
    shared s;
    (void)state;
    make(&s);
    for (uint32_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add, &s), 0);
    for (uint32_t i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(s.count, THREADS * ROUNDS);
    assert_int_equal(s.overlaps, 0);
    end(&s);
}

static void nap(uint64_t for_ns) {
    const struct timespec time = {.tv_nsec = (long)for_ns};
    nanosleep(&time, NULL);
}

/* Holds the lock for longer than anybody looks, so that the others sleep. */
static void *hold(void *argument) {
    shared *s = argument;
    berth__mutex_lock(&s->lock);
    nap(5 * MS);
    s->count++;
    berth__mutex_unlock(&s->lock);
    return NULL;
}

static void who_slept_for_the_lock_is_woken(void **state) {
    pthread_t threads[THREADS];
    shared s;
    (void)state;
    make(&s);
    for (uint32_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hold, &s), 0);
    for (uint32_t i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(s.count, THREADS);
    end(&s);
}

static void *post(void *argument) {
    shared *s = argument;
    nap(s->delay_ns);
    berth__mutex_lock(&s->lock);
    berth__word *word = berth__park_post(&s->park);
    berth__mutex_unlock(&s->lock);
    if (word != NULL) berth__park_wake(word);
    return NULL;
}

/* Wait as a pool's threads do; 1 if it was posted. */
static uint32_t wait_for(shared *s, uint64_t until_ns, uint64_t look_ns) {
    berth__mutex_lock(&s->lock);
    berth__park_reset(&s->park);
    berth__mutex_unlock(&s->lock);
    if (look_ns != 0) berth__park_look(&s->park, look_ns);
    const uint32_t posted = berth__park_wait(&s->park, &s->lock, until_ns);
    berth__mutex_unlock(&s->lock);
    return posted;
}

static void a_sleeper_is_woken(void **state) {
    shared s;
    pthread_t thread;
    (void)state;
    make(&s);
    s.delay_ns = 10 * MS;
    assert_int_equal(pthread_create(&thread, NULL, post, &s), 0);
    assert_int_equal(wait_for(&s, BERTH_FOREVER, 0), 1);
    pthread_join(thread, NULL);
    end(&s);
}

static void one_that_looks_needs_no_waking(void **state) {
    shared s;
    (void)state;
    make(&s);
    berth__mutex_lock(&s.lock);
    berth__park_reset(&s.park);
    assert_null(berth__park_post(&s.park));
    berth__mutex_unlock(&s.lock);
    berth__park_look(&s.park, BERTH_FOREVER);
    assert_int_equal(berth__park_wait(&s.park, &s.lock, 0), 1);
    berth__mutex_unlock(&s.lock);
    end(&s);
}

static void time_runs_out_and_not_before(void **state) {
    shared s;
    (void)state;
    make(&s);
    const uint64_t until = now() + 3 * MS;
    assert_int_equal(wait_for(&s, until, 1000), 0);
    assert_true(now() >= until);
    assert_int_equal(wait_for(&s, 0, 0), 0);
    end(&s);
}

/* The post comes about when the sleeper goes to sleep, earlier and later. */
static void no_post_is_lost(void **state) {
    shared s;
    (void)state;
    make(&s);
    for (uint32_t i = 0; i < 200; i++) {
        pthread_t thread;
        s.delay_ns = 0;
        berth__mutex_lock(&s.lock);
        berth__park_reset(&s.park);
        berth__mutex_unlock(&s.lock);
        assert_int_equal(pthread_create(&thread, NULL, post, &s), 0);
        if (i % 2 == 0) berth__park_look(&s.park, 100 * i);
        assert_int_equal(berth__park_wait(&s.park, &s.lock, BERTH_FOREVER), 1);
        berth__mutex_unlock(&s.lock);
        pthread_join(thread, NULL);
    }
    end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_lock_lets_one_in_at_a_time),
        cmocka_unit_test(who_slept_for_the_lock_is_woken),
        cmocka_unit_test(a_sleeper_is_woken),
        cmocka_unit_test(one_that_looks_needs_no_waking),
        cmocka_unit_test(time_runs_out_and_not_before),
        cmocka_unit_test(no_post_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
