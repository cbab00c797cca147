"""One mailbox, one account: the canonical form of an address decides uniqueness, look-up and delivery."""

import importlib
import logging
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.db import connection
from django.test import Client

from accounts.core.errors import AccountError, ErrorCode
from accounts.models import User
from accounts.models.user import canonical
from accounts.services import names, users
from tests.clients.authapi import PASSWORD, AuthApi
from tests.clients.durudex import Durudex, code_in, word
from tests.clients.fastapi_users import FastAPIUsers
from tests.mailbox import Mailbox, link_values

pytestmark = pytest.mark.django_db
# The typed address, its stored form, and its canonical form.
FORMS = [
    ("V@Example.COM", "V@example.com", "v@example.com"),
    ('"v"@example.com', "v@example.com", "v@example.com"),
    ('"v.w"@example.com', "v.w@example.com", "v.w@example.com"),
    (r'"v\w"@example.com', "vw@example.com", "vw@example.com"),
    ('"v@w"@example.com', '"v@w"@example.com', '"v@w"@example.com'),
    ("  v@example.com\n", "v@example.com", "v@example.com"),
    ("v@example。com", "v@example.com", "v@example.com"),
    ("v@example．com", "v@example.com", "v@example.com"),
    ("v@ｅｘａｍｐｌｅ.com", "v@example.com", "v@example.com"),
    ("ｖ@example.com", "v@example.com", "v@example.com"),
    ("v@bücher.example", "v@bücher.example", "v@xn--bcher-kva.example"),
    ("v@BÜCHER.example", "v@bücher.example", "v@xn--bcher-kva.example"),
    ("v@bu\u0308cher.example", "v@bücher.example", "v@xn--bcher-kva.example"),
    ("v@XN--Bcher-KVA.example", "v@bücher.example", "v@xn--bcher-kva.example"),
    ("x@straße.example", "x@straße.example", "x@xn--strae-oqa.example"),
    ("x@strasse.example", "x@strasse.example", "x@strasse.example"),
    ("x@пример.испытание", "x@пример.испытание", "x@xn--e1afmkfd.xn--80akhbyknj4f"),
    ("Jörg@example.com", "Jörg@example.com", "jörg@example.com"),
    ("jo\u0308rg@example.com", "jörg@example.com", "jörg@example.com"),
    ('"jörg"@example.com', "jörg@example.com", "jörg@example.com"),
    ("GROẞ@straße.example", "GROẞ@straße.example", "gross@xn--strae-oqa.example"),
    ("İ.ΣΑΣ@example.com", "İ.ΣΑΣ@example.com", "i\u0307.σασ@example.com"),
    ("Ꭰꭰ@example.com", "Ꭰꭰ@example.com", "ᎠᎠ@example.com"),
    ("हिन्दी@example.com", "हिन्दी@example.com", "हिन्दी@example.com"),
    ("ﬁ.ｘ@example.com", "fi.x@example.com", "fi.x@example.com"),
    ("用户@例子.测试", "用户@例子.测试", "用户@xn--fsqu00a.xn--0zwm56d"),
    ("😀@example.com", "😀@example.com", "😀@example.com"),
]
REFUSED = [
    *(
        "v@exam\u00adple.com",
        "v\u00ad@example.com",
        "v@exam\u200bple.com",
        "v\u200d@example.com",
        "\ufeffv@example.com",
    ),
    *(
        "v\u202e@example.com",
        "v@example\u2060.com",
        "v@exam\ufe0fple.com",
        "v@exam\u3164ple.com",
        "v\U000e0041@example.com",
    ),
    *("v\t@example.com", "v@exa\x00mple.com", "v\x7f@example.com", "v＠example.com", "a＠b@example.com"),
    *("v@xn--a.example", "v@xn--.example", "v@⒈com", "v@a..com", "v@" + "ß" * 100 + ".com", "v@.com", "v@example.com."),
    *("jö\u200brg@example.com", "jö\xadrg@example.com", "jö rg@example.com", "jö\u3000rg@example.com"),
    *("\u2800@example.com", "jö\ue000rg@example.com", "jö\u0378rg@example.com", "\u0308j@example.com"),
    *(".jörg@example.com", "jörg.@example.com", "j‥ö@example.com", '"jö rg"@example.com', "ö\u2028@example.com"),
    # 254 octets are the most, not 254 letters.
    "ö" * 122 + "@example.com",
    *("v@" + "ß" * 60 + ".de" * 40, "v@-ß.com", "v@a\u0301\u0301\u0301.com."),
]


@pytest.mark.parametrize(("typed", "kept", "known"), FORMS)
def test_one_form(typed: str, kept: str, known: str) -> None:
    assert names.clean_email(typed) == kept
    assert {canonical(kept), names.lookup_key(typed), names.lookup_key(known)} == {known}
    assert names.clean_email(kept) == kept


@pytest.mark.parametrize("address", REFUSED)
def test_refused(address: str) -> None:
    with pytest.raises(AccountError) as refused:
        names.clean_email(address)
    assert refused.value.code is ErrorCode.EMAIL_INVALID
    assert users.find(address) is None


@pytest.mark.parametrize("address", ["v@\ud800.com", "ö\ud800@example.com"])
def test_half_a_character_is_refused(address: str) -> None:
    with pytest.raises(AccountError):
        names.clean_email(address)


def test_the_longest_address_has_a_place_everywhere() -> None:
    # No letter's canonical form has more letters than the letter has octets; this one's has as many.
    address = "ß" * 121 + "@example.com"
    assert AuthApi().register("longest", email=address).status_code == 201
    (found,) = User.objects.values_list("email", "email_key", "emailaddress__email")
    assert found == (address, "ss" * 121 + "@example.com", "ss" * 121 + "@example.com")


def test_refused_in_every_door(rows: Any) -> None:
    before = rows()
    invisible = ("v@exam\u00adple.com", "v\u200b@example.com", "jö\u200brg@example.com", "jö\u3000rg@example.com")
    for address in (*invisible, "v@" + "ß" * 100 + ".com", "v@xn--a.example", "ö" * 122 + "@example.com"):
        assert set(AuthApi().register("v", email=address).json()) == {"email"}
        assert FastAPIUsers().register(address).status_code == 422
        assert word(Durudex().create_code(address)) == "INVALID_ARGUMENT"
        assert word(Durudex().sign_up("v", address, "123456")) == "INVALID_ARGUMENT"
    assert rows() == before


@pytest.mark.parametrize(
    "spellings",
    [
        ['"v"@example.com', "v@example.com", "V@EXAMPLE．com", " v@example.com "],
        ["v@bücher.example", "v@xn--bcher-kva.example", "V@BÜCHER。example", '"v"@XN--BCHER-kva.example'],
        ["v@straße.example", "v@STRAßE.example", "v@xn--strae-oqa.example"],
        ["jörg@example.com", "JÖRG@example.com", "Jo\u0308rg@EXAMPLE.com", '"jörg"@example.com'],
        ["groß@example.com", "GROSS@example.com", "GROẞ@example.com"],
    ],
    ids=lambda spellings: spellings[0],
)
def test_one_account(spellings: list[str], api: AuthApi, rows: Any) -> None:
    fastapi_users, durudex = FastAPIUsers(), Durudex()
    assert api.register("v", email=spellings[0]).status_code == 201
    for address in spellings:
        before = rows()
        assert set(api.register("other", email=address).json()) == {"email"}
        assert fastapi_users.register(address).json() == {"detail": "REGISTER_USER_ALREADY_EXISTS"}
        assert rows() == before
        assert api.login(address).status_code == 200
        assert fastapi_users.login(address).status_code == 200
        assert "errors" not in durudex.login(address).json()
        found = users.find_by_email(address)
        assert found is not None
        assert found.username == "v"
    User.objects.update(is_staff=True)
    for address in spellings:
        assert Client().post("/admin/login/", {"username": address, "password": PASSWORD}).status_code == 302


def test_two_mailboxes_are_two_accounts(api: AuthApi) -> None:
    for name, address in (("one", "x@straße.example"), ("two", "x@strasse.example")):
        assert api.register(name, email=address).status_code == 201
        assert api.login(address).json()["user"]["username"] == name


def test_mail_goes_to_the_right_domain(api: AuthApi, letters: Mailbox) -> None:
    said = api.register("v", email="X@Straße.example").json()
    assert said["user"]["email"] == "X@straße.example"
    letter = letters.only()
    assert letter.to == ["X@xn--strae-oqa.example"]
    assert api.verify_email(**link_values(letter)).status_code == 200
    api.reset("x@straße.example")
    assert letters.only().to == ["X@xn--strae-oqa.example"]
    # A code that was requested with one spelling works with the other.
    durudex = Durudex()
    durudex.create_code("x@STRAßE.example")
    letter = letters.only()
    assert letter.to == ["X@xn--strae-oqa.example"]
    said = durudex.forgot_password("x@xn--strae-oqa.example", code_in(letter), "battery-staple-7").json()
    assert said == {"data": {"forgotPassword": True}}


@pytest.mark.parametrize("name", ["\x1f", "@", "@@", "v@", "@example.com", '"@example.com', '"@"@"', "\ud800@\udfff"])
def test_canonical_never_fails(name: str) -> None:
    assert isinstance(canonical(name), str)


class TestMigration:
    def migrate(self) -> None:
        importlib.import_module("accounts.migrations.0003_canonical_addresses").compute(apps, connection.schema_editor)

    def add(self, name: str, email: str, key: str) -> User:
        user = User.objects.create(username=name, email=f"{name}@example.net")
        User.objects.filter(pk=user.pk).update(email=email, email_key=key)
        EmailAddress.objects.create(user=user, email=key, primary=True, verified=True)
        return user

    def test_recomputes(self, caplog: pytest.LogCaptureFixture) -> None:
        self.add("a", "x@straße.example", "x@strasse.example")
        self.add("b", '"v"@Example.com', '"v"@example.com')
        self.add("c", "c@example.com", "c@example.com")
        self.add("d", "d@xn--a.example", "d@xn--a.example")
        self.migrate()
        assert list(User.objects.order_by("username").values_list("email_key", "emailaddress__email")) == [
            ("x@xn--strae-oqa.example", "x@xn--strae-oqa.example"),
            ("v@example.com", "v@example.com"),
            ("c@example.com", "c@example.com"),
            ("d@xn--a.example", "d@xn--a.example"),
        ]
        assert caplog.records == []

    def test_reports_who_shares_a_mailbox(self, caplog: pytest.LogCaptureFixture) -> None:
        first = self.add("first", "v@example.com", "v@example.com")
        second = self.add("second", '"v"@example.com', '"v"@example.com')
        self.migrate()
        assert list(User.objects.order_by("username").values_list("email_key", "emailaddress__email")) == [
            ("v@example.com", "v@example.com"),
            ('"v"@example.com', '"v"@example.com'),
        ]
        (record,) = caplog.records
        assert (record.levelno, record.args) == (logging.WARNING, (second.pk, first.pk))
