use super::*;

/// No busy machine reaches it.
const PATIENCE: Duration = Duration::from_secs(300);

fn within<T>(what: impl Future<Output = T>) -> Option<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(PATIENCE, what).await.ok() })
}

/// Saves in every way that editors have, and how each is noticed.
async fn every_way(poll: bool) {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    fs::create_dir(path("b")).unwrap();
    fs::write(path("a.rs"), "0").unwrap();
    let mut files = Files::new(vec![path("a.rs"), path("b/b.rs")], poll);
    assert_eq!(files.polling().is_some(), poll || cfg!(not(target_os = "linux")));
    fs::write(path("a.rs"), "1").unwrap();
    assert_eq!(files.next().await, [0]);
    assert_eq!(files.missed, 0, "an event told of it, and not a look");
    fs::write(path("other.rs"), "1").unwrap();
    fs::write(path("b/b.rs"), "1").unwrap();
    assert_eq!(files.next().await, [1], "and not of the other file");
    fs::write(path(".a.swp"), "2").unwrap();
    fs::rename(path(".a.swp"), path("a.rs")).unwrap();
    assert_eq!(files.next().await, [0], "saved by renaming");
    fs::remove_file(path("a.rs")).unwrap();
    assert_eq!(files.next().await, [0], "deleted");
    fs::remove_dir_all(path("b")).unwrap();
    assert_eq!(files.next().await, [1]);
    fs::create_dir(path("b")).unwrap();
    fs::write(path("b/b.rs"), "2").unwrap();
    assert_eq!(files.next().await, [1], "the folder is another one");
}

#[test]
fn every_way_to_save() {
    within(every_way(false)).expect("in time");
    within(every_way(true)).expect("in time");
}

#[test]
fn where_no_events_come_looks_take_over() {
    within(async {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.rs");
        fs::write(&path, "0").unwrap();
        let mut files = Files::new(vec![path.clone()], false);
        // A writer that never closes its file is one of whom no event tells.
        let mut open = fs::File::create(&path).unwrap();
        std::io::Write::write_all(&mut open, b"longer").unwrap();
        assert_eq!(files.next().await, [0]);
        std::io::Write::write_all(&mut open, b" and longer").unwrap();
        assert_eq!(files.next().await, [0]);
        assert_eq!(files.polling(), Some("the system sends no file events here"));
    })
    .expect("in time");
}
