//! What is true of every question, and a run drawn from it.

use ragstone::embed::{EmbedderId, EmbedderKind};
use ragstone::ids::{Form, QuestionId, Seed, TargetName, Topic};
use ragstone::judge::{Evidence, SideEvidence};
use ragstone::measure::{CellMetrics, Lambda, MetricTable, RankValues, Status};
use ragstone::parity::{Contract, ContractField};
use ragstone::replay::Purpose;
use ragstone::target::{Locality, Role, Stage};
use ragstone::traffic::Observed;
use rand::{Rng, RngExt};

use super::chance::{normal, share};

/// Wordings of a question, the first included.
pub(crate) const FORMS: u16 = 4;
/// Seeds of a wording.
pub(crate) const SEEDS: u64 = 2;
/// ΔS that a question gains when the index has lost its sections.
pub(crate) const LOST: f64 = 0.60;
/// ΔS by which a shifted question moves, up or down.
const SHIFTED: f64 = 0.25;
/// Milliseconds of half of the control's calls.
const MEDIAN_MS: f64 = 40.0;

/// The truth behind a run: a control, and a candidate that differs from it where a law says so.
///
/// Within a question the cells of ΔS and of coverage correlate by 0.5: the effect of the question
/// and that of the cell have the same variance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Laws {
    /// Questions.
    pub(crate) n: usize,
    /// Topics, all of the same size but for the rest of the division.
    pub(crate) topics: usize,
    /// Median and mean of ΔS on the control.
    pub(crate) control_delta_s: f64,
    /// The same on the candidate, before any question shifts or loses its sections.
    pub(crate) delta_s: f64,
    /// Standard deviation of the question's effect on ΔS, and of the cell's, on either side.
    pub(crate) delta_s_spread: f64,
    /// Share of questions whose ΔS moves by 0.25, half of them up and half down.
    pub(crate) shifted: f64,
    /// Share of questions whose sections the candidate has lost: ΔS rises by 0.60, nothing is
    /// covered.
    pub(crate) lost: f64,
    /// Mean coverage on both sides, before any question loses its sections.
    pub(crate) coverage: f64,
    /// Share of questions that both sides cover alike, but for the cells; the others are covered by
    /// each side as it happens.
    pub(crate) covered_alike: f64,
    /// What the candidate still covers of it, as a factor, on every question alike.
    pub(crate) kept: f64,
    /// Mean coverage in the first topic.
    pub(crate) first_topic_coverage: f64,
    /// The two parameters of the beta law of a question's coverage, added up; above 1. The nearer
    /// to 1, the more questions are covered either wholly or not at all.
    pub(crate) coverage_sum: f64,
    /// Share of questions that converge on the control.
    pub(crate) control_converging: f64,
    /// Share of questions that converge on the candidate.
    pub(crate) converging: f64,
    /// Share of questions that converge on one side only; at least the difference of the two.
    pub(crate) flipped: f64,
    /// Of the cells of the candidate, the share that is `<>`; the other cells that do not converge
    /// are `←`.
    pub(crate) recursive: f64,
    /// Wordings of a question that are `<>` where any is, on average, in `[1, 4]`.
    pub(crate) recursive_forms: f64,
    /// How much slower every call of the candidate is, as a factor.
    pub(crate) slower: f64,
    /// Standard deviation of the logarithm of latency between questions, which both sides share.
    pub(crate) latency_between: f64,
    /// The same between the calls of a question.
    pub(crate) latency_within: f64,
    /// Share of questions that meet an incident on a side, each side by itself: half of their cells
    /// fail at the body.
    pub(crate) incidents: f64,
    /// Kinds of such incidents, each an error class of its own.
    pub(crate) incident_classes: usize,
    /// Share of questions on which the candidate alone breaks at the body, always in one way.
    pub(crate) broken: f64,
}

impl Laws {
    /// The same of another number of questions, ten to a topic.
    pub(crate) fn of_size(self, n: usize) -> Self {
        Self {
            n,
            topics: n / 10,
            ..self
        }
    }
}

/// A run drawn from the laws.
pub(crate) fn evidence(laws: &Laws, rng: &mut impl Rng) -> Evidence {
    let mut cells = Vec::with_capacity(laws.n * usize::from(FORMS) * SEEDS as usize * 2);
    for index in 0..laws.n {
        let question = Question::draw(laws, index, rng);
        for side in Side::BOTH {
            question.ask(side, laws, rng, &mut cells);
        }
    }
    Evidence {
        table: MetricTable { cells },
        sides: Side::BOTH.map(Side::evidence).to_vec(),
        parity: Vec::new(),
        answers: Vec::new(),
        observed: Observed::default(),
        referee: EmbedderId {
            kind: EmbedderKind::Cache,
            model: "simulated".to_owned(),
            dim: 1,
        },
        started_at: None,
    }
}

/// The names of the sides.
pub(crate) fn names() -> (TargetName, TargetName) {
    (Side::Control.name(), Side::Candidate.name())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Control,
    Candidate,
}

impl Side {
    const BOTH: [Self; 2] = [Self::Control, Self::Candidate];

    fn name(self) -> TargetName {
        TargetName::new(match self {
            Self::Control => "control",
            Self::Candidate => "candidate",
        })
    }

    /// The control is the candidate's earlier run too, for the clause that compares with one.
    fn evidence(self) -> SideEvidence {
        let contract = Contract::default()
            .with(ContractField::IndexHash, "h")
            .with(ContractField::Metric, "cosine")
            .with(ContractField::Analyzer, "en_stem");
        let (role, baseline_of) = match self {
            Self::Control => (Role::Control, Some(Self::Candidate.name())),
            Self::Candidate => (Role::Candidate, None),
        };
        SideEvidence {
            name: self.name(),
            role,
            locality: Locality::Network,
            contract_at_start: Ok(contract.clone()),
            contract_at_end: Ok(contract),
            stamp_lies: Vec::new(),
            given_up: None,
            cache_abandoned: None,
            seeds_vary: Some(true),
            baseline_of,
        }
    }
}

/// What both sides share of a question, and what became of it on the candidate.
struct Question {
    id: QuestionId,
    topic: Topic,
    /// Of the logarithm of latency.
    slowness: f64,
    /// Added to ΔS on the candidate.
    shift: f64,
    lost: bool,
    /// Mean coverage of the question's cells on the control and on the candidate.
    coverage: [f64; 2],
    converges: [bool; 2],
    /// Wordings that are `<>` on the candidate.
    recursive_forms: usize,
}

impl Question {
    fn draw(laws: &Laws, index: usize, rng: &mut impl Rng) -> Self {
        let topic = index % laws.topics;
        let lost = rng.random_bool(laws.lost);
        let shift = if rng.random_bool(laws.shifted) {
            SHIFTED * if rng.random_bool(0.5) { 1.0 } else { -1.0 }
        } else {
            0.0
        };
        let (converges, recursive_forms) = convergence(laws, rng);
        let coverage = match topic {
            0 => laws.first_topic_coverage,
            _ => laws.coverage,
        };
        let covered = share(coverage, laws.coverage_sum, rng);
        let covered_too = if rng.random_bool(laws.covered_alike) {
            covered
        } else {
            share(coverage, laws.coverage_sum, rng)
        };
        Self {
            id: QuestionId::new(format!("q{index:03}")),
            topic: Topic::new(format!("t{topic}")),
            slowness: laws.latency_between * normal(rng),
            shift: shift + if lost { LOST } else { 0.0 },
            lost,
            coverage: [covered, covered_too],
            converges,
            recursive_forms,
        }
    }

    /// One row for every wording and seed.
    fn ask(&self, side: Side, laws: &Laws, rng: &mut impl Rng, cells: &mut Vec<CellMetrics>) {
        let candidate = side == Side::Candidate;
        let name = side.name();
        let centre = if candidate {
            laws.delta_s + self.shift
        } else {
            laws.control_delta_s
        };
        let distance = centre + laws.delta_s_spread * normal(rng);
        let slowness = self.slowness + if candidate { laws.slower.ln() } else { 0.0 };
        let states = self.states(side, rng);
        let broken = candidate && rng.random_bool(laws.broken);
        let incident = rng.random_bool(laws.incidents).then(|| {
            let class = rng.random_range(0..laws.incident_classes);
            format!("incident{class}")
        });
        let class = broken.then(|| "truncated".to_owned()).or(incident);
        for form in 0..FORMS {
            for seed in 1..=SEEDS {
                let failed = class.clone().filter(|_| rng.random_bool(0.5));
                let delta_s = distance + laws.delta_s_spread * normal(rng);
                let latency = slowness + laws.latency_within * normal(rng);
                let covered = self.cell_coverage(side, laws, rng);
                let scored = failed.is_none();
                cells.push(CellMetrics {
                    target: name.clone(),
                    question: self.id.clone(),
                    topic: self.topic.clone(),
                    answerable: true,
                    form: Form(form),
                    seed: Seed(seed),
                    k: 10,
                    purpose: Purpose::Score,
                    status: failed.map_or(Status::Scored, |class| Status::Failed {
                        class,
                        stage: Stage::Body,
                    }),
                    n_hits: 10,
                    delta_s: scored.then_some(delta_s.clamp(0.0, 2.0)),
                    delta_s_anchor: None,
                    delta_s_decoy: None,
                    coverage: scored.then_some(covered),
                    evidence_coverage: scored.then_some(covered),
                    coverage_mode: None,
                    target_rank: Some(1),
                    agreement: Some(1.0),
                    lambda: Some(if scored {
                        states[usize::from(form)]
                    } else {
                        Lambda::Divergent
                    }),
                    elapsed_ms: MEDIAN_MS * latency.exp(),
                    latency_ms: Some(MEDIAN_MS * latency.exp()),
                    cached: false,
                    cold_start: Some(false),
                    rank: RankValues::new(),
                });
            }
        }
    }

    fn cell_coverage(&self, side: Side, laws: &Laws, rng: &mut impl Rng) -> f64 {
        // With this sum the cells vary about their question as questions vary about the mean.
        let covered = share(self.coverage[side as usize], laws.coverage_sum - 1.0, rng);
        match side {
            Side::Control => covered,
            Side::Candidate if self.lost => 0.0,
            Side::Candidate => laws.kept * covered,
        }
    }

    /// λ by wording. It depends on the question and its wording and not on the seed, so that the
    /// control makes up its mind.
    fn states(&self, side: Side, rng: &mut impl Rng) -> [Lambda; FORMS as usize] {
        let mut states = [Lambda::Convergent; FORMS as usize];
        if side == Side::Candidate && self.recursive_forms > 0 {
            states[FORMS as usize - self.recursive_forms..].fill(Lambda::Recursive);
        } else if !self.converges[side as usize] {
            let from = rng.random_range(0..FORMS as usize - 1);
            states[from..].fill(Lambda::Divergent);
        }
        states
    }
}

/// Whether a question converges on the control and on the candidate, and how many of its wordings
/// are `<>` on the candidate.
fn convergence(laws: &Laws, rng: &mut impl Rng) -> ([bool; 2], usize) {
    let (control, candidate) = (laws.control_converging, laws.converging);
    let loses = (laws.flipped + control - candidate) / 2.0;
    let gains = (laws.flipped + candidate - control) / 2.0;
    let on_control = rng.random_bool(control);
    let on_candidate = if on_control {
        !rng.random_bool(loses / control)
    } else {
        rng.random_bool(gains / (1.0 - control))
    };
    let sides = [on_control, on_candidate];
    let questions = laws.recursive * f64::from(FORMS) / laws.recursive_forms;
    if on_candidate || !rng.random_bool(questions / (1.0 - candidate)) {
        return (sides, 0);
    }
    let more = rng.random_bool(laws.recursive_forms.fract());
    let forms = laws.recursive_forms as usize + usize::from(more);
    (sides, forms)
}
