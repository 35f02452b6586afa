//! Which of the names that a definition asks for it may have: those that no other definition of its group was given before.

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, CustomResourceDefinitionNames,
};
use kinds::wire::OrEmpty;

use super::{NAMES_ACCEPTED, Said, condition};

/// The names that a definition has after this look, and what is said about it. None if it has all that it asks for.
pub(super) fn accepted(
    definition: &CustomResourceDefinition,
    group: &[Arc<CustomResourceDefinition>],
) -> Option<(CustomResourceDefinitionNames, Said)> {
    let asked = &definition.spec.names;
    let had = names_of(definition);
    if are_same(asked, &had) {
        return None;
    }
    let taken = Taken::of(group);
    let mut has = had.clone();
    let mut problem: Option<(&'static str, String)> = None;
    // The last problem is the one that is told.
    let mut settle = |reason, conflicts: Vec<String>| {
        let is_free = conflicts.is_empty();
        if !is_free {
            problem = Some((reason, joined(conflicts)));
        }
        is_free
    };
    let conflict = |asked: &str, had: &str, taken: &BTreeSet<String>| {
        let is_free = asked == had || !taken.contains(asked);
        if is_free { Vec::new() } else { vec![in_use(asked)] }
    };

    if settle("PluralConflict", conflict(&asked.plural, &had.plural, &taken.resources)) {
        has.plural.clone_from(&asked.plural);
    }
    let (singular, had_singular) = (asked.singular.or_empty(), had.singular.or_empty());
    if settle("SingularConflict", conflict(singular, had_singular, &taken.resources)) {
        has.singular.clone_from(&asked.singular);
    }
    if asked.short_names.or_empty() != had.short_names.or_empty() {
        let own = |name: &String| {
            had.short_names.or_empty().contains(name) || *name == had.plural || name == had_singular
        };
        let others = asked.short_names.or_empty().iter().filter(|name| !own(name));
        let conflicts =
            others.filter(|name| taken.resources.contains(*name)).map(|name| in_use(name));
        if settle("ShortNamesConflict", conflicts.collect()) {
            has.short_names.clone_from(&asked.short_names);
        }
    }
    if settle("KindConflict", conflict(&asked.kind, &had.kind, &taken.kinds)) {
        has.kind.clone_from(&asked.kind);
    }
    let (list_kind, had_list_kind) = (asked.list_kind.or_empty(), had.list_kind.or_empty());
    if settle("ListKindConflict", conflict(list_kind, had_list_kind, &taken.kinds)) {
        has.list_kind.clone_from(&asked.list_kind);
    }
    has.categories.clone_from(&asked.categories);
    let said = match problem {
        None => Said::new(NAMES_ACCEPTED, true, "NoConflicts", "no conflicts found"),
        Some((reason, message)) => Said::new(NAMES_ACCEPTED, false, reason, &message),
    };
    Some((has, said))
}

/// Whether an older definition that wants some of the same names comes first. Two are never decided about at once, or both would get them.
pub(super) fn must_wait(
    definition: &CustomResourceDefinition,
    group: &[Arc<CustomResourceDefinition>],
) -> bool {
    let is_new = |one: &CustomResourceDefinition| condition(one, NAMES_ACCEPTED).is_none();
    let age = |one: &CustomResourceDefinition| {
        let created = one.metadata.creation_timestamp.as_ref().map(|time| time.0);
        (created, one.metadata.name.clone())
    };
    let own = words(&definition.spec.names);
    is_new(definition)
        && group.iter().any(|other| {
            let is_first = is_new(other) && age(other) < age(definition);
            is_first && !words(&other.spec.names).is_disjoint(&own)
        })
}

/// The names that a definition was given.
fn names_of(definition: &CustomResourceDefinition) -> CustomResourceDefinitionNames {
    let status = definition.status.as_ref();
    status.and_then(|status| status.accepted_names.clone()).unwrap_or_default()
}

/// A list that is absent is an empty one.
fn are_same(a: &CustomResourceDefinitionNames, b: &CustomResourceDefinitionNames) -> bool {
    a.plural == b.plural
        && a.kind == b.kind
        && a.singular.or_empty() == b.singular.or_empty()
        && a.list_kind.or_empty() == b.list_kind.or_empty()
        && a.short_names.or_empty() == b.short_names.or_empty()
        && a.categories.or_empty() == b.categories.or_empty()
}

/// The names that were given to definitions of a group.
#[derive(Default)]
struct Taken {
    resources: BTreeSet<String>,
    kinds: BTreeSet<String>,
}

impl Taken {
    fn of(group: &[Arc<CustomResourceDefinition>]) -> Self {
        let mut taken = Self::default();
        for names in group.iter().map(|other| names_of(other)) {
            taken.resources.insert(names.plural);
            taken.resources.extend(names.singular);
            taken.resources.extend(names.short_names.into_iter().flatten());
            taken.kinds.insert(names.kind);
            taken.kinds.extend(names.list_kind);
        }
        taken
    }
}

/// All names that are asked for. Kinds begin with capitals, so that they do not mix with the others.
fn words(names: &CustomResourceDefinitionNames) -> BTreeSet<&str> {
    let mut words = BTreeSet::from([&*names.plural, &*names.kind]);
    words.extend(names.singular.as_deref());
    words.extend(names.list_kind.as_deref());
    words.extend(names.short_names.or_empty().iter().map(String::as_str));
    words
}

fn in_use(name: &str) -> String {
    format!("{} is already in use", meta::quote(name))
}

/// Several problems as one text, each told once.
fn joined(mut problems: Vec<String>) -> String {
    let mut seen = BTreeSet::new();
    problems.retain(|problem| seen.insert(problem.clone()));
    match problems.as_slice() {
        [one] => one.clone(),
        several => format!("[{}]", several.join(", ")),
    }
}
