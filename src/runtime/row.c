/* SPDX-License-Identifier: MIT */
#include "runtime/row.h"
#include "base/ids.h"
#include "runtime/pool.h"

berth__row *berth__row_find(berth_pool *pool, berth_request_id id) {
    const uint32_t place = berth__id_place(id);
    if (id == 0 || place >= pool->row_count || pool->rows[place].id != id) return NULL;
    return &pool->rows[place];
}

berth__row *berth__row_find_for_user(berth_pool *pool, berth_request_id id) {
    berth__row *row = berth__row_find(pool, id);
    return row == NULL || row->gone ? NULL : row;
}

void berth__row_expect(const berth_pool *pool, uint32_t place) {
    if (place >= pool->row_count) return;
    const char *row = (const char *)&pool->rows[place];
    for (size_t i = 0; i < sizeof(berth__row); i += 64) __builtin_prefetch(row + i, 1);
    berth__core_expect(pool->core, place);
}

uint32_t berth__row_place(const berth_pool *pool, const berth__row *row) {
    return (uint32_t)(row - pool->rows);
}
