//! What a value is to ownership: one leaf, or a map or list whose parts are owned one by one.

use std::collections::BTreeMap;

use super::{DEPTH_MAX, Element, Scalar};
use crate::Tree;
use crate::quote::json;
use crate::schema::{Facts, Field, ListType, PatchStrategy, Schema, Struct, TypeRef, Unknown};

/// A type and what its field adds to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape<'a> {
    pub(super) ty: &'a TypeRef,
    pub(super) facts: &'a Facts,
    depth: usize,
}

/// How a value is taken apart.
#[derive(Clone, Copy, Debug)]
pub(super) enum Atom<'a> {
    Leaf,
    Map(Members<'a>),
    List(Items<'a>),
}

/// The members of a map or struct.
#[derive(Clone, Copy, Debug)]
pub(super) struct Members<'a> {
    kind: MembersKind<'a>,
    depth: usize,
}

#[derive(Clone, Copy, Debug)]
enum MembersKind<'a> {
    Struct(&'a Struct),
    Entries(&'a TypeRef),
    /// Any members of any type, owned one by one.
    Open,
}

/// The items of a list that are told apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Items<'a> {
    pub(super) shape: Shape<'a>,
    /// The fields that identify an item; none in a set of scalars.
    keys: &'a [Box<str>],
}

static ANY: TypeRef = TypeRef::Any;
static PLAIN: Facts = Facts {
    list: ListType::Atomic,
    atomic: None,
    patch: PatchStrategy { merge: false, replace: false, retain_keys: false },
    merge_key: None,
};

static GRANULAR: Facts = Facts {
    list: ListType::Atomic,
    atomic: Some(false),
    patch: PatchStrategy { merge: false, replace: false, retain_keys: false },
    merge_key: None,
};

impl<'a> Shape<'a> {
    pub(super) const fn root(ty: &'a TypeRef) -> Self {
        Self { ty, facts: &PLAIN, depth: 0 }
    }

    /// The same type, taken apart even if it is owned as a whole.
    pub(super) const fn inside(self) -> Self {
        Self { ty: self.ty, facts: &GRANULAR, depth: self.depth }
    }

    /// The shape of an item of a list that is owned as a whole.
    pub(super) const fn item(self, ty: &'a TypeRef) -> Self {
        Self { ty, facts: &PLAIN, depth: self.depth + 1 }
    }

    /// How a value is taken apart that has fields inside it, so that one without a type is a map.
    pub(super) fn parts(self, schema: &'a Schema) -> Atom<'a> {
        self.take_apart(schema, true)
    }

    /// Whether the type says that a container is owned as a whole.
    pub(super) fn is_whole(self, schema: &Schema) -> bool {
        matches!(self.ty, TypeRef::Struct(_) | TypeRef::Map(_) | TypeRef::List(_))
            && matches!(self.parts(schema), Atom::Leaf)
    }

    /// Values without a type are leaves; where they are declared granular, they are maps or leaves
    /// as they happen to be, which the sample shows.
    pub(super) fn atom(self, schema: &'a Schema, sample: Option<&Tree>) -> Atom<'a> {
        self.take_apart(schema, sample.is_some_and(Tree::is_object))
    }

    fn take_apart(self, schema: &'a Schema, is_map: bool) -> Atom<'a> {
        let Self { ty, facts, depth } = self;
        if depth >= DEPTH_MAX {
            return Atom::Leaf;
        }
        let members = |kind| Atom::Map(Members { kind, depth: depth + 1 });
        match ty {
            TypeRef::Struct(id) => match schema.get(*id) {
                Some(ty) if !facts.atomic.unwrap_or(ty.atomic) => members(MembersKind::Struct(ty)),
                _ => Atom::Leaf,
            },
            TypeRef::Map(value) if facts.atomic != Some(true) => {
                members(MembersKind::Entries(value))
            }
            TypeRef::Any if is_map && facts.atomic == Some(false) => members(MembersKind::Open),
            TypeRef::List(item) => {
                let shape = Shape { ty: item, facts: &PLAIN, depth: depth + 1 };
                match &facts.list {
                    ListType::Atomic => Atom::Leaf,
                    ListType::Set => Atom::List(Items { shape, keys: &[] }),
                    ListType::Map(keys) => Atom::List(Items { shape, keys }),
                }
            }
            _ => Atom::Leaf,
        }
    }
}

impl<'a> Members<'a> {
    /// The shape of a member, and whether a struct declares it.
    pub(super) fn member(self, name: &str) -> (Shape<'a>, bool) {
        let depth = self.depth;
        let plain = |ty| (Shape { ty, facts: &PLAIN, depth }, false);
        let open = (Shape { ty: &ANY, facts: &GRANULAR, depth }, false);
        match self.kind {
            MembersKind::Entries(value) => plain(value),
            MembersKind::Open => open,
            MembersKind::Struct(ty) => match (ty.field(name), &ty.unknown) {
                (Some(field), _) => (Shape { ty: &field.ty, facts: &field.facts, depth }, true),
                (None, Unknown::Typed(ty)) => plain(ty),
                (None, Unknown::Prune | Unknown::Keep) => open,
            },
        }
    }

    /// Whether a member of this name may not be there at all.
    pub(super) fn is_unknown(self, name: &str) -> bool {
        match self.kind {
            MembersKind::Struct(ty) => ty.unknown == Unknown::Prune && ty.field(name).is_none(),
            MembersKind::Entries(_) | MembersKind::Open => false,
        }
    }
}

impl Items<'_> {
    /// What tells the item from others: its value, or the values of its key fields, with their
    /// defaults.
    pub(super) fn element(self, item: &Tree, schema: &Schema) -> Result<Element, String> {
        let wrong = |text: &str| Err(text.to_owned());
        if self.keys.is_empty() {
            return match item {
                Tree::Object(_) => {
                    wrong("associative list without keys has an element that's a map type")
                }
                Tree::Array(_) => wrong("not supported: associative list with lists as elements"),
                Tree::Null => {
                    wrong("associative list without keys has an element that's an explicit null")
                }
                scalar => Ok(Element::Value(Scalar::from(scalar))),
            };
        }
        let map = match item {
            Tree::Object(map) => map,
            Tree::Null => {
                return wrong("associative list with keys may not have a null element");
            }
            _ => return wrong("associative list with keys may not have non-map elements"),
        };
        let strukt = schema.resolve(self.shape.ty);
        let mut key = Vec::with_capacity(self.keys.len());
        for name in self.keys {
            let field = || strukt?.field(name);
            if let Some(value) = map.get(&**name) {
                key.push((name.clone(), Scalar::from(value)));
            } else if let Some(default) = field().and_then(Field::default_or_zero) {
                key.push((name.clone(), Scalar::from(&*default)));
            }
        }
        if key.is_empty() {
            let keys: Vec<_> = self.keys.iter().map(|key| crate::quote(key)).collect();
            return Err(format!(
                "associative list with keys has an element that omits all key fields [{}] (and doesn't have default values for any key fields)",
                keys.join(" ")
            ));
        }
        key.sort();
        Ok(Element::Key(key.into()))
    }

    /// The items by their element, several where an element is repeated, in the order of the list.
    pub(super) fn group<'t>(
        self,
        items: &'t [Tree],
        schema: &Schema,
    ) -> Result<Groups<'t>, String> {
        let mut groups = Groups::default();
        for (index, item) in items.iter().enumerate() {
            let element =
                self.element(item, schema).map_err(|e| format!("element {index}: {e}"))?;
            groups.order.push(element.clone());
            groups.items.entry(element).or_default().push(item);
        }
        Ok(groups)
    }
}

/// The items of a list by what tells them apart.
#[derive(Debug, Default)]
pub(super) struct Groups<'t> {
    /// The element of each item.
    pub(super) order: Vec<Element>,
    pub(super) items: BTreeMap<Element, Vec<&'t Tree>>,
}

impl<'t> Groups<'t> {
    /// The item of an element that is not repeated.
    pub(super) fn single(&self, element: &Element) -> Option<&'t Tree> {
        match self.items.get(element)?.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    pub(super) fn has(&self, element: &Element) -> bool {
        self.items.contains_key(element)
    }
}

/// A list, or nothing for null and for values of another kind.
pub(super) fn as_list(value: Option<&Tree>) -> Option<&[Tree]> {
    value?.as_array().map(Vec::as_slice)
}

/// A map, or nothing for null and for values of another kind.
pub(super) fn as_map(value: Option<&Tree>) -> Option<&serde_json::Map<String, Tree>> {
    value?.as_object()
}

/// A value in an error message.
pub(super) fn shown(value: &Tree) -> String {
    json(value)
}
