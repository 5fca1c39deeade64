//! A register map as its outputs tell of it: what is described once, by the names that readers see.

use std::collections::BTreeMap;

use registers::{Field, Register, RegisterMap};

/// What all outputs of a block are made from.
pub(crate) struct Contract<'a> {
    /// The SVD file, from the workspace's root.
    pub(crate) svd: &'a str,
    pub(crate) map: &'a RegisterMap,
    /// In the order of their first elements' offsets.
    pub(crate) templates: Vec<Template<'a>>,
}

/// What the file describes once: a register, or the elements of an array of registers.
pub(crate) struct Template<'a> {
    /// The full name, with a letter where an array has its index: `PWMn.CONTROL`.
    pub(crate) name: String,
    /// At least one, by ascending offset.
    pub(crate) elements: Vec<&'a Register>,
}

/// What a word of a description stands for.
#[derive(Clone, Copy)]
pub(crate) struct Reference<'c, 'a> {
    pub(crate) register: &'c Template<'a>,
    pub(crate) field: Option<&'a str>,
}

impl Reference<'_, '_> {
    /// `PERIPHERAL.REGISTER`, or `PERIPHERAL.REGISTER.field`.
    pub(crate) fn full_name(&self) -> String {
        self.field.map_or_else(|| self.register.name.clone(), |field| format!("{}.{field}", self.register.name))
    }
}

impl<'a> Template<'a> {
    /// What is the same for all elements.
    pub(crate) fn register(&self) -> &'a Register {
        self.elements[0]
    }

    /// The name of the peripheral, with a letter where an array has its index.
    pub(crate) fn peripheral(&self) -> &str {
        self.name.split_once('.').map_or("", |(peripheral, _)| peripheral)
    }

    pub(crate) fn is_array(&self) -> bool {
        self.register().template.contains("%s")
    }

    /// Bytes from each element to the next, where that is the same for all; 0 for a single one.
    pub(crate) fn stride(&self) -> Option<u64> {
        let mut strides = self.elements.windows(2).map(|pair| pair[1].offset - pair[0].offset);
        let first = strides.next().unwrap_or_default();
        strides.all(|stride| stride == first).then_some(first)
    }
}

impl<'a> Contract<'a> {
    pub(crate) fn new(svd: &'a str, map: &'a RegisterMap) -> Self {
        let mut templates: Vec<Template<'a>> = Vec::new();
        let mut indexes = BTreeMap::new();
        for (_, register) in map.registers() {
            let index = *indexes.entry(register.template.as_str()).or_insert(templates.len());
            if index == templates.len() {
                templates.push(Template { name: shown(&register.template), elements: Vec::new() });
            }
            templates[index].elements.push(register);
        }
        Self { svd, map, templates }
    }

    /// The line that every output begins with, as far as its comments do not differ.
    pub(crate) fn origin(&self) -> String {
        format!("Generated from {} by `cargo xtask codegen`: do not edit.", self.svd)
    }

    /// `PWM_AUDIO, version 1.0`.
    pub(crate) fn title(&self) -> String {
        let device = self.map.device();
        let version = Some(&device.version).filter(|version| !version.is_empty());
        device.name.clone() + &version.map(|version| format!(", version {version}")).unwrap_or_default()
    }

    /// Digits that the highest offset needs, three at least.
    pub(crate) fn offset_digits(&self) -> usize {
        format!("{:x}", self.map.bytes().saturating_sub(1)).len().max(3)
    }

    /// `text` with every name in it as `render` writes it, and nothing else that Markdown would take for its own.
    ///
    /// Names are those of registers and fields, with or without the peripheral, which is `peripheral` then; what looks
    /// like a name and is none is passed on without a reference.
    pub(crate) fn with_names(
        &self,
        text: &str,
        peripheral: &str,
        render: impl Fn(&str, Option<Reference<'_, 'a>>) -> String,
    ) -> String {
        let word = |word: &str| {
            let start = word.find(|character: char| !"(\"'".contains(character)).unwrap_or_default();
            let end = word.trim_end_matches(|character| ".,;:!?)\"'".contains(character)).len().max(start);
            let core = &word[start..end];
            let reference = self.resolve(core).or_else(|| self.resolve(&format!("{peripheral}.{core}")));
            if reference.is_some() || core.contains('_') {
                format!("{}{}{}", &word[..start], render(core, reference), &word[end..])
            } else {
                escaped(word)
            }
        };
        text.split(' ').map(word).collect::<Vec<_>>().join(" ")
    }

    fn resolve(&self, name: &str) -> Option<Reference<'_, 'a>> {
        let register = |name: &str| {
            let named = |template: &&Template<'_>| {
                template.name == name || template.elements.iter().any(|element| element.name == name)
            };
            self.templates.iter().find(named)
        };
        if let Some(register) = register(name) {
            return Some(Reference { register, field: None });
        }
        let (register_name, field_name) = name.rsplit_once('.')?;
        let register = register(register_name)?;
        let field = register.register().fields.iter().find(|field| field.name == field_name)?;
        Some(Reference { register, field: Some(&field.name) })
    }
}

/// A name with letters for the `%s` of the file.
pub(crate) fn shown(template: &str) -> String {
    ["n", "m", "k"].iter().fold(template.to_owned(), |name, letter| name.replacen("%s", letter, 1))
}

/// Text in which Markdown finds nothing to format.
fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, character| {
        if r"\`*[]<|".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
        escaped
    })
}

/// The one part that stands for all, where accesses do the same to every part of the register.
pub(crate) fn uniform(register: &Register) -> Option<&Field> {
    let (first, others) = register.parts().split_first()?;
    let semantics = |part: &Field| (part.access, part.modified_write_values, part.read_action);
    others.iter().all(|other| semantics(other) == semantics(first)).then_some(first)
}

/// The first sentence.
pub(crate) fn summary(description: &str) -> &str {
    description.find(". ").map_or(description, |end| &description[..=end])
}
