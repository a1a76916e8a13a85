//! The measures by name: what each is, which parameter it takes, and how it is summed up over queries.

/// What a measure takes beside the list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Takes {
    /// Nothing.
    Nothing,
    /// A number of ranks, by default each of these.
    Cutoffs(&'static [usize]),
    /// A number of ranks, or none, which is the whole list.
    CutoffOrAll,
    /// A number, by default each of these.
    Numbers(&'static [f64]),
    /// A number, by default this one.
    Number(f64),
    /// Several numbers at once, by default these.
    Several(&'static [f64]),
    /// Worths of grades, `1=3,2=9`; by default each grade is worth itself.
    Gains,
}

/// How the values of queries become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// Their number.
    Count,
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
    /// `exp` of the mean of logarithms, each value being at least 0.00001.
    GeometricMean,
}

/// `trec_eval`'s cut-offs.
const CUTOFFS: &[usize] = &[5, 10, 15, 20, 30, 100, 200, 500, 1000];
/// What measures from elsewhere are asked at where nothing is said.
const TOP: &[usize] = &[10];
const RECALLS: &[f64] = &[0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];
const MULTIPLES: &[f64] = &[0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0];

/// Declares the measures, in the order in which `trec_eval` prints them; those of others follow.
macro_rules! families {
    ($($family:ident = $name:literal, $takes:expr, $over:ident, [$($other:literal),*], $summary:literal;)*) => {
        /// A measure, or several that differ by a parameter only.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Family { $(#[doc = $summary] $family,)* }

        impl Family {
            /// All of them, in the order in which they are printed.
            pub const ALL: &[Self] = &[$(Self::$family,)*];

            /// The name, as it is printed.
            pub fn name(self) -> &'static str {
                match self { $(Self::$family => $name,)* }
            }

            /// Other names that are read, in any case.
            pub fn other_names(self) -> &'static [&'static str] {
                match self { $(Self::$family => &[$($other),*],)* }
            }

            /// What it takes.
            pub fn takes(self) -> Takes {
                match self { $(Self::$family => $takes,)* }
            }

            /// How it is summed up.
            pub fn over(self) -> Over {
                match self { $(Self::$family => Over::$over,)* }
            }

            /// What it is, in a sentence.
            pub fn summary(self) -> &'static str {
                match self { $(Self::$family => $summary,)* }
            }
        }
    };
}

families! {
    NumQ = "num_q", Takes::Nothing, Count, ["NumQ"],
        "Number of queries.";
    NumRet = "num_ret", Takes::Nothing, Sum, ["NumRet"],
        "Number of documents retrieved.";
    NumRel = "num_rel", Takes::Nothing, Sum, ["NumRel"],
        "Number of relevant documents, R.";
    NumRelRet = "num_rel_ret", Takes::Nothing, Sum, ["NumRelRet"],
        "Number of relevant documents retrieved.";
    Map = "map", Takes::Nothing, Mean, ["AP", "MAP"],
        "Average precision: the precision at each relevant rank, summed, ÷ R.";
    GmMap = "gm_map", Takes::Nothing, GeometricMean, ["GMAP"],
        "Average precision, by the geometric mean over queries.";
    Rprec = "Rprec", Takes::Nothing, Mean, ["R-Prec", "RPrec"],
        "Precision at rank R.";
    Bpref = "bpref", Takes::Nothing, Mean, [],
        "Binary preference: relevant documents before judged ones that are not.";
    RecipRank = "recip_rank", Takes::Nothing, Mean, ["RR", "MRR"],
        "1 ÷ the rank of the first relevant document.";
    IprecAtRecall = "iprec_at_recall", Takes::Numbers(RECALLS), Mean, ["IPrec"],
        "The best precision at or after a recall.";
    P = "P", Takes::Cutoffs(CUTOFFS), Mean, ["Precision"],
        "Relevant documents in the first k ranks, ÷ k.";
    Recall = "recall", Takes::Cutoffs(CUTOFFS), Mean, ["R"],
        "Relevant documents in the first k ranks, ÷ R.";
    InfAp = "infAP", Takes::Nothing, Mean, [],
        "Average precision inferred from a pool that was judged in part.";
    GmBpref = "gm_bpref", Takes::Nothing, GeometricMean, [],
        "Binary preference, by the geometric mean over queries.";
    RprecMult = "Rprec_mult", Takes::Numbers(MULTIPLES), Mean, [],
        "Precision at a multiple of R.";
    Utility = "utility", Takes::Several(&[1.0, -1.0, 0.0, 0.0]), Mean, [],
        "Worths of relevant and other documents, retrieved and missed, summed.";
    ElevenPtAvg = "11pt_avg", Takes::Several(RECALLS), Mean, [],
        "The mean of the best precision at or after several recalls.";
    BinG = "binG", Takes::Nothing, Mean, [],
        "1 ÷ log2 of 2 + the others before a relevant document, over R.";
    G = "G", Takes::Gains, Mean, [],
        "Gain ÷ log2 of 2 + what the ideal order is ahead, over the ideal gain.";
    Ndcg = "ndcg", Takes::Gains, Mean, [],
        "Discounted cumulative gain, linear, ÷ that of the ideal order.";
    NdcgRel = "ndcg_rel", Takes::Gains, Mean, [],
        "Discounted cumulative gain ÷ the ideal one, at each relevant document, averaged.";
    Rndcg = "Rndcg", Takes::Gains, Mean, [],
        "Discounted cumulative gain ÷ the ideal one, where that goes to another grade, averaged.";
    NdcgCut = "ndcg_cut", Takes::Cutoffs(CUTOFFS), Mean, ["nDCG"],
        "Discounted cumulative gain of the first k ranks, linear, ÷ that of the ideal order.";
    MapCut = "map_cut", Takes::Cutoffs(CUTOFFS), Mean, ["AP", "MAP"],
        "Average precision of the first k ranks, ÷ R.";
    RelativeP = "relative_P", Takes::Cutoffs(CUTOFFS), Mean, [],
        "Relevant documents in the first k ranks, ÷ as many as could be.";
    Success = "success", Takes::Cutoffs(&[1, 5, 10]), Mean, [],
        "1 if any relevant document is in the first k ranks.";
    SetP = "set_P", Takes::Nothing, Mean, ["SetP"],
        "Precision of all that was retrieved.";
    SetRelativeP = "set_relative_P", Takes::Nothing, Mean, ["SetRelP"],
        "Relevant documents retrieved, ÷ as many as could be.";
    SetRecall = "set_recall", Takes::Nothing, Mean, ["SetR"],
        "Recall of all that was retrieved.";
    SetMap = "set_map", Takes::Nothing, Mean, ["SetAP"],
        "Precision × recall of all that was retrieved.";
    SetF = "set_F", Takes::Number(1.0), Mean, ["SetF"],
        "Weighted harmonic mean of precision and recall of all that was retrieved.";
    NumNonrelJudgedRet = "num_nonrel_judged_ret", Takes::Nothing, Sum, [],
        "Number of documents retrieved that were judged not relevant.";
    Rbp = "rbp", Takes::Number(0.9), Mean, [],
        "Rank-biased precision of a reader who goes on with chance p.";
    RbpResid = "rbp_resid", Takes::Nothing, Mean, [],
        "How much rank-biased precision could rise if all that nobody judged were relevant (p = 0.9).";
    Unj = "unj", Takes::Cutoffs(&[5, 10, 20]), Mean, [],
        "Documents nobody judged in the first k ranks, ÷ k.";
    Mrr = "mrr", Takes::Cutoffs(TOP), Mean, ["RR"],
        "1 ÷ the rank of the first relevant document, if it is in the first k.";
    HitRate = "hit_rate", Takes::Cutoffs(TOP), Mean, ["HitRate", "hit"],
        "1 if any relevant document is in the first k ranks, as recommenders call it.";
    RCap = "R_cap", Takes::Cutoffs(TOP), Mean, ["RCap"],
        "Relevant documents in the first k ranks, ÷ as many as could be, as BEIR calls it.";
    NdcgExp = "ndcg_exp", Takes::CutoffOrAll, Mean, ["nDCG_exp"],
        "Discounted cumulative gain with a gain of 2^grade - 1, ÷ that of the ideal order; of k ranks or all.";
    Err = "err", Takes::CutoffOrAll, Mean, [],
        "Expected reciprocal rank, grades going up to 4 as in gdeval.";
    Judged = "judged", Takes::Cutoffs(TOP), Mean, [],
        "Judged documents in the first k ranks, ÷ those that were retrieved there.";
}

impl Family {
    /// Whether `trec_eval` has it too; the others come from other tools.
    pub fn is_of_trec_eval(self) -> bool {
        let place = |family| Self::ALL.iter().position(|known| *known == family);
        place(self) < place(Self::Mrr)
    }

    /// Whether less of it is better: what counts what nobody judged.
    pub fn is_better_low(self) -> bool {
        matches!(self, Self::Unj | Self::RbpResid)
    }
}
