//! Which hidden tests an exercise has, and how much each tries, without building its judge: `exercises/hidden_tests.txt`,
//! one line a test: exercise, name, number of cases, `runs` if random runs look at it too, and `storms:10000` if so many storms do. (`tests/it/trust.rs` holds the
//! file against what the references' reports say, and writes the one that is right.)

use crate::cli::content::Content;

/// Where it stands.
pub const HIDDEN_TESTS: &str = "exercises/hidden_tests.txt";

/// The hidden tests of an exercise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its id.
    pub exercise: String,
    /// In the order of a report.
    pub tests: Vec<KnownTest>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownTest {
    /// Its name.
    pub name: String,
    /// How many cases it has.
    pub cases: u64,
    /// Whether every random run looks at it.
    pub in_swarm: bool,
    /// How many storms of a thousand runs look at it.
    pub storms: u64,
}

/// What is known of an exercise; nothing, if it is being written, or is a mutant.
pub fn of(content: &Content, exercise: &str) -> Option<Known> {
    read(&content.text(HIDDEN_TESTS).ok()?, exercise)
}

/// Reads the lines of an exercise.
pub fn read(text: &str, exercise: &str) -> Option<Known> {
    let lines = text.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let tests: Vec<KnownTest> = lines
        .filter(|fields| fields.first() == Some(&exercise))
        .filter_map(|fields| {
            let (name, cases) = ((*fields.get(1)?).to_owned(), fields.get(2)?.parse().ok()?);
            let storms = fields.iter().find_map(|field| field.strip_prefix("storms:")?.parse().ok()).unwrap_or(0);
            Some(KnownTest { name, cases, in_swarm: fields.contains(&"runs"), storms })
        })
        .collect();
    (!tests.is_empty()).then(|| Known { exercise: exercise.to_owned(), tests })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exercise_of_the_course_is_known() {
        for id in Content::Embedded.course().unwrap().exercises() {
            let known = of(&Content::Embedded, id).unwrap_or_else(|| panic!("{HIDDEN_TESTS} has no line of {id}"));
            assert!(known.tests.iter().any(|test| test.name == "no_crash"), "{id}");
        }
    }
}
