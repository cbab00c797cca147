import re
import unicodedata
import uuid
from dataclasses import dataclass
from typing import Any, Self

import idna
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.validators import URLValidator
from django.db import DatabaseError, models
from django.db.models import FilteredRelation, Q
from django.utils.translation import gettext_lazy as _

from accounts.core import clock
from accounts.core.errors import AccountError, ErrorCode

# The characters of a local part without quotes (RFC 5322), and all letters beyond ASCII (RFC 6531).
ATOM = r"[0-9A-Za-z!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+"
# How a hash of our own begins (services/passwords.py). The condition of an index repeats it: another value needs a
# migration.
OWN_HASHES = "argon2$argon2id$v=19$m=19456,t=2,p=1$"
# Users who have a hash of another system. Django begins the hash of a user without a password with "!".
HAS_FOREIGN_HASH = ~Q(password__startswith=OWN_HASHES) & ~Q(password__startswith="!")
_DOT_ATOM = re.compile(rf"{ATOM}(\.{ATOM})*")


def canonical(name: str) -> str:
    """The form in which a username or an address must be unique: NFKC, without regard to case.

    A text with an @ is an address: its domain is converted by IDNA 2008, and unneeded quotes are removed. A domain that
    IDNA refuses is treated like a name; nobody can register with one. The form has a column of its own, because no
    function of SQLite folds letters beyond ASCII.
    """
    local, at, domain = name.rpartition("@")
    if not at:
        return _folded(name)
    try:
        domain = ascii_domain(domain)
    except UnicodeError:
        domain = _folded(domain)
    return f"{_folded(unquoted(local))}@{domain}"


def ascii_domain(domain: str) -> str:
    """A domain as the DNS has it: IDNA 2008, mapped by UTS #46, non-transitional. Raises UnicodeError."""
    domain = domain.lower() if domain.isascii() else domain
    if domain.isascii() and "xn--" not in domain:
        return domain
    return idna.encode(domain, uts46=True, transitional=False).decode("ascii")


def unquoted(local: str) -> str:
    """The local part of an address in NFKC, without unneeded quotes and backslashes."""
    local = unicodedata.normalize("NFKC", local)
    if len(local) < 2 or local[0] != '"' or local[-1] != '"':
        return local
    inner = re.sub(r"\\(.)", r"\1", local[1:-1])
    return inner if _DOT_ATOM.fullmatch(inner) else '"' + re.sub(r'(["\\])', r"\\\1", inner) + '"'


def deliverable(address: str) -> str:
    """The address in the form that mail servers take. Raises UnicodeError for a domain that cannot exist."""
    local, _at, domain = address.rpartition("@")
    return f"{unquoted(local)}@{ascii_domain(domain)}"


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


@dataclass
class Address:
    """The attributes of allauth's EmailAddress that the rest of the product needs."""

    pk: int
    verified: bool


class UserQuerySet(models.QuerySet["User"]):
    def active_superusers(self) -> Self:
        return self.filter(is_superuser=True, is_active=True)

    def with_address(self) -> Self:
        """Reads what User.address returns in the same statement."""
        primary = FilteredRelation("emailaddress", condition=Q(emailaddress__primary=True))
        return self.annotate(joined_address=primary).select_related("joined_address")


class UserManager(BaseUserManager["User"]):
    def get_queryset(self) -> UserQuerySet:
        return UserQuerySet(self.model, using=self._db)

    def with_address(self) -> UserQuerySet:
        return self.get_queryset().with_address()

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(username_key=canonical(username or ""))


class User(AbstractBaseUser, PermissionsMixin):
    """An account. allauth's EmailAddress says whether its address is verified (contract, Accounts)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    username = models.CharField(_("username"), max_length=150)
    username_key = models.CharField(max_length=600, unique=True, editable=False)
    # Django's EmailField refuses a local part beyond ASCII. services/names.py says what an address may be.
    email = models.CharField(_("e-mail"), max_length=254)
    email_key = models.CharField(max_length=600, unique=True, editable=False)
    avatar_url = models.URLField(
        _("avatar URL"), max_length=500, blank=True, default="", validators=[URLValidator(schemes=["https"])]
    )
    language = models.CharField(_("language"), max_length=8, choices=settings.LANGUAGES, default="en")
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(_("may use the admin"), default=False)
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)
    # When the owner last said "this was not me", and when the notice with that link was mailed. All notices that were
    # mailed between these two times are spent, because a thief may have had them sent to another address.
    disowned_at = models.DateTimeField(null=True, editable=False)
    disowned_from = models.DateTimeField(null=True, editable=False)
    # Whether the user has a second factor. A login of a user without one needs no further statement.
    has_second_factor = models.BooleanField(_("second factor"), default=False, db_default=False, editable=False)
    # When somebody last proved that they read the present address. Notice keys that were mailed earlier are refused.
    mailbox_proved_at = models.DateTimeField(null=True, editable=False)
    last_visit = models.DateTimeField(_("last visit"), default=clock.now, editable=False)
    # The id of the account in the system that it came from.
    external_id = models.CharField(_("external id"), max_length=255, blank=True, default="", db_default="")
    # When an account is deleted whose owner asked for that. Until then it is not active, and can be kept.
    deletion_due_at = models.DateTimeField(_("to be deleted"), null=True, editable=False)
    # When the owner last asked for a copy of their data; NULL again after it was fetched.
    export_asked_at = models.DateTimeField(null=True, editable=False)
    # A session row says when and from where somebody logged in. Django's own column would repeat it. Until when wrong
    # passwords last locked the account. The counts of limits decide, not this column.
    locked_until = models.DateTimeField(_("locked until"), null=True, editable=False)
    # A session row says when and from where somebody logged in. Django's own column would repeat it.
    last_login = None

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["email"]

    objects = UserManager()

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        ordering = ["-created_at"]
        # One permission for each act of an administrator.
        permissions = [
            ("reset_user", "Can send a password reset mail to users"),
            ("verify_user", "Can mark addresses of users as verified"),
            ("activate_user", "Can activate and deactivate users"),
            ("reset_factors_user", "Can remove the second factors of users"),
            ("correct_email_user", "Can correct the addresses of users"),
            ("send_verification_user", "Can send verification mails to users"),
            ("export_user", "Can send users a link to a copy of their data"),
            ("close_user", "Can close accounts, to be deleted after the grace"),
            ("unlock_user", "Can unlock users after wrong passwords"),
        ]
        # Indexes for the admin's lists and their filters. A flag has an index on its rare value alone.
        indexes = [
            models.Index(fields=["created_at", "id"], name="user_created"),
            models.Index(fields=["created_at"], name="user_inactive", condition=Q(is_active=False)),
            models.Index(fields=["created_at"], name="user_staff", condition=Q(is_staff=True)),
            models.Index(fields=["created_at"], name="user_superuser", condition=Q(is_superuser=True)),
            models.Index(fields=["created_at"], name="user_factors", condition=Q(has_second_factor=True)),
            models.Index("deletion_due_at", name="user_deletion_due", condition=Q(deletion_due_at__isnull=False)),
            models.Index("locked_until", name="user_locked", condition=Q(locked_until__isnull=False)),
            models.Index("external_id", name="user_external_id", condition=~Q(external_id="")),
            models.Index(fields=["id"], name="user_foreign_hash", condition=HAS_FOREIGN_HASH),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(username__contains="@"), name="username_without_at"),
            models.CheckConstraint(
                condition=Q(avatar_url="") | Q(avatar_url__startswith="https://"), name="avatar_url_https"
            ),
        ]

    @property
    def address(self) -> Any:
        """allauth's primary EmailAddress of this user; None without one.

        with_address() reads it together with the user; otherwise the first access reads it.
        """
        if "joined_address" not in self.__dict__:
            self.address = apps.get_model("account", "EmailAddress").objects.filter(user=self, primary=True).first()
        return self.__dict__["joined_address"]

    @address.setter
    def address(self, address: Any) -> None:
        self.__dict__["joined_address"] = address

    @property
    def email_verified(self) -> bool:
        return self.address is not None and self.address.verified

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Saves the user, and sets the canonical forms of username and address first."""
        self.username_key = canonical(self.username)
        self.email_key = canonical(self.email)
        if kwargs.get("update_fields") is not None:
            names = set(kwargs["update_fields"])
            kwargs["update_fields"] = names | {f"{name}_key" for name in names & {"username", "email"}}
        super().save(*args, **kwargs)

    def store(self, *names: str) -> None:
        """Saves only these fields. Raises AccountError(USER_NOT_FOUND) if the user was deleted meanwhile."""
        try:
            self.save(update_fields=set(names))
        except DatabaseError as error:
            # Django raises the base class itself here. Errors of the database have a class derived from it.
            if type(error) is not DatabaseError:
                raise
            raise AccountError(ErrorCode.USER_NOT_FOUND) from None
