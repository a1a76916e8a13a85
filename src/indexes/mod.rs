//! Two indexes beside each other: whether they are the same, and if not, which rows, which channel and
//! which rung of the ladder.
//!
//! [`compare`] puts together what stamps say; it reads nothing but the rows that differ.

mod affected;
mod list;
mod verdict;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::compare::declared;
use crate::goldset::GoldSet;
use crate::ids::{Digest, TargetName};
use crate::judge::RunVerdict;
use crate::parity::stamp::{Channels, Covers, Health, Lie};
use crate::parity::{
    BehaviourParity, ComparedParts, Contract, ContractField, FieldParity, FieldStatus, Ladder,
    LadderEvidence, Perturbed, RowDiff, Rung, compare as compare_fields, ladder,
};
use crate::stamp::{Numbers, Saved, StampError, difference};

pub use affected::Affected;
pub use list::RowList;

use verdict::verdict;

/// One side: its name, and its stamp.
#[derive(Debug)]
pub struct Side {
    /// What it is called.
    pub name: TargetName,
    /// What it is.
    pub saved: Saved,
}

/// What a comparison is told beforehand.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// Fields that differ on purpose.
    pub versioned: BTreeSet<ContractField>,
    /// What the policy declares for each side, where it is a live target of one.
    pub intended: [Contract; 2],
    /// What perturbed vectors are read as.
    pub perturbed: Perturbed,
    /// Rungs that must be known to hold.
    pub required: BTreeSet<Rung>,
}

impl Expected {
    /// Contract against contract. What differs as declared is versioned, also where one side is silent.
    fn fields(&self, a: &Contract, b: &Contract) -> Vec<FieldParity> {
        let [of_a, of_b] = &self.intended;
        let as_intended = of_a
            .iter()
            .filter(|(field, value)| a.get(*field) == Some(*value));
        let mut versioned = self.versioned.clone();
        versioned.extend(as_intended.map(|(field, _)| field));
        let declared = declared(b, &versioned).or(of_b);
        let mut fields = compare_fields(a, b, &declared);
        for parity in &mut fields {
            let alike = a.get(parity.field) == b.get(parity.field);
            let settled = parity.status == FieldStatus::NotStated
                || (parity.status == FieldStatus::Equal && !alike);
            if settled && versioned.contains(&parity.field) {
                parity.status = FieldStatus::Versioned;
            }
        }
        fields
    }
}

/// Two indexes beside each other.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ParityReport {
    /// Version of the format.
    pub format: u32,
    /// The index that the other is compared with.
    pub a: SideView,
    /// The other.
    pub b: SideView,
    /// Contract against contract: what either states.
    pub fields: Vec<FieldParity>,
    /// Fields of the contract that neither states.
    pub not_stated: Vec<ContractField>,
    /// The exact channels.
    pub channels: ChannelsView,
    /// Rows against rows.
    pub rows: RowDiff,
    /// What both sides do, where it was read.
    pub behaviour: BehaviourParity,
    /// Gold questions whose target sections are touched, if a gold set was given.
    pub questions: Option<Affected>,
    /// From the target to the answer.
    pub ladder: Ladder,
    /// The cause in a sentence.
    pub sentence: String,
    /// What was concluded.
    pub verdict: RunVerdict,
    /// Why, in words, if it is not decided by a rung that fails.
    pub undecided: Vec<String>,
    /// What the process returns.
    pub exit_code: u8,
}

/// One side as it was found.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SideView {
    /// What it is called.
    pub name: TargetName,
    /// What it is.
    pub contract: Contract,
    /// What it claims of itself.
    pub claimed: Contract,
    /// Where its claims contradict what was computed.
    pub stamp_lies: Vec<Lie>,
    /// Which parts of rows it has at all.
    pub covers: Covers,
    /// Columns of its export that nothing covers.
    pub left_out: Vec<String>,
    /// What was counted.
    pub health: Health,
    /// What no index should hold.
    pub faults: Vec<String>,
    /// What is worth a look.
    pub remarks: Vec<String>,
}

/// How the roots relate. `not_stated` where either side has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ChannelsView {
    /// Ids, texts and metadata.
    pub content: FieldStatus,
    /// Vectors, bit by bit: other bits may still be the same vectors.
    pub vectors: FieldStatus,
    /// Settings.
    pub config: FieldStatus,
}

impl SideView {
    fn of(side: &Side) -> Self {
        let stamp = &side.saved.stamp;
        Self {
            name: side.name.clone(),
            contract: stamp.contract.clone(),
            claimed: stamp.claimed.clone(),
            stamp_lies: stamp.lies(),
            covers: stamp.covers,
            left_out: stamp.left_out.clone(),
            health: stamp.health.clone(),
            faults: stamp.health.faults(),
            remarks: stamp.health.remarks(),
        }
    }
}

/// Compares the second side with the first.
///
/// # Errors
/// If a stamp cannot be read, or rows not be listed.
pub fn compare(
    a: &Side,
    b: &Side,
    expected: &Expected,
    numbers: Option<&Numbers>,
    gold: Option<&GoldSet>,
    list: Option<&mut RowList>,
) -> Result<ParityReport, StampError> {
    let (ours, theirs) = (&a.saved.stamp, &b.saved.stamp);
    let mut affected = gold.map(Affected::new);
    let mut list = list;
    let rows = difference(&a.saved, &b.saved, numbers, &mut |finding| {
        if let Some(affected) = &mut affected {
            affected.add(finding);
        }
        list.as_mut().map_or(Ok(()), |list| list.add(finding))
    })?;
    let (same_parts, parts) = parts(ours.covers, theirs.covers, expected.perturbed);
    let (ours_stated, theirs_stated) = (comparable(a, same_parts), comparable(b, same_parts));
    let fields = expected.fields(&ours_stated, &theirs_stated);
    let views = (SideView::of(a), SideView::of(b));
    let lies = [
        (a.name.as_str(), &views.0.stamp_lies[..]),
        (b.name.as_str(), &views.1.stamp_lies[..]),
    ];
    let faults = [
        (a.name.as_str(), views.0.faults.clone()),
        (b.name.as_str(), views.1.faults.clone()),
    ];
    let behaviour = BehaviourParity::of(
        (a.name.as_str(), &ours.behaviour),
        (b.name.as_str(), &theirs.behaviour),
    );
    let found = behaviour.findings([&ours.contract, &theirs.contract], &fields);
    let ladder = ladder(&LadderEvidence {
        fields: &fields,
        lies: &lies,
        rows: Some(&rows),
        compared: parts,
        faults: &faults,
        target: found.target.as_ref(),
        analyzer: found.analyzer.as_ref(),
        metric: found.metric.as_ref(),
        query_embedding: found.query_embedding.as_ref(),
        exact_knn: found.exact_knn.as_ref(),
        ann: found.ann.as_ref(),
        ..LadderEvidence::default()
    });
    let (verdict, undecided) = verdict(&ladder, &fields, (ours.covers, theirs.covers), expected);
    Ok(ParityReport {
        format: ParityReport::FORMAT,
        channels: ChannelsView::of(&ours.channels, &theirs.channels),
        not_stated: not_stated(&fields),
        fields,
        rows,
        behaviour,
        questions: affected,
        sentence: ladder.sentence(),
        ladder,
        undecided,
        exit_code: verdict.exit_code(),
        verdict,
        a: views.0,
        b: views.1,
    })
}

impl ParityReport {
    /// The format that is written here.
    pub const FORMAT: u32 = 1;
}

impl ChannelsView {
    fn of(a: &Channels, b: &Channels) -> Self {
        let status = |a: Option<Digest>, b: Option<Digest>| match (a, b) {
            (Some(a), Some(b)) if a == b => FieldStatus::Equal,
            (Some(_), Some(_)) => FieldStatus::Differs,
            _ => FieldStatus::NotStated,
        };
        Self {
            content: status(Some(a.content), Some(b.content)),
            vectors: status(a.vectors, b.vectors),
            config: status(a.config, b.config),
        }
    }
}

/// The fields that neither side states.
fn not_stated(fields: &[FieldParity]) -> Vec<ContractField> {
    let stated = |field: &ContractField| fields.iter().any(|parity| parity.field == *field);
    let all = ContractField::ALL.iter().copied();
    all.filter(|field| !stated(field)).collect()
}

/// Whether rows have the same parts on both sides, and which can be compared.
fn parts(a: Covers, b: Covers, perturbed: Perturbed) -> (bool, ComparedParts) {
    let same = a.texts == b.texts && a.metadata == b.metadata;
    let parts = ComparedParts {
        texts: a.texts && b.texts,
        metadata: a.metadata == b.metadata,
        vectors: a.vectors && b.vectors,
        perturbed,
    };
    (same, parts)
}

/// What a side states that can be compared. An `INDEX_HASH` over other parts of rows is another hash.
fn comparable(side: &Side, same_parts: bool) -> Contract {
    let contract = &side.saved.stamp.contract;
    let stated = contract
        .iter()
        .filter(|(field, _)| same_parts || *field != ContractField::IndexHash);
    stated.fold(Contract::default(), |contract, (field, value)| {
        contract.with(field, value)
    })
}
