//! One index, and what becomes of it when exactly one thing is changed: the class of each row, the rung
//! that fails first, and the exit code, by the real program.

use serde_json::json;

use crate::mutations::{ALL, Bench, Expected, Index, noise, of_vectors, unit};

#[test]
fn what_is_no_change_is_none() {
    let bench = Bench::new();
    let same = Expected::default();
    bench.check("nothing", &[], |_| {}, &same);
    bench.check("order of rows", &[], |index| index.rows.reverse(), &same);
    bench.check(
        "one thread",
        &["--threads=1"],
        |index| index.rows.rotate_left(50),
        &same,
    );
    bench.check("spilled to a disk", &["--memory=1"], |_| {}, &same);
    bench.check(
        "metadata key order",
        &[],
        |index| {
            for row in &mut index.rows {
                row.metadata = row.metadata.clone().into_iter().rev().collect();
            }
        },
        &same,
    );
    let built = |index: &mut Index| index.state("BUILD_TS", "2026-01-02T03:04:05Z");
    let mut dated = bench.base.clone();
    built(&mut dated);
    let mut later = bench.base.clone();
    later.state("BUILD_TS", "2026-02-02T03:04:05Z");
    let (_, exit) = bench.compare("built at another time", &dated, &later, &[]);
    assert_eq!(exit, 0, "when it was built is shown and decides nothing");
}

#[test]
fn rows_that_come_and_go_fail_at_the_ids() {
    let bench = Bench::new();
    let check = |name: &str, change: fn(&mut Index), content: &'static [(&'static str, u64)]| {
        let expected = Expected {
            content,
            cause: Some("ids"),
            exit: 1,
            ..Expected::default()
        };
        bench.check(name, &[], change, &expected)
    };
    let report = check(
        "row removed",
        |index| drop(index.rows.remove(17)),
        &[("missing", 1)],
    );
    assert_eq!(report["rows"]["missing"]["first"], json!(["handbook/s5#2"]));
    check(
        "row added",
        |index| {
            let mut row = index.rows[3].clone();
            row.id = "handbook/new#0".to_owned();
            index.rows.push(row);
        },
        &[("extra", 1)],
    );
    check(
        "row duplicated",
        |index| index.rows.push(index.rows[5].clone()),
        &[("duplicated", 1)],
    );
    check(
        "older edition left behind",
        |index| {
            let mut row = index.rows[5].clone();
            row.text.push_str(" Or not.");
            index.rows.push(row);
        },
        &[("duplicated", 1)],
    );
    check(
        "ids re-chunked",
        |index| {
            for row in index
                .rows
                .iter_mut()
                .filter(|row| row.id.ends_with("#2"))
                .take(4)
            {
                row.id = row.id.replace("#2", "#3");
            }
        },
        &[("missing", 4), ("extra", 4)],
    );
}

#[test]
fn other_texts_and_metadata_fail_at_their_rung() {
    let bench = Bench::new();
    let check =
        |name: &str, change: fn(&mut Index), content: &'static [(&'static str, u64)], cause| {
            let expected = Expected {
                content,
                cause: Some(cause),
                exit: 1,
                ..Expected::default()
            };
            bench.check(name, &[], change, &expected)
        };
    let text = "text";
    check(
        "text case",
        |index| index.rows[9].text = index.rows[9].text.to_uppercase(),
        &[("text_changed", 1)],
        text,
    );
    check(
        "NFC to NFD",
        |index| index.rows[9].text = index.rows[9].text.replace('é', "e\u{301}"),
        &[("normalisation_only", 1)],
        text,
    );
    check(
        "trailing space",
        |index| index.rows[9].text.push(' '),
        &[("text_changed", 1)],
        text,
    );
    check(
        "text emptied",
        |index| index.rows[9].text.clear(),
        &[("text_changed", 1)],
        text,
    );
    check(
        "texts swapped between two rows",
        |index| {
            let text = std::mem::take(&mut index.rows[9].text);
            index.rows[9].text = std::mem::replace(&mut index.rows[10].text, text);
        },
        &[("text_changed", 2)],
        text,
    );
    let report = check(
        "metadata value",
        |index| drop(index.rows[9].metadata.insert("rev".to_owned(), json!("5"))),
        &[("metadata_changed", 1)],
        "metadata",
    );
    assert_eq!(report["rows"]["metadata_keys"], json!({ "rev": 1 }));
    check(
        "metadata key gone",
        |index| drop(index.rows[9].metadata.remove("page")),
        &[("metadata_changed", 1)],
        "metadata",
    );
    let report = check(
        "metadata float as %.6g",
        |index| {
            for row in index.rows.iter_mut().skip(1) {
                let short: f64 =
                    format!("{:.4}", row.metadata["weight"].as_f64().expect("a number"))
                        .parse()
                        .expect("a number");
                row.metadata.insert("weight".to_owned(), json!(short));
            }
        },
        &[("metadata_changed", ALL - 1)],
        "metadata",
    );
    assert_eq!(
        report["rows"]["metadata_keys"],
        json!({ "weight": ALL - 1 })
    );
}

#[test]
fn vectors_are_classed_by_how_far_they_moved() {
    let bench = Bench::new();
    let check = |name: &str, change: fn(&mut Index), vectors: &'static [(&'static str, u64)]| {
        let wrong = vectors
            .iter()
            .any(|(class, _)| ["perturbed", "different"].contains(class));
        let expected = Expected {
            vectors,
            cause: wrong.then_some("stored_vectors"),
            exit: i32::from(wrong),
            ..Expected::default()
        };
        bench.check(name, &[], change, &expected)
    };
    let six_digits = |index: &mut Index| {
        index.each_number(|x, _| format!("{x:.5e}").parse().expect("a number"));
    };
    let all_moved: &[(&str, u64)] = &[("equivalent", ALL)];
    let report = check("vectors as %.6g", six_digits, all_moved);
    assert!(
        report["rows"]["vectors"]["max_distance"]
            .as_f64()
            .expect("a distance")
            < 1e-10
    );
    check(
        "f16 round trip",
        |index| index.each_number(|x, _| half::f16::from_f32(x).to_f32()),
        all_moved,
    );
    check(
        "noise 1e-7",
        |index| index.each_number(|x, i| x + noise(i, 1e-7)),
        all_moved,
    );
    check(
        "noise 1e-5",
        |index| index.each_number(|x, i| x + noise(i, 1e-5)),
        all_moved,
    );
    check(
        "relative noise 1e-2",
        |index| index.each_number(|x, i| x * (1.0 + noise(i, 1e-2))),
        &[("perturbed", ALL)],
    );
    check(
        "noise 1e-2",
        |index| index.each_number(|x, i| x + noise(i, 1e-2)),
        &[("different", ALL)],
    );
    check(
        "eight bits",
        |index| index.each_number(|x, _| (x * 127.0).round() / 127.0),
        &[("perturbed", ALL)],
    );
    check(
        "another model in silence",
        |index| index.each_number(|x, i| x * noise(i, 1.0)),
        &[("different", ALL)],
    );
    check(
        "vectors swapped between two rows",
        |index| {
            let vector = index.rows[4].vector.take();
            index.rows[4].vector = std::mem::replace(&mut index.rows[40].vector, vector);
        },
        &[("different", 2)],
    );
    let report = check(
        "one coordinate NaN",
        |index| index.vector(8)[3] = f32::NAN,
        &[("different", 1)],
    );
    assert_eq!(report["b"]["faults"], json!(["1 vectors with NaN"]));
    check(
        "one coordinate infinite",
        |index| index.vector(8)[3] = f32::INFINITY,
        &[("different", 1)],
    );
    let report = check(
        "zero row",
        |index| index.vector(8).fill(0.0),
        &[("different", 1)],
    );
    assert_eq!(report["b"]["faults"], json!(["1 vectors of zeros"]));
    check(
        "vector lost",
        |index| index.rows[8].vector = None,
        &[("different", 1)],
    );
    check(
        "one vector longer",
        |index| index.vector(8).push(0.5),
        &[("different", 1)],
    );
    check(
        "one coordinate zero",
        |index| index.vector(8)[0] = 0.0,
        &[("different", 1)],
    );
}

#[test]
fn lengths_matter_where_the_metric_sees_them() {
    let bench = Bench::new();
    let stretched = |index: &mut Index| index.each_number(|x, _| x * 1.25);
    let vectors = &[("equivalent", ALL), ("rescaled", ALL)];
    let cosine = Expected {
        vectors,
        ..Expected::default()
    };
    bench.check("re-normalised under cosine", &[], stretched, &cosine);
    let mut a = bench.base.clone();
    a.state("METRIC", "dot");
    let mut b = a.clone();
    stretched(&mut b);
    let (report, exit) = bench.compare("re-normalised under dot", &a, &b, &[]);
    assert_eq!(
        (of_vectors(&report).as_slice(), exit),
        (vectors.as_slice(), 1)
    );
    assert_eq!(report["ladder"]["cause"], "stored_vectors");
}

#[test]
fn other_settings_fail_at_the_contract() {
    let bench = Bench::new();
    let field = |field: &'static str, value: &'static str| {
        let expected = Expected {
            cause: Some("contract"),
            exit: 1,
            ..Expected::default()
        };
        let report = bench.check(field, &[], |index| index.state(field, value), &expected);
        let sentence = report["sentence"].as_str().expect("a sentence");
        assert!(
            sentence.contains(&format!("{field} is {value} where")),
            "{sentence}"
        );
    };
    field("METRIC", "l2");
    field("ANALYZER", "whitespace, stop words en");
    field("SCHEMA_REV", "13");
    field("SECRETS_REV", "s4");
    field("RERANKER", "cross-encoder-2");
    field("CHUNKER", "sentences 4");
    let expected = |vectors| Expected {
        vectors,
        cause: Some("contract"),
        exit: 1,
        ..Expected::default()
    };
    let settings = |index: &mut Index| index.state("ANALYZER", "en_stem, no stop words");
    bench.check("stop words", &[], settings, &expected(&[]));
    bench.check(
        "dimension cut",
        &[],
        |index| {
            index
                .rows
                .iter_mut()
                .for_each(|row| row.vector.as_mut().expect("one").truncate(48));
        },
        &expected(&[("different", ALL)]),
    );
    bench.check(
        "model changed",
        &[],
        |index| {
            index.state("MODEL_TAG", "m-2");
            for (i, row) in index.rows.iter_mut().enumerate() {
                row.vector = Some(unit(8, i));
            }
        },
        &expected(&[("different", ALL)]),
    );
    let report = bench.check(
        "a claim that is not so",
        &[],
        |index| index.state("COUNT", "239"),
        &expected(&[]),
    );
    assert_eq!(
        report["b"]["stamp_lies"],
        json!([{ "field": "COUNT", "claimed": "239", "computed": "240" }])
    );
}

#[test]
fn what_is_declared_passes_and_what_is_not_known_does_not() {
    let bench = Bench::new();
    let pass = |vectors| Expected {
        vectors,
        ..Expected::default()
    };
    let reranked = |index: &mut Index| index.state("RERANKER", "cross-encoder-2");
    bench.check("declared", &["--versioned=RERANKER"], reranked, &pass(&[]));
    let quantised = |index: &mut Index| index.each_number(|x, _| (x * 127.0).round() / 127.0);
    bench.check(
        "allowed",
        &["--allow-perturbed"],
        quantised,
        &pass(&[("perturbed", ALL)]),
    );
    let open = || Expected {
        exit: 3,
        ..Expected::default()
    };
    bench.check(
        "stated by one side",
        &[],
        |index| index.state("READY", "yes"),
        &open(),
    );
    bench.check("required", &["--require=query_embedding"], |_| {}, &open());
    bench.check(
        "no vectors on one side",
        &[],
        |index| index.rows.iter_mut().for_each(|row| row.vector = None),
        &open(),
    );
    let mut none = bench.base.clone();
    none.rows.clear();
    let (report, exit) = bench.compare("no rows", &none, &none, &[]);
    assert_eq!(
        (report["verdict"].as_str(), exit),
        (Some("INCONCLUSIVE"), 3)
    );
}
