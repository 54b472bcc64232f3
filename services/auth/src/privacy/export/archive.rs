//! A ZIP archive that is taken away piece by piece while it is written.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use aws_lc_rs::digest::{Context, SHA256};
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;
use tokio::task::yield_now;
use zip::{
    CompressionMethod, DateTime, ZipWriter,
    result::ZipError,
    write::{SimpleFileOptions, StreamWriter},
};

/// What is taken at once.
const PIECE: usize = 64 * 1024;
/// What is compressed before others get their turn.
const TURN: usize = 16 * 1024;
/// Nobody but its owner reads what is unpacked.
const OWNER_ONLY: u32 = 0o600;

/// An archive under way.
pub(super) struct Archive {
    zip: Option<ZipWriter<StreamWriter<Pipe>>>,
    pipe: Pipe,
    made_at: Timestamp,
    file: Option<Begun>,
    written: Vec<Written>,
}

/// What a file looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Its records one after the other.
    Text,
    /// A record per line.
    Lines,
    /// A JSON array.
    List,
}

/// A file that is complete.
#[derive(Debug, Serialize)]
pub(super) struct Written {
    name: &'static str,
    /// How many records there are in it.
    records: u64,
    bytes: u64,
    sha256: String,
}

/// A file that is being written.
struct Begun {
    name: &'static str,
    shape: Shape,
    records: u64,
    bytes: u64,
    digest: Context,
}

/// What was written and not taken yet.
#[derive(Clone, Default)]
struct Pipe(Arc<Mutex<Vec<u8>>>);

/// Why an archive cannot be written.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum Error {
    #[error("no file is begun, or the archive is finished")]
    Closed,
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Zip(#[from] ZipError),
}

// === impl Archive ===

impl Archive {
    pub(super) fn new(made_at: Timestamp) -> Self {
        let pipe = Pipe::default();
        let zip = ZipWriter::new_stream(pipe.clone()).set_auto_large_file();
        Self { zip: Some(zip), pipe, made_at, file: None, written: Vec::new() }
    }

    pub(super) fn made_at(&self) -> Timestamp {
        self.made_at
    }

    /// The files that are complete.
    pub(super) fn written(&self) -> &[Written] {
        &self.written
    }

    pub(super) fn begin(&mut self, name: &'static str, shape: Shape) -> Result<(), Error> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(date_of(self.made_at))
            .unix_permissions(OWNER_ONLY);
        self.zip.as_mut().ok_or(Error::Closed)?.start_file(name, options)?;
        let digest = Context::new(&SHA256);
        self.file = Some(Begun { name, shape, records: 0, bytes: 0, digest });
        Ok(())
    }

    /// Adds a record to the file that was begun, and lets others have their turn
    /// meanwhile.
    pub(super) async fn record(&mut self, record: &[u8]) -> Result<(), Error> {
        let file = self.file.as_mut().ok_or(Error::Closed)?;
        let before = file.before();
        file.records += 1;
        self.write(before.as_bytes())?;
        for part in record.chunks(TURN) {
            self.write(part)?;
            yield_now().await;
        }
        let after = self.file.as_ref().map_or("", Begun::after);
        self.write(after.as_bytes())
    }

    /// Completes the file that was begun.
    pub(super) fn end(&mut self) -> Result<(), Error> {
        let end = self.file.as_ref().ok_or(Error::Closed)?.end();
        self.write(end.as_bytes())?;
        let file = self.file.take().ok_or(Error::Closed)?;
        self.written.push(file.into_written());
        Ok(())
    }

    /// Writes the index: after this the archive is whole.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        self.zip.take().ok_or(Error::Closed)?.finish()?;
        Ok(())
    }

    /// Takes a piece, or what there is if it is all.
    pub(super) fn take(&self, is_all: bool) -> Option<Vec<u8>> {
        let mut waiting = self.pipe.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_enough = waiting.len() >= PIECE || is_all && !waiting.is_empty();
        is_enough.then(|| {
            let length = PIECE.min(waiting.len());
            waiting.drain(..length).collect()
        })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let file = self.file.as_mut().ok_or(Error::Closed)?;
        file.digest.update(bytes);
        file.bytes += u64::try_from(bytes.len()).unwrap_or_default();
        Ok(self.zip.as_mut().ok_or(Error::Closed)?.write_all(bytes)?)
    }
}

impl std::fmt::Debug for Archive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Archive").field(&self.written).finish()
    }
}

// === impl Begun ===

impl Begun {
    /// What comes before a record.
    fn before(&self) -> &'static str {
        match (self.shape, self.records) {
            (Shape::Text | Shape::Lines, _) => "",
            (Shape::List, 0) => "[\n",
            (Shape::List, _) => ",\n",
        }
    }

    /// What comes after one.
    fn after(&self) -> &'static str {
        if self.shape == Shape::Lines { "\n" } else { "" }
    }

    /// What comes after all.
    fn end(&self) -> &'static str {
        match (self.shape, self.records) {
            (Shape::Text | Shape::Lines, _) => "",
            (Shape::List, 0) => "[]\n",
            (Shape::List, _) => "\n]\n",
        }
    }

    fn into_written(self) -> Written {
        let sha256 = hex(self.digest.finish().as_ref());
        Written { name: self.name, records: self.records, bytes: self.bytes, sha256 }
    }
}

// === impl Pipe ===

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// As `sha256sum` writes it.
fn hex(bytes: &[u8]) -> String {
    let digit = |number: u8| char::from_digit(number.into(), 16);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).flatten().collect()
}

/// A time as ZIP has it; the first that it knows if it does not know this one.
fn date_of(time: Timestamp) -> DateTime {
    let civil = time.to_zoned(TimeZone::UTC).datetime();
    let part = |number: i8| u8::try_from(number).unwrap_or_default();
    let (year, second) = (u16::try_from(civil.year()).unwrap_or_default(), part(civil.second()));
    let (month, day) = (part(civil.month()), part(civil.day()));
    let (hour, minute) = (part(civil.hour()), part(civil.minute()));
    DateTime::from_date_and_time(year, month, day, hour, minute, second).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read as _};

    use zip::ZipArchive;

    use super::*;

    async fn text_of(shape: Shape, records: &[&str]) -> String {
        let mut archive = Archive::new(Timestamp::UNIX_EPOCH);
        archive.begin("a", shape).unwrap();
        for record in records {
            archive.record(record.as_bytes()).await.unwrap();
        }
        archive.end().unwrap();
        archive.finish().unwrap();
        let mut zip = ZipArchive::new(Cursor::new(archive.take(true).unwrap())).unwrap();
        let mut text = String::new();
        zip.by_name("a").unwrap().read_to_string(&mut text).unwrap();
        let written = &archive.written()[0];
        assert_eq!(written.bytes, text.len() as u64);
        assert_eq!(written.records, records.len() as u64);
        text
    }

    #[tokio::test]
    async fn files_have_the_shape_that_was_asked_for() {
        for (shape, records, expected) in [
            (Shape::Text, &["a\n", "b"][..], "a\nb"),
            (Shape::Lines, &[], ""),
            (Shape::Lines, &["1", "2"], "1\n2\n"),
            (Shape::List, &[], "[]\n"),
            (Shape::List, &["1"], "[\n1\n]\n"),
            (Shape::List, &["1", "2"], "[\n1,\n2\n]\n"),
        ] {
            assert_eq!(text_of(shape, records).await, expected);
        }
    }

    #[tokio::test]
    async fn pieces_are_taken_while_more_is_written() {
        let mut archive = Archive::new(Timestamp::now());
        archive.begin("noise", Shape::Text).unwrap();
        let (mut taken, mut most) = (Vec::new(), 0);
        for _ in 0..64 {
            let mut noise = vec![0; TURN];
            aws_lc_rs::rand::fill(&mut noise).unwrap();
            archive.record(&noise).await.unwrap();
            while let Some(piece) = archive.take(false) {
                assert_eq!(piece.len(), PIECE);
                taken.extend(piece);
            }
            most = most.max(archive.pipe.0.lock().unwrap().len());
        }
        assert!(taken.len() > 512 * 1024 && most < PIECE, "{} {most}", taken.len());
        archive.end().unwrap();
        archive.finish().unwrap();
        while let Some(piece) = archive.take(true) {
            taken.extend(piece);
        }
        let mut zip = ZipArchive::new(Cursor::new(taken)).unwrap();
        let mut noise = Vec::new();
        zip.by_index(0).unwrap().read_to_end(&mut noise).unwrap();
        assert_eq!(noise.len(), 64 * TURN);
    }
}
