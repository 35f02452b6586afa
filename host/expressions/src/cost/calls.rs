//! What calls of functions cost beside their arguments, and how large their results are.

use std::sync::Arc;

use cel::common::ast::operators::{ADD, GREATER, GREATER_EQUALS, IN, LESS, LESS_EQUALS};

use super::range::Range;
use super::walk::{CHARACTER, Part, Path, Step, Walk, sized, union};
use crate::library::Function;
use crate::macros::SORT_BY_KEYS;
use crate::program::Node;
use crate::types::Type;
use crate::value::Value;

/// A part of a regular expression is taken to have four characters.
const EXPRESSION: f64 = 0.25;
/// The longest regular expression behind a named format.
const FORMAT_MAX: f64 = 128.0;
/// What a new list costs beside its items.
const NEW_LIST: u64 = 10;
/// One question may be asked twice in an expression.
const QUESTION: Range = Range::fixed(350_000);

/// The cost of one function, and the size of its result.
struct Own {
    cost: Range,
    size: Option<Range>,
}

impl Own {
    const fn of(cost: Range) -> Self {
        Self { cost, size: None }
    }

    const fn sized(cost: Range, size: Range) -> Self {
        Self { cost, size: Some(size) }
    }
}

pub(super) fn call<'a>(
    walk: &Walk<'a>,
    name: &str,
    candidates: &[Arc<Function>],
    nodes: &[Node],
    args: &[Part<'a>],
) -> Part<'a> {
    if let ("dyn", [arg]) = (name, args) {
        return Part { cost: arg.cost.plus(Range::ONE), ty: Type::Dyn, ..arg.clone() };
    }
    let costs = args.iter().fold(Range::ZERO, |sum, arg| sum.plus(arg.cost));
    let (mut cost, mut size, mut ty) = (Range::NONE, None, None);
    for function in candidates {
        let own = rearranged(name, function, nodes, args)
            .unwrap_or_else(|| own(walk, name, function, args));
        cost = cost.union(own.cost);
        size = match (size, own.size) {
            (Some(known), Some(own)) => Some(Range::union(known, own)),
            (known, own) => known.or(own),
        };
        let result = result_type(function, args);
        ty = Some(match ty {
            Some(known) if known != result => Type::Dyn,
            _ => result,
        });
    }
    let mut part = Part::new(costs.plus(cost), Path::None, ty.unwrap_or(Type::Dyn));
    part.size = size.or(part.size);
    if let (ADD, [left, right]) = (name, args) {
        part.entry = union(left.entry, right.entry);
    }
    part
}

/// What comparing costs.
pub(super) fn equality(args: &[Part<'_>; 2], negated: bool) -> Range {
    let [left, right] = args;
    if !negated && left.ty == right.ty {
        match &left.ty {
            Type::Opaque("kubernetes.NamedFormat") => {
                return Range { min: 1, max: 64 }.scaled(CHARACTER);
            }
            Type::Opaque("kubernetes.URL") => {
                let size = right.size.map_or(Range::ONE, |size| Range { min: 1, max: size.max });
                return size.scaled(CHARACTER);
            }
            Type::Opaque(_) => return Range::ONE,
            _ => {}
        }
    }
    compared(left, right)
}

fn compared(left: &Part<'_>, right: &Part<'_>) -> Range {
    let max = left.size_or_unknown().max.min(right.size_or_unknown().max);
    Range { min: u64::from(max > 0), max }.scaled(CHARACTER)
}

/// Functions that make lists of lists.
fn rearranged(name: &str, function: &Function, nodes: &[Node], args: &[Part<'_>]) -> Option<Own> {
    let size = args.first().map_or(Range::UNKNOWN, Part::size_or_unknown);
    let whole = |index: usize, otherwise| nodes.get(index).and_then(whole).unwrap_or(otherwise);
    let (size, factor) = match (name, args) {
        ("lists.range", [_]) => (Range::fixed(whole(0, u64::MAX)), 1.0),
        ("slice", [_, _, _]) => (Range::fixed(whole(2, size.max).wrapping_sub(whole(1, 0))), 1.0),
        ("flatten", [_]) => (size, 1.0),
        ("flatten", [_, _]) => (size, as_factor(whole(1, u64::MAX))),
        ("reverse", [_]) if matches!(function.result, Type::List(_)) => (size, 1.0),
        ("distinct", [_]) => (size.times(size), 2.0),
        ("sort", [_]) => (size.times(size), comparing(function.params.first())),
        (SORT_BY_KEYS, [_, keys]) => {
            let size = keys.size_or_unknown();
            (size.times(size), comparing(function.params.get(1)))
        }
        _ => return None,
    };
    let cost = size.scaled(factor).plus(Range::ONE).plus(Range::fixed(NEW_LIST));
    Some(Own::sized(cost, size))
}

/// A number that is written in the expression.
fn whole(node: &Node) -> Option<u64> {
    match node {
        Node::Literal(Value::Int(number)) => u64::try_from(*number).ok(),
        Node::Literal(Value::Uint(number)) => Some(*number),
        _ => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "costs are estimates")]
fn as_factor(levels: u64) -> f64 {
    levels as f64
}

/// What it costs to have an item compared with another, and with itself.
fn comparing(list: Option<&Type>) -> f64 {
    match list {
        Some(Type::List(item)) if matches!(**item, Type::String | Type::Bytes) => 2.0 + CHARACTER,
        _ => 2.0,
    }
}

fn own<'a>(walk: &Walk<'a>, name: &str, function: &Function, args: &[Part<'a>]) -> Own {
    let size = |index: usize| args.get(index).map_or(Range::UNKNOWN, Part::size_or_unknown);
    let traversal = |index: usize| size(index).scaled(CHARACTER);
    match (name, args) {
        ("check", _) => Own::of(QUESTION),
        ("fieldSelector" | "labelSelector", [_, _]) => Own::of(selector(size(1))),
        ("isSorted" | "sum" | "min" | "max" | "indexOf" | "lastIndexOf", [of, ..]) => {
            Own::of(through(walk, of))
        }
        ("url" | "jsonpatch.escapeKey", [_]) => Own::sized(traversal(0), size(0)),
        ("lowerAscii" | "upperAscii" | "substring" | "trim", [_, ..]) => {
            Own::sized(traversal(0), size(0))
        }
        ("replace", [_, _, _, ..]) => {
            Own::sized(size(0).scaled(2.0 * CHARACTER), replaced(size(0), size(1), size(2)))
        }
        ("split", [_, ..]) => {
            Own::sized(size(0).scaled(2.0 * CHARACTER), Range { min: 0, max: size(0).max })
        }
        ("join", [of, rest @ ..]) => {
            let joined = joined(walk, of, rest.first());
            Own::sized(joined.scaled(CHARACTER), joined)
        }
        ("find" | "findAll", [_, _, ..]) => {
            Own::sized(searched(size(0), size(1)), Range { min: 0, max: size(0).max })
        }
        ("matches", [_, _]) => Own::of(searched(size(0), size(1))),
        ("ip", [of]) if of.ty == Type::Opaque("net.CIDR") => Own::of(Range::ONE),
        (
            "cidr" | "isIP" | "isCIDR" | "ip" | "quantity" | "isQuantity" | "semver" | "isSemver",
            [_, ..],
        )
        | ("format", [_, _]) => Own::of(traversal(0)),
        ("ip.isCanonical", [_]) => Own::of(size(0).scaled(2.0 * CHARACTER)),
        ("containsIP" | "containsCIDR", [_, other]) => {
            Own::of(contained(name == "containsCIDR", other))
        }
        ("validate", [_, _]) => Own::of(traversal(1).scaled(FORMAT_MAX * EXPRESSION)),
        ("bytes", [of]) if of.ty == Type::String => {
            let result = Range { min: size(0).min, max: size(0).max.saturating_mul(4) };
            Own::sized(traversal(0), result)
        }
        ("string", [of]) if of.ty == Type::Bytes => {
            Own::sized(traversal(0), Range { min: size(0).min / 4, max: size(0).max })
        }
        ("strings.quote", [_]) => {
            let most = size(0).max.saturating_mul(2).saturating_add(2);
            Own::sized(traversal(0), Range { min: size(0).min.saturating_add(2), max: most })
        }
        ("startsWith" | "endsWith", [_, _]) => Own::of(traversal(1)),
        ("contains", [_, _]) => Own::of(traversal(0).times(traversal(1))),
        ("sets.contains" | "sets.intersects", [_, _]) => {
            Own::of(size(0).times(size(1)).plus(Range::ONE))
        }
        // Each of the two may have to be looked for in the other.
        ("sets.equivalent", [_, _]) => Own::of(size(0).times(size(1)).scaled(2.0).plus(Range::ONE)),
        (IN, [_, _]) if matches!(function.params.get(1), Some(Type::List(_))) => Own::of(size(1)),
        (ADD, [_, _]) => added(function, size(0).plus(size(1))),
        (LESS | LESS_EQUALS | GREATER | GREATER_EQUALS, [left, right])
            if matches!(function.params.first(), Some(Type::String | Type::Bytes)) =>
        {
            Own::of(compared(left, right))
        }
        _ => Own::of(Range::ONE),
    }
}

fn added(function: &Function, size: Range) -> Own {
    match function.result {
        Type::String | Type::Bytes => Own::sized(size.scaled(CHARACTER), size),
        Type::List(_) => Own::sized(Range::ONE, size),
        _ => Own::of(Range::ONE),
    }
}

/// A text of requirements, each of which becomes a record with a list.
fn selector(size: Range) -> Range {
    let requirements = size.scaled(0.5).scaled(50.0);
    Range::fixed(10).plus(size.scaled(CHARACTER)).plus(requirements)
}

/// Looking at every item of a list, or every character of a text.
fn through<'a>(walk: &Walk<'a>, of: &Part<'a>) -> Range {
    let Type::List(item) = &of.ty else { return of.size_or_unknown().scaled(CHARACTER) };
    let mut each = Range::ONE;
    if matches!(**item, Type::String | Type::Bytes) {
        each = each.plus(item_size(walk, of).scaled(CHARACTER));
    }
    of.size_or_unknown().times(each)
}

/// The size of the items of a list that is one of the variables or a part of them.
fn item_size<'a>(walk: &Walk<'a>, of: &Part<'a>) -> Range {
    match of.path {
        Path::None => Range::UNKNOWN,
        path => sized(walk.step(path, Step::Items)).unwrap_or(Range::UNKNOWN),
    }
}

fn joined<'a>(walk: &Walk<'a>, of: &Part<'a>, between: Option<&Part<'a>>) -> Range {
    let count = of.size_or_unknown();
    let mut size = count.times(item_size(walk, of));
    if let Some(between) = between {
        let gaps = Range { min: count.min.saturating_sub(1), max: count.max.saturating_sub(1) };
        size = size.plus(between.size_or_unknown().times(gaps));
    }
    size
}

/// The size of a text in which parts were replaced.
fn replaced(size: Range, part: Range, by: Range) -> Range {
    let (mut count, mut kept) = (Range::ZERO, Range::ZERO);
    // Between any two characters there is an empty text.
    if part.min == 0 {
        count.max = size.max.saturating_add(1);
        kept.max = size.max;
    } else if by.max <= part.min {
        kept.max = size.max;
    } else {
        count.max = size.max.div_ceil(part.min);
    }
    if part.max == 0 {
        count.min = size.min.saturating_add(1);
        kept.min = size.min;
    } else if part.max <= by.min {
        kept.min = size.min;
    } else {
        count.min = size.min.div_ceil(part.max);
    }
    count.times(by).plus(kept)
}

fn searched(text: Range, expression: Range) -> Range {
    text.plus(Range::ONE).scaled(CHARACTER).times(expression.scaled(EXPRESSION))
}

fn contained(is_range: bool, other: &Part<'_>) -> Range {
    let bytes = Range { min: 4, max: 16 };
    let mut cost = bytes.plus(bytes).scaled(CHARACTER);
    if is_range {
        cost = cost.plus(bytes.scaled(CHARACTER)).plus(Range::ONE);
    }
    if other.ty == Type::String {
        cost = cost.plus(other.size_or_unknown().scaled(CHARACTER));
    }
    cost
}

/// The type that a function gives for such arguments.
fn result_type(function: &Function, args: &[Part<'_>]) -> Type {
    let mut bound: [Option<Type>; 3] = [None, None, None];
    for (param, arg) in function.params.iter().zip(args) {
        bind(param, &arg.ty, &mut bound);
    }
    filled(&function.result, &bound)
}

fn bind(param: &Type, found: &Type, bound: &mut [Option<Type>; 3]) {
    match (param, found) {
        (Type::Param(index), found) => {
            if let Some(place) = bound.get_mut(*index)
                && place.as_ref().is_none_or(|known| *known == Type::Dyn)
            {
                *place = Some(found.clone());
            }
        }
        (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => {
            bind(a, b, bound);
        }
        (Type::Map(a, b), Type::Map(c, d)) => {
            bind(a, c, bound);
            bind(b, d, bound);
        }
        _ => {}
    }
}

fn filled(ty: &Type, bound: &[Option<Type>; 3]) -> Type {
    match ty {
        Type::Param(index) => bound.get(*index).cloned().flatten().unwrap_or(Type::Dyn),
        Type::List(of) => Type::list(filled(of, bound)),
        Type::Optional(of) => Type::optional(filled(of, bound)),
        Type::Map(key, value) => Type::map(filled(key, bound), filled(value, bound)),
        other => other.clone(),
    }
}
