//! Use cases of pictures, voice, video and files: bringing them, at once or in parts, naming them, discarding what nothing names.
//!
//! The bytes are durable in the [`MediaStore`] before the event that tells of them is appended, and that event is durable
//! before anything that names the medium: so nothing that is shown ever names bytes that are not there. What is refused does
//! not come that far: there has to be room for it in its owner's `quota` before it comes.

mod begin_upload;
mod discard_unnamed;
mod finish_upload;
mod name_medium;
mod quota;
mod store;
mod upload_medium;
mod uploads;

use domain::{MediumId, medium::Uploaded};

pub use begin_upload::{BeginUpload, BegunUpload};
pub use discard_unnamed::Discarded;
pub(crate) use discard_unnamed::Sweep;
pub(crate) use quota::Quota;
pub use store::{Arrived, Chunks, Claim, Incoming, MediaStore, MediaUse, Smaller, SmallerForm};
pub use upload_medium::{Received, Receiving};
pub use uploads::{Announced, Part, Upload, UploadStore};

use crate::{CommandError, Commands};

impl Commands {
    /// What was brought as a medium; none where there is no such medium, or no longer. Whoever asks must have looked
    /// whether they may know.
    ///
    /// # Errors
    /// When its stream can't be read.
    pub async fn medium(&self, medium: MediumId) -> Result<Option<Uploaded>, CommandError> {
        self.streams.media.look(medium, |medium| medium.uploaded().cloned()).await
    }
}
