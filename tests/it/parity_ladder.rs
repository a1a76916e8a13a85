//! The attribution ladder on any evidence: the cause is the lowest rung that fails, and what was not looked
//! at never holds.

use proptest::prelude::*;
use ragstone::parity::stamp::Lie;
use ragstone::parity::{
    ComparedParts, ContractField, FieldParity, FieldStatus, Finding, Ids, LadderEvidence,
    Perturbed, RowDiff, Rung, RungStatus, VectorDiff, ladder,
};

/// All that a ladder may be climbed with, owned.
#[derive(Clone, Debug)]
struct Evidence {
    findings: [Option<Finding>; 8],
    fields: Vec<FieldParity>,
    lie: bool,
    rows: Option<RowDiff>,
    parts: (bool, bool, bool),
    hold: bool,
    fault: bool,
}

fn any_finding() -> impl Strategy<Value = Option<Finding>> {
    prop_oneof![
        Just(None),
        Just(Some(Finding::holds("p"))),
        Just(Some(Finding::fails("p"))),
        Just(Some(Finding::unknown("p"))),
    ]
}

fn any_ids() -> impl Strategy<Value = Ids> {
    prop_oneof![4 => Just(0_usize), 1 => 1..9_usize].prop_map(|n| Ids {
        n,
        first: (0..n).map(|i| i.to_string()).collect(),
    })
}

fn any_rows() -> impl Strategy<Value = RowDiff> {
    let vectors = prop::option::of(prop::collection::vec(any_ids(), 4));
    (0..3_usize, prop::collection::vec(any_ids(), 6), vectors).prop_map(|(n, lists, vectors)| {
        let [
            missing,
            extra,
            duplicated,
            text_changed,
            normalisation_only,
            metadata_changed,
        ] = lists.try_into().expect("six lists");
        let vectors = vectors.map(|lists| {
            let [equivalent, perturbed, different, rescaled] =
                lists.try_into().expect("four lists");
            VectorDiff {
                equivalent,
                perturbed,
                different,
                rescaled,
                ..VectorDiff::default()
            }
        });
        RowDiff {
            n_control: n,
            n_target: n,
            missing,
            extra,
            duplicated,
            text_changed,
            normalisation_only,
            metadata_changed,
            vectors,
            ..RowDiff::default()
        }
    })
}

fn any_fields() -> impl Strategy<Value = Vec<FieldParity>> {
    let statuses = vec![
        None,
        Some(FieldStatus::Equal),
        Some(FieldStatus::Differs),
        Some(FieldStatus::Versioned),
        Some(FieldStatus::NotStated),
        Some(FieldStatus::Informative),
    ];
    let fields = [
        ContractField::IndexHash,
        ContractField::VectorHash,
        ContractField::Metric,
        ContractField::Analyzer,
    ];
    prop::collection::vec(prop::sample::select(statuses), fields.len()).prop_map(move |statuses| {
        let field = |(field, status): (&ContractField, Option<FieldStatus>)| {
            Some(FieldParity {
                field: *field,
                intended: Some("cosine".to_owned()),
                found: Some("cosine".to_owned()),
                status: status?,
            })
        };
        fields.iter().zip(statuses).filter_map(field).collect()
    })
}

fn any_evidence() -> impl Strategy<Value = Evidence> {
    let findings = prop::collection::vec(any_finding(), 8);
    let parts = any::<(bool, bool, bool)>();
    let rows = prop::option::of(any_rows());
    let rare = || prop::bool::weighted(0.2);
    (
        findings,
        any_fields(),
        rare(),
        rows,
        parts,
        any::<bool>(),
        rare(),
    )
        .prop_map(
            |(findings, fields, lie, rows, parts, hold, fault)| Evidence {
                findings: findings.try_into().expect("eight findings"),
                fields,
                lie,
                rows,
                parts,
                hold,
                fault,
            },
        )
}

impl Evidence {
    fn climb(&self) -> ragstone::parity::Ladder {
        let lies = [Lie {
            field: ContractField::Count,
            claimed: "1".to_owned(),
            computed: "2".to_owned(),
        }];
        let faults = if self.fault {
            vec!["1 vectors with NaN".to_owned()]
        } else {
            vec![]
        };
        let [
            target,
            analyzer,
            metric,
            query_embedding,
            exact_knn,
            ann,
            fusion,
            answer,
        ] = self.findings.each_ref().map(Option::as_ref);
        let (texts, metadata, vectors) = self.parts;
        ladder(&LadderEvidence {
            target,
            fields: &self.fields,
            lies: &[("b", if self.lie { &lies } else { &[] })],
            analyzer,
            metric,
            rows: self.rows.as_ref(),
            compared: ComparedParts {
                texts,
                metadata,
                vectors,
                perturbed: if self.hold {
                    Perturbed::Hold
                } else {
                    Perturbed::Fail
                },
            },
            faults: &[("b", faults)],
            query_embedding,
            exact_knn,
            ann,
            fusion,
            answer,
        })
    }

    fn is(&self, field: ContractField, status: FieldStatus) -> bool {
        self.fields
            .iter()
            .any(|parity| parity.field == field && parity.status == status)
    }

    /// What a rung may say, from the evidence for it alone.
    fn expected(&self, rung: Rung) -> RungStatus {
        let said = |at: usize| {
            self.findings[at]
                .as_ref()
                .map_or(RungStatus::Unknown, |found| found.status)
        };
        let (texts, metadata, _) = self.parts;
        match rung {
            Rung::Target => said(0),
            Rung::Contract => self.contract(),
            Rung::Ids => self.content(true, |rows| {
                rows.missing.n + rows.extra.n + rows.duplicated.n
            }),
            Rung::Text => self.content(texts, |rows| {
                rows.text_changed.n + rows.normalisation_only.n
            }),
            Rung::Metadata => self.content(metadata, |rows| rows.metadata_changed.n),
            Rung::StoredVectors => self.vectors(),
            Rung::QueryEmbedding => said(3),
            Rung::ExactKnn => said(4),
            Rung::Ann => said(5),
            Rung::Fusion => said(6),
            Rung::Answer => said(7),
        }
    }

    fn contract(&self) -> RungStatus {
        let behaviours = self.findings[1..3].iter().flatten();
        let behaves = |status| behaviours.clone().any(|found| found.status == status);
        let own = |status| {
            [ContractField::Metric, ContractField::Analyzer]
                .into_iter()
                .chain(self.rows.is_none().then_some(ContractField::IndexHash))
                .any(|field| self.is(field, status))
        };
        let hash = |status| self.rows.is_none() && self.is(ContractField::VectorHash, status);
        let any = |status| own(status) || hash(status);
        if self.lie || behaves(RungStatus::Fails) || own(FieldStatus::Differs) {
            RungStatus::Fails
        } else if any(FieldStatus::NotStated) {
            RungStatus::Unknown
        } else if any(FieldStatus::Equal)
            || any(FieldStatus::Versioned)
            || behaves(RungStatus::Holds)
        {
            RungStatus::Holds
        } else {
            RungStatus::Unknown
        }
    }

    fn content(&self, compared: bool, wrong: fn(&RowDiff) -> usize) -> RungStatus {
        match &self.rows {
            None if self.is(ContractField::IndexHash, FieldStatus::Equal) => RungStatus::Holds,
            None => RungStatus::Unknown,
            Some(rows) if rows.n_control + rows.n_target == 0 || !compared => RungStatus::Unknown,
            Some(rows) if wrong(rows) == 0 => RungStatus::Holds,
            Some(_) if self.is(ContractField::IndexHash, FieldStatus::Versioned) => {
                RungStatus::Holds
            }
            Some(_) => RungStatus::Fails,
        }
    }

    fn vectors(&self) -> RungStatus {
        let compared = self.rows.as_ref().and_then(|rows| rows.vectors.as_ref());
        let by_angle = self.is(ContractField::Metric, FieldStatus::Equal);
        let wrong = |vectors: &VectorDiff| {
            vectors.different.n > 0
                || (vectors.perturbed.n > 0 && !self.hold)
                || (vectors.rescaled.n > 0 && !by_angle)
        };
        if self.fault {
            return RungStatus::Fails;
        }
        match compared.filter(|_| self.parts.2) {
            None if self.is(ContractField::VectorHash, FieldStatus::Equal) => RungStatus::Holds,
            None => RungStatus::Unknown,
            Some(vectors)
                if wrong(vectors)
                    && !self.is(ContractField::VectorHash, FieldStatus::Versioned) =>
            {
                RungStatus::Fails
            }
            Some(_) => RungStatus::Holds,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn the_cause_is_the_lowest_rung_that_fails(evidence in any_evidence()) {
        let found = evidence.climb();
        let rungs: Vec<Rung> = found.rungs.iter().map(|found| found.rung).collect();
        prop_assert_eq!(rungs.as_slice(), Rung::ALL.as_slice(), "every rung, in order");
        for rung in Rung::ALL {
            prop_assert_eq!(found.at(rung).status, evidence.expected(rung), "{:?}", rung);
        }
        let fails = |rung: &Rung| evidence.expected(*rung) == RungStatus::Fails;
        prop_assert_eq!(found.cause, Rung::ALL.into_iter().find(fails));
    }

    #[test]
    fn what_is_not_known_is_said_and_never_holds(evidence in any_evidence()) {
        let found = evidence.climb();
        let unknown = |rung: &Rung| found.at(*rung).status == RungStatus::Unknown;
        let before = |rung: &Rung| found.cause.is_none_or(|cause| *rung < cause);
        let expected: Vec<Rung> = Rung::ALL.into_iter().filter(unknown).filter(before).collect();
        prop_assert_eq!(found.unknown(), expected.clone());
        let sentence = found.sentence();
        for rung in &expected {
            prop_assert!(sentence.contains(rung.name()), "{} is not in: {}", rung.name(), sentence);
        }
        prop_assert_eq!(sentence == "every rung holds", expected.is_empty() && found.cause.is_none());
        let nothing = ladder(&LadderEvidence::default());
        prop_assert_eq!(nothing.cause, None);
        prop_assert_eq!(nothing.unknown().len(), Rung::ALL.len());
    }

    #[test]
    fn evidence_that_is_taken_away_never_makes_a_rung_hold(evidence in any_evidence(), at in 0_usize..8) {
        let mut less = evidence.clone();
        less.findings[at] = None;
        let (all, less) = (evidence.climb(), less.climb());
        for rung in Rung::ALL {
            let (all, less) = (all.at(rung).status, less.at(rung).status);
            // A contract of which one behaviour fails may be one whose stated fields agree.
            let contract = rung == Rung::Contract && all == RungStatus::Fails;
            prop_assert!(less != RungStatus::Holds || all == RungStatus::Holds || contract, "{:?}", rung);
        }
    }
}
