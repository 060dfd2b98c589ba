//! Commands as plain data. Whatever a command makes is named by the step that it was given in, so that a sequence means
//! the same again with some of its steps left out.

/// The number of a step, and the name of what it made.
pub(crate) type Step = usize;
/// A person, by number.
pub(crate) type Person = usize;

/// What every way of spending names.
#[derive(Clone, Debug)]
pub(crate) struct Spend {
    pub(crate) who: Person,
    pub(crate) cents: i128,
    /// The step that proved the PIN; none where no PIN is needed.
    pub(crate) proof: Option<Step>,
    pub(crate) device: u8,
    /// By how many steps what is known to have come in is out of date.
    pub(crate) stale: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packet {
    Equal,
    Lucky,
    Exclusive(Person),
}

#[derive(Clone, Debug)]
pub(crate) enum Command {
    /// The clock goes on.
    Wait {
        millis: i64,
    },
    OpenWallet {
        who: Person,
        pin: u8,
    },
    ChangePin {
        who: Person,
        old: u8,
        new: u8,
    },
    Authorize {
        who: Person,
        pin: u8,
        device: u8,
        up_to: Option<i128>,
    },
    /// The PIN was compared with a verifier that is no longer in force.
    AuthorizeLate {
        who: Person,
        device: u8,
    },
    LinkCard {
        who: Person,
        number: u8,
        holder: &'static str,
    },
    UnlinkCard {
        who: Person,
        card: Step,
    },
    TopUp {
        who: Person,
        card: Step,
        cents: i128,
    },
    /// The bank's answer to a top-up, maybe not the first one.
    BankOnTopUp {
        top_up: Step,
        done: bool,
    },
    ChooseArrival {
        who: Person,
        seconds: i64,
    },
    Transfer {
        spend: Spend,
        to: Person,
    },
    RedPacket {
        spend: Spend,
        packet: Packet,
        shares: u32,
    },
    Withdraw {
        spend: Spend,
        card: Step,
    },
    Bill {
        spend: Spend,
    },
    Pay {
        spend: Spend,
        merchant: usize,
    },
    Accept {
        hold: Step,
        by: Person,
    },
    Return {
        hold: Step,
        by: Person,
    },
    Cancel {
        hold: Step,
        by: Person,
    },
    OpenShare {
        hold: Step,
        by: Person,
        luck: u64,
    },
    /// The answer of the bank, the biller or the order to a hold, maybe not the first one. With a crash, no more is done about a refused
    /// withdrawal than to note it in the wallet.
    Outside {
        hold: Step,
        done: bool,
        crash: bool,
    },
    CreateOrder {
        merchant: usize,
        cents: i128,
    },
    /// The merchant gives the number of an order again.
    AskAgain {
        order: Step,
        cents: i128,
    },
    CloseOrder {
        order: Step,
    },
    /// With a crash, only the first leg is made. How much is what the order says.
    PayOrder {
        spend: Spend,
        order: Step,
        crash: bool,
    },
    ShowCode {
        who: Person,
    },
    /// A code is read for an order.
    ReadCode {
        code: Step,
        order: Step,
        stale: usize,
        crash: bool,
    },
    /// Of an order, or of a payment to a static code.
    Refund {
        sale: Step,
        number: u8,
        cents: i128,
        stale: usize,
    },
    WithdrawTakings {
        merchant: usize,
        cents: i128,
        stale: usize,
    },
    /// The clock's work: whatever is due is done.
    Sweep,
}

/// Why a command was refused, and what the answer says is left: cents, or tries of the PIN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) left: Option<i128>,
}

pub(crate) type Answer = Result<(), Refusal>;

pub(crate) const fn refused<T>(code: &'static str) -> Result<T, Refusal> {
    Err(Refusal { code, left: None })
}

pub(crate) const fn refused_with<T>(code: &'static str, left: i128) -> Result<T, Refusal> {
    Err(Refusal { code, left: Some(left) })
}
