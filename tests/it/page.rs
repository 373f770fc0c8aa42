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
    let caption = Caption {
        title: ATTACK.into(),
        paragraphs: vec![(ATTACK.into(), ATTACK.into())],
        marks: vec![2],
        seen: ATTACK.into(),
        look: ATTACK.into(),
        violation: None,
    };
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
    let texts = [("Why it matters", finding.why), ("Source", finding.source)];
    let paragraphs = texts.into_iter().map(|(h, t)| (h.to_owned(), t)).collect();
    (
        trace,
        Caption {
            title: format!("raft_election: {}", test.title),
            paragraphs,
            seen: finding.seen,
            look: finding.look,
            marks: finding.marks,
            violation: None,
        },
    )
}

#[test]
fn the_page_is_whole_and_the_same_each_time() {
    let (trace, caption) = finding();
    let text = page(&trace, &caption);
    assert_eq!(text, page(&trace, &caption));
    let page = text;
    for (open, close) in [("<svg", "</svg>"), ("<div", "</div>"), ("<script", "</script>"), ("<span", "</span>"), ("<a ", "</a>")] {
        assert_eq!(page.matches(open).count(), page.matches(close).count(), "{open}");
    }
    assert_eq!(page.matches("class=\"row step violation\"").count(), 1);
    assert_eq!(page.matches("class=\"row step mark\"").count(), 1, "step 43 is marked and the violation");
    assert_eq!(page.matches("class=\"row step").count(), 43);
    assert!((1..=43).all(|step| page.contains(&format!("id=\"step-{step}\""))), "each step can be linked to");
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

fn event(step: u64, lane: Lane, what: What) -> Event {
    Event { step, at: Time::from_micros(step * 700_000), lane, what }
}

/// What is drawn and said of a run in which everything happens that has a sign.
fn eventful() -> Trace {
    let (n1, n2, n3) = (Lane::Node(0), Lane::Node(1), Lane::Node(2));
    let text = |t: &str| t.to_owned();
    let state = |term: u64| What::State { text: format!("Voter {{ term: {term}, a_rather_long_name_of_a_field: None, beats: 0 }}") };
    let sends = |to, id| What::Sends { to, id, text: text("RequestVote { term: 3, log: LogEnd { index: 5, term: 4 } }") };
    Trace {
        events: vec![
            event(1, n1, What::Starts { again: false, saved: text("nothing saved") }),
            event(1, n1, state(2)),
            event(2, Lane::Network, What::Splits { text: text("n1 n2 | n3") }),
            event(3, n1, What::Fires { timer: text("Election") }),
            event(3, n1, What::Saves { text: text("Saved { term: 3 }") }),
            event(3, n1, sends(n2, 1)),
            event(3, n1, sends(n3, 2)),
            event(3, n1, What::Loses { to: n3, id: 2 }),
            event(3, n1, state(3)),
            event(4, n3, What::Crashes { done: 0, of: 0, for_good: false }),
            event(5, Lane::Network, What::Heals),
            event(6, n2, What::Receives { from: n1, id: 1, text: text("RequestVote { term: 3, log: LogEnd { index: 5, term: 4 } }") }),
            event(7, n3, What::Starts { again: true, saved: text("nothing saved") }),
            event(8, n2, What::Pauses { for_us: 100_000_000 }),
            event(9, n1, What::Fires { timer: text("Election") }),
            event(9, n1, What::Breaks { rule: text("one_vote"), seen: text("n1 voted twice") }),
        ],
        ..Trace::default()
    }
}

/// The markup of one step's row.
fn row(page: &str, step: u64) -> &str {
    let from = page.find(&format!("id=\"step-{step}\"")).expect("a row");
    let to = page[from..].find("</p></div>").expect("its end");
    &page[from..from + to]
}

#[test]
fn the_picture_says_what_happened_without_a_script() {
    let caption = Caption { seen: "n1 voted twice".into(), look: "The vote.".into(), marks: vec![3], ..Caption::default() };
    let page = page(&eventful(), &caption);
    let count = |step, what: &str| row(&page, step).matches(what).count();
    // Two arrows with one label, one of them lost; in words the sends are one, and the save stands before them.
    assert_eq!((count(3, "class=\"goes\""), count(3, "class=\"lost\""), count(3, "class=\"label\"")), (1, 1, 1));
    assert_eq!(count(6, "url(#tip)"), 1, "what is sent in step 3 arrives in step 6");
    let said = row(&page, 3).split("class=\"said\"").nth(1).expect("words");
    assert_eq!((said.matches("sends ").count(), said.matches("(lost)").count()), (1, 1), "{said}");
    assert!(said.find("saves ") < said.find("sends "), "{said}");
    assert!(!said.contains("term 2→3"), "what was saved is not said again of the state: {said}");
    // n3 is down from the crash to its restart, and on the other side of the split until it heals.
    assert_eq!((count(4, "class=\"down\""), count(6, "class=\"down\""), count(7, "class=\"down\"")), (1, 2, 1));
    assert_eq!((count(3, "class=\"side0\""), count(3, "class=\"side1\""), count(6, "class=\"side")), (4, 2, 0));
    assert!(count(8, "lane paused") == 1 && count(9, "lane paused") == 2);
    // The headline is said once, beside the picture, with links to the steps.
    assert!(page.contains("<h1>n1 voted twice</h1>") && page.contains("<a href=\"#step-3\">► 3</a> <a href=\"#step-9\">! 9</a>"));
    assert!(row(&page, 9).contains("the rule breaks here") && !row(&page, 9).contains("n1 voted twice"));
}

#[test]
fn steps_of_one_number_have_links_of_their_own() {
    let crash = || What::Crashes { done: 0, of: 0, for_good: false };
    let fires = event(1, Lane::Node(0), What::Fires { timer: "T".into() });
    let trace = Trace { events: vec![fires, event(1, Lane::Node(0), crash()), event(1, Lane::Node(1), crash())], ..Trace::default() };
    let page = page(&trace, &Caption::default());
    assert_eq!((page.matches("id=\"step-1\"").count(), page.matches("id=\"step-1-2\"").count()), (1, 1));
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
    const link = location.hash, rows = document.querySelectorAll('.violation').length;\n\
    document.title = 'seen ' + seen.join(' ') + '; errors ' + errors.join(' | ') + '; violation ' + rows + '; link ' + link\n\
      + '; changed ' + document.querySelectorAll('tr.changed').length + '; stolen ' + (document.body.dataset.stolen || 'no')\n\
      + '; images ' + document.images.length;\n\
    addEventListener('hashchange', () => document.title += '; linked ' + document.body.dataset.step);\n\
    location.hash = document.querySelectorAll('.num')[1].hash;\n</script>";

/// Says what stands where nothing may: beyond the window, over another text, broken in the middle of a name.
const MEASURE: &str = "<script>\n\
    const wrong = [], name = e => (e.className || e.tagName) + ' ' + e.textContent.slice(0, 30);\n\
    const seen = e => e.getClientRects().length > 0;\n\
    const box = e => { const r = document.createRange(); r.selectNodeContents(e); return r.getBoundingClientRect(); };\n\
    const clipped = e => getComputedStyle(e).overflowX === 'hidden' ? e.getBoundingClientRect() : box(e);\n\
    const width = document.documentElement.clientWidth;\n\
    if (document.documentElement.scrollWidth > width) wrong.push('the page is wider than the window');\n\
    for (const part of document.querySelectorAll('#run, #side')) {\n\
      if (part.scrollWidth > part.clientWidth + 1) wrong.push(part.id + ' is wider than its place');\n\
    }\n\
    let rows = 0, labels = 0, names = 0;\n\
    const panel = document.getElementById('stepper').getBoundingClientRect();\n\
    if (panel.height < 150 || panel.top > innerHeight - 150) wrong.push('no state is seen: ' + panel.top + ' ' + panel.height);\n\
    if (document.querySelector('.row .num').getBoundingClientRect().top > innerHeight) wrong.push('no row is seen');\n\
    for (const row of document.querySelectorAll('.row')) {\n\
      rows += 1;\n\
      const texts = [...row.querySelectorAll('.num, .time, .label, .said, .head')].filter(e => seen(e) && e.textContent !== '');\n\
      const boxes = texts.map(clipped);\n\
      labels += texts.filter(e => e.className === 'label').length;\n\
      boxes.forEach((a, i) => {\n\
        if (a.left < -1 || a.right > width + 1) wrong.push('outside: ' + name(texts[i]));\n\
        boxes.slice(0, i).forEach((b, j) => {\n\
          const over = Math.min(a.right, b.right) - Math.max(a.left, b.left), deep = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);\n\
          if (over > 1 && deep > 1) wrong.push(name(texts[i]) + ' over ' + name(texts[j]));\n\
        });\n\
      });\n\
      const next = row.nextElementSibling;\n\
      if (next && next.classList.contains('row') && row.getBoundingClientRect().bottom > next.getBoundingClientRect().top + 1 && row.id !== 'heads') wrong.push('rows overlap');\n\
      if (box(row).bottom > row.getBoundingClientRect().bottom + 1) wrong.push('too low: ' + row.id);\n\
    }\n\
    for (const cell of document.querySelectorAll('td.name:not(.long)')) {\n\
      names += 1;\n\
      if (box(cell).height > 24) wrong.push('broken name: ' + cell.textContent);\n\
      if (box(cell).right > cell.nextSibling.getBoundingClientRect().left + 1) wrong.push('a name over its value: ' + cell.textContent);\n\
    }\n\
    for (const cell of document.querySelectorAll('td')) {\n\
      const node = cell.closest('.node').getBoundingClientRect();\n\
      if (box(cell).right > node.right + 1) wrong.push('out of its card: ' + cell.textContent.slice(0, 30));\n\
    }\n\
    document.title = 'rows ' + rows + '; names ' + (names > 0) + '; labels ' + (labels > 0) + '; wide ' + (innerWidth > 960) + '; wrong ' + wrong.slice(0, 5).join(' | ');\n\
    </script>";

/// The title of the page after it was used in a browser; `None` if there is no browser here.
fn used(name: &str, page: &str, script: &str, width: u32) -> Option<String> {
    let Some(browser) = chromium() else {
        eprintln!("SKIPPED {name}: no chromium on the PATH");
        return None;
    };
    let dir = std::env::temp_dir().join(format!("splitbrain-page-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a folder for the page");
    let file = dir.join("page.html");
    let page = page.replacen("<head>", &format!("<head>{WATCH}"), 1).replacen("</body>", &format!("{script}</body>"), 1);
    std::fs::write(&file, page).expect("the page is written");
    let dom_file = dir.join("dom.html");
    let mut child = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=2000", "--dump-dom"])
        .arg(format!("--window-size={width},900"))
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
    let Some(title) = used("finding", &page(&trace, &caption), USE, 1280) else { return };
    // It opens at the violation, goes back, to the start, forward, to the end, to the violation; the slider goes to step 25,
    // where n3 asks for votes: term and vote change; that they are saved so is a sign beside them.
    assert_eq!(title, "seen 43 42 1 2 43 43 25; errors ; violation 1; link #step-25; changed 2; stolen no; images 0; linked 1");
}

#[test]
fn in_a_browser_no_payload_runs() {
    let (trace, caption) = hostile();
    let Some(title) = used("hostile", &page(&trace, &caption), USE, 1280) else { return };
    assert!(title.contains("errors ; violation 1;") && title.contains("stolen no; images 0; linked "), "{title}");
}

#[test]
fn in_a_browser_no_text_lies_over_another_and_nothing_outside() {
    let (trace, caption) = finding();
    let long_words = {
        let mut trace = eventful();
        for step in 10..40 {
            let (from, to) = (Lane::Client(u8::try_from(step % 5).expect("a small number")), Lane::Node(2));
            let text = format!("Write {{ key: \"{}\", value: {step} }}", "long".repeat(30));
            trace.push(event(step, from, What::Asks { to, id: step, text }));
        }
        trace
    };
    let runs = [
        ("measured-finding", trace, caption),
        ("measured-eventful", eventful(), Caption::default()),
        ("measured-long", long_words, Caption::default()),
    ];
    for (name, trace, caption) in runs {
        let page = page(&trace, &caption);
        for width in [600, 1280, 1920] {
            let Some(title) = used(&format!("{name}-{width}"), &page, MEASURE, width) else { return };
            assert!(title.ends_with("; wrong ") && title.contains("names true"), "{name} at {width}: {title}");
            assert_eq!(title.contains("wide true"), width > 960, "{name} at {width}: {title}");
            assert!(width < 1920 || title.contains("labels true"), "{name} at {width}: {title}");
        }
    }
}
