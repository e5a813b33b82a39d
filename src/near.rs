//! Words that are nearly another one: what a typing error was probably meant to be.

/// The known word that `word` was probably meant to be.
pub(crate) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    // Nobody mistypes a word this long; comparing it would be slow.
    if word.len() > 64 {
        return None;
    }
    let word = word.to_lowercase();
    let allowed = (word.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|candidate| (distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        // Of equally near ones the one that begins alike.
        .min_by_key(|(distance, candidate)| (*distance, usize::MAX - common_start(&word, candidate)))
        .map(|(_, candidate)| candidate)
}

fn common_start(word: &str, candidate: &str) -> usize {
    word.chars().zip(candidate.to_lowercase().chars()).take_while(|(one, other)| one == other).count()
}

/// True where one letter was inserted, left out, replaced or swapped with its neighbour.
pub(crate) fn is_one_letter_off(word: &str, name: &str) -> bool {
    word.len().abs_diff(name.len()) <= 3 && word.chars().next() == name.chars().next() && distance(word, name) == 1
}

/// How many letters to insert, remove, replace or swap with their neighbour to get from one word to the other.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut rows = vec![(0..=to.len()).collect::<Vec<_>>()];
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let mut least = (rows[i][j] + usize::from(a != b)).min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == to[j - 1] && from[i - 1] == *b {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_near_when_few_letters_differ() {
        let known = ["weight", "repeats", "file"];
        assert_eq!(nearest("wieght", known), Some("weight"));
        assert_eq!(nearest("Repeat", known), Some("repeats"));
        assert_eq!(nearest("fiel", known), Some("file"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("", known), None);
        assert_eq!(distance("", "abc"), 3);
    }
}
