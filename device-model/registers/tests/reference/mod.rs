//! A second reading of the SVD text, bit by bit, that shares no code with the crate: an independent oracle.

use std::collections::BTreeMap;

use roxmltree::{Document, Node};

/// One bit of a register, with the standard's words for what it does; a bit of no field has the access `reserved`.
#[derive(Clone, Debug)]
struct Bit {
    value: bool,
    reset: bool,
    written_before: bool,
    access: String,
    on_write: String,
    on_read: String,
}

/// Lowest and highest value of bits of a register.
#[derive(Clone, Debug)]
struct Range {
    bits: std::ops::Range<usize>,
    minimum: u64,
    maximum: u64,
}

#[derive(Clone, Debug)]
struct Register {
    bits: Vec<Bit>,
    ranges: Vec<Range>,
}

/// What the bus sees of registers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    registers: BTreeMap<String, Register>,
    /// Register and its byte at an address.
    bytes: BTreeMap<u64, (String, usize)>,
}

fn text<'a>(node: Node<'a, 'a>, tag: &str) -> Option<&'a str> {
    node.children().find(|child| child.has_tag_name(tag))?.text()
}

fn number(text: &str) -> u64 {
    text.strip_prefix("0x").map_or_else(|| text.parse(), |digits| u64::from_str_radix(digits, 16)).unwrap()
}

/// The first of the nodes that says `tag`.
fn inherited<'a>(nodes: &[Node<'a, 'a>], tag: &str) -> Option<&'a str> {
    nodes.iter().find_map(|node| text(*node, tag))
}

impl Model {
    pub(crate) fn new(svd: &str) -> Self {
        let document = Document::parse(svd).unwrap();
        let mut model = Self::default();
        for peripheral in document.descendants().filter(|node| node.has_tag_name("peripheral")) {
            let base = number(text(peripheral, "baseAddress").unwrap());
            let registers = peripheral.children().find(|node| node.has_tag_name("registers")).unwrap();
            model.add_children(registers, base, text(peripheral, "name").unwrap());
        }
        model
    }

    fn add_children(&mut self, parent: Node<'_, '_>, base: u64, path: &str) {
        for node in parent.children().filter(|node| node.has_tag_name("register") || node.has_tag_name("cluster")) {
            let count = text(node, "dim").map_or(1, number);
            let step = text(node, "dimIncrement").map_or(0, number);
            for index in 0..count {
                let name = text(node, "name").unwrap().replace("%s", &index.to_string());
                let path = format!("{path}.{name}");
                let address = base + number(text(node, "addressOffset").unwrap()) + index * step;
                if node.has_tag_name("cluster") {
                    self.add_children(node, address, &path);
                } else {
                    self.add_register(node, address, &path);
                }
            }
        }
    }

    fn add_register(&mut self, node: Node<'_, '_>, address: u64, path: &str) {
        let around: Vec<Node> = node.ancestors().collect();
        let size = number(inherited(&around, "size").unwrap()) as usize;
        let reset = number(inherited(&around, "resetValue").unwrap());
        let known = inherited(&around, "resetMask").map_or(u64::MAX, number);
        let fields: Vec<Node> = node.descendants().filter(|child| child.has_tag_name("field")).collect();
        let semantics = |bit: usize, from: &[Node], reserved: bool| {
            let reset = reset >> bit & known >> bit & 1 == 1;
            let word = |tag, otherwise: &str| inherited(from, tag).unwrap_or(otherwise).to_owned();
            Bit {
                value: reset,
                reset,
                written_before: false,
                access: if reserved { "reserved".to_owned() } else { word("access", "read-write") },
                on_write: word("modifiedWriteValues", "modify"),
                on_read: word("readAction", "nothing"),
            }
        };
        let mut bits: Vec<Bit> = (0..size).map(|bit| semantics(bit, &around, !fields.is_empty())).collect();
        let mut ranges = Vec::new();
        for field in &fields {
            let (msb, lsb) = text(*field, "bitRange").unwrap().trim_matches(['[', ']']).split_once(':').unwrap();
            let (msb, lsb) = (number(msb) as usize, number(lsb) as usize);
            let from: Vec<Node> = std::iter::once(*field).chain(around.iter().copied()).collect();
            for (bit, entry) in bits.iter_mut().enumerate().take(msb + 1).skip(lsb) {
                *entry = semantics(bit, &from, false);
            }
            if let Some(range) = field.descendants().find(|node| node.has_tag_name("range")) {
                let [minimum, maximum] = ["minimum", "maximum"].map(|tag| number(text(range, tag).unwrap()));
                ranges.push(Range { bits: lsb..msb + 1, minimum, maximum });
            }
        }
        for byte in 0..size / 8 {
            self.bytes.insert(address + byte as u64, (path.to_owned(), byte));
        }
        self.registers.insert(path.to_owned(), Register { bits, ranges });
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.registers.keys().cloned().collect()
    }

    pub(crate) fn value(&self, name: &str) -> u64 {
        let bits = self.registers[name].bits.iter().enumerate();
        bits.map(|(index, bit)| u64::from(bit.value) << index).sum()
    }

    pub(crate) fn set(&mut self, name: &str, value: u64) {
        for (index, bit) in self.registers.get_mut(name).unwrap().bits.iter_mut().enumerate() {
            bit.value = value >> index & 1 == 1;
        }
    }

    pub(crate) fn reset(&mut self) {
        for bit in self.registers.values_mut().flat_map(|register| &mut register.bits) {
            bit.value = bit.reset;
            bit.written_before = false;
        }
    }

    /// What is read, and the bytes that nothing answers.
    pub(crate) fn read(&mut self, address: u64, bytes: u64) -> (u64, u8) {
        let (mut value, mut unmapped) = (0, 0);
        for position in 0..bytes {
            let Some((name, byte)) = self.bytes.get(&(address + position)) else {
                unmapped |= 1 << position;
                continue;
            };
            let register = self.registers.get_mut(name).unwrap();
            for (index, bit) in register.bits[8 * byte..8 * byte + 8].iter_mut().enumerate() {
                let readable = !matches!(bit.access.as_str(), "write-only" | "writeOnce");
                if readable && bit.value {
                    value |= 1 << (8 * position + index as u64);
                }
                match bit.on_read.as_str() {
                    _ if !readable || bit.access == "reserved" => {}
                    "clear" => bit.value = false,
                    "set" => bit.value = true,
                    _ => {}
                }
            }
        }
        (value, unmapped)
    }

    /// The bytes that nothing takes.
    pub(crate) fn write(&mut self, address: u64, bytes: u64, value: u64) -> u8 {
        let mut unmapped = 0;
        // What every register gets: its bits with what is written to them.
        let mut carried: BTreeMap<String, Vec<(usize, bool)>> = BTreeMap::new();
        for position in 0..bytes {
            match self.bytes.get(&(address + position)) {
                None => unmapped |= 1 << position,
                Some((name, byte)) => {
                    let written = (0..8).map(|bit| (8 * byte + bit, value >> (8 * position + bit as u64) & 1 == 1));
                    carried.entry(name.clone()).or_default().extend(written);
                }
            }
        }
        for (name, written) in carried {
            self.registers.get_mut(&name).unwrap().write(&written);
        }
        unmapped
    }
}

impl Register {
    fn write(&mut self, written: &[(usize, bool)]) {
        let new_bit = |bit: usize| written.iter().find(|(index, _)| *index == bit).map(|(_, new)| *new);
        let refused: Vec<usize> = (self.ranges.iter())
            .filter(|range| {
                let value: u64 = (range.bits.clone().enumerate())
                    .map(|(place, bit)| u64::from(new_bit(bit).unwrap_or(self.bits[bit].value)) << place)
                    .sum();
                value < range.minimum || value > range.maximum
            })
            .flat_map(|range| range.bits.clone())
            .collect();
        for &(index, new) in written.iter().filter(|(index, _)| !refused.contains(index)) {
            let bit = &mut self.bits[index];
            let once = matches!(bit.access.as_str(), "writeOnce" | "read-writeOnce");
            if matches!(bit.access.as_str(), "reserved" | "read-only") || once && bit.written_before {
                continue;
            }
            bit.written_before = true;
            bit.value = match (bit.on_write.as_str(), new) {
                ("modify", new) => new,
                ("oneToClear", true) | ("zeroToClear", false) | ("clear", _) => false,
                ("oneToSet", true) | ("zeroToSet", false) | ("set", _) => true,
                ("oneToToggle", true) | ("zeroToToggle", false) => !bit.value,
                _ => bit.value,
            };
        }
    }
}
