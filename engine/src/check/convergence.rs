//! Convergence: once everything was delivered, all replicas say the same. Knows what each replica says, not how it came to it.

use std::fmt;

/// Replicas that say the same, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group<R, V> {
    /// What they say.
    pub value: V,
    /// Who says it, in the order given.
    pub replicas: Vec<R>,
}

/// Replicas that differ: two groups at least, in the order in which their first members were given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diverged<R, V> {
    /// Who says what.
    pub groups: Vec<Group<R, V>>,
}

/// Whether all replicas say the same. Of none or of one they do.
///
/// # Errors
/// With who says what, if they differ.
pub fn check<R, V: PartialEq>(replicas: impl IntoIterator<Item = (R, V)>) -> Result<(), Diverged<R, V>> {
    let mut groups: Vec<Group<R, V>> = Vec::new();
    for (replica, value) in replicas {
        match groups.iter_mut().find(|group| group.value == value) {
            Some(group) => group.replicas.push(replica),
            None => groups.push(Group { value, replicas: vec![replica] }),
        }
    }
    if groups.len() <= 1 {
        return Ok(());
    }
    Err(Diverged { groups })
}

impl<R: fmt::Display, V: fmt::Display> Diverged<R, V> {
    /// Two are enough to see it: `n1's value is 7 and n2's is 9`, of the first replica and the first that says something else.
    #[must_use]
    pub fn pair(&self) -> String {
        let [first, other] = [0, 1].map(|i| (&self.groups[i].replicas[0], &self.groups[i].value));
        format!("{}'s value is {} and {}'s is {}", first.0, first.1, other.0, other.1)
    }
}

/// `n1 and n3 say 7, n2 says 9`: the largest group first.
impl<R: fmt::Display, V: fmt::Debug> fmt::Display for Diverged<R, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut groups: Vec<&Group<R, V>> = self.groups.iter().collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.replicas.len()));
        for (i, Group { value, replicas }) in groups.into_iter().enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            let verb = if replicas.len() == 1 { "says" } else { "say" };
            let names: Vec<String> = replicas.iter().map(ToString::to_string).collect();
            match names.split_last() {
                Some((last, [])) => write!(f, "{comma}{last} {verb} {value:?}")?,
                Some((last, rest)) => write!(f, "{comma}{} and {last} {verb} {value:?}", rest.join(", "))?,
                None => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_replicas_converged_and_so_did_none() {
        assert_eq!(check([("n1", 7), ("n2", 7)]), Ok(()));
        assert_eq!(check::<&str, u8>([]), Ok(()));
    }

    #[test]
    fn who_differs_and_how() {
        let diverged = check([("n1", 9), ("n2", 7), ("n3", 7), ("n4", 8), ("n5", 7)]).expect_err("they differ");
        assert_eq!(diverged.to_string(), "n2, n3 and n5 say 7, n1 says 9, n4 says 8");
        assert_eq!(check([("n1", 9), ("n2", 7)]).expect_err("they differ").to_string(), "n1 says 9, n2 says 7");
        assert_eq!(diverged.pair(), "n1's value is 9 and n2's is 7");
    }
}
