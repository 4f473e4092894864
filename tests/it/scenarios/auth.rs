//! Digest authentication in all its forms (rules A1, A2).

use libtest_mimic::Trial;
use regent::effect::{Event, Phase};
use regent::sim::{Behaviour, Challenge, Form, Offer, Proof, Setup, Used, World, at, sent};
use regent::sip::Algorithm;

use super::world;

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        every_algorithm_answers_every_quality_of_protection,
        a_session_algorithm_without_quality_of_protection_is_not_answered,
        no_algorithm_means_md5,
        the_strongest_of_several_offers_is_taken,
        schemes_and_algorithms_that_nobody_knows_are_skipped,
        only_unknown_algorithms_are_refused_credentials,
        a_challenge_below_the_minimum_is_refused,
        of_a_weak_and_a_strong_offer_the_minimum_takes_the_strong_one,
        a_407_is_answered_with_proxy_authorization,
        two_challengers_are_both_answered_and_both_remembered,
        nextnonce_is_used_at_once,
        a_right_rspauth_is_accepted_silently,
        a_wrong_rspauth_is_reported,
        the_nonce_count_starts_anew_with_each_nonce,
        challenges_in_every_form_are_read,
        one_of_two_offered_qualities_is_chosen,
    ]
}

const ALGORITHMS: [(Algorithm, &str); 6] = [
    (Algorithm::Md5, "MD5"),
    (Algorithm::Md5Sess, "MD5-sess"),
    (Algorithm::Sha256, "SHA-256"),
    (Algorithm::Sha256Sess, "SHA-256-sess"),
    (Algorithm::Sha512_256, "SHA-512-256"),
    (Algorithm::Sha512_256Sess, "SHA-512-256-sess"),
];

fn every_algorithm_answers_every_quality_of_protection() {
    for (algorithm, name) in ALGORITHMS {
        for (qop, count) in [(None, 0), (Some("auth"), 1), (Some("auth-int"), 1)] {
            if qop.is_none() && name.ends_with("-sess") {
                // No cnonce without qop, and no session key without a cnonce: see the next story.
                continue;
            }
            let challenge = Challenge::www(algorithm, qop);
            let mut world = world(Setup::one(), Behaviour::open().challenge(challenge));
            world.expect_at("0", sent("REGISTER").bare());
            world.expect_at("0.020", sent("REGISTER").algorithm(name).nc(count));
            world.expect_phase_at("0.040", "main", Phase::Registered);
            let used = &world.last_packet().summary.credentials[0];
            assert_eq!(used.qop, qop.unwrap_or_default(), "{name}");
            assert_eq!(world.status("main").algorithm.as_deref(), Some(name));
            let next = if qop.is_some() { 2 } else { 0 };
            world.expect_at("90.040", sent("REGISTER").algorithm(name).nc(next));
            world.run_until(at("91"));
            assert_eq!(world.registrar().counts().challenged, 1, "{name} {qop:?}");
        }
    }
}

// RFC 7616 §3.4.2: the session key is made with the cnonce.
fn a_session_algorithm_without_quality_of_protection_is_not_answered() {
    for (algorithm, _) in ALGORITHMS.into_iter().skip(1).step_by(2) {
        let challenge = Challenge::www(algorithm, None);
        let mut world = world(Setup::one(), Behaviour::open().challenge(challenge));
        world.expect_at("0", sent("REGISTER").bare());
        world.expect_phase_at("0.020", "main", Phase::WaitingToRetry);
        assert_eq!(world.status("main").temporary, Some(false));
        world.expect_silence_until("30.020");
    }
}

fn no_algorithm_means_md5() {
    let offers = vec![Offer::digest("sim", None, Some("auth"))];
    let behaviour = Behaviour::open().challenge(Challenge::of(401, offers));
    let mut world = world(Setup::one(), behaviour);
    world.expect_at("0", sent("REGISTER").bare());
    world.expect_at("0.020", sent("REGISTER").nc(1));
    world.expect_phase_at("0.040", "main", Phase::Registered);
}

fn the_strongest_of_several_offers_is_taken() {
    let order = |names: &[usize]| {
        let offer = |nth: &usize| Offer::digest("sim", Some(ALGORITHMS[*nth].0), Some("auth"));
        Challenge::of(401, names.iter().map(offer).collect())
    };
    for (offered, taken) in [
        (order(&[0, 2]), "SHA-256"),
        (order(&[2, 0]), "SHA-256"),
        (order(&[0, 4, 2]), "SHA-512-256"),
        (order(&[0, 4, 2]).in_one_line(), "SHA-512-256"),
        (order(&[2, 0]).in_one_line(), "SHA-256"),
    ] {
        let mut world = world(Setup::one(), Behaviour::open().challenge(offered));
        world.expect_at("0", sent("REGISTER").bare());
        world.expect_at("0.020", sent("REGISTER").algorithm(taken).nc(1));
        world.expect_phase_at("0.040", "main", Phase::Registered);
    }
}

fn schemes_and_algorithms_that_nobody_knows_are_skipped() {
    let strange = [
        "Basic realm=\"sim\"",
        "Negotiate abc==",
        "NTLM",
        "Digest realm=\"sim\", nonce=\"n\", algorithm=SHA3-512, qop=\"auth\"",
        "Digest realm=\"sim\", nonce=\"n\", algorithm=AKAv1-MD5",
    ];
    for one_line in [false, true] {
        let raw = |text: &&str| Offer::Raw((*text).to_owned());
        let mut offers: Vec<Offer> = strange.iter().map(raw).collect();
        offers.insert(3, Offer::digest("sim", Some(Algorithm::Md5), Some("auth")));
        let mut challenge = Challenge::of(401, offers);
        challenge.one_line = one_line;
        let mut world = world(Setup::one(), Behaviour::open().challenge(challenge));
        world.expect_at("0", sent("REGISTER").bare());
        world.expect_at("0.020", sent("REGISTER").nc(1));
        world.expect_phase_at("0.040", "main", Phase::Registered);
    }
}

fn only_unknown_algorithms_are_refused_credentials() {
    let offers = [
        "Basic realm=\"sim\"",
        "Digest realm=\"sim\", nonce=\"n\", algorithm=SHA3-512",
    ];
    let offers = offers.map(|text| Offer::Raw(text.to_owned())).to_vec();
    let behaviour = Behaviour::open().challenge(Challenge::of(401, offers));
    let mut world = world(Setup::one(), behaviour);
    world.expect_at("0", sent("REGISTER").bare());
    world.expect_phase_at("0.020", "main", Phase::WaitingToRetry);
    assert_eq!(world.status("main").temporary, Some(false));
    world.expect_silence_until("30.020");
}

// Below `minimum_algorithm`: refused ("downgrade").
fn a_challenge_below_the_minimum_is_refused() {
    let setup = Setup::one().registration(|it| it.minimum_algorithm = Algorithm::Sha256);
    let mut world = world(setup, Behaviour::digest());
    world.expect_at("0", sent("REGISTER").bare());
    world.expect_phase_at("0.020", "main", Phase::WaitingToRetry);
    let status = world.status("main");
    assert!(
        status.detail.is_some_and(|it| it.contains("downgrade")),
        "it says why"
    );
    assert_eq!(status.temporary, Some(false));
    world.expect_silence_until("30.020");
    world.run_until(at("10000"));
    let digests = world.transcript().sent(0);
    let digests = digests.filter(|(_, _, packet)| !packet.summary.credentials.is_empty());
    assert_eq!(digests.count(), 0, "no digest ever leaves");
}

fn of_a_weak_and_a_strong_offer_the_minimum_takes_the_strong_one() {
    let setup = Setup::one().registration(|it| it.minimum_algorithm = Algorithm::Sha512_256);
    let offer = |nth: usize| Offer::digest("sim", Some(ALGORITHMS[nth].0), Some("auth"));
    let challenge = Challenge::of(401, [0, 2, 4].map(offer).to_vec());
    let mut world = world(setup, Behaviour::open().challenge(challenge));
    world.expect_at("0", sent("REGISTER").bare());
    world.expect_at("0.020", sent("REGISTER").algorithm("SHA-512-256"));
    world.expect_phase_at("0.040", "main", Phase::Registered);
}

fn a_407_is_answered_with_proxy_authorization() {
    let challenge = Challenge::proxy(Algorithm::Md5, Some("auth"));
    let mut world = world(Setup::one(), Behaviour::open().challenge(challenge));
    world.expect_at("0", sent("REGISTER").bare());
    world.expect_at("0.020", sent("REGISTER").nc(1));
    assert!(used(&world)[0].proxy);
    world.expect_at("90.040", sent("REGISTER").nc(2));
    assert!(used(&world)[0].proxy);
}

// A challenger is (401 or 407, realm); a refresh carries all credentials from its first message.
fn two_challengers_are_both_answered_and_both_remembered() {
    let www = Challenge::www(Algorithm::Sha256, Some("auth")).realm("registrar");
    let proxy = Challenge::proxy(Algorithm::Md5, Some("auth")).realm("edge");
    let behaviour = Behaviour::open().challenge(proxy).challenge(www);
    let mut world = world(Setup::one(), behaviour);
    world.expect_at("0", sent("REGISTER").bare());
    world.expect_at("0.020", sent("REGISTER").nc(1));
    world.expect_at("0.040", sent("REGISTER").auth());
    let realms: Vec<_> = used(&world)
        .iter()
        .map(|used| (used.proxy, &*used.realm))
        .collect();
    assert_eq!(realms, [(false, "registrar"), (true, "edge")]);
    world.expect_phase_at("0.060", "main", Phase::Registered);
    world.expect_at("90.060", sent("REGISTER").auth());
    assert_eq!(used(&world).len(), 2);
    world.expect_silence_until("180.080");
    assert_eq!(world.registrar().counts().challenged, 2);
}

fn nextnonce_is_used_at_once() {
    let mut world = world(Setup::one(), Behaviour::digest().next_nonce());
    world.expect_at("0", sent("REGISTER").bare());
    let mut nonces = Vec::new();
    for when in ["0.020", "90.040", "180.060", "270.080"] {
        world.expect_at(when, sent("REGISTER").nc(1));
        nonces.push(used(&world)[0].nonce.clone());
    }
    nonces.dedup();
    assert_eq!(nonces.len(), 4, "a nonce for each: {nonces:?}");
    assert_eq!(world.registrar().counts().stale, 0);
}

fn a_right_rspauth_is_accepted_silently() {
    for (algorithm, _) in ALGORITHMS {
        for qop in [Some("auth"), Some("auth-int")] {
            let challenge = Challenge::www(algorithm, qop);
            let behaviour = Behaviour::open().challenge(challenge).proof(Proof::Right);
            let mut world = world(Setup::one(), behaviour.next_nonce());
            world.run_until(at("100"));
            world.expect_phase("main", Phase::Registered);
            assert_eq!(
                warnings(&world),
                Vec::<String>::new(),
                "{algorithm:?} {qop:?}"
            );
        }
    }
}

fn a_wrong_rspauth_is_reported() {
    let mut world = world(Setup::one(), Behaviour::digest().proof(Proof::Wrong));
    world.run_until(at("1"));
    let warnings = warnings(&world);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("rspauth"), "{warnings:?}");
}

fn the_nonce_count_starts_anew_with_each_nonce() {
    let mut world = world(Setup::one(), Behaviour::digest());
    world.skip_until("100");
    world.registrar().behave(Behaviour::digest().stale(1));
    world.expect_at("180.060", sent("REGISTER").nc(3));
    world.expect_at("180.080", sent("REGISTER").nc(1));
    world.expect_at("270.100", sent("REGISTER").nc(2));
    assert_eq!(world.registrar().counts().nc_replays, 0);
}

// rule A2: letter case, folding, compact forms, quoted commas and escapes.
fn challenges_in_every_form_are_read() {
    let realm = "a, \\\"b\\\" = <c>; Digest realm=";
    for form in [Form::Plain, Form::Compact, Form::Folded] {
        for one_line in [false, true] {
            let mut challenge = Challenge::of(
                401,
                vec![
                    Offer::Raw("dIGEST Realm=\"x\",NONCE=\"1,2\" ,Algorithm=\"SHA3\"".to_owned()),
                    Offer::digest(
                        "sim",
                        Some(Algorithm::Sha256),
                        Some("auth-int, auth ,other"),
                    ),
                    Offer::Raw(format!("Basic realm=\"{realm}\"")),
                ],
            );
            challenge.one_line = one_line;
            let behaviour = Behaviour::open().challenge(challenge).form(form);
            let mut world = world(Setup::one(), behaviour);
            world.expect_at("0", sent("REGISTER").bare());
            world.expect_at("0.020", sent("REGISTER").algorithm("SHA-256").nc(1));
            world.expect_phase_at("0.040", "main", Phase::Registered);
        }
    }
}

fn one_of_two_offered_qualities_is_chosen() {
    for qop in ["auth,auth-int", "auth-int, auth"] {
        let challenge = Challenge::www(Algorithm::Md5, Some(qop));
        let mut world = world(Setup::one(), Behaviour::open().challenge(challenge));
        world.expect_at("0", sent("REGISTER").bare());
        world.expect_at("0.020", sent("REGISTER").nc(1));
        let qop = &used(&world)[0].qop;
        assert!(qop == "auth" || qop == "auth-int", "{qop}");
        world.expect_phase_at("0.040", "main", Phase::Registered);
    }
}

fn used(world: &World) -> &[Used] {
    &world.last_packet().summary.credentials
}

fn warnings(world: &World) -> Vec<String> {
    let warnings = world
        .events_of("main")
        .filter_map(|(_, event)| match event {
            Event::Warning { what, .. } => Some(what.clone()),
            Event::PhaseChanged { .. }
            | Event::RefreshFailed { .. }
            | Event::MemberChanged { .. }
            | Event::Moved { .. }
            | Event::ListenFailed { .. } => None,
        });
    warnings.collect()
}
