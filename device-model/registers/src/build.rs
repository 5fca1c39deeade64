//! From the SVD file to the register map: peripherals, clusters and arrays unrolled, properties inherited.

use std::collections::BTreeSet;

use roxmltree::Node;
use svd_parser::svd::{Access, AddressBlock, AddressBlockUsage};
use svd_parser::{Config, Parse};

use crate::check;
use crate::error::{Finding, Leniency, MapError};
use crate::map::{Alternate, Device, Field, NOBODY, Peripheral, Register, RegisterMap, low_bits};
use crate::source::{Description, Element, full_name, join};
use crate::vocabulary::unknown_parts;

/// The widest register space that a map has: it has a table with an entry for every byte.
const MAXIMUM_MAP_BYTES: u64 = 1 << 20;

impl Description<'_> {
    /// The names of the peripherals, arrays unrolled, in the order of the file.
    pub fn peripherals(&self) -> Result<Vec<String>, MapError> {
        let mut names = Vec::new();
        for node in peripheral_nodes(self)? {
            names.extend(self.instances(&self.element(node, "")?, "")?.into_iter().map(|(name, _)| name));
        }
        Ok(names)
    }

    /// The map of all peripherals. Offsets are their addresses.
    ///
    /// `allowed` are the rules that the file may break; [`RegisterMap::let_through`] lists where it did.
    pub fn map(&self, allowed: &[Leniency]) -> Result<RegisterMap, MapError> {
        let mut builder = Builder::new(self, allowed)?;
        for node in peripheral_nodes(self)? {
            let element = builder.element(node, "")?;
            for (name, distance) in self.instances(&element, "")? {
                let base = self.number(&element, "baseAddress", &name)?;
                let base = builder.sum(node, &name, [base, distance])?;
                builder.peripheral(&element, &name, base)?;
            }
        }
        builder.finish()
    }

    /// The map of one peripheral. Offsets count from its base address.
    ///
    /// `allowed` are the rules that the file may break; [`RegisterMap::let_through`] lists where it did.
    pub fn peripheral_map(&self, name: &str, allowed: &[Leniency]) -> Result<RegisterMap, MapError> {
        let mut builder = Builder::new(self, allowed)?;
        for node in peripheral_nodes(self)? {
            let element = self.element(node, "")?;
            if self.instances(&element, "")?.iter().any(|(instance, _)| instance == name) {
                let element = builder.element(node, name)?;
                builder.peripheral(&element, name, 0)?;
                return builder.finish();
            }
        }
        Err(MapError::NoSuchPeripheral { wanted: name.to_owned(), there: self.peripherals()?.join(", ") })
    }
}

fn device<'a>(description: &'a Description<'_>) -> Result<Node<'a, 'a>, MapError> {
    let root = description.document.root_element();
    if root.has_tag_name("device") {
        Ok(root)
    } else {
        let problem = format!("the outermost element of an SVD file is <device>, this is <{}>", root.tag_name().name());
        Err(description.refusal(root, "the file", problem))
    }
}

fn peripheral_nodes<'a>(description: &'a Description<'_>) -> Result<Vec<Node<'a, 'a>>, MapError> {
    let device = description.element(device(description)?, "the device")?;
    Ok(device.members(Some("peripherals"), &["peripheral"]))
}

/// What a register has from the elements around it.
#[derive(Clone, Copy, Debug, Default)]
struct Properties {
    size_bits: Option<u64>,
    access: Option<Access>,
    reset_value: Option<u64>,
    reset_mask: Option<u64>,
}

/// Where a register is.
#[derive(Clone)]
struct Place {
    /// Full name of what it is in.
    name: String,
    /// The same with `%s` where arrays have their index.
    template: String,
    /// Offset of what it is in.
    base: u64,
    properties: Properties,
    /// That the surrounding cluster is an alternate.
    alternate: Option<Alternate>,
    prefix: String,
    suffix: String,
}

impl Place {
    /// The name of a register here, as its peripheral has it.
    fn affixed(&self, name: &str) -> String {
        format!("{}{name}{}", self.prefix, self.suffix)
    }
}

/// A map that is being built.
pub(crate) struct Builder<'d, 'text> {
    pub(crate) description: &'d Description<'text>,
    allowed: &'d [Leniency],
    let_through: Vec<Finding>,
    /// Elements whose vocabulary has been checked, with all below them.
    checked: Vec<Node<'d, 'd>>,
    registers: Vec<Register>,
    /// Start, end and line of the address blocks of the peripheral at hand.
    address_blocks: Vec<(u64, u64)>,
    device: Device,
    device_properties: Properties,
    peripherals: Vec<Peripheral>,
}

impl<'d, 'text> Builder<'d, 'text> {
    fn new(description: &'d Description<'text>, allowed: &'d [Leniency]) -> Result<Self, MapError> {
        let mut builder = Self {
            description,
            allowed,
            let_through: Vec::new(),
            checked: Vec::new(),
            registers: Vec::new(),
            address_blocks: Vec::new(),
            device: Device::default(),
            device_properties: Properties::default(),
            peripherals: Vec::new(),
        };
        let node = device(description)?;
        builder.check_vocabulary(node, "the device")?;
        let element = description.element(node, "the device")?;
        let [name, version, description_text] = ["name", "version", "description"].map(|tag| words(element.text(tag)));
        builder.device = Device { name, version, description: description_text };
        builder.device_properties = builder.properties(&element, Properties::default(), "the device")?;
        let unit_bits = description.read_child::<u64>(&element, "addressUnitBits", "the device", &())?;
        if let Some(found) = unit_bits.filter(|bits| *bits != 8) {
            let problem = format!("<addressUnitBits> has to be 8, not {found}");
            return Err(description.refusal(node, "the device", problem));
        }
        let endian = node.descendants().find(|node| node.has_tag_name("endian"));
        if let Some(endian) = endian.filter(|endian| endian.text().map(str::trim) != Some("little")) {
            return Err(description.refusal(endian, "the device", "a register file is little endian only"));
        }
        Ok(builder)
    }

    /// Notes a breach of a rule if the caller lets it through, else refuses the file.
    pub(crate) fn breach(
        &mut self,
        leniency: Leniency,
        node: Node<'_, '_>,
        place: &str,
        problem: impl Into<String>,
    ) -> Result<(), MapError> {
        self.breach_at(leniency, self.description.line(node), place, problem)
    }

    pub(crate) fn breach_at(
        &mut self,
        leniency: Leniency,
        line: u32,
        place: &str,
        problem: impl Into<String>,
    ) -> Result<(), MapError> {
        let finding = Finding { line, place: place.to_owned(), problem: problem.into(), leniency: Some(leniency) };
        if !self.allowed.contains(&leniency) {
            return Err(MapError::Refused(Box::new(finding)));
        }
        // An array's element says the same for each of its instances, and so may a peripheral for each of its.
        if !self.let_through.contains(&finding) {
            self.let_through.push(finding);
        }
        Ok(())
    }

    fn check_vocabulary(&mut self, node: Node<'d, 'd>, place: &str) -> Result<(), MapError> {
        if node.ancestors().any(|ancestor| self.checked.contains(&ancestor)) {
            return Ok(());
        }
        let mut unknown = Vec::new();
        unknown_parts(node, &mut unknown);
        for part in unknown {
            let inside = full_name(part.node);
            let place = if inside.is_empty() { place } else { &inside };
            self.breach(Leniency::UnknownElement, part.node, place, part.problem)?;
        }
        if !node.has_tag_name("device") {
            self.checked.push(node);
        }
        Ok(())
    }

    /// `node` with all that it is derived from, its vocabulary checked.
    pub(crate) fn element(&mut self, node: Node<'d, 'd>, place: &str) -> Result<Element<'d>, MapError> {
        let element = self.description.element(node, place)?;
        for node in element.nodes() {
            self.check_vocabulary(*node, place)?;
        }
        Ok(element)
    }

    fn properties(&mut self, element: &Element<'d>, outer: Properties, place: &str) -> Result<Properties, MapError> {
        let description = self.description;
        let number = |tag| description.read_child::<u64>(element, tag, place, &());
        let properties = Properties {
            size_bits: number("size")?.or(outer.size_bits),
            access: description.read_child::<Access>(element, "access", place, &Config::default())?.or(outer.access),
            reset_value: number("resetValue")?.or(outer.reset_value),
            reset_mask: number("resetMask")?.or(outer.reset_mask),
        };
        if let Some(node) = element.child("protection") {
            self.breach(
                Leniency::Protection,
                node,
                place,
                "a register file lets every access pass, <protection> or not",
            )?;
        }
        Ok(properties)
    }

    /// An address, which has to be one.
    fn sum<const N: usize>(&self, node: Node<'_, '_>, place: &str, parts: [u64; N]) -> Result<u64, MapError> {
        let sum = parts.iter().try_fold(0_u64, |sum, part| sum.checked_add(*part));
        sum.ok_or_else(|| self.description.refusal(node, place, "its address does not fit into 64 bits"))
    }

    fn peripheral(&mut self, element: &Element<'d>, name: &str, base: u64) -> Result<(), MapError> {
        self.address_blocks.clear();
        for node in element.nearest_children("addressBlock") {
            let block = self.description.read::<AddressBlock>(node, name, &Config::default())?;
            if block.protection.is_some() {
                self.breach(Leniency::Protection, node, name, "a register file lets every access pass")?;
            }
            if block.usage != AddressBlockUsage::Reserved {
                let start = self.sum(node, name, [base, block.offset.into()])?;
                self.address_blocks.push((start, self.sum(node, name, [start, block.size.into()])?));
            }
        }
        let affix = |tag| element.text(tag).unwrap_or_default().to_owned();
        let template = element.template().to_owned();
        let description = words(element.text("description"));
        self.peripherals.push(Peripheral { name: name.to_owned(), template: template.clone(), description });
        let place = Place {
            name: name.to_owned(),
            template,
            base,
            properties: self.properties(element, self.device_properties, name)?,
            alternate: None,
            prefix: affix("prependToName"),
            suffix: affix("appendToName"),
        };
        self.members(element.members(Some("registers"), &["register", "cluster"]), &place)
    }

    fn members(&mut self, nodes: Vec<Node<'d, 'd>>, place: &Place) -> Result<(), MapError> {
        for node in nodes {
            let element = self.element(node, &place.name)?;
            for (name, distance) in self.description.instances(&element, &place.name)? {
                let own_name = join(&place.name, &name);
                let offset = self.description.number(&element, "addressOffset", &own_name)?;
                let offset = self.sum(node, &own_name, [place.base, offset, distance])?;
                if node.has_tag_name("cluster") {
                    let alternate = element
                        .text("alternateCluster")
                        .map(|of| Alternate::Cluster { of: of.to_owned(), alternate: own_name.clone() });
                    let inner = Place {
                        properties: self.properties(&element, place.properties, &own_name)?,
                        name: own_name,
                        template: join(&place.template, element.template()),
                        base: offset,
                        alternate: alternate.or_else(|| place.alternate.clone()),
                        ..place.clone()
                    };
                    self.members(element.members(None, &["register", "cluster"]), &inner)?;
                } else {
                    let full_name = join(&place.name, &place.affixed(&name));
                    let register = self.register(&element, full_name, offset, place)?;
                    self.registers.push(register);
                    if self.registers.len() >= usize::from(NOBODY) {
                        let found = self.registers.len() as u64;
                        return Err(MapError::TooLarge { what: "registers", found, limit: u64::from(NOBODY) - 1 });
                    }
                }
            }
        }
        Ok(())
    }

    fn register(
        &mut self,
        element: &Element<'d>,
        name: String,
        offset: u64,
        place: &Place,
    ) -> Result<Register, MapError> {
        let node = element.own();
        let properties = self.properties(element, place.properties, &name)?;
        let bits = match properties.size_bits {
            Some(bits @ 8..=64) if bits % 8 == 0 => bits as u8,
            Some(bits) => {
                let problem = format!("a register has 8 to 64 bits, a multiple of 8, not {bits}");
                return Err(self.description.refusal(element.child("size").unwrap_or(node), &name, problem));
            }
            None => return Err(self.description.refusal(node, &name, "nothing gives its <size>")),
        };
        let reset_value = self.reset_value(element, &properties, bits, &name)?;
        let reset_mask = properties.reset_mask.unwrap_or(u64::MAX) & low_bits(u32::from(bits));
        let alternate = [
            element.text("alternateRegister").map(|of| Alternate::Register(of.to_owned())),
            element.text("alternateGroup").map(|group| Alternate::Group(group.to_owned())),
            place.alternate.clone(),
        ];
        let end = self.sum(node, &name, [offset, u64::from(bits / 8)])?;
        let blocks = &self.address_blocks;
        if !blocks.is_empty() && !blocks.iter().any(|(start, stop)| *start <= offset && end <= *stop) {
            let problem = format!("bytes {offset:#x} to {:#x} are in none of its peripheral's address blocks", end - 1);
            self.breach(Leniency::OutsideAddressBlock, node, &name, problem)?;
        }
        let register = Register {
            template: join(&place.template, &place.affixed(element.template())),
            description: words(element.text("description")),
            line: self.description.line(node),
            offset,
            bits,
            reset_value: reset_value & reset_mask,
            reset_mask,
            write_constraint: None,
            fields: Vec::new(),
            alternate: alternate.into_iter().flatten().next(),
            whole: Field::default(),
            masks: crate::semantics::Masks::default(),
            name,
        };
        self.with_fields(element, register, properties.access)
    }

    fn reset_value(
        &mut self,
        element: &Element<'d>,
        properties: &Properties,
        bits: u8,
        place: &str,
    ) -> Result<u64, MapError> {
        let node = element.child("resetValue").unwrap_or_else(|| element.own());
        let Some(value) = properties.reset_value else {
            self.breach(Leniency::MissingResetValue, node, place, "nothing gives its <resetValue>")?;
            return Ok(0);
        };
        let all = low_bits(u32::from(bits));
        if value & !all != 0 {
            let problem = format!("the reset value {value:#x} does not fit into {bits} bits");
            self.breach(Leniency::ResetOutsideRegister, node, place, problem)?;
        }
        Ok(value & all)
    }

    fn finish(mut self) -> Result<RegisterMap, MapError> {
        let end = self.registers.iter().map(|register| register.offset + register.bytes()).max().unwrap_or_default();
        if end > MAXIMUM_MAP_BYTES {
            return Err(MapError::TooLarge { what: "bytes of register space", found: end, limit: MAXIMUM_MAP_BYTES });
        }
        let mut registers = std::mem::take(&mut self.registers);
        // A stable sort: of registers at one offset the first in the file stays first.
        registers.sort_by_key(|register| register.offset);
        check::names(&mut self, &registers)?;
        check::alternates(&registers)?;
        check::overlaps(&mut self, &mut registers)?;
        Ok(RegisterMap::new(registers, self.let_through, self.device, self.peripherals))
    }

    /// Breaches [`Leniency::DuplicateName`] for every name that is there twice.
    pub(crate) fn unique<'n>(
        &mut self,
        names: impl Iterator<Item = (&'n str, u32)>,
        place: impl Fn(&str) -> String,
    ) -> Result<(), MapError> {
        let mut seen = BTreeSet::new();
        for (name, line) in names {
            if !seen.insert(name) {
                self.breach_at(Leniency::DuplicateName, line, &place(name), "the name is there a second time")?;
            }
        }
        Ok(())
    }
}

/// A refusal of what has been found at `line`, that nothing lets through.
pub(crate) fn refusal_at(line: u32, place: &str, problem: String) -> MapError {
    MapError::Refused(Box::new(Finding { line, place: place.to_owned(), problem, leniency: None }))
}

/// Running text without the line breaks of the file.
pub(crate) fn words(text: Option<&str>) -> String {
    text.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The content of `element`'s child `tag`, where `svd-parser` knows its words.
pub(crate) fn word<T>(
    builder: &Builder<'_, '_>,
    element: &Element<'_>,
    tag: &str,
    place: &str,
) -> Result<Option<T>, MapError>
where
    T: Parse<Object = T, Config = Config>,
    T::Error: std::fmt::Display,
{
    builder.description.read_child::<T>(element, tag, place, &Config::default())
}
