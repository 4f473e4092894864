//! A second opinion on digest answers (RFC 7616), for what the foreign programs cannot verify.

use sha2::{Digest, Sha256, Sha512_256};

use super::message::Parameters;

/// Asserts that `credentials` answer with `password` what they say they answer, in a REGISTER
/// without a body.
#[track_caller]
pub(crate) fn assert_answers(credentials: &Parameters, password: &str) {
    let algorithm = credentials
        .value("algorithm")
        .unwrap_or("MD5")
        .to_ascii_uppercase();
    let (hash, session) = match algorithm.strip_suffix("-SESS") {
        Some(plain) => (plain, true),
        None => (&*algorithm, false),
    };
    let h = |text: String| hashed(hash, &text);
    let part = |name| credentials.text(name);

    let mut secret = h(format!("{}:{}:{password}", part("username"), part("realm")));
    if session {
        secret = h(format!("{secret}:{}:{}", part("nonce"), part("cnonce")));
    }
    let request = format!("REGISTER:{}", part("uri"));
    let request = match part("qop") {
        "auth-int" => h(format!("{request}:{}", h(String::new()))),
        _ => h(request),
    };
    let nonce = match part("qop") {
        "" => part("nonce").to_owned(),
        qop => format!("{}:{}:{}:{qop}", part("nonce"), part("nc"), part("cnonce")),
    };
    let expected = h(format!("{secret}:{nonce}:{request}"));
    assert_eq!(
        part("response"),
        expected,
        "the digest is wrong in {credentials:?}"
    );
}

#[track_caller]
fn hashed(algorithm: &str, text: &str) -> String {
    match algorithm {
        "MD5" => format!("{:x}", md5::compute(text)),
        "SHA-256" => hex(&Sha256::digest(text)),
        "SHA-512-256" => hex(&Sha512_256::digest(text)),
        other => panic!("nobody offered the algorithm {other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
