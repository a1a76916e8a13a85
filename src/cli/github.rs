//! A step of GitHub Actions: what it is told beside the result.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::cli::Failure;
use crate::judge::{Check, CheckVerdict};
use crate::plan::PolicyLines;
use crate::report::{
    Place, Report, SUMMARY_BYTES, annotations, printable, step_outputs, step_summary,
};

/// Whether a runner of GitHub Actions reads what this process prints.
pub(super) fn is_runner() -> bool {
    std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// The files of a run that its annotations may point to.
#[derive(Clone, Debug, Default)]
pub(super) struct Sources {
    /// The policy file.
    pub(super) policy: Option<PathBuf>,
    /// The folder of the gold set.
    pub(super) gold: Option<PathBuf>,
}

/// What the runner offers to this step.
pub(super) struct Step {
    output: Option<PathBuf>,
    summary: Option<PathBuf>,
    workspace: Option<PathBuf>,
}

impl Step {
    /// The step in which this process runs, if it is one.
    pub(super) fn of_this_process() -> Option<Self> {
        let file = |name| {
            let value = std::env::var_os(name);
            value.filter(|value| !value.is_empty()).map(PathBuf::from)
        };
        is_runner().then(|| Self {
            output: file("GITHUB_OUTPUT"),
            summary: file("GITHUB_STEP_SUMMARY"),
            workspace: file("GITHUB_WORKSPACE"),
        })
    }

    /// Prints annotations to stderr, which the runner reads as well as stdout, and adds to the files of
    /// outputs and summary. What those held before stays.
    pub(super) fn tell(
        &self,
        report: &Report,
        folder: &Path,
        sources: &Sources,
    ) -> Result<(), Failure> {
        let places = Places::of(sources, self.workspace.as_deref());
        let place = |check: &Check| places.of_check(check, report);
        let mut lines = Vec::new();
        annotations(report, &place, &mut lines)?;
        // A closed stderr is no reason to lose a verdict.
        let _ = std::io::stderr().lock().write_all(&lines);
        if let Some(path) = &self.output {
            let mut text = Vec::new();
            step_outputs(report, &folder.to_string_lossy(), &mut text)?;
            append(path, &text)?;
        }
        if let Some(path) = &self.summary {
            let held = std::fs::metadata(path).map_or(0, |of| of.len());
            let room = SUMMARY_BYTES.saturating_sub(held);
            append(path, step_summary(report, room)?.as_bytes())?;
        }
        Ok(())
    }
}

fn append(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let file = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(path);
    file.and_then(|mut file| file.write_all(bytes))
        .map_err(|source| Failure::Write {
            path: path.to_owned(),
            source,
        })
}

/// Where checks point to, in files named from the root of the repository.
struct Places {
    policy: Option<(String, PolicyLines)>,
    questions: Option<String>,
}

impl Places {
    fn of(sources: &Sources, workspace: Option<&Path>) -> Self {
        let policy = sources.policy.as_deref();
        let questions = sources
            .gold
            .as_ref()
            .map(|gold| gold.join("questions.jsonl"));
        Self {
            policy: policy.and_then(|path| {
                let name = in_repository(path, workspace)?;
                Some((name, PolicyLines::of(path)))
            }),
            questions: questions.and_then(|path| in_repository(&path, workspace)),
        }
    }

    /// A waiver, else the first of the questions to look at, else a limit that the policy moves.
    fn of_check(&self, check: &Check, report: &Report) -> Option<Place> {
        let in_policy = |line: fn(&PolicyLines, &Check) -> Option<u64>| {
            let (file, lines) = self.policy.as_ref()?;
            Some(Place {
                file: file.clone(),
                line: line(lines, check)?,
            })
        };
        let waived = || in_policy(|lines, check| lines.waiver(check.id, &check.target));
        let question = || {
            let id = check.worst_questions.first()?;
            let asked = report.record.questions.iter().find(|one| one.id == *id)?;
            Some(Place {
                file: self.questions.clone()?,
                line: asked.line,
            })
        };
        let moved = || in_policy(|lines, check| lines.limit(check.id));
        let is_waived = check.verdict == CheckVerdict::Waived;
        let waived = is_waived.then(waived).flatten();
        waived.or_else(question).or_else(moved)
    }
}

/// The name of a file below the workspace, with `/` between its parts; none of a file elsewhere.
fn in_repository(path: &Path, workspace: Option<&Path>) -> Option<String> {
    let path = path.canonicalize().ok()?;
    let root = workspace?.canonicalize().ok()?;
    let parts = path.strip_prefix(root).ok()?.components();
    let parts: Vec<String> = parts
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    (!parts.is_empty()).then(|| printable(&parts.join("/")))
}

/// A text in which the runner finds no command: it takes `::name::` at the beginning of a line and
/// `##[name]` anywhere, and could not know who wrote it.
pub(super) fn without_commands(text: &str) -> String {
    let tame = |line: &str| {
        let begins = line.trim_start();
        let indent = &line[..line.len() - begins.len()];
        match begins.strip_prefix("::") {
            Some(rest) => format!("{indent}: :{rest}"),
            None => line.to_owned(),
        }
    };
    let lines: Vec<String> = text.split('\n').map(tame).collect();
    lines.join("\n").replace("##[", "# #[")
}

/// The same of JSON, whose values stay what they are: only a text can hold `##[`, and no line begins with
/// one.
pub(super) fn json_without_commands(json: &str) -> String {
    json.replace("##[", "#\\u0023[")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_a_command_of_the_runner() {
        let tame =
            without_commands("::error::a\n  ::set-output name=x::y\na ::b\nx ##[add-mask]y\n");
        assert_eq!(
            tame,
            ": :error::a\n  : :set-output name=x::y\na ::b\nx # #[add-mask]y\n"
        );
    }

    #[test]
    fn json_keeps_its_values() {
        let value = serde_json::json!({ "a": "x ##[add-mask]y \\##[" });
        let json = json_without_commands(&value.to_string());
        assert!(!json.contains("##["), "{json}");
        let back: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(back, value);
    }

    #[test]
    fn only_a_file_of_the_repository_has_a_place() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let file = root.join("src/lib.rs");
        assert_eq!(
            in_repository(&file, Some(root)).as_deref(),
            Some("src/lib.rs")
        );
        assert_eq!(in_repository(&file, Some(&root.join("docs"))), None);
        assert_eq!(in_repository(&file, None), None);
        assert_eq!(in_repository(&root.join("none"), Some(root)), None);
    }
}
