//! What an attacker, or an oracle, has to say to it.

use super::*;
use crate::rng::{Draw, Seed};
use crate::sip::fuzz::fuzz_challenge;

/// Challenges to start from.
const SAMPLES: [&str; 6] = [
    r#"Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b71", opaque="5ccc""#,
    r#"Digest realm="a", nonce="1", algorithm=SHA-256, qop="auth", Digest realm="b", nonce="2""#,
    r#"Basic r=b, Digest realm="a \"q\"", nonce="n,\\", stale=true, algorithm=MD5-sess, qop=auth"#,
    r#"DIGEST nonce = "x" , realm = "é" , userhash = true, charset=UTF-8, algorithm=SHA-512-256"#,
    r#"nextnonce="abc", qop=auth, rspauth="6629fae49393a05397450978507c4ef1", nc=00000001"#,
    r#"Digest username="u", realm="r", nonce="n", uri="sip:r", response="0", nc=1, qop=auth"#,
];

/// Pieces that parsers trip over.
const PIECES: [&str; 20] = [
    "\"",
    "\\",
    ",",
    "=",
    " ",
    "\t",
    "\r\n",
    "\0",
    "\u{7f}",
    "é",
    "\u{10ffff}",
    "Digest ",
    "nonce=",
    "realm=\"",
    "qop=auth-int,",
    "algorithm=",
    "SHA-256-sess",
    "-sess",
    "opaque=\"\"",
    "nextnonce=",
];

/// One to four changes of one sample.
fn mutant(draw: &mut Draw) -> String {
    let sample = SAMPLES[draw.below(SAMPLES.len() as u64) as usize];
    let mut bytes = sample.as_bytes().to_vec();
    for _ in 0..=draw.below(4) {
        let at = draw.below(bytes.len() as u64 + 1) as usize;
        let end = (at + draw.below(12) as usize).min(bytes.len());
        match draw.below(6) {
            0 => drop(bytes.drain(at..end)),
            1 => drop(bytes.split_off(at)),
            2 => bytes[at..end].fill(draw.number() as u8),
            3 => {
                let copy = bytes[at..end].to_vec();
                let to = draw.below(bytes.len() as u64 + 1) as usize;
                drop(bytes.splice(to..to, copy));
            }
            _ => {
                let piece = PIECES[draw.below(PIECES.len() as u64) as usize];
                drop(bytes.splice(at..at, piece.bytes()));
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whatever a server says, [`fuzz_challenge`] holds.
#[test]
fn twenty_thousand_mutants_are_survived() {
    const SEED: u64 = 4_897;
    println!("seed {SEED}");
    let mut answered = 0;
    for number in 0..20_000 {
        let mut draw = Seed::from_number(SEED).draw(0, number);
        let (value, other) = (mutant(&mut draw), mutant(&mut draw));
        println!("mutant {number}: {value:?}, {other:?}");
        fuzz_challenge(format!("{value}\n{other}").as_bytes());
        answered += challenges(&value).len();
    }
    assert!(answered > 6_000, "only {answered} challenges got through");
}

/// What another implementation of RFC 7616 says to the same challenge.
#[test]
fn our_proofs_are_those_of_an_oracle() {
    use sipx_sip::auth;

    let mut draw = Seed::from_number(7_616).draw(0, 0);
    for _ in 0..2_000 {
        let algorithm = Algorithm::ALL[draw.below(6) as usize];
        let qop = if algorithm.is_session() || draw.below(2) == 0 {
            ", qop=\"auth\""
        } else {
            ""
        };
        let value = format!(
            "Digest realm=\"r{}\", nonce=\"{:x}\", opaque=\"{:x}\", algorithm={algorithm}{qop}",
            draw.below(100),
            draw.number(),
            draw.number(),
        );
        let (user, password) = (
            format!("u{}", draw.below(100)),
            format!("{:x}", draw.number()),
        );
        let theirs = auth::Challenge::parse(value.as_bytes(), false).expect(&value);
        let credentials = auth::Credentials::new(&*user, &*password);
        let cnonce = format!("{:x}", draw.number());
        let mut session = Session::new(Challenger::Origin, challenges(&value).remove(0));
        for nc in 1..=3 {
            let mut ours = String::new();
            session.answer(
                &mut ours, &user, &password, "REGISTER", "sip:r", b"", &cnonce,
            );
            let theirs = auth::respond(&theirs, &credentials, "REGISTER", "sip:r", nc, &cnonce);
            let (ours, theirs) = (Credentials::parse(&ours), Credentials::parse(&theirs));
            assert!(ours.is_some());
            assert_eq!(ours, theirs, "{value}");
        }
    }
}
