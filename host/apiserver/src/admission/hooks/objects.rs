//! The objects of a request: the one that is wanted, and the one that is there.
//!
//! A write through `/scale` is shown as a scale, whose replicas go back into the object behind it. Who owns which fields is not shown: the owners
//! are kept beside the object (see `verbs::ownership`), and nobody may change them here.

use kinds::{AnyKind, Object, ScalePaths};
use meta::selector::label::Selector;
use meta::{GroupVersionKind, LabelSelector, Tree, managed};

use super::super::Attempted;
use crate::verbs::{self, Context};

/// The objects as trees of the request's kind.
#[derive(Clone, Debug)]
pub(super) struct Objects {
    /// None in a deletion.
    pub(super) object: Option<Tree>,
    /// None in a creation.
    pub(super) old: Option<Tree>,
    /// The object behind a scale.
    pub(super) scale: Option<Tree>,
}

impl Objects {
    pub(super) fn of_write(
        context: &Context,
        attempted: &Attempted<'_>,
        object: &dyn Object,
    ) -> Objects {
        let (new, old) = (without_owners(object), attempted.old.map(without_owners));
        match scale_paths(context) {
            None => Objects { object: Some(new), old, scale: None },
            Some(paths) => Objects {
                object: Some(verbs::scale_of(&new, &paths)),
                old: old.map(|old| verbs::scale_of(&old, &paths)),
                scale: Some(new),
            },
        }
    }

    /// Takes in the object as it is now; whether it differs from what was seen before.
    pub(super) fn renew(&mut self, context: &Context, object: &dyn Object) -> bool {
        let whole = without_owners(object);
        let shown = match scale_paths(context) {
            None => whole,
            Some(paths) => {
                let scale = verbs::scale_of(&whole, &paths);
                self.scale = Some(whole);
                scale
            }
        };
        let differs = self.object.as_ref() != Some(&shown);
        self.object = Some(shown);
        differs
    }

    /// The whole object that the write is about.
    pub(super) fn whole(&self, context: &Context) -> Tree {
        let object = self.object.clone().unwrap_or_default();
        match (scale_paths(context), &self.scale) {
            (Some(paths), Some(whole)) => {
                let mut whole = whole.clone();
                verbs::rescale(&mut whole, &object, &paths);
                whole
            }
            _ => object,
        }
    }

    /// The objects in another kind that shows the same ones.
    pub(super) fn converted(&self, from: &dyn AnyKind, to: &dyn AnyKind) -> Objects {
        let convert = |tree: &Option<Tree>| tree.as_ref().map(|tree| convert(tree, from, to));
        Objects { object: convert(&self.object), old: convert(&self.old), scale: None }
    }

    /// Whether one of the objects has such labels.
    pub(super) fn have_labels(&self, selector: &Selector) -> bool {
        [&self.object, &self.old].into_iter().flatten().any(|tree| has_labels(tree, selector))
    }
}

/// The object as a tree, without the owners of its fields.
pub(super) fn without_owners(object: &dyn Object) -> Tree {
    let mut tree = object.tree();
    managed::take(&mut tree);
    tree
}

/// A canonical object with its defaults, as those who look next see it.
pub(super) fn defaulted(tree: &Tree, kind: &dyn AnyKind) -> Result<Tree, String> {
    let mut object = kind.object(tree).map_err(|error| crate::status::chain(&error))?;
    object.set_defaults();
    Ok(object.tree())
}

fn scale_paths(context: &Context) -> Option<ScalePaths> {
    (context.resource.subresource == "scale").then(|| context.info().scale).flatten()
}

/// Whether an object has such labels.
pub(super) fn has_labels(tree: &Tree, selector: &Selector) -> bool {
    let labels = tree.pointer("/metadata/labels").and_then(Tree::as_object);
    let labels = labels
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    selector.matches_labels(&labels.collect())
}

/// Reads a selector. One that is missing selects everything here.
pub(super) fn selector(given: Option<&LabelSelector>) -> Result<Selector, String> {
    given.map_or_else(|| Selector::from(&LabelSelector::default()), Selector::from)
}

/// An object in another kind that shows the same ones.
pub(super) fn convert(tree: &Tree, from: &dyn AnyKind, to: &dyn AnyKind) -> Tree {
    let mut tree = tree.clone();
    if from.info().gvk() == to.info().gvk() {
        return tree;
    }
    if !from.is_stored_as_served() {
        from.rewrite_to_stored(&mut tree);
    }
    if !to.is_stored_as_served() {
        to.rewrite_to_served(&mut tree);
    }
    // Kinds of one form only differ in what they are called.
    let gvk: GroupVersionKind = to.info().gvk();
    if let Some(object) = tree.as_object_mut() {
        object.insert("apiVersion".to_owned(), gvk.group_version().to_string().into());
        object.insert("kind".to_owned(), gvk.kind.to_string().into());
    }
    tree
}
