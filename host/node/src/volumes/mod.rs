//! Volumes: what is in them (pure) and how it gets to disk.
//!
//! A volume is a folder `volumes/<pod uid>/<volume>` of the data folder. `ConfigMaps`, Secrets, fields and tokens become files through a generation
//! folder that one symbolic link (`..data`) points at, so that a reader sees either all of the old files or all of the new ones.

mod mounts;
mod project;
mod write;

pub(crate) use mounts::mounts;
pub(crate) use project::{Content, Kind, kind, project};
pub(crate) use write::write;
