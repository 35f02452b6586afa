//! The grammar of quantities: a signed decimal number and a suffix.

use thiserror::Error;

use super::{Format, NANO, Quantity, pow10, shrink};

/// Why a text is no quantity.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ParseError {
    #[error(
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
    )]
    Format,
    #[error("unable to parse quantity's suffix")]
    Suffix,
}

/// Greater amounts are held at this power of ten, where nothing is counted.
const SCALE_MAX: i32 = 1_000;
/// Greater exponents are as good as this one.
const EXPONENT_MAX: i64 = 1_000_000;
/// As many digits fit into the amount whatever they are.
const DIGITS_MAX: usize = 38;
/// Texts with more digits than this are printed anew, as their value is kept in another form.
const SHOWN_DIGITS_MAX: usize = 18;
const BINARY_MAX: i128 = i64::MAX as i128;

pub(super) fn parse(text: &str) -> Result<Quantity, ParseError> {
    if text.is_empty() {
        return Err(ParseError::Format);
    }
    let parts = split(text)?;
    let (power_of_two, exponent, format) = suffix(parts.suffix).ok_or(ParseError::Suffix)?;
    let (mut amount, dropped) = digits(parts.whole, parts.fraction);
    let fraction = i32::try_from(parts.fraction.len()).unwrap_or(i32::MAX);
    let mut scale = exponent.saturating_sub(fraction).saturating_add(dropped);
    let sign = if parts.negative { -1 } else { 1 };
    let shown = is_shown(&parts, format, power_of_two, scale, amount);
    if power_of_two > 0 {
        // A binary amount beyond the greatest is the greatest, whatever its fraction.
        if let Some(product) = amount.checked_mul(1i128 << power_of_two) {
            amount = product;
        } else {
            (amount, scale) = (BINARY_MAX, 0);
        }
    }
    if amount == 0 {
        scale = 0;
    }
    while scale > 0 && amount % 10 == 0 && amount != 0 {
        (amount, scale) = (amount / 10, scale + 1);
    }
    scale = scale.min(SCALE_MAX);
    if scale < NANO {
        amount = shrink(amount, scale.abs_diff(NANO));
        scale = NANO;
    }
    let mut quantity = Quantity::new(amount, scale, format);
    if format == Format::BinarySi {
        if quantity > Quantity::new(BINARY_MAX, 0, format) {
            quantity = Quantity::new(BINARY_MAX, 0, format);
        }
        if quantity < Quantity::units(1) {
            quantity.format = Format::DecimalSi;
        }
    }
    quantity.amount *= sign;
    quantity.text = shown.then(|| text.into());
    Ok(quantity)
}

/// Whether the text is close enough to canonical to be printed again as it is.
fn is_shown(
    parts: &Parts<'_>,
    format: Format,
    power_of_two: u32,
    scale: i32,
    amount: i128,
) -> bool {
    let count = parts.whole.len() + parts.fraction.len();
    if amount == 0 {
        return false;
    }
    if format == Format::BinarySi {
        let digits_of_unit = (power_of_two as usize) * 3 / 10;
        return parts.fraction.is_empty() && count + digits_of_unit < 15 && amount % 8 != 0;
    }
    let last_three_are_zero = match parts.fraction.len() {
        0 => parts.whole.ends_with("000"),
        _ => format!("{}{}", parts.whole, parts.fraction).ends_with("000"),
    };
    count <= SHOWN_DIGITS_MAX
        && scale >= NANO
        && scale % 3 == 0
        && !last_three_are_zero
        && !parts.whole.starts_with('0')
}

struct Parts<'a> {
    negative: bool,
    /// Without leading zeros, and `0` where nothing is left.
    whole: &'a str,
    fraction: &'a str,
    suffix: &'a str,
}

fn split(text: &str) -> Result<Parts<'_>, ParseError> {
    let negative = text.starts_with('-');
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, rest) = take(unsigned.trim_start_matches('0'), |c| c.is_ascii_digit());
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => take(rest, |c| c.is_ascii_digit()),
        None => ("", rest),
    };
    let letters = |c: char| "eEinumkKMGTP".contains(c);
    let (_, after_letters) = take(rest, letters);
    let number = after_letters.strip_prefix(['-', '+']).unwrap_or(after_letters);
    if number.contains(|c: char| !c.is_ascii_digit()) {
        return Err(ParseError::Format);
    }
    let whole = if whole.is_empty() { "0" } else { whole };
    Ok(Parts { negative, whole, fraction, suffix: rest })
}

fn take(text: &str, rule: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !rule(c)).unwrap_or(text.len()))
}

/// The power of two, the power of ten and the notation that a suffix means.
fn suffix(text: &str) -> Option<(u32, i32, Format)> {
    let decimal = |exponent| Some((0, exponent, Format::DecimalSi));
    let binary = |power| Some((power, 0, Format::BinarySi));
    match text {
        "n" => decimal(-9),
        "u" => decimal(-6),
        "m" => decimal(-3),
        "" => decimal(0),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        "Ki" => binary(10),
        "Mi" => binary(20),
        "Gi" => binary(30),
        "Ti" => binary(40),
        "Pi" => binary(50),
        "Ei" => binary(60),
        _ => {
            let exponent: i64 = text.strip_prefix(['e', 'E'])?.parse().ok()?;
            let exponent = exponent.clamp(-EXPONENT_MAX, EXPONENT_MAX);
            Some((0, i32::try_from(exponent).ok()?, Format::DecimalExponent))
        }
    }
}

/// The digits as a number, and how many at the end did not fit (the last that fits is rounded up
/// for them).
fn digits(whole: &str, fraction: &str) -> (i128, i32) {
    let mut kept = 0i128;
    let (mut significant, mut dropped, mut lost) = (0, 0, false);
    for digit in whole.bytes().chain(fraction.bytes()).map(|c| i128::from(c - b'0')) {
        if significant < DIGITS_MAX {
            kept = kept * 10 + digit;
            significant += usize::from(kept != 0);
        } else {
            dropped += 1;
            lost |= digit != 0;
        }
    }
    debug_assert!(pow10(38).is_some_and(|max| kept < max), "38 digits fit");
    (kept + i128::from(lost), dropped)
}
