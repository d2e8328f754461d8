//! The memory's file: an SQLite database in WAL mode, which several processes can read and write at a time and which
//! survives their sudden end.

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, ErrorCode, OptionalExtension, TransactionBehavior, params};
use sha2::digest::Output;
use sha2::{Digest, Sha256};

use super::MemorySettings;
use crate::error::{Error, ErrorKind, Result};

/// A digest of model, settings and sentence: where to look, and the proof that it is the right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    row: i64,
    proof: i64,
}

pub struct Store {
    connection: Connection,
    path: PathBuf,
    limit: u64,
    /// Rows that were found and not marked as used in this hour.
    touched: Vec<i64>,
}

/// Tells a memory from other databases: "fr2e" in ASCII.
const APPLICATION: i32 = 0x6672_3265;
const VERSION: i32 = 1;

/// How long another process may write before this one gives up.
const PATIENCE: Duration = Duration::from_secs(30);

const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS translations (
        row INTEGER PRIMARY KEY, proof INTEGER NOT NULL, used INTEGER NOT NULL, value BLOB NOT NULL);
    CREATE INDEX IF NOT EXISTS by_use ON translations (used);";

impl Key {
    /// The key that a hasher which has taken in everything stands for.
    pub fn of(hasher: Sha256) -> Self {
        let digest: Output<Sha256> = hasher.finalize();
        let half = |at: usize| {
            let bytes = digest.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
            bytes.map_or(0, i64::from_le_bytes)
        };
        Self { row: half(0), proof: half(8) }
    }
}

impl Store {
    /// # Errors
    /// When the file cannot be opened or is no memory.
    pub fn open(settings: &MemorySettings) -> Result<Self> {
        let path = settings.path.clone();
        if path.is_dir() {
            return Err(Error::settings("is a directory; --memory takes a file").at(path));
        }
        if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
            return Err(Error::settings("is no plain file, as a translation memory is; name another").at(path));
        }
        let start = Instant::now();
        loop {
            match connect(&path) {
                Ok(Some(connection)) => {
                    return Ok(Self { connection, path, limit: settings.limit, touched: Vec::new() });
                }
                Ok(None) => {
                    let message =
                        "is no translation memory of this version; name another file for --memory, or leave it out";
                    return Err(Error::settings(message).at(path));
                }
                // Two processes that make the same file at a time: SQLite does not wait by itself here.
                Err(error) if is_busy(&error) && start.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(error) => return Err(failed(path, "open", error)),
            }
        }
    }

    /// What is kept under each key.
    pub fn get(&mut self, keys: &[Key]) -> Result<Vec<Option<Vec<u8>>>> {
        let now = hour();
        let mut look = || {
            // One transaction, so that the file is locked and unlocked once.
            let transaction = self.connection.transaction()?;
            let mut statement =
                transaction.prepare_cached("SELECT proof, used, value FROM translations WHERE row = ?1")?;
            let mut values = Vec::with_capacity(keys.len());
            for key in keys {
                let found = statement
                    .query_row([key.row], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get(2)?)))
                    .optional()?;
                let own = found.filter(|(proof, _, _)| *proof == key.proof);
                if own.as_ref().is_some_and(|(_, used, _)| *used < now) {
                    self.touched.push(key.row);
                }
                values.push(own.map(|(_, _, value)| value));
            }
            Ok(values)
        };
        let values = look().map_err(|e| failed(self.path.clone(), "read", e))?;
        // Reading writes nothing, unless much was found that will not be written about soon.
        if self.touched.len() >= super::TOGETHER {
            self.put(&[])?;
        }
        Ok(values)
    }

    /// Keeps values, and forgets the oldest where they grow too many.
    pub fn put(&mut self, entries: &[(Key, Vec<u8>)]) -> Result<()> {
        let now = hour();
        let touched = std::mem::take(&mut self.touched);
        if entries.is_empty() && touched.is_empty() {
            return Ok(());
        }
        let write = || {
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            {
                let mut insert = transaction.prepare_cached(
                    "INSERT OR REPLACE INTO translations (row, proof, used, value) VALUES (?1, ?2, ?3, ?4)",
                )?;
                for (key, value) in entries {
                    insert.execute(params![key.row, key.proof, now, value])?;
                }
                let mut touch = transaction.prepare_cached("UPDATE translations SET used = ?2 WHERE row = ?1")?;
                for row in touched {
                    touch.execute([row, now])?;
                }
            }
            transaction.commit()?;
            self.forget()
        };
        write().map_err(|e| failed(self.path.clone(), "write", e))
    }

    /// Keeps the file within its limit. Pages that become free are used again.
    fn forget(&mut self) -> rusqlite::Result<()> {
        let number = |name: &str| self.connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let used = (number("page_count")? - number("freelist_count")?).saturating_mul(number("page_size")?);
        let limit = i64::try_from(self.limit).unwrap_or(i64::MAX);
        if used <= limit {
            return Ok(());
        }
        let rows: i64 = self.connection.query_row("SELECT count(*) FROM translations", [], |row| row.get(0))?;
        // A tenth more than needed, so that this is not done at every turn.
        let surplus = 1.0 - 0.9 * limit as f64 / used as f64;
        let oldest = "DELETE FROM translations WHERE row IN (SELECT row FROM translations ORDER BY used LIMIT ?1)";
        self.connection.execute(oldest, [(rows as f64 * surplus).ceil() as i64])?;
        Ok(())
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // When what was found was last used is worth a try, no more.
        let _ = self.put(&[]);
    }
}

/// Opens or makes the file; `None` where it is something else.
fn connect(path: &std::path::Path) -> rusqlite::Result<Option<Connection>> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    let stamp = || -> rusqlite::Result<(i32, i32, i64)> {
        // All of one moment: another process may be making the file.
        let snapshot = connection.unchecked_transaction()?;
        let number = |name: &str| snapshot.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let tables = snapshot.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        Ok((number("application_id")? as i32, number("user_version")? as i32, tables))
    };
    match stamp() {
        Ok((APPLICATION, VERSION, _)) => {}
        Ok((0, 0, 0)) => {
            connection.pragma_update(None, "journal_mode", "wal")?;
            connection.execute_batch(&format!(
                "BEGIN IMMEDIATE; {TABLE} PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}; COMMIT;"
            ))?;
        }
        Err(error) if error.sqlite_error_code() != Some(ErrorCode::NotADatabase) => return Err(error),
        _ => return Ok(None),
    }
    // A power cut may cost the last entries, never the file.
    connection.pragma_update(None, "synchronous", "normal")?;
    Ok(Some(connection))
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

fn failed(path: PathBuf, doing: &str, error: rusqlite::Error) -> Error {
    let remedy = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "the file is damaged; delete it, or leave out --memory"
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "another process writes to it; try again",
        _ => "leave out --memory, or name another file for it",
    };
    let message = format!("cannot {doing} the translation memory: {error}; {remedy}");
    Error::new(ErrorKind::Io, message).at(path).because(error)
}

/// Hours since 1970: exact enough to tell what is old.
fn hour() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| (time.as_secs() / 3600) as i64)
}
