//! Where the server listens, and what a reload makes of it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use nix::sys::stat::Mode;

use super::client::{Answer, Http, ask_socket, read_all};
use super::{READ_TOKEN, TOKEN, USUAL, World, entrance, http};
use crate::harness::{User, regent, wait_until};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        without_a_table_there_is_no_server,
        a_port_that_is_taken_is_an_error_at_the_start,
        a_reload_opens_and_closes_places_and_changes_tokens,
        a_reload_that_cannot_listen_changes_nothing,
        an_address_that_is_in_the_way_of_another_is_named,
        a_socket_that_is_taken_out_may_be_put_back_at_once,
        a_socket_of_the_file_system_takes_no_token,
        a_full_network_does_not_keep_out_the_socket_of_the_file_system,
        where_it_is_and_how_to_come_in_is_said,
    ]
}

fn is_open(address: SocketAddr) -> bool {
    TcpStream::connect(address).is_ok()
}

// rule T4
fn without_a_table_there_is_no_server() {
    let world = World::new("");
    let daemon = world.start();
    let said = daemon.tell(&["web"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err.contains("the daemon serves no web page"),
        "{said:?}"
    );
    assert!(
        said.err.contains("regent configure web set listen"),
        "{said:?}"
    );
    assert!(!daemon.log().contains("web:"), "{}", daemon.log());
}

// rule T4
fn a_port_that_is_taken_is_an_error_at_the_start() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let world = World::new(&format!("[web]\nlisten = [\"{address}\"]\n"));
    let file = world.file.to_string_lossy();
    let socket = world.sandbox.path("other.sock");
    let arguments = [
        "run",
        "--config",
        &file,
        "--socket",
        &socket.to_string_lossy(),
    ];
    let said = regent(&world.sandbox, User::Same, &arguments);
    assert_eq!(said.code, Some(1), "{said:?}");
    let wanted = format!("error: the web cannot be served at {address}: Address already in use");
    assert!(said.err.contains(&wanted), "{said:?}");
    assert!(
        said.err.contains("hint: another program listens there"),
        "{said:?}"
    );
}

// rule T4, G2
fn a_reload_opens_and_closes_places_and_changes_tokens() {
    let world = World::new("");
    let daemon = world.start();
    let reload = |tables: &str| {
        world.write(tables);
        let said = daemon.tell(&["reload"]);
        assert_eq!(said.code, Some(0), "{said:?}");
    };
    reload(USUAL);
    let first = http(&daemon).address;
    let path = "/api/v1/summary";
    assert_eq!(Http::new(first).token(TOKEN).get(path).status, 200);
    // The same again: a port that the system chose stays.
    reload(&format!("{USUAL}hosts = [\"regent.example.net\"]\n"));
    assert_eq!(http(&daemon).address, first);
    let named = Http::new(first)
        .token(TOKEN)
        .with("Host", "regent.example.net");
    assert_eq!(named.get(path).status, 200);
    reload("[web]\nlisten = [\"127.0.0.2:0\"]\ntoken = \"another-token-of-ours\"\n");
    let (places, _) = entrance(&daemon);
    assert_eq!(places.len(), 1);
    assert_eq!(places[0].ip().to_string(), "127.0.0.2");
    wait_until(Duration::from_secs(5), "the first to close", || {
        !is_open(first)
    });
    let other = Http::new(places[0]);
    assert_eq!(other.token(TOKEN).get(path).status, 401);
    assert_eq!(other.token("another-token-of-ours").get(path).status, 200);
    reload("");
    wait_until(Duration::from_secs(5), "the second to close", || {
        !is_open(places[0])
    });
    assert_eq!(daemon.tell(&["web"]).code, Some(1));
}

// rule T4, G2
fn a_reload_that_cannot_listen_changes_nothing() {
    let world = World::new(USUAL);
    let daemon = world.start();
    let first = http(&daemon);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    world.write(&format!(
        "[web]\nlisten = [\"{address}\"]\ntoken = \"another-token-of-ours\"\n"
    ));
    for arguments in [&["reload"][..], &["reload", "--check"]] {
        let said = daemon.tell(arguments);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.err.contains(&address.to_string()), "{said:?}");
        assert!(said.err.contains("nothing has changed"), "{said:?}");
    }
    assert_eq!(first.token(READ_TOKEN).get("/api/v1/summary").status, 200);
    drop(taken);
    assert_eq!(daemon.tell(&["reload", "--check"]).code, Some(0));
    assert!(!is_open(address), "a check went on listening");
    assert_eq!(daemon.tell(&["reload"]).code, Some(0));
    assert_eq!(http(&daemon).address, address);
}

// rule T4, G2
fn an_address_that_is_in_the_way_of_another_is_named() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let world = World::new(&USUAL.replace("127.0.0.1:0", &address.to_string()));
    let daemon = world.start();
    let all = format!("0.0.0.0:{}", address.port());
    world.write(&USUAL.replace("127.0.0.1:0", &all));
    let said = daemon.tell(&["reload"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let wanted = format!("cannot be served at {all} while it is served at {address}");
    assert!(said.err.contains(&wanted), "{said:?}");
    assert!(said.err.contains("reload first without"), "{said:?}");
    assert!(!said.err.contains("another program"), "{said:?}");
    world.write("");
    assert_eq!(daemon.tell(&["reload"]).code, Some(0));
    wait_until(Duration::from_secs(5), "the old one to close", || {
        !is_open(address)
    });
    world.write(&USUAL.replace("127.0.0.1:0", &all));
    assert_eq!(daemon.tell(&["reload"]).code, Some(0));
}

// rule T4, G2
fn a_socket_that_is_taken_out_may_be_put_back_at_once() {
    let world = World::new("");
    let path = world.sandbox.path("web.sock");
    let by_file = format!(
        "[web]\nlisten = [\"unix:{}\", \"127.0.0.1:0\"]\n",
        path.display()
    );
    world.write(&by_file);
    let daemon = world.start();
    // A stream is open, and has half a second to end: the file does not wait for it. A machine with
    // much to do gets more than one chance to show so.
    let goes_first = (0..5).any(|_| {
        let mut stream = UnixStream::connect(&path).unwrap();
        let request = "GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        stream.read_exact(&mut [0; 15]).unwrap();
        world.write("[web]\nlisten = [\"127.0.0.1:0\"]\n");
        assert_eq!(daemon.tell(&["reload"]).code, Some(0));
        let start = Instant::now();
        wait_until(Duration::from_secs(5), "the file to go", || !path.exists());
        let took = start.elapsed();
        world.write(&by_file);
        let said = daemon.tell(&["reload"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        took < Duration::from_millis(300)
    });
    assert!(
        goes_first,
        "the file is left until the last connection ends"
    );
    let get = "GET /session HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert_eq!(ask_socket(&path, get).status, 200);
}

// rule T4
fn a_socket_of_the_file_system_takes_no_token() {
    let world = World::new("");
    let path = world.sandbox.path("web.sock");
    world.write(&format!("[web]\nlisten = [\"unix:{}\"]\n", path.display()));
    let daemon = world.start();
    let mode = nix::sys::stat::stat(&path).unwrap().st_mode;
    assert_eq!(
        Mode::from_bits_truncate(mode),
        Mode::from_bits_truncate(0o660)
    );
    let ask = |request: &str| ask_socket(Path::new(&path), request);
    let get = "GET /session HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert_eq!(ask(get).json()["may_act"], true);
    let order = |more: &str| {
        ask(&format!(
            "POST /api/v1/accounts/main/refresh HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: 2\r\n{more}\r\n{{}}"
        ))
    };
    assert_eq!(order("").code(), "cross-site");
    assert_eq!(order("X-Regent: 1\r\n").json()["outcome"], "registered");
    let events = daemon.tell(&["events", "--json"]);
    let uid = format!("\"uid\":{}", nix::unistd::Uid::current());
    assert!(events.out.contains(&uid), "{events:?}");
    let foreign = get.replace("localhost", "attacker.example");
    assert_eq!(ask(&foreign).status, 421);
    daemon.stop();
    assert!(!path.exists(), "the socket's file is left");
}

// rule T4
fn a_full_network_does_not_keep_out_the_socket_of_the_file_system() {
    let world = World::new("");
    let path = world.sandbox.path("web.sock");
    let listen = format!("listen = [\"127.0.0.1:0\", \"unix:{}\"]", path.display());
    world.write(&format!("[web]\n{listen}\n"));
    let daemon = world.start();
    let http = http(&daemon);
    let request = "GET /session HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let idle: Vec<TcpStream> = (0..256).map(|_| http.connect()).collect();
    wait_until(Duration::from_secs(5), "the network to be full", || {
        let mut one = http.connect();
        drop(one.write_all(request.as_bytes()));
        let text = read_all(&mut one);
        text.is_empty() || Answer::read(&text).status == 503
    });
    assert_eq!(ask_socket(&path, request).status, 200);
    drop(idle);
}

fn where_it_is_and_how_to_come_in_is_said() {
    let world = World::new(USUAL);
    let daemon = world.start();
    let address = http(&daemon).address;
    let said = daemon.tell(&["web"]);
    assert!(
        said.out.starts_with(&format!("http://{address}/#code=")),
        "{said:?}"
    );
    assert!(said.out.contains("within 60 s"), "{said:?}");
    let line = format!("web: served address=\"http://{address}\"");
    assert!(daemon.log().contains(&line), "{}", daemon.log());
}
