//! What tests share that replay recorded requests: the server that is asked, one request and its answer, and answers as text
//! in which nothing stands that two servers cannot agree on.
//!
//! With `SKIFF_RECORD=KUBECONFIG` it is the server of that file that is asked, and what it answers is written down.
//! With `SKIFF_RECORD=ours` it is one of ours: for differences that shall stay.

mod exchange;
mod leaves;

use std::{
    fs,
    path::{Path, PathBuf},
};

use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::json;

use crate::harness::{Cluster, root, until};

pub(crate) use exchange::{Answer, Asked, exchange, send};
pub(crate) use leaves::{first_line, leaves, without_uids};

/// What `SKIFF_RECORD` says instead of another server.
const OURS: &str = "ours";
/// Differences that are shown.
const SHOWN_MAX: usize = 40;

/// The server that is asked: one of ours, or the one that is recorded.
pub(crate) struct Server {
    pub(crate) client: Client,
    is_recorded: bool,
    cluster: Option<Cluster>,
}

impl Server {
    /// One of ours lacks some components, so that nothing else writes the objects.
    pub(crate) async fn without(components: &str) -> Self {
        match std::env::var_os("SKIFF_RECORD") {
            Some(kubeconfig) if kubeconfig != OURS => {
                let config = Kubeconfig::read_from(kubeconfig).unwrap();
                let options = KubeConfigOptions::default();
                let mut config = Config::from_custom_kubeconfig(config, &options).await.unwrap();
                config.default_retry = false;
                Self { client: Client::try_from(config).unwrap(), is_recorded: true, cluster: None }
            }
            recording => {
                let cluster = Cluster::with(&["--disable", components]).await;
                let client = cluster.client_that_asks_once().await;
                Self { client, is_recorded: recording.is_some(), cluster: Some(cluster) }
            }
        }
    }

    /// Whether its answers are written down.
    pub(crate) fn is_recorded(&self) -> bool {
        self.is_recorded
    }

    /// Whether it is one of ours.
    pub(crate) fn is_ours(&self) -> bool {
        self.cluster.is_some()
    }

    /// Makes a namespace with the `ServiceAccount` of its Pods, which comes by itself where controllers run.
    pub(crate) async fn make_namespace(&self, name: &str) {
        let client = &self.client;
        let namespace = json!({"metadata": {"name": name}});
        send(client, "POST", "/api/v1/namespaces", Some(&namespace)).await;
        let accounts = format!("/api/v1/namespaces/{name}/serviceaccounts");
        let account = json!({"metadata": {"name": "default"}});
        until("the namespace can hold Pods", async || {
            let made = send(client, "POST", &accounts, Some(&account)).await;
            if [201, 409].contains(&made.code) { Ok(()) } else { Err(made.body) }
        })
        .await;
    }
}

/// The recorded files of a folder beside the tests.
pub(crate) fn files(folder: &str) -> Vec<PathBuf> {
    let folder = root().join("tests/it").join(folder);
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension() == Some("txt".as_ref())).collect();
    files.sort();
    assert!(!files.is_empty(), "there are requests");
    files
}

/// What a file is about.
pub(crate) fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

/// Fails the test with the first of the differences.
pub(crate) fn assert_none(differences: &[String]) {
    let shown = differences.iter().take(SHOWN_MAX).cloned().collect::<String>();
    assert!(differences.is_empty(), "{} answers differ:\n{shown}", differences.len());
}
