//! Our reading of SIP against two other parsers, over a corpus of odd messages and mutations of it.
//!
//! `tests/corpus/sip/` holds messages in the manner of RFC 4475 and RFC 5118; their names begin
//! with `bad-` when they can be framed but not accepted, with `refused-` when they cannot be
//! framed. Where an oracle reads one of them otherwise, the message is listed here with the reason;
//! a listed message that it reads alike is an error too.

use std::panic::catch_unwind;

use libtest_mimic::Trial;
use regent::sip::fuzz::{fuzz_framing, fuzz_message, fuzz_uri};
use regent::sip::{Message, ParseError};

use crate::harness::{Mutator, SIP, corpus};
use readings::{Reading, difference, ours, rsip, sipx};

mod readings;

/// The tests of this module.
pub(crate) fn trials() -> Vec<Trial> {
    trials![[];
        the_corpus_is_accepted_and_refused_as_its_names_say,
        sipx_reads_the_corpus_as_we_do,
        rsip_reads_what_it_can_as_we_do,
        sipx_and_we_agree_on_mutated_messages,
        mutated_messages_break_nothing,
        streams_are_cut_alike_in_any_chunks,
    ]
}

type Verdict = Result<(), String>;

/// Messages that an oracle reads otherwise, with the reason.
type Differences = &'static [(&'static str, &'static [&'static str])];

const SIPX: Differences = &[
    (
        "it takes only CR LF for the end of a line; we take LF, which hand-made tools send",
        &["bare-line-feeds"],
    ),
    (
        "it skips line ends before a message on streams only",
        &["line-ends-in-front"],
    ),
    (
        "it refuses two Content-Lengths even when they agree",
        &["length-twice-the-same"],
    ),
    (
        "it holds CSeq below 2^31; we read what 32 bits hold, since we only echo it",
        &["cseq-above-2-31"],
    ),
    (
        "it wants UTF-8 quoted in display names and escaped in users; some do neither",
        &["display-name-utf-8-unquoted", "user-utf-8-unescaped"],
    ),
    (
        "it knows no white space around the colon of sent-by, which RFC 3261 §25.1 allows",
        &["white-space-around-the-port"],
    ),
    (
        "it refuses a message for its Request-URI; we frame it, so that it can be answered",
        &[
            "bad-percent",
            "bad-uri-in-brackets",
            "bad-v6-without-brackets",
        ],
    ),
    ("it frames other versions", &["refused-version"]),
];

const RSIP: Differences = &[
    (
        "it knows no IPv6",
        &[
            "v6-and-v4-hops",
            "v6-everywhere",
            "v6-port-or-not",
            "v6-with-v4-tail",
        ],
    ),
    ("it knows no compact names", &["compact-names"]),
    (
        "it knows no folds and no white space before a colon",
        &[
            "challenge-several",
            "path-and-service-route",
            "white-space-around-the-port",
            "white-space-everywhere",
        ],
    ),
    (
        "it knows no bytes outside UTF-8",
        &[
            "not-utf-8-in-display-name",
            "not-utf-8-in-unknown-header",
            "reason-not-utf-8",
        ],
    ),
    (
        "it knows fewer methods, schemes and parameters",
        &[
            "escape-in-method",
            "odd-tokens",
            "other-schemes",
            "parameter-without-value",
        ],
    ),
    (
        "it takes only CR LF for the end of a line, and none in front",
        &["bare-line-feeds", "line-ends-in-front"],
    ),
    ("it wants a space after the code", &["reason-missing"]),
    (
        "it takes the star for a URI, and does not split lists",
        &["contact-star", "contacts-joined"],
    ),
    (
        "it does not look at Content-Length",
        &[
            "refused-length-negative",
            "refused-length-overflow",
            "refused-length-too-long",
            "refused-lengths-differ",
        ],
    ),
    (
        "it takes what RFC 3261 forbids",
        &[
            "bad-comma-in-display-name",
            "bad-contact-star-in-company",
            "bad-date-zone",
            "bad-headers-twice",
            "bad-method-known",
            "bad-open-quote",
            "bad-percent",
            "bad-space-in-brackets",
            "bad-via-separators",
            "refused-code-small",
            "refused-lone-cr",
            "refused-no-empty-line",
        ],
    ),
    (
        "it refuses where we flag",
        &[
            "bad-method-unknown",
            "bad-uri-in-brackets",
            "bad-uri-with-headers",
            "bad-v6-without-brackets",
        ],
    ),
];

fn the_corpus_is_accepted_and_refused_as_its_names_say() -> Verdict {
    let mut faults = Vec::new();
    for (name, bytes) in corpus("tests/corpus/sip")? {
        let expected = match name.split_once('-') {
            Some(("bad", _)) => "flagged",
            Some(("refused", _)) => "refused",
            _ => "clean",
        };
        let found = ours(&bytes).verdict();
        if found != expected {
            faults.push(format!("{name} is {found}"));
        }
        fuzz_message(&bytes);
    }
    all_well(&faults)
}

fn sipx_reads_the_corpus_as_we_do() -> Verdict {
    compare(sipx, SIPX)
}

fn rsip_reads_what_it_can_as_we_do() -> Verdict {
    compare(rsip, RSIP)
}

fn compare(oracle: fn(&[u8]) -> Reading, known: Differences) -> Verdict {
    let mut faults = Vec::new();
    let mut listed: Vec<&str> = known
        .iter()
        .flat_map(|(_, names)| *names)
        .copied()
        .collect();
    for (name, bytes) in corpus("tests/corpus/sip")? {
        let difference = difference(&ours(&bytes), &oracle(&bytes));
        let place = listed.iter().position(|known| *known == name);
        match (difference, place) {
            (None, None) => {}
            (Some(_), Some(place)) => {
                listed.remove(place);
            }
            (Some(difference), None) => faults.push(format!("{name}: {difference}")),
            (None, Some(_)) => faults.push(format!("{name} is listed, but read alike")),
        }
    }
    faults.extend(
        listed
            .iter()
            .map(|name| format!("{name} is listed, but not there")),
    );
    all_well(&faults)
}

fn sipx_and_we_agree_on_mutated_messages() -> Verdict {
    let mut mutator = Mutator::new(0x5eed_0001, "tests/corpus/sip", SIP)?;
    let mut both_clean = 0;
    for round in 0..20_000 {
        let bytes = mutator.next();
        // Its reading of a Date panics on some bytes when overflow is checked.
        if bytes
            .windows(4)
            .any(|four| four.eq_ignore_ascii_case(b"date"))
        {
            continue;
        }
        let (ours, theirs) = (ours(&bytes), sipx(&bytes));
        let fault = match (&ours, &theirs) {
            (Reading::Clean(_), Reading::Clean(_)) => {
                both_clean += 1;
                difference(&ours, &theirs)
            }
            // We follow RFC 3261 §25.1 closer in single values, but miss no header that it finds.
            (Reading::Flagged, Reading::Clean(_)) => Message::parse(&bytes)
                .and_then(|message| message.check())
                .err()
                .filter(|error| !matches!(error, ParseError::Malformed(_) | ParseError::Uri))
                .map(|error| format!("{error} by us, clean by them")),
            (Reading::Refused, Reading::Clean(_)) if !is_start_line_folded(&bytes) => {
                Some("refused by us, clean by them".to_owned())
            }
            _ => None,
        };
        if let Some(fault) = fault {
            let text = bytes.escape_ascii();
            let seed = mutator.seed;
            return Err(format!("seed {seed:#x}, round {round}: {fault}\n{text}"));
        }
    }
    // So that the mutations stay mild enough to compare anything.
    if both_clean < 1_000 {
        return Err(format!("only {both_clean} messages compared"));
    }
    Ok(())
}

/// It unfolds start lines, which RFC 3261 §7.1 and §7.2 know nothing of.
fn is_start_line_folded(bytes: &[u8]) -> bool {
    let line_end = bytes.iter().position(|&c| c == b'\n');
    let next = line_end.and_then(|at| bytes.get(at + 1));
    matches!(next, Some(b' ' | b'\t'))
}

fn mutated_messages_break_nothing() -> Verdict {
    let mut mutator = Mutator::new(0x5eed_0002, "tests/corpus/sip", SIP)?;
    for round in 0..100_000 {
        let bytes = mutator.next();
        let survived = catch_unwind(|| {
            fuzz_message(&bytes);
            if let Some(line) = bytes.split(|&c| c == b'\n').nth(round % 8) {
                fuzz_uri(line.trim_ascii());
            }
        });
        if survived.is_err() {
            let text = bytes.escape_ascii();
            return Err(format!("seed {:#x}, round {round}:\n{text}", mutator.seed));
        }
    }
    Ok(())
}

fn streams_are_cut_alike_in_any_chunks() -> Verdict {
    let mut mutator = Mutator::new(0x5eed_0003, "tests/corpus/sip", SIP)?;
    for round in 0..2_000 {
        let mut stream = mutator.next();
        for between in [&b""[..], b"\r\n", b"\r\n\r\n", b"\n"] {
            stream.extend_from_slice(between);
            let another = mutator.next();
            stream.extend_from_slice(&another);
        }
        if catch_unwind(|| fuzz_framing(&stream)).is_err() {
            let text = stream.escape_ascii();
            return Err(format!("seed {:#x}, round {round}:\n{text}", mutator.seed));
        }
    }
    Ok(())
}

fn all_well(faults: &[String]) -> Verdict {
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults.join("\n"))
    }
}
