/* SPDX-License-Identifier: MIT */
#include "entrants.h"

#include <stddef.h>

const peer_ops *const peer_list[] = {
    &ours,
    &peer_libuv,
#ifdef PEER_GLIB
    &peer_glib,
    &peer_glib_sorted,
#endif
    &peer_mutex_ring,
    &peer_futex_ring,
    NULL,
};
