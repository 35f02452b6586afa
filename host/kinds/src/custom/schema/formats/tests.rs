use super::*;

/// A format, texts that have it, and texts that have not.
const CASES: &[(&str, &[&str], &[&str])] = &[
    (
        "bsonobjectid",
        &["507f1f77bcf86cd799439011"],
        &["507f1f77bcf86cd79943901", "z07f1f77bcf86cd799439011"],
    ),
    (
        "uri",
        &["https://a.b/c?d=e", "/a/b", "mailto:a@b", "*", "http://[::1]:80/", "http://u:p@h/%20"],
        &["", "a/b", "://x", "http://a b/", "http://a:b/", "/%2", "/a\u{7f}"],
    ),
    (
        "email",
        &["a@b", "a.b+c@d.e", "A B <a@b.c>", "\"a b\"@c", "\"A, B\" <a@[1.2.3.4]>"],
        &["", "a", "a@", "@b", "a@b@c", "a..b@c", "<a@b> c", "a b@c"],
    ),
    (
        "hostname",
        &["a", "a-", "a-b", "a-b-c.de", "a--b.de", "1.example.com", "münchen.de", "😀.com"],
        &["", "-a", "ab-c", "a_b", "a-.de", "example.c", "example.123", "a..com", "a.com."],
    ),
    (
        "ipv4",
        &["1.2.3.4", "01.002.3.4", "::ffff:1.2.3.4"],
        &["", "1.2.3", "1.2.3.256", "1.2.3.4.5", "::1"],
    ),
    ("ipv6", &["::1", "fe80::1", "::ffff:1.2.3.4"], &["", "1.2.3.4", "fe80::1%eth0", ":::"]),
    (
        "cidr",
        &["10.0.0.0/8", "010.0.0.0/08", "fd00::/64"],
        &["10.0.0.0", "10.0.0.0/33", "fd00::/129", "a/1"],
    ),
    (
        "mac",
        &["00:11:22:33:44:55", "00-11-22-33-44-55", "0011.2233.4455", "02:00:5e:10:00:00:00:01"],
        &["", "00:11:22:33:44", "00:11:22:33:44:5g", "001122334455"],
    ),
    (
        "uuid",
        &["0f0e0d0c-0b0a-0908-0706-050403020100", "0F0E0D0C0B0A09080706050403020100"],
        &["", "0f0e0d0c-0b0a-0908-0706-05040302010", "g f"],
    ),
    ("uuid3", &["0f0e0d0c-0b0a-3908-0706-050403020100"], &["0f0e0d0c-0b0a-4908-0706-050403020100"]),
    ("uuid4", &["0f0e0d0c-0b0a-4908-a706-050403020100"], &["0f0e0d0c-0b0a-4908-0706-050403020100"]),
    ("uuid5", &["0f0e0d0c-0b0a-5908-B706-050403020100"], &["0f0e0d0c-0b0a-5908-c706-050403020100"]),
    ("isbn10", &["0321751043", "0-8044-2957-X"], &["0321751044", "032175104", "X321751043"]),
    ("isbn13", &["978-0321751041"], &["978-0321751042", "0321751043"]),
    ("isbn", &["0321751043", "978-0321751041"], &["1"]),
    (
        "creditcard",
        &["4111-1111-1111-1111", "378282246310005", "30569309025904"],
        &["4111-1111-1111-1112", "1234", ""],
    ),
    ("ssn", &["111-11-1111", "111 11 1111"], &["111111111", "111-11-11111", "a11-11-1111"]),
    ("hexcolor", &["#FFFFFF", "abc"], &["#FFFF", "#GGG"]),
    ("rgbcolor", &["rgb(0, 1,255)"], &["rgb(0,1,256)", "rgb(0,1)", "rgb(01,1,1)"]),
    ("byte", &["YQ==", "YWI=", "YWJj"], &["", "YQ", "Y===", "YQ=a", "-_=="]),
    ("password", &["", "x"], &[]),
    ("date", &["2024-02-29"], &["2023-02-29", "2024-2-1", "20240201", "2024-02-29T"]),
    ("duration", &["1h30m", "3 days", "1 week 2 hr", "22 ns", "-1s"], &["", "x", "1", "3 parsecs"]),
    (
        "date-time",
        &[
            "2014-12-15T19:30:20.000Z",
            "2014-12-15t19:30:20z",
            "2014-12-15T19:30:20+02:00",
            "2014-12-15T19:30:20,5Z",
        ],
        &[
            "2014-12-15",
            "2014-12-15T19:30:20",
            "2014-12-15T24:30:20Z",
            "2014-12-15T19:30:60Z",
            "2014-13-15T19:30:20Z",
        ],
    ),
    ("k8s-short-name", &["a", "a-1"], &["", "-a", "A", "a.b"]),
    ("k8s-long-name", &["a.b-c"], &["", "a..b", "A.b", "a.-b"]),
];

#[test]
fn texts_have_their_formats() {
    for (name, good, bad) in CASES {
        let Some(Format::Text(check)) = find(name, Some(Type::String)) else {
            panic!("{name} is a format of texts");
        };
        for text in *good {
            assert!(check(text), "{text:?} is a {name}");
        }
        for text in *bad {
            assert!(!check(text), "{text:?} is no {name}");
        }
    }
    let tested =
        TEXTS.iter().all(|(name, _)| CASES.iter().any(|case| case.0.replace('-', "") == *name));
    assert!(tested, "every format has its cases");
}

#[test]
fn formats_belong_to_types() {
    assert!(find("postcode", Some(Type::String)).is_none());
    assert!(find("int32", Some(Type::String)).is_none());
    assert!(matches!(find("int32", Some(Type::Integer)), Some(Format::Int32)));
    assert!(matches!(find("double", Some(Type::Number)), Some(Format::Double)));
    assert!(find("date", Some(Type::Object)).is_none());
    assert!(find("date", None).is_some());
}

#[test]
fn durations_and_times_have_values() {
    let nanos = |text: &str| parse_duration(text).map(|duration| duration.as_nanos());
    assert_eq!(nanos("1m30s"), Some(90_000_000_000));
    assert_eq!(nanos("1 minute 30 seconds"), Some(90_000_000_000));
    assert_eq!(nanos("2 wk"), Some(14 * 24 * 3_600 * 1_000_000_000));
    let seconds = |text: &str| parse_date_time(text).map(jiff::Timestamp::as_second);
    assert_eq!(seconds("1970-01-01T00:01:00Z"), Some(60));
    assert_eq!(seconds("1970-01-01T01:00:00+01:00"), Some(0));
    assert_eq!(seconds("1970-01-01T00:00:01"), Some(1));
    assert_eq!(seconds("x"), None);
}
