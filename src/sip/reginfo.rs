//! What a registrar tells about registrations: `application/reginfo+xml` (RFC 3680 §5).
//!
//! [`RegInfo::parse`] keeps what decides about a contact and skips the rest: other namespaces,
//! unknown elements, unknown parameters. Whose contact is whose is for others to say. Its
//! invariant: the work and the memory that a document costs are bounded by constants, whatever it
//! holds; no entity is declared, and none but those of XML itself is expanded.

use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;

/// Media type of the documents (RFC 3680 §5).
pub const MEDIA_TYPE: &str = "application/reginfo+xml";

/// No document may be longer, in bytes.
pub const MAX_DOCUMENT: usize = 65_536;

/// No document may have more elements.
pub const MAX_ELEMENTS: usize = 10_000;

/// No element may lie in more others than this, itself included.
pub const MAX_DEPTH: usize = 16;

/// The namespace (RFC 3680 §5.1).
const NAMESPACE: Namespace<'static> = Namespace("urn:ietf:params:xml:ns:reginfo");

/// Why a document cannot be read. It is always the sender's fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegInfoError {
    /// Longer than [`MAX_DOCUMENT`].
    #[error("document too long")]
    TooLong,
    /// More elements than [`MAX_ELEMENTS`].
    #[error("too many elements")]
    TooManyElements,
    /// Deeper than [`MAX_DEPTH`].
    #[error("elements nested too deep")]
    TooDeep,
    /// It declares a document type, and perhaps entities.
    #[error("document type declared")]
    DocumentType,
    /// Another encoding than UTF-8 (RFC 3680 §5.1).
    #[error("not UTF-8")]
    Encoding,
    /// Not well-formed XML.
    #[error("malformed XML")]
    Malformed,
    /// Another document.
    #[error("not a reginfo document")]
    NotRegInfo,
    /// A required attribute or element is missing, or not what it should be.
    #[error("`{0}` missing or wrong")]
    Wrong(&'static str),
}

/// A document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RegInfo {
    /// Its place in the order of documents of one subscription.
    pub version: u64,
    /// Whether it tells all.
    pub extent: Extent,
    /// The registrations, in order.
    pub registrations: Vec<Registration>,
}

/// Whether a document tells all, or only what is new (`state` of `reginfo`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extent {
    /// `full`: what it does not name is not there.
    Full,
    /// `partial`: what it does not name is as before.
    Partial,
}

/// The contacts of one address-of-record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Registration {
    /// The address-of-record, as written.
    pub aor: Box<str>,
    /// What it is called within the subscription.
    pub id: Box<str>,
    /// Whether there is any contact.
    pub state: RegistrationState,
    /// The contacts, in order.
    pub contacts: Vec<Contact>,
}

/// `state` of a registration (RFC 3680 §4.7.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RegistrationState {
    /// `init`: no contact yet.
    Init,
    /// `active`: some contact is bound.
    Active,
    /// `terminated`: no contact any more.
    Terminated,
}

/// One contact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Contact {
    /// The URI, as written.
    pub uri: Box<str>,
    /// What it is called within the subscription.
    pub id: Box<str>,
    /// Whether it is bound.
    pub is_active: bool,
    /// What brought it there.
    pub event: ContactEvent,
    /// Seconds until it ends; huge numbers are `u32::MAX`, as in all that follow, and garbage is
    /// `None`.
    pub expires: Option<u32>,
    /// Seconds until it may be registered again.
    pub retry_after: Option<u32>,
    /// Seconds since it was bound.
    pub duration_registered: Option<u32>,
}

/// `event` of a contact (RFC 3680 §4.7.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ContactEvent {
    /// `registered`: by a REGISTER.
    Registered,
    /// `created`: by somebody else than its owner.
    Created,
    /// `refreshed`: its time was prolonged.
    Refreshed,
    /// `shortened`: the registrar has cut its time.
    Shortened,
    /// `expired`: its time has run out.
    Expired,
    /// `deactivated`: removed, and should be registered again at once.
    Deactivated,
    /// `probation`: removed, and may be registered again later.
    Probation,
    /// `unregistered`: its owner has removed it.
    Unregistered,
    /// `rejected`: removed for good.
    Rejected,
    /// Anything else.
    Other,
}

impl RegInfo {
    /// Reads a document.
    pub fn parse(bytes: &[u8]) -> Result<Self, RegInfoError> {
        if bytes.len() > MAX_DOCUMENT {
            return Err(RegInfoError::TooLong);
        }
        let text = str::from_utf8(bytes).map_err(|_| RegInfoError::Encoding)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        // XML has no other control characters.
        if text
            .bytes()
            .any(|c| c < b' ' && !matches!(c, b'\t' | b'\n' | b'\r'))
        {
            return Err(RegInfoError::Malformed);
        }
        let mut reader = NsReader::from_str(text);
        let config = reader.config_mut();
        config.check_comments = true;
        config.expand_empty_elements = true;
        let mut building = Building::default();
        loop {
            let is_first = reader.buffer_position() == 0;
            let (namespace, event) = reader
                .read_resolved_event()
                .map_err(|_| RegInfoError::Malformed)?;
            match event {
                Event::Start(start) => building.on_start(&namespace, &start)?,
                Event::End(_) => building.on_end()?,
                Event::Text(text) => building.on_text(&text.xml10_content())?,
                Event::CData(text) if building.depth > 0 => {
                    building.on_text(&text.xml10_content())?;
                }
                Event::GeneralRef(reference) => building.on_text(&expanded(&reference)?)?,
                Event::Decl(declaration) if is_first => check_declaration(&declaration)?,
                Event::Comment(_) | Event::PI(_) => {}
                Event::DocType(_) => return Err(RegInfoError::DocumentType),
                Event::Decl(_) | Event::CData(_) | Event::Empty(_) => {
                    return Err(RegInfoError::Malformed);
                }
                Event::Eof => return building.finish(),
            }
        }
    }

    /// Every contact with its registration, in order.
    pub fn contacts(&self) -> impl Iterator<Item = (&Registration, &Contact)> + '_ {
        self.registrations
            .iter()
            .flat_map(|of| of.contacts.iter().map(move |contact| (of, contact)))
    }
}

impl ContactEvent {
    fn read(text: &str) -> Self {
        match text {
            "registered" => Self::Registered,
            "created" => Self::Created,
            "refreshed" => Self::Refreshed,
            "shortened" => Self::Shortened,
            "expired" => Self::Expired,
            "deactivated" => Self::Deactivated,
            "probation" => Self::Probation,
            "unregistered" => Self::Unregistered,
            "rejected" => Self::Rejected,
            _ => Self::Other,
        }
    }
}

/// What has been read so far.
#[derive(Default)]
struct Building {
    depth: usize,
    elements: usize,
    place: Place,
    /// The depth of the element that is skipped with all that is in it.
    skipped: Option<usize>,
    root: Option<RegInfo>,
    contact: Option<(Contact, Option<String>)>,
}

/// The innermost element that is not skipped.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Place {
    #[default]
    Document,
    RegInfo,
    Registration,
    Contact,
    Uri,
}

impl Building {
    fn on_start(
        &mut self,
        namespace: &ResolveResult<'_>,
        start: &BytesStart<'_>,
    ) -> Result<(), RegInfoError> {
        self.depth += 1;
        self.elements += 1;
        if self.depth > MAX_DEPTH {
            return Err(RegInfoError::TooDeep);
        }
        if self.elements > MAX_ELEMENTS {
            return Err(RegInfoError::TooManyElements);
        }
        let attributes = Attributes::read(start)?;
        if matches!(namespace, ResolveResult::Unknown(_)) {
            return Err(RegInfoError::Malformed);
        }
        if self.skipped.is_some() {
            return Ok(());
        }
        let is_ours = *namespace == ResolveResult::Bound(NAMESPACE);
        let name = start.local_name();
        match (self.place, name.as_ref()) {
            (Place::Document, "reginfo") if is_ours && self.root.is_none() => {
                self.root = Some(attributes.reginfo()?);
                self.place = Place::RegInfo;
            }
            (Place::Document, _) => return Err(RegInfoError::NotRegInfo),
            (Place::RegInfo, "registration") if is_ours => {
                let registration = attributes.registration()?;
                if let Some(root) = &mut self.root {
                    root.registrations.push(registration);
                }
                self.place = Place::Registration;
            }
            (Place::Registration, "contact") if is_ours => {
                self.contact = Some((attributes.contact()?, None));
                self.place = Place::Contact;
            }
            (Place::Contact, "uri") if is_ours => {
                if let Some((_, uri)) = &mut self.contact
                    && uri.replace(String::new()).is_some()
                {
                    return Err(RegInfoError::Wrong("uri"));
                }
                self.place = Place::Uri;
            }
            _ => self.skipped = Some(self.depth),
        }
        Ok(())
    }

    fn on_end(&mut self) -> Result<(), RegInfoError> {
        let depth = self.depth;
        self.depth = depth.saturating_sub(1);
        if let Some(skipped) = self.skipped {
            if skipped == depth {
                self.skipped = None;
            }
            return Ok(());
        }
        self.place = match self.place {
            Place::Document | Place::RegInfo => Place::Document,
            Place::Registration => Place::RegInfo,
            Place::Contact => {
                self.end_contact()?;
                Place::Registration
            }
            Place::Uri => Place::Contact,
        };
        Ok(())
    }

    fn end_contact(&mut self) -> Result<(), RegInfoError> {
        let Some((mut contact, uri)) = self.contact.take() else {
            return Ok(());
        };
        let uri = uri.unwrap_or_default();
        let uri = uri.trim_matches(SPACE);
        if uri.is_empty() {
            return Err(RegInfoError::Wrong("uri"));
        }
        contact.uri = uri.into();
        let root = self.root.as_mut();
        if let Some(registration) = root.and_then(|root| root.registrations.last_mut()) {
            registration.contacts.push(contact);
        }
        Ok(())
    }

    fn on_text(&mut self, text: &str) -> Result<(), RegInfoError> {
        if self.depth == 0 && !text.trim_matches(SPACE).is_empty() {
            return Err(RegInfoError::Malformed);
        }
        if self.skipped.is_none()
            && self.place == Place::Uri
            && let Some((_, Some(uri))) = &mut self.contact
        {
            uri.push_str(text);
        }
        Ok(())
    }

    fn finish(self) -> Result<RegInfo, RegInfoError> {
        if self.depth > 0 {
            return Err(RegInfoError::Malformed);
        }
        self.root.ok_or(RegInfoError::NotRegInfo)
    }
}

/// The attributes that matter, of any element.
#[derive(Default)]
struct Attributes {
    version: Option<String>,
    state: Option<String>,
    aor: Option<String>,
    id: Option<String>,
    event: Option<String>,
    expires: Option<String>,
    retry_after: Option<String>,
    duration_registered: Option<String>,
}

impl Attributes {
    /// Reads all attributes, so that none of them is malformed.
    fn read(start: &BytesStart<'_>) -> Result<Self, RegInfoError> {
        let mut read = Self::default();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| RegInfoError::Malformed)?;
            let value = attribute
                .normalized_value(XmlVersion::Explicit1_0)
                .map_err(|_| RegInfoError::Malformed)?;
            let place = match attribute.key.as_ref() {
                "version" => &mut read.version,
                "state" => &mut read.state,
                "aor" => &mut read.aor,
                "id" => &mut read.id,
                "event" => &mut read.event,
                "expires" => &mut read.expires,
                "retry-after" => &mut read.retry_after,
                "duration-registered" => &mut read.duration_registered,
                _ => continue,
            };
            *place = Some(value.trim_matches(SPACE).to_owned());
        }
        Ok(read)
    }

    fn reginfo(&self) -> Result<RegInfo, RegInfoError> {
        let version = self.version.as_deref().and_then(digits);
        let extent = match self.state.as_deref() {
            Some("full") => Extent::Full,
            Some("partial") => Extent::Partial,
            _ => return Err(RegInfoError::Wrong("state")),
        };
        Ok(RegInfo {
            version: version.ok_or(RegInfoError::Wrong("version"))?,
            extent,
            registrations: Vec::new(),
        })
    }

    fn registration(self) -> Result<Registration, RegInfoError> {
        let state = match self.state.as_deref() {
            Some("init") => RegistrationState::Init,
            Some("active") => RegistrationState::Active,
            Some("terminated") => RegistrationState::Terminated,
            _ => return Err(RegInfoError::Wrong("state")),
        };
        Ok(Registration {
            aor: self.aor.ok_or(RegInfoError::Wrong("aor"))?.into(),
            id: self.id.ok_or(RegInfoError::Wrong("id"))?.into(),
            state,
            contacts: Vec::new(),
        })
    }

    fn contact(self) -> Result<Contact, RegInfoError> {
        let is_active = match self.state.as_deref() {
            Some("active") => true,
            Some("terminated") => false,
            _ => return Err(RegInfoError::Wrong("state")),
        };
        let event = self.event.ok_or(RegInfoError::Wrong("event"))?;
        let seconds = |text: Option<String>| {
            let seconds = text.as_deref().and_then(digits)?;
            Some(u32::try_from(seconds).unwrap_or(u32::MAX))
        };
        Ok(Contact {
            uri: Box::default(),
            id: self.id.ok_or(RegInfoError::Wrong("id"))?.into(),
            is_active,
            event: ContactEvent::read(&event),
            expires: seconds(self.expires),
            retry_after: seconds(self.retry_after),
            duration_registered: seconds(self.duration_registered),
        })
    }
}

/// A number; huge ones are `u64::MAX`.
fn digits(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}

/// What a reference in the text stands for: a character by number, or one of the five entities that
/// XML itself knows.
fn expanded(reference: &BytesRef<'_>) -> Result<String, RegInfoError> {
    let character = reference
        .resolve_char_ref()
        .map_err(|_| RegInfoError::Malformed)?;
    let known = || resolve_predefined_entity(reference).map(str::to_owned);
    character
        .map(String::from)
        .or_else(known)
        .ok_or(RegInfoError::Malformed)
}

fn check_declaration(declaration: &BytesDecl<'_>) -> Result<(), RegInfoError> {
    declaration
        .xml_version()
        .map_err(|_| RegInfoError::Malformed)?;
    match declaration.encoding() {
        None => Ok(()),
        Some(Ok(name)) if name.eq_ignore_ascii_case("utf-8") => Ok(()),
        Some(Ok(_)) => Err(RegInfoError::Encoding),
        Some(Err(_)) => Err(RegInfoError::Malformed),
    }
}

/// White space of XML.
const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

#[cfg(test)]
#[path = "reginfo_tests.rs"]
mod tests;
