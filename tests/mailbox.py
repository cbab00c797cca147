import re
from email.message import EmailMessage
from urllib.parse import parse_qs, urlsplit

from django.core import mail

from accounts.flows.deliver_mail import deliver_mail
from accounts.services.smtp import Courier


class Mailbox:
    """The mails that the worker's flow has sent, in Django's list of sent mail."""

    def collect(self) -> list[EmailMessage]:
        """Delivers everything that is due, and answers the mails that were sent by it."""
        before = len(mail.outbox)
        with Courier(1) as courier:
            while deliver_mail(most=100, courier=courier):
                pass
        return mail.outbox[before:]

    def only(self) -> EmailMessage:
        (letter,) = self.collect()
        return letter


def link(letter: EmailMessage) -> str:
    """The link of the button in a mail's text; a verification mail has another one after it."""
    found, *_others = re.findall(r"^(https?://\S+\?\S+)$", letter.body, re.MULTILINE)
    return str(found)


def code_in(letter: EmailMessage) -> str:
    """The code in a mail's text."""
    (found,) = re.findall(r"^([0-9]{6})$", letter.body, re.MULTILINE)
    return str(found)


def link_values(letter: EmailMessage) -> dict[str, str]:
    """The query of the link in a mail's text: `key`, or `uid` and `token`."""
    return {name: values[0] for name, values in parse_qs(urlsplit(link(letter)).query).items()}
