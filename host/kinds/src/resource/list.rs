//! Lists of bounded size. What is too long is not looked into.

use crate::check::{At, Errors};

/// Checks each item, if there are not too many.
pub(super) fn each<T>(
    errors: &mut Errors,
    all: &At<'_>,
    list: &[T],
    max: usize,
    mut rule: impl FnMut(&mut Errors, &At<'_>, &T),
) {
    if list.len() > max {
        errors.too_many(all, list.len(), max);
        return;
    }
    for (index, item) in list.iter().enumerate() {
        rule(errors, &all.index(index), item);
    }
}

/// The places of items whose key an earlier one has.
pub(super) fn repeated<T, K: PartialEq>(list: &[T], key: impl Fn(&T) -> K) -> Vec<(usize, &T)> {
    let keys: Vec<K> = list.iter().map(key).collect();
    let is_repeated =
        |index: usize| keys.iter().take(index).any(|key| Some(key) == keys.get(index));
    list.iter().enumerate().filter(|(index, _)| is_repeated(*index)).collect()
}
