// SPDX-License-Identifier: MIT
//! Entrants that are crates. Each is a `PeerOps` table as `peer.h` has it; the driver in C runs
//! its loop over them.

mod ffi;
mod pools;
mod recipe;
mod replaced;
mod scheduler;

use ffi::{List, PeerOps};

/// The entrants of this program; the last is null.
#[no_mangle]
pub static peer_list: List<9> = List([
    &pools::CROSSBEAM as *const PeerOps,
    &pools::FLUME,
    &pools::TOKIO,
    &pools::TOKIO_BLOCKING,
    &pools::RAYON,
    &pools::HEAP,
    &replaced::REPLACED,
    std::ptr::null(),
    std::ptr::null(),
]);
