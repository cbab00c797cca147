import logging
import os
import uuid
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from accounts.core import clock

logger = logging.getLogger(__name__)


class EmailBackend(BaseEmailBackend):
    """Writes each mail to its own file under EMAIL_FILE_PATH, readable only by its owner, and logs that.

    Django's file backend writes one file for each connection, readable by everybody; but mails here contain keys.
    """

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        folder = Path(str(settings.EMAIL_FILE_PATH))  # type: ignore[misc]
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for message in email_messages:
            path = folder / f"{clock.now():%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:8]}.eml"
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(message.message().as_bytes() + b"\n")
            logger.info("mail written", extra={"file": str(path)})
        return len(email_messages)
