#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use super::*;
use crate::artifact::Artifact;

fn artifact(text: &str) -> Artifact {
    Artifact::new(wat::parse_str(text).unwrap(), None).unwrap()
}

fn open(limits: Limits) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), limits).unwrap();
    (folder, store)
}

#[tokio::test]
async fn a_blob_appears_only_with_the_digest_it_was_announced_with() {
    let (folder, store) = open(Limits::default());
    let mut writer = store.writer().await.unwrap();
    writer.write(b"abc").await.unwrap();
    let wrong = writer.commit(Some(Digest::of(b"abd"))).await;
    assert!(matches!(wrong, Err(StoreError::DigestMismatch { .. })));
    assert!(store.blob_size(&Digest::of(b"abc")).await.is_err());
    assert_eq!(std::fs::read_dir(folder.path().join("uploads")).unwrap().count(), 0);
    assert_eq!(store.put_bytes(b"abc").await.unwrap(), Digest::of(b"abc"));
    assert_eq!(store.used_bytes(), 3);
    let again = Store::open(folder.path(), Limits::default()).unwrap();
    assert_eq!(again.used_bytes(), 3);
}

#[tokio::test]
async fn sizes_are_bounded() {
    let (_folder, store) =
        open(Limits { blob_bytes: 4, store_bytes: 6, manifest_bytes: 2, ..Limits::default() });
    let mut writer = store.writer().await.unwrap();
    assert!(matches!(writer.write(b"12345").await, Err(StoreError::TooLarge { limit: 4 })));
    let digest = store.put_bytes(b"1234").await.unwrap();
    assert!(matches!(store.put_bytes(b"567").await, Err(StoreError::Full { limit: 6 })));
    assert!(matches!(store.read_small(&digest).await, Err(StoreError::TooLarge { limit: 2 })));
}

#[tokio::test]
async fn what_no_name_leads_to_is_collected_when_it_is_old() {
    let (_folder, store) = open(Limits::default());
    let first = artifact("(module)");
    let second = artifact("(module (func))");
    store.push(&first, "web", "v1").await.unwrap();
    store.push(&second, "web", "v2").await.unwrap();
    let loose = store.put_bytes(b"loose").await.unwrap();
    let now = SystemTime::now();
    let hour = Duration::from_hours(1);
    let collect = |now| store.collect(BTreeSet::new(), now, hour);
    assert_eq!(collect(now).await.unwrap(), Collected::default());
    let later = now + 2 * hour;
    assert_eq!(collect(later).await.unwrap(), Collected { blobs: 1, bytes: 5 });
    assert!(store.blob_size(&loose).await.is_err());

    let names = store.embedded("web");
    assert!(store.program(second.digest).await.is_ok());
    assert!(names.delete_manifest(&second.digest).await.unwrap());
    assert_eq!(names.tags().await.unwrap(), ["v1"]);
    let in_use = BTreeSet::from([second.digest]);
    assert_eq!(store.collect(in_use, later, hour).await.unwrap().blobs, 0);
    assert_eq!(collect(later).await.unwrap().blobs, 3);
    assert!(store.program(second.digest).await.is_err());
    assert!(store.program(first.digest).await.is_ok());
}

#[tokio::test]
async fn a_manifest_needs_its_blobs() {
    let (_folder, store) = open(Limits::default());
    let artifact = artifact("(module)");
    let names = store.embedded("web");
    let half = names.put_manifest(&artifact.manifest, None, Some("v1"), true).await;
    assert!(matches!(half, Err(StoreError::ManifestBlobUnknown(_))));
    assert_eq!(names.tag("v1").await.unwrap(), None);
    store.push(&artifact, "web", "v1").await.unwrap();
    assert_eq!(names.tag("v1").await.unwrap(), Some(artifact.digest));
    let program = store.program(artifact.digest).await.unwrap();
    assert_eq!(std::fs::read(&program.path).unwrap(), artifact.wasm);
}
