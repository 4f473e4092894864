//! Documents in the manner of RFC 3680 §5, good, odd and hostile.

use super::*;

const FULL: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="0" state="full">
  <registration aor="sip:joe@example.net" id="as9" state="active">
    <contact id="76" state="active" event="registered" duration-registered="7322"
             q="0.8" expires="3600" callid="x@y" cseq="9">
      <uri>sip:joe@192.0.2.6:5070;regent=ff</uri>
      <display-name xml:lang="en">Joe &amp; Co</display-name>
      <unknown-param name="audio"/>
    </contact>
    <contact id="77" state="terminated" event="probation" retry-after="10" expires="0">
      <uri>sip:joe@192.0.2.7</uri>
    </contact>
  </registration>
  <registration aor="tel:+4930" id="2" state="terminated"/>
</reginfo>
"#;

#[test]
fn a_full_document_is_read() {
    let info = RegInfo::parse(FULL.as_bytes()).unwrap();
    assert_eq!((info.version, info.extent), (0, Extent::Full));
    let [joe, tel] = &info.registrations[..] else {
        panic!("{info:?}");
    };
    assert_eq!((&*joe.aor, &*joe.id), ("sip:joe@example.net", "as9"));
    assert_eq!(joe.state, RegistrationState::Active);
    assert_eq!(tel.state, RegistrationState::Terminated);
    assert!(tel.contacts.is_empty());
    let [first, second] = &joe.contacts[..] else {
        panic!("{joe:?}");
    };
    assert_eq!(&*first.uri, "sip:joe@192.0.2.6:5070;regent=ff");
    assert_eq!(first.event, ContactEvent::Registered);
    assert!(first.is_active && !second.is_active);
    assert_eq!((first.expires, first.retry_after), (Some(3600), None));
    assert_eq!(first.duration_registered, Some(7322));
    assert_eq!(second.event, ContactEvent::Probation);
    assert_eq!(second.retry_after, Some(10));
    assert_eq!(info.contacts().count(), 2);
}

#[test]
fn a_partial_document_is_read() {
    let text = document(
        "partial",
        "7",
        "<registration aor='a' id='b' state='init'/>",
    );
    let info = RegInfo::parse(text.as_bytes()).unwrap();
    assert_eq!((info.version, info.extent), (7, Extent::Partial));
    assert_eq!(info.registrations[0].state, RegistrationState::Init);
    let nothing = RegInfo::parse(document("full", "1", "").as_bytes()).unwrap();
    assert!(nothing.registrations.is_empty());
}

#[test]
fn every_event_is_known_and_others_do_no_harm() {
    let events = [
        ("registered", ContactEvent::Registered),
        ("created", ContactEvent::Created),
        ("refreshed", ContactEvent::Refreshed),
        ("shortened", ContactEvent::Shortened),
        ("expired", ContactEvent::Expired),
        ("deactivated", ContactEvent::Deactivated),
        ("probation", ContactEvent::Probation),
        ("unregistered", ContactEvent::Unregistered),
        ("rejected", ContactEvent::Rejected),
        ("exploded", ContactEvent::Other),
    ];
    for (text, event) in events {
        let attributes = format!("id='1' state='active' event='{text}'");
        assert_eq!(contact(&attributes, URI).unwrap().event, event);
    }
}

#[test]
fn the_uri_is_read_in_every_form_of_xml() {
    let uri = |text: &str| contact(STATE, text).map(|contact| contact.uri.into_string());
    let good = Ok("sip:a@b;x=1&y".to_owned());
    assert_eq!(uri("<uri>\n  sip:a@b;x=1&amp;y\t</uri>"), good);
    assert_eq!(uri("<uri><![CDATA[sip:a@b;x=1&y]]></uri>"), good);
    assert_eq!(
        uri("<uri>sip:a&#64;b<!-- no -->;x=&#x31;&#38;y</uri>"),
        good
    );
    assert_eq!(uri("<uri>sip:a@b<x>no</x>;x=1&amp;y</uri>"), good);
    assert_eq!(
        uri("<f:uri xmlns:f='f'>no</f:uri><uri>sip:a@b;x=1&amp;y</uri>"),
        good
    );
    assert_eq!(uri(""), Err(RegInfoError::Wrong("uri")));
    assert_eq!(uri("<uri> </uri>"), Err(RegInfoError::Wrong("uri")));
    assert_eq!(
        uri("<uri>a</uri><uri>b</uri>"),
        Err(RegInfoError::Wrong("uri"))
    );
    assert_eq!(uri("<uri>&bomb;</uri>"), Err(RegInfoError::Malformed));
    assert_eq!(uri("<uri>&#0;</uri>"), Err(RegInfoError::Malformed));
}

#[test]
fn prefixes_and_other_namespaces_make_no_difference() {
    let text = "\u{feff}<r:reginfo xmlns:r=\"urn:ietf:params:xml:ns:reginfo\" \
        xmlns:g=\"urn:ietf:params:xml:ns:gruuinfo\" version=\" 3 \" state=\"full\" g:state=\"x\">\
        <g:registration aor=\"no\" id=\"no\" state=\"no\"><r:contact/></g:registration>\
        <r:registration aor=\"a\" id=\"b\" state=\"active\"><r:other><r:contact/></r:other>\
        <r:contact id=\"c\" state=\"active\" event=\"created\"><r:uri>sip:a@b</r:uri>\
        <g:pub-gruu uri=\"no\"/></r:contact></r:registration></r:reginfo>";
    let info = RegInfo::parse(text.as_bytes()).unwrap();
    assert_eq!((info.version, info.registrations.len()), (3, 1));
    assert_eq!(&*info.contacts().next().unwrap().1.uri, "sip:a@b");
    let other = "<reginfo xmlns=\"urn:other\" version=\"0\" state=\"full\"/>";
    let none = "<reginfo version=\"0\" state=\"full\"/>";
    for text in [other, none, "<presence/>"] {
        assert_eq!(
            RegInfo::parse(text.as_bytes()),
            Err(RegInfoError::NotRegInfo)
        );
    }
}

#[test]
fn what_the_schema_requires_must_be_there() {
    let wrong = |name| Err(RegInfoError::Wrong(name));
    let parse = |text: &str| RegInfo::parse(text.as_bytes()).map(|_| ());
    assert_eq!(parse(&document("other", "0", "")), wrong("state"));
    assert_eq!(parse(&document("full", "-1", "")), wrong("version"));
    assert_eq!(parse(&document("full", "", "")), wrong("version"));
    let registration = |attributes: &str| {
        parse(&document(
            "full",
            "0",
            &format!("<registration {attributes}/>"),
        ))
    };
    assert_eq!(registration("aor='a' id='b'"), wrong("state"));
    assert_eq!(registration("aor='a' id='b' state='maybe'"), wrong("state"));
    assert_eq!(registration("aor='a' state='active'"), wrong("id"));
    assert_eq!(registration("id='a' state='active'"), wrong("aor"));
    let contact = |attributes: &str| contact(attributes, URI).map(|_| ());
    assert_eq!(contact("id='a' state='active'"), wrong("event"));
    assert_eq!(contact("state='active' event='created'"), wrong("id"));
    assert_eq!(
        contact("id='a' state='init' event='created'"),
        wrong("state")
    );
}

#[test]
fn numbers_are_bounded_and_garbage_is_nothing() {
    let expires = |text: &str| {
        let attributes = format!("{STATE} expires='{text}' retry-after='{text}'");
        let contact = contact(&attributes, URI).unwrap();
        assert_eq!(contact.expires, contact.retry_after);
        contact.expires
    };
    assert_eq!(expires("0060"), Some(60));
    assert_eq!(expires("4294967296"), Some(u32::MAX));
    assert_eq!(expires(&"9".repeat(40)), Some(u32::MAX));
    for garbage in ["", "-1", "+1", "1.5", "soon"] {
        assert_eq!(expires(garbage), None, "{garbage}");
    }
}

#[test]
fn what_is_not_well_formed_is_refused() {
    for (from, to) in [
        ("</reginfo>", ""),
        ("</reginfo>", "</reginfo></reginfo>"),
        ("</reginfo>", "</reginfo>tail"),
        ("</reginfo>", "</reginfo>&amp;"),
        ("</reginfo>", "</reginfo><![CDATA[]]>"),
        ("</contact>", "</uri>"),
        ("id=\"76\"", "id=\"76\" id=\"76\""),
        ("id=\"76\"", "id=76"),
        ("id=\"76\"", "id"),
        ("id=\"76\"", "id=\"&undeclared;\""),
        ("id=\"76\"", "id=\"7\u{1}6\""),
        ("<display-name", "<f:display-name"),
        ("<uri>", "<!-- a -- b --><uri>"),
        ("<uri>", "<?xml version=\"1.0\"?><uri>"),
        ("<uri>", "<"),
        ("version=\"1.0\"", "version=\"2.0\""),
    ] {
        let text = FULL.replacen(from, to, 1);
        assert_eq!(
            RegInfo::parse(text.as_bytes()),
            Err(RegInfoError::Malformed),
            "{from} → {to}"
        );
    }
    let twice = FULL.replace("</reginfo>", "</reginfo><reginfo/>");
    assert_eq!(
        RegInfo::parse(twice.as_bytes()),
        Err(RegInfoError::NotRegInfo)
    );
    for text in ["", "  ", "sip:a@b", "{}"] {
        assert!(RegInfo::parse(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn declared_entities_are_refused_unread() {
    let bomb = FULL.replacen(
        "?>",
        "?><!DOCTYPE reginfo [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;\">\
         <!ENTITY file SYSTEM \"file:///etc/passwd\">]>",
        1,
    );
    let refused = Err(RegInfoError::DocumentType);
    assert_eq!(RegInfo::parse(bomb.as_bytes()), refused);
    let external = FULL.replacen("?>", "?><!DOCTYPE reginfo SYSTEM \"http://192.0.2.1/\">", 1);
    assert_eq!(RegInfo::parse(external.as_bytes()), refused);
}

#[test]
fn only_utf_8_is_read() {
    let refused = Err(RegInfoError::Encoding);
    let latin = FULL.replacen("UTF-8", "ISO-8859-1", 1);
    assert_eq!(RegInfo::parse(latin.as_bytes()), refused);
    let mut bytes = FULL.as_bytes().to_vec();
    let at = FULL.find("joe").unwrap();
    bytes[at] = 0xff;
    assert_eq!(RegInfo::parse(&bytes), refused);
    let wide: Vec<u8> = FULL.encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert!(RegInfo::parse(&wide).is_err());
    assert!(RegInfo::parse(FULL.replacen("UTF-8", "utf-8", 1).as_bytes()).is_ok());
    assert!(RegInfo::parse(FULL.replacen(" encoding=\"UTF-8\"", "", 1).as_bytes()).is_ok());
}

#[test]
fn limits_hold() {
    let parse = |text: &str| RegInfo::parse(text.as_bytes()).map(|info| info.contacts().count());
    let nested = |levels: usize| {
        let inside = format!("{}{}", "<x>".repeat(levels), "</x>".repeat(levels));
        document("full", "0", &inside)
    };
    assert_eq!(parse(&nested(MAX_DEPTH - 1)), Ok(0));
    assert_eq!(parse(&nested(MAX_DEPTH)), Err(RegInfoError::TooDeep));
    let many = |count: usize| document("full", "0", &"<x/>".repeat(count));
    assert_eq!(parse(&many(MAX_ELEMENTS - 1)), Ok(0));
    assert_eq!(
        parse(&many(MAX_ELEMENTS)),
        Err(RegInfoError::TooManyElements)
    );
    let mut long = document("full", "0", "");
    long.push_str(&" ".repeat(MAX_DOCUMENT - long.len()));
    assert_eq!(parse(&long), Ok(0));
    long.push(' ');
    assert_eq!(parse(&long), Err(RegInfoError::TooLong));
}

#[test]
fn mutated_documents_break_nothing() {
    let full = FULL.as_bytes().to_vec();
    let short = document("partial", "9", "<x a='b'><![CDATA[c]]>&lt;<!-- d --></x>");
    let seeds = [full, short.into_bytes()];
    let mut random = Random(0x5eed_0004);
    let mut read = 0;
    for _ in 0..20_000 {
        let mut bytes = seeds[random.below(2)].clone();
        for _ in 0..=random.below(3) {
            mutate(&mut bytes, &mut random);
        }
        crate::sip::fuzz::fuzz_reginfo(&bytes);
        read += usize::from(RegInfo::parse(&bytes).is_ok());
    }
    assert!((1_000..15_000).contains(&read), "{read} could be read");
}

const URI: &str = "<uri>sip:a@b</uri>";
const STATE: &str = "id='1' state='active' event='created'";

fn document(state: &str, version: &str, inside: &str) -> String {
    format!(
        "<reginfo xmlns='urn:ietf:params:xml:ns:reginfo' version='{version}' \
         state='{state}'>{inside}</reginfo>"
    )
}

fn contact(attributes: &str, inside: &str) -> Result<Contact, RegInfoError> {
    let contact = format!("<contact {attributes}>{inside}</contact>");
    let inside = format!("<registration aor='a' id='b' state='active'>{contact}</registration>");
    let mut info = RegInfo::parse(document("full", "0", &inside).as_bytes())?;
    Ok(info.registrations.remove(0).contacts.remove(0))
}

/// Xorshift, as by Marsaglia.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or_default() % bound.max(1)
    }
}

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    const TOKENS: &[&[u8]] = &[
        b"<",
        b">",
        b"/>",
        b"</",
        b"&",
        b"&amp;",
        b"&#x0;",
        b"&#55296;",
        b"\"",
        b"'",
        b"=",
        b" ",
        b"<!--",
        b"-->",
        b"<![CDATA[",
        b"]]>",
        b"<?",
        b"?>",
        b"<!DOCTYPE",
        b"\0",
        b"\xff",
        b":",
        b"xmlns:a=\"\"",
        b"<x/>",
        b"\xc3\xa9",
        b"99999999999999999999",
    ];
    let at = random.below(bytes.len() + 1);
    let end = (at + random.below(24)).min(bytes.len());
    match random.below(8) {
        0 | 1 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
        2 => drop(bytes.drain(at..end)),
        3 | 4 => {
            let copy = bytes[at..end].to_vec();
            let place = random.below(bytes.len() + 1);
            bytes.splice(place..place, copy);
        }
        5 if random.below(8) == 0 => bytes.truncate(at),
        _ => {
            let token = TOKENS[random.below(TOKENS.len())];
            bytes.splice(at..at, token.iter().copied());
        }
    }
}
