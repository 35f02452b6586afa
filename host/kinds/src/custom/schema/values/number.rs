//! Numbers: their bounds and factors, and which of them are integers.
//!
//! Bounds are kept as floating point, and compared with an integer after they were cut to one, as Kubernetes does.

#![expect(
    clippy::cast_possible_truncation,
    clippy::float_cmp,
    reason = "numbers are compared as Kubernetes compares them"
)]

use meta::Tree;
use meta::field::BadValue;
use serde_json::Number;

use super::shown::float;
use super::{Outcome, Walk, bad_value};
use crate::custom::schema::formats::Format;
use crate::custom::schema::node::{Node, Type};

/// Beyond this not every integer is a floating point number.
const EXACT_MAX: f64 = 9_007_199_254_740_991.0;
/// Numbers that differ by less, in proportion, count as equal.
const TOLERANCE: f64 = 1e-9;

/// Whether the value is an integer, or so near one that the difference may be a matter of rounding.
pub(super) fn is_integer(value: &Tree) -> bool {
    match value {
        Tree::Number(number) if number.is_f64() => number.as_f64().is_some_and(is_whole),
        Tree::Number(_) => true,
        _ => false,
    }
}

fn is_whole(value: f64) -> bool {
    if !value.is_finite() || value.abs() > EXACT_MAX {
        return false;
    }
    let whole = value.trunc();
    if value == whole {
        return true;
    }
    whole != 0.0 && (value - whole).abs() / (value.abs() + whole.abs()) < TOLERANCE
}

/// The format that a value has by itself.
pub(super) fn format_of(value: &Tree) -> &'static str {
    match value {
        Tree::Number(number) if number.is_f64() => "float64",
        Tree::Number(_) => "int64",
        _ => "",
    }
}

/// Whether a value is one that an enumeration lists. A number is cut to an integer if one is listed.
pub(super) fn is_option(value: &Tree, option: &Tree) -> bool {
    match (value, option) {
        (Tree::Null, _) => false,
        (Tree::Number(value), Tree::Number(option)) => match option.as_i64() {
            Some(option) => integer(value) == option,
            None => double(value) == double(option),
        },
        (value, option) => value == option,
    }
}

fn double(number: &Number) -> f64 {
    number.as_f64().unwrap_or_default()
}

fn integer(number: &Number) -> i64 {
    number.as_i64().unwrap_or_else(|| double(number) as i64)
}

impl Walk<'_> {
    pub(super) fn number(&self, number: &Number, node: &Node, outcome: &mut Outcome) {
        let checks = &node.checks;
        let text = if number.is_f64() { double(number).to_string() } else { number.to_string() };
        self.in_range(&text, node, "Checked", outcome);
        if let Some(factor) = checks.multiple_of {
            self.multiple_of(number, factor, node, outcome);
        }
        if let Some(max) = checks.maximum {
            let native = self.in_range(&max.to_string(), node, "Maximum boundary", outcome);
            let exclusive = checks.exclusive_maximum;
            let says = if exclusive { "less than" } else { "less than or equal to" };
            self.bound(number, max, native, says, outcome, |order| {
                order.is_gt() || (exclusive && order.is_eq())
            });
        }
        if let Some(min) = checks.minimum {
            let native = self.in_range(&min.to_string(), node, "Minimum boundary", outcome);
            let exclusive = checks.exclusive_minimum;
            let says = if exclusive { "greater than" } else { "greater than or equal to" };
            self.bound(number, min, native, says, outcome, |order| {
                order.is_lt() || (exclusive && order.is_eq())
            });
        }
    }

    /// Tells a number that its type cannot hold. Returns whether it can.
    fn in_range(&self, text: &str, node: &Node, what: &str, outcome: &mut Outcome) -> bool {
        // What may be a text too is not held to a type.
        let ty = node.ty.filter(|_| !node.int_or_string);
        let format = node.checks.format.as_ref().map(|(_, format)| *format);
        let (fits, name) = match (ty, format) {
            (Some(Type::Integer), Some(Format::Int32)) => (text.parse::<i32>().is_ok(), "int32"),
            (Some(Type::Integer), Some(Format::Int64)) => (text.parse::<i64>().is_ok(), "int64"),
            (Some(Type::Integer), _) => (text.parse::<i64>().is_ok(), ""),
            (Some(Type::Number), Some(Format::Float)) => {
                (text.parse::<f32>().is_ok_and(f32::is_finite), "float")
            }
            _ => (true, ""),
        };
        if !fits {
            let ty = ty.map_or("", Type::as_str);
            let format = match name {
                "" => "(default format)".to_owned(),
                name => format!("with format {name}"),
            };
            let place = &self.path;
            let message = format!("{what} value must be of type {ty} {format} in {place}");
            outcome.add(self.anywhere(message));
        }
        fits
    }

    fn multiple_of(&self, number: &Number, factor: f64, node: &Node, outcome: &mut Outcome) {
        let native = self.in_range(&factor.to_string(), node, "MultipleOf", outcome);
        let (is_positive, is_multiple, shown) = if native && !number.is_f64() {
            let (value, factor) = (integer(number), factor as i64);
            let is_multiple = factor > 0 && value % factor == 0;
            (factor > 0, is_multiple, factor.to_string())
        } else {
            let value = double(number);
            let quotient = if factor < 1.0 { 1.0 / factor * value } else { value / factor };
            (factor > 0.0, is_whole(quotient), float(factor))
        };
        if !is_positive {
            let message =
                format!("factor MultipleOf declared for {} must be positive: {shown}", self.path);
            let mut finding = self.invalid(BadValue::Json(shown), "");
            finding.error.detail.clone_from(&message);
            finding.message = message;
            outcome.add(finding);
        } else if !is_multiple {
            let value = bad_value(&Tree::Number(number.clone()));
            outcome.add(self.invalid(value, &format!("should be a multiple of {shown}")));
        }
    }

    fn bound(
        &self,
        number: &Number,
        bound: f64,
        native: bool,
        says: &str,
        outcome: &mut Outcome,
        is_out: impl Fn(std::cmp::Ordering) -> bool,
    ) {
        let (order, shown) = if native && !number.is_f64() {
            let bound = bound as i64;
            (Some(integer(number).cmp(&bound)), bound.to_string())
        } else {
            (double(number).partial_cmp(&bound), float(bound))
        };
        if order.is_some_and(is_out) {
            let value = bad_value(&Tree::Number(number.clone()));
            outcome.add(self.invalid(value, &format!("should be {says} {shown}")));
        }
    }
}
