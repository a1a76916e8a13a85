//! The README's table of checks is the table that judges.

use ragstone::report::checks_table;

use crate::support::root;

const BEGIN: &str = "<!-- checks: written by the test `readme`, from the table that judges -->\n";
const END: &str = "<!-- end of checks -->";

/// `RAGSTONE_UPDATE_README=1 cargo test --test it readme` writes it anew.
#[test]
fn lists_every_check_as_it_is_judged() {
    let path = root().join("README.md");
    let text = std::fs::read_to_string(&path).expect("the README");
    let (before, rest) = text.split_once(BEGIN).expect("the table begins");
    let (found, after) = rest.split_once(END).expect("the table ends");
    let expected = checks_table() + "\n";
    if std::env::var_os("RAGSTONE_UPDATE_README").is_some() {
        std::fs::write(&path, [before, BEGIN, &expected, END, after].concat()).expect("written");
        return;
    }
    assert_eq!(
        found, expected,
        "RAGSTONE_UPDATE_README=1 cargo test --test it readme"
    );
}
