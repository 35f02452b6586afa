//! Server-side apply: an applier states all fields it wants; the server merges, and takes away what
//! it wanted before.

use thiserror::Error;

use super::compare::compare;
use super::owners;
use super::owners::take;
use super::update::{empty_object, give_up, manager, reconciled, strip, update};
use super::{
    Conflict, Context, Entry, FieldSet, Operation, conflict, decode_entries, encode_entries,
    last_applied, merge, remove, validate,
};
use crate::decode::format_time;
use crate::{GroupVersion, StatusError, Tree};

/// The object after an apply, not yet defaulted or in canonical form.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    pub tree: Tree,
    /// Whether anything but owners differs from the live object.
    pub changed: bool,
}

#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ApplyError {
    #[error("{}", conflict::message(.0))]
    Conflicts(Vec<Conflict>),
    /// The configuration does not fit the type.
    #[error("failed to create typed patch object ({object}): {text}")]
    Invalid { object: String, text: String },
    #[error("metadata.managedFields must be nil")]
    ManagedFieldsGiven,
    /// The live object or its owners cannot be read.
    #[error("{0}")]
    Live(String),
}

impl ApplyError {
    /// How the API server answers.
    pub fn status(&self) -> StatusError {
        match self {
            Self::Conflicts(conflicts) => conflict::status(conflicts),
            Self::ManagedFieldsGiven => StatusError::bad_request(self.to_string()),
            Self::Invalid { .. } | Self::Live(_) => StatusError::unknown(self.to_string()),
        }
    }
}

/// The manager that owns what an object had before anybody applied to it.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// The manager whose client also keeps the last configuration in an annotation.
const KUBECTL: &str = "kubectl";

/// Applies a configuration to the live object, or creates one from it.
///
/// The live object is in canonical form. The configuration is as it was sent, since a field that is
/// listed is owned whatever its value.
pub fn apply(
    context: &Context<'_>,
    live: Option<&Tree>,
    config: &Tree,
    force: bool,
) -> Result<Applied, ApplyError> {
    if owners::get(config).is_some_and(|fields| !fields.is_null()) {
        return Err(ApplyError::ManagedFieldsGiven);
    }
    validate::validate(config, context.ty, context.schema)
        .map_err(|text| ApplyError::Invalid { object: described(config), text })?;
    let empty;
    let live = if let Some(live) = live {
        live
    } else {
        empty = empty_object(context);
        &empty
    };
    let mut applied = match merge_in(context, live, config, force) {
        // kubectl may take over what it wrote by its own client-side apply, if nobody changed it
        // since.
        Err(ApplyError::Conflicts(conflicts)) if context.manager == KUBECTL => {
            match last_applied::foreign(context, live, conflicts) {
                Err(foreign) => Err(ApplyError::Conflicts(foreign)),
                Ok(()) => merge_in(context, live, config, true),
            }
        }
        other => other,
    }?;
    if context.manager == KUBECTL {
        last_applied::renew(&mut applied.tree, config);
    }
    Ok(applied)
}

fn merge_in(
    context: &Context<'_>,
    live: &Tree,
    config: &Tree,
    force: bool,
) -> Result<Applied, ApplyError> {
    let (ty, schema) = (context.ty, context.schema);
    let failed = |what: &str| {
        let what = what.to_owned();
        move |error: String| ApplyError::Live(format!("{what}: {error}"))
    };
    let entries = owners(context, live)?;
    let mut entries = reconciled(context, entries);
    let mut fields = FieldSet::from_tree(config, ty, schema);
    if let Some(reset) = context.reset {
        fields = fields.difference_below(reset);
    }
    let own = Entry {
        manager: manager(context).to_owned(),
        operation: Operation::Apply,
        api_version: context.api_version.to_owned(),
        time: String::new(),
        subresource: context.subresource.to_owned(),
        fields,
    };
    let before = entries.iter().find(|entry| entry.identity() == own.identity()).cloned();
    entries.retain(|entry| entry.identity() != own.identity());
    let owned = entries.iter().fold(own.fields.clone(), |all, entry| all.union(&entry.fields));

    let mut merged =
        merge::merge(live, config, ty, schema).map_err(failed("failed to merge config"))?;
    if let Some(before) = &before {
        merged = prune(context, merged, &before.fields, &owned);
    }
    let changes = compare(live, &merged, ty, schema)
        .map_err(failed("failed to compare objects"))?
        .without(context.reset);
    let wanted = changes.modified.merged(changes.added);
    let conflicts = conflicts(&entries, &wanted);
    if !force && !conflicts.is_empty() {
        return Err(ApplyError::Conflicts(conflicts));
    }
    give_up(&mut entries, &changes.removed.merged(wanted));

    // The managed fields of the live object are those of the merged one: nobody can apply them.
    let differs = merged != *live;
    let time = match &before {
        _ if differs => format_time(context.now),
        Some(before) => before.time.clone(),
        None => String::new(),
    };
    let mut own = Entry { time, ..own };
    strip(&mut own.fields);
    entries.push(own);
    take(&mut merged);
    encode_entries(entries, &mut merged);
    Ok(Applied { tree: merged, changed: differs })
}

/// The owners of the live object. What nobody was known to own belongs to those before the first
/// apply.
fn owners(context: &Context<'_>, live: &Tree) -> Result<Vec<Entry>, ApplyError> {
    let entries = decode_entries(live)
        .map_err(|error| ApplyError::Live(format!("failed to decode managed fields: {error}")))?;
    if !entries.is_empty() {
        return Ok(entries);
    }
    let first = Context { manager: BEFORE_FIRST_APPLY, ..*context };
    update(&first, None, live, entries).map_err(|error| {
        ApplyError::Live(format!("failed to create manager for existing fields: {error}"))
    })
}

fn conflicts(entries: &[Entry], wanted: &FieldSet) -> Vec<Conflict> {
    let mut owners: Vec<_> = entries.iter().collect();
    owners.sort_by_key(|entry| entry.identity());
    let fields = owners.into_iter().flat_map(|entry| {
        let paths = entry.fields.intersection(wanted).paths();
        paths.into_iter().map(|path| Conflict::new(entry, path))
    });
    fields.collect()
}

/// Removes what the applier listed before and does not list now, unless somebody else owns it, or
/// it is an item or struct in which something is left.
fn prune(context: &Context<'_>, merged: Tree, before: &FieldSet, owned: &FieldSet) -> Tree {
    if before.difference(owned).is_empty() {
        return merged;
    }
    let (ty, schema) = (context.ty, context.schema);
    let structs = |fields: &FieldSet| remove::with_structs(fields, ty, schema);
    let all = |tree: &Tree| structs(&FieldSet::from_tree(tree, ty, schema));
    let before = structs(before);
    let everything = all(&merged);
    let pruned = remove::remove(&merged, &before, ty, schema);
    let unowned = everything.difference(&all(&pruned).union(&structs(owned)));
    let pruned = remove::remove(&merged, &unowned, ty, schema);
    let gone = everything.difference(&all(&pruned)).intersection(&before);
    remove::remove(&merged, &gone, ty, schema)
}

/// What a configuration is for: `default/web; apps/v1, Kind=Deployment`.
pub fn described(config: &Tree) -> String {
    let text = |value: Option<&Tree>| value.and_then(Tree::as_str).unwrap_or_default().to_owned();
    let metadata = |name| text(config.get("metadata").and_then(|metadata| metadata.get(name)));
    let version = text(config.get("apiVersion"));
    let kind =
        GroupVersion::parse(&version).unwrap_or_default().with_kind(text(config.get("kind")));
    format!("{}/{}; {kind}", metadata("namespace"), metadata("name"))
}
