//! Between bytes on the wire and object trees: which form, decoding of bodies, encoding of answers.

pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod gzip;
pub(crate) mod negotiate;
pub(crate) mod protobuf;
pub(crate) mod yaml;

#[cfg(test)]
mod roundtrips;
