"""An authenticator app of a test."""

from dataclasses import dataclass
from datetime import datetime

import pyotp

from accounts.core import clock
from tests.clients.authapi import AuthApi


@dataclass
class Authenticator:
    """secret: the scanned secret. access: the token that added the app. step: of the code that was shown last."""

    secret: str
    access: str
    recovery_codes: list[str]
    step: int

    def now(self) -> str:
        """The code of the step that was shown last."""
        return pyotp.TOTP(self.secret).generate_otp(self.step)

    def next(self) -> str:
        """A code that was not shown yet, within the tolerance."""
        self.step += 1
        return self.now()

    def at(self, moment: datetime) -> str:
        return pyotp.TOTP(self.secret).at(moment)

    def wrong(self) -> str:
        """Six digits that are no valid code at this time."""
        steps = range(_current_step() - 3, _current_step() + 4)
        right = {pyotp.TOTP(self.secret).generate_otp(step) for step in steps}
        return next(
            code
            for code in ("000000", "111111", "222222", "333333", "444444", "555555", "666666", "777777")
            if code not in right
        )


def _current_step() -> int:
    """The step of this time."""
    return int(clock.now().timestamp()) // 30


def enrol(access: str) -> Authenticator:
    """Adds an app to the user of this access token, with the code of the step before."""
    api = AuthApi()
    offer = api.call("GET", "mfa/totp/activate/", token=access)
    assert offer.status_code == 200, offer.content
    secret = offer.json()["secret"]
    while True:
        step = _current_step() - 1
        body = {"activation_token": offer.json()["activation_token"], "code": pyotp.TOTP(secret).generate_otp(step)}
        answer = api.call("POST", "mfa/totp/activate/", body, token=access)
        # The code is refused if the next step began meanwhile.
        if answer.status_code == 200 or step == _current_step() - 1:
            break
    assert answer.status_code == 200, answer.content
    return Authenticator(secret, access, answer.json()["recovery_codes"], step)
