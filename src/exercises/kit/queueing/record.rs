//! What came of a run: over time, in buckets, and in total.

use super::{Call, SECOND, World};
use crate::time::Time;
use crate::trace::{Event, Lane, Plot, Probe, What};

/// What was seen of one load.
#[derive(Clone, Debug, Default)]
struct Line {
    offered: Vec<u64>,
    sent: Vec<u64>,
    rejected: Vec<u64>,
    good: Vec<u64>,
    /// Microseconds from the call to its answer in time.
    latencies: Vec<u64>,
}

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    per_us: u64,
    lines: Vec<Line>,
    /// Of each server, how many waited at most in each bucket.
    queues: Vec<Vec<u64>>,
    /// How many wait now.
    waiting: Vec<u64>,
    /// Until where the buckets were filled.
    at: usize,
    pub calls: u64,
    pub attempts: u64,
    /// Attempts that went out when the call had ended by its deadline.
    pub after_deadline: u64,
    pub rejected: u64,
    /// Calls that had an answer in time.
    pub good: u64,
    /// Calls that were given up.
    pub failed: u64,
    /// Answers for which nobody waited any more.
    pub wasted: u64,
}

impl Record {
    pub(super) fn new(world: &World) -> Self {
        let buckets = world.until_us.div_ceil(world.per_us) as usize;
        let empty = || vec![0; buckets];
        let line = Line { offered: empty(), sent: empty(), rejected: empty(), good: empty(), latencies: Vec::new() };
        let queues = vec![empty(); world.servers.len()];
        Record { per_us: world.per_us, lines: vec![line; world.loads.len()], waiting: vec![0; queues.len()], queues, ..Record::default() }
    }

    /// The bucket of a moment. A queue that stays as it is stands in each bucket on the way there.
    fn bucket(&mut self, now_us: u64) -> usize {
        let bucket = (now_us / self.per_us) as usize;
        while self.at < bucket {
            self.at += 1;
            for (queue, waiting) in self.queues.iter_mut().zip(&self.waiting) {
                queue[self.at] = *waiting;
            }
        }
        bucket
    }

    pub(super) fn offered(&mut self, now_us: u64, load: usize) {
        let bucket = self.bucket(now_us);
        self.lines[load].offered[bucket] += 1;
        self.calls += 1;
    }

    pub(super) fn sent(&mut self, now_us: u64, call: &Call) {
        let bucket = self.bucket(now_us);
        self.lines[call.load].sent[bucket] += 1;
        self.attempts += 1;
        self.after_deadline += u64::from(now_us > call.deadline_us);
    }

    pub(super) fn rejected(&mut self, now_us: u64, load: usize) {
        let bucket = self.bucket(now_us);
        self.lines[load].rejected[bucket] += 1;
        self.rejected += 1;
    }

    pub(super) fn waits(&mut self, now_us: u64, server: usize, waiting: u64) {
        let bucket = self.bucket(now_us);
        self.waiting[server] = waiting;
        let most = &mut self.queues[server][bucket];
        *most = waiting.max(*most);
    }

    pub(super) fn answered(&mut self, now_us: u64, call: &Call, in_time: bool) {
        let bucket = self.bucket(now_us);
        if in_time {
            self.lines[call.load].good[bucket] += 1;
            self.lines[call.load].latencies.push(now_us - call.begun_us);
            self.good += 1;
        } else {
            self.wasted += 1;
        }
    }

    pub(super) fn failed(&mut self, now_us: u64, load: usize) {
        let _ = (self.bucket(now_us), load);
        self.failed += 1;
    }

    /// The run went no further than here.
    pub(super) fn stopped(&mut self, now_us: u64) {
        let end = self.bucket(now_us) + 1;
        for line in &mut self.lines {
            [&mut line.offered, &mut line.sent, &mut line.rejected, &mut line.good].into_iter().for_each(|values| values.truncate(end));
        }
        self.queues.iter_mut().for_each(|queue| queue.truncate(end));
    }

    /// Attempts for each hundred calls.
    pub fn amplification(&self) -> u64 {
        self.attempts * 100 / self.calls.max(1)
    }

    /// Calls of a load with an answer in time between two moments, and calls that came.
    pub fn good_of(&self, load: usize, from_us: u64, until_us: u64) -> (u64, u64) {
        let buckets = (from_us / self.per_us) as usize..(until_us / self.per_us) as usize;
        let sum = |values: &[u64]| values[buckets.start.min(values.len())..buckets.end.min(values.len())].iter().sum();
        (sum(&self.lines[load].good), sum(&self.lines[load].offered))
    }

    /// Attempts of a load that went out between two moments.
    pub fn sent_of(&self, load: usize, from_us: u64, until_us: u64) -> u64 {
        let buckets = (from_us / self.per_us) as usize..(until_us / self.per_us) as usize;
        let sent = &self.lines[load].sent;
        sent[buckets.start.min(sent.len())..buckets.end.min(sent.len())].iter().sum()
    }

    /// How long after that moment a load's answers in time were back for good: at four fifths of what came, in each two seconds from there
    /// to `until_us`. `None`: they never were.
    pub fn recovery(&self, load: usize, from_us: u64, until_us: u64) -> Option<u64> {
        let well = |at: &u64| {
            let (good, offered) = self.good_of(load, *at, at + 2 * SECOND);
            good * 5 >= offered * 4
        };
        let starts = (from_us..until_us.saturating_sub(2 * SECOND)).step_by(self.per_us as usize);
        let last = starts.clone().filter(|at| !well(at)).last();
        match last {
            None => Some(0),
            Some(last) if last + self.per_us + 2 * SECOND >= until_us => None,
            Some(last) => Some(last + self.per_us - from_us),
        }
    }

    /// The nearest-rank percentile of a load's latencies, in microseconds; `None` without an answer.
    pub fn latency(&self, load: usize, percent: u64) -> Option<u64> {
        let mut sorted = self.lines[load].latencies.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() as u64 * percent).div_ceil(100).max(1) as usize;
        sorted.get(rank - 1).copied()
    }

    /// Offered load, attempts, queue and answers in time of a load, over time, with a moment marked.
    pub fn plots(&self, load: usize, server: usize, mark_us: Option<u64>) -> Vec<Plot> {
        let line = &self.lines[load];
        let each_second = |values: &[u64]| values.iter().map(|n| n * SECOND / self.per_us).collect::<Vec<u64>>();
        let plot = |name: &str, unit: &str, values: Vec<u64>| Plot {
            name: name.to_owned(),
            unit: unit.to_owned(),
            per_us: self.per_us,
            values,
            mark_us,
        };
        vec![
            plot("calls", "/s", each_second(&line.offered)),
            plot("attempts", "/s", each_second(&line.sent)),
            plot("queue", " waiting", self.queues[server].clone()),
            plot("in time", "/s", each_second(&line.good)),
        ]
    }

    /// Puts the plots on the tape, if this is the run that is shown.
    pub fn show(&self, probe: &Probe, load: usize, server: usize, mark_us: Option<u64>) {
        let Some(tape) = &probe.tape else { return };
        let step = tape.last_step().max(1);
        for plot in self.plots(load, server, mark_us) {
            tape.push(Event { step, at: Time::ZERO, lane: Lane::Network, what: What::Plots(plot) });
        }
    }
}

/// Several runs one above the other, each under a line of its own, for a lesson.
pub(crate) fn side_by_side(runs: &[(&str, Vec<Plot>)]) -> String {
    let most = |unit: &str| runs.iter().flat_map(|(_, plots)| plots).filter(|p| p.unit == unit).flat_map(|p| &p.values).max().copied();
    let mut text = String::new();
    for (what, plots) in runs {
        text.push_str(&format!("\n  {what}"));
        for line in Plot::lines(plots, 72, &|unit| most(unit).unwrap_or(0), false) {
            text.push_str(&format!("\n    {line}"));
        }
    }
    text
}
