use std::io::IoSlice;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

use super::*;

const LONG_BYTES: usize = GATHERED_BYTES + 1;
const FRAME_BYTES: usize = GATHERED_BYTES / 4;

/// Counts what a connection is asked to write.
struct Writes(DuplexStream, Vec<usize>);

impl AsyncWrite for Writes {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let len = ready!(Pin::new(&mut self.0).poll_write(context, bytes))?;
        self.1.push(len);
        Poll::Ready(Ok(len))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

fn gathered(capacity: usize) -> (Gathered<Writes>, DuplexStream) {
    let (near, far) = duplex(capacity);
    (Gathered::new(Writes(near, Vec::new()), Watches::default()), far)
}

#[tokio::test]
async fn small_writes_go_out_together_and_long_ones_as_they_are() {
    let (mut connection, mut far) = gathered(1 << 20);
    connection.write_all(b"one ").await.expect("gathered");
    let len = connection.write_vectored(&[IoSlice::new(b"two "), IoSlice::new(b"three")]).await;
    assert_eq!(len.expect("gathered"), 9);
    assert!(connection.stream.1.is_empty(), "nothing is written before the flush");
    connection.flush().await.expect("written");
    assert_eq!(connection.stream.1, [13]);
    assert_eq!(connection.buffer.capacity(), 0, "a silent connection holds nothing");

    connection.write_all(b"!").await.expect("gathered");
    connection.write_all(&vec![b'x'; LONG_BYTES]).await.expect("written");
    assert_eq!(connection.stream.1, [13, 1, LONG_BYTES], "in order");
    for _ in 0..5 {
        connection.write_all(&vec![b'y'; FRAME_BYTES]).await.expect("gathered");
    }
    assert_eq!(connection.stream.1.get(3..), Some(&[4 * FRAME_BYTES][..]), "it is bounded");
    connection.shutdown().await.expect("written");
    let mut got = Vec::new();
    far.read_to_end(&mut got).await.expect("all of it");
    assert!(got.starts_with(b"one two three!xxx"));
    assert_eq!(got.len(), 14 + LONG_BYTES + 5 * FRAME_BYTES);
}

#[tokio::test]
async fn what_does_not_fit_into_the_connection_waits() {
    let (mut connection, mut far) = gathered(10);
    let sent: Vec<u8> = (0..100).collect();
    let all = sent.clone();
    let writer = tokio::spawn(async move {
        connection.write_all(&all).await?;
        connection.shutdown().await
    });
    let mut got = Vec::new();
    far.read_to_end(&mut got).await.expect("all of it");
    writer.await.expect("no panic").expect("written");
    assert_eq!(got, sent);
}

#[tokio::test]
async fn where_several_watches_share_it_the_others_have_their_turn_first() {
    let (mut connection, _far) = gathered(1 << 20);
    let mut context = Context::from_waker(std::task::Waker::noop());
    let mut flush =
        |connection: &mut Gathered<Writes>| Pin::new(connection).poll_flush(&mut context);
    let watches = connection.watches.clone();
    let first = watches.enter();
    connection.write_all(b"a").await.expect("gathered");
    assert!(flush(&mut connection).is_ready(), "one watch has nobody to wait for");

    let second = watches.enter();
    assert!(flush(&mut connection).is_ready(), "there is nothing to write");
    connection.write_all(b"b").await.expect("gathered");
    assert!(flush(&mut connection).is_pending());
    connection.write_all(b"c").await.expect("gathered");
    assert!(flush(&mut connection).is_pending(), "it brought more");
    assert!(flush(&mut connection).is_ready(), "it did not");
    assert_eq!(connection.stream.1, [1, 2]);
    connection.write_all(b"d").await.expect("gathered");
    assert!(flush(&mut connection).is_pending(), "and again with the next");

    drop((first, second));
    assert!(flush(&mut connection).is_ready());
}
