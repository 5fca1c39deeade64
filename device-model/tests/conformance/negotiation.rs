//! Version and capabilities.

use serde_json::{Map, Value};
use vfio_user_server::ServerOptions;

use crate::bench::Bench;
use crate::client::{Came, Client, Reply};
use crate::descriptors::Memory;
use crate::message::{
    ANY_ERRNO, BAR2, EINVAL, Message, QEMU_VERSION_DATA, VERSION, dma_map, get_info, one_of_each, qemu_version, read,
    u32s, version, write,
};

const RULES: &str = "VFIO_USER_VERSION: rules of the reply";
const DATA: &str = "VFIO_USER_VERSION: version data";
const CAPABILITIES: &str = "VFIO_USER_VERSION: Capabilities";

/// The version data of a reply, without its NUL.
#[track_caller]
fn data(client: &Client, reply: &Reply) -> Map<String, Value> {
    client.expect("the version data's last byte", reply.body.last(), Some(&0));
    let text = &reply.body[4..reply.body.len() - 1];
    serde_json::from_slice(text).unwrap_or_else(|error| client.fail("version data that is a JSON object", error))
}

#[track_caller]
fn capabilities(client: &Client, reply: &Reply) -> Map<String, Value> {
    match data(client, reply).remove("capabilities") {
        None => Map::new(),
        Some(Value::Object(capabilities)) => capabilities,
        Some(other) => client.fail("capabilities that are an object", other),
    }
}

/// Expects that a proposal is refused for good, and that the server lives on.
#[track_caller]
fn is_refused_for_good(bench: &Bench, proposal: &Message) {
    let mut client = bench.connect();
    client.refuses(proposal, EINVAL);
    client.is_closed();
    bench.serves();
}

#[test]
fn version_0_0_is_answered_in_kind() {
    let bench = Bench::start(RULES);
    let mut client = bench.connect();
    let reply = client.accepts(&version(0, 0, r#"{"capabilities":{"max_msg_fds":16}}"#).id(0xbeef));
    client.expect("major and minor", &reply.body[..4], &[0; 4]);
    data(&client, &reply);
    client.is_in_step();
}

#[test]
fn a_higher_minor_is_answered_with_one_that_qemu_takes() {
    let bench = Bench::start(RULES);
    for minor in [1, 7, u16::MAX] {
        let mut client = bench.connect();
        let reply = client.accepts(&version(0, minor, QEMU_VERSION_DATA));
        // Equal to or less than the proposed one; QEMU 11.1 refuses anything above 0.
        client.expect("major and minor", &reply.body[..4], &[0; 4]);
        client.is_in_step();
    }
}

#[test]
fn another_major_closes_the_connection() {
    let bench = Bench::start("Connection Initiation");
    for major in [1, u16::MAX] {
        let mut client = bench.connect();
        client.send(&version(major, 0, QEMU_VERSION_DATA));
        client.is_dropped();
        bench.serves();
    }
}

#[test]
fn version_data_and_every_part_of_it_are_optional() {
    let bench = Bench::start(DATA);
    let texts = ["{}", r#"{"capabilities":{}}"#, r#" { "capabilities" : { "max_msg_fds" : 1 } } "#];
    for proposal in texts.map(|text| version(0, 0, text)).into_iter().chain([Message::new(VERSION, [0; 4])]) {
        let mut client = bench.connect();
        client.accepts(&proposal);
        client.is_in_step();
    }
}

#[test]
fn unknown_capabilities_are_ignored() {
    let bench = Bench::start(CAPABILITIES);
    for text in [
        r#"{"vendor":{"name":"x"},"capabilities":{"max_msg_fds":8,"colours":["red",{"green":null}],"new":-1.5e3}}"#,
        r#"{"capabilities":{"migration":{"pgsize":65536,"max_bitmap_size":1,"more":true}}}"#,
    ] {
        let mut client = bench.connect();
        let reply = client.accepts(&version(0, 0, text));
        let capabilities = capabilities(&client, &reply);
        client.expect("an unknown capability in the reply", capabilities.get("colours"), None);
        client.is_in_step();
    }
}

#[test]
fn numbers_may_be_larger_than_the_server_needs() {
    let bench = Bench::start(CAPABILITIES);
    let mut client = bench.connect();
    let large = u64::MAX;
    let text = format!(
        r#"{{"capabilities":{{"max_msg_fds":{large},"max_data_xfer_size":{large},"max_dma_maps":{large},"pgsizes":{large}}}}}"#
    );
    client.accepts(&version(0, 0, &text));
    client.is_in_step();
}

#[test]
fn the_replys_capabilities_are_a_subset_of_the_proposed_ones() {
    let bench = Bench::start(RULES);
    for text in [r#"{"capabilities":{"max_msg_fds":16}}"#, r#"{"capabilities":{"pgsizes":4096}}"#, "{}"] {
        let mut client = bench.connect();
        let reply = client.accepts(&version(0, 0, text));
        let surplus: Vec<String> = capabilities(&client, &reply)
            .into_iter()
            .map(|(name, _)| name)
            .filter(|name| !text.contains(name))
            .collect();
        client.expect("capabilities that were not proposed", surplus, Vec::new());
    }
}

#[test]
fn what_is_agreed_with_qemu_is_within_what_qemu_takes() {
    let bench = Bench::start(CAPABILITIES);
    let mut client = bench.connect();
    let reply = client.negotiate();
    let capabilities = capabilities(&client, &reply);
    let number = |name: &str, default: u64| match capabilities.get(name) {
        None => default,
        Some(value) => value.as_u64().unwrap_or_else(|| client.fail("a whole number", value)),
    };
    let within = |name: &str, value: u64, range: std::ops::RangeInclusive<u64>| {
        client.expect(name, (value, range.contains(&value)), (value, true));
    };
    within("max_msg_fds from 1 to 16", number("max_msg_fds", 1), 1..=16);
    within("max_data_xfer_size up to 64 MiB", number("max_data_xfer_size", 1_048_576), 4_096..=0x400_0000);
    within("max_dma_maps up to 65,535", number("max_dma_maps", 65_535), 1..=65_535);
    client.expect("pgsizes of whole pages", number("pgsizes", 4_096) & 0xfff, 0);
    client.expect("pgsizes with 4 KiB pages", number("pgsizes", 4_096) & 0x1000, 0x1000);
    let multiple = capabilities.get("write_multiple").cloned().unwrap_or(Value::Bool(false));
    client.expect("write_multiple is a boolean", multiple.is_boolean(), true);
}

#[test]
fn a_twin_socket_that_is_offered_is_not_taken() {
    let bench = Bench::start("VFIO_USER_VERSION: twin_socket");
    for text in [
        r#"{"capabilities":{"twin_socket":{"supported":true}}}"#,
        r#"{"capabilities":{"twin_socket":{"supported":false,"fd_index":0}}}"#,
        r#"{"capabilities":{"twin_socket":{}}}"#,
    ] {
        let mut client = bench.connect();
        let reply = client.accepts(&version(0, 0, text));
        client.expect("descriptors of the reply", reply.descriptors.len(), 0);
        let capabilities = capabilities(&client, &reply);
        let supported = capabilities.get("twin_socket").and_then(|twin| twin.get("supported")).cloned();
        client.expect("twin_socket.supported", supported.unwrap_or(Value::Bool(false)), Value::Bool(false));
        client.is_in_step();
    }
}

#[test]
fn version_data_that_is_no_json_is_refused() {
    let bench = Bench::start(DATA);
    for text in ["{", "}", "{\"capabilities\":", "{} {}", "capabilities", "{\"capabilities\":{,}}"] {
        is_refused_for_good(&bench, &version(0, 0, text));
    }
    let nested = "[".repeat(60_000);
    is_refused_for_good(&bench, &version(0, 0, &nested));
    let no_utf_8 = b"\0\0\0\0{\"capabilities\":{\"\xff\xfe\":1}}\0";
    is_refused_for_good(&bench, &Message::new(VERSION, *no_utf_8));
}

#[test]
fn version_data_without_its_nul_is_refused() {
    let bench = Bench::start(DATA);
    is_refused_for_good(&bench, &Message::new(VERSION, *b"\0\0\0\0{\"capabilities\":{}}"));
    // What is left without its last byte would do.
    is_refused_for_good(&bench, &Message::new(VERSION, *b"\0\0\0\0{\"capabilities\":{}} "));
}

#[test]
fn capabilities_of_the_wrong_type_are_refused() {
    let bench = Bench::start(CAPABILITIES);
    for text in [
        "[]",
        "7",
        r#"{"capabilities":[]}"#,
        r#"{"capabilities":"all"}"#,
        r#"{"capabilities":{"max_msg_fds":"16"}}"#,
        r#"{"capabilities":{"max_msg_fds":-1}}"#,
        r#"{"capabilities":{"max_data_xfer_size":true}}"#,
        r#"{"capabilities":{"max_dma_maps":{}}}"#,
        r#"{"capabilities":{"pgsizes":[4096]}}"#,
        r#"{"capabilities":{"write_multiple":1}}"#,
    ] {
        is_refused_for_good(&bench, &version(0, 0, text));
    }
}

#[test]
fn version_data_of_more_than_64_kib_is_refused() {
    let bench = Bench::start("Security Considerations");
    let text = format!(r#"{{"capabilities":{{"padding":"{}"}}}}"#, "x".repeat(65_536));
    is_refused_for_good(&bench, &version(0, 0, &text));
}

#[test]
fn a_version_that_is_cut_short_is_refused() {
    let bench = Bench::start("VFIO_USER_VERSION: Request");
    for bytes in 16..20 {
        let mut client = bench.connect();
        client.send(&qemu_version().resized(bytes));
        client.is_dropped();
        bench.serves();
    }
}

#[test]
fn anything_before_the_version_closes_the_connection() {
    let bench = Bench::start("VFIO_USER_VERSION: the initial message");
    for message in one_of_each().into_iter().chain([Message::new(0, []), Message::new(0xffff, u32s(&[1, 2, 3]))]) {
        let mut client = bench.connect();
        client.send(&message);
        client.is_dropped();
    }
    let memory = Memory::new(0x1000);
    let mut client = bench.connect();
    client.send_with(&dma_map(0, 0x1000), &[memory.as_fd()]);
    client.is_dropped();
    bench.eventually("no descriptor of memory that was refused", || !memory.is_held());
    bench.serves();
}

#[test]
fn a_second_version_is_refused_and_the_first_one_stays() {
    let bench = Bench::start("VFIO_USER_VERSION: the initial message");
    let mut client = bench.client();
    client.refuses(&qemu_version(), EINVAL);
    client.refuses(&version(1, 0, "{"), ANY_ERRNO);
    client.is_in_step();
}

#[test]
fn commands_may_follow_the_version_without_waiting_for_its_reply() {
    let bench = Bench::start("Command Concurrency");
    let mut client = bench.connect();
    let messages = [qemu_version(), get_info(), read(0, 0, 4)];
    let ids = client.send_together(&messages);
    for (message, id) in messages.iter().zip(ids) {
        let reply = client.reply_to(id, message.command);
        client.expect("an error", reply.is_error(), false);
    }
}

#[test]
fn a_version_that_wants_no_reply_gets_none() {
    let bench = Bench::start("Header: Flags, No_reply");
    let mut client = bench.connect();
    client.send(&qemu_version().no_reply());
    let id = client.send(&get_info());
    match client.receive() {
        Came::Closed => {}
        Came::Reply(reply) if reply.id == id => {}
        other => client.fail("the reply to the next command, or the connection's end", other),
    }
    drop(client);
    bench.serves();
}

#[test]
fn a_server_that_takes_less_says_so_and_keeps_to_it() {
    let options = ServerOptions { maximum_data_bytes: 4_096, maximum_descriptors: 1, ..ServerOptions::default() };
    let bench = Bench::start_window_with("VFIO_USER_VERSION: max_msg_fds, max_data_xfer_size", options);
    let mut client = bench.connect();
    let reply = client.negotiate();
    let capabilities = capabilities(&client, &reply);
    client.expect("max_data_xfer_size", capabilities.get("max_data_xfer_size"), Some(&Value::from(4_096)));
    client.expect("max_msg_fds", capabilities.get("max_msg_fds"), Some(&Value::from(1)));
    client.accepts(&read(BAR2, 0, 4_096));
    client.refuses(&read(BAR2, 0, 4_097), EINVAL);
    client.accepts(&write(BAR2, 0, &[1; 4_096]));
    client.refuses(&write(BAR2, 0, &[2; 4_097]), EINVAL);
    client.reads(BAR2, 0, &[1; 4]);
}
