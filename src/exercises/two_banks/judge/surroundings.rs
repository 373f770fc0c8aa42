//! What the other server and the clients could say in a storm. The other server keeps to the contract, and nobody knows which of its mail
//! arrives, or when.

use super::spec::Ghost;
use super::{AVAILABLE, BOOK, BOTH, HONEST, LINEAR, MERGES, ONCE, ORDER, OVERDRAWN, SENDS, SERVES, SUFFICES};
use crate::exercises::two_banks::{Account, Choice, Config, Entry, Message, PATIENCE, Request, RequestId, Response, TwoBanks};
use crate::rng::Rng;
use crate::rule::Coverage;
use crate::sim::{ClientId, Factory, Input, NodeId, Setting, Storm, storm};
use crate::suite::Storms;
use crate::time::{Time, millis};
use std::collections::{BTreeMap, BTreeSet};

/// The largest amount, and so much is put in at most all in all.
const MOST: u64 = 1 << 60;

/// A storm has fewer requests of its own.
const PEERS_FIRST_ID: u32 = 10_000;

pub(super) fn storms(factory: Factory<TwoBanks>) -> Storms {
    Storms {
        rules: &[ONCE, SENDS, MERGES, BOOK, SUFFICES, BOTH, LINEAR, HONEST, ORDER, SERVES, AVAILABLE, OVERDRAWN],
        must_meet: &[
            "changes done",
            "withdrawals refused",
            "changes that never happen",
            "changes that may have happened",
            "requests of which the home was not heard",
            "answers of the home passed on",
            "requests that the other asked again",
            "entries that came again",
            "entries that came after later ones",
            "overdrawn accounts read",
        ],
        count: 10_000,
        run: Box::new(move |seed, probe| storm::<TwoBanks, Ghost>(factory, seed, probe)),
    }
}

/// What was met.
#[derive(Clone, Default)]
pub(super) struct Met {
    pub done: u64,
    pub refused: u64,
    pub unavailable: u64,
    pub unknown: u64,
    pub unheard: u64,
    pub passed_on: u64,
    pub asked_again: u64,
    pub again: u64,
    pub overtaken: u64,
    pub overdrawn: u64,
}

/// A request that the other server, the home, was asked for.
#[derive(Clone)]
struct Task {
    is_written: bool,
    said: Option<Response>,
    since: Time,
}

/// The other server.
#[derive(Clone, Default)]
pub(super) struct Peer {
    now: Time,
    book: Vec<Entry>,
    confirmed: BTreeSet<RequestId>,
    tasks: BTreeMap<RequestId, Task>,
    /// What it has asked of this one.
    asks: Vec<(RequestId, Request)>,
    ids: BTreeSet<RequestId>,
    /// Whether nothing of it arrives, and how often that changes, in a million.
    is_cut: bool,
    changes: u32,
    /// Whether clients come by the dozen.
    is_crowd: bool,
    /// How much was deposited into each account, or asked to be.
    put_in: [u64; 2],
}

impl Peer {
    pub fn was_told(&mut self, id: RequestId) {
        self.confirmed.insert(id);
    }

    /// Of a request of its own clients.
    fn id(&mut self, rng: &mut Rng) -> RequestId {
        let id = if rng.chance(300_000) { rng.wild() as u32 } else { 0 };
        let mut id = RequestId(id.max(PEERS_FIRST_ID + self.ids.len() as u32));
        while !self.ids.insert(id) {
            id = RequestId(id.0.wrapping_add(1).max(PEERS_FIRST_ID));
        }
        id
    }
}

/// An amount that decides something, or any.
fn amount(balance: i64, rng: &mut Rng) -> u64 {
    let balance = balance.max(0) as u64;
    let drawn = match rng.below(6) {
        0 | 1 => 1 + rng.below(3),
        2 => balance,
        3 => balance + 1,
        4 => balance / 2,
        _ => rng.wild(),
    };
    rng.or_less(drawn.clamp(1, MOST)).max(1)
}

fn account(rng: &mut Rng) -> Account {
    if rng.chance(500_000) { Account::Alice } else { Account::Bob }
}

impl Ghost {
    /// What is watched as time passes.
    pub fn is_now(&mut self, now: Time) {
        self.peer.now = now;
    }

    /// What the other server counts: its own entries, and of this one's what it is known to have.
    fn peers_balance(&self, account: Account) -> i64 {
        let own = self.peer.book.iter().filter(|entry| !self.is_cp() || self.peer.confirmed.contains(&entry.request));
        let own: i64 = own.filter(|entry| entry.account == account).map(|entry| entry.by).sum();
        let mine = self.book.values().filter(|own| own.confirmed && own.entry.account == account);
        self.config.opening as i64 + own + mine.map(|own| own.entry.by).sum::<i64>()
    }

    /// A change of the other server's own account (CP) or of any (AP).
    fn peer_writes(&mut self, rng: &mut Rng) -> Option<()> {
        if self.is_cp() && self.peer.book.last().is_some_and(|last| !self.peer.confirmed.contains(&last.request)) {
            return None;
        }
        let is_open = |task: &Task| !task.is_written && task.said.is_none();
        let open: Vec<RequestId> = self.peer.tasks.iter().filter(|(_, task)| is_open(task)).map(|(id, _)| *id).collect();
        let asked = rng.pick(&open).copied().filter(|_| rng.chance(700_000)).and_then(|id| Some((id, self.asked.get(&id)?.request)));
        let (request, asked) = match asked {
            Some(asked) => asked,
            None => {
                let account = if self.is_cp() { self.others_account() } else { account(rng) };
                let amount = amount(self.peers_balance(account), rng);
                let id = self.peer.id(rng);
                (id, if rng.chance(600_000) { Request::Withdraw(account, amount) } else { self.deposit(account, amount) })
            }
        };
        let (account, by) = (asked.account(), asked.by()?);
        if by < 0 && self.peers_balance(account) + by < 0 {
            return None;
        }
        self.peer.book.push(Entry { request, account, by });
        if let Some(task) = self.peer.tasks.get_mut(&request) {
            task.is_written = true;
        }
        Some(())
    }

    fn others_account(&self) -> Account {
        if Account::Alice.home() == self.other { Account::Alice } else { Account::Bob }
    }

    fn my_account(&self) -> Account {
        if Account::Alice.home() == self.me { Account::Alice } else { Account::Bob }
    }

    /// One of the last entries of the other's book, or a new one.
    fn entry(&mut self, rng: &mut Rng) -> Option<Message> {
        if rng.chance(700_000) {
            for _ in 0..=rng.below(3) {
                self.peer_writes(rng);
            }
        }
        let book = &self.peer.book;
        let missing: Vec<Entry> = book.iter().filter(|entry| !self.theirs.contains_key(&entry.request)).copied().collect();
        let entry = match rng.pick(&missing).copied() {
            Some(entry) if rng.chance(800_000) => entry,
            _ => *book.get(book.len().checked_sub(1 + rng.below(book.len().min(3) as u64) as usize)?)?,
        };
        Some(Message::Entry(entry))
    }

    /// Of the entries that were sent: mostly one that was not confirmed.
    fn have(&self, rng: &mut Rng) -> Option<Message> {
        let open: Vec<RequestId> = self.unconfirmed.iter().copied().collect();
        let all: Vec<RequestId> = self.book.keys().copied().collect();
        let of = if open.is_empty() || rng.chance(150_000) { &all } else { &open };
        rng.pick(of).map(|id| Message::Have(*id))
    }

    /// CP: the other server asks, for a client of its own.
    fn ask(&mut self, rng: &mut Rng) -> Option<Message> {
        if !self.peer.asks.is_empty() && rng.chance(500_000) {
            let late = rng.below(self.peer.asks.len().min(4) as u64) as usize;
            let (id, request) = self.peer.asks[self.peer.asks.len() - 1 - late];
            return Some(Message::Ask(id, request));
        }
        let request = self.request(self.my_account(), rng);
        let id = self.peer.id(rng);
        self.peer.asks.push((id, request));
        Some(Message::Ask(id, request))
    }

    /// A deposit, unless all deposits together would be too much.
    fn deposit(&mut self, account: Account, amount: u64) -> Request {
        let amount = if self.peer.put_in[account as usize] + amount <= MOST { amount } else { 1 };
        self.peer.put_in[account as usize] += amount;
        Request::Deposit(account, amount)
    }

    fn request(&mut self, account: Account, rng: &mut Rng) -> Request {
        match rng.below(7) {
            0 | 1 => Request::Read(account),
            2 | 3 => {
                let amount = amount(self.balance(account), rng);
                self.deposit(account, amount)
            }
            _ => Request::Withdraw(account, amount(self.balance(account), rng)),
        }
    }

    /// CP: the other server, the home, answers something that it was asked; now and then something that it has answered before.
    fn answer(&mut self, rng: &mut Rng) -> Option<Message> {
        let asked = self.asked.iter().filter(|(_, asked)| asked.sent.is_some());
        let open: Vec<RequestId> = asked.clone().filter(|(_, asked)| !asked.answered).map(|(id, _)| *id).collect();
        let all: Vec<RequestId> = asked.map(|(id, _)| *id).collect();
        let of = if open.is_empty() || rng.chance(100_000) { &all } else { &open };
        let id = *rng.pick(of)?;
        let asked = self.asked.get(&id)?;
        let (request, since) = (asked.request, asked.sent?.1);
        let since = self.peer.tasks.entry(id).or_insert(Task { is_written: false, said: None, since }).since;
        let task = &self.peer.tasks[&id];
        if let Some(said) = task.said {
            return Some(Message::Answer(id, said));
        }
        let balance = self.peers_balance(self.others_account());
        // Both clocks may drift by 1 %.
        let gives_up = self.peer.now + millis(3) >= since + PATIENCE;
        let response = match (request, task.is_written) {
            (Request::Read(_), _) => Response::Balance(u64::try_from(balance).ok()?),
            (_, true) if self.peer.confirmed.contains(&id) => Response::Done,
            (_, true) if gives_up => Response::Unknown,
            (_, false) if gives_up && rng.chance(500_000) => Response::Unavailable,
            (Request::Withdraw(_, amount), false) if balance < amount as i64 => Response::Refused,
            _ => return None,
        };
        if let Some(task) = self.peer.tasks.get_mut(&id) {
            task.said = Some(response);
        }
        Some(Message::Answer(id, response))
    }
}

impl Storm<TwoBanks> for Ghost {
    fn setting(rng: &mut Rng) -> (Self, Setting<TwoBanks>) {
        let choice = if rng.chance(600_000) { Choice::Cp } else { Choice::Ap };
        let opening = match rng.below(4) {
            0 => rng.below(4),
            1 => rng.wild() & (MOST - 1),
            _ => 100,
        };
        let config = Config { choice, opening };
        let me = NodeId::from_index(rng.below(2) as usize);
        let mut ghost = Ghost::new(me, config.clone());
        ghost.peer.changes = [0, 30_000, 100_000][rng.below(3) as usize];
        ghost.peer.is_cut = rng.chance(50_000);
        let waits: [&'static [u64]; 3] = [&[1, 5, 20, 60], &[2, 20, 60, 200], &[1, 2]];
        let waits_ms = waits[rng.below(3) as usize];
        // A crowd: hundreds of requests, and dozens of them open at once.
        ghost.peer.is_crowd = rng.chance(15_000);
        let steady_ms = u64::from(ghost.peer.is_crowd);
        (ghost, Setting { crashes: false, waits_ms, steady_ms, clock_ahead_us: rng.below(1 << 40), ..Setting::new(2, me, config) })
    }

    fn input(&mut self, rng: &mut Rng) -> Option<Input<TwoBanks>> {
        if rng.chance(self.peer.changes) {
            self.peer.is_cut = !self.peer.is_cut;
        }
        if self.works.len() + self.asked.len() >= PEERS_FIRST_ID as usize / 2 {
            return None;
        }
        let kind = rng.below(12);
        if kind < 4 || (self.peer.is_crowd && kind < 9 && rng.chance(700_000)) {
            if self.peer.is_crowd && self.is_cp() && !self.peer.is_cut && rng.chance(300_000) {
                return self.ask(rng).map(|message| Input::Message(self.other, message));
            }
            let account = account(rng);
            let request = self.request(account, rng);
            return Some(Input::Request(ClientId::from_index(rng.below(3) as usize), request));
        }
        if self.peer.is_cut {
            return None;
        }
        let message = match (kind, self.is_cp()) {
            (4..=6, _) => self.have(rng),
            (7..=8, _) | (_, false) => self.entry(rng),
            (9, true) => self.ask(rng),
            (_, true) => self.answer(rng),
        };
        message.map(|message| Input::Message(self.other, message))
    }

    fn tally(&self, coverage: &mut Coverage) {
        let Met { done, refused, unavailable, unknown, unheard, passed_on, asked_again, again, overtaken, overdrawn } = self.met;
        coverage.add("changes done", done);
        coverage.add("withdrawals refused", refused);
        coverage.add("changes that never happen", unavailable);
        coverage.add("changes that may have happened", unknown);
        coverage.add("requests of which the home was not heard", unheard);
        coverage.add("answers of the home passed on", passed_on);
        coverage.add("requests that the other asked again", asked_again);
        coverage.add("entries that came again", again);
        coverage.add("entries that came after later ones", overtaken);
        coverage.add("overdrawn accounts read", overdrawn);
    }
}
