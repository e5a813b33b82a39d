//! The encoding of a prompt file: from its byte order mark, from the job file, or from its zero bytes; otherwise
//! UTF-8.
//!
//! The output is UTF-8. An invalid byte sequence becomes an invalid byte, so that the line with the fault can be
//! found.

use std::io::{self, BufRead, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::problem::WrongFile;

/// No UTF-8 text has this byte.
const MALFORMED: u8 = 0xff;
/// Bytes that are looked at to tell UTF-16 without a mark.
const LOOKED_AT: usize = 1024;

/// A text file being read.
pub(super) struct Text {
    /// Its text as UTF-8, without the mark.
    pub(super) input: Box<dyn BufRead>,
    /// What it is written in.
    pub(super) encoding: &'static Encoding,
    /// It begins with a byte order mark.
    pub(super) marked: bool,
}

/// The encoding of a name; none for names of none, and for those that no text should be read by.
pub(super) fn by_name(name: &str) -> Option<&'static Encoding> {
    let name =
        if name.eq_ignore_ascii_case("utf-16") || name.eq_ignore_ascii_case("utf16") { "utf-16le" } else { name };
    Encoding::for_label_no_replacement(name.replace('_', "-").as_bytes())
        .or_else(|| Encoding::for_label_no_replacement(name.as_bytes()))
}

/// Makes a file's text readable.
pub(super) fn open(
    mut file: Box<dyn BufRead>,
    said: Option<&'static Encoding>,
    name: &str,
) -> io::Result<Result<Text, WrongFile>> {
    let start = file.fill_buf()?;
    let mark = Encoding::for_bom(start);
    if let Some((marked, _)) = mark
        && let Some(said) = said.filter(|said| *said != marked)
    {
        let file = name.to_owned();
        return Ok(Err(WrongFile::EncodingMark { file, said: said.name(), mark: marked.name() }));
    }
    let encoding = mark.map(|(encoding, _)| encoding).or(said).or_else(|| without_mark(start)).unwrap_or(UTF_8);
    file.consume(mark.map_or(0, |(_, length)| length));
    let input: Box<dyn BufRead> = if encoding == UTF_8 {
        file
    } else {
        let decoder = encoding.new_decoder_without_bom_handling();
        Box::new(Decoded { file, decoder, text: vec![0; 16 * 1024], at: 0, end: 0, finished: false })
    };
    Ok(Ok(Text { input, encoding, marked: mark.is_some() }))
}

/// UTF-16 of mostly Latin text has a zero in every other byte, and any other text has none.
fn without_mark(start: &[u8]) -> Option<&'static Encoding> {
    let looked_at = &start[..start.len().min(LOOKED_AT) & !1];
    let zeros = |offset: usize| looked_at.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    let pairs = looked_at.len() / 2;
    match (zeros(0), zeros(1)) {
        (0, odd) if odd > 0 && odd * 2 >= pairs => Some(UTF_16LE),
        (even, 0) if even > 0 && even * 2 >= pairs => Some(UTF_16BE),
        _ => None,
    }
}

/// A file on its way to UTF-8.
struct Decoded {
    file: Box<dyn BufRead>,
    decoder: Decoder,
    text: Vec<u8>,
    at: usize,
    end: usize,
    finished: bool,
}

impl BufRead for Decoded {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.at == self.end && !self.finished {
            let bytes = self.file.fill_buf()?;
            let last = bytes.is_empty();
            // One byte of room is kept for what marks a malformed sequence.
            let headroom = self.text.len() - 1;
            let (result, read, written) =
                self.decoder.decode_to_utf8_without_replacement(bytes, &mut self.text[..headroom], last);
            self.file.consume(read);
            (self.at, self.end) = (0, written);
            match result {
                DecoderResult::InputEmpty => self.finished = last,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => {
                    self.text[written] = MALFORMED;
                    self.end += 1;
                }
            }
        }
        Ok(&self.text[self.at..self.end])
    }

    fn consume(&mut self, amount: usize) {
        self.at = self.end.min(self.at + amount);
    }
}

impl Read for Decoded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut text = self.fill_buf()?;
        let read = text.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}
