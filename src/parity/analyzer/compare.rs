//! Two readings of the same probes beside each other, and one reading beside itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::parity::analyzer::{ProbeKind, ProbeSet, TokenStream, TokenStreams};

/// What a comparison of two analyzers comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnalyzerStatus {
    /// Every probe is cut alike, at index time and at search time.
    Equal,
    /// The same, by engines that say they differ: a warning, for the probes are not every text.
    EngineDiffers,
    /// Some probe is cut in another way.
    Differs,
    /// Index time or search time could not be compared, and what could be shows no difference. Never
    /// read as equal.
    NotChecked,
}

/// Why streams were not compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "reason", rename_all = "snake_case", deny_unknown_fields)]
pub enum Unchecked {
    /// A side or both could not be read.
    NoReading,
    /// The sides were asked different texts.
    OtherProbeSet,
    /// The sides were asked texts that this program does not know.
    UnknownProbeSet,
    /// A reading contradicts itself.
    Malformed {
        /// In what way.
        problem: String,
    },
    /// A side or both cannot tell how a question is cut.
    SearchNotTold,
}

/// Which part of a stream differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StreamPart {
    /// The tokens themselves.
    Tokens,
    /// Only where they stand, which phrases depend on. Looked at where both sides tell.
    Positions,
}

/// The first probe that is cut in another way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FirstDifference {
    /// Index of the probe in its set, from 0.
    pub probe: usize,
    /// What it tries out.
    pub kind: ProbeKind,
    /// Its text.
    pub text: String,
    /// What differs.
    pub part: StreamPart,
    /// Index of the first differing token, from 0.
    pub token: usize,
    /// That token of the one side; absent if its stream has ended.
    pub a: Option<String>,
    /// That token of the other side; absent if its stream has ended.
    pub b: Option<String>,
    /// The whole stream of the one side.
    pub a_stream: TokenStream,
    /// The whole stream of the other side.
    pub b_stream: TokenStream,
}

/// Probes of a kind that are cut in another way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Uneven {
    /// The kind.
    pub kind: ProbeKind,
    /// Probes of it.
    pub n_probes: usize,
    /// Those that differ; at least 1.
    pub n_differing: usize,
}

/// How many probes two lists of streams cut in another way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StreamsParity {
    /// Probes compared.
    pub n_probes: usize,
    /// Those that differ.
    pub n_differing: usize,
    /// The kinds with a difference, in the order of the probe set.
    pub kinds: Vec<Uneven>,
    /// The first of the differences, if there is one.
    pub first: Option<Box<FirstDifference>>,
}

/// How texts are cut at one time: when they are indexed, or when a question is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimeParity {
    /// Probe by probe.
    Compared(StreamsParity),
    /// Why not.
    NotChecked(Unchecked),
}

/// Two engines that say they differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Engines {
    /// Of the one side.
    pub a: String,
    /// Of the other side.
    pub b: String,
}

/// Two sides' analyzers beside each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnalyzerParity {
    /// The worst of what follows: differs, then not checked, then another engine.
    pub status: AnalyzerStatus,
    /// As texts are indexed.
    pub index: TimeParity,
    /// As questions are cut.
    pub search: TimeParity,
    /// The engines, if both tell and they are not the same.
    pub engines: Option<Engines>,
    /// Where the one side cuts questions in another way than texts. No failure: it may be on purpose.
    pub a_index_against_search: Option<StreamsParity>,
    /// The same of the other side.
    pub b_index_against_search: Option<StreamsParity>,
}

/// Compares two readings; `None` is a side that could not be read.
///
/// Tokens are compared exactly, in their order. Positions are compared only within a probe for which
/// both sides give them, so that a side that tells more than the other does not differ for it.
/// Time `O(bytes of both)`.
pub fn compare(a: Option<&TokenStreams>, b: Option<&TokenStreams>) -> AnalyzerParity {
    let own = |side: Option<&TokenStreams>| {
        let parity = index_against_search(side?)?;
        (parity.n_differing > 0).then_some(parity)
    };
    let unchecked = |reason: Unchecked| {
        (
            TimeParity::NotChecked(reason.clone()),
            TimeParity::NotChecked(reason),
        )
    };
    let (index, search) = match comparable(a, b) {
        Err(reason) => unchecked(reason),
        Ok((set, a, b)) => {
            let search = match (&a.search, &b.search) {
                (Some(a), Some(b)) => TimeParity::Compared(diff(set, a, b)),
                _ => TimeParity::NotChecked(Unchecked::SearchNotTold),
            };
            (TimeParity::Compared(diff(set, &a.index, &b.index)), search)
        }
    };
    let engine = |side: Option<&TokenStreams>| side?.engine.clone();
    let engines = engine(a).zip(engine(b)).filter(|(a, b)| a != b);
    AnalyzerParity {
        status: status(&index, &search, engines.is_some()),
        index,
        search,
        engines: engines.map(|(a, b)| Engines { a, b }),
        a_index_against_search: own(a),
        b_index_against_search: own(b),
    }
}

/// How one side cuts texts (`a`) beside how it cuts questions (`b`); `None` if it does not tell, or
/// its reading is not of a set that this program knows.
pub fn index_against_search(side: &TokenStreams) -> Option<StreamsParity> {
    let set = ProbeSet::known(&side.probe_set)?;
    side.check(set).ok()?;
    Some(diff(set, &side.index, side.search.as_ref()?))
}

type Comparable<'a> = (&'static ProbeSet, &'a TokenStreams, &'a TokenStreams);

fn comparable<'a>(
    a: Option<&'a TokenStreams>,
    b: Option<&'a TokenStreams>,
) -> Result<Comparable<'a>, Unchecked> {
    let (Some(a), Some(b)) = (a, b) else {
        return Err(Unchecked::NoReading);
    };
    if a.probe_set != b.probe_set {
        return Err(Unchecked::OtherProbeSet);
    }
    let set = ProbeSet::known(&a.probe_set).ok_or(Unchecked::UnknownProbeSet)?;
    for side in [a, b] {
        side.check(set).map_err(|malformed| Unchecked::Malformed {
            problem: malformed.to_string(),
        })?;
    }
    Ok((set, a, b))
}

fn status(index: &TimeParity, search: &TimeParity, other_engine: bool) -> AnalyzerStatus {
    let differs =
        |time: &TimeParity| matches!(time, TimeParity::Compared(parity) if parity.n_differing > 0);
    let unchecked = |time: &TimeParity| matches!(time, TimeParity::NotChecked(_));
    if differs(index) || differs(search) {
        AnalyzerStatus::Differs
    } else if unchecked(index) || unchecked(search) {
        AnalyzerStatus::NotChecked
    } else if other_engine {
        AnalyzerStatus::EngineDiffers
    } else {
        AnalyzerStatus::Equal
    }
}

/// Both lists have one stream a probe.
fn diff(set: &ProbeSet, a: &[TokenStream], b: &[TokenStream]) -> StreamsParity {
    let mut kinds: Vec<Uneven> = Vec::new();
    let mut first = None;
    let mut n_differing = 0;
    for (index, (probe, (a, b))) in set.probes().iter().zip(a.iter().zip(b)).enumerate() {
        if kinds.last().is_none_or(|uneven| uneven.kind != probe.kind) {
            kinds.push(Uneven {
                kind: probe.kind,
                n_probes: 0,
                n_differing: 0,
            });
        }
        let uneven = kinds.last_mut().expect("just pushed");
        uneven.n_probes += 1;
        let Some((part, token)) = differing(a, b) else {
            continue;
        };
        uneven.n_differing += 1;
        n_differing += 1;
        first.get_or_insert_with(|| {
            Box::new(FirstDifference {
                probe: index,
                kind: probe.kind,
                text: probe.text.clone(),
                part,
                token,
                a: a.tokens.get(token).cloned(),
                b: b.tokens.get(token).cloned(),
                a_stream: a.clone(),
                b_stream: b.clone(),
            })
        });
    }
    kinds.retain(|uneven| uneven.n_differing > 0);
    StreamsParity {
        n_probes: a.len(),
        n_differing,
        kinds,
        first,
    }
}

/// The first token by which two streams differ, and in what.
fn differing(a: &TokenStream, b: &TokenStream) -> Option<(StreamPart, usize)> {
    fn first<T: PartialEq>(a: &[T], b: &[T]) -> Option<usize> {
        let shared = a.iter().zip(b).take_while(|(a, b)| a == b).count();
        (shared < a.len().max(b.len())).then_some(shared)
    }
    if let Some(token) = first(&a.tokens, &b.tokens) {
        return Some((StreamPart::Tokens, token));
    }
    let token = first(a.positions.as_deref()?, b.positions.as_deref()?)?;
    Some((StreamPart::Positions, token))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Digest;

    /// Words between white space, at both times.
    fn plain() -> TokenStreams {
        cut(|text| text.split_whitespace().map(str::to_owned).collect())
    }

    fn cut(how: impl Fn(&str) -> Vec<String>) -> TokenStreams {
        let set = ProbeSet::current();
        let stream = |text: &str| {
            let tokens = how(text);
            let positions = (0_u32..).take(tokens.len()).collect();
            TokenStream {
                tokens,
                positions: Some(positions),
            }
        };
        let streams: Vec<_> = set.probes().iter().map(|p| stream(&p.text)).collect();
        TokenStreams {
            probe_set: set.digest(),
            analyzer: "house".to_owned(),
            engine: Some("engine 1".to_owned()),
            index: streams.clone(),
            search: Some(streams),
        }
    }

    #[track_caller]
    fn check(a: &TokenStreams, b: &TokenStreams, expected: AnalyzerStatus) -> AnalyzerParity {
        let parity = compare(Some(a), Some(b));
        assert_eq!(parity.status, expected, "{parity:?}");
        let back = compare(Some(b), Some(a));
        assert_eq!(
            back.status, expected,
            "whichever is named first: {parity:?}"
        );
        parity
    }

    fn compared(time: &TimeParity) -> &StreamsParity {
        match time {
            TimeParity::Compared(parity) => parity,
            TimeParity::NotChecked(reason) => panic!("not checked: {reason:?}"),
        }
    }

    #[test]
    fn equal_streams_under_other_names_are_equal_and_another_engine_warns() {
        let mut other = plain();
        other.analyzer = "factory".to_owned();
        let parity = check(&plain(), &other, AnalyzerStatus::Equal);
        assert_eq!(compared(&parity.index).first, None);
        other.engine = Some("engine 2".to_owned());
        let parity = check(&plain(), &other, AnalyzerStatus::EngineDiffers);
        assert_eq!(parity.engines.map(|engines| engines.b), other.engine);
        other.engine = None;
        check(&plain(), &other, AnalyzerStatus::Equal);
    }

    #[test]
    fn the_first_differing_token_is_shown_with_both_streams() {
        let other = cut(|text| text.split_whitespace().map(str::to_lowercase).collect());
        let parity = check(&plain(), &other, AnalyzerStatus::Differs);
        let index = compared(&parity.index);
        let first = index.first.as_ref().expect("a difference");
        assert_eq!(first.text, "The Who");
        assert_eq!((first.kind, first.token), (ProbeKind::StopWords, 0));
        assert_eq!(
            (first.a.as_deref(), first.b.as_deref()),
            (Some("The"), Some("the"))
        );
        assert_eq!(first.a_stream.tokens, ["The", "Who"]);
        assert_eq!(first.b_stream.tokens, ["the", "who"]);
        let counted: usize = index.kinds.iter().map(|uneven| uneven.n_differing).sum();
        assert_eq!(counted, index.n_differing);
        assert!(index.kinds.iter().all(|uneven| uneven.n_differing > 0));
    }

    #[test]
    fn a_stream_that_ends_early_differs_at_its_end() {
        let mut shorter = plain();
        shorter.index[1].tokens.pop();
        shorter.index[1]
            .positions
            .as_mut()
            .map(Vec::pop)
            .expect("given");
        let parity = check(&plain(), &shorter, AnalyzerStatus::Differs);
        let first = compared(&parity.index).first.clone().expect("a difference");
        assert_eq!((first.probe, first.token, first.b), (1, 1, None));
        assert_eq!(first.a.as_deref(), Some("easily"));
        assert_eq!(compared(&parity.search).n_differing, 0);
    }

    #[test]
    fn positions_count_only_where_both_sides_give_them() {
        let mut gap = plain();
        gap.index[1].positions = Some(vec![0, 2]);
        let parity = check(&plain(), &gap, AnalyzerStatus::Differs);
        let first = compared(&parity.index).first.clone().expect("a difference");
        assert_eq!((first.part, first.token), (StreamPart::Positions, 1));
        gap.index[1].positions = None;
        check(&plain(), &gap, AnalyzerStatus::Equal);
    }

    #[test]
    fn what_was_not_read_is_not_equal() {
        let side = plain();
        for (a, b) in [
            (Some(&side), None),
            (None, Some(&side)),
            (None::<&_>, None::<&_>),
        ] {
            let parity = compare(a, b);
            assert_eq!(parity.status, AnalyzerStatus::NotChecked);
            assert_eq!(parity.index, TimeParity::NotChecked(Unchecked::NoReading));
        }
        let unchecked = |a: &TokenStreams, b: &TokenStreams| match check(
            a,
            b,
            AnalyzerStatus::NotChecked,
        )
        .index
        {
            TimeParity::NotChecked(reason) => reason,
            TimeParity::Compared(parity) => panic!("compared: {parity:?}"),
        };
        let mut other = plain();
        other.probe_set = Digest::of("another");
        assert_eq!(unchecked(&side, &other), Unchecked::OtherProbeSet);
        assert_eq!(unchecked(&other, &other), Unchecked::UnknownProbeSet);
        let mut short = plain();
        short.index.pop();
        assert!(matches!(
            unchecked(&side, &short),
            Unchecked::Malformed { .. }
        ));
    }

    #[test]
    fn search_that_is_not_told_is_not_equal_and_a_known_difference_outweighs_it() {
        let mut silent = plain();
        silent.search = None;
        let parity = check(&plain(), &silent, AnalyzerStatus::NotChecked);
        assert_eq!(compared(&parity.index).n_differing, 0);
        silent.index[0].tokens[0].push('!');
        check(&plain(), &silent, AnalyzerStatus::Differs);
    }

    #[test]
    fn a_side_that_cuts_questions_in_another_way_is_shown_and_does_not_fail_for_it() {
        let lower = cut(|text| text.split_whitespace().map(str::to_lowercase).collect());
        let apart = TokenStreams {
            search: lower.search,
            ..plain()
        };
        let parity = check(&apart, &apart, AnalyzerStatus::Equal);
        let own = parity.a_index_against_search.expect("shown");
        assert!(own.n_differing > 0);
        assert_eq!(own.first.expect("a difference").b.as_deref(), Some("the"));
        assert_eq!(compare(Some(&plain()), None).a_index_against_search, None);
        check(&plain(), &apart, AnalyzerStatus::Differs);
    }
}
