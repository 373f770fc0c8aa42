//! What `watch` takes for a save beside the learner's file: all that the build read.

use crate::bench::toy_file;
use crate::watch::Desk;
use std::fs;

/// A module, an included file, one that was missing, the manifest: a save of what the build read is a save.
#[test]
fn a_save_beside_the_file_is_seen() {
    let desk = Desk::new("n");
    let beside = |name: &str, text: &str| fs::write(desk.file.with_file_name(name), text).unwrap();
    let mut pty = desk.watch();
    pty.sees("the hidden test holds");
    fs::write(&desk.file, format!("{}\nmod helper;\n", toy_file("helper::answer(n)"))).unwrap();
    pty.sees("does not compile");
    beside("helper.rs", "pub fn answer(n: u64) -> u64 { if n == 3 { 71 } else { n } }");
    pty.sees("71");
    beside("helper.rs", "pub fn answer(n: u64) -> u64 { n }");
    pty.sees("the hidden test holds");
    beside("helper.rs", "pub fn answer(n: u64) -> u64 { if n == 3 { include!(\"number.txt\") } else { n } }");
    pty.sees("does not compile");
    beside("number.txt", "72");
    pty.sees("72");
    let manifest = desk.path().join("Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, format!("{text}\nthis is no manifest\n")).unwrap();
    pty.sees("Cargo.toml");
    fs::write(&manifest, text).unwrap();
    pty.sees("72");
    // What else cargo reads there; its folder was not there either.
    let settings = desk.path().join(".cargo/config.toml");
    fs::create_dir_all(settings.parent().unwrap()).unwrap();
    fs::write(&settings, "no settings\n").unwrap();
    pty.sees("config.toml");
    fs::remove_file(&settings).unwrap();
    pty.sees("72");
    pty.send("q");
    pty.end();
}
