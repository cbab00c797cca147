"""An address with letters beyond ASCII at every door: from registration to the deletion of the account."""

import io

import pytest
from allauth.account.models import EmailAddress
from django.core.management import call_command
from django.test import Client

from accounts.models import Message, User
from tests.clients.authapi import NEW_PASSWORD, PASSWORD, AuthApi
from tests.clients.durudex import Durudex, code_in
from tests.clients.fastapi_users import FastAPIUsers
from tests.mailbox import Mailbox, link_values

pytestmark = pytest.mark.django_db
ADDRESS, OTHER_SPELLING, NEW = "Jörg@example.com", "jo\u0308RG@EXAMPLE.com", "йорґ@приклад.укр"


def kept() -> list[tuple[str, str, str]]:
    return list(User.objects.values_list("email", "email_key", "emailaddress__email"))


def test_authapi(api: AuthApi, letters: Mailbox) -> None:
    said = api.register("joerg", email=f"  {ADDRESS} ")
    assert (said.status_code, said.json()["user"]["email"]) == (201, ADDRESS)
    letter = letters.only()
    assert letter.to == [ADDRESS]
    assert api.verify_email(**link_values(letter)).status_code == 200
    assert api.login(OTHER_SPELLING).status_code == 200
    assert api.reset(OTHER_SPELLING).status_code == 200
    letter = letters.only()
    assert letter.to == [ADDRESS]
    values = link_values(letter)
    answer = api.confirm_reset(values["uid"], values["token"], NEW_PASSWORD)
    assert answer.status_code == 200
    assert api.login(ADDRESS, NEW_PASSWORD).json()["user"]["email_verified"] is True
    assert kept() == [(ADDRESS, "jörg@example.com", "jörg@example.com")]
    assert api.resend(OTHER_SPELLING).status_code == 200


def test_fastapi_users(letters: Mailbox, immediate: None) -> None:
    client = FastAPIUsers()
    said = client.register(ADDRESS)
    assert (said.status_code, said.json()["email"]) == (201, ADDRESS)
    assert User.objects.get().username == "Jörg"
    letters.collect()
    token = client.token(OTHER_SPELLING)
    said = client.change_me(token, email=NEW)
    assert (said.status_code, said.json()["email"]) == (200, NEW)
    sent = "йорґ@xn--80aikifvh.xn--j1amh"
    assert [letter.to for letter in letters.collect()] == [[ADDRESS], [sent], [sent]]
    assert kept() == [(NEW, sent, sent)]


@pytest.mark.parametrize("older", [False, True])
def test_durudex(letters: Mailbox, older: bool) -> None:
    durudex = Durudex(older=older)
    assert durudex.create_code(ADDRESS).json() == {"data": {"createVerifyEmailCode": True}}
    letter = letters.only()
    assert letter.to == [ADDRESS]
    assert "errors" not in durudex.sign_up("joerg", OTHER_SPELLING, code_in(letter)).json()
    assert "errors" not in durudex.login(ADDRESS).json()
    durudex = Durudex()
    durudex.create_code(ADDRESS)
    letter = letters.only()
    assert letter.to == ["jöRG@example.com"]
    said = durudex.forgot_password(ADDRESS, code_in(letter), NEW_PASSWORD).json()
    assert said == {"data": {"forgotPassword": True}}
    assert kept() == [("jöRG@example.com", "jörg@example.com", "jörg@example.com")]


def test_admin_and_commands(monkeypatch: pytest.MonkeyPatch, letters: Mailbox) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    out = io.StringIO()
    call_command("createsuperuser", "--noinput", "--username", "root", "--email", "rööt@example.org", stdout=out)
    assert out.getvalue() == "Made the superuser root <rööt@example.org>.\n"
    admin = Client()
    assert admin.post("/admin/login/", {"username": "RÖÖT@example.org", "password": PASSWORD}).status_code == 302
    body = {"username": "joerg", "email": ADDRESS, "password1": PASSWORD, "password2": PASSWORD}
    page = admin.get("/admin/accounts/user/add/").content.decode()
    # A browser would refuse the address in a field of the type email.
    assert 'type="email"' not in page
    assert admin.post("/admin/accounts/user/add/", body).status_code == 302
    user = User.objects.get(username="joerg")
    assert (user.email, user.email_key) == (ADDRESS, "jörg@example.com")
    before = User.objects.count(), EmailAddress.objects.count()
    answer = admin.post("/admin/accounts/user/add/", body | {"username": "other", "email": OTHER_SPELLING})
    assert "A user is already registered with this e-mail address." in answer.content.decode()
    assert (User.objects.count(), EmailAddress.objects.count()) == before
    admin.post("/admin/accounts/user/", {"action": "send_reset_mail", "_selected_action": [str(user.pk)]})
    assert letters.only().to == [ADDRESS]
    assert admin.post(f"/admin/accounts/user/{user.pk}/delete/", {"post": "yes"}).status_code == 302
    assert list(User.objects.values_list("username", flat=True)) == ["root"]
    assert Message.objects.count() == 0


def test_the_page_for_a_new_link() -> None:
    page = Client().post("/verify-email", {"key": "wrong"})
    assert page.status_code == 400
    assert '<input id="email"' in page.content.decode()
    assert 'type="email"' not in page.content.decode()
