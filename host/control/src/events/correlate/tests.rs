use k8s_openapi::api::core::v1::ObjectReference;

use super::*;

fn event(object: &str, message: &str) -> Event {
    Event {
        involved_object: ObjectReference { name: Some(object.to_owned()), ..Default::default() },
        reason: Some("Why".to_owned()),
        message: Some(message.to_owned()),
        count: Some(1),
        ..Event::default()
    }
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_second(secs).expect("in range")
}

#[test]
fn a_repetition_raises_the_count() {
    let mut correlator = Correlator::default();
    assert!(matches!(correlator.observe(event("a", "x"), at(0)), Some(Write::Create(_))));
    assert!(matches!(correlator.observe(event("b", "x"), at(0)), Some(Write::Create(_))));
    let Some(Write::Patch { event: again, .. }) = correlator.observe(event("a", "x"), at(1)) else {
        panic!("the second is a patch");
    };
    assert_eq!(again.count, Some(2));
}

#[test]
fn many_messages_are_combined() {
    let mut correlator = Correlator::default();
    let messages: Vec<String> = (0..12)
        .filter_map(|n| correlator.observe(event("a", &n.to_string()), at(n)))
        .map(|write| match write {
            Write::Create(event) | Write::Patch { event, .. } => event.message.unwrap_or_default(),
        })
        .collect();
    assert_eq!(messages[8], "8");
    assert_eq!(messages[9], "(combined from similar events): 9");
    assert_eq!(messages[11], "(combined from similar events): 11");
}

#[test]
fn a_flood_is_dropped_and_one_comes_through_after_five_minutes() {
    let mut correlator = Correlator::default();
    let written = (0..100).filter(|_| correlator.observe(event("a", "x"), at(0)).is_some()).count();
    assert_eq!(written, 25);
    assert!(correlator.observe(event("b", "x"), at(0)).is_some());
    assert!(correlator.observe(event("a", "x"), at(299)).is_none());
    assert!(correlator.observe(event("a", "x"), at(301)).is_some());
    assert!(correlator.observe(event("a", "x"), at(302)).is_none());
}
