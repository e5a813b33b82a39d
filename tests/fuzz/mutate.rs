//! Mutations on which parsers have failed: bits, cuts, splices, repeated sections, huge numbers, deep nesting, text
//! that is not UTF-8.

/// No input is longer.
const LONGEST: usize = 64 * 1024;

/// Values that stand at the edge of something.
const EDGES: &[&[u8]] = &[
    b"null",
    b"true",
    b"-1",
    b"0",
    b"0.0",
    b"-0",
    b"1e400",
    b"1e-400",
    b"1E9999999999",
    b"9223372036854775807",
    b"9223372036854775808",
    b"-9223372036854775808",
    b"18446744073709551616",
    b"0.0000000005",
    b"4294967296",
    b"\"\"",
    b"[]",
    b"{}",
    b"\"\\u0000\"",
    b"\"\\ud800\"",
    b"\\",
    b"\"",
    b"'''",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xf0\x9f\x92",
    b"\xef\xbb\xbf",
    b"\0",
    b"\x1b[31m",
    b"\xe2\x80\xae",
    b"\r",
    b"\r\n",
    b"\n\n",
    b"#",
    b",",
    b"=",
    b"..",
    b"%00",
];

/// One of the pool, changed up to six times.
pub(crate) fn mutated(pool: &[Vec<u8>], words: &[&str], rng: &mut fastrand::Rng) -> Vec<u8> {
    let mut input = pool[rng.usize(..pool.len())].clone();
    for _ in 0..rng.usize(1..=6) {
        change(&mut input, pool, words, rng);
        input.truncate(LONGEST);
    }
    input
}

fn change(input: &mut Vec<u8>, pool: &[Vec<u8>], words: &[&str], rng: &mut fastrand::Rng) {
    let (from, to) = span(input.len(), rng);
    match rng.u8(0..13) {
        0 if !input.is_empty() => input[from.min(to.saturating_sub(1))] ^= 1 << rng.u8(0..8),
        1 if !input.is_empty() => input[from.min(to.saturating_sub(1))] = rng.u8(..),
        2 => drop(input.drain(from..to)),
        3 => input.truncate(from),
        4 => insert(input, from, &vec![rng.u8(..); rng.usize(1..16)]),
        5 | 6 => insert(input, from, EDGES[rng.usize(..EDGES.len())]),
        7 => insert(input, from, words[rng.usize(..words.len())].as_bytes()),
        8 => {
            // A section said again, up to many times.
            let section = input[from..to].to_vec();
            let times = if rng.u8(0..8) == 0 { rng.usize(1..400) } else { 1 };
            insert(input, to, &section.repeat(times.min(LONGEST / section.len().max(1))));
        }
        9 => {
            let other = &pool[rng.usize(..pool.len())];
            let (start, end) = span(other.len(), rng);
            input.splice(from..to, other[start..end].iter().copied());
        }
        10 => {
            let nest: &[u8] = [&b"["[..], b"{\"a\":", b"[[", b"(", b"{ a = "][rng.usize(..5)];
            insert(input, from, &nest.repeat(rng.usize(1..4_000)));
        }
        11 => number(input, from, rng),
        _ => line_again(input, from, rng),
    }
}

fn span(length: usize, rng: &mut fastrand::Rng) -> (usize, usize) {
    let from = rng.usize(..=length);
    let most = if rng.bool() { 8 } else { length };
    (from, (from + rng.usize(..=most)).min(length))
}

fn insert(input: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    input.splice(at..at, bytes.iter().copied());
}

/// The number at or behind a place becomes another.
fn number(input: &mut Vec<u8>, from: usize, rng: &mut fastrand::Rng) {
    let Some(start) = input[from..].iter().position(u8::is_ascii_digit).map(|off| from + off) else { return };
    let digit = |byte: &u8| !(byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'-' | b'+'));
    let end = input[start..].iter().position(digit).map_or(input.len(), |off| start + off);
    let other = match rng.u8(0..4) {
        0 => "9".repeat(rng.usize(1..400)),
        1 => format!("{}e-{}", rng.u32(..), rng.u16(..)),
        2 => format!("0.{}1", "0".repeat(rng.usize(0..40))),
        _ => rng.u32(0..60_000).to_string(),
    };
    input.splice(start..end, other.into_bytes());
}

/// The line around a place comes once more, somewhere.
fn line_again(input: &mut Vec<u8>, at: usize, rng: &mut fastrand::Rng) {
    let start = input[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |off| off + 1);
    let end = input[at..].iter().position(|byte| *byte == b'\n').map_or(input.len(), |off| at + off + 1);
    let line = input[start..end].to_vec();
    let place = rng.usize(..=input.len());
    insert(input, place, &line);
}
