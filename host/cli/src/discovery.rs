//! What the server serves, and how people name it: plural, singular, short name, kind, `name.group`.
//!
//! Read from aggregated discovery (<https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery>), so that
//! custom resources and later kinds need nothing here.

use anyhow::bail;
use serde::Deserialize;

use crate::session::Session;

const ACCEPT: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// One resource in its preferred version.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Where requests go.
    pub api: api::Resource,
    pub singular: String,
    pub short_names: Vec<String>,
    pub categories: Vec<String>,
    pub verbs: Vec<String>,
    pub subresources: Vec<String>,
}

/// All resources, in the server's order.
#[derive(Clone, Debug, Default)]
pub struct Resources(Vec<Resource>);

#[derive(Deserialize)]
struct GroupList {
    items: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    metadata: k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta,
    versions: Vec<Version>,
}

#[derive(Deserialize)]
struct Version {
    version: String,
    #[serde(default)]
    resources: Vec<Served>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Served {
    resource: String,
    response_kind: Option<ResponseKind>,
    scope: String,
    #[serde(default)]
    singular_resource: String,
    verbs: Vec<String>,
    #[serde(default)]
    short_names: Vec<String>,
    #[serde(default)]
    categories: Vec<String>,
    #[serde(default)]
    subresources: Vec<Subresource>,
}

#[derive(Deserialize)]
struct ResponseKind {
    kind: String,
}

#[derive(Deserialize)]
struct Subresource {
    subresource: String,
}

impl Resources {
    /// Asks the server.
    pub async fn of(session: &Session) -> anyhow::Result<Self> {
        let mut all = Vec::new();
        for root in ["/api", "/apis"] {
            let answer = session.read_as(root, ACCEPT).await?;
            let list: GroupList = serde_json::from_value(answer)?;
            for group in list.items {
                let name = group.metadata.name.unwrap_or_default();
                for version in group.versions {
                    add(&mut all, &name, version);
                }
            }
        }
        Ok(Self(all))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Resource> {
        self.0.iter()
    }

    /// The resource that a user's word means.
    pub fn find(&self, word: &str) -> anyhow::Result<&Resource> {
        let lower = word.to_lowercase();
        let named = |resource: &&Resource| resource.answers_to(&lower);
        if let Some(found) = self.0.iter().find(named) {
            return Ok(found);
        }
        bail!("the server doesn't have a resource type \"{word}\"")
    }

    /// The resources that a word stands for: one, or all of a category such as `all`.
    pub fn expand(&self, word: &str) -> anyhow::Result<Vec<&Resource>> {
        let category: Vec<_> = self
            .0
            .iter()
            .filter(|resource| resource.categories.iter().any(|name| name == word))
            .collect();
        if category.is_empty() { Ok(vec![self.find(word)?]) } else { Ok(category) }
    }

    /// The resource of a manifest's kind.
    pub fn of_kind(&self, api_version: &str, kind: &str) -> anyhow::Result<&Resource> {
        let found =
            self.0.iter().find(|it| it.api.kind == kind && it.api.api_version() == api_version);
        let Some(found) = found else {
            bail!(
                "no matches for kind \"{kind}\" in version \"{api_version}\": the server does not serve it \
                 (see `skiff api-resources`)"
            )
        };
        Ok(found)
    }
}

impl Resource {
    /// `deployments.apps`, or `pods` for the core group.
    pub fn full_name(&self) -> String {
        self.api.group_resource().to_string()
    }

    /// `deployment.apps/web`: how commands name an object.
    pub fn object_name(&self, name: &str) -> String {
        let group = &self.api.group;
        if group.is_empty() {
            format!("{}/{name}", self.singular)
        } else {
            format!("{}.{group}/{name}", self.singular)
        }
    }

    fn answers_to(&self, word: &str) -> bool {
        let plain = word == self.api.plural
            || word == self.singular
            || word == self.api.kind.to_lowercase()
            || self.short_names.iter().any(|name| name == word);
        plain || self.qualified().iter().any(|name| name == word)
    }

    /// `deployments.apps`, `deployments.v1.apps`, and the same of the singular.
    fn qualified(&self) -> Vec<String> {
        let (group, version) = (&self.api.group, &self.api.version);
        [self.api.plural.as_ref(), self.singular.as_str()]
            .iter()
            .flat_map(|name| [format!("{name}.{group}"), format!("{name}.{version}.{group}")])
            .collect()
    }
}

/// Adds a version's resources, except those that a preferred version of the same group has shown already.
fn add(all: &mut Vec<Resource>, group: &str, version: Version) {
    for served in version.resources {
        let known = all.iter().any(|it| it.api.group == group && it.api.plural == served.resource);
        let Some(kind) = served.response_kind else { continue };
        if known {
            continue;
        }
        let singular = if served.singular_resource.is_empty() {
            kind.kind.to_lowercase()
        } else {
            served.singular_resource
        };
        all.push(Resource {
            api: api::Resource {
                group: group.to_owned().into(),
                version: version.version.clone().into(),
                kind: kind.kind.into(),
                plural: served.resource.into(),
                namespaced: served.scope == "Namespaced",
            },
            singular,
            short_names: served.short_names,
            categories: served.categories,
            verbs: served.verbs,
            subresources: served.subresources.into_iter().map(|it| it.subresource).collect(),
        });
    }
}
