//! Which form of an answer a client accepts, and in which form a body was sent.
//!
//! An `Accept` clause names a format (JSON, YAML, protobuf) and optionally another shape: a `Table` or metadata only. The first clause
//! that the endpoint can serve wins, ordered by quality.
//! See <https://kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations-of-resources>.

use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use kinds::AnyKind;
use meta::StatusError;

use crate::query::Query;

/// How trees become bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// `application/json`
    #[default]
    Json,
    /// `application/yaml`
    Yaml,
    /// `application/vnd.kubernetes.protobuf`
    Protobuf,
}

impl Format {
    /// The media type as answers carry it.
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Format::Json => "application/json",
            Format::Yaml => "application/yaml",
            Format::Protobuf => "application/vnd.kubernetes.protobuf",
        }
    }

    fn of(main: &str, sub: &str) -> Option<Format> {
        match (main, sub) {
            ("application", "json") => Some(Format::Json),
            ("application", "yaml") => Some(Format::Yaml),
            ("application", "vnd.kubernetes.protobuf") => Some(Format::Protobuf),
            _ => None,
        }
    }
}

/// What a client sees of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum View {
    /// All of it.
    #[default]
    Object,
    /// Rows for people, `meta.k8s.io` in this version.
    Table(ViewVersion),
    /// `PartialObjectMetadata`, `meta.k8s.io` in this version.
    Metadata(ViewVersion),
    /// `PartialObjectMetadataList`, which only lists have.
    MetadataList(ViewVersion),
}

/// Version of `meta.k8s.io` in which a view is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ViewVersion {
    /// `meta.k8s.io/v1`
    V1,
    /// `meta.k8s.io/v1beta1`
    V1Beta1,
}

impl ViewVersion {
    /// The `apiVersion` of the view.
    pub(crate) const fn api_version(self) -> &'static str {
        match self {
            ViewVersion::V1 => "meta.k8s.io/v1",
            ViewVersion::V1Beta1 => "meta.k8s.io/v1beta1",
        }
    }
}

/// The agreed form of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// How trees become bytes.
    pub(crate) format: Format,
    /// What the client sees of each object.
    pub(crate) view: View,
    /// Indented for people.
    pub(crate) pretty: bool,
}

/// What an endpoint can serve besides the object itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offers {
    /// Objects of a resource: Tables and metadata as well.
    Resource,
    /// Objects of a resource, but no Tables of them.
    NoTable,
    /// Objects of a custom kind, which have no form in protobuf, otherwise as those of any resource.
    NoProtobuf,
    /// One fixed answer.
    Plain,
    /// A document about the API, which has no form in protobuf.
    Document,
}

impl Offers {
    /// What a path of a kind can serve. A scale has one type, whatever it belongs to.
    pub(crate) fn of_kind(kind: &dyn AnyKind, subresource: &str) -> Offers {
        if kind.custom().is_some() && subresource != "scale" {
            Offers::NoProtobuf
        } else if kind.info().without_table.contains(&subresource) {
            Offers::NoTable
        } else {
            Offers::Resource
        }
    }
}

/// One clause of an `Accept` header.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Clause {
    /// `application` of `application/json`.
    pub(crate) main: String,
    /// `json` of `application/json`.
    pub(crate) sub: String,
    /// Parameters but `q`.
    pub(crate) parameters: Vec<(String, String)>,
    quality: f64,
}

impl Clause {
    /// A parameter of the clause.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn matches(&self, main: &str, sub: &str) -> bool {
        (self.main == main && (self.sub == sub || self.sub == "*"))
            || (self.main == "*" && self.sub == "*")
    }
}

/// The clauses of an `Accept` header, best first.
pub(crate) fn clauses(header: &str) -> Vec<Clause> {
    let mut clauses: Vec<Clause> = header.split(',').filter_map(clause).collect();
    clauses.sort_by(|left, right| {
        let specific = |clause: &Clause| match (clause.main.as_str(), clause.sub.as_str()) {
            ("*", _) => 2,
            (_, "*") => 1,
            _ => 0,
        };
        right.quality.total_cmp(&left.quality).then_with(|| specific(left).cmp(&specific(right)))
    });
    clauses
}

fn clause(text: &str) -> Option<Clause> {
    let mut pieces = text.split(';').map(str::trim);
    let (main, sub) = match pieces.next()?.split_once('/') {
        Some((main, sub)) => (main.trim(), sub.trim()),
        None => return None,
    };
    if main.is_empty() || sub.is_empty() || (main == "*" && sub != "*") {
        return None;
    }
    let mut quality = 1.0;
    let mut parameters = Vec::new();
    for piece in pieces {
        let Some((name, value)) = piece.split_once('=') else { continue };
        let (name, value) = (name.trim(), value.trim().trim_matches('"'));
        if name == "q" {
            quality = value.parse().unwrap_or(1.0);
        } else {
            parameters.push((name.to_owned(), value.to_owned()));
        }
    }
    Some(Clause { main: main.to_owned(), sub: sub.to_owned(), parameters, quality })
}

const ACCEPTED: [&str; 3] =
    [Format::Json.media_type(), Format::Yaml.media_type(), Format::Protobuf.media_type()];

/// Agrees on the form of an answer.
pub(crate) fn accept(
    headers: &HeaderMap,
    query: &Query,
    offers: Offers,
) -> Result<Accepted, StatusError> {
    let asked_pretty = is_pretty(headers, query);
    let header = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if header.is_empty() {
        return Ok(Accepted { pretty: asked_pretty, ..Accepted::default() });
    }
    // The overwhelming case needs no parsing.
    if header == "application/json" {
        return Ok(Accepted { pretty: asked_pretty, ..Accepted::default() });
    }
    if !names_a_format(header) {
        return Err(no_representation());
    }
    let clauses = clauses(header);
    let formats = [Format::Json, Format::Yaml, Format::Protobuf];
    let without_last = matches!(offers, Offers::NoProtobuf | Offers::Document);
    let served = formats.len() - usize::from(without_last);
    let agreed = agree(&clauses, &formats[..served], offers);
    let (clause, format, view) = agreed.ok_or_else(|| match offers {
        Offers::Document => StatusError::not_acceptable(&ACCEPTED[..served]),
        _ => not_acceptable(),
    })?;
    let pretty = asked_pretty || clause.parameter("pretty") == Some("1");
    Ok(Accepted { format, view, pretty })
}

/// The first clause that one of the formats can serve.
fn agree<'a>(
    clauses: &'a [Clause],
    formats: &[Format],
    offers: Offers,
) -> Option<(&'a Clause, Format, View)> {
    let mut pairs =
        clauses.iter().flat_map(|clause| formats.iter().map(move |format| (clause, *format)));
    pairs.find_map(|(clause, format)| {
        let (main, sub) = format.media_type().split_once('/').unwrap_or_default();
        let view = clause.matches(main, sub).then(|| view(clause, format, offers))??;
        Some((clause, format, view))
    })
}

/// The view that a clause asks for; `None` if the endpoint does not have it.
fn view(clause: &Clause, format: Format, offers: Offers) -> Option<View> {
    if clause.parameter("stream").is_some_and(|stream| !stream.is_empty() && stream != "watch") {
        return None;
    }
    let kind = clause.parameter("as");
    let group = clause.parameter("g");
    let version = clause.parameter("v");
    if kind.is_none() && group.is_none() && version.is_none() {
        return Some(View::Object);
    }
    if matches!(offers, Offers::Plain | Offers::Document) || group != Some("meta.k8s.io") {
        return None;
    }
    let version = match version? {
        "v1" => ViewVersion::V1,
        "v1beta1" => ViewVersion::V1Beta1,
        _ => return None,
    };
    match kind? {
        "Table" if format != Format::Protobuf && offers != Offers::NoTable => {
            Some(View::Table(version))
        }
        "PartialObjectMetadata" => Some(View::Metadata(version)),
        "PartialObjectMetadataList" => Some(View::MetadataList(version)),
        _ => None,
    }
}

/// Whether a header names a format of the server in full. Half a wildcard is not enough, as clients of Kubernetes know it.
fn names_a_format(header: &str) -> bool {
    let types = header.split(',').map(|clause| clause.split(';').next().unwrap_or_default().trim());
    types.into_iter().any(|media_type| media_type == "*/*" || ACCEPTED.contains(&media_type))
}

fn no_representation() -> StatusError {
    let message =
        format!("406: Not Acceptable\n\nAvailable representations: {}", ACCEPTED.join(", "));
    let mut error = StatusError::new(406, "NotAcceptable", message);
    error.details_mut();
    error
}

/// The form of an object is asked for where there is a list, or the other way round.
pub(crate) fn not_in_this_form(asked: &str, is_list: bool) -> StatusError {
    let what = if is_list { "a list" } else { "not a list" };
    let message = format!("you requested {asked}, but the requested object is {what}");
    StatusError::new(406, "NotAcceptable", message)
}

pub(crate) fn not_acceptable() -> StatusError {
    StatusError::not_acceptable(&ACCEPTED)
}

/// People at a terminal or a browser get indented answers.
fn is_pretty(headers: &HeaderMap, query: &Query) -> bool {
    if let Some(pretty) = query.text("pretty") {
        return matches!(pretty, "1" | "t" | "T" | "TRUE" | "true" | "True");
    }
    let agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    ["curl", "Wget", "Mozilla/5.0"].iter().any(|prefix| agent.starts_with(prefix))
}

/// The format of a request's body.
pub(crate) fn content_type(headers: &HeaderMap) -> Result<Format, StatusError> {
    let Some(value) = headers.get(CONTENT_TYPE) else { return Ok(Format::Json) };
    let text = value.to_str().unwrap_or_default();
    if text.is_empty() {
        return Ok(Format::Json);
    }
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence
        .split_once('/')
        .and_then(|(main, sub)| Format::of(main, sub))
        .ok_or_else(|| StatusError::unsupported_media_type(&ACCEPTED))
}

#[cfg(test)]
mod tests;
