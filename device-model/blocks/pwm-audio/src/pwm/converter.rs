//! The converter: gives the duty of each period of one channel.

use device::Effects;
use registers::{Change, RegisterFile};
use serde::{Deserialize, Serialize};

use crate::map::REGISTERS;

/// Entries of the table.
const ENTRIES: usize = 256;

/// A sample of 0 as a fraction of 2^32.
pub(crate) const SILENCE: u32 = 1 << 31;

/// What gives the duty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Source {
    #[default]
    Off,
    Table,
    Audio,
}

/// The converter and its table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Converter {
    source: Source,
    channel: usize,
    /// In parts of 1/65536 of a period.
    table: Vec<u16>,
    index: usize,
    step: u32,
    phase: u32,
    /// The sample that is played, in parts of 2^-32 of a period.
    pub(super) sample: u32,
}

impl Default for Converter {
    fn default() -> Self {
        Self { source: Source::Off, channel: 0, table: vec![0; ENTRIES], index: 0, step: 0, phase: 0, sample: SILENCE }
    }
}

impl Converter {
    /// The channel that it drives.
    pub(super) fn channel(&self) -> Option<usize> {
        (self.source != Source::Off).then_some(self.channel)
    }

    /// Whether samples of the transmitter matter.
    pub(super) fn plays_audio(&self) -> bool {
        self.source == Source::Audio
    }

    /// The duty of a period that channel `number` begins, in cycles; `None` if the channel's own counts.
    pub(super) fn begin_period(&mut self, number: usize, period_cycles: u32) -> Option<u64> {
        if self.channel() != Some(number) {
            return None;
        }
        let period_cycles = u64::from(period_cycles);
        match self.source {
            Source::Off => None,
            Source::Table => {
                let entry = self.table[(self.phase >> 24) as usize];
                self.phase = self.phase.wrapping_add(self.step);
                Some((u64::from(entry) * period_cycles) >> 16)
            }
            Source::Audio => Some((u64::from(self.sample) * period_cycles) >> 32),
        }
    }

    /// Passes over `periods` periods, whose duty nobody asks for.
    pub(super) fn skip_periods(&mut self, periods: u64) {
        if self.source == Source::Table {
            // Modulo 2^32 on purpose.
            self.phase = self.phase.wrapping_add(self.step.wrapping_mul(periods as u32));
        }
    }

    /// Reacts to a write to one of its registers.
    pub(super) fn react(&mut self, change: &Change, file: &mut RegisterFile, effects: &mut Effects) {
        let registers = &REGISTERS.converter;
        let register = change.register;
        if register == registers.control.register {
            if change.refused != 0 {
                effects.fault("CONVERTER.CONTROL.source stays as it was: it takes 0 (off), 1 (table) or 2 (audio)");
            }
            self.source = match file.get_field(registers.control.source) {
                1 => Source::Table,
                2 => Source::Audio,
                _ => Source::Off,
            };
            self.channel = file.get_field(registers.control.channel) as usize;
            self.phase = 0;
        } else if register == registers.step {
            self.step = change.new as u32;
        } else if register == registers.table_index {
            if change.refused != 0 {
                effects.fault("CONVERTER.TABLE_INDEX stays as it was: it takes 0 to 255");
            }
            self.index = change.new as usize % ENTRIES;
        } else if let Some(written) = change.written_to(registers.table_data.duty) {
            // Not what the file made of it: an access that carries TABLE_INDEX as well changes what this is a part of.
            let lanes = registers.table_data.duty.of(change.lanes()) as u16;
            let entry = &mut self.table[self.index];
            *entry = *entry & !lanes | written as u16;
            self.index = (self.index + 1) % ENTRIES;
        }
        file.set(registers.table_index, self.index as u64);
        file.set(registers.table_data.register, self.table[self.index].into());
    }

    pub(super) fn is_valid(&self) -> bool {
        self.table.len() == ENTRIES && self.index < ENTRIES && self.channel < REGISTERS.pwm.len()
    }
}
