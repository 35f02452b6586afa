//! What holds for objects of every kind, whatever is in them: they come back from their typed form and from protobuf as they went in, and
//! defaults are set once.

use meta::Tree;
use meta::schema::{Field, Presence, TypeRef};
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Map, json};

use super::decode::Expected;
use super::protobuf::{decode, encode};

/// Structs that lie deeper have only the fields that are always there.
const DEPTH_MAX: usize = 9;
/// How often an optional field is there.
const FIELD_ODDS: f64 = 0.3;

/// An object of a type, in no particular form yet.
struct Maker {
    chance: StdRng,
    /// The fewest items that lists and maps have: protobuf knows of none that are empty.
    items_min: usize,
}

impl Maker {
    fn value(&mut self, ty: &TypeRef, depth: usize) -> Tree {
        match ty {
            TypeRef::Struct(_) => self.fields(ty, depth),
            TypeRef::List(item) => {
                let len = self.chance.random_range(self.items_min..=2);
                (0..len).map(|_| self.value(item, depth + 1)).collect()
            }
            TypeRef::Map(_) if self.items_min == 0 && self.chance.random_bool(0.3) => json!({}),
            TypeRef::Map(value) => {
                let key = self.one(&["a", "b.c/d", "é"]).to_owned();
                Tree::Object(Map::from_iter([(key, self.value(value, depth + 1))]))
            }
            TypeRef::String => self.one(&["a", "", "Z z", "1", "\"\\\n", "é€"]).into(),
            TypeRef::Bool => self.chance.random::<bool>().into(),
            TypeRef::Int32 => self.chance.random::<i32>().into(),
            TypeRef::Int64 => self.chance.random::<i64>().into(),
            TypeRef::Uint32 => self.chance.random::<u32>().into(),
            TypeRef::Uint64 => u64::from(self.chance.random::<u32>()).into(),
            TypeRef::Float64 | TypeRef::Float32 => self.one(&[0.5, -1.25, 3e10]).into(),
            TypeRef::Number => self.one(&[1, -7]).into(),
            TypeRef::Bytes => self.one(&["AAE=", "/+8=", "aGVsbG8="]).into(),
            TypeRef::Quantity => self.one(&["1", "100m", "1.5Gi", "0", "-3k", "1e3", "0.1"]).into(),
            TypeRef::IntOrString => self.one(&[json!(8080), json!("web"), json!("25%"), json!(0)]),
            TypeRef::Time => self.one(&["2026-01-02T03:04:05Z", "1970-01-01T00:00:01Z"]).into(),
            TypeRef::MicroTime => {
                self.one(&["2026-01-02T03:04:05.000006Z", "2026-01-02T03:04:05.000000Z"]).into()
            }
            TypeRef::Duration => self.one(&["1m30s", "0s", "-2h0m0s", "1.5ms"]).into(),
            TypeRef::Any => self.one(&[json!({"x": [1, "y", null]}), json!({"f:a": {}})]),
        }
    }

    fn fields(&mut self, ty: &TypeRef, depth: usize) -> Tree {
        let declared = kinds::schema().resolve(ty).expect("a type of the table").fields();
        let mut tree = Map::new();
        for field in declared {
            if self.has(field, depth) {
                let value = match &*field.name {
                    // The type of these is a schema or something else.
                    "items" if field.ty == TypeRef::Any => {
                        self.one(&[json!({"type": "a"}), json!({}), json!([{"type": "a"}, {}])])
                    }
                    "additionalItems" | "additionalProperties" if field.ty == TypeRef::Any => {
                        self.one(&[json!({"type": "a"}), json!({}), json!(true), json!(false)])
                    }
                    "dependencies" => {
                        json!({"a": self.one(&[json!({"type": "a"}), json!(["b", "c"])])})
                    }
                    _ => self.value(&field.ty, depth + 1),
                };
                tree.insert(field.name.to_string(), value);
            }
        }
        // An object says what it is, also within another.
        if let Some(kind) = kinds::all().iter().find(|kind| kind.type_ref() == ty) {
            tree.insert("apiVersion".to_owned(), kind.info().api_version().into());
            tree.insert("kind".to_owned(), kind.info().kind.into());
        }
        Tree::Object(tree)
    }

    fn has(&mut self, field: &Field, depth: usize) -> bool {
        field.presence == Presence::Always
            || field.required
            || (depth < DEPTH_MAX && self.chance.random_bool(FIELD_ODDS))
    }

    fn one<T: Clone>(&mut self, choices: &[T]) -> T {
        choices.choose(&mut self.chance).expect("there is a choice").clone()
    }
}

/// An object of a kind in the form that clients send.
fn made(kind: &dyn kinds::AnyKind, seed: u64, items_min: usize) -> Tree {
    let mut maker = Maker { chance: StdRng::seed_from_u64(seed), items_min };
    let mut tree = maker.value(kind.type_ref(), 0);
    meta::decode::canonicalize(&mut tree, kind.type_ref(), kinds::schema()).expect("its type");
    tree
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn typed_objects_print_what_they_were_read_from(at in any::<prop::sample::Index>(), seed: u64) {
        let kind = *at.get(kinds::all());
        let mut tree = made(kind, seed, 0);
        let object = kind.object(&tree).expect("its type");
        kind.emit(&mut tree);
        if kind.prints_as_read() {
            prop_assert_eq!(object.tree(), tree);
        }
    }

    #[test]
    fn defaults_are_set_once(at in any::<prop::sample::Index>(), seed: u64) {
        let kind = *at.get(kinds::all());
        let mut object = kind.object(&made(kind, seed, 0)).expect("its type");
        object.set_defaults();
        let tree = object.tree();
        let mut again = kind.object(&tree).expect("its type");
        again.set_defaults();
        prop_assert_eq!(again.tree(), tree);
    }

    #[test]
    fn protobuf_and_json_say_the_same(at in any::<prop::sample::Index>(), seed: u64) {
        let kind = *at.get(kinds::all());
        let tree = made(kind, seed, 1);
        let bytes = encode(tree.to_string().as_bytes(), kind.type_ref());
        let mut back = decode(&bytes, &Expected::of_kind(kind)).expect("an object");
        meta::decode::canonicalize(&mut back, kind.type_ref(), kinds::schema()).expect("its type");
        // A claim within a StatefulSet does not name its type in protobuf, but has one.
        prop_assert_eq!(kind.object(&back).expect("its type").tree(), tree);
    }
}
