//! Lines put in the place of the probes that a policy plans.

use std::collections::HashMap;
use std::path::Path;

use crate::exchange::run::{ContractLine, HitLine, Line, ProbeLine, Reading};
use crate::goldset::Rule;
use crate::ids::{Digest, Form, SectionKey, Seed};
use crate::net::Timing;
use crate::parity::Contract;
use crate::pipeline::Asked;
use crate::replay::{
    ContractReading, HitRecord, Observation, Outcome, Plan, Probe, Run, Side, accept,
};
use crate::target::{Hit, Locality, OffsetUnit, Offsets, Reply, Texts};
use crate::units::Cutoff;

/// What is wrong with a line: the rule, the message, what to do.
pub(super) type Wrong = (Rule, String, String);

fn wrong<T>(rule: Rule, message: impl Into<String>, help: impl Into<String>) -> Result<T, Wrong> {
    Err((rule, message.into(), help.into()))
}

/// A contract, and the line it stands on.
type Stated = Option<(u64, Contract)>;

/// What was read so far.
pub(super) struct Gathered<'a> {
    asked: Asked<'a>,
    plan: Plan,
    /// Indexes into the plan; two where a cell is repeated, the cell first.
    places: HashMap<Place, Vec<usize>>,
    targets: HashMap<&'a str, usize>,
    questions: HashMap<&'a str, usize>,
    /// For each probe of the plan, with the line it stands on.
    seen: Vec<Option<(u64, Observation)>>,
    /// For each target, at the start and at the end.
    contracts: Vec<[Stated; 2]>,
    texts: Texts,
}

/// A probe but for its purpose: target and question are indexes.
type Place = (usize, usize, Form, Seed, Cutoff);

impl<'a> Gathered<'a> {
    /// Nothing yet.
    pub(super) fn new(asked: Asked<'a>) -> Self {
        let Asked { policy, gold, .. } = asked;
        let plan = Plan::new(gold, policy.targets.len(), &policy.replay);
        let mut places: HashMap<Place, Vec<usize>> = HashMap::new();
        for (index, probe) in plan.probes.iter().enumerate() {
            let place = (
                probe.target,
                probe.question,
                probe.form,
                probe.seed,
                probe.k,
            );
            places.entry(place).or_default().push(index);
        }
        let names = policy.targets.iter().enumerate();
        let ids = gold.questions.iter().enumerate();
        Self {
            asked,
            places,
            targets: names.map(|(at, spec)| (spec.name.as_str(), at)).collect(),
            questions: ids
                .map(|(at, question)| (question.id.as_str(), at))
                .collect(),
            seen: vec![None; plan.probes.len()],
            contracts: vec![[None, None]; policy.targets.len()],
            plan,
            texts: Texts::new(),
        }
    }

    /// Whether no probe was read.
    pub(super) fn is_empty(&self) -> bool {
        self.seen.iter().all(Option::is_none)
    }

    /// Puts a line in its place.
    pub(super) fn take(&mut self, number: u64, line: Line) -> Result<(), Wrong> {
        match line {
            Line::Probe(probe) => self.probe(number, *probe),
            Line::Contract(contract) => self.contract(number, contract),
        }
    }

    fn target(&self, name: &str) -> Result<usize, Wrong> {
        self.targets.get(name).copied().ok_or_else(|| {
            let specs = self.asked.policy.targets.iter();
            let known: Vec<&str> = specs.map(|spec| spec.name.as_str()).collect();
            (
                Rule::Schema,
                format!("the policy has no target `{name}`"),
                format!("its targets: {}", known.join(", ")),
            )
        })
    }

    fn contract(&mut self, number: u64, line: ContractLine) -> Result<(), Wrong> {
        let target = self.target(&line.target)?;
        let at = match line.at {
            None => 0..2,
            Some(Reading::Start) => 0..1,
            Some(Reading::End) => 1..2,
        };
        for slot in &mut self.contracts[target][at] {
            if let Some((before, _)) = slot {
                let message = format!(
                    "a contract of `{}` stands on line {before} already",
                    line.target
                );
                let help =
                    "keep one, or say when each was read: \"at\": \"start\" and \"at\": \"end\"";
                return wrong(Rule::DuplicateId, message, help);
            }
            *slot = Some((number, line.contract.clone()));
        }
        Ok(())
    }

    fn probe(&mut self, number: u64, line: ProbeLine) -> Result<(), Wrong> {
        let place = self.place(&line)?;
        let meant = |index: &&usize| {
            let planned = self.plan.probes[**index].purpose;
            line.purpose.is_none_or(|purpose| purpose == planned)
        };
        let indexes: Vec<usize> = self.places[&place].iter().filter(meant).copied().collect();
        if let (Some(purpose), []) = (line.purpose, indexes.as_slice()) {
            let message = format!(
                "no probe for the purpose `{}` is planned here",
                purpose.name()
            );
            let help = "leave the purpose out, or write what the policy plans";
            return wrong(Rule::Schema, message, help);
        }
        let Some(index) = indexes.iter().find(|index| self.seen[**index].is_none()) else {
            let before: Vec<String> = indexes
                .iter()
                .filter_map(|index| self.seen[*index].as_ref())
                .map(|(line, _)| line.to_string())
                .collect();
            let message = format!(
                "the probe of {} on `{}`, form {}, seed {}, k {}, stands on line {} already",
                line.question,
                line.target,
                line.form,
                line.seed,
                place.4,
                before.join(" and ")
            );
            return wrong(Rule::DuplicateId, message, "keep one of the lines");
        };
        let index = *index;
        let observation = self.observed(index, line)?;
        self.seen[index] = Some((number, observation));
        Ok(())
    }

    /// Where the plan has the probe of a line.
    fn place(&self, line: &ProbeLine) -> Result<Place, Wrong> {
        let Asked { policy, gold, .. } = self.asked;
        let target = self.target(&line.target)?;
        let Some(&question) = self.questions.get(line.question.as_str()) else {
            let message = format!("the gold set has no question `{}`", line.question);
            let help = format!(
                "use the ids of questions.jsonl of {} ({})",
                gold.manifest.name, self.asked.gold_digest
            );
            return wrong(Rule::Schema, message, help);
        };
        let forms = gold.questions[question].forms();
        let n_forms = forms.take(1 + policy.replay.paraphrases).count();
        if usize::from(line.form) >= n_forms {
            let message = format!(
                "form {} of {} is not planned: it has {n_forms} forms, from 0",
                line.form, line.question
            );
            let help = "0 is the original wording, n the n-th paraphrase; [replay] paraphrases says how many are asked";
            return wrong(Rule::Schema, message, help);
        }
        if !policy.replay.seeds.contains(&Seed(line.seed)) {
            let seeds: Vec<String> = policy
                .replay
                .seeds
                .iter()
                .map(|s| s.0.to_string())
                .collect();
            let help = format!("[replay] seeds are {}", seeds.join(", "));
            return wrong(
                Rule::Schema,
                format!("seed {} is not planned", line.seed),
                help,
            );
        }
        let k = line.k.map_or(Some(policy.replay.k), Cutoff::new);
        let place = k.map(|k| (target, question, Form(line.form), Seed(line.seed), k));
        match place.filter(|place| self.places.contains_key(place)) {
            Some(place) => Ok(place),
            None => wrong(
                Rule::Schema,
                format!("k {} is not planned here", line.k.unwrap_or_default()),
                format!(
                    "[replay] k is {}; the k_sweep is asked with form 0 and the first seed only",
                    policy.replay.k
                ),
            ),
        }
    }

    /// What a line says became of a probe, its texts kept.
    fn observed(&mut self, index: usize, line: ProbeLine) -> Result<Observation, Wrong> {
        if let Some(reason) = line.skipped {
            if !line.hits.is_empty() || line.answer.is_some() || line.error.is_some() {
                let help = "a probe that was never made has neither a reply nor an error; leave out the one that is not so";
                return wrong(
                    Rule::Schema,
                    "a skipped probe has a reply or an error",
                    help,
                );
            }
            return Ok(self.skipped(&self.plan.probes[index], reason));
        }
        let timing = timing(&line)?;
        let blank = Observation {
            attempts: line.attempts.unwrap_or(1),
            elapsed_ms: line.elapsed_ms.or(timing.tfinal_ms).unwrap_or(0.0),
            timing,
            status: line.status,
            cached: line.cached.unwrap_or(false),
            cold_start: line.cold_start,
            ..self.skipped(&self.plan.probes[index], String::new())
        };
        if let Some(error) = line.error {
            if !line.hits.is_empty() || line.answer.is_some() {
                let help = "a probe that failed has neither hits nor an answer; leave out the one that is not so";
                return wrong(Rule::Schema, "there is a reply and an error", help);
            }
            if error.class.trim().is_empty() {
                let help = "name the error shortly, such as timeout or http_503";
                return wrong(Rule::Blank, "the class of the error is blank", help);
            }
            let outcome = Outcome::Failed {
                class: error.class,
                stage: error.stage,
                message: error.message,
            };
            return Ok(Observation { outcome, ..blank });
        }
        let reply = Reply {
            hits: line.hits.into_iter().map(hit).collect::<Result<_, _>>()?,
            answer: line.answer,
            citations: line.citations,
            ..Reply::default()
        };
        let n_hits = reply.hits.len();
        let outcome = match accept(reply, blank.k) {
            Ok(reply) => self.scored(reply),
            // That a target found nothing is an outcome; anything else is a mistake of the file.
            Err(failure) if n_hits == 0 => Outcome::Failed {
                class: failure.class,
                stage: failure.stage,
                message: failure.message,
            },
            Err(failure) => {
                let help = format!(
                    "expected at most {} hits, each there once, scores never rising",
                    blank.k
                );
                return wrong(Rule::Schema, failure.message, help);
            }
        };
        Ok(Observation { outcome, ..blank })
    }

    fn scored(&mut self, reply: Reply) -> Outcome {
        let texts = &mut self.texts;
        let mut keep = |text: String| {
            let digest = Digest::of(&text);
            texts.entry(digest).or_insert(text);
            digest
        };
        let record = |hit: Hit| HitRecord {
            section: hit.section,
            snippet_id: hit.snippet_id,
            score: hit.score,
            text: keep(hit.text),
            offsets: hit.offsets,
        };
        let hits = reply.hits.into_iter().map(record).collect();
        Outcome::Scored {
            hits,
            answer: reply.answer.map(keep),
            citations: reply.citations,
        }
    }

    fn skipped(&self, probe: &Probe, reason: String) -> Observation {
        Observation {
            target: self.asked.policy.targets[probe.target].name.clone(),
            question: self.asked.gold.questions[probe.question].id.clone(),
            form: probe.form,
            seed: probe.seed,
            k: probe.k,
            purpose: probe.purpose,
            outcome: Outcome::Skipped { reason },
            attempts: 0,
            elapsed_ms: 0.0,
            timing: Timing::default(),
            status: None,
            cached: false,
            cold_start: None,
        }
    }

    /// Every planned probe, and the contracts. A target without any contract states nothing; one of
    /// which only one reading is there was not read the other time.
    pub(super) fn into_run(mut self, path: &Path) -> Run {
        let file = path.file_name().unwrap_or(path.as_os_str());
        let reason = format!("not in {}", file.to_string_lossy());
        let reading = |at: Stated, other: bool| -> ContractReading {
            match at {
                Some((_, contract)) => Ok(contract),
                None if other => Err(reason.clone()),
                None => Ok(Contract::default()),
            }
        };
        let specs = self.asked.policy.targets.iter();
        let contracts = std::mem::take(&mut self.contracts);
        let sides = specs
            .zip(contracts)
            .map(|(spec, [start, end])| {
                let (has_start, has_end) = (start.is_some(), end.is_some());
                Side {
                    name: spec.name.clone(),
                    locality: Locality::Network,
                    contract_at_start: reading(start, has_end),
                    contract_at_end: reading(end, has_start),
                    inventory: None,
                    stamp_lies: Vec::new(),
                    given_up: None,
                }
            })
            .collect();
        let seen = std::mem::take(&mut self.seen);
        let observations = seen
            .into_iter()
            .zip(&self.plan.probes)
            .map(|(seen, probe)| match seen {
                Some((_, observation)) => observation,
                None => self.skipped(probe, reason.clone()),
            })
            .collect();
        Run {
            sides,
            observations,
            texts: self.texts,
        }
    }
}

fn timing(line: &ProbeLine) -> Result<Timing, Wrong> {
    let latency = line.latency_ms.unwrap_or_default();
    let times = [latency.tffb, latency.tusable, latency.tfinal];
    let known: Vec<f64> = times.into_iter().flatten().collect();
    let others = [
        latency.resolve,
        latency.connect,
        latency.headers,
        latency.decode,
    ];
    let mut all = others
        .into_iter()
        .chain(times)
        .chain([line.elapsed_ms])
        .flatten();
    if all.any(|ms| ms < 0.0) || known.windows(2).any(|pair| pair[1] < pair[0]) {
        let help =
            "milliseconds from the beginning of the attempt: tffb, then tusable, then tfinal";
        return wrong(Rule::Schema, "a time is negative or out of order", help);
    }
    Ok(Timing {
        resolve_ms: latency.resolve,
        connect_ms: latency.connect,
        headers_ms: latency.headers,
        tffb_ms: latency.tffb,
        tusable_ms: latency.tusable,
        tfinal_ms: latency.tfinal,
        decode_ms: latency.decode,
    })
}

fn hit(line: HitLine) -> Result<Hit, Wrong> {
    let snippet_id = match (line.id, line.snippet_id) {
        (Some(id), None) | (None, Some(id)) if !id.trim().is_empty() => id,
        (Some(_), Some(_)) => {
            return wrong(
                Rule::Schema,
                "a hit has both `id` and `snippet_id`",
                "keep one: they mean the same",
            );
        }
        _ => {
            let help = "give each hit its own id in the index as `id`";
            return wrong(Rule::Blank, "a hit has no id", help);
        }
    };
    if line.doc_id.trim().is_empty() || line.section_id.trim().is_empty() {
        let message = format!("hit {snippet_id} has a blank doc_id or section_id");
        let help = "name the section of corpus.jsonl that it belongs to";
        return wrong(Rule::Blank, message, help);
    }
    let offsets = match (line.start, line.end) {
        (Some(start), Some(end)) if start <= end => Some(Offsets {
            start,
            end,
            unit: line.unit.unwrap_or(OffsetUnit::Char),
        }),
        (None, None) if line.unit.is_none() => None,
        _ => {
            return wrong(
                Rule::Span,
                format!("the offsets of hit {snippet_id} are no range"),
                "give start and end, the end exclusive and not before the start, or neither",
            );
        }
    };
    Ok(Hit {
        section: SectionKey::new(line.doc_id, line.section_id),
        snippet_id,
        score: line.score,
        text: line.text,
        offsets,
    })
}
