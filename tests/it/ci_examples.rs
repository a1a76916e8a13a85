//! The action and the examples of `docs/ci`, run as far as they can be without their platforms: their YAML
//! is read, their scripts run with the real program, and their conditions meet real files.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde_json::Value;
use tempfile::{NamedTempFile, TempDir};

use crate::github::{Step, red};
use crate::judged::{HANDBOOK, shared, text};
use crate::open_metrics;
use crate::support::{SmallGold, root, skip, stderr, stdout};

/// The documents of a YAML file of the project.
fn yaml(name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(root().join(name)).expect(name);
    let documents = Yaml::load_from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    documents.iter().map(json).collect()
}

fn json(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => (*value).into(),
        Yaml::Value(Scalar::Integer(value)) => (*value).into(),
        Yaml::Value(Scalar::FloatingPoint(value)) => value.into_inner().into(),
        Yaml::Value(Scalar::String(value)) => value.to_string().into(),
        Yaml::Sequence(values) => values.iter().map(json).collect(),
        Yaml::Mapping(values) => {
            let pair = |(key, value): (&Yaml, &Yaml)| {
                let key = key.as_str().expect("a key that is a text").to_owned();
                (key, json(value))
            };
            Value::Object(values.iter().map(pair).collect())
        }
        other => panic!("{other:?}"),
    }
}

/// A script, run with `ragstone` on the PATH and nothing else of this process's environment.
fn run(
    shell: &[&str],
    script: &str,
    environment: &BTreeMap<String, String>,
    folder: &Path,
) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_ragstone"));
    let path = format!(
        "{}:{}",
        text(program.parent().expect("a folder")),
        std::env::var("PATH").expect("a PATH")
    );
    Command::new(shell[0])
        .args(&shell[1..])
        .arg(script)
        .current_dir(folder)
        .env_clear()
        .env("PATH", path)
        .env("XDG_CACHE_HOME", "/dev/null")
        .envs(environment)
        .output()
        .expect("a shell")
}

/// The environment of a script, of pairs.
fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

/// A policy that passes, from kept replies, so that nothing is asked; one that fails; and one that decides
/// nothing.
struct Policies {
    passes: NamedTempFile,
    fails: SmallGold,
    undecided: SmallGold,
}

impl Policies {
    fn new() -> Self {
        Self {
            passes: shared(HANDBOOK, &[]).recorded(),
            fails: red("\"q0\"", "\"q0\""),
            undecided: SmallGold::new(12),
        }
    }

    /// Each with its verdict.
    fn all(&self) -> [(&'static str, String); 3] {
        [
            ("PASS", self.passes.path().to_owned()),
            ("FAIL", self.fails.policy()),
            ("INCONCLUSIVE", self.undecided.policy()),
        ]
        .map(|(verdict, policy)| (verdict, text(&policy).to_owned()))
    }
}

/// What the three policies make of the exit code.
fn code_of(verdict: &str) -> i32 {
    match verdict {
        "PASS" => 0,
        "FAIL" => 1,
        "INCONCLUSIVE" => 3,
        other => panic!("{other}"),
    }
}

/// A composite action, with its steps run one after the other.
struct Action {
    written: Value,
    step: Step,
}

impl Action {
    fn new() -> Self {
        Self {
            written: yaml("action.yml").remove(0),
            step: Step::new(),
        }
    }

    /// A value with the expressions in it evaluated: inputs, outputs of steps, the folder of the action.
    fn value(&self, written: &str, inputs: &BTreeMap<String, String>) -> String {
        let Some(inner) = written
            .strip_prefix("${{ ")
            .and_then(|rest| rest.strip_suffix(" }}"))
        else {
            assert!(!written.contains("${{"), "{written}");
            return written.to_owned();
        };
        let parts: Vec<&str> = inner.split('.').collect();
        match parts.as_slice() {
            ["inputs", name] => {
                let default = &self.written["inputs"][name];
                assert!(default.is_object(), "{name} is no input");
                let given = inputs.get(*name).map(String::as_str);
                given
                    .or(default["default"].as_str())
                    .unwrap_or_default()
                    .to_owned()
            }
            ["steps", _, "outputs", name] => self.step.output(name).unwrap_or_default(),
            ["github", "action_path"] => text(&root()).to_owned(),
            other => panic!("{other:?}"),
        }
    }

    /// Runs it; the output of the last step that ran, and the outputs of the action.
    fn run(&self, inputs: &[(&str, &str)]) -> (Output, BTreeMap<String, String>) {
        let inputs = environment(inputs);
        let [output, summary] = ["output", "summary"].map(|name| self.step.file(name));
        let mut last = None;
        for step in self.written["runs"]["steps"].as_array().expect("steps") {
            assert_eq!(step["shell"], "bash");
            let script = step["run"].as_str().expect("a script");
            assert!(!script.contains("${{"), "an input never becomes code");
            let mut given = environment(&[
                ("GITHUB_ACTIONS", "true"),
                ("GITHUB_OUTPUT", text(&output)),
                ("GITHUB_STEP_SUMMARY", text(&summary)),
                ("GITHUB_WORKSPACE", text(&root())),
            ]);
            for (key, value) in step["env"].as_object().expect("an environment") {
                given.insert(
                    key.clone(),
                    self.value(value.as_str().expect("text"), &inputs),
                );
            }
            let done = run(
                &["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"],
                script,
                &given,
                &root(),
            );
            let failed = !done.status.success();
            last = Some(done);
            if failed {
                break;
            }
        }
        let outputs = self.written["outputs"].as_object().expect("outputs");
        let outputs = outputs.iter().map(|(name, output)| {
            let value = output["value"].as_str().expect("an expression");
            (name.clone(), self.value(value, &inputs))
        });
        (last.expect("a step"), outputs.collect())
    }
}

#[test]
fn the_action_hands_on_what_the_gate_concluded() {
    let policies = Policies::new();
    for (verdict, policy) in &policies.all() {
        let action = Action::new();
        let folder = action.step.file("run in a folder");
        let args = format!("--out\n{}\n", text(&folder));
        let (output, told) =
            action.run(&[("policy", policy), ("stage", "shadow"), ("args", &args)]);
        let code = code_of(verdict);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{}{}",
            stdout(&output),
            stderr(&output)
        );
        assert_eq!(told["verdict"], *verdict);
        assert_eq!(told["exit-code"], code.to_string());
        assert_eq!(told["run"], text(&folder));
        assert_eq!(told["failed-checks"].is_empty(), *verdict != "FAIL");
        assert!(folder.join("verdict.json").exists());
    }
}

#[test]
fn the_action_warns_of_what_is_inconclusive_only_if_asked_to() {
    let small = SmallGold::new(12);
    let action = Action::new();
    let out = format!("--out\n{}", text(&action.step.file("run")));
    let policy = small.policy();
    let inputs = [
        ("policy", text(&policy)),
        ("args", &out),
        ("inconclusive", "warn"),
    ];
    let (output, told) = action.run(&inputs);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(
        (told["verdict"].as_str(), told["exit-code"].as_str()),
        ("INCONCLUSIVE", "3")
    );
}

#[test]
fn the_action_fails_without_a_verdict_or_with_another_version() {
    let action = Action::new();
    let (output, told) = action.run(&[("policy", "/nowhere/ragstone.toml")]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert_eq!(
        (told["verdict"].as_str(), told["exit-code"].as_str()),
        ("", "2")
    );
    let (output, told) = Action::new().run(&[("policy", "x"), ("version", "999.0.0")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stdout(&output).contains("999.0.0 is wanted") && told["exit-code"].is_empty());
}

#[test]
fn the_workflow_of_github_uses_the_action_as_it_is() {
    let action = yaml("action.yml").remove(0);
    let workflow = yaml("docs/ci/github.yml").remove(0);
    let steps = workflow["jobs"]["gate"]["steps"]
        .as_array()
        .expect("steps")
        .clone();
    let uses = steps
        .iter()
        .find(|step| step["id"] == "ragstone")
        .expect("the action");
    for name in uses["with"].as_object().expect("inputs").keys() {
        assert!(action["inputs"][name].is_object(), "{name}");
    }
    assert!(
        root()
            .join(uses["with"]["policy"].as_str().expect("a path"))
            .exists()
    );
    let written = std::fs::read_to_string(root().join("docs/ci/github.yml")).expect("readable");
    for used in written.split("steps.ragstone.outputs.").skip(1) {
        let name: String = used
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '-')
            .collect();
        assert!(action["outputs"][&name].is_object(), "{name}");
    }
    // The one script of its own.
    if Command::new("jq").arg("--version").output().is_err() {
        skip("there is no jq to run the script of docs/ci/github.yml");
        return;
    }
    let script = steps
        .iter()
        .find_map(|step| step["run"].as_str())
        .expect("a script");
    let run_folder = &shared(HANDBOOK, &[]).run;
    let folder = tempfile::tempdir().expect("a folder");
    let given = environment(&[("RUN", text(run_folder))]);
    let done = run(&["bash", "-e", "-c"], script, &given, folder.path());
    assert!(done.status.success(), "{}", stderr(&done));
    let predicate = read_json(&folder.path().join("predicate.json"));
    let statement = read_json(&run_folder.join("test-result.intoto.json"));
    assert_eq!(predicate, statement["predicate"]);
    let sign = steps.last().expect("steps");
    assert_eq!(sign["with"]["predicate-type"], statement["predicateType"]);
}

fn read_json(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).expect("readable")).expect("JSON")
}

#[test]
fn the_job_of_gitlab_leaves_what_it_names() {
    let job = yaml("docs/ci/gitlab-ci.yml").remove(0)["ragstone"].clone();
    let lines: Vec<&str> = job["script"]
        .as_array()
        .expect("lines")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let warned: Vec<i64> = job["allow_failure"]["exit_codes"]
        .as_array()
        .expect("codes")
        .iter()
        .filter_map(Value::as_i64)
        .collect();
    assert_eq!(warned, [3], "only what is inconclusive is a warning");
    let policies = Policies::new();
    for (verdict, policy) in &policies.all() {
        let folder = tempfile::tempdir().expect("a folder");
        let stage = job["variables"]["STAGE"].as_str().expect("a stage");
        let given = environment(&[("POLICY", policy), ("STAGE", stage)]);
        let done = run(
            &["bash", "-eo", "pipefail", "-c"],
            &lines.join("\n"),
            &given,
            folder.path(),
        );
        let code = code_of(verdict);
        assert_eq!(done.status.code(), Some(code), "{}", stderr(&done));
        let reports = job["artifacts"]["reports"].as_object().expect("reports");
        for file in reports
            .values()
            .chain(job["artifacts"]["paths"].as_array().expect("paths"))
        {
            let file = file.as_str().expect("a path");
            assert!(folder.path().join(file).exists(), "{file}");
        }
        let variables =
            std::fs::read_to_string(folder.path().join("ragstone.env")).expect("variables");
        assert_eq!(variables, format!("RAGSTONE_EXIT_CODE={code}\n"));
    }
}

/// What `jsonPath` of the form `{$.a.b}` finds.
fn json_path<'a>(path: &str, value: &'a Value) -> &'a Value {
    let inner = path
        .strip_prefix("{$.")
        .and_then(|path| path.strip_suffix('}'));
    let keys = inner.expect("a path of this form").split('.');
    keys.fold(value, |value, key| &value[key])
}

/// Whether a condition of the form `result == "A" || result == "B"` holds.
fn condition(condition: &str, result: &Value) -> bool {
    let holds = |part: &str| {
        let wanted = part
            .trim()
            .strip_prefix("result == \"")
            .and_then(|rest| rest.strip_suffix('"'));
        *result == wanted.expect("a condition of this form")
    };
    condition.split("||").any(holds)
}

/// What Argo Rollouts makes of one measurement.
fn phase(metric: &Value, answer: &Value) -> &'static str {
    let path = metric["provider"]["web"]["jsonPath"]
        .as_str()
        .expect("a path");
    let result = json_path(path, answer);
    let meets = |key: &str| condition(metric[key].as_str().expect("a condition"), result);
    match (meets("failureCondition"), meets("successCondition")) {
        (true, _) => "Failed",
        (false, true) => "Successful",
        (false, false) => "Inconclusive",
    }
}

fn named<'a>(documents: &'a [Value], kind: &str, name: &str) -> &'a Value {
    let is = |one: &&Value| one["kind"] == kind && one["metadata"]["name"] == name;
    documents
        .iter()
        .find(is)
        .unwrap_or_else(|| panic!("no {kind} {name}"))
}

#[test]
fn argo_rollouts_goes_on_stops_or_waits_by_the_verdict() {
    let documents = yaml("docs/ci/argo-rollouts.yaml");
    let gate = named(&documents, "AnalysisTemplate", "ragstone-gate");
    let pod = &gate["spec"]["metrics"][0]["provider"]["job"]["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let script = container["args"][0].as_str().expect("a script");
    assert_eq!(container["command"], serde_json::json!(["/bin/sh", "-ec"]));
    let metric = &named(&documents, "AnalysisTemplate", "ragstone-verdict")["spec"]["metrics"][0];
    let policies = Policies::new();
    let shared = tempfile::tempdir().expect("a folder");
    for ((verdict, policy), expected) in
        policies
            .all()
            .iter()
            .zip(["Successful", "Failed", "Inconclusive"])
    {
        let given = environment(&[
            ("POLICY", policy),
            ("STAGE", "shadow"),
            ("SHARED", text(shared.path())),
        ]);
        let done = run(&["/bin/sh", "-ec"], script, &given, shared.path());
        assert!(done.status.success(), "{verdict}: {}", stderr(&done));
        let published = read_json(&shared.path().join("verdict.json"));
        assert_eq!(published["verdict"], *verdict);
        assert_eq!(phase(metric, &published), expected);
        for (other, expected) in [("HARD_STOP", "Failed"), ("ERROR", "Inconclusive")] {
            let mut published = published.clone();
            published["verdict"] = other.into();
            assert_eq!(phase(metric, &published), expected);
        }
    }
    let given = environment(&[
        ("POLICY", "/nowhere"),
        ("STAGE", "shadow"),
        ("SHARED", text(shared.path())),
    ]);
    let done = run(&["/bin/sh", "-ec"], script, &given, shared.path());
    assert!(!done.status.success(), "no verdict, no success");
    assert!(
        !shared.path().join("verdict.json").exists(),
        "and none of an earlier run"
    );
}

#[test]
fn the_steps_of_the_rollout_name_templates_that_exist_and_all_of_their_arguments() {
    let documents = yaml("docs/ci/argo-rollouts.yaml");
    let rollout = named(&documents, "Rollout", "search");
    let steps = rollout["spec"]["strategy"]["canary"]["steps"]
        .as_array()
        .expect("steps");
    let analyses: Vec<&Value> = steps
        .iter()
        .filter(|step| step["analysis"].is_object())
        .collect();
    let names: Vec<&str> = analyses
        .iter()
        .filter_map(|step| step["analysis"]["templates"][0]["templateName"].as_str())
        .collect();
    assert_eq!(
        names,
        ["ragstone-gate", "ragstone-verdict"],
        "the gate, then what it found"
    );
    for (step, name) in analyses.iter().zip(names) {
        let template = named(&documents, "AnalysisTemplate", name);
        let arguments = |value: &Value| -> Vec<String> {
            let list = value.as_array().cloned().unwrap_or_default();
            list.iter()
                .filter_map(|one| one["name"].as_str().map(str::to_owned))
                .collect()
        };
        assert_eq!(
            arguments(&template["spec"]["args"]),
            arguments(&step["analysis"]["args"])
        );
    }
    let five: Result<ragstone::judge::RunbookStage, _> =
        analyses[0]["analysis"]["args"][1]["value"]
            .as_str()
            .expect("a stage")
            .parse();
    assert!(five.is_ok());
}

/// What a query of the form `sum(NAME{LABEL=~"A|B"})` gives on a file of metrics.
fn query(query: &str, metrics: &str) -> Option<f64> {
    let inner = query
        .strip_prefix("sum(")
        .and_then(|rest| rest.strip_suffix(')'))
        .expect("a sum");
    let (family, matcher) = inner.split_once('{').expect("a selector");
    let (label, values) = matcher
        .strip_suffix("\"}")
        .and_then(|one| one.split_once("=~\""))
        .expect("a matcher");
    let samples = open_metrics::parse(metrics).expect("metrics");
    open_metrics::sum(
        &samples,
        family,
        label,
        &values.split('|').collect::<Vec<_>>(),
    )
}

/// The command of a webhook of the canary, run as the load tester does.
fn webhook(canary: &Value, name: &str, policy: &str, folder: &TempDir) -> bool {
    let hooks = canary["spec"]["analysis"]["webhooks"]
        .as_array()
        .expect("webhooks");
    let hook = hooks
        .iter()
        .find(|hook| hook["name"] == name)
        .expect("a webhook");
    assert_eq!(hook["metadata"]["type"], "bash");
    let script = hook["metadata"]["cmd"].as_str().expect("a command");
    let given = environment(&[("POLICY", policy), ("SHARED", text(folder.path()))]);
    run(&["bash", "-c"], script, &given, folder.path())
        .status
        .success()
}

#[test]
fn flagger_promotes_a_pass_takes_back_a_fail_and_waits_for_the_rest() {
    let documents = yaml("docs/ci/flagger.yaml");
    let canary = named(&documents, "Canary", "search");
    let metric = &canary["spec"]["analysis"]["metrics"][0];
    let template = named(
        &documents,
        "MetricTemplate",
        metric["templateRef"]["name"].as_str().expect("a name"),
    );
    let asked = template["spec"]["query"].as_str().expect("a query");
    let most = metric["thresholdRange"]["max"].as_f64().expect("a limit");
    let policies = Policies::new();
    let folder = tempfile::tempdir().expect("a folder");
    for (verdict, policy) in &policies.all() {
        let hook = |name: &str| webhook(canary, name, policy, &folder);
        let failed = *verdict == "FAIL";
        assert_eq!(hook("gate"), !failed, "{verdict}");
        assert_eq!(hook("failed"), failed, "{verdict}");
        for waits in ["passed, for traffic", "passed, for promotion"] {
            assert_eq!(hook(waits), *verdict == "PASS", "{verdict}");
        }
        let metrics = std::fs::read_to_string(folder.path().join("metrics.prom")).expect("metrics");
        let value = query(asked, &metrics).expect("a value");
        assert_eq!(value <= most, !failed, "{verdict}");
    }
    let none = |name: &str| webhook(canary, name, "/nowhere", &folder);
    assert!(!none("gate") && !none("failed"));
    assert!(!none("passed, for traffic") && !none("passed, for promotion"));
}

#[test]
fn the_manual_tells_of_every_example_and_of_every_exit_code() {
    let manual = std::fs::read_to_string(root().join("docs/ci/README.md")).expect("a manual");
    for file in std::fs::read_dir(root().join("docs/ci")).expect("a folder") {
        let name = file
            .expect("a file")
            .file_name()
            .to_string_lossy()
            .into_owned();
        assert!(
            name == "README.md" || manual.contains(&format!("({name})")),
            "{name}"
        );
    }
    let action = yaml("action.yml").remove(0);
    for key in ["inputs", "outputs"] {
        for name in action[key].as_object().expect("names").keys() {
            assert!(manual.contains(&format!("`{name}`")), "{name}");
        }
    }
    for code in 0..=5 {
        assert!(manual.contains(&format!("\n| {code} |")), "{code}");
    }
}
