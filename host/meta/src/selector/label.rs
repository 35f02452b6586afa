//! Label selectors: requirements on labels, all of which must hold.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use super::label_parse;
use crate::names;
use crate::quote::quote;
use crate::{Attributes, FieldError, LabelSelector, Path};

/// A parsed label selector. An empty one selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    requirements: Vec<Requirement>,
    nothing: bool,
}

/// One condition on one label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    pub key: String,
    pub operator: Operator,
    pub values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    In,
    NotIn,
    Equals,
    DoubleEquals,
    NotEquals,
    Exists,
    DoesNotExist,
    GreaterThan,
    LessThan,
}

/// Something that labels can be looked up in.
trait Labels {
    fn label(&self, key: &str) -> Option<&str>;
}

impl Labels for Attributes {
    fn label(&self, key: &str) -> Option<&str> {
        Self::label(self, key)
    }
}

impl Labels for BTreeMap<String, String> {
    fn label(&self, key: &str) -> Option<&str> {
        self.get(key).map(String::as_str)
    }
}

impl Selector {
    pub fn parse(text: &str) -> Result<Self, String> {
        Ok(Self::of(label_parse::parse(text)?))
    }

    /// Takes the structured form of selectors in objects.
    pub fn from(selector: &LabelSelector) -> Result<Self, String> {
        let mut requirements = Vec::new();
        for (key, value) in selector.match_labels.iter().flatten() {
            requirements.push(Requirement::new(key, Operator::Equals, vec![value.clone()])?);
        }
        for expression in selector.match_expressions.iter().flatten() {
            let operator = match expression.operator.as_str() {
                "In" => Operator::In,
                "NotIn" => Operator::NotIn,
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::DoesNotExist,
                other => {
                    return Err(format!("{} is not a valid label selector operator", quote(other)));
                }
            };
            let values = expression.values.clone().unwrap_or_default();
            requirements.push(Requirement::new(&expression.key, operator, values)?);
        }
        Ok(Self::of(requirements))
    }

    /// Selects what has all these labels, which need not be valid ones.
    pub fn from_labels(labels: &BTreeMap<String, String>) -> Self {
        let requirement = |(key, value): (&String, &String)| Requirement {
            key: key.clone(),
            operator: Operator::Equals,
            values: vec![value.clone()],
        };
        Self::of(labels.iter().map(requirement).collect())
    }

    /// Selects nothing, as an absent selector of an object does.
    pub const fn nothing() -> Self {
        Self { requirements: Vec::new(), nothing: true }
    }

    fn of(mut requirements: Vec<Requirement>) -> Self {
        requirements.sort_by(|a, b| a.key.cmp(&b.key));
        Self { requirements, nothing: false }
    }

    pub fn matches(&self, attributes: &Attributes) -> bool {
        self.holds(attributes)
    }

    pub fn matches_labels(&self, labels: &BTreeMap<String, String>) -> bool {
        self.holds(labels)
    }

    /// Whether it selects everything.
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty() && !self.nothing
    }

    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    fn holds(&self, labels: &impl Labels) -> bool {
        !self.nothing && self.requirements.iter().all(|r| r.holds(labels.label(&r.key)))
    }
}

impl Requirement {
    /// Checks the key, the number of values and each value.
    pub fn new(key: &str, operator: Operator, values: Vec<String>) -> Result<Self, String> {
        let mut errors = Vec::new();
        let key_errors = names::is_qualified_name(key);
        if !key_errors.is_empty() {
            errors.push(FieldError::invalid(&Path::new("key"), key, key_errors.join("; ")));
        }
        let path = Path::new("values");
        let count = match operator {
            Operator::In | Operator::NotIn if values.is_empty() => {
                Some("for 'in', 'notin' operators, values set can't be empty")
            }
            Operator::Equals | Operator::DoubleEquals | Operator::NotEquals
                if values.len() != 1 =>
            {
                Some("exact-match compatibility requires one single value")
            }
            Operator::Exists | Operator::DoesNotExist if !values.is_empty() => {
                Some("values set must be empty for exists and does not exist")
            }
            Operator::GreaterThan | Operator::LessThan if values.len() != 1 => {
                Some("for 'Gt', 'Lt' operators, exactly one value is required")
            }
            _ => None,
        };
        if let Some(detail) = count {
            errors.push(FieldError::invalid(&path, values.as_slice(), detail));
        }
        if matches!(operator, Operator::GreaterThan | Operator::LessThan) {
            for (index, value) in values.iter().enumerate() {
                if value.parse::<i64>().is_err() {
                    let detail = "for 'Gt', 'Lt' operators, the value must be an integer";
                    errors.push(FieldError::invalid(&path.index(index), value, detail));
                }
            }
        }
        for (index, value) in values.iter().enumerate() {
            let value_errors = names::is_label_value(value);
            if !value_errors.is_empty() {
                let path = path.index(index).key(key);
                errors.push(FieldError::invalid(&path, value, value_errors.join("; ")));
            }
        }
        match errors.as_slice() {
            [] => Ok(Self { key: key.to_owned(), operator, values }),
            [only] => Err(only.to_string()),
            several => {
                let texts: Vec<_> = several.iter().map(ToString::to_string).collect();
                Err(format!("[{}]", texts.join(", ")))
            }
        }
    }

    fn holds(&self, label: Option<&str>) -> bool {
        match self.operator {
            Operator::In | Operator::Equals | Operator::DoubleEquals => {
                label.is_some_and(|value| self.has(value))
            }
            Operator::NotIn | Operator::NotEquals => !label.is_some_and(|value| self.has(value)),
            Operator::Exists => label.is_some(),
            Operator::DoesNotExist => label.is_none(),
            Operator::GreaterThan => self.compares(label, |have, bound| have > bound),
            Operator::LessThan => self.compares(label, |have, bound| have < bound),
        }
    }

    fn has(&self, value: &str) -> bool {
        self.values.iter().any(|have| have == value)
    }

    fn compares(&self, label: Option<&str>, rule: impl Fn(i64, i64) -> bool) -> bool {
        let have = label.and_then(|value| value.parse().ok());
        let bound = self.values.first().and_then(|value| value.parse().ok());
        have.zip(bound).is_some_and(|(have, bound)| rule(have, bound))
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, requirement) in self.requirements.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{requirement}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        let mut sorted = Cow::Borrowed(&self.values);
        if !sorted.is_sorted() {
            sorted.to_mut().sort();
        }
        let values = sorted.join(",");
        match self.operator {
            Operator::In => write!(f, "{key} in ({values})"),
            Operator::NotIn => write!(f, "{key} notin ({values})"),
            Operator::Equals => write!(f, "{key}={values}"),
            Operator::DoubleEquals => write!(f, "{key}=={values}"),
            Operator::NotEquals => write!(f, "{key}!={values}"),
            Operator::GreaterThan => write!(f, "{key}>{values}"),
            Operator::LessThan => write!(f, "{key}<{values}"),
            Operator::Exists => f.write_str(key),
            Operator::DoesNotExist => write!(f, "!{key}"),
        }
    }
}
