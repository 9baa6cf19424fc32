//! A small file that is there whole, the old one or the new one, whenever the plug is pulled.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, chown};
use std::path::Path;

/// Writes beside the file, has it on the disk, and puts it in the file's place. It belongs to whom
/// its folder belongs to.
///
/// # Errors
/// Where it cannot be written; the old one is still there then.
pub(super) fn write(file: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let beside = file.with_extension("new");
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut new = File::options()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&beside)?;
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let (whose, mine) = (folder.metadata()?, new.metadata()?);
    if (whose.uid(), whose.gid()) != (mine.uid(), mine.gid()) && mine.uid() == 0 {
        chown(&beside, Some(whose.uid()), Some(whose.gid()))?;
    }
    new.write_all(content)?;
    new.sync_all()?;
    fs::rename(&beside, file)?;
    File::open(folder)?.sync_all()
}
