//! Finding or fetching a container's image, by its pull policy and with the Pod's pull secrets.

use std::sync::Arc;
use std::time::Instant;

use image::{Credentials, PullError, Reference, Wasm};
use k8s_openapi::api::core::v1 as core;

use crate::pod::{ContainerPlan, Failure, FailureKind, Image, PullPolicy};
use crate::recorder::Telling;
use crate::shared::Shared;

/// The image, or why there is none. `pulling` is told when something has to be fetched.
pub(crate) async fn pull(
    shared: &Shared,
    pod: &core::Pod,
    container: &ContainerPlan,
    pulling: Telling,
) -> Result<(Image, Arc<Wasm>), Failure> {
    let name = &container.image;
    let reference: Reference = name.parse().map_err(|error: image::ReferenceError| Failure {
        reason: "InvalidImageName",
        message: format!("Failed to apply default image tag \"{name}\": {error}"),
        kind: FailureKind::Stuck,
    })?;
    if container.pull != PullPolicy::Always {
        match shared.images.present(&reference).await {
            Ok(Some(wasm)) => return Ok(present(container, &reference, wasm)),
            Ok(None) => {}
            Err(error) => return Err(failed(&error)),
        }
    }
    if container.pull == PullPolicy::Never {
        return Err(Failure {
            reason: "ErrImageNeverPull",
            message: format!("Container image \"{name}\" is not present with pull policy of Never"),
            kind: FailureKind::Again,
        });
    }
    if reference.registry().is_some() {
        shared.recorder.tell(pulling);
    }
    let began = Instant::now();
    let credentials = credentials(shared, pod).await;
    match shared.images.pull(&reference, &credentials).await {
        Ok(wasm) => {
            let took = began.elapsed().as_millis();
            let note = format!(
                "Successfully pulled image \"{name}\" in {took}ms ({took}ms including waiting). Image size: {} bytes.",
                wasm.size_bytes
            );
            Ok((Image { id: id(&reference, &wasm), note }, wasm))
        }
        Err(error) => Err(failed(&error)),
    }
}

fn present(
    container: &ContainerPlan,
    reference: &Reference,
    wasm: Arc<Wasm>,
) -> (Image, Arc<Wasm>) {
    let note = format!("Container image \"{}\" already present on machine", container.image);
    (Image { id: id(reference, &wasm), note }, wasm)
}

fn failed(error: &PullError) -> Failure {
    Failure { reason: "ErrImagePull", message: error.to_string(), kind: FailureKind::Again }
}

/// The image by its content, as statuses show it.
fn id(reference: &Reference, wasm: &Wasm) -> String {
    let mut place = reference.clone();
    place.tag = None;
    place.digest = Some(wasm.manifest);
    place.to_string()
}

/// The logins of the Pod's pull secrets. One that is missing or broken is left out, as in Kubernetes: the pull may do without.
async fn credentials(shared: &Shared, pod: &core::Pod) -> Credentials {
    let mut credentials = Credentials::default();
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let secrets = pod.spec.iter().flat_map(|spec| spec.image_pull_secrets.iter().flatten());
    for secret in secrets {
        let read = shared.sources.secret(&shared.client, namespace, &secret.name, shared.now());
        let Ok(Some(found)) = read.await else {
            tracing::debug!(namespace, secret = secret.name, "a pull secret is missing");
            continue;
        };
        let data = found.data.iter().flatten();
        for (key, value) in data {
            let added = match key.as_str() {
                ".dockerconfigjson" => credentials.add_docker_config_json(&value.0),
                ".dockercfg" => credentials.add_dockercfg(&value.0),
                _ => Ok(()),
            };
            if let Err(error) = added {
                tracing::debug!(namespace, secret = secret.name, %error, "a pull secret is broken");
            }
        }
    }
    credentials
}
