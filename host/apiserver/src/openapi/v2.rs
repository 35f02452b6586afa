//! Writes the `OpenAPI` 2 document of all groups and versions, for clients that do not know version 3.

use meta::Tree;
use serde_json::{Map, json};

use super::Part;
use super::definitions::{self, API_GROUPS, API_VERSIONS, Language, VERSION_INFO};
use super::describe::Descriptions;
use super::operations::{self, Answer, Operation, Place};
use super::outline::Outline;
use super::parameters::Parameter;
use super::v3::{media_types, members, reason};

pub(super) const TITLE: &str = "Kubernetes";
pub(super) const VERSION: &str = "1.37";

pub(super) fn document(parts: &[Part]) -> Vec<u8> {
    let mut out = format!(
        r#"{{"swagger":"2.0","info":{{"title":"{TITLE}","version":"{VERSION}"}},"paths":{{"#
    )
    .into_bytes();
    members(&mut out, paths(parts));
    out.extend_from_slice(br#"},"definitions":{"#);
    members(&mut out, schemas(parts));
    out.extend_from_slice(
        br#"},"securityDefinitions":{"BearerToken":{"description":"Bearer Token authentication","type":"apiKey","name":"authorization","in":"header"}},"security":[{"BearerToken":[]}]}"#,
    );
    out
}

/// Each path with what can be done there.
pub(super) fn paths(parts: &[Part]) -> impl Iterator<Item = (String, Tree)> {
    let outlines = Outline::all(parts).into_iter().map(|outline| outline.place());
    outlines.chain(parts.iter().flat_map(operations::places)).map(|place| {
        let item = path(&place);
        (place.path, item)
    })
}

/// Each type with its schema, made one at a time.
pub(super) fn schemas(parts: &[Part]) -> impl Iterator<Item = (String, Tree)> {
    let descriptions = Descriptions::of(parts.iter().flat_map(|part| &part.kinds));
    let parts: Vec<&Part> = parts.iter().collect();
    let mut names = definitions::names(&parts);
    names.extend([API_GROUPS, API_VERSIONS, VERSION_INFO].map(ToOwned::to_owned));
    definitions::reached(names).into_iter().map(move |name| {
        let schema = definitions::definition(&name, &parts, &descriptions, Language::Two);
        (name, schema)
    })
}

fn path(place: &Place) -> Tree {
    let mut item = Map::new();
    for operation in &place.operations {
        item.insert(operation.method.to_owned(), write(operation));
    }
    if !place.parameters.is_empty() {
        item.insert(
            "parameters".to_owned(),
            place.parameters.iter().map(|own| parameter(own)).collect(),
        );
    }
    Tree::Object(item)
}

fn parameter(parameter: &Parameter) -> Tree {
    let mut described = json!({
        "uniqueItems": true,
        "type": parameter.kind,
        "description": parameter.text,
        "name": parameter.name,
        "in": if parameter.in_path { "path" } else { "query" },
    });
    if let (true, Some(described)) = (parameter.in_path, described.as_object_mut()) {
        described.insert("required".to_owned(), true.into());
    }
    described
}

fn write(operation: &Operation) -> Tree {
    let mut parameters: Vec<Tree> = Vec::new();
    if let Some(body) = &operation.body {
        let mut described = json!({
            "name": "body",
            "in": "body",
            "schema": Language::Two.reference(&body.type_name),
        });
        if let (true, Some(described)) = (body.required, described.as_object_mut()) {
            described.insert("required".to_owned(), true.into());
        }
        parameters.push(described);
    }
    parameters.extend(operation.parameters.iter().map(|own| parameter(own)));
    let mut responses: Map<String, Tree> = operation
        .answers
        .iter()
        .map(|(code, answer)| {
            let schema = match answer {
                Answer::Text | Answer::Plain => json!({ "type": "string" }),
                Answer::Object(name) | Answer::List(name) => Language::Two.reference(name),
            };
            (code.to_string(), json!({ "description": reason(*code), "schema": schema }))
        })
        .collect();
    responses.insert("401".to_owned(), json!({ "description": "Unauthorized" }));
    let consumes = operation.body.as_ref().map_or(&["*/*"][..], |body| body.media_types);
    let streams = operation.answers.iter().any(|(_, answer)| matches!(answer, Answer::List(_)));
    let mut described = json!({
        "description": operation.text,
        "consumes": consumes,
        "produces": media_types(operation.produces, streams).collect::<Vec<_>>(),
        "schemes": ["https"],
        "tags": [operation.tag],
        "operationId": operation.id,
        "responses": responses,
    });
    if let Some(described) = described.as_object_mut() {
        if !parameters.is_empty() {
            described.insert("parameters".to_owned(), parameters.into());
        }
        if let Some((action, gvk)) = &operation.action {
            described.insert("x-kubernetes-action".to_owned(), (*action).into());
            let gvk = json!({ "group": gvk.group, "kind": gvk.kind, "version": gvk.version });
            described.insert("x-kubernetes-group-version-kind".to_owned(), gvk);
        }
    }
    described
}
