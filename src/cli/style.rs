//! Colours: decided once for each stream, and the only place that uses the `colored` crate, whose own decision looks at
//! standard output alone and lets `CLICOLOR_FORCE` beat `NO_COLOR`.

use colored::{Color, ColoredString, Colorize as _, control};
use std::io::IsTerminal;

/// What the user asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal that can.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How text is dressed on one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    on: bool,
}

impl Style {
    /// No colours: for files and tests.
    pub const PLAIN: Style = Style { on: false };
    /// Colours whatever the stream: for who has asked before.
    pub const DRESSED: Style = Style { on: true };

    /// The style of standard output.
    #[must_use]
    pub fn stdout(choice: ColorChoice) -> Style {
        Style::of(choice, std::io::stdout().is_terminal())
    }

    /// The style of standard error.
    #[must_use]
    pub fn stderr(choice: ColorChoice) -> Style {
        Style::of(choice, std::io::stderr().is_terminal())
    }

    fn of(choice: ColorChoice, terminal: bool) -> Style {
        // The crate is told to colour always: whether it is asked at all is our decision.
        control::set_override(true);
        let var = |name| std::env::var(name).ok();
        Style { on: decide(choice, var("NO_COLOR").as_deref(), var("CLICOLOR_FORCE").as_deref(), var("TERM").as_deref(), terminal) }
    }

    /// True if colours are on.
    #[must_use]
    pub fn colours(self) -> bool {
        self.on
    }

    fn dress(self, text: &str, how: impl FnOnce(&str) -> ColoredString) -> String {
        if self.on { how(text).to_string() } else { text.to_owned() }
    }

    /// What went well.
    #[must_use]
    pub fn good(self, text: &str) -> String {
        self.dress(text, |t| t.color(Color::Green))
    }

    /// What is broken.
    #[must_use]
    pub fn bad(self, text: &str) -> String {
        self.dress(text, |t| t.color(Color::Red).bold())
    }

    /// What is not done yet, or uncertain.
    #[must_use]
    pub fn warn(self, text: &str) -> String {
        self.dress(text, |t| t.color(Color::Yellow))
    }

    /// What the eye should find.
    #[must_use]
    pub fn strong(self, text: &str) -> String {
        self.dress(text, |t| t.bold())
    }

    /// What the eye may skip.
    #[must_use]
    pub fn faint(self, text: &str) -> String {
        self.dress(text, |t| t.dimmed())
    }
}

/// The flag, then `NO_COLOR` (if not empty), then `CLICOLOR_FORCE` (if not empty or 0), then: a terminal that is not dumb.
fn decide(choice: ColorChoice, no_color: Option<&str>, force: Option<&str>, term: Option<&str>, terminal: bool) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto if no_color.is_some_and(|v| !v.is_empty()) => false,
        ColorChoice::Auto if force.is_some_and(|v| !v.is_empty() && v != "0") => true,
        ColorChoice::Auto => terminal && term != Some("dumb"),
    }
}

#[cfg(test)]
mod tests {
    use super::{ColorChoice::*, *};

    #[test]
    fn who_decides() {
        let xterm = Some("xterm");
        assert!(decide(Always, Some("1"), None, Some("dumb"), false));
        assert!(!decide(Never, None, Some("1"), xterm, true));
        assert!(!decide(Auto, Some("1"), Some("1"), xterm, true), "NO_COLOR beats CLICOLOR_FORCE");
        assert!(decide(Auto, Some(""), None, xterm, true), "an empty NO_COLOR says nothing");
        assert!(decide(Auto, None, Some("1"), xterm, false));
        assert!(!decide(Auto, None, Some(""), xterm, false) && !decide(Auto, None, Some("0"), xterm, false));
        assert!(decide(Auto, None, None, None, true) && !decide(Auto, None, None, Some("dumb"), true));
        assert!(!decide(Auto, None, None, xterm, false));
    }

    #[test]
    fn plain_is_plain() {
        assert_eq!(Style::PLAIN.bad("x"), "x");
        assert_eq!(Style::of(Always, false).good("x"), "\x1b[32mx\x1b[0m");
    }
}
