//! To be written.
#![forbid(clippy::disallowed_methods, clippy::disallowed_types)]
