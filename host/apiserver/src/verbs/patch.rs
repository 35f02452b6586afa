//! PATCH: a change of what is there, in one of four languages.
//!
//! JSON patch, merge patch and strategic merge patch are applied to the stored object, and the result is an update like any other. Apply says
//! what its manager wants; it creates what is not there. If the object changes meanwhile, the patch is applied again.
//! See <https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-apply>.

use bytes::Bytes;
use http::Response;
use http::header::CONTENT_TYPE;
use kinds::AnyKind;
use meta::field::Path;
use meta::{FieldError, GroupKind, GroupVersion, GroupVersionKind, StatusError, Tree, patch};

use super::parts::Part;
use super::write::{self, Wanted};
use super::{Context, Current, create, ownership, update};
use crate::body::Body;
use crate::chain::Call;
use crate::codec::decode::{self, Expected};
use crate::codec::yaml;
use crate::options::{FieldValidation, WriteOptions, Writing};

/// The language of a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Json,
    Merge,
    Strategic,
    Apply,
}

/// The languages in which custom types are patched.
const PATCHES_OF_CUSTOM: [&str; 3] =
    ["application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"];

impl Language {
    fn of(media_type: &str) -> Option<Language> {
        match media_type {
            "application/json-patch+json" => Some(Language::Json),
            "application/merge-patch+json" => Some(Language::Merge),
            "application/strategic-merge-patch+json" => Some(Language::Strategic),
            "application/apply-patch+yaml" => Some(Language::Apply),
            _ => None,
        }
    }
}

/// A patch as it came.
#[derive(Debug)]
pub(super) struct Patch {
    pub(super) language: Language,
    pub(super) options: WriteOptions,
    bytes: Bytes,
    /// The parsed patch; JSON patches are parsed by their own rules.
    pub(super) tree: Tree,
    /// What strict decoding objects to in the patch itself.
    findings: Vec<String>,
}

pub(crate) async fn handle(context: Context) -> Result<Response<Body>, StatusError> {
    change(context, Part::Main).await
}

/// Patches a part of an object.
pub(super) async fn change(
    mut context: Context,
    part: Part,
) -> Result<Response<Body>, StatusError> {
    let patch = read(&mut context).await?;
    let may_create = patch.language == Language::Apply && part == Part::Main;
    let context = &context;
    let mut change = |current: Option<&Current>| {
        let mut wanted = if patch.language == Language::Apply {
            let applied = ownership::apply(context, &patch.options, &patch.tree, current, part)?;
            report_applied(context, &patch)?;
            applied
        } else {
            let current = current.ok_or_else(|| context.not_found(&context.resource.name))?;
            let tree =
                patched(context, &patch, &Expected::of_kind(&*context.kind), current.tree.clone())?;
            Wanted { tree, owned: false }
        };
        if current.is_none() {
            check_no_uid(context, &wanted.tree)?;
            create::wipe(&mut wanted.tree);
        }
        create::place(context, &mut wanted.tree)?;
        update::check_name(&context.resource.name, &wanted.tree)?;
        Ok(wanted)
    };
    let written = write::update(context, &patch.options, &part, may_create, &mut change).await?;
    update::answer(context, &written)
}

/// In which language a patch is written.
pub(super) fn language(call: &Call, kind: &dyn AnyKind) -> Result<Language, StatusError> {
    let content_type = call.header(CONTENT_TYPE).unwrap_or_default();
    let language = Language::of(content_type.split(';').next().unwrap_or_default().trim());
    // Custom types say nothing of strategies.
    if kind.custom().is_some() {
        return language
            .filter(|language| *language != Language::Strategic)
            .ok_or_else(|| StatusError::unsupported_media_type(&PATCHES_OF_CUSTOM));
    }
    language.ok_or_else(|| {
        let mut error =
            StatusError::new(415, "UnsupportedMediaType", "415: Unsupported Media Type");
        error.details_mut();
        error
    })
}

/// Reads a patch and what is wrong with it whatever it is applied to.
pub(super) async fn read(context: &mut Context) -> Result<Patch, StatusError> {
    let language = language(&context.call, &*context.kind)?;
    let bytes = decode::bytes(&context.state, &mut context.call).await?;
    let writing = if language == Language::Apply { Writing::Apply } else { Writing::Patch };
    let options = WriteOptions::read(&context.call, writing)?;
    if language == Language::Apply {
        parse_apply(bytes, options)
    } else {
        parse(language, bytes, options)
    }
}

/// Repeated keys of a configuration, told once it was found to fit the object.
pub(super) fn report_applied(context: &Context, patch: &Patch) -> Result<(), StatusError> {
    decode::report(
        patch.findings.clone(),
        patch.options.validation,
        &context.call.warnings,
        |text| StatusError::bad_request(format!("error strict decoding patch: {text}")),
    )
}

fn parse(language: Language, bytes: Bytes, options: WriteOptions) -> Result<Patch, StatusError> {
    let parsed = meta::decode::parse_json(&bytes)
        .map_err(|_| StatusError::bad_request("invalid JSON patch"))?;
    let findings = if language == Language::Json {
        patch::json::Patch::strict_errors(&bytes)
    } else {
        parsed.duplicates.iter().map(|path| meta::decode::duplicate_field(path)).collect()
    };
    Ok(Patch { language, options, tree: parsed.tree, bytes, findings })
}

fn parse_apply(bytes: Bytes, options: WriteOptions) -> Result<Patch, StatusError> {
    let bad = |error: String| StatusError::bad_request(format!("error encoding patch: {error}"));
    let text = std::str::from_utf8(&bytes).map_err(|_| bad("yaml: invalid UTF-8".to_owned()))?;
    let document = yaml::parse(text).map_err(bad)?;
    if !document.tree.is_object() && !document.tree.is_null() {
        let what = meta::json_kind(&document.tree);
        return Err(StatusError::bad_request(format!(
            "error decoding patch: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {what} into Go value of type \
             map[string]interface {{}}"
        )));
    }
    Ok(Patch {
        language: Language::Apply,
        options,
        tree: document.tree,
        findings: document.duplicates,
        bytes,
    })
}

/// The patched object as a canonical tree. `document` is that of the type which the path shows.
pub(super) fn patched(
    context: &Context,
    patch: &Patch,
    expected: &Expected<'_>,
    document: Tree,
) -> Result<Tree, StatusError> {
    let mut tree = match patch.language {
        Language::Json => {
            let mut document = document;
            patch::json::apply(&mut document, &patch.bytes).map_err(|error| error.status())?;
            document
        }
        Language::Merge => {
            patch::merge::apply(document, patch.tree.clone()).map_err(|error| error.status())?
        }
        Language::Strategic => {
            patch::strategic::apply(document, patch.tree.clone(), expected.ty, expected.schema)
                .map_err(|error| error.status())?
        }
        Language::Apply => return Err(StatusError::internal("apply has a way of its own")),
    };
    let is_strategic = patch.language == Language::Strategic;
    let before = if is_strategic { meta::quote::plain(&patch.tree) } else { tree.to_string() };
    let refuse = |text: String| {
        let error = FieldError::invalid(&Path::new("patch"), before.clone(), text);
        StatusError::invalid(&GroupKind::default(), "", &[error])
    };
    // A strategic patch is merged into what knows its type already.
    if !is_strategic && let Some(text) = decode::why_untyped(&tree) {
        return Err(refuse(text));
    }
    let report = |unknown: &[String]| {
        if patch.options.validation == FieldValidation::Ignore {
            return Ok(());
        }
        let unknown = unknown.iter().map(|path| meta::decode::unknown_field(path));
        let findings: Vec<String> = patch.findings.iter().cloned().chain(unknown).collect();
        decode::report(findings, patch.options.validation, &context.call.warnings, |text| {
            refuse(format!("strict decoding error: {text}"))
        })
    };
    if !is_strategic && context.kind.custom().is_none() && !says(&tree, "apiVersion") {
        // Of an object in no version nothing is known, its name neither.
        let fields = tree.as_object().into_iter().flat_map(|object| object.keys());
        let fields = fields.filter(|name| !matches!(name.as_str(), "apiVersion" | "kind"));
        report(&fields.cloned().collect::<Vec<_>>())?;
        update::check_name(&context.resource.name, &Tree::Null)?;
    }
    let given = Some(called(&tree, &expected.gvk)).filter(|_| !is_strategic);
    if let Some(given) = given.filter(|given| *given != expected.gvk) {
        // Of a type that is known only this can be wrong.
        return Err(refuse(if kinds::find_kind(&given).is_some() {
            format!("a {} is no {}", given.kind, expected.gvk.kind)
        } else {
            decode::not_registered(&given)
        }));
    }
    if let Some(object) = tree.as_object_mut() {
        let version = expected.gvk.group_version().to_string();
        object.insert("apiVersion".to_owned(), version.into());
        object.insert("kind".to_owned(), expected.gvk.kind.to_string().into());
    }
    let found =
        if is_strategic { expected.convert(&mut tree) } else { expected.canonicalize(&mut tree) };
    let found = found.map_err(|error| refuse(error.to_string()))?;
    report(&found.unknown)?;
    Ok(tree)
}

fn says(tree: &Tree, name: &str) -> bool {
    tree.get(name).and_then(Tree::as_str).is_some_and(|text| !text.is_empty())
}

/// The type that an object says it has; what it does not say is as expected.
fn called(tree: &Tree, expected: &GroupVersionKind) -> GroupVersionKind {
    let text = |name| tree.get(name).and_then(Tree::as_str).filter(|text| !text.is_empty());
    let version = match text("apiVersion") {
        None => expected.group_version(),
        Some(text) => GroupVersion::parse(text)
            .unwrap_or_else(|| GroupVersion::new(String::new(), text.to_owned())),
    };
    version.with_kind(text("kind").unwrap_or(&expected.kind).to_owned())
}

/// An apply that names a uid means an object that is there.
fn check_no_uid(context: &Context, tree: &Tree) -> Result<(), StatusError> {
    let uid = meta::metadata_text(tree, "uid");
    if uid.is_empty() {
        return Ok(());
    }
    let text = format!(
        "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
    );
    Err(StatusError::conflict(&context.group_resource(), &context.resource.name, &text))
}
