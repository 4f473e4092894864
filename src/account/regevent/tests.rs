//! Subscriptions in virtual time: each line of rule R1, and what RFC 6665 §4.1 asks beyond it.

use super::*;
use crate::cx::Transactions;
use crate::effect::SocketId;
use crate::pace::Pace;
use crate::rng::Seed;

const AOR: &str = "sip:4930@carrier.example";
const CONTACT: &str = "sip:4930@192.0.2.1:5070;regent=ff";
const OURS: Ours<'_> = Ours {
    aor: AOR,
    contact: CONTACT,
    mark: ("regent", "ff"),
};
const ROUTE: &str = "<sip:edge.carrier.example;lr>";

// rule R1
#[test]
fn a_subscribe_follows_the_first_200_and_has_the_form_of_the_package() {
    let mut world = World::new();
    assert_eq!(world.it.state(), State::None);
    assert_eq!(world.it.deadline(), None);
    assert_eq!(world.it.on_bound(true), Next::Send);
    let text = world.send();
    let tag = world.it.tag();
    for line in [
        "SUBSCRIBE sip:4930@carrier.example SIP/2.0",
        "Via: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKx;rport",
        "Max-Forwards: 70",
        "Route: <sip:edge.carrier.example;lr>",
        &format!("From: <sip:4930@carrier.example>;tag={tag}"),
        "To: <sip:4930@carrier.example>",
        "CSeq: 1 SUBSCRIBE",
        "Contact: <sip:4930@192.0.2.1:5070;regent=ff>",
        "Event: reg",
        "Accept: application/reginfo+xml",
        "Expires: 3761",
        "Authorization: Digest x",
        "User-Agent: regent",
        "Content-Length: 0",
    ] {
        assert!(
            text.lines().any(|it| it == line),
            "{line} is not in\n{text}"
        );
    }
    assert_eq!(world.it.state(), State::Subscribing);
    assert_eq!(world.it.on_bound(true), Next::Wait, "it is under way");
}

#[test]
fn our_tag_leads_to_our_account() {
    let mut world = World::new();
    world.subscribe();
    assert_eq!(account_of(&world.it.tag()), Some(ACCOUNT));
    for other in ["", "x", "00000007-00000003-000000000000000g"] {
        assert_eq!(account_of(other), None);
    }
}

// rule R1 (refreshed)
#[test]
fn it_is_refreshed_at_half_of_what_was_granted() {
    let mut world = World::new();
    world.subscribe();
    world.accept("Expires: 1000\r\nContact: <sip:notifier@198.51.100.1>\r\n");
    assert_eq!(world.until(), Some(1_000));
    world.notify(1, "active;expires=1000", &full(BOUND));
    assert_eq!(world.deadline(), Some(500));
    assert_eq!(world.timer_at(499), Next::Wait);
    assert_eq!(world.timer_at(500), Next::Send);
    let text = world.send();
    assert!(
        text.starts_with("SUBSCRIBE sip:their-contact@198.51.100.1 SIP/2.0\r\n"),
        "{text}"
    );
    assert!(
        text.contains("\r\nTo: <sip:4930@carrier.example>;tag=theirs\r\n"),
        "{text}"
    );
    assert!(text.contains("\r\nCSeq: 2 SUBSCRIBE\r\n"), "{text}");
    assert!(!text.contains("Route:"), "the dialog has none:\n{text}");
    world.accept("Expires: 600\r\n");
    world.notify(2, "active", &full(BOUND));
    assert_eq!((world.until(), world.deadline()), (Some(1_100), Some(800)));
}

#[test]
fn a_grant_is_never_longer_than_asked_and_may_be_missing_or_nothing() {
    for (header, until) in [
        ("Expires: 99999\r\n", Some(3_761)),
        ("", Some(3_761)),
        ("Expires: 0\r\n", None),
    ] {
        let mut world = World::new();
        world.subscribe();
        world.accept(header);
        assert_eq!(world.until(), until, "{header}");
    }
}

#[test]
fn the_notifier_says_last_how_long_it_stands() {
    let mut world = World::subscribed();
    world.notify(2, "active;expires=100", "");
    assert_eq!((world.until(), world.deadline()), (Some(100), Some(50)));
    world.now(40);
    world.notify(3, "active;expires=900", "");
    assert_eq!(
        (world.until(), world.deadline()),
        (Some(940), Some(50)),
        "never later"
    );
    world.notify(4, "active;expires=0", "");
    assert_eq!(world.it.state(), State::Terminated);
}

// RFC 6665 §4.4.1
#[test]
fn a_notify_before_the_200_makes_the_dialog() {
    let mut world = World::new();
    world.subscribe();
    let notified = world.notify(7, "active;expires=300", &full(BOUND));
    assert_eq!(
        (notified.reply.code, notified.verdict),
        (200, Verdict::StillThere)
    );
    assert_eq!(
        (world.until(), world.deadline()),
        (Some(300), Some(300)),
        "no second one yet"
    );
    world.accept("Expires: 400\r\n");
    assert_eq!((world.until(), world.deadline()), (Some(400), Some(200)));
    assert_eq!(world.timer_at(200), Next::Send);
    let text = world.send();
    assert!(
        text.starts_with("SUBSCRIBE sip:their-contact@198.51.100.1 "),
        "{text}"
    );
    assert!(
        text.contains("\r\nRoute: <sip:proxy.carrier.example;lr>\r\n"),
        "{text}"
    );
}

// RFC 3680 §4.9
#[test]
fn a_fork_makes_no_second_dialog() {
    let mut world = World::subscribed();
    let fork = world.notify_as("other", 1, "active", &full(GONE));
    assert_eq!((fork.reply.code, fork.verdict), (481, Verdict::None));
}

// RFC 6665 §4.1.2.4
#[test]
fn a_subscription_without_a_notify_has_failed() {
    let mut world = World::new();
    world.subscribe();
    world.accept("Expires: 1000\r\n");
    assert_eq!(world.timer_at(31), Next::Wait);
    assert_eq!(world.deadline(), Some(32));
    assert_eq!(world.timer_at(32), Next::Wait);
    assert_eq!(
        (world.it.state(), world.deadline()),
        (State::Terminated, None)
    );
    assert_eq!(world.notify(1, "active", &full(GONE)).reply.code, 481);
    assert_eq!(world.it.on_bound(false), Next::Wait, "not for a refresh");
    assert_eq!(world.it.on_bound(true), Next::Send);
}

// rule R1 (489, 403, 405, 5xx or silence)
#[test]
fn a_refusal_waits_for_the_next_new_binding() {
    for code in [401, 403, 404, 405, 407, 408, 480, 481, 489, 500, 503, 603] {
        let mut world = World::new();
        world.subscribe();
        let before = world.it.call_id.clone();
        assert_eq!(
            world.answer(code, "Retry-After: 5\r\n"),
            Next::Wait,
            "{code}"
        );
        assert_eq!(
            (world.it.state(), world.deadline()),
            (State::Terminated, None)
        );
        assert_eq!(world.it.on_bound(false), Next::Wait);
        assert_eq!(world.it.on_bound(true), Next::Send);
        let text = world.send();
        assert!(text.contains("\r\nCSeq: 1 SUBSCRIBE\r\n"), "{text}");
        assert_ne!(world.it.call_id, before);
    }
    let mut world = World::new();
    world.subscribe();
    world.now(32);
    assert_eq!(world.it.on_no_answer(world.at), Next::Wait);
    assert_eq!(world.it.state(), State::Terminated);
    assert_eq!(world.it.on_bound(true), Next::Send);
}

// RFC 6665 §4.1.2.2
#[test]
fn a_refused_refresh_ends_it_or_leaves_it_until_it_expires() {
    for (code, stays) in [
        (500, true),
        (503, true),
        (403, true),
        (404, false),
        (489, false),
    ] {
        let mut world = World::subscribed();
        assert_eq!(world.timer_at(500), Next::Send);
        world.send();
        assert_eq!(world.answer(code, ""), Next::Wait);
        assert_eq!(world.until().is_some(), stays, "{code}");
        if stays {
            assert_eq!(world.deadline(), Some(1_000));
            let notified = world.notify(2, "active", &full(GONE));
            assert_eq!(notified.verdict, Verdict::RegisterAtOnce);
            assert_eq!(world.timer_at(1_000), Next::Wait);
        }
        assert_eq!(
            (world.it.state(), world.deadline()),
            (State::Terminated, None)
        );
        assert_eq!(world.it.on_bound(true), Next::Send);
    }
}

#[test]
fn a_refresh_that_nobody_answers_ends_it_unless_a_notify_came() {
    for comes in [false, true] {
        let mut world = World::subscribed();
        assert_eq!(world.timer_at(500), Next::Send);
        world.send();
        if comes {
            world.notify(2, "active", "");
        }
        world.now(532);
        assert_eq!(world.it.on_no_answer(world.at), Next::Wait);
        assert_eq!(world.until(), comes.then_some(1_000));
    }
}

#[test]
fn a_notifier_that_forgot_it_is_asked_anew_at_once_but_not_over_and_over() {
    let mut world = World::subscribed();
    assert_eq!(world.timer_at(500), Next::Send);
    world.send();
    let before = world.it.call_id.clone();
    assert_eq!(world.answer(481, ""), Next::Send);
    let text = world.send();
    assert!(
        text.contains("\r\nTo: <sip:4930@carrier.example>\r\n"),
        "{text}"
    );
    assert_ne!(world.it.call_id, before);
    assert_eq!(world.answer(200, "Expires: 1000\r\n"), Next::Wait);
    let ended = world.notify(1, "terminated;reason=deactivated", "");
    assert_eq!((ended.reply.code, ended.next), (200, Next::Wait));
    assert_eq!(world.deadline(), Some(532));
    assert_eq!(world.timer_at(532), Next::Send);
}

#[test]
fn a_423_is_obeyed_when_it_is_sensible() {
    let mut world = World::new();
    world.subscribe();
    assert_eq!(world.answer(423, "Min-Expires: 7200\r\n"), Next::Send);
    let text = world.send();
    assert!(text.contains("\r\nExpires: 7200\r\n"), "{text}");
    assert!(text.contains("\r\nCSeq: 2 SUBSCRIBE\r\n"), "{text}");
    assert_eq!(world.answer(423, "Min-Expires: 7200\r\n"), Next::Wait);
    assert_eq!(world.it.state(), State::Terminated);
    for odd in ["", "Min-Expires: 60\r\n", "Min-Expires: 4000000\r\n"] {
        let mut world = World::new();
        world.subscribe();
        assert_eq!(world.answer(423, odd), Next::Wait, "{odd}");
    }
}

// rule R1
#[test]
fn a_423_that_always_wants_more_is_obeyed_twice() {
    let mut world = World::new();
    world.subscribe();
    for more in [5_000, 6_000] {
        let answer = format!("Min-Expires: {more}\r\n");
        assert_eq!(world.answer(423, &answer), Next::Send);
        world.send();
    }
    assert_eq!(world.answer(423, "Min-Expires: 7000\r\n"), Next::Wait);
    assert_eq!(world.it.state(), State::Terminated);
}

// rule R1 (authenticated)
#[test]
fn a_challenge_is_followed_by_the_same_request_with_the_next_number() {
    let mut world = World::new();
    world.subscribe();
    let before = world.it.call_id.clone();
    assert_eq!(world.it.on_challenged(), Next::Send);
    let text = world.send();
    assert!(text.contains("\r\nCSeq: 2 SUBSCRIBE\r\n"), "{text}");
    assert_eq!(world.it.call_id, before);
    assert_eq!(world.it.state(), State::Subscribing);
}

// rule R1 (ended on un-register)
#[test]
fn it_is_ended_when_we_un_register() {
    let mut world = World::subscribed();
    assert_eq!(world.it.on_unregister(world.at), Next::Send);
    let text = world.send();
    assert!(text.contains("\r\nExpires: 0\r\n"), "{text}");
    assert!(text.contains(";tag=theirs\r\n"), "{text}");
    assert_eq!(world.it.on_challenged(), Next::Send);
    assert!(world.send().contains("\r\nExpires: 0\r\n"));
    assert_eq!(world.answer(200, "Expires: 0\r\n"), Next::Wait);
    let last = world.notify(2, "terminated;reason=timeout", &full(GONE));
    assert_eq!(
        (last.reply.code, last.verdict),
        (200, Verdict::None),
        "it is by us"
    );
    assert_eq!(
        (world.it.state(), world.deadline()),
        (State::Terminated, None)
    );
    assert_eq!(world.it.on_bound(true), Next::Send);
}

#[test]
fn without_an_end_in_time_it_is_forgotten() {
    let mut world = World::subscribed();
    world.now(10);
    assert_eq!(world.it.on_unregister(world.at), Next::Send);
    world.send();
    assert_eq!(world.deadline(), Some(42));
    assert_eq!(world.timer_at(42), Next::Wait);
    assert_eq!(
        (world.it.state(), world.deadline()),
        (State::Terminated, None)
    );
}

#[test]
fn what_is_not_accepted_yet_is_ended_when_it_is() {
    let mut world = World::new();
    world.subscribe();
    assert_eq!(world.it.on_unregister(world.at), Next::Wait);
    assert_eq!(world.answer(200, "Expires: 1000\r\n"), Next::Send);
    assert!(world.send().contains("\r\nExpires: 0\r\n"));

    let mut world = World::new();
    world.subscribe();
    assert_eq!(world.it.on_unregister(world.at), Next::Wait);
    assert_eq!(
        world.notify(1, "active", &full(GONE)).next,
        Next::Wait,
        "one in flight"
    );
    assert_eq!(world.answer(200, "Expires: 1000\r\n"), Next::Send);

    let mut world = World::new();
    world.subscribe();
    assert_eq!(world.it.on_unregister(world.at), Next::Wait);
    assert_eq!(
        world.it.on_challenged(),
        Next::Wait,
        "then there is nothing to end"
    );
    assert_eq!(world.it.state(), State::Terminated);

    let mut world = World::new();
    assert_eq!(world.it.on_unregister(world.at), Next::Wait);
    assert_eq!(world.it.on_bound(true), Next::Send);
}

#[test]
fn a_registration_anew_does_not_wait_for_the_end() {
    let mut world = World::subscribed();
    assert_eq!(world.it.on_unregister(world.at), Next::Send);
    world.send();
    assert_eq!(world.it.on_bound(true), Next::Send);
    assert!(
        world
            .send()
            .contains("\r\nTo: <sip:4930@carrier.example>\r\n")
    );
    assert_eq!(world.it.state(), State::Subscribing);
}

// RFC 6665 §4.1.3
#[test]
fn what_the_notifier_ends_begins_again_as_it_says() {
    for (state, due) in [
        ("terminated;reason=deactivated", Some(100)),
        ("terminated;reason=timeout", Some(100)),
        ("terminated;reason=probation;retry-after=77", Some(177)),
        ("terminated;reason=giveup", Some(160)),
        ("terminated", Some(160)),
        ("terminated;reason=rejected", None),
        ("terminated;reason=noresource;retry-after=9", None),
        ("terminated;reason=invariant", None),
    ] {
        let mut world = World::subscribed();
        world.now(100);
        let ended = world.notify(2, state, "");
        let next = if due == Some(100) {
            Next::Send
        } else {
            Next::Wait
        };
        assert_eq!((ended.reply.code, ended.next), (200, next), "{state}");
        assert_eq!(world.it.state(), State::Terminated);
        assert_eq!(world.deadline(), due.filter(|due| *due > 100), "{state}");
        if let Some(due) = due.filter(|due| *due > 100) {
            assert_eq!(world.it.on_bound(true), Next::Wait, "it has its time");
            assert_eq!(world.timer_at(due), Next::Send);
            assert!(world.send().contains("\r\nCSeq: 1 SUBSCRIBE\r\n"));
        } else if due.is_none() {
            assert_eq!(world.it.on_bound(false), Next::Wait);
            assert_eq!(world.it.on_bound(true), Next::Send);
        }
    }
}

#[test]
fn with_the_binding_gone_it_begins_again_with_the_next_200() {
    let mut world = World::subscribed();
    world.now(100);
    let ended = world.notify(2, "terminated;reason=deactivated", &full(GONE));
    assert_eq!(
        (ended.verdict, ended.next),
        (Verdict::RegisterAtOnce, Next::Wait)
    );
    assert_eq!(world.deadline(), None);
    assert_eq!(world.it.on_bound(false), Next::Send);

    let mut world = World::subscribed();
    world.notify(2, "terminated;reason=giveup;retry-after=9", "");
    world.it.on_lost();
    assert_eq!(world.deadline(), None);
    assert_eq!(world.it.on_bound(true), Next::Send);

    let mut world = World::subscribed();
    world.it.on_lost();
    assert_eq!(
        world.it.on_bound(true),
        Next::Wait,
        "it stands, and watches on"
    );
}

// rule R1
#[test]
fn the_verdict_is_what_the_document_says_of_our_contact() {
    for (contact, verdict) in [
        (BOUND, Verdict::StillThere),
        (GONE, Verdict::RegisterAtOnce),
        (
            "state='terminated' event='expired'",
            Verdict::RegisterAtOnce,
        ),
        (
            "state='terminated' event='probation' retry-after='60'",
            Verdict::RetryAfter(Some(60)),
        ),
        (
            "state='terminated' event='unregistered'",
            Verdict::RetryLater,
        ),
        ("state='terminated' event='rejected'", Verdict::Rejected),
        (
            "state='active' event='shortened' expires='60'",
            Verdict::Shortened { expires: 60 },
        ),
    ] {
        let mut world = World::subscribed();
        let notified = world.notify(2, "active", &document("full", 1, contact));
        assert_eq!(
            (notified.reply.code, notified.verdict),
            (200, verdict),
            "{contact}"
        );
        assert_eq!(notified.next, Next::Wait);
        assert!(world.until().is_some(), "it goes on");
    }
    let mut world = World::subscribed();
    let nobody = "<reginfo xmlns='urn:ietf:params:xml:ns:reginfo' version='9' state='full'/>";
    assert_eq!(
        world.notify(2, "active", nobody).verdict,
        Verdict::RetryLater
    );
}

#[test]
fn what_is_pending_proves_nothing() {
    let mut world = World::new();
    world.subscribe();
    world.accept("Expires: 1000\r\n");
    let pending = world.notify(1, "pending;expires=600", &full(GONE));
    assert_eq!((pending.reply.code, pending.verdict), (200, Verdict::None));
    assert_eq!(world.until(), Some(600));
    let active = world.notify(2, "active;expires=600", &full(BOUND));
    assert_eq!(active.verdict, Verdict::StillThere);
}

// rule R1, RFC 3680 §5.2
#[test]
fn documents_count_in_their_order() {
    let mut world = World::subscribed();
    let mut verdict = |cseq, extent, version, contact| {
        let notified = world.notify(cseq, "active", &document(extent, version, contact));
        assert_eq!(notified.reply.code, 200);
        (notified.verdict, notified.next)
    };
    let (wait, send) = (Next::Wait, Next::Send);
    assert_eq!(verdict(2, "full", 5, BOUND), (Verdict::StillThere, wait));
    assert_eq!(verdict(3, "partial", 6, BOUND), (Verdict::StillThere, wait));
    assert_eq!(
        verdict(4, "partial", 6, GONE),
        (Verdict::None, wait),
        "the same one"
    );
    assert_eq!(
        verdict(5, "full", 5, GONE),
        (Verdict::None, wait),
        "an older one"
    );
    assert_eq!(
        verdict(6, "full", 6, BOUND),
        (Verdict::StillThere, wait),
        "all of it again"
    );
    assert_eq!(
        verdict(7, "full", 9, BOUND),
        (Verdict::StillThere, wait),
        "all of it"
    );
    // One is missing: what this one says holds, and the rest is asked for.
    assert_eq!(
        verdict(8, "partial", 11, GONE),
        (Verdict::RegisterAtOnce, send)
    );
    assert_eq!(
        verdict(9, "partial", 10, BOUND),
        (Verdict::None, wait),
        "too late"
    );
}

#[test]
fn a_lost_document_is_asked_for_once_in_a_while() {
    let mut world = World::subscribed();
    world.now(100);
    let gap = |world: &mut World, cseq: u32| {
        let text = document("partial", u64::from(cseq) * 10, BOUND);
        world.notify(cseq, "active", &text).next
    };
    assert_eq!(gap(&mut world, 2), Next::Send);
    let text = world.send();
    assert!(
        text.contains("\r\nExpires: 3761\r\n") && text.contains(";tag=theirs\r\n"),
        "{text}"
    );
    assert_eq!(gap(&mut world, 3), Next::Wait, "one is in flight");
    world.accept("Expires: 1000\r\n");
    assert_eq!(gap(&mut world, 4), Next::Wait, "not over and over");
    world.now(132);
    assert_eq!(gap(&mut world, 5), Next::Send);
}

#[test]
fn a_partial_document_first_is_not_enough() {
    let mut world = World::new();
    world.subscribe();
    world.accept("Expires: 1000\r\n");
    let first = world.notify(1, "active", &document("partial", 0, BOUND));
    assert_eq!(
        (first.verdict, first.next),
        (Verdict::StillThere, Next::Send)
    );
}

// RFC 3261 §12.2.2
#[test]
fn notifies_count_in_their_order_and_once() {
    let mut world = World::subscribed();
    assert_eq!(
        world
            .notify(9, "active", &document("full", 1, GONE))
            .verdict,
        Verdict::RegisterAtOnce
    );
    let again = world.notify(9, "active", &document("full", 1, GONE));
    assert_eq!(
        (again.reply.code, again.verdict),
        (200, Verdict::None),
        "a retransmission"
    );
    let late = world.notify(8, "active", &document("full", 2, GONE));
    assert_eq!((late.reply.code, late.verdict), (500, Verdict::None));
    world.notify(10, "terminated;reason=rejected", "");
    assert_eq!(
        world
            .notify(10, "terminated;reason=rejected", "")
            .reply
            .code,
        200
    );
    assert_eq!(world.notify(11, "active", "").reply.code, 481);
}

#[test]
fn a_notify_of_another_subscription_is_refused() {
    let mut world = World::new();
    assert_eq!(world.notify(1, "active", "").reply.code, 481, "none at all");
    world.subscribe();
    let text = world.notify_text("theirs", 1, "active", "");
    for name in [world.it.call_id.to_string(), world.it.tag()] {
        let text = text.replace(&name, "other");
        let message = Message::parse(text.as_bytes()).unwrap();
        let notified = world.it.on_notify(&message, &OURS, world.at);
        assert_eq!(notified.reply.code, 481);
    }
    assert_eq!(world.it.state(), State::Subscribing);
}

#[test]
fn what_cannot_be_read_is_refused_by_its_own_code() {
    let mut world = World::subscribed();
    let mut answer = |cseq: u32, from: &str, to: &str| {
        let text = world.notify_text("theirs", cseq, "active", &full(GONE));
        assert!(text.contains(from), "{from}");
        let text = text.replace(from, to);
        let message = Message::parse(text.as_bytes()).unwrap();
        world.it.on_notify(&message, &OURS, world.at)
    };
    let type_line = "Content-Type: application/reginfo+xml";
    for (nth, (from, to, code, header)) in [
        ("Event: reg", "Event: presence", 489, Some("Allow-Events")),
        ("Event: reg", "X: reg", 489, Some("Allow-Events")),
        (type_line, "Content-Type: text/plain", 415, Some("Accept")),
        (
            type_line,
            "Content-Encoding: gzip\r\nc: application/reginfo+xml",
            415,
            Some("Accept"),
        ),
        (type_line, "X: none", 415, Some("Accept")),
        ("</reginfo>", "</registration>", 400, None),
        (
            "<reginfo",
            "<!DOCTYPE reginfo [<!ENTITY a 'b'>]><reginfo",
            400,
            None,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let notified = answer(nth as u32 + 2, from, to);
        assert_eq!(notified.reply.code, code, "{to}");
        assert_eq!(notified.reply.header.map(|(name, _)| name), header);
        assert_eq!(
            (notified.verdict, notified.next),
            (Verdict::None, Next::Wait)
        );
    }
    let loose = answer(
        20,
        type_line,
        "Content-Type: Application/RegInfo+XML ; charset=utf-8",
    );
    assert_eq!(
        (loose.reply.code, loose.verdict),
        (200, Verdict::RegisterAtOnce)
    );
    let loose = answer(21, "Event: reg", "o: REG;id=7");
    assert_eq!(loose.reply.code, 200);
}

#[test]
fn a_notify_without_a_body_is_well() {
    let mut world = World::subscribed();
    let nothing = world.notify(2, "active", "");
    assert_eq!((nothing.reply.code, nothing.verdict), (200, Verdict::None));
}

const ACCOUNT: AccountId = AccountId {
    slot: 7,
    generation: 3,
};
const BOUND: &str = "state='active' event='registered' expires='3600'";
const GONE: &str = "state='terminated' event='deactivated'";

fn full(contact: &str) -> String {
    document("full", 0, contact)
}

fn document(extent: &str, version: u64, contact: &str) -> String {
    format!(
        "<reginfo xmlns='urn:ietf:params:xml:ns:reginfo' version='{version}' state='{extent}'>\
         <registration aor='{AOR}' id='1' state='active'><contact id='2' {contact}>\
         <uri>{CONTACT}</uri></contact></registration></reginfo>"
    )
}

struct World {
    it: Subscription,
    at: Instant,
    transactions: Transactions,
    draws: u64,
}

impl World {
    fn new() -> Self {
        let address = "198.51.100.1:5060".parse().unwrap();
        let registrar = Pace::default().registrar(SocketId(0), address);
        Self {
            it: Subscription::new(ACCOUNT, registrar, AOR.into()),
            at: Instant::ZERO,
            transactions: Transactions::default(),
            draws: 0,
        }
    }

    /// One that stands for 1000 seconds from zero on.
    fn subscribed() -> Self {
        let mut world = Self::new();
        world.subscribe();
        world.accept("Expires: 1000\r\n");
        world.notify(1, "active;expires=1000", &full(BOUND));
        world
    }

    fn now(&mut self, seconds: u64) {
        self.at = Instant::from_millis(seconds * 1_000);
    }

    fn timer_at(&mut self, seconds: u64) -> Next {
        self.now(seconds);
        self.it.on_timer(self.at)
    }

    fn deadline(&self) -> Option<u64> {
        self.it.deadline().map(|at| at.as_millis() / 1_000)
    }

    fn until(&self) -> Option<u64> {
        let State::Active { until } = self.it.state() else {
            return None;
        };
        Some(until.as_millis() / 1_000)
    }

    fn subscribe(&mut self) {
        assert_eq!(self.it.on_bound(true), Next::Send);
        self.send();
    }

    fn send(&mut self) -> String {
        assert_eq!(self.it.flight(), None, "never two in flight");
        self.draws += 1;
        let mut draw = Seed::from_number(1).draw(1, self.draws);
        let request = self.it.next_request(self.at, &mut draw);
        let mut out = Vec::new();
        let form = Form {
            branch: "z9hG4bKx",
            local: "192.0.2.1:5070",
            contact: CONTACT,
            service_route: &[ROUTE.into()],
            credentials: &[("Authorization", "Digest x".to_owned())],
            user_agent: "regent",
        };
        self.it.write(&request, &form, &mut out);
        self.it.on_sent(self.transactions.reserve(self.draws).id);
        let message = Message::parse(&out).unwrap();
        assert_eq!(message.check(), Ok(()));
        String::from_utf8(out).unwrap()
    }

    fn answer(&mut self, code: u16, headers: &str) -> Next {
        let (call_id, tag) = (&self.it.call_id, self.it.tag());
        let text = format!(
            "SIP/2.0 {code} Any\r\nFrom: <{AOR}>;tag={tag}\r\nTo: <{AOR}>;tag=theirs\r\n\
             Call-ID: {call_id}\r\nCSeq: 1 SUBSCRIBE\r\n{headers}Content-Length: 0\r\n\r\n"
        );
        let message = Message::parse(text.as_bytes()).unwrap();
        self.it.on_answer(code, &message, self.at)
    }

    /// A 200 that asks for nothing more.
    #[track_caller]
    fn accept(&mut self, headers: &str) {
        assert_eq!(self.answer(200, headers), Next::Wait);
    }

    fn notify(&mut self, cseq: u32, state: &str, body: &str) -> Notified {
        self.notify_as("theirs", cseq, state, body)
    }

    fn notify_as(&mut self, tag: &str, cseq: u32, state: &str, body: &str) -> Notified {
        let text = self.notify_text(tag, cseq, state, body);
        let message = Message::parse(text.as_bytes()).unwrap();
        assert_eq!(message.check(), Ok(()));
        self.it.on_notify(&message, &OURS, self.at)
    }

    fn notify_text(&self, from_tag: &str, cseq: u32, state: &str, body: &str) -> String {
        let call_id = match &*self.it.call_id {
            "" => "none",
            call_id => call_id,
        };
        let tag = self.it.tag();
        format!(
            "NOTIFY {CONTACT} SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bKn\r\n\
             From: <{AOR}>;tag={from_tag}\r\nTo: <{AOR}>;tag={tag}\r\nCall-ID: {call_id}\r\n\
             CSeq: {cseq} NOTIFY\r\nContact: <sip:their-contact@198.51.100.1>\r\n\
             Record-Route: <sip:proxy.carrier.example;lr>\r\nEvent: reg\r\n\
             Subscription-State: {state}\r\nContent-Type: application/reginfo+xml\r\n\r\n{body}"
        )
    }
}
