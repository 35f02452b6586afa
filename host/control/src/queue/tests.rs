use super::*;

fn queue() -> (Queue<&'static str>, Instant) {
    let backoff = Backoff { first: Duration::from_secs(1), most: Duration::from_secs(5) };
    (Queue::new(backoff), Instant::now())
}

#[test]
fn a_key_is_queued_once_and_never_worked_on_twice_at_a_time() {
    let (mut queue, now) = queue();
    queue.add("a");
    queue.add("a");
    queue.add("b");
    assert_eq!(queue.take(now), Some("a"));
    queue.add("a");
    assert_eq!(queue.take(now), Some("b"));
    assert_eq!(queue.take(now), None);
    queue.done(&"a");
    assert_eq!(queue.take(now), Some("a"));
    queue.done(&"a");
    assert_eq!(queue.take(now), None);
}

#[test]
fn delays_keep_the_earliest() {
    let (mut queue, now) = queue();
    queue.add_at("a", now + Duration::from_secs(9));
    queue.add_at("a", now + Duration::from_secs(3));
    queue.add_at("a", now + Duration::from_secs(7));
    assert_eq!(queue.next_due(), Some(now + Duration::from_secs(3)));
    assert_eq!(queue.take(now), None);
    assert_eq!(queue.take(now + Duration::from_secs(3)), Some("a"));
    queue.done(&"a");
    assert_eq!(queue.len(), 0);
}

#[test]
fn failures_wait_longer_up_to_a_bound_and_success_forgets() {
    let (mut queue, mut now) = queue();
    queue.add("a");
    let mut waits = Vec::new();
    for _ in 0..5 {
        assert_eq!(queue.take(now), Some("a"));
        let wait = queue.failed(&"a", now);
        assert_eq!(queue.take(now), None);
        waits.push(wait.as_secs());
        now += wait;
    }
    assert_eq!(waits, [1, 2, 4, 5, 5]);
    assert_eq!(queue.take(now), Some("a"));
    queue.done(&"a");
    queue.add("a");
    assert_eq!(queue.take(now), Some("a"));
    assert_eq!(queue.failed(&"a", now).as_secs(), 1);
}
