//! SQLite's way to a [`Disk`]: a VFS that passes SQLite's requests on. It promises what the Unix VFS promises and
//! nothing else: a write leaves the bytes around it alone, also in a power cut.
//!
//! A disk has one connection at a time, so every lock is granted, and the memory that connections in WAL mode share
//! belongs to that one.
#![expect(unsafe_code, reason = "SQLite calls a VFS through pointers")]

use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};

use rusqlite::{Connection, OpenFlags, ffi};

use super::disk::{Disk, Failure, FileId};

const NAME: &CStr = c"bursar-power-cut";
const DATABASE: &str = "bursar.db";

type Shared = Arc<Mutex<Disk>>;

static DISKS: Mutex<BTreeMap<u64, Shared>> = Mutex::new(BTreeMap::new());
static NUMBERS: AtomicU64 = AtomicU64::new(0);
static REGISTERED: Once = Once::new();

/// A panic elsewhere must not become one in the middle of SQLite.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A disk that SQLite can reach.
pub(crate) struct Mounted {
    number: u64,
    disk: Shared,
}

impl Mounted {
    pub(crate) fn new(disk: Disk) -> Self {
        REGISTERED.call_once(register);
        let (number, disk) = (NUMBERS.fetch_add(1, Ordering::Relaxed), Arc::new(Mutex::new(disk)));
        lock(&DISKS).insert(number, Arc::clone(&disk));
        Self { number, disk }
    }

    pub(crate) fn disk(&self) -> MutexGuard<'_, Disk> {
        lock(&self.disk)
    }

    /// Opens the database on it.
    pub(crate) fn open(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Connection::open_with_flags_and_vfs(format!("/{}/{DATABASE}", self.number), flags, NAME)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        lock(&DISKS).remove(&self.number);
    }
}

/// A second hand on a connection that is about to be handed to somebody who keeps it to himself.
///
/// # Safety
/// It is dropped, or forgotten, before the connection is closed.
pub(crate) unsafe fn second_hand(db: &Connection) -> Connection {
    // SAFETY: the connection is open, and by the caller's promise it is while this is used.
    unsafe { Connection::from_handle(db.handle()).unwrap() }
}

/// Every page of the database as its readers see it now, whether it stands in the file or in the log.
pub(crate) fn pages(db: &Connection) -> Vec<u8> {
    let count: i64 = db.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    if count == 0 {
        return Vec::new();
    }
    let mut len = 0;
    // SAFETY: the connection is open, and the name and the length are valid for the call.
    let start = unsafe { ffi::sqlite3_serialize(db.handle(), c"main".as_ptr(), &raw mut len, 0) };
    assert!(!start.is_null(), "the pages of a database can be read");
    // SAFETY: SQLite has handed over so many bytes from there on, and they are given back once they are copied.
    unsafe {
        let bytes = std::slice::from_raw_parts(start, usize::try_from(len).unwrap()).to_vec();
        ffi::sqlite3_free(start.cast());
        bytes
    }
}

/// An open file: to SQLite a `sqlite3_file`, which stands first.
#[repr(C)]
struct Handle {
    base: ffi::sqlite3_file,
    disk: Shared,
    file: FileId,
    is_database: bool,
    /// The index of the log, in atomics since SQLite writes to it behind our back.
    shared: Vec<Box<[AtomicU64]>>,
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(grant),
    xUnlock: Some(grant),
    xCheckReservedLock: Some(nobody_holds),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

fn register() {
    let vfs = ffi::sqlite3_vfs {
        iVersion: 1,
        szOsFile: c_int::try_from(size_of::<Handle>()).unwrap(),
        mxPathname: 64,
        pNext: ptr::null_mut(),
        zName: NAME.as_ptr(),
        pAppData: ptr::null_mut(),
        xOpen: Some(open),
        xDelete: Some(delete),
        xAccess: Some(access),
        xFullPathname: Some(full_pathname),
        xDlOpen: None,
        xDlError: None,
        xDlSym: None,
        xDlClose: None,
        xRandomness: Some(randomness),
        xSleep: Some(sleep),
        xCurrentTime: Some(current_time),
        xGetLastError: Some(last_error),
        xCurrentTimeInt64: None,
        xSetSystemCall: None,
        xGetSystemCall: None,
        xNextSystemCall: None,
    };
    // SAFETY: the VFS lives as long as the process, and all it needs of its version is there.
    let code = unsafe { ffi::sqlite3_vfs_register(Box::into_raw(Box::new(vfs)), 0) };
    assert_eq!(code, ffi::SQLITE_OK);
}

/// The disk and the file's name behind `/NUMBER/NAME`.
///
/// # Safety
/// `path` is null or a C string.
unsafe fn place(path: *const c_char) -> Option<(Shared, String)> {
    if path.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    let path = unsafe { CStr::from_ptr(path) }.to_str().ok()?;
    let (number, name) = path.strip_prefix('/')?.split_once('/')?;
    Some((Arc::clone(lock(&DISKS).get(&number.parse().ok()?)?), name.to_owned()))
}

/// # Safety
/// `file` was opened by [`open`] and is not closed yet.
unsafe fn handle<'a>(file: *mut ffi::sqlite3_file) -> &'a mut Handle {
    // SAFETY: the caller's promise; a connection, and so its files, is used by one thread at a time.
    unsafe { &mut *file.cast::<Handle>() }
}

fn code_of(outcome: Result<(), Failure>) -> c_int {
    match outcome {
        Ok(()) => ffi::SQLITE_OK,
        Err(Failure::Write) => ffi::SQLITE_IOERR_WRITE,
        Err(Failure::Sync) => ffi::SQLITE_IOERR_FSYNC,
        Err(Failure::Full) => ffi::SQLITE_FULL,
    }
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    path: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: `file` has room for a handle, and where it has no methods, SQLite does not close it.
    unsafe { (*file).pMethods = ptr::null() };
    // SAFETY: SQLite hands over a C string, or null for a temporary file, of which a ledger has none.
    let Some((disk, name)) = (unsafe { place(path) }) else { return ffi::SQLITE_CANTOPEN };
    let is_database = flags & ffi::SQLITE_OPEN_MAIN_DB != 0;
    let syncs_folder = flags & (ffi::SQLITE_OPEN_MAIN_JOURNAL | ffi::SQLITE_OPEN_WAL) != 0;
    let opened = {
        let mut disk = lock(&disk);
        let free = !is_database || !std::mem::replace(&mut disk.in_use, true);
        free.then(|| disk.open(&name, flags & ffi::SQLITE_OPEN_CREATE != 0, syncs_folder)).flatten()
    };
    let Some(id) = opened else { return ffi::SQLITE_CANTOPEN };
    let base = ffi::sqlite3_file { pMethods: &raw const METHODS };
    // SAFETY: as above; what was there is no handle yet, so nothing is dropped.
    unsafe { file.cast::<Handle>().write(Handle { base, disk, file: id, is_database, shared: Vec::new() }) };
    if !out_flags.is_null() {
        // SAFETY: not null, so it is for this.
        unsafe { *out_flags = flags };
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite closes what it opened, once.
    let handle = unsafe { file.cast::<Handle>().read() };
    if handle.is_database {
        lock(&handle.disk).in_use = false;
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(file: *mut ffi::sqlite3_file, into: *mut c_void, len: c_int, at: i64) -> c_int {
    let (Ok(len), Ok(at)) = (usize::try_from(len), usize::try_from(at)) else { return ffi::SQLITE_IOERR_READ };
    // SAFETY: SQLite reads files that it opened, into as many bytes as it asks for.
    let (handle, into) = unsafe { (handle(file), std::slice::from_raw_parts_mut(into.cast::<u8>(), len)) };
    let disk = lock(&handle.disk);
    let bytes = disk.bytes(handle.file).get(at..).unwrap_or_default();
    let there = bytes.len().min(len);
    into[..there].copy_from_slice(&bytes[..there]);
    into[there..].fill(0);
    if there < len { ffi::SQLITE_IOERR_SHORT_READ } else { ffi::SQLITE_OK }
}

unsafe extern "C" fn write(file: *mut ffi::sqlite3_file, from: *const c_void, len: c_int, at: i64) -> c_int {
    let (Ok(len), Ok(at)) = (usize::try_from(len), usize::try_from(at)) else { return ffi::SQLITE_IOERR_WRITE };
    // SAFETY: SQLite writes to files that it opened, from as many bytes as it says.
    let (handle, from) = unsafe { (handle(file), std::slice::from_raw_parts(from.cast::<u8>(), len)) };
    code_of(lock(&handle.disk).write(handle.file, at, from))
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, len: i64) -> c_int {
    // SAFETY: SQLite cuts files that it opened.
    let handle = unsafe { handle(file) };
    lock(&handle.disk).truncate(handle.file, usize::try_from(len).unwrap_or(0));
    ffi::SQLITE_OK
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    // SAFETY: SQLite syncs files that it opened.
    let handle = unsafe { handle(file) };
    code_of(lock(&handle.disk).sync(handle.file))
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, size: *mut i64) -> c_int {
    // SAFETY: SQLite asks about files that it opened, and has a place for the answer.
    let (handle, size) = unsafe { (handle(file), &mut *size) };
    *size = i64::try_from(lock(&handle.disk).bytes(handle.file).len()).unwrap_or(i64::MAX);
    ffi::SQLITE_OK
}

unsafe extern "C" fn grant(_: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn nobody_holds(_: *mut ffi::sqlite3_file, held: *mut c_int) -> c_int {
    // SAFETY: SQLite has a place for the answer.
    unsafe { *held = 0 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn file_control(_: *mut ffi::sqlite3_file, _: c_int, _: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(_: *mut ffi::sqlite3_file) -> c_int {
    4096
}

unsafe extern "C" fn characteristics(_: *mut ffi::sqlite3_file) -> c_int {
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    region: c_int,
    len: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    let (Ok(region), Ok(len)) = (usize::try_from(region), usize::try_from(len)) else { return ffi::SQLITE_IOERR };
    // SAFETY: SQLite maps the index of a database that it opened, and has a place for the answer.
    let (handle, out) = unsafe { (handle(file), &mut *out) };
    while extend != 0 && handle.shared.len() <= region {
        handle.shared.push((0..len.div_ceil(8)).map(|_| AtomicU64::new(0)).collect());
    }
    *out = handle.shared.get(region).map_or(ptr::null_mut(), |part| part.as_ptr().cast_mut().cast());
    ffi::SQLITE_OK
}

unsafe extern "C" fn shm_lock(_: *mut ffi::sqlite3_file, _: c_int, _: c_int, _: c_int) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn shm_barrier(_: *mut ffi::sqlite3_file) {
    fence(Ordering::SeqCst);
}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    // SAFETY: SQLite unmaps the index of a database that it opened, and uses it no more.
    unsafe { handle(file) }.shared.clear();
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, path: *const c_char, syncs_folder: c_int) -> c_int {
    // SAFETY: SQLite hands over a C string.
    let Some((disk, name)) = (unsafe { place(path) }) else { return ffi::SQLITE_IOERR_DELETE };
    let there = lock(&disk).delete(&name, syncs_folder != 0);
    if there { ffi::SQLITE_OK } else { ffi::SQLITE_IOERR_DELETE_NOENT }
}

unsafe extern "C" fn access(_: *mut ffi::sqlite3_vfs, path: *const c_char, _: c_int, out: *mut c_int) -> c_int {
    // SAFETY: SQLite hands over a C string, and has a place for the answer.
    let (place, out) = unsafe { (place(path), &mut *out) };
    *out = c_int::from(place.is_some_and(|(disk, name)| lock(&disk).exists(&name)));
    ffi::SQLITE_OK
}

unsafe extern "C" fn full_pathname(
    _: *mut ffi::sqlite3_vfs,
    path: *const c_char,
    room: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: SQLite hands over a C string.
    let path = unsafe { CStr::from_ptr(path) }.to_bytes_with_nul();
    if usize::try_from(room).is_ok_and(|room| path.len() > room) {
        return ffi::SQLITE_CANTOPEN;
    }
    // SAFETY: there is room for it, in a place of SQLite's own.
    unsafe { ptr::copy_nonoverlapping(path.as_ptr().cast(), out, path.len()) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn randomness(_: *mut ffi::sqlite3_vfs, _: c_int, _: *mut c_char) -> c_int {
    0
}

unsafe extern "C" fn sleep(_: *mut ffi::sqlite3_vfs, _: c_int) -> c_int {
    0
}

unsafe extern "C" fn current_time(_: *mut ffi::sqlite3_vfs, out: *mut f64) -> c_int {
    // SAFETY: SQLite has a place for the answer: some Julian day, since nothing here asks for the time.
    unsafe { *out = 2_461_000.5 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn last_error(_: *mut ffi::sqlite3_vfs, _: c_int, _: *mut c_char) -> c_int {
    0
}
