//! What a NOTIFY says: about the subscription, and about our own contact (RFC 3680 §4.7.1).

use crate::sip::reginfo::{
    Contact, ContactEvent, Extent, MEDIA_TYPE, RegInfo, Registration, RegistrationState,
};
use crate::sip::{Message, Name, Uri};

/// What became of our contact, as its registrar says (rule R1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Nothing is said of it.
    None,
    /// It is bound as it was.
    StillThere,
    /// It is bound for so many seconds from now on.
    Shortened {
        /// The grant that remains.
        expires: u32,
    },
    /// `expired`, `deactivated`: it is gone, and to be registered at once.
    RegisterAtOnce,
    /// `probation`: it is gone, and to be registered after so many seconds, if they are said.
    RetryAfter(Option<u32>),
    /// `unregistered`, and not by us: it is gone.
    RetryLater,
    /// `rejected`: it is gone, as by a rejection.
    Rejected,
}

impl Verdict {
    /// Whether it says that the binding is gone.
    pub fn is_loss(self) -> bool {
        match self {
            Self::None | Self::StillThere | Self::Shortened { .. } => false,
            Self::RegisterAtOnce | Self::RetryAfter(_) | Self::RetryLater | Self::Rejected => true,
        }
    }
}

/// How our contact is known among others (rule L2).
#[derive(Clone, Copy, Debug)]
pub struct Ours<'a> {
    /// The address-of-record.
    pub aor: &'a str,
    /// The URI of our Contact.
    pub contact: &'a str,
    /// Name and value of the URI parameter that marks it.
    pub mark: (&'a str, &'a str),
}

/// What a Subscription-State header says (RFC 6665 §8.2.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Standing {
    /// `active`, or a state that nobody knows.
    Active(Option<u32>),
    /// `pending`: nothing is decided yet, and what the body says may be made up.
    Pending(Option<u32>),
    /// `terminated`.
    Terminated(Again),
}

/// Whether a terminated subscription is to be made anew (RFC 6665 §4.1.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Again {
    /// At once.
    Now,
    /// After so many seconds; when they are not said, whenever we like.
    Later(Option<u32>),
    /// Not before something changes.
    Never,
}

impl Standing {
    /// A NOTIFY without the header, which it must have, counts as one that changes nothing.
    pub(super) fn read(message: &Message<'_>) -> Self {
        let value = message.value(Name::SubscriptionState).unwrap_or_default();
        let mut parts = value.split(';').map(str::trim);
        let state = parts.next().unwrap_or_default();
        let (mut reason, mut expires, mut retry_after) = ("", None, None);
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, value) = (name.trim_end(), value.trim_start());
            if name.eq_ignore_ascii_case("reason") {
                reason = value;
            } else if name.eq_ignore_ascii_case("expires") {
                expires = seconds(value);
            } else if name.eq_ignore_ascii_case("retry-after") {
                retry_after = seconds(value);
            }
        }
        if state.eq_ignore_ascii_case("terminated") {
            Self::Terminated(Again::read(reason, retry_after))
        } else if state.eq_ignore_ascii_case("pending") {
            Self::Pending(expires)
        } else {
            Self::Active(expires)
        }
    }
}

impl Again {
    fn read(reason: &str, retry_after: Option<u32>) -> Self {
        let is = |name: &str| reason.eq_ignore_ascii_case(name);
        if is("deactivated") || is("timeout") {
            Self::Now
        } else if is("rejected") || is("noresource") || is("invariant") {
            Self::Never
        } else {
            Self::Later(retry_after)
        }
    }
}

/// Digits only; huge numbers are `u32::MAX`.
fn seconds(text: &str) -> Option<u32> {
    let only_digits = !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    only_digits.then(|| text.parse().unwrap_or(u32::MAX))
}

/// Whether the body has the type that we accept, and no encoding on top of it.
pub(super) fn has_our_type(message: &Message<'_>) -> bool {
    let value = message.value(Name::ContentType).unwrap_or_default();
    let media = value.split(';').next().unwrap_or_default().trim();
    let encoding = message.value(Name::ContentEncoding);
    media.eq_ignore_ascii_case(MEDIA_TYPE)
        && encoding.is_none_or(|name| name.eq_ignore_ascii_case("identity"))
}

/// What a document says of our contact. When our address-of-record is in it, only what is said
/// there counts.
pub(super) fn verdict(info: &RegInfo, ours: &Ours<'_>) -> Verdict {
    let aor = Uri::parse(ours.aor).ok();
    let is_of_ours = |of: &Registration| {
        &*of.aor == ours.aor
            || aor
                .as_ref()
                .is_some_and(|aor| Uri::parse(&of.aor).is_ok_and(|theirs| aor.equivalent(&theirs)))
    };
    let own = info.registrations.iter().find(|of| is_of_ours(of));
    let found = match own {
        Some(own) => find(own.contacts.iter(), ours),
        None => find(info.contacts().map(|(_, contact)| contact), ours),
    };
    match (found, own.map(|own| own.state), info.extent) {
        (Some(contact), _, _) => of_contact(contact),
        (None, _, Extent::Full)
        | (None, Some(RegistrationState::Init | RegistrationState::Terminated), _) => {
            Verdict::RetryLater
        }
        (None, Some(RegistrationState::Active) | None, Extent::Partial) => Verdict::None,
    }
}

/// Our contact: an equal one, else one with our mark; of several one that is bound.
fn find<'i>(contacts: impl Iterator<Item = &'i Contact>, ours: &Ours<'_>) -> Option<&'i Contact> {
    let own = Uri::parse(ours.contact).ok();
    let (name, mark) = ours.mark;
    let rank = |contact: &Contact| {
        let uri = Uri::parse(&contact.uri).ok()?;
        let is_equal = own.as_ref().is_some_and(|own| own.equivalent(&uri));
        let is_marked = uri.params.value(name) == Some(mark);
        (is_equal || is_marked).then_some((is_equal, contact.is_active))
    };
    contacts
        .filter_map(|contact| Some((rank(contact)?, contact)))
        .max_by_key(|(rank, _)| *rank)
        .map(|(_, contact)| contact)
}

fn of_contact(contact: &Contact) -> Verdict {
    match (contact.is_active, contact.event, contact.expires) {
        (true, ContactEvent::Shortened, Some(0)) => Verdict::RegisterAtOnce,
        (true, ContactEvent::Shortened, Some(expires)) => Verdict::Shortened { expires },
        (true, ..) => Verdict::StillThere,
        (false, ContactEvent::Expired | ContactEvent::Deactivated, _) => Verdict::RegisterAtOnce,
        (false, ContactEvent::Probation, _) => Verdict::RetryAfter(contact.retry_after),
        (false, ContactEvent::Rejected, _) => Verdict::Rejected,
        (false, ..) => Verdict::RetryLater,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: Ours<'_> = Ours {
        aor: "sip:4930@carrier.example",
        contact: "sip:4930@192.0.2.1:5070;regent=ff",
        mark: ("regent", "ff"),
    };

    fn of(state: &str, inside: &str) -> Verdict {
        let text = format!(
            "<reginfo xmlns='urn:ietf:params:xml:ns:reginfo' version='0' \
             state='{state}'>{inside}</reginfo>"
        );
        verdict(&RegInfo::parse(text.as_bytes()).unwrap(), &OURS)
    }

    fn registration(state: &str, contacts: &str) -> String {
        let aor = OURS.aor;
        format!("<registration aor='{aor}' id='1' state='{state}'>{contacts}</registration>")
    }

    fn contact(uri: &str, attributes: &str) -> String {
        format!("<contact id='1' {attributes}><uri>{uri}</uri></contact>")
    }

    fn ours(attributes: &str) -> Verdict {
        let contact = contact(OURS.contact, attributes);
        let both = ["full", "partial"].map(|state| of(state, &registration("active", &contact)));
        assert_eq!(both[0], both[1]);
        both[0]
    }

    const BOUND: &str = "state='active' event='registered'";
    const GONE: &str = "state='terminated' event='deactivated'";

    // rule R1
    #[test]
    fn every_event_of_our_contact_has_its_verdict() {
        let gone = |event: &str| ours(&format!("state='terminated' event='{event}'"));
        assert_eq!(gone("expired"), Verdict::RegisterAtOnce);
        assert_eq!(gone("deactivated"), Verdict::RegisterAtOnce);
        assert_eq!(gone("probation"), Verdict::RetryAfter(None));
        assert_eq!(
            gone("probation' retry-after='77"),
            Verdict::RetryAfter(Some(77))
        );
        assert_eq!(gone("unregistered"), Verdict::RetryLater);
        assert_eq!(gone("rejected"), Verdict::Rejected);
        assert_eq!(gone("something"), Verdict::RetryLater);
        let bound = |event: &str| ours(&format!("state='active' event='{event}'"));
        for event in ["registered", "created", "refreshed", "something"] {
            assert_eq!(bound(&format!("{event}' expires='9")), Verdict::StillThere);
        }
        let shortened = |expires: &str| bound(&format!("shortened' expires='{expires}"));
        assert_eq!(shortened("60"), Verdict::Shortened { expires: 60 });
        assert_eq!(shortened("0"), Verdict::RegisterAtOnce);
        assert_eq!(bound("shortened"), Verdict::StillThere);
    }

    // rule R1
    #[test]
    fn what_a_full_document_leaves_out_is_gone() {
        let other = contact("sip:other@192.0.2.9", BOUND);
        assert_eq!(of("full", ""), Verdict::RetryLater);
        assert_eq!(
            of("full", &registration("active", &other)),
            Verdict::RetryLater
        );
        assert_eq!(of("full", &registration("init", "")), Verdict::RetryLater);
        assert_eq!(of("partial", ""), Verdict::None);
        assert_eq!(
            of("partial", &registration("active", &other)),
            Verdict::None
        );
        let none_left = registration("terminated", &other);
        assert_eq!(of("partial", &none_left), Verdict::RetryLater);
    }

    // rules R1, L2
    #[test]
    fn our_contact_is_the_equal_one_else_the_marked_one_and_a_bound_one_before_others() {
        let all = |contacts: &[String]| of("full", &registration("active", &contacts.concat()));
        let equal = "sip:4930@192.0.2.1:5070";
        let marked = "sip:4930@203.0.113.7:1024;regent=ff";
        let foreign = "sip:4930@192.0.2.1:5070;regent=ee";
        assert_eq!(all(&[contact(equal, BOUND)]), Verdict::StillThere);
        assert_eq!(all(&[contact(marked, BOUND)]), Verdict::StillThere);
        assert_eq!(all(&[contact(foreign, BOUND)]), Verdict::RetryLater);
        for both in [
            [contact(equal, GONE), contact(marked, BOUND)],
            [contact(marked, BOUND), contact(equal, GONE)],
        ] {
            assert_eq!(all(&both), Verdict::RegisterAtOnce);
        }
        for both in [
            [contact(marked, GONE), contact(marked, BOUND)],
            [contact(marked, BOUND), contact(marked, GONE)],
            [contact("no uri at all", GONE), contact(equal, BOUND)],
        ] {
            assert_eq!(all(&both), Verdict::StillThere);
        }
    }

    #[test]
    fn our_address_of_record_counts_before_others() {
        let contacts = |attributes| contact(OURS.contact, attributes);
        let implied = |attributes| {
            let contacts = contacts(attributes);
            format!("<registration aor='tel:+4930' id='2' state='active'>{contacts}</registration>")
        };
        let own = registration("active", &contacts(GONE));
        assert_eq!(of("full", &implied(BOUND)), Verdict::StillThere);
        assert_eq!(
            of("full", &[implied(BOUND), own].concat()),
            Verdict::RegisterAtOnce
        );
    }

    #[test]
    fn a_subscription_state_is_read_in_any_form() {
        let read = |value: &str| {
            let text = format!("NOTIFY sip:a SIP/2.0\r\n{value}\r\n\r\n");
            Standing::read(&Message::parse(text.as_bytes()).unwrap())
        };
        let state = |value: &str| read(&format!("Subscription-State: {value}"));
        assert_eq!(state("active"), Standing::Active(None));
        assert_eq!(state("ACTIVE ;x; Expires = 60"), Standing::Active(Some(60)));
        assert_eq!(state("pending;expires=9"), Standing::Pending(Some(9)));
        assert_eq!(state("unheard-of;expires=soon"), Standing::Active(None));
        assert_eq!(read("Event: reg"), Standing::Active(None));
        let gone = |parameters: &str| match state(&format!("terminated{parameters}")) {
            Standing::Terminated(again) => again,
            Standing::Active(_) | Standing::Pending(_) => panic!("{parameters}"),
        };
        assert_eq!(gone(";reason=deactivated;retry-after=9"), Again::Now);
        assert_eq!(gone(";reason=timeout"), Again::Now);
        for reason in ["rejected", "noresource", "invariant"] {
            assert_eq!(
                gone(&format!(";reason={reason};retry-after=9")),
                Again::Never
            );
        }
        assert_eq!(gone(";reason=giveup;retry-after=9"), Again::Later(Some(9)));
        assert_eq!(gone(";reason=probation"), Again::Later(None));
        assert_eq!(gone(""), Again::Later(None));
    }
}
