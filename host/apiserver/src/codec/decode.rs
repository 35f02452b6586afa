//! From the bytes of a body to a canonical tree of the expected type.
//!
//! What the type does not have is dropped, and told or refused as `fieldValidation` says; what has the wrong type is always refused.
//! `apiVersion` and `kind` may be left out, but must not name another type.

use std::fmt::Write as _;

use bytes::Bytes;
use kinds::AnyKind;
use meta::decode::{DecodeError, Findings};
use meta::schema::{Schema, TypeRef};
use meta::{GroupVersion, GroupVersionKind, StatusError, Tree};

use crate::chain::Call;
use crate::codec::negotiate::{self, Format};
use crate::codec::{protobuf, yaml};
use crate::options::FieldValidation;
use crate::state::State;
use crate::status;
use crate::warnings::Warnings;

/// A body as it came.
#[derive(Clone, Debug)]
pub(crate) struct Raw {
    pub(crate) bytes: Bytes,
    pub(crate) format: Format,
}

/// The type that a body must have.
#[derive(Clone, Debug)]
pub(crate) struct Expected<'a> {
    pub(crate) gvk: GroupVersionKind,
    pub(crate) ty: &'a TypeRef,
    /// The types that `ty` refers into.
    pub(crate) schema: &'a Schema,
    /// The kind of the object, if it is one.
    kind: Option<&'a dyn AnyKind>,
}

impl<'a> Expected<'a> {
    /// The type of a resource's objects.
    pub(crate) fn of_kind(kind: &'a dyn AnyKind) -> Expected<'a> {
        let (ty, schema) = (kind.type_ref(), kind.schema());
        Expected { gvk: kind.info().gvk(), ty, schema, kind: Some(kind) }
    }

    /// Brings a tree into the canonical form of the type. A wish to forget all owners of fields, which that form does not have, is kept.
    pub(crate) fn canonicalize(&self, tree: &mut Tree) -> Result<Findings, DecodeError> {
        let resets_owners = meta::managed::is_reset(tree);
        let findings = match self.kind {
            Some(kind) => kind.canonicalize(tree)?,
            None => meta::decode::canonicalize(tree, self.ty, self.schema)?,
        };
        if resets_owners
            && let Some(metadata) = tree.get_mut("metadata").and_then(Tree::as_object_mut)
        {
            metadata.insert("managedFields".to_owned(), serde_json::json!([{}]));
        }
        Ok(findings)
    }

    /// The same for an object that is merged from others instead of read: there, numbers that are too large for their type wrap around.
    pub(crate) fn convert(&self, tree: &mut Tree) -> Result<Findings, DecodeError> {
        self.canonicalize(tree).or_else(|error| {
            if meta::decode::wrap(tree, self.ty, self.schema) {
                self.canonicalize(tree)
            } else {
                Err(error)
            }
        })
    }

    /// What strict decoding objects to in JSON, in the order of the source as far as that is known.
    fn strict_errors(&self, source: &[u8], found: &Findings) -> Vec<String> {
        match self.kind {
            Some(kind) => kind.strict_errors(source, found),
            None => {
                meta::decode::strict_errors(source, Some(self.ty), self.schema).unwrap_or_default()
            }
        }
    }

    fn are_options(&self) -> bool {
        self.gvk.kind == "DeleteOptions"
    }

    fn is_custom(&self) -> bool {
        self.kind.is_some_and(|kind| kind.custom().is_some())
    }
}

impl Expected<'static> {
    /// Options of a deletion, which clients may call by the group-version of the object they delete, or of another of its group or of the
    /// server's own.
    pub(crate) fn of_options(raw: &Raw, own_group: &str) -> Result<Expected<'static>, StatusError> {
        #[derive(Default, serde::Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        struct Head {
            api_version: Option<String>,
            kind: Option<String>,
        }
        let mut expected = Expected::of_body("meta.k8s.io", "v1", "DeleteOptions")?;
        let head: Head = match raw.format {
            Format::Json => serde_json::from_slice(&raw.bytes).unwrap_or_default(),
            Format::Yaml => {
                let document =
                    std::str::from_utf8(&raw.bytes).ok().and_then(|text| yaml::parse(text).ok());
                document
                    .and_then(|document| serde_json::from_value(document.tree).ok())
                    .unwrap_or_default()
            }
            Format::Protobuf => protobuf::type_of(&raw.bytes)
                .map(|(api_version, kind)| Head {
                    api_version: Some(api_version),
                    kind: Some(kind),
                })
                .unwrap_or_default(),
        };
        let served = |version: &GroupVersion| {
            version.group == "meta.k8s.io"
                || version.group == own_group
                || kinds::all().iter().any(|kind| kind.info().group == version.group)
        };
        // What does not say its kind is of the kind that is expected.
        let kind = head.kind.filter(|kind| !kind.is_empty());
        let fits = kind.is_none_or(|kind| kind == expected.gvk.kind);
        let version = head.api_version.filter(|version| fits && !version.is_empty());
        let version = version.and_then(|version| GroupVersion::parse(&version));
        if let Some(version) = version.filter(served) {
            expected.gvk = version.with_kind(expected.gvk.kind.to_string());
        }
        Ok(expected)
    }

    /// A type that is only ever a body: options, bindings, scales.
    pub(crate) fn of_body(
        group: &'static str,
        version: &'static str,
        kind: &'static str,
    ) -> Result<Expected<'static>, StatusError> {
        let gvk = GroupVersionKind::new(group, version, kind);
        let body = kinds::find_body(&gvk)
            .ok_or_else(|| StatusError::internal(format!("no type for {gvk}")))?;
        Ok(Expected { gvk, ty: body.type_ref(), schema: kinds::schema(), kind: None })
    }
}

/// Reads a request's body whole.
pub(crate) async fn read(state: &State, call: &mut Call) -> Result<Raw, StatusError> {
    let format = negotiate::content_type(&call.parts.headers)?;
    let bytes = bytes(state, call).await?;
    Ok(Raw { bytes, format })
}

/// Reads a request's body whole, whatever its type.
pub(crate) async fn bytes(state: &State, call: &mut Call) -> Result<Bytes, StatusError> {
    let body = std::mem::take(&mut call.body);
    body.read_request(state.config.max_body_bytes).await.map_err(|error| status::from_read(&error))
}

/// A body as a canonical tree of the expected type, with `apiVersion` and `kind` filled in.
pub(crate) fn tree(
    raw: &Raw,
    expected: &Expected<'_>,
    validation: FieldValidation,
    warnings: &Warnings,
) -> Result<Tree, StatusError> {
    if raw.format == Format::Protobuf && expected.is_custom() {
        let accepted = [Format::Json, Format::Yaml].map(Format::media_type);
        return Err(StatusError::unsupported_media_type(&accepted));
    }
    let Parsed { mut tree, duplicates, yaml_duplicates } = parse(raw, expected)?;
    name_type(&mut tree, raw, expected)?;
    let found = expected.canonicalize(&mut tree).map_err(|error| {
        cannot_be_handled(&expected.gvk, &expected.gvk, &error.with_source(&raw.bytes).to_string())
    })?;
    if validation == FieldValidation::Ignore
        || (found.unknown.is_empty() && !duplicates && yaml_duplicates.is_empty())
    {
        return Ok(tree);
    }
    // Reports follow the order of the source, which the tree has lost.
    let mut reports = match raw.format {
        Format::Json => expected.strict_errors(&raw.bytes, &found),
        Format::Yaml | Format::Protobuf => {
            found.unknown.iter().map(|path| meta::decode::unknown_field(path)).collect()
        }
    };
    if validation == FieldValidation::Strict && !yaml_duplicates.is_empty() {
        reports.insert(0, format!("yaml: unmarshal errors:\n  {}", yaml_duplicates.join("\n  ")));
    } else {
        reports.splice(..0, yaml_duplicates);
    }
    report(reports, validation, warnings, |text| {
        cannot_be_handled(&expected.gvk, &expected.gvk, &format!("strict decoding error: {text}"))
    })?;
    Ok(tree)
}

/// What [`tree`] made of a body, once more, for a write that has to begin anew. What there was to say of the body has been said.
pub(crate) fn again(raw: &Raw, expected: &Expected<'_>) -> Result<Tree, StatusError> {
    tree(raw, expected, FieldValidation::Ignore, &Warnings::default())
}

/// Deals with unknown and duplicate fields as the client asks.
pub(crate) fn report(
    findings: Vec<String>,
    validation: FieldValidation,
    warnings: &Warnings,
    refuse: impl FnOnce(String) -> StatusError,
) -> Result<(), StatusError> {
    match validation {
        FieldValidation::Strict if !findings.is_empty() => Err(refuse(findings.join(", "))),
        FieldValidation::Warn => {
            warnings.extend(findings);
            Ok(())
        }
        FieldValidation::Strict | FieldValidation::Ignore => Ok(()),
    }
}

struct Parsed {
    tree: Tree,
    /// Whether a key of JSON occurs twice.
    duplicates: bool,
    /// One text for each key of YAML that occurs twice.
    yaml_duplicates: Vec<String>,
}

fn parse(raw: &Raw, expected: &Expected<'_>) -> Result<Parsed, StatusError> {
    let unrecognized = |why: &str| unrecognized(why, raw, expected);
    let parse_error =
        |why: String| unrecognized(&format!("couldn't get version/kind; json parse error: {why}"));
    match raw.format {
        Format::Json => {
            let parsed = meta::decode::parse_json(&raw.bytes)
                .map_err(|error| parse_error(error.to_string()))?;
            Ok(Parsed {
                tree: parsed.tree,
                duplicates: !parsed.duplicates.is_empty(),
                yaml_duplicates: Vec::new(),
            })
        }
        Format::Yaml => {
            let text = std::str::from_utf8(&raw.bytes)
                .map_err(|_| parse_error("yaml: invalid UTF-8".to_owned()))?;
            let document = yaml::parse(text).map_err(|error| unrecognized(&error))?;
            Ok(Parsed {
                tree: document.tree,
                duplicates: false,
                yaml_duplicates: document.duplicates,
            })
        }
        Format::Protobuf => {
            let tree = protobuf::decode(&raw.bytes, expected)
                .map_err(|error| unrecognized(&error.to_string()))?;
            Ok(Parsed { tree, duplicates: false, yaml_duplicates: Vec::new() })
        }
    }
}

fn unrecognized(why: &str, raw: &Raw, expected: &Expected<'_>) -> StatusError {
    if expected.are_options() {
        return StatusError::bad_request(why);
    }
    StatusError::bad_request(format!(
        "the object provided is unrecognized (must be of type {}): {why} ({})",
        expected.gvk.kind,
        summary(&raw.bytes)
    ))
}

/// What Go finds the type of an object in.
const TYPE_META: &str = r#"struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }"#;

/// Something stands where the type of an object should be told.
fn no_type(given: &Tree, into: &str) -> String {
    let what = meta::json_kind(given);
    format!(
        "couldn't get version/kind; json parse error: json: cannot unmarshal {what} into {into}"
    )
}

/// Why the type of an object cannot be told, if it is called by something else than a text.
pub(crate) fn why_untyped(object: &Tree) -> Option<String> {
    ["apiVersion", "kind"].into_iter().find_map(|name| {
        let given = object.get(name).filter(|given| !given.is_string() && !given.is_null())?;
        Some(no_type(given, &format!("Go struct field .{name} of type string")))
    })
}

/// Fills in `apiVersion` and `kind`, or refuses those of another type.
fn name_type(tree: &mut Tree, raw: &Raw, expected: &Expected<'_>) -> Result<(), StatusError> {
    // Decoders of Go leave an empty object behind for `null`.
    if tree.is_null() {
        *tree = Tree::Object(serde_json::Map::new());
    }
    if let Some(why) = why_untyped(tree) {
        return Err(unrecognized(&why, raw, expected));
    }
    let Tree::Object(object) = tree else {
        let why = no_type(tree, &format!("Go value of type {TYPE_META}"));
        return Err(unrecognized(&why, raw, expected));
    };
    let wanted = expected.gvk.group_version();
    let given_version = object.get("apiVersion").and_then(Tree::as_str).unwrap_or_default();
    let given_kind = object.get("kind").and_then(Tree::as_str).unwrap_or_default();
    if given_kind.is_empty() && expected.is_custom() {
        let shown = String::from_utf8_lossy(&raw.bytes);
        return Err(unrecognized(&format!("Object 'Kind' is missing in '{shown}'"), raw, expected));
    }
    let version = match given_version {
        "" if expected.is_custom() => GroupVersion::default(),
        "" => wanted.clone(),
        text => GroupVersion::parse(text).ok_or_else(|| {
            unrecognized(&format!("unexpected GroupVersion string: {text}"), raw, expected)
        })?,
    };
    let kind =
        if given_kind.is_empty() { expected.gvk.kind.to_string() } else { given_kind.to_owned() };
    let given = version.with_kind(kind);
    // That an object of a custom kind calls itself otherwise is for its validation to say.
    let fits = given.group_version() == wanted && expected.is_custom();
    if given != expected.gvk && !fits {
        return Err(other_type(&given, expected));
    }
    object.insert("apiVersion".to_owned(), Tree::String(wanted.to_string()));
    object.insert("kind".to_owned(), Tree::String(given.kind.into_owned()));
    Ok(())
}

fn other_type(given: &GroupVersionKind, expected: &Expected<'_>) -> StatusError {
    // Objects of custom kinds are read before anybody asks of which kind they are.
    let known = expected.is_custom()
        || kinds::find_kind(given).is_some()
        || kinds::find_body(given).is_some()
        || is_old_scale(given);
    if !known {
        let text = not_registered(given);
        // Options of a deletion are read before anything is known of the object.
        return if expected.are_options() {
            StatusError::bad_request(text)
        } else {
            cannot_be_handled(given, &expected.gvk, &text)
        };
    }
    if given.kind == expected.gvk.kind || expected.is_custom() {
        return StatusError::bad_request(format!(
            "the API version in the data ({}) does not match the expected API version ({})",
            given.group_version(),
            expected.gvk.group_version()
        ));
    }
    let text = format!(
        "converting ({}.{}) to ({}.{}): unknown conversion",
        given.version,
        given.kind,
        package(&expected.gvk.group),
        expected.gvk.kind
    );
    cannot_be_handled(given, &expected.gvk, &text)
}

/// What is said of a type that no group-version has.
pub(crate) fn not_registered(given: &GroupVersionKind) -> String {
    let version = given.group_version().to_string();
    let (kind, version) = (meta::quote(&given.kind), meta::quote(&version));
    format!("no kind {kind} is registered for version {version}")
}

/// Where Kubernetes has the types of a group that no version shows.
fn package(group: &str) -> &str {
    match group.split('.').next().unwrap_or_default() {
        "" | "events" => "core",
        first => first,
    }
}

/// A type that was served once and is still known by its name.
fn is_old_scale(given: &GroupVersionKind) -> bool {
    const VERSIONS: [&str; 3] = ["apps/v1beta1", "apps/v1beta2", "extensions/v1beta1"];
    given.kind == "Scale" && VERSIONS.contains(&&*given.group_version().to_string())
}

fn cannot_be_handled(
    given: &GroupVersionKind,
    expected: &GroupVersionKind,
    why: &str,
) -> StatusError {
    StatusError::bad_request(format!(
        "{} in version {} cannot be handled as a {}: {why}",
        given.kind,
        meta::quote(&given.version),
        expected.kind
    ))
}

/// The beginning of a body, as errors show it.
fn summary(bytes: &[u8]) -> String {
    const SHOWN: usize = 30;
    let shown = bytes.get(..SHOWN).unwrap_or(bytes);
    let more = if bytes.len() > SHOWN { " ..." } else { "" };
    match bytes.first() {
        None => "<empty>".to_owned(),
        Some(b'{') => format!("{}{more}", String::from_utf8_lossy(shown)),
        Some(_) => {
            let mut text = String::with_capacity(2 * shown.len() + more.len());
            for byte in shown {
                let _ = write!(text, "{byte:02x}");
            }
            text.push_str(more);
            text
        }
    }
}
