//! Which resources the server has that can be listed, watched and deleted: each once, in the version
//! it prefers.

use std::collections::BTreeMap;

use api::{Client, Error, Resource};
use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use serde::Deserialize;

const ACCEPT: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

#[derive(Deserialize)]
struct Groups {
    #[serde(default)]
    items: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    metadata: Named,
    #[serde(default)]
    versions: Vec<Version>,
}

#[derive(Default, Deserialize)]
struct Named {
    #[serde(default)]
    name: String,
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
    #[serde(default)]
    response_kind: Kind,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    verbs: Vec<String>,
}

#[derive(Default, Deserialize)]
struct Kind {
    #[serde(default)]
    kind: String,
}

/// Events come and go by themselves and own nothing.
fn is_of_interest(group: &str, served: &Served) -> bool {
    let can = |verb: &str| served.verbs.iter().any(|known| known == verb);
    let is_event = served.resource == "events" && matches!(group, "" | "events.k8s.io");
    can("list") && can("watch") && can("delete") && !is_event
}

pub(super) async fn resources(client: &Client) -> Result<Vec<Resource>, Error> {
    let mut found: BTreeMap<(String, String), Resource> = BTreeMap::new();
    for path in ["/api", "/apis"] {
        for group in read(client, path).await?.items {
            let name = group.metadata.name;
            // The preferred version comes first.
            for version in group.versions {
                for served in version.resources {
                    if !is_of_interest(&name, &served) {
                        continue;
                    }
                    let key = (name.clone(), served.resource.clone());
                    found.entry(key).or_insert_with(|| Resource {
                        group: name.clone().into(),
                        version: version.version.clone().into(),
                        kind: served.response_kind.kind.into(),
                        plural: served.resource.into(),
                        namespaced: served.scope == "Namespaced",
                    });
                }
            }
        }
    }
    Ok(found.into_values().collect())
}

async fn read(client: &Client, path: &str) -> Result<Groups, Error> {
    let decode = |source: Box<dyn std::error::Error + Send + Sync>| Error::Decode {
        path: path.to_owned(),
        source,
    };
    let request = Request::get(path).header(http::header::ACCEPT, ACCEPT).body(Bytes::new());
    let answer = client.raw(request.map_err(|e| decode(Box::new(e)))?).await?;
    let body = answer.into_body().collect().await?.to_bytes();
    serde_json::from_slice(&body).map_err(|e| decode(Box::new(e)))
}
