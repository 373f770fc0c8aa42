//! Fewer words: `Debug` text of a learner's own types made short, compared, and made harmless for a grid of characters.
//!
//! It knows the shape of `Debug` output and no type. Text that has no such shape is one word, and is only cut.

#[cfg(test)]
use super::columns::cut;
use super::columns::{columns, tidy};
use crate::words::CUT;

/// How much is left out, from all names to values alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Brief {
    /// `RequestVote term 3, log LogEnd(index 5, term 3)`
    Named,
    /// `RequestVote 3 (5 3)`
    Values,
    /// `RequestVote 3 …`
    Outer,
    /// `RequestVote …`
    Head,
}

#[cfg(test)]
impl Brief {
    pub const ALL: [Brief; 4] = [Brief::Named, Brief::Values, Brief::Outer, Brief::Head];
}

/// `Debug` text as a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Words {
    Atom(String),
    /// `name { … }`, `name(…)`, `{ … }`, `[ … ]`: the items with their keys, if they have some.
    Group {
        name: String,
        open: char,
        items: Vec<(Option<Words>, Words)>,
    },
}

/// A list, set or map of more items than these is not told whole.
const LONG: usize = 8;

/// Deeper text than this is taken as it stands: the stack is ours, the text a learner's.
const DEEPEST: usize = 24;

impl Words {
    pub fn parse(text: &str) -> Words {
        let one_line = tidy(text);
        let whole = without_cut(&one_line);
        let chars: Vec<char> = whole.unwrap_or(&one_line).chars().collect();
        let mut parser = Parser { chars: &chars, at: 0, cut: whole.is_some() };
        match parser.value(0) {
            Some(words) if parser.at == chars.len() => words,
            _ => Words::Atom(one_line),
        }
    }

    /// The text at this brevity.
    pub fn brief(&self, brief: Brief) -> String {
        self.render(brief, 0)
    }

    /// The least brief form of at most `width` columns, cut if none is that short.
    #[cfg(test)]
    pub fn fit(&self, width: usize) -> String {
        let forms = Brief::ALL.iter().map(|b| self.brief(*b));
        forms.into_iter().find(|t| columns(t) <= width).unwrap_or_else(|| cut(&self.brief(Brief::Outer), width))
    }

    fn render(&self, brief: Brief, depth: usize) -> String {
        let Words::Group { name, open, items } = self else {
            let Words::Atom(text) = self else { unreachable!() };
            return text.clone();
        };
        // An answer that says that there is nothing is another one than none.
        let is_nothing = |words: &Words| matches!(words, Words::Atom(text) if text == "None");
        if name == "Some" && items.len() == 1 && !is_nothing(&items[0].1) {
            return items[0].1.render(brief, depth);
        }
        if items.is_empty() {
            return if name.is_empty() { format!("{open}{}", close(*open)) } else { name.clone() };
        }
        let is_struct = !name.is_empty();
        if brief == Brief::Outer && is_struct && depth > 0 && items.len() == 1 {
            return items[0].1.render(brief, depth);
        }
        if brief == Brief::Head || (brief == Brief::Outer && depth > 0) {
            return if is_struct && depth == 0 { format!("{name} …") } else { "…".to_owned() };
        }
        let separator = if brief == Brief::Named || !is_struct { ", " } else { " " };
        let said = |(key, value): &(Option<Words>, Words)| item(key.as_ref(), value, is_struct, brief, depth);
        let parts: Vec<String> = match items.len() {
            // Of a long list or set its ends, and how many lie between.
            n if name.is_empty() && n > LONG => {
                let more = format!("… {} more …", n - 3);
                items[..2].iter().map(said).chain([more, said(&items[n - 1])]).collect()
            }
            _ => items.iter().map(said).collect(),
        };
        let inner = parts.join(separator);
        match (is_struct, depth, brief) {
            (true, 0, _) => format!("{name} {inner}"),
            (true, _, Brief::Named) => format!("{name}({inner})"),
            (true, ..) if items.len() == 1 => inner,
            (true, ..) => format!("({inner})"),
            (false, ..) => format!("{open}{inner}{}", close(*open)),
        }
    }

    /// The fields alone, without the name of the struct, for what is always of one type (`Saved { … }`). They keep their
    /// keys: without a message's name to lean on, values say nothing.
    pub fn fields(&self) -> String {
        let text = self.brief(Brief::Named);
        match self {
            Words::Group { name, open: '{', items } if !name.is_empty() && !items.is_empty() => text[name.len()..].trim_start().to_owned(),
            _ => text,
        }
    }
}

impl Words {
    /// The top fields with their values; of anything but a struct or map one field without a name.
    pub fn top_fields(&self) -> Vec<(String, String)> {
        match self {
            Words::Group { items, .. } if !items.is_empty() && items.iter().all(|(key, _)| key.is_some()) => {
                let of = |(key, value): &(Option<Words>, Words)| {
                    (key.as_ref().map_or_else(String::new, |k| k.render(Brief::Named, 1)), value.render(Brief::Named, 1))
                };
                items.iter().map(of).collect()
            }
            _ => vec![(String::new(), self.brief(Brief::Named))],
        }
    }
}

/// The fields of a state. One that is wrapped (`Server(Server { … })`, as of an enum's variant) is unwrapped; what it is stands first.
pub(super) fn fields_of(text: &str) -> Vec<(String, String)> {
    let mut words = Words::parse(text);
    let mut wrapped_in = None;
    loop {
        match words {
            Words::Group { name, mut items, .. }
                if items.len() == 1 && items[0].0.is_none() && !name.is_empty() && matches!(items[0].1, Words::Group { .. }) =>
            {
                words = items.remove(0).1;
                wrapped_in = Some(name);
            }
            whole => {
                let is = wrapped_in.map(|name| ("is".to_owned(), name));
                return is.into_iter().chain(whole.top_fields()).collect();
            }
        }
    }
}

fn item(key: Option<&Words>, value: &Words, in_struct: bool, brief: Brief, depth: usize) -> String {
    let text = value.render(brief, depth + 1);
    let Some(key) = key else { return text };
    let key = key.render(Brief::Values, depth + 1);
    match (in_struct, brief, text.as_str()) {
        (false, Brief::Named, _) => format!("{key}: {text}"),
        (false, ..) => format!("{key}:{text}"),
        // A bare `true` says nothing: its name does.
        (true, _, "true") => key,
        (true, _, "false") => format!("not {key}"),
        (true, Brief::Named, _) => format!("{key} {text}"),
        (true, ..) => text,
    }
}

fn close(open: char) -> char {
    match open {
        '{' => '}',
        '(' => ')',
        _ => ']',
    }
}

/// What differs between two texts of one type, as short sentences: `term 1→3`, `ops +OpId(4)`. Empty if nothing does.
pub(super) fn changes(old: &str, new: &str) -> Vec<String> {
    let mut out = Vec::new();
    compare("", &Words::parse(old), &Words::parse(new), &mut out);
    // What stands behind a cut did not come or go: only where it was cut moved.
    if old.ends_with(CUT) || new.ends_with(CUT) {
        let end = without_cut(new).unwrap_or(new);
        let by_the_cut = |change: &String| match change.rsplit_once(['+', '-']) {
            Some((before, item)) if before.is_empty() || before.ends_with(' ') => {
                !change[before.len()..].starts_with('+') || end.ends_with(item)
            }
            _ => false,
        };
        out.retain(|change| !by_the_cut(change));
    }
    counted_together(out)
}

/// Columns of a value that is told though it stays.
const SMALL: usize = 16;

/// Of a small record in which something changed, what did not: `voted_for n3 as before`. What stays can be what is wrong. Nothing of what
/// is empty, or long.
pub(super) fn stays(old: &str, new: &str) -> Vec<String> {
    let (old, new) = (fields_of(old), fields_of(new));
    if new.len() > EACH || old == new {
        return Vec::new();
    }
    let is_something = |value: &str| !matches!(value, "" | "none" | "None" | "0" | "false" | "{}" | "[]") && columns(value) <= SMALL;
    let same = new.into_iter().filter(|field| old.contains(field) && !field.0.is_empty() && is_something(&field.1));
    same.map(|(name, value)| format!("{name} {value} as before")).collect()
}

/// More items than these that came into one field, or went, are one change: how many, the first two and the last.
const EACH: usize = 4;

fn counted_together(changes: Vec<String>) -> Vec<String> {
    /// The field with the sign, and the item.
    fn parts(change: &str) -> Option<(&str, &str)> {
        let signed = |at: usize| change[at..].starts_with(['+', '-']) && (at == 0 || change[..at].ends_with(' '));
        let sign = (0..change.len()).find(|at| change.is_char_boundary(*at) && signed(*at))?;
        (!change.contains('→')).then(|| change.split_at(sign + 1))
    }
    let mut out: Vec<String> = Vec::new();
    let mut done: Vec<&str> = Vec::new();
    for change in &changes {
        let Some((field, _)) = parts(change) else {
            out.push(change.clone());
            continue;
        };
        let items: Vec<&str> = changes.iter().filter_map(|c| parts(c)).filter(|(f, _)| *f == field).map(|(_, item)| item).collect();
        match items[..] {
            [first, second, .., last] if items.len() > EACH => {
                if !done.contains(&field) {
                    done.push(field);
                    out.push(format!("{field}{}: {first}, {second} … {last}", items.len()));
                }
            }
            _ => out.push(change.clone()),
        }
    }
    out
}

fn compare(path: &str, old: &Words, new: &Words, out: &mut Vec<String>) {
    if old == new {
        return;
    }
    let at = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path} {key}") };
    let whole = format!("{}→{}", old.render(Brief::Named, 1), new.render(Brief::Named, 1));
    let known = out.len();
    match (old, new) {
        (Words::Group { name: a, items: old, .. }, Words::Group { name: b, items: new, .. })
            if a == b && !a.is_empty() && old.len() == 1 && new.len() == 1 && old[0].0.is_none() && new[0].0.is_none() =>
        {
            compare(path, &old[0].1, &new[0].1, out);
        }
        (Words::Group { name: a, open: o, items: old }, Words::Group { name: b, open: p, items: new })
            if a == b && o == p && comparable(a, old) && comparable(b, new) =>
        {
            let keyed = new.iter().chain(old).all(|(key, _)| key.is_some());
            let same = |x: &(Option<Words>, Words), y: &(Option<Words>, Words)| if keyed { x.0 == y.0 } else { x.1 == y.1 };
            for item in new {
                let name = item.0.as_ref().map(|k| k.render(Brief::Named, 1));
                match (old.iter().find(|o| same(o, item)), name) {
                    (Some(before), Some(name)) => compare(&at(&name), &before.1, &item.1, out),
                    (Some(_), None) => {}
                    (None, Some(name)) => out.push(at(&format!("+{name}: {}", item.1.render(Brief::Named, 1)))),
                    (None, None) => out.push(at(&format!("+{}", item.1.render(Brief::Named, 1)))),
                }
            }
            for gone in old.iter().filter(|o| !new.iter().any(|n| same(o, n))) {
                let gone = gone.0.as_ref().unwrap_or(&gone.1);
                out.push(at(&format!("-{}", gone.render(Brief::Named, 1))));
            }
        }
        _ => {}
    }
    // Of another kind, or different only in order or number: both are said.
    if out.len() == known {
        out.push(at(&whole));
    }
}

/// A tuple is one value (`OpId(3)`): only what has keys, or is a set or list, is compared item by item.
fn comparable(name: &str, items: &[(Option<Words>, Words)]) -> bool {
    name.is_empty() || items.iter().all(|(key, _)| key.is_some())
}

/// Of a text that was cut where it was recorded, its whole items.
fn without_cut(text: &str) -> Option<&str> {
    let kept = text.strip_suffix(CUT)?;
    Some(kept.rsplit_once(", ").map_or(kept, |(items, _)| items))
}

struct Parser<'a> {
    chars: &'a [char],
    at: usize,
    /// Whether its end is missing.
    cut: bool,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn spaces(&mut self) {
        while self.peek() == Some(' ') {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Option<Words> {
        if depth > DEEPEST {
            return None;
        }
        let name = self.atom();
        if name.is_empty() || name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '#') {
            let before = self.at;
            self.spaces();
            if let Some(open @ ('{' | '(' | '[')) = self.peek() {
                self.at += 1;
                return self.group(name, open, depth);
            }
            self.at = before;
        }
        if name.is_empty() { None } else { Some(Words::Atom(name)) }
    }

    fn group(&mut self, name: String, open: char, depth: usize) -> Option<Words> {
        let mut items = Vec::new();
        loop {
            self.spaces();
            // Text that was cut: what there is of it.
            if self.cut && self.at == self.chars.len() {
                return Some(Words::Group { name, open, items });
            }
            if self.peek()? == close(open) {
                self.at += 1;
                return Some(Words::Group { name, open, items });
            }
            let first = self.value(depth + 1)?;
            self.spaces();
            if self.peek() == Some(':') {
                self.at += 1;
                self.spaces();
                items.push((Some(first), self.value(depth + 1)?));
                self.spaces();
            } else {
                items.push((None, first));
            }
            match self.peek() {
                Some(',') => self.at += 1,
                Some(c) if c == close(open) => {}
                None if self.cut => {}
                _ => return None,
            }
        }
    }

    /// A word, a number, a string: up to what ends or opens a value. Spaces inside belong to it (`2.5 s`).
    fn atom(&mut self) -> String {
        let start = self.at;
        while let Some(c) = self.peek() {
            match c {
                '"' => self.quoted(),
                ',' | '{' | '}' | '(' | ')' | '[' | ']' => break,
                ':' if self.chars.get(self.at + 1) == Some(&' ') => break,
                _ => self.at += 1,
            }
        }
        let text: String = self.chars[start..self.at].iter().collect();
        let trimmed = text.trim_end().to_owned();
        self.at -= text.chars().count() - trimmed.chars().count();
        trimmed
    }

    fn quoted(&mut self) {
        self.at += 1;
        while let Some(c) = self.peek() {
            self.at += if c == '\\' { 2 } else { 1 };
            if c == '"' {
                break;
            }
        }
        self.at = self.at.min(self.chars.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOTE: &str = "RequestVote { term: 3, log: LogEnd { index: 5, term: 4 } }";

    #[test]
    fn what_stays_beside_a_change_is_told() {
        let stays = |old: &str, new: &str| stays(old, new).join(", ");
        let saved = |term: u64, vote: &str| format!("Saved {{ term: {term}, voted_for: {vote} }}");
        assert_eq!(stays(&saved(1, "Some(n3)"), &saved(2, "Some(n3)")), "voted_for n3 as before");
        assert_eq!(stays(&saved(1, "None"), &saved(2, "None")), "", "nothing stays nothing");
        assert_eq!(stays(&saved(1, "Some(n3)"), &saved(2, "Some(n1)")), "", "all of it has changed");
        assert_eq!(stays(&saved(1, "Some(n3)"), &saved(1, "Some(n3)")), "", "none of it has");
        assert_eq!(stays("S { a: 1, b: \"a long name of something\" }", "S { a: 2, b: \"a long name of something\" }"), "");
        assert_eq!(stays("S { a: 1, b: 2, c: 3, d: 4, e: 5 }", "S { a: 2, b: 2, c: 3, d: 4, e: 5 }"), "", "many fields are no contrast");
    }

    #[test]
    fn a_message_gets_shorter_step_by_step() {
        let brief: Vec<String> = Brief::ALL.iter().map(|b| Words::parse(VOTE).brief(*b)).collect();
        assert_eq!(brief, ["RequestVote term 3, log LogEnd(index 5, term 4)", "RequestVote 3 (5 4)", "RequestVote 3 …", "RequestVote …"]);
        let values = |text: &str| Words::parse(text).brief(Brief::Values);
        assert_eq!(values("RequestVoteReply { term: 7, granted: false }"), "RequestVoteReply 7 not granted");
        assert_eq!(values("Increment(OpId(3))"), "Increment 3");
        assert_eq!(values("Counts({n1: 1, n2: 4})"), "Counts {n1:1, n2:4}");
        assert_eq!(values("Done"), "Done");
        assert_eq!(values("Write { key: \"a, { b\", to: Some(n3) }"), "Write \"a, { b\" n3");
    }

    #[test]
    fn text_of_another_shape_is_one_word() {
        for text in ["hello world", "{ unfinished", "a } b", "x(", "::", "", "((((("] {
            let words = Words::parse(text);
            assert_eq!(words.brief(Brief::Named), tidy(text), "of {text:?}");
        }
        let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
        assert_eq!(Words::parse(&deep), Words::Atom(deep));
    }

    #[test]
    fn cutting_never_splits_a_character() {
        for limit in 0..12 {
            for text in ["žluťoučký kůň", "漢字漢字漢字", "a漢b字c"] {
                assert!(columns(&Words::parse(text).fit(limit)) <= limit);
            }
        }
    }

    #[test]
    fn of_a_long_list_its_ends_are_told() {
        let ids = |n: u32| format!("Saved {{ ids: {{{}}} }}", (1..=n).map(|i| i.to_string()).collect::<Vec<_>>().join(", "));
        assert_eq!(Words::parse(&ids(8)).fields(), "ids {1, 2, 3, 4, 5, 6, 7, 8}");
        assert_eq!(Words::parse(&ids(605)).fields(), "ids {1, 2, … 602 more …, 605}");
        assert_eq!(changes(&ids(605), &ids(606)), ["ids +606"]);
    }

    #[test]
    fn only_what_changed_is_said() {
        assert_eq!(
            changes("Saved { term: 1, voted_for: None }", "Saved { term: 3, voted_for: Some(n2) }"),
            ["term 1→3", "voted_for None→n2"]
        );
        assert_eq!(
            changes("Saved { n: 1, ops: {Id(1), Id(2), Id(3), Id(4), Id(5), Id(6)} }", "Saved { n: 2, ops: {Id(6), Id(9)} }"),
            ["n 1→2", "ops +Id(9)", "ops -5: Id(1), Id(2) … Id(5)"]
        );
        assert_eq!(changes("{n1: 1, n2: 2}", "{n1: 4, n3: 1}"), ["n1 1→4", "+n3: 1", "-n2"]);
        assert_eq!(changes("S { ops: {OpId(1)} }", "S { ops: {OpId(1), OpId(4)} }"), ["ops +OpId(4)"]);
        assert_eq!(changes("Follower", "Leader { since: 2 }"), ["Follower→Leader(since 2)"]);
        assert_eq!(changes("S { shown: None }", "S { shown: Some(None) }"), ["shown None→Some(None)"]);
        assert_eq!(changes(VOTE, VOTE), [""; 0]);
        let cut = |text: &str| format!("{text}{CUT}");
        assert_eq!(
            changes(&cut("S { n: 1, ids: {Id(3), Id(4), Id(5), I"), &cut("S { n: 2, ids: {Id(2), Id(3), Id(4), I")),
            ["n 1→2", "ids +Id(2)"]
        );
        assert_eq!(changes("[1, 1]", "[1, 1, 1]"), ["[1, 1]→[1, 1, 1]"]);
    }

    #[test]
    fn a_wrapped_state_has_the_fields_of_what_is_inside() {
        let of = |text: &str| fields_of(text).into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
        assert_eq!(of("Server(Server { id: 3, batch: None })"), ["is=Server", "id=3", "batch=None"]);
        assert_eq!(of("Node { id: 3 }"), ["id=3"]);
        assert_eq!(of("Idle"), ["=Idle"]);
    }
}
