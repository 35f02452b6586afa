use super::*;

#[test]
fn decodes_pairs() {
    let query = Query::parse("a=1&b=x%20y+z&a=2&c&bad=%zz&=");
    assert_eq!(query.first("a"), Some("1"));
    assert_eq!(query.all("a").collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(query.first("b"), Some("x y z"));
    assert_eq!(query.first("c"), Some(""));
    assert_eq!(query.text("c"), None);
    assert_eq!(query.first("bad"), None);
}

#[test]
fn takes_every_word_but_two_for_true() {
    for (text, expected) in [
        ("watch", true),
        ("watch=1", true),
        ("watch=maybe", true),
        ("watch=false", false),
        ("watch=FALSE", false),
        ("watch=0", false),
        ("", false),
    ] {
        assert_eq!(Query::parse(text).flag("watch"), expected, "{text}");
    }
}

#[test]
fn words_errors_of_numbers() {
    let error = |text: &str| Query::parse(text).integer("n");
    assert_eq!(error("n=5"), Ok(Some(5)));
    assert_eq!(error(""), Ok(None));
    assert_eq!(
        error("n=soon"),
        Err("strconv.ParseInt: parsing \"soon\": invalid syntax".to_owned())
    );
    assert_eq!(
        error("n=99999999999999999999"),
        Err("strconv.ParseInt: parsing \"99999999999999999999\": value out of range".to_owned())
    );
}
