//! The shell of garbage collection: watches the metadata of every resource the server has, keeps
//! the graph, and does what it decides.
//!
//! Which resources there are is read from discovery, again whenever a custom type changes. The same
//! watches are the inventory that tells what a namespace contains.

mod discovery;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use api::{Cache, Client, ListParams, Object, PartialObject, Resource, Setup};
use controllers::garbage::{Graph, Verdict};
use controllers::{Content, Heed, Instances, Inventory};
use futures::future::BoxFuture;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use meta::{GroupResource, GroupVersionResource};
use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};

use crate::apply::{Applier, Outcome};
use crate::queue::{Backoff, Queue};

/// Custom types often come in crowds: wait for the rest before asking for all resources again.
const DISCOVERY_DELAY: Duration = Duration::from_millis(200);
/// A failed discovery is repeated after this time.
const DISCOVERY_RETRY: Duration = Duration::from_secs(5);
/// Objects that are looked at at once.
const WORKERS: usize = 4;

/// What a change of content calls: with the namespace, and what to heed of it.
type OnContent = Box<dyn Fn(&str, Heed) + Send + Sync>;

/// What is called when the objects of a resource are known, and when one of them is gone.
type OnResource = Box<dyn Fn(&GroupResource) + Send + Sync>;

/// Watches everything.
pub(crate) struct Collector {
    client: Client,
    applier: Applier,
    /// Whether it deletes, or only keeps the inventory.
    is_collecting: bool,
    watched: RwLock<BTreeMap<Resource, Watched>>,
    /// How often a definition of a custom type has changed: each time there may be other resources.
    changes: AtomicU64,
    /// Whether every resource has been read that there is since the last of those changes.
    is_complete: AtomicBool,
    graph: Mutex<Graph<Seen>>,
    queue: Mutex<Queue<String>>,
    wake: Notify,
    stale: Notify,
    on_content: RwLock<Vec<OnContent>>,
    on_resource: RwLock<Vec<OnResource>>,
}

/// An object of a cache, as the graph shares it.
struct Seen(Arc<PartialObject>);

impl AsRef<ObjectMeta> for Seen {
    fn as_ref(&self) -> &ObjectMeta {
        self.0.meta()
    }
}

struct Watched {
    cache: Cache<PartialObject>,
    task: AbortHandle,
}

impl std::fmt::Debug for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collector")
            .field("resources", &self.watched.read().len())
            .finish_non_exhaustive()
    }
}

impl Collector {
    pub(crate) fn new(client: Client, applier: Applier, is_collecting: bool) -> Arc<Self> {
        Arc::new(Self {
            client,
            applier,
            is_collecting,
            watched: RwLock::default(),
            changes: 0.into(),
            is_complete: false.into(),
            graph: Mutex::default(),
            queue: Mutex::new(Queue::new(Backoff::default())),
            wake: Notify::new(),
            stale: Notify::new(),
            on_content: RwLock::default(),
            on_resource: RwLock::default(),
        })
    }

    /// Calls `on_content` with the namespace whenever something in it appears, ends or goes.
    pub(crate) fn observe(&self, on_content: OnContent) {
        self.on_content.write().push(on_content);
    }

    /// Calls `on_resource` with a resource whenever all its objects are known, or one of them goes.
    pub(crate) fn observe_resources(&self, on_resource: OnResource) {
        self.on_resource.write().push(on_resource);
    }

    /// Runs until dropped.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut tasks = JoinSet::new();
        if self.is_collecting {
            for _ in 0..WORKERS {
                tasks.spawn(self.clone().work());
            }
        }
        loop {
            let seen = self.changes.load(Ordering::Acquire);
            let wait = match discovery::resources(&self.client).await {
                Ok(found) => {
                    self.watch(&found, &mut tasks);
                    self.settle(seen).await;
                    None
                }
                Err(error) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "no discovery");
                    Some(DISCOVERY_RETRY)
                }
            };
            if let Some(wait) = wait {
                tokio::time::sleep(wait).await;
            } else {
                self.stale.notified().await;
                tokio::time::sleep(DISCOVERY_DELAY).await;
            }
            while tasks.try_join_next().is_some() {}
        }
    }

    /// Begins to watch what is new and ends what is gone.
    fn watch(self: &Arc<Self>, found: &[Resource], tasks: &mut JoinSet<()>) {
        let mut watched = self.watched.write();
        let is_new = |resource: &&Resource| !watched.contains_key(*resource);
        let new: Vec<Resource> = found.iter().filter(is_new).cloned().collect();
        if !new.is_empty() {
            self.is_complete.store(false, Ordering::Release);
        }
        let gone: Vec<Resource> =
            watched.keys().filter(|known| !found.contains(known)).cloned().collect();
        for resource in gone {
            if let Some(ended) = watched.remove(&resource) {
                ended.task.abort();
                let mut graph = self.graph.lock();
                for object in ended.cache.list() {
                    graph.remove(object.uid());
                }
            }
        }
        for resource in new {
            let api = self.client.dynamic::<PartialObject>(resource.clone(), None);
            let setup =
                Setup { selected: ListParams::default(), index_labels: false, prune: Some(prune) };
            let (cache, driver) = Cache::new(api, setup);
            let (collector, of) = (self.clone(), Arc::new(gvr(&resource)));
            cache.observe(move |change| {
                collector.changed(&of, change.before.as_ref(), change.after.as_ref());
            });
            let task = tasks.spawn(driver.run());
            watched.insert(resource, Watched { cache, task });
        }
    }

    /// Waits until everything is read. What has changed since `seen` changes is read the next time.
    async fn settle(&self, seen: u64) {
        let caches: Vec<(Resource, Cache<PartialObject>)> = {
            let watched = self.watched.read();
            let all = watched.iter().map(|(known, watched)| (known.clone(), watched.cache.clone()));
            all.collect()
        };
        for (_, cache) in &caches {
            tokio::select! {
                () = cache.ready() => {}
                // One whose definition is gone is never ready.
                () = self.stale.notified() => {
                    self.stale.notify_one();
                    return;
                }
            }
        }
        if self.changes.load(Ordering::Acquire) == seen {
            self.is_complete.store(true, Ordering::Release);
        }
        for (resource, _) in &caches {
            self.tell_of(&gvr(resource));
        }
        // Those who asked too early ask again.
        let namespaces: Vec<String> = {
            let watched = self.watched.read();
            let is_namespaces =
                |resource: &&Resource| resource.group.is_empty() && resource.plural == "namespaces";
            let found = watched.iter().find(|(resource, _)| is_namespaces(resource));
            let objects = found.map(|(_, watched)| watched.cache.list()).unwrap_or_default();
            let going = |o: &&Arc<PartialObject>| o.meta().deletion_timestamp.is_some();
            objects.iter().filter(going).map(|object| object.name().to_owned()).collect()
        };
        for namespace in &namespaces {
            self.tell(namespace, Heed::Changes);
        }
    }

    fn changed(
        &self,
        resource: &Arc<GroupVersionResource>,
        before: Option<&Arc<PartialObject>>,
        after: Option<&Arc<PartialObject>>,
    ) {
        let look = {
            let mut graph = self.graph.lock();
            let mut look = Vec::new();
            if let Some(before) = before
                && after.is_none_or(|after| after.uid() != before.uid())
            {
                look.extend(graph.remove(before.uid()));
            }
            if let Some(after) = after {
                look.extend(graph.put(resource, Seen(after.clone())));
            }
            look
        };
        if !look.is_empty() && self.is_collecting {
            let mut queue = self.queue.lock();
            for uid in look {
                queue.add(uid);
            }
            drop(queue);
            self.wake.notify_one();
        }
        if after.is_none() {
            self.tell_of(resource);
        }
        if let Some(object) = after.or(before)
            && !object.namespace().is_empty()
        {
            let heed = if after.is_none() { Heed::Losses } else { Heed::Changes };
            self.tell(object.namespace(), heed);
        }
        if resource.resource == "customresourcedefinitions" {
            self.changes.fetch_add(1, Ordering::AcqRel);
            self.is_complete.store(false, Ordering::Release);
            self.stale.notify_one();
        }
    }

    fn tell(&self, namespace: &str, heed: Heed) {
        self.on_content.read().iter().for_each(|on_content| on_content(namespace, heed));
    }

    fn tell_of(&self, resource: &GroupVersionResource) {
        let GroupVersionResource { group, resource, .. } = resource.clone();
        let resource = GroupResource { group, resource };
        self.on_resource.read().iter().for_each(|on_resource| on_resource(&resource));
    }

    async fn work(self: Arc<Self>) {
        loop {
            let taken = self.queue.lock().take(Instant::now());
            let Some(uid) = taken else {
                self.idle().await;
                continue;
            };
            self.wake.notify_one();
            let good = self.look(&uid).await;
            let mut queue = self.queue.lock();
            if good {
                queue.done(&uid);
            } else {
                queue.failed(&uid, Instant::now());
            }
        }
    }

    async fn idle(&self) {
        let due = self.queue.lock().next_due();
        match due {
            None => self.wake.notified().await,
            Some(due) => tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep_until(due.into()) => {}
            },
        }
    }

    /// Whether all is done that can be done about an object now.
    async fn look(&self, uid: &str) -> bool {
        let verdict = self.graph.lock().decide(uid);
        match verdict {
            Verdict::Keep => true,
            Verdict::Ask(owners, namespace) => {
                for owner in owners {
                    match self.ask(&owner, &namespace).await {
                        Some(false) => self.graph.lock().note_missing(&owner.uid),
                        // It is there, and its watch will say so; or nobody knows: look later.
                        Some(true) | None => return false,
                    }
                }
                Box::pin(self.look(uid)).await
            }
            Verdict::Act(actions) => {
                matches!(self.applier.apply(actions, &mut Vec::new()).await, Outcome::Done)
            }
        }
    }

    /// Whether the server has an owner; none if it cannot be asked.
    async fn ask(&self, owner: &OwnerReference, namespace: &str) -> Option<bool> {
        let (group, version) =
            owner.api_version.split_once('/').unwrap_or(("", &owner.api_version));
        let resource = {
            let watched = self.watched.read();
            let same = |r: &&Resource| r.group == group && r.kind == owner.kind.as_str();
            watched.keys().find(same).cloned()
        };
        // A kind that is not watched is asked about only if the server has it at all.
        let mut resource = resource?;
        resource.version = version.to_owned().into();
        let api = self.client.dynamic::<PartialObject>(resource, Some(namespace));
        match api.get(&owner.name).await {
            Ok(found) => Some(found.uid() == owner.uid),
            Err(error) if error.is_not_found() => Some(false),
            Err(_) => None,
        }
    }
}

impl Inventory for Collector {
    fn contents(&self, namespace: &str) -> Option<Vec<Content>> {
        if !self.is_complete.load(Ordering::Acquire) {
            return None;
        }
        let watched = self.watched.read();
        let namespaced = watched.iter().filter(|(resource, _)| resource.namespaced);
        let contents = namespaced.map(|(resource, watched)| {
            let objects = watched.cache.in_namespace(namespace);
            let staying = objects.iter().filter(|o| o.meta().deletion_timestamp.is_none()).count();
            let mut finalizers: HashMap<&String, usize> = HashMap::new();
            let all = objects.iter().flat_map(|o| o.meta().finalizers.iter().flatten());
            all.for_each(|finalizer| *finalizers.entry(finalizer).or_default() += 1);
            let finalizers = finalizers.into_iter().map(|(name, count)| (name.clone(), count));
            Content {
                resource: gvr(resource),
                count: objects.len(),
                staying,
                finalizers: finalizers.collect(),
            }
        });
        Some(contents.collect())
    }

    fn instances(&self, resource: &GroupResource) -> Option<Instances> {
        let watched = self.watched.read();
        let is_meant =
            |known: &&Resource| known.group == resource.group && known.plural == resource.resource;
        let (resource, watched) = watched.iter().find(|(known, _)| is_meant(known))?;
        let objects = watched.cache.is_ready().then(|| watched.cache.list())?;
        let staying = objects.iter().filter(|object| object.meta().deletion_timestamp.is_none());
        Some(Instances {
            resource: gvr(resource),
            count: objects.len(),
            staying: staying.map(|object| object.namespace().to_owned()).collect(),
        })
    }
}

/// A task of the room that runs a collector.
pub(crate) fn task(collector: Arc<Collector>) -> BoxFuture<'static, ()> {
    Box::pin(collector.run())
}

/// The graph needs owners, finalizers and whether an object is being deleted; of who it is, what names it.
fn prune(object: &mut PartialObject) {
    let all = std::mem::take(object).metadata;
    object.metadata = ObjectMeta {
        name: all.name,
        namespace: all.namespace,
        uid: all.uid,
        resource_version: all.resource_version,
        owner_references: all.owner_references,
        finalizers: all.finalizers,
        deletion_timestamp: all.deletion_timestamp,
        ..ObjectMeta::default()
    };
}

fn gvr(resource: &Resource) -> GroupVersionResource {
    GroupVersionResource {
        group: resource.group.clone(),
        version: resource.version.clone(),
        resource: resource.plural.clone(),
    }
}
