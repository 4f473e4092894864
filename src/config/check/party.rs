//! IP Groups, and the credentials of whoever has them.

use std::sync::Arc;

use super::Check;
use crate::config::faults::Fault;
use crate::config::options::*;
use crate::config::row::Row;
use crate::config::{AuthenticationMode, Credentials, IpGroup, SecretSource};
use crate::secret::Secret;

/// The options that hold credentials.
pub(super) struct CredentialKeys {
    user_name: &'static Opt,
    password: &'static Opt,
    file: &'static Opt,
    variable: &'static Opt,
    credential: &'static Opt,
}

pub(super) const GROUP_CREDENTIALS: CredentialKeys = CredentialKeys {
    user_name: &GROUP_USER_NAME_AS_CLIENT,
    password: &GROUP_PASSWORD_AS_CLIENT,
    file: &GROUP_PASSWORD_AS_CLIENT_FILE,
    variable: &GROUP_PASSWORD_AS_CLIENT_ENV,
    credential: &GROUP_PASSWORD_AS_CLIENT_CREDENTIAL,
};

pub(super) const ACCOUNT_CREDENTIALS: CredentialKeys = CredentialKeys {
    user_name: &ACCOUNT_USER_NAME,
    password: &ACCOUNT_PASSWORD,
    file: &ACCOUNT_PASSWORD_FILE,
    variable: &ACCOUNT_PASSWORD_ENV,
    credential: &ACCOUNT_PASSWORD_CREDENTIAL,
};

pub(super) const MAIL_CREDENTIALS: CredentialKeys = CredentialKeys {
    user_name: &MAIL_USER_NAME,
    password: &MAIL_PASSWORD,
    file: &MAIL_PASSWORD_FILE,
    variable: &MAIL_PASSWORD_ENV,
    credential: &MAIL_PASSWORD_CREDENTIAL,
};

/// The options that hold the secret of a webhook.
pub(super) const WEBHOOK_SECRET: [&Opt; 4] = [
    &ALERT_WEBHOOK_SECRET,
    &ALERT_WEBHOOK_SECRET_FILE,
    &ALERT_WEBHOOK_SECRET_ENV,
    &ALERT_WEBHOOK_SECRET_CREDENTIAL,
];

impl Check<'_> {
    pub(super) fn group(&mut self, row: &Row<'_>) {
        let set = self.sets.resolve(row, &GROUP_PROXY_SET, &mut self.faults);
        let set = set.map(|number| self.sets.entry(number).value.clone());
        let modes = [
            AuthenticationMode::UserAuthenticates,
            AuthenticationMode::SbcAsClient,
            AuthenticationMode::SbcAsServer,
            AuthenticationMode::SbcAsBoth,
        ];
        let authentication_mode = row.word(&GROUP_AUTHENTICATION_MODE, &modes);
        let as_client = self.credentials(row, &GROUP_CREDENTIALS);
        let is_client = matches!(
            authentication_mode,
            AuthenticationMode::SbcAsClient | AuthenticationMode::SbcAsBoth
        );
        if !row.is_faulty(&GROUP_AUTHENTICATION_MODE) && is_client != as_client.is_some() {
            self.warn_of_mode(row, is_client);
        }
        let proxy_set = match set {
            Some(None) => None,
            None if row.has(&GROUP_PROXY_SET) => None,
            Some(Some(set)) => Some(Some(set)),
            None => Some(None),
        };
        let value = proxy_set.map(|proxy_set| IpGroup {
            name: row.text(&GROUP_NAME).unwrap_or_default().into(),
            proxy_set,
            sip_group_name: row
                .text(&GROUP_SIP_GROUP_NAME)
                .map(|name| self.shared.get(name)),
            contact_user: row.text(&GROUP_CONTACT_USER).map(Arc::from),
            authentication_mode,
            as_client,
        });
        self.groups
            .define(row, &GROUP_NAME, value, &mut self.faults);
    }

    /// Credentials and a mode that do not go together.
    fn warn_of_mode(&mut self, row: &Row<'_>, is_client: bool) {
        let (option, text) = if is_client {
            (
                &GROUP_AUTHENTICATION_MODE,
                "has no effect without user_name_as_client",
            )
        } else {
            let text =
                "has no effect unless authentication_mode is \"sbc-as-client\" or \"sbc-as-both\"";
            (&GROUP_USER_NAME_AS_CLIENT, text)
        };
        if !row.is_faulty(&GROUP_USER_NAME_AS_CLIENT) {
            let message = format!("{}: {} {text}", row.label, option.key);
            self.faults
                .absent(Fault::warning(row.span(option).start, option.key, message));
        }
    }

    /// The credentials of a row; none without a user name.
    pub(super) fn credentials(
        &mut self,
        row: &Row<'_>,
        keys: &CredentialKeys,
    ) -> Option<Credentials> {
        let places = [keys.password, keys.file, keys.variable, keys.credential];
        let (password, source, first) = self.secret(row, places);
        let Some(user_name) = row.text(keys.user_name) else {
            if let (Some(first), false) = (first, row.has(keys.user_name)) {
                let message = format!(
                    "{}: {} has no effect without {}",
                    row.label, first.key, keys.user_name.key
                );
                self.faults
                    .absent(Fault::warning(row.span(first).start, first.key, message));
            }
            return None;
        };
        Some(Credentials {
            user_name: user_name.into(),
            password,
            source,
        })
    }

    /// A secret that may stand here, in a file, in a variable, or be a credential of systemd; where
    /// it comes from; and the first key that says so.
    pub(super) fn secret(
        &mut self,
        row: &Row<'_>,
        [inline, file, variable, credential]: [&'static Opt; 4],
    ) -> (Secret, SecretSource, Option<&'static Opt>) {
        let mut given: Vec<&'static Opt> = [inline, file, variable, credential]
            .into_iter()
            .filter(|key| row.has(key))
            .collect();
        given.sort_by_key(|key| row.span(key).start);
        if let [first, second, ..] = given[..] {
            let message = format!("{}: {} beside {}", row.label, second.key, first.key);
            let nouns = ["secret", "token"];
            let noun = nouns.into_iter().find(|noun| inline.key.contains(noun));
            let what = noun.unwrap_or("password");
            let hint = format!("a {what} comes from one place: keep one of them");
            let fault = Fault::error(row.span(second).start, second.key, message);
            self.faults.push(fault.hint(hint));
        }
        let mut text = |key| {
            row.text(key)
                .map(|text| (self.shared.get(text), row.span(key)))
        };
        let file = text(file).map(|(name, span)| SecretSource::File(name, span));
        let variable = text(variable).map(|(name, span)| SecretSource::Environment(name, span));
        let credential = text(credential).map(|(name, span)| SecretSource::Credential(name, span));
        let inline = row.text(inline);
        let source = file.or(variable).or(credential).unwrap_or(match inline {
            Some(_) => SecretSource::Inline,
            None => SecretSource::Absent,
        });
        let secret = inline.map_or_else(Secret::default, Secret::new);
        (secret, source, given.first().copied())
    }
}
