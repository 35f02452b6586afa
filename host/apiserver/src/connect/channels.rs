//! How this server and a node talk about one command: numbered channels over the bytes of one connection.
//!
//! A frame is the channel, the length as four bytes, and the data; no data says that the channel is closed. The numbers are those of
//! Kubernetes' WebSocket protocol, so that frames pass between the two without translation.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

/// Name of the protocol, as the upgrade of a connection to a node says it.
pub(super) const PROTOCOL: &str = "skiff-channels";

pub(super) const STDIN: u8 = 0;
pub(super) const STDOUT: u8 = 1;
pub(super) const STDERR: u8 = 2;
/// How the command ended: a `Status` object, the last thing that is sent.
pub(super) const STATUS: u8 = 3;
pub(super) const RESIZE: u8 = 4;

const HEAD_LEN: usize = 5;
const DATA_BYTES_MAX: usize = 1 << 20;

/// Data on a channel; none closes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) channel: u8,
    pub(super) data: Bytes,
}

impl Frame {
    pub(super) fn new(channel: u8, data: impl Into<Bytes>) -> Self {
        Self { channel, data: data.into() }
    }

    pub(super) fn close(channel: u8) -> Self {
        Self::new(channel, Bytes::new())
    }
}

#[derive(Debug, Default)]
pub(super) struct Codec;

impl Decoder for Codec {
    type Item = Frame;
    type Error = std::io::Error;

    fn decode(&mut self, source: &mut BytesMut) -> Result<Option<Frame>, Self::Error> {
        let Some(mut head) = source.get(..HEAD_LEN) else { return Ok(None) };
        let channel = head.get_u8();
        let len = head.get_u32() as usize;
        if len > DATA_BYTES_MAX {
            return Err(std::io::Error::other(format!("a frame of {len} bytes is too long")));
        }
        if source.len() < HEAD_LEN + len {
            source.reserve(HEAD_LEN + len - source.len());
            return Ok(None);
        }
        source.advance(HEAD_LEN);
        Ok(Some(Frame { channel, data: source.split_to(len).freeze() }))
    }
}

impl Encoder<Frame> for Codec {
    type Error = std::io::Error;

    fn encode(&mut self, frame: Frame, out: &mut BytesMut) -> Result<(), Self::Error> {
        let len = u32::try_from(frame.data.len()).map_err(std::io::Error::other)?;
        out.put_u8(frame.channel);
        out.put_u32(len);
        out.extend_from_slice(&frame.data);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_survive_the_wire_and_long_ones_are_refused() {
        let frames = [Frame::new(STDIN, "abc"), Frame::close(STDIN), Frame::new(STATUS, "{}")];
        let mut wire = BytesMut::new();
        for frame in &frames {
            Codec.encode(frame.clone(), &mut wire).expect("short frames");
        }
        let cut = wire.split_off(wire.len() - 1);
        let mut seen = Vec::new();
        while let Some(frame) = Codec.decode(&mut wire).expect("good frames") {
            seen.push(frame);
        }
        assert_eq!(seen, frames[..2]);
        wire.unsplit(cut);
        assert_eq!(Codec.decode(&mut wire).expect("a good frame").as_ref(), frames.last());
        let mut long = BytesMut::from(&[0, 0xff, 0, 0, 0][..]);
        assert!(Codec.decode(&mut long).is_err());
    }
}
