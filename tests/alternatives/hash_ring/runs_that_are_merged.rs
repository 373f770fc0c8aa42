//! Built another way: each node's tokens are a sorted run, and the ring is one long run, into which that of a node which joins
//! is merged; who leaves is marked, and swept out when half of the ring is marked.

use splitbrain::exercises::hash_ring::{HashRing, TOKENS_PER_WEIGHT, Token, judge};
use std::hash::{DefaultHasher, Hasher};
use std::rc::Rc;

#[derive(Clone)]
struct Member {
    name: Rc<str>,
    /// Which of its joins: a mark does not reach a later one.
    join: u64,
}

#[derive(Default)]
struct Ring {
    run: Vec<(Token, Member)>,
    members: Vec<(Member, u32)>,
    joins: u64,
    marked: usize,
}

fn place(text: &str, number: u32) -> Token {
    let mut hasher = DefaultHasher::new();
    hasher.write_u32(number);
    hasher.write(text.as_bytes());
    Token::at(hasher.finish())
}

impl Ring {
    fn is_there(&self, member: &Member) -> bool {
        self.members.binary_search_by(|(m, _)| m.name.cmp(&member.name)).is_ok_and(|i| self.members[i].0.join == member.join)
    }

    fn walk(&self, key: &str) -> impl Iterator<Item = &str> {
        let key = place(key, u32::MAX);
        let at = self.run.partition_point(|(token, _)| *token < key);
        let round = self.run[at..].iter().chain(&self.run[..at]);
        round.filter(|(_, member)| self.is_there(member)).map(|(_, member)| &*member.name)
    }
}

impl HashRing for Ring {
    fn new() -> Self {
        Ring::default()
    }

    fn add(&mut self, node: &str, weight: u32) {
        self.remove(node);
        self.joins += 1;
        let member = Member { name: node.into(), join: self.joins };
        let mut new: Vec<Token> = (0..weight * TOKENS_PER_WEIGHT).map(|i| place(node, i)).collect();
        new.sort();
        let old = std::mem::take(&mut self.run);
        self.run.reserve(old.len() + new.len());
        let (mut old, mut new) = (old.into_iter().peekable(), new.into_iter().peekable());
        loop {
            let mine = match (old.peek(), new.peek()) {
                (Some((token, other)), Some(mine)) => (mine, &member.name) < (token, &other.name),
                (None, Some(_)) => true,
                (Some(_), None) => false,
                (None, None) => break,
            };
            let next = if mine { new.next().map(|token| (token, member.clone())) } else { old.next() };
            self.run.extend(next);
        }
        let at = self.members.partition_point(|(m, _)| m.name < member.name);
        self.members.insert(at, (member, weight));
    }

    fn remove(&mut self, node: &str) {
        let Ok(at) = self.members.binary_search_by(|(m, _)| (*m.name).cmp(node)) else { return };
        let (_, weight) = self.members.remove(at);
        self.marked += (weight * TOKENS_PER_WEIGHT) as usize;
        if self.marked * 2 >= self.run.len() {
            let run = std::mem::take(&mut self.run);
            self.run = run.into_iter().filter(|(_, member)| self.is_there(member)).collect();
            self.marked = 0;
        }
    }

    fn owner(&self, key: &str) -> Option<&str> {
        self.walk(key).next()
    }

    fn replicas(&self, key: &str, k: usize) -> Vec<&str> {
        let mut found: Vec<&str> = Vec::new();
        let mut walk = self.walk(key);
        while found.len() < k.min(self.members.len()) {
            match walk.next() {
                Some(node) if found.contains(&node) => {}
                Some(node) => found.push(node),
                None => break,
            }
        }
        found
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Ring>)
}
