//! `ragstone manifest` through the real binary.

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{ragstone, stderr, stdout};

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        std::fs::write(path, text).expect("written");
    }
    folder
}

fn utf8(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn manifest(args: &[&Path], more: &[&str]) -> Output {
    let paths = args.iter().map(|path| utf8(path));
    let args: Vec<&str> = std::iter::once("manifest")
        .chain(paths)
        .chain(more.iter().copied())
        .collect();
    ragstone(&args)
}

#[track_caller]
fn json(output: &Output, code: i32) -> Value {
    assert_eq!(output.status.code(), Some(code), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[track_caller]
fn refused(output: &Output, code: i32, words: &str) {
    assert_eq!(output.status.code(), Some(code), "{}", stdout(output));
    // A terminal wraps; here only words next to each other matter.
    let said = stderr(output)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(said.contains(words), "{said}");
}

const FILES: [(&str, &str); 2] = [("b/c.txt", "two"), ("a.txt", "one")];
/// The test vector of `parity/manifest.rs`, computed in Python.
const KNOWN: &str = "b3:473fb3200d0ff064f6b3f07ebbd3e5261c7f5f1bc9441f13aa453784b7ea3767";
/// Printed by sha256sum.
const SHA256: &str = "\
7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed  ./a.txt
3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3  ./b/c.txt
";

#[test]
fn the_manifest_of_a_known_folder() {
    let folder = folder(&FILES);
    let found = json(&manifest(&[folder.path()], &["--format", "json"]), 0);
    assert_eq!(found["blob_manifest"], KNOWN);
    assert_eq!((&found["files"], &found["bytes"]), (&2.into(), &6.into()));
    assert_eq!(found["blobs"][0]["path"], "a.txt");
    assert_eq!(found["blobs"][1]["path"], "b/c.txt");
    assert_eq!(found["blobs"][1]["digest"]["algorithm"], "blake3");
    let text = manifest(&[folder.path()], &["--threads", "1"]);
    let expected = format!("BLOB_MANIFEST {KNOWN}\nfiles         2, 6 bytes\n");
    assert_eq!(stdout(&text), expected);
}

#[test]
fn a_written_manifest_stands_for_its_folder_until_something_changes() {
    let (one, other) = (folder(&FILES), folder(&[]));
    let saved = other.path().join("saved.json");
    let made = manifest(&[one.path()], &["--out", utf8(&saved)]);
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    let equal = json(&manifest(&[&saved, one.path()], &["--format", "json"]), 0);
    assert_eq!(
        (&equal["status"], &equal["equal"]),
        (&"equal".into(), &2.into())
    );
    refused(
        &manifest(&[one.path()], &["--out", utf8(&saved)]),
        2,
        "exists already",
    );

    std::fs::write(one.path().join("a.txt"), "eno").expect("written");
    std::fs::remove_file(one.path().join("b/c.txt")).expect("removed");
    std::fs::write(one.path().join(".new"), "").expect("written");
    let found = json(&manifest(&[&saved, one.path()], &["--format", "json"]), 1);
    assert_eq!(found["status"], "differs");
    assert_eq!(found["missing"], serde_json::json!(["b/c.txt"]));
    assert_eq!(found["extra"], serde_json::json!([".new"]));
    assert_eq!(found["digest_differs"][0]["path"], "a.txt");
    std::fs::write(one.path().join("a.txt"), "longer").expect("written");
    let found = manifest(&[&saved, one.path()], &["--skip-hidden"]);
    assert_eq!(found.status.code(), Some(1));
    let text = stdout(&found);
    for words in [
        "DIFFERENT: 0 files",
        "missing in B: 1\n  b/c.txt",
        "a.txt: 3 and 6 bytes",
    ] {
        assert!(text.contains(words), "{text}");
    }
    assert!(!text.contains(".new"), "{text}");
    assert!(
        stderr(&found).contains("1 hidden left out"),
        "{}",
        stderr(&found)
    );
}

#[test]
fn lists_of_other_programs_are_read_and_other_digests_are_no_equals() {
    let one = folder(&FILES);
    let lists = folder(&[
        ("SHA256SUMS", SHA256),
        ("list", SHA256),
        ("again.sha256", SHA256),
    ]);
    let list = |name: &str| lists.path().join(name);
    let (sums, again) = (list("SHA256SUMS"), list("again.sha256"));
    let equal = json(&manifest(&[&sums, &again], &["--format", "json"]), 0);
    assert_eq!(equal["equal"], 2);
    let open = manifest(&[&sums, one.path()], &[]);
    assert_eq!(open.status.code(), Some(3), "{}", stderr(&open));
    let text = stdout(&open);
    assert!(text.starts_with("NOT COMPARABLE: 0 files"), "{text}");
    assert!(text.contains("a.txt: sha256 and blake3"), "{text}");
    refused(
        &manifest(&[&list("list")], &[]),
        2,
        "line 1: digests of 64 hexadecimal digits",
    );
    let named = json(
        &manifest(
            &[&list("list")],
            &["--algorithm", "SHA-256", "--format", "json"],
        ),
        0,
    );
    assert_eq!(named["blobs"][0]["digest"]["algorithm"], "sha256");
    assert!(named["bytes"].is_null(), "{named}");
    // As b3sum would list the folder: equal, though sizes are not stated.
    let ours = json(&manifest(&[one.path()], &["--format", "json"]), 0);
    let line = |blob: &Value| {
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        format!(
            "{}  {}\n",
            text(&blob["digest"]["hex"]),
            text(&blob["path"])
        )
    };
    let lines: String = ours["blobs"]
        .as_array()
        .expect("blobs")
        .iter()
        .map(line)
        .collect();
    std::fs::write(list("files.b3"), lines).expect("written");
    let equal = json(
        &manifest(&[&list("files.b3"), one.path()], &["--format", "json"]),
        0,
    );
    assert_eq!(equal["a_blob_manifest"], equal["b_blob_manifest"]);
}

#[test]
fn a_manifest_that_was_changed_or_is_none_is_refused() {
    let one = folder(&FILES);
    let text = stdout(&manifest(&[one.path()], &["--format", "json"]));
    let lists = folder(&[
        ("changed.json", &text.replace("a.txt", "z.txt")),
        (
            "later.json",
            &text.replace("\"format\": 1", "\"format\": 2"),
        ),
        ("other.json", "{\"files\": 1}"),
        ("words.txt", "no list"),
    ]);
    for (name, words) in [
        ("changed.json", "changed after it was made"),
        ("later.json", "format 2 was not known"),
        ("other.json", "no manifest of this program"),
        ("words.txt", "line 1: `no` is no digest"),
    ] {
        refused(&manifest(&[&lists.path().join(name)], &[]), 2, words);
    }
    refused(
        &manifest(&[&PathBuf::from("nowhere")], &[]),
        4,
        "cannot be read",
    );
    let inside = one.path().join("b/saved.json");
    refused(
        &manifest(&[one.path()], &["--out", utf8(&inside)]),
        2,
        "would lie in the folder",
    );
}

#[cfg(unix)]
#[test]
fn links_stay_in_the_folder_and_strange_names_stay_on_their_line() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    let one = folder(&[("a.txt", "one"), ("sub/b.txt", "two")]);
    let link = one.path().join("link");
    symlink("sub/b.txt", &link).expect("linked");
    let found = json(&manifest(&[one.path()], &["--format", "json"]), 0);
    assert_eq!(found["blobs"][1]["path"], "link");
    assert_eq!(found["blobs"][1]["digest"], found["blobs"][2]["digest"]);
    for (target, words) in [
        ("/etc/hostname", "leads out of the folder"),
        ("sub", "leads to a folder"),
        ("nothing", "leads nowhere"),
    ] {
        std::fs::remove_file(&link).expect("removed");
        symlink(target, &link).expect("linked");
        refused(&manifest(&[one.path()], &[]), 2, words);
    }
    std::fs::remove_file(&link).expect("removed");

    let hostile = "x\u{1b}[2J\nEQUAL\u{202e}";
    let empty = folder(&[("a.txt", "one"), ("sub/b.txt", "two")]);
    std::fs::write(one.path().join(hostile), "").expect("written");
    let shown = manifest(&[empty.path(), one.path()], &[]);
    assert_eq!(shown.status.code(), Some(1));
    assert!(
        stdout(&shown).contains("  x␛[2J⏎EQUAL<U+202E>\n"),
        "{}",
        stdout(&shown)
    );
    let exact = json(
        &manifest(&[empty.path(), one.path()], &["--format", "json"]),
        1,
    );
    assert_eq!(exact["extra"][0], hostile);

    let bytes = one.path().join(OsStr::from_bytes(b"\xff\x1b[2J"));
    std::fs::write(bytes, "").expect("written");
    let refusal = manifest(&[one.path()], &[]);
    refused(&refusal, 2, "no UTF-8");
    assert!(
        !stderr(&refusal).contains("\u{1b}[2J"),
        "{}",
        stderr(&refusal)
    );
}
