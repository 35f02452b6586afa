//! Writes the `OpenAPI` 3 document of one group and version.

use meta::Tree;
use serde_json::{Map, json};

use super::Part;
use super::definitions::{self, Language};
use super::describe::Descriptions;
use super::operations::{self, Answer, Operation, Place};
use super::outline::Outline;
use super::parameters::Parameter;

pub(super) fn document(part: &Part) -> Vec<u8> {
    let names = definitions::names(&[part]);
    written(&operations::places(part), names, &[part])
}

/// The document of a path beside those of resources.
pub(super) fn outline(outline: &Outline) -> Vec<u8> {
    written(
        &[outline.place()],
        outline.type_name().map(ToOwned::to_owned).into_iter().collect(),
        &[],
    )
}

fn written(places: &[Place], names: Vec<String>, parts: &[&Part]) -> Vec<u8> {
    let descriptions = Descriptions::of(parts.iter().flat_map(|part| &part.kinds));
    let mut out =
        br#"{"openapi":"3.0.0","info":{"title":"Kubernetes","version":"1.37"},"paths":{"#.to_vec();
    members(&mut out, places.iter().map(|place| (place.path.clone(), path(place))));
    out.extend_from_slice(br#"},"components":{"#);
    let schemas = definitions::reached(names).into_iter().map(|name| {
        let schema = definitions::definition(&name, parts, &descriptions, Language::Three);
        (name, schema)
    });
    let mut schemas = schemas.peekable();
    if schemas.peek().is_some() {
        out.extend_from_slice(br#""schemas":{"#);
        members(&mut out, schemas);
        out.extend_from_slice(b"},");
    }
    out.extend_from_slice(
        br#""securitySchemes":{"BearerToken":{"type":"apiKey","description":"Bearer Token authentication","name":"authorization","in":"header"}}}}"#,
    );
    out
}

/// Writes the members of an object one after the other, so that only one of them is in memory as a tree.
pub(super) fn members(out: &mut Vec<u8>, members: impl Iterator<Item = (String, Tree)>) {
    for (index, (name, value)) in members.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        for tree in [&Tree::String(name), &value] {
            serde_json::to_writer(&mut *out, tree)
                .expect("a tree has text keys, and memory takes every byte");
            out.push(b':');
        }
        out.pop();
    }
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
        "name": parameter.name,
        "in": if parameter.in_path { "path" } else { "query" },
        "description": parameter.text,
        "schema": { "type": parameter.kind, "uniqueItems": true },
    });
    if let (true, Some(described)) = (parameter.in_path, described.as_object_mut()) {
        described.insert("required".to_owned(), true.into());
    }
    described
}

fn write(operation: &Operation) -> Tree {
    let mut described = Map::new();
    let mut set = |name: &str, value: Tree| described.insert(name.to_owned(), value);
    set("tags", json!([operation.tag]));
    set("description", operation.text.as_str().into());
    set("operationId", operation.id.as_str().into());
    if !operation.parameters.is_empty() {
        set("parameters", operation.parameters.iter().map(|own| parameter(own)).collect());
    }
    if let Some(body) = &operation.body {
        let schema = Language::Three.reference(&body.type_name);
        let content: Map<String, Tree> = body
            .media_types
            .iter()
            .map(|media_type| ((*media_type).to_owned(), json!({ "schema": schema })))
            .collect();
        let mut request = json!({ "content": content });
        if let (true, Some(request)) = (body.required, request.as_object_mut()) {
            request.insert("required".to_owned(), true.into());
        }
        set("requestBody", request);
    }
    let mut responses = Map::new();
    for (code, own) in &operation.answers {
        responses.insert(code.to_string(), answer(*code, own, operation.produces));
    }
    responses.insert("401".to_owned(), json!({ "description": "Unauthorized" }));
    set("responses", responses.into());
    if let Some((action, gvk)) = &operation.action {
        set("x-kubernetes-action", (*action).into());
        let gvk = json!({ "group": gvk.group, "version": gvk.version, "kind": gvk.kind });
        set("x-kubernetes-group-version-kind", gvk);
    }
    Tree::Object(described)
}

fn answer(code: u16, answer: &Answer, produces: &[&str]) -> Tree {
    let description = reason(code);
    let (schema, streams) = match answer {
        Answer::Text => {
            let content = json!({ "*/*": { "schema": { "type": "string" } } });
            return json!({ "description": description, "content": content });
        }
        Answer::Plain => (json!({ "type": "string" }), false),
        Answer::Object(name) => (Language::Three.reference(name), false),
        Answer::List(name) => (Language::Three.reference(name), true),
    };
    let content: Map<String, Tree> = media_types(produces, streams)
        .map(|media_type| (media_type, json!({ "schema": schema })))
        .collect();
    json!({ "description": description, "content": content })
}

/// The forms of an answer; lists come as a stream of events as well.
pub(super) fn media_types(produces: &[&str], streams: bool) -> impl Iterator<Item = String> {
    let framed = move |media_type: &&&str| streams && **media_type != "application/yaml";
    let streamed = produces.iter().filter(framed).map(|form| format!("{form};stream=watch"));
    produces.iter().map(ToString::to_string).chain(streamed)
}

pub(super) fn reason(code: u16) -> &'static str {
    match code {
        201 => "Created",
        202 => "Accepted",
        _ => "OK",
    }
}
