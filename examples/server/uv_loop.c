/* SPDX-License-Identifier: MIT */
/*
 * A server on libuv's loop. Berth calls `ready` on the engine's thread, at most once per step; that
 * wakes the loop, which reads what has come. uv_poll on berth_ready_descriptor does as well: then
 * nothing is called, and the loop looks at one descriptor more.
 */
#define _POSIX_C_SOURCE 200809L
#include <berth.h>
#include <stdio.h>
#include <time.h>
#include <uv.h>

#define STREAMS 3u

typedef struct server {
    uv_loop_t loop;
    uv_async_t news;
    uv_timer_t patience; /* nothing for so long: something is wrong */
    berth_pool *pool;
    uint32_t open;
    uint32_t turns; /* of the loop */
    uint32_t steps; /* of the engine; it has ended when this is read */
} server;

static void run_engine(void *context) {
    server *self = context;
    berth_plan_entry entries[2 * STREAMS];
    berth_plan plan = {.struct_size = sizeof plan, .entry_max = 2 * STREAMS, .entries = entries};
    while (berth_plan_wait(self->pool, &plan, BERTH_FOREVER) == BERTH_OK) {
        berth_result results[STREAMS] = {{0}};
        uint32_t count = 0;
        for (uint32_t i = plan.leave_count; i < plan.entry_count; i++) {
            results[count] = (berth_result){.id = entries[i].id,
                                            .tokens_computed = entries[i].tokens,
                                            .tokens_generated = 1,
                                            .bytes = "token ",
                                            .bytes_size = 6};
            if (entries[i].tokens_generated + 1 == entries[i].max_new_tokens)
                results[count].finish = BERTH_FINISH_LENGTH;
            count++;
        }
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL); /* "computing" */
        self->steps++;
        if (plan.step_id != 0) berth_commit(self->pool, plan.step_id, results, count);
    }
}

/* On the engine's thread, without a lock: it must not block, and uv_async_send does not. */
static void on_ready(void *user_data) {
    server *self = user_data;
    uv_async_send(&self->news);
}

static void read_all(server *self, berth_request_id id) {
    char bytes[64];
    berth_record record = {.struct_size = sizeof record};
    while (berth_mailbox_read(self->pool, id, bytes, sizeof bytes, 0, &record) == BERTH_OK) {
        if (record.kind == BERTH_RECORD_CHUNK) printf("%.*s", (int)record.size, bytes);
        if (record.kind != BERTH_RECORD_END) continue;
        printf("[%s] ", berth_outcome_name(record.outcome.kind));
        berth_outcome_take(self->pool, id, NULL);
        self->open--;
        return;
    }
}

static void on_news(uv_async_t *news) {
    server *self = news->data;
    berth_request_id ids[STREAMS];
    uint32_t count;
    self->turns++;
    while (berth_ready_take(self->pool, ids, STREAMS, &count) == BERTH_OK)
        for (uint32_t i = 0; i < count; i++) read_all(self, ids[i]);
    if (self->open > 0) return;
    uv_close((uv_handle_t *)&self->news, NULL); /* no handle is left: the loop ends */
    uv_close((uv_handle_t *)&self->patience, NULL);
}

static void give_up(uv_timer_t *patience) {
    uv_stop(patience->loop);
}

int main(void) {
    static server self = {.open = STREAMS};
    berth_executor executor = {
        .struct_size = sizeof executor, .user_data = &self, .ready = on_ready};
    uv_thread_t engine;
    if (uv_loop_init(&self.loop) != 0) return 1;
    if (uv_async_init(&self.loop, &self.news, on_news) != 0) return 1;
    if (uv_timer_init(&self.loop, &self.patience) != 0) return 1;
    self.news.data = &self;
    uv_timer_start(&self.patience, give_up, 10000, 0);
    if (berth_pool_create(NULL, &executor, &self.pool) != BERTH_OK) return 1;
    for (uint32_t i = 0; i < STREAMS; i++) {
        berth_request request = {.struct_size = sizeof request, .max_new_tokens = 4 + 2 * i};
        berth_request_id id;
        if (berth_submit(self.pool, &request, &id, NULL) != BERTH_OK) return 1;
    }
    if (uv_thread_create(&engine, run_engine, &self) != 0) return 1;
    uv_run(&self.loop, UV_RUN_DEFAULT);

    berth_close(self.pool);
    uv_thread_join(&engine);
    printf("\n%u steps, %u turns of the loop\n", (unsigned)self.steps, (unsigned)self.turns);
    if (berth_pool_destroy(self.pool) != BERTH_OK || uv_loop_close(&self.loop) != 0) return 1;
    return self.open == 0 ? 0 : 1;
}
