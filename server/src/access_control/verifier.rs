//! Verifies passwords, which takes long on purpose: off the runtime's threads, few at a time, and once for each password.

use std::{
    collections::HashSet,
    sync::{Mutex, OnceLock, PoisonError},
    thread,
};

use access::{PasswordHash, SALT_BYTES, hash_password};
use broker::ClientAddress;
use ring::{
    hmac,
    rand::{SecureRandom as _, SystemRandom},
};
use tokio::{sync::Semaphore, time::sleep};

use super::addresses::Addresses;

/// Verifies passwords.
pub(super) struct Verifier {
    /// A key of this process, under which verified passwords are remembered.
    key: hmac::Key,
    /// Verified passwords: the tags of user, hash and password. A changed password has another hash, so its old entry is never
    /// found again.
    verified: Mutex<HashSet<Tag>>,
    /// The passwords that are verified at the same time.
    permits: Semaphore,
    addresses: Addresses,
}

type Tag = [u8; 32];

impl Verifier {
    pub(super) fn new() -> Self {
        let mut key = [0; 32];
        // Without random numbers nothing is found again, and every password is verified each time.
        let is_random = SystemRandom::new().fill(&mut key).is_ok();
        if !is_random {
            tracing::error!("the system has no random numbers");
        }
        let cores = thread::available_parallelism().map_or(1, Into::into);
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            verified: Mutex::default(),
            permits: Semaphore::new((cores / 2).clamp(1, MAX_AT_ONCE)),
            addresses: Addresses::default(),
        }
    }

    /// Returns whether the password has this hash. An unknown user, without a hash, takes the same time. The answer to a
    /// wrong password is delayed.
    pub(super) async fn verify(
        &self,
        user: &str,
        password: &[u8],
        hash: Option<&PasswordHash>,
        address: ClientAddress,
    ) -> bool {
        let tag = self.tag(user, password, hash);
        if self.is_verified(&tag) {
            return true;
        }
        let address = self.addresses.find(address);
        let mut failures = address.turn.lock().await;
        if self.is_verified(&tag) {
            // By the same client while this one waited.
            return true;
        }
        let is_right = self.compute(password, hash.cloned()).await;
        if is_right && hash.is_some() {
            self.remember(tag);
            return true;
        }
        sleep(failures.add()).await;
        false
    }

    /// Delays the answer to wrong credentials that need no verification.
    pub(super) async fn delay_failure(&self, address: ClientAddress) {
        let address = self.addresses.find(address);
        let mut failures = address.turn.lock().await;
        sleep(failures.add()).await;
    }

    async fn compute(&self, password: &[u8], hash: Option<PasswordHash>) -> bool {
        let Ok(_permit) = self.permits.acquire().await else {
            return false;
        };
        let password = password.to_vec();
        let verified = tokio::task::spawn_blocking(move || match hash {
            Some(hash) => hash.verify(&password),
            None => {
                // For the time that it takes.
                let _ = unknown_users_hash().map(|hash| hash.verify(&password));
                false
            }
        });
        verified.await.unwrap_or(false)
    }

    fn tag(&self, user: &str, password: &[u8], hash: Option<&PasswordHash>) -> Tag {
        let mut context = hmac::Context::with_key(&self.key);
        let hash = hash.map(ToString::to_string).unwrap_or_default();
        for part in [user.as_bytes(), hash.as_bytes(), password] {
            context.update(&(part.len() as u64).to_le_bytes());
            context.update(part);
        }
        let mut tag = Tag::default();
        tag.copy_from_slice(context.sign().as_ref());
        tag
    }

    fn is_verified(&self, tag: &Tag) -> bool {
        let verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        verified.contains(tag)
    }

    fn remember(&self, tag: Tag) {
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if verified.len() >= MAX_REMEMBERED {
            verified.clear();
        }
        verified.insert(tag);
    }
}

/// Returns a hash for users that do not exist, so that their logins take as long as others.
fn unknown_users_hash() -> Option<&'static PasswordHash> {
    static HASH: OnceLock<Option<PasswordHash>> = OnceLock::new();
    HASH.get_or_init(|| hash_password(b"", &[0; SALT_BYTES]).ok())
        .as_ref()
}

/// Maximum number of passwords that are verified at the same time. Each takes 19 MiB.
const MAX_AT_ONCE: usize = 2;
/// Maximum number of remembered passwords. All are forgotten at the limit, which is far above the number of users that one
/// server has.
const MAX_REMEMBERED: usize = 100_000;
