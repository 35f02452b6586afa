//! What selectors look at, kept beside each stored entry so that filtering a list never decodes an
//! object.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// The labels and the selectable fields of one object, both sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    pub labels: Vec<(Box<str>, Box<str>)>,
    pub fields: Vec<(Cow<'static, str>, Box<str>)>,
}

impl Attributes {
    /// Takes labels as objects carry them and fields in any order.
    pub fn new(
        labels: Option<&BTreeMap<String, String>>,
        fields: impl IntoIterator<Item = (Cow<'static, str>, String)>,
    ) -> Self {
        let labels = labels
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.as_str().into(), value.as_str().into()))
            .collect();
        let mut fields: Vec<_> =
            fields.into_iter().map(|(name, value)| (name, value.into_boxed_str())).collect();
        fields.sort();
        Self { labels, fields }
    }

    pub fn label(&self, name: &str) -> Option<&str> {
        let found = self.labels.binary_search_by(|(have, _)| (**have).cmp(name)).ok()?;
        self.labels.get(found).map(|(_, value)| &**value)
    }

    pub fn field(&self, name: &str) -> Option<&str> {
        let found = self.fields.binary_search_by(|(have, _)| (**have).cmp(name)).ok()?;
        self.fields.get(found).map(|(_, value)| &**value)
    }
}
