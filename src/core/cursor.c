/* SPDX-License-Identifier: MIT */
#include "core/cursor.h"

/* The first of the highest band that was not begun yet. */
static uint32_t begin_band(const berth__core *core, berth__cursor *cursor) {
    cursor->place = BERTH__NONE;
    for (uint32_t b = BERTH_BANDS_MAX; b-- > 0 && cursor->levels_left != 0;) {
        if ((cursor->levels_left >> b & 1u) == 0) continue;
        cursor->levels_left &= ~(1u << b);
        cursor->place = core->queue.lists[b].head;
        break;
    }
    return cursor->place;
}

uint32_t berth__cursor_first(const berth__core *core, berth__cursor *cursor) {
    cursor->levels_left = core->queue.bands_with;
    return begin_band(core, cursor);
}

uint32_t berth__cursor_next(const berth__core *core, berth__cursor *cursor) {
    if (cursor->place == BERTH__NONE) return BERTH__NONE;
    cursor->place = core->links[cursor->place].next;
    return cursor->place != BERTH__NONE ? cursor->place : begin_band(core, cursor);
}
