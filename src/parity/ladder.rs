//! The attribution ladder: from the target to the answer, the first rung that fails is the cause.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::parity::stamp::Lie;
use crate::parity::{
    ContractField, FieldParity, FieldStatus, Ids, RowDiff, VectorClass, VectorDiff,
};

/// One rung, from what a target is to what it answers.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    /// Each side is one concrete index, and stayed it.
    Target,
    /// The settings of the contract agree, and neither side claims what is not so.
    Contract,
    /// The same ids, each as often.
    Ids,
    /// The same texts.
    Text,
    /// The same metadata.
    Metadata,
    /// The same vectors, within tolerance, and sound ones.
    StoredVectors,
    /// The same text becomes the same query vector.
    QueryEmbedding,
    /// Exact search over the stored vectors finds the same neighbours.
    ExactKnn,
    /// The approximate search finds what the exact one does.
    Ann,
    /// Fusion and reranking leave the same ranking.
    Fusion,
    /// The same answer.
    Answer,
}

impl Rung {
    /// Every rung, in order.
    pub const ALL: [Self; 11] = [
        Self::Target,
        Self::Contract,
        Self::Ids,
        Self::Text,
        Self::Metadata,
        Self::StoredVectors,
        Self::QueryEmbedding,
        Self::ExactKnn,
        Self::Ann,
        Self::Fusion,
        Self::Answer,
    ];

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Contract => "contract",
            Self::Ids => "ids",
            Self::Text => "text",
            Self::Metadata => "metadata",
            Self::StoredVectors => "stored vectors",
            Self::QueryEmbedding => "query embedding",
            Self::ExactKnn => "exact kNN",
            Self::Ann => "ANN",
            Self::Fusion => "fusion and rerank",
            Self::Answer => "answer",
        }
    }
}

/// Whether a rung holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RungStatus {
    /// Shown to be the same on both sides.
    Holds,
    /// Shown to differ.
    Fails,
    /// Not looked at, or not to the end. Never read as holding.
    Unknown,
}

/// What was found at a rung, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Whether it holds.
    pub status: RungStatus,
    /// By what that is known, or why it is not.
    pub proof: String,
}

impl Finding {
    /// It holds.
    pub fn holds(proof: impl Into<String>) -> Self {
        Self {
            status: RungStatus::Holds,
            proof: proof.into(),
        }
    }

    /// It fails.
    pub fn fails(proof: impl Into<String>) -> Self {
        Self {
            status: RungStatus::Fails,
            proof: proof.into(),
        }
    }

    /// It is not known.
    pub fn unknown(why: impl Into<String>) -> Self {
        Self {
            status: RungStatus::Unknown,
            proof: why.into(),
        }
    }
}

/// One rung and what was found there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RungFinding {
    /// Which rung.
    pub rung: Rung,
    /// What was found.
    #[serde(flatten)]
    pub finding: Finding,
}

/// The whole ladder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ladder {
    /// Every rung, in order.
    pub rungs: Vec<RungFinding>,
    /// The first rung that fails; none if no known rung does.
    pub cause: Option<Rung>,
}

/// What the ladder is climbed with. What is absent was not looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct LadderEvidence<'a> {
    /// Whether each side is one concrete index.
    pub target: Option<&'a Finding>,
    /// Contract against contract; none if no contract was read.
    pub fields: &'a [FieldParity],
    /// Where sides claim what is not so, each with its side.
    pub lies: &'a [(&'a str, &'a [Lie])],
    /// Behaviour of the analyzers, which are part of the contract.
    pub analyzer: Option<&'a Finding>,
    /// Behaviour of the metric, which is part of the contract.
    pub metric: Option<&'a Finding>,
    /// Rows against rows.
    pub rows: Option<&'a RowDiff>,
    /// Which parts of rows were compared.
    pub compared: ComparedParts,
    /// Vectors that no index should hold, in words, each with its side.
    pub faults: &'a [(&'a str, Vec<String>)],
    /// Canaries through both embedders.
    pub query_embedding: Option<&'a Finding>,
    /// Exact neighbours on both sides.
    pub exact_knn: Option<&'a Finding>,
    /// What each side returns against its exact neighbours.
    pub ann: Option<&'a Finding>,
    /// The final rankings.
    pub fusion: Option<&'a Finding>,
    /// The answers.
    pub answer: Option<&'a Finding>,
}

/// Which parts of rows both sides have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ComparedParts {
    /// Texts.
    pub texts: bool,
    /// Metadata.
    pub metadata: bool,
    /// Vectors.
    pub vectors: bool,
    /// What perturbed vectors are read as.
    pub perturbed: Perturbed,
}

/// What vectors are read as that differ by `1e-6 < 1 − cos ≤ 1e-3`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Perturbed {
    /// As other vectors.
    #[default]
    Fail,
    /// As the same vectors, such as after a quantisation that is meant.
    Hold,
}

impl Default for ComparedParts {
    fn default() -> Self {
        Self {
            texts: true,
            metadata: true,
            vectors: true,
            perturbed: Perturbed::Fail,
        }
    }
}

/// Climbs the ladder. Every rung is said, also those above the cause: what differs there may be its
/// consequence.
pub fn ladder(evidence: &LadderEvidence) -> Ladder {
    let behaviour = |finding: Option<&Finding>, unlooked: &str| {
        finding
            .cloned()
            .unwrap_or_else(|| Finding::unknown(unlooked))
    };
    let rungs = Rung::ALL.map(|rung| RungFinding {
        rung,
        finding: match rung {
            Rung::Target => behaviour(evidence.target, "no live target was looked at"),
            Rung::Contract => contract(evidence),
            Rung::Ids => declared(ids(evidence), evidence, ContractField::IndexHash),
            Rung::Text => declared(text(evidence), evidence, ContractField::IndexHash),
            Rung::Metadata => declared(metadata(evidence), evidence, ContractField::IndexHash),
            Rung::StoredVectors => stored_vectors(evidence),
            Rung::QueryEmbedding => {
                behaviour(evidence.query_embedding, "no canaries were embedded")
            }
            Rung::ExactKnn => behaviour(evidence.exact_knn, "no exact search was run"),
            Rung::Ann => behaviour(
                evidence.ann,
                "what the sides return was not set beside an exact search",
            ),
            Rung::Fusion => behaviour(evidence.fusion, "no rankings were compared"),
            Rung::Answer => behaviour(evidence.answer, "no answers were compared"),
        },
    });
    let fails = |found: &&RungFinding| found.finding.status == RungStatus::Fails;
    let cause = rungs.iter().find(fails).map(|found| found.rung);
    Ladder {
        rungs: rungs.into(),
        cause,
    }
}

impl Ladder {
    /// What was found at the cause.
    pub fn cause(&self) -> Option<&RungFinding> {
        let cause = self.cause?;
        self.rungs.iter().find(|found| found.rung == cause)
    }

    /// What was found at a rung.
    ///
    /// # Panics
    /// If the ladder was read from a file that lacks it.
    pub fn at(&self, rung: Rung) -> &Finding {
        let mut rungs = self.rungs.iter();
        &rungs
            .find(|found| found.rung == rung)
            .expect("every rung")
            .finding
    }

    /// The rungs below the cause, or all, that are not known to hold.
    pub fn unknown(&self) -> Vec<Rung> {
        let below = |found: &&RungFinding| self.cause.is_none_or(|cause| found.rung < cause);
        let unknown = |found: &&RungFinding| found.finding.status == RungStatus::Unknown;
        let rungs = self.rungs.iter().filter(below).filter(unknown);
        rungs.map(|found| found.rung).collect()
    }

    /// The cause in a sentence, with what is not known below it.
    pub fn sentence(&self) -> String {
        let unknown: Vec<&str> = self.unknown().into_iter().map(Rung::name).collect();
        let unknown = unknown.join(", ");
        match self.cause() {
            Some(found) if unknown.is_empty() => {
                format!(
                    "first failing rung: {}: {}",
                    found.rung.name(),
                    found.finding.proof
                )
            }
            Some(found) => format!(
                "first failing rung that is known: {}: {} (not checked before it: {unknown})",
                found.rung.name(),
                found.finding.proof
            ),
            None if unknown.is_empty() => "every rung holds".to_owned(),
            None => format!("no rung that was checked fails (not checked: {unknown})"),
        }
    }
}

/// What fails holds, if its contract field was declared to differ beforehand.
fn declared(finding: Finding, evidence: &LadderEvidence, field: ContractField) -> Finding {
    let versioned = evidence
        .fields
        .iter()
        .any(|parity| parity.field == field && parity.status == FieldStatus::Versioned);
    if versioned && finding.status == RungStatus::Fails {
        Finding::holds(format!("differs as declared ({field}): {}", finding.proof))
    } else {
        finding
    }
}

/// Fields that rows say better than the contract, where rows were compared.
const OF_ROWS: [ContractField; 3] = [
    ContractField::IndexHash,
    ContractField::VectorHash,
    ContractField::Count,
];

fn contract(evidence: &LadderEvidence) -> Finding {
    let mut problems: Vec<String> = Vec::new();
    for (side, lies) in evidence.lies {
        problems.extend(lies.iter().map(|lie| {
            let Lie {
                field,
                claimed,
                computed,
            } = lie;
            format!("{side} claims {field} {claimed}, and {computed} was computed")
        }));
    }
    let with = |status: FieldStatus| {
        let own = move |field: &&FieldParity| {
            let of_rows = OF_ROWS.contains(&field.field) && evidence.rows.is_some();
            field.status == status && !of_rows
        };
        evidence.fields.iter().filter(own)
    };
    // The bits of vectors are no sign of anything but a copy.
    let differing =
        with(FieldStatus::Differs).filter(|field| field.field != ContractField::VectorHash);
    problems.extend(differing.map(|field| {
        let said = |value: &Option<String>| value.clone().unwrap_or_default();
        let (found, intended) = (said(&field.found), said(&field.intended));
        format!("{} is {found} where {intended} was intended", field.field)
    }));
    let behaviours = [evidence.analyzer, evidence.metric];
    let behaviours = || behaviours.into_iter().flatten();
    let failing = behaviours().filter(|found| found.status == RungStatus::Fails);
    problems.extend(failing.map(|found| found.proof.clone()));
    if !problems.is_empty() {
        return Finding::fails(problems.join("; "));
    }
    let holding = behaviours().filter(|found| found.status == RungStatus::Holds);
    let mut proofs: Vec<String> = holding.map(|found| found.proof.clone()).collect();
    let names = |status| -> Vec<&str> { with(status).map(|field| field.field.name()).collect() };
    let one_sided = names(FieldStatus::NotStated);
    let equal = names(FieldStatus::Equal);
    if !one_sided.is_empty() {
        return Finding::unknown(format!("stated by one side only: {}", one_sided.join(", ")));
    }
    if !equal.is_empty() {
        proofs.insert(0, format!("{} agree", equal.join(", ")));
    }
    let versioned = names(FieldStatus::Versioned);
    if !versioned.is_empty() {
        proofs.push(format!("as declared: {}", versioned.join(", ")));
    }
    if proofs.is_empty() {
        return Finding::unknown("neither side states a setting");
    }
    Finding::holds(proofs.join("; "))
}

/// Whether rows could be compared at all; if not, what the contract says of them.
fn rows<'a>(evidence: &LadderEvidence<'a>) -> Result<&'a RowDiff, Finding> {
    let Some(rows) = evidence.rows else {
        let mut fields = evidence.fields.iter();
        let hash = fields.find(|field| field.field == ContractField::IndexHash);
        return Err(match hash.map(|field| field.status) {
            Some(FieldStatus::Equal) => Finding::holds("INDEX_HASH agrees"),
            _ => Finding::unknown("rows were not listed on both sides"),
        });
    };
    if rows.n_control == 0 && rows.n_target == 0 {
        return Err(Finding::unknown("neither side has a row"));
    }
    Ok(rows)
}

/// Ids, or metadata keys, in a sentence.
const NAMED: usize = 5;

/// `3 missing (a, b, c)`.
fn listed(ids: &Ids, what: &str) -> Option<String> {
    let more = if ids.n > NAMED { ", …" } else { "" };
    let named: Vec<&str> = ids.first.iter().take(NAMED).map(String::as_str).collect();
    (ids.n > 0).then(|| format!("{} {what} ({}{more})", ids.n, named.join(", ")))
}

fn ids(evidence: &LadderEvidence) -> Finding {
    let rows = match rows(evidence) {
        Ok(rows) => rows,
        Err(finding) => return finding,
    };
    let lists = [
        listed(&rows.missing, "missing"),
        listed(&rows.extra, "extra"),
        listed(&rows.duplicated, "duplicated"),
    ];
    let lists: Vec<String> = lists.into_iter().flatten().collect();
    if lists.is_empty() {
        Finding::holds(format!("the ids of {} rows", rows.n_control))
    } else {
        Finding::fails(format!("ids {}", lists.join(", ")))
    }
}

fn text(evidence: &LadderEvidence) -> Finding {
    let rows = match rows(evidence) {
        Ok(rows) => rows,
        Err(finding) => return finding,
    };
    if !evidence.compared.texts {
        return Finding::unknown("not both sides have texts");
    }
    let lists = [
        listed(&rows.text_changed, "changed"),
        listed(
            &rows.normalisation_only,
            "changed in normal form only (NFC)",
        ),
    ];
    let lists: Vec<String> = lists.into_iter().flatten().collect();
    if lists.is_empty() {
        Finding::holds("the texts of all ids that both have")
    } else {
        Finding::fails(format!("texts {}", lists.join(", ")))
    }
}

fn metadata(evidence: &LadderEvidence) -> Finding {
    let rows = match rows(evidence) {
        Ok(rows) => rows,
        Err(finding) => return finding,
    };
    if !evidence.compared.metadata {
        return Finding::unknown("only one side has metadata");
    }
    match listed(&rows.metadata_changed, "changed") {
        None => Finding::holds("the metadata of all ids that both have"),
        Some(list) => {
            let more = if rows.metadata_keys.len() > NAMED {
                ", …"
            } else {
                ""
            };
            let keys = rows.metadata_keys.iter().take(NAMED);
            let keys: Vec<String> = keys.map(|(key, n)| format!("{key} in {n}")).collect();
            Finding::fails(format!("metadata {list}; keys: {}{more}", keys.join(", ")))
        }
    }
}

fn stored_vectors(evidence: &LadderEvidence) -> Finding {
    let faults = evidence
        .faults
        .iter()
        .filter(|(_, faults)| !faults.is_empty());
    let faults: Vec<String> = faults
        .map(|(side, faults)| format!("{side} has {}", faults.join(", ")))
        .collect();
    let compared = declared(
        compared_vectors(evidence),
        evidence,
        ContractField::VectorHash,
    );
    if faults.is_empty() {
        return compared;
    }
    let mut proof = faults.join("; ");
    if compared.status == RungStatus::Fails {
        proof = format!("{}; {proof}", compared.proof);
    }
    Finding::fails(proof)
}

fn compared_vectors(evidence: &LadderEvidence) -> Finding {
    let vectors = evidence.rows.and_then(|rows| rows.vectors.as_ref());
    let Some(vectors) = vectors.filter(|_| evidence.compared.vectors) else {
        let mut fields = evidence.fields.iter();
        let hash = fields.find(|field| field.field == ContractField::VectorHash);
        return match hash.map(|field| field.status) {
            Some(FieldStatus::Equal) => Finding::holds("VECTOR_HASH agrees"),
            _ => Finding::unknown("vectors were not listed on both sides"),
        };
    };
    let measured = measured(vectors);
    let allowed = match evidence.compared.perturbed {
        Perturbed::Fail => VectorClass::Equivalent,
        Perturbed::Hold => VectorClass::Perturbed,
    };
    let lists = [
        listed(&vectors.different, "different"),
        listed(&vectors.perturbed, "perturbed").filter(|_| allowed < VectorClass::Perturbed),
        listed(&vectors.rescaled, "of another length").filter(|_| !by_angle(evidence.fields)),
    ];
    let lists: Vec<String> = lists.into_iter().flatten().collect();
    if !lists.is_empty() {
        return Finding::fails(format!("vectors {}{measured}", lists.join(", ")));
    }
    let class = match vectors.worst() {
        VectorClass::Identical => "the same to the bit",
        VectorClass::Equivalent => "equivalent",
        _ => "perturbed, which is allowed",
    };
    Finding::holds(format!("vectors are {class}{measured}"))
}

/// `; largest 1 − cos 3.2e-8, largest difference of a coordinate 1.2e-4`.
fn measured(vectors: &VectorDiff) -> String {
    let distance = vectors.max_distance.filter(|distance| *distance > 0.0);
    let distance = distance.map(|distance| format!("; largest 1 − cos {distance:.1e}"));
    let delta = vectors.max_delta.filter(|delta| *delta > 0.0);
    let delta = delta.map(|delta| format!("; largest difference of a coordinate {delta:.1e}"));
    let estimated = (vectors.n_estimated > 0)
        .then(|| format!("; {} estimated from projections", vectors.n_estimated));
    [distance, delta, estimated].into_iter().flatten().collect()
}

/// Whether both sides rank by angle, to which lengths mean nothing.
fn by_angle(fields: &[FieldParity]) -> bool {
    fields.iter().any(|field| {
        let equal = field.field == ContractField::Metric && field.status == FieldStatus::Equal;
        equal && field.found.as_deref() == Some("cosine")
    })
}
