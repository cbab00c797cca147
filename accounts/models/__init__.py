from accounts.models.challenge import Challenge
from accounts.models.former_address import FormerAddress
from accounts.models.hash_kind import HashKind
from accounts.models.hourly_count import HourlyCount, Upkeep
from accounts.models.idempotent_request import IdempotentRequest
from accounts.models.job import Job, JobItem
from accounts.models.limit_counter import LimitCounter
from accounts.models.mailed_code import LoginCode, MailedCode, VerificationCode
from accounts.models.message import Message
from accounts.models.note import Note
from accounts.models.passkey import Passkey
from accounts.models.saved_view import SavedView
from accounts.models.second_factor import RecoveryCode, TotpFactor
from accounts.models.security_event import SecurityEvent
from accounts.models.session import Session
from accounts.models.signing_key import SigningKey
from accounts.models.user import User

__all__ = [
    "Challenge",
    "FormerAddress",
    "HashKind",
    "HourlyCount",
    "IdempotentRequest",
    "Job",
    "JobItem",
    "LimitCounter",
    "LoginCode",
    "MailedCode",
    "Message",
    "Note",
    "Passkey",
    "RecoveryCode",
    "SavedView",
    "SecurityEvent",
    "Session",
    "SigningKey",
    "TotpFactor",
    "Upkeep",
    "User",
    "VerificationCode",
]
