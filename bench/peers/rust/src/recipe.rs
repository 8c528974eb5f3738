// SPDX-License-Identifier: MIT
//! The benchmarks of the replaced crate by its own recipe: same sizes, same texts, same mixes. Two
//! things differ, on both sides alike: pools and the host's own texts are made before the clock
//! starts, and instead of a fixed sleep at the end the clock stops when everything has run. Keys
//! are made under the clock, because the crate wants one of each job.

use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::ffi::say;
use crate::scheduler::{
    now_ms, Executor, Job, Key, Mailboxes, Meta, Parked, Priority, ResourcePool, Verdict,
};

struct Payload {
    id: u64,
    text: String,
}

/// Counts the jobs that ran, and tells when the last did.
#[derive(Clone, Default)]
struct Counting(Arc<(AtomicU64, AtomicU64, Notify)>);

impl Counting {
    fn expect(&self, count: u64) {
        self.0 .0.store(0, Ordering::Release);
        self.0 .1.store(count, Ordering::Release);
    }
    fn count(&self) {
        if self.0 .0.fetch_add(1, Ordering::AcqRel) + 1 == self.0 .1.load(Ordering::Acquire) {
            self.0 .2.notify_one()
        }
    }
}

impl Executor<Payload> for Counting {
    fn execute(&self, payload: Payload, meta: Meta) -> Pin<Box<dyn Future<Output = String> + Send>> {
        let counting = self.clone();
        Box::pin(async move {
            let result = format!("result-{}", payload.id);
            black_box((&payload.text, meta.id));
            counting.count();
            result
        })
    }
}

fn payloads(count: u64) -> Vec<Payload> {
    (0..count).map(|id| Payload { id, text: format!("payload-data-{id}") }).collect()
}

fn job(payload: Payload, priority: Priority) -> Job<Payload> {
    let id = payload.id;
    let user = Some(format!("user-{}", id % 10));
    Job {
        meta: Meta {
            id,
            mailbox: Some(Key { tenant: "bench-tenant".into(), user, session: None }),
            priority,
            units: 1,
            deadline_ms: None,
            created_at_ms: now_ms(),
        },
        payload,
    }
}

fn text_job(id: u64, payload: String) -> Job<String> {
    let priority = if id % 2 == 0 { Priority::High } else { Priority::Normal };
    Job {
        meta: Meta {
            id,
            mailbox: Some(Key { tenant: "tenant-1".into(), user: None, session: None }),
            priority,
            units: 1,
            deadline_ms: None,
            created_at_ms: u128::from(id),
        },
        payload,
    }
}

fn quarter(id: u64) -> Priority {
    [Priority::Critical, Priority::High, Priority::Normal, Priority::Low][(id % 4) as usize]
}

/// The median of repetitions that together take a tenth of a second, per element.
fn measure(elements: u64, mut once: impl FnMut() -> Duration) {
    let mut took = Vec::new();
    let begun = Instant::now();
    once();
    while took.len() < 5 || begun.elapsed() < Duration::from_millis(100) {
        took.push(once().as_nanos() as f64 / elements as f64);
    }
    took.sort_by(f64::total_cmp);
    say("op", took[took.len() / 2]);
}

fn timed(what: impl FnOnce()) -> Duration {
    let before = Instant::now();
    what();
    before.elapsed()
}

fn enqueue_dequeue(size: u64) {
    let mut queue = Parked::new(size as usize);
    measure(size, || {
        let texts: Vec<_> = (0..size).map(|id| format!("payload-{id}")).collect();
        timed(|| {
            for (id, text) in (0..).zip(texts) {
                let _ = queue.enqueue(text_job(id, text));
            }
            while let Some(job) = queue.dequeue() {
                black_box(job);
            }
        })
    })
}

fn priority_sorting(size: u64) {
    let mut queue = Parked::new(size as usize);
    measure(size, || {
        let payloads = payloads(size);
        timed(|| {
            for payload in payloads {
                let priority = quarter(payload.id);
                let _ = queue.enqueue(job(payload, priority));
            }
            while let Some(job) = queue.dequeue() {
                black_box(job);
            }
        })
    })
}

fn prune_expired(size: u64) {
    let mut queue = Parked::new(size as usize);
    measure(size, || {
        queue.clear();
        let payloads = payloads(size);
        timed(|| {
            let now = now_ms();
            for payload in payloads {
                let mut one = job(payload, Priority::Normal);
                if one.meta.id % 2 == 0 {
                    one.meta.deadline_ms = Some(now - 1000)
                }
                let _ = queue.enqueue(one);
            }
            assert_eq!(queue.prune_expired(now) as u64, size / 2);
        })
    })
}

fn bench_key() -> Key {
    Key { tenant: "bench-tenant".into(), user: Some("bench-user".into()), session: None }
}

fn mailbox_deliver(size: u64) {
    let mut mailboxes = Mailboxes::default();
    let key = bench_key();
    measure(size, || {
        mailboxes.clear();
        let texts: Vec<_> = (0..size).map(|id| format!("result-{id}")).collect();
        timed(|| {
            for text in texts {
                mailboxes.deliver(&key, text)
            }
        })
    })
}

fn mailbox_fetch(size: u64) {
    let mut mailboxes = Mailboxes::default();
    let key = bench_key();
    for id in 0..size {
        mailboxes.deliver(&key, format!("result-{id}"))
    }
    measure(size, || {
        timed(|| {
            for message in black_box(mailboxes.fetch(&key, size as usize)) {
                black_box((message.status, message.payload, message.created_at_ms));
            }
        })
    })
}

/// Submits `count` jobs and waits until those that were accepted have run.
fn pool(units: u32, depth: usize, count: u64, deal: impl Fn(Payload) -> Job<Payload>) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let executor = Counting::default();
    let pool = ResourcePool::new(units, depth, executor.clone());
    measure(count, || {
        pool.forget_messages();
        executor.expect(count);
        let payloads = payloads(count);
        runtime.block_on(async {
            let before = Instant::now();
            let mut accepted = 0;
            for payload in payloads {
                match pool.submit(deal(payload), now_ms()).await {
                    Verdict::Running | Verdict::Queued => accepted += 1,
                    Verdict::Expired | Verdict::Full => executor.count(),
                }
            }
            while accepted > 0 && executor.0 .0.load(Ordering::Acquire) < count {
                let ran = executor.0 .2.notified();
                if tokio::time::timeout(Duration::from_millis(5), ran).await.is_err() {
                    pool.look_again()
                }
            }
            before.elapsed()
        })
    })
}

fn end_to_end(payload: Payload) -> Job<Payload> {
    let id = payload.id;
    let mut one = job(
        payload,
        match id % 10 {
            0 | 1 => Priority::Critical,
            2..=4 => Priority::High,
            5..=7 => Priority::Normal,
            _ => Priority::Low,
        },
    );
    if id % 10 == 0 {
        one.meta.deadline_ms = Some(now_ms() + 5000)
    }
    one
}

fn overdue(payload: Payload) -> Job<Payload> {
    let mut one = job(payload, Priority::Normal);
    one.meta.deadline_ms = Some(now_ms() - 1000);
    one
}

/// `words`: program, entrant, workload, size. False where there is no such workload.
pub fn run(words: &[String]) -> bool {
    let size = words.get(3).and_then(|word| word.parse().ok()).unwrap_or(0);
    let normal = |payload| job(payload, Priority::Normal);
    let mixed = |payload: Payload| {
        let priority = quarter(payload.id);
        job(payload, priority)
    };
    match words[2].as_str() {
        "enqueue_dequeue" => enqueue_dequeue(size),
        "priority_sorting" => priority_sorting(size),
        "prune_expired" => prune_expired(size),
        "mailbox_deliver" => mailbox_deliver(size),
        "mailbox_fetch" => mailbox_fetch(size),
        "submit_immediate" => pool(size as u32, 1000, size, normal),
        "with_queueing" => pool(10, 1000, size, normal),
        "mixed_priorities" => pool(20, 500, size, mixed),
        "deadline_checking" => pool(10, 100, size, overdue),
        "end_to_end" => pool(25, 500, size, end_to_end),
        _ => return false,
    }
    true
}
