#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use flate2::{Compress, Compression, FlushCompress};
use futures::{SinkExt as _, StreamExt as _};
use proptest::prelude::*;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::codec::{Decoder as _, Encoder as _, Framed};

use super::block::{Decoder, Encoder, Headers};
use super::frame::{Codec, Error, Frame};
use super::serve;

/// The client's side of a connection.
pub(in crate::connect) struct Client<T> {
    frames: Framed<T, Codec>,
    /// What was heard of each stream, and whether it has ended.
    heard: BTreeMap<u32, (Vec<u8>, bool)>,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Client<T> {
    pub(in crate::connect) fn new(io: T) -> Self {
        Self { frames: Framed::new(io, Codec::new()), heard: BTreeMap::new() }
    }

    pub(in crate::connect) async fn open(&mut self, stream: u32, pairs: &[(&str, &str)]) {
        let frame = Frame::Open { stream, fin: false, headers: headers(pairs) };
        self.frames.send(frame).await.unwrap();
    }

    pub(in crate::connect) async fn say(&mut self, stream: u32, data: &[u8], fin: bool) {
        let data = Bytes::copy_from_slice(data);
        self.frames.send(Frame::Data { stream, fin, data }).await.unwrap();
    }

    /// The next bytes of a stream.
    pub(in crate::connect) async fn hear(&mut self, stream: u32, len: usize) -> Vec<u8> {
        self.until(stream, |(data, _)| data.len() >= len).await;
        self.heard.get_mut(&stream).unwrap().0.drain(..len).collect()
    }

    /// All that follows on a stream until its end.
    pub(in crate::connect) async fn hear_all(&mut self, stream: u32) -> Vec<u8> {
        self.until(stream, |(_, ended)| *ended).await;
        self.heard.remove(&stream).unwrap().0
    }

    async fn until(&mut self, stream: u32, done: impl Fn(&(Vec<u8>, bool)) -> bool) {
        while !self.heard.get(&stream).is_some_and(&done) {
            if let Frame::Data { stream, fin, data } = self.frames.next().await.unwrap().unwrap() {
                let (heard, ended) = self.heard.entry(stream).or_default();
                heard.extend_from_slice(&data);
                *ended |= fin;
            }
        }
    }
}

fn headers(pairs: &[(&str, &str)]) -> Headers {
    Headers(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

#[test]
fn blocks_stay_in_step_over_a_connection() {
    let (mut encoder, mut decoder) = (Encoder::new(), Decoder::new());
    for round in 0..50 {
        let sent =
            headers(&[("streamtype", "data"), ("port", "8080"), ("requestid", &round.to_string())]);
        assert_eq!(decoder.decode(&encoder.encode(&sent).unwrap()).unwrap(), sent);
    }
}

#[test]
fn blocks_with_the_fixed_dictionary_are_understood() {
    let mut zlib = Compress::new(Compression::default(), true);
    zlib.set_dictionary(include_bytes!("dictionary.bin")).unwrap();
    let mut decoder = Decoder::new();
    for value in ["stdin", "stdout"] {
        let mut plain = vec![0, 0, 0, 1, 0, 0, 0, 10];
        plain.extend_from_slice(b"Streamtype");
        plain.extend_from_slice(&u32::try_from(value.len()).unwrap().to_be_bytes());
        plain.extend_from_slice(value.as_bytes());
        let mut packed = Vec::with_capacity(512);
        zlib.compress_vec(&plain, &mut packed, FlushCompress::Sync).unwrap();
        assert_eq!(decoder.decode(&packed).unwrap(), headers(&[("streamtype", value)]));
    }
}

#[test]
fn a_block_that_unpacks_to_too_much_is_refused() {
    let mut encoder = Encoder::new();
    let packed = encoder.encode(&headers(&[("a", &"x".repeat(200_000))])).unwrap();
    assert!(packed.len() < 2000);
    assert!(Decoder::new().decode(&packed).is_err());
}

#[test]
fn frames_survive_the_wire_in_any_pieces() {
    let frames = [
        Frame::Open { stream: 1, fin: false, headers: headers(&[("port", "80")]) },
        Frame::Reply { stream: 1, fin: true, headers: Headers::default() },
        Frame::Headers { stream: 1, fin: true, headers: headers(&[("a", "b")]) },
        Frame::Data { stream: 1, fin: true, data: Bytes::from_static(b"hello") },
        Frame::Reset { stream: 1, status: 3 },
        Frame::Ping { id: 7 },
        Frame::GoAway { last: 1, status: 0 },
    ];
    let (mut encoder, mut wire) = (Codec::new(), BytesMut::new());
    for frame in &frames {
        encoder.encode(frame.clone(), &mut wire).unwrap();
    }
    for piece in [1, 3, wire.len()] {
        let (mut decoder, mut buffer, mut seen) = (Codec::new(), BytesMut::new(), Vec::new());
        for chunk in wire.chunks(piece) {
            buffer.extend_from_slice(chunk);
            while let Some(frame) = decoder.decode(&mut buffer).unwrap() {
                seen.push(frame);
            }
        }
        assert_eq!(seen, frames);
    }
}

#[test]
fn frames_that_are_too_long_or_of_another_version_end_the_connection() {
    let decode = |bytes: &[u8]| Codec::new().decode(&mut BytesMut::from(bytes));
    assert!(matches!(decode(&[0, 0, 0, 1, 0, 0xff, 0xff, 0xff]), Err(Error::TooLong(_))));
    assert!(matches!(decode(&[0x80, 3, 0, 1, 0, 2, 0, 0]), Err(Error::TooLong(_))));
    assert!(matches!(decode(&[0x80, 2, 0, 1, 0, 0, 0, 0]), Err(Error::Version(2))));
    assert!(matches!(decode(&[0x80, 3, 0, 3, 0, 0, 0, 2, 0, 0]), Err(Error::TooShort(3))));
}

proptest! {
    #[test]
    fn no_bytes_make_the_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256), head in 0_u8..12) {
        let mut source = BytesMut::from(&[0x80, 3, 0, head, 0, 0, 0][..]);
        source.extend_from_slice(&[u8::try_from(bytes.len()).unwrap_or(255)]);
        source.extend_from_slice(&bytes);
        let mut codec = Codec::new();
        while let Ok(Some(_)) = codec.decode(&mut source) {}
        let mut raw = BytesMut::from(&bytes[..]);
        while let Ok(Some(_)) = codec.decode(&mut raw) {}
    }
}

#[tokio::test]
async fn streams_carry_bytes_both_ways_and_end() {
    let (ours, theirs) = tokio::io::duplex(1024);
    let (mut session, work) = serve(ours);
    let work = tokio::spawn(work);
    let mut client = Framed::new(theirs, Codec::new());
    let open = headers(&[("streamtype", "data")]);
    client.send(Frame::Open { stream: 1, fin: false, headers: open.clone() }).await.unwrap();
    client.send(Frame::Ping { id: 1 }).await.unwrap();
    client
        .send(Frame::Data { stream: 1, fin: true, data: Bytes::from_static(b"ask") })
        .await
        .unwrap();

    let mut stream = session.accept().await.unwrap();
    assert_eq!(stream.headers, open);
    assert_eq!(stream.read().await.unwrap(), "ask");
    assert_eq!(stream.read().await, None);
    let writer = stream.writer();
    writer.write(Bytes::from_static(b"answer")).await.unwrap();
    writer.close().await.unwrap();

    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(client.next().await.unwrap().unwrap());
    }
    let data = |fin, data| Frame::Data { stream: 1, fin, data: Bytes::from_static(data) };
    assert_eq!(
        seen,
        [
            Frame::Reply { stream: 1, fin: false, headers: Headers::default() },
            Frame::Ping { id: 1 },
            data(false, b"answer"),
            data(true, b""),
        ]
    );
    drop(client);
    assert!(session.accept().await.is_none());
    work.await.unwrap();
}

#[tokio::test]
async fn streams_of_the_wrong_side_and_data_for_none_are_reset() {
    let (ours, theirs) = tokio::io::duplex(1024);
    let (_session, work) = serve(ours);
    let work = tokio::spawn(work);
    let mut client = Framed::new(theirs, Codec::new());
    client.send(Frame::Open { stream: 2, fin: false, headers: Headers::default() }).await.unwrap();
    client
        .send(Frame::Data { stream: 9, fin: false, data: Bytes::from_static(b"x") })
        .await
        .unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), Frame::Reset { stream: 2, status: 3 });
    assert_eq!(client.next().await.unwrap().unwrap(), Frame::Reset { stream: 9, status: 2 });
    drop(client);
    work.await.unwrap();
}
