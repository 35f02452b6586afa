//! What the server says of itself: its groups and their versions, its own version, and how its tokens are checked. Each has a path beside those
//! of resources, and a document of its own in `OpenAPI` 3.

use super::Part;
use super::definitions::{API_GROUP, API_GROUPS, API_VERSIONS, VERSION_INFO};
use super::operations::{Answer, Operation, Place, TYPES, camel_group, group_tag};
use crate::etag::digest;

#[derive(Debug)]
pub(super) struct Outline {
    /// `apis/apps`: where it is, without the slashes around it.
    pub(super) path: String,
    operation: Operation,
}

impl Outline {
    pub(super) fn all(parts: &[Part]) -> Vec<Self> {
        let mut all = vec![
            Self::new("api", "getCoreAPIVersions", "core", API_VERSIONS)
                .says("list the versions of the core group"),
            Self::new("apis", "getAPIVersions", "apis", API_GROUPS)
                .says("list the groups and their versions"),
        ];
        let mut groups: Vec<&str> = parts
            .iter()
            .filter(|part| !part.is_custom() && !part.group.is_empty())
            .map(|part| part.group)
            .collect();
        groups.dedup();
        all.extend(groups.into_iter().map(|group| {
            let id = format!("get{}APIGroup", camel_group(group));
            Self::new(&format!("apis/{group}"), &id, &group_tag(group), API_GROUP)
                .says("list the versions of the group")
        }));
        all.extend([
            Self::new("version", "getCodeVersion", "version", VERSION_INFO)
                .says("the version of this server")
                .in_types(&["application/json"]),
            Self::text("openid/v1/jwks", "getServiceAccountIssuerOpenIDKeyset", "openid")
                .says("the public keys with which tokens of service accounts are checked")
                .in_types(&["application/jwk-set+json"]),
            Self::text(
                ".well-known/openid-configuration",
                "getServiceAccountIssuerOpenIDConfiguration",
                "WellKnown",
            )
            .says("who issues tokens of service accounts, and where its public keys are")
            .in_types(&["application/json"]),
        ]);
        all
    }

    fn new(path: &str, id: &str, tag: &str, type_name: &str) -> Self {
        let mut outline = Self::text(path, id, tag);
        outline.operation.answers = vec![(200, Answer::Object(type_name.to_owned()))];
        outline
    }

    fn text(path: &str, id: &str, tag: &str) -> Self {
        let operation = Operation {
            method: "get",
            id: id.to_owned(),
            text: String::new(),
            tag: tag.to_owned(),
            parameters: Vec::new(),
            body: None,
            produces: TYPES,
            answers: vec![(200, Answer::Plain)],
            action: None,
        };
        Self { path: path.to_owned(), operation }
    }

    fn says(mut self, text: &str) -> Self {
        text.clone_into(&mut self.operation.text);
        self
    }

    fn in_types(mut self, types: &'static [&'static str]) -> Self {
        self.operation.produces = types;
        self
    }

    pub(super) fn place(&self) -> Place {
        Place {
            path: format!("/{}/", self.path),
            parameters: Vec::new(),
            operations: vec![self.operation.clone()],
        }
    }

    /// The type of the answer, if it has one.
    pub(super) fn type_name(&self) -> Option<&str> {
        self.operation.answers.iter().find_map(|(_, answer)| match answer {
            Answer::Object(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Changes with the program.
    pub(super) fn hash(&self) -> String {
        digest(format!("{} {:?}", super::BUILD, self.path).as_bytes())
    }
}
