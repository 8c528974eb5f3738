// SPDX-License-Identifier: MIT
//! The design of the worker pool that Berth replaces: one bounded channel for all, results in a
//! map by string under a read-write lock with a mutex and a condition each, a runtime per worker.
//! Built after its public description; none of its code.

use std::collections::HashMap;
use std::ffi::{c_char, c_int};
use std::future::Future;
use std::mem::size_of;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{bounded, Receiver, Sender};
use parking_lot::{Condvar, Mutex, RwLock};

use crate::ffi::{words, PeerOps, PeerShape, Pool, Task, RESULT};
use crate::recipe;
use crate::scheduler::{now_ms, Key, Meta, Priority};
use crate::table;

fn key_of(id: u64) -> Key {
    Key { tenant: "worker_pool".into(), user: None, session: Some(id.to_string()) }
}

fn text_of(key: &Key) -> String {
    format!("{}:{}", key.tenant, key.session.as_deref().unwrap_or("unknown"))
}

type Slot = Arc<(Mutex<Option<u64>>, Condvar)>;

#[derive(Default)]
struct Results(RwLock<HashMap<String, Slot>>);

impl Results {
    fn open(&self, key: &Key) {
        self.0.write().insert(text_of(key), Slot::default());
    }
    fn store(&self, key: &Key, result: u64) {
        let text = text_of(key);
        if let Some(slot) = self.0.read().get(&text) {
            *slot.0.lock() = Some(result);
            slot.1.notify_all();
        }
    }
    fn wait(&self, key: &Key, timeout: Duration) -> Option<u64> {
        let slot = self.0.read().get(&text_of(key)).cloned()?;
        let mut result = slot.0.lock();
        if result.is_none() {
            slot.1.wait_for(&mut result, timeout);
        }
        result.take()
    }
    fn close(&self, key: &Key) {
        self.0.write().remove(&text_of(key));
    }
}

#[derive(Default)]
struct Counters {
    submitted: AtomicU64,
    queued: AtomicU64,
    active: AtomicU64,
    completed: AtomicU64,
    units: AtomicU32,
}

struct Work {
    task: Task,
    meta: Meta,
    key: Key,
}

pub struct Replaced {
    send: Mutex<Option<Sender<Work>>>,
    results: Arc<Results>,
    counters: Arc<Counters>,
    next_id: AtomicU64,
    workers: Vec<JoinHandle<()>>,
}

/// As an async trait has it: the future is boxed.
fn execute(task: Task, meta: Meta) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(async move {
        task.run();
        meta.id
    })
}

fn work(receive: Receiver<Work>, results: Arc<Results>, counters: Arc<Counters>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    while let Ok(work) = receive.recv() {
        let units = work.meta.units;
        let key = work.key.clone();
        counters.queued.fetch_sub(1, Ordering::Relaxed);
        counters.active.fetch_add(1, Ordering::Relaxed);
        counters.units.fetch_add(units, Ordering::Relaxed);
        let result = runtime.block_on(async { execute(work.task, work.meta).await });
        results.store(&key, result);
        counters.active.fetch_sub(1, Ordering::Relaxed);
        counters.units.fetch_sub(units, Ordering::Relaxed);
        counters.completed.fetch_add(1, Ordering::Relaxed);
    }
}

fn meta_of(task: Task, id: u64) -> Meta {
    Meta {
        id,
        mailbox: None,
        priority: [Priority::Low, Priority::Normal, Priority::High][task.band() as usize - 1],
        units: task.cost(),
        deadline_ms: Some(now_ms() + 10_000),
        created_at_ms: now_ms(),
    }
}

impl Pool for Replaced {
    fn create(shape: &PeerShape) -> Self {
        let (send, receive) = bounded(shape.in_flight_max as usize);
        let (results, counters) = (Arc::<Results>::default(), Arc::<Counters>::default());
        let workers = (0..shape.workers)
            .map(|_| {
                let (receive, results, counters) =
                    (receive.clone(), results.clone(), counters.clone());
                std::thread::spawn(move || work(receive, results, counters))
            })
            .collect();
        let next_id = AtomicU64::new(0);
        Self { send: Mutex::new(Some(send)), results, counters, next_id, workers }
    }
    fn submit(&self, task: Task) {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let key = key_of(id);
        self.results.open(&key);
        let work = Work { task, meta: meta_of(task, id), key: key.clone() };
        if self.send.lock().as_ref().unwrap().try_send(work).is_err() {
            panic!("the queue is full")
        }
        self.counters.submitted.fetch_add(1, Ordering::Relaxed);
        self.counters.queued.fetch_add(1, Ordering::Relaxed);
        unsafe { task.extra::<Key>().write(key) }
    }
    fn wait(&self, task: Task) {
        let key = unsafe { task.extra::<Key>().read() };
        self.results.wait(&key, Duration::from_secs(60)).unwrap();
        self.results.close(&key)
    }
    fn close(self) {
        *self.send.lock() = None;
        for worker in self.workers {
            worker.join().unwrap()
        }
    }
}

unsafe extern "C" fn special(argc: c_int, argv: *const *const c_char) -> i32 {
    recipe::run(&words(argc, argv)) as i32
}

const KEY: u32 = size_of::<Key>() as u32;

pub static REPLACED: PeerOps = table!(c"replaced", Replaced, RESULT, KEY, Some(special));
