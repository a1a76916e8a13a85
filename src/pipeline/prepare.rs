//! What a session needs before it can ask: settings of targets, the referee, texts to embed, earlier
//! runs.

use std::path::{Path, PathBuf};

use crate::earlier::{Asked, Sides};
use crate::embed::{EmbedError, EmbedderId, Endpoint, Referee};
use crate::goldset::{self, GoldSet, GoldSetError, Section};
use crate::ids::{Digest, QuestionId};
use crate::judge::PastRun;
use crate::pipeline::PipelineError;
use crate::plan::{Policy, RefereeSpec};
use crate::report;

/// What a policy asks.
pub(super) fn asked(policy: &Policy, gold: &GoldSet, digest: Digest, referee: EmbedderId) -> Asked {
    let replay = &policy.replay;
    let questions = gold.questions.iter().map(|question| {
        let forms = question.forms().take(1 + replay.paraphrases).count();
        (question.id.clone(), forms)
    });
    Asked {
        run: "this run".to_owned(),
        gold: digest,
        referee: Some(referee),
        k: replay.k.get(),
        seeds: replay.seeds.iter().map(|seed| seed.0).collect(),
        questions: questions.collect(),
    }
}

pub(super) fn before(run: &Path, asked: &Asked) -> Result<Sides, PipelineError> {
    let mut report = report::load(run)?;
    // A slice or a shard stands beside the same slice of the earlier run.
    let wanted = |question: &QuestionId| asked.questions.contains_key(question);
    report.table.cells.retain(|cell| wanted(&cell.question));
    report.observations.retain(|seen| wanted(&seen.question));
    Asked::of(&report).comparable_with(asked)?;
    Ok(Sides::before(report))
}

pub(super) fn history(runs: &[PathBuf]) -> Result<Vec<PastRun>, PipelineError> {
    let past = |run: &PathBuf| {
        let verdict = report::load_verdict(run)?;
        PastRun::of(&verdict).ok_or_else(|| PipelineError::NoBeginning { run: run.clone() })
    };
    runs.iter().map(past).collect()
}

/// The texts that measuring needs whatever comes back: wordings, anchors, decoys.
pub(super) fn asked_texts(gold: &GoldSet) -> Vec<String> {
    let of = |question: &goldset::Question| {
        let decoy = question
            .decoy
            .as_ref()
            .and_then(|decoy| gold.section(decoy))
            .map(|section| section.text.clone());
        let forms: Vec<String> = question.forms().map(|(_, text)| text.to_owned()).collect();
        forms
            .into_iter()
            .chain(question.anchor.clone())
            .chain(decoy)
    };
    gold.questions.iter().flat_map(of).collect()
}

/// Older editions and other files that `gold embed` reads beside the corpus.
///
/// # Errors
/// If one cannot be read.
pub fn also_embedded(gold: &GoldSet) -> Result<Vec<Section>, GoldSetError> {
    let mut sections = Vec::new();
    for path in &gold.manifest.also_embed {
        sections.extend(goldset::read_sections(&gold.root.join(path))?);
    }
    Ok(sections)
}

pub(super) fn referee(spec: &RefereeSpec, gold: &GoldSet) -> Result<Referee, EmbedError> {
    let cache = |path: &Option<PathBuf>| path.clone().unwrap_or_else(|| gold.embeddings_path());
    let model_or =
        |model: &Option<String>| model.clone().unwrap_or_else(|| gold.manifest.model.clone());
    match spec {
        RefereeSpec::Cache { path, model } => Ok(Referee::Cache {
            path: cache(path),
            model: model_or(model),
        }),
        RefereeSpec::Lexical => Ok(Referee::Lexical),
        RefereeSpec::Endpoint {
            path,
            model,
            url,
            key_env,
        } => Ok(Referee::Endpoint {
            path: cache(path),
            endpoint: Endpoint::new(url, model_or(model), key_env.clone())?,
        }),
    }
}
