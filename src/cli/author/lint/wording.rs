//! Rules over wording: what gives a key away, and what shuffling would make false.

use super::Lint;
use crate::cli::quiz::grade::fold;
use crate::cli::quiz::model::{Body, Choice, Question};
use crate::cli::toml_reader::Place;

/// Options that only make sense in one order, folded.
const ABOVE: [&str; 9] = [
    "all of above",
    "none of above",
    "both of above",
    "all of these",
    "none of these",
    "all above",
    "none above",
    "options above",
    "option above",
];
/// What a position is called with "option", "answer" or "choice" beside it.
const POSITIONS: [&str; 9] = ["first", "second", "third", "fourth", "fifth", "last", "previous", "next", "other"];
const NEGATIVE: [&str; 5] = ["not", "except", "never", "cannot", "isn't"];
const ABSOLUTE: [&str; 6] = ["always", "never", "only", "every", "all", "none"];

pub(super) fn question(lint: &mut Lint<'_>, question: &Question) {
    let places = &question.places;
    for (field, text) in texts(question) {
        if let Some(found) = position(&text) {
            lint.error("E05", places.of(&field), format!("'{found}': options are shuffled; name what it says, not where it stands"));
        }
    }
    let choices = question.body.choices();
    for (i, choice) in choices.iter().enumerate() {
        let folded = format!(" {} ", fold(&choice.text));
        if let Some(found) = ABOVE.iter().find(|phrase| folded.contains(&format!(" {phrase} "))) {
            lint.error("E05", places.of(&format!("option[{i}].text")), format!("'{found}' is no answer; write an option of its own"));
        }
    }
    negative_stem(lint, question);
    if let Body::Single(choices) = &question.body {
        longest_key(lint, places.of("option"), choices);
        absolutes(lint, places.of("option"), choices);
        echo(lint, places.of("option"), &question.prompt, choices);
    }
}

/// Every text that is shown beside shuffled options.
fn texts(question: &Question) -> Vec<(String, String)> {
    let mut texts = vec![("prompt".to_owned(), question.prompt.clone()), ("explanation".to_owned(), question.explanation.clone())];
    for (i, choice) in question.body.choices().iter().enumerate() {
        texts.push((format!("option[{i}].text"), choice.text.clone()));
        texts.push((format!("option[{i}].why"), choice.why.clone()));
    }
    if question.body.choices().is_empty() { Vec::new() } else { texts }
}

/// A letter or position beside "option", "answer" or "choice": "option B", "the second answer", "answer 3".
fn position(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let letter = |word: &str| word.len() == 1 && word.starts_with(|c: char| c.is_ascii_uppercase()) && word != "I";
    let digit = |word: &str| word.len() == 1 && word.starts_with(|c: char| c.is_ascii_digit());
    words.windows(2).find_map(|pair| {
        let (a, b) = (pair[0].to_lowercase(), pair[1].to_lowercase());
        // "Both replicas answer 3" and "C must answer B" speak of the system; "Answer B" does not.
        let noun = matches!(a.as_str(), "option" | "choice");
        let named = (noun && (letter(pair[1]) || digit(pair[1]))) || (pair[0] == "Answer" && letter(pair[1]));
        let placed = POSITIONS.contains(&a.as_str()) && matches!(b.as_str(), "option" | "choice");
        (named || placed).then(|| pair.join(" "))
    })
}

/// "Which is NOT …" is answered wrong by who reads fast; it says nothing about distributed systems.
fn negative_stem(lint: &mut Lint<'_>, question: &Question) {
    if question.body.choices().is_empty() {
        return;
    }
    // The question itself is the last sentence; a "not" in the story before is no trap.
    let Some(stem) = question.prompt.split(['.', '\n']).rev().find(|s| s.contains('?')) else { return };
    let negative = |word: &&str| NEGATIVE.contains(word);
    let words: Vec<&str> = stem.split(|c: char| !(c.is_alphanumeric() || c == '\'')).collect();
    if words.first().is_some_and(|_| stem.trim_start().to_lowercase().starts_with("which") && words.iter().any(negative)) {
        lint.warning("W03", question.places.of("prompt"), "a negative question; turn it round, or write the NOT large");
    }
}

/// Whether the key is the longest option by enough to be seen.
pub(super) fn is_longest(choices: &[Choice]) -> Option<bool> {
    let chars = |choice: &Choice| choice.text.chars().count();
    let key = choices.iter().find(|c| c.correct).map(chars)?;
    let others = choices.iter().filter(|c| !c.correct).map(chars).max()?;
    Some(key > others)
}

fn longest_key(lint: &mut Lint<'_>, place: Place, choices: &[Choice]) {
    let chars = |choice: &Choice| choice.text.chars().count();
    let Some(key) = choices.iter().find(|c| c.correct).map(chars) else { return };
    let Some(others) = choices.iter().filter(|c| !c.correct).map(chars).max() else { return };
    if key > others + 12 && key * 4 > others * 5 {
        lint.warning("W01", place, format!("the key has {key} characters, no other option over {others}; even them out"));
    }
}

fn absolutes(lint: &mut Lint<'_>, place: Place, choices: &[Choice]) {
    let absolute = |choice: &Choice| fold(&choice.text).split(' ').any(|word| ABSOLUTE.contains(&word));
    let (right, wrong): (Vec<&Choice>, Vec<&Choice>) = choices.iter().partition(|c| c.correct);
    if wrong.len() >= 2 && wrong.iter().all(|c| absolute(c)) && !right.iter().any(|c| absolute(c)) {
        lint.warning("W03", place, "every wrong option has an 'always', 'never' or 'only', the key has none");
    }
}

/// A long word of the prompt that only the key repeats points at it.
fn echo(lint: &mut Lint<'_>, place: Place, prompt: &str, choices: &[Choice]) {
    let prompt = fold(prompt);
    let has = |choice: &Choice, word: &str| fold(&choice.text).split(' ').any(|w| w == word);
    let Some(key) = choices.iter().find(|c| c.correct) else { return };
    let echoed =
        prompt.split(' ').find(|word| word.chars().count() >= 9 && has(key, word) && !choices.iter().any(|c| !c.correct && has(c, word)));
    if let Some(word) = echoed {
        lint.warning("W04", place, format!("only the key repeats '{word}' of the prompt; use it in a wrong option, or not in the key"));
    }
}
