"""An administrator has no more views than the most, and none twice, however many are saved at the same moment."""

import pytest

from accounts.flows.save_view import save_view
from accounts.models import SavedView
from accounts.services.saved_views import NameTakenError, TooManyViewsError
from tests.concurrency.race import race, rounds
from tests.flows.context import client, signed_up

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_last_place_and_one_name() -> None:
    context = client().by_administrator(signed_up().pk)

    def save(page: str, name: str) -> str:
        try:
            save_view(page=page, name=name, query="verified=0", context=context)
        except (NameTakenError, TooManyViewsError) as refusal:
            return type(refusal).__name__
        return "saved"

    for _ in range(rounds(20)):
        SavedView.objects.all().delete()
        for number in range(28):
            save("accounts.user", str(number))
        answers = race(*[lambda: save("accounts.job", "one")] * 4)
        assert sorted(answers) == ["NameTakenError"] * 3 + ["saved"]
        answers = race(*[lambda name=name: save("accounts.job", name) for name in "abcd"])
        assert sorted(answers) == ["TooManyViewsError"] * 3 + ["saved"]
        assert SavedView.objects.count() == 30
