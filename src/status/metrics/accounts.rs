//! Families of metrics that are of each Account: there only when they are wanted, since there may
//! be a hundred thousand.

use super::families::Kind::{Gauge, Info};
use super::families::{Family, family, yes};
use super::samples::Number::{self, At, Count, Micros};
use super::samples::Samples;
use super::{AccountStatus, Picture};
use crate::effect::Phase;
use crate::status::words::phase_key;

/// Two registrars that one Account goes between are never one series.
const ACCOUNT: &[&str] = &["account", "registrar"];

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
    family(
        ("regent_account_registered", Gauge, ""),
        ACCOUNT,
        "Whether a registrar holds the Account's binding.",
        (accounts, |it, row, out| {
            let is_registered = it.accounts[row].phase == Phase::Registered;
            of_account(&it.accounts[row], Some(yes(is_registered)), out);
        }),
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
    family(
        ("regent_account_failures", Gauge, ""),
        ACCOUNT,
        "Failed attempts since the last success.",
        (accounts, |it, row, out| {
            of_account(
                &it.accounts[row],
                Some(Count(it.accounts[row].failures.into())),
                out,
            );
        }),
    ),
    family(
        ("regent_account_last_status_code", Gauge, ""),
        ACCOUNT,
        "The status code of the last final answer; 408 stands for none in time.",
        (accounts, |it, row, out| {
            let last = it.accounts[row].last_answer.as_ref();
            of_account(
                &it.accounts[row],
                last.map(|last| Count(last.code.into())),
                out,
            );
        }),
    ),
    family(
        (
            "regent_account_last_success_timestamp_seconds",
            Gauge,
            "seconds",
        ),
        ACCOUNT,
        "When a registrar last granted the binding.",
        (accounts, |it, row, out| {
            of_account(
                &it.accounts[row],
                it.accounts[row].last_success.map(At),
                out,
            );
        }),
    ),
    family(
        (
            "regent_account_registered_since_timestamp_seconds",
            Gauge,
            "seconds",
        ),
        ACCOUNT,
        "Since when the Account is registered without a gap.",
        (accounts, |it, row, out| {
            of_account(
                &it.accounts[row],
                it.accounts[row].registered_since.map(At),
                out,
            );
        }),
    ),
    family(
        (
            "regent_account_binding_until_timestamp_seconds",
            Gauge,
            "seconds",
        ),
        ACCOUNT,
        "When the registrar forgets the binding.",
        (accounts, |it, row, out| {
            of_account(
                &it.accounts[row],
                it.accounts[row].binding_until.map(At),
                out,
            );
        }),
    ),
    family(
        (
            "regent_account_next_refresh_timestamp_seconds",
            Gauge,
            "seconds",
        ),
        ACCOUNT,
        "When the binding is refreshed next.",
        (accounts, |it, row, out| {
            of_account(&it.accounts[row], it.accounts[row].refresh_due.map(At), out);
        }),
    ),
    family(
        (
            "regent_account_next_try_timestamp_seconds",
            Gauge,
            "seconds",
        ),
        ACCOUNT,
        "When the next attempt after a failure is due.",
        (accounts, |it, row, out| {
            of_account(&it.accounts[row], it.accounts[row].next_try.map(At), out);
        }),
    ),
    family(
        ("regent_account_round_trip_seconds", Gauge, "seconds"),
        ACCOUNT,
        "Round-trip time of the last REGISTER that was answered.",
        (accounts, |it, row, out| {
            let micros = it.accounts[row].rtt_us;
            of_account(&it.accounts[row], micros.map(|it| Micros(it.into())), out);
        }),
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

fn of_account(account: &AccountStatus, value: Option<Number>, out: &mut Samples<'_>) {
    if let Some(value) = value {
        out.put(&[&account.name, &registrar(account)], value);
    }
}
