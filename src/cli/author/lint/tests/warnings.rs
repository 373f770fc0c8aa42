//! The warnings, each with a topic that it is right about.

use super::*;

#[test]
fn w01_the_longest_option_should_not_be_the_key() {
    let long = "Linearizability alone, since sequential consistency ignores real time";
    gives(
        "\"Linearizability alone\"",
        &format!("\"{long}\""),
        "W01 warning: the key has 69 characters, no other option over 42; even them out",
    );
}

#[test]
fn w01_the_share_over_the_bank() {
    let single = |i: usize, key: &str| {
        let topic = ["clock", "lease", "shard", "saga", "quorum", "gossip"][i];
        format!(
            "[[question]]\nid = \"q{i}\"\nrev = 1\nkind = \"single\"\ndifficulty = {}\nprompt = \"{topic}?\"\nexplanation = \"e\"\nsources = [{{ title = \"t\" }}]\noption = [{{ text = \"{key}\", correct = true, why = \"a\" }}, {{ text = \"no {topic}\", why = \"b\" }}, {{ text = \"some\", why = \"c\" }}]\n\n",
            i % 5 + 1
        )
    };
    let with = |longest: usize| {
        let more: String = (0..6).map(|i| single(i, if i < longest { "a longer key" } else { "key" })).collect();
        let text = GOOD.replace(SHORT, &format!("{more}{SHORT}"));
        lint_files(&[("quizzes/consistency.toml", &text)]).into_iter().filter(|f| f.starts_with("W01")).collect::<Vec<_>>()
    };
    assert_eq!(with(2), Vec::<String>::new());
    assert_eq!(
        with(3),
        ["W01 quizzes/consistency.toml:1:1: warning: in 3 of 7 'single' questions the key is the longest option (limit 35 %)"]
    );
}

#[test]
fn w02_true_and_false_in_balance() {
    let one = |i: usize, answer: bool| {
        format!(
            "[[question]]\nid = \"t{i}\"\nrev = 1\nkind = \"true-false\"\ndifficulty = 1\nprompt = \"{}\"\nanswer = {answer}\nwhy = {{ true = \"a\", false = \"b\" }}\nexplanation = \"e\"\nsources = [{{ title = \"t\" }}]\n\n",
            "abcdefgh".chars().nth(i).expect("few").to_string().repeat(9)
        )
    };
    let with = |answers: [bool; 4]| {
        let more: String = answers.iter().enumerate().map(|(i, a)| one(i, *a)).collect();
        lint_files(&[("quizzes/consistency.toml", &GOOD.replace(SHORT, &format!("{more}{SHORT}")))])
            .into_iter()
            .filter(|f| f.starts_with("W02"))
            .count()
    };
    assert_eq!([with([true; 4]), with([false; 4]), with([true, false, true, false])], [1, 1, 0]);
}

#[test]
fn w03_negative_stems_and_absolutes() {
    gives(
        "Which model does this history break?",
        "Which model does this history not keep?",
        "W03 warning: a negative question; turn it round, or write the NOT large",
    );
    assert_eq!(broken("Which model does this history break?", "It is not over. Which model does it break?"), Vec::<String>::new());
    let found = broken("Neither of the two models\"", "Never any of the two models\"");
    assert_eq!(found, Vec::<String>::new(), "one absolute among two wrong options is no pattern");
    let both = GOOD
        .to_owned()
        .replace("Neither of the two models", "Never any of the two")
        .replace("Linearizability and sequential consistency", "Every model there is");
    let found = lint_files(&[("quizzes/consistency.toml", &both)]);
    assert_eq!(
        found,
        ["W03 quizzes/consistency.toml:31:1: warning: every wrong option has an 'always', 'never' or 'only', the key has none"]
    );
}

#[test]
fn w04_a_word_that_points_at_the_key() {
    let echo = GOOD.replace("Which model does", "Which overlapping model does").replace("Linearizability alone", "Overlapping reads alone");
    let found = lint_files(&[("quizzes/consistency.toml", &echo)]);
    assert_eq!(
        found,
        [
            "W04 quizzes/consistency.toml:31:1: warning: only the key repeats 'overlapping' of the prompt; use it in a wrong option, or not in the key"
        ]
    );
}

#[test]
fn w05_kinds_and_difficulties_are_mixed() {
    let flat = ["difficulty = 4", "difficulty = 3", "difficulty = 5"]
        .iter()
        .fold(GOOD.to_owned(), |text, level| text.replace(level, "difficulty = 1"));
    let found = lint_files(&[("quizzes/consistency.toml", &flat)]);
    assert_eq!(found, ["W05 quizzes/consistency.toml:1:1: warning: difficulties are {1, 2} alone; a topic spans at least three"]);
    let recognised: String = (0..5).map(|i| format!("{}option = [\n  {{ text = \"one\", correct = true, why = \"a\" }},\n  {{ text = \"two\", why = \"b\" }},\n  {{ text = \"three\", why = \"c\" }},\n]\n\n", MULTI.replace("\"more\"", &format!("\"more{i}\"")).replace("What else", &["Quorum", "Lease", "Saga", "Clock", "Shard"][i].repeat(3)))).collect();
    gives(
        SHORT,
        &format!("{recognised}{SHORT}"),
        "W05 warning: 7 of 11 questions are recognised, not produced (limit 60 %); ask for a number, a word, an order or a design",
    );
}

#[test]
fn w06_what_nobody_has_proved() {
    let rules = Rules {
        exercises: &["quorum_register"],
        topics: &["cap", "consistency"],
        prove: &prove::unproved,
        mutants: &super::no_mutant,
        hidden_tests: &super::two_rules,
        in_lessons: &|_, _| false,
    };
    let found = lint_with(&[("quizzes/consistency.toml", GOOD)], &rules);
    let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["quizzes/consistency.toml:18:1: warning: no checker has proved these claims"]);
}
