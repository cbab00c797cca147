"""What the doctor finds, in the language of the administrator; the command and its JSON stay in English."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import translation

from accounts.services import doctor
from accounts.services.doctor import inside, outside

pytestmark = pytest.mark.django_db
WORDS = {
    "en": (
        "database",
        "forged client address",
        "No worker was ever seen. Run the worker: python manage.py deliver_mail.",
    ),
    "ru": (
        "база данных",
        "подделанный адрес клиента",
        "Обработчик ещё ни разу не запускался. Запустите обработчик: python manage.py deliver_mail.",
    ),
    "uk": (
        "база даних",
        "підроблена адреса клієнта",
        "Обробник ще жодного разу не запускався. Запустіть обробник: python manage.py deliver_mail.",
    ),
}


@pytest.mark.parametrize("language", WORDS)
def test_the_page(admin: Client, language: str) -> None:
    page = admin.get("/admin/checkup/", headers={"Accept-Language": language}).content.decode()
    assert [word for word in WORDS[language] if word not in page] == []
    others = {word for other, words in WORDS.items() if other != language for word in words}
    assert [word for word in others if f">{word}<" in page] == []


@pytest.mark.parametrize("language", ["ru", "uk"])
def test_every_probe_has_a_name_in_each_language(language: str) -> None:
    with translation.override(language):
        assert [each.name for each in doctor.PROBES if translation.gettext(each.name) == each.name != "cookies"] == []


def test_numbers_stand_in_the_sentences(settings: Any) -> None:
    settings.PUBLIC_URL = "https://accounts.example.org"
    answer = outside.Answer(status=503, headers={}, cookies=[], address="192.0.2.1")
    with translation.override("ru"):
        assert outside.public_url(answer) == [
            "https://accounts.example.org отвечает 503: адрес ведёт не к этому продукту, или сервер недоступен."
        ]
    with translation.override("uk"):
        assert inside._minutes(inside.PURGE_LATE) == "3 год"


def test_the_command_says_it_in_english() -> None:
    out = StringIO()
    translation.activate("ru")
    with pytest.raises(SystemExit):
        call_command("authdoctor", "--offline", "--json", stdout=out)
    told = {finding["probe"]: finding["problems"] for finding in json.loads(out.getvalue())["findings"]}
    assert told["worker"] == [WORDS["en"][2]]
