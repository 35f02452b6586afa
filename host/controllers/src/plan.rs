//! What a controller wants done: one kind of action for all controllers, as plain values.
//!
//! Actions are ordered so that a crash after any prefix is safe: what conflicts goes first, status
//! last. A plan that wants nothing is empty, and the shell then sleeps until something changes or
//! [`Plan::wake_after`] has passed.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::authorization::v1::SubjectAccessReviewSpec;
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use k8s_openapi::api::core::v1::{ObjectReference, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use meta::{GroupVersionResource, Tree};

use crate::{AnyObject, Sourced};

/// The decision of one look at one object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// What to do, in order.
    pub actions: Vec<Action>,
    /// Look again after this time even if nothing changes.
    pub wake_after: Option<Duration>,
}

impl Plan {
    /// Adds an action.
    pub fn act(&mut self, action: Action) {
        self.actions.push(action);
    }

    /// Looks again after `wait`, or earlier if that was planned already.
    pub fn wake_in(&mut self, wait: Duration) {
        self.wake_after = Some(self.wake_after.map_or(wait, |known| known.min(wait)));
    }

    /// Writes the status of `seen` if `wanted` differs from it.
    pub fn status_if_changed<K: Sourced>(&mut self, seen: &K, wanted: K) {
        if *seen != wanted {
            self.act(Action::UpdateStatus { object: wanted.into_any() });
        }
    }

    /// Tells people about an object.
    pub fn event(&mut self, event: Event) {
        self.act(Action::Event(event));
    }
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Creates an object; one of that name is a reason to look again.
    Create {
        /// The object, without uid and revision.
        object: AnyObject,
        /// What to tell about the outcome.
        announce: Option<Announce>,
    },
    /// Replaces an object, if it is still at the revision that it carries.
    Update {
        /// The object with the revision it was seen at.
        object: AnyObject,
        /// What to tell about the outcome.
        announce: Option<Announce>,
    },
    /// Replaces the status of an object, if it is still at the revision that it carries.
    UpdateStatus {
        /// The object with the revision it was seen at.
        object: AnyObject,
    },
    /// Replaces the status of an object and what holds it, as [`Action::UpdateStatus`], if the server has no object of a resource by then.
    UpdateStatusIfNone {
        /// The resource that must be empty.
        resource: GroupVersionResource,
        /// The object with the revision it was seen at.
        object: AnyObject,
    },
    /// Says what fields of an object that exists shall be, and owns them from then on, whoever did
    /// before; fields that its manager owned and that are not given any more go. See
    /// <https://kubernetes.io/docs/reference/using-api/server-side-apply/>.
    Apply {
        /// Name, uid and the fields.
        object: AnyObject,
        /// `status`, or empty for the object itself.
        subresource: &'static str,
        /// Who owns the fields.
        manager: &'static str,
    },
    /// Changes some fields of an object whatever its revision. The patch names the uid where it
    /// must not hit a namesake.
    Patch {
        /// Which object.
        target: Target,
        /// `status`, `scale`, or empty for the object itself.
        subresource: &'static str,
        /// How, and what.
        patch: Change,
        /// What to tell about the outcome.
        announce: Option<Announce>,
    },
    /// Deletes an object, if it is still the one that was seen.
    Delete {
        /// Which object.
        target: Target,
        /// What happens to what it owns; none leaves it to the kind.
        propagation: Option<Propagation>,
        /// Seconds to end gracefully; none leaves it to the object.
        grace_secs: Option<i64>,
        /// What to tell about the outcome.
        announce: Option<Announce>,
    },
    /// Deletes everything of one resource in one namespace.
    DeleteAll {
        /// Which resource.
        resource: GroupVersionResource,
        /// Where.
        namespace: String,
    },
    /// Replaces `spec.finalizers` of a Namespace through its `finalize` subresource.
    Finalize {
        /// The Namespace with what remains.
        object: AnyObject,
    },
    /// Writes the first of these approvals for which the API server says yes. It is a failure if it
    /// says no to all.
    Approve {
        /// In the order in which they are asked.
        approvals: Vec<Approval>,
    },
    /// Has the cluster's authority sign a request for a certificate, and writes the certificate into
    /// its status, if it is still at the revision that it carries.
    Sign {
        /// The request with the revision it was seen at.
        request: Box<CertificateSigningRequest>,
        /// From when the certificate is valid.
        not_before: Timestamp,
        /// Until when, unless the authority ends earlier.
        not_after: Timestamp,
    },
    /// Has a token issued that stays good as long as the Secret and the account are there, and writes the Secret with it.
    IssueToken {
        /// The Secret with all else that belongs into it, and the revision it was seen at.
        secret: Box<Secret>,
        /// Whose token it is.
        account: Target,
    },
    /// Tells people about an object.
    Event(Event),
}

/// An object that is written through `/approval` if somebody may do something.
#[derive(Clone, Debug, PartialEq)]
pub struct Approval {
    /// Who may do what?
    pub ask: SubjectAccessReviewSpec,
    /// The approved object with the revision it was seen at.
    pub object: AnyObject,
}

/// A patch and its algorithm.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// RFC 7396.
    Merge(Tree),
    /// Kubernetes' merge that knows list keys.
    Strategic(Tree),
    /// RFC 6902.
    Json(Tree),
}

/// What happens to what a deleted object owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    /// It stays.
    Orphan,
    /// It follows.
    Background,
    /// It goes first.
    Foreground,
}

/// An object that is written to, as it was seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// Its resource.
    pub resource: GroupVersionResource,
    /// Its namespace, empty for cluster-scoped objects.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid; a delete of another object of that name does nothing.
    pub uid: String,
    /// The revision it must still have; none if any will do.
    pub revision: Option<String>,
}

impl Target {
    /// Whatever revision the object has by now.
    pub fn of<K: Sourced>(object: &K) -> Self {
        Self::at(K::resource(), object.metadata())
    }

    /// Only the very state that was seen.
    pub fn exactly<K: Sourced>(object: &K) -> Self {
        let revision = object.metadata().resource_version.clone();
        Self { revision, ..Self::of(object) }
    }

    /// An object of any resource.
    pub fn at(resource: GroupVersionResource, metadata: &ObjectMeta) -> Self {
        Self {
            resource,
            namespace: metadata.namespace.clone().unwrap_or_default(),
            name: metadata.name.clone().unwrap_or_default(),
            uid: metadata.uid.clone().unwrap_or_default(),
            revision: None,
        }
    }
}

/// An Event about an object; the shell adds times and counts, and merges repetitions.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// About what.
    pub regarding: ObjectReference,
    /// Good news or bad.
    pub level: Level,
    /// One word for machines.
    pub reason: &'static str,
    /// A sentence for people.
    pub message: String,
}

impl Event {
    /// Good news about an object.
    pub fn normal<K: Sourced>(about: &K, reason: &'static str, message: String) -> Self {
        Self { regarding: reference(about), level: Level::Normal, reason, message }
    }

    /// Bad news about an object.
    pub fn warning<K: Sourced>(about: &K, reason: &'static str, message: String) -> Self {
        Self { regarding: reference(about), level: Level::Warning, reason, message }
    }
}

/// The type of an Event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// `Normal`
    Normal,
    /// `Warning`
    Warning,
}

/// The Events that tell how an action went. `{}` stands for the name of the object on success and
/// for the error on failure.
#[derive(Clone, Debug, PartialEq)]
pub struct Announce {
    /// About what.
    pub regarding: ObjectReference,
    /// Reason and message if it went well.
    pub success: Option<(&'static str, String)>,
    /// Reason and message if not.
    pub failure: Option<(&'static str, String)>,
}

impl Announce {
    /// Both outcomes.
    pub fn both<K: Sourced>(
        about: &K,
        success: (&'static str, &str),
        failure: (&'static str, &str),
    ) -> Self {
        Self {
            regarding: reference(about),
            success: Some((success.0, success.1.to_owned())),
            failure: Some((failure.0, failure.1.to_owned())),
        }
    }

    /// Only success is worth telling.
    pub fn success<K: Sourced>(about: &K, reason: &'static str, message: String) -> Self {
        Self { regarding: reference(about), success: Some((reason, message)), failure: None }
    }
}

/// How Events refer to an object.
pub fn reference<K: Sourced>(object: &K) -> ObjectReference {
    let metadata = object.metadata();
    ObjectReference {
        api_version: Some(K::API_VERSION.to_owned()),
        kind: Some(K::KIND.to_owned()),
        name: metadata.name.clone(),
        namespace: metadata.namespace.clone(),
        uid: metadata.uid.clone(),
        resource_version: metadata.resource_version.clone(),
        field_path: None,
    }
}

/// What went wrong when the last plan of an object was carried out; it is part of the next view so
/// that a status can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What was tried.
    pub verb: Verb,
    /// The resource it was tried on.
    pub resource: GroupVersionResource,
    /// The server's words.
    pub message: String,
}

/// The kinds of action that a status distinguishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// A create.
    Create,
    /// An update or patch.
    Change,
    /// A delete.
    Delete,
}
