//! Pure functions over one list of tasks: each event gives what is to be sent, and that is sent at the end. Reads and writes are tasks of one kind, with
//! a step that says what they need next; who asks for a key that is in the list is written into its task.

use splitbrain::exercises::cache_aside::{
    CacheAside, Config, Key, Lease, Message, Request, Response, Timer, Value, judge,
};
use splitbrain::prelude::*;

type Cx<'a> = Context<'a, CacheAside>;

#[derive(Clone, Debug, Hash, PartialEq)]
enum Need {
    /// A word of the cache, asked for so often since its last one.
    Word(u32),
    /// Some time.
    Pause,
    /// Room at the database.
    Room,
    Row,
    Written,
    Deleted,
}

#[derive(Clone, Debug, Hash)]
struct Task {
    /// The first ticket is its name.
    who: Vec<(Ticket, Time)>,
    write: Option<(u64, Option<Value>)>,
    key: Key,
    need: Need,
    lease: Option<Lease>,
    since: Time,
    tag: u64,
}

enum Out {
    Send(NodeId, Message),
    Reply(Ticket, Response),
    Timer(Duration),
}

#[derive(Clone, Debug, Hash)]
struct Server {
    config: Config,
    tasks: Vec<Task>,
}

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

impl Server {
    fn ask(&self, task: &Task) -> Option<Out> {
        let Config {
            cache, database, ..
        } = self.config;
        let (key, tag) = (task.key, task.tag);
        let (to, message) = match task.need {
            Need::Word(_) => (cache, Message::Get(key)),
            Need::Row => (database, Message::Read { key, tag }),
            Need::Written => (
                database,
                task.write
                    .map(|(id, value)| Message::Write { id, key, value })?,
            ),
            Need::Deleted => (cache, Message::Delete { key, tag }),
            Need::Pause | Need::Room => return None,
        };
        Some(Out::Send(to, message))
    }

    fn needs(&mut self, i: usize, need: Need, now: Time) -> Vec<Out> {
        (self.tasks[i].need, self.tasks[i].since) = (need, now);
        self.ask(&self.tasks[i]).into_iter().collect()
    }

    fn room(&mut self, now: Time) -> Vec<Out> {
        let mut out = Vec::new();
        let busy = |tasks: &[Task]| tasks.iter().filter(|task| task.need == Need::Row).count();
        while let Some(i) = self
            .tasks
            .iter()
            .position(|task| task.need == Need::Room)
            .filter(|_| busy(&self.tasks) < self.config.loads)
        {
            out.extend(self.needs(i, Need::Row, now));
        }
        out
    }

    fn ends(&mut self, i: usize, response: Response, now: Time) -> Vec<Out> {
        let task = self.tasks.remove(i);
        let mut out: Vec<Out> = task
            .who
            .into_iter()
            .map(|(ticket, _)| Out::Reply(ticket, response))
            .collect();
        out.extend(self.room(now));
        out
    }

    fn reading(&self, key: Key) -> Option<usize> {
        self.tasks
            .iter()
            .position(|task| task.key == key && task.write.is_none())
    }

    fn message(&mut self, message: Message, now: Time, dice: u64) -> Vec<Out> {
        match message {
            Message::Hit { key, value } => self
                .reading(key)
                .map(|i| self.ends(i, Response::Value(value), now))
                .unwrap_or_default(),
            Message::Miss { key, lease } => match self.reading(key) {
                Some(i) if self.tasks[i].need != Need::Row => {
                    self.tasks[i].lease = Some(lease);
                    self.tasks[i].tag = dice;
                    self.needs(i, Need::Room, now);
                    self.room(now)
                }
                _ => Vec::new(),
            },
            Message::Wait(key) => match self.reading(key) {
                Some(i) if matches!(self.tasks[i].need, Need::Word(_)) => {
                    self.needs(i, Need::Pause, now)
                }
                _ => Vec::new(),
            },
            Message::Row { key, tag, value } => match self.reading(key) {
                Some(i) if self.tasks[i].need == Need::Row && self.tasks[i].tag == tag => {
                    let mut out = Vec::new();
                    if let Some(lease) = self.tasks[i].lease {
                        let (ttl, brief) =
                            (self.config.ttl.as_millis() as u64, self.config.negative_ttl);
                        let ttl = if value.is_some() {
                            ms(ttl - dice % (ttl / 8))
                        } else {
                            brief
                        };
                        out.push(Out::Send(
                            self.config.cache,
                            Message::Set {
                                key,
                                lease: Some(lease),
                                value,
                                ttl,
                            },
                        ));
                    }
                    out.extend(self.ends(i, Response::Value(value), now));
                    out
                }
                _ => Vec::new(),
            },
            Message::Written(id) => {
                match self.tasks.iter().position(|task| {
                    task.write.is_some_and(|(of, _)| of == id) && task.need == Need::Written
                }) {
                    Some(i) => {
                        self.tasks[i].tag = dice;
                        self.needs(i, Need::Deleted, now)
                    }
                    None => Vec::new(),
                }
            }
            Message::Deleted { tag, .. } => match self
                .tasks
                .iter()
                .position(|task| task.need == Need::Deleted && task.tag == tag)
            {
                Some(i) => self.ends(i, Response::Written, now),
                None => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    fn request(&mut self, request: Request, ticket: Ticket, now: Time) -> Vec<Out> {
        let (key, write, need) = match request {
            Request::Get(key) => (key, None, Need::Word(0)),
            Request::Put { id, key, value } => (key, Some((id, value)), Need::Written),
        };
        if let Some(i) = self.reading(key).filter(|_| write.is_none()) {
            self.tasks[i].who.push((ticket, now));
            return Vec::new();
        }
        let task = Task {
            who: vec![(ticket, now)],
            write,
            key,
            need,
            lease: None,
            since: now,
            tag: 0,
        };
        let mut out: Vec<Out> = self.ask(&task).into_iter().collect();
        self.tasks.push(task);
        if self.tasks.len() == 1 {
            out.push(Out::Timer(ms(5)));
        }
        out
    }

    fn tick(&mut self, now: Time, dice: u64) -> Vec<Out> {
        let mut out = Vec::new();
        for task in &mut self.tasks {
            let failed = match task.need {
                Need::Written => Response::Unknown,
                Need::Deleted => Response::Stale,
                _ => Response::Failed,
            };
            task.who.retain(|(ticket, since)| {
                let is_over = now.since(*since) >= ms(430);
                if is_over {
                    out.push(Out::Reply(*ticket, failed));
                }
                !is_over
            });
        }
        self.tasks.retain(|task| !task.who.is_empty());
        for i in 0..self.tasks.len() {
            let waited = now.since(self.tasks[i].since);
            match self.tasks[i].need {
                // Three questions in a row without a word.
                Need::Word(2) if waited >= ms(25) => {
                    self.tasks[i].need = Need::Room;
                    self.tasks[i].tag = dice ^ i as u64;
                }
                Need::Word(n) if waited >= ms(25) => {
                    out.extend(self.needs(i, Need::Word(n + 1), now))
                }
                Need::Room if self.tasks[i].lease.is_some() && waited >= ms(120) => {
                    self.tasks[i].lease = None;
                    out.extend(self.needs(i, Need::Word(0), now));
                }
                Need::Pause if waited >= ms(40) => out.extend(self.needs(i, Need::Word(0), now)),
                Need::Row | Need::Written | Need::Deleted if waited >= ms(55) => {
                    let need = self.tasks[i].need.clone();
                    out.extend(self.needs(i, need, now));
                }
                _ => {}
            }
        }
        out.extend(self.room(now));
        if !self.tasks.is_empty() {
            out.push(Out::Timer(ms(5)));
        }
        out
    }
}

fn does(out: Vec<Out>, cx: &mut Cx<'_>) {
    for effect in out {
        match effect {
            Out::Send(to, message) => cx.send(to, message),
            Out::Reply(ticket, response) => cx.reply(ticket, response),
            Out::Timer(after) => cx.set_timer(Timer::Tick, after),
        }
    }
}

impl Node<CacheAside> for Server {
    fn new(_: NodeId, _: &[NodeId], config: &Config, _: Option<()>) -> Self {
        Server {
            config: config.clone(),
            tasks: Vec::new(),
        }
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Cx<'_>) {
        let dice = cx.random(0..=u64::MAX);
        does(self.message(message, cx.now(), dice), cx);
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Cx<'_>) {
        let dice = cx.random(0..=u64::MAX);
        does(self.tick(cx.now(), dice), cx);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        does(self.request(request, ticket, cx.now()), cx);
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Server>)
}
