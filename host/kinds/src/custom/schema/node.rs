//! A schema as a tree of nodes, made once from the wire type, in the form that the walks of this folder read.
//!
//! The same nodes stand for what is nested under `allOf`, `anyOf`, `oneOf` and `not`, of which only the checks count.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use expressions::Pattern;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSON, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool, ValidationRule,
};
use meta::Tree;

use super::formats::{self, Format};
use crate::custom::field_path;
use crate::wire::OrEmpty;

/// A schema, with those inside it.
#[derive(Debug, Default)]
pub(crate) struct Node {
    /// The declared type. None for what is an integer or a text, and for what may be anything.
    pub(crate) ty: Option<Type>,
    pub(crate) int_or_string: bool,
    pub(crate) preserve: bool,
    pub(crate) embedded: bool,
    pub(crate) nullable: bool,
    pub(crate) default: Option<Tree>,
    pub(crate) list: Option<ListKind>,
    /// The fields that identify an item of a list that is a map.
    pub(crate) keys: Vec<Box<str>>,
    /// Whether a map is owned as a whole, where that is said.
    pub(crate) atomic: Option<bool>,
    pub(crate) properties: BTreeMap<Box<str>, Node>,
    pub(crate) rest: Rest,
    pub(crate) items: Option<Box<Node>>,
    pub(crate) checks: Checks,
    pub(crate) rules: Vec<Rule>,
}

/// A validation rule, and the field that its failure is told of.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) rule: ValidationRule,
    pub(crate) path: Option<String>,
}

impl Rule {
    fn new(rule: &ValidationRule, schema: &JSONSchemaProps) -> Self {
        let path = rule.field_path.or_empty();
        let resolved = field_path::resolve(path, schema, true).ok();
        let path = resolved.and_then(|resolved| resolved.path).map(|path| path.to_string());
        Self { rule: rule.clone(), path }
    }
}

/// What is declared of fields beside the properties.
#[derive(Debug, Default)]
pub(crate) enum Rest {
    #[default]
    Unsaid,
    Forbidden,
    Any,
    Schema(Box<Node>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Object,
    Array,
    String,
    Integer,
    Number,
    Boolean,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListKind {
    Atomic,
    Set,
    Map,
}

/// What is checked of values.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    /// The format as it is written, if it is one that is checked.
    pub(crate) format: Option<(Box<str>, Format)>,
    pub(crate) maximum: Option<f64>,
    pub(crate) exclusive_maximum: bool,
    pub(crate) minimum: Option<f64>,
    pub(crate) exclusive_minimum: bool,
    pub(crate) multiple_of: Option<f64>,
    pub(crate) max_length: Option<i64>,
    pub(crate) min_length: Option<i64>,
    pub(crate) pattern: Option<LazyPattern>,
    pub(crate) max_items: Option<i64>,
    pub(crate) min_items: Option<i64>,
    pub(crate) max_properties: Option<i64>,
    pub(crate) min_properties: Option<i64>,
    pub(crate) required: Vec<Box<str>>,
    pub(crate) options: Vec<Tree>,
    pub(crate) all_of: Vec<Node>,
    pub(crate) any_of: Vec<Node>,
    pub(crate) one_of: Vec<Node>,
    pub(crate) not: Option<Box<Node>>,
}

/// A regular expression that is compiled when it is first needed: many never are.
#[derive(Debug)]
pub(crate) struct LazyPattern {
    pub(crate) text: Box<str>,
    compiled: OnceLock<Result<Pattern, String>>,
}

impl LazyPattern {
    fn new(text: &str) -> Self {
        Self { text: text.into(), compiled: OnceLock::new() }
    }

    /// The expression, or what is wrong with it.
    pub(crate) fn get(&self) -> Result<&Pattern, &str> {
        let compile = || Pattern::compile(&self.text).map_err(|error| error.to_string());
        self.compiled.get_or_init(compile).as_ref().map_err(String::as_str)
    }
}

impl Type {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "object" => Self::Object,
            "array" => Self::Array,
            "string" => Self::String,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "boolean" => Self::Boolean,
            _ => return None,
        })
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Array => "array",
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
        }
    }
}

impl Node {
    pub(crate) fn compile(schema: &JSONSchemaProps) -> Self {
        let ty = Type::parse(schema.type_.or_empty());
        let properties = schema.properties.iter().flatten();
        let rules = schema.x_kubernetes_validations.or_empty();
        let rest = match &schema.additional_properties {
            None => Rest::Unsaid,
            Some(JSONSchemaPropsOrBool::Bool(false)) => Rest::Forbidden,
            Some(JSONSchemaPropsOrBool::Bool(true)) => Rest::Any,
            Some(JSONSchemaPropsOrBool::Schema(schema)) => {
                Rest::Schema(Box::new(Self::compile(schema)))
            }
        };
        Self {
            ty,
            int_or_string: schema.x_kubernetes_int_or_string == Some(true),
            preserve: schema.x_kubernetes_preserve_unknown_fields == Some(true),
            embedded: schema.x_kubernetes_embedded_resource == Some(true),
            nullable: schema.nullable == Some(true),
            default: schema.default.as_ref().map(|default| numbers(&default.0)),
            list: match schema.x_kubernetes_list_type.as_deref() {
                Some("atomic") => Some(ListKind::Atomic),
                Some("set") => Some(ListKind::Set),
                Some("map") => Some(ListKind::Map),
                _ => None,
            },
            keys: boxed(schema.x_kubernetes_list_map_keys.or_empty()),
            atomic: schema.x_kubernetes_map_type.as_deref().map(|kind| kind == "atomic"),
            properties: properties.map(|(k, v)| (k.as_str().into(), Self::compile(v))).collect(),
            rest,
            items: match &schema.items {
                Some(JSONSchemaPropsOrArray::Schema(item)) => Some(Box::new(Self::compile(item))),
                _ => None,
            },
            checks: Checks::compile(schema, ty),
            rules: rules.iter().map(|rule| Rule::new(rule, schema)).collect(),
        }
    }

    /// The schema of a field, declared or not.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        self.properties.get(name).or_else(|| self.rest_schema())
    }

    /// The schema of fields that are not declared.
    pub(crate) fn rest_schema(&self) -> Option<&Self> {
        match &self.rest {
            Rest::Schema(node) => Some(node),
            _ => None,
        }
    }

    /// Whether there are rules here or anywhere below.
    pub(crate) fn has_rules(&self) -> bool {
        !self.rules.is_empty()
            || self.rest_schema().is_some_and(Self::has_rules)
            || self.items.as_ref().is_some_and(|items| items.has_rules())
            || self.properties.values().any(Self::has_rules)
    }
}

impl Checks {
    fn compile(schema: &JSONSchemaProps, ty: Option<Type>) -> Self {
        let nodes = |of: &Option<Vec<JSONSchemaProps>>| {
            of.iter().flatten().map(Node::compile).collect::<Vec<_>>()
        };
        let pattern = schema.pattern.or_empty();
        let format = schema.format.or_empty();
        Self {
            format: formats::find(format, ty).map(|found| (format.into(), found)),
            maximum: schema.maximum,
            exclusive_maximum: schema.exclusive_maximum == Some(true),
            minimum: schema.minimum,
            exclusive_minimum: schema.exclusive_minimum == Some(true),
            multiple_of: schema.multiple_of,
            max_length: schema.max_length,
            min_length: schema.min_length,
            pattern: (!pattern.is_empty()).then(|| LazyPattern::new(pattern)),
            max_items: schema.max_items,
            min_items: schema.min_items,
            max_properties: schema.max_properties,
            min_properties: schema.min_properties,
            required: boxed(schema.required.or_empty()),
            options: schema.enum_.iter().flatten().map(|JSON(value)| numbers(value)).collect(),
            all_of: nodes(&schema.all_of),
            any_of: nodes(&schema.any_of),
            one_of: nodes(&schema.one_of),
            not: schema.not.as_ref().map(|not| Box::new(Node::compile(not))),
        }
    }
}

fn boxed(texts: &[String]) -> Vec<Box<str>> {
    texts.iter().map(|text| text.as_str().into()).collect()
}

fn numbers(value: &Tree) -> Tree {
    let mut value = value.clone();
    super::numbers::normalize(&mut value);
    value
}
