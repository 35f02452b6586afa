use std::any::Any;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use http::{Request, Response};
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference, Status};

use super::*;
use crate::{
    Body, Client, Error, Event, EventKind, Payload, Reread, Transport, WatchParams, Watching,
};

type Script = Vec<Result<Event, Error>>;

/// Plays one script for each watch and notes where each began.
#[derive(Debug, Default)]
struct Played {
    scripts: Mutex<VecDeque<Script>>,
    from: Mutex<Vec<Option<u64>>>,
}

impl Transport for Played {
    fn call(&self, _: Request<Bytes>) -> BoxFuture<'_, Result<Response<Body>, Error>> {
        async { Err(Error::Unsupported("call")) }.boxed()
    }

    fn watch(&self, params: WatchParams) -> BoxFuture<'_, Result<Watching, Error>> {
        self.from.lock().push(params.from.map(|r| r.0));
        let next = self.scripts.lock().pop_front();
        async move {
            Ok(match next {
                Some(script) => stream::iter(script).boxed(),
                None => stream::pending().boxed(),
            })
        }
        .boxed()
    }
}

fn map(name: &str, revision: u64) -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some("ns".to_owned()),
            uid: Some(format!("uid-{name}")),
            resource_version: Some(revision.to_string()),
            labels: Some([("app".to_owned(), name.to_owned())].into()),
            owner_references: Some(vec![OwnerReference {
                uid: "owner".to_owned(),
                ..OwnerReference::default()
            }]),
            ..ObjectMeta::default()
        },
        ..ConfigMap::default()
    }
}

#[expect(clippy::unnecessary_wraps, reason = "scripts are lists of results")]
fn event(kind: EventKind, name: &str, revision: u64) -> Result<Event, Error> {
    let object = Payload::Typed(Arc::new(map(name, revision)), None);
    Ok(Event { kind, object, revision: Revision(revision) })
}

fn names(cache: &Cache<ConfigMap>) -> Vec<String> {
    cache.list().iter().map(|m| m.name().to_owned()).collect()
}

async fn play(scripts: Vec<Script>) -> (Cache<ConfigMap>, Arc<Played>, Vec<String>) {
    let last = Revision(99);
    let played = Arc::new(Played { scripts: Mutex::new(scripts.into()), from: Mutex::default() });
    let client = Client::new(played.clone());
    let setup = Setup { index_labels: true, ..Setup::default() };
    let (cache, driver) = Cache::new(client.api::<ConfigMap>(None), setup);
    let log = Arc::new(Mutex::new(Vec::new()));
    let sink = log.clone();
    cache.observe(move |change| {
        let sign = match (&change.before, &change.after) {
            (None, Some(_)) => '+',
            (Some(_), Some(_)) => '~',
            _ => '-',
        };
        sink.lock().push(format!("{sign}{}", change.key));
    });
    let (done, reached) = tokio::sync::oneshot::channel();
    let done = Mutex::new(Some(done));
    cache.observe_revision(move |revision| {
        if revision >= last
            && let Some(done) = done.lock().take()
        {
            done.send(()).expect("the test waits");
        }
    });
    tokio::select! {
        () = driver.run() => {}
        _ = reached => {}
    }
    let log = log.lock().clone();
    (cache, played, log)
}

#[tokio::test(start_paused = true)]
async fn it_resumes_and_starts_over_when_history_is_gone() {
    let gone = Status { reason: Some("Expired".to_owned()), code: Some(410), ..Status::default() };
    let (cache, played, log) = play(vec![
        vec![
            event(EventKind::Added, "a", 3),
            event(EventKind::Added, "b", 4),
            event(EventKind::Synced, "", 5),
            event(EventKind::Modified, "a", 6),
        ],
        vec![event(EventKind::Bookmark, "", 8), Err(Error::from_status(gone))],
        vec![
            event(EventKind::Added, "a", 6),
            event(EventKind::Added, "c", 20),
            event(EventKind::Synced, "", 99),
        ],
    ])
    .await;
    assert_eq!(*played.from.lock(), [None, Some(6), None]);
    assert_eq!(names(&cache), ["a", "c"]);
    // "a" did not change across the second reading, so nobody hears of it again.
    assert_eq!(log, ["+ns/a", "+ns/b", "~ns/a", "+ns/c", "-ns/b"]);
    assert_eq!(cache.revision(), Revision(99));
}

#[tokio::test(start_paused = true)]
async fn indexes_follow_changes() {
    let (cache, ..) = play(vec![vec![
        event(EventKind::Synced, "", 1),
        event(EventKind::Added, "a", 2),
        event(EventKind::Added, "b", 3),
        event(EventKind::Deleted, "a", 4),
        event(EventKind::Bookmark, "", 99),
    ]])
    .await;
    assert_eq!(cache.owned_by("owner").len(), 1);
    assert!(cache.labelled("ns", "app", "a").is_empty());
    assert_eq!(cache.labelled("ns", "app", "b").len(), 1);
    assert_eq!(cache.in_namespace("ns").len(), 1);
    assert!(cache.in_namespace("other").is_empty());
}

#[tokio::test]
async fn a_slow_subscriber_gets_the_latest_of_each_object() {
    let cache: Cache<ConfigMap> = Cache::detached(false);
    let mut changes = cache.subscribe();
    cache.put(Arc::new(map("a", 1)), None, None);
    cache.put(Arc::new(map("a", 2)), None, None);
    cache.put(Arc::new(map("b", 3)), None, None);
    cache.remove("ns", "b", None);
    let first = changes.next().await;
    assert!(first.before.is_none());
    assert_eq!(first.after.map(|m| m.revision()), Some(Revision(2)));
    let second = changes.next().await;
    assert!(second.before.is_none() && second.after.is_none());
    assert!(changes.try_next().is_none());
}

/// Gives a map again, and counts how often.
#[derive(Debug)]
struct Counted(ConfigMap, Arc<AtomicUsize>);

impl Reread for Counted {
    fn read(&self) -> Option<Arc<dyn Any + Send + Sync>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Some(Arc::new(self.0.clone()))
    }
}

#[test]
fn many_that_are_typed_are_not_waited_for() {
    let cache: Cache<ConfigMap> = Cache::detached(false);
    let reads = Arc::new(AtomicUsize::new(0));
    let mut typed = Vec::new();
    let mut most = 0;
    for number in 0..20_000 {
        let map = Arc::new(map(&format!("map-{number:05}"), 1));
        let again = Arc::new(Counted(ConfigMap::clone(&map), reads.clone()));
        typed.push(Arc::downgrade(&map));
        cache.put(map, Some(again), None);
        if cache.is_hot() {
            cache.cool();
            typed.retain(|map| map.strong_count() > 0);
            most = most.max(typed.len());
        }
    }
    assert!((4_000..8_000).contains(&most), "{most}");
}

#[tokio::test]
async fn lets_go_of_what_nobody_asks_for() {
    let cache: Cache<ConfigMap> = Cache::detached(true);
    let reads = Arc::new(AtomicUsize::new(0));
    let many = 1_200;
    for number in 0..many {
        let map = map(&format!("map-{number:04}"), 1);
        let again = Arc::new(Counted(map.clone(), reads.clone()));
        cache.put(Arc::new(map), Some(again), None);
    }
    cache.put(Arc::new(map("not-stored", 1)), None, None);
    let first = Arc::downgrade(&cache.get("ns", "map-0000").expect("it is there"));
    let second = Arc::downgrade(&cache.get("ns", "map-0001").expect("it is there"));

    cache.cool();
    assert!(cache.is_warm(), "all are new");
    assert!(cache.get("ns", "map-0001").is_some());
    cache.cool();
    assert!(!cache.is_warm(), "so many are kept, and no more");
    assert!(first.upgrade().is_none(), "nobody asked for it");
    assert!(second.upgrade().is_some(), "somebody asked for it");

    assert_eq!(cache.get("ns", "map-0000").as_deref(), Some(&map("map-0000", 1)));
    assert!(cache.get("ns", "map-0000").is_some());
    assert_eq!(reads.load(Ordering::Relaxed), 1, "once read it is there");
    assert!(cache.get("ns", "not-stored").is_some());
    assert_eq!(cache.list().len(), many + 1);
    assert_eq!(cache.labelled("ns", "app", "map-0002").len(), 1);

    cache.cool();
    cache.cool();
    let mut changes = cache.subscribe();
    while changes.try_next().is_some() {}
    cache.cool();
    cache.cool();
    cache.put(Arc::new(map("map-0000", 2)), None, None);
    let changed = changes.next().await;
    assert_eq!(changed.before.map(|map| map.revision()), Some(Revision(1)));
    cache.remove("ns", "map-0003", None);
    assert_eq!(changes.next().await.before.as_deref(), Some(&map("map-0003", 1)));
    assert!(cache.labelled("ns", "app", "map-0003").is_empty());
    assert_eq!(cache.len(), many);
}
