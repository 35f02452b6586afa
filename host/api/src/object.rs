//! What the seam needs to know of an object: its metadata, and how to make it from an event.
//!
//! Every generated wire type is an [`Object`]; [`PartialObject`] is any object of any kind of which
//! only the metadata is of interest (garbage collection, namespace deletion, custom resources).

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use k8s_openapi::Metadata;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::Form;

/// A typed API object.
pub trait Object: Serialize + DeserializeOwned + Clone + Debug + Send + Sync + 'static {
    /// How a transport is asked to deliver it.
    const FORM: Form;

    /// Name, namespace, uid, owners.
    fn meta(&self) -> &ObjectMeta;

    /// Takes the value that another reader of the same commit shares.
    fn from_shared(value: Arc<dyn Any + Send + Sync>) -> Option<Arc<Self>> {
        value.downcast::<Self>().ok()
    }

    /// The namespace, empty where there is none.
    fn namespace(&self) -> &str {
        self.meta().namespace.as_deref().unwrap_or("")
    }

    /// The name, empty before the server has chosen one.
    fn name(&self) -> &str {
        self.meta().name.as_deref().unwrap_or("")
    }

    /// The uid, empty before the object is created.
    fn uid(&self) -> &str {
        self.meta().uid.as_deref().unwrap_or("")
    }

    /// The revision of its last write.
    fn revision(&self) -> meta::Revision {
        let text = self.meta().resource_version.as_deref().unwrap_or("");
        text.parse().unwrap_or_default()
    }
}

impl<K> Object for K
where
    K: Metadata<Ty = ObjectMeta>
        + Serialize
        + DeserializeOwned
        + Clone
        + Debug
        + Send
        + Sync
        + 'static,
{
    const FORM: Form = Form::Whole;

    fn meta(&self) -> &ObjectMeta {
        self.metadata()
    }
}

/// Any object, reduced to its metadata.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PartialObject {
    /// Its own group and version, as far as the server says so.
    pub api_version: String,
    /// Its own kind, as far as the server says so.
    pub kind: String,
    /// All that is kept.
    pub metadata: ObjectMeta,
}

impl Object for PartialObject {
    const FORM: Form = Form::Metadata;

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    /// A server in this process shares the metadata alone.
    fn from_shared(value: Arc<dyn Any + Send + Sync>) -> Option<Arc<Self>> {
        let metadata = Arc::unwrap_or_clone(value.downcast::<ObjectMeta>().ok()?);
        Some(Arc::new(Self { metadata, ..Self::default() }))
    }
}
