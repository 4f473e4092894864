//! Changes a configuration where it stands: what `regent configure` is made of.
//!
//! It knows the names that options have at a command line, the reference's syntax of scripts, how
//! a TOML text is changed without touching what is not meant, and how a file is replaced so that
//! it is the old or the new one at any time. It leaves to its caller who is asked whether the
//! result is good, and what becomes of a daemon that runs from the file. The invariant: what cannot
//! be used is not written.

mod apply;
mod command;
mod delta;
mod document;
mod edit;
mod file;
mod grammar;
pub mod help;
mod inline;
mod layout;
mod lexer;
mod refusal;
mod script;
mod session;
mod show;
mod subscription;

pub use command::{Ask, Words, change, rename, row_word, row_words, shown, unset};
pub use delta::unified;
pub use document::Document;
pub use edit::Edit;
pub use file::{Locked, read};
pub use grammar::{
    Change, Setting, TABLES, Target, Verb, is_foreign, is_secret, option, setting, table,
};
pub use refusal::{Place, Refusal};
pub use script::{Script, Step};
pub use session::{Outcome, Session};
pub use show::{Form, addresses, json, list, names, script as as_script, show};
pub use subscription::{Rejection, Signer, Subscription, resubscribe, subscribe, unsubscribe};
