//! The block's handles: a structure a peripheral, cluster and register, each of which finds its names in the map.

use registers::Register;

use super::contract::{Contract, Reference, shown, summary};
use super::words::{member_name, type_name, wrapped};

/// The workspace's line length.
const COLUMNS: usize = 120;

/// What has a place in the map's tree of names.
#[derive(Clone)]
struct Entry<'a> {
    /// Parts of the full name, from the place at hand on, each as the file has it.
    templates: Vec<&'a str>,
    /// The same of one element, with its indexes.
    names: Vec<&'a str>,
    register: &'a Register,
}

/// A register, or a peripheral or cluster with what is in it; or an array of them.
struct Member<'a> {
    template: &'a str,
    /// The name, or the names of an array's elements.
    names: Vec<&'a str>,
    /// What is in them.
    inside: Vec<Entry<'a>>,
    register: Option<&'a Register>,
}

impl Member<'_> {
    fn is_array(&self) -> bool {
        self.template.contains("%s")
    }

    /// Whether it needs no structure: a register without fields.
    fn is_handle(&self) -> bool {
        self.register.is_some_and(|register| register.fields.is_empty())
    }

    fn documentation(&self, contract: &Contract<'_>, path: &str) -> String {
        let peripheral =
            || contract.map.peripherals().iter().find(|entry| path.is_empty() && entry.template == self.template);
        let description = match self.register {
            Some(register) => &register.description,
            None => peripheral().map_or("", |peripheral| &peripheral.description),
        };
        documentation(contract, description, path, self.template)
    }
}

/// The file, to be formatted in the workspace's style.
pub(crate) fn generate(contract: &Contract<'_>) -> String {
    let entries = contract.map.registers().map(|(_, register)| Entry {
        templates: register.template.split('.').collect(),
        names: register.name.split('.').collect(),
        register,
    });
    let members = members(entries.collect());
    let device = contract.map.device();
    let documentation = documentation(contract, &device.description, "", &device.name);
    let fields: String = members.iter().map(|member| declaration(contract, "", member)).collect();
    let values: String = members.iter().map(|member| initialiser("", member)).collect();
    let structures: String = members.iter().map(|member| structures(contract, "", member)).collect();
    format!(
        "// {origin}

        //! Handles of the registers and fields of `{name}`.

        use std::sync::Arc;

        use registers::{{FieldHandle, NoSuchName, RegisterHandle, RegisterMap}};

        {documentation}pub(crate) struct Registers {{
            /// The map that the handles are of.
            pub(crate) map: Arc<RegisterMap>,
            {fields}
        }}

        impl Registers {{
            /// The handles of `map`, which has to have every name.
            pub(crate) fn find(map: Arc<RegisterMap>) -> Result<Self, NoSuchName> {{
                Ok(Self {{ {values} map }})
            }}
        }}
        {structures}",
        origin = contract.origin(),
        name = device.name,
    )
}

/// What there is at one place, in the order of the entries.
fn members(entries: Vec<Entry<'_>>) -> Vec<Member<'_>> {
    let mut members: Vec<Member<'_>> = Vec::new();
    for Entry { templates, names, register } in entries {
        let is_register = templates.len() == 1;
        let same = |member: &Member<'_>| member.template == templates[0] && member.register.is_some() == is_register;
        let index = members.iter().position(same).unwrap_or_else(|| {
            let register = is_register.then_some(register);
            members.push(Member { template: templates[0], names: Vec::new(), inside: Vec::new(), register });
            members.len() - 1
        });
        let member = &mut members[index];
        if !member.names.contains(&names[0]) {
            member.names.push(names[0]);
        }
        if !is_register {
            member.inside.push(Entry { templates: templates[1..].to_vec(), names: names[1..].to_vec(), register });
        }
    }
    members
}

/// The type that has the handles of a member, one of its elements if it is an array. `path` is where it is.
fn kind(path: &str, member: &Member<'_>) -> String {
    if member.is_handle() { "RegisterHandle".to_owned() } else { type_name(&join(path, member.template)) }
}

/// A field of the structure that `path` is.
fn declaration(contract: &Contract<'_>, path: &str, member: &Member<'_>) -> String {
    let (name, kind) = (member_name(member.template), kind(path, member));
    let kind = if member.is_array() { format!("[{kind}; {}]", member.names.len()) } else { kind };
    format!("{}pub(crate) {name}: {kind},\n", member.documentation(contract, path))
}

/// What the constructor of the structure that `path` is gives the field.
fn initialiser(path: &str, member: &Member<'_>) -> String {
    let kind = kind(path, member);
    let element = |name: &&str| {
        // A structure inside of others is told the name of the place that it is for.
        let (map, place) = if path.is_empty() {
            ("&map", format!("{name:?}"))
        } else {
            ("map", format!("&format!(\"{{path}}.{name}\")"))
        };
        if member.is_handle() { format!("map.register({place})?") } else { format!("{kind}::find({map}, {place})?") }
    };
    let elements = member.names.iter().map(element).collect::<Vec<_>>().join(", ");
    let value = if member.is_array() { format!("[{elements}]") } else { elements };
    format!("{}: {value}, ", member_name(member.template))
}

/// The structure of a member and those of what is in it.
fn structures(contract: &Contract<'_>, path: &str, member: &Member<'_>) -> String {
    if member.is_handle() {
        return String::new();
    }
    let kind = kind(path, member);
    let inner_path = join(path, member.template);
    let (mut fields, mut values, mut inner_structures) = (String::new(), String::new(), String::new());
    if let Some(register) = member.register {
        fields += "/// The register.\npub(crate) register: RegisterHandle,\n";
        values += "register: map.register(path)?, ";
        for field in &register.fields {
            let name = member_name(&field.name);
            let documentation = documentation(contract, &field.description, &inner_path, &field.name);
            fields += &format!("{documentation}pub(crate) {name}: FieldHandle,\n");
            values += &format!("{name}: map.field(&format!(\"{{path}}.{}\"))?, ", field.name);
        }
    }
    let inner = members(member.inside.clone());
    for member in &inner {
        fields += &declaration(contract, &inner_path, member);
        values += &initialiser(&inner_path, member);
        inner_structures += &structures(contract, &inner_path, member);
    }
    let count = if member.is_array() {
        format!("/// How many there are.\npub(crate) const COUNT: usize = {};\n\n", member.names.len())
    } else {
        String::new()
    };
    format!(
        "
        {documentation}pub(crate) struct {kind} {{
            {fields}
        }}

        impl {kind} {{
            {count}
            fn find(map: &RegisterMap, path: &str) -> Result<Self, NoSuchName> {{
                Ok(Self {{ {values} }})
            }}
        }}
        {inner_structures}",
        documentation = member.documentation(contract, path),
    )
}

/// A documentation comment: the first sentence of `description`, else the name. `path` is where that is.
fn documentation(contract: &Contract<'_>, description: &str, path: &str, name: &str) -> String {
    let code = |word: &str, reference: Option<Reference<'_, '_>>| {
        format!("`{}`", reference.map_or_else(|| word.to_owned(), |reference| reference.full_name()))
    };
    let full_name = shown(&join(path, name));
    let peripheral = full_name.split('.').next().unwrap_or_default();
    let text = contract.with_names(summary(description), peripheral, code);
    let text = if text.is_empty() { format!("`{full_name}`.") } else { text };
    wrapped(&text, "/// ", COLUMNS - 8)
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
