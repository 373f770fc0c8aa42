//! Rounds and follow-ups: a round without a finding, and what breaks it.

use super::*;

/// So many words.
fn words(count: usize) -> String {
    vec!["word"; count].join(" ")
}

/// A round without a finding.
fn good() -> String {
    let mut text =
        "schema = 1\ntopic = \"consistency\"\ntitle = \"Reads\"\n\n[[question]]\nid = \"round-notes\"\nrev = 1\nkind = \"round\"\n\
                    difficulty = 4\nprompt = \"Design a store of notes.\"\nminutes = 45\nexplanation = \"Where candidates lose it.\"\n\
                    sources = [{ title = \"Herlihy & Wing 1990\" }]\n"
            .to_owned();
    for (name, minutes) in crate::cli::quiz::model::STAGES {
        let fact = |n: u32| format!("{{ asked = \"How many {n}?\", said = \"{n}.\" }}");
        let facts = (1..=4).map(fact).collect::<Vec<_>>().join(", ");
        let facts = if name == "scope" { format!("facts = [{facts}]\n") } else { String::new() };
        let drawing = if name == "drawing" { "a --> b\\n  c\\n\\n" } else { "" };
        let (answer, next) = (format!("{drawing}{}", words(80)), words(60));
        text += &format!(
            "\n[[question.stage]]\nname = \"{name}\"\nminutes = {minutes}\nask = \"What of {name}?\"\n{facts}answer = \"{answer}\"\n\
             rubric = [\n  {{ point = \"The first\", weight = 2, must = true, of = \"scope\" }},\n  {{ point = \"The second\", weight = 1 }},\n  \
             {{ point = \"The third\", weight = 1 }},\n]\nred_flags = [\"Says nothing\"]\n\n[[question.stage.follow_up]]\n\
             ask = \"And what if {name} fails?\"\nwhen = 1\nwhy = \"Who has not thought of it has not run it.\"\nanswer = \"{next}\"\n\
             rubric = [{{ point = \"It is seen\", weight = 2, must = true }}, {{ point = \"It is mended\", weight = 1 }}]\n"
        );
    }
    text
}

/// The first such place is edited; every finding.
#[track_caller]
fn with(find: &str, replace: &str) -> Vec<String> {
    let text = good();
    assert!(text.contains(find), "{find:?} stands in the good round");
    let found = lint_files(&[("quizzes/consistency.toml", &text.replacen(find, replace, 1))]);
    found.iter().map(|line| line.replace("quizzes/consistency.toml:", "")).collect()
}

#[test]
fn a_good_round_has_no_finding() {
    assert_eq!(with("notes", "notes"), Vec::<String>::new());
}

#[test]
fn e16_stages_and_minutes() {
    let order = "write scope, estimate, interfaces, drawing, deep dive, failures, wrap-up, in this order";
    let found = with("name = \"estimate\"", "name = \"estimates\"");
    assert_eq!(found, [format!("E16 15:12: the stages are scope, estimates, interfaces, drawing, deep dive, failures, wrap-up; {order}")]);
    let found = with("minutes = 6", "minutes = 7");
    assert_eq!(found, ["E16 11:1: 'minutes' is 45, and those of the stages add up to 46; a round has 45, and they add up to it"]);
    let found = with("minutes = 6", "minutes = 10");
    assert!(found.iter().any(|line| line.contains("'scope' has 10 minutes; about 6 are usual")), "{found:?}");
}

#[test]
fn e17_numbers() {
    let third = "  { point = \"The third\", weight = 1 },\n";
    let more = third.repeat(4);
    for (find, replace, expected) in [
        (third, "", "2 points; write 3 to 5"),
        (third, more.as_str(), "6 points; write 3 to 5"),
        ("red_flags = [\"Says nothing\"]", "", "0 red flags; write 1 to 3"),
        (", { asked = \"How many 4?\", said = \"4.\" }", "", "3 facts; write 4 to 8"),
        (
            "ask = \"What of estimate?\"",
            "facts = [{ asked = \"a\", said = \"b\" }]\nask = \"What of estimate?\"",
            "facts belong to the stage 'scope': they are asked for before anything is built",
        ),
        (", { point = \"It is mended\", weight = 1 }", "", "1 point; write 2 to 4"),
        (
            "weight = 2, must = true }, { point = \"It is",
            "weight = 2 }, { point = \"It is",
            "no point is a must; mark what an answer cannot do without",
        ),
    ] {
        let found = with(find, replace);
        assert!(found.len() == 1 && found[0].starts_with("E17") && found[0].ends_with(expected), "{expected}: {found:?}");
    }
}

#[test]
fn e18_when() {
    let unasked = "no follow-up asks for the must \"The first\"; give one `when = 1`";
    let found = with("when = 1", "when = 4");
    assert!(found.len() == 2 && found[1].ends_with("`when` names point 4 of 3; they count from 1"), "{found:?}");
    for other in ["", "when = 2\n"] {
        let found = with("when = 1\n", other);
        assert!(found.len() == 1 && found[0].starts_with("E18") && found[0].ends_with(unasked), "{found:?}");
    }
    let none = broken("when = 1\n", "");
    assert!(none.len() == 1 && none[0].starts_with("E18") && none[0].contains("asks for the must \"Majorities overlap\""), "{none:?}");
    let found = with("when = 1", "when = 0");
    assert!(found.iter().any(|line| line.contains("points are counted from 1")), "{found:?}");
}

#[test]
fn e19_lengths() {
    let (long, short) = (words(61), words(79));
    for (find, replace, expected) in [
        ("Design a store of notes.", long.as_str(), "'prompt' has 61 words; write 1 to 60"),
        (&words(80), &short, "'answer' has 79 words; write 80 to 220"),
        (&format!("answer = \"{}\"", words(80)), "answer = \"\"", "no 'answer'; write 80 to 220 words"),
        ("And what if scope fails?", &long, "'ask' has 61 words; write 1 to 60"),
        ("What of scope?", &long, "'ask' has 61 words; write 1 to 50"),
        ("why = \"Who has not thought of it has not run it.\"\n", "", "no 'why'; write 4 to 40 words"),
    ] {
        let found = with(find, replace);
        assert!(found.len() == 1 && found[0].starts_with("E19") && found[0].ends_with(expected), "{expected}: {found:?}");
    }
    let wide = with("a --> b", &"-".repeat(73));
    assert!(wide.len() == 1 && wide[0].contains("E19") && wide[0].contains("a drawn line of 73 columns, up to 72 fit"), "{wide:?}");
    let none = with("a --> b\\n  c\\n\\n", "");
    assert!(none.len() == 1 && none[0].contains("E19") && none[0].contains("no drawing"), "{none:?}");
}

#[test]
fn e20_bare_questions_are_refused_once_the_bank_has_none() {
    let bare = "minutes = 10\nfollow_ups = [\"And with four nodes?\"]";
    let found = broken("minutes = 10", bare);
    assert!(found.len() == 1 && found[0].starts_with("E20") && found[0].contains("bare follow-up questions"), "{found:?}");
}

#[test]
fn an_id_is_taken_by_a_round_too() {
    let round = good().split_once("[[question]]").map_or(String::new(), |(_, round)| format!("\n[[question]]{round}"));
    let text = format!("{GOOD}{}", round.replace("id = \"round-notes\"", "id = \"which-model\""));
    let found = lint_files(&[("quizzes/consistency.toml", &text)]);
    assert!(found.len() == 1 && found[0].contains("'which-model' is taken"), "{found:?}");
}
