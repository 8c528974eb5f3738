/* SPDX-License-Identifier: MIT */
#include "runtime/row.h"
#include "base/ids.h"
#include "base/touch.h"
#include "runtime/pool.h"

berth__row *berth__row_find(berth_pool *pool, berth_request_id id) {
    const uint32_t place = berth__id_place(id);
    if (id == 0 || place >= pool->row_count || berth__row_at(pool, place)->id != id) return NULL;
    return berth__row_at(pool, place);
}

berth__row *berth__row_find_for_user(berth_pool *pool, berth_request_id id) {
    berth__row *row = berth__row_find(pool, id);
    return row == NULL || row->gone ? NULL : row;
}

berth__row *berth__row_find_for_producer(berth_pool *pool, berth_request_id id) {
    berth__row *row = berth__row_find(pool, id);
    return row == NULL || (row->gone && row->ended) ? NULL : row;
}

void berth__row_expect(const berth_pool *pool, uint32_t place) {
    if (place < pool->row_count) berth__core_expect(pool->core, place);
}
