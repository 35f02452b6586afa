//! Objects that the server makes beside the one that a request is about: addresses, ports, the first content of a namespace.

use kinds::AnyKind;
use meta::{Attributes, GroupResource, Key, Tree};
use serde_json::json;
use store::{Op, Precondition, Snapshot};

use super::Attempted;
use crate::codec::encode;
use crate::verbs::whole_seconds;

/// An object to be made.
pub(super) struct Made<'a> {
    pub(super) resource: GroupResource,
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    /// `apiVersion`, `kind` and everything but the name and what the server gives each object.
    pub(super) tree: Tree,
    /// Who is said to own its fields; nobody if none are told.
    pub(super) manager: Option<&'a str>,
}

/// The operation that makes an object, if there is none of its name.
pub(super) fn put(attempted: &Attempted<'_>, made: Made<'_>) -> Op {
    let Made { resource, namespace, name, mut tree, manager } = made;
    let now = whole_seconds(attempted.state.clock.now());
    let kind = kind_of(&tree);
    let metadata = &mut tree["metadata"];
    metadata["name"] = name.into();
    if !namespace.is_empty() {
        metadata["namespace"] = namespace.into();
    }
    metadata["uid"] = uuid::Uuid::new_v4().to_string().into();
    metadata["creationTimestamp"] = json!(meta::Time(now));
    let mut attributes = Attributes::default();
    if let Some(kind) = kind {
        meta::decode::emit(&mut tree, kind.type_ref(), kinds::schema());
        if let Some(manager) = manager {
            let api_version = kind.info().api_version();
            let context = meta::managed::Context {
                manager,
                api_version: &api_version,
                subresource: "",
                now,
                ty: kind.type_ref(),
                schema: kinds::schema(),
                reset: None,
            };
            meta::managed::track_update(&context, None, &mut tree, false);
        }
        if let Ok(object) = kind.object(&tree) {
            attributes = object.attributes();
        }
    }
    let key = Key::new(&resource, namespace, name);
    Op::Put {
        key,
        precondition: Precondition::Absent,
        body: encode::stored(&tree),
        attributes,
        value: None,
    }
}

/// The operation that removes an object, if there is one of its name.
pub(super) fn delete(snapshot: &Snapshot, resource: &GroupResource, name: &str) -> Option<Op> {
    let key = Key::new(resource, "", name);
    let entry = snapshot.get(key.as_str())?;
    let tree: Tree = serde_json::from_slice(&entry.body).ok()?;
    Some(Op::Delete { key, precondition: Precondition::Any, last: encode::stored(&tree) })
}

/// What the server makes is of kinds that it knows by itself.
fn kind_of(tree: &Tree) -> Option<&'static dyn AnyKind> {
    let text = |name| tree.get(name).and_then(Tree::as_str).unwrap_or_default();
    let version = meta::GroupVersion::parse(text("apiVersion"))?;
    kinds::find_kind(&version.with_kind(text("kind").to_owned()))
}
