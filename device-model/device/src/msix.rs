//! MSI-X: the table, the pending bits and which vectors may be sent. PCI Local Bus specification 3.0, section 6.8.2 and
//! 6.8.3.

/// The BAR that has table and pending bits.
pub const MSIX_BAR: u8 = 4;
/// How many vectors there are.
pub const VECTOR_COUNT: u8 = 16;

/// Size of that BAR.
pub(crate) const MSIX_BAR_BYTES: u64 = 0x1000;
/// Where in the BAR the table begins.
pub(crate) const TABLE: u64 = 0x000;
/// Where in the BAR the pending bits begin, a bit a vector.
pub(crate) const PENDING_BITS: u64 = 0x800;

/// An entry: message address (64 bits), message data, vector control.
const ENTRY_BYTES: usize = 16;
const TABLE_BYTES: usize = ENTRY_BYTES * VECTOR_COUNT as usize;
/// The byte of an entry that has the mask bit, and the bit.
const VECTOR_CONTROL: usize = 12;
const MASK_BIT: u8 = 1;

/// The vectors of a function, a bit each in every `u16`.
///
/// A pending bit is set when a vector's level rises and cleared when its message is sent, or when the level falls
/// before: "the function must clear the Pending bit, to avoid sending a spurious interrupt message later when software
/// unmasks the vector" (section 6.8.3.4). So an assertion has one message at most.
///
/// Messages go to the client's descriptors; address and data are kept and not used. A client that keeps the table from
/// the device, as QEMU does, unmasks a vector by giving its descriptor; one that writes an entry's vector control is
/// taken at its word from then on.
#[derive(Debug)]
pub(crate) struct Vectors {
    table: [u8; TABLE_BYTES],
    levels: u16,
    pending: u16,
    connected: u16,
    /// Those whose vector control has been written since the last reset.
    told: u16,
    function_masked: bool,
}

impl Default for Vectors {
    fn default() -> Self {
        let mut table = [0; TABLE_BYTES];
        // "After reset the state of the mask bit is 1" (section 6.8.2.9).
        table.iter_mut().skip(VECTOR_CONTROL).step_by(ENTRY_BYTES).for_each(|control| *control = MASK_BIT);
        Self { table, levels: 0, pending: 0, connected: 0, told: 0, function_masked: false }
    }
}

impl Vectors {
    /// Puts table and pending bits into their state after reset; descriptors are the client's and stay.
    pub(crate) fn reset(&mut self) {
        *self = Self { connected: self.connected, ..Self::default() };
    }

    /// Whether a client wants to be told by MSI-X.
    pub(crate) fn is_connected(&self) -> bool {
        self.connected != 0
    }

    pub(crate) fn connect(&mut self, vector: u8, connected: bool) {
        let bit = bit(vector);
        self.connected = if connected { self.connected | bit } else { self.connected & !bit };
    }

    pub(crate) fn mask_function(&mut self, masked: bool) {
        self.function_masked = masked;
    }

    /// Takes the levels after a step.
    pub(crate) fn set_levels(&mut self, levels: u16) {
        self.pending = (self.pending | levels & !self.levels) & levels;
        self.levels = levels;
    }

    /// A vector whose message has to be sent now; it counts as sent.
    pub(crate) fn take_due(&mut self) -> Option<u8> {
        let owed = self.pending & self.connected;
        // Nearly always there is nothing, and the table need not be looked through.
        let due = if owed == 0 { 0 } else { owed & !self.masked() };
        let vector = (due != 0).then(|| due.trailing_zeros() as u8)?;
        self.pending &= !bit(vector);
        Some(vector)
    }

    fn masked(&self) -> u16 {
        if self.function_masked {
            return !0;
        }
        let controls = self.table.iter().skip(VECTOR_CONTROL).step_by(ENTRY_BYTES);
        let masked = controls.rev().fold(0, |masked, control| masked << 1 | u16::from(control & MASK_BIT));
        masked & self.told
    }

    /// Reads from the BAR; gives whether all of it is there.
    pub(crate) fn read(&self, offset: u64, data: &mut [u8]) -> bool {
        let within = is_within(offset, data.len());
        if within {
            (offset..).zip(data).for_each(|(place, byte)| *byte = self.byte(place));
        }
        within
    }

    fn byte(&self, place: u64) -> u8 {
        let pending = self.pending.to_le_bytes();
        let of = |bytes: &[u8], start: u64| bytes.get(usize::try_from(place.checked_sub(start)?).ok()?).copied();
        // What is reserved reads as 0.
        of(&self.table, TABLE).or_else(|| of(&pending, PENDING_BITS)).unwrap_or(0)
    }

    /// Writes to the BAR, byte by byte: what is no table is read-only. Gives whether all of it is there.
    pub(crate) fn write(&mut self, offset: u64, data: &[u8]) -> bool {
        let within = is_within(offset, data.len());
        if within {
            for (place, &value) in (offset - TABLE..).zip(data) {
                self.write_byte(place as usize, value);
            }
        }
        within
    }

    fn write_byte(&mut self, place: usize, value: u8) {
        let Some(byte) = self.table.get_mut(place) else { return };
        *byte = match place % ENTRY_BYTES {
            // Messages are of 4 bytes and aligned.
            0 => value & !0b11,
            1..VECTOR_CONTROL => value,
            VECTOR_CONTROL => {
                self.told |= bit((place / ENTRY_BYTES) as u8);
                value & MASK_BIT
            }
            _ => 0,
        };
    }
}

fn bit(vector: u8) -> u16 {
    1_u16.checked_shl(vector.into()).unwrap_or(0)
}

fn is_within(offset: u64, bytes: usize) -> bool {
    offset.checked_add(bytes as u64).is_some_and(|end| end <= MSIX_BAR_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors that a client has connected all of, as QEMU does, and whose entries it may write.
    fn vectors() -> Vectors {
        let mut vectors = Vectors::default();
        (0..16).for_each(|vector| vectors.connect(vector, true));
        vectors
    }

    fn pending(vectors: &Vectors) -> [u8; 8] {
        let mut bits = [0xaa; 8];
        assert!(vectors.read(0x800, &mut bits));
        bits
    }

    fn sent(vectors: &mut Vectors) -> Vec<u8> {
        std::iter::from_fn(|| vectors.take_due()).collect()
    }

    #[test]
    fn after_reset_every_entry_is_zero_but_for_its_mask_bit() {
        // PCI Local Bus 3.0, sections 6.8.2.6 to 6.8.2.9.
        let vectors = Vectors::default();
        let mut bar = vec![0xaa; 0x1000];
        assert!(vectors.read(0, &mut bar));
        for (entry, bytes) in bar[..0x100].chunks(16).enumerate() {
            assert_eq!(bytes, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0], "entry {entry}");
        }
        assert!(bar[0x100..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn an_entry_takes_writes_byte_by_byte_and_the_pending_bits_none() {
        let mut vectors = vectors();
        assert!(vectors.write(0x30, &[0xff; 16]));
        let mut entry = [0; 16];
        assert!(vectors.read(0x30, &mut entry));
        assert_eq!(
            entry,
            [0xfc, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0],
            "address bits 1:0 and bits 31:1 of vector control are 0"
        );
        assert!(vectors.write(0x39, &[0x00]));
        assert!(vectors.write(0x3c, &[0x00]));
        assert!(vectors.read(0x38, &mut entry[..8]));
        assert_eq!(entry[..8], [0xff, 0x00, 0xff, 0xff, 0, 0, 0, 0]);
        assert!(vectors.write(0x7fe, &[0xff; 12]));
        assert_eq!(pending(&vectors), [0; 8]);
        assert!(vectors.write(0x100, &[0xff; 4]));
        assert!(vectors.read(0x100, &mut entry[..4]));
        assert_eq!(entry[..4], [0; 4], "no entry 16");
        for offset in [0xfff, 0x1000, u64::MAX] {
            assert!(!vectors.read(offset, &mut [0; 2]), "{offset:#x}");
            assert!(!vectors.write(offset, &[0; 2]), "{offset:#x}");
        }
    }

    #[test]
    fn a_masked_vector_is_pending_and_sent_once_when_it_is_unmasked() {
        let mut vectors = vectors();
        for vector in 0..16_u8 {
            let control = 16 * u64::from(vector) + 12;
            assert!(vectors.write(control, &[1]));
            for _ in 0..3 {
                vectors.set_levels(1 << vector);
                assert_eq!(sent(&mut vectors), [0_u8; 0]);
            }
            assert_eq!(pending(&vectors)[..2], (1_u16 << vector).to_le_bytes());
            assert!(vectors.write(control, &[0]));
            assert_eq!(sent(&mut vectors), [vector]);
            assert_eq!(pending(&vectors), [0; 8]);
            vectors.set_levels(1 << vector);
            assert_eq!(sent(&mut vectors), [0_u8; 0], "one message an assertion");
            vectors.set_levels(0);
        }
    }

    #[test]
    fn the_function_mask_holds_every_vector_and_lets_each_go_once() {
        let mut vectors = vectors();
        vectors.mask_function(true);
        vectors.set_levels(0x8421);
        assert_eq!(sent(&mut vectors), [0_u8; 0]);
        assert_eq!(pending(&vectors)[..2], [0x21, 0x84]);
        vectors.mask_function(false);
        assert_eq!(sent(&mut vectors), [0, 5, 10, 15]);
        assert_eq!(pending(&vectors), [0; 8]);
    }

    #[test]
    fn a_pending_bit_goes_with_its_cause_and_comes_again_with_it() {
        // Section 6.8.3.4.
        let mut vectors = vectors();
        assert!(vectors.write(0x1c, &[1]));
        vectors.set_levels(0b10);
        assert_eq!(pending(&vectors)[0], 0b10);
        vectors.set_levels(0);
        assert_eq!(pending(&vectors)[0], 0);
        vectors.set_levels(0b10);
        assert_eq!(pending(&vectors)[0], 0b10);
        vectors.set_levels(0);
        assert!(vectors.write(0x1c, &[0]));
        assert_eq!(sent(&mut vectors), [0_u8; 0], "nothing is left to tell");
    }

    #[test]
    fn a_level_that_stays_while_another_rises_is_not_told_again() {
        let mut vectors = vectors();
        vectors.set_levels(0b01);
        assert_eq!(sent(&mut vectors), [0]);
        vectors.set_levels(0b11);
        assert_eq!(sent(&mut vectors), [1]);
        vectors.set_levels(0b10);
        vectors.set_levels(0b11);
        assert_eq!(sent(&mut vectors), [0]);
    }

    #[test]
    fn a_descriptor_unmasks_until_the_entry_says_otherwise_and_again_after_a_reset() {
        let mut vectors = Vectors::default();
        vectors.set_levels(0b1000);
        assert_eq!(sent(&mut vectors), [0_u8; 0]);
        vectors.connect(3, true);
        assert_eq!(sent(&mut vectors), [3], "its mask bit is 1, as nobody has written it");
        assert!(vectors.write(0x3c, &[1]));
        vectors.set_levels(0);
        vectors.set_levels(0b1000);
        assert_eq!(sent(&mut vectors), [0_u8; 0]);
        vectors.connect(3, false);
        vectors.connect(3, true);
        assert_eq!(sent(&mut vectors), [0_u8; 0], "masked is masked");
        vectors.reset();
        assert_eq!(pending(&vectors), [0; 8]);
        vectors.set_levels(0b1000);
        assert_eq!(sent(&mut vectors), [3]);
    }

    #[test]
    fn a_new_descriptor_for_a_message_that_was_sent_sends_no_other() {
        let mut vectors = vectors();
        vectors.set_levels(0b1);
        assert_eq!(sent(&mut vectors), [0]);
        vectors.connect(0, false);
        vectors.connect(0, true);
        assert_eq!(sent(&mut vectors), [0_u8; 0]);
    }
}
