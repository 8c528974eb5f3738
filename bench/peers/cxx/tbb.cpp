// SPDX-License-Identifier: MIT
// oneTBB: an arena per band, which its scheduler serves by priority; and its concurrent priority
// queue with threads that sleep on a semaphore.
#ifdef PEER_TBB
#include "entrants.hpp"

#include <tbb/concurrent_priority_queue.h>
#include <tbb/global_control.h>
#include <tbb/task_arena.h>

#include <array>
#include <atomic>
#include <semaphore>
#include <thread>
#include <vector>

namespace {

// The thread that submits counts as one; it runs nothing.
class Arenas {
  public:
    explicit Arenas(const peer_shape &shape)
        : limit(tbb::global_control::max_allowed_parallelism, shape.workers + 1) {
        for (auto &arena : bands) arena.initialize(int(shape.workers), 0, priority(arena));
    }
    void submit(peer_task *task) {
        bands[task->band - 1].enqueue([task] { run_and_flag(task); });
    }

  private:
    tbb::task_arena::priority priority(const tbb::task_arena &arena) const {
        const tbb::task_arena::priority all[] = {tbb::task_arena::priority::low,
                                                 tbb::task_arena::priority::normal,
                                                 tbb::task_arena::priority::high};
        return all[&arena - bands.data()];
    }
    tbb::global_control limit;
    std::array<tbb::task_arena, 3> bands;
};

struct Entry {
    peer_task *task;
    uint64_t arrival;
    // The greatest comes first: by band, then in order of arrival.
    bool operator<(const Entry &other) const {
        if (task->band != other.task->band) return task->band < other.task->band;
        return arrival > other.arrival;
    }
};

class Queue {
  public:
    explicit Queue(const peer_shape &shape) : queue(shape.in_flight_max) {
        for (uint32_t i = 0; i < shape.workers; i++) workers.emplace_back([this] { work(); });
    }
    ~Queue() {
        closed = true;
        filled.release(std::ptrdiff_t(workers.size()));
        for (auto &worker : workers) worker.join();
    }
    void submit(peer_task *task) {
        queue.push({task, arrivals.fetch_add(1, std::memory_order_relaxed)});
        filled.release();
    }

  private:
    void work() {
        for (;;) {
            Entry entry;
            filled.acquire();
            if (queue.try_pop(entry))
                run_and_flag(entry.task);
            else if (closed)
                return;
        }
    }
    tbb::concurrent_priority_queue<Entry> queue;
    std::counting_semaphore<> filled{0};
    std::atomic<uint64_t> arrivals{0};
    std::atomic<bool> closed{false};
    std::vector<std::thread> workers;
};

} // namespace

const peer_ops peer_tbb_arena = peer_table<Arenas>("tbb-arena", PEER_PRIORITY);
const peer_ops peer_tbb_queue = peer_table<Queue>("tbb-queue", PEER_PRIORITY);
#endif
