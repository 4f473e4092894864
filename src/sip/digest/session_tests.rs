//! What a [`Session`] answers, and what it makes of `Authentication-Info`.

use super::*;

const URI: &str = "sip:biloxi.com";

fn session(parameters: &str) -> Session {
    let value = format!("Digest realm=\"biloxi.com\", nonce=\"dcd98b71\", {parameters}");
    Session::new(Challenger::Origin, challenges(&value).remove(0))
}

fn answer(session: &mut Session, cnonce: &str) -> String {
    let mut out = String::new();
    session.answer(&mut out, "bob", "zanzibar", "REGISTER", URI, b"", cnonce);
    out
}

fn info(session: &mut Session, value: &str) -> InfoVerdict {
    session.authentication_info(value, "bob", "zanzibar", URI, b"")
}

fn response(answer: &str) -> &str {
    Credentials::parse(answer).expect("an answer").response
}

/// An independent sum: the formula of RFC 7616 written out for MD5.
fn md5_hex(text: &str) -> String {
    format!("{:x}", md5::compute(text))
}

#[test]
fn without_qop_it_is_the_form_of_rfc_2069() {
    let mut session = session("opaque=\"\"");
    let (a1, a2) = (
        md5_hex("bob:biloxi.com:zanzibar"),
        md5_hex("REGISTER:sip:biloxi.com"),
    );
    let proof = md5_hex(&format!("{a1}:dcd98b71:{a2}"));
    for uses in 1..=2 {
        assert_eq!(
            answer(&mut session, "0a4f113b"),
            format!(
                "Digest username=\"bob\", realm=\"biloxi.com\", nonce=\"dcd98b71\", \
                 uri=\"sip:biloxi.com\", response=\"{proof}\", opaque=\"\""
            )
        );
        assert_eq!(session.uses(), uses);
    }
}

// rule A1
#[test]
fn the_count_rises_with_each_use_of_a_nonce() {
    let mut session = session("qop=\"auth\"");
    let (a1, a2) = (
        md5_hex("bob:biloxi.com:zanzibar"),
        md5_hex("REGISTER:sip:biloxi.com"),
    );
    for uses in 1..=17 {
        let cnonce = format!("c{uses}");
        let answer = answer(&mut session, &cnonce);
        let nc = format!("{uses:08x}");
        assert!(answer.ends_with(&format!(", cnonce=\"{cnonce}\", qop=auth, nc={nc}")));
        let proof = md5_hex(&format!("{a1}:dcd98b71:{nc}:{cnonce}:auth:{a2}"));
        assert_eq!(response(&answer), proof);
        assert_eq!(session.uses(), uses);
    }
    assert!(answer(&mut session, "c").ends_with("nc=00000012"));
}

/// The sums were made with Python's hashlib.
#[test]
fn a_session_key_is_a_hash_of_a_hash() {
    for (algorithm, proof) in [
        ("MD5-sess", "5ac5e3e731d0a7dee0b398220a616ba8"),
        (
            "SHA-256-sess",
            "f309a61d4990ec675e7c8f9c76b0f49c1367038d1a60c39a6b4c7fefc22c0b5e",
        ),
        (
            "SHA-512-256-sess",
            "e9ad6e9492831ec8adbdce73c08c1175d698e527271c4b16820a204331ee7ee0",
        ),
    ] {
        let mut session = session(&format!("qop=auth, algorithm={algorithm}"));
        let answer = answer(&mut session, "0a4f113b");
        assert_eq!(response(&answer), proof);
        assert!(answer.contains(&format!(", algorithm={algorithm}, ")));
    }
}

/// RFC 7616 §3.4.2: the key is made once, of the first nonce and the first cnonce.
#[test]
fn a_session_key_outlives_the_nonce_but_not_the_challenge() {
    let mut session = session("qop=auth, algorithm=MD5-sess");
    let user = md5_hex("bob:biloxi.com:zanzibar");
    let (key, a2) = (
        md5_hex(&format!("{user}:dcd98b71:one")),
        md5_hex("REGISTER:sip:biloxi.com"),
    );
    let first = answer(&mut session, "one");
    assert_eq!(
        response(&first),
        md5_hex(&format!("{key}:dcd98b71:00000001:one:auth:{a2}"))
    );
    let second = answer(&mut session, "two");
    assert_eq!(
        response(&second),
        md5_hex(&format!("{key}:dcd98b71:00000002:one:auth:{a2}"))
    );
    for nonce in ["n2", "n3"] {
        assert_eq!(
            info(&mut session, &format!("nextnonce=\"{nonce}\"")),
            InfoVerdict::Fine
        );
        let next = answer(&mut session, "three");
        assert_eq!(
            response(&next),
            md5_hex(&format!("{key}:{nonce}:00000001:one:auth:{a2}"))
        );
    }
    let value = "Digest realm=\"biloxi.com\", nonce=\"n4\", qop=auth, algorithm=MD5-sess";
    session.renew(challenges(value).remove(0));
    let key = md5_hex(&format!("{user}:n4:four"));
    let fresh = answer(&mut session, "four");
    assert_eq!(
        response(&fresh),
        md5_hex(&format!("{key}:n4:00000001:four:auth:{a2}"))
    );
}

#[test]
fn auth_int_covers_the_body() {
    let mut session = session("qop=\"auth-int\", algorithm=MD5");
    let mut out = "Authorization: ".to_owned();
    session.answer(
        &mut out,
        "bob",
        "zanzibar",
        "MESSAGE",
        "sip:a",
        b"Watson, come here.",
        "c",
    );
    let a1 = md5_hex("bob:biloxi.com:zanzibar");
    let a2 = md5_hex(&format!("MESSAGE:sip:a:{}", md5_hex("Watson, come here.")));
    let proof = md5_hex(&format!("{a1}:dcd98b71:00000001:c:auth-int:{a2}"));
    assert_eq!(
        out,
        format!(
            "Authorization: Digest username=\"bob\", realm=\"biloxi.com\", nonce=\"dcd98b71\", \
             uri=\"sip:a\", response=\"{proof}\", algorithm=MD5, cnonce=\"c\", qop=auth-int, \
             nc=00000001"
        )
    );
}

// rule A1
#[test]
fn nextnonce_is_taken_over_and_the_count_starts_again() {
    let mut session = session("qop=auth, opaque=\"o\"");
    answer(&mut session, "c");
    answer(&mut session, "c");
    assert_eq!(
        info(&mut session, "NextNonce=\"n2\", qop=auth"),
        InfoVerdict::Fine
    );
    assert_eq!((session.nonce(), session.uses()), ("n2", 0));
    let next = answer(&mut session, "c");
    assert!(next.contains("nonce=\"n2\", "));
    assert!(next.ends_with("opaque=\"o\", qop=auth, nc=00000001"));
    // The same once more, nothing, or something that must not be echoed: the count goes on.
    for value in [
        "nextnonce=\"n2\"",
        "nextnonce=\"\"",
        "",
        "nextnonce=\"a\rb\"",
        "nextnonce=\"x",
    ] {
        assert_eq!(info(&mut session, value), InfoVerdict::Fine);
        assert_eq!((session.nonce(), session.uses()), ("n2", 1), "{value}");
    }
}

// rule A1
#[test]
fn rspauth_is_checked_against_the_last_answer() {
    for qop in [Qop::Auth, Qop::AuthInt] {
        let token = qop.token().expect("not none");
        let mut session = session(&format!("qop={token}"));
        assert_eq!(info(&mut session, "rspauth=\"beef\""), InfoVerdict::Fine);
        answer(&mut session, "c1");
        answer(&mut session, "c2");
        let a1 = md5_hex("bob:biloxi.com:zanzibar");
        let a2 = match qop {
            Qop::AuthInt => md5_hex(&format!(":sip:biloxi.com:{}", md5_hex(""))),
            Qop::None | Qop::Auth => md5_hex(":sip:biloxi.com"),
        };
        let right = md5_hex(&format!("{a1}:dcd98b71:00000002:c2:{token}:{a2}"));
        for (value, verdict) in [
            (format!("rspauth=\"{right}\""), InfoVerdict::Fine),
            (
                format!("rspauth={}", right.to_uppercase()),
                InfoVerdict::Fine,
            ),
            (
                format!("qop={token}, rspauth=\"{right}\", cnonce=\"c2\", nc=00000002"),
                InfoVerdict::Fine,
            ),
            (
                "rspauth=\"beef\", nc=00000001".to_owned(),
                InfoVerdict::Fine,
            ),
            (
                "rspauth=\"beef\", nc=00000002".to_owned(),
                InfoVerdict::WrongRspauth,
            ),
            ("rspauth=\"\"".to_owned(), InfoVerdict::WrongRspauth),
            ("rspauth=\"".to_owned(), InfoVerdict::WrongRspauth),
            (
                "rspauth=\"beef\", nextnonce=\"n2\"".to_owned(),
                InfoVerdict::WrongRspauth,
            ),
        ] {
            assert_eq!(info(&mut session, &value), verdict, "{value}");
        }
        assert_eq!(session.nonce(), "n2");
    }
}

/// RFC 7616 §3.5: the response may be protected in another quality than the request.
#[test]
fn rspauth_has_a_quality_of_its_own() {
    let mut session = session("qop=auth");
    answer(&mut session, "c");
    let a1 = md5_hex("bob:biloxi.com:zanzibar");
    let a2 = md5_hex(&format!(":sip:biloxi.com:{}", md5_hex("body")));
    let right = md5_hex(&format!("{a1}:dcd98b71:00000001:c:auth-int:{a2}"));
    let value = format!("qop=auth-int, rspauth=\"{right}\"");
    let mut told = |body| session.authentication_info(&value, "bob", "zanzibar", URI, body);
    assert_eq!(told(b"body"), InfoVerdict::Fine);
    assert_eq!(told(b"other"), InfoVerdict::WrongRspauth);
}

#[test]
fn a_fresh_challenge_starts_the_count_again_unless_it_repeats_the_nonce() {
    let mut session = session("qop=auth, opaque=o, userhash=true");
    answer(&mut session, "c");
    let stale = "Digest realm=\"biloxi.com\", nonce=\"n2\", stale=true, algorithm=SHA-256";
    let challenge = challenges(stale).remove(0);
    assert!(challenge.stale);
    session.renew(challenge.clone());
    assert_eq!(session.challenger(), Challenger::Origin);
    assert_eq!((session.realm(), session.nonce()), ("biloxi.com", "n2"));
    assert_eq!(
        (session.algorithm(), session.qop()),
        (Algorithm::Sha256, Qop::None)
    );
    assert_eq!(session.uses(), 0);
    assert!(!answer(&mut session, "c").contains("opaque"));
    session.renew(challenge);
    assert_eq!(session.uses(), 1);
}

#[test]
fn what_is_quoted_stays_quoted() {
    let value = r#"Digest realm="a \"b\" \c", nonce="n\\", opaque="\"", qop=auth"#;
    let mut session = Session::new(Challenger::Proxy, challenges(value).remove(0));
    let mut out = String::new();
    session.answer(
        &mut out,
        "b\"o\\b\r\n",
        "p",
        "REGISTER",
        "sip:\"",
        b"",
        "c\"",
    );
    let a1 = md5_hex("b\"o\\b\r\n:a \"b\" c:p");
    let a2 = md5_hex("REGISTER:sip:\"");
    let proof = md5_hex(&format!("{a1}:n\\:00000001:c\":auth:{a2}"));
    assert_eq!(
        out,
        r#"Digest username="b\"o\\b", realm="a \"b\" \c", nonce="n\\", uri="sip:\"", "#.to_owned()
            + &format!(r#"response="{proof}", cnonce="c\"", opaque="\"", qop=auth, nc=00000001"#)
    );
}

// rule A1
#[test]
fn names_outside_ascii_are_utf_8_whatever_the_charset() {
    for charset in ["", "charset=UTF-8"] {
        let mut session = session(charset);
        let mut out = String::new();
        session.answer(&mut out, "Jäsøn", "Brønsted", "REGISTER", URI, b"", "c");
        assert!(out.starts_with("Digest username=\"Jäsøn\", "));
        let (a1, a2) = (
            md5_hex("Jäsøn:biloxi.com:Brønsted"),
            md5_hex("REGISTER:sip:biloxi.com"),
        );
        assert_eq!(response(&out), md5_hex(&format!("{a1}:dcd98b71:{a2}")));
        assert!(!out.contains("charset"));
    }
}

#[test]
fn a_hashed_user_name_is_still_of_its_user() {
    let mut session = session("userhash=true, algorithm=SHA-256");
    let out = answer(&mut session, "c");
    assert!(out.ends_with(", userhash=true"));
    let credentials = Credentials::parse(&out).expect("an answer");
    assert!(credentials.is_of("bob") && !credentials.is_of("alice"));
    assert!(credentials.proves("bob", "zanzibar", "REGISTER", b""));
    assert!(!credentials.proves("bob", "timbuktu", "REGISTER", b""));
}

#[test]
fn a_session_is_small_and_its_longest_fits() {
    assert_eq!(size_of::<Session>(), 40);
    let long = "x".repeat(4_096);
    let value = format!(
        "Digest realm=\"{long}\", nonce=\"{long}\", opaque=\"{long}\", qop=auth, algorithm=MD5-sess"
    );
    let Some(Choice::Chosen(challenge)) = choose([value], Algorithm::Md5).pop() else {
        panic!("not chosen");
    };
    let mut session = Session::new(Challenger::Origin, challenge);
    for next in ["y", "z"] {
        let out = answer(&mut session, &long);
        let credentials = Credentials::parse(&out).expect("an answer");
        assert_eq!(
            (credentials.realm, credentials.opaque),
            (&*long, Some(&*long))
        );
        assert_eq!(credentials.cnonce, Some(&*long));
        let next = next.repeat(4_096);
        assert_eq!(
            info(&mut session, &format!("nextnonce={next}")),
            InfoVerdict::Fine
        );
        assert_eq!(session.nonce(), next);
    }
}
