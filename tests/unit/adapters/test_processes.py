"""Every child ends, keeps to its limits, and sees nothing of ours."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hotfix.adapters import processes
from hotfix.adapters.processes import LAUNCHER, Completed, Limits, minimal_environment, run

MIB = 1024**2
PYTHON = sys.executable


def call(
    *argv: str, cwd: Path, seconds: float = 30, limits: Limits | None = None, output_limit: int = 200_000
) -> Completed:
    return run(
        argv,
        cwd=cwd,
        environment=minimal_environment(),
        time_limit=seconds,
        limits=limits,
        output_limit=output_limit,
    )


def running(token: str) -> bool:
    found = False
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found = found or token.encode() in entry.read_bytes()
        except OSError:
            continue
    return found


def eventually(condition: Callable[[], bool], seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


def sleeper(token: str) -> str:
    """Python source of a process that can be found by its command line."""
    return f"import subprocess,sys;subprocess.Popen([sys.executable,'-c','import time;time.sleep(60)','{token}']"


@pytest.fixture
def namespaces(tmp_path: Path) -> None:
    outside = str(Path("/proc/self/ns/pid").readlink()) if sys.platform == "linux" else ""
    inside = call("readlink", "/proc/self/ns/pid", cwd=tmp_path, limits=Limits()).output.strip()
    if not outside or inside == outside:
        pytest.skip("this platform has no namespaces for unprivileged users")


@pytest.mark.parametrize("limits", [None, Limits()], ids=["trusted", "confined"])
class TestEveryChild:
    def test_hands_back_code_and_both_outputs_in_order(self, tmp_path: Path, limits: Limits | None) -> None:
        done = call("sh", "-c", "echo out; echo err >&2; exit 7", cwd=tmp_path, limits=limits)
        assert (done.exit_code, done.output) == (7, "out\nerr\n")

    def test_a_signal_is_128_plus_its_number(self, tmp_path: Path, limits: Limits | None) -> None:
        assert call("sh", "-c", "kill -SEGV $$", cwd=tmp_path, limits=limits).exit_code == 128 + signal.SIGSEGV

    def test_ends_with_the_time_limit_with_its_children(self, tmp_path: Path, limits: Limits | None) -> None:
        token = secrets.token_hex(8)
        code = f"{sleeper(token)});print('up', flush=True);import time;time.sleep(60)"
        done = call(PYTHON, "-c", code, cwd=tmp_path, seconds=2, limits=limits)
        assert done.timed_out
        assert done.output == "up\n"
        assert done.seconds < 10
        assert eventually(lambda: not running(token))

    def test_leaves_no_child_behind(self, tmp_path: Path, limits: Limits | None) -> None:
        token = secrets.token_hex(8)
        done = call(PYTHON, "-c", f"{sleeper(token)});print('left')", cwd=tmp_path, limits=limits)
        assert (done.exit_code, done.output) == (0, "left\n")
        assert done.seconds < 10
        assert eventually(lambda: not running(token))

    def test_keeps_both_ends_of_an_endless_output(self, tmp_path: Path, limits: Limits | None) -> None:
        code = "print('first'); [print('x' * 1023) for _ in range(100 * 1024)]; print('last')"
        done = call(PYTHON, "-c", code, cwd=tmp_path, seconds=120, limits=limits, output_limit=10_000)
        assert done.exit_code == 0
        assert done.output.startswith("first\n")
        assert done.output.endswith("last\n")
        assert "bytes …" in done.output
        assert len(done.output) < 10_100

    def test_output_within_the_limit_is_whole(self, tmp_path: Path, limits: Limits | None) -> None:
        code = "import sys; sys.stdout.write(''.join(f'{i:07}\\n' for i in range(20_000)))"
        done = call(PYTHON, "-c", code, cwd=tmp_path, limits=limits)
        assert done.output == "".join(f"{i:07}\n" for i in range(20_000))

    def test_output_that_is_no_text_does_no_harm(self, tmp_path: Path, limits: Limits | None) -> None:
        assert call("printf", r"caf\351", cwd=tmp_path, limits=limits).output == "caf\N{REPLACEMENT CHARACTER}"

    def test_a_missing_program_is_told(self, tmp_path: Path, limits: Limits | None) -> None:
        with pytest.raises(FileNotFoundError, match="no-such-program"):
            call("no-such-program", cwd=tmp_path, limits=limits)

    def test_a_missing_folder_is_told(self, tmp_path: Path, limits: Limits | None) -> None:
        with pytest.raises(FileNotFoundError):
            call("true", cwd=tmp_path / "gone", limits=limits)

    def test_arguments_arrive_as_they_are(self, tmp_path: Path, limits: Limits | None) -> None:
        odd = ["a b", "$HOME", "--", "--network", "*", "", os.fsdecode(b"caf\xe9")]
        code = "import os,sys; sys.stdout.buffer.write(b'|'.join(map(os.fsencode, sys.argv[1:])).hex().encode())"
        done = call(PYTHON, "-c", code, *odd, cwd=tmp_path, limits=limits)
        assert bytes.fromhex(done.output) == b"|".join(os.fsencode(word) for word in odd)

    def test_sees_none_of_our_environment(
        self, tmp_path: Path, limits: Limits | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql://user:secret@host/db")
        monkeypatch.setenv("GIT_DIR", "/elsewhere")
        output = call("env", cwd=tmp_path, limits=limits).output
        assert "PATH=" in output
        assert "secret" not in output
        assert "GIT_DIR" not in output

    def test_has_no_input_to_wait_for(self, tmp_path: Path, limits: Limits | None) -> None:
        assert call("cat", cwd=tmp_path, seconds=20, limits=limits).exit_code == 0

    @pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux")
    @pytest.mark.parametrize("moment", ["while it starts", "when it runs"])
    def test_dies_with_us(self, tmp_path: Path, limits: Limits | None, moment: str) -> None:
        token = secrets.token_hex(8)
        program = "import pathlib,time; pathlib.Path('runs').touch(); time.sleep(60)"
        ours = (
            "import sys; from pathlib import Path; from hotfix.adapters.processes import *;"
            f"run([sys.executable, '-c', {program!r}, '{token}'], cwd=Path('.'),"
            f"environment=minimal_environment(), time_limit=60, limits={limits!r})"
        )
        include = str(Path(processes.__file__).parents[2])
        runner = subprocess.Popen([PYTHON, "-c", ours], cwd=tmp_path, env={**os.environ, "PYTHONPATH": include})
        as_argument = f"\0{token}"
        try:
            reached = (tmp_path / "runs").exists if moment == "when it runs" else lambda: running(as_argument)
            assert eventually(reached, 20)
        finally:
            runner.kill()
            runner.wait()
        assert eventually(lambda: not running(as_argument))


class TestUntrustedCode:
    def test_cannot_take_more_memory(self, tmp_path: Path) -> None:
        done = call(PYTHON, "-c", "bytearray(600 * 1024**2)", cwd=tmp_path, limits=Limits(memory=512 * MIB))
        assert done.exit_code != 0
        assert "MemoryError" in done.output

    def test_cannot_write_larger_files(self, tmp_path: Path) -> None:
        code = "open('big', 'wb').write(bytes(3 * 1024**2))"
        done = call(PYTHON, "-c", code, cwd=tmp_path, limits=Limits(file_size=1 * MIB))
        assert done.exit_code != 0
        assert (tmp_path / "big").stat().st_size <= MIB

    @pytest.mark.parametrize("talks", [True, False])
    def test_cannot_fill_the_disk_with_many_files(self, tmp_path: Path, talks: bool) -> None:
        code = (
            "import os, time\n"
            f"{'' if talks else 'os.close(1); os.close(2)'}\n"
            "for n in range(64):\n"
            "    with open(f'part{n}', 'wb') as file: file.write(os.urandom(2**20)); os.fsync(file.fileno())\n"
            "    time.sleep(0.05)\n"
            "time.sleep(60)\n"
        )
        done = call(PYTHON, "-c", code, cwd=tmp_path, limits=Limits(disk=16 * MIB), seconds=50)
        assert done.disk_filled
        assert (done.exit_code, done.timed_out) == (None, False)
        assert done.seconds < 40
        # How many files there are then depends on what others write meanwhile.

    @pytest.mark.usefixtures("namespaces")
    def test_reaches_no_server_unless_allowed(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            code = f"import socket; socket.create_connection(('127.0.0.1', {server.getsockname()[1]}), 5)"
            refused = call(PYTHON, "-c", code, cwd=tmp_path, limits=Limits(network=False))
            allowed = call(PYTHON, "-c", code, cwd=tmp_path, limits=Limits(network=True))
        assert allowed.exit_code == 0, allowed.output
        assert refused.exit_code != 0

    @pytest.mark.usefixtures("namespaces")
    def test_may_talk_to_itself(self, tmp_path: Path) -> None:
        code = (
            "import socket; server = socket.create_server(('127.0.0.1', 0));"
            "socket.create_connection(server.getsockname(), 5); print('heard')"
        )
        assert call(PYTHON, "-c", code, cwd=tmp_path, limits=Limits()).output == "heard\n"

    @pytest.mark.usefixtures("namespaces")
    def test_a_daemon_in_its_own_session_ends_too(self, tmp_path: Path) -> None:
        token = secrets.token_hex(8)
        code = f"{sleeper(token)}, start_new_session=True);print('left')"
        done = call(PYTHON, "-c", code, cwd=tmp_path, limits=Limits())
        assert done.output == "left\n"
        assert eventually(lambda: not running(token))

    @pytest.mark.usefixtures("namespaces")
    def test_cannot_read_what_other_processes_were_told(self, tmp_path: Path) -> None:
        code = (
            "import pathlib\nfor file in pathlib.Path('/proc').glob('[0-9]*/environ'):\n    print(file.read_bytes())\n"
        )
        environment = {**os.environ, "OUR_TOKEN": "tell-nobody"}
        bystander = subprocess.Popen([PYTHON, "-c", "import time; time.sleep(30)"], env=environment)
        try:
            done = call(PYTHON, "-c", code, cwd=tmp_path, limits=Limits())
        finally:
            bystander.kill()
            bystander.wait()
        assert "PYTHONHASHSEED" in done.output, "it sees itself"
        assert "tell-nobody" not in done.output

    @pytest.mark.usefixtures("namespaces")
    def test_works_where_namespaces_are_forbidden(self, tmp_path: Path) -> None:
        twice = "import os,subprocess; [subprocess.run(['true'], check=True) for _ in '12']; print(os.getuid())"
        ours = (
            f"import sys; sys.path.insert(0, {str(Path(processes.__file__).parents[2])!r})\n"
            "from pathlib import Path; from hotfix.adapters.processes import *\n"
            f"print(run([sys.executable, '-c', {twice!r}], cwd=Path('.'),"
            "environment=minimal_environment(), time_limit=20, limits=Limits()))"
        )
        outer = ["unshare", "--user", "--map-root-user", "sh", "-c"]
        script = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
        done = call(*outer, script, "sh", PYTHON, "-c", ours, cwd=tmp_path)
        assert "exit_code=0, output='0\\n'" in done.output, done.output

    def test_works_where_namespaces_stay_half_made(self, tmp_path: Path) -> None:
        """Some systems allow a user namespace and then refuse its id map."""
        code = (
            "import os, pathlib, runpy, sys\n"
            f"launcher = runpy.run_path({str(LAUNCHER)!r})\n"
            "def refused(*_): raise PermissionError\n"
            "pathlib.Path.write_text = refused\n"
            'twice = \'import subprocess; [subprocess.run(["touch", x], check=True) for x in "ab"]\'\n'
            "options = [f'--parent={os.getppid()}', '--no-network', '--']\n"
            "sys.exit(launcher['main']([*options, sys.executable, '-c', twice]))\n"
        )
        done = call(PYTHON, "-c", code, cwd=tmp_path)
        assert done.exit_code == 0, done.output
        assert {file.name for file in tmp_path.iterdir()} == {"a", "b"}

    @pytest.mark.usefixtures("namespaces")
    def test_a_fork_bomb_is_bounded(self, tmp_path: Path) -> None:
        bomb = (
            "import os, resource, time\n"
            "print(resource.getrlimit(resource.RLIMIT_NPROC)[0])\n"
            "started = 0\n"
            "try:\n"
            "    for _ in range(60):\n"
            "        if os.fork() == 0: time.sleep(30); os._exit(0)\n"
            "        started += 1\n"
            "except BlockingIOError: pass\n"
            "print(started)\n"
        )
        done = call(PYTHON, "-c", bomb, cwd=tmp_path, limits=Limits(processes=20))
        limit, started = (int(line) for line in done.output.split())
        assert limit == 20
        # The kernel does not count root's processes: there the limit is set and bounds nothing.
        assert 0 < started < 20 or os.getuid() == 0
