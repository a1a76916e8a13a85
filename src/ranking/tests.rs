//! Measures beside `trec_eval`'s own values, beside their definitions written out, and by hand.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

/// Made by `tests/data/rank_reference.py` with `trec_eval` 9.0.8.
#[derive(Deserialize)]
struct Reference {
    qrels: BTreeMap<String, BTreeMap<String, i32>>,
    run: BTreeMap<String, BTreeMap<String, f64>>,
    values: BTreeMap<u32, BTreeMap<String, BTreeMap<String, f64>>>,
}

fn level(grade: u32) -> RelevanceLevel {
    RelevanceLevel::from(std::num::NonZeroU32::new(grade).expect("not 0"))
}

/// The value of one measure by its name.
#[track_caller]
fn value(name: &str, list: &JudgedList) -> f64 {
    let measure: Measure = name.parse().expect("a measure");
    measure.of(list)
}

/// A list of grades in rank order, all of them being all that was judged.
fn graded(grades: &[i32]) -> JudgedList {
    let seen = grades.iter().map(|grade| Judged::of(Some(*grade)));
    JudgedList::new(seen.collect(), grades.iter().copied(), level(1))
}

#[track_caller]
fn check(name: &str, list: &JudgedList, expected: f64) {
    let found = value(name, list);
    assert!(
        (found - expected).abs() < 1e-12,
        "{name}: {found} for {expected}"
    );
}

#[test]
fn every_value_is_that_of_trec_eval() {
    let text = include_str!("../../tests/data/rank_reference.json");
    let reference: Reference = serde_json::from_str(text).expect("made by the script");
    let mut n_values = 0;
    for (grade, queries) in &reference.values {
        for (query, values) in queries {
            let judged = &reference.qrels[query];
            let mut run: Vec<(&String, &f64)> = reference.run[query].iter().collect();
            run.sort_by(|a, b| b.1.total_cmp(a.1).then(b.0.cmp(a.0)));
            let seen = run
                .iter()
                .map(|(document, _)| Judged::of(judged.get(*document).copied()));
            let list = JudgedList::new(seen.collect(), judged.values().copied(), level(*grade));
            for (name, expected) in values {
                let found = value(name, &list);
                assert!(
                    (found - expected).abs() < 1e-12,
                    "level {grade}, {query}, {name}: {found} for {expected}"
                );
                n_values += 1;
            }
        }
    }
    assert_eq!(n_values, 2 * 12 * 40);
}

#[test]
fn what_others_measure_is_right_by_hand() {
    let list = graded(&[0, 2, 1, 0]);
    check("MRR@10", &list, 0.5);
    check("MRR@1", &list, 0.0);
    check("hit_rate@2", &list, 1.0);
    check("R_cap@2", &list, 0.5);
    check("judged@3", &list, 1.0);
    // A grade of 2 satisfies 3 of 16 readers, one of 1 satisfies 1 of 16.
    check("ERR@10", &list, 3.0 / 16.0 / 2.0 + 13.0 / 16.0 / 16.0 / 3.0);
    let (third, fourth) = (3.0_f64.log2(), 2.0);
    check(
        "nDCG_exp@10",
        &list,
        (3.0 / third + 1.0 / fourth) / (3.0 + 1.0 / third),
    );
    check(
        "nDCG@10",
        &list,
        (2.0 / third + 1.0 / fourth) / (2.0 + 1.0 / third),
    );
    // Gains of 2/2 and 1/2, by the query's highest grade.
    check("rbp.p=0.5", &list, 0.5 * (0.5 + 0.5 * 0.25));
    // Two relevant ones at ranks 2 and 3: half of them at 1/2, all at 2/3.
    check("IPrec@0.5", &list, 2.0 / 3.0);
    check("IPrec@0.0", &list, 2.0 / 3.0);
}

#[test]
fn documents_that_nobody_judged_are_seen_as_such() {
    let seen = vec![Judged::Unpooled, Judged::Grade(1), Judged::Unjudged];
    let list = JudgedList::new(seen, [1, 0, -1], level(1));
    check("judged@10", &list, 1.0 / 3.0);
    check("unj_5", &list, 2.0 / 5.0);
    check("bpref", &list, 1.0);
    check("rbp_resid", &list, 0.9_f64.powi(3) + 0.1 * (1.0 + 0.81));
    check("rbp_resid", &graded(&[1, 0]), 0.0);
}

#[test]
fn a_query_without_anything_relevant_is_zero_and_never_undefined() {
    for list in [
        graded(&[0, 0]),
        graded(&[]),
        JudgedList::new(vec![], [2], level(1)),
    ] {
        for measure in measures("all").expect("a list") {
            let found = measure.of(&list);
            assert!(found.is_finite(), "{measure} is {found}");
            if measure.family().over() == Over::Mean && measure.family() != Family::Utility {
                let share = matches!(measure.family(), Family::Judged);
                assert!(
                    found == 0.0 && found.is_sign_positive() || share,
                    "{measure}: {found}"
                );
            }
        }
    }
}

#[test]
fn names_of_the_field_mean_one_measure() {
    let printed = |text: &str| -> Vec<String> {
        let found = measures(text).expect("measures");
        found.iter().map(ToString::to_string).collect()
    };
    assert_eq!(printed("nDCG@10"), ["ndcg_cut_10"]);
    assert_eq!(
        printed("ndcg_cut.20,10,23.4"),
        ["ndcg_cut_10", "ndcg_cut_20", "ndcg_cut_23"]
    );
    assert_eq!(printed("AP"), ["map"]);
    assert_eq!(printed("AP@100"), ["map_cut_100"]);
    assert_eq!(printed("RR@10"), ["mrr_10"]);
    assert_eq!(printed("R@50"), ["recall_50"]);
    assert_eq!(printed("recall@50"), ["recall_50"]);
    assert_eq!(
        printed("iprec_at_recall..10,.25"),
        ["iprec_at_recall_0.10", "iprec_at_recall_0.25"]
    );
    assert_eq!(printed("11pt_avg..25,.5"), ["11pt_avg_.25,.5"]);
    assert_eq!(printed("rbp.p=0.8"), ["rbp_0.8"]);
    assert_eq!(printed("set_F"), ["set_F"]);
    assert_eq!(printed("ndcg_exp"), ["ndcg_exp"]);
}

#[test]
fn every_printed_name_is_read_again() {
    for measure in measures("all").expect("a list") {
        let again: Measure = measure.to_string().parse().expect("its own name");
        assert_eq!(again.to_string(), measure.to_string());
        assert_eq!(again.family(), measure.family());
    }
}

#[test]
fn a_name_that_is_none_says_which_is_near() {
    let near = |text: &str| measures(text).expect_err("no measure").nearest;
    assert_eq!(near("ndgc_cut_10").as_deref(), Some("ndcg_cut_5"));
    assert_eq!(near("mpa").as_deref(), Some("map"));
    assert_eq!(near("P_0").as_deref(), Some("P_5"));
    assert_eq!(near("whatever"), None);
    assert!(
        measures("utility.1,2").is_err(),
        "four numbers belong there"
    );
    assert!("P".parse::<Measure>().is_err(), "several are not one");
}

#[test]
fn a_geometric_mean_does_not_fall_to_nothing() {
    let gm: Measure = "gm_map".parse().expect("a measure");
    let values: Vec<f64> = [graded(&[1]), graded(&[0])]
        .iter()
        .map(|list| gm.of(list))
        .collect();
    let over = gm.over(&values).expect("two queries");
    assert!((over - (1.0_f64 * 1e-5).sqrt()).abs() < 1e-15);
    assert_eq!(gm.over(&[]), None);
}

/// Grades of a list in rank order, and of judged documents that were not retrieved.
fn lists() -> impl Strategy<Value = (Vec<Option<i32>>, Vec<i32>)> {
    let seen = prop::collection::vec(prop::option::of(-1..4), 0..30);
    (seen, prop::collection::vec(-1..4, 0..10))
}

fn list(seen: &[Option<i32>], missed: &[i32], grade: u32) -> JudgedList {
    let given = seen.iter().flatten().chain(missed).copied();
    JudgedList::new(
        seen.iter().map(|grade| Judged::of(*grade)).collect(),
        given,
        level(grade),
    )
}

proptest! {
    #[test]
    fn binary_measures_follow_their_definitions(
        (seen, missed) in lists(), grade in 1_u32..3, k in 1_usize..35,
    ) {
        let list = list(&seen, &missed, grade);
        let least = i32::try_from(grade).expect("small");
        let relevant = |one: &Option<i32>| one.is_some_and(|one| one >= least);
        let hits = |depth: usize| seen.iter().take(depth).filter(|one| relevant(one)).count() as f64;
        let all = hits(seen.len()) + missed.iter().filter(|one| **one >= least).count() as f64;
        let of = |n: f64, of: f64| if of > 0.0 { n / of } else { 0.0 };
        let precisions: f64 = (1..=seen.len())
            .filter(|rank| relevant(&seen[rank - 1]))
            .map(|rank| hits(rank) / rank as f64)
            .sum();
        let same = |name: &str, expected: f64| (value(name, &list) - expected).abs() < 1e-12;
        prop_assert!(same("map", of(precisions, all)));
        let [precision, recall, mrr] = ["P", "recall", "mrr"].map(|name| format!("{name}_{k}"));
        prop_assert!(same(&precision, hits(k) / k as f64));
        prop_assert!(same(&recall, of(hits(k), all)));
        prop_assert!(same("Rprec", of(hits(all as usize), all)));
        let wanted = (0.3 * all).round();
        let best = (1..=seen.len())
            .filter(|rank| hits(*rank) >= wanted)
            .map(|rank| hits(rank) / rank as f64)
            .fold(0.0, f64::max);
        prop_assert!(same("iprec_at_recall_0.30", best));
        let first = (1..=seen.len()).find(|rank| relevant(&seen[rank - 1]));
        let first = first.filter(|rank| *rank <= k);
        prop_assert!(same(&mrr, first.map_or(0.0, |rank| 1.0 / rank as f64)));
    }

    #[test]
    fn the_best_order_of_all_judged_documents_has_an_ndcg_of_one(
        (seen, missed) in lists(), k in 1_usize..35,
    ) {
        let mut best: Vec<i32> = seen.iter().flatten().chain(&missed).copied().collect();
        best.sort_unstable_by(|a, b| b.cmp(a));
        let ideal = graded(&best);
        let worth = f64::from(u8::from(best.first().is_some_and(|grade| *grade > 0)));
        for name in [format!("ndcg_cut_{k}"), format!("ndcg_exp_{k}"), "ndcg".to_owned(), "ndcg_rel".to_owned()] {
            prop_assert!((value(&name, &ideal) - worth).abs() < 1e-12, "{}", name);
            let found = value(&name, &list(&seen, &missed, 1));
            prop_assert!((0.0..=1.0 + 1e-12).contains(&found), "{}: {}", name, found);
        }
    }
}
