//! The guest programs' table of registers.

use super::contract::Contract;
use super::words::rust_hexadecimal;

/// The file, to be formatted in the workspace's style.
pub(crate) fn generate(contract: &Contract<'_>) -> String {
    let mut text = format!(
        "// {}\n\n//! The registers of `{}`, by name.\n\nuse crate::registers::NamedRegister;\n\n\
         /// Every register, by ascending offset.\npub(crate) const REGISTERS: &[NamedRegister] = &[\n",
        contract.origin(),
        contract.map.device().name
    );
    for (_, register) in contract.map.registers() {
        let offset = rust_hexadecimal(register.offset, contract.offset_digits());
        text += &format!(
            "    NamedRegister {{ name: {:?}, offset: {offset}, width_bytes: {} }},\n",
            register.name,
            register.bytes()
        );
    }
    text + "];\n"
}
