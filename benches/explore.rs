//! The exploration: how many different states of a cluster it visits in a second.
//!
//! Three nodes of a Raft-like core, leader election and one entry that is replicated; messages in any order, none lost or
//! repeated; a node's election timer fires at any moment, until the node has reached its last term: 2, 1 and 0. The property:
//! at most one node leads a term. A delivery that changes nothing counts as a state, as its message is gone: so the number
//! of states is that of any explorer of the same core, and can be compared. Run by `cargo bench --bench explore`.

use splitbrain::rule::{Broken, Check};
use splitbrain::sim::{Context, Factory, Invariant, Node, NodeId, Observe, Protocol, Scope, Step, UNLIMITED, explore};
use splitbrain::time::millis;
use splitbrain::trace::Probe;

const ROUNDS: usize = 5;
const NODES: u32 = 3;

#[derive(Clone, Debug, Hash)]
struct Core;

#[derive(Clone, Debug, Hash)]
enum Message {
    Ask { term: u8, last: (u8, usize) },
    Vote { term: u8, granted: bool },
    Append { term: u8, entry: Entry, committed: usize },
    Stored { term: u8 },
}

/// The term of an entry, and the leader who made it.
type Entry = (u8, NodeId);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Role {
    Follower,
    Candidate,
    Leader,
}

impl Protocol for Core {
    /// The last term that the node enters by its own timer.
    type Config = u8;
    type Message = Message;
    type Timer = ();
    type Request = ();
    type Response = ();
    type Durable = ();
    type View = (Role, u8);
}

#[derive(Clone, Debug, Hash)]
struct Server {
    me: NodeId,
    last_term: u8,
    term: u8,
    voted_for: Option<NodeId>,
    role: Role,
    votes: u8,
    stored_by: u8,
    log: Vec<Entry>,
    committed: usize,
}

impl Server {
    fn last(&self) -> (u8, usize) {
        (self.log.last().map_or(0, |(term, _)| *term), self.log.len())
    }

    fn wait(&self, cx: &mut Context<'_, Core>) {
        if self.term < self.last_term {
            cx.set_timer((), millis(100));
        } else {
            cx.cancel_timer(());
        }
    }

    fn notice(&mut self, term: u8, cx: &mut Context<'_, Core>) {
        if term > self.term {
            (self.term, self.voted_for, self.votes) = (term, None, 0);
            let led = std::mem::replace(&mut self.role, Role::Follower) == Role::Leader;
            if led || self.term >= self.last_term {
                self.wait(cx);
            }
        }
    }

    fn bit(id: NodeId) -> u8 {
        1 << id.index()
    }

    fn won(bits: u8) -> bool {
        bits.count_ones() * 2 > NODES
    }
}

impl Node<Core> for Server {
    fn new(me: NodeId, _: &[NodeId], last_term: &u8, _: Option<()>) -> Self {
        Server {
            me,
            last_term: *last_term,
            term: 0,
            voted_for: None,
            role: Role::Follower,
            votes: 0,
            stored_by: 0,
            log: Vec::new(),
            committed: 0,
        }
    }

    fn on_start(&mut self, cx: &mut Context<'_, Core>) {
        self.wait(cx);
    }

    fn on_timer(&mut self, (): (), cx: &mut Context<'_, Core>) {
        if self.term < self.last_term {
            self.term += 1;
            self.role = Role::Candidate;
            self.voted_for = Some(self.me);
            self.votes = Server::bit(self.me);
            cx.broadcast(Message::Ask { term: self.term, last: self.last() });
            self.wait(cx);
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, Core>) {
        let (Message::Ask { term, .. } | Message::Vote { term, .. } | Message::Append { term, .. } | Message::Stored { term }) = message;
        self.notice(term, cx);
        let current = term == self.term;
        match message {
            Message::Ask { last, .. } => {
                let granted = current && self.voted_for.is_none_or(|v| v == from) && last >= self.last();
                if granted {
                    self.voted_for = Some(from);
                }
                cx.send(from, Message::Vote { term: self.term, granted });
            }
            Message::Vote { granted: true, .. } if current && self.role == Role::Candidate => {
                self.votes |= Server::bit(from);
                if Server::won(self.votes) {
                    self.role = Role::Leader;
                    self.stored_by = Server::bit(self.me);
                    let entry = (term, self.me);
                    self.log.push(entry);
                    cx.broadcast(Message::Append { term, entry, committed: self.committed });
                    cx.cancel_timer(());
                }
            }
            Message::Append { entry, committed, .. } if current => {
                if self.role == Role::Candidate {
                    self.role = Role::Follower;
                }
                if !self.log.contains(&entry) {
                    self.log.push(entry);
                }
                self.committed = self.committed.max(committed);
                cx.send(from, Message::Stored { term });
            }
            Message::Stored { .. } if current && self.role == Role::Leader => {
                self.stored_by |= Server::bit(from);
                if Server::won(self.stored_by) {
                    self.committed = self.log.len();
                }
            }
            _ => {}
        }
    }
}

impl Observe<Server> for Core {
    fn view(node: &Server) -> (Role, u8) {
        (node.role, node.term)
    }
}

/// Who leads which term now.
#[derive(Clone, Default, Hash)]
struct OneLeader([Option<u8>; NODES as usize]);

impl Invariant<Core> for OneLeader {
    fn step(&mut self, step: &Step<'_, Core>) -> Check {
        let leads = step.view.filter(|(role, _)| *role == Role::Leader).map(|(_, term)| term);
        self.0[step.node.index()] = leads;
        let rivals = self.0.iter().filter(|l| leads.is_some() && **l == leads).count();
        if rivals > 1 { Err(Broken::new("one_leader_per_term", format!("{rivals} nodes lead term {leads:?}"))) } else { Ok(()) }
    }
}

/// CPU seconds of this process so far.
fn cpu_seconds() -> f64 {
    #[cfg(unix)]
    {
        let t = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        t.tv_sec as f64 + t.tv_nsec as f64 * 1e-9
    }
    #[cfg(not(unix))]
    {
        use std::sync::LazyLock;
        static START: LazyLock<std::time::Instant> = LazyLock::new(std::time::Instant::now);
        START.elapsed().as_secs_f64()
    }
}

fn main() {
    for terms in [[2u8, 1, 0], [2, 1, 1]] {
        let mut rates = Vec::new();
        let mut found = None;
        for _ in 0..=ROUNDS {
            let start = cpu_seconds();
            let scope = Scope { firings: vec![UNLIMITED; 3], keep_idle: true, ..Scope::new(terms.to_vec()) };
            let explored = explore(Factory::of::<Server>(), &scope, &OneLeader::default(), &Probe::default());
            rates.push(explored.states as f64 / (cpu_seconds() - start) / 1e6);
            assert!(explored.complete && explored.broken.is_none(), "{explored}");
            assert!(found.is_none_or(|f| f == (explored.states, explored.generated)), "two explorations differ");
            found = Some((explored.states, explored.generated));
        }
        let Some((states, generated)) = found else { return };
        let scope = Scope { firings: vec![UNLIMITED; 3], ..Scope::new(terms.to_vec()) };
        let pruned = explore(Factory::of::<Server>(), &scope, &OneLeader::default(), &Probe::default());
        rates.remove(0);
        rates.sort_by(f64::total_cmp);
        let name = if terms == [2, 1, 0] { "exploration, 3-node Raft core" } else { "exploration, 3-node Raft core, terms 2, 1, 1" };
        println!("{name}: {states} states ({generated} generated; {} states without idle deliveries)", pruned.states);
        println!("{name}: {:.2} M unique states/CPU-s", rates[ROUNDS / 2]);
    }
}
