//! A request as a line of a file.
//!
//! ```text
//! [sub] METHOD PATH of TYPE as TYPE take N with BODY
//! ```
//!
//! Only METHOD and PATH are always there. The words in brackets say for which kinds the request is: `namespaced`, `cluster`, a verb, a
//! subresource by its name (it is `{sub}` then), or `each` for each subresource. `of` and `as` are the short names of media types
//! of what is sent and of what is accepted. A watch reads N lines, or up to the end of the initial events. BODY is `base` (the object),
//! `second` (another one), `now` (the object at the path, as it is) or `got` (the last answer), each with a JSON merge patch if one
//! follows, or else it is sent as it stands.
//!
//! Two lines are no requests: `remove` removes the object, and `make` creates it.

use super::kind::Kind;

#[derive(Default)]
pub(super) struct Request {
    /// The whole line.
    pub(super) text: String,
    /// For which kinds.
    needs: Option<String>,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) content_type: &'static str,
    pub(super) accept: &'static str,
    pub(super) lines_max: Option<usize>,
    pub(super) body: Option<String>,
}

impl Request {
    pub(super) fn parse(text: &str) -> Self {
        let (line, body) = match text.split_once(" with ") {
            Some((line, body)) => (line, Some(body.to_owned())),
            None => (text, None),
        };
        let mut request = Self {
            text: text.to_owned(),
            content_type: media_type("json"),
            accept: media_type("json"),
            body,
            ..Self::default()
        };
        let mut words = line.split(' ').peekable();
        request.needs = words
            .next_if(|word| word.starts_with('['))
            .map(|word| word[1..word.len() - 1].to_owned());
        words.next().unwrap_or_default().clone_into(&mut request.method);
        words.next().unwrap_or_default().clone_into(&mut request.path);
        while let Some(word) = words.next() {
            let value = words.next().unwrap_or_default();
            match word {
                "of" => request.content_type = media_type(value),
                "as" => request.accept = media_type(value),
                "take" => request.lines_max = Some(value.parse().unwrap()),
                other => panic!("{other:?} in {text:?}"),
            }
        }
        request
    }

    /// The subresources that the request is for, an empty one for the kind itself.
    pub(super) fn subresources<'a>(&self, kind: &'a Kind) -> Vec<&'a str> {
        let all = kind.subresources.iter().map(String::as_str);
        let itself = |is_meant: bool| if is_meant { vec![""] } else { Vec::new() };
        match self.needs.as_deref() {
            None => vec![""],
            Some("namespaced") => itself(kind.is_namespaced),
            Some("cluster") => itself(!kind.is_namespaced),
            Some("each") => all.collect(),
            Some(verb) if kind.verbs.iter().any(|it| it == verb) => vec![""],
            Some(subresource) => all.filter(|name| *name == subresource).collect(),
        }
    }
}

fn media_type(short: &str) -> &'static str {
    match short {
        "json" => "application/json",
        "yaml" => "application/yaml",
        "protobuf" => "application/vnd.kubernetes.protobuf",
        "merge" => "application/merge-patch+json",
        "strategic" => "application/strategic-merge-patch+json",
        "jsonpatch" => "application/json-patch+json",
        "apply" => "application/apply-patch+yaml",
        "table" => "application/json;as=Table;v=v1;g=meta.k8s.io",
        "oldtable" => "application/json;as=Table;v=v1beta1;g=meta.k8s.io",
        "metadata" => "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
        "metadatalist" => "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
        "text" => "text/plain",
        "html" => "text/html",
        "kubectl" => {
            "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"
        }
        other => panic!("{other:?} is no short name of a media type"),
    }
}
