//! Conditions in the form that newer kinds share: each has a reason and the time of its last change.
//!
//! See <https://kubernetes.io/docs/reference/kubernetes-api/definitions/condition-v1-meta/>.

use meta::Tree;

/// The time that stands for none: the typed form always has one.
const NO_TIME: &str = "0001-01-01T00:00:00Z";

/// Gives each condition without a time one that stands for none. Runs before the tree is typed.
pub(crate) fn mark_missing_times(conditions: Option<&mut Tree>) {
    let conditions = conditions.and_then(Tree::as_array_mut);
    for condition in conditions.into_iter().flatten().filter_map(Tree::as_object_mut) {
        let time = condition.entry("lastTransitionTime").or_insert(Tree::Null);
        if time.is_null() {
            *time = Tree::from(NO_TIME);
        }
    }
}
