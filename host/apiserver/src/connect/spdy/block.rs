//! Header blocks: names and values, compressed with zlib over the life of a connection.
//!
//! The peer may use the dictionary that SPDY fixes. Ours do not need it: a zlib stream says whether it uses one.

use bytes::{Buf as _, BufMut as _};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// The dictionary of SPDY/3: <https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1/>, section 2.6.10.1.
const DICTIONARY: &[u8] = include_bytes!("dictionary.bin");
/// A block may unpack to this many bytes. Names and values of Kubernetes' streams take a hundred.
const BLOCK_BYTES_MAX: usize = 64 * 1024;
const PAIRS_MAX: usize = 256;

/// The headers of a stream, in order. Names are lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::connect) struct Headers(pub(in crate::connect) Vec<(String, String)>);

impl Headers {
    /// The value of a header, whatever its spelling was.
    pub(in crate::connect) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// What is wrong with a block. The connection cannot go on: both sides' compression must stay in step.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Error {
    #[error("a header block cannot be decompressed")]
    Compressed,
    #[error("a header block is too long")]
    TooLong,
    #[error("a header block is cut off")]
    CutOff,
    #[error("a header is no text")]
    NoText,
}

#[derive(Debug)]
pub(super) struct Decoder {
    zlib: Decompress,
}

#[derive(Debug)]
pub(super) struct Encoder {
    zlib: Compress,
}

impl Decoder {
    pub(super) fn new() -> Self {
        Self { zlib: Decompress::new(true) }
    }

    pub(super) fn decode(&mut self, compressed: &[u8]) -> Result<Headers, Error> {
        parse(&self.decompress(compressed)?)
    }

    fn decompress(&mut self, mut compressed: &[u8]) -> Result<Vec<u8>, Error> {
        let mut out = Vec::with_capacity(1024);
        loop {
            if out.len() == out.capacity() {
                if out.len() >= BLOCK_BYTES_MAX {
                    return Err(Error::TooLong);
                }
                out.reserve(out.len());
            }
            let (consumed, produced) = (self.zlib.total_in(), self.zlib.total_out());
            let result = self.zlib.decompress_vec(compressed, &mut out, FlushDecompress::Sync);
            let used = usize::try_from(self.zlib.total_in() - consumed).unwrap_or(usize::MAX);
            compressed = compressed.get(used..).unwrap_or_default();
            match result {
                Err(error) if error.needs_dictionary().is_some() => {
                    self.zlib.set_dictionary(DICTIONARY).map_err(|_| Error::Compressed)?;
                    continue;
                }
                Err(_) | Ok(Status::StreamEnd) => return Err(Error::Compressed),
                Ok(Status::Ok | Status::BufError) => {}
            }
            let made_progress = used > 0 || self.zlib.total_out() > produced;
            if compressed.is_empty() && out.len() < out.capacity() {
                return Ok(out);
            }
            if !made_progress && out.len() < out.capacity() {
                return Err(Error::Compressed);
            }
        }
    }
}

impl Encoder {
    pub(super) fn new() -> Self {
        Self { zlib: Compress::new(Compression::fast(), true) }
    }

    pub(super) fn encode(&mut self, headers: &Headers) -> Result<Vec<u8>, Error> {
        let mut plain = Vec::new();
        put_len(&mut plain, headers.0.len());
        for (name, value) in &headers.0 {
            for text in [name, value] {
                put_len(&mut plain, text.len());
                plain.extend_from_slice(text.as_bytes());
            }
        }
        let mut out = Vec::with_capacity(plain.len() + 64);
        let mut rest = plain.as_slice();
        loop {
            let before = self.zlib.total_in();
            self.zlib
                .compress_vec(rest, &mut out, FlushCompress::Sync)
                .map_err(|_| Error::Compressed)?;
            let used = usize::try_from(self.zlib.total_in() - before).unwrap_or(usize::MAX);
            rest = rest.get(used..).unwrap_or_default();
            if rest.is_empty() && out.len() < out.capacity() {
                return Ok(out);
            }
            out.reserve(1024);
        }
    }
}

fn put_len(out: &mut Vec<u8>, len: usize) {
    out.put_u32(u32::try_from(len).unwrap_or(u32::MAX));
}

fn parse(mut block: &[u8]) -> Result<Headers, Error> {
    let pairs = take_len(&mut block)?;
    if pairs > PAIRS_MAX {
        return Err(Error::TooLong);
    }
    let mut headers = Vec::with_capacity(pairs);
    for _ in 0..pairs {
        let name = take_text(&mut block)?.to_ascii_lowercase();
        headers.push((name, take_text(&mut block)?));
    }
    Ok(Headers(headers))
}

fn take_len(block: &mut &[u8]) -> Result<usize, Error> {
    if block.len() < 4 {
        return Err(Error::CutOff);
    }
    usize::try_from(block.get_u32()).map_err(|_| Error::TooLong)
}

fn take_text(block: &mut &[u8]) -> Result<String, Error> {
    let len = take_len(block)?;
    let (text, rest) = block.split_at_checked(len).ok_or(Error::CutOff)?;
    *block = rest;
    String::from_utf8(text.to_vec()).map_err(|_| Error::NoText)
}
