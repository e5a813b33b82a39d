//! What can be odd about an answer that is kept all the same.

use crate::product::named;

named! {
    /// What is odd about an answer that is kept all the same.
    Oddity {
        /// It is larger than what is read of a reply: only its first part is kept.
        TooLarge = "too_large",
        /// It ends in the middle, or its compression does.
        CutShort = "cut_short",
        /// It contains bytes that are not UTF-8.
        NotUtf8 = "not_utf8",
        /// It is not JSON: a bare `NaN`, a raw control character, or another thing that JSON does not have.
        NotJson = "not_json",
        /// A key occurs twice in one object.
        RepeatedKey = "repeated_key",
        /// It has other rows beside the one of its task.
        OddRows = "odd_rows",
        /// Its row has no readable code.
        NoCode = "no_code",
        /// It is finished, and its result is an empty list.
        EmptyResult = "empty_result",
        /// It is finished, and there is no result.
        NullResult = "null_result",
        /// Its result is not a list of objects.
        OddResult = "odd_result",
    }
}

impl Oddity {
    /// In words, behind "the answer".
    pub const fn words(self) -> &'static str {
        match self {
            Self::TooLarge => "is larger than what bursar reads; its first part is kept",
            Self::CutShort => "ends before it is whole",
            Self::NotUtf8 => "is not UTF-8 throughout",
            Self::NotJson => "is not JSON",
            Self::RepeatedKey => "has a key twice in one object",
            Self::OddRows => "came with rows of other tasks, or twice",
            Self::NoCode => "has no status code that can be read",
            Self::EmptyResult => "has an empty result",
            Self::NullResult => "has no result",
            Self::OddResult => "has a result that is no list of objects",
        }
    }

    /// How often in a row it has to arrive like this before it is accepted as final, if its bytes alone do not show
    /// that it is.
    pub const fn times(self) -> u32 {
        match self {
            // It may still be being written.
            Self::EmptyResult | Self::NullResult => 5,
            Self::TooLarge
            | Self::CutShort
            | Self::NotUtf8
            | Self::NotJson
            | Self::RepeatedKey
            | Self::OddRows
            | Self::NoCode
            | Self::OddResult => 3,
        }
    }
}
