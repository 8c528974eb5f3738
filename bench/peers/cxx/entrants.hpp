// SPDX-License-Identifier: MIT
// What: a peer_ops of a C++ class.
// Why: an entrant is then its constructor, submit() and destructor.
// Rules: none of these pools has results: the driver's flag is set after the task ran.
// Threads: see peer.h.
#pragma once

#include "peer.h"

#ifdef PEER_TBB
extern const peer_ops peer_tbb_arena;
extern const peer_ops peer_tbb_queue;
#endif
#ifdef PEER_ASIO
extern const peer_ops peer_asio;
#endif

inline void run_and_flag(peer_task *task) {
    peer_run(task);
    peer_task_finish(task);
}

template <class Pool> constexpr peer_ops peer_table(const char *name, uint32_t features) {
    return {name,
            features,
            0,
            [](const peer_shape *shape) -> void * { return new Pool(*shape); },
            [](void *pool, peer_task *task) { static_cast<Pool *>(pool)->submit(task); },
            [](void *, peer_task *task) { peer_task_wait(task); },
            [](void *pool) { delete static_cast<Pool *>(pool); },
            nullptr};
}
