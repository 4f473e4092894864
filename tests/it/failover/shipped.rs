//! `conf/failover.toml` as it is shipped, but for its addresses.

use libtest_mimic::Trial;

use super::{wait_clock, wait_registered_at};
use crate::harness::{
    Config, Daemon, KAMAILIO, Kamailio, Manner, SOON, Sandbox, Settings, assert_due,
    free_udp_addresses, holds_for,
};

pub(super) fn trials() -> Vec<Trial> {
    trials![[KAMAILIO];
        the_example_of_two_registrars_does_what_it_says,
    ]
}

// rules S8, X2: with its next REGISTER the Account is at the second, and it does not hurry back
fn the_example_of_two_registrars_does_what_it_says() {
    let sandbox = Sandbox::new();
    let addresses = free_udp_addresses::<2>();
    // Registrars that grant less than is asked make the story short.
    let settings = Settings::granting(10);
    let mut kamailios = addresses.map(|it| Kamailio::start_at(&sandbox, it, &settings));
    let [first, second] = addresses.map(|address| address.to_string());
    let mut text = include_str!("../../../conf/failover.toml").to_owned();
    for (shipped, ours) in [
        ("\"0.0.0.0\"", "\"127.0.0.1\""),
        ("udp_port = 5060", "udp_port = 0"),
        ("advertised_address = \"203.0.113.7\"\n", ""),
        ("\"192.0.2.10\"", &*format!("\"{first}\"")),
        ("\"198.51.100.10:5070\"", &format!("\"{second}\"")),
    ] {
        assert_eq!(text.matches(shipped).count(), 1, "{shipped} in the example");
        text = text.replace(shipped, ours);
    }
    let file = sandbox.write("regent.toml", &text);
    let manner = Manner {
        environment: &[("MAIN_PASSWORD", Config::PASSWORD)],
        ..Manner::default()
    };
    let daemon = Daemon::start_as(&sandbox, &file, manner);
    wait_registered_at(&daemon, addresses[0], SOON);
    let granted = kamailios[0].transcript();
    let granted = granted.answers().last().expect("a 200").at;
    kamailios[0].kill();
    wait_registered_at(&daemon, addresses[1], SOON + SOON);
    let asked = kamailios[1].transcript().registers()[0].at;
    assert_due(asked.duration_since(granted).as_secs_f64(), 5.0);
    assert_eq!(daemon.status().avoided(), [&*first]);

    kamailios[0].restart();
    wait_clock(asked, 6.0);
    let there = kamailios[1].transcript();
    assert_eq!(
        there.codes(),
        [401, 200, 200],
        "it is refreshed there: {there}"
    );
    holds_for(SOON / 10, "the first is left alone", || {
        kamailios[0].bindings(Config::CONTACT_USER).is_empty()
    });
    daemon.stop();
}
