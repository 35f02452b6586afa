//! `OpenAPI` 2 in protobuf: the messages of the `openapi.v2` package, which kubectl and client-go ask for.
//!
//! Made from the same trees as the JSON form, one path and one type at a time. The field numbers are those of
//! <https://github.com/google/gnostic-models/blob/main/openapiv2/OpenAPIv2.proto>.

use meta::Tree;

use super::Part;
use super::protobuf::Message;
use super::v2;

pub(super) fn document(parts: &[Part]) -> Vec<u8> {
    let info = Message::default().text(1, v2::TITLE).text(2, v2::VERSION);
    let mut paths = Message::default();
    for (path, item) in v2::paths(parts) {
        paths = paths.message(2, &named(&path, &path_item(&item)));
    }
    let mut definitions = Message::default();
    for (name, definition) in v2::schemas(parts) {
        definitions = definitions.message(1, &named(&name, &schema(&definition)));
    }
    let document = Message::default()
        .text(1, "2.0")
        .message(2, &info)
        .message(8, &paths)
        .message(9, &definitions);
    document.0
}

fn named(name: &str, value: &Message) -> Message {
    Message::default().text(1, name).message(2, value)
}

fn text<'a>(tree: &'a Tree, name: &str) -> &'a str {
    tree.get(name).and_then(Tree::as_str).unwrap_or_default()
}

fn flag(tree: &Tree, name: &str) -> bool {
    tree.get(name).and_then(Tree::as_bool).unwrap_or_default()
}

fn list<'a>(tree: &'a Tree, name: &str) -> impl Iterator<Item = &'a Tree> {
    tree.get(name).and_then(Tree::as_array).into_iter().flatten()
}

fn texts(mut message: Message, field: u32, tree: &Tree, name: &str) -> Message {
    for item in list(tree, name).filter_map(Tree::as_str) {
        message = message.item(field, item);
    }
    message
}

/// A value of any type is carried as YAML, of which JSON is a part.
fn any(value: &Tree) -> Message {
    Message::default().text(2, &format!("{value}\n"))
}

fn extensions(mut message: Message, field: u32, tree: &Tree) -> Message {
    for (name, value) in tree.as_object().into_iter().flatten() {
        if name.starts_with("x-") {
            message = message.message(field, &named(name, &any(value)));
        }
    }
    message
}

fn path_item(item: &Tree) -> Message {
    let methods = [
        ("get", 2),
        ("put", 3),
        ("post", 4),
        ("delete", 5),
        ("options", 6),
        ("head", 7),
        ("patch", 8),
    ];
    let mut message = Message::default();
    for (method, field) in methods {
        message = message.maybe(field, item.get(method).map(operation).as_ref());
    }
    for own in list(item, "parameters") {
        message = message.message(9, &parameter(own));
    }
    message
}

fn operation(operation: &Tree) -> Message {
    let mut message = texts(Message::default(), 1, operation, "tags")
        .text(3, text(operation, "description"))
        .text(5, text(operation, "operationId"));
    message = texts(message, 6, operation, "produces");
    message = texts(message, 7, operation, "consumes");
    for own in list(operation, "parameters") {
        message = message.message(8, &parameter(own));
    }
    let mut responses = Message::default();
    for (code, answer) in operation.get("responses").and_then(Tree::as_object).into_iter().flatten()
    {
        let body = answer.get("schema").map(|own| Message::default().message(1, &schema(own)));
        let response =
            Message::default().text(1, text(answer, "description")).maybe(2, body.as_ref());
        responses = responses.message(1, &named(code, &Message::default().message(1, &response)));
    }
    message = texts(message.message(9, &responses), 10, operation, "schemes");
    extensions(message, 13, operation)
}

fn parameter(own: &Tree) -> Message {
    let parameter = match text(own, "in") {
        "body" => {
            let body = Message::default()
                .text(1, text(own, "description"))
                .text(2, text(own, "name"))
                .text(3, "body")
                .flag(4, flag(own, "required"))
                .maybe(5, own.get("schema").map(schema).as_ref());
            Message::default().message(1, &body)
        }
        place => {
            // Parameters of paths and queries differ in one field, so that the numbers after it differ by one.
            let (shift, variant) = if place == "path" { (0, 4) } else { (1, 3) };
            let described = Message::default()
                .flag(1, flag(own, "required"))
                .text(2, place)
                .text(3, text(own, "description"))
                .text(4, text(own, "name"))
                .text(5 + shift, text(own, "type"))
                .flag(19 + shift, flag(own, "uniqueItems"));
            Message::default().message(2, &Message::default().message(variant, &described))
        }
    };
    Message::default().message(1, &parameter)
}

fn schema(own: &Tree) -> Message {
    let number = |name| own.get(name).and_then(Tree::as_f64);
    let count = |name| own.get(name).and_then(Tree::as_u64);
    let mut message = Message::default()
        .text(1, text(own, "$ref"))
        .text(2, text(own, "format"))
        .text(3, text(own, "title"))
        .text(4, text(own, "description"))
        .maybe(5, own.get("default").map(any).as_ref())
        .number(6, number("multipleOf"))
        .number(7, number("maximum"))
        .flag(8, flag(own, "exclusiveMaximum"))
        .number(9, number("minimum"))
        .flag(10, flag(own, "exclusiveMinimum"))
        .count(11, count("maxLength"))
        .count(12, count("minLength"))
        .text(13, text(own, "pattern"))
        .count(14, count("maxItems"))
        .count(15, count("minItems"))
        .flag(16, flag(own, "uniqueItems"))
        .count(17, count("maxProperties"))
        .count(18, count("minProperties"));
    message = texts(message, 19, own, "required");
    for value in list(own, "enum") {
        message = message.message(20, &any(value));
    }
    match own.get("additionalProperties") {
        Some(Tree::Bool(any)) => {
            message = message.message(21, &Message::default().flag(2, *any));
        }
        Some(values) => {
            message = message.message(21, &Message::default().message(1, &schema(values)));
        }
        None => {}
    }
    if let Some(kind) = own.get("type").and_then(Tree::as_str) {
        message = message.message(22, &Message::default().item(1, kind));
    }
    if let Some(items) = own.get("items") {
        message = message.message(23, &Message::default().message(1, &schema(items)));
    }
    if let Some(fields) = own.get("properties").and_then(Tree::as_object) {
        let mut properties = Message::default();
        for (name, field) in fields {
            properties = properties.message(1, &named(name, &schema(field)));
        }
        message = message.message(25, &properties);
    }
    extensions(message, 31, own)
}
