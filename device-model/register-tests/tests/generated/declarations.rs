//! Declarations are taken at their word, or refused with what was expected.

use register_tests::Declarations;

use crate::descriptions::{map, small};

#[track_caller]
fn assert_refused(declarations: &str, expected: &str) {
    let error = Declarations::parse(declarations, &map(&small())).expect_err("refused").to_string();
    assert!(error.contains(expected), "expected {expected}\nfound {error}");
}

#[test]
fn what_is_unknown_or_matches_nothing_is_refused() {
    assert_refused("resett = 1", "unknown field `resett`, expected one of `reset`, `hardware-owned`, `set-by`, `skip`");
    assert_refused(
        "reset = { register = 'BLOCK.RESET', value = 1 }",
        "reset: \"BLOCK.RESET\" matches no register of the map",
    );
    assert_refused("reset = { register = 'BLOCK.DATA', value = 0 }", "0x0 has to have ones");
    assert_refused("reset = { register = 'BLOCK.ID', value = 1 }", "only in bits that can be written");
    let owned = "[[hardware-owned]]\nname = 'BLOCK.E*.DONE'\n";
    assert_refused(owned, "missing field `reason`");
    assert_refused(&format!("{owned}reason = ' '"), "hardware-owned \"BLOCK.E*.DONE\": its reason is empty");
    assert_refused(&format!("{owned}reason = 'r'\nby = ['BLOCK.X*']"), "\"BLOCK.X*\" matches no register of the map");
    assert_refused(
        "[[hardware-owned]]\nname = 'DONE'\nreason = 'r'",
        "\"DONE\" matches no register or field of the map",
    );
    assert_refused(
        "[[set-by]]\nregister = 'BLOCK.EVENTS'\nby = 'BLOCK.*'",
        "one register sets the bits, this matches several",
    );
    let skip = |tests: &str| format!("[[skip]]\nregister = 'BLOCK.*'\nreason = 'r'\ntests = {tests}");
    assert_refused(
        &skip("['bash']"),
        "unknown variant `bash`, expected one of `reset-values`, `bit-bash`, `access-policy`",
    );
    assert_refused(&skip("[]"), "skip \"BLOCK.*\": it lists no test");
}
