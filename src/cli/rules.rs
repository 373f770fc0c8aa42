//! The rules of an exercise as its README lists them: the only place where the program can read them without building a judge.
//! (`tests/it/tidy.rs` holds that list against the judge.)

use super::content::Content;
use super::error::Result;

/// The heading under which the table of the rules stands.
const HEADING: &str = "## The rules";

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name, `one_vote_per_term`.
    pub name: String,
    /// What holds, in one sentence.
    pub text: String,
}

/// The rules of an exercise, in the order of its README.
///
/// # Errors
/// If there is no README.
pub fn of(content: &Content, exercise: &str) -> Result<Vec<Listed>> {
    Ok(listed(&content.text(&format!("exercises/{exercise}/README.md"))?))
}

/// Their names alone; none, if there is no such exercise.
#[must_use]
pub fn names(content: &Content, exercise: &str) -> Vec<String> {
    of(content, exercise).unwrap_or_default().into_iter().map(|rule| rule.name).collect()
}

/// The names of the rules that a README lists.
#[must_use]
pub fn names_in(readme: &str) -> Vec<String> {
    listed(readme).into_iter().map(|rule| rule.name).collect()
}

/// The rows of the table under the heading: `` | `name` | text | ``; a list serves as well.
fn listed(readme: &str) -> Vec<Listed> {
    let section = readme.lines().skip_while(|line| line.trim() != HEADING).skip(1);
    let rows = section
        .take_while(|line| !line.starts_with("## "))
        .filter_map(|line| line.strip_prefix("| `").or(line.strip_prefix("- `"))?.split_once('`'));
    let plain = |text: &str| text.trim().trim_matches(['|', ':']).trim().replace(['*', '`'], "");
    rows.map(|(name, text)| Listed { name: name.to_owned(), text: plain(text) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_stand_under_their_heading_alone() {
        let readme = "# x\n\n| `Message` | a type |\n\n## The rules\n\n| rule | |\n|---|---|\n| `one_vote` | a node votes *once* |\n\n## Next\n\n| `b` | c |\n";
        assert_eq!(listed(readme), [Listed { name: "one_vote".into(), text: "a node votes once".into() }]);
        assert_eq!(listed("# x\n"), []);
    }

    #[test]
    fn every_exercise_lists_its_rules() {
        let course = Content::Embedded.course().unwrap();
        for id in course.exercises() {
            let rules = of(&Content::Embedded, id).unwrap();
            assert!(rules.len() > 1 && rules.iter().all(|rule| !rule.text.is_empty()), "{id}: {rules:?}");
        }
    }
}
