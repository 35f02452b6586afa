#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

#[tokio::test]
async fn bytes_arrive_and_each_direction_ends_by_itself() {
    let (mut left, mut right) = pair();
    left.write_all(b"question").await.unwrap();
    left.shutdown().await.unwrap();
    let mut text = String::new();
    right.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "question");
    right.write_all(b"answer").await.unwrap();
    drop(right);
    text.clear();
    left.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "answer");
    let error = left.write_all(b"more").await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}

#[tokio::test]
async fn a_writer_waits_for_a_full_window_and_a_gone_reader_wakes_it() {
    let (mut left, right) = pair();
    let flood = vec![7; WINDOW_BYTES + 1];
    let writer = tokio::spawn(async move { left.write_all(&flood).await });
    tokio::task::yield_now().await;
    assert!(!writer.is_finished());
    assert_eq!(right.incoming.0.lock().ring.length, WINDOW_BYTES);
    drop(right);
    assert_eq!(writer.await.unwrap().unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}

#[tokio::test]
async fn megabytes_arrive_unchanged() {
    let (mut left, mut right) = pair();
    let sent: Vec<u8> = (0..5_000_000_u32).map(|n| (n % 251) as u8).collect();
    let expected = sent.clone();
    let writer = tokio::spawn(async move {
        for part in sent.chunks(1013) {
            left.write_all(part).await.unwrap();
        }
    });
    let mut received = Vec::new();
    right.read_to_end(&mut received).await.unwrap();
    writer.await.unwrap();
    assert!(received == expected);
}

proptest! {
    #[test]
    fn a_ring_is_a_queue(steps in prop::collection::vec((any::<bool>(), 0_usize..40_000), 1..60)) {
        let mut ring = Ring::default();
        let mut model = std::collections::VecDeque::new();
        let mut next = 0_u8;
        for (is_write, count) in steps {
            if is_write {
                let bytes: Vec<u8> = (0..count).map(|_| { next = next.wrapping_add(1); next }).collect();
                let written = ring.write(&bytes);
                prop_assert!(written == count || ring.length == WINDOW_BYTES);
                model.extend(&bytes[..written]);
            } else {
                let mut space = vec![0; count];
                let mut into = ReadBuf::new(&mut space);
                ring.read(&mut into);
                let expected: Vec<u8> = model.drain(..count.min(model.len())).collect();
                prop_assert_eq!(into.filled(), &expected[..]);
            }
            prop_assert_eq!(ring.length, model.len());
        }
    }
}
