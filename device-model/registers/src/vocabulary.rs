//! Which elements CMSIS-SVD has, and where: so that a misspelt one is not taken for absent.

use roxmltree::Node;

const DIM: &[&str] = &["dim", "dimIncrement", "dimIndex", "dimName", "dimArrayIndex"];
const PROPERTIES: &[&str] = &["size", "access", "protection", "resetValue", "resetMask"];
/// Those that may be there more than once.
const REPEATED: &[&str] =
    &["peripheral", "addressBlock", "interrupt", "register", "cluster", "field", "enumeratedValues", "enumeratedValue"];
/// Those whose content says nothing about registers; and the peripherals, each of which is looked at when its
/// registers are wanted.
const OPAQUE: &[&str] =
    &["peripheral", "cpu", "interrupt", "vendorExtensions", "dimArrayIndex", "description", "licenseText"];

fn children_of(parent: &str) -> &'static [&'static [&'static str]] {
    match parent {
        "device" => &[
            &["vendor", "vendorID", "name", "series", "version", "description", "licenseText", "cpu"],
            &["headerSystemFilename", "headerDefinitionsPrefix", "addressUnitBits", "width", "peripherals"],
            &["vendorExtensions"],
            PROPERTIES,
        ],
        "peripherals" => &[&["peripheral"]],
        "peripheral" => &[
            &["name", "version", "description", "displayName", "alternatePeripheral", "groupName", "prependToName"],
            &["appendToName", "headerStructName", "disableCondition", "baseAddress", "addressBlock", "interrupt"],
            &["registers"],
            DIM,
            PROPERTIES,
        ],
        "addressBlock" => &[&["offset", "size", "usage", "protection"]],
        "registers" => &[&["register", "cluster"]],
        "cluster" => &[
            &["name", "description", "alternateCluster", "headerStructName", "addressOffset", "register", "cluster"],
            DIM,
            PROPERTIES,
        ],
        "register" => &[
            &["name", "displayName", "description", "alternateGroup", "alternateRegister", "addressOffset", "dataType"],
            &["modifiedWriteValues", "writeConstraint", "readAction", "fields"],
            DIM,
            PROPERTIES,
        ],
        "fields" => &[&["field"]],
        "field" => &[
            &["name", "description", "bitOffset", "bitWidth", "lsb", "msb", "bitRange", "access"],
            &["modifiedWriteValues", "writeConstraint", "readAction", "enumeratedValues"],
            DIM,
        ],
        "enumeratedValues" => &[&["name", "headerEnumName", "usage", "enumeratedValue"]],
        "enumeratedValue" => &[&["name", "description", "value", "isDefault"]],
        "writeConstraint" => &[&["writeAsRead", "useEnumeratedValues", "range"]],
        "range" => &[&["minimum", "maximum"]],
        _ => &[],
    }
}

/// A part of the file that CMSIS-SVD does not have.
pub(crate) struct Unknown<'a> {
    pub(crate) node: Node<'a, 'a>,
    pub(crate) problem: String,
}

/// Everything below `node` that is not in the vocabulary, in the order of the file. Inside of an unknown element
/// nothing more is looked for.
pub(crate) fn unknown_parts<'a>(node: Node<'a, 'a>, found: &mut Vec<Unknown<'a>>) {
    unknown_attributes(node, found);
    unknown_children(node, found);
}

fn unknown_attributes<'a>(node: Node<'a, 'a>, found: &mut Vec<Unknown<'a>>) {
    let tag = node.tag_name().name();
    let derivable = matches!(tag, "peripheral" | "cluster" | "register" | "field" | "enumeratedValues");
    for attribute in node.attributes() {
        // The device names its schema; everything else can only be derived.
        if tag != "device" && !(derivable && attribute.name() == "derivedFrom") {
            found.push(Unknown { node, problem: format!("<{tag}> has no attribute {}", attribute.name()) });
        }
    }
}

fn unknown_children<'a>(node: Node<'a, 'a>, found: &mut Vec<Unknown<'a>>) {
    let tag = node.tag_name().name();
    let known = children_of(tag);
    let mut seen: Vec<&str> = Vec::new();
    for child in node.children().filter(Node::is_element) {
        let name = child.tag_name().name();
        if !known.iter().any(|group| group.contains(&name)) {
            found.push(Unknown { node: child, problem: format!("<{tag}> has no element <{name}>") });
            continue;
        }
        if seen.contains(&name) && !REPEATED.contains(&name) {
            found.push(Unknown { node: child, problem: format!("<{tag}> has <{name}> a second time") });
        }
        seen.push(name);
        unknown_attributes(child, found);
        if !OPAQUE.contains(&name) {
            unknown_children(child, found);
        }
    }
}
