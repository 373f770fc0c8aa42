//! Which sentence of an answer seems to say a point, for who ticks it. It never ticks: words that are there can say the opposite.
//! Pure.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A sentence of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Its words.
    pub sentence: String,
    /// Whether it has so much of the point that it is most likely the place; else it may be.
    pub sure: bool,
    /// A denial that it has and the point has not: "not", "without" …
    pub denies: Option<String>,
}

/// A sentence with so much of a point's weight seems to say it …
const SURE: f64 = 0.35;
/// … and with so much perhaps. (Of 358 points beside 72 answers a person marked where to look: 53 of 60 sentences that are sure are there, and
/// 117 of all 157 that are quoted.)
const PERHAPS: f64 = 0.2;
/// A word of the same matter, and not the same, weighs so much of it …
const AKIN: f64 = 0.7;
/// … and never more than this.
const AKIN_AT_MOST: f64 = 1.5;
/// Long sentences have something of everything: each word takes so much from what a sentence weighs beside others.
const LONG: f64 = 0.06;

/// The sentence with most of a point's words of weight, if it has enough of them; the first of several. A word weighs more the fewer
/// sentences of the answer have it.
#[must_use]
pub fn quote(text: &str, point: &str) -> Option<Quote> {
    let wanted = stems(point);
    let sentences: Vec<(String, Vec<String>)> = sentences(text).into_iter().map(|sentence| (sentence.clone(), stems(&sentence))).collect();
    let weigh = |stem: &String| {
        let having = sentences.iter().filter(|(_, stems)| stems.contains(stem)).count();
        ((sentences.len() as f64 + 1.0) / (having as f64 + 0.5)).ln()
    };
    let weights: Vec<f64> = wanted.iter().map(weigh).collect();
    let all: f64 = weights.iter().sum();
    let mut best: Option<(f64, f64, &String)> = None;
    for (sentence, stems) in &sentences {
        let weight = |(stem, weight): (&String, &f64)| match stems.contains(stem) {
            true => *weight,
            false if group(stem).is_some_and(|akin| stems.iter().any(|stem| group(stem) == Some(akin))) => AKIN * weight.min(AKIN_AT_MOST),
            false => 0.0,
        };
        let found: f64 = wanted.iter().zip(&weights).map(weight).sum();
        let rank = found / (1.0 + LONG * stems.len() as f64);
        if found > 0.0 && found >= PERHAPS * all && best.is_none_or(|(most, ..)| rank > most) {
            best = Some((rank, found, sentence));
        }
    }
    let (_, found, sentence) = best?;
    let denies = denial(sentence).filter(|_| denial(point).is_none());
    Some(Quote { sentence: sentence.clone(), sure: found >= SURE * all, denies })
}

/// Lines shorter than this are not filled: they end where their writer ended them.
const FILLED: usize = 50;

/// The sentences of a text. A line that was broken by a margin goes on in the next one; items of a list stand alone.
fn sentences(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in text.lines() {
        let words = line.trim().trim_start_matches(['-', '*', '>', '•']).trim();
        let item = words.len() < line.trim().len();
        match pieces.last_mut().filter(|_| goes_on && !item && !words.is_empty()) {
            Some(last) => *last = format!("{last} {words}"),
            None => pieces.push(words.to_owned()),
        }
        goes_on = line.chars().count() >= FILLED;
    }
    pieces.iter().flat_map(|piece| split(piece)).filter(|sentence| !sentence.is_empty()).collect()
}

/// At full stops and the like with a space behind them and no small letter after that: "p99.9" and "at 2 a.m. too" stay whole.
fn split(piece: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut begin = 0;
    for (at, c) in piece.char_indices() {
        let end = at + c.len_utf8();
        let next = piece[end..].strip_prefix(' ').and_then(|rest| rest.chars().next());
        if matches!(c, '.' | '!' | '?') && next.is_some_and(|c| !c.is_lowercase()) || (c == ';' && next.is_some()) {
            all.push(piece[begin..end].trim().to_owned());
            begin = end;
        }
    }
    all.push(piece[begin..].trim().to_owned());
    all
}

/// Words that turn a sentence round.
const DENIALS: [&str; 10] = ["not", "no", "never", "without", "cannot", "neither", "nor", "nothing", "none", "unnecessary"];

fn denial(sentence: &str) -> Option<String> {
    let words = sentence.split(|c: char| !(c.is_alphanumeric() || matches!(c, '\'' | '’'))).map(str::to_lowercase);
    words.into_iter().find(|word| DENIALS.contains(&word.as_str()) || word.ends_with("n't") || word.ends_with("n’t"))
}

/// Words that say nothing about what is meant.
const EMPTY: &str = "the and for one are was has had not its any all but can may how who out two that this with from into than then they \
    them their there have each must when where which what does only over also every some same other before says asks names gives finds \
    tells knows uses takes makes needs wants own would could should will very much more most less least few many such because while until \
    after about between without within instead been being were did doing done your you our his her just even still yet too once both \
    either neither thing things way case say ask name give find tell know use take make need want lets let";

/// Words of one matter, a line each: who speaks of one often means another.
const AKIN_WORDS: [&str; 29] = [
    "repeat retry retries resend again duplicate twice double idempotent",
    "save store stored persist write written disk durable flush",
    "fail die dies dead crash down outage lost lose loss dying",
    "drop delete remove discard evict expire expiry ttl",
    "cut partition split unreachable network",
    "clock time times second minute hour latency long late fast soon quick ms",
    "number numbers volume size large big count rate per throughput traffic load scale",
    "replica copy copies replication follower backup",
    "leader primary master owner",
    "shard partitions hash range bucket",
    "order sequence sorted ordering",
    "client user users people customer reader browser phone",
    "server node machine host broker worker",
    "queue log topic buffer backlog",
    "zone region datacenter site",
    "limit quota throttle bound cap",
    "cost price expensive money pay",
    "check verify test compare measure",
    "read lookup query search fetch get",
    "alarm alert monitor watch notice detect",
    "secure security author permission right rights access",
    "exclude leave skip omit scope ignore",
    "assume assumption suppose guess",
    "peak burst spike",
    "history version versions restore old",
    "merge conflict ot crdt transform",
    "bot spam abuse malware phishing fraud block",
    "cardinality series label",
    "rollout deploy release rollback roll flag canary migrate migration gradual shadow",
];

/// The matter of a stem, if it is one that is listed.
fn group(stem: &str) -> Option<usize> {
    static GROUPS: LazyLock<BTreeMap<String, usize>> = LazyLock::new(|| {
        let words = AKIN_WORDS.iter().enumerate().rev();
        words.flat_map(|(i, group)| group.split_whitespace().map(move |word| (stem_of(word), i))).collect()
    });
    GROUPS.get(stem).copied()
}

/// The words of weight, without their endings, each once.
fn stems(text: &str) -> Vec<String> {
    let mut stems = Vec::new();
    for word in text.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase) {
        // A number says something however short it is.
        if (word.chars().count() < 3 && !word.chars().any(|c| c.is_ascii_digit())) || EMPTY.split_whitespace().any(|empty| empty == word) {
            continue;
        }
        let stem = stem_of(&word);
        if !stems.contains(&stem) {
            stems.push(stem);
        }
    }
    stems
}

fn stem_of(word: &str) -> String {
    let shorter = ["ing", "ies", "ed", "es", "s", "ly", "e", "y"]
        .iter()
        .find_map(|ending| word.strip_suffix(ending).filter(|shorter| shorter.chars().count() >= 4));
    shorter.unwrap_or(word).chars().take(5).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "The client makes a key per intent. When a duplicate comes, the response that was stored is returned;\nretries \
                        are answered with 409.\n\n- a lease of p99.9 * 3, at 2 a.m. too\n- we do not fence the old leader";

    fn sentence(point: &str) -> Option<String> {
        quote(TEXT, point).map(|quote| quote.sentence)
    }

    #[test]
    fn the_sentence_that_seems_to_say_it_is_quoted() {
        assert_eq!(sentence("Key is made by the client, one per intent").as_deref(), Some("The client makes a key per intent."));
        assert_eq!(
            sentence("Duplicate returns the stored response").as_deref(),
            Some("When a duplicate comes, the response that was stored is returned;")
        );
        assert_eq!(sentence("A repeat is answered with 409").as_deref(), Some("retries are answered with 409."));
        assert_eq!(sentence("Retention exceeds the horizon"), None);
        assert_eq!(quote("", "Anything"), None);
        assert_eq!(quote(TEXT, "A lease with a margin").unwrap().sentence, "a lease of p99.9 * 3, at 2 a.m. too", "an item of a list");
    }

    #[test]
    fn who_says_the_opposite_is_asked() {
        let quoted = quote(TEXT, "Fences the old leader").unwrap();
        assert_eq!((quoted.sentence.as_str(), quoted.denies.as_deref()), ("we do not fence the old leader", Some("not")));
        assert_eq!(quote(TEXT, "Does not fence the old leader").unwrap().denies, None, "as the point itself");
        assert_eq!(quote("It doesn't wait.", "It waits").unwrap().denies.as_deref(), Some("doesn't"));
    }

    #[test]
    fn a_line_that_a_margin_broke_goes_on() {
        let text = "The new leader writes with a higher epoch, and every replica\nrefuses a lower one.\nShort\nlines";
        assert_eq!(
            sentences(text),
            ["The new leader writes with a higher epoch, and every replica refuses a lower one.", "Short", "lines"]
        );
    }

    /// 72 answers to stages of rounds, beside each point the sentences at which a person would look to decide whether it was made; none
    /// where nothing is about it.
    #[test]
    fn what_is_quoted_is_mostly_where_a_person_would_look() {
        let answers: serde_json::Value = serde_json::from_str(include_str!("../../../tests/fixtures/quotes.json")).unwrap();
        // Of those that are sure and of all: how many are the right place, of how many.
        let (mut sure, mut all) = ((0, 0), (0, 0));
        for answer in answers.as_array().unwrap() {
            for point in answer["points"].as_array().unwrap() {
                let Some(quoted) = quote(answer["said"].as_str().unwrap(), point["point"].as_str().unwrap()) else { continue };
                let places = point["where"].as_array().unwrap().iter().filter_map(|place| place.as_str());
                let right =
                    usize::from(places.into_iter().any(|place| place.contains(&quoted.sentence) || quoted.sentence.contains(place)));
                all = (all.0 + right, all.1 + 1);
                if quoted.sure {
                    sure = (sure.0 + right, sure.1 + 1);
                }
            }
        }
        assert!(all.1 >= 140 && all.0 * 100 >= all.1 * 73, "{all:?}");
        assert!(sure.1 >= 50 && sure.0 * 100 >= sure.1 * 85, "{sure:?}");
        println!("{sure:?} {all:?}");
    }
}
