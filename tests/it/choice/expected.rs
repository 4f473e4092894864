//! Rows that were written by hand, each below the manual's words, or the rule, that it proves.

use super::case::*;

/// One row: how it is configured, who is up, and what must leave.
type Row = (Mode, Upkeep, bool, Situation, &'static str);

/// What the rows prove, and the rows.
type Proof = (&'static str, &'static [Row]);

const SWAP: bool = true;
const STAY: bool = false;

use Mode::{Avoid, AvoidNonRegister, Disable, Enable, Ims, NonRegister};
use Upkeep::{Blind, FakeRegister, Homing, OnActive, Parking, Register};

#[rustfmt::skip]
pub(super) const PROOFS: &[Proof] = &[
    (
        "Registrar Stickiness, Disable: “there is no binding to a specific IP address in the Proxy \
         Set and at any given time, requests may be sent to a different IP address, whichever is \
         the working one” (rule S2)",
        &[
            (Disable, Parking, STAY, X_CLOSED, "0 X, 240 Y, 480 Y, 720 Y, 960 Y"),
            (Disable, Homing, STAY, X_CLOSED, "0 X, 240 Y, 480 X, 720 X, 960 X"),
            (Disable, Homing, STAY, XY_CLOSED, "0 X, 240 Z, 480 X, 720 X, 960 X"),
            (Disable, Parking, STAY, X_LEAVES, "0 X, 240 Y, 480 Y, 720 Y, 960 Y"),
        ],
    ),
    (
        "Registrar Stickiness, Enable: “REGISTER refreshes … are sent to this registrar only” \
         (rule S3)",
        &[
            (Enable, Homing, STAY, ALL_UP, "0 X, 240 X, 480 X, 720 X, 960 X"),
            (Enable, Homing, STAY, X_CLOSED_FIRST, "0 X, 30 Y, 270 Y, 510 Y, 750 Y, 990 Y"),
            (Enable, Homing, SWAP, X_503_FIRST, "0 X Y, 240 Y, 480 Y, 720 Y, 960 Y"),
        ],
    ),
    (
        "Registrar Stickiness, Enable: “This applies until the registrar is unreachable” (rule \
         S14, first column)",
        &[
            (Enable, Parking, STAY, X_CLOSED, "0 X, 60 Y, 300 Y, 540 Y, 780 Y"),
            (Enable, FakeRegister, STAY, X_SILENT, "0 X, 92 Y, 332 Y, 572 Y, 812 Y"),
            (Ims, OnActive, STAY, X_SILENT, "0 X, 92 Y, 332 Y, 572 Y, 812 Y"),
            (Enable, Parking, STAY, X_THEN_Y, "0 X, 60 Y, 300 Y, 420 X, 660 X, 900 X"),
            (NonRegister, Parking, STAY, X_CLOSED, "0 X, 240 Y, 480 Y, 720 Y, 960 Y"),
        ],
    ),
    (
        "Registrar Stickiness, Enable: “or registration refresh fails, for whatever reason” (rule \
         S14, second and third column)",
        &[
            (Enable, Blind, STAY, X_CLOSED, "0 X, 240 X Y, 480 Y, 720 Y, 960 Y"),
            (Enable, Blind, STAY, X_SILENT, "0 X, 240 X, 272 Y, 512 Y, 752 Y, 992 Y"),
            (Enable, Homing, STAY, X_503, "0 X, 240 X Y, 480 Y, 720 Y, 960 Y"),
            (Enable, Parking, STAY, X_403, "0 X, 240 X Y, 480 Y, 720 Y, 960 Y"),
            (Avoid, Parking, STAY, X_403, "0 X, 240 X Y, 480 Y, 720 Y, 960 Y"),
        ],
    ),
    (
        "Rule S14: “Refused credentials and 6xx do not move an Account (but see S7)”",
        &[
            (Enable, Parking, SWAP, X_603, "0 X, 240 X, 270 X, 300 X, 330 X, 570 X, 810 X"),
            (Enable, Parking, SWAP, X_REFUSES, "0 X, 240 X, 840 X"),
            (Avoid, Homing, STAY, X_603, "0 X, 240 X, 270 X, 300 X, 330 X, 570 X, 810 X"),
            (Ims, Blind, STAY, X_603, "0 X, 240 X Y, 480 Y, 720 Y, 960 Y"),
            (Ims, Blind, STAY, X_REFUSES, "0 X, 240 X Y, 480 Y, 720 Y, 960 Y"),
        ],
    ),
    (
        "Registrar Stickiness, Enable for Non-REGISTER Requests: “When the device initiates a \
         refresh REGISTER message for the Account, it restarts the registration process for the \
         Account, sending the message to one of the registrar servers according to the Proxy Set” \
         (rule S4)",
        &[
            (NonRegister, Homing, STAY, X_CLOSED_FIRST, "0 X, 30 Y, 270 Y, 510 X, 750 X, 990 X"),
            (NonRegister, Homing, STAY, X_CLOSED, "0 X, 240 Y, 480 X, 720 X, 960 X"),
            (NonRegister, Blind, SWAP, X_503_FIRST, "0 X Y, 240 X, 480 X, 720 X, 960 X"),
        ],
    ),
    (
        "Registrar Stickiness, Note: “a registrar server which the device no longer 'knows' (e.g., \
         it was removed from the IP address results of the DNS resolution …) and the Registrar \
         Stickiness feature is enabled, the device immediately initiates a new registration \
         process for the Account (toward a different server of the Proxy Set)” (rule S5)",
        &[
            (Enable, Blind, STAY, X_LEAVES, "0 X, 120 Y, 360 Y, 600 Y, 840 Y"),
            (NonRegister, Blind, STAY, X_LEAVES, "0 X, 120 Y, 360 Y, 600 Y, 840 Y"),
            (Ims, Parking, STAY, X_LEAVES, "0 X, 120 Y, 360 Y, 600 Y, 840 Y"),
            (Avoid, Homing, STAY, X_LEAVES, "0 X, 120 Y, 360 Y, 600 Y, 840 Y"),
        ],
    ),
    (
        "Registrar Search Mode, Current Working Server: “For each initial and refresh registration \
         request, the device routes to the currently working server in the list” (rules S6, P4)",
        &[
            (Enable, Parking, STAY, X_CLOSED_FIRST, "0 X, 30 Y, 270 Y, 510 Y, 750 Y, 990 Y"),
            (Enable, Blind, STAY, X_SILENT_FIRST, "0 X, 62 Y, 302 Y, 542 Y, 782 Y"),
            (Enable, Blind, STAY, X_403_FIRST, "0 X, 30 X, 60 X, 90 X, 120 X, 360 X, 600 X, 840 X"),
        ],
    ),
    (
        "Registrar Search Mode, According to IMS Specifications: “starting with the first listed \
         address and then going down the list sequentially. If an address results in an \
         unsuccessful registration, the device immediately tries the next address (without waiting \
         any retry timeout)” (rule S7)",
        &[
            (Ims, Blind, STAY, X_CLOSED_FIRST, "0 X Y, 240 Y, 480 Y, 720 Y, 960 Y"),
            (Ims, Blind, STAY, X_403_FIRST, "0 X Y, 240 Y, 480 Y, 720 Y, 960 Y"),
            (Ims, Parking, STAY, X_503_FIRST, "0 X Y, 240 Y, 480 Y, 720 Y, 960 Y"),
            (Ims, Blind, STAY, X_SILENT_FIRST, "0 X, 3.5 Y, 243.5 Y, 483.5 Y, 723.5 Y, 963.5 Y"),
        ],
    ),
    (
        "According to IMS Specifications: “If registration is unsuccessful for all addresses, the \
         device waits a configured retry time and then goes through the list again” (rule S7: the \
         registrar whose refresh failed comes last in its pass)",
        &[
            (Ims, Blind, STAY, ALL_CLOSED,
             "0 X, 240 X Y Z X, 270 X Y Z, 300 X Y Z, 330 X, 570 X, 810 X"),
            (Ims, Blind, STAY, X_THEN_OTHERS, "0 X, 240 X Y, 480 Y X, 720 X, 960 X"),
        ],
    ),
    (
        "According to IMS Specifications: “immediate register refreshes are done upon the \
         following triggers …: The device receives a SIP 408, 480, or 403 response from the \
         Serving IP Group in response to an INVITE” (rule S7, not S11)",
        &[(
            Ims,
            Parking,
            SWAP,
            INVITE_FAILS,
            "0 X, 100 X, 340 X, 580 X, 820 X",
        )],
    ),
    (
        "Avoid Previous Registrar Until Expiry, the manual's example: “12:00:00 … server X; … \
         12:04:00 … the device registers to server Y; … the device only re-register to server X \
         after 12:11:00” (rules S8, S9)",
        &[
            (Avoid, Homing, STAY, X_CLOSED, "0 X, 240 Y, 480 Y (360), 660 X, 900 X"),
            (AvoidNonRegister, Homing, STAY, X_SILENT, "0 X, 240 Y, 480 Y (360), 660 X, 900 X"),
        ],
    ),
    (
        "Avoid Previous Registrar Until Expiry: “prevents the device from sending REGISTER \
         requests to a registrar server where the device previously registered, if the device also \
         registered successfully to another server since” (rule S8)",
        &[
            (Avoid, Homing, STAY, X_503, "0 X, 240 X Y, 480 Y (360), 660 X, 900 X"),
            (Avoid, Homing, STAY, X_THEN_Y, "0 X, 240 Y, 480 Z (360), 660 X, 900 X"),
            (Avoid, Parking, STAY, X_THEN_OTHERS,
             "0 X, 240 Y, 480 Y Z, 510 Y Z, 540 Y Z, 570 Y Z, 600 Y Z, 630 Y Z, 660 X, 900 X"),
            // Without a 200 from another server since, X is not avoided.
            (Avoid, Homing, STAY, X_CLOSED_FIRST, "0 X, 30 Y, 270 Y, 510 X, 750 X, 990 X"),
        ],
    ),
    (
        "Rule S8: by parking “the bound one while online”; the shortened expiry is homing's (rule \
         S9)",
        &[
            (Avoid, Parking, STAY, X_CLOSED, "0 X, 240 Y, 480 Y, 720 Y, 960 Y"),
            (Avoid, Parking, STAY, XY_CLOSED, "0 X, 240 Z, 480 Z, 720 Z, 960 Z"),
        ],
    ),
    (
        "Proxy Set: “Homing: returns to the primary when it is available again”, by keep-alive \
         with OPTIONS; “Parking: stays with the redundant proxy until it fails” (rule P6)",
        &[
            (Disable, Homing, STAY, X_SILENT, "0 X, 240 Y, 480 X, 720 X, 960 X"),
            (Disable, OnActive, STAY, X_CLOSED, "0 X, 240 Y, 480 Y, 720 Y, 960 Y"),
            (Disable, Parking, STAY, X_THEN_Y, "0 X, 240 Y, 480 X, 720 X, 960 X"),
        ],
    ),
    (
        "Proxy Hot Swap: off, “no other address is tried for that request”; on, on no answer after \
         three transmissions, or on a listed code, “the next online proxy is tried” (rule P7)",
        &[
            (Disable, Blind, STAY, X_503_FIRST,
             "0 X, 30 X, 60 X, 90 X, 120 X, 360 X, 600 X, 840 X"),
            (Disable, Blind, SWAP, X_503_FIRST, "0 X Y, 240 X, 480 X, 720 X, 960 X"),
            (Disable, Register, STAY, X_SILENT, "0 X, 240 X, 302 Y, 542 Y, 782 Y"),
            (Disable, Register, SWAP, X_SILENT, "0 X, 240 X, 243.5 Y, 483.5 Y, 723.5 Y, 963.5 Y"),
            (Disable, Blind, SWAP, X_403, "0 X, 240 X, 270 X, 300 X, 330 X, 570 X, 810 X"),
            // The last one is waited for as long as any.
            (Disable, Blind, SWAP, ALL_SILENT, "0 X, 240 X, 243.5 Y, 247 Z, 309 X, 549 X, 789 X"),
        ],
    ),
    (
        "Rule P4: “All offline: still tried, best first, one per attempt in turn”",
        &[
            (Disable, Parking, STAY, ALL_CLOSED, "0 X, 240 X, 270 Y, 300 Z, 330 X, 570 X, 810 X"),
            (Enable, Parking, STAY, ALL_SILENT, "0 X, 240 X, 302 Y, 545.5 Y, 785.5 Y"),
        ],
    ),
    (
        "Re-REGISTER on INVITE Failure: “if the Proxy Set's 'Proxy Hot Swap Mode' parameter is \
         configured to Enable and the 'Proxy Keep-Alive' parameter to Using OPTIONS, Using OPTIONS \
         on Active Server, or Using REGISTER, then the registrar at which the INVITE failed is \
         tried last in the list of servers in the Proxy Set” (rule S11)",
        &[
            (Enable, Parking, SWAP, INVITE_FAILS, "0 X, 100 Y, 340 Y, 580 Y, 820 Y"),
            (Enable, Register, SWAP, INVITE_FAILS, "0 X, 100 Y, 340 Y, 580 Y, 820 Y"),
            (Disable, OnActive, SWAP, INVITE_FAILS, "0 X, 100 Y, 340 X, 580 X, 820 X"),
            (Enable, FakeRegister, SWAP, INVITE_FAILS, "0 X, 100 X, 340 X, 580 X, 820 X"),
            (Enable, Parking, STAY, INVITE_FAILS, "0 X, 100 X, 340 X, 580 X, 820 X"),
            (Avoid, Homing, STAY, INVITE_FAILS, "0 X, 100 X, 340 X, 580 X, 820 X"),
        ],
    ),
];
