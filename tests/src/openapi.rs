//! The server's own OpenAPI document, and requests made up from it: paths, parameters and bodies of the right form.

use serde_json::{Map, Value, json};

use crate::Client;

/// An endpoint of the document.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// The path, with names in braces.
    pub path: String,
    /// Who may call it.
    pub caller: Caller,
    /// What the document says about it.
    operation: Value,
}

/// Who may call an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Anybody.
    Anybody,
    /// Who is logged in.
    Person,
    /// Who has the operator's token.
    Operator,
}

/// The document.
#[derive(Clone, Debug)]
pub struct Document {
    root: Value,
}

impl Document {
    /// Fetches it.
    #[track_caller]
    #[must_use]
    pub fn fetch(client: &Client) -> Self {
        Self { root: client.get("/openapi.json").done() }
    }

    /// Every endpoint in it.
    ///
    /// # Panics
    /// When it has none.
    #[must_use]
    pub fn endpoints(&self) -> Vec<Endpoint> {
        let paths = self.root["paths"].as_object().expect("the document has paths");
        let mut endpoints = vec![];
        for (path, item) in paths {
            for (method, operation) in item.as_object().expect("a path has methods") {
                let method = method.to_uppercase();
                if ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method.as_str()) {
                    let caller = caller(operation);
                    endpoints.push(Endpoint { method, path: path.clone(), caller, operation: operation.clone() });
                }
            }
        }
        assert!(!endpoints.is_empty(), "a document without endpoints");
        endpoints
    }

    /// A body that the document allows; none where the endpoint takes none. `id` is used where an id is wanted.
    #[must_use]
    pub fn body(&self, endpoint: &Endpoint, id: &str) -> Option<Value> {
        let content = endpoint.operation["requestBody"]["content"].as_object()?;
        let schema = &content.values().next()?["schema"];
        Some(self.example(schema, id, 0))
    }

    /// A value of that schema, with nothing in it that could be left out.
    fn example(&self, schema: &Value, id: &str, depth: usize) -> Value {
        assert!(depth < 30, "a schema without end: {schema}");
        let inner = |schema: &Value| self.example(schema, id, depth + 1);
        if let Some(name) = schema["$ref"].as_str() {
            let pointer = name.trim_start_matches('#');
            return inner(self.root.pointer(pointer).unwrap_or_else(|| panic!("{name} leads nowhere")));
        }
        if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
            return first.clone();
        }
        for one in ["oneOf", "anyOf"] {
            let choices = schema[one].as_array().into_iter().flatten();
            if let Some(choice) = choices.clone().find(|choice| choice["type"] != "null") {
                return inner(choice);
            }
        }
        if let Some(parts) = schema["allOf"].as_array() {
            let parts = parts.iter().filter_map(|part| inner(part).as_object().cloned());
            return Value::Object(parts.flatten().collect());
        }
        if let Some(example) = schema.get("example") {
            return example.clone();
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => kinds.iter().find_map(|kind| kind.as_str().filter(|kind| *kind != "null")),
            kind => kind.as_str(),
        };
        match kind {
            Some("string") => match schema["format"].as_str() {
                Some("uuid") => json!(id),
                Some("date-time") => json!("2100-01-01T00:00:00Z"),
                _ => json!("https://example.org/some-text"),
            },
            Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(1)),
            Some("boolean") => json!(true),
            Some("array") => json!([inner(&schema["items"])]),
            _ => {
                let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
                Value::Object(
                    required.map(|name| (name.to_owned(), inner(&schema["properties"][name]))).collect::<Map<_, _>>(),
                )
            }
        }
    }
}

fn caller(operation: &Value) -> Caller {
    let schemes = operation["security"].as_array().into_iter().flatten().filter_map(Value::as_object);
    let names: Vec<&String> = schemes.flat_map(Map::keys).collect();
    match names.first().map(|name| name.as_str()) {
        None => Caller::Anybody,
        Some("token") => Caller::Person,
        Some("operator") => Caller::Operator,
        Some(other) => panic!("an unknown way to be let in: {other}"),
    }
}

impl Endpoint {
    /// Its name: method and path.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The names in its path.
    #[must_use]
    pub fn path_parameters(&self) -> Vec<String> {
        let parts = self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        parts.map(str::to_owned).collect()
    }

    /// A target of the right form: `fill` gives what stands for each name in the path; queries that must be given are.
    #[must_use]
    pub fn target(&self, fill: impl Fn(&str) -> String) -> String {
        let mut target = self.path.clone();
        for name in self.path_parameters() {
            target = target.replace(&format!("{{{name}}}"), &fill(&name));
        }
        let mut glue = '?';
        for parameter in self.operation["parameters"].as_array().into_iter().flatten() {
            if parameter["in"] == "query" && parameter["required"] == true {
                let value = if parameter["schema"]["type"] == "integer" { "2026" } else { "tea" };
                target.push_str(&format!("{glue}{}={value}", parameter["name"].as_str().unwrap_or_default()));
                glue = '&';
            }
        }
        target
    }
}
