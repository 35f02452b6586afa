//! What selectors look at, kept beside each stored entry so that filtering a list never decodes an
//! object.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// The labels and the selectable fields of one object.
///
/// There is one of these for each object that is stored, for as long as it is stored. So it is two
/// pieces of memory rather than one for each text: small pieces that stay keep the memory of all that
/// was beside them when they were made.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Names and values in turn, labels before fields.
    text: Box<str>,
    /// Where each of them ends.
    ends: Box<[u32]>,
    labels: u32,
}

impl Attributes {
    /// Takes labels as objects carry them and fields in any order.
    pub fn new(
        labels: Option<&BTreeMap<String, String>>,
        fields: impl IntoIterator<Item = (Cow<'static, str>, String)>,
    ) -> Self {
        let mut fields: Vec<_> = fields.into_iter().collect();
        fields.sort();
        let labels = labels.into_iter().flatten().map(|(name, value)| (&**name, &**value));
        let fields = fields.iter().map(|(name, value)| (&**name, &**value));
        let count = labels.clone().count();
        let all = labels.chain(fields);
        // What is as long as it is to be is not moved again.
        let len = all.clone().map(|(name, value): (&str, &str)| name.len() + value.len()).sum();
        let mut text = String::with_capacity(len);
        let mut ends = Vec::with_capacity(2 * all.clone().count());
        for piece in all.flat_map(|(name, value)| [name, value]) {
            text.push_str(piece);
            // A request is bounded by far less.
            ends.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
        }
        let labels = u32::try_from(count).unwrap_or(u32::MAX);
        Self { text: text.into(), ends: ends.into(), labels }
    }

    pub fn label(&self, name: &str) -> Option<&str> {
        let mut labels = self.pairs().take(self.labels as usize);
        labels.find(|(have, _)| *have == name).map(|(_, value)| value)
    }

    pub fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.pairs().skip(self.labels as usize);
        fields.find(|(have, _)| *have == name).map(|(_, value)| value)
    }

    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut start = 0;
        let mut piece = move |end: u32| {
            let from = std::mem::replace(&mut start, end as usize);
            self.text.get(from..end as usize).unwrap_or_default()
        };
        let (pairs, _) = self.ends.as_chunks::<2>();
        pairs.iter().map(move |[name, value]| (piece(*name), piece(*value)))
    }
}

impl std::fmt::Debug for Attributes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.pairs()).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn gives_what_it_was_given(
            labels in proptest::collection::btree_map("[a-c]{0,3}", ".{0,3}", 0..4),
            fields in proptest::collection::btree_map("[a-c]{0,3}", ".{0,3}", 0..4),
        ) {
            let given = fields.iter().rev();
            let given = given.map(|(name, value)| (name.clone().into(), value.clone()));
            let attributes = Attributes::new(Some(&labels), given);
            for name in ["", "a", "b", "ab", "abc", "cc"] {
                prop_assert_eq!(attributes.label(name), labels.get(name).map(String::as_str));
                prop_assert_eq!(attributes.field(name), fields.get(name).map(String::as_str));
            }
        }
    }

    #[test]
    fn are_the_same_whatever_the_order_of_fields() {
        let of = |fields: [(&'static str, &str); 2]| {
            let fields = fields.map(|(name, value)| (Cow::Borrowed(name), value.to_owned()));
            Attributes::new(None, fields)
        };
        assert_eq!(of([("a", "1"), ("b", "2")]), of([("b", "2"), ("a", "1")]));
        assert_ne!(of([("a", "1"), ("b", "2")]), of([("a", "12"), ("b", "")]));
    }
}
