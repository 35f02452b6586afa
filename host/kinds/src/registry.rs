//! The one table of built-in kinds, and how to find a kind in it.

use meta::GroupVersionKind;

use crate::object::AnyKind;

/// Makes the table from the list of types in the crate's root.
macro_rules! kinds {
    ($($kind:ty),* $(,)?) => {
        /// All built-in kinds, in the order of the list.
        #[must_use]
        pub fn all() -> &'static [&'static dyn $crate::AnyKind] {
            const ALL: &[&dyn $crate::AnyKind] = &[$({
                const KIND: &$crate::Of<$kind> = &$crate::Of::new();
                KIND
            }),*];
            ALL
        }
    };
}
pub(crate) use kinds;

/// The kind whose objects are served under `plural`.
#[must_use]
pub fn find(group: &str, version: &str, plural: &str) -> Option<&'static dyn AnyKind> {
    crate::all().iter().copied().find(|kind| {
        let info = kind.info();
        info.group == group && info.version == version && info.plural == plural
    })
}

/// The kind that calls itself so in `apiVersion` and `kind`.
#[must_use]
pub fn find_kind(gvk: &GroupVersionKind) -> Option<&'static dyn AnyKind> {
    crate::all().iter().copied().find(|kind| {
        let info = kind.info();
        info.group == gvk.group && info.version == gvk.version && info.kind == gvk.kind
    })
}
