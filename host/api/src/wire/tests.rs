use http_body_util::BodyExt;

use super::*;

fn body(parts: &[&'static str]) -> Body {
    let frames: Vec<Result<_, Error>> = parts
        .iter()
        .map(|p| Ok(http_body::Frame::data(Bytes::from_static(p.as_bytes()))))
        .collect();
    http_body_util::StreamBody::new(stream::iter(frames)).boxed_unsync()
}

async fn read(parts: &[&'static str]) -> Vec<Result<Event, Error>> {
    let answer = Response::new(body(parts));
    events("/api/v1/pods", answer).await.expect("a good answer").collect().await
}

#[tokio::test]
async fn events_are_cut_at_line_ends_wherever_frames_end() {
    let seen = read(&[
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"resourceVer",
        "sion\":\"7\"}}}\n{ \"object\": {\"metadata\":{\"resourceVersion\":\"8\"}},",
        "\"type\":\"MODIFIED\"}\n\n",
        "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"9\",",
        "\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}\n{\"type\":\"cut",
    ])
    .await;
    let short: Vec<_> =
        seen.iter().map(|e| e.as_ref().map(|e| (e.kind, e.revision.0)).expect("events")).collect();
    assert_eq!(short, [(EventKind::Added, 7), (EventKind::Modified, 8), (EventKind::Synced, 9)]);
}

#[tokio::test]
async fn an_error_frame_is_a_typed_error() {
    let seen = read(&[
        "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"code\":410,",
        "\"reason\":\"Expired\",\"message\":\"too old\"}}\n",
    ])
    .await;
    assert!(matches!(&seen[..], [Err(Error::Expired(_))]), "{seen:?}");
}

#[test]
fn query_values_are_escaped() {
    let mut query = Query::new("/api/v1/pods".to_owned());
    query.text("labelSelector", "app=web,tier in (a)");
    query.text("limit", "");
    query.text("x", "é");
    assert_eq!(
        query.finish(),
        "/api/v1/pods?labelSelector=app%3Dweb%2Ctier%20in%20%28a%29&x=%C3%A9"
    );
}
