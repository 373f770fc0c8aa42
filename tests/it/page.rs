//! The page's structure without a browser, and what it does in one.

use crate::patience::comes;
use crate::pictures::random_trace;
use splitbrain::report::Report;
use splitbrain::rng::Rng;
use splitbrain::time::Time;
use splitbrain::trace::page::{Caption, page};
use splitbrain::trace::{Event, Lane, Trace, What};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const ATTACK: &str = "</script><img src=x onerror=\"document.body.dataset.stolen='yes'\">'\"&<svg onload=alert(1)>";

fn hostile() -> (Trace, Caption) {
    let n1 = Lane::Node(0);
    let text = || ATTACK.to_owned();
    let all = vec![
        What::Receives { from: Lane::Node(1), id: 1, text: text() },
        What::Fires { timer: text() },
        What::Sends { to: Lane::Node(1), id: 2, text: text() },
        What::Saves { text: text() },
        What::State { text: format!("Node {{ {ATTACK}: {ATTACK} }}") },
        What::Prints { text: text() },
        What::Splits { text: text() },
        What::Breaks { rule: text(), seen: text() },
    ];
    let events = (1..).zip(all).map(|(step, what)| Event { step, at: Time::from_micros(step), lane: n1, what });
    let mut trace = Trace::default();
    events.for_each(|e| trace.push(e));
    trace.push(Event { step: 20, at: Time::from_micros(20), lane: Lane::Network, what: What::Splits { text: text() } });
    let caption = Caption { title: ATTACK.into(), paragraphs: vec![(ATTACK.into(), ATTACK.into())], marks: vec![2], violation: None };
    (trace, caption)
}

/// A real finding, with states beside its saves.
fn finding() -> (Trace, Caption) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pictures/vote_is_cleared_by_a_heartbeat.report");
    let report = Report::parse(&std::fs::read_to_string(path).expect("the fixture")).expect("a report");
    let test = report.tests.into_iter().find(|t| t.finding.is_some()).expect("a failed test");
    let finding = test.finding.expect("a finding");
    let mut trace = Trace::default();
    for event in finding.trace.events {
        let state = match &event.what {
            What::Saves { text } => Some(text.replace("Saved {", "Voter { role: Follower,")),
            _ => None,
        };
        let beside = state.map(|text| Event { what: What::State { text }, ..event.clone() });
        trace.push(event);
        beside.into_iter().for_each(|e| trace.push(e));
    }
    let texts = [("Seen", finding.seen), ("Why it matters", finding.why), ("Look at", finding.look), ("Source", finding.source)];
    let paragraphs = texts.into_iter().map(|(h, t)| (h.to_owned(), t)).collect();
    (trace, Caption { title: format!("raft_election: {}", test.title), paragraphs, marks: finding.marks, violation: None })
}

#[test]
fn the_page_is_whole_and_the_same_each_time() {
    let (trace, caption) = finding();
    let text = page(&trace, &caption);
    assert_eq!(text, page(&trace, &caption));
    let page = text;
    for (open, close) in [("<svg", "</svg>"), ("<g ", "</g>"), ("<script", "</script>"), ("<text", "</text>"), ("<p", "</p>")] {
        assert_eq!(page.matches(open).count(), page.matches(close).count() + usize::from(open == "<p") * page.matches("<path").count());
    }
    assert_eq!(page.matches("id=\"violation\"").count(), 1);
    assert_eq!(page.matches("class=\"step mark\"").count(), 1, "step 43 is marked and the violation");
    assert_eq!(page.matches("class=\"step").count(), 43);
    assert!(page.contains("data-step") || page.contains("dataset.step"));
    for word in ["http://", "https://", "src=", "@import", "url(h", "fetch(", "innerHTML", "eval("] {
        assert!(!page.contains(word), "the page holds `{word}`");
    }
}

#[test]
fn no_payload_becomes_markup() {
    let (trace, caption) = hostile();
    let page = page(&trace, &caption);
    assert_eq!(page.matches("</script>").count(), 2);
    assert!(!page.contains("<img") && !page.contains("<svg onload"));
}

#[test]
fn any_trace_has_a_page() {
    for seed in 0..150 {
        let trace = random_trace(&mut Rng::new(seed));
        let page = page(&trace, &Caption::default());
        assert!(page.ends_with("</html>\n"));
        assert_eq!(page.matches("</script>").count(), 2, "seed {seed}");
        assert!(!page.chars().any(|c| c.is_control() && c != '\n'), "seed {seed}");
    }
    assert!(page(&Trace::default(), &Caption::default()).contains("id=\"slider\""));
}

fn chromium() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    std::env::split_paths(&path).flat_map(|dir| names.map(|n| dir.join(n))).find(|p| p.is_file())
}

/// What is put into the page before it is loaded: it notes errors, then uses the page as a reader would.
const WATCH: &str = "<script>window.errors = []; addEventListener('error', e => errors.push(e.message)); \
    addEventListener('securitypolicyviolation', e => errors.push('policy ' + e.blockedURI));</script>";
const USE: &str = "<script>\n\
    const seen = [], note = () => seen.push(document.body.dataset.step);\n\
    const press = key => { document.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true })); note(); };\n\
    note(); press('ArrowLeft'); press('Home'); press('ArrowRight'); press('End'); press('v');\n\
    const s = document.getElementById('slider'); s.value = 24; s.dispatchEvent(new Event('input')); note();\n\
    const found = document.querySelector('#violation circle');\n\
    document.title = 'seen ' + seen.join(' ') + '; errors ' + errors.join(' | ') + '; violation ' + (found ? found.getAttribute('r') : 'none')\n\
      + '; changed ' + document.querySelectorAll('tr.changed').length + '; stolen ' + (document.body.dataset.stolen || 'no')\n\
      + '; images ' + document.images.length;\n</script>";

/// The title of the page after it was used in a browser; `None` if there is no browser here.
fn used(name: &str, page: &str) -> Option<String> {
    let Some(browser) = chromium() else {
        eprintln!("SKIPPED {name}: no chromium on the PATH");
        return None;
    };
    let dir = std::env::temp_dir().join(format!("splitbrain-page-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a folder for the page");
    let file = dir.join("page.html");
    let page = page.replacen("<head>", &format!("<head>{WATCH}"), 1).replacen("</body>", &format!("{USE}</body>"), 1);
    std::fs::write(&file, page).expect("the page is written");
    let dom_file = dir.join("dom.html");
    let mut child = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=2000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", dir.join("profile").display()))
        .arg(&file)
        .stdout(std::fs::File::create(&dom_file).expect("a file for what the browser shows"))
        .stderr(Stdio::null())
        .spawn()
        .expect("chromium starts");
    // A browser that hangs must not hang the tests.
    let ended = comes(|| matches!(child.try_wait(), Ok(Some(_))));
    let _ = child.kill();
    let _ = child.wait();
    let dom = String::from_utf8_lossy(&std::fs::read(&dom_file).unwrap_or_default()).into_owned();
    let _ = std::fs::remove_dir_all(&dir);
    assert!(ended, "chromium did not end");
    let title = dom.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>")).map(|(title, _)| title.to_owned());
    Some(title.unwrap_or_else(|| panic!("no page came back: {dom}")))
}

#[test]
fn in_a_browser_the_slider_moves_and_the_violation_is_marked() {
    let (trace, caption) = finding();
    let Some(title) = used("finding", &page(&trace, &caption)) else { return };
    // It opens at the violation, goes back, to the start, forward, to the end, to the violation; the slider goes to step 25,
    // where n3 asks for votes: term and vote change, in its state and in what it saves.
    assert_eq!(title, "seen 43 42 1 2 43 43 25; errors ; violation 9; changed 4; stolen no; images 0");
}

#[test]
fn in_a_browser_no_payload_runs() {
    let (trace, caption) = hostile();
    let Some(title) = used("hostile", &page(&trace, &caption)) else { return };
    assert!(title.contains("errors ; violation 9;") && title.ends_with("stolen no; images 0"), "{title}");
}
