use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization as _;

use super::*;
use crate::ids::Digest;

const DIM: usize = 32;
const REPEATS: usize = 3;

/// An embedder that can be told to misbehave: the mean over a text's words of a direction that is each
/// word's own.
#[derive(Clone, Copy, Default)]
struct Embedder {
    model: &'static str,
    folds_case: bool,
    normalises: bool,
    prefix: &'static str,
    cuts_before: Option<usize>,
    /// What the tokenizer makes of letters beyond ASCII.
    tokenizer: &'static str,
    /// Size of what no two repeats share.
    noise: f32,
    /// What the noise is drawn from.
    seed: u64,
    /// Size of what every repeat of this side has beyond the model.
    bias: f32,
    refuses_empty: bool,
    scale: Option<f32>,
}

fn direction(name: &str) -> [f32; DIM] {
    let bytes = *Digest::of(name).as_bytes();
    bytes.map(|byte| f32::from(byte) / 127.5 - 1.0)
}

impl Embedder {
    fn text(&self, text: &str) -> String {
        let mut text = format!("{}{text}", self.prefix);
        if self.folds_case {
            text = text.to_lowercase();
        }
        if self.normalises {
            text = text.nfc().collect();
        }
        text
    }

    fn vector(&self, text: &str) -> Vec<f32> {
        let text = self.text(text);
        let words = text.split(' ').take(self.cuts_before.unwrap_or(usize::MAX));
        let mut counts: BTreeMap<&str, f32> = BTreeMap::new();
        words.for_each(|word| *counts.entry(word).or_default() += 1.0);
        let total: f32 = counts.values().sum();
        let mut sum = vec![0.0; DIM];
        for (word, count) in counts {
            let tokenizer = if word.is_ascii() { "" } else { self.tokenizer };
            let own = direction(&format!("{}{tokenizer}{word}", self.model));
            for (sum, own) in sum.iter_mut().zip(own) {
                *sum += own * count / total;
            }
        }
        sum
    }

    fn answer(&self, text: &str, repeat: usize) -> Result<Vec<f32>, Refusal> {
        if self.refuses_empty && text.trim().is_empty() {
            return Err(refusal());
        }
        let mut vector = self.vector(text);
        let noise = direction(&format!("{} {repeat} {text}", self.seed));
        let bias = direction(&format!("bias {text}"));
        for (index, number) in vector.iter_mut().enumerate() {
            *number += self.noise * noise[index] + self.bias * bias[index];
            *number *= self.scale.unwrap_or(1.0);
        }
        Ok(vector)
    }

    fn reading(&self) -> CanaryReading {
        let canaries = CanarySet::current().canaries().iter();
        let answers = canaries.map(|canary| {
            let repeats = 0..REPEATS;
            repeats
                .map(|repeat| self.answer(&canary.text, repeat))
                .collect()
        });
        CanaryReading::of_current("same-name", REPEATS, answers.collect())
    }
}

fn refusal() -> Refusal {
    Refusal {
        class: "http_400".to_owned(),
        message: "input is empty".to_owned(),
    }
}

#[track_caller]
fn check(
    a: &Embedder,
    b: &Embedder,
    status: CanaryStatus,
    first: Option<DriftKind>,
) -> EmbeddingParity {
    let (a, b) = (a.reading(), b.reading());
    let parity = compare(Some(&a), Some(&b));
    assert_eq!(parity.status, status, "{:#?}", parity.canaries);
    assert_eq!(
        parity.points_to.first().copied(),
        first,
        "{:?}",
        parity.points_to
    );
    let back = compare(Some(&b), Some(&a));
    assert_eq!(back.status, status, "whichever is named first");
    assert_eq!(back.points_to, parity.points_to);
    parity
}

#[track_caller]
fn drifts(b: Embedder, first: DriftKind) -> EmbeddingParity {
    check(&Embedder::default(), &b, CanaryStatus::Drifted, Some(first))
}

fn verdict(parity: &EmbeddingParity, canary: &str) -> CanaryVerdict {
    let found = parity.canaries.iter().find(|found| found.canary == canary);
    found.expect("a canary").verdict
}

#[test]
fn an_embedder_is_the_same_as_itself_with_and_without_noise() {
    let quiet = Embedder::default();
    let parity = check(&quiet, &quiet, CanaryStatus::Same, None);
    assert_eq!(parity.count(CanaryVerdict::Same), parity.canaries.len());
    assert_eq!(parity.a.expect("described").noise_max, Some(0.0));
    let noisy = |seed| Embedder {
        noise: 0.003,
        seed,
        ..quiet
    };
    let parity = check(&noisy(1), &noisy(2), CanaryStatus::Same, None);
    let side = parity.a.expect("described");
    assert!(side.noise_median.is_some_and(|noise| noise > 1e-6));
    assert_eq!(side.cut_off_before_words, None);
    check(&quiet, &noisy(3), CanaryStatus::Same, None);
}

#[test]
fn repeats_that_coincide_by_chance_are_held_against_the_floor_of_the_side() {
    let noisy = |seed| Embedder {
        noise: 0.003,
        seed,
        ..Embedder::default()
    };
    let (mut a, mut b) = (noisy(1).reading(), noisy(2).reading());
    for side in [&mut a, &mut b] {
        side.answers[0] = vec![side.answers[0][0].clone(), Repeat::AsFirst, Repeat::AsFirst];
    }
    let parity = compare(Some(&a), Some(&b));
    assert_eq!(parity.canaries[0].within_a, Some(0.0));
    assert_eq!(
        parity.status,
        CanaryStatus::Same,
        "{:?}",
        parity.canaries[0]
    );
}

#[test]
fn a_text_that_is_cut_off_shows_on_one_side_and_between_two() {
    let cut = Embedder {
        cuts_before: Some(256),
        ..Embedder::default()
    };
    let parity = drifts(cut, DriftKind::Truncation);
    assert_eq!(parity.points_to, [DriftKind::Truncation]);
    let (a, b) = (parity.a.clone().expect("a"), parity.b.clone().expect("b"));
    assert_eq!(
        (a.cut_off_before_words, a.reads_beyond_words),
        (None, Some(8192))
    );
    assert_eq!(
        (b.cut_off_before_words, b.reads_beyond_words),
        (Some(256), Some(128))
    );
    assert!(parity.worst.iter().all(|name| name.starts_with("long-")));
    assert_eq!(verdict(&parity, "long-128-a"), CanaryVerdict::Same);
}

#[test]
fn each_treatment_of_one_side_is_named() {
    let plain = Embedder::default();
    let folds = Embedder {
        folds_case: true,
        ..plain
    };
    let parity = drifts(folds, DriftKind::Case);
    assert_eq!(verdict(&parity, "frozen"), CanaryVerdict::Same);
    assert_eq!(parity.b.expect("described").folds_case, Some(true));
    let normalises = Embedder {
        normalises: true,
        ..plain
    };
    let parity = drifts(normalises, DriftKind::Normalisation);
    assert_eq!(parity.points_to, [DriftKind::Normalisation]);
    assert_eq!(parity.worst, ["accents-nfd"]);
    let tokenizer = Embedder {
        tokenizer: "other",
        ..plain
    };
    let parity = drifts(tokenizer, DriftKind::Normalisation);
    assert!(parity.points_to.contains(&DriftKind::Tokenizer));
    assert_eq!(verdict(&parity, "korean"), CanaryVerdict::Drifted);
    drifts(
        Embedder {
            prefix: "query: ",
            ..plain
        },
        DriftKind::Prefix,
    );
    drifts(
        Embedder {
            scale: Some(2.0),
            ..plain
        },
        DriftKind::Length,
    );
}

#[test]
fn another_model_of_the_same_name_drifts_and_other_arithmetic_is_told_apart() {
    let plain = Embedder::default();
    let parity = drifts(
        Embedder {
            model: "v2",
            ..plain
        },
        DriftKind::Model,
    );
    assert_eq!(parity.worst.len(), 5, "the worst are named, not all");
    let excess = |name: &String| {
        let found = parity.canaries.iter().find(|parity| parity.canary == *name);
        let found = found.expect("a canary");
        found.between.expect("a distance") / found.limit.expect("a limit")
    };
    assert!(parity.worst.is_sorted_by(|a, b| excess(a) >= excess(b)));
    drifts(
        Embedder {
            bias: 0.002,
            ..plain
        },
        DriftKind::Precision,
    );
}

#[test]
fn what_one_side_refuses_is_kept_and_differs() {
    let refuses = Embedder {
        refuses_empty: true,
        ..Embedder::default()
    };
    let parity = drifts(refuses, DriftKind::Refusal);
    assert_eq!(parity.count(CanaryVerdict::RefusedByOne), 3);
    let empty = parity.canaries.iter().find(|found| found.canary == "empty");
    assert_eq!(
        empty.expect("a canary").refused_b.as_deref(),
        Some("http_400")
    );
    assert_eq!(
        parity.b.expect("described").refused,
        ["empty", "space", "breaks"]
    );
    let both = check(&refuses, &refuses, CanaryStatus::Same, None);
    assert_eq!(both.count(CanaryVerdict::RefusedByBoth), 3);
}

#[test]
fn a_vector_without_direction_is_never_the_same() {
    let sound = Embedder::default().reading();
    let mut ill = sound.clone();
    let nan = vec![f32::NAN; DIM];
    ill.answers[0] = vec![
        Repeat::Vector(PackedVector::new(nan)),
        Repeat::AsFirst,
        Repeat::AsFirst,
    ];
    ill.answers[1][1] = Repeat::Vector(PackedVector::new(vec![0.0; DIM]));
    let parity = compare(Some(&sound), Some(&ill));
    assert_eq!(parity.status, CanaryStatus::Drifted);
    assert_eq!(parity.canaries[0].verdict, CanaryVerdict::Drifted);
    assert_eq!(
        parity.canaries[1].verdict,
        CanaryVerdict::Drifted,
        "once is enough"
    );
    assert_eq!(
        parity.worst[0], "frozen",
        "what has no distance is the worst"
    );
    let parity = compare(Some(&ill), Some(&ill));
    assert_eq!(parity.canaries[0].verdict, CanaryVerdict::NoDirection);
    assert_eq!(parity.a.expect("described").n_without_direction, 4);
    let json = serde_json::to_string(&ill).expect("JSON");
    let back: CanaryReading = serde_json::from_str(&json).expect("its own");
    assert_eq!(back, ill, "a NaN survives");
}

#[test]
fn another_dimension_is_a_drift_outright() {
    let sound = Embedder::default().reading();
    let mut short = sound.clone();
    for answer in short.answers.iter_mut().flatten() {
        if let Repeat::Vector(vector) = answer {
            *vector = PackedVector::new(vector.as_slice()[..16].to_vec());
        }
    }
    let parity = compare(Some(&sound), Some(&short));
    assert_eq!(parity.status, CanaryStatus::Drifted);
    assert_eq!(parity.points_to, [DriftKind::Dimension]);
    assert_eq!((sound.dim(), short.dim()), (Some(32), Some(16)));
}

#[test]
fn what_was_not_read_is_not_the_same() {
    let sound = Embedder::default().reading();
    let reason = |a: Option<&CanaryReading>, b: Option<&CanaryReading>| {
        let parity = compare(a, b);
        assert_eq!(parity.status, CanaryStatus::NotChecked);
        parity.unchecked.expect("a reason")
    };
    assert_eq!(reason(Some(&sound), None), Unchecked::NoReading);
    assert_eq!(reason(None, None), Unchecked::NoReading);
    let other = CanaryReading {
        canary_set: Digest::of("another"),
        ..sound.clone()
    };
    assert_eq!(
        reason(Some(&sound), Some(&other)),
        Unchecked::OtherCanarySet
    );
    assert_eq!(
        reason(Some(&other), Some(&other)),
        Unchecked::UnknownCanarySet
    );
    assert_eq!(describe(&other), None);
    let mut mute = sound.clone();
    for answers in &mut mute.answers {
        *answers = vec![Repeat::Refused(refusal()); REPEATS];
    }
    assert_eq!(reason(Some(&mute), Some(&mute)), Unchecked::NothingInCommon);
    assert_eq!(
        reason(Some(&mute), Some(&sound)),
        Unchecked::NothingInCommon
    );
    for spoil in [
        (|side| drop(side.answers.pop())) as fn(&mut CanaryReading),
        |side| drop(side.answers[3].pop()),
        |side| side.answers[3][0] = Repeat::AsFirst,
        |side| side.answers[3].clear(),
        |side| side.repeats = 0,
    ] {
        let mut spoilt = sound.clone();
        spoil(&mut spoilt);
        let reason = reason(Some(&sound), Some(&spoilt));
        assert!(matches!(reason, Unchecked::Malformed { .. }), "{reason:?}");
    }
}

#[test]
fn equal_repeats_are_written_once_and_other_bits_are_no_vector() {
    let reading = Embedder::default().reading();
    assert!(matches!(
        reading.answers[0][..],
        [Repeat::Vector(_), Repeat::AsFirst, Repeat::AsFirst]
    ));
    let vector = PackedVector::new(vec![1.0, -2.5]);
    let json = serde_json::to_string(&vector).expect("JSON");
    assert_eq!(json, "\"AACAPwAAIMA=\"");
    for wrong in ["\"AACAPwAAIM\"", "\"AACA\"", "\"?\"", "[1.0]"] {
        serde_json::from_str::<PackedVector>(wrong).expect_err(wrong);
    }
}
