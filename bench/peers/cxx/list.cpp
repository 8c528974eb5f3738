// SPDX-License-Identifier: MIT
#include "entrants.hpp"

extern "C" const peer_ops *const peer_list[] = {
#ifdef PEER_TBB
    &peer_tbb_arena,
    &peer_tbb_queue,
#endif
#ifdef PEER_ASIO
    &peer_asio,
#endif
    nullptr,
};
