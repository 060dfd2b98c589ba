//! Schemathesis, a client that knows nothing but the OpenAPI document, against the running server: no 5xx, no status,
//! content type or body that the document does not know.

use std::{process::Command, sync::LazyLock};

use serde_json::json;
use teahouse_tests::{OPERATOR_TOKEN, Person, Sandbox, Server, Setup, befriend, binary, group, people::text_at};

/// Requests made up for each endpoint.
const EXAMPLES: &str = "20";
const SEED: &str = "20261122";
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";

/// Endpoints that end the session or change how the others answer, or that are no HTTP after the first answer.
const APART: [&str; 4] = ["/v1/sessions/current", "/v1/me/devices/{device}", "/v1/operator/clock", "/v1/ws"];

/// A bank and billers that answer everybody here.
static OUTSIDE: LazyLock<(Sandbox, Sandbox)> = LazyLock::new(|| (Sandbox::bank(), Sandbox::biller()));

/// Runs it with a token, on the chosen endpoints, with that configuration.
fn schemathesis(server: &Server, token: &str, choose: &[&str], configuration: &str) {
    let tool = binary::workspace().join("target/test-tools/bin/schemathesis");
    assert!(tool.is_file(), "{} is not there: run tests/run, which installs it", tool.display());
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("schemathesis.toml"), configuration).unwrap();
    let output = Command::new(tool)
        .current_dir(home.path())
        .arg("run")
        .arg(format!("{}/openapi.json", server.url()))
        .args(["--checks", CHECKS, "--max-examples", EXAMPLES, "--seed", SEED, "--generation-database", "none"])
        // One worker: CPython 3.11's parser is not safe where two threads import modules at the same time.
        .args(["--phases", "examples,coverage,fuzzing", "--mode", "all", "--workers", "1", "--no-color"])
        .args(["--continue-on-failure", "--request-timeout", "30"])
        .arg("--header")
        .arg(format!("Authorization: Bearer {token}"))
        .args(choose)
        .output()
        .expect("schemathesis can be started");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "schemathesis found something:\n{text}\n{errors}");
    let passed = text.split("generated, ").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<u32>().ok());
    assert!(passed.is_some_and(|passed| passed >= 20), "schemathesis checked hardly anything:\n{text}\n{errors}");
}

/// A server where there is something to be found, and two who are friends there.
fn sample() -> (Server, Person, Person) {
    let server = Setup::new().with_bank(&OUTSIDE.0).with_billers(&OUTSIDE.1).start();
    let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
    let talk = befriend(&mei, &lin);
    let _ = group(&mei, &[&lin, &arjun]);
    for _ in 0..5 {
        lin.say(&talk, "hello");
    }
    (server, mei, lin)
}

#[test]
fn what_a_person_may_call_answers_as_the_document_says() {
    let (server, mei, _) = sample();
    let mut choose: Vec<&str> = APART.iter().flat_map(|path| ["--exclude-path", path]).collect();
    choose.extend(["--exclude-path-regex", "^/v1/operator/"]);
    schemathesis(&server, mei.token().unwrap(), &choose, "");
    assert_eq!(server.client().get("/readyz").status, 200);
    assert_eq!(mei.get("/v1/me").status, 200);
}

#[test]
fn what_is_about_something_that_there_is_answers_as_the_document_says() {
    let (server, mei, lin) = sample();
    let tag = text_at(&mei.post("/v1/tags", json!({ "name": "family" })).done(), "tag");
    let pack = text_at(&mei.all("/v1/sticker-packs")[0], "pack");
    let talk = text_at(&mei.contact(&lin), "conversation");
    let arjun = server.register("arjun");
    let [house, ended, left] = [0, 1, 2].map(|_| group(&mei, &[&lin, &arjun]));
    let known = format!(
        r#"
[parameters]
"path.conversation" = "{talk}"
"path.group" = "{house}"
"path.user" = "{lin}"
"path.seq" = 1
"path.tag" = "{tag}"
"path.pack" = "{pack}"

[[operations]]
include-name = "DELETE /v1/groups/{{group}}"
parameters = {{ "path.group" = "{ended}" }}

[[operations]]
include-name = "POST /v1/groups/{{group}}/leave"
parameters = {{ "path.group" = "{left}" }}
"#,
        lin = lin.id
    );
    schemathesis(
        &server,
        mei.token().unwrap(),
        &["--include-path-regex", "/\\{(conversation|group|user|tag|pack)"],
        &known,
    );
    assert!(mei.row(&ended)["ended"] == true && mei.row(&left)["ended"] == true, "the known ids were not used");
}

#[test]
fn what_an_operator_may_call_answers_as_the_document_says() {
    let (server, ..) = sample();
    schemathesis(&server, OPERATOR_TOKEN, &["--include-path-regex", "^/v1/operator/"], "");
    assert_eq!(server.client().get("/readyz").status, 200);
}

#[test]
fn what_ends_a_session_answers_as_the_document_says() {
    let (server, mei, _) = sample();
    let choose: Vec<&str> = APART[..2].iter().flat_map(|path| ["--include-path", path]).collect();
    schemathesis(&server, mei.token().unwrap(), &choose, "");
}

#[test]
fn everything_is_refused_as_the_document_says_where_nobody_is_logged_in() {
    let (server, ..) = sample();
    schemathesis(&server, "nobody", &["--exclude-path", "/v1/ws"], "");
}
