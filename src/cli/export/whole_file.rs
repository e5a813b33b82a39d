//! A file that is complete or absent. What is not a regular file (a pipe, a device) is written to directly.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Written beside its place under another name, synced, and renamed.
pub(super) struct WholeFile {
    file: Option<BufWriter<File>>,
    /// Under which name it is written, and under which it stands in the end; `None`: straight to where it goes.
    names: Option<(PathBuf, PathBuf)>,
}

impl WholeFile {
    /// Begins one; what stands at its place stays until it is whole.
    pub(super) fn begin(place: &Path) -> anyhow::Result<Self> {
        let Some(name) = place.file_name().filter(|_| !place.is_dir()) else {
            return super::mistake(format!("--output `{}` names no file", place.display()));
        };
        let begun = if takes_the_place(place) {
            // The place that a link leads to, so that the link stays one.
            let place = fs::canonicalize(place).unwrap_or_else(|_| place.to_owned());
            let mut new = place.file_name().unwrap_or(name).to_owned();
            new.push(format!(".{}.part", std::process::id()));
            let beside = place.with_file_name(new);
            File::create(&beside).map(|file| (file, Some((beside, place))))
        } else {
            File::create(place).map(|file| (file, None))
        };
        match begun {
            Ok((file, names)) => Ok(Self { file: Some(BufWriter::new(file)), names }),
            Err(error) => super::mistake(format!("cannot write `{}`: {error}", place.display())),
        }
    }

    /// It is whole: it takes its place.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        if let Some(file) = self.file.take() {
            let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            if let Some((beside, place)) = &self.names {
                file.sync_all()?;
                fs::rename(beside, place)?;
                #[cfg(unix)]
                {
                    let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty());
                    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
                }
            }
        }
        Ok(())
    }
}

/// Whether a file can take this place: there is one, or nothing. A pipe or a device would be gone; and under `/dev` and
/// `/proc` also a name of an open file is no place for another.
fn takes_the_place(place: &Path) -> bool {
    let is_one_of_the_systems = ["/dev", "/proc"].iter().any(|folder| place.starts_with(folder));
    !is_one_of_the_systems && fs::metadata(place).map_or(true, |there| there.is_file())
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.file {
            Some(file) => file.write(bytes),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

/// What was not finished goes.
impl Drop for WholeFile {
    fn drop(&mut self) {
        if self.file.take().is_some()
            && let Some((beside, _)) = &self.names
            && let Err(error) = fs::remove_file(beside)
        {
            tracing::debug!(%error, "a half-written export stays behind");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_file_appears_only_when_complete() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("answers.jsonl");
        let mut file = WholeFile::begin(&place).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        fs::write(&place, "old").unwrap();
        let mut file = WholeFile::begin(&place).unwrap();
        file.write_all(b"new").unwrap();
        assert_eq!(fs::read(&place).unwrap(), b"old");
        file.finish().unwrap();
        drop(file);
        assert_eq!(fs::read(&place).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_written_to_and_stays_one() {
        use std::os::unix::fs::FileTypeExt;

        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("answers");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read(pipe).unwrap()
        });
        let mut file = WholeFile::begin(&pipe).unwrap();
        file.write_all(b"answers").unwrap();
        file.finish().unwrap();
        drop(file);
        assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
        assert_eq!(reader.join().unwrap(), b"answers");
        assert!(!takes_the_place(Path::new("/dev/null")));
        assert!(!takes_the_place(Path::new("/dev/stdout")));
    }

    #[cfg(unix)]
    #[test]
    fn an_export_replaces_the_target_of_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (link, place) = (folder.path().join("latest.jsonl"), folder.path().join("answers.jsonl"));
        fs::write(&place, "old").unwrap();
        std::os::unix::fs::symlink(&place, &link).unwrap();
        let mut file = WholeFile::begin(&link).unwrap();
        file.write_all(b"new").unwrap();
        assert_eq!(fs::read(&place).unwrap(), b"old");
        file.finish().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&place).unwrap(), b"new");
    }
}
