//! What an access changed, in plain words.

use std::fmt;

use crate::file::MAXIMUM_ACCESS_BYTES;
use crate::lanes::Lanes;
use crate::map::RegisterMap;

/// Fields with their values before and after, to be shown.
struct FieldChanges<'map> {
    map: &'map RegisterMap,
    offset: u64,
    bytes: u32,
    old: u64,
    new: u64,
}

impl RegisterMap {
    /// The registers' bits that reads can give, at the bytes of an access of `bytes` bytes at `offset`.
    pub fn readable_bits_at(&self, offset: u64, bytes: usize) -> u64 {
        self.lanes(offset, bytes).fold(0, |bits, lane| bits | lane.to_access(self[lane.register].readable_bits()))
    }

    /// Says which fields differ between `old` and `new`, two values of the `bytes` bytes at `offset`, the latter at most
    /// [`MAXIMUM_ACCESS_BYTES`]: `TX.STATUS.underrun 0 -> 1, TX.STATUS.running 1 -> 0`. Empty if none does.
    ///
    /// Of a field that is not wholly there, the part that is: `TX.STATUS.fill[10:8] 0 -> 1`. A register without
    /// fields is as one field; where it cannot be read, what it was before means nothing and is left out.
    pub fn describe_changes(&self, offset: u64, bytes: usize, old: u64, new: u64) -> impl fmt::Display {
        FieldChanges { map: self, offset, bytes: bytes.min(MAXIMUM_ACCESS_BYTES) as u32, old, new }
    }

    /// An access, register by register; more than [`MAXIMUM_ACCESS_BYTES`] are as many as that.
    pub(crate) fn lanes(&self, offset: u64, bytes: usize) -> Lanes<'_> {
        Lanes::new(self.entries(), &self.answering, offset, bytes.min(MAXIMUM_ACCESS_BYTES) as u32)
    }
}

impl fmt::Display for FieldChanges<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { map, offset, bytes, old, new } = self;
        let mut separator = "";
        for lane in map.lanes(*offset, *bytes as usize) {
            let register = &map[lane.register];
            let (old, new) = (lane.to_register(*old), lane.to_register(*new));
            let mut unnamed = (old ^ new) & register.readable_bits();
            for field in register.fields.iter().filter(|field| (old ^ new) & field.mask() != 0) {
                unnamed &= !field.mask();
                write!(formatter, "{separator}{}.{}", register.name, field.name)?;
                bits(formatter, field.mask(), lane.mask(), [old, new], |value| field.value_name(value))?;
                separator = ", ";
            }
            if unnamed != 0 {
                write!(formatter, "{separator}{}", register.name)?;
                bits(formatter, register.mask(), lane.mask(), [old, new], |_| None)?;
                separator = ", ";
            }
        }
        Ok(())
    }
}

/// The bits `mask` of a register, before and after, as far as the access carries them.
fn bits<'name>(
    formatter: &mut fmt::Formatter<'_>,
    mask: u64,
    carried: u64,
    values: [u64; 2],
    name: impl Fn(u64) -> Option<&'name str>,
) -> fmt::Result {
    let shown = mask & carried;
    let is_whole = shown == mask;
    if !is_whole {
        let first = mask.trailing_zeros();
        let (low, high) = (shown.trailing_zeros() - first, shown.ilog2() - first);
        write!(formatter, "[{high}:{low}]")?;
    }
    let [old, new] = values.map(|value| (value & shown) >> shown.trailing_zeros());
    let name = |value| if is_whole { name(value) } else { None };
    formatter.write_str(" ")?;
    number(formatter, old, name(old))?;
    formatter.write_str(" -> ")?;
    number(formatter, new, name(new))
}

/// Small numbers as people write them, others as bits; with the name that the map has for it.
fn number(formatter: &mut fmt::Formatter<'_>, value: u64, name: Option<&str>) -> fmt::Result {
    if value < 10 {
        write!(formatter, "{value}")?;
    } else {
        write!(formatter, "{value:#x}")?;
    }
    name.map_or(Ok(()), |name| write!(formatter, " {name}"))
}
