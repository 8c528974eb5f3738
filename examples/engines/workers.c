/* SPDX-License-Identifier: MIT */
/*
 * One-shot work (embeddings, rerank, tokenising, tools): Berth's threads take admitted requests
 * and call execute. Start here if each request is one function call, or one answer that comes
 * later from elsewhere.
 *
 * Short texts are embedded on the worker; long ones are handed to a "device" that finishes them
 * from its own thread (BERTH_EXECUTE_PENDING).
 */
#define _POSIX_C_SOURCE 200809L
#include <berth.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define TEXTS 8u
#define LONG_TEXT 24u

static const char *const texts[TEXTS] = {
    "ship", "a berth at the northern quay",     "quay", "a pilot who waits for the tide",
    "tide", "cranes that never sleep at night", "",     "a harbour master with one pen"};

/* The device: a queue of one kind of work and a thread; here it lives in one process. */
typedef struct slow_device {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    berth_pool *pool;
    berth_request_id queue[TEXTS];
    const char *text[TEXTS];
    uint32_t count, done, stop;
} slow_device;

/* An "embedding" of one number is enough to see who computed it. */
static void answer(berth_pool *pool, berth_request_id id, const char *text, const char *by) {
    char line[96];
    int size = snprintf(line, sizeof line, "%3zu letters, by the %s", strlen(text), by);
    berth_emit(pool, id, line, (size_t)size, 0);
}

static void *device_run(void *context) {
    slow_device *device = context;
    pthread_mutex_lock(&device->lock);
    while (!device->stop || device->done < device->count) {
        if (device->done == device->count) {
            pthread_cond_wait(&device->wake, &device->lock);
            continue;
        }
        uint32_t next = device->done++;
        pthread_mutex_unlock(&device->lock); /* never hold a lock of yours across Berth's calls */
        answer(device->pool, device->queue[next], device->text[next], "device");
        berth_finish(device->pool, device->queue[next], BERTH_FINISH_STOP, 0);
        pthread_mutex_lock(&device->lock);
    }
    pthread_mutex_unlock(&device->lock);
    return NULL;
}

/* Worker thread; may block. A negative return is BERTH_OUTCOME_FAILED with that code. */
static int32_t execute(void *user_data, const berth_call *call) {
    slow_device *device = user_data;
    const char *text = call->payload;
    if (*text == '\0') return -22; /* nothing to embed */
    if (strlen(text) < LONG_TEXT) {
        answer(call->pool, call->id, text, "worker");
        return BERTH_EXECUTE_DONE;
    }
    pthread_mutex_lock(&device->lock);
    device->queue[device->count] = call->id; /* the id stays good; `call` does not */
    device->text[device->count++] = text;
    pthread_cond_signal(&device->wake);
    pthread_mutex_unlock(&device->lock);
    return BERTH_EXECUTE_PENDING; /* the worker is free; the request's place is not, until finish */
}

static void show(berth_pool *pool, berth_request_id id, const char *text) {
    char line[96];
    berth_record record = {.struct_size = sizeof record};
    printf("%-34s", text);
    while (berth_mailbox_read(pool, id, line, sizeof line, BERTH_FOREVER, &record) == BERTH_OK &&
           record.kind == BERTH_RECORD_CHUNK)
        printf("%.*s, ", (int)record.size, line);
    printf("%s", berth_outcome_name(record.outcome.kind));
    if (record.outcome.kind == BERTH_OUTCOME_FAILED) printf(" (code %d)", record.outcome.code);
    printf("\n");
}

int main(void) {
    static slow_device device = {.lock = PTHREAD_MUTEX_INITIALIZER,
                                 .wake = PTHREAD_COND_INITIALIZER};
    pthread_t device_thread;
    berth_executor executor = {
        .struct_size = sizeof executor, .user_data = &device, .execute = execute};
    berth_options options;
    berth_options_init(&options, sizeof options);
    options.face = BERTH_FACE_WORKER;
    options.worker_count = 2;
    options.running_max = 4; /* two in workers, and some that wait for the device */
    if (berth_pool_create(&options, &executor, &device.pool) != BERTH_OK) return 1;
    if (pthread_create(&device_thread, NULL, device_run, &device) != 0) return 1;

    berth_request_id id[TEXTS];
    for (uint32_t i = 0; i < TEXTS; i++) {
        berth_request request = {.struct_size = sizeof request,
                                 .payload = (void *)(uintptr_t)texts[i],
                                 .payload_size = strlen(texts[i])};
        if (berth_submit(device.pool, &request, &id[i], NULL) != BERTH_OK) return 1;
    }
    for (uint32_t i = 0; i < TEXTS; i++) show(device.pool, id[i], texts[i]);

    if (berth_drain(device.pool, BERTH_FOREVER) != BERTH_OK) return 1;
    pthread_mutex_lock(&device.lock);
    device.stop = 1;
    pthread_cond_signal(&device.wake);
    pthread_mutex_unlock(&device.lock);
    pthread_join(device_thread, NULL);
    return berth_pool_destroy(device.pool) == BERTH_OK ? 0 : 1;
}
