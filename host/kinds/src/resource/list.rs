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

/// Checks each item, if there are not too many. One whose key an earlier item has is a duplicate, which comes before what else is wrong with it.
pub(super) fn each_once<T, K: PartialEq>(
    errors: &mut Errors,
    all: &At<'_>,
    list: &[T],
    max: usize,
    key: impl Fn(&T) -> K,
    duplicate: impl Fn(&mut Errors, &At<'_>, &T),
    mut rule: impl FnMut(&mut Errors, &At<'_>, &T),
) {
    let repeated = repeated(list, key);
    let mut repeated = repeated.into_iter().map(|(index, _)| index).peekable();
    let mut index = 0;
    each(errors, all, list, max, |errors, at, item| {
        if repeated.next_if_eq(&index).is_some() {
            duplicate(errors, at, item);
        }
        index += 1;
        rule(errors, at, item);
    });
}

/// The places of items whose key an earlier one has.
pub(super) fn repeated<T, K: PartialEq>(list: &[T], key: impl Fn(&T) -> K) -> Vec<(usize, &T)> {
    let keys: Vec<K> = list.iter().map(key).collect();
    let is_repeated =
        |index: usize| keys.iter().take(index).any(|key| Some(key) == keys.get(index));
    list.iter().enumerate().filter(|(index, _)| is_repeated(*index)).collect()
}
