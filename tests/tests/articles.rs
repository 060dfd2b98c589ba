//! Articles of official accounts: written, published, read without a log-in, counted, shared, withdrawn.

use image::ImageFormat;
use serde_json::{Value, json};
use teahouse_tests::{
    Account, Client, Person, Server, Shared, befriend,
    media::encoded,
    people::{in_parallel, list_at, number_at, text_at},
};

static SHARED: Shared = Shared::new();

fn shown(client: &Client, article: &str) -> Value {
    client.get(&format!("/v1/articles/{article}")).done()
}

fn read(person: &Person, article: &str) {
    person.call("PUT", &format!("/v1/articles/{article}/read"), None, None).done();
}

fn like(person: &Person, article: &str, method: &str) {
    person.call(method, &format!("/v1/articles/{article}/like"), None, None).done();
}

fn counts(client: &Client, article: &str) -> (u64, u64) {
    let shown = shown(client, article);
    (number_at(&shown, "reads"), number_at(&shown, "likes"))
}

#[test]
fn an_article_is_for_its_people_until_it_is_published_and_then_for_anybody_until_it_is_withdrawn() {
    let server = SHARED.server();
    let [owner, clerk, reader] = server.people(["owner", "clerk", "reader"]);
    let account = Account::subscription(owner, "Tea Daily");
    let anybody = server.client();
    let article = account.draft("Spring", "<p>The first leaves</p>");
    let draft = account.path(&format!("/drafts/{article}"));
    let public = format!("/v1/articles/{article}");
    for path in [public.clone(), format!("{public}/page")] {
        anybody.get(&path).refused(404, "article-not-found");
    }
    for path in [&draft, &account.path("/drafts")] {
        reader.get(path).refused(403, "account-not-yours");
    }
    reader.put(&draft, json!({ "title": "Mine", "body": "x" })).refused(403, "account-not-yours");
    reader.post(&format!("{draft}/publish"), json!({})).refused(403, "account-not-yours");
    account.owner.put(&account.path(&format!("/operators/{}", clerk.id)), json!({})).done();
    let better = json!({ "title": "Spring tea", "author": "Lin", "digest": "leaves", "body": "<p>The first</p>" });
    clerk.put(&draft, better).done();
    assert_eq!(text_at(&clerk.get(&draft).done(), "title"), "Spring tea");
    assert_eq!(account.owner.all(&account.path("/drafts")).len(), 1);
    account.publish(&article);
    assert!(account.owner.all(&account.path("/drafts")).is_empty());
    clerk.get(&draft).refused(404, "article-not-found");
    clerk.put(&draft, json!({ "title": "Other", "body": "x" })).refused(409, "article-published");
    let seen = shown(&anybody, &article);
    assert_eq!((text_at(&seen, "title"), text_at(&seen, "author")), ("Spring tea".into(), "Lin".into()));
    assert_eq!(seen["account"], json!({ "id": account.id, "name": "Tea Daily" }));
    let listed = reader.all(&account.path("/articles"));
    assert_eq!((listed.len(), &listed[0]["article"], &listed[0]["digest"]), (1, &json!(article), &json!("leaves")));
    let withdrawn = account.path(&format!("/articles/{article}"));
    reader.delete(&withdrawn).refused(403, "account-not-yours");
    clerk.delete(&withdrawn).done();
    anybody.get(&public).refused(404, "article-not-found");
    assert!(reader.all(&account.path("/articles")).is_empty());
    account.owner.delete(&withdrawn).refused(404, "article-not-found");
}

#[test]
fn articles_of_another_account_are_not_ones_own() {
    let server = SHARED.server();
    let [mei, lin] = server.people(["mei", "lin"]);
    let (mine, yours) = (Account::service(mei, "Mine"), Account::service(lin, "Yours"));
    let article = mine.draft("Tea", "<p>tea</p>");
    let taken = yours.path(&format!("/drafts/{article}"));
    yours.owner.get(&taken).refused(404, "article-not-found");
    yours.owner.put(&taken, json!({ "title": "Taken", "body": "x" })).refused(404, "article-not-found");
    yours.owner.post(&format!("{taken}/publish"), json!({})).refused(404, "article-not-found");
    yours.owner.delete(&yours.path(&format!("/articles/{article}"))).refused(404, "article-not-found");
}

#[test]
fn nothing_in_an_article_runs_or_loads_anything_from_elsewhere() {
    let server = SHARED.server();
    let account = Account::service(server.register("owner"), "Tea & <b>News</b>");
    let body = "<h2 onclick='x()'>Tea</h2><script>x()</script><img src='https://spy.example/1.gif'>\
                <a href='javascript:x()'>a</a><iframe src='https://spy.example'></iframe>";
    let article = account.article("<script>x()</script> & more", body);
    let anybody = server.client();
    let kept = text_at(&shown(&anybody, &article), "body");
    assert!(kept.contains("<h2>Tea</h2>"), "{kept}");
    let page = anybody.get(&format!("/v1/articles/{article}/page"));
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let policy = page.header("content-security-policy").unwrap_or_default();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    for text in [kept, page.text()] {
        for odd in ["<script", "onclick", "spy.example", "javascript", "iframe", "<b>News"] {
            assert!(!text.contains(odd), "{odd} in {text}");
        }
    }
}

#[test]
fn pictures_of_an_article_are_seen_with_it_and_not_before_or_after() {
    let server = SHARED.server();
    let [owner, other] = server.people(["owner", "other"]);
    let account = Account::service(owner, "Tea");
    let [cover, inside] = [(64, 48), (32, 32)]
        .map(|(width, height)| account.owner.medium("picture", &encoded(width, height, ImageFormat::Png)));
    let theirs = other.medium("picture", &encoded(16, 16, ImageFormat::Png));
    let draft = |cover: &str, inside: &str| json!({ "title": "Tea", "cover": cover, "body": format!("<p>cup</p><img src=\"medium:{inside}\">") });
    let drafts = account.path("/drafts");
    account.owner.post(&drafts, draft(&theirs, &inside)).refused(404, "medium-not-found");
    account.owner.post(&drafts, draft(&cover, &theirs)).refused(404, "medium-not-found");
    let article = text_at(&account.owner.post(&drafts, draft(&cover, &inside)).done(), "article");
    let anybody = server.client();
    let at = |medium: &str| format!("/v1/articles/{article}/media/{medium}");
    anybody.get(&at(&cover)).refused(404, "medium-not-found");
    account.publish(&article);
    let seen = shown(&anybody, &article);
    assert_eq!(text_at(&seen, "cover"), at(&cover));
    assert!(text_at(&seen, "body").contains(&format!("src=\"{}\"", at(&inside))), "{seen}");
    for (medium, width) in [(&cover, 64), (&inside, 32)] {
        let picture = anybody.get(&at(medium));
        assert_eq!((picture.status, picture.header("content-type")), (200, Some("image/png")));
        assert_eq!(image::load_from_memory(&picture.body).unwrap().width(), width);
        let tag = picture.header("etag").unwrap().to_owned();
        assert_eq!(anybody.get_with(&at(medium), ("if-none-match", &tag)).status, 304);
    }
    anybody.get(&at(&theirs)).refused(404, "medium-not-found");
    account.owner.delete(&account.path(&format!("/articles/{article}"))).done();
    anybody.get(&at(&cover)).refused(404, "medium-not-found");
}

#[test]
fn every_reader_counts_once_and_likes_can_be_taken_back_also_after_kill_9_and_a_rebuild() {
    let server = Server::start();
    let account = Account::service(server.register("owner"), "Tea");
    let article = account.article("Tea", "<p>tea</p>");
    let readers: Vec<Person> = (0..8).map(|_| server.register("reader")).collect();
    in_parallel(readers.len(), |at| {
        (0..3).for_each(|_| read(&readers[at], &article));
        like(&readers[at], &article, "PUT");
        like(&readers[at], &article, "PUT");
    });
    like(&readers[0], &article, "DELETE");
    let anybody = server.client();
    assert_eq!(counts(&anybody, &article), (8, 7));
    let mine = |person: &Person| person.get(&format!("/v1/articles/{article}/reading")).done();
    assert_eq!(mine(&readers[0]), json!({ "read": true, "liked": false }));
    assert_eq!(mine(&account.owner), json!({ "read": false, "liked": false }));
    assert_eq!(server.events(&["--type", "article.read"]).len(), 8);
    server.kill();
    server.start_again();
    read(&readers[1], &article);
    assert_eq!(counts(&anybody, &article), (8, 7));
    server.operator().post("/v1/operator/read-models/articles/rebuild", json!({})).done();
    assert_eq!(counts(&anybody, &article), (8, 7));
    let draft = account.draft("Draft", "<p>x</p>");
    readers[0].call("PUT", &format!("/v1/articles/{draft}/read"), None, None).refused(404, "article-not-found");
}

#[test]
fn an_article_is_shared_into_a_conversation_and_into_moments() {
    let server = SHARED.server();
    let [owner, mei, lin] = server.people(["owner", "mei", "lin"]);
    let account = Account::service(owner, "Tea");
    let article = account.article("Spring tea", "<p>The first leaves</p>");
    let talk = befriend(&mei, &lin);
    let forged = json!({ "account": account.id, "title": "Free money" });
    let content = json!({ "kind": "article", "article": article, "front": forged });
    let send = |content: Value| mei.post(&format!("/v1/conversations/{talk}/messages"), json!({ "content": content }));
    send(content).done();
    let front = json!({ "account": account.id, "title": "Spring tea" });
    let card = json!({ "article": article, "front": front });
    let said = lin.history(&talk).pop().unwrap()["data"]["content"].clone();
    assert_eq!(said, json!({ "kind": "article", "article": article, "front": front }));
    mei.post("/v1/moments/posts", json!({ "article": { "article": article } })).done();
    let seen = list_at(&lin.get("/v1/moments/timeline").done(), "posts");
    assert_eq!(seen[0]["article"], card);
    let draft = account.draft("Draft", "<p>x</p>");
    send(json!({ "kind": "article", "article": draft })).refused(404, "article-not-found");
    mei.post("/v1/moments/posts", json!({ "article": { "article": draft } })).refused(404, "article-not-found");
}

#[test]
fn what_was_published_comes_in_pages_the_latest_first() {
    let server = SHARED.server();
    let [owner, reader] = server.people(["owner", "reader"]);
    let account = Account::service(owner, "Tea");
    let articles: Vec<Value> = (0..5).map(|number| json!(account.article(&format!("No. {number}"), "x"))).collect();
    let mut seen = vec![];
    let mut next = String::new();
    loop {
        let page = reader.get(&account.path(&format!("/articles?limit=2{next}"))).done();
        seen.extend(list_at(&page, "articles").iter().map(|row| row["article"].clone()));
        match page["next"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, articles.into_iter().rev().collect::<Vec<_>>());
}
