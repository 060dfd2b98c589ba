//! Use cases about a person's own account.

mod authenticate;
mod change_avatar;
mod change_password;
mod change_privacy;
mod change_profile;
mod log_in;
mod register;
mod revoke_device;

pub use authenticate::Session;
pub use log_in::LogIn;
pub use register::Register;
