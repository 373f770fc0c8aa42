//! Rules over the questions that follow an exercise: how many, how long, why they are asked, what is looked for, and that the README asks
//! the same.

use crate::cli::course::About;
use crate::cli::figures::plural;
use crate::cli::rules;

/// How many an exercise has, at least.
const AT_LEAST: usize = 3;
/// A model answer that is shorter says too little; one that is longer nobody would listen to.
const WORDS: std::ops::RangeInclusive<usize> = 60..=260;
/// What a weak answer lacks, in words.
const WEAK: std::ops::RangeInclusive<usize> = 8..=60;
/// The heading of the exercise's README under which the questions stand.
const HEADING: &str = "\n## An interviewer asks next\n";

/// Why it is asked, in words: one sentence.
const WHY: std::ops::RangeInclusive<usize> = super::round::WHY;
/// Points of a rubric.
const POINTS: std::ops::RangeInclusive<usize> = 2..=4;

/// What is wrong with those of an exercise, each with its mend.
#[must_use]
pub(super) fn lint(id: &str, about: &About, readme: &str) -> Vec<String> {
    let path = format!("exercises/{id}/exercise.toml");
    let mut problems = Vec::new();
    let all = &about.follow_ups;
    if all.len() < AT_LEAST {
        let have = plural(all.len() as u64, "follow-up question", "follow-up questions");
        problems.push(format!("{path}: {have}; give at least {AT_LEAST}, each as [[follow_ups]] with `question`, `answer` and `weak`"));
    }
    let section = readme.split_once(HEADING).map_or("", |(_, rest)| rest.split("\n## ").next().unwrap_or(rest));
    let section = section.split_whitespace().collect::<Vec<_>>().join(" ");
    let rules = rules::names_in(readme);
    for (n, next) in (1..).zip(all) {
        if !section.contains(&format!("{n}. {}", next.question)) {
            let there = format!("exercises/{id}/README.md, under \"{}\"", HEADING.trim());
            problems.push(format!("{path}: question {n} is not the one of {there}: write the same words in both"));
        }
        for (name, text, wanted) in [("answer", &next.answer, WORDS), ("weak", &next.weak, WEAK), ("why", &next.why, WHY)] {
            let words = text.split_whitespace().count();
            if !wanted.contains(&words) {
                let (least, most) = (wanted.start(), wanted.end());
                problems.push(format!("{path}: `{name}` of question {n} has {words} words; write {least} to {most}"));
            }
        }
        if next.when.is_empty() {
            let cure = "give the rules that it is about, as when = [\"NAME\"]: who leaves them out is asked it first";
            problems.push(format!("{path}: question {n} has no `when`; {cure}"));
        }
        for name in next.when.iter().filter(|name| !rules.contains(*name)) {
            problems.push(format!("{path}: `when` of question {n} names `{name}`, no rule of the README; there are: {}", rules.join(", ")));
        }
        let (points, musts) = (next.rubric.len(), next.rubric.iter().filter(|point| point.must).count());
        if !POINTS.contains(&points) || musts == 0 {
            let have = plural(points as u64, "point", "points");
            problems.push(format!(
                "{path}: the `rubric` of question {n} has {have}, {musts} of them a must; write 2 to 4, one a must at least"
            ));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::content::Content;
    use crate::cli::course::FollowUp;
    use crate::cli::quiz::rubric::Point;

    #[test]
    fn every_exercise_has_three_with_answers() {
        let course = Content::Embedded.course().unwrap();
        for id in course.exercises() {
            let about = Content::Embedded.about(id).unwrap();
            let readme = Content::Embedded.text(&format!("exercises/{id}/README.md")).unwrap();
            let problems = lint(id, &about, &readme);
            assert!(problems.is_empty(), "{}", problems.join("\n"));
        }
    }

    #[test]
    fn what_is_missing_is_said() {
        let mut about = Content::Embedded.about("g_counter").unwrap();
        about.follow_ups = vec![FollowUp {
            question: "Why?".into(),
            when: Vec::new(),
            answer: "Because it is so.".into(),
            weak: "Says \"because\".".into(),
            why: String::new(),
            rubric: Vec::new(),
        }];
        assert_eq!(lint("g_counter", &about, "# T\n\n## An interviewer asks next\n\n1. How?\n").len(), 7);
        assert_eq!(lint("g_counter", &about, "# T\n\n## An interviewer asks next\n\n1. Why?\n\n## Sources\n").len(), 6);
        let readme = "# T\n\n## The rules\n\n| `says_why` | it says why |\n\n## An interviewer asks next\n\n1. Why?\n";
        about.follow_ups[0].when = vec!["says_how".into()];
        let said = lint("g_counter", &about, readme).join("\n");
        assert!(said.contains("`when` of question 1 names `says_how`, no rule of the README; there are: says_why"), "{said}");
        about.follow_ups[0].when = vec!["says_why".into()];
        let point = |must| Point { point: "It says so".into(), weight: 1, must, of: None };
        about.follow_ups[0].rubric = vec![point(false), point(false)];
        assert!(lint("g_counter", &about, readme).iter().any(|problem| problem.contains("2 points, 0 of them a must")));
        about.follow_ups[0].rubric[1].must = true;
        about.follow_ups[0].why = "Who cannot say it has not built it.".into();
        assert_eq!(lint("g_counter", &about, readme).len(), 3, "too few of them, and two texts too short");
    }
}
