//! Codes that say where they hang.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{OfficialAccountId, Rejection, official::Scene};

use crate::{Commands, secrets};

/// A code of an account with a scene.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SceneCode {
    /// The code. Nothing of it is stored: it is genuine under the server's key or not at all.
    pub code: String,
    /// When it ends; none where it does not.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Commands {
    /// A code of an account that says where it hangs; without `seconds` one that does not end. Whoever asks for one must
    /// have been checked to act for the account.
    ///
    /// # Errors
    /// [`Rejection::InvalidField`], [`Rejection::TooLong`].
    pub fn scene_code(
        &self,
        account: OfficialAccountId,
        scene: Scene,
        seconds: Option<i64>,
    ) -> Result<SceneCode, Rejection> {
        scene.check(seconds.is_some())?;
        let longest = self.policy.official.scene_code_seconds;
        if seconds.is_some_and(|seconds| !(1..=longest).contains(&seconds)) {
            return Err(Rejection::InvalidField { field: "seconds", rule: "is above zero, and at most 30 days" });
        }
        // Codes tell the end in whole seconds.
        let now = self.now().timestamp();
        let expires_at = seconds
            .and_then(|seconds| DateTime::from_timestamp(now, 0)?.checked_add_signed(TimeDelta::seconds(seconds)));
        let code = self.secrets.scene_code(&secrets::SceneCode { account, scene, expires_at });
        Ok(SceneCode { code, expires_at })
    }
}
