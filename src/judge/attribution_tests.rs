//! Ladders of tables made for one rung.

use serde_json::Map;

use super::tests::{HEALTHY, Shape, check, contract, evidence};
use super::*;
use crate::ids::{QuestionId, TargetName};
use crate::measure::{
    AnswerComparison, Lambda, QuestionAnswers, Rung as Likeness, SemanticRung, SideAnswers,
};
use crate::parity::stamp::{Digester, GivenRow, Lie, SEED};
use crate::parity::{Contract, ContractField, Inventory, Ladder, Rung, RungStatus, compare, diff};

use RungStatus::{Fails, Holds, Unknown};

/// The ladder of the candidate.
#[track_caller]
fn climbed(evidence: &Evidence) -> Ladder {
    let mut ladders = ladders(evidence, &Settings::default());
    assert_eq!(ladders.len(), 1, "one side is on trial");
    let side = ladders.remove(0);
    assert_eq!(side.target.as_str(), "candidate");
    assert_eq!(side.control.as_str(), "control");
    side.ladder
}

#[track_caller]
fn gives(evidence: &Evidence, rung: Rung, status: RungStatus, words: &[&str]) {
    let ladder = climbed(evidence);
    let found = ladder.at(rung);
    assert_eq!(found.status, status, "{}", found.proof);
    for word in words {
        assert!(found.proof.contains(word), "{word} in {}", found.proof);
    }
}

/// `n` questions, of which `moved` have another shape on the candidate.
fn moved(n: usize, moved: usize, shape: Shape) -> Evidence {
    evidence(n, move |i| if i < moved { shape } else { HEALTHY })
}

fn rows(texts: &[&str]) -> Inventory {
    let row = |(index, text): (usize, &&str)| {
        let given = GivenRow {
            id: &format!("d/s#{index}"),
            section: Some("d/s"),
            text,
            metadata: &Map::new(),
            vector: None,
        };
        Digester::new(SEED).row(&given).expect("canonical")
    };
    Inventory {
        rows: texts.iter().enumerate().map(row).collect(),
    }
}

/// Like candidates of which these questions are answered otherwise.
fn answered(n: usize, otherwise: &[usize]) -> Evidence {
    let mut evidence = evidence(n, |_| HEALTHY);
    let one = |index: usize| QuestionAnswers {
        question: QuestionId::new(format!("q{index:03}")),
        comparison: AnswerComparison {
            rung: if otherwise.contains(&index) {
                Likeness::Different
            } else {
                Likeness::WithinNoise
            },
            semantic: SemanticRung::NotNeeded,
            distance: None,
            unanswered: None,
        },
    };
    evidence.answers.push(SideAnswers {
        target: TargetName::new("candidate"),
        control: TargetName::new("control"),
        noise: [None; 2],
        own: [None; 2],
        questions: (0..n).map(one).collect(),
    });
    evidence
}

#[test]
fn what_was_not_looked_at_is_not_known_and_no_cause() {
    let ladder = climbed(&evidence(60, |_| HEALTHY));
    assert_eq!(ladder.cause, None);
    let holding = [Rung::Target, Rung::Contract, Rung::Fusion];
    for found in &ladder.rungs {
        // Both sides state the same INDEX_HASH, which stands for ids, texts and metadata.
        let of_rows = [Rung::Ids, Rung::Text, Rung::Metadata].contains(&found.rung);
        let expected = if of_rows || holding.contains(&found.rung) {
            Holds
        } else {
            Unknown
        };
        assert_eq!(found.finding.status, expected, "{:?}", found.rung);
    }
    assert!(
        ladder
            .sentence()
            .starts_with("no rung that was checked fails (not checked: ")
    );
}

#[test]
fn a_side_that_moved_while_it_was_probed_is_the_first_rung() {
    let mut moved = evidence(60, |_| HEALTHY);
    moved.sides[1].contract_at_end = Ok(contract().with(ContractField::IndexHash, "other"));
    let words = ["the contract of candidate moved"];
    gives(&moved, Rung::Target, Fails, &words);
    assert_eq!(climbed(&moved).cause, Some(Rung::Target));
    moved.sides[0].contract_at_end = Ok(Contract::default());
    let words = ["the contract of control and candidate moved"];
    gives(&moved, Rung::Target, Fails, &words);
}

#[test]
fn a_contract_that_could_not_be_read_did_not_move_for_all_that_is_known() {
    for at_end in [false, true] {
        let mut unread = evidence(60, |_| HEALTHY);
        let side = &mut unread.sides[1];
        let reading = if at_end {
            &mut side.contract_at_end
        } else {
            &mut side.contract_at_start
        };
        *reading = Err("refused at connect".to_owned());
        let words = ["candidate could not be read", "refused at connect"];
        gives(&unread, Rung::Target, Unknown, &words);
        assert_eq!(climbed(&unread).cause, None);
    }
}

#[test]
fn a_setting_that_differs_is_the_contract_rung_with_both_values() {
    let mut skewed = evidence(60, |_| HEALTHY);
    let other = contract().with(ContractField::Metric, "dot");
    skewed.parity[0].fields = compare(&contract(), &other, &Contract::default());
    let words = ["METRIC is dot where cosine was intended"];
    gives(&skewed, Rung::Contract, Fails, &words);
    assert_eq!(climbed(&skewed).cause, Some(Rung::Contract));
    let intended = Contract::default().with(ContractField::Metric, "dot");
    skewed.parity[0].fields = compare(&contract(), &other, &intended);
    gives(&skewed, Rung::Contract, Holds, &["as declared: METRIC"]);
}

#[test]
fn a_claim_of_either_side_that_is_not_so_is_the_contract_rung() {
    for (index, name) in ["control", "candidate"].into_iter().enumerate() {
        let mut lying = evidence(60, |_| HEALTHY);
        lying.sides[index].stamp_lies.push(Lie {
            field: ContractField::Count,
            claimed: "7".to_owned(),
            computed: "8".to_owned(),
        });
        let words = [&format!("{name} claims COUNT 7, and 8 was computed")[..]];
        gives(&lying, Rung::Contract, Fails, &words);
    }
}

#[test]
fn rows_outweigh_the_hash_of_the_contract() {
    let mut stale = evidence(60, |_| HEALTHY);
    let other = contract().with(ContractField::IndexHash, "other");
    let parity = &mut stale.parity[0];
    parity.fields = compare(&contract(), &other, &Contract::default());
    gives(&stale, Rung::Contract, Fails, &["INDEX_HASH is other"]);
    let (ours, theirs) = (rows(&["one", "two", "three"]), rows(&["one", "2"]));
    stale.parity[0].rows = Some(diff(&ours, &theirs));
    gives(&stale, Rung::Contract, Holds, &["METRIC, ANALYZER agree"]);
    gives(&stale, Rung::Ids, Fails, &["1 missing (d/s#2)"]);
    gives(&stale, Rung::Text, Fails, &["1 changed (d/s#1)"]);
    gives(&stale, Rung::Metadata, Holds, &[]);
    gives(&stale, Rung::StoredVectors, Unknown, &[]);
    assert_eq!(climbed(&stale).cause, Some(Rung::Ids));
    stale.parity[0].rows = Some(diff(&ours, &ours));
    gives(&stale, Rung::Ids, Holds, &["3 rows"]);
}

#[test]
fn a_tenth_of_the_questions_may_move_and_no_more() {
    let shifted = Shape {
        delta_s: HEALTHY.delta_s + 0.11,
        ..HEALTHY
    };
    let lost = Shape {
        lambda: Lambda::Divergent,
        ..HEALTHY
    };
    for shape in [shifted, lost] {
        let words = ["10 of 100 questions moved", "within 10 %"];
        gives(&moved(100, 10, shape), Rung::Fusion, Holds, &words);
        let words = [
            "11 of 100 questions moved",
            "such as q000, q001, q002, q003, q004",
        ];
        gives(&moved(100, 11, shape), Rung::Fusion, Fails, &words);
    }
    let little = Shape {
        delta_s: HEALTHY.delta_s + 0.09,
        ..HEALTHY
    };
    let words = ["0 of 100 questions moved"];
    gives(&moved(100, 100, little), Rung::Fusion, Holds, &words);
    // Better is another ranking too.
    let better = Shape {
        delta_s: HEALTHY.delta_s - 0.11,
        ..HEALTHY
    };
    gives(&moved(100, 11, better), Rung::Fusion, Fails, &[]);
}

#[test]
fn one_question_answered_otherwise_is_the_last_rung() {
    let words = ["60 of 60 questions are answered equally"];
    gives(&answered(60, &[]), Rung::Answer, Holds, &words);
    let words = ["2 of 60 questions are answered otherwise, such as q007, q012"];
    gives(&answered(60, &[7, 12]), Rung::Answer, Fails, &words);
    assert_eq!(climbed(&answered(60, &[7])).cause, Some(Rung::Answer));
    gives(&answered(0, &[]), Rung::Answer, Unknown, &[]);
    let mut of_others = answered(60, &[7]);
    of_others.answers[0].target = TargetName::new("another");
    gives(&of_others, Rung::Answer, Unknown, &[]);
}

#[test]
fn only_a_cause_below_the_rankings_explains_a_red_sample_check() {
    let worse = Shape {
        delta_s: 0.55,
        ..HEALTHY
    };
    let mut red = evidence(100, |_| worse);
    assert_eq!(climbed(&red).cause, Some(Rung::Fusion));
    let remedy = |evidence: &Evidence, id| check(evidence, id, &Settings::default()).remedy;
    let own = remedy(&red, CheckId::CaDs).expect("red");
    assert!(!own.contains("rung"), "{own}");
    let (ours, theirs) = (rows(&["one", "two"]), rows(&["one"]));
    red.parity[0].rows = Some(diff(&ours, &theirs));
    let explained = remedy(&red, CheckId::CaDs).expect("red");
    assert!(
        explained.starts_with("the ids rung of the ladder fails") && explained.ends_with(&own),
        "{explained}"
    );
    assert_eq!(remedy(&red, CheckId::CaLam), None, "a green check");
}

#[test]
fn each_side_on_trial_has_a_ladder_and_the_control_none() {
    let mut two = evidence(60, |_| HEALTHY);
    let mut second = two.sides[1].clone();
    second.name = TargetName::new("second");
    two.sides.push(second);
    let sides: Vec<String> = ladders(&two, &Settings::default())
        .iter()
        .map(|side| format!("{} {}", side.target, side.control))
        .collect();
    assert_eq!(sides, ["candidate control", "second control"]);
}
