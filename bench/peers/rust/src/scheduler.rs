// SPDX-License-Identifier: MIT
//! The words of the replaced crate, and its parts without threads: a priority heap that prunes by
//! a scan, mailboxes by string keys, a pool that counts units and spawns. Built after its public
//! description and figures; none of its code. Its log lines are left out, which favours it.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::{Condvar, Mutex};

pub fn now_ms() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis())
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    Low,
    Normal,
    High,
    Critical,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Key {
    pub tenant: String,
    pub user: Option<String>,
    pub session: Option<String>,
}

#[derive(Clone)]
pub struct Meta {
    pub id: u64,
    pub mailbox: Option<Key>,
    pub priority: Priority,
    pub units: u32,
    pub deadline_ms: Option<u128>,
    pub created_at_ms: u128,
}

pub struct Job<P> {
    pub meta: Meta,
    pub payload: P,
}

impl<P> Job<P> {
    fn rank(&self) -> (Priority, Reverse<u128>) {
        (self.meta.priority, Reverse(self.meta.created_at_ms))
    }
}
impl<P> Ord for Job<P> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank().cmp(&other.rank())
    }
}
impl<P> PartialOrd for Job<P> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<P> PartialEq for Job<P> {
    fn eq(&self, other: &Self) -> bool {
        self.meta.id == other.meta.id
    }
}
impl<P> Eq for Job<P> {}

pub struct Parked<P> {
    heap: BinaryHeap<Job<P>>,
    depth_max: usize,
}

impl<P> Parked<P> {
    pub fn new(depth_max: usize) -> Self {
        Self { heap: BinaryHeap::with_capacity(depth_max.min(1024)), depth_max }
    }
    pub fn enqueue(&mut self, job: Job<P>) -> Result<(), Job<P>> {
        if self.heap.len() >= self.depth_max {
            return Err(job);
        }
        self.heap.push(job);
        Ok(())
    }
    pub fn dequeue(&mut self) -> Option<Job<P>> {
        self.heap.pop()
    }
    pub fn is_full(&self) -> bool {
        self.heap.len() >= self.depth_max
    }
    /// Takes the heap apart and builds it again of what has not expired.
    pub fn prune_expired(&mut self, now_ms: u128) -> usize {
        let before = self.heap.len();
        let jobs: Vec<_> = self.heap.drain().collect();
        let live = |job: &Job<P>| job.meta.deadline_ms.map_or(true, |at| at > now_ms);
        self.heap = jobs.into_iter().filter(live).collect();
        before - self.heap.len()
    }
    /// What is left, gone; for the next round of a benchmark.
    pub fn clear(&mut self) {
        self.heap.clear()
    }
}

#[derive(Clone)]
pub enum Status {
    Completed,
}

#[derive(Clone)]
pub struct Message {
    pub status: Status,
    pub payload: Option<String>,
    pub created_at_ms: u128,
}

#[derive(Default)]
pub struct Mailboxes(HashMap<Key, Vec<Message>>);

impl Mailboxes {
    pub fn deliver(&mut self, key: &Key, payload: String) {
        self.0.entry(key.clone()).or_default().push(Message {
            status: Status::Completed,
            payload: Some(payload),
            created_at_ms: now_ms(),
        })
    }
    pub fn fetch(&self, key: &Key, limit: usize) -> Vec<Message> {
        self.0.get(key).map_or_else(Vec::new, |all| all.iter().take(limit).cloned().collect())
    }
    pub fn clear(&mut self) {
        self.0.clear()
    }
}

/// What runs a job; its futures are boxed, as those of an async trait are.
pub trait Executor<P>: Send + Sync + 'static {
    fn execute(&self, payload: P, meta: Meta) -> Pin<Box<dyn Future<Output = String> + Send>>;
}

pub enum Verdict {
    Running,
    Queued,
    Expired,
    Full,
}

struct Shared<P, E> {
    units_max: u32,
    units: AtomicU32,
    queue: Mutex<Parked<P>>,
    mailboxes: Mutex<Mailboxes>,
    capacity_free: Mutex<bool>,
    wake: Condvar,
    executor: E,
}

/// Runs a job at once while units are free, else parks it; each end looks for the next.
pub struct ResourcePool<P, E>(Arc<Shared<P, E>>);

impl<P: Send + 'static, E: Executor<P>> ResourcePool<P, E> {
    pub fn new(units_max: u32, depth_max: usize, executor: E) -> Self {
        Self(Arc::new(Shared {
            units_max,
            units: AtomicU32::new(0),
            queue: Mutex::new(Parked::new(depth_max)),
            mailboxes: Mutex::new(Mailboxes::default()),
            capacity_free: Mutex::new(false),
            wake: Condvar::new(),
            executor,
        }))
    }

    pub async fn submit(&self, job: Job<P>, now_ms: u128) -> Verdict {
        if job.meta.deadline_ms.is_some_and(|at| now_ms > at) {
            return Verdict::Expired;
        }
        if reserve(&self.0, job.meta.units) {
            start(self.0.clone(), job);
            return Verdict::Running;
        }
        if self.0.queue.lock().is_full() || self.0.queue.lock().enqueue(job).is_err() {
            return Verdict::Full;
        }
        Verdict::Queued
    }

    /// A job that was parked just after the last end is never looked for again; whoever waits for
    /// it has to look.
    pub fn look_again(&self) {
        wake_next(self.0.clone())
    }

    pub fn forget_messages(&self) {
        self.0.mailboxes.lock().clear()
    }
}

fn reserve<P, E>(shared: &Shared<P, E>, units: u32) -> bool {
    let fits = |used: u32| (used + units <= shared.units_max).then_some(used + units);
    shared.units.fetch_update(Ordering::AcqRel, Ordering::Acquire, fits).is_ok()
}

fn start<P: Send + 'static, E: Executor<P>>(shared: Arc<Shared<P, E>>, job: Job<P>) {
    tokio::spawn(async move {
        let (units, key) = (job.meta.units, job.meta.mailbox.clone());
        let result = shared.executor.execute(job.payload, job.meta.clone()).await;
        ended(shared, units, key, result).await
    });
}

/// Boxed: an end may start the next, whose end may start another.
fn ended<P: Send + 'static, E: Executor<P>>(
    shared: Arc<Shared<P, E>>,
    units: u32,
    key: Option<Key>,
    result: String,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        shared.units.fetch_sub(units, Ordering::Release);
        *shared.capacity_free.lock() = true;
        shared.wake.notify_one();
        if let Some(key) = key {
            shared.mailboxes.lock().deliver(&key, result)
        }
        tokio::spawn(async move { wake_next(shared) });
    })
}

fn wake_next<P: Send + 'static, E: Executor<P>>(shared: Arc<Shared<P, E>>) {
    loop {
        let Some(job) = shared.queue.lock().dequeue() else { return };
        if !reserve(&shared, job.meta.units) {
            let _ = shared.queue.lock().enqueue(job);
            return;
        }
        start(shared.clone(), job)
    }
}
