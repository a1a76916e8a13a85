//! Where a policy says what, for messages that point into the file.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::ids::TargetName;
use crate::judge::{CheckId, Requirement};

/// The lines of a policy on which it moves a limit, requires one or waives a check, from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyLines {
    /// Those that are moved stand before those that are required.
    limits: Vec<(CheckId, u64)>,
    waivers: Vec<(CheckId, Option<TargetName>, u64)>,
}

impl PolicyLines {
    /// Of a policy that was read before. A file that has gone since, or is another now, has none.
    pub fn of(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        Self::in_text(&text)
    }

    fn in_text(text: &str) -> Self {
        let Ok(written) = DeTable::parse(text) else {
            return Self::default();
        };
        let written = written.get_ref();
        let gate = table(written, "gate");
        let overrides = gate.and_then(|gate| table(gate, "override"));
        let moved = overrides.into_iter().flat_map(|table| table.iter());
        let moved = moved.filter_map(|(key, _)| {
            let id = key.get_ref().parse().ok()?;
            Some((id, line(text, key.span().start)))
        });
        let required = gate.and_then(|gate| gate.get("require")?.get_ref().as_array());
        let required = required.into_iter().flat_map(|lines| lines.iter());
        let required = required.filter_map(|one| {
            let requirement: Requirement = one.get_ref().as_str()?.parse().ok()?;
            Some((requirement.id(), line(text, one.span().start)))
        });
        let waivers = written.get("waiver").map(Spanned::get_ref);
        let waivers = waivers.and_then(DeValue::as_array);
        Self {
            limits: moved.chain(required).collect(),
            waivers: waivers
                .into_iter()
                .flat_map(|waivers| waivers.iter())
                .filter_map(|waiver| {
                    let waiver = waiver.get_ref().as_table()?;
                    let check = waiver.get("check")?;
                    let target = waiver
                        .get("target")
                        .and_then(|name| name.get_ref().as_str());
                    let id = check.get_ref().as_str()?.parse().ok()?;
                    let line = line(text, check.span().start);
                    Some((id, target.map(TargetName::new), line))
                })
                .collect(),
        }
    }

    /// Where the limit of a check is moved, or else required.
    pub fn limit(&self, id: CheckId) -> Option<u64> {
        let mut found = self.limits.iter().filter(|(of, _)| *of == id);
        found.next().map(|(_, line)| *line)
    }

    /// Where a check of a target is waived.
    pub fn waiver(&self, id: CheckId, target: &TargetName) -> Option<u64> {
        let covers = |of: &Option<TargetName>| of.as_ref().is_none_or(|of| of == target);
        let mut found = self
            .waivers
            .iter()
            .filter(|(of, on, _)| *of == id && covers(on));
        found.next().map(|(_, _, line)| *line)
    }
}

fn table<'a, 'i>(of: &'a DeTable<'i>, key: &str) -> Option<&'a DeTable<'i>> {
    of.get(key)?.get_ref().as_table()
}

fn line(text: &str, at: usize) -> u64 {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() as u64 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = "gold = '.'

[gate.override.CA-DS]
max = 0.5
reason = 'é'

[[waiver]]
reason = 'r'
check = 'CA-LAM'
target = 'b'

[[waiver]]
check = 'CA-LAM'
";

    #[test]
    fn a_moved_limit_and_a_waiver_are_found_by_line() {
        let lines = PolicyLines::in_text(POLICY);
        assert_eq!(lines.limit(CheckId::CaDs), Some(3));
        assert_eq!(lines.limit(CheckId::CaCov), None);
        let waived = |id, target| lines.waiver(id, &TargetName::new(target));
        assert_eq!(waived(CheckId::CaLam, "b"), Some(9));
        assert_eq!(waived(CheckId::CaLam, "a"), Some(13));
        assert_eq!(waived(CheckId::CaDs, "a"), None);
    }

    #[test]
    fn what_is_required_stands_on_a_line_until_it_is_moved() {
        let required = "[gate]\nrequire = [\n  'rank.map >= 0.5',\n  'rank.nDCG@10 >= 0.6',\n]\n";
        let moved = "[gate.override.'rank.MAP']\nmin = 0.4\nreason = 'r'\n";
        let lines = PolicyLines::in_text(&format!("{required}{moved}"));
        let of = |name: &str| lines.limit(name.parse().expect("a check"));
        assert_eq!(of("rank.map"), Some(6));
        assert_eq!(of("rank.ndcg_cut_10"), Some(4));
        assert_eq!(of("rank.recall_10"), None);
    }

    #[test]
    fn what_is_no_policy_has_no_lines() {
        assert_eq!(PolicyLines::in_text("gate = ["), PolicyLines::default());
        assert_eq!(
            PolicyLines::of(Path::new("/nowhere")),
            PolicyLines::default()
        );
    }
}
