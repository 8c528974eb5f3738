// SPDX-License-Identifier: MIT
//! `peer.h` in Rust.

use std::ffi::{c_char, c_int, c_void, CStr, CString};

#[repr(C)]
pub struct PeerTask {
    pub state: u32,
    pub producer: u32,
    pub band: u32,
    pub stamp: u32,
    pub cost: [u32; 2],
    pub tenant: u64,
    pub deadline_ns: u64,
    pub id: u64,
    pub started_at_ns: u64,
    pub value: u64,
}

#[repr(C)]
pub struct PeerShape {
    pub producers: u32,
    pub workers: u32,
    pub in_flight_max: u32,
    pub tenants: u32,
}

pub const PRIORITY: u32 = 1;
pub const CANCEL: u32 = 8;
pub const RESULT: u32 = 16;

#[repr(C)]
pub struct PeerOps {
    pub name: *const c_char,
    pub features: u32,
    pub extra_size: u32,
    pub create: unsafe extern "C" fn(*const PeerShape) -> *mut c_void,
    pub submit: unsafe extern "C" fn(*mut c_void, *mut PeerTask),
    pub wait: unsafe extern "C" fn(*mut c_void, *mut PeerTask),
    pub destroy: unsafe extern "C" fn(*mut c_void),
    pub special: Option<unsafe extern "C" fn(c_int, *const *const c_char) -> i32>,
}
unsafe impl Sync for PeerOps {}

#[repr(transparent)]
pub struct List<const N: usize>(pub [*const PeerOps; N]);
unsafe impl<const N: usize> Sync for List<N> {}

mod c {
    use super::*;
    extern "C" {
        pub fn peer_run(task: *mut PeerTask);
        pub fn peer_task_finish(task: *mut PeerTask);
        pub fn peer_task_wait(task: *mut PeerTask);
        pub fn peer_say(metric: *const c_char, unit: *const c_char, value: f64);
    }
}

/// A task of the driver's on its way through a pool.
#[derive(Clone, Copy)]
pub struct Task(pub *mut PeerTask);
unsafe impl Send for Task {}

impl Task {
    pub fn run(self) {
        unsafe { c::peer_run(self.0) }
    }
    /// For pools without results: the driver's flag.
    pub fn run_and_flag(self) {
        unsafe {
            c::peer_run(self.0);
            c::peer_task_finish(self.0)
        }
    }
    pub fn wait(self) {
        unsafe { c::peer_task_wait(self.0) }
    }
    pub fn band(self) -> u32 {
        unsafe { (*self.0).band }
    }
    pub fn cost(self) -> u32 {
        unsafe { (*self.0).cost[0] }
    }
    /// The entrant's own bytes behind the task.
    pub fn extra<T>(self) -> *mut T {
        unsafe { self.0.add(1).cast() }
    }
}

pub fn say(metric: &str, value: f64) {
    let metric = CString::new(metric).unwrap();
    unsafe { c::peer_say(metric.as_ptr(), c"ns".as_ptr(), value) }
}

/// The words of a command line.
pub unsafe fn words(count: c_int, of: *const *const c_char) -> Vec<String> {
    (0..count as usize)
        .map(|i| CStr::from_ptr(*of.add(i)).to_string_lossy().into_owned())
        .collect()
}

/// What an entrant does; `table!` makes a `PeerOps` of it.
pub trait Pool: Sized {
    fn create(shape: &PeerShape) -> Self;
    fn submit(&self, task: Task);
    fn wait(&self, task: Task) {
        task.wait()
    }
    fn close(self) {}
}

pub unsafe extern "C" fn create<P: Pool>(shape: *const PeerShape) -> *mut c_void {
    Box::into_raw(Box::new(P::create(&*shape))).cast()
}
pub unsafe extern "C" fn submit<P: Pool>(pool: *mut c_void, task: *mut PeerTask) {
    (*pool.cast::<P>()).submit(Task(task))
}
pub unsafe extern "C" fn wait<P: Pool>(pool: *mut c_void, task: *mut PeerTask) {
    (*pool.cast::<P>()).wait(Task(task))
}
pub unsafe extern "C" fn destroy<P: Pool>(pool: *mut c_void) {
    Box::from_raw(pool.cast::<P>()).close()
}

#[macro_export]
macro_rules! table {
    ($name:literal, $pool:ty, $features:expr, $extra:expr, $special:expr) => {
        $crate::ffi::PeerOps {
            name: $name.as_ptr(),
            features: $features,
            extra_size: $extra,
            create: $crate::ffi::create::<$pool>,
            submit: $crate::ffi::submit::<$pool>,
            wait: $crate::ffi::wait::<$pool>,
            destroy: $crate::ffi::destroy::<$pool>,
            special: $special,
        }
    };
}
