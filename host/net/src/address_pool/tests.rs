#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

fn range(text: &str) -> Ipv4Net {
    text.parse().unwrap()
}

#[test]
fn an_address_rests_before_it_is_used_again() {
    let start = Instant::now();
    let mut pool = Pool::new(range("100.64.0.0/29"));
    let all: Vec<_> = std::iter::from_fn(|| pool.take(start).ok()).collect();
    assert_eq!(all.len(), 5);
    assert_eq!(all[0], Ipv4Addr::new(100, 64, 0, 2));
    pool.give_back(all[3], start);
    pool.give_back(all[1], start + Duration::from_secs(1));
    assert_eq!(pool.take(start + Duration::from_secs(59)), Err(Exhausted));
    assert_eq!(pool.take(start + REST), Ok(all[3]));
    assert_eq!(pool.take(start + REST), Err(Exhausted));
}

#[test]
fn an_adopted_address_is_not_given_out() {
    let now = Instant::now();
    let mut pool = Pool::new(range("100.64.0.0/29"));
    let kept = Ipv4Addr::new(100, 64, 0, 2);
    assert!(pool.adopt(kept));
    assert!(!pool.adopt(kept));
    assert!(!pool.adopt(Ipv4Addr::new(100, 64, 1, 2)));
    assert_eq!(pool.take(now), Ok(Ipv4Addr::new(100, 64, 0, 3)));
}

proptest! {
    #[test]
    fn no_address_is_ever_used_twice_at_once(steps in prop::collection::vec((0_u8..3, 0_usize..8, 0_u64..90), 1..200)) {
        let mut now = Instant::now();
        let mut pool = Pool::new(range("100.64.0.0/28"));
        let mut held: Vec<Ipv4Addr> = Vec::new();
        for (step, which, wait) in steps {
            now += Duration::from_secs(wait);
            match step {
                0 => if let Ok(address) = pool.take(now) {
                    prop_assert!(!held.contains(&address));
                    held.push(address);
                },
                1 if !held.is_empty() => {
                    let address = held.remove(which % held.len());
                    pool.give_back(address, now);
                }
                _ => {
                    let address = Ipv4Addr::new(100, 64, 0, 2 + u8::try_from(which).unwrap());
                    if pool.adopt(address) {
                        prop_assert!(!held.contains(&address));
                        held.push(address);
                    }
                }
            }
            prop_assert_eq!(pool.used(), held.len());
        }
    }
}
