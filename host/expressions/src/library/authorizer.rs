//! Questions whether something is permitted: `authorizer.group("").resource("pods").check("get").allowed()`.
//!
//! The answer comes from outside: an expression that needs one that is not known yet ends with [`Error::Ask`], and is evaluated again with it.

use std::sync::Arc;

use super::declare::{Declared, member};
use super::{Args, no_overload};
use crate::eval::Error;
use crate::types::Type;
use crate::value::Value;

/// What asking costs, as in Kubernetes: few questions are possible in one expression.
const ASK_COST: u64 = 350_000;

/// The type of the variable `authorizer`.
pub const AUTHORIZER: Type = Type::Opaque("kubernetes.authorization.Authorizer");
/// The type of the variable `authorizer.requestResource`.
pub const RESOURCE_CHECK: Type = Type::Opaque("kubernetes.authorization.ResourceCheck");

/// Whether something is permitted.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Question {
    /// Namespace and name, if not the sender of the request is meant.
    pub service_account: Option<(String, String)>,
    pub verb: String,
    /// A path that is no resource.
    pub path: Option<String>,
    pub group: String,
    pub resource: String,
    pub subresource: String,
    pub namespace: String,
    pub name: String,
    pub field_selector: Option<String>,
    pub label_selector: Option<String>,
}

/// The answer to a [`Question`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub allowed: bool,
    pub reason: String,
}

/// A step on the way to an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    Authorizer(Question),
    Path(Question),
    Group(Question),
    Resource(Question),
    Decision(Answer),
}

impl Check {
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Authorizer(_) => "kubernetes.authorization.Authorizer",
            Self::Path(_) => "kubernetes.authorization.PathCheck",
            Self::Group(_) => "kubernetes.authorization.GroupCheck",
            Self::Resource(_) => "kubernetes.authorization.ResourceCheck",
            Self::Decision(_) => "kubernetes.authorization.Decision",
        }
    }
}

pub(super) const ALL: &[Declared] = &[
    member("path", "authorizer, string -> path_check", path),
    member("group", "authorizer, string -> group_check", group),
    member("serviceAccount", "authorizer, string, string -> authorizer", service_account),
    member("resource", "group_check, string -> resource_check", resource),
    member("subresource", "resource_check, string -> resource_check", |args| {
        refined(args, |question, text| question.subresource = text)
    }),
    member("namespace", "resource_check, string -> resource_check", |args| {
        refined(args, |question, text| question.namespace = text)
    }),
    member("name", "resource_check, string -> resource_check", |args| {
        refined(args, |question, text| question.name = text)
    }),
    member("fieldSelector", "resource_check, string -> resource_check", |args| {
        refined(args, |question, text| question.field_selector = Some(text))
    }),
    member("labelSelector", "resource_check, string -> resource_check", |args| {
        refined(args, |question, text| question.label_selector = Some(text))
    }),
    member("check", "path_check, string -> decision", check),
    member("check", "resource_check, string -> decision", check),
    member("allowed", "decision -> bool", |args| Ok(answer(args)?.allowed.into())),
    member("reason", "decision -> string", |args| Ok(answer(args)?.reason.as_str().into())),
    member("errored", "decision -> bool", |args| answer(args).map(|_| false.into())),
    member("error", "decision -> string", |args| answer(args).map(|_| "".into())),
];

fn question<'a>(args: &'a Args<'_>) -> Result<&'a Question, Error> {
    match args.get(0) {
        Value::Check(check) => match &**check {
            Check::Authorizer(question)
            | Check::Path(question)
            | Check::Group(question)
            | Check::Resource(question) => Ok(question),
            Check::Decision(_) => Err(no_overload()),
        },
        _ => Err(no_overload()),
    }
}

fn answer<'a>(args: &'a Args<'_>) -> Result<&'a Answer, Error> {
    match args.get(0) {
        Value::Check(check) => match &**check {
            Check::Decision(answer) => Ok(answer),
            _ => Err(no_overload()),
        },
        _ => Err(no_overload()),
    }
}

fn made(check: Check) -> Value {
    Value::Check(Arc::new(check))
}

fn path(args: &mut Args<'_>) -> Result<Value, Error> {
    let path = args.text(1)?;
    if path.is_empty() {
        return Err(Error::message("path must not be empty"));
    }
    Ok(made(Check::Path(Question { path: Some(path.to_owned()), ..question(args)?.clone() })))
}

fn group(args: &mut Args<'_>) -> Result<Value, Error> {
    let group = args.text(1)?.to_owned();
    Ok(made(Check::Group(Question { group, ..question(args)?.clone() })))
}

fn service_account(args: &mut Args<'_>) -> Result<Value, Error> {
    let (namespace, name) = (args.text(1)?, args.text(2)?);
    if !meta::names::is_dns1123_subdomain(name).is_empty() {
        return Err(Error::message("Invalid service account name"));
    }
    if !meta::names::is_dns1123_label(namespace).is_empty() {
        return Err(Error::message("Invalid service account namespace"));
    }
    let service_account = Some((namespace.to_owned(), name.to_owned()));
    Ok(made(Check::Authorizer(Question { service_account, ..question(args)?.clone() })))
}

fn resource(args: &mut Args<'_>) -> Result<Value, Error> {
    let resource = args.text(1)?;
    if resource.is_empty() {
        return Err(Error::message("resource must not be empty"));
    }
    let resource = resource.to_owned();
    Ok(made(Check::Resource(Question { resource, ..question(args)?.clone() })))
}

fn refined(args: &mut Args<'_>, set: fn(&mut Question, String)) -> Result<Value, Error> {
    let mut question = question(args)?.clone();
    set(&mut question, args.text(1)?.to_owned());
    Ok(made(Check::Resource(question)))
}

fn check(args: &mut Args<'_>) -> Result<Value, Error> {
    args.meter.charge(ASK_COST)?;
    let verb = args.text(1)?.to_owned();
    let question = Question { verb, ..question(args)?.clone() };
    args.meter.answer(question).map(|answer| made(Check::Decision(answer)))
}
