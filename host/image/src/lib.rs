//! Images: WebAssembly programs as OCI artifacts, kept by content.
//!
//! A [`Store`] keeps blobs by digest and names (tags) that point at manifests. [`Registry`] serves the store to `skiff push`, `docker`, `oras`
//! and `wkg` by the OCI distribution protocol. [`Puller`] finds or fetches the image a Pod names and answers the one thing the node
//! needs: the Wasm file, verified, in a file of its own.
//!
//! This room knows nothing of Pods; whether to pull at all (`imagePullPolicy`) is the node's decision.

mod artifact;
mod credentials;
mod digest;
mod extract;
mod layout;
mod manifest;
mod pull;
mod reference;
pub mod registry;
mod remote;
mod store;

pub use artifact::{Artifact, ArtifactError};
pub use credentials::{Credentials, CredentialsError, Login};
pub use digest::{Digest, DigestError};
pub use layout::NoWasm;
pub use manifest::{Descriptor, Index, Manifest, media};
pub use pull::{PullError, Puller};
pub use reference::{Location, Reference, ReferenceError};
pub use registry::Registry;
pub use remote::{RemoteError, push as push_remote};
pub use store::{Collected, Limits, Store, StoreError, Wasm};
