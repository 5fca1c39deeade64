//! The register map: what there is, where, and how it may be accessed.

use std::collections::BTreeMap;

use svd_parser::svd::{Access, ModifiedWriteValues, ReadAction};

use crate::error::{Finding, NoSuchName};
use crate::semantics::Masks;

/// No register answers at a byte.
pub(crate) const NOBODY: u16 = u16::MAX;

/// A register of one map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegisterHandle(pub(crate) u16);

/// A field of a register of one map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FieldHandle {
    pub(crate) register: RegisterHandle,
    pub(crate) first_bit: u8,
    pub(crate) mask: u64,
}

impl FieldHandle {
    /// The register that has the field.
    pub fn register(self) -> RegisterHandle {
        self.register
    }

    /// The field's bits in its register.
    pub fn mask(self) -> u64 {
        self.mask
    }

    /// The field's part of its register's value `value`, shifted down.
    pub fn of(self, value: u64) -> u64 {
        (value & self.mask) >> self.first_bit
    }
}

/// What a register describes a second time, so that it may share bytes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alternate {
    /// The register of this name.
    Register(String),
    /// Registers that are not in this group.
    Group(String),
    /// The registers of a cluster, and those of its other alternates.
    Cluster {
        /// Its name.
        of: String,
        /// The full name of the alternate, which is around the register.
        alternate: String,
    },
    /// Nothing: the overlap was let through.
    Overlap,
}

/// What may be written to a register or a field; what else is written has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteConstraint {
    /// The value that was last read, before the first read the one after reset.
    WriteAsRead,
    /// The field's enumerated values for writing.
    EnumeratedValues,
    /// A range, both ends included.
    Range {
        /// The lowest value.
        minimum: u64,
        /// The highest value.
        maximum: u64,
    },
}

/// A name for a value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnumeratedValue {
    /// The name.
    pub name: String,
    /// What it means.
    pub description: String,
    /// The value, with 0 for the bits that do not count.
    pub value: u64,
    /// The bits of the field that count.
    pub significant_bits: u64,
    /// Whether this stands for all values that have no name of their own.
    pub is_default: bool,
    /// Whether reads can give it.
    pub for_reading: bool,
    /// Whether it can be written.
    pub for_writing: bool,
}

impl EnumeratedValue {
    /// Whether this names `value`.
    pub fn names(&self, value: u64) -> bool {
        self.is_default || value & self.significant_bits == self.value
    }
}

/// A field: bits of a register with a name, and how they may be accessed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    /// The name, without the register's.
    pub name: String,
    /// What it means.
    pub description: String,
    /// Line of the SVD file, from 1.
    pub line: u32,
    /// The lowest bit.
    pub first_bit: u8,
    /// The number of bits.
    pub bits: u8,
    /// Whether and how often it can be read and written.
    pub access: Access,
    /// What a write does to it.
    pub modified_write_values: ModifiedWriteValues,
    /// What a read does to it.
    pub read_action: Option<ReadAction>,
    /// What may be written to it.
    pub write_constraint: Option<WriteConstraint>,
    /// Names for its values.
    pub enumerated_values: Vec<EnumeratedValue>,
}

impl Field {
    /// The field's bits in its register.
    pub fn mask(&self) -> u64 {
        low_bits(u32::from(self.bits)) << self.first_bit
    }

    /// The name of the field's value `value`: its own if it has one, else that of all others.
    pub fn value_name(&self, value: u64) -> Option<&str> {
        let names = |default| {
            move |entry: &&EnumeratedValue| entry.for_reading && entry.is_default == default && entry.names(value)
        };
        let entry = self.enumerated_values.iter().find(names(false));
        entry.or_else(|| self.enumerated_values.iter().find(names(true))).map(|entry| entry.name.as_str())
    }
}

/// What the file says about the device as a whole; empty where it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// The name.
    pub name: String,
    /// The version of the description.
    pub version: String,
    /// What it is.
    pub description: String,
}

/// A peripheral, arrays unrolled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peripheral {
    /// The name.
    pub name: String,
    /// The name with `%s` where an array has its index; those of one array have the same.
    pub template: String,
    /// What it is.
    pub description: String,
}

/// A register, with what its file, peripheral and clusters say about it.
#[derive(Clone, Debug)]
pub struct Register {
    /// The full name, `PERIPHERAL.CLUSTER.REGISTER`.
    pub name: String,
    /// The full name with `%s` where arrays have their index; the elements of one array have the same.
    pub template: String,
    /// What it means.
    pub description: String,
    /// Line of the SVD file, from 1.
    pub line: u32,
    /// Bytes from the start of the map.
    pub offset: u64,
    /// Size: 8 to 64, a multiple of 8.
    pub bits: u8,
    /// The value after reset; 0 where [`Self::reset_mask`] is.
    pub reset_value: u64,
    /// The bits that have a known value after reset.
    pub reset_mask: u64,
    /// What may be written to the register as a whole.
    pub write_constraint: Option<WriteConstraint>,
    /// Its fields, in the order of the file. Without fields, the register is as one field without a name.
    pub fields: Vec<Field>,
    /// What it shares its bytes with; such a register answers the bus only when it has been selected.
    pub alternate: Option<Alternate>,
    /// The register as one field without a name.
    pub(crate) whole: Field,
    pub(crate) masks: Masks,
}

impl Register {
    /// The number of bytes.
    pub fn bytes(&self) -> u64 {
        u64::from(self.bits / 8)
    }

    /// Its bits.
    pub fn mask(&self) -> u64 {
        low_bits(u32::from(self.bits))
    }

    /// Its fields; of a register without any, one without a name that is the whole register.
    pub fn parts(&self) -> &[Field] {
        if self.fields.is_empty() { std::slice::from_ref(&self.whole) } else { &self.fields }
    }

    /// The bits that a read can give; the others read as 0.
    pub fn readable_bits(&self) -> u64 {
        self.masks.readable
    }

    /// The bits that a write can have an effect on.
    pub fn writable_bits(&self) -> u64 {
        self.masks.writable
    }
}

/// The registers of a block, with their names, places and semantics. The default has none.
#[derive(Clone, Debug, Default)]
pub struct RegisterMap {
    registers: Vec<Register>,
    by_name: BTreeMap<String, u16>,
    /// The register that answers at each byte when no alternate is selected.
    pub(crate) answering: Vec<u16>,
    let_through: Vec<Finding>,
    device: Device,
    peripherals: Vec<Peripheral>,
}

impl RegisterMap {
    /// `registers` are sorted by offset, no more than a handle can number, and end where a table can.
    pub(crate) fn new(
        registers: Vec<Register>,
        let_through: Vec<Finding>,
        device: Device,
        peripherals: Vec<Peripheral>,
    ) -> Self {
        let end = registers.iter().map(|register| register.offset + register.bytes()).max().unwrap_or_default();
        let mut answering = vec![NOBODY; end as usize];
        let mut by_name = BTreeMap::new();
        for alternate in [false, true] {
            for (index, register) in (0..).zip(&registers).filter(|(_, entry)| entry.alternate.is_some() == alternate) {
                by_name.entry(register.name.clone()).or_insert(index);
                let bytes = register.offset as usize..(register.offset + register.bytes()) as usize;
                for answers in answering[bytes].iter_mut().filter(|answers| **answers == NOBODY) {
                    *answers = index;
                }
            }
        }
        Self { registers, by_name, answering, let_through, device, peripherals }
    }

    /// What the file says about the device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The peripherals that the registers are of, in the order of the file.
    pub fn peripherals(&self) -> &[Peripheral] {
        &self.peripherals
    }

    /// Bytes from the start of the map to the end of its last register.
    pub fn bytes(&self) -> u64 {
        self.answering.len() as u64
    }

    /// Every register, by ascending offset.
    pub fn registers(&self) -> impl Iterator<Item = (RegisterHandle, &Register)> {
        (0..).map(RegisterHandle).zip(&self.registers)
    }

    /// The registers alone: what a handle numbers.
    pub(crate) fn entries(&self) -> &[Register] {
        &self.registers
    }

    /// What the description breaks and the caller let through.
    pub fn let_through(&self) -> &[Finding] {
        &self.let_through
    }

    /// The register of this full name.
    pub fn register(&self, name: &str) -> Result<RegisterHandle, NoSuchName> {
        let index = self.by_name.get(name).ok_or_else(|| NoSuchName { kind: "register", name: name.to_owned() })?;
        Ok(RegisterHandle(*index))
    }

    /// The field of this full name, `PERIPHERAL.REGISTER.FIELD`.
    pub fn field(&self, name: &str) -> Result<FieldHandle, NoSuchName> {
        let missing = || NoSuchName { kind: "field", name: name.to_owned() };
        let (register_name, field_name) = name.rsplit_once('.').ok_or_else(missing)?;
        let register = self.register(register_name).map_err(|_| missing())?;
        let field = self[register].fields.iter().find(|field| field.name == field_name).ok_or_else(missing)?;
        Ok(FieldHandle { register, first_bit: field.first_bit, mask: field.mask() })
    }

    /// The register that answers at `offset` when no alternate is selected.
    pub fn register_at(&self, offset: u64) -> Option<RegisterHandle> {
        let index = *self.answering.get(usize::try_from(offset).ok()?)?;
        (index != NOBODY).then_some(RegisterHandle(index))
    }

    /// The registers that an access of `bytes` bytes at `offset` touches, joined with ` + `; `no register` stands for
    /// bytes where there is none.
    pub fn name_at(&self, offset: u64, bytes: usize) -> String {
        let mut touched: Vec<Option<RegisterHandle>> = (0..bytes.min(8) as u64)
            .map(|byte| offset.checked_add(byte).and_then(|offset| self.register_at(offset)))
            .collect();
        touched.dedup();
        let name = |handle: &Option<_>| handle.map_or("no register", |handle| self[handle].name.as_str());
        touched.iter().map(name).collect::<Vec<_>>().join(" + ")
    }
}

/// A handle of another map gives another register, or panics: maps are built once and handles taken from them.
impl std::ops::Index<RegisterHandle> for RegisterMap {
    type Output = Register;

    fn index(&self, handle: RegisterHandle) -> &Register {
        &self.registers[usize::from(handle.0)]
    }
}

/// A mask of the lowest `bits` bits; of all 64 for more.
pub(crate) fn low_bits(bits: u32) -> u64 {
    if bits >= 64 { u64::MAX } else { (1 << bits) - 1 }
}
