//! What is done now and then: files of volumes are kept current, crashes of functions are told, unused images are removed.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{Agent, Body, Due, REFRESH_SECS, Uid};
use crate::pod::{self, Note, after_secs};
use crate::shell;

const SURVEY_SECS: i64 = 10;
const COLLECT_SECS: i64 = 3600;
/// Younger blobs may belong to a push in progress.
const IMAGE_AGE_MIN: Duration = Duration::from_hours(1);

impl Agent {
    /// Compares the files of volumes with what they come from.
    pub(super) fn refresh(&mut self, uid: &Uid, now: Timestamp) {
        let Some(slot) = self.slots.get_mut(uid) else { return };
        let address = slot.address(self.shared.machine.ip);
        let (Some(ip), pod::Stage::Active) = (address, &slot.state.stage) else { return };
        // As in a preparation: folders must not be written while they are removed.
        slot.is_preparing = true;
        let (shared, object) = (Arc::clone(&self.shared), Arc::clone(&slot.object));
        self.spawn(uid, async move {
            let _work = shared.work.acquire().await;
            if let Err(message) = shell::refresh(&shared, &object, ip).await {
                tracing::debug!(message, "volumes stay as they are");
            }
            Body::Refreshed
        });
        self.alarms.set(after_secs(now, REFRESH_SECS), Due::Refresh, uid);
    }

    pub(super) fn refreshed(&mut self, uid: &Uid) {
        let Some(slot) = self.slots.get_mut(uid) else { return };
        slot.is_preparing = false;
        if std::mem::take(&mut slot.has_pending_tear_down) {
            self.tear_down(uid);
        }
    }

    /// Tells of functions whose instances ended without an answer. Looking at all of them now and then is cheaper than a task for each.
    pub(super) fn survey(&mut self, now: Timestamp) {
        let mut notes = Vec::new();
        for (uid, slot) in &mut self.slots {
            for (container, part) in slot.parts.iter_mut().enumerate() {
                let Some(served) = &part.served else { continue };
                let crashes = served.function.service.crashes().borrow().clone();
                if crashes.count > part.crashes {
                    let last = crashes.last.map(|exit| exit.to_string()).unwrap_or_default();
                    let message =
                        format!("An instance of the function ended without an answer: {last}");
                    let reason = "Crashed";
                    let container = Some(container);
                    notes.push((
                        Arc::clone(uid),
                        Note { is_warning: true, reason, message, container },
                    ));
                }
                part.crashes = crashes.count;
            }
        }
        for (uid, note) in notes {
            self.record(&uid, note);
        }
        self.alarms.set(after_secs(now, SURVEY_SECS), Due::Survey, &Uid::from(""));
    }

    /// Removes images that no container and no name uses.
    pub(super) fn collect(&mut self, now: Timestamp) {
        let parts = self.slots.values().flat_map(|slot| &slot.parts);
        let in_use =
            parts.filter_map(|part| part.image.as_ref()).map(|image| image.manifest).collect();
        let store = self.shared.images.store().clone();
        self.tasks.spawn(async move {
            match store.collect(in_use, now.into(), IMAGE_AGE_MIN).await {
                Ok(done) if done.blobs > 0 => {
                    tracing::info!(blobs = done.blobs, bytes = done.bytes, "removed unused images");
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "cannot remove unused images"
                    );
                }
            }
        });
        self.alarms.set(after_secs(now, COLLECT_SECS), Due::Collect, &Uid::from(""));
    }
}
