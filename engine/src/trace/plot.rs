//! How much of something there was over time, as rows of blocks: load, a queue, answers in time.
//!
//! Rows of one unit have one scale, so that they can be compared. It knows nothing of what is measured; a judge makes plots, a picture has
//! them below its rows, and a lesson as lines of its text.

use std::fmt::Write as _;

/// How much of something there was in each bucket of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Plot {
    /// What it is, in a word or two.
    pub name: String,
    /// What stands behind a number of it: `/s`, ` waiting`.
    pub unit: String,
    /// The width of a bucket, in microseconds.
    pub per_us: u64,
    /// One number for each bucket, from the beginning of the run.
    pub values: Vec<u64>,
    /// The moment to look at, in microseconds.
    pub mark_us: Option<u64>,
}

/// From little to most; nothing is a blank.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// The same where there are no other signs than ASCII.
const ASCII: [char; 8] = ['.', ':', '-', '=', '+', 'o', '*', '#'];
/// Distances of the axis' ticks, in seconds.
const TICKS: [u64; 12] = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_800, 3_600];
/// A tick with its number takes so many columns at least.
const TICK: u64 = 8;
const SECOND: u64 = 1_000_000;

impl Plot {
    /// The largest number of each unit: the scale of the plots that have it.
    #[must_use]
    pub fn most(plots: &[Plot], unit: &str) -> u64 {
        plots.iter().filter(|plot| plot.unit == unit).flat_map(|plot| plot.values.iter().copied()).max().unwrap_or(0)
    }

    /// These plots as lines of at most `width` columns, one below the other, then the moment to look at, and the seconds. `most` is the scale of
    /// a unit: [`Plot::most`], or that of more plots than these.
    #[must_use]
    pub fn lines(plots: &[Plot], width: usize, most: &dyn Fn(&str) -> u64, ascii: bool) -> Vec<String> {
        let Some(buckets) = plots.iter().map(|plot| plot.values.len()).max().filter(|n| *n > 0) else { return Vec::new() };
        let tail = |plot: &Plot| format!("  max {}{}", plot.values.iter().max().unwrap_or(&0), plot.unit);
        let names = plots.iter().map(|plot| plot.name.chars().count()).max().unwrap_or(0);
        let tails = plots.iter().map(|plot| tail(plot).chars().count()).max().unwrap_or(0);
        let field = width.saturating_sub(names + 1 + tails).max(10);
        // Of few buckets each has some columns; of many some share one.
        let columns = field.min(buckets * 3);
        let mut lines: Vec<String> = plots
            .iter()
            .map(|plot| {
                let row: String = (0..columns).map(|at| plot.block(at, columns, buckets, most(&plot.unit), ascii)).collect();
                format!("{:<names$} {row}{}", plot.name, tail(plot))
            })
            .collect();
        let span = plots[0].per_us * buckets as u64;
        let lead = " ".repeat(names + 1);
        if let Some(mark) = plots.iter().find_map(|plot| plot.mark_us).filter(|mark| *mark <= span) {
            let at = place(mark, span, columns).min(columns - 1);
            let (sign, when) = (if ascii { '^' } else { '▲' }, seconds(mark));
            let left = at > columns.saturating_sub(when.len() + 2);
            let row = if left { format!("{when:>at$}{sign}", when = when + " ") } else { format!("{}{sign} {when}", " ".repeat(at)) };
            lines.push(format!("{lead}{row}"));
        }
        lines.push(format!("{lead}{}", axis(span, columns, if ascii { '|' } else { '│' })));
        lines
    }

    /// What stands in a column: the mean of what falls into it.
    fn block(&self, at: usize, columns: usize, buckets: usize, most: u64, ascii: bool) -> char {
        let from = at * buckets / columns;
        let until = ((at + 1) * buckets / columns).max(from + 1);
        let Some(values) = self.values.get(from..until.min(self.values.len())).filter(|values| !values.is_empty()) else { return ' ' };
        let sum: u64 = values.iter().fold(0, |sum, value| sum.saturating_add(*value));
        let whole = values.len() as u128 * u128::from(most.max(1));
        let eighths = (u128::from(sum) * 16 + whole) / (whole * 2);
        match (sum, if ascii { ASCII } else { BLOCKS }) {
            (0, _) => ' ',
            // Something is more than nothing, however little.
            (_, signs) => signs[(eighths.clamp(1, 8) - 1) as usize],
        }
    }
}

/// The column of a moment.
fn place(us: u64, span: u64, columns: usize) -> usize {
    (u128::from(us) * columns as u128 / u128::from(span.max(1))) as usize
}

/// The distance of the ticks of an axis of so many columns, in microseconds.
fn distance(span: u64, columns: u64) -> u64 {
    let fits = |tick: &&u64| *tick * SECOND * columns >= TICK * span;
    TICKS.iter().find(fits).or(TICKS.last()).map_or(span, |tick| tick * SECOND)
}

/// The moments at which an axis has a number, in microseconds.
#[must_use]
pub fn ticks(span: u64, columns: u64) -> Vec<u64> {
    let distance = distance(span, columns);
    (0..).map(|tick| tick * distance).take_while(|us| *us < span.max(1)).collect()
}

fn axis(span: u64, columns: usize, tick: char) -> String {
    let mut axis = String::new();
    for us in ticks(span, columns as u64) {
        let at = place(us, span, columns);
        let text = format!("{tick}{} s", us / SECOND);
        // The last one may have no room.
        if at + text.chars().count() <= columns {
            let width = at.saturating_sub(axis.chars().count());
            let _ = write!(axis, "{}{text}", " ".repeat(width));
        }
    }
    axis
}

/// `31.5 s`
#[must_use]
pub fn seconds(us: u64) -> String {
    format!("{}.{} s", us / SECOND, us / 100_000 % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(name: &str, unit: &str, values: Vec<u64>) -> Plot {
        Plot { name: name.to_owned(), unit: unit.to_owned(), per_us: SECOND, values, mark_us: Some(12 * SECOND) }
    }

    fn drawn(plots: &[Plot], width: usize, ascii: bool) -> String {
        Plot::lines(plots, width, &|unit| Plot::most(plots, unit), ascii).join("\n")
    }

    #[test]
    fn rows_of_one_unit_have_one_scale_and_nothing_is_a_blank() {
        let calls = plot("calls", "/s", vec![40; 20]);
        let sent = plot("attempts", "/s", (0..20).map(|s| if s < 5 { 40 } else { 80 }).collect());
        let queue = plot("queue", " waiting", (0..20).map(|s| s * s).collect());
        let good = plot("in time", "/s", (0..20).map(|s| if s < 8 { 40 } else { u64::from(s == 19) }).collect());
        let plots = [calls, sent, queue, good];
        assert_eq!(drawn(&plots, 60, false), PICTURE);
        assert_eq!(drawn(&plots, 60, true), PLAIN);
    }

    const PICTURE: &str = "\
calls    ▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄  max 40/s
attempts ▄▄▄▄▄▄▄▄▄█████████████████████████  max 80/s
queue      ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▂▂▂▃▃▃▃▄▄▄▅▅▆▆▆▇▇█  max 361 waiting
in time  ▄▄▄▄▄▄▄▄▄▄▄▄▄▄                   ▁  max 40/s
                             ▲ 12.0 s
         │0 s    │5 s     │10 s   │15 s";

    const PLAIN: &str = "\
calls    ==================================  max 40/s
attempts =========#########################  max 80/s
queue      ..............:::----===++ooo**#  max 361 waiting
in time  ==============                   .  max 40/s
                             ^ 12.0 s
         |0 s    |5 s     |10 s   |15 s";

    #[test]
    fn more_buckets_than_columns_are_drawn_as_their_means_and_fit() {
        let many = plot("x", "", (0..600).map(|s| if s < 300 { 2 + s % 2 * 4 } else { 0 }).collect());
        for width in [40, 60, 76, 80, 120] {
            let lines = Plot::lines(std::slice::from_ref(&many), width, &|_| 8, false);
            assert!(lines.iter().all(|line| line.chars().count() <= width), "{lines:#?}");
            assert!(lines[0].matches(['▃', '▄', '▅']).count() >= 10 && lines[0].contains("          "), "{lines:#?}");
        }
    }

    #[test]
    fn a_mark_at_the_end_has_its_moment_to_the_left_and_none_has_no_row() {
        let mut one = plot("x", "", vec![1; 20]);
        one.mark_us = Some(20 * SECOND);
        let text = drawn(std::slice::from_ref(&one), 24, false);
        assert!(text.lines().nth(1).is_some_and(|row| row.ends_with("20.0 s ▲") && row.chars().count() <= 24), "{text}");
        one.mark_us = None;
        assert_eq!(drawn(&[one], 40, false).lines().count(), 2);
        assert_eq!(Plot::lines(&[], 80, &|_| 0, false), Vec::<String>::new());
        assert_eq!(Plot::lines(&[Plot::default()], 80, &|_| 0, false), Vec::<String>::new());
    }

    #[cfg(feature = "pictures")]
    #[test]
    fn a_run_with_plots_shows_them_in_each_picture_and_says_them_in_none() {
        use super::super::{Event, Lane, Trace, What, diagram, page, stepper};
        let event = |step, what| Event { step, at: crate::time::Time::ZERO, lane: Lane::Network, what };
        let calls = |text: &str| What::Calls { text: text.to_owned() };
        let breaks = What::Breaks { rule: "recovers".to_owned(), seen: "nobody had an answer".to_owned() };
        let good = plot("in time", "/s", (0..20).map(|s| if s < 8 { 40 } else { 0 }).collect());
        let events = vec![event(1, calls("new()")), event(2, calls("a minute")), event(2, What::Plots(good)), event(2, breaks)];
        let trace = Trace { events, ..Trace::default() };
        let picture = diagram::draw(&trace, &diagram::Options { width: 76, ..diagram::Options::default() });
        assert_eq!(picture, DRAWN, "{picture}");
        let plain = diagram::draw(&trace, &diagram::Options { width: 76, ascii: true, ..diagram::Options::default() });
        assert!(plain.is_ascii() && plain.contains("in time ####"), "{plain}");
        let mut stepper = stepper::Stepper::new(&trace, &[], None, false);
        let frame = stepper.frame(80, 24);
        assert!(frame.contains("in time ████") && frame.contains("▲ 12.0 s") && !frame.contains("40 40"), "{frame}");
        stepper.back();
        assert!(!stepper.frame(80, 24).contains('█'), "the plot belongs to its step");
        let html = page::page(&trace, &page::Caption::default());
        assert_eq!(html.matches("class=\"curve\"").count(), 1);
        assert!(html.split_once("id=\"data\"").is_some_and(|(_, data)| !data.contains("in time")), "it is drawn, not said");
    }

    #[cfg(feature = "pictures")]
    const DRAWN: &str = "\
\x20  1      new()
!  2      a minute; breaks recovers
in time ████████████████████████                                    max 40/s
                                          ▲ 12.0 s
        │0 s          │5 s           │10 s         │15 s
  ! rule broken
";
}
