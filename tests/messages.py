"""The message catalogues: the strings to translate. `python -m tests.messages` updates and compiles them.

GNU gettext is not needed: Babel reads the code, Django's own templatize the templates, and polib writes the files.
"""

import io
from pathlib import Path

import polib
from babel.messages.extract import extract

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = {
    "ru": "nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);",
    "uk": "nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);",
}
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
}


def catalogue_path(language: str) -> Path:
    return ROOT / "accounts" / "locale" / language / "LC_MESSAGES" / "django.po"


def wanted() -> dict[str, str]:
    """msgid -> plural msgid ("" where there is none) of every string of ours that a person may read."""
    from django.utils.translation.template import templatize

    found: dict[str, str] = {}
    sources = [(path, path.read_text()) for path in sorted((ROOT / "accounts").rglob("*.py"))]
    for path in sorted((ROOT / "templates").rglob("*")):
        if path.is_file():
            sources.append((path, templatize(path.read_text(), origin=str(path))))
    for _path, source in sources:
        for _line, message, _comments, _context in extract("python", io.BytesIO(source.encode()), keywords=KEYWORDS):
            singular, plural = (message[0], message[1]) if isinstance(message, tuple) else (message, "")
            if singular:
                found[singular] = plural
    return found


def update() -> None:
    for language, plurals in LANGUAGES.items():
        path = catalogue_path(language)
        old = {entry.msgid: entry for entry in polib.pofile(str(path))} if path.exists() else {}
        new = polib.POFile(wrapwidth=110)
        new.metadata = {
            "Language": language,
            "MIME-Version": "1.0",
            "Content-Type": "text/plain; charset=UTF-8",
            "Content-Transfer-Encoding": "8bit",
            "Plural-Forms": plurals,
        }
        for msgid, plural in sorted(wanted().items()):
            entry = polib.POEntry(msgid=msgid, msgid_plural=plural)
            known = old.get(msgid)
            if plural:
                entry.msgstr_plural = known.msgstr_plural if known else {0: "", 1: "", 2: ""}
            else:
                entry.msgstr = known.msgstr if known else ""
            new.append(entry)
        new.save(str(path))
        new.save_as_mofile(str(path.with_suffix(".mo")))
        print(f"{language}: {len(new.untranslated_entries())} untranslated of {len(new)}")


if __name__ == "__main__":
    import django

    django.setup()
    update()
