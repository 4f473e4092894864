//! Moods of a registrar.

use regent::sim::{Behaviour, Challenge, ContactAs, Proof, Shows};
use regent::sip::Algorithm;
use regent::time::Duration;

/// So many moods there are.
pub(super) const MOODS: u64 = 27;

pub(super) fn behaviour(mood: usize) -> Behaviour {
    let other = "<sip:other@192.0.2.9>;expires=15";
    let outside = "203.0.113.1:1024".parse().expect("an address");
    let sha = Challenge::proxy(Algorithm::Sha512_256Sess, Some("auth-int,auth"));
    match mood {
        0 => Behaviour::open(),
        1 => Behaviour::silence(),
        2 => Behaviour::refusing(403),
        3 => Behaviour::refusing(404),
        4 => Behaviour::refusing(500),
        5 => Behaviour::refusing(503).with("Retry-After", "77"),
        6 => Behaviour::refusing(600),
        7 => Behaviour::refusing(302).with("Contact", "<sip:10.0.0.9>"),
        8 => Behaviour::refusing(420).with("Unsupported", "path"),
        9 => Behaviour::refusing(423).with("Min-Expires", "99999"),
        10 => Behaviour::digest().min_expires(600),
        11 => Behaviour::digest().stale(1),
        12 => Behaviour::digest().stale(9),
        13 => Behaviour::digest().next_nonce().proof(Proof::Right),
        14 => Behaviour::digest().proof(Proof::Wrong),
        15 => Behaviour::digest().grants(20),
        16 => Behaviour::digest().grants(0),
        17 => Behaviour::digest().late(Duration::from_millis(1_700)),
        18 => Behaviour::digest().late(Duration::from_secs(40)).trying(),
        19 => Behaviour::digest().copies(3),
        20 => Behaviour::digest()
            .contact(ContactAs::Source)
            .lists_before(other),
        21 => Behaviour::digest()
            .contact(ContactAs::Unmarked(outside))
            .lists_after(other),
        22 => Behaviour::digest()
            .contact(ContactAs::Hidden)
            .shows(Shows::Header),
        23 => Behaviour::open()
            .challenge(sha)
            .nonce_lifetime(Duration::from_secs(30)),
        24 => Behaviour::open().garbage(b"\0\xff what?\r\n\r\n"),
        25 => Behaviour::digest().drop_every(3),
        _ => Behaviour::digest(),
    }
}
