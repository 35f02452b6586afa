//! One request to a resource, with everything resolved that its path and headers tell.

use std::sync::Arc;

use bytes::Bytes;
use http::{Response, StatusCode};
use kinds::{KindInfo, Object};
use meta::{GroupResource, Key, StatusError, Tree, managed};
use store::{Entry, Snapshot};

use crate::body::Body;
use crate::chain::Call;
use crate::codec::encode;
use crate::codec::negotiate::{Accepted, View, not_in_this_form};
use crate::registry::KindRef;
use crate::request::ResourceRequest;
use crate::state::State;
use crate::table::{self, Shown};

/// A request to a resource.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) state: Arc<State>,
    pub(crate) call: Call,
    pub(crate) resource: ResourceRequest,
    /// The kind that the path names.
    pub(crate) kind: KindRef,
    /// The kind under which its objects are stored: another one where several versions show the same objects.
    pub(crate) stored: KindRef,
    /// The agreed form of the answer.
    pub(crate) accepted: Accepted,
}

/// An object as it is stored now, in the kind of the request.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) entry: Arc<Entry>,
    pub(crate) tree: Tree,
    /// The same, but for the fields that its owners own.
    pub(crate) object: Box<dyn Object>,
}

impl Current {
    /// An object that was made from this one, and has the same owners, as a tree.
    pub(crate) fn edited(&self, object: &dyn Object) -> Tree {
        let mut tree = object.tree();
        if let Some(owners) = managed::get(&self.tree) {
            managed::put(&mut tree, owners.clone());
        }
        tree
    }
}

impl Context {
    pub(crate) fn info(&self) -> &KindInfo {
        self.kind.info()
    }

    /// Group and resource, as errors name them.
    pub(crate) fn group_resource(&self) -> GroupResource {
        self.info().group_resource()
    }

    /// Namespace of the objects: that of the path for kinds that have one.
    pub(crate) fn namespace(&self) -> &str {
        if self.info().namespaced { &self.resource.namespace } else { "" }
    }

    /// Where an object of the request's namespace is stored.
    pub(crate) fn key(&self, name: &str) -> Key {
        Key::new(&self.info().storage_resource(), self.namespace(), name)
    }

    pub(crate) fn not_found(&self, name: &str) -> StatusError {
        StatusError::not_found(&self.group_resource(), name)
    }

    /// The entry of a name; 404 if there is none. A name that no key can hold is not there either.
    pub(crate) fn entry(&self, snapshot: &Snapshot, name: &str) -> Result<Arc<Entry>, StatusError> {
        if name.contains('/') {
            return Err(self.not_found(name));
        }
        snapshot.get(self.key(name).as_str()).cloned().ok_or_else(|| self.not_found(name))
    }

    /// Decodes a stored object into the kind of the request.
    pub(crate) fn current(&self, entry: Arc<Entry>) -> Result<Current, StatusError> {
        let mut tree = self.served_tree(&entry.body)?;
        let owners = managed::take(&mut tree);
        let mut object = self.object(&tree)?;
        object.metadata_mut().managed_fields = owners.as_ref().map(managed::heads);
        if let Some(owners) = owners {
            managed::put(&mut tree, owners);
        }
        Ok(Current { entry, tree, object })
    }

    /// A stored body as a typed object of the request's kind; see [`kinds::AnyKind::parse`].
    pub(crate) fn parse(&self, body: &Bytes) -> Result<Box<dyn Object>, StatusError> {
        self.kind.parse(&self.served(body)?).map_err(|error| self.cannot_be_handled(&error))
    }

    /// Types a canonical tree of the request's kind.
    pub(crate) fn object(&self, tree: &Tree) -> Result<Box<dyn Object>, StatusError> {
        self.kind.object(tree).map_err(|error| self.cannot_be_handled(&error))
    }

    fn cannot_be_handled(&self, error: &kinds::DecodeError) -> StatusError {
        let info = self.info();
        StatusError::bad_request(format!(
            "{} in version {} cannot be handled as a {}: {}",
            info.kind,
            meta::quote(info.version),
            info.kind,
            crate::status::chain(error)
        ))
    }

    /// A stored body as a tree of the request's kind.
    pub(crate) fn served_tree(&self, body: &[u8]) -> Result<Tree, StatusError> {
        let mut tree = parsed(body)?;
        if !self.kind.is_stored_as_served() {
            self.kind.rewrite_to_served(&mut tree);
        }
        Ok(tree)
    }

    /// A stored body as bytes of the request's kind; they are the same bytes where it is stored as it is served.
    pub(crate) fn served(&self, body: &Bytes) -> Result<Bytes, StatusError> {
        if self.kind.is_stored_as_served() {
            return Ok(body.clone());
        }
        let stored = parsed(body)?;
        let mut tree = stored.clone();
        self.kind.rewrite_to_served(&mut tree);
        Ok(if tree == stored { body.clone() } else { encode::served(&tree) })
    }

    /// The answer that shows one object, in the form that the client accepts.
    pub(crate) fn answer(
        &self,
        code: StatusCode,
        body: &Bytes,
    ) -> Result<Response<Body>, StatusError> {
        let bytes = match self.accepted.view {
            View::Object => encode::stored_bytes(body, self.accepted),
            View::Metadata(version) => {
                self.formatted(&table::metadata(self.info(), body, version).into())
            }
            View::MetadataList(_) => {
                return Err(not_in_this_form("PartialObjectMetadataList", false));
            }
            View::Table(version) => {
                let include = table::include(&self.call.info.query)?;
                let head = super::list::head_of_object(body);
                let now = self.state.clock.now();
                let rows = vec![table::row(&*self.kind, body, now)];
                let shown = Shown::Object;
                self.formatted(
                    &table::table(&*self.kind, rows, &head, version, include, shown).into(),
                )
            }
        };
        Ok(encode::response(code, self.accepted, bytes))
    }

    /// JSON of a view in the format that the client accepts.
    pub(crate) fn formatted(&self, json: &Bytes) -> Bytes {
        encode::stored_bytes(json, self.accepted)
    }
}

fn parsed(body: &[u8]) -> Result<Tree, StatusError> {
    let damaged = |error: &dyn std::error::Error| {
        StatusError::internal(format!("a stored object is damaged: {error}"))
    };
    // That it is UTF-8 is seen faster of the whole than of each text in it.
    let text = std::str::from_utf8(body).map_err(|error| damaged(&error))?;
    serde_json::from_str(text).map_err(|error| damaged(&error))
}
