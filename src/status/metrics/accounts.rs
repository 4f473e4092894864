//! Families of metrics that are of each Account: there only when they are wanted, since there may
//! be a hundred thousand.

use super::families::Kind::{Gauge, Info};
use super::families::{Family, family, yes};
use super::samples::Number::{self, At, Count, Micros};
use super::{AccountStatus, Picture};
use crate::effect::Phase;
use crate::status::words::phase_key;

/// Two registrars that one Account goes between are never one series.
const ACCOUNT: &[&str] = &["account", "registrar"];

/// A family with at most one number of each Account.
macro_rules! each {
    ($name:tt, $help:literal, $value:expr) => {
        family(
            $name,
            ACCOUNT,
            $help,
            (accounts, |it, row, out| {
                let value: fn(&AccountStatus) -> Option<Number> = $value;
                let one = &it.accounts[row];
                if let Some(value) = value(one) {
                    out.put(&[&one.name, &registrar(one)], value);
                }
            }),
        )
    };
}

/// All that are of each Account.
pub(super) static FAMILIES: [Family; 11] = [
    family(
        ("regent_account", Info, ""),
        &["account", "registrar", "aor", "served", "serving"],
        "What an Account is; the registrar is the one that holds its binding, else the last one \
         asked.",
        (accounts, |it, row, out| {
            let one = &it.accounts[row];
            let labels = [
                &*one.name,
                &registrar(one),
                &*one.aor,
                &*one.served,
                &*one.serving,
            ];
            out.put(&labels, Count(1));
        }),
    ),
    each!(
        ("regent_account_registered", Gauge, ""),
        "Whether a registrar holds the Account's binding.",
        |one| Some(yes(one.phase == Phase::Registered))
    ),
    family(
        ("regent_account_phase", Gauge, ""),
        &["account", "registrar", "phase"],
        "The phase that the Account is in: always 1, and the others are absent.",
        (accounts, |it, row, out| {
            let one = &it.accounts[row];
            out.put(
                &[&one.name, &registrar(one), phase_key(one.phase)],
                Count(1),
            );
        }),
    ),
    each!(
        ("regent_account_failures", Gauge, ""),
        "Failed attempts since the last success.",
        |one| Some(Count(one.failures.into()))
    ),
    each!(
        ("regent_account_last_status_code", Gauge, ""),
        "The status code of the last final answer; 408 stands for none in time.",
        |one| {
            let last = one.last_answer.as_ref();
            last.map(|last| Count(last.code.into()))
        }
    ),
    each!(
        (
            "regent_account_last_success_timestamp_seconds",
            Gauge,
            "seconds"
        ),
        "When a registrar last granted the binding.",
        |one| one.last_success.map(At)
    ),
    each!(
        (
            "regent_account_registered_since_timestamp_seconds",
            Gauge,
            "seconds"
        ),
        "Since when the Account is registered without a gap.",
        |one| one.registered_since.map(At)
    ),
    each!(
        (
            "regent_account_binding_until_timestamp_seconds",
            Gauge,
            "seconds"
        ),
        "When the registrar forgets the binding.",
        |one| one.binding_until.map(At)
    ),
    each!(
        (
            "regent_account_next_refresh_timestamp_seconds",
            Gauge,
            "seconds"
        ),
        "When the binding is refreshed next.",
        |one| one.refresh_due.map(At)
    ),
    each!(
        (
            "regent_account_next_try_timestamp_seconds",
            Gauge,
            "seconds"
        ),
        "When the next attempt after a failure is due.",
        |one| one.next_try.map(At)
    ),
    each!(
        ("regent_account_round_trip_seconds", Gauge, "seconds"),
        "Round-trip time of the last REGISTER that was answered.",
        |one| one.rtt_us.map(|it| Micros(it.into()))
    ),
];

fn accounts(picture: &Picture) -> usize {
    picture.accounts.len()
}

/// The registrar of an Account; nothing where it has asked none yet.
fn registrar(account: &AccountStatus) -> String {
    let address = account.registrar;
    address.map_or_else(String::new, |address| address.to_string())
}
