use super::*;

#[test]
fn finds_the_topics_of_a_key() {
    let of = |key| depths(key).collect::<Vec<_>>();
    assert_eq!(of("pods/default/web"), ["", "pods/", "pods/default/"]);
    assert_eq!(of("nodes//n1"), ["", "nodes/", "nodes//"]);
}

#[test]
fn finds_the_topic_of_a_prefix() {
    assert_eq!(topic_of(""), "");
    assert_eq!(topic_of("po"), "");
    assert_eq!(topic_of("pods/"), "pods/");
    assert_eq!(topic_of("pods/def"), "pods/");
    assert_eq!(topic_of("pods/default/"), "pods/default/");
    assert_eq!(topic_of("pods/default/web"), "pods/default/");
}
