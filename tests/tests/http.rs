//! The manners of the interface: limits, malformed requests, probes, documents.

use serde_json::{Value, json};
use teahouse_tests::{
    Client, Reply, Server, Setup, Shared, befriend,
    openapi::{Caller, Document},
    people::{PASSWORD, fresh_handle, registration},
    raw,
};

static SHARED: Shared = Shared::new();

/// Asks until it is refused, which must be soon, and checks how.
#[track_caller]
fn until_too_many(what: &str, mut ask: impl FnMut() -> Reply) {
    const MOST: usize = 5;
    let reply = (0..MOST).map(|_| ask()).find(|reply| reply.status == 429);
    let reply = reply.unwrap_or_else(|| panic!("{what}: {MOST} went through"));
    let problem = reply.refused(429, "rate-limited");
    let seconds: u64 = reply.header("retry-after").and_then(|value| value.parse().ok()).expect("Retry-After");
    assert!((1..=60).contains(&seconds), "{what}: {seconds}");
    assert_eq!(problem["retry_after"], seconds);
}

fn log_in(client: &Client, handle: &str, password: &str) -> Reply {
    client.post("/v1/sessions", json!({ "handle": handle, "password": password, "device_name": "phone" }))
}

#[test]
fn who_tries_too_often_is_told_when_to_come_back() {
    // Two a minute: one at once, and the next after half a minute, which no test takes.
    let names = ["LOG_INS_PER_HANDLE", "PEOPLE_SEARCHES", "MESSAGE_SEARCHES", "FRIEND_REQUESTS", "MESSAGES"];
    let setup = names.iter().fold(Setup::new(), |setup, name| setup.with(&format!("TEAHOUSE_API__RATES__{name}"), "2"));
    let server = setup.start();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    until_too_many("log-ins to a handle", || log_in(&server.client(), &mei.handle, "a wrong guess"));
    // Also with the right password, and in another case.
    log_in(&server.client(), &mei.handle.to_uppercase(), PASSWORD).refused(429, "rate-limited");
    assert_eq!(log_in(&server.client(), &lin.handle, PASSWORD).status, 201);
    let search = |who: &teahouse_tests::Person| who.get(&format!("/v1/people?handle={}", lin.handle));
    until_too_many("searches for people", || search(&mei));
    assert_eq!(search(&lin).status, 200);
    until_too_many("searches in messages", || mei.get("/v1/search/messages?q=tea"));
    until_too_many("friend requests", || mei.ask(&lin));
    until_too_many("messages", || mei.send(&talk, "x"));
    lin.say(&talk, "I still may");
    assert_eq!(mei.get("/v1/me").status, 200);
    assert!(mei.texts(&talk).len() < 5, "what was refused was said");
}

#[test]
fn too_many_registrations_or_log_ins_from_one_address_are_refused() {
    let server = Setup::new()
        .with("TEAHOUSE_API__RATES__REGISTRATIONS_PER_ADDRESS", "2")
        .with("TEAHOUSE_API__RATES__LOG_INS_PER_ADDRESS", "2")
        .start();
    until_too_many("registrations", || server.client().post("/v1/users", registration(&fresh_handle("mei"), "Mei")));
    until_too_many("log-ins", || log_in(&server.client(), &fresh_handle("nobody"), "a wrong guess"));
}

#[test]
fn with_too_many_passwords_to_check_the_server_sheds_instead_of_slowing_down() {
    let server = Setup::new()
        .with("TEAHOUSE_COMMANDS__PASSWORDS__MEMORY_KIB", "65536")
        .with("TEAHOUSE_COMMANDS__PASSWORDS__WAITING_MAX", "2")
        .start();
    let replies = teahouse_tests::people::in_parallel(16, |_| log_in(&server.client(), "nobody_here", "a wrong guess"));
    let busy: Vec<&Reply> = replies.iter().filter(|reply| reply.status == 429).collect();
    assert!(!busy.is_empty(), "all 16 were checked");
    for reply in busy {
        reply.refused(429, "busy");
        assert!(reply.header("retry-after").is_some());
    }
    assert!(replies.iter().all(|reply| [401, 429].contains(&reply.status)));
}

#[test]
fn a_body_that_is_too_large_is_refused_with_413() {
    let server = SHARED.server();
    let mei = server.register("mei");
    let large = json!({ "about": "x".repeat(200 * 1024) });
    let reply = mei.patch("/v1/me", large.clone());
    reply.refused(413, "body-too-large");
    server.client().post("/v1/users", large).problem(413);
    // One that only claims to be large as well.
    let head = format!(
        "PATCH /v1/me HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: 99999999999\r\n\r\n{{",
        mei.token().unwrap_or_default()
    );
    let (status, head, _) = raw::exchange(&mei.address(), head.as_bytes());
    assert_eq!(status, 413, "{head}");
    assert!(head.contains("application/problem+json"));
}

#[test]
fn whatever_is_malformed_is_refused_with_400_as_a_problem() {
    let server = SHARED.server();
    let mei = server.register("mei");
    let bearer = format!("Bearer {}", mei.token().unwrap_or_default());
    let send = |method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]| {
        let headers = [&[("authorization", bearer.as_str())], headers].concat();
        raw::exchange(&mei.address(), &raw::request(method, target, &headers, body))
    };
    let bodies: [&[u8]; 12] = [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\"x\"",
        b"{\"about\":1}",
        b"{\"about\":\"\xff\xfe\"}",
        b"\xef\xbb\xbf{}",
        b"{\"nonsense\":1}",
        b"{\"about\":\"x\"} trailing",
        b"{\"about\":\"\\ud800\"}",
        b"{\"about\":\"\\u0000\"}",
    ];
    for body in bodies {
        let (status, head, text) = send("PATCH", "/v1/me", &[("content-type", "application/json")], body);
        assert_eq!(status, 400, "{:?}: {text}", String::from_utf8_lossy(body));
        assert!(head.contains("application/problem+json"), "{head}");
    }
    let deep = "[".repeat(100_000);
    assert_eq!(send("PATCH", "/v1/me", &[], deep.as_bytes()).0, 400);
    let targets = [
        "/v1/conversations/no-uuid",
        "/v1/conversations/%00",
        "/v1/conversations/%ff/messages",
        "/v1/people/1",
        "/v1/sync?after=abc",
        "/v1/sync?after=1&after=x",
        "/v1/contacts?limit=1e3",
        "/v1/me/report?year=12.5",
        "/v1/conversations/01930000-0000-7000-8000-000000000000/messages/99999999999999999999",
    ];
    for target in targets {
        let (status, head, text) = send("GET", target, &[], b"");
        assert!([400, 404].contains(&status), "{target}: {status} {text}");
        assert!(head.contains("application/problem+json"), "{target}: {head}");
    }
    let refusal = mei.get("/v1/sync?after=abc").refused(400, "invalid-query");
    assert_eq!(refusal["detail"], "after: invalid digit found in string");
    let talk = "/v1/conversations/01930000-0000-7000-8000-000000000000/messages";
    for list in ["/v1/calls", "/v1/wallet/statement", "/v1/moments/timeline", talk] {
        let refusal = mei.get(&format!("{list}?before={}", 1_u64 << 63)).refused(400, "invalid-query");
        assert_eq!(refusal["detail"], "before: no such place", "{list}");
    }
    for key in ["", &"k".repeat(256), "\u{e9}"] {
        let (status, ..) = send("PATCH", "/v1/me", &[("idempotency-key", key)], b"{\"about\":\"x\"}");
        assert_eq!(status, 400, "{key:?}");
    }
    assert_eq!(send("PATCH", "/v1/me", &[("idempotency-key", &"k".repeat(255))], b"{\"about\":\"x\"}").0, 200);
    assert_eq!(send("GET", "/v1/me", &[("teahouse-at-least", "soon")], b"").0, 400);
    // What is no HTTP at all ends the connection, not the server.
    for noise in [
        "\u{0}\u{1}\u{2}\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n",
    ] {
        assert_eq!(raw::exchange(&mei.address(), noise.as_bytes()).0, 400, "{noise:?}");
    }
    assert_eq!(mei.get("/v1/me").status, 200);
}

#[test]
fn an_unknown_path_is_404_and_another_method_405_with_what_is_allowed() {
    let server = SHARED.server();
    let mei = server.register("mei");
    for path in ["/", "/v1", "/v1/", "/v2/me", "/v1/me/", "/v1/nothing", "/v1/%6d%65/x", "/../etc/passwd"] {
        let (status, head, _) = raw::exchange(&mei.address(), &raw::request("GET", path, &[], b""));
        assert_eq!(status, 404, "{path}");
        assert!(head.contains("application/problem+json"), "{path}: {head}");
    }
    let document = Document::fetch(&server.client());
    let mut paths: std::collections::BTreeMap<String, Vec<String>> = std::collections::BTreeMap::new();
    for endpoint in document.endpoints() {
        let target = endpoint.target(|name| if name == "seq" { "1".to_owned() } else { mei.id.clone() });
        let path = target.split('?').next().unwrap_or_default().to_owned();
        paths.entry(path).or_default().push(endpoint.method);
    }
    for (path, allowed) in paths {
        for method in ["POST", "PUT", "PATCH", "DELETE"].iter().filter(|method| !allowed.iter().any(|a| a == *method)) {
            let reply = mei.call(method, &path, Some(&json!({})), None);
            reply.refused(405, "wrong-method");
            let told = reply.header("allow").unwrap_or_default();
            assert!(allowed.iter().all(|allowed| told.contains(allowed.as_str())), "{path}: {told}");
        }
    }
}

#[test]
fn a_head_is_answered_like_the_get_it_stands_for_but_without_the_body() {
    let server = SHARED.server();
    let mei = server.register("mei");
    let bearer = format!("Bearer {}", mei.token().unwrap());
    let ask = |method: &str, target: &str| {
        raw::exchange(&mei.address(), &raw::request(method, target, &[("authorization", bearer.as_str())], b""))
    };
    let length = |head: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        line.unwrap_or_else(|| panic!("no length: {head}")).parse::<usize>().unwrap()
    };
    let (_, _, whole) = ask("GET", "/v1/me");
    let (status, head, body) = ask("HEAD", "/v1/me");
    assert_eq!((status, length(&head), body.as_str()), (200, whole.len(), ""));
    for (target, refusal) in [("/v1/nothing", 404), ("/v1/groups", 405), ("/v1/contacts?limit=x", 400)] {
        let (status, _, body) = ask("HEAD", target);
        assert_eq!((status, body.as_str()), (refusal, ""), "{target}");
    }
}

#[test]
fn probes_and_metrics_tell_how_the_server_is() {
    let server = SHARED.server();
    let client = server.client();
    assert_eq!(client.get("/livez").status, 200);
    let ready = client.get("/readyz").done();
    assert_eq!(ready["ready"], true);
    let models = ready["read_models"].as_array().expect("a list");
    assert!(models.len() >= 6 && models.iter().all(|model| model["state"] == "live"), "{ready}");
    let metrics = client.get("/metrics");
    let text = metrics.text();
    for name in [
        "teahouse_http_requests_total",
        "teahouse_log_position",
        "teahouse_read_model_lag_events",
        "teahouse_websockets",
    ] {
        assert!(text.lines().any(|line| line.starts_with(name)), "{name} is not in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn the_document_describes_itself_and_its_pages_need_nothing_from_elsewhere() {
    let server = SHARED.server();
    let client = server.client();
    let document = client.get("/openapi.json").done();
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")), "{}", document["openapi"]);
    let endpoints = Document::fetch(&client).endpoints();
    assert!(endpoints.len() >= 60, "{} endpoints", endpoints.len());
    for endpoint in &endpoints {
        let operation = &document["paths"][&endpoint.path][endpoint.method.to_lowercase()];
        assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{}", endpoint.name());
        assert!(operation["tags"].as_array().is_some_and(|tags| tags.len() == 1), "{}", endpoint.name());
        let responses = operation["responses"].as_object().expect("responses");
        assert!(endpoint.caller == Caller::Anybody || responses.contains_key("401"), "{}", endpoint.name());
    }
    let page = client.get("/docs/");
    assert_eq!(page.status, 200);
    let text = page.text();
    let elsewhere: Vec<&str> =
        text.split('"').filter(|part| part.starts_with("http") || part.starts_with("//")).collect();
    assert_eq!(elsewhere, [""; 0]);
    let parts =
        text.split('"').filter(|part| part.starts_with("./") || part.ends_with(".js") || part.ends_with(".css"));
    for part in parts {
        assert_eq!(client.get(&format!("/docs/{}", part.trim_start_matches("./"))).status, 200, "{part}");
    }
}

#[test]
fn a_query_is_answered_at_or_after_the_position_that_the_client_has_seen() {
    let server = Server::start();
    let [mei, lin] = server.people(["mei", "lin"]);
    let talk = befriend(&mei, &lin);
    for number in 0..50 {
        mei.say(&talk, &number.to_string());
        assert_eq!(lin.row(&talk)["last_seq"], number + 1);
    }
    let ahead = |position: &str| {
        let bearer = format!("Bearer {}", mei.token().unwrap_or_default());
        let headers = [("authorization", bearer.as_str()), ("teahouse-at-least", position)];
        raw::exchange(&mei.address(), &raw::request("GET", "/v1/conversations", &headers, b""))
    };
    assert_eq!(ahead("1").0, 200);
    let (status, _, body) = ahead("999999");
    assert_eq!(status, 409, "{body}");
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["code"], "position-ahead");
}

#[test]
fn a_setting_that_can_not_be_keeps_the_server_from_starting_and_is_named() {
    let home = tempfile::tempdir().unwrap();
    let started = |variables: &[(&str, &str)]| {
        let mut command = teahouse_tests::binary::command();
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(home.path().join("data"));
        let output = command.envs(variables.iter().copied()).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let wrong = [
        ("TEAHOUSE_POLICY__RECALL_SECONDS", "-1", "policy.recall_seconds"),
        ("TEAHOUSE_POLICY__FRIEND_REQUEST_SECONDS", "9223372036854775807", "policy.friend_request_seconds"),
        ("TEAHOUSE_COMMANDS__PASSWORDS__PASSES", "0", "commands.passwords.passes"),
        ("TEAHOUSE_STORE", "rocks", "TEAHOUSE_STORE"),
    ];
    for (name, value, named) in wrong {
        let (code, said) = started(&[(name, value)]);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(named), "{said}");
    }
    // What is no setting is named and does no harm: here the last one is what keeps it from starting.
    let (code, said) = started(&[("TEAHOUSE_PORT", "tcp://10.0.0.1:80"), ("TEAHOUSE_API__WORKERS", "many")]);
    assert_eq!(code, Some(2));
    assert!(said.contains("TEAHOUSE_PORT") && said.contains("TEAHOUSE_API__WORKERS"), "{said}");
    assert!(!home.path().join("data").exists());
}

#[test]
fn a_server_whose_address_is_taken_leaves_nothing_behind() {
    let server = SHARED.server();
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let address = server.client().address();
    let arguments = ["serve", "--listen", &address, "--data", data.to_str().unwrap()];
    let second = teahouse_tests::binary::run(&arguments).ended_with(2);
    assert!(second.err.contains(&address), "{}", second.err);
    assert!(!data.exists());
}

#[test]
fn two_servers_do_not_share_a_data_directory() {
    let server = Server::start();
    let data = server.data().display().to_string();
    let second = teahouse_tests::binary::run(&["serve", "--listen", "127.0.0.1:0", "--data", &data]).ended_with(2);
    assert!(second.err.contains("another process"), "{}", second.err);
    assert_eq!(server.client().get("/readyz").status, 200);
}

#[test]
fn a_port_that_is_taken_keeps_a_server_from_starting() {
    let server = SHARED.server();
    let home = tempfile::tempdir().unwrap();
    let data = home.path().display().to_string();
    let address = server.client().address();
    let second = teahouse_tests::binary::run(&["serve", "--listen", &address, "--data", &data]).ended_with(2);
    assert!(second.err.contains(&address), "{}", second.err);
}

#[test]
fn the_clock_of_a_server_that_is_not_under_development_is_not_moved() {
    let server = Setup::as_shipped().start();
    let moved = server.operator().post("/v1/operator/clock", json!({ "advance_seconds": 60 }));
    moved.refused(409, "clock-not-movable");
}

#[test]
fn the_reference_is_found_with_and_without_a_slash_at_its_end() {
    let server = SHARED.server();
    for path in ["/docs", "/docs/"] {
        let page = server.client().get(path);
        assert_eq!(page.status, 200, "{path}");
        assert!(page.text().contains("swagger"), "{path}");
    }
}
