//! What the help of the commands says below the options: what words mean, and examples.

pub(super) const EXAMPLES: &str = "\
Examples:
  regent demo                 see it work, without any configuration
  regent check regent.toml    what is wrong with my configuration?
  regent import device.ini -o regent.toml
                              move the Accounts of a device over
  regent run regent.toml      run the daemon
  regent status               all Accounts in a table
  regent status main          everything about one of them
  regent status --watch       the table, live
  regent status --json        the same for programs
  regent status proxies       the Proxy Sets and how their members do
  regent status groups        the IP Groups and how their Accounts do
  regent events main          what has happened to it
  regent register main        try again now, and say how it went
  regent unregister --all     remove every binding and stay away
  regent trace main           its last SIP messages, as a ladder
  regent alerts list          alerts that go on, and who is told
  regent web                  where the page is, with a link that signs in
  regent configure account set main password -
                              change the configuration, here a password
  regent reload               put a file that you have edited in force

Exit codes:
  0  done; also a status in which no Account matches
  1  refused or failed, and it was said why; also output that cannot
     be written, but not for a reader that has gone
  2  wrong usage, or no such Account
  3  the daemon cannot be reached, or has ended

Environment:
  REGENT_SOCKET           as --socket, unless that or another option says
                          which daemon or which file is meant
  REGENT_STATE_DIRECTORY  as --state-directory
  REGENT_LOG              as --log of `regent run`
  NO_COLOR                no colours, whatever the terminal can do, unless
                          --color says otherwise";

pub(super) const RUN_EXAMPLES: &str = "\
Examples:
  regent run                               the configuration at the usual place
  regent run regent.toml --socket ./sock   all in one folder, to try it out
  regent run device.ini --interface WAN=192.0.2.1
                                           from a device's file as it is
  regent run --log debug                   every attempt, and who comes and goes
  regent run --log-format json             for programs that collect logs";

pub(super) const IMPORT_EXAMPLES: &str = "\
Examples:
  regent import device.ini | less             look first
  regent import device.ini -o regent.toml     and passwords beside it
  regent import device.ini -o regent.toml --interface WAN=192.0.2.1 \\
      --interface LAN=10.0.0.1
  regent import device.ini -o regent.toml --report report.txt
  regent import device.ini -o regent.toml --json | jq .summary
  ssh device cat /ini | regent import - -o regent.toml

Exit codes:
  0  everything that applies was taken
  1  some rows were not, and it was said why; what is good is written
     all the same, unless --strict is given
  2  wrong usage";

pub(super) const EXPORT_EXAMPLES: &str = "\
Examples:
  regent export regent.toml                                  look first
  regent export regent.toml -o device.ini --with-passwords   all of it

A file with passwords is readable by its owner only.";

pub(super) const CHECK_EXAMPLES: &str = "\
Examples:
  regent check                 the configuration at the usual place
  regent check regent.toml     another one
  regent check && regent reload";

pub(super) const REGISTER_EXAMPLES: &str = "\
Examples:
  regent register main         now, and say how it went
  regent register main fax     two of them
  regent register --all --no-wait

Exit code 1 if any of them is not registered at the end.";

pub(super) const UNREGISTER_EXAMPLES: &str = "\
Examples:
  regent unregister main      remove it, and say how it went
  regent unregister --all     all of them

Exit code 1 if any registrar did not confirm it.";

pub(super) const REFRESH_EXAMPLES: &str = "\
Examples:
  regent refresh main         now, and say how it went
  regent refresh --all        all of them

Exit code 1 if any of them was not refreshed.";

pub(super) const RELOAD_EXAMPLES: &str = "\
Examples:
  regent reload                what differs is put in force
  regent reload --check        what would that be?
  systemctl reload regent      the same as the first, by signal

Exit code 1 if there is an error in the configuration; warnings do not
count.";

pub(super) const TRACE_EXAMPLES: &str = "\
A line is a message from us to a registrar, or from it to us: what it
is, its CSeq, how long the answer took since the request first left,
and what it decides. \"again (2)\" is a retransmission. A line with *
says what happened without a message, such as a time-out.
Digests, nonces and passwords are overwritten with *, lengths kept.

Examples:
  regent trace main                            the last messages of one Account
  regent trace main --since 03:10 --until 03:15  why did it fail at 03:12?
  regent trace main --full -n 4                the last four, whole
  regent trace --follow                        everything, as it happens
  regent trace --proxy-set carrier             probes and their answers
  regent trace --registrar 192.0.2.1 --pcap carrier.pcap
  regent trace --pcap - | tshark -r -          without a file";

pub(super) const HEALTH_WORDS: &str = "\
HEALTH is
  OK           it answers in time
  LAGGED       it answers, but late (lagged_ms)
  UNREACHABLE  it does not answer
  UNKNOWN      it has not answered for more than an hour
  Unmonitored  keep_alive is off
  NO STATUS    it was not probed yet
RTT is the round-trip time of the last answer, ACCOUNTS how many hold
their binding there. The current member, to which requests go that
follow no binding, is marked with *.

Examples:
  regent status proxies           all of them
  regent status proxies carrier   one
  regent status proxies --json    the same for programs";

pub(super) const GROUP_WORDS: &str = "\
HEALTH is the word of the best member of the group's Proxy Set, as in
`regent status proxies`; NO STATUS where the group has no Proxy Set, or
nobody was asked yet. REGISTERED counts the Accounts on whose behalf
the group is served; of a group that only serves, those at it.

Examples:
  regent status groups           all of them
  regent status groups PBX       one
  regent status groups --watch   each change, as it happens
  regent status groups --json    the same for programs";

pub(super) const STATUS_WORDS: &str = "\
STATUS is Registered (also while a refresh fails: the binding stands),
the last SIP error number (408 for a time-out), or Not Registered (by
an operator's word, or because nothing was tried yet).
BACKUP says whether the binding is at another registrar than the first
of the Proxy Set.

Examples:
  regent status                           all Accounts in a table
  regent status main                      everything about one of them
  regent status --phase waiting-to-retry  which ones are in trouble?
  regent status --sort status             those first
  regent status --group PBX --registrar 192.0.2.1
                                          some of them
  regent status --watch                   a live screen; q ends it, ? helps
  regent status groups                    who is served, and how well
  regent status --json                    the same for programs";
