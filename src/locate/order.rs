//! In which order the servers of one SRV answer are tried (RFC 2782).

use std::sync::Arc;

use crate::rng::Draw;

/// A server of a service: one SRV record that may be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Server {
    /// The lowest is tried first.
    pub(super) priority: u16,
    /// Share among those of equal priority.
    pub(super) weight: u16,
    /// Port of the service.
    pub(super) port: u16,
    /// Host of the service.
    pub(super) target: Arc<str>,
}

/// The first `most` of these servers: by priority, and drawn by weight within one.
///
/// A server of weight 0 is drawn last but for a small chance; among several of them any order is as
/// likely as any other.
pub(super) fn order(servers: Vec<Server>, most: usize, draw: &mut Draw) -> Vec<Server> {
    // "Arrange all SRV RRs in any order, except that all those with weight 0 are placed at the
    // beginning of the list": RFC 2782. The order of arrival would favour whom the server names
    // first, so it is a drawn one.
    let mut rest: Vec<(u64, Server)> = servers
        .into_iter()
        .map(|server| (draw.number(), server))
        .collect();
    rest.sort_by_key(|(place, server)| (server.priority, server.weight > 0, *place));
    let mut rest: Vec<Server> = rest.into_iter().map(|(_, server)| server).collect();
    let mut ordered = Vec::with_capacity(rest.len().min(most));
    while ordered.len() < most && !rest.is_empty() {
        let next = pick(&rest, draw);
        ordered.push(rest.remove(next));
    }
    ordered
}

/// The place of the one to try first; `servers` is not empty, and sorted by priority.
fn pick(servers: &[Server], draw: &mut Draw) -> usize {
    let first = servers.first().map(|server| server.priority);
    let equals = || {
        servers
            .iter()
            .take_while(|server| Some(server.priority) == first)
    };
    let sum: u64 = equals().map(|server| u64::from(server.weight)).sum();
    // "A uniform random number between 0 and the sum computed (inclusive)": RFC 2782.
    let drawn = draw.below(sum + 1);
    let mut running = 0;
    let chosen = equals().position(|server| {
        running += u64::from(server.weight);
        running >= drawn
    });
    chosen.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    // rule P1
    #[test]
    fn priority_comes_before_weight() {
        for counter in 0..200 {
            let servers = vec![
                server("c", 20, 65_535),
                server("a", 10, 0),
                server("d", 30, 1),
                server("b", 10, 1),
            ];
            let order = order(servers, 50, &mut draw(counter));
            let names: Vec<&str> = order.iter().map(|server| &*server.target).collect();
            assert_eq!(names[2..], ["c", "d"], "{names:?}");
        }
    }

    #[test]
    fn weights_are_shares_of_the_first_place() {
        let mut first = [0_u32; 3];
        for counter in 0..10_000 {
            let servers = vec![server("0", 1, 10), server("1", 1, 30), server("2", 1, 60)];
            let order = order(servers, 50, &mut draw(counter));
            let place: usize = order[0].target.parse().unwrap();
            first[place] += 1;
        }
        // Of 101 numbers the 0 goes to whoever stands first, which is any of them.
        let expected = [1_023, 3_003, 5_973];
        for (seen, expected) in first.iter().zip(expected) {
            assert!(seen.abs_diff(expected) < 200, "{first:?}");
        }
    }

    #[test]
    fn the_second_place_is_drawn_among_the_rest() {
        let mut second = [0_u32; 3];
        for counter in 0..10_000 {
            let servers = vec![server("0", 1, 1), server("1", 1, 1), server("2", 1, 998)];
            let order = order(servers, 50, &mut draw(counter));
            second[order[1].target.parse::<usize>().unwrap()] += 1;
        }
        assert!(second[0].abs_diff(second[1]) < 400, "{second:?}");
        assert!(second[2] < 100, "{second:?}");
    }

    #[test]
    fn weight_0_has_a_small_chance_beside_others_and_an_equal_one_among_its_like() {
        let (mut beside, mut among) = (0, 0);
        for counter in 0..10_000 {
            let servers = vec![server("none", 1, 0), server("some", 1, 99)];
            beside += u32::from(&*order(servers, 50, &mut draw(counter))[0].target == "none");
            let servers = vec![server("x", 1, 0), server("y", 1, 0)];
            among += u32::from(&*order(servers, 50, &mut draw(counter))[0].target == "x");
        }
        assert!(beside.abs_diff(100) < 50, "{beside}");
        assert!(among.abs_diff(5_000) < 300, "{among}");
    }

    #[test]
    fn the_same_draw_gives_the_same_order_and_no_more_than_is_asked_for() {
        let servers: Vec<Server> = (0..5_000)
            .map(|nth| server(&nth.to_string(), nth % 3, nth))
            .collect();
        let once = order(servers.clone(), 50, &mut draw(1));
        assert_eq!(once.len(), 50);
        assert!(once.iter().all(|server| server.priority == 0));
        assert_eq!(once, order(servers.clone(), 50, &mut draw(1)));
        assert_ne!(once, order(servers, 50, &mut draw(2)));
        assert_eq!(order(Vec::new(), 50, &mut draw(1)), []);
    }

    fn server(target: &str, priority: u16, weight: u16) -> Server {
        Server {
            priority,
            weight,
            port: 5060,
            target: target.into(),
        }
    }

    fn draw(counter: u64) -> Draw {
        Seed::from_number(7).draw(0, counter)
    }
}
