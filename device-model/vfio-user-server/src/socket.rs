//! The socket that clients connect to.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use rustix::fs::{Mode, fchmod};
use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

/// How many clients may wait while one is served.
const WAITING_CLIENTS: i32 = 16;

/// Listens on a new socket at `path`, for its owner only. A socket that nobody listens on any more gives way.
pub(crate) fn listen(path: &Path) -> io::Result<UnixListener> {
    match fs::symlink_metadata(path) {
        Ok(there) if there.file_type().is_socket() => match UnixStream::connect(path) {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path)?,
            _ => return Err(io::Error::new(ErrorKind::AddrInUse, "somebody listens there")),
        },
        Ok(_) => return Err(io::Error::new(ErrorKind::AlreadyExists, "there is a file, and it is no socket")),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let socket = net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    // Linux gives the file the mode that the socket has when it is bound: nobody connects before it is right.
    fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
    net::bind(&socket, &SocketAddrUnix::new(path)?)?;
    net::listen(&socket, WAITING_CLIENTS)?;
    Ok(UnixListener::from(socket))
}

/// Takes over a listening socket that this process was started with, as descriptor `number`.
///
/// To be called once for a number, before anything else is opened: from then on the socket belongs to the result.
#[allow(unsafe_code, reason = "a descriptor by its number is what a process inherits")]
pub fn inherited_listener(number: RawFd) -> io::Result<UnixListener> {
    let link = fs::read_link(format!("/proc/self/fd/{number}"))?;
    if !link.to_string_lossy().starts_with("socket:") {
        return Err(io::Error::new(ErrorKind::InvalidInput, format!("it is {}, not a socket", link.display())));
    }
    // SAFETY: the descriptor is open, as its link has shown, and nobody in this process owns it: it was inherited, and
    // the caller takes it once.
    let listener = UnixListener::from(unsafe { OwnedFd::from_raw_fd(number) });
    // Whether it listens is seen before the first client comes.
    listener.local_addr()?;
    Ok(listener)
}
