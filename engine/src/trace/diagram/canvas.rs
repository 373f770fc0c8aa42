//! A row of characters to draw on, and the characters that the picture is made of.

use super::super::columns::{columns, width};
use std::collections::BTreeSet;

/// What a sign means; those that appear are explained in the legend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sign {
    Mark,
    Violation,
    AtOnce,
    Earlier,
    Lost,
    Saved,
    Timer,
    Crash,
    Restart,
    Paused,
    Lease,
    LeasePaused,
    Wall,
    Cut,
    CutOneWay,
}

/// The characters of one style. All are one column wide.
pub(super) struct Glyphs {
    pub lane: char,
    pub paused: char,
    pub lease: char,
    pub lease_paused: char,
    pub fold: char,
    pub line: char,
    pub dashed: char,
    pub right: char,
    pub left: char,
    pub stub_right: char,
    pub stub_left: char,
    pub cross: char,
    pub lost: char,
    pub from_left: char,
    pub from_right: char,
    pub saved: char,
    pub timer: char,
    pub crash: char,
    pub restart: char,
    pub act: char,
    pub wall: char,
    pub cut: char,
    pub cut_one_way: char,
    pub mark: char,
    pub violation: char,
    pub more: char,
}

const UNICODE: Glyphs = Glyphs {
    lane: '│',
    paused: '┊',
    lease: '┃',
    lease_paused: '┇',
    fold: '⋮',
    line: '─',
    dashed: '╌',
    right: '▶',
    left: '◀',
    stub_right: '▷',
    stub_left: '◁',
    cross: '┼',
    lost: '✗',
    from_left: '┤',
    from_right: '├',
    saved: '■',
    timer: '◷',
    crash: '✗',
    restart: '▲',
    act: '●',
    wall: '═',
    cut: '║',
    cut_one_way: '╎',
    mark: '►',
    violation: '!',
    more: '…',
};

const ASCII: Glyphs = Glyphs {
    lane: '|',
    paused: ':',
    lease: 'H',
    lease_paused: 'h',
    fold: ':',
    line: '-',
    dashed: '.',
    right: '>',
    left: '<',
    stub_right: ')',
    stub_left: '(',
    cross: '+',
    lost: 'x',
    from_left: '|',
    from_right: '|',
    saved: '#',
    timer: 'o',
    crash: 'X',
    restart: '^',
    act: '*',
    wall: '=',
    cut: '%',
    cut_one_way: ';',
    mark: '>',
    violation: '!',
    more: '~',
};

impl Glyphs {
    pub fn of(ascii: bool) -> &'static Glyphs {
        if ascii { &ASCII } else { &UNICODE }
    }

    /// What the signs mean that were used, in one or two lines.
    pub fn legend(&self, used: &BTreeSet<Sign>, limit: usize) -> Vec<String> {
        let entries: Vec<String> = used.iter().map(|s| self.meaning(*s)).collect();
        let mut lines: Vec<String> = Vec::new();
        for entry in entries {
            let room = lines.last().is_some_and(|last| columns(last) + 3 + columns(&entry) <= limit);
            if room && let Some(last) = lines.last_mut() {
                last.push_str("   ");
                last.push_str(&entry);
            } else if lines.len() < 2 {
                lines.push(format!("  {entry}"));
            }
        }
        lines
    }

    fn meaning(&self, sign: Sign) -> String {
        match sign {
            Sign::Mark => format!("{} led to it", self.mark),
            Sign::Violation => format!("{} rule broken", self.violation),
            Sign::AtOnce => format!("{}{} arrives at once", self.line, self.right),
            Sign::Earlier => format!("{}{} was sent at {}{}", self.dashed, self.right, self.line, self.stub_right),
            Sign::Lost => format!("{}{} lost", self.line, self.lost),
            Sign::Saved => format!("{} saves", self.saved),
            Sign::Timer => format!("{} timer", self.timer),
            Sign::Crash => format!("{} crash", self.crash),
            Sign::Restart => format!("{} restart", self.restart),
            Sign::Paused => format!("{} paused", self.paused),
            Sign::Lease => format!("{} a lease runs, by the clock of its lane", self.lease),
            Sign::LeasePaused => format!("{} runs on while it is paused", self.lease_paused),
            Sign::Wall => format!("{} network", self.wall),
            Sign::Cut => format!("{} cut off", self.cut),
            Sign::CutOneWay => format!("{} cut one way", self.cut_one_way),
        }
    }
}

/// One row of cells. A wide character takes two.
#[derive(Clone, Debug)]
pub(super) struct Row(Vec<Option<char>>);

impl Row {
    pub fn new(length: usize) -> Row {
        Row(vec![Some(' '); length])
    }

    pub fn put(&mut self, at: usize, c: char) {
        if let Some(cell) = self.0.get_mut(at) {
            *cell = Some(c);
        }
    }

    /// The cells from `from` up to `to`, without `to`.
    pub fn fill(&mut self, from: usize, to: usize, c: char) {
        (from..to).for_each(|at| self.put(at, c));
    }

    /// Text that is known to fit.
    pub fn text(&mut self, at: usize, text: &str) {
        let mut at = at;
        for c in text.chars() {
            self.put(at, c);
            if width(c) == 2
                && let Some(cell) = self.0.get_mut(at + 1)
            {
                *cell = None;
            }
            at += width(c);
        }
    }

    pub fn into_text(self) -> String {
        self.0.into_iter().flatten().collect()
    }
}
