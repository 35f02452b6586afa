//! Reading optional wire fields as Kubernetes does: an absent text, list or map is an empty one.

use std::collections::BTreeMap;

/// An optional value whose absence means "empty".
pub trait OrEmpty {
    type Empty: ?Sized;

    fn or_empty(&self) -> &Self::Empty;

    fn is_unset(&self) -> bool;
}

impl OrEmpty for Option<String> {
    type Empty = str;

    fn or_empty(&self) -> &str {
        self.as_deref().unwrap_or_default()
    }

    fn is_unset(&self) -> bool {
        self.or_empty().is_empty()
    }
}

impl<T> OrEmpty for Option<Vec<T>> {
    type Empty = [T];

    fn or_empty(&self) -> &[T] {
        self.as_deref().unwrap_or_default()
    }

    fn is_unset(&self) -> bool {
        self.or_empty().is_empty()
    }
}

impl<V> OrEmpty for Option<BTreeMap<String, V>> {
    type Empty = BTreeMap<String, V>;

    fn or_empty(&self) -> &BTreeMap<String, V> {
        match self {
            Some(map) => map,
            None => const { &BTreeMap::new() },
        }
    }

    fn is_unset(&self) -> bool {
        self.as_ref().is_none_or(BTreeMap::is_empty)
    }
}

/// Fills in a text that is absent. Kubernetes has a pointer there, and an empty text is one that is refused.
pub(crate) fn default_absent(field: &mut Option<String>, value: &str) {
    field.get_or_insert_with(|| value.to_owned());
}

/// Fills in a text that is absent or empty.
pub(crate) fn default_text(field: &mut Option<String>, value: &str) {
    if field.is_unset() {
        *field = Some(value.to_owned());
    }
}
