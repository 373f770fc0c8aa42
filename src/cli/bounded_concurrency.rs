//! Several things at once on one thread, a bounded number at a time, their results handed out in the order in which they were asked
//! for. What drives them is whoever polls; nothing here knows what they do.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::Poll;

/// A thing that will be done.
pub type Job<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Runs the jobs, `at_once` at a time. `next` gets each result in the order of the jobs, as soon as all before it are there;
/// `progress` is told how many are done whenever that changes. Stops at the first error of `next`, and drops what still runs.
///
/// # Errors
/// That of `next`.
pub async fn run<T, E>(
    jobs: Vec<Job<'_, T>>,
    at_once: usize,
    mut progress: impl FnMut(usize),
    mut next: impl FnMut(usize, T) -> Result<(), E>,
) -> Result<(), E> {
    let all = jobs.len();
    let mut waiting: VecDeque<(usize, Job<'_, T>)> = jobs.into_iter().enumerate().collect();
    let mut running: Vec<(usize, Job<'_, T>)> = Vec::new();
    let mut done: Vec<Option<T>> = (0..all).map(|_| None).collect();
    let (mut finished, mut handed) = (0, 0);
    while handed < all {
        while running.len() < at_once.max(1)
            && let Some(job) = waiting.pop_front()
        {
            running.push(job);
        }
        let (at, result) = std::future::poll_fn(|cx| {
            for i in 0..running.len() {
                if let Poll::Ready(result) = running[i].1.as_mut().poll(cx) {
                    return Poll::Ready((running.swap_remove(i).0, result));
                }
            }
            Poll::Pending
        })
        .await;
        done[at] = Some(result);
        finished += 1;
        progress(finished);
        while let Some(result) = done.get_mut(handed).and_then(Option::take) {
            next(handed, result)?;
            handed += 1;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::time::Duration;
    use tokio::time::sleep;

    fn drive<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    #[test]
    fn results_come_in_order_and_no_more_run_than_may() {
        let (running, most) = (Cell::new(0), Cell::new(0));
        let (running, most) = (&running, &most);
        let jobs = [30, 5, 20, 1, 1].into_iter().map(|ms| -> Job<'_, u64> {
            Box::pin(async move {
                running.set(running.get() + 1);
                most.set(most.get().max(running.get()));
                sleep(Duration::from_millis(ms)).await;
                running.set(running.get() - 1);
                ms
            })
        });
        let (mut seen, mut counts) = (Vec::new(), Vec::new());
        let result = drive(run(
            jobs.collect(),
            2,
            |n| counts.push(n),
            |i, ms| -> Result<(), ()> {
                seen.push((i, ms));
                Ok(())
            },
        ));
        assert_eq!((result, seen), (Ok(()), vec![(0, 30), (1, 5), (2, 20), (3, 1), (4, 1)]));
        assert_eq!((most.get(), counts), (2, vec![1, 2, 3, 4, 5]));
    }

    #[test]
    fn an_error_stops_the_rest() {
        let started = Cell::new(0);
        let started = &started;
        let jobs = (0..4).map(|n| -> Job<'_, u64> {
            Box::pin(async move {
                started.set(started.get() + 1);
                n
            })
        });
        let result = drive(run(jobs.collect(), 1, |_| {}, |i, _| if i == 1 { Err(i) } else { Ok(()) }));
        assert_eq!((result, started.get()), (Err(1), 2));
    }
}
