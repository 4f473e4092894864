//! The vectors of the RFCs, and our own sums for what they leave out.

use super::*;

/// What an answer says under that name.
fn said<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let answer = answer.strip_prefix("Digest ")?;
    items::Items::new(answer).find_map(|item| match item {
        items::Item::Param(param, text) if param == name => text,
        items::Item::Scheme(_) | items::Item::Param(..) => None,
    })
}

fn only(value: &str) -> Challenge {
    let mut found = challenges(value);
    assert_eq!(found.len(), 1, "{value}");
    found.remove(0)
}

#[test]
fn rfc_2617_section_3_5() {
    let challenge = only(
        "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", \
         nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"",
    );
    let mut session = Session::new(Challenger::Origin, challenge);
    let mut out = String::new();
    let cnonce = "0a4f113b";
    session.answer(
        &mut out,
        "Mufasa",
        "Circle Of Life",
        "GET",
        "/dir/index.html",
        b"",
        cnonce,
    );
    assert_eq!(
        out,
        "Digest username=\"Mufasa\", realm=\"testrealm@host.com\", \
         nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", \
         response=\"6629fae49393a05397450978507c4ef1\", cnonce=\"0a4f113b\", \
         opaque=\"5ccc069c403ebaf9f0171e9517f40e41\", qop=auth, nc=00000001"
    );
}

#[test]
fn rfc_7616_section_3_9_1() {
    let vectors = [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        (
            "SHA-256",
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        ),
    ];
    for (algorithm, response) in vectors {
        let challenge = only(&format!(
            "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", \
             algorithm={algorithm}, \
             nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
             opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"",
        ));
        let mut session = Session::new(Challenger::Origin, challenge);
        let mut out = String::new();
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        session.answer(
            &mut out,
            "Mufasa",
            "Circle of Life",
            "GET",
            "/dir/index.html",
            b"",
            cnonce,
        );
        assert_eq!(said(&out, "response"), Some(response));
        assert_eq!(said(&out, "algorithm"), Some(algorithm));
    }
}

/// With the values of erratum 4897: the printed ones were made with a truncated SHA-512.
#[test]
fn rfc_7616_section_3_9_2() {
    let challenge = only(
        "Digest realm=\"api@example.org\", qop=\"auth\", algorithm=SHA-512-256, \
         nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\", \
         opaque=\"HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS\", charset=UTF-8, userhash=true",
    );
    assert!(challenge.utf8);
    let mut session = Session::new(Challenger::Origin, challenge);
    let mut out = String::new();
    let cnonce = "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v";
    let (user, password) = ("J\u{e4}s\u{f8}n Doe", "Secret, or not?");
    session.answer(&mut out, user, password, "GET", "/doe.json", b"", cnonce);
    assert_eq!(
        said(&out, "response"),
        Some("3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5")
    );
    assert_eq!(
        said(&out, "username"),
        Some("793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b")
    );
    assert_eq!(said(&out, "userhash"), Some("true"));
}
