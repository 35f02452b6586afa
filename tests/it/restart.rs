//! A server that is asked to end does so.

use crate::harness::Cluster;

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_cleanly() {
    let mut cluster = Cluster::start().await;
    assert_eq!(cluster.stop().await, Some(0), "{}", cluster.log());
}
