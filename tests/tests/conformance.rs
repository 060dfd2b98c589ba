//! Schemathesis, a client that knows nothing but the OpenAPI document, against the running server: no 5xx, no status,
//! content type or body that the document does not know.

use std::process::Command;

use teahouse_tests::{OPERATOR_TOKEN, Server, befriend, binary, group};

/// Requests made up for each endpoint.
const EXAMPLES: &str = "20";
const SEED: &str = "20261122";
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";

/// Endpoints that end the session or change how the others answer, or that are no HTTP after the first answer.
const APART: [&str; 4] = ["/v1/sessions/current", "/v1/me/devices/{device}", "/v1/operator/clock", "/v1/ws"];

fn schemathesis(server: &Server, token: &str, choose: &[&str]) {
    let tool = binary::workspace().join("target/test-tools/bin/schemathesis");
    assert!(tool.is_file(), "{} is not there: run tests/run, which installs it", tool.display());
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(tool)
        .current_dir(home.path())
        .arg("run")
        .arg(format!("{}/openapi.json", server.url()))
        .args(["--checks", CHECKS, "--max-examples", EXAMPLES, "--seed", SEED, "--generation-database", "none"])
        .args(["--phases", "examples,coverage,fuzzing", "--mode", "all", "--workers", "2", "--no-color"])
        .args(["--continue-on-failure", "--request-timeout", "30"])
        .arg("--header")
        .arg(format!("Authorization: Bearer {token}"))
        .args(choose)
        .output()
        .expect("schemathesis can be started");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "schemathesis found something:\n{text}\n{errors}");
    assert!(text.contains("passed"), "schemathesis checked nothing:\n{text}\n{errors}");
}

/// A server where there is something to be found.
fn sample() -> (Server, teahouse_tests::Person) {
    let server = Server::start();
    let [mei, lin, arjun] = server.people(["mei", "lin", "arjun"]);
    let talk = befriend(&mei, &lin);
    let _ = group(&mei, &[&lin, &arjun]);
    for _ in 0..5 {
        lin.say(&talk, "hello");
    }
    (server, mei)
}

#[test]
fn what_a_person_may_call_answers_as_the_document_says() {
    let (server, mei) = sample();
    let mut choose: Vec<&str> = APART.iter().flat_map(|path| ["--exclude-path", path]).collect();
    choose.extend(["--exclude-path-regex", "^/v1/operator/"]);
    schemathesis(&server, mei.token().unwrap(), &choose);
    assert_eq!(server.client().get("/readyz").status, 200);
    assert_eq!(mei.get("/v1/me").status, 200);
}

#[test]
fn what_an_operator_may_call_answers_as_the_document_says() {
    let (server, _) = sample();
    schemathesis(&server, OPERATOR_TOKEN, &["--include-path-regex", "^/v1/operator/"]);
    assert_eq!(server.client().get("/readyz").status, 200);
}

#[test]
fn what_ends_a_session_answers_as_the_document_says() {
    let (server, mei) = sample();
    let choose: Vec<&str> = APART[..2].iter().flat_map(|path| ["--include-path", path]).collect();
    schemathesis(&server, mei.token().unwrap(), &choose);
}

#[test]
fn everything_is_refused_as_the_document_says_where_nobody_is_logged_in() {
    let (server, _) = sample();
    schemathesis(&server, "nobody", &["--exclude-path", "/v1/ws"]);
}
