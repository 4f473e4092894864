//! Names of the things that cross the boundary. All are small, copyable and printable.

use std::fmt;

/// An Account in the engine: a slot in its table and the generation of that slot, so that a late
/// answer to a removed Account is never taken for one to its successor.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AccountId {
    /// Place in the engine's table; dense, from 0.
    pub slot: u32,
    /// How often the slot was given to another Account.
    pub generation: u32,
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty), $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
    };
}

number! {
    /// A bound UDP socket.
    SocketId(u32), "socket-"
}
number! {
    /// A Proxy Set in the engine; dense, from 0.
    SetId(u32), "set-"
}
number! {
    /// A connection (TCP or TLS).
    FlowId(u32), "flow-"
}
number! {
    /// A command that waits for its outcome.
    Ticket(u64), "ticket-"
}
number! {
    /// A question to DNS.
    QuestionId(u64), "question-"
}
number! {
    /// A batch of records on its way to the store.
    BatchId(u64), "batch-"
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "account-{}.{}", self.slot, self.generation)
    }
}
