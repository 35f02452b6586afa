use super::*;

#[test]
fn puts_the_digits_into_the_gap() {
    let body = Body::new(br#"{"v":""}"#.to_vec(), 6);
    let complete = |revision| body.complete(Revision(revision));
    assert_eq!(complete(0), br#"{"v":"0"}"#.as_slice());
    assert_eq!(complete(10), br#"{"v":"10"}"#.as_slice());
    assert_eq!(complete(u64::MAX), br#"{"v":"18446744073709551615"}"#.as_slice());
}

#[test]
fn counts_digits() {
    for revision in [0, 1, 9, 10, 99, 100, 12_345, u64::MAX] {
        assert_eq!(digits_len(Revision(revision)), revision.to_string().len(), "{revision}");
    }
}

#[test]
#[should_panic(expected = "outside of the body")]
fn refuses_a_gap_outside() {
    let _ = Body::new(b"{}".to_vec(), 3);
}
