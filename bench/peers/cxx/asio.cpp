// SPDX-License-Identifier: MIT
// Boost.Asio's thread_pool.
#ifdef PEER_ASIO
#include "entrants.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

namespace {

class Pool {
  public:
    explicit Pool(const peer_shape &shape) : pool(shape.workers) {
    }
    ~Pool() {
        pool.join();
    }
    void submit(peer_task *task) {
        boost::asio::post(pool, [task] { run_and_flag(task); });
    }

  private:
    boost::asio::thread_pool pool;
};

} // namespace

const peer_ops peer_asio = peer_table<Pool>("asio", 0);
#endif
