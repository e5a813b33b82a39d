//! The bytes of a TOML file as text: UTF-8, or a mistake at the first byte that is none, with what the file seems to be.

use std::path::Path;

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::lex::line_around;
use super::secret_in;
use crate::magic::format_of;
use crate::problem::{Place, Problem, Problems, Spot, Wrong, WrongFile};

/// The text of a job file or a config.
///
/// # Errors
/// It is no UTF-8.
pub(crate) fn decode_toml(path: &Path, bytes: Vec<u8>) -> Result<String, Problems> {
    let wrong = match format_of(&bytes) {
        Some((what, _)) => Some(Wrong::File(WrongFile::NotToml { what })),
        None => utf_16(&bytes).map(|encoding| Wrong::NotTomlText { encoding: Some(encoding.name()), byte: None }),
    };
    if let Some(wrong) = wrong {
        return Err(at(path, "", 0..0, wrong));
    }
    let (bytes, valid) = match String::from_utf8(bytes) {
        Ok(text) => return Ok(text),
        Err(error) => (error.as_bytes().to_vec(), error.utf8_error().valid_up_to()),
    };
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    let line = line_around(&text, valid);
    if secret_in(&text[line.clone()]).is_some() {
        // The line is not shown; its bytes stay, and so does the place.
        text.replace_range(valid..line.end, &"*".repeat(line.end - valid));
        text.replace_range(line.start..valid, &"*".repeat(valid - line.start));
    }
    let encoding = is_latin(&bytes).then(|| WINDOWS_1252.name());
    let wrong = Wrong::NotTomlText { encoding, byte: bytes.get(valid).copied() };
    let end = text.ceil_char_boundary(valid + 1);
    Err(at(path, &text, valid..end, wrong))
}

fn at(path: &Path, text: &str, span: std::ops::Range<usize>, wrong: Wrong) -> Problems {
    let before = &text[..span.start];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let place = Place { file: path.to_owned(), line, column, what: Spot::Bytes(span) };
    Problems::new(path, text, vec![Problem::new(place, wrong)])
}

/// By its byte order mark, or by the zeros of its letters.
fn utf_16(bytes: &[u8]) -> Option<&'static Encoding> {
    let marked = Encoding::for_bom(bytes).map(|(encoding, _)| encoding);
    let by_zeros = || match bytes {
        [first, 0, ..] if *first != 0 => Some(UTF_16LE),
        [0, second, ..] if *second != 0 => Some(UTF_16BE),
        _ => None,
    };
    marked.filter(|encoding| *encoding == UTF_16LE || *encoding == UTF_16BE).or_else(by_zeros)
}

/// Single letters beyond ASCII between others, as in a Western European language: other encodings have them in rows.
fn is_latin(bytes: &[u8]) -> bool {
    let is_high = |byte: Option<&u8>| byte.is_some_and(|byte| *byte >= 0x80);
    let high = (0..bytes.len()).filter(|at| is_high(bytes.get(*at)));
    let (mut single, mut all) = (0, 0);
    for at in high {
        all += 1;
        let in_a_row = is_high(bytes.get(at + 1)) || at > 0 && is_high(bytes.get(at - 1));
        single +=
            usize::from(!in_a_row && (bytes[at] >= 0xc0 || matches!(bytes[at], 0x80 | 0x91..=0x97 | 0xa0..=0xbf)));
    }
    single * 4 >= all * 3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(bytes: &[u8]) -> String {
        let problems = decode_toml(Path::new("job.toml"), bytes.to_vec()).unwrap_err();
        let problem = problems.iter().next().unwrap();
        format!("{} {} | {}", problem.at, problem.what, problem.help)
    }

    #[test]
    fn the_first_byte_that_is_no_utf_8_has_a_place() {
        let by_default = "save it as UTF-8, in Notepad by `Save as` with `Encoding: UTF-8`";
        assert_eq!(
            said(b"name = \"a\"\n# f\xfcr K\xf6ln\n"),
            format!(
                "job.toml:2:4 this file is not UTF-8: the byte 0xFC here is none; it seems to be windows-1252 | {by_default}, or by \
                 `iconv -f windows-1252 -t UTF-8 OLD > NEW`"
            )
        );
        assert_eq!(
            said(b"name = \"\x8d\xc5\x8d\x82\"\n"),
            format!("job.toml:1:9 this file is not UTF-8: the byte 0x8D here is none | {by_default}")
        );
        let utf_16: Vec<u8> = "name = \"a\"".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let marked = [&[0xff, 0xfe], &utf_16[..]].concat();
        for bytes in [utf_16, marked] {
            assert_eq!(
                said(&bytes),
                format!(
                    "job.toml:1:1 this file is UTF-16LE, and a job file or a config is UTF-8 | {by_default}, or by \
                     `iconv -f UTF-16LE -t UTF-8 OLD > NEW`"
                )
            );
        }
        assert_eq!(
            said(b"PK\x03\x04rest"),
            "job.toml:1:1 this file is a zip archive or an Excel workbook, not a job file or a config | name the TOML file"
        );
    }

    #[test]
    fn a_line_with_a_secret_is_not_shown() {
        let problems = decode_toml(Path::new("bursar.toml"), b"password = \"h\xfcnter2\"\n".to_vec()).unwrap_err();
        let shown = problems.render(false);
        assert!(shown.contains("bursar.toml:1:14") && !shown.contains("nter2"), "{shown}");
    }
}
