"""Starts one program so that it, and everything that it starts, ends with us.

A script, not a module: run with ``python -I -S`` by ``processes.run``, standard library only. On Linux, untrusted code
(called with limits) gets its own process-id and network namespaces where the kernel allows them; then nothing that it
starts outlives it. Elsewhere the limits and the process group remain.
"""

from __future__ import annotations

# It starts once for every command: only what is quick to import, and the rest where it is needed.
import ctypes
import os
import resource
import select
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x20000, 0x10000000, 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC = 0x2, 0x4, 0x8
PR_SET_PDEATHSIG = 1
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1


def main(arguments: list[str]) -> int:
    split = arguments.index("--")
    options, argv = arguments[:split], arguments[split + 1 :]
    # Told by the parent itself: asked here, the answer would be somebody else once the parent is gone.
    parent = int(options.pop(0).removeprefix("--parent="))
    die_with_parent(lambda: os.getppid() == parent)
    if not options:
        return execute(argv)
    for name, kind in (("--memory=", resource.RLIMIT_AS), ("--file-size=", resource.RLIMIT_FSIZE)):
        set_limit(kind, options, name)
    isolated = isolate(network="--network" in options)
    # Per user, not per group, and shared with everything else of the user: only where the namespace counts alone.
    if isolated:
        set_limit(resource.RLIMIT_NPROC, options, "--processes=")
    return supervise(argv) if isolated else execute(argv)


def set_limit(kind: int, options: list[str], name: str) -> None:
    for option in options:
        if option.startswith(name):
            wanted = int(option[len(name) :])
            _, hard = resource.getrlimit(kind)
            value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(kind, (value, value))


def die_with_parent(parent_lives: Callable[[], bool]) -> None:
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # The parent may have died before the call above took effect.
    if not parent_lives():
        os._exit(1)


def isolate(network: bool) -> bool:
    """Enter new namespaces; False, and nothing has changed, where the platform does not allow it."""
    if sys.platform != "linux":
        return False
    # Nobody leaves a namespace again, and in a half-made one programs cannot create files: a child tries it first.
    trial = os.fork()
    if trial == 0:
        os._exit(0 if enter_namespaces(network) else 1)
    return exit_code(os.waitpid(trial, 0)[1]) == 0 and enter_namespaces(network)


def enter_namespaces(network: bool) -> bool:
    user, group = os.getuid(), os.getgid()
    flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | (0 if network else CLONE_NEWNET)
    if ctypes.CDLL(None, use_errno=True).unshare(flags) != 0:
        return False
    try:
        if os.path.exists("/proc/self/setgroups"):
            write("/proc/self/setgroups", "deny")
        write("/proc/self/uid_map", f"{user} {user} 1")
        write("/proc/self/gid_map", f"{group} {group} 1")
    except OSError:
        return False
    if not network:
        raise_loopback()
    return True


def write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def raise_loopback() -> None:
    """Bring ``lo`` up in the new network namespace, so that tests may talk to themselves."""
    # The C half of the socket module does without the enums of the other.
    import _socket
    import fcntl
    import struct

    try:
        probe = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(probe, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(probe, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))
        probe.close()
    except OSError:
        pass


def supervise(argv: list[str]) -> int:
    """Be the parent of the namespace's first process, which reaps orphans and takes everything with it."""
    # In the new namespace the parent has no number; a pipe that it holds open tells that it lives.
    reader, writer = os.pipe()
    first = os.fork()
    if first == 0:
        os.close(writer)
        die_with_parent(lambda: not select.select([reader], [], [], 0)[0])
        hide_other_processes()
        os._exit(reap(argv))
    return exit_code(os.waitpid(first, 0)[1])


def hide_other_processes() -> None:
    """Show only the namespace's own processes in /proc, where others of this user have their environment.

    Containers that mask parts of /proc do not allow it; then it stays as it is.
    """
    ctypes.CDLL(None).mount(b"proc", b"/proc", b"proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, None)


def reap(argv: list[str]) -> int:
    program = os.fork()
    if program == 0:
        os._exit(execute(argv))
    while True:
        pid, status = os.wait()
        if pid == program:
            return exit_code(status)


def exit_code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def execute(argv: list[str]) -> int:
    try:
        os.execvp(argv[0], argv)
    except OSError as error:
        sys.stdout.write(f"cannot start {argv[0]}: {error.strerror}\n")
        sys.stdout.flush()
    return 127


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
