//! The typed verbs of one resource.

use std::marker::PhantomData;

use http::Method;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ListMeta;
use meta::Revision;
use serde::Deserialize;

use crate::client::Content;
use crate::wire::Query;
use crate::{
    Client, DeleteParams, Error, Form, ListParams, Object, Patch, Resource, WatchParams, Watching,
    WriteParams,
};

const JSON: &str = "application/json";

/// Verbs over the objects of one resource, in one namespace or in all.
#[derive(Clone, Debug)]
pub struct Api<K> {
    client: Client,
    resource: Resource,
    namespace: Option<String>,
    kind: PhantomData<fn() -> K>,
}

/// One page of a list.
#[derive(Clone, Debug, Deserialize)]
#[serde(bound = "K: Object")]
pub struct Page<K> {
    /// Revision and continue token.
    #[serde(default)]
    pub metadata: ListMeta,
    /// The objects. A server writes `null` where a filtered list is empty.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub items: Vec<K>,
}

impl<K: Object> Api<K> {
    /// Verbs of a resource; `namespace` is ignored for cluster-scoped ones.
    pub fn new(client: Client, resource: Resource, namespace: Option<&str>) -> Self {
        let namespace = namespace.filter(|n| !n.is_empty()).map(str::to_owned);
        Self { client, resource, namespace, kind: PhantomData }
    }

    /// The resource these verbs go to.
    pub fn resource(&self) -> &Resource {
        &self.resource
    }

    /// The client underneath.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Reads one object.
    pub async fn get(&self, name: &str) -> Result<K, Error> {
        self.send(Method::GET, self.item(name, ""), Content::<()>::None).await
    }

    /// Reads one page.
    pub async fn list(&self, params: &ListParams) -> Result<Page<K>, Error> {
        let mut query = Query::new(self.resource.path(self.namespace.as_deref()));
        params.add_to(&mut query);
        let accept = match K::FORM {
            Form::Whole => JSON,
            Form::Metadata => "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
        };
        self.client.json(Method::GET, query.finish(), Content::<()>::None, accept).await
    }

    /// Creates an object in this namespace.
    pub async fn create(&self, object: &K, params: &WriteParams) -> Result<K, Error> {
        let mut query = Query::new(self.resource.path(self.namespace.as_deref()));
        params.add_to(&mut query);
        self.write(Method::POST, query, JSON, object).await
    }

    /// Replaces an object; its resource version, if any, is the precondition.
    pub async fn replace(&self, object: &K, params: &WriteParams) -> Result<K, Error> {
        self.put(object, "", params).await
    }

    /// Replaces the status of an object.
    pub async fn replace_status(&self, object: &K, params: &WriteParams) -> Result<K, Error> {
        self.put(object, "status", params).await
    }

    /// Patches an object.
    pub async fn patch(&self, name: &str, patch: &Patch, params: &WriteParams) -> Result<K, Error> {
        self.patch_at(name, "", patch, params).await
    }

    /// Patches the status of an object.
    pub async fn patch_status(
        &self,
        name: &str,
        patch: &Patch,
        params: &WriteParams,
    ) -> Result<K, Error> {
        self.patch_at(name, "status", patch, params).await
    }

    /// Patches a subresource that answers with the object.
    pub async fn patch_at(
        &self,
        name: &str,
        subresource: &str,
        patch: &Patch,
        params: &WriteParams,
    ) -> Result<K, Error> {
        let mut query = Query::new(self.item(name, subresource));
        params.add_to(&mut query);
        self.write(Method::PATCH, query, patch.content_type(), patch.body()).await
    }

    /// Deletes an object. Kinds differ in what they answer (the object or a `Status`), so that the
    /// caller gets the answer as it is.
    pub async fn delete(
        &self,
        name: &str,
        params: &DeleteParams,
    ) -> Result<serde_json::Value, Error> {
        let content = Content::Json { media_type: JSON, value: params };
        self.client.json(Method::DELETE, self.item(name, ""), content, JSON).await
    }

    /// Deletes everything a selector selects.
    pub async fn delete_collection(
        &self,
        params: &DeleteParams,
        selected: &ListParams,
    ) -> Result<serde_json::Value, Error> {
        let mut query = Query::new(self.resource.path(self.namespace.as_deref()));
        selected.add_to(&mut query);
        let content = Content::Json { media_type: JSON, value: params };
        self.client.json(Method::DELETE, query.finish(), content, JSON).await
    }

    /// Posts to a subresource (`binding`, `eviction`, `token`) and reads what it answers.
    pub async fn post_at<A: serde::de::DeserializeOwned>(
        &self,
        name: &str,
        subresource: &str,
        body: &(impl serde::Serialize + Sync),
    ) -> Result<A, Error> {
        let content = Content::Json { media_type: JSON, value: body };
        self.client.json(Method::POST, self.item(name, subresource), content, JSON).await
    }

    /// Watches, from the present state or after a revision.
    pub async fn watch(
        &self,
        selected: &ListParams,
        from: Option<Revision>,
    ) -> Result<Watching, Error> {
        let params = WatchParams {
            resource: self.resource.clone(),
            namespace: self.namespace.clone(),
            labels: selected.labels.clone(),
            fields: selected.fields.clone(),
            from,
            form: K::FORM,
        };
        self.client.watch(params).await
    }

    fn item(&self, name: &str, subresource: &str) -> String {
        let mut path = self.resource.path(self.namespace.as_deref());
        path.push('/');
        path.push_str(name);
        if !subresource.is_empty() {
            path.push('/');
            path.push_str(subresource);
        }
        path
    }

    async fn put(&self, object: &K, subresource: &str, params: &WriteParams) -> Result<K, Error> {
        let mut query = Query::new(self.item(object.name(), subresource));
        params.add_to(&mut query);
        self.write(Method::PUT, query, JSON, object).await
    }

    async fn write(
        &self,
        method: Method,
        query: Query,
        media_type: &'static str,
        value: &(impl serde::Serialize + Sync),
    ) -> Result<K, Error> {
        self.send(method, query.finish(), Content::Json { media_type, value }).await
    }

    async fn send(
        &self,
        method: Method,
        path: String,
        content: Content<'_, impl serde::Serialize + Sync>,
    ) -> Result<K, Error> {
        let accept = match K::FORM {
            Form::Whole => JSON,
            Form::Metadata => "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
        };
        self.client.json(method, path, content, accept).await
    }
}

fn null_is_empty<'de, D, T>(input: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::deserialize(input)?.unwrap_or_default())
}
