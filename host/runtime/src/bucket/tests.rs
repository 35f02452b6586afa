use super::*;

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

#[test]
fn a_period_brings_its_budget_once() {
    let start = Instant::now();
    let mut bucket = Bucket::new(10, start);
    bucket.spend(9, start);
    assert_eq!(bucket.blocked_until(start), None);
    bucket.spend(1, start);
    assert_eq!(bucket.blocked_until(start), Some(start + millis(100)));
    assert_eq!(bucket.blocked_until(start + millis(100)), None);
}

#[test]
fn a_debt_is_waited_off_in_whole_periods() {
    let start = Instant::now();
    let mut bucket = Bucket::new(10, start);
    bucket.spend(35, start);
    assert_eq!(bucket.blocked_until(start), Some(start + millis(300)));
    assert_eq!(bucket.blocked_until(start + millis(250)), Some(start + millis(300)));
    assert_eq!(bucket.blocked_until(start + millis(300)), None);
}

#[test]
fn idle_periods_are_not_saved_up() {
    let start = Instant::now();
    let mut bucket = Bucket::new(10, start);
    let later = start + millis(1000);
    bucket.spend(11, later);
    assert_eq!(bucket.blocked_until(later), Some(later + millis(100)));
}

#[test]
fn over_a_second_the_rate_holds_whatever_the_slices() {
    for slice in [1, 3, 7, 20] {
        let start = Instant::now();
        let mut bucket = Bucket::new(25, start);
        let (mut now, mut used) = (start, 0);
        while now < start + millis(1000) {
            if let Some(until) = bucket.blocked_until(now) {
                now = until;
                continue;
            }
            bucket.spend(slice, now);
            used += slice;
            now += millis(slice);
        }
        assert!((230..=275).contains(&used), "slices of {slice}: {used} of 250");
    }
}
