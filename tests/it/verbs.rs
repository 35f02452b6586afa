//! Each verb of each kind: the same requests for all of them, with the answers that clients of Kubernetes know.
//!
//! The files below `verbs/` hold the requests, one file for each verb, and below each request its answers, for all kinds that answer
//! it alike:
//!
//! ```text
//! # what follows
//! PUT {one} with now {"metadata":{"labels":{"a":"b"}}}   a request, see `request.rs` for its words
//! @ *                                     the answer for all kinds but those below
//! = 200                                   code, media type unless it is JSON, reason
//!   /metadata/labels/a "b"                how the object differs from the base as it is created
//! ! …                                     a warning
//! @ pods nodes/status                     the answer for these kinds (or for their subresources)
//! = 422 Invalid
//!   …                                     message, details and causes
//! ~ …                                     what Kubernetes answers, where ours differs: it shows its own structs
//! ```
//!
//! `{resource}`, `{kind}`, `{name}` and so on stand for what differs between kinds. Each file begins and ends without the object.
//! The objects are the bases of the `fields` tests; kinds that have none there are in `verbs/bases.txt`.
//!
//! `SKIFF_RECORD=KUBECONFIG cargo suite every_verb` writes the answers of another server instead, one whose controllers do not run;
//! where ours are known to differ they stay, and those of the other server are written beside them. `SKIFF_RECORD=ours` takes what
//! ours answers for such differences: look at what changes.

mod golden;
mod kind;
mod request;
mod subject;
mod tell;

use std::fs;

use futures::{StreamExt as _, stream};

use crate::recorded::{Server, assert_none, files, stem};
use golden::Golden;
use kind::Kind;
use subject::Subject;

/// Kinds at once; some of their requests wait.
const PARALLEL: usize = 48;
/// What does not concern verbs: other objects that the requests would need, and nothing that writes the objects beside them.
const DISABLED: &str = "node,scheduler,node-lifecycle,certificatesigningrequest-signing,certificatesigningrequest-approving,\
    certificatesigningrequest-cleaner,namespace,resourcequota,ipaddress-repair,ipaddress-cleaner,job,daemonset,taint-eviction,\
    ttl-after-finished,pod-garbage-collector,disruption,serviceaccount,statefulset,priority-and-fairness-config-consumer,\
    persistentvolumeclaim-protection,persistentvolume-protection,volumeattributesclass-protection,service-cidr,replicaset,cronjob,\
    deployment,ttl,clusterrole-aggregation,root-ca-certificate-publisher,replicationcontroller,validatingadmissionpolicy-status,\
    endpoints,endpointslice,endpointslice-mirroring,garbage-collector";

#[tokio::test(flavor = "multi_thread")]
async fn every_verb_is_answered_as_clients_know_it() {
    let server = Server::without(DISABLED).await;
    let kinds = kind::all(&server.client).await;
    for kind in kinds.iter().filter(|kind| kind.is_namespaced) {
        server.make_namespace(&kind.namespace).await;
    }
    let files: Vec<_> = files("verbs")
        .into_iter()
        .filter(|path| stem(path) != kind::BASES)
        .map(|path| (Golden::parse(&fs::read_to_string(&path).unwrap()), path))
        .collect();
    let told: Vec<_> = stream::iter(&kinds)
        .map(|kind| {
            replay(&server, kind, files.iter().map(|(golden, path)| (stem(path), golden)).collect())
        })
        .buffer_unordered(PARALLEL)
        .collect()
        .await;
    let mut differences = Vec::new();
    for (index, (golden, path)) in files.iter().enumerate() {
        let told = told.iter().flat_map(|files| files[index].iter().cloned());
        if server.is_recorded() {
            fs::write(path, golden.recorded(told, server.is_ours())).unwrap();
        } else {
            differences.extend(golden.differences(&stem(path), told));
        }
    }
    assert_none(&differences);
}

/// What a kind was asked: the request's index, the kind or its subresource, the answer.
type Told = (usize, String, String);

/// Sends the requests of all files for one kind.
async fn replay(server: &Server, kind: &Kind, files: Vec<(String, &Golden)>) -> Vec<Vec<Told>> {
    let mut all = Vec::new();
    for (file, golden) in files {
        if !kind.is_asked(&file) {
            all.push(Vec::new());
            continue;
        }
        let mut subject = Subject::new(&server.client, kind).await;
        let mut told = Vec::new();
        for (index, request) in golden.requests().enumerate() {
            for subresource in request.subresources(kind) {
                let answer = subject.ask(request, subresource).await;
                let label = match subresource {
                    "" => kind.label.clone(),
                    subresource => format!("{}/{subresource}", kind.label),
                };
                told.push((index, label, answer));
            }
        }
        all.push(told);
    }
    Subject::new(&server.client, kind).await;
    all
}
