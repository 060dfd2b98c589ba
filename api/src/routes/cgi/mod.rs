//! The calls that programs of official accounts make, as WeChat's official accounts take them: under `/cgi-bin`, with
//! status 200 and an `errcode` also where they are refused. They are no part of the OpenAPI document.
//!
//! # Layout
//! - `answer`: what is answered; rejections as error codes.
//! - `token`: access tokens, and proving oneself with one.
//! - `messages`: customer service messages. `menu`: the menu, and replies by themselves. `users`: followers.
//! - `codes`: codes that say where they hang.

mod answer;
mod codes;
mod menu;
mod messages;
mod token;
mod users;

use actix_web::web;

/// The calls.
pub fn configure(config: &mut web::ServiceConfig) {
    config.service(
        web::scope("/cgi-bin")
            .configure(token::configure)
            .configure(messages::configure)
            .configure(menu::configure)
            .configure(users::configure)
            .configure(codes::configure),
    );
}
