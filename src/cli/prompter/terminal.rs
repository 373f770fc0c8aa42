//! Questions on a terminal: one key where one is enough ([`keys`]), lines and long menus through inquire.
//!
//! What the other users of inquire learnt: it draws on standard error; a select filters as one types, which for "2" left nothing to
//! choose, so the filter here goes by the number of an option and never by its text; long labels break in the middle of a
//! word, so labels are cut to the width; and its own idea of colour knows `NO_COLOR` alone, so it is told.

use super::{Leave, Prompter, Reply, editor, keys, number, order};
use inquire::error::InquireError;
use inquire::ui::RenderConfig;
use inquire::validator::{ErrorMessage, Validation};
use inquire::{MultiSelect, Select, Text};
use std::io::Write as _;

/// Labels are cut here where the width is not known, and on wider screens too: the full text stands above.
const MAX_LABEL_CHARS: usize = 72;

/// Lines of a long menu.
const PAGE: usize = 12;

/// Asks on the terminal of this process.
pub struct Terminal {
    look: RenderConfig<'static>,
}

impl Terminal {
    /// With colours or without.
    #[must_use]
    pub fn new(color: bool) -> Self {
        Terminal { look: if color { RenderConfig::default_colored() } else { RenderConfig::empty() } }
    }
}

impl From<InquireError> for Leave {
    fn from(error: InquireError) -> Self {
        match error {
            InquireError::OperationCanceled => Leave::Quit,
            InquireError::OperationInterrupted => Leave::Interrupted,
            InquireError::IO(error) => Leave::Broken(error),
            other => Leave::Broken(std::io::Error::other(other.to_string())),
        }
    }
}

/// `2  Refuse the wri…`: the number first: it may be typed.
fn numbered(labels: &[String]) -> Vec<String> {
    let cut = |label: &String| {
        let label = label.replace('\n', " ");
        if label.chars().count() <= MAX_LABEL_CHARS { label } else { label.chars().take(MAX_LABEL_CHARS - 1).chain(['…']).collect() }
    };
    labels.iter().enumerate().map(|(i, label)| format!("{}  {}", i + 1, cut(label))).collect()
}

/// Keeps the option with the typed number; anything else typed keeps all, in their order.
fn by_number(input: &str, count: usize, index: usize) -> Option<i64> {
    match input.trim().parse::<usize>() {
        Ok(number) if (1..=count).contains(&number) => (number == index + 1).then_some(0),
        _ => Some(-(index as i64)),
    }
}

impl Prompter for Terminal {
    fn one(&mut self, message: &str, labels: &[String]) -> Reply<usize> {
        if labels.len() <= keys::MOST {
            return keys::ask(keys::One::new(message, labels));
        }
        let count = labels.len();
        let filter = move |input: &str, _: &String, _: &str, index: usize| by_number(input, count, index);
        let select = Select::new(message, numbered(labels))
            .with_scorer(&filter)
            .with_page_size(PAGE)
            .with_render_config(self.look)
            .with_help_message("number or ↑↓, then Enter; Esc leaves, all answers are saved");
        Ok(select.raw_prompt()?.index)
    }

    fn menu(&mut self, message: &str, labels: &[String]) -> Reply<usize> {
        keys::ask(keys::One::menu(message, labels))
    }

    fn many(&mut self, message: &str, labels: &[String], ticked: &[usize]) -> Reply<Vec<usize>> {
        if labels.len() <= keys::MOST {
            return keys::ask(keys::Many::new(message, labels.len(), ticked));
        }
        let count = labels.len();
        let filter = move |input: &str, _: &String, _: &str, index: usize| by_number(input, count, index);
        let select = MultiSelect::new(message, numbered(labels))
            .with_scorer(&filter)
            .with_keep_filter(false)
            .with_default(ticked)
            .with_page_size(PAGE)
            .with_render_config(self.look)
            .with_help_message("number or ↑↓, Space ticks, then Enter; Esc leaves, all answers are saved");
        Ok(select.raw_prompt()?.into_iter().map(|option| option.index).collect())
    }

    fn arrange(&mut self, message: &str, labels: &[String]) -> Reply<Vec<usize>> {
        let count = labels.len();
        if count <= keys::MOST {
            return keys::ask(keys::Arrange::new(message, count));
        }
        let line = self.line(message, "the numbers in order, as in 2 1 3", move |line| order(line, count).err())?;
        order(&line, count).map_err(|expected| Leave::Broken(std::io::Error::other(expected)))
    }

    fn number(&mut self, message: &str, unit: Option<&str>) -> Reply<f64> {
        let owned = unit.map(str::to_owned);
        let line = self.line(message, unit.unwrap_or("a number"), move |line| number(line, owned.as_deref()).err())?;
        number(&line, unit).map_err(|expected| Leave::Broken(std::io::Error::other(expected)))
    }

    fn text(&mut self, message: &str) -> Reply<String> {
        self.line(message, "a word or two", |line| line.trim().is_empty().then(|| "a word or two".to_owned()))
    }

    fn essay(&mut self, message: &str, about: &str) -> Reply<String> {
        let editor = editor::of_this_process();
        let mut ways = vec!["write it here".to_owned(), "say it aloud".to_owned()];
        if let Some(editor) = &editor {
            ways.push(format!("write it in {}", editor.name));
        }
        for (number, way) in (1..).zip(&ways) {
            writeln!(std::io::stderr(), "{number:>3}  {way}")?;
        }
        match (self.one(message, &ways)?, editor) {
            (0, _) => self.here(),
            (2, Some(editor)) => Ok(editor.write(about)?),
            // Nothing to read, but time to speak.
            _ => self.pause("When you have said it").map(|()| String::new()),
        }
    }

    fn confirm(&mut self, message: &str, default: bool) -> Reply<bool> {
        keys::ask(keys::Confirm { message: message.to_owned(), default, said: None })
    }

    fn pause(&mut self, message: &str) -> Reply<()> {
        keys::ask(keys::Pause(message.to_owned()))
    }
}

impl Terminal {
    /// One line after another, until an empty one; Esc keeps what was written before.
    fn here(&self) -> Reply<String> {
        let mut text = String::new();
        loop {
            let prompt = Text::new(if text.is_empty() { "Write" } else { "…" });
            let line = prompt.with_render_config(self.look).with_help_message("an empty line ends the answer").prompt();
            match line.map_err(Leave::from) {
                Ok(line) if line.trim().is_empty() => return Ok(text),
                Ok(line) => text.extend([line.as_str(), "\n"]),
                Err(Leave::Quit) if !text.is_empty() => return Ok(text),
                Err(leave) => return Err(leave),
            }
        }
    }

    /// One line; `refuse` says what is expected instead, or nothing if the line will do.
    fn line(&self, message: &str, help: &str, refuse: impl Fn(&str) -> Option<String> + Clone + 'static) -> Reply<String> {
        let check = move |line: &str| {
            Ok(match refuse(line) {
                Some(expected) => Validation::Invalid(ErrorMessage::Custom(format!("Expected {expected}."))),
                None => Validation::Valid,
            })
        };
        Ok(Text::new(message).with_render_config(self.look).with_help_message(help).with_validator(check).prompt()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_goes_by_number_and_never_leaves_nothing_for_text() {
        let kept = |input: &str| -> Vec<usize> { (0..12).filter(|&i| by_number(input, 12, i).is_some()).collect() };
        assert_eq!(kept("2"), [1]);
        assert_eq!(kept("12"), [11]);
        assert_eq!(kept("").len(), 12);
        assert_eq!(kept("opt").len(), 12);
        assert_eq!(kept("0").len(), 12);
        assert_eq!(kept("13").len(), 12);
    }

    #[test]
    fn long_labels_are_cut_and_stay_on_one_line() {
        let label = numbered(&["word ".repeat(40), "two\nlines".to_owned()]);
        assert_eq!(label[0].chars().count(), MAX_LABEL_CHARS + 3);
        assert!(label[0].ends_with('…'));
        assert_eq!(label[1], "2  two lines");
    }
}
