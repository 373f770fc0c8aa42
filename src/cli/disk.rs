//! Files whose names come from the user or that a user can reach: nothing that stands in the place of one (a pipe, a device, a
//! folder) makes the program wait, and no write leaves half of a text. Knows nothing of what the files mean.

use super::error::{Result, Trouble};
use std::fs::{self, File, OpenOptions};
use std::io::{Error, ErrorKind, Read as _, Result as IoResult, Write as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// How the temporary files begin from which a file is made.
const TEMPORARY: &str = ".new-";

/// Opens a file; what is there and is none is refused. Nothing is waited for: opening a pipe would wait for its other end.
///
/// # Errors
/// Whatever the file system says, and what it is if it is no file.
pub fn open(path: &Path, options: &mut OpenOptions) -> IoResult<File> {
    let refused = |kind: &fs::FileType| {
        let what = what_it_is(kind)?;
        Some(Error::new(ErrorKind::InvalidInput, format!("it is {what}, not a file: move it away")))
    };
    let opened = options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed()).open(path);
    // What cannot be opened may be no file either: then that is what is wrong with it.
    let about = opened.as_ref().map_or_else(|_| fs::metadata(path), File::metadata);
    match about.ok().and_then(|about| refused(&about.file_type())) {
        Some(error) => Err(error),
        None => opened,
    }
}

/// What stands there in the place of a file.
fn what_it_is(kind: &fs::FileType) -> Option<&'static str> {
    let all = [
        (kind.is_dir(), "a folder"),
        (kind.is_fifo(), "a named pipe"),
        (kind.is_socket(), "a socket"),
        (kind.is_char_device() || kind.is_block_device(), "a device"),
    ];
    all.into_iter().find(|(is, _)| *is).map(|(_, what)| what)
}

/// The bytes of a file.
///
/// # Errors
/// As [`open`].
pub fn read(path: &Path) -> IoResult<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path, OpenOptions::new().read(true))?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The bytes of a file that a process of which nothing good is assumed has written: none, if it has more than `most`.
#[must_use]
pub fn read_bounded(path: &Path, most: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path, OpenOptions::new().read(true)).ok()?.take(most + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= most).then_some(bytes)
}

/// The text of a file.
///
/// # Errors
/// As [`open`], and if it is not UTF-8.
pub fn read_text(path: &Path) -> IoResult<String> {
    String::from_utf8(read(path)?).map_err(|_| Error::new(ErrorKind::InvalidData, "it is not UTF-8 text"))
}

/// Writes a whole file or nothing: a temporary file in the same folder, flushed to the disk, then renamed. Meanwhile the
/// temporary file is locked: one without a lock was left by a program that was killed, see [`remove_leftovers`].
///
/// # Errors
/// Whatever the file system says.
pub fn write_atomically(path: &Path, text: &str) -> Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> IoResult<()> {
        if let Some(what) = fs::metadata(path).ok().and_then(|about| what_it_is(&about.file_type())) {
            return Err(Error::new(ErrorKind::InvalidInput, format!("{what} is in its place: move it away")));
        }
        // A temporary file is private by default; these are files like any other, with what the user's mask leaves.
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o666);
        let mut builder = tempfile::Builder::new();
        let prefix = format!("{TEMPORARY}{}-", path.file_name().unwrap_or_default().to_string_lossy());
        builder.prefix(&prefix).permissions(permissions);
        let mut file = loop {
            let file = builder.tempfile_in(dir)?;
            // Whoever clears up may have seen it before it was locked. (Some network file systems know no locks; they keep what
            // a killed program left.)
            let is_taken = matches!(file.as_file().try_lock(), Err(fs::TryLockError::WouldBlock)) || !file.path().exists();
            if !is_taken {
                break file;
            }
        };
        file.write_all(text.as_bytes())?;
        file.as_file().sync_data()?;
        file.persist(path).map_err(|e| e.error)?;
        Ok(())
    };
    write().map_err(|e| match e.kind() {
        // Else the name of the temporary file would be said, which nobody knows.
        ErrorKind::NotFound if !dir.exists() => {
            Trouble::environment(format!("cannot write {}: there is no folder {}", path.display(), dir.display()))
        }
        _ => Trouble::file("write", path, &e),
    })
}

/// Writes a text where the user said: a file whole or not at all; to what is no file (a device, a pipe with a reader) as it is.
///
/// # Errors
/// Whatever the file system says; a folder, and a pipe that nobody reads from.
pub fn write_where_asked(path: &Path, text: &str) -> Result<()> {
    let is_file = fs::metadata(path).map_or(true, |about| about.is_file());
    if is_file && !path.starts_with("/dev") {
        return write_atomically(path, text);
    }
    let write = || -> IoResult<()> {
        let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        let mut file = OpenOptions::new().write(true).custom_flags(flags).open(path)?;
        // It was opened without waiting for a reader; from here on it may wait for the one that there is.
        rustix::fs::fcntl_setfl(&file, rustix::fs::OFlags::empty())?;
        file.write_all(text.as_bytes())?;
        file.flush()
    };
    write().map_err(|e| match e.raw_os_error() {
        Some(code) if code == rustix::io::Errno::NXIO.raw_os_error() => {
            Trouble::environment(format!("cannot write {}: it is a pipe without a reader; name a file", path.display()))
        }
        _ => Trouble::file("write", path, &e),
    })
}

/// Takes away what writes that were killed have left in a folder. What another program is writing just now is locked.
pub fn remove_leftovers(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(TEMPORARY) && entry.file_type().is_ok_and(|kind| kind.is_file());
        if ours && is_abandoned(&entry.path()) {
            // It does no harm if it stays.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// A temporary folder that is gone with its owner. It holds a locked file: one whose file is not locked belongs to a program that
/// was killed, and goes when the next is made.
pub struct Scratch {
    folder: tempfile::TempDir,
    _lock: File,
}

impl Scratch {
    const PREFIX: &str = "splitbrain-";
    const LOCK: &str = ".lock";

    /// A new one among those of the system.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn new() -> IoResult<Scratch> {
        Scratch::new_in(&std::env::temp_dir())
    }

    fn new_in(dir: &Path) -> IoResult<Scratch> {
        for entry in fs::read_dir(dir)?.flatten() {
            let ours =
                entry.file_name().to_string_lossy().starts_with(Scratch::PREFIX) && entry.file_type().is_ok_and(|kind| kind.is_dir());
            if ours && is_abandoned(&entry.path().join(Scratch::LOCK)) {
                // It does no harm if it stays.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        let folder = tempfile::Builder::new().prefix(Scratch::PREFIX).tempdir_in(dir)?;
        // It gets its name when it is locked: until then nobody takes the folder for abandoned.
        let unnamed = folder.path().join("lock");
        let lock = File::create(&unnamed)?;
        let _ = lock.try_lock();
        fs::rename(unnamed, folder.path().join(Scratch::LOCK))?;
        Ok(Scratch { folder, _lock: lock })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// True for a file that no program holds locked.
#[must_use]
pub fn is_abandoned(path: &Path) -> bool {
    open(path, OpenOptions::new().read(true)).is_ok_and(|file| file.try_lock().is_ok())
}

/// `progress.toml` and why → `progress.toml.unreadable-1`, or the next number that is free.
#[must_use]
pub fn free_name(path: &Path, why: &str) -> PathBuf {
    let numbered = |n: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{why}-{n}"));
        PathBuf::from(name)
    };
    (1..u32::MAX).map(numbered).find(|p| p.symlink_metadata().is_err()).unwrap_or_else(|| numbered(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pipe(path: &Path) {
        assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    }

    #[test]
    fn what_is_no_file_is_named_and_nothing_waits() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pipe");
        pipe(&path);
        assert!(read(&path).unwrap_err().to_string().contains("a named pipe, not a file"));
        assert!(read(dir.path()).unwrap_err().to_string().contains("a folder"));
        assert!(read(Path::new("/dev/zero")).unwrap_err().to_string().contains("a device"));
        assert!(write_atomically(&path, "x").unwrap_err().message.contains("a named pipe is in its place"));
        assert!(write_where_asked(&path, "x").unwrap_err().message.contains("without a reader"));
        assert!(write_where_asked(dir.path(), "x").is_err());
        let reader = std::thread::spawn({
            let path = path.clone();
            move || fs::read_to_string(path).unwrap()
        });
        let long = "x".repeat(300_000);
        while write_where_asked(&path, &long).is_err() {
            std::thread::yield_now();
        }
        assert_eq!(reader.join().unwrap(), long);
    }

    #[test]
    fn a_full_device_is_an_error_and_stays_a_device() {
        assert!(write_where_asked(Path::new("/dev/full"), "x").unwrap_err().message.contains("the disk is full"));
        assert!(write_where_asked(Path::new("/dev/null"), "x").is_ok());
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    }

    #[test]
    fn only_what_was_abandoned_is_taken_away() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        for name in [".new-a.rs-dead", ".new-a.rs-live", "new-a.rs", ".newer"] {
            fs::write(path(name), "x").unwrap();
        }
        let live = File::open(path(".new-a.rs-live")).unwrap();
        live.try_lock().unwrap();
        remove_leftovers(dir.path());
        let there = |name: &str| path(name).exists();
        assert_eq!([".new-a.rs-dead", ".new-a.rs-live", "new-a.rs", ".newer"].map(there), [false, true, true, true]);
    }

    #[test]
    fn a_scratch_folder_goes_with_its_owner_or_after_it() {
        let dir = tempfile::tempdir().unwrap();
        let killed = dir.path().join("splitbrain-killed");
        fs::create_dir(&killed).unwrap();
        fs::write(killed.join(".lock"), "").unwrap();
        fs::create_dir(dir.path().join("splitbrain-of-somebody")).unwrap();
        let live = Scratch::new_in(dir.path()).unwrap();
        fs::write(live.path().join("report"), "x").unwrap();
        let other = Scratch::new_in(dir.path()).unwrap();
        assert!(!killed.exists() && live.path().join("report").exists() && dir.path().join("splitbrain-of-somebody").exists());
        let path = other.path().to_owned();
        drop(other);
        assert!(!path.exists());
    }
}
