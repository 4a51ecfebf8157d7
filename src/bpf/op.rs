//! What the machine does in one step.

/// How many operations to skip where a comparison holds, and where it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Jump {
    pub jt: u8,
    pub jf: u8,
}

/// Bytes of the packet, and which bits of them count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Load {
    pub at: u32,
    pub mask: u32,
}

/// The ports behind an IPv4 header: `X` becomes the length of the header that begins at `header`, and the half words
/// at `X + first` and `X + second` are compared with `port`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ports {
    pub header: u16,
    pub first: u16,
    pub second: u16,
    pub port: u16,
}

/// One step of a program. The number behind a load is what it is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    /// Load, mask, compare, jump.
    WordEq(Load, u32, Jump),
    WordGt(Load, u32, Jump),
    WordGe(Load, u32, Jump),
    WordSet(Load, u32, Jump),
    HalfEq(Load, u32, Jump),
    HalfGt(Load, u32, Jump),
    HalfGe(Load, u32, Jump),
    HalfSet(Load, u32, Jump),
    ByteEq(Load, u32, Jump),
    ByteGt(Load, u32, Jump),
    ByteGe(Load, u32, Jump),
    ByteSet(Load, u32, Jump),
    /// The same with a load that is relative to `X`.
    HalfAtXEq(Load, u32, Jump),
    HalfAtXGt(Load, u32, Jump),
    HalfAtXGe(Load, u32, Jump),
    ByteAtXEq(Load, u32, Jump),
    ByteAtXSet(Load, u32, Jump),
    /// Load a byte and compare it with each of these: jump where one is equal.
    ByteAnyOf(u32, [u8; 3], Jump),
    /// Jump where one of two ports is equal.
    EitherPort(Ports, Jump),
    /// Mask, compare, jump.
    Eq(u32, u32, Jump),
    Gt(u32, u32, Jump),
    Ge(u32, u32, Jump),
    Set(u32, u32, Jump),
    /// Compare with each of these: jump where one is equal.
    AnyOf([u32; 3], Jump),
    /// Go where a table has it, by its number.
    Switch(u32),
    EqX(Jump),
    GtX(Jump),
    GeX(Jump),
    SetX(Jump),
    /// Goes on at an operation, counted from the program's beginning.
    Goto(u32),
    Word(u32),
    Half(u32),
    Byte(u32),
    WordAtX(u32),
    HalfAtX(u32),
    /// Little-endian.
    HalfAtXSwapped(u32),
    ByteAtX(u32),
    /// What the caller knows of the packet's way.
    PacketType,
    Length,
    LengthToX,
    HeaderLengthToX(u32),
    Constant(u32),
    ConstantToX(u32),
    Recall(u8),
    RecallToX(u8),
    Store(u8),
    StoreX(u8),
    Add(u32),
    /// Add the first, then mask with the second.
    AddAnd(u32, u32),
    Mul(u32),
    Div(u32),
    Mod(u32),
    Or(u32),
    And(u32),
    Xor(u32),
    Shl(u8),
    Shr(u8),
    AddX,
    SubX,
    MulX,
    DivX,
    ModX,
    OrX,
    AndX,
    XorX,
    ShlX,
    ShrX,
    Neg,
    ToX,
    /// `A` and `X` become their sum.
    AddToBoth,
    FromX,
    Return(u32),
    ReturnA,
    /// An operation that does not exist: the packet is rejected.
    Reject,
}

impl Op {
    /// Where its condition goes.
    pub fn jump(&mut self) -> Option<&mut Jump> {
        match self {
            Op::WordEq(.., jump)
            | Op::WordGt(.., jump)
            | Op::WordGe(.., jump)
            | Op::WordSet(.., jump)
            | Op::HalfEq(.., jump)
            | Op::HalfGt(.., jump)
            | Op::HalfGe(.., jump)
            | Op::HalfSet(.., jump)
            | Op::ByteEq(.., jump)
            | Op::ByteGt(.., jump)
            | Op::ByteGe(.., jump)
            | Op::ByteSet(.., jump)
            | Op::HalfAtXEq(.., jump)
            | Op::HalfAtXGt(.., jump)
            | Op::HalfAtXGe(.., jump)
            | Op::ByteAtXEq(.., jump)
            | Op::ByteAtXSet(.., jump)
            | Op::ByteAnyOf(.., jump)
            | Op::EitherPort(_, jump)
            | Op::Eq(.., jump)
            | Op::Gt(.., jump)
            | Op::Ge(.., jump)
            | Op::Set(.., jump)
            | Op::AnyOf(_, jump)
            | Op::EqX(jump)
            | Op::GtX(jump)
            | Op::GeX(jump)
            | Op::SetX(jump) => Some(jump),
            _ => None,
        }
    }
}
