/* SPDX-License-Identifier: MIT */
#include "pace.h"

void replay_pace_init(replay_pace *pace, uint64_t token_ns_max, uint64_t most) {
    *pace = (replay_pace){.token_ns_max = token_ns_max, .most = most, .room = most};
}

void replay_pace_see(replay_pace *pace, uint64_t tokens, uint64_t spent_ns) {
    pace->tokens += tokens;
    pace->spent_ns += spent_ns;
}

/* Down to who runs at once, and up by a sixteenth at a time. */
int replay_pace_step(replay_pace *pace, uint64_t running) {
    const uint64_t before = pace->room;
    if (pace->token_ns_max == 0) return 0;
    if (pace->tokens > 0 && pace->spent_ns / pace->tokens > pace->token_ns_max) {
        pace->room = running > 0 ? running : 1;
    } else {
        pace->room += pace->room / 16 + 1;
        if (pace->room > pace->most) pace->room = pace->most;
    }
    pace->tokens = pace->spent_ns = 0;
    return pace->room != before;
}
