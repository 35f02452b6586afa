//! The options of the verbs, from the URL (and for deletions from a body), with Kubernetes' rules about them.
//!
//! See <https://kubernetes.io/docs/reference/using-api/api-concepts/>.

use meta::field::Path;
use meta::{FieldError, GroupKind, StatusError, Tree};

use crate::chain::Call;
use crate::query::Query;

const MAX_FIELD_MANAGER_BYTES: usize = 128;

/// What happens to fields that the type does not have, and to keys that occur twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    /// They are dropped silently.
    Ignore,
    /// They are dropped, and the answer warns of them.
    #[default]
    Warn,
    /// The request is refused.
    Strict,
}

/// Options of create, update and patch.
#[derive(Clone, Debug, Default)]
pub(crate) struct WriteOptions {
    /// Everything happens but the write.
    pub(crate) dry_run: bool,
    /// Who owns the fields that the write sets.
    pub(crate) manager: String,
    pub(crate) validation: FieldValidation,
    /// Apply takes fields from other managers.
    pub(crate) force: bool,
}

/// Which verb's options are read; the rules and the names in errors differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writing {
    Create,
    Update,
    Patch,
    Apply,
}

impl WriteOptions {
    /// Reads the options of a write.
    pub(crate) fn read(call: &Call, writing: Writing) -> Result<WriteOptions, StatusError> {
        let query = &call.info.query;
        let mut errors = Vec::new();
        let given = query.first("fieldManager").unwrap_or_default();
        let force = query.maybe_flag("force");
        match writing {
            Writing::Apply if given.is_empty() => {
                errors.push(FieldError::required(
                    &Path::new("fieldManager"),
                    "is required for apply patch",
                ));
            }
            Writing::Patch if force.is_some() => {
                errors.push(FieldError::forbidden(
                    &Path::new("force"),
                    "may not be specified for non-apply patch",
                ));
            }
            _ => {}
        }
        errors.extend(field_manager(given));
        let dry_run = dry_run(&values(query, "dryRun"), &mut errors);
        let validation = match query.first("fieldValidation").unwrap_or_default() {
            "" | "Warn" => FieldValidation::Warn,
            "Ignore" => FieldValidation::Ignore,
            "Strict" => FieldValidation::Strict,
            other => {
                let allowed = ["", "Ignore", "Strict", "Warn"];
                errors.push(FieldError::not_supported(
                    &Path::new("fieldValidation"),
                    other,
                    allowed,
                ));
                FieldValidation::Warn
            }
        };
        if !errors.is_empty() {
            let kind = match writing {
                Writing::Create => "CreateOptions",
                Writing::Update => "UpdateOptions",
                Writing::Patch | Writing::Apply => "PatchOptions",
            };
            return Err(refused(kind, &errors));
        }
        let manager = if given.is_empty() { manager_of_agent(call) } else { given.to_owned() };
        Ok(WriteOptions { dry_run, manager, validation, force: force.unwrap_or(false) })
    }
}

/// What happens to the dependents of a deleted object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    Orphan,
    Background,
    Foreground,
}

/// Options of delete and deletecollection.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeleteOptions {
    pub(crate) dry_run: bool,
    pub(crate) grace_secs: Option<i64>,
    pub(crate) policy: Option<Policy>,
    /// The older form of `policy`.
    pub(crate) orphan: Option<bool>,
    pub(crate) uid: Option<String>,
    pub(crate) revision: Option<String>,
    /// Only an object that cannot be read any more is meant, to be removed whatever that breaks.
    pub(crate) unreadable: bool,
}

const UNREADABLE: &str = "ignoreStoreReadErrorWithClusterBreakingPotential";

impl DeleteOptions {
    /// From the URL: what counts when there is no body.
    pub(crate) fn from_query(query: &Query) -> Result<DeleteOptions, StatusError> {
        let grace_secs = query.integer("gracePeriodSeconds").map_err(StatusError::bad_request)?;
        let policy = query.first("propagationPolicy").map(str::to_owned);
        let orphan = query.maybe_flag("orphanDependents");
        let precondition = |name| query.first(name).map(str::to_owned);
        let options = DeleteOptions {
            grace_secs,
            orphan,
            uid: precondition("uid"),
            revision: precondition("resourceVersion"),
            unreadable: query.flag(UNREADABLE),
            ..DeleteOptions::default()
        };
        options.checked(policy.as_deref(), &values(query, "dryRun"))
    }

    /// From a body, which must be a canonical tree of the type.
    pub(crate) fn from_tree(tree: &Tree) -> Result<DeleteOptions, StatusError> {
        let text = |value: Option<&Tree>| value.and_then(Tree::as_str).map(str::to_owned);
        let preconditions = tree.get("preconditions");
        let options = DeleteOptions {
            grace_secs: tree.get("gracePeriodSeconds").and_then(Tree::as_i64),
            orphan: tree.get("orphanDependents").and_then(Tree::as_bool),
            uid: text(preconditions.and_then(|preconditions| preconditions.get("uid"))),
            revision: text(
                preconditions.and_then(|preconditions| preconditions.get("resourceVersion")),
            ),
            unreadable: tree.get(UNREADABLE).and_then(Tree::as_bool) == Some(true),
            ..DeleteOptions::default()
        };
        let dry_run: Vec<String> = tree
            .get("dryRun")
            .and_then(Tree::as_array)
            .map(|values| values.iter().filter_map(Tree::as_str).map(str::to_owned).collect())
            .unwrap_or_default();
        options.checked(tree.get("propagationPolicy").and_then(Tree::as_str), &dry_run)
    }

    fn checked(
        mut self,
        policy: Option<&str>,
        dry_run_values: &[String],
    ) -> Result<DeleteOptions, StatusError> {
        let mut errors = Vec::new();
        let path = Path::new("propagationPolicy");
        if let (Some(policy), true) = (policy, self.orphan.is_some()) {
            let detail = "orphanDependents and deletionPropagation cannot be both set";
            errors.push(FieldError::invalid(&path, policy, detail));
        }
        self.policy = match policy {
            None => None,
            Some("Orphan") => Some(Policy::Orphan),
            Some("Background") => Some(Policy::Background),
            Some("Foreground") => Some(Policy::Foreground),
            Some(other) => {
                errors.push(FieldError::not_supported(
                    &path,
                    other,
                    ["Foreground", "Background", "Orphan", "nil"],
                ));
                None
            }
        };
        self.dry_run = dry_run(dry_run_values, &mut errors);
        for (name, is_given) in [
            ("propagationPolicy", policy.is_some()),
            ("orphanDependents", self.orphan.is_some()),
            ("gracePeriodSeconds", self.grace_secs.is_some()),
            ("preconditions", self.uid.is_some() || self.revision.is_some()),
        ] {
            if self.unreadable && is_given {
                errors.push(unreadable(&format!("cannot be set together with .{name}")));
            }
        }
        if errors.is_empty() { Ok(self) } else { Err(refused("DeleteOptions", &errors)) }
    }

    /// Many objects are not deleted as ones that cannot be read.
    pub(crate) fn check_collection(&self) -> Result<(), StatusError> {
        if !self.unreadable {
            return Ok(());
        }
        let detail = "is not allowed with DELETECOLLECTION, try again after removing the option";
        Err(refused("DeleteOptions", &[unreadable(detail)]))
    }
}

fn unreadable(detail: &str) -> FieldError {
    FieldError::invalid(&Path::new(UNREADABLE), Tree::from(true), detail)
}

/// Options of list, watch and deletecollection, as sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct ListOptions {
    pub(crate) labels: meta::selector::label::Selector,
    pub(crate) fields: meta::selector::field::Selector,
    pub(crate) bookmarks: bool,
    /// Empty if not sent.
    pub(crate) revision: String,
    pub(crate) matching: Option<Matching>,
    pub(crate) timeout_secs: Option<u64>,
    /// 0 is no limit.
    pub(crate) limit: usize,
    /// Empty if not sent.
    pub(crate) continue_: String,
    pub(crate) initial_events: Option<bool>,
}

/// How a list's `resourceVersion` is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Matching {
    Exact,
    NotOlderThan,
}

impl ListOptions {
    /// Reads the options of a list or watch.
    pub(crate) fn read(query: &Query, watch: bool) -> Result<ListOptions, StatusError> {
        let bad = StatusError::bad_request;
        let selector = query.first("labelSelector").unwrap_or_default();
        let labels = meta::selector::label::Selector::parse(selector).map_err(bad)?;
        let selector = query.first("fieldSelector").unwrap_or_default();
        let fields = meta::selector::field::Selector::parse(selector).map_err(bad)?;
        let timeout = query.integer("timeoutSeconds").map_err(bad)?;
        let limit = query.integer("limit").map_err(bad)?.unwrap_or(0);
        let mut options = ListOptions {
            labels,
            fields,
            bookmarks: query.flag("allowWatchBookmarks"),
            revision: query.first("resourceVersion").unwrap_or_default().to_owned(),
            matching: None,
            timeout_secs: timeout.and_then(|secs| u64::try_from(secs).ok()),
            limit: usize::try_from(limit).unwrap_or(0),
            continue_: query.first("continue").unwrap_or_default().to_owned(),
            initial_events: query.maybe_flag("sendInitialEvents"),
        };
        let mut matching = query.first("resourceVersionMatch").unwrap_or_default();
        if watch && matching.is_empty() && options.begins_anywhere() {
            options.initial_events = Some(true);
            matching = "NotOlderThan";
        }
        let errors =
            if watch { options.check_watch(matching) } else { options.check_list(matching) };
        if !errors.is_empty() {
            return Err(refused("ListOptions", &errors));
        }
        options.matching = match matching {
            "Exact" => Some(Matching::Exact),
            "NotOlderThan" => Some(Matching::NotOlderThan),
            _ => None,
        };
        Ok(options)
    }

    /// A watch that begins "now" or "anywhere" begins with what is there, unless it says otherwise.
    fn begins_anywhere(&self) -> bool {
        matches!(self.revision.as_str(), "" | "0") && self.initial_events.is_none()
    }

    /// The options of a list for a watch.
    #[must_use]
    pub(crate) fn into_watch(mut self) -> ListOptions {
        if self.begins_anywhere() {
            (self.initial_events, self.matching) = (Some(true), Some(Matching::NotOlderThan));
        }
        self
    }

    fn check_list(&self, matching: &str) -> Vec<FieldError> {
        let path = Path::new("resourceVersionMatch");
        let mut errors = Vec::new();
        if !matching.is_empty() {
            if self.revision.is_empty() {
                let detail = "resourceVersionMatch is forbidden unless resourceVersion is provided";
                errors.push(FieldError::forbidden(&path, detail));
            }
            if !self.continue_.is_empty() {
                let detail = "resourceVersionMatch is forbidden when continue is provided";
                errors.push(FieldError::forbidden(&path, detail));
            }
            if !matches!(matching, "Exact" | "NotOlderThan") {
                errors.push(FieldError::not_supported(
                    &path,
                    matching,
                    ["Exact", "NotOlderThan", ""],
                ));
            }
            if matching == "Exact" && self.revision == "0" {
                let detail =
                    "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
                errors.push(FieldError::forbidden(&path, detail));
            }
        }
        if self.initial_events.is_some() {
            let path = Path::new("sendInitialEvents");
            errors.push(FieldError::forbidden(&path, "sendInitialEvents is forbidden for list"));
        }
        errors
    }

    fn check_watch(&self, matching: &str) -> Vec<FieldError> {
        let path = Path::new("resourceVersionMatch");
        let mut errors = Vec::new();
        if self.initial_events.is_some() && matching != "NotOlderThan" {
            let detail = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
            errors.push(FieldError::forbidden(&path, detail));
        }
        if !matching.is_empty() {
            if self.initial_events.is_none() {
                let detail = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
                errors.push(FieldError::forbidden(&path, detail));
            }
            if matching != "NotOlderThan" {
                errors.push(FieldError::not_supported(&path, matching, ["NotOlderThan"]));
            }
            if !self.continue_.is_empty() {
                let detail = "resourceVersionMatch is forbidden when continue is provided";
                errors.push(FieldError::forbidden(&path, detail));
            }
        }
        errors
    }
}

fn refused(kind: &'static str, errors: &[FieldError]) -> StatusError {
    StatusError::invalid(&GroupKind::new("meta.k8s.io", kind), "", errors)
}

fn values(query: &Query, name: &str) -> Vec<String> {
    query.all(name).map(str::to_owned).collect()
}

fn dry_run(values: &[String], errors: &mut Vec<FieldError>) -> bool {
    if values.iter().any(|value| value != "All") {
        errors.push(FieldError::not_supported(&Path::new("dryRun"), values, ["All"]));
    }
    !values.is_empty()
}

fn field_manager(manager: &str) -> Vec<FieldError> {
    let path = Path::new("fieldManager");
    let mut errors = Vec::new();
    if manager.len() > MAX_FIELD_MANAGER_BYTES {
        errors.push(FieldError::too_long(&path, MAX_FIELD_MANAGER_BYTES));
    }
    for (at, character) in manager.char_indices().filter(|(_, character)| !is_printable(*character))
    {
        let detail = format!("invalid character U+{:04X} (at position {at})", u32::from(character));
        errors.push(FieldError::invalid(&path, manager, detail));
    }
    errors
}

fn is_printable(character: char) -> bool {
    character == ' ' || !(character.is_control() || character.is_whitespace())
}

/// Without a `fieldManager`, the first part of the User-Agent names who writes.
fn manager_of_agent(call: &Call) -> String {
    let agent = call.header(http::header::USER_AGENT).unwrap_or_default();
    let mut manager = String::new();
    for character in agent
        .split('/')
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|&character| is_printable(character))
    {
        if manager.len() + character.len_utf8() > MAX_FIELD_MANAGER_BYTES {
            break;
        }
        manager.push(character);
    }
    if manager.is_empty() { "unknown".to_owned() } else { manager }
}

#[cfg(test)]
mod tests;
