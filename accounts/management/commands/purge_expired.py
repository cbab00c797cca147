from typing import Any

from django.core.management.base import BaseCommand

from accounts.flows.delete_own_account import delete_due_accounts
from accounts.flows.purge_expired import purge_expired


class Command(BaseCommand):
    help = "Removes expired rows in batches; run it daily. Several runs at once and requests do not disturb each other."

    def handle(self, *args: Any, **options: Any) -> None:
        if deleted := delete_due_accounts():
            self.stdout.write(f"accounts whose owners asked for it: {deleted} removed")
        for purged in purge_expired():
            self.stdout.write(f"{purged.name}: {purged.rows} removed")
