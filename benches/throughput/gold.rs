//! A gold set of many questions over few sections, its policy, and the same questions for wrk.

use std::fmt::Write as _;
use std::path::Path;

/// Sections of the corpus, about 750 bytes each.
pub(crate) const SECTIONS: usize = 2000;

/// The text of a section: its own words, and words that it shares with its neighbours.
pub(crate) fn section(index: usize) -> String {
    let mut text = format!("Runbook {index} says how service {index} is drained and promoted.");
    for sentence in 0..9 {
        let (a, b) = (index * 7 + sentence, index / 8 + sentence);
        write!(
            text,
            " Step {sentence} of it checks queue q{a} and replica r{b}, then waits for the operator."
        )
        .expect("a string");
    }
    text
}

/// The wordings of a question.
pub(crate) fn forms(index: usize) -> [String; 2] {
    let section = index % SECTIONS;
    [
        format!("How is service {section} drained, asked the {index}th time?"),
        format!("Which steps promote service {section}, in ticket {index}?"),
    ]
}

/// Writes the gold set.
pub(crate) fn write(folder: &Path, n_questions: usize) {
    let mut corpus = String::new();
    for index in 0..SECTIONS {
        writeln!(
            corpus,
            r#"{{"doc_id":"d","section_id":"s{index}","title":"Runbook {index}","text":"{}","rev":"1"}}"#,
            section(index)
        )
        .expect("a string");
    }
    let mut questions = String::new();
    for index in 0..n_questions {
        let [first, second] = forms(index);
        writeln!(
            questions,
            r#"{{"id":"q{index}","topic":"t","question":"{first}","paraphrases":["{second}"],"target":[{{"doc_id":"d","section_id":"s{}"}}]}}"#,
            index % SECTIONS
        )
        .expect("a string");
    }
    let files = [
        (
            "gold.toml",
            "name = 'bench'\nversion = '1'\nmodel = 'm'\nsnippets = { sentences = 20 }\n",
        ),
        ("corpus.jsonl", &corpus),
        ("questions.jsonl", &questions),
    ];
    for (name, text) in files {
        std::fs::write(folder.join(name), text).expect("written");
    }
}

/// Two targets on one server.
pub(crate) fn write_policy(folder: &Path, url: &str, concurrency: usize) {
    let target = |name: &str, role: &str| {
        format!(
            "[[target]]\nname = '{name}'\nrole = '{role}'\nkind = 'http'\nurl = '{url}/search'\nwarm_up = 0\n\
             body = '{{\"question\":\"{{question}}\",\"k\":{{k}}}}'\n"
        )
    };
    let policy = format!(
        "gold = '.'\n[referee]\nkind = 'lexical'\n[replay]\nk_sweep = []\nconcurrency = {concurrency}\n{}{}",
        target("blue", "control"),
        target("green", "candidate")
    );
    std::fs::write(folder.join("ragstone.toml"), policy).expect("written");
}

/// A thousand of the questions in turn, as wrk sends them.
pub(crate) fn wrk_script(_: &Path) -> String {
    let mut script = String::from("local bodies = {\n");
    for index in 0..1000 {
        let [first, _] = forms(index);
        writeln!(script, r#"  '{{"question":"{first}","k":10}}',"#).expect("a string");
    }
    script
        + "}\nlocal i = 0\nwrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\n\
           request = function()\n  i = i % #bodies + 1\n  return wrk.format(nil, nil, nil, bodies[i])\nend\n"
}
