//! Money, in whole nano-dollars.
//!
//! An amount that a person writes is exact or refused. A provider's figure is read from the digits of its JSON text
//! and rounded half to even at the nano-dollar. No float is ever involved. `price` knows what things cost.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Sub, SubAssign};
use std::str::FromStr;

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

use crate::rule::Rule;

/// Nano-dollars in a dollar.
const NANOS_PER_USD: i64 = 1_000_000_000;

/// An amount of US dollars, exact to the nano-dollar; about ±9.2 billion dollars fit.
///
/// Sums and differences panic on overflow (as `overflow-checks` make every release do): a ledger that holds more
/// than nine billion dollars is a bug, and a crash is what bursar recovers from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i64);

/// Text that is not an exact amount of dollars.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an amount of dollars: write decimal text such as \"12.50\", with at most nine decimals")]
pub struct MoneyError {
    /// The text as written.
    pub text: String,
}

impl Money {
    /// Zero.
    pub const ZERO: Self = Self(0);
    /// The greatest amount; stands for "no cap".
    pub const MAX: Self = Self(i64::MAX);

    /// From whole nano-dollars.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// In whole nano-dollars.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// True for exactly zero.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum, or [`Money::MAX`] if it does not fit.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The product, or [`Money::MAX`] if it does not fit: for prices times counts that a person chose.
    #[must_use]
    pub fn saturating_mul(self, times: u64) -> Self {
        Self(i64::try_from(times).map_or(i64::MAX, |times| self.0.saturating_mul(times)))
    }

    /// The difference, or zero if `other` is greater.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0).max(0))
    }

    /// Reads a provider's figure from its JSON digits (`0.0012`, `6e-05`, `0.0024000000000000002`), rounded half to even
    /// to the nano-dollar.
    ///
    /// # Errors
    /// The text is no number, or one that no bill can hold.
    pub fn from_json_digits(text: &str) -> Result<Self, MoneyError> {
        let text = text.trim();
        let usd = if Rule::ExactMoney.is_kept() {
            Decimal::from_str(text).or_else(|_| Decimal::from_scientific(text)).ok()
        } else {
            text.parse().ok().and_then(Decimal::from_f64_retain)
        };
        usd.and_then(|usd| usd.checked_mul(NANOS_PER_USD.into()))
            .map(|nanos| nanos.round_dp_with_strategy(0, RoundingStrategy::MidpointNearestEven))
            .and_then(|nanos| nanos.to_i64())
            .map(Self)
            .ok_or_else(|| MoneyError { text: text.to_owned() })
    }

    /// The amount as plain decimal text, with at least two decimals and no more than it needs: `12.50`, `0.0012`.
    pub fn decimal(self) -> String {
        let text = Decimal::from_i128_with_scale(self.0.into(), 9).normalize();
        if text.scale() < 2 { format!("{text:.2}") } else { text.to_string() }
    }
}

/// What a person writes: exact to the nano-dollar, never negative, or refused.
impl FromStr for Money {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let refused = || MoneyError { text: text.to_owned() };
        if !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') || !text.bytes().any(|b| b.is_ascii_digit())
        {
            return Err(refused());
        }
        Decimal::from_str_exact(text)
            .ok()
            .and_then(|usd| usd.checked_mul(NANOS_PER_USD.into()))
            .filter(Decimal::is_integer)
            .and_then(|nanos| nanos.to_i64())
            .map(Self)
            .ok_or_else(refused)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        f.pad(&format!("{sign}${}", Self(self.0.saturating_abs()).decimal()))
    }
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.checked_add(other.0).expect("more money than a ledger can hold"))
    }
}

impl Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.checked_sub(other.0).expect("less money than a ledger can hold"))
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Money {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Mul<u64> for Money {
    type Output = Self;
    fn mul(self, times: u64) -> Self {
        let times = i64::try_from(times).expect("a count that fits");
        Self(self.0.checked_mul(times).expect("more money than a ledger can hold"))
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_writes_is_exact_or_refused() {
        for (text, nanos) in
            [("12.50", 12_500_000_000), ("20", 20_000_000_000), ("0.000000001", 1), (".5", 500_000_000)]
        {
            assert_eq!(text.parse::<Money>(), Ok(Money(nanos)), "{text}");
        }
        for text in ["", ".", "0.0000000001", "1e3", "-1", "+1", "$5", "1,000", "1_000", "9999999999999", "NaN", " 1"] {
            assert!(text.parse::<Money>().is_err(), "{text:?} must be refused");
        }
    }

    #[test]
    fn provider_digits_are_rounded_half_to_even() {
        for (text, nanos) in [
            ("0.0012", 1_200_000),
            ("6e-05", 60_000),
            ("1.2E-3", 1_200_000),
            ("0.0024000000000000002", 2_400_000),
            ("0", 0),
            ("0.0000000005", 0),
            ("0.0000000015", 2),
            ("-0.01", -10_000_000),
        ] {
            assert_eq!(Money::from_json_digits(text), Ok(Money(nanos)), "{text}");
        }
        for text in ["\"0.1\"", "null", "1e400", ""] {
            assert!(Money::from_json_digits(text).is_err(), "{text} must be refused");
        }
    }

    #[test]
    fn amounts_are_shown_with_the_decimals_they_need() {
        for (nanos, shown) in
            [(12_500_000_000, "$12.50"), (1_200_000, "$0.0012"), (0, "$0.00"), (-10_000_000, "-$0.01")]
        {
            assert_eq!(Money(nanos).to_string(), shown);
        }
    }

    proptest::proptest! {
        #[test]
        fn money_survives_being_written_and_read(nanos in 0..i64::MAX) {
            let money = Money(nanos);
            proptest::prop_assert_eq!(money.decimal().parse::<Money>(), Ok(money));
            proptest::prop_assert_eq!(Money::from_json_digits(&money.decimal()), Ok(money));
        }
    }
}
