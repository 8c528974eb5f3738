/* SPDX-License-Identifier: MIT */
/* What somebody else would build against an installed Berth: prints its version. */
#include <berth.h>
#include <stdio.h>

#define TEXT(x) #x
#define VALUE(x) TEXT(x)
#define HEADER_VERSION                                                                             \
    VALUE(BERTH_VERSION_MAJOR) "." VALUE(BERTH_VERSION_MINOR) "." VALUE(BERTH_VERSION_PATCH)

int main(void) {
    berth_pool *pool;
    berth_request_id id;
    berth_request request = {.struct_size = sizeof request};
    berth_outcome outcome = {.struct_size = sizeof outcome};
    berth_options options;
    berth_options_init(&options, sizeof options);
    /* JSON and a system clock, so that jansson and libuv are really linked. */
    static const char json[] = "{\"running_max\": 2}";
    if (berth_options_from_json(&options, json, sizeof json - 1, NULL) != BERTH_OK) return 2;
    if (berth_pool_create(&options, NULL, &pool) != BERTH_OK) return 3;
    if (berth_submit(pool, &request, &id, NULL) != BERTH_OK) return 4;
    if (berth_cancel(pool, id) != BERTH_OK) return 5;
    if (berth_outcome_take(pool, id, &outcome) != BERTH_OK) return 6;
    if (outcome.kind != BERTH_OUTCOME_CANCELLED) return 7;
    if (berth_pool_destroy(pool) != BERTH_OK) return 8;
    printf("%s %s\n", HEADER_VERSION, berth_version());
    return 0;
}
