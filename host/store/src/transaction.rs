//! What a writer asks for: operations that happen all together or not at all, each with its precondition.

use std::any::Any;
use std::fmt::{self, Debug};
use std::sync::Arc;

use meta::{Attributes, Key, Revision};

use crate::{Body, Entry};

/// Operations that take effect together. Each change takes a revision of its own, in the order given, so that a watch can be
/// resumed after any of them; no snapshot that is taken as current shows only some of them.
#[derive(Debug, Default)]
pub struct Transaction {
    pub ops: Vec<Op>,
}

impl From<Op> for Transaction {
    fn from(op: Op) -> Self {
        Self { ops: vec![op] }
    }
}

/// One operation of a transaction.
#[derive(Debug)]
pub enum Op {
    /// Creates or replaces an object. Where nothing but the revision would change, nothing is written and the old revision stays.
    Put {
        key: Key,
        precondition: Precondition,
        body: Body,
        attributes: Attributes,
        /// The typed object that was encoded, for readers in this process.
        value: Option<Box<dyn Payload>>,
    },
    /// Removes an object. Its watchers get `last` at the revision of the deletion. Removing what is not there changes nothing.
    Delete { key: Key, precondition: Precondition, last: Body },
    /// Changes nothing, but the transaction fails if the precondition does not hold.
    Check { key: Key, precondition: Precondition },
}

impl Op {
    /// How much memory it holds while it waits for its turn.
    pub(crate) fn weight(&self) -> usize {
        const OP_OVERHEAD: usize = 512;
        OP_OVERHEAD
            + match self {
                Self::Put { body, .. } | Self::Delete { last: body, .. } => body.len(),
                Self::Check { .. } => 0,
            }
    }
}

/// What must be true of an object for an operation to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precondition {
    Any,
    Absent,
    Exists,
    At(Revision),
}

impl Precondition {
    pub(crate) fn holds(self, current: Option<&Entry>) -> bool {
        match self {
            Self::Any => true,
            Self::Absent => current.is_none(),
            Self::Exists => current.is_some(),
            Self::At(revision) => current.is_some_and(|entry| entry.revision == revision),
        }
    }
}

/// A typed object that goes with its encoded form to the readers in this process.
pub trait Payload: Any + Send + Sync {
    /// Called once, when the revision is known.
    fn set_revision(&mut self, revision: Revision);
    fn into_any_arc(self: Box<Self>) -> Arc<dyn Any + Send + Sync>;
}

impl Debug for dyn Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Payload")
    }
}

/// What a transaction has done. It is on disk when this is returned.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The revision of its last change; that of the store, if it changed nothing.
    pub revision: Revision,
    /// For each operation the object after it: of a put the entry in force, of a delete the last body (`None` if there was
    /// nothing to delete), of a check what was found.
    pub entries: Vec<Option<Arc<Entry>>>,
}
