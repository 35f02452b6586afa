//! Static Pods within the agent: from files to slots, and their mirrors in the API server.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1 as core;

use super::{Agent, Body, Message, Uid};
use crate::pod::Event;
use crate::static_pods;

/// The kubelet's default.
const LOOK_EVERY: Duration = Duration::from_secs(20);
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(30);

impl Agent {
    /// Looks at the folder of manifests now and then, until dropped.
    pub(super) fn watch_files(&self) -> impl Future<Output = ()> + Send + use<> {
        let (shared, sender) = (Arc::clone(&self.shared), self.sender.clone());
        async move {
            let folder = shared.config.data_dir.join("manifests");
            let mut looks = tokio::time::interval(LOOK_EVERY);
            let mut known: Option<Vec<String>> = None;
            loop {
                looks.tick().await;
                let (at, node) = (folder.clone(), shared.config.node_name.clone());
                let read = tokio::task::spawn_blocking(move || static_pods::read(&at, &node)).await;
                let pods = match read {
                    Ok(Ok(pods)) => pods,
                    Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => {
                        BTreeMap::new()
                    }
                    Ok(Err(error)) => {
                        tracing::warn!(folder = %folder.display(), %error, "cannot read static Pods");
                        continue;
                    }
                    Err(_) => continue,
                };
                let uids: Vec<String> = pods.keys().cloned().collect();
                if known.as_ref() == Some(&uids) || (known.is_none() && uids.is_empty()) {
                    continue;
                }
                known = Some(uids);
                let message = Message { uid: Uid::from(""), body: Body::Static(pods) };
                if sender.send(message).await.is_err() {
                    return;
                }
            }
        }
    }

    /// Makes these the Pods from files.
    pub(super) fn set_static(&mut self, pods: BTreeMap<String, core::Pod>) {
        let now = self.shared.now();
        let gone: Vec<(Uid, i64)> = self
            .slots
            .iter()
            .filter(|(uid, slot)| slot.is_static && !pods.contains_key(&***uid))
            .map(|(uid, slot)| (Arc::clone(uid), slot.state.plan.grace_secs))
            .collect();
        for (uid, grace_secs) in gone {
            self.backlog.push_back((uid, Event::Delete { grace_secs }));
        }
        for (uid, pod) in pods {
            let uid = Uid::from(uid);
            if self.slots.contains_key(&uid) {
                continue;
            }
            self.add(Arc::new(pod), now);
            if let Some(slot) = self.slots.get_mut(&uid) {
                slot.is_static = true;
                self.show_mirror(&uid);
            }
        }
    }

    /// A mirror that somebody deleted comes back.
    pub(super) fn restore_mirror(&self, gone: &core::Pod) {
        let annotations = gone.metadata.annotations.as_ref();
        let Some(hash) = annotations.and_then(|all| all.get(static_pods::MIRROR)) else { return };
        let uid = Uid::from(hash.as_str());
        let slot = self.slots.get(&uid);
        if slot.is_some_and(|slot| slot.is_static && slot.state.deleting.is_none()) {
            self.show_mirror(&uid);
        }
    }

    fn show_mirror(&self, uid: &Uid) {
        let Some(slot) = self.slots.get(uid) else { return };
        let (shared, pod) = (Arc::clone(&self.shared), Arc::clone(&slot.object));
        let (sender, uid) = (self.sender.clone(), Arc::clone(uid));
        self.tasks.spawn(async move {
            let mut wait = RETRY_MIN;
            while let Err(error) =
                static_pods::mirror(&shared.client, &pod, &shared.config.node_name).await
            {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "cannot show a static Pod"
                );
                if sender.is_closed() {
                    return;
                }
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(RETRY_MAX);
            }
            // Its status is not there yet. The loop is gone only when the process ends.
            let _ = sender.send(Message { uid, body: Body::Mirrored }).await;
        });
    }

    /// A static Pod has ended: its mirror goes, and so does everything here.
    pub(super) fn remove_static(&mut self, uid: &Uid) {
        if let Some(slot) = self.slots.get(uid) {
            let (client, pod) = (self.shared.client.clone(), Arc::clone(&slot.object));
            self.tasks.spawn(async move {
                if let Err(error) = static_pods::remove_mirror(&client, &pod).await {
                    tracing::debug!(error = &error as &dyn std::error::Error, "a mirror stays");
                }
            });
        }
        self.drop_slot(uid);
    }
}
