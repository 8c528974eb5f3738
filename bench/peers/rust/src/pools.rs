// SPDX-License-Identifier: MIT
//! Channels with threads behind them, and the pools of Tokio and rayon. Those without results use
//! the driver's flag; Tokio's join handles carry the outcome.

use std::collections::BinaryHeap;
use std::mem::size_of;
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::{Condvar, Mutex};

use crate::ffi::{PeerOps, PeerShape, Pool, Task, CANCEL, PRIORITY, RESULT};
use crate::table;

fn join(workers: Vec<JoinHandle<()>>) {
    for worker in workers {
        worker.join().unwrap();
    }
}

/// A bounded channel that is never full, and threads that receive from it.
macro_rules! channel {
    ($pool:ident, $crate_name:ident) => {
        pub struct $pool {
            send: $crate_name::Sender<Task>,
            workers: Vec<JoinHandle<()>>,
        }
        impl Pool for $pool {
            fn create(shape: &PeerShape) -> Self {
                let (send, receive) = $crate_name::bounded::<Task>(shape.in_flight_max as usize);
                let workers = (0..shape.workers)
                    .map(|_| {
                        let receive = receive.clone();
                        std::thread::spawn(move || {
                            while let Ok(task) = receive.recv() {
                                task.run_and_flag()
                            }
                        })
                    })
                    .collect();
                Self { send, workers }
            }
            fn submit(&self, task: Task) {
                self.send.send(task).unwrap()
            }
            fn close(self) {
                drop(self.send);
                join(self.workers)
            }
        }
    };
}
channel!(Crossbeam, crossbeam_channel);
channel!(Flume, flume);

type Handle = tokio::task::JoinHandle<()>;

fn runtime(shape: &PeerShape) -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(shape.workers as usize)
        .max_blocking_threads(shape.workers as usize)
        .build()
        .unwrap()
}

fn keep(task: Task, handle: Handle) {
    unsafe { task.extra::<Handle>().write(handle) }
}

fn kept(task: Task) -> Handle {
    unsafe { task.extra::<Handle>().read() }
}

pub struct Tokio(tokio::runtime::Runtime);

impl Pool for Tokio {
    fn create(shape: &PeerShape) -> Self {
        Self(runtime(shape))
    }
    fn submit(&self, task: Task) {
        keep(task, self.0.spawn(async move { task.run() }))
    }
    fn wait(&self, task: Task) {
        self.0.block_on(kept(task)).unwrap()
    }
}

pub struct TokioBlocking(tokio::runtime::Runtime);

impl Pool for TokioBlocking {
    fn create(shape: &PeerShape) -> Self {
        Self(runtime(shape))
    }
    fn submit(&self, task: Task) {
        keep(task, self.0.spawn_blocking(move || task.run()))
    }
    fn wait(&self, task: Task) {
        self.0.block_on(kept(task)).unwrap()
    }
}

pub struct Rayon(rayon::ThreadPool);

impl Pool for Rayon {
    fn create(shape: &PeerShape) -> Self {
        let threads = shape.workers as usize;
        Self(rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap())
    }
    fn submit(&self, task: Task) {
        self.0.spawn(move || task.run_and_flag())
    }
}

/// By band, then in order of arrival.
struct Entry {
    band: u32,
    arrival: u64,
    task: Task,
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.band.cmp(&other.band).then_with(|| other.arrival.cmp(&self.arrival))
    }
}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.arrival == other.arrival
    }
}
impl Eq for Entry {}

#[derive(Default)]
struct Queue {
    heap: BinaryHeap<Entry>,
    arrivals: u64,
    closed: bool,
}

/// The priority queue that a Rust host writes first: a heap, a mutex, a condition.
pub struct Heap {
    shared: Arc<(Mutex<Queue>, Condvar)>,
    workers: Vec<JoinHandle<()>>,
}

fn next(shared: &(Mutex<Queue>, Condvar)) -> Option<Task> {
    let mut queue = shared.0.lock();
    loop {
        if let Some(entry) = queue.heap.pop() {
            return Some(entry.task);
        }
        if queue.closed {
            return None;
        }
        shared.1.wait(&mut queue);
    }
}

impl Pool for Heap {
    fn create(shape: &PeerShape) -> Self {
        let shared = Arc::new((Mutex::new(Queue::default()), Condvar::new()));
        shared.0.lock().heap.reserve(shape.in_flight_max as usize);
        let workers = (0..shape.workers)
            .map(|_| {
                let shared = shared.clone();
                std::thread::spawn(move || {
                    while let Some(task) = next(&shared) {
                        task.run_and_flag()
                    }
                })
            })
            .collect();
        Self { shared, workers }
    }
    fn submit(&self, task: Task) {
        let mut queue = self.shared.0.lock();
        let arrival = queue.arrivals;
        queue.arrivals += 1;
        queue.heap.push(Entry { band: task.band(), arrival, task });
        drop(queue);
        self.shared.1.notify_one();
    }
    fn close(self) {
        self.shared.0.lock().closed = true;
        self.shared.1.notify_all();
        join(self.workers)
    }
}

const HANDLE: u32 = size_of::<Handle>() as u32;

pub static CROSSBEAM: PeerOps = table!(c"crossbeam", Crossbeam, 0, 0, None);
pub static FLUME: PeerOps = table!(c"flume", Flume, 0, 0, None);
pub static TOKIO: PeerOps = table!(c"tokio", Tokio, CANCEL | RESULT, HANDLE, None);
pub static TOKIO_BLOCKING: PeerOps = table!(c"tokio-blocking", TokioBlocking, RESULT, HANDLE, None);
pub static RAYON: PeerOps = table!(c"rayon", Rayon, 0, 0, None);
pub static HEAP: PeerOps = table!(c"rust-heap", Heap, PRIORITY, 0, None);
