//! The paths by which definitions point into objects: `.spec.replicas`, `.status.conditions[?(@.type=="Ready")].status`.
//!
//! A path is read once and followed for each object. What an object lacks is no error and gives no value; a step that makes no sense for a
//! value (an index into a text, a comparison of a text with a number) gives nothing at all.
//!
//! See <https://kubernetes.io/docs/reference/kubectl/jsonpath/>.

use meta::Tree;

/// A path, ready to be followed.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonPath(Vec<Step>);

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Field(String),
    /// All values of a map or list.
    All,
    /// The value and everything below that has something in it.
    Descend,
    Slice(Slice),
    Filter(Box<Filter>),
    /// What each of several brackets gives.
    Union(Vec<Step>),
}

/// `[3]`, `[-1]`, `[1:4:2]`
#[derive(Clone, Debug, PartialEq)]
struct Slice {
    from: Option<i64>,
    to: Option<i64>,
    step: i64,
    /// Whether one index was given, which has to be there.
    is_index: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Filter {
    Exists(JsonPath),
    Compare(Operand, Comparison, Operand),
}

#[derive(Clone, Debug, PartialEq)]
enum Operand {
    Path(JsonPath),
    Value(Tree),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

const COMPARISONS: [(&str, Comparison); 6] = [
    ("==", Comparison::Equal),
    ("!=", Comparison::Unequal),
    ("<=", Comparison::LessOrEqual),
    (">=", Comparison::GreaterOrEqual),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];

/// Where the name of a field ends.
const ENDS: [char; 9] = ['.', ',', '[', ']', '$', '@', '{', '}', ' '];
/// Filters within filters go no deeper.
const DEPTH_MAX: usize = 8;

impl JsonPath {
    /// Reads a path; `None` if it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        parse(text, 0)
    }

    /// What the path leads to, or nothing.
    #[must_use]
    pub fn find<'a>(&self, tree: &'a Tree) -> Vec<&'a Tree> {
        self.follow(tree).unwrap_or_default()
    }

    fn follow<'a>(&self, tree: &'a Tree) -> Result<Vec<&'a Tree>, Senseless> {
        self.0.iter().try_fold(vec![tree], |values, step| step.follow(&values))
    }
}

/// A step makes no sense for a value.
struct Senseless;

impl Step {
    fn follow<'a>(&self, values: &[&'a Tree]) -> Result<Vec<&'a Tree>, Senseless> {
        let mut found = Vec::new();
        for value in values {
            match (self, value) {
                (Self::Union(steps), _) => {
                    for step in steps {
                        found.extend(step.follow(&[value])?);
                    }
                }
                (Self::All, Tree::Array(items)) => found.extend(items),
                (Self::All, Tree::Object(map)) => found.extend(map.values()),
                (Self::All, _) | (_, Tree::Null) => {}
                (Self::Field(name), value) => found.extend(value.get(name)),
                (Self::Descend, value) => descend(value, &mut found),
                (Self::Slice(slice), Tree::Array(items)) => found.extend(slice.of(items)?),
                (Self::Filter(filter), Tree::Array(items)) => filter.sift(items, &mut found)?,
                (Self::Filter(filter), Tree::Object(map)) => {
                    filter.sift(map.values(), &mut found)?;
                }
                (Self::Slice(_) | Self::Filter(_), _) => return Err(Senseless),
            }
        }
        Ok(found)
    }
}

fn descend<'a>(value: &'a Tree, found: &mut Vec<&'a Tree>) {
    // Objects may be nested deeper than the stack allows.
    let mut pending = vec![value];
    while let Some(value) = pending.pop() {
        match value {
            Tree::Array(items) if !items.is_empty() => {
                found.push(value);
                pending.extend(items.iter().rev());
            }
            Tree::Object(map) if !map.is_empty() => {
                found.push(value);
                pending.extend(map.values().rev());
            }
            _ => {}
        }
    }
}

impl Slice {
    fn of<'a>(
        &self,
        items: &'a [Tree],
    ) -> Result<impl Iterator<Item = &'a Tree> + use<'a>, Senseless> {
        let count = i64::try_from(items.len()).unwrap_or(i64::MAX);
        let from_end = |at: i64| if at < 0 { at + count } else { at };
        let from = from_end(self.from.unwrap_or(0));
        let to = if self.is_index { from + 1 } else { from_end(self.to.unwrap_or(count)) };
        let is_there = !self.is_index || (0..count).contains(&from);
        let step = usize::try_from(self.step).unwrap_or_default();
        if !is_there || step == 0 {
            return Err(Senseless);
        }
        let start = usize::try_from(from.max(0)).unwrap_or(usize::MAX);
        let len = usize::try_from((to.min(count) - from.max(0)).max(0)).unwrap_or_default();
        Ok(items.iter().skip(start).take(len).step_by(step))
    }
}

impl Filter {
    fn sift<'a>(
        &self,
        items: impl IntoIterator<Item = &'a Tree>,
        found: &mut Vec<&'a Tree>,
    ) -> Result<(), Senseless> {
        for item in items {
            if self.keeps(item)? {
                found.push(item);
            }
        }
        Ok(())
    }

    fn keeps(&self, item: &Tree) -> Result<bool, Senseless> {
        match self {
            Self::Exists(path) => path.follow(item).map(|found| !found.is_empty()),
            Self::Compare(left, comparison, right) => {
                match (left.value(item)?, right.value(item)?) {
                    (Some(left), Some(right)) => comparison.holds(left, right),
                    _ => Ok(false),
                }
            }
        }
    }
}

impl Operand {
    /// The one value that it is; none if there are none or several.
    fn value<'a>(&'a self, item: &'a Tree) -> Result<Option<&'a Tree>, Senseless> {
        match self {
            Self::Value(value) => Ok(Some(value)),
            Self::Path(path) => match path.follow(item)?.as_slice() {
                [one] => Ok(Some(one)),
                _ => Ok(None),
            },
        }
    }
}

impl Comparison {
    fn holds(self, left: &Tree, right: &Tree) -> Result<bool, Senseless> {
        let order = match (left, right) {
            (Tree::String(left), Tree::String(right)) => Some(left.cmp(right)),
            (Tree::Number(left), Tree::Number(right)) => left.as_f64().partial_cmp(&right.as_f64()),
            (Tree::Bool(left), Tree::Bool(right)) => Some(left.cmp(right)),
            _ => None,
        };
        let order = order.ok_or(Senseless)?;
        Ok(match self {
            Self::Equal => order.is_eq(),
            Self::Unequal => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        })
    }
}

fn parse(text: &str, depth: usize) -> Option<JsonPath> {
    if depth > DEPTH_MAX {
        return None;
    }
    let text = text.trim();
    let mut rest = text.strip_prefix(['$', '@']).unwrap_or(text);
    let mut steps = Vec::new();
    if rest.is_empty() && rest == text {
        return None;
    }
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let end = closing(inner)?;
            let (bracket, after) = inner.split_at(end);
            steps.push(parse_bracket(bracket, depth)?);
            rest = after.get(1..)?;
        } else if let Some(after) = rest.strip_prefix("..") {
            steps.push(Step::Descend);
            // A name may follow at once, or a bracket.
            if after.starts_with('[') {
                rest = after;
            } else {
                let (name, after) = parse_name(after)?;
                steps.push(name);
                rest = after;
            }
        } else {
            let after = match rest.strip_prefix('.') {
                Some(after) => after,
                // Only the first name may go without its dot.
                None if steps.is_empty() && rest == text => rest,
                None => return None,
            };
            if after.starts_with('[') {
                rest = after;
                continue;
            }
            let (name, after) = parse_name(after)?;
            steps.push(name);
            rest = after;
        }
    }
    Some(JsonPath(steps))
}

/// A name, in which a backslash makes the next character an ordinary one.
fn parse_name(text: &str) -> Option<(Step, &str)> {
    let mut name = String::new();
    let mut rest = text.char_indices();
    let mut end = text.len();
    while let Some((at, c)) = rest.next() {
        if c == '\\' {
            name.push(rest.next()?.1);
        } else if ENDS.contains(&c) {
            end = at;
            break;
        } else {
            name.push(c);
        }
    }
    let step = match name.as_str() {
        "" => return None,
        "*" => Step::All,
        _ => Step::Field(name),
    };
    Some((step, text.get(end..)?))
}

/// Where the bracket that was opened before `text` is closed.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '[') => depth += 1,
            (None, ']') if depth == 0 => return Some(at),
            (None, ']') => depth -= 1,
            _ => {}
        }
    }
    None
}

fn parse_bracket(text: &str, depth: usize) -> Option<Step> {
    if let Some(filter) = text.strip_prefix("?(").and_then(|text| text.strip_suffix(')')) {
        return parse_filter(filter, depth).map(|filter| Step::Filter(Box::new(filter)));
    }
    let mut parts = split(text, ",");
    if parts.len() > 1 {
        let steps = parts.into_iter().map(|part| parse_bracket(part.trim(), depth));
        return steps.collect::<Option<Vec<_>>>().map(Step::Union);
    }
    let text = parts.pop()?.trim();
    if text == "*" {
        return Some(Step::All);
    }
    if let Some(name) = unquoted(text) {
        return Some(Step::Field(name));
    }
    let numbers: Vec<&str> = text.split(':').collect();
    let number = |text: &str| match text {
        "" => Some(None),
        text => text.parse().ok().map(Some),
    };
    let slice = match numbers.as_slice() {
        [index] => Slice { from: Some(index.parse().ok()?), to: None, step: 1, is_index: true },
        [from, to] => Slice { from: number(from)?, to: number(to)?, step: 1, is_index: false },
        [from, to, step] => {
            let step = number(step)?.unwrap_or(1);
            Slice { from: number(from)?, to: number(to)?, step, is_index: false }
        }
        _ => return None,
    };
    Some(Step::Slice(slice))
}

fn parse_filter(text: &str, depth: usize) -> Option<Filter> {
    for (sign, comparison) in COMPARISONS {
        let parts = split(text, sign);
        if let [left, right] = parts.as_slice() {
            let left = parse_operand(left.trim(), depth)?;
            return Some(Filter::Compare(left, comparison, parse_operand(right.trim(), depth)?));
        }
    }
    parse(text, depth + 1).map(Filter::Exists)
}

fn parse_operand(text: &str, depth: usize) -> Option<Operand> {
    if let Some(text) = unquoted(text) {
        return Some(Operand::Value(Tree::String(text)));
    }
    match text {
        "true" => return Some(Operand::Value(true.into())),
        "false" => return Some(Operand::Value(false.into())),
        _ => {}
    }
    if let Ok(number) = text.parse::<serde_json::Number>() {
        return Some(Operand::Value(Tree::Number(number)));
    }
    parse(text, depth + 1).map(Operand::Path)
}

/// The parts of a text between separators that stand in no quotes and no brackets.
fn split<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let (mut start, mut depth) = (0, 0_usize);
    let mut quote = None;
    let mut escaped = false;
    let mut skip_to = 0;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if at < skip_to => {}
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '[' | '(') => depth += 1,
            (None, ']' | ')') => depth = depth.saturating_sub(1),
            (None, _) if depth == 0 && text.get(at..).is_some_and(|t| t.starts_with(separator)) => {
                parts.extend(text.get(start..at));
                start = at + separator.len();
                skip_to = start;
            }
            _ => {}
        }
    }
    parts.extend(text.get(start..));
    parts
}

/// The text in a pair of quotes.
fn unquoted(text: &str) -> Option<String> {
    let inner =
        ['\'', '"'].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))?;
    let mut plain = String::with_capacity(inner.len());
    let mut rest = inner.chars();
    while let Some(c) = rest.next() {
        plain.push(if c == '\\' { rest.next()? } else { c });
    }
    Some(plain)
}

#[cfg(test)]
mod tests;
