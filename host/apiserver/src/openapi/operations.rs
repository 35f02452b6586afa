//! The paths of a group and version and what can be done there, from the table of kinds. Both languages are written from this.

use kinds::{KindInfo, Subresource, Verb};

use super::Part;
use super::definitions::{
    self, DELETE_OPTIONS, PATCH, RESOURCE_LIST, STATUS, WATCH_EVENT, list_name,
};
use super::parameters::{self, NAME, NAMESPACE, PATH, PRETTY, Parameter};

/// One path.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) path: String,
    pub(super) parameters: Vec<&'static Parameter>,
    pub(super) operations: Vec<Operation>,
}

/// What one method does at a path.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) id: String,
    pub(super) text: String,
    pub(super) tag: String,
    pub(super) parameters: Vec<&'static Parameter>,
    pub(super) body: Option<RequestBody>,
    /// The forms in which objects are answered.
    pub(super) produces: &'static [&'static str],
    /// Codes and the types of their bodies.
    pub(super) answers: Vec<(u16, Answer)>,
    /// What it is to the API, and to which type.
    pub(super) action: Option<(&'static str, Gvk)>,
}

/// What is sent.
#[derive(Clone, Debug)]
pub(super) struct RequestBody {
    pub(super) type_name: String,
    pub(super) media_types: &'static [&'static str],
    pub(super) required: bool,
}

/// What is answered.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    Object(String),
    List(String),
    /// Text of any media type.
    Text,
    /// Text of the media types that the operation produces.
    Plain,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Gvk {
    pub(super) group: &'static str,
    pub(super) version: &'static str,
    pub(super) kind: &'static str,
}

pub(super) const PATCH_TYPES: &[&str] = &[
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
];
/// What custom types say nothing of is how to patch them strategically.
const PATCH_TYPES_OF_CUSTOM: &[&str] = &[
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
];
const ANY_TYPE: &[&str] = &["*/*"];
pub(super) const TYPES: &[&str] =
    &["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];
const TYPES_OF_LOGS: &[&str] =
    &["text/plain", "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];
const TYPES_OF_CUSTOM: &[&str] = &["application/json", "application/yaml"];
const METHODS_OF_CONNECT: [(&str, &str); 7] = [
    ("get", "Get"),
    ("put", "Put"),
    ("post", "Post"),
    ("delete", "Delete"),
    ("options", "Options"),
    ("head", "Head"),
    ("patch", "Patch"),
];

/// All paths of a group and version.
pub(super) fn places(part: &Part) -> Vec<Place> {
    let mut places = Vec::new();
    // What the server itself says of custom kinds is documented nowhere.
    if !part.is_custom() {
        places.push(discovery(part));
    }
    for kind in &part.kinds {
        let is_custom = kind.custom().is_some();
        places.extend(Writer { info: kind.info(), is_custom, part }.places());
    }
    places.iter_mut().for_each(hoist);
    places
}

/// What all operations of a path take is said once.
fn hoist(place: &mut Place) {
    let Some((first, others)) = place.operations.split_first() else { return };
    let mut common = first.parameters.clone();
    common.retain(|own| others.iter().all(|other| other.parameters.contains(own)));
    for operation in &mut place.operations {
        operation.parameters.retain(|own| !common.contains(own));
    }
    place.parameters.append(&mut common);
    place.parameters.sort_by_key(|own| own.name);
}

fn discovery(part: &Part) -> Place {
    let operation = Operation {
        method: "get",
        id: format!("get{}APIResources", camel(part)),
        text: "list the resources of this version".to_owned(),
        tag: tag(part),
        parameters: Vec::new(),
        body: None,
        produces: TYPES,
        answers: vec![(200, Answer::Object(RESOURCE_LIST.to_owned()))],
        action: None,
    };
    Place {
        path: format!("/{}/", part.path()),
        parameters: Vec::new(),
        operations: vec![operation],
    }
}

/// `AppsV1`, `RbacAuthorizationV1`, `CoreV1`
fn camel(part: &Part) -> String {
    format!("{}{}", camel_group(part.group), capital(part.version))
}

pub(super) fn camel_group(group: &str) -> String {
    let group = group.strip_suffix(".k8s.io").unwrap_or(group);
    if group.is_empty() {
        "Core".to_owned()
    } else {
        group.split(['.', '-']).map(capital).collect()
    }
}

fn tag(part: &Part) -> String {
    format!("{}_{}", group_tag(part.group), part.version)
}

/// `apps`, `rbacAuthorization`, `core`
pub(super) fn group_tag(group: &str) -> String {
    let group = camel_group(group);
    let mut letters = group.chars();
    let first = letters.next().map(|first| first.to_ascii_lowercase()).into_iter();
    first.chain(letters).collect()
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

struct Writer<'a> {
    info: &'a KindInfo,
    is_custom: bool,
    part: &'a Part,
}

impl Writer<'_> {
    fn places(&self) -> Vec<Place> {
        let info = self.info;
        let root = format!("/{}", self.part.path());
        let collection = if info.namespaced {
            format!("{root}/namespaces/{{namespace}}/{}", info.plural)
        } else {
            format!("{root}/{}", info.plural)
        };
        let item = format!("{collection}/{{name}}");
        let mut places = vec![
            Place {
                path: collection,
                parameters: self.scope(&[]),
                operations: self.on_collection(),
            },
            Place {
                path: item.clone(),
                parameters: self.scope(&[&NAME]),
                operations: self.on_item(),
            },
        ];
        if info.namespaced && info.has_verb(Verb::List) {
            let operations = vec![self.list("ForAllNamespaces", "")];
            places.push(Place {
                path: format!("{root}/{}", info.plural),
                parameters: vec![&PRETTY],
                operations,
            });
        }
        for subresource in info.all_subresources() {
            self.below(&item, &subresource, &mut places);
        }
        if info.has_verb(Verb::Watch) && !self.is_custom {
            self.watches(&mut places);
        }
        places.retain(|place| !place.operations.is_empty());
        places
    }

    fn scope(&self, more: &[&'static Parameter]) -> Vec<&'static Parameter> {
        let mut scope = self.named(more);
        scope.push(&PRETTY);
        scope
    }

    fn named(&self, more: &[&'static Parameter]) -> Vec<&'static Parameter> {
        let mut named = more.to_vec();
        if self.info.namespaced {
            named.push(&NAMESPACE);
        }
        named
    }

    /// The older paths of watches.
    fn watches(&self, places: &mut Vec<Place>) {
        let (info, root) = (self.info, format!("/{}/watch", self.part.path()));
        let mut watch = |path: String, action, parameters, scope, suffix| {
            let text = match action {
                "watch" => format!("watch an object of kind {}", info.kind),
                _ => format!("watch objects of kind {}", info.kind),
            };
            let id = self.id("watch", "", scope, suffix);
            let mut operation = self.operation("get", action, id, text);
            operation.parameters = parameters::LIST.to_vec();
            operation.answers = vec![(200, Answer::List(WATCH_EVENT.to_owned()))];
            places.push(Place { path, parameters, operations: vec![operation] });
        };
        let collection = if info.namespaced {
            let path = format!("{root}/{}", info.plural);
            watch(path, "watchlist", vec![&PRETTY], "", "ListForAllNamespaces");
            format!("{root}/namespaces/{{namespace}}/{}", info.plural)
        } else {
            format!("{root}/{}", info.plural)
        };
        let item = format!("{collection}/{{name}}");
        watch(collection, "watchlist", self.scope(&[]), self.namespaced(), "List");
        watch(item, "watch", self.scope(&[&NAME]), self.namespaced(), "");
    }

    fn on_collection(&self) -> Vec<Operation> {
        let mut operations = Vec::new();
        if self.info.has_verb(Verb::List) {
            operations.push(self.list("", self.namespaced()));
        }
        if self.info.has_verb(Verb::Create) {
            operations.push(self.write("post", "create", "create a", ""));
        }
        if self.info.has_verb(Verb::DeleteCollection) {
            let mut operation = self.delete(
                "deletecollection",
                "delete collection of",
                parameters::DELETE_COLLECTION,
            );
            operation.id = self.id("delete", "Collection", self.namespaced(), "");
            operation.answers = vec![(200, Answer::Object(STATUS.to_owned()))];
            operations.push(operation);
        }
        operations
    }

    fn on_item(&self) -> Vec<Operation> {
        let mut operations = Vec::new();
        if self.info.has_verb(Verb::Get) {
            operations.push(self.read(""));
        }
        if self.info.has_verb(Verb::Update) {
            operations.push(self.write("put", "replace", "replace the specified", ""));
        }
        if self.info.has_verb(Verb::Delete) {
            operations.push(self.delete("delete", "delete a", parameters::DELETE));
        }
        if self.info.has_verb(Verb::Patch) {
            operations.push(self.patch(""));
        }
        operations
    }

    fn below(&self, item: &str, subresource: &Subresource, places: &mut Vec<Place>) {
        let path = format!("{item}/{}", subresource.name);
        let suffix = capital(subresource.name);
        let connects: Option<&'static [&'static Parameter]> = match subresource.name {
            "exec" => Some(parameters::EXEC),
            "attach" => Some(parameters::ATTACH),
            "portforward" => Some(parameters::PORT_FORWARD),
            "proxy" => Some(parameters::PROXY),
            _ => None,
        };
        if let Some(own) = connects {
            let operations = self.connect(subresource, &suffix, own);
            places.push(Place { path: path.clone(), parameters: self.named(&[&NAME]), operations });
            if subresource.name == "proxy" {
                let operations = self.connect(subresource, "ProxyWithPath", own);
                let parameters = self.named(&[&NAME, &PATH]);
                places.push(Place { path: format!("{path}/{{path}}"), parameters, operations });
            }
            return;
        }
        let type_name = match subresource.body {
            Some(body) if body.kind == self.info.kind => self.info.type_name.to_owned(),
            Some(body) => match definitions::body_name(body) {
                Some(name) => name.to_owned(),
                None => return,
            },
            None => self.info.type_name.to_owned(),
        };
        let gvk = match subresource.body {
            Some(body) if !body.version.is_empty() => {
                Gvk { group: body.group, version: body.version, kind: body.kind }
            }
            Some(body) => Gvk { kind: body.kind, ..self.gvk() },
            None => self.gvk(),
        };
        let operations = subresource.verbs.iter().filter_map(|verb| {
            let mut operation = match verb {
                Verb::Get if subresource.name == "log" => {
                    let mut operation = self.read(&suffix);
                    operation.parameters = parameters::LOG.to_vec();
                    operation.produces = TYPES_OF_LOGS;
                    operation.answers = vec![(200, Answer::Plain)];
                    return Some(operation);
                }
                Verb::Get => self.read(&suffix),
                Verb::Update => self.write("put", "replace", "replace", &suffix),
                Verb::Create => self.write("post", "create", "create", &suffix),
                Verb::Patch => self.patch(&suffix),
                _ => return None,
            };
            for (_, answer) in &mut operation.answers {
                *answer = Answer::Object(type_name.clone());
            }
            if let Some(body) = operation.body.as_mut().filter(|body| body.type_name != PATCH) {
                body.type_name.clone_from(&type_name);
            }
            if let Some((_, own)) = &mut operation.action {
                *own = gvk;
            }
            Some(operation)
        });
        let operations = operations.collect();
        places.push(Place { path, parameters: self.scope(&[&NAME]), operations });
    }

    fn namespaced(&self) -> &'static str {
        if self.info.namespaced { "Namespaced" } else { "" }
    }

    /// `readAppsV1NamespacedDeploymentScale`
    fn id(&self, verb: &str, what: &str, scope: &str, suffix: &str) -> String {
        format!("{verb}{}{what}{scope}{}{suffix}", camel(self.part), self.info.kind)
    }

    fn gvk(&self) -> Gvk {
        Gvk { group: self.info.group, version: self.info.version, kind: self.info.kind }
    }

    fn operation(
        &self,
        method: &'static str,
        action: &'static str,
        id: String,
        text: String,
    ) -> Operation {
        Operation {
            method,
            id,
            text,
            tag: tag(self.part),
            parameters: Vec::new(),
            body: None,
            produces: if self.is_custom { TYPES_OF_CUSTOM } else { TYPES },
            answers: Vec::new(),
            action: Some((action, self.gvk())),
        }
    }

    fn media_types(&self) -> &'static [&'static str] {
        if self.is_custom { TYPES_OF_CUSTOM } else { ANY_TYPE }
    }

    fn own(&self) -> Answer {
        Answer::Object(self.info.type_name.to_owned())
    }

    fn about(&self, verb: &str, suffix: &str) -> String {
        match suffix {
            "" => format!("{verb} {}", self.info.kind),
            suffix => {
                format!("{verb} {} of the specified {}", suffix.to_lowercase(), self.info.kind)
            }
        }
    }

    fn list(&self, suffix: &str, scope: &str) -> Operation {
        let text = format!("list or watch objects of kind {}", self.info.kind);
        let mut operation = self.operation("get", "list", self.id("list", "", scope, suffix), text);
        operation.parameters = parameters::LIST.to_vec();
        operation.answers = vec![(200, Answer::List(list_name(self.info)))];
        operation
    }

    fn read(&self, suffix: &str) -> Operation {
        let id = self.id("read", "", self.namespaced(), suffix);
        let text =
            self.about(if suffix.is_empty() { "read the specified" } else { "read" }, suffix);
        let mut operation = self.operation("get", "get", id, text);
        operation.answers = vec![(200, self.own())];
        operation
    }

    fn write(&self, method: &'static str, verb: &str, text: &str, suffix: &str) -> Operation {
        let id = self.id(verb, "", self.namespaced(), suffix);
        let mut operation = self.operation(method, method, id, self.about(text, suffix));
        operation.parameters = parameters::WRITE.to_vec();
        let type_name = self.info.type_name.to_owned();
        operation.body =
            Some(RequestBody { type_name, media_types: self.media_types(), required: true });
        operation.answers = vec![(200, self.own()), (201, self.own())];
        if method == "post" {
            operation.answers.push((202, self.own()));
        }
        operation
    }

    fn patch(&self, suffix: &str) -> Operation {
        let id = self.id("patch", "", self.namespaced(), suffix);
        let text = self.about(
            if suffix.is_empty() { "partially update the specified" } else { "partially update" },
            suffix,
        );
        let mut operation = self.operation("patch", "patch", id, text);
        operation.parameters = parameters::APPLY.to_vec();
        operation.body = Some(RequestBody {
            type_name: PATCH.to_owned(),
            media_types: if self.is_custom { PATCH_TYPES_OF_CUSTOM } else { PATCH_TYPES },
            required: true,
        });
        operation.answers = vec![(200, self.own()), (201, self.own())];
        operation
    }

    fn delete(
        &self,
        action: &'static str,
        text: &str,
        parameters: &'static [&'static Parameter],
    ) -> Operation {
        let id = self.id("delete", "", self.namespaced(), "");
        let mut operation = self.operation("delete", action, id, self.about(text, ""));
        operation.parameters = parameters.to_vec();
        let type_name = DELETE_OPTIONS.to_owned();
        operation.body =
            Some(RequestBody { type_name, media_types: self.media_types(), required: false });
        // What is deleted in stages is described as if it answered with a status.
        let answer = match self.info.delete_answer {
            kinds::DeleteAnswer::Object if !self.info.staged_deletion => self.own(),
            _ => Answer::Object(STATUS.to_owned()),
        };
        operation.answers = vec![(200, answer.clone()), (202, answer)];
        operation
    }

    fn connect(
        &self,
        subresource: &Subresource,
        suffix: &str,
        own: &'static [&'static Parameter],
    ) -> Vec<Operation> {
        let any_method = subresource.name == "proxy";
        let methods = METHODS_OF_CONNECT.iter();
        let methods = methods.filter(|(method, _)| any_method || matches!(*method, "get" | "post"));
        methods
            .map(|(method, capital)| {
                let id = self.id("connect", capital, self.namespaced(), suffix);
                let text = format!(
                    "connect {} requests to {} of {}",
                    method.to_uppercase(),
                    subresource.name,
                    self.info.kind
                );
                let mut operation = self.operation(method, "connect", id, text);
                operation.parameters = own.to_vec();
                operation.answers = vec![(200, Answer::Text)];
                if let (Some((_, gvk)), Some(body)) = (&mut operation.action, subresource.body) {
                    gvk.kind = body.kind;
                }
                operation
            })
            .collect()
    }
}
