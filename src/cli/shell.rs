//! Words as a shell takes them.

/// A word as it can be pasted into a shell.
#[must_use]
pub fn pasted(word: &str) -> String {
    // One that begins with `-` would be an option, within quotes as well.
    let word = if word.starts_with('-') { format!("./{word}") } else { word.to_owned() };
    if !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "/._-+,:@%".contains(c)) {
        return word;
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_a_shell() {
        let said = ["prep", "my prep", "it's", "~x", "-x", "é/ü.b"].map(pasted);
        assert_eq!(said, ["prep", "'my prep'", "'it'\\''s'", "'~x'", "./-x", "é/ü.b"]);
    }
}
