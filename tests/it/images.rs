//! Where images come from, and what is said of those that cannot run.

use crate::harness::{Cluster, pod, wat};

const WAITING: &str = "/status/containerStatuses/0/state/waiting";

#[tokio::test(flavor = "multi_thread")]
async fn images_that_cannot_run_say_why() {
    let cluster = Cluster::start().await;
    // Valid Wasm with nothing to run in it.
    cluster.push_bytes(&wat("(module)"), "empty:1");
    // A body that leaves a value on the stack it must not leave.
    cluster.push_bytes(
        b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a\x06\x01\x04\0\x41\0\x0b",
        "invalid:1",
    );
    cluster.apply(&pod("missing", "nobody:1", "", ""));
    cluster.apply(&pod("misnamed", "UPPER CASE", "", ""));
    cluster.apply(&pod("never", "nobody:2", ", imagePullPolicy: Never", ""));
    cluster.apply(&pod("empty", "empty:1", "", ", restartPolicy: Never"));
    cluster.apply(&pod("invalid", "invalid:1", "", ", restartPolicy: Never"));
    cluster.wait("pod/missing", &format!("{WAITING}/reason"), "ImagePullBackOff").await;
    cluster.wait("pod/misnamed", &format!("{WAITING}/reason"), "InvalidImageName").await;
    cluster.wait("pod/never", &format!("{WAITING}/reason"), "ErrImageNeverPull").await;
    for name in ["empty", "invalid"] {
        crate::harness::until(&format!("the end of {name} is explained"), async || {
            let described = cluster.skiff(&["describe", "pod", name]);
            let explained = described.contains("_start")
                || described.contains("validat")
                || described.contains("type mismatch");
            if explained { Ok(()) } else { Err(described) }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layout_folder_is_a_source() {
    let cluster = Cluster::start().await;
    let folder = cluster.layout(guests::ENVIRONMENT);
    cluster.apply(&pod("laid", &format!("oci:{}", folder.display()), "", ", restartPolicy: Never"));
    cluster.wait("pod/laid", "/status/phase", "Succeeded").await;
}
