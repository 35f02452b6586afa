//! What happened, in the newer form: the group `events.k8s.io`.

mod event;
