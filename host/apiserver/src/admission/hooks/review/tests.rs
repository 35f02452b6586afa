use super::*;

fn verdict(version: &'static str, body: &str, mutating: bool) -> String {
    let review = Review { version, uid: "u".to_owned(), body: String::new() };
    match review.verdict(body.as_bytes(), mutating) {
        Ok(verdict) => format!("{} {:?}", verdict.allowed, verdict.patch.map(|patch| patch.len())),
        Err(text) => text,
    }
}

#[test]
fn answers_keep_to_the_protocol() {
    let v1 = |response: &str| {
        let body = format!(
            r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{response}}}"#
        );
        verdict("v1", &body, true)
    };
    assert_eq!(v1(r#"{"uid":"u","allowed":true}"#), "true None");
    assert_eq!(
        v1(r#"{"uid":"u","allowed":true,"patch":"W10=","patchType":"JSONPatch"}"#),
        "true Some(2)"
    );
    let cases = [
        ("null", "webhook response was absent"),
        (
            r#"{"uid":"x"}"#,
            r#"received invalid webhook response: expected response.uid="u", got "x""#,
        ),
        (
            r#"{"uid":"u","patch":"W10="}"#,
            "received invalid webhook response: webhook returned response.patch but not response.patchType",
        ),
        (
            r#"{"uid":"u","patchType":"JSONPatch"}"#,
            "received invalid webhook response: webhook returned response.patchType but not response.patch",
        ),
        (
            r#"{"uid":"u","patch":"W10=","patchType":"X"}"#,
            r#"received invalid webhook response: webhook returned invalid response.patchType of "X""#,
        ),
    ];
    for (response, expected) in cases {
        assert_eq!(v1(response), expected, "{response}");
    }
    assert_eq!(
        verdict("v1beta1", r#"{"response":{"allowed":true,"patch":"W10="}}"#, true),
        "true Some(2)"
    );
    assert_eq!(
        verdict("v1beta1", r#"{"response":{"allowed":true,"patch":"W10="}}"#, false),
        "true None"
    );
}

#[test]
fn denials_say_who_and_why() {
    let check = |status: Option<Status>, code: u16, message: &str| {
        let error = denial("a.b.c", status);
        assert_eq!((error.code(), error.message()), (code, message));
    };
    check(None, 400, "admission webhook \"a.b.c\" denied the request without explanation");
    let status = Status { message: Some("no".to_owned()), code: Some(403), ..Status::default() };
    check(Some(status), 403, "admission webhook \"a.b.c\" denied the request: no");
    let status =
        Status { reason: Some("Forbidden".to_owned()), code: Some(200), ..Status::default() };
    check(Some(status), 400, "admission webhook \"a.b.c\" denied the request: Forbidden");
}
