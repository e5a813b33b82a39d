//! A file that is there whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Written beside its place under another name, synced, and renamed.
pub(super) struct WholeFile {
    file: Option<BufWriter<File>>,
    beside: PathBuf,
    place: PathBuf,
}

impl WholeFile {
    /// Begins one; what stands at its place stays until it is whole.
    pub(super) fn begin(place: &Path) -> anyhow::Result<Self> {
        let Some(name) = place.file_name().filter(|_| !place.is_dir()) else {
            return super::mistake(format!("--output `{}` names no file", place.display()));
        };
        let mut new = name.to_owned();
        new.push(format!(".{}.part", std::process::id()));
        let beside = place.with_file_name(new);
        match File::create(&beside) {
            Ok(file) => Ok(Self { file: Some(BufWriter::new(file)), beside, place: place.to_owned() }),
            Err(error) => super::mistake(format!("cannot write `{}`: {error}", place.display())),
        }
    }

    /// It is whole: it takes its place.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        if let Some(file) = self.file.take() {
            file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
            fs::rename(&self.beside, &self.place)?;
            #[cfg(unix)]
            {
                let folder = self.place.parent().filter(|folder| !folder.as_os_str().is_empty());
                File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
            }
        }
        Ok(())
    }
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
            && let Err(error) = fs::remove_file(&self.beside)
        {
            tracing::debug!(%error, "a half-written export stays behind");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_written_file_is_never_taken_for_a_whole_one() {
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
}
