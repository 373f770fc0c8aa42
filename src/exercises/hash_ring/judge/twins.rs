//! Texts that are easily taken for one: two that differ in one respect. Names and keys are what they are, byte by byte; who
//! tidies them up, or hashes a part of them, gives two nodes the tokens of one, or two keys one place.

use crate::rng::Rng;
use std::ops::Range;

/// Ports that somebody's default may be.
const PORTS: [u16; 112] = [
    0, 1, 21, 22, 25, 53, 80, 88, 111, 123, 143, 161, 389, 443, 445, 514, 636, 873, 993, 1433, 1521, 1883, 2181, 2375, 2379, 2380, 2888,
    3000, 3306, 3478, 3888, 4222, 4369, 5000, 5044, 5060, 5222, 5432, 5601, 5671, 5672, 5701, 5984, 6000, 6379, 6380, 6443, 6667, 7000,
    7001, 7070, 7077, 7199, 7474, 7687, 7777, 8000, 8008, 8080, 8081, 8086, 8088, 8089, 8090, 8091, 8098, 8123, 8125, 8200, 8300, 8333,
    8443, 8500, 8529, 8600, 8888, 8983, 9000, 9001, 9042, 9090, 9091, 9092, 9093, 9100, 9160, 9200, 9300, 9411, 9443, 9999, 10000, 10250,
    10800, 11210, 11211, 11212, 15672, 16379, 18080, 20000, 26257, 26379, 27017, 27018, 28015, 33060, 50000, 50051, 50070, 61616, 65535,
];

/// What else is often cut off at the end of a name, or taken for nothing.
const ENDS: [&str; 23] = [
    ":",
    " ",
    "\t",
    "\n",
    "\r\n",
    "\0",
    ".",
    "/",
    "-",
    "_",
    "#",
    "-0",
    "#0",
    ":0",
    "@0",
    ".local",
    ".lan",
    ".example.com",
    "?v=1",
    "#top",
    "\u{200b}",
    "\u{fe0f}",
    "0",
];

/// What is often cut off at the beginning.
const BEGINNINGS: [&str; 18] = [
    "http://", "https://", "tcp://", "redis://", "www.", "admin@", "::ffff:", "/", " ", "\t", "\u{feff}", "0", "00", "+", "-", "node-",
    "a", "#",
];

/// What is often taken for the other.
const INSTEAD: [(&str, &str); 34] = [
    ("N", "n"),
    ("É", "é"),
    ("é", "e\u{301}"),
    ("é", "e"),
    ("é", "è"),
    ("ß", "ss"),
    ("ﬁ", "fi"),
    ("１", "1"),
    ("а", "a"),
    ("ключ", "ключи"),
    ("鍵", "键"),
    ("😀", "😁"),
    ("ÿ", "þ"),
    ("-", "_"),
    ("-", ""),
    (".", "-"),
    ("+", " "),
    ("%20", " "),
    ("%2F", "/"),
    ("\\", "/"),
    ("//", "/"),
    ("\r\n", "\n"),
    ("  ", " "),
    ("{tag}a", "{tag}b"),
    (".com", ".org"),
    (".a.com", ".b.com"),
    ("\0a", "\0b"),
    ("#a", "#b"),
    (":a", ":b"),
    ("ab", "ba"),
    ("aab", "abb"),
    ("abcdefgh12345678", "12345678abcdefgh"),
    ("1e3", "1000"),
    ("1.0", "1"),
];

/// What a letter beyond ASCII is often folded to: its low 8 or 16 bits, the low 7 bits of its bytes, a sign for what cannot be
/// shown, nothing.
const FOLDS: usize = 6;
/// The bits of a letter of ASCII that somebody may mask.
const BITS: usize = 7;

/// How much is often looked at.
const LENGTHS: [usize; 26] =
    [8, 10, 15, 16, 20, 24, 30, 31, 32, 40, 50, 63, 64, 100, 127, 128, 200, 250, 255, 256, 512, 1_000, 1_024, 2_048, 4_096, 5_000];

/// The kinds of difference.
pub(super) const KINDS: usize = SHORT.end + 3 * LENGTHS.len();
/// Those whose texts are short.
pub(super) const SHORT: Range<usize> = 0..PORTS.len() + ENDS.len() + BEGINNINGS.len() + INSTEAD.len() + FOLDS + BITS + 1;
/// More than any that is drawn: more than 16 bits can count.
pub(super) const LONGEST: usize = 66_000;

/// Two texts of that kind, and what makes them two. Where they are numbers, they begin with one.
pub(super) fn twins(kind: usize, numbers: bool, rng: &mut Rng) -> (String, String, String) {
    let word = if numbers { "" } else { ["cache", "10.0.0.", "n", "user:", "db-eu-"][rng.below(5) as usize] };
    let base = word.to_owned() + &rng.range(1..=9_999).to_string();
    let Some(kind) = kind.checked_sub(PORTS.len()) else { return (format!("{base}:{}", PORTS[kind]), base, "a port".to_owned()) };
    let Some(kind) = kind.checked_sub(ENDS.len()) else { return (base.clone() + ENDS[kind], base, "their end".to_owned()) };
    let Some(kind) = kind.checked_sub(BEGINNINGS.len()) else {
        return (BEGINNINGS[kind].to_owned() + &base, base, "their beginning".to_owned());
    };
    let Some(kind) = kind.checked_sub(INSTEAD.len() + FOLDS + BITS) else {
        let (one, other) = match kind.checked_sub(INSTEAD.len()) {
            None => (INSTEAD[kind].0.to_owned(), INSTEAD[kind].1.to_owned()),
            Some(fold) => folded(fold, rng),
        };
        let at = if rng.chance(500_000) { base.len() } else { 1 };
        let with = |what: &str| format!("{}{what}{}", &base[..at], &base[at..]);
        return (with(&one), with(&other), format!("{one:?} and {other:?}"));
    };
    let Some(kind) = kind.checked_sub(1) else { return (String::new(), base, "that one of them is empty".to_owned()) };
    let length = LENGTHS[kind / 3];
    // A little behind the length: it may be that of a label, too.
    let (a, b) = at_one_place(length, [length + rng.below(9) as usize, 0, rng.below(length as u64) as usize][kind % 3], rng);
    (a, b, ["what stands behind a long beginning", "their first byte", "one byte"][kind % 3].to_owned())
}

/// A letter, and what it becomes where only some of its bits are looked at.
fn folded(kind: usize, rng: &mut Rng) -> (String, String) {
    if let Some(bit) = kind.checked_sub(FOLDS) {
        let letter = rng.range(0x21..=0x7e) as u8;
        return (char::from(letter).to_string(), char::from(letter ^ 1 << bit).to_string());
    }
    // Latin, Cyrillic, Han; those of more than 16 bits.
    let (first, last) =
        [(0x100, 0x17f), (0x400, 0x44f), (0x4e00, 0x9fff), (0x1_f300, 0x1_f64f)][if kind == 1 { 3 } else { rng.below(4) as usize }];
    let letter = char::from_u32(rng.range(first..=last) as u32).unwrap_or('ı');
    let bits = u32::from(letter);
    let other = match kind {
        0 => char::from(bits as u8).to_string(),
        1 => char::from_u32(bits & 0xffff).unwrap_or('ı').to_string(),
        2 => letter.to_string().bytes().map(|byte| char::from(byte & 0x7f)).collect(),
        3 => "?".to_owned(),
        4 => char::REPLACEMENT_CHARACTER.to_string(),
        _ => String::new(),
    };
    (letter.to_string(), other)
}

/// Two texts of a bit more than that length which differ at one place.
pub(super) fn at_one_place(length: usize, place: usize, rng: &mut Rng) -> (String, String) {
    let number = rng.range(1_000..=9_999).to_string();
    let mut text: Vec<u8> = number.bytes().cycle().take(length.max(place) + 1).collect();
    let mut with = |byte| {
        text[place] = byte;
        text.iter().map(|b| char::from(*b)).collect()
    };
    (with(b'a'), with(b'b'))
}
