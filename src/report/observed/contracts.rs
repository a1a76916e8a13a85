//! What each region said of its index, probe by probe and sample by sample.

use std::collections::BTreeMap;

use crate::parity::{Contract, ContractField};
use crate::report::Report;
use crate::report::observed::{Moments, region_and_phase};
use crate::traffic::{Happening, Timeline};
use crate::units::Moment;

/// Fields that a drill compares, which are shown whether stated or not.
const COMPARED: [ContractField; 6] = [
    ContractField::IndexHash,
    ContractField::Metric,
    ContractField::Analyzer,
    ContractField::SchemaRev,
    ContractField::ModelTag,
    ContractField::SecretsRev,
];

/// One statement of a region about its contract.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Stated {
    /// The region.
    pub(in crate::report) region: String,
    /// Where it stands: `pre, start`, or the time of a health event.
    pub(in crate::report) when: Said,
    /// How often it was said in a row.
    pub(in crate::report) times: usize,
    /// HTTP status of a health event.
    pub(in crate::report) status: Option<u16>,
    /// Values by name of the field in capitals.
    pub(in crate::report) fields: BTreeMap<String, String>,
}

/// When something was stated.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) enum Said {
    /// Around the probes of a run.
    Run(String),
    /// By a health event, and seconds since the decision.
    Event(Moment, Option<f64>),
}

impl Stated {
    /// Whether a region says otherwise than the first statement of the log about a field that both
    /// state.
    pub(in crate::report) fn differs(&self, first: &Self, field: &str) -> bool {
        let both = self.fields.get(field).zip(first.fields.get(field));
        both.is_some_and(|(ours, theirs)| ours != theirs)
    }
}

/// Every statement: those around the probes in the order of the run, then those of the drill log by
/// time, equal ones of a region in a row put together.
pub(in crate::report) fn contract_log(report: &Report, moments: Moments) -> Vec<Stated> {
    let mut log = Vec::new();
    for target in &report.record.targets {
        let (region, phase) = region_and_phase(&target.name);
        let both = [
            (&target.contract_at_start, "start"),
            (&target.contract_at_end, "end"),
        ];
        let stated = both
            .into_iter()
            .filter_map(|(contract, when)| Some((contract.as_ref()?, when)));
        let before = log.len();
        for (contract, when) in stated {
            let when = phase.map_or_else(|| when.to_owned(), |phase| format!("{phase}, {when}"));
            push(
                &mut log,
                before,
                Stated {
                    region: region.to_owned(),
                    when: Said::Run(when),
                    times: 1,
                    status: None,
                    fields: values(contract),
                },
            );
        }
    }
    log.extend(
        report
            .observed
            .timeline
            .iter()
            .flat_map(|timeline| said(timeline, moments)),
    );
    log
}

/// Adds a statement, or counts it where the region said the same last.
fn push(log: &mut Vec<Stated>, from: usize, one: Stated) {
    let last = log[from..]
        .iter_mut()
        .rev()
        .find(|other| other.region == one.region);
    match last.filter(|last| last.fields == one.fields && last.status == one.status) {
        Some(same) => {
            same.times += 1;
            if let (Said::Run(when), Said::Run(also)) = (&mut same.when, &one.when) {
                let also = also.rsplit(", ").next().unwrap_or_default();
                when.push_str(" and ");
                when.push_str(also);
            }
        }
        None => log.push(one),
    }
}

fn said(timeline: &Timeline, moments: Moments) -> Vec<Stated> {
    let mut log = Vec::new();
    for event in &timeline.events {
        if let Happening::Health {
            region,
            contract,
            status,
        } = &event.what
        {
            let since = moments
                .decision
                .map(|decision| event.ts.seconds_since(decision));
            let capital = |(name, value): (&String, &String)| (name.to_uppercase(), value.clone());
            push(
                &mut log,
                0,
                Stated {
                    region: region.clone(),
                    when: Said::Event(event.ts, since),
                    times: 1,
                    status: *status,
                    fields: contract.iter().map(capital).collect(),
                },
            );
        }
    }
    log
}

fn values(contract: &Contract) -> BTreeMap<String, String> {
    let stated = contract.iter();
    stated
        .map(|(field, value)| (field.name().to_owned(), value.to_owned()))
        .collect()
}

/// The fields that a log is shown by: those that a drill compares.
pub(in crate::report) fn fields_of() -> [&'static str; 6] {
    COMPARED.map(ContractField::name)
}
