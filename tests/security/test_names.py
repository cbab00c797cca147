"""Users cannot choose a name that looks like the operator's (UTS #39)."""

import time
import unicodedata
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from accounts.core.errors import AccountError, ErrorCode
from accounts.models import User
from accounts.services import names
from tests.clients.authapi import PASSWORD, AuthApi
from tests.clients.durudex import Durudex, error
from tests.clients.fastapi_users import FastAPIUsers

REASON = "This username is reserved."
CYRILLIC = "аԁміп"


@pytest.mark.parametrize(
    "name",
    [
        *(
            "admin",
            "ADMIN",
            "adm1n",
            "ADMlN",
            "ad-min",
            "_admin_",
            "adrnin",
            "ádmin",
            "ADMİN",
            "admın",
            "ɑdmin",
            "αdmin",
        ),
        *(CYRILLIC, "АԀМІП", "ꓮꓓꓟꓲꓠ", "𝖆𝖉𝖒𝖎𝖓", "ⓐdmin", "ａｄｍｉｎ", "ᴀᴅᴍɪɴ"),
        *("root", "r00t", "rооt", "support", "ѕupport", "ѕиррогт", "Security", "no-reply", "postmaster", "webmaster"),
        *("админ", "Адмін", "поддержка", "підтримка"),
    ],
)
def test_reserved(name: str) -> None:
    assert names.is_reserved(unicodedata.normalize("NFKC", name)) is True


@pytest.mark.parametrize(
    "name", ["alice", "admiral", "admin-istvan", "adam", "rooty", "Михаил", "поддубный", "田中", "гоша"]
)
def test_free(name: str) -> None:
    assert names.is_reserved(name) is False


def test_the_setting_decides(settings: Any) -> None:
    settings.RESERVED_USERNAMES = ["captain"]
    assert [names.is_reserved(name) for name in ("admin", "CAPTA1N", "сарtаіп")] == [False, True, True]


@pytest.mark.parametrize(
    "name", ["al\u3164ice", "al\uffa0ice", "alice\u115f", "al\u200bice", "al\u00adice", "ali\u034fce"]
)
def test_nothing_invisible(name: str) -> None:
    with pytest.raises(AccountError) as refused:
        names.clean_username(name)
    assert refused.value.code is ErrorCode.USERNAME_INVALID


@pytest.mark.parametrize("name", ["раypal", "аdmin", "bοb", "ραура"])
def test_no_mix_of_scripts_that_misleads(name: str) -> None:
    with pytest.raises(AccountError) as refused:
        names.clean_username(name)
    assert refused.value.reasons == ("This username mixes scripts whose letters can be mistaken for one another.",)


def test_looking_costs_little() -> None:
    letters = "".join(letter for letter in map(chr, range(0x3B1, 0x30000)) if letter.isalpha())
    began = time.process_time()
    for start in range(0, 15000, 150):
        names.is_reserved(letters[start : start + 150])
    assert (time.process_time() - began) / 100 < 0.01


@pytest.mark.django_db
class TestDoors:
    @pytest.mark.parametrize("name", ["Root", CYRILLIC])
    def test_registration(self, rows: Any, name: str) -> None:
        before = rows()
        answer = AuthApi().register(name, email="eve@example.org")
        assert (answer.status_code, answer.json()) == (400, {"username": [REASON]})
        for durudex in (Durudex(), Durudex(older=True)):
            refused = error(durudex.sign_up(name, "eve@example.org", "123456"))
            assert (refused["code"], refused["fields"]) == ("INVALID_ARGUMENT", {"username": [REASON]})
        assert rows() == before

    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    @pytest.mark.parametrize("name", ["support", CYRILLIC])
    def test_renaming(self, api: AuthApi, alice: Any, method: str, name: str) -> None:
        answer = api.call(method, "user/", {"username": name}, token=alice["access"])
        assert (answer.status_code, answer.json()) == (400, {"username": [REASON]})
        assert User.objects.get().username == "alice"

    def test_a_name_out_of_an_address_gets_a_suffix(self) -> None:
        for email in ("admin@example.org", "Support@example.org"):
            assert FastAPIUsers().register(email).status_code == 201
        admin, support = User.objects.order_by("username_key").values_list("username", flat=True)
        assert (admin[:6], len(admin), support[:8], len(support)) == ("admin-", 12, "Support-", 14)

    def test_administrators_give_such_names(self, api: AuthApi, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
        call_command("createsuperuser", "--noinput", "--username", "root", "--email", "root@example.org")
        admin = Client()
        admin.post("/admin/login/", {"username": "root", "password": PASSWORD})
        body = {"username": "support", "email": "s@example.org", "password1": PASSWORD, "password2": PASSWORD}
        assert admin.post("/admin/accounts/user/add/", body).status_code == 302
        support = User.objects.get(username="support")
        body = {"username": "security", "email": "s@example.org", "is_active": "on"}
        assert admin.post(f"/admin/accounts/user/{support.pk}/change/", body).status_code == 302
        # A user who has such a name keeps it, and may change its spelling.
        token = api.login("security").json()["access"]
        assert api.call("PUT", "user/", {"username": "Security"}, token=token).json()["username"] == "Security"
