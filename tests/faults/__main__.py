"""`make faults`: counts what is lost, doubled or refused while parts of the product are killed, paused and restarted.

Runs the faults of the command line, such as `pause` or `restart=3`, or all of them, and prints a table. The exit code
is not 0 if anything was lost or doubled, or an honest session ended.
"""

import os
import sys

os.environ.setdefault("TEST_ON", "postgres")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("LOG_LEVEL", "WARNING")
import django

from tests import servers


def main() -> int:
    # This also imports what other tests know of clients.
    django.setup()
    from tests.faults.faults import FAULTS
    from tests.faults.report import run_all

    asked = [argument.partition("=") for argument in sys.argv[1:]] or [(name, "", "") for name in FAULTS]
    unknown = [name for name, _, _ in asked if name not in FAULTS]
    if unknown:
        print(f"There is no {', '.join(unknown)}; there are {', '.join(FAULTS)}.", file=sys.stderr)
        return 2
    return run_all([(name, int(times) if times else FAULTS[name].times) for name, _, times in asked])


if __name__ == "__main__":
    try:
        code = main()
    finally:
        servers.pytest_unconfigure()
    sys.exit(code)
