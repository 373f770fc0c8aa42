//! File events of Linux (inotify). Folders are watched, not files: an editor that saves by renaming puts another file in the
//! old one's place.

use crate::cli::runtime::readable;
use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init};
use rustix::fs::statfs;
use std::collections::BTreeMap;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use tokio::io::unix::AsyncFd;

/// The events of the folders of some files.
pub struct Events {
    queue: AsyncFd<OwnedFd>,
    /// Files by the watched folder (its number) and their name.
    files: BTreeMap<(i32, Vec<u8>), usize>,
}

/// A text is whole when its file is closed or takes its place; and a file may go.
fn wanted() -> WatchFlags {
    WatchFlags::CLOSE_WRITE | WatchFlags::MOVED_TO | WatchFlags::MOVED_FROM | WatchFlags::DELETE | WatchFlags::ONLYDIR
}

impl Events {
    /// Listens from now on.
    ///
    /// # Errors
    /// Why there are no events.
    pub fn of(paths: &[PathBuf]) -> Result<Events, String> {
        let queue = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).map_err(|e| format!("the system gives no file events ({e})"))?;
        let queue = readable(queue).map_err(|e| format!("cannot wait for file events ({e})"))?;
        let mut events = Events { queue, files: BTreeMap::new() };
        for (i, path) in paths.iter().enumerate() {
            if let Err(e) = events.watch(i, path)
                && e != rustix::io::Errno::NOENT
            {
                return Err(match e {
                    rustix::io::Errno::NOSPC => "the system's limit of watched folders is reached (fs.inotify.max_user_watches)".to_owned(),
                    e => format!("the system gives no file events ({e})"),
                });
            }
        }
        Ok(events)
    }

    fn watch(&mut self, i: usize, path: &Path) -> Result<(), rustix::io::Errno> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
        let number = add_watch(self.queue.get_ref(), folder, wanted())?;
        self.files.insert((number, name.as_bytes().to_vec()), i);
        Ok(())
    }

    /// Watches folders again that were replaced. One that is watched already keeps its number.
    pub fn renew(&mut self, paths: &[PathBuf]) {
        for (i, path) in paths.iter().enumerate() {
            // A folder that is not there now is tried again with the next look.
            let _ = self.watch(i, path);
        }
    }

    /// The files that events tell of. Nothing is lost if this is dropped.
    ///
    /// # Errors
    /// If the system takes the events back.
    pub async fn next(&mut self) -> io::Result<Vec<usize>> {
        self.queue.readable().await?.clear_ready();
        self.waiting()
    }

    /// The files of the events that are there already.
    ///
    /// # Errors
    /// If the system takes the events back.
    pub fn waiting(&mut self) -> io::Result<Vec<usize>> {
        let mut found = Vec::new();
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(self.queue.get_ref(), &mut buffer);
        loop {
            match reader.next() {
                Ok(event) if event.events().contains(ReadFlags::QUEUE_OVERFLOW) => found.extend(self.files.values()),
                Ok(event) => {
                    let name = event.file_name().map(|name| name.to_bytes().to_vec()).unwrap_or_default();
                    found.extend(self.files.get(&(event.wd(), name)));
                }
                Err(rustix::io::Errno::WOULDBLOCK) => break,
                Err(rustix::io::Errno::INTR) => {}
                Err(e) => return Err(e.into()),
            }
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }
}

/// The name of a file system from which no events come when somebody else writes there: those of networks, of a host that
/// shares a folder with a virtual machine, of Windows under WSL.
pub fn unreliable(path: &Path) -> Option<&'static str> {
    let found = path.ancestors().find_map(|path| statfs(path).ok())?;
    match u32::try_from(found.f_type & 0xffff_ffff).ok()? {
        0x6969 => Some("NFS"),
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => Some("SMB"),
        0x0102_1997 => Some("9p"),
        0x6573_5546 => Some("FUSE"),
        0x786f_4256 => Some("vboxsf"),
        0xbacb_acbc => Some("vmhgfs"),
        0x5346_414f => Some("AFS"),
        0x00c3_6400 => Some("Ceph"),
        _ => None,
    }
}
