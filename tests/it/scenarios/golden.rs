//! Whole transcripts against golden files; `REGENT_BLESS=1` writes them anew, and the difference is
//! reviewed.

use std::path::Path;

use libtest_mimic::Trial;
use regent::sim::{AccountSetup, Behaviour, REGISTRAR, Setup, World, at};
use regent::time::Duration;

use super::world;

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        the_first_ten_minutes,
        a_wrong_password,
        a_registrar_goes_silent_and_comes_back,
        a_registrar_in_a_bad_mood,
        an_operator_at_work,
        a_kill_and_a_restart,
    ]
}

fn the_first_ten_minutes() {
    let mut world = world(Setup::one(), Behaviour::digest());
    world.run_until(at("600"));
    compare(&world, "first-ten-minutes");
}

fn a_wrong_password() {
    let setup = Setup::new().account(AccountSetup::new("main").password("guess"));
    let mut world = world(setup, Behaviour::digest());
    world.run_until(at("7200"));
    compare(&world, "wrong-password");
}

fn a_registrar_goes_silent_and_comes_back() {
    let mut world = world(Setup::one(), Behaviour::digest());
    world.at(at("60"), |world| {
        world.registrar().behave(Behaviour::silence())
    });
    world.at(at("300"), |world| {
        world.network().link(REGISTRAR).closed = true;
    });
    world.at(at("400"), |world| {
        world.network().link(REGISTRAR).closed = false;
        world.registrar().behave(Behaviour::digest());
    });
    world.run_until(at("600"));
    compare(&world, "silent-and-back");
}

fn a_registrar_in_a_bad_mood() {
    let mut world = world(Setup::one(), Behaviour::digest());
    world.registrar().script([
        Behaviour::refusing(503).with("Retry-After", "45"),
        Behaviour::refusing(423).with("Min-Expires", "600"),
        Behaviour::refusing(404),
        Behaviour::digest(),
        Behaviour::digest().grants(20),
        Behaviour::refusing(500),
        Behaviour::refusing(302).with("Contact", "<sip:10.0.0.7>"),
    ]);
    world.run_until(at("900"));
    compare(&world, "bad-mood");
}

fn an_operator_at_work() {
    let mut world = world(Setup::one(), Behaviour::digest());
    world.run_until(at("10"));
    world.refresh("main");
    world.run_until(at("20"));
    world.unregister("main");
    world.run_until(at("30"));
    world.refresh("main");
    world.register("main");
    world.run_until(at("40"));
    world.shutdown();
    world.run_until(at("50"));
    compare(&world, "operator");
}

fn a_kill_and_a_restart() {
    let setup = Setup::one().store(Duration::from_millis(5));
    let mut world = world(setup, Behaviour::digest());
    world.run_until(at("10"));
    world.kill();
    world.run_until(at("20"));
    world.start();
    world.run_until(at("100"));
    world.kill();
    world.run_until(at("400"));
    world.start();
    world.run_until(at("410"));
    compare(&world, "kill-and-restart");
}

#[track_caller]
fn compare(world: &World, name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let file = folder.join(format!("{name}.txt"));
    let now = world.transcript().to_string();
    if std::env::var_os("REGENT_BLESS").is_some() {
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(&file, now).expect("a golden file");
        return;
    }
    let golden = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = golden
        .lines()
        .zip(now.lines())
        .position(|(golden, now)| golden != now);
    let shorter = golden.lines().count().min(now.lines().count());
    let line = differs.unwrap_or(shorter);
    assert!(
        golden == now,
        "{} differs in line {}:\n  golden: {:?}\n  now:    {:?}\nREGENT_BLESS=1 takes it as it is now",
        file.display(),
        line + 1,
        golden.lines().nth(line),
        now.lines().nth(line),
    );
}
