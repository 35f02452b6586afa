//! What holds for the conditions in the status of both kinds.

use std::collections::BTreeSet;

use crate::check::{At, Errors};

/// What is wrong with conditions of these types.
pub(super) fn validate<'a>(errors: &mut Errors, types: impl Iterator<Item = &'a String>) {
    let status = At::root("status");
    let all = status.field("conditions");
    let mut seen = BTreeSet::new();
    for (index, type_) in types.enumerate() {
        let at = all.index(index);
        let at = at.field("type");
        if !seen.insert(type_) {
            errors.duplicate(&at, type_);
        }
        if type_.is_empty() {
            errors.required(&at, "");
        }
    }
}
