//! Texts that the tidy test must refuse, and one that it must accept.

use super::{ELSEWHERE, Verdict, faults, verdict};

/// A path, what stands in that file (`⏎` ends a line), and a part of the fault that must be found.
const REFUSED: &str = r##"
src/extra.rs        ¦ ¦ extra is not in the table
src/account/a.rs    ¦ use crate::{effect, net::Udp}; ¦ account may not name net::Udp
src/account/mod.rs  ¦ use super::net; ¦ account may not name net
src/account/a.rs    ¦ //! A.⏎⏎use super::super::net; ¦ src/account/a.rs:3: account may not name net
src/account/mod.rs  ¦ #[cfg(test)]⏎mod tests { use super::super::net; } ¦ account may not name net
src/account/a.rs    ¦ use super::{super::net, b}; ¦ account may not name net
src/account/a.rs    ¦ use super as all; ¦ `super as` has no place
src/sip/mod.rs      ¦ use crate as all; ¦ `crate as` has no place
src/sip/mod.rs      ¦ use crate::*; ¦ sip may not name *
src/sip/mod.rs      ¦ use crate::{self as all}; ¦ sip may not name self
src/net/mod.rs      ¦ use crate::sip::{framing, message::Request}; ¦ net may not name sip::message
src/main.rs         ¦ fn main() { regent::net::run() } ¦ main may not name net
src/sip/a.rs        ¦ use std::{fmt, net::{IpAddr, UdpSocket}}; ¦ may not touch std::net::UdpSocket
src/sip/a.rs        ¦ use std::fs; ¦ may not touch std::fs
src/sip/a.rs        ¦ fn f() { println!("a") } ¦ may not touch println!
src/sip/a.rs        ¦ use tokio::net; ¦ may not touch tokio
src/sip/mod.rs      ¦ //! Says nothing. ¦ must say `#![forbid(
src/sip.rs          ¦ #![deny(clippy::disallowed_methods, clippy::disallowed_types)] ¦ must say
src/index.rs        ¦ #![forbid(clippy::disallowed_methods)] ¦ must say `#![deny(
src/cli/mod.rs      ¦ fn f() { g().unwrap(); } ¦ `.unwrap()` has no place
src/cli/mod.rs      ¦ #[cfg(feature = "daemon")]⏎mod a; ¦ `feature =` has no place
src/cli/mod.rs      ¦ fn f() { todo!() } ¦ `todo!` has no place
src/cli/mod.rs      ¦ fn f() { dbg!(1) } ¦ `dbg!` has no place
src/cli/mod.rs      ¦ fn f() { unimplemented!() } ¦ `unimplemented!` has no place
tests/it/a.rs       ¦ // FIXME ¦ `FIXME` has no place
src/cli/mod.rs      ¦ // RFC3261 §10.2 ¦ a citation reads
src/cli/mod.rs      ¦ // rfc 3261 ¦ a citation reads
src/cli/mod.rs      ¦ // RFC 3261 10.2, RFC 3261, section 10.2 ¦ a citation reads
src/cli/mod.rs      ¦ // RFC 3261 § 10.2 ¦ a citation reads
src/cli/mod.rs      ¦ // RFC 3261§10.2 ¦ a citation reads
src/cli/mod.rs      ¦ // section 10.2 of RFC 3261 ¦ a citation reads
src/cli/mod.rs      ¦ /* RFC 3261 §99.1 */ ¦ RFC 3261 §99.1 is not listed
src/cli/mod.rs      ¦ // RFC 3261 §1 ¦ RFC 3261 §1 is not listed
src/cli/mod.rs      ¦ // RFC 326 ¦ RFC 326 is not listed
src/cli/mod.rs      ¦ // RFC 5922 §4 ¦ RFC 5922 §4 is planned
docs/a.md           ¦ [a](rules.md), [b](a/none.md#b) ¦ a/none.md does not exist
README.md           ¦ [a](rules.md) ¦ rules.md does not exist
"##;

/// Nothing in this is a fault.
const ACCEPTED: &str = r##"#![forbid(clippy::disallowed_methods, clippy::disallowed_types)]
//! Not `crate::net`, std::fs or println!: this is a comment. RFC 3261 §10.2, RFC 3261 §10.2.1.
use crate::{account, secret::Secret, sip::{self, message}, time::Instant};
const WORDS: [&str; 4] = ["crate::net \" std::fs", r#"todo!() " super::net "#, "\\", "todo!()"];
/// By `jiff::fmt::rfc2822`.
fn is_quote(c: char) -> bool { c == '"' || c == '\"' || c == '\'' /* "crate::net */ }
pub(crate) fn tail<'a>(text: &'a str) -> &'a str { let mytokio = text; mytokio }
const tokios: u8 = 0;
#[cfg(test)]
mod tests { use super::*; mod deep { use super::super::*; } fn f() { g().unwrap(); } }
"##;

fn file(path: &str, text: &str) -> (String, String) {
    (path.to_owned(), text.to_owned())
}

pub(super) fn every_check_can_fail() -> Verdict {
    let lines = |count| "\n".repeat(count);
    let function = |count: usize| format!("fn f() {{{}}}\n", lines(count - 1));
    let inline = format!("#[cfg(test)]\nmod tests {{ {}}}\n", function(71));
    let tests = "use super::super::b; fn f() { g().unwrap(); }".to_owned() + &function(71);
    let mut found = faults(&[
        file("src/account/mod.rs", ACCEPTED),
        file("src/cli/a.rs", &(function(70) + &inline + &lines(830))),
        file("tests/it/a.rs", &function(71)),
        file(
            "tests/it/b.rs",
            &format!("// {}\nf(\"{}\")", "x".repeat(97), "x".repeat(98)),
        ),
        file(
            "src/cli/b.rs",
            "#[cfg(test)]\n#[path = \"b_tests.rs\"]\nmod tests;",
        ),
        file("src/cli/b_tests.rs", &tests),
        file("src/cli/c.rs", "#[cfg(test)]\nmod tests;"),
        file("src/cli/c/tests.rs", &tests),
        file("src/cli/mod.rs", "#[cfg(test)]\nmod vectors;"),
        file(
            "src/cli/vectors.rs",
            &tests.replace("super::super", "super"),
        ),
    ]);
    let mut must = |path: &str, text: &str, fault: &str| {
        if !faults(&[file(path, text)])
            .iter()
            .any(|found| found.contains(fault))
        {
            found.push(format!("not refused in {path}: {text:.80}: {fault}"));
        }
    };
    for case in REFUSED.lines().skip(1) {
        let [path, text, fault] = case.split('¦').map(str::trim).collect::<Vec<_>>()[..] else {
            return Err(format!("no case: {case}"));
        };
        must(path, &text.replace('⏎', "\n"), fault);
    }
    for place in ELSEWHERE {
        must("docs/a.md", &format!("\nsee {place}a"), "docs/a.md:2: ");
    }
    must(
        "src/cli/a.rs",
        &format!("// {}", "x".repeat(98)),
        "over 100 columns",
    );
    must("src/cli/a.rs", &function(71), "a function of 71 lines");
    must("src/cli/a.rs", &lines(901), "over 900 lines");
    verdict(found)
}
