//! However the program ends while it has the terminal, or while another program has it from us, the terminal is as it was found.

use crate::bench::program;
use crate::prompts::only;
use crate::pty::full::Pty;
use crate::sitting::{EVERY_KIND, with_quiz};

/// Signals that nobody sends at a prompt, but by hand: each would end a program where it stands.
#[test]
fn a_signal_that_is_rarely_sent_leaves_the_terminal_as_it_was_too() {
    let dir = with_quiz(EVERY_KIND);
    for (signal, code) in [("-QUIT", 131), ("-USR1", 143), ("-USR2", 143), ("-ALRM", 143), ("-XCPU", 143)] {
        let mut command = program(dir.path());
        command.args(["quiz", "cap", "--seed", "7"]);
        let mut pty = Pty::start(command, 80, 40);
        pty.sees("Esc leaves):");
        assert!(pty.is_taken());
        pty.signal(signal);
        assert_eq!(pty.end().code(), Some(code), "{signal}: {}", pty.now());
        pty.is_as_found();
    }
}

/// A pager or an editor that takes the keys, and is not asked itself: we ask it, and tidy up after one that dies of it.
#[test]
fn a_pager_and_an_editor_end_with_us() {
    let dir = only("open");
    std::fs::write(dir.path().join("exercises/toy/README.md"), "# Echo\n\nGive back.\n\n".repeat(40)).unwrap();
    let takes = "stty raw -echo < /dev/tty; echo TAKEN; exec sleep 3600";
    let editor = format!("f() {{ {takes}; }}; f");
    for (args, variable, value, edits) in [(["show", "toy"], "PAGER", takes, false), (["quiz", "cap"], "EDITOR", &editor, true)] {
        for (signal, code) in [("-TERM", 143), ("-HUP", 129)] {
            let mut command = program(dir.path());
            command.args(args).env(variable, value);
            let mut pty = Pty::start(command, 80, 24);
            if edits {
                pty.sees("Your answer, 12");
                pty.send("3\r");
            }
            pty.sees("TAKEN");
            assert!(pty.is_taken());
            pty.signal(signal);
            assert_eq!(pty.end().code(), Some(code), "{args:?} {signal}: {}", pty.now());
            pty.is_as_found();
        }
    }
}

/// An editor that is not there, or that fails, ends no quiz: another way is asked for.
#[test]
fn an_editor_that_fails_ends_nothing() {
    for (editor, said) in [("no-such-editor", "ended with exit status: 127"), ("false", "ended with exit status: 1")] {
        let dir = only("open");
        let mut command = program(dir.path());
        command.args(["quiz", "cap"]).env("EDITOR", editor);
        let mut pty = Pty::start(command, 100, 40);
        pty.sees("Your answer, 12");
        pty.send("3\r");
        pty.sees(&format!("the editor {editor} {said}; choose another way, or try again"));
        let again = |screen: &str| screen.split("another way").nth(1).is_some_and(|since| since.contains("Your answer, 12"));
        assert!(pty.pump(crate::pty::full::PATIENCE, again), "{}", pty.now());
        pty.send("1\r");
        pty.sees("Write");
        pty.send("A key.\r\r");
        pty.sees("Which of these did you say");
        pty.send("\r");
        pty.sees("Did you say any of these");
        pty.send("\r");
        assert_eq!(pty.end().code(), Some(0));
    }
}

/// The quiz that `watch` gives the terminal to.
#[test]
fn a_quiz_from_watch_ends_with_us() {
    let dir = with_quiz(EVERY_KIND);
    for (signal, code) in [("-TERM", 143), ("-HUP", 129), ("-QUIT", 131)] {
        let mut command = program(dir.path());
        command.args(["watch", "toy"]);
        let mut pty = Pty::start(command, 80, 40);
        pty.sees("qui[z]");
        pty.send("z");
        pty.sees("leaves):");
        assert!(pty.is_taken());
        pty.signal(signal);
        assert_eq!(pty.end().code(), Some(code), "{signal}: {}", pty.now());
        pty.is_as_found();
    }
}
