//! Amounts such as `500m` or `1Gi`: parsing, printing in the canonical form, comparison and
//! arithmetic.
//!
//! A quantity is a whole number times a power of ten, kept exactly, and remembers in which of three
//! notations it was written. Printing chooses the largest suffix that leaves no fraction: `1000m`
//! is `1`, `0.5` is `500m`, `1024Mi` is `1Gi`. As in Kubernetes a text that is nearly canonical
//! (`1.500`, `+5`) is shown as it was written, fractions finer than a billionth are rounded away
//! from zero, and binary amounts end at 2⁶³-1. Amounts of more than 38 digits lose the digits
//! beyond. See <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>.

mod parse;

use std::cmp::Ordering;
use std::fmt;

pub use parse::ParseError;

/// The notation that a quantity was written in and is printed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// `1e3`
    DecimalExponent,
    /// `1Ki`
    BinarySi,
    /// `1k`
    #[default]
    DecimalSi,
}

/// An exact amount.
#[derive(Clone, Debug, Default)]
pub struct Quantity {
    amount: i128,
    /// The amount counts in tens to this power.
    scale: i32,
    format: Format,
    /// The text it was parsed from where that is printed again.
    text: Option<Box<str>>,
}

/// Smaller fractions than a billionth are rounded up.
const NANO: i32 = -9;

impl Quantity {
    pub const fn new(amount: i128, scale: i32, format: Format) -> Self {
        Self { amount, scale, format, text: None }
    }

    /// A whole number of units, as counts are written.
    pub const fn units(amount: i64) -> Self {
        Self::new(amount as i128, 0, Format::DecimalSi)
    }

    /// Thousandths, as processor time is written.
    pub const fn from_millis(amount: i64) -> Self {
        Self::new(amount as i128, -3, Format::DecimalSi)
    }

    /// A number of bytes, as memory is written.
    pub const fn bytes(amount: i64) -> Self {
        Self::new(amount as i128, 0, Format::BinarySi)
    }

    pub fn parse(text: &str) -> Result<Self, ParseError> {
        parse::parse(text)
    }

    pub const fn format(&self) -> Format {
        self.format
    }

    pub const fn is_zero(&self) -> bool {
        self.amount == 0
    }

    pub const fn is_negative(&self) -> bool {
        self.amount < 0
    }

    /// In whole units, rounded away from zero and held within the range.
    pub fn value(&self) -> i64 {
        self.scaled(0)
    }

    /// In thousandths, rounded away from zero and held within the range.
    pub fn millis(&self) -> i64 {
        self.scaled(-3)
    }

    /// In tens to the given power, rounded away from zero and held within the range.
    pub fn scaled(&self, scale: i32) -> i64 {
        let amount = if self.scale >= scale {
            let shifted = u32::try_from(self.scale - scale)
                .ok()
                .and_then(pow10)
                .and_then(|factor| self.amount.checked_mul(factor));
            shifted.unwrap_or(if self.amount < 0 { i128::MIN } else { i128::MAX })
        } else {
            shrink(self.amount, self.scale.abs_diff(scale))
        };
        let held = amount.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        i64::try_from(held).unwrap_or(i64::MAX)
    }

    /// The nearest floating-point number.
    #[expect(clippy::cast_precision_loss, reason = "an approximation is asked for")]
    pub fn approximate(&self) -> f64 {
        self.amount as f64 * 10f64.powi(self.scale)
    }

    /// The sum, in the notation of the first that is not zero.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let (a, b, scale) = aligned(self, other);
        Self::new(a.saturating_add(b), scale, self.format_with(other))
    }

    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        let (a, b, scale) = aligned(self, other);
        Self::new(a.saturating_sub(b), scale, self.format_with(other))
    }

    #[must_use]
    pub fn times(&self, factor: i64) -> Self {
        let amount = self.amount.saturating_mul(i128::from(factor));
        Self::new(amount, self.scale, self.format)
    }

    const fn format_with(&self, other: &Self) -> Format {
        if self.is_zero() { other.format } else { self.format }
    }

    fn is_whole(&self) -> bool {
        self.counts_in(0)
    }

    /// Whether it is a whole number of tens to the given power.
    pub fn counts_in(&self, scale: i32) -> bool {
        self.scale >= scale
            || pow10(self.scale.abs_diff(scale)).is_some_and(|by| self.amount % by == 0)
    }

    fn write_decimal(&self, f: &mut fmt::Formatter<'_>, format: Format) -> fmt::Result {
        let (mut amount, mut scale) = (self.amount, self.scale);
        while amount % 10 == 0 {
            amount /= 10;
            scale += 1;
        }
        // The suffixes count in thousands, and end at 10¹⁸; what is between is written as zeros.
        let zeros = match format {
            Format::DecimalSi if scale > 18 => scale - 18,
            _ => scale.rem_euclid(3),
        };
        scale -= zeros;
        write!(f, "{amount}")?;
        for _ in 0..zeros {
            f.write_str("0")?;
        }
        if format == Format::DecimalExponent {
            return if scale == 0 { Ok(()) } else { write!(f, "e{scale}") };
        }
        f.write_str(match scale {
            -9 => "n",
            -6 => "u",
            -3 => "m",
            3 => "k",
            6 => "M",
            9 => "G",
            12 => "T",
            15 => "P",
            18 => "E",
            _ => "",
        })
    }

    fn write_binary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SUFFIXES: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
        let (mut amount, mut power) = (self.scaled(0), 0);
        while amount % 1024 == 0 && power + 1 < SUFFIXES.len() {
            amount /= 1024;
            power += 1;
        }
        write!(f, "{amount}{}", SUFFIXES[power])
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = &self.text {
            return f.write_str(text);
        }
        if self.is_zero() {
            return f.write_str("0");
        }
        let kilo = Self::units(1024);
        let magnitude = Self::new(self.amount.saturating_abs(), self.scale, self.format);
        match self.format {
            Format::BinarySi if magnitude < kilo || !self.is_whole() => {
                self.write_decimal(f, Format::DecimalSi)
            }
            Format::BinarySi => self.write_binary(f),
            decimal => self.write_decimal(f, decimal),
        }
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.scale == other.scale {
            return self.amount.cmp(&other.amount);
        }
        if self.scale < other.scale {
            return other.cmp(self).reverse();
        }
        // Both in the finer scale; where that does not fit, the coarser one is beyond any number
        // that does.
        let finer = pow10(self.scale.abs_diff(other.scale))
            .and_then(|factor| self.amount.checked_mul(factor));
        match finer {
            Some(amount) => amount.cmp(&other.amount),
            None => self.amount.cmp(&0),
        }
    }
}

/// Ten to the power, if it fits.
fn pow10(power: u32) -> Option<i128> {
    10i128.checked_pow(power)
}

/// Divides by ten to the power and rounds away from zero.
fn shrink(amount: i128, power: u32) -> i128 {
    let Some(divisor) = pow10(power) else { return amount.signum() };
    let (whole, rest) = (amount / divisor, amount % divisor);
    whole + rest.signum()
}

/// Both in one scale: the finer one, or a coarser one if numbers would not fit.
fn aligned(a: &Quantity, b: &Quantity) -> (i128, i128, i32) {
    if a.is_zero() || b.is_zero() {
        let scale = if a.is_zero() { b.scale } else { a.scale };
        return (a.amount, b.amount, scale);
    }
    if a.scale < b.scale {
        let (b, a, scale) = aligned(b, a);
        return (a, b, scale);
    }
    let (mut coarse, mut scale) = (a.amount, a.scale);
    while scale > b.scale {
        let Some(finer) = coarse.checked_mul(10) else { break };
        (coarse, scale) = (finer, scale - 1);
    }
    (coarse, shrink(b.amount, scale.abs_diff(b.scale)), scale)
}

#[cfg(test)]
mod tests;
