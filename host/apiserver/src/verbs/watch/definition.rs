//! The definition behind a watch of a custom kind. When it changes or goes, so does what the watcher was promised to see, and the watch ends: the
//! watcher comes back and finds the new form, or none.

use std::sync::Arc;

use kinds::AnyKind as _;
use kinds::custom::CustomKind;
use store::Watch;

use crate::registry;
use crate::state::State;

/// The definition of a kind, as long as it stays what it is.
#[derive(Debug)]
pub(crate) struct Definition {
    state: Arc<State>,
    kind: CustomKind,
    /// None if its changes cannot be seen.
    changes: Option<Watch>,
}

impl Definition {
    pub(super) fn new(state: &Arc<State>, kind: &CustomKind) -> Definition {
        let key = registry::definition_key(kind.info());
        // First the watch and then a look, so that no change falls between the two.
        let revision = state.store.snapshot().revision();
        let changes = state.store.watch(revision, key.as_str()).ok();
        Definition { state: Arc::clone(state), kind: kind.clone(), changes }
    }

    /// Whether the kind is served as it was when the watch began.
    pub(super) fn holds(&self) -> bool {
        let info = self.kind.info();
        let kinds = self.state.kinds();
        let now = kinds.find(info.group, info.version, info.plural);
        let now = now.and_then(|kind| kind.custom());
        self.changes.is_some() && now.is_some_and(|now| now.is_defined_as(&self.kind))
    }

    /// Waits until the kind is no longer served as it was. It may be dropped while it waits.
    pub(super) async fn gone(&mut self) {
        while let Some(changes) = &mut self.changes {
            if changes.next().await.is_err() {
                self.changes = None;
            }
            if !self.holds() {
                return;
            }
        }
    }
}
