//! `dev lint`: the questions of a clone, and those that follow its exercises, as lines or as JSON.

use super::{follow_ups, lint_all};
use crate::cli::bank;
use crate::cli::content::Content;
use crate::cli::course::Course;
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::figures::plural;
use crate::cli::lessons::{self, Piece};
use crate::cli::mutants;
use crate::cli::out::Out;
use crate::cli::rules;
use crate::cli::toml_reader::{Problem, Severity};
use std::path::Path;

/// One line for each finding, errors and warnings alike; only errors fail.
///
/// # Errors
/// Files that cannot be read.
pub fn run(root: &Path, out: &mut Out) -> Result<Exit> {
    let json = out.wants_json()?;
    let course = Content::Disk(root.to_owned()).course()?;
    let exercises: Vec<&str> = course.exercises().collect();
    let files = quiz_files(root)?;
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let content = Content::Disk(root.to_owned());
    let hidden_tests = |exercise: &str| rules::names(&content, exercise);
    let in_lessons = |topic: &str, scenario: &str| shows(&content, topic, scenario);
    let mut found = lint_all(
        &files,
        &exercises,
        &bank::names(&course),
        &|exercise, name| mutants::shown(&content, exercise, name),
        &hidden_tests,
        &in_lessons,
    );
    found.extend(of_lessons(&content, &course)?);
    for d in &found {
        if json {
            let severity = if d.severity == Severity::Error { "error" } else { "warning" };
            out.json(&serde_json::json!({
                "file": d.path, "line": d.place.line, "column": d.place.column, "severity": severity, "rule": d.rule, "message": d.message,
            }));
        } else {
            out.print(&format!("{d} [{}]\n", d.rule));
        }
    }
    let mut unanswered = 0;
    for id in &exercises {
        let readme = content.text(&format!("exercises/{id}/README.md"))?;
        for problem in follow_ups::lint(id, &content.about(id)?, &readme) {
            unanswered += 1;
            if json {
                let file = format!("exercises/{id}/exercise.toml");
                out.json(&serde_json::json!({ "file": file, "severity": "error", "rule": "follow-ups", "message": problem }));
            } else {
                out.print(&format!("{problem} [follow-ups]\n"));
            }
        }
    }
    let refused = found.iter().filter(|d| d.severity == Severity::Error).count();
    let errors = unanswered + refused as u64;
    if !json {
        let warnings = (found.len() - refused) as u64;
        let (files, errors) = (plural(files.len() as u64, "file", "files"), plural(errors, "error", "errors"));
        out.print(&format!("{files}: {errors}, {}\n", plural(warnings, "warning", "warnings")));
    }
    Ok(if errors == 0 { Exit::Passed } else { Exit::NotPassing })
}

/// Whether a topic's lesson shows a scenario.
pub fn shows(content: &Content, topic: &str, scenario: &str) -> bool {
    lessons::outline(content, topic)
        .is_some_and(|lesson| lesson.pieces().any(|piece| matches!(piece, Piece::Scenario(id) if id == scenario)))
}

/// What is wrong with the lessons. Topics whose questions cannot be read are passed over: that is said of them.
///
/// # Errors
/// A topic without a lesson.
pub fn of_lessons(content: &Content, course: &Course) -> Result<Vec<Problem>> {
    let mut found = Vec::new();
    let recorded = |path: &str| {
        let text = content.text(path).ok()?;
        let trace = lessons::recorded_trace(&text).ok();
        Some(trace.map(|trace| trace.events.iter().map(|event| event.step).collect()).unwrap_or_default())
    };
    for topic in bank::names(course) {
        let Ok(quiz) = bank::outline(content, topic) else { continue };
        let path = lessons::path(topic);
        let text =
            content.text(&path).map_err(|_| Trouble::environment(format!("{path} is missing: write the lesson of topic {topic}")))?;
        found.extend(super::lessons::lint(&path, &text, &quiz, &recorded));
        for scenario in &quiz.scenarios {
            for run in scenario.run.iter().chain(scenario.pool.iter().map(|(run, _)| run)) {
                if recorded(&lessons::run_path(run)).is_none() {
                    let message = format!("the run of {run} is not recorded; `splitbrain dev lessons` records it");
                    let place = scenario.places.of("id");
                    found.push(Problem {
                        path: format!("quizzes/{topic}.toml"),
                        place,
                        severity: Severity::Error,
                        rule: "lesson",
                        message,
                    });
                }
            }
        }
    }
    Ok(found)
}

/// Every file of questions, listed in the course or not, by path.
fn quiz_files(root: &Path) -> Result<Vec<(String, String)>> {
    let folder = root.join("quizzes");
    let cannot = |path: &Path, e: std::io::Error| Trouble::file("read", path, &e);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(|e| cannot(&folder, e))?.flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let text = std::fs::read_to_string(&path).map_err(|e| cannot(&path, e))?;
            files.push((format!("quizzes/{}", entry.file_name().display()), text));
        }
    }
    files.sort();
    Ok(files)
}
