use k8s_openapi::api::core::v1::Pod;

use super::*;

fn pod(uid: &str) -> Arc<Pending> {
    let mut pod = Pod::default();
    pod.metadata.uid = Some(uid.to_owned());
    Arc::new(Pending::new(&pod))
}

fn taken(waiting: &mut Waiting, now: Instant) -> Vec<String> {
    std::iter::from_fn(|| waiting.take(now)).map(|pod| pod.uid.to_string()).collect()
}

#[test]
fn important_pods_go_first_and_then_the_earlier() {
    let mut waiting = Waiting::default();
    let now = Instant::now();
    waiting.add(pod("a"), 0);
    waiting.add(pod("b"), 0);
    waiting.add(pod("c"), 9);
    waiting.add(pod("gone"), 99);
    waiting.remove("gone");
    assert_eq!(taken(&mut waiting, now), ["c", "a", "b"]);
}

#[test]
fn refused_pods_come_back_after_a_change_and_a_back_off() {
    let mut waiting = Waiting::default();
    let now = Instant::now();
    let secs = Duration::from_secs;
    waiting.add(pod("a"), 0);
    assert_eq!(taken(&mut waiting, now), ["a"]);
    waiting.refused(&pod("a"), now + secs(300));
    assert!(taken(&mut waiting, now + secs(200)).is_empty());
    waiting.something_changed(now + secs(200));
    assert_eq!(taken(&mut waiting, now + secs(200)), ["a"]);
    waiting.refused(&pod("a"), now + secs(500));
    waiting.something_changed(now + secs(200));
    assert!(taken(&mut waiting, now + secs(201)).is_empty());
    assert_eq!(taken(&mut waiting, now + secs(202)), ["a"]);
    waiting.refused(&pod("a"), now + secs(502));
    assert_eq!(taken(&mut waiting, now + secs(502)), ["a"]);
}
