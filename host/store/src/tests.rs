//! The tests of the store as a whole: one contract for every engine, random histories against a model, and engines that fail.

mod concurrency;
mod contract;
mod faults;
mod model;
mod places;
