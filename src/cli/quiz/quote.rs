//! Which sentence of an answer seems to say a point, for who ticks it. It never ticks: words that are there can say the opposite.
//! Pure.

/// A sentence of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Its words.
    pub sentence: String,
    /// A denial that it has and the point has not: "not", "without" …
    pub denies: Option<String>,
}

/// The sentence with most of a point's words of weight, a third of them at least; the first of several.
#[must_use]
pub fn quote(text: &str, point: &str) -> Option<Quote> {
    let wanted = stems(point);
    let shared = |sentence: &str| {
        let said = stems(sentence);
        wanted.iter().filter(|stem| said.contains(stem)).count()
    };
    let mut best: Option<(usize, String)> = None;
    for sentence in sentences(text) {
        let found = shared(&sentence);
        if found > 0 && 3 * found >= wanted.len() && best.as_ref().is_none_or(|(most, _)| found > *most) {
            best = Some((found, sentence));
        }
    }
    let (_, sentence) = best?;
    let denies = denial(&sentence).filter(|_| denial(point).is_none());
    Some(Quote { sentence, denies })
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
const EMPTY: [&str; 46] = [
    "the", "and", "for", "one", "are", "was", "has", "had", "not", "its", "any", "all", "but", "can", "may", "how", "who", "out", "two",
    "that", "this", "with", "from", "into", "than", "then", "they", "them", "their", "there", "have", "each", "must", "when", "where",
    "which", "what", "does", "only", "over", "also", "every", "some", "same", "other", "before",
];

/// The words of weight, without their endings, each once.
fn stems(text: &str) -> Vec<String> {
    let mut stems = Vec::new();
    for word in text.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase) {
        // A number says something however short it is.
        if (word.chars().count() < 3 && !word.chars().any(|c| c.is_ascii_digit())) || EMPTY.contains(&word.as_str()) {
            continue;
        }
        let mut stem = word.as_str();
        for ending in ["ing", "ies", "ed", "es", "s", "ly", "e", "y"] {
            if let Some(shorter) = stem.strip_suffix(ending).filter(|shorter| shorter.chars().count() >= 4) {
                stem = shorter;
                break;
            }
        }
        let stem: String = stem.chars().take(7).collect();
        if !stems.contains(&stem) {
            stems.push(stem);
        }
    }
    stems
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
}
