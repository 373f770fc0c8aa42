//! What was measured over time, below the row of its step: a curve for each, with one axis and the moment to look at.

use super::markup::escape;
use crate::trace::Plot;
use crate::trace::plot::{seconds, ticks};
use std::fmt::Write as _;

/// The width of the drawing in ticks' terms: an axis has about a dozen numbers.
const COLUMNS: u64 = 96;

pub(super) fn draw(plots: &[Plot], out: &mut String) {
    let Some(first) = plots.iter().find(|plot| !plot.values.is_empty()) else { return };
    let buckets = plots.iter().map(|plot| plot.values.len()).max().unwrap_or(1);
    let span = (first.per_us * buckets as u64).max(1);
    let mark = plots.iter().find_map(|plot| plot.mark_us).filter(|us| *us <= span);
    let across = |us: u64| format!("{:.2}", us as f64 * 100.0 / span as f64);
    out.push_str("<div class=\"plots\">\n");
    for plot in plots {
        let most = Plot::most(plots, &plot.unit).max(1);
        let curve = curve(&plot.values, most);
        let when = mark.map_or_else(String::new, |us| {
            let x = us as f64 * buckets as f64 / span as f64;
            format!("<line class=\"when\" x1=\"{x:.2}\" y1=\"0\" x2=\"{x:.2}\" y2=\"100\"/>")
        });
        let highest = plot.values.iter().max().unwrap_or(&0);
        let _ = writeln!(
            out,
            "<span>{}</span><svg viewBox=\"0 0 {buckets} 100\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\"><path class=\"curve\" d=\"{curve}\"/>{when}</svg><span>max {highest}{}</span>",
            escape(&plot.name),
            escape(&format!("{} over time", plot.name)),
            escape(&plot.unit)
        );
    }
    out.push_str("<div class=\"axis\">");
    for us in ticks(span, COLUMNS) {
        let _ = write!(out, "<span style=\"left:{}%\">{} s</span>", across(us), us / 1_000_000);
    }
    if let Some(us) = mark {
        let side = if us * 5 > span * 4 { format!("right:calc(100% - {}%)", across(us)) } else { format!("left:{}%", across(us)) };
        let _ = write!(out, "<span class=\"bad\" style=\"{side}\">▲ {}</span>", seconds(us));
    }
    out.push_str("</div>\n</div>\n");
}

/// Steps from bucket to bucket, filled down to nothing; what is most is 100 high.
fn curve(values: &[u64], most: u64) -> String {
    let mut path = "M0 100".to_owned();
    for (at, value) in values.iter().enumerate() {
        let high = 100.0 - (*value).min(most) as f64 * 100.0 / most as f64;
        let _ = write!(path, "V{high:.1}H{}", at + 1);
    }
    path + "V100Z"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_as_high_as_the_most_of_its_unit_and_text_is_escaped() {
        let plot = |name: &str, values: &[u64]| Plot {
            name: name.to_owned(),
            unit: "/s".to_owned(),
            per_us: 1_000_000,
            values: values.to_vec(),
            mark_us: Some(3_000_000),
        };
        let mut out = String::new();
        draw(&[plot("<calls>", &[40, 0, 20, 20]), plot("sent", &[80, 80, 0, 0])], &mut out);
        assert!(out.contains("&lt;calls&gt;") && !out.contains("<calls>"), "{out}");
        assert!(out.contains("d=\"M0 100V50.0H1V100.0H2V75.0H3V75.0H4V100Z\"") && out.contains("d=\"M0 100V0.0H1V0.0H2V100.0H3"), "{out}");
        assert!(out.contains("x1=\"3.00\"") && out.contains("▲ 3.0 s") && out.contains("max 80/s"), "{out}");
        let mut nothing = String::new();
        draw(&[], &mut nothing);
        assert_eq!(nothing, "");
    }
}
