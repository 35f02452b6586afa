//! Editing entries where they stand.
//!
//! Most writes change a few fields of an object whose owners hold hundreds. Entries that this
//! server wrote are in canonical form, so that the few paths can be taken out and put in without
//! reading the rest.

use serde_json::{Map, json};

use super::{Context, FieldSet, UPDATE_MANAGERS_MAX};
use crate::Tree;
use crate::decode::format_time;

type Fields = Map<String, Tree>;

/// The entries after a write: nobody owns what is lost, and the writer owns what it gained. `None`
/// if this cannot be told without reading them all.
pub(super) fn rewrite(
    context: &Context<'_>,
    manager: &str,
    mut entries: Vec<Tree>,
    lost: &FieldSet,
    gained: &FieldSet,
) -> Option<Vec<Tree>> {
    for entry in &mut entries {
        subtract(fields_of(entry)?, lost);
    }
    entries.retain(|entry| entry.get("fieldsV1") != Some(&json!({})));
    if !gained.is_empty() {
        let time = format_time(context.now);
        let key = ("Update", manager, context.api_version, context.subresource);
        let own = entries.iter_mut().find(|entry| {
            let (operation, _, manager, api_version, subresource) = order(entry);
            (operation, manager, api_version, subresource) == key
        });
        if let Some(own) = own {
            unite(fields_of(own)?, gained);
            own.as_object_mut()?.insert("time".to_owned(), Tree::String(time));
        } else {
            let mut own = json!({
                "manager": manager,
                "operation": "Update",
                "apiVersion": context.api_version,
                "time": time,
                "fieldsType": "FieldsV1",
            });
            let members = own.as_object_mut()?;
            if !context.subresource.is_empty() {
                members.insert("subresource".to_owned(), json!(context.subresource));
            }
            members.insert("fieldsV1".to_owned(), gained.encode());
            entries.push(own);
        }
    }
    let updates = entries.iter().filter(|entry| text(entry, "operation") == "Update").count();
    entries.sort_by(|a, b| order(a).cmp(&order(b)));
    (updates <= UPDATE_MANAGERS_MAX).then_some(entries)
}

fn fields_of(entry: &mut Tree) -> Option<&mut Fields> {
    entry.as_object_mut()?.get_mut("fieldsV1")?.as_object_mut()
}

/// What entries are sorted by.
fn order(entry: &Tree) -> (&str, &str, &str, &str, &str) {
    let text = |name| text(entry, name);
    (text("operation"), text("time"), text("manager"), text("apiVersion"), text("subresource"))
}

fn text<'a>(entry: &'a Tree, name: &str) -> &'a str {
    entry.get(name).and_then(Tree::as_str).unwrap_or_default()
}

fn subtract(fields: &mut Fields, lost: &FieldSet) {
    if fields.is_empty() {
        return;
    }
    for node in lost.nodes() {
        let step = node.element.print();
        let Some(Tree::Object(inner)) = fields.get_mut(&step) else { continue };
        let mut member = inner.is_empty() || inner.remove(".").is_some();
        member &= !node.member;
        subtract(inner, &node.children);
        if inner.is_empty() && !member {
            fields.remove(&step);
        } else if member && !inner.is_empty() {
            inner.insert(".".to_owned(), Tree::Object(Map::new()));
        }
    }
}

fn unite(fields: &mut Fields, gained: &FieldSet) {
    for node in gained.nodes() {
        let step = node.element.print();
        let new = !fields.contains_key(&step);
        let place = fields.entry(step).or_insert_with(|| Tree::Object(Map::new()));
        let Tree::Object(inner) = place else { continue };
        let was = !new && (inner.is_empty() || inner.remove(".").is_some());
        let member = node.member || was;
        unite(inner, &node.children);
        if member && !inner.is_empty() {
            inner.insert(".".to_owned(), Tree::Object(Map::new()));
        }
    }
}
