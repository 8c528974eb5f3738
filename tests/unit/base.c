/* SPDX-License-Identifier: MIT */
/* The ground floor: checked arithmetic, lists, the heap, ids. */
#include "base/checked.h"
#include "base/copy.h"
#include "base/heap.h"
#include "base/ids.h"
#include "base/list.h"
#include "base/tree.h"
#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- Copies ---- */

static void a_copy_of_any_size_is_whole_and_touches_nothing_else(void **state) {
    unsigned char from[160], to[160], expected[160];
    (void)state;
    for (size_t i = 0; i < sizeof from; i++) from[i] = (unsigned char)(i + 1);
    for (size_t size = 0; size <= 130; size++) {
        memset(to, 0, sizeof to);
        memset(expected, 0, sizeof expected);
        memcpy(expected + 8, from + 3, size);
        berth__copy(to + 8, from + 3, size);
        assert_memory_equal(to, expected, sizeof to);
    }
    berth__copy(to, NULL, 0);
}

/* ---- Checked arithmetic ---- */

static void a_sum_that_wraps_is_refused_and_leaves_the_result_alone(void **state) {
    uint64_t out = 7;
    (void)state;
    assert_false(berth__add(UINT64_MAX, 1, &out));
    assert_int_equal(out, 7);
    assert_true(berth__add(UINT64_MAX - 1, 1, &out));
    assert_true(out == UINT64_MAX);
    assert_true(berth__add(0, 0, &out));
    assert_int_equal(out, 0);
}

static void a_product_that_wraps_is_refused_and_leaves_the_result_alone(void **state) {
    uint64_t out = 7;
    (void)state;
    assert_false(berth__mul(UINT64_C(1) << 32, UINT64_C(1) << 32, &out));
    assert_int_equal(out, 7);
    assert_true(berth__mul(UINT32_MAX, UINT64_C(1) << 32, &out));
    assert_true(out == (uint64_t)UINT32_MAX << 32);
    assert_true(berth__mul(0, UINT64_MAX, &out));
    assert_int_equal(out, 0);
}

static void saturating_forms_stop_at_the_largest_value(void **state) {
    (void)state;
    assert_true(berth__add_saturating(UINT64_MAX, 1) == UINT64_MAX);
    assert_true(berth__add_saturating(2, 3) == 5);
    assert_true(berth__mul_saturating(UINT64_MAX, 2) == UINT64_MAX);
    assert_true(berth__mul_saturating(6, 7) == 42);
    assert_true(berth__mul_saturating(0, UINT64_MAX) == 0);
}

/* ---- Lists ---- */

static void a_place_is_put_before_another(void **state) {
    berth__link links[4];
    berth__list list;
    (void)state;
    berth__list_init(&list);
    berth__list_insert(&list, links, 2, BERTH__NONE);
    berth__list_insert(&list, links, 0, 2);
    berth__list_insert(&list, links, 1, 2);
    berth__list_insert(&list, links, 3, BERTH__NONE);
    assert_int_equal(list.count, 4);
    assert_int_equal(list.head, 0);
    assert_int_equal(list.tail, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(links[i].next, i + 1);
        assert_int_equal(links[i + 1].previous, i);
    }
    assert_true(links[0].previous == BERTH__NONE);
    assert_true(links[3].next == BERTH__NONE);
}

static void a_list_keeps_its_order_when_places_leave_from_anywhere(void **state) {
    berth__link links[5];
    berth__list list;
    (void)state;
    berth__list_init(&list);
    for (uint32_t i = 0; i < 5; i++) berth__list_push(&list, links, i);
    berth__list_remove(&list, links, 2);
    berth__list_remove(&list, links, 0);
    berth__list_remove(&list, links, 4);
    assert_int_equal(list.count, 2);
    assert_int_equal(list.head, 1);
    assert_int_equal(links[1].next, 3);
    assert_int_equal(links[3].previous, 1);
    assert_int_equal(list.tail, 3);
    berth__list_remove(&list, links, 1);
    berth__list_remove(&list, links, 3);
    assert_int_equal(list.count, 0);
    assert_true(list.head == BERTH__NONE && list.tail == BERTH__NONE);
}

/* ---- The heap, against a scan ---- */

#define PLACES 40u

typedef struct heap_bed {
    berth__heap heap;
    berth__heap_entry entries[PLACES];
    uint64_t at[PLACES];
    uint64_t order[PLACES];
    int in[PLACES];
} heap_bed;

static uint32_t first_by_scan(const heap_bed *bed) {
    uint32_t best = BERTH__NONE;
    for (uint32_t i = 0; i < PLACES; i++)
        if (bed->in[i] && (best == BERTH__NONE || bed->at[i] < bed->at[best] ||
                           (bed->at[i] == bed->at[best] && bed->order[i] < bed->order[best])))
            best = i;
    return best;
}

static void the_heap_always_has_the_first_by_moment_then_by_arrival_on_top(void **state) {
    static heap_bed bed;
    uint64_t random = core_seed(11);
    uint32_t count = 0;
    (void)state;
    berth__heap_init(&bed.heap, bed.entries, bed.order, PLACES);
    for (uint64_t i = 0; i < 20000; i++) {
        const uint32_t place = (uint32_t)core_random_below(&random, PLACES);
        if (core_random_below(&random, 3) == 0) {
            berth__heap_remove(&bed.heap, place);
            count -= bed.in[place] ? 1 : 0;
            bed.in[place] = 0;
        } else {
            count += bed.in[place] ? 0 : 1;
            bed.in[place] = 1;
            bed.at[place] = core_random_below(&random, 8);
            bed.order[place] = i;
            berth__heap_set(&bed.heap, place, bed.at[place]);
        }
        assert_int_equal(bed.heap.count, count);
        if (count > 0) assert_int_equal(bed.heap.entries[0].place, first_by_scan(&bed));
        for (uint32_t p = 0; p < PLACES; p++)
            assert_int_equal(bed.in[p], berth__heap_position(&bed.heap, p) != BERTH__NONE);
    }
}

static void removing_a_place_that_is_not_in_the_heap_does_nothing(void **state) {
    static heap_bed bed;
    (void)state;
    berth__heap_init(&bed.heap, bed.entries, bed.order, PLACES);
    berth__heap_remove(&bed.heap, 3);
    assert_int_equal(bed.heap.count, 0);
}

/* ---- Trees ---- */

#define TREE_PLACES 300u

static int tree_before(const berth__tree_node *a, const berth__tree_node *b) {
    return a->key != b->key ? a->key < b->key : a->turn < b->turn;
}

/* The one after `from` (BERTH__NONE = the first) by looking at all that are in. */
static uint32_t tree_next_obviously(const berth__tree_node *nodes, const int *in, uint32_t from) {
    uint32_t best = BERTH__NONE;
    for (uint32_t i = 0; i < TREE_PLACES; i++) {
        if (!in[i] || (from != BERTH__NONE && !tree_before(&nodes[from], &nodes[i]))) continue;
        if (best == BERTH__NONE || tree_before(&nodes[i], &nodes[best])) best = i;
    }
    return best;
}

static void a_tree_is_walked_by_key_and_then_by_turn_whatever_was_taken_out(void **state) {
    static berth__tree_node nodes[TREE_PLACES];
    int in[TREE_PLACES] = {0};
    uint64_t random = core_seed(11);
    uint32_t count = 0;
    berth__tree tree;
    (void)state;
    berth__tree_init(&tree);
    assert_true(berth__tree_last(&tree, nodes) == BERTH__NONE);
    for (uint64_t turn = 0; turn < 3000; turn++) {
        const uint32_t place = (uint32_t)core_random_below(&random, TREE_PLACES);
        if (in[place]) {
            berth__tree_remove(&tree, nodes, place);
        } else {
            nodes[place].key = core_random_below(&random, 20);
            nodes[place].turn = turn;
            berth__tree_insert(&tree, nodes, place);
        }
        in[place] = !in[place];
        count += in[place] ? 1u : UINT32_MAX;
        assert_int_equal(tree.count, count);
        uint32_t at = tree_next_obviously(nodes, in, BERTH__NONE);
        assert_true(tree.first == at);
        if (turn % 16 != 0) continue;
        for (uint32_t last = at; at != BERTH__NONE; last = at) {
            at = berth__tree_next(nodes, at);
            assert_true(at == tree_next_obviously(nodes, in, last));
            if (at == BERTH__NONE) assert_true(berth__tree_last(&tree, nodes) == last);
        }
    }
}

static uint32_t tree_depth(const berth__tree_node *nodes, uint32_t place) {
    uint32_t depth = 0;
    for (; place != BERTH__NONE; place = nodes[place].parent) depth++;
    return depth;
}

static void a_tree_of_ascending_keys_stays_shallow(void **state) {
    enum { COUNT = 100000 };
    berth__tree_node *nodes = calloc(COUNT, sizeof *nodes);
    berth__tree tree;
    uint32_t deepest = 0;
    (void)state;
    assert_non_null(nodes);
    berth__tree_init(&tree);
    for (uint32_t i = 0; i < COUNT; i++) {
        nodes[i].key = nodes[i].turn = i;
        berth__tree_insert(&tree, nodes, i);
    }
    for (uint32_t i = 0; i < COUNT; i++)
        if (tree_depth(nodes, i) > deepest) deepest = tree_depth(nodes, i);
    assert_true(deepest < 64); /* 4.3 ln(n) is what a random order tends to */
    free(nodes);
}

/* ---- Ids ---- */

typedef struct ids_bed {
    berth__ids ids;
    uint64_t generations[6]; /* every other one is somebody else's */
    berth__link links[3];
} ids_bed;

static void ids_are_never_zero_and_find_only_what_is_out(void **state) {
    ids_bed bed = {.generations = {0}};
    (void)state;
    berth__ids_init(&bed.ids, bed.generations, 2, bed.links, 3);
    const uint64_t id = berth__ids_take(&bed.ids);
    assert_true(id != 0);
    assert_int_equal(berth__ids_find(&bed.ids, id), berth__id_place(id));
    assert_true(berth__ids_of(&bed.ids, berth__id_place(id)) == id);
    assert_true(berth__ids_find(&bed.ids, 0) == BERTH__NONE);
    assert_true(berth__ids_find(&bed.ids, id + 1) == BERTH__NONE);  /* a place that is free */
    assert_true(berth__ids_find(&bed.ids, id + 17) == BERTH__NONE); /* beyond the table */
    assert_true(berth__ids_find(&bed.ids, id + (UINT64_C(1) << BERTH__PLACE_BITS)) == BERTH__NONE);
    assert_true(berth__ids_find(&bed.ids, UINT64_MAX) == BERTH__NONE);
    berth__ids_give(&bed.ids, berth__id_place(id));
    assert_true(berth__ids_find(&bed.ids, id) == BERTH__NONE);
}

static void places_are_reused_in_the_order_they_became_free(void **state) {
    ids_bed bed = {.generations = {0}};
    uint64_t id[3];
    (void)state;
    berth__ids_init(&bed.ids, bed.generations, 2, bed.links, 3);
    for (int i = 0; i < 3; i++) id[i] = berth__ids_take(&bed.ids);
    assert_true(berth__ids_take(&bed.ids) == 0);
    berth__ids_give(&bed.ids, 2);
    berth__ids_give(&bed.ids, 0);
    berth__ids_give(&bed.ids, 1);
    assert_int_equal(berth__id_place(berth__ids_take(&bed.ids)), 2);
    assert_int_equal(berth__id_place(berth__ids_take(&bed.ids)), 0);
    const uint64_t again = berth__ids_take(&bed.ids);
    assert_int_equal(berth__id_place(again), 1);
    assert_true(again > id[1]);
    assert_true(berth__ids_take(&bed.ids) == 0);
    for (int i = 0; i < 3; i++) assert_true(berth__ids_find(&bed.ids, id[i]) == BERTH__NONE);
}

static void a_place_that_was_never_used_is_taken_where_none_is_to_be_reused(void **state) {
    ids_bed bed = {.generations = {0}};
    (void)state;
    berth__ids_init(&bed.ids, bed.generations, 2, bed.links, 3);
    assert_int_equal(berth__id_place(berth__ids_take(&bed.ids)), 0);
    berth__ids_give(&bed.ids, 0);
    assert_int_equal(berth__id_place(berth__ids_take(&bed.ids)), 0);
    assert_int_equal(berth__id_place(berth__ids_take(&bed.ids)), 1);
    berth__ids_give(&bed.ids, 1);
    berth__ids_give(&bed.ids, 0);
    assert_int_equal(berth__id_place(berth__ids_take(&bed.ids)), 1);
    assert_int_equal(berth__id_place(berth__ids_take(&bed.ids)), 0);
    assert_int_equal(berth__id_place(berth__ids_take(&bed.ids)), 2);
}

static void a_place_is_retired_before_its_generation_wraps(void **state) {
    ids_bed bed = {.generations = {0}};
    (void)state;
    berth__ids_init(&bed.ids, bed.generations, 2, bed.links, 1);
    (void)berth__ids_take(&bed.ids);
    berth__ids_give(&bed.ids, 0);
    bed.generations[0] = BERTH__GENERATION_MAX - 2;
    const uint64_t before_last = berth__ids_take(&bed.ids);
    assert_true(before_last >> BERTH__PLACE_BITS == BERTH__GENERATION_MAX - 1);
    berth__ids_give(&bed.ids, 0);
    assert_int_equal(bed.ids.retired_count, 0);
    const uint64_t last = berth__ids_take(&bed.ids);
    assert_true(last >> BERTH__PLACE_BITS == BERTH__GENERATION_MAX);
    berth__ids_give(&bed.ids, 0);
    assert_int_equal(bed.ids.retired_count, 1);
    assert_true(berth__ids_take(&bed.ids) == 0);
    assert_true(berth__ids_find(&bed.ids, last) == BERTH__NONE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_of_any_size_is_whole_and_touches_nothing_else),
        cmocka_unit_test(a_sum_that_wraps_is_refused_and_leaves_the_result_alone),
        cmocka_unit_test(a_product_that_wraps_is_refused_and_leaves_the_result_alone),
        cmocka_unit_test(saturating_forms_stop_at_the_largest_value),
        cmocka_unit_test(a_list_keeps_its_order_when_places_leave_from_anywhere),
        cmocka_unit_test(a_place_is_put_before_another),
        cmocka_unit_test(a_tree_is_walked_by_key_and_then_by_turn_whatever_was_taken_out),
        cmocka_unit_test(a_tree_of_ascending_keys_stays_shallow),
        cmocka_unit_test(the_heap_always_has_the_first_by_moment_then_by_arrival_on_top),
        cmocka_unit_test(removing_a_place_that_is_not_in_the_heap_does_nothing),
        cmocka_unit_test(ids_are_never_zero_and_find_only_what_is_out),
        cmocka_unit_test(places_are_reused_in_the_order_they_became_free),
        cmocka_unit_test(a_place_that_was_never_used_is_taken_where_none_is_to_be_reused),
        cmocka_unit_test(a_place_is_retired_before_its_generation_wraps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
