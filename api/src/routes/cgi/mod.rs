//! The calls that programs of official accounts make, as WeChat's official accounts take them: under `/cgi-bin`, with
//! status 200 and an `errcode` also where they are refused. They are no part of the OpenAPI document.
//!
//! # Layout
//! - `answer`: what is answered; rejections as error codes. `posted`: bodies.
//! - `token`: access tokens, and proving oneself with one.
//! - `messages`: customer service messages. `menu`: the menu, and replies by themselves. `users`: followers.
//! - `tags`: tags and remarks of followers. `media`: what is brought, and what followers sent.
//! - `articles`: drafts and publishing. `mass`: broadcasts. `codes`: codes that say where they hang.
//! - `unheard`: what is answered where a request gets to no call.

mod answer;
mod articles;
mod codes;
mod mass;
mod media;
mod menu;
mod messages;
mod posted;
mod tags;
mod token;
mod unheard;
mod users;

use actix_web::{middleware::from_fn, web};

/// The calls.
pub fn configure(config: &mut web::ServiceConfig) {
    config.service(
        web::scope("/cgi-bin")
            .configure(token::configure)
            .configure(messages::configure)
            .configure(menu::configure)
            .configure(users::configure)
            .configure(tags::configure)
            .configure(media::configure)
            .configure(articles::configure)
            .configure(mass::configure)
            .configure(codes::configure)
            .default_service(web::to(unheard::unknown))
            .wrap(from_fn(unheard::in_its_words)),
    );
}
