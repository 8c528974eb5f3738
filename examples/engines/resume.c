/* SPDX-License-Identifier: MIT */
/*
 * A client whose connection breaks comes back and goes on where it was. Start here if clients reach
 * your server over a network, and must neither miss nor see twice what the model says.
 *
 * The client knows three things: its key as text, its tenant, and the number of the next chunk that
 * it wants. Another request has nobody who comes for it, and is cancelled after a grace period.
 */
#include <berth.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define TENANT 7u
#define NEVER_BREAKS UINT32_MAX

static const char *const words[] = {"ships ", "of ",  "different ", "length ",
                                    "share ", "the ", "same ",      "quay"};
#define WORD_COUNT (sizeof words / sizeof words[0])

/* The engine: one word per step and request. */
static void *run_engine(void *argument) {
    berth_pool *pool = argument;
    berth_plan_entry entry[8];
    berth_plan plan = {.struct_size = sizeof plan, .entries = entry, .entry_max = 8};
    while (berth_plan_wait(pool, &plan, BERTH_FOREVER) == BERTH_OK) {
        berth_result result[8];
        uint32_t count = 0;
        for (uint32_t i = plan.leave_count; i < plan.entry_count; i++) {
            const char *word = words[entry[i].tokens_generated % WORD_COUNT];
            const int is_last = entry[i].tokens_generated + 1 == entry[i].max_new_tokens;
            result[count++] = (berth_result){.id = entry[i].id,
                                             .tokens_computed = entry[i].tokens,
                                             .tokens_generated = 1,
                                             .finish = is_last ? BERTH_FINISH_LENGTH : 0,
                                             .bytes = word,
                                             .bytes_size = strlen(word)};
        }
        if (plan.step_id != 0) berth_commit(pool, plan.step_id, result, count);
    }
    return NULL;
}

/* What the client keeps between two connections. */
typedef struct client {
    char key[BERTH_KEY_TEXT_SIZE + 1];
    uint64_t received; /* chunks that reached it, so the number of the next one */
    char text[256];
} client;

/* Submit, and hand the key out: it would be in the first answer of a server. */
static int ask(berth_pool *pool, client *of) {
    berth_request_id id;
    berth_key key;
    berth_request request = {.struct_size = sizeof request,
                             .max_new_tokens = WORD_COUNT,
                             .tenant = TENANT,
                             .mailbox_flags = BERTH_MAILBOX_KEYED};
    if (berth_submit(pool, &request, &id, NULL) != BERTH_OK) return 1;
    if (berth_mailbox_key(pool, id, &key) != BERTH_OK) return 1;
    return berth_key_to_text(&key, of->key, sizeof of->key) != BERTH_OK;
}

/* Attach by what the client shows. Returns the status; at.owner reads. */
static berth_status attach(berth_pool *pool, const client *of, berth_attachment *at) {
    berth_key key;
    if (berth_key_from_text(of->key, strlen(of->key), &key) != BERTH_OK) return BERTH_EINVAL;
    return berth_mailbox_attach(pool, &key, at);
}

/* One connection: the server reads and sends until the end, or until the connection breaks. What
 * is on its way then is lost: it was read here, and does not reach the client. */
static int connect_once(berth_pool *pool, client *of, uint32_t breaks_after) {
    berth_attachment at = {.struct_size = sizeof at, .tenant = TENANT, .sequence = of->received};
    berth_record record = {.struct_size = sizeof record};
    char bytes[64];
    if (attach(pool, of, &at) != BERTH_OK) return 1;
    printf("connected, from chunk %llu on: ", (unsigned long long)of->received);
    for (uint32_t sent = 0;; sent++) {
        if (berth_mailbox_read(pool, at.owner, bytes, sizeof bytes, BERTH_FOREVER, &record) !=
            BERTH_OK)
            return 1;
        if (record.kind == BERTH_RECORD_END || sent == breaks_after) break;
        printf("%.*s", (int)record.size, bytes);
        strncat(of->text, bytes, record.size);
        of->received = record.sequence + 1;
    }
    if (record.kind == BERTH_RECORD_END)
        printf("[%s]\n", berth_outcome_name(record.outcome.kind));
    else
        printf("...broken\n");
    return berth_mailbox_detach(pool, at.owner, 0) != BERTH_OK;
}

/* Somebody who has seen the key and is not the tenant: for him it does not exist. */
static int try_as_another_tenant(berth_pool *pool, const client *of) {
    berth_attachment at = {.struct_size = sizeof at, .tenant = TENANT + 1};
    const berth_status status = attach(pool, of, &at);
    printf("another tenant: %s\n", berth_status_name(status));
    return status != BERTH_ESTALE;
}

/* Nobody attaches to this one, which would generate for ever. */
static int ask_and_leave(berth_pool *pool) {
    berth_request_id id;
    berth_outcome outcome = {.struct_size = sizeof outcome};
    berth_request request = {.struct_size = sizeof request,
                             .mailbox_mode = BERTH_MAILBOX_OUTCOME,
                             .mailbox_flags = BERTH_MAILBOX_KEYED};
    if (berth_submit(pool, &request, &id, NULL) != BERTH_OK) return 1;
    if (berth_wait(pool, id, BERTH_FOREVER, &outcome) != BERTH_OK) return 1;
    printf("nobody came for the other one: %s\n", berth_outcome_name(outcome.kind));
    return outcome.detail != BERTH_CANCEL_READER_GONE;
}

int main(void) {
    berth_pool *pool;
    berth_options options;
    pthread_t engine;
    client self = {.received = 0};
    berth_options_init(&options, sizeof options);
    options.running_max = 4;
    options.keys_max = 100;
    options.keys_grace_ns = 500000000; /* half a second, so that this ends soon */
    if (berth_pool_create(&options, NULL, &pool) != BERTH_OK) return 1;
    if (pthread_create(&engine, NULL, run_engine, pool) != 0) return 1;
    const int failed = ask(pool, &self) || connect_once(pool, &self, 3) ||
                       try_as_another_tenant(pool, &self) ||
                       connect_once(pool, &self, NEVER_BREAKS) ||
                       strcmp(self.text, "ships of different length share the same quay") != 0 ||
                       ask_and_leave(pool);
    berth_close(pool);
    pthread_join(engine, NULL);
    return berth_pool_destroy(pool) == BERTH_OK ? failed : 1;
}
