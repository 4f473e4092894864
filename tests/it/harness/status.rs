//! The one place that knows the names in the JSON of `regent status`.

use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

/// The picture of one Account.
pub(crate) struct Account(Value);

impl Account {
    /// The Account of this name in the answer of `regent status --json`.
    ///
    /// # Errors
    /// If the answer is not what it should be; the text says how.
    pub(crate) fn read(answer: &str, name: &str) -> Result<Self, String> {
        let mut answer: Value =
            serde_json::from_str(answer).map_err(|why| format!("no JSON ({why}): {answer}"))?;
        if answer["schema"] != 1 {
            return Err(format!("not schema 1: {answer}"));
        }
        let accounts = answer["accounts"]
            .as_array_mut()
            .map(std::mem::take)
            .unwrap_or_default();
        let found = accounts.into_iter().find(|account| account["name"] == name);
        found
            .map(Self)
            .ok_or_else(|| format!("no Account {name}: {answer}"))
    }

    fn text(&self, key: &str) -> &str {
        self.0[key].as_str().unwrap_or_default()
    }

    /// A field as it stands in the JSON.
    pub(crate) fn value(&self, key: &str) -> &Value {
        &self.0[key]
    }

    fn number(&self, key: &str) -> Option<u64> {
        self.0[key].as_u64()
    }

    #[track_caller]
    fn time(&self, key: &str) -> Option<Timestamp> {
        let text = self.0[key].as_str()?;
        Some(
            text.parse()
                .unwrap_or_else(|why| panic!("{key} is no time ({why}): {self}")),
        )
    }

    /// The phase, in words.
    pub(crate) fn phase(&self) -> &str {
        self.text("phase")
    }

    /// `Registered`, the last error number, or `Not Registered`.
    pub(crate) fn status(&self) -> &str {
        self.text("status")
    }

    /// Whether phase and status agree that it is registered.
    #[track_caller]
    pub(crate) fn is_registered(&self) -> bool {
        let registered = self.status() == "Registered";
        assert_eq!(
            registered,
            self.phase() == "registered",
            "phase and status disagree: {self}"
        );
        registered
    }

    /// Whether it waits for its next try, and not because of an answer to come.
    pub(crate) fn is_waiting(&self) -> bool {
        self.phase() == "waiting-to-retry"
    }

    /// The address-of-record.
    pub(crate) fn aor(&self) -> &str {
        self.text("aor")
    }

    /// The registrar's address and port.
    pub(crate) fn registrar(&self) -> &str {
        self.text("registrar")
    }

    /// Our own address and port.
    pub(crate) fn local(&self) -> &str {
        self.text("local")
    }

    /// Our address and port as the registrar saw them.
    pub(crate) fn public_address(&self) -> &str {
        self.text("public_address")
    }

    /// The expiry that was asked for.
    pub(crate) fn asked(&self) -> Option<u64> {
        self.number("asked")
    }

    /// The expiry that was granted.
    pub(crate) fn granted(&self) -> Option<u64> {
        self.number("granted")
    }

    /// Since when it is registered without a break.
    #[track_caller]
    pub(crate) fn registered_since(&self) -> Option<Timestamp> {
        self.time("registered_since")
    }

    /// When the binding ends if it is not refreshed.
    #[track_caller]
    pub(crate) fn binding_until(&self) -> Option<Timestamp> {
        self.time("binding_until")
    }

    /// When it is refreshed.
    #[track_caller]
    pub(crate) fn refresh_due(&self) -> Option<Timestamp> {
        self.time("refresh_due")
    }

    /// The code of the last answer.
    pub(crate) fn last_code(&self) -> Option<u64> {
        self.0["last_answer"]["code"].as_u64()
    }

    /// Failed attempts since the last success.
    pub(crate) fn failures(&self) -> u64 {
        self.number("failures").unwrap_or_default()
    }

    /// When the next attempt is due.
    #[track_caller]
    pub(crate) fn next_try(&self) -> Option<Timestamp> {
        self.time("next_try")
    }

    /// Until when the registrar asked not to be asked.
    #[track_caller]
    pub(crate) fn retry_after_until(&self) -> Option<Timestamp> {
        self.time("retry_after_until")
    }

    /// The registrars that it avoids.
    pub(crate) fn avoided(&self) -> Vec<&str> {
        let avoided = self.0["avoided"].as_array().into_iter().flatten();
        avoided
            .filter_map(|entry| entry["registrar"].as_str())
            .collect()
    }

    /// The digest algorithm in use.
    pub(crate) fn algorithm(&self) -> &str {
        self.text("algorithm")
    }

    /// What else there is to say, in words.
    pub(crate) fn detail(&self) -> &str {
        self.text("detail")
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.0)
    }
}
