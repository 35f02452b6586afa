//! Frames: the pieces a connection is cut into. Reads and writes bytes, keeps no streams.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use tokio_util::codec;

use super::block::{self, Decoder, Encoder, Headers};

const VERSION: u16 = 3;
const CONTROL: u32 = 1 << 31;
const ID: u32 = CONTROL - 1;
const FIN: u8 = 1;
const HEAD_LEN: usize = 8;
/// A data frame of a client holds what it read at once, tens of kilobytes. Larger ones are an attack or a mistake.
const FRAME_BYTES_MAX: usize = 1 << 20;
const CONTROL_BYTES_MAX: usize = 64 * 1024;

/// One frame. Those that change nothing here are [`Frame::Other`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    Open { stream: u32, fin: bool, headers: Headers },
    Reply { stream: u32, fin: bool, headers: Headers },
    Reset { stream: u32, status: u32 },
    Ping { id: u32 },
    GoAway { last: u32, status: u32 },
    Headers { stream: u32, fin: bool, headers: Headers },
    Data { stream: u32, fin: bool, data: Bytes },
    Other,
}

/// The peer breaks the protocol, or the connection breaks.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("SPDY version {0} is not spoken here")]
    Version(u16),
    #[error("a frame of {0} bytes is too long")]
    TooLong(usize),
    #[error("a frame of type {0} is too short")]
    TooShort(u16),
    #[error("the headers of a stream are unreadable")]
    Block(#[from] block::Error),
    #[error("the connection broke")]
    Io(#[from] std::io::Error),
}

/// Both directions of a connection's frames.
#[derive(Debug)]
pub(super) struct Codec {
    decoder: Decoder,
    encoder: Encoder,
}

impl Codec {
    pub(super) fn new() -> Self {
        Self { decoder: Decoder::new(), encoder: Encoder::new() }
    }

    fn control(&mut self, kind: u16, flags: u8, mut body: &[u8]) -> Result<Frame, Error> {
        let fin = flags & FIN != 0;
        let mut id = |mask: u32| {
            if body.len() < 4 { Err(Error::TooShort(kind)) } else { Ok(body.get_u32() & mask) }
        };
        Ok(match kind {
            1 => {
                let stream = id(ID)?;
                // The stream it belongs to, its priority and a credential slot mean nothing here.
                id(ID)?;
                let compressed = body.get(2..).ok_or(Error::TooShort(kind))?;
                Frame::Open { stream, fin, headers: self.decoder.decode(compressed)? }
            }
            2 => {
                let stream = id(ID)?;
                Frame::Reply { stream, fin, headers: self.decoder.decode(body)? }
            }
            3 => Frame::Reset { stream: id(ID)?, status: id(u32::MAX)? },
            6 => Frame::Ping { id: id(u32::MAX)? },
            7 => Frame::GoAway { last: id(ID)?, status: id(u32::MAX)? },
            8 => {
                let stream = id(ID)?;
                Frame::Headers { stream, fin, headers: self.decoder.decode(body)? }
            }
            _ => Frame::Other,
        })
    }
}

impl codec::Decoder for Codec {
    type Item = Frame;
    type Error = Error;

    fn decode(&mut self, source: &mut BytesMut) -> Result<Option<Frame>, Error> {
        let Some(mut head) = source.get(..HEAD_LEN) else { return Ok(None) };
        let first = head.get_u32();
        let second = head.get_u32();
        let (flags, len) = ((second >> 24) as u8, (second & 0x00ff_ffff) as usize);
        let is_control = first & CONTROL != 0;
        if len > if is_control { CONTROL_BYTES_MAX } else { FRAME_BYTES_MAX } {
            return Err(Error::TooLong(len));
        }
        if is_control {
            let version = ((first & ID) >> 16) as u16;
            if version != VERSION {
                return Err(Error::Version(version));
            }
        }
        if source.len() < HEAD_LEN + len {
            source.reserve(HEAD_LEN + len - source.len());
            return Ok(None);
        }
        source.advance(HEAD_LEN);
        let body = source.split_to(len).freeze();
        if is_control {
            let kind = (first & 0xffff) as u16;
            return self.control(kind, flags, &body).map(Some);
        }
        Ok(Some(Frame::Data { stream: first, fin: flags & FIN != 0, data: body }))
    }
}

impl codec::Encoder<Frame> for Codec {
    type Error = Error;

    fn encode(&mut self, frame: Frame, out: &mut BytesMut) -> Result<(), Error> {
        let (kind, fin, body) = match frame {
            Frame::Data { stream, fin, data } => {
                out.put_u32(stream & ID);
                put_flags_and_len(out, fin, data.len())?;
                out.extend_from_slice(&data);
                return Ok(());
            }
            Frame::Open { stream, fin, headers } => {
                let mut body = words(&[stream, 0]);
                body.extend_from_slice(&[0, 0]);
                body.extend_from_slice(&self.encoder.encode(&headers)?);
                (1, fin, body)
            }
            Frame::Reply { stream, fin, headers } => {
                let mut body = words(&[stream]);
                body.extend_from_slice(&self.encoder.encode(&headers)?);
                (2, fin, body)
            }
            Frame::Headers { stream, fin, headers } => {
                let mut body = words(&[stream]);
                body.extend_from_slice(&self.encoder.encode(&headers)?);
                (8, fin, body)
            }
            Frame::Reset { stream, status } => (3, false, words(&[stream, status])),
            Frame::Ping { id } => (6, false, words(&[id])),
            Frame::GoAway { last, status } => (7, false, words(&[last, status])),
            Frame::Other => return Ok(()),
        };
        out.put_u32(CONTROL | (u32::from(VERSION) << 16) | kind);
        put_flags_and_len(out, fin, body.len())?;
        out.extend_from_slice(&body);
        Ok(())
    }
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

fn put_flags_and_len(out: &mut BytesMut, fin: bool, len: usize) -> Result<(), Error> {
    let len =
        u32::try_from(len).ok().filter(|len| *len <= 0x00ff_ffff).ok_or(Error::TooLong(len))?;
    out.put_u32((u32::from(fin) << 24) | len);
    Ok(())
}
