//! The whole chain over the memory store: what clients see of each verb.

mod certificates;
mod classes;
mod custom;
mod deletions;
mod devices;
mod events;
mod first_objects;
mod lists;
mod patches;
mod paths;
mod policies;
mod quotas;
mod services;
mod subresources;
mod volumes;
mod watches;
mod webhooks;
mod writes;

use serde_json::{Value, json};

use crate::testing::Server;

const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
const PODS: &str = "/api/v1/namespaces/default/pods";
const SERVICES: &str = "/api/v1/namespaces/default/services";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";

fn config_map(name: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name }, "data": { "a": "b" } })
}

fn pod(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name },
        "spec": { "containers": [{ "name": "c", "image": "registry/i:1" }] },
    })
}

fn deployment(name: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name },
        "spec": {
            "selector": { "matchLabels": { "a": name } },
            "template": {
                "metadata": { "labels": { "a": name } },
                "spec": { "containers": [{ "name": "c", "image": "i:1" }] },
            },
        },
    })
}

async fn with_config_maps(names: &[&str]) -> Server {
    let server = Server::start().await;
    for name in names {
        server.post(CONFIG_MAPS, &config_map(name)).await.expect(201);
    }
    server
}
