//! The types of custom kinds: the schemas that definitions give, with what every object has, in the language of the document.
//!
//! Version 2 knows no alternatives and no nulls, and its clients refuse whatever is not declared, so that there less is said of such fields.
//! See <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#publish-validation-schema-in-openapi>.

use kinds::KindInfo;
use kinds::custom::CustomKind;
use meta::Tree;
use meta::schema::TypeRef;
use serde_json::{Map, json};

use super::definitions::{LIST_META, Language, OBJECT_META, STATUS, list_name};
use super::describe::Descriptions;

const BINDING: &str = "io.k8s.api.core.v1.Binding";
const SELECTABLE: &str = "x-kubernetes-selectable-fields";
const EMBEDDED: &str = "x-kubernetes-embedded-resource";
const INT_OR_STRING: &str = "x-kubernetes-int-or-string";
const PRESERVE: &str = "x-kubernetes-preserve-unknown-fields";
const ALTERNATIVES: [&str; 4] = ["allOf", "anyOf", "not", "oneOf"];

/// The schema of a type that belongs to a custom kind: of its objects or of their lists.
pub(super) fn definition(
    name: &str,
    kind: &CustomKind,
    info: &KindInfo,
    descriptions: &Descriptions,
    language: Language,
) -> Map<String, Tree> {
    let writer = Writer { descriptions, language };
    if name == list_name(info) { writer.list(info) } else { writer.object(kind, info) }
}

struct Writer<'a> {
    descriptions: &'a Descriptions,
    language: Language,
}

impl Writer<'_> {
    fn list(&self, info: &KindInfo) -> Map<String, Tree> {
        let mut properties = Map::new();
        self.type_names(&mut properties);
        let items = json!({
            "description": format!("The {} of the list.", info.plural),
            "type": "array",
            "items": self.language.reference(info.type_name),
        });
        properties.insert("items".to_owned(), items);
        properties.insert("metadata".to_owned(), self.meta(LIST_META, STATUS));
        let mut schema = json!({
            "description": format!("{} is a list of {}", info.list_kind, info.kind),
            "type": "object",
            "required": ["items"],
            "properties": properties,
        });
        if !info.selectable.is_empty() {
            schema[SELECTABLE] = selectable(info);
        }
        into_map(schema)
    }

    fn object(&self, kind: &CustomKind, info: &KindInfo) -> Map<String, Tree> {
        let published = kind.published().and_then(|schema| serde_json::to_value(schema).ok());
        let open = || into_map(json!({ "type": "object" }));
        let Some(mut schema) = published else { return open() };
        // Numbers are written as short as they can be.
        if meta::decode::canonicalize(&mut schema, &TypeRef::Any, kinds::schema()).is_err() {
            return open();
        }
        let preserves = schema.get(PRESERVE) == Some(&Tree::Bool(true));
        // Whoever reads version 2 would take what is declared for all there may be.
        if self.language == Language::Two && preserves {
            return open();
        }
        self.rewrite(&mut schema);
        let mut schema = into_map(schema);
        let properties = schema.entry("properties").or_insert_with(|| json!({}));
        if let Some(properties) = properties.as_object_mut() {
            self.type_names(properties);
            properties.insert("metadata".to_owned(), self.meta(OBJECT_META, BINDING));
        }
        if !info.selectable.is_empty() {
            schema.insert(SELECTABLE.to_owned(), selectable(info));
        }
        schema
    }

    /// `apiVersion` and `kind`.
    fn type_names(&self, properties: &mut Map<String, Tree>) {
        let texts = self.descriptions.find(STATUS);
        for name in ["apiVersion", "kind"] {
            let mut property = json!({ "type": "string" });
            if let Some(text) = texts.and_then(|texts| texts.field(name)) {
                property["description"] = text.into();
            }
            properties.insert(name.to_owned(), property);
        }
    }

    /// A reference to a type of metadata, described as in a type that everybody knows.
    fn meta(&self, name: &str, known: &str) -> Tree {
        let about = self.descriptions.find(known).and_then(|texts| texts.field("metadata"));
        let mut property = match self.language {
            Language::Two => self.language.reference(name),
            Language::Three => json!({ "allOf": [self.language.reference(name)] }),
        };
        if let Some(about) = about {
            property["description"] = about.into();
        }
        property
    }

    /// Brings a schema and those in it into the language.
    fn rewrite(&self, schema: &mut Tree) {
        let Some(map) = schema.as_object_mut() else { return };
        if self.language == Language::Three {
            unfold(map);
        } else {
            reduce(map);
        }
        for inner in map.get_mut("properties").and_then(Tree::as_object_mut).into_iter().flatten() {
            self.rewrite(inner.1);
        }
        for name in ["items", "additionalProperties"] {
            if let Some(inner) = map.get_mut(name) {
                self.rewrite(inner);
            }
        }
        self.embed(map);
    }

    /// An object in an object has what every object has.
    fn embed(&self, map: &mut Map<String, Tree>) {
        let is = |name| map.get(name) == Some(&Tree::Bool(true));
        if !is(EMBEDDED) || (self.language == Language::Two && is(PRESERVE)) {
            return;
        }
        let properties = map.entry("properties").or_insert_with(|| json!({}));
        if let Some(properties) = properties.as_object_mut() {
            self.type_names(properties);
            properties.insert("metadata".to_owned(), self.meta(OBJECT_META, BINDING));
        }
        let required = map.entry("required").or_insert_with(|| json!([]));
        for name in ["kind", "apiVersion"] {
            if let Some(required) = required.as_array_mut()
                && !required.iter().any(|known| known == name)
            {
                required.push(name.into());
            }
        }
    }
}

fn selectable(info: &KindInfo) -> Tree {
    info.selectable.iter().map(|field| json!({ "fieldPath": field })).collect()
}

/// Spells out what an integer or a text is, where the definition leaves it to the mark.
fn unfold(map: &mut Map<String, Tree>) {
    if map.get(INT_OR_STRING) == Some(&Tree::Bool(true))
        && !map.contains_key("anyOf")
        && !map.contains_key("allOf")
    {
        let either = json!([{ "type": "integer" }, { "type": "string" }]);
        map.insert("anyOf".to_owned(), either);
    }
}

/// Takes out what version 2 does not have, and what its clients would misunderstand.
fn reduce(map: &mut Map<String, Tree>) {
    for name in ALTERNATIVES {
        map.remove(name);
    }
    let is_nullable = |schema: &Tree| schema.get("nullable") == Some(&Tree::Bool(true));
    map.remove("default");
    if map.remove("nullable") == Some(Tree::Bool(true)) {
        for name in ["type", "items", "properties"] {
            map.remove(name);
        }
    }
    let kind = map.get("type").and_then(Tree::as_str).unwrap_or_default().to_owned();
    if map.get(PRESERVE) == Some(&Tree::Bool(true)) {
        map.remove("items");
        map.remove("properties");
        if kind == "object" {
            map.remove("type");
        }
    }
    if kind == "array" && !map.contains_key("items") {
        map.remove("type");
    }
    let properties = map.get("properties").and_then(Tree::as_object);
    let nullable: Vec<String> = properties
        .into_iter()
        .flatten()
        .filter(|(_, schema)| is_nullable(schema))
        .map(|(name, _)| name.clone())
        .collect();
    if map.get("additionalProperties").is_some_and(is_nullable) {
        map.remove("required");
    } else if let Some(required) = map.get_mut("required").and_then(Tree::as_array_mut) {
        required.retain(|name| !nullable.iter().any(|nullable| name == nullable));
        if required.is_empty() {
            map.remove("required");
        }
    }
}

fn into_map(tree: Tree) -> Map<String, Tree> {
    match tree {
        Tree::Object(map) => map,
        _ => Map::new(),
    }
}
