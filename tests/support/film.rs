//! Films made by ffmpeg: a coded minute, repeated until its tables are as long as a real film's.

use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) fn ffmpeg(arguments: &str, out: &Path) {
    let status = Command::new("ffmpeg")
        .args("-nostdin -v error -y".split_whitespace())
        .args(arguments.split_whitespace())
        .arg(out)
        .status()
        .expect("ffmpeg is needed: scripts/test installs it");
    assert!(status.success(), "ffmpeg {arguments}");
}

/// A minute of H.264, with B pictures that move about and a key frame every two seconds, and AAC.
pub(crate) struct Minute(PathBuf);

impl Minute {
    /// Codes it into a folder: pictures of this size, and as these options of ffmpeg say.
    pub(crate) fn new(folder: &Path, size: &str, how: &str) -> Self {
        let path = folder.join("minute.mp4");
        let coded = format!(
            "-f lavfi -i testsrc2=s={size}:r=24:d=60 -f lavfi -i sine=r=48000:d=60 \
             -c:v libx264 -preset veryfast -g 48 -bf 3 -threads 1 -c:a aac {how}"
        );
        ffmpeg(&coded, &path);
        Self(path)
    }

    /// A film of so many of them in the same folder, muxed as these options say.
    pub(crate) fn film(&self, minutes: u32, name: &str, how: &str) -> PathBuf {
        let path = self.0.with_file_name(name);
        let (again, minute) = (minutes - 1, self.0.display());
        ffmpeg(
            &format!("-stream_loop {again} -i {minute} -c copy {how}"),
            &path,
        );
        path
    }
}
