//! Autoscalers in the two versions of the group `autoscaling`. Version 2 is stored; version 1 shows the same objects.

mod annotations;
mod convert;
mod v1;
mod v2;

#[cfg(test)]
mod tests;
