use super::*;

fn account(slot: u32) -> AccountId {
    AccountId {
        slot,
        generation: 0,
    }
}

fn one() -> (Pace, RegistrarId) {
    let mut pace = Pace::default();
    let id = pace.registrar(SocketId(0), SocketAddr::from(([127, 0, 0, 1], 5060)));
    (pace, id)
}

fn all(pace: &mut Pace, now: Instant) -> Vec<u32> {
    let mut sent = Vec::new();
    while let Some((_, account)) = pace.next(now, |id, _| !sent.contains(&id.slot)) {
        sent.push(account.slot);
    }
    sent
}

// rule L6
#[test]
fn addresses_that_a_name_has_left_behind_take_no_share() {
    let mut pace = Pace::default();
    let socket = SocketId(0);
    let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
    pace.set_receive_buffer(socket, 100 * BUFFER_PER_REQUEST);
    let mut before = pace.registrar(socket, at(1));
    for port in 2..500 {
        let id = pace.registrar(socket, at(port));
        pace.rest(before);
        assert_eq!(pace.in_flight(id).1, WINDOW_START, "{port}");
        before = id;
    }
    let back = pace.registrar(socket, at(1));
    assert_eq!(pace.in_flight(back).1, WINDOW_START);
    assert_eq!(pace.budgets[&socket].windows, 2 * WINDOW_START);
    for port in 1..500 {
        pace.registrar(socket, at(port));
    }
    let sum: u32 = pace.registrars.iter().map(|it| it.window).sum();
    assert!(sum <= 500, "one each at least, {sum} in all");
}

// rule L6
#[test]
fn at_most_a_window_is_in_flight_and_the_earliest_due_goes_first() {
    let (mut pace, id) = one();
    for slot in 0..40 {
        pace.enqueue(
            id,
            account(slot),
            Instant::from_secs(100 - u64::from(slot)),
            None,
        );
    }
    let sent = all(&mut pace, Instant::from_secs(100));
    assert_eq!(sent, (8..40).rev().collect::<Vec<_>>());
    pace.leave(id);
    assert_eq!(all(&mut pace, Instant::from_secs(100)), [7]);
}

// rule L6
#[test]
fn bindings_that_end_within_64_seconds_go_before_all_others() {
    let (mut pace, id) = one();
    pace.enqueue(id, account(1), Instant::from_secs(1), None);
    pace.enqueue(
        id,
        account(2),
        Instant::from_secs(2),
        Some(Instant::from_secs(75)),
    );
    pace.enqueue(
        id,
        account(3),
        Instant::from_secs(3),
        Some(Instant::from_secs(74)),
    );
    pace.enqueue(
        id,
        account(4),
        Instant::from_secs(4),
        Some(Instant::from_secs(73)),
    );
    assert_eq!(all(&mut pace, Instant::from_secs(10)), [4, 3, 1, 2]);
}

// rule L6
#[test]
fn a_window_grows_by_one_for_each_full_window_answered_and_stops_at_256() {
    let (mut pace, id) = one();
    for _ in 0..32 {
        pace.on_answer(id, Instant::ZERO, 200);
    }
    assert_eq!(pace.in_flight(id).1, 33);
    for _ in 0..100_000 {
        pace.on_answer(id, Instant::ZERO, 200);
    }
    assert_eq!(pace.in_flight(id).1, 256);
}

// rule L6
#[test]
fn a_window_is_halved_at_most_once_in_32_seconds_and_never_below_one() {
    let (mut pace, id) = one();
    let mut windows = Vec::new();
    for second in 0..330 {
        pace.on_silence(id, Instant::from_secs(second), Instant::from_secs(second));
        windows.push(pace.in_flight(id).1);
    }
    windows.dedup();
    assert_eq!(windows, [16, 8, 4, 2, 1]);
}

// rule P4
#[test]
fn the_silence_of_one_account_leaves_the_window_alone() {
    let (mut pace, id) = one();
    pace.on_heard(id, Instant::from_secs(5));
    pace.on_silence(id, Instant::from_secs(32), Instant::ZERO);
    assert_eq!((pace.in_flight(id).1, pace.get(id).suspect), (32, false));
}

// rule P4
#[test]
fn one_register_at_a_time_goes_to_a_dead_registrar_and_all_when_it_is_heard() {
    let (mut pace, id) = one();
    pace.on_dead(id);
    for slot in 0..5 {
        pace.enqueue(id, account(slot), Instant::ZERO, None);
    }
    assert_eq!(all(&mut pace, Instant::ZERO), [0]);
    pace.leave(id);
    assert_eq!(all(&mut pace, Instant::ZERO), [1]);
    pace.on_heard(id, Instant::from_secs(1));
    assert_eq!(all(&mut pace, Instant::from_secs(1)), [2, 3, 4]);
}

// rule L6
#[test]
fn windows_of_one_socket_stay_within_its_receive_buffer() {
    let mut pace = Pace::default();
    let ids: Vec<_> = (1..=4)
        .map(|host| pace.registrar(SocketId(0), SocketAddr::from(([127, 0, 0, host], 5060))))
        .collect();
    pace.set_receive_buffer(SocketId(0), 64 * 4_096);
    let sum = |pace: &Pace| ids.iter().map(|id| pace.in_flight(*id).1).sum::<u32>();
    assert_eq!(sum(&pace), 64);
    for id in &ids {
        (0..10_000).for_each(|_| pace.on_answer(*id, Instant::ZERO, 200));
    }
    assert_eq!(sum(&pace), 64);
}

#[test]
fn a_registrar_that_comes_back_under_another_number_is_not_forgotten() {
    let mut pace = Pace::default();
    let at = |port: u16| SocketAddr::from(([10, 0, 0, 1], port));
    let socket = SocketId(0);
    let [one, two] = [5_060, 5_062].map(|port| pace.registrar(socket, at(port)));
    pace.forget_all_but(&BTreeSet::new());
    // The last number that was freed is given first.
    let back = pace.registrar(socket, at(5_060));
    assert_eq!(back, two);
    assert_ne!(back, one);
    pace.forget_all_but(&BTreeSet::from([back]));
    assert_eq!(pace.find(socket, at(5_060)), Some(back));
    let other = pace.registrar(socket, at(5_064));
    assert_ne!(other, back);
}
