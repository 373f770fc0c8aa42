//! The name that a misspelt one was probably meant to be.

/// The candidate nearest to a misspelt word, if one is near enough to be meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // In the wrong case, or with another line between its words, it is still the name that is meant.
    let word = &word.to_lowercase().replace(['-', ' '], "_");
    let limit = word.chars().count().div_ceil(3);
    let near = candidates
        .into_iter()
        .map(|c| (distance(word, &c.to_lowercase().replace(['-', ' '], "_")), c))
        .filter(|(d, c)| *d <= limit || c.starts_with(word) && !word.is_empty());
    near.min_by_key(|(d, _)| *d).map(|(_, c)| c)
}

/// Insertions, deletions, replacements and swapped neighbours that lead from one word to the other (Damerau and Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let [a, b] = [a, b].map(|word| word.chars().collect::<Vec<char>>());
    // The row before the last, and the last one: a swap looks two back.
    let (mut before, mut last) = (Vec::new(), (0..=b.len()).collect::<Vec<usize>>());
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let replaced = last[j] + usize::from(x != y);
            let mut least = replaced.min(row[j] + 1).min(last[j + 1] + 1);
            if i > 0 && j > 0 && a[i - 1] == *y && b[j - 1] == *x {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

/// `; did you mean 'correct'?`, or the whole list when nothing is near and the list is short, or nothing.
#[must_use]
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match nearest(word, known.clone()) {
        Some(near) => format!("; did you mean '{near}'?"),
        None => {
            let all: Vec<&str> = known.into_iter().collect();
            if all.is_empty() || all.len() > 24 { String::new() } else { format!("; it may be {}", all.join(", ")) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name() {
        let ids = ["g_counter", "pn_counter", "hash_ring", "raft_election"];
        assert_eq!(nearest("g_conter", ids), Some("g_counter"));
        assert_eq!(nearest("hash-ring", ids), Some("hash_ring"));
        assert_eq!(nearest("raft", ids), Some("raft_election"));
        assert_eq!(nearest("paxos", ids), None);
        assert_eq!(nearest("titel", ["title"]), Some("title"));
        assert_eq!(nearest("cpa", ["cap", "latency"]), Some("cap"), "a slip of two fingers is one");
        assert_eq!((distance("kitten", "sitting"), distance("cpa", "cap"), distance("ab", "ba")), (3, 1, 1));
        assert_eq!((distance("", "abc"), distance("abc", ""), distance("abc", "abc")), (3, 3, 0));
    }

    #[test]
    fn another_case_is_the_same_name() {
        let all = ["g_counter", "raft_election"];
        assert_eq!(nearest("G-Counter", all), Some("g_counter"));
        assert_eq!(nearest("RAFT_ELECTION", all), Some("raft_election"));
        assert_eq!(nearest("Raft", all), Some("raft_election"));
    }

    #[test]
    fn a_typo_finds_its_word() {
        let known = ["correct", "text", "why"];
        assert_eq!(nearest("corect", known), Some("correct"));
        assert_eq!(nearest("txet", known), Some("text"));
        assert_eq!(nearest("banana", known), None);
        assert_eq!(did_you_mean("banana", known), "; it may be correct, text, why");
    }
}
