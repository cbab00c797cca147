"""The header Idempotency-Key of the AuthApi's POSTs (contract; draft-ietf-httpapi-idempotency-key-header-07)."""

import json
import logging
from dataclasses import replace
from typing import Any

from django.db import DatabaseError
from django.utils.translation import gettext_lazy as _
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import is_success

from accounts.api.common.authentication import bearer_token
from accounts.api.common.views import DialectView
from accounts.core.context import ClientContext, RepeatKey
from accounts.core.errors import AccountError
from accounts.flows.keep_answer import keep_answer
from accounts.services import idempotency, jwt, pauses

logger = logging.getLogger(__name__)

# How often, and after how many seconds, a repetition looks for the answer of a request that is still in progress.
LOOKS, PAUSE = 10, 0.1


class AnsweredBefore(Exception):
    """The request was carried out before. response: the answer to its client."""

    def __init__(self, response: Response) -> None:
        self.response = response


class RepeatableView(DialectView):
    # A POST acts once under its key. A docstring would become the description of each operation.

    # False if repeating a request does no harm without a key.
    heeds_idempotency_key = True
    repeat_key: RepeatKey | None = None

    def client(self) -> ClientContext:
        return replace(super().client(), repeat_key=self.repeat_key)

    def client_without_key(self) -> ClientContext:
        """The context for an act that is done again, in addition to the act under the key."""
        return super().client()

    def perform_authentication(self, request: Request) -> None:
        self.repeat_key = self._read_key(request)
        # This comes before authentication, because after a logout there is no session any more.
        if response := self._answer_before():
            raise AnsweredBefore(response)
        super().perform_authentication(request)

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, AnsweredBefore):
            return exc.response
        if isinstance(exc, AccountError):
            try:
                # The same request may have been faster and cause this refusal.
                if response := self._answer_before():
                    return response
            except (AccountError, DatabaseError) as error:
                exc = error
        return super().handle_exception(exc)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        if self.repeat_key is not None and is_success(response.status_code):
            try:
                answer = {"status": response.status_code, "data": _plain(response.data)}
                keep_answer(key=self.repeat_key, answer=answer)
            except DatabaseError as error:
                # The act is done, and the client gets this answer. A repetition gets answer_anew().
                logger.warning("an answer was not kept", extra={"error": str(error).partition("\n")[0]})
        return super().finalize_response(request, response, *args, **kwargs)

    def answer_anew(self) -> Response:
        """The answer to a repeated request if the first answer was lost before it was stored."""
        return Response({"detail": _("This was done before.")})

    def _read_key(self, request: Request) -> RepeatKey | None:
        text = request.META.get("HTTP_IDEMPOTENCY_KEY")
        if text is None or request.method != "POST" or not self.heeds_idempotency_key:
            return None
        user_id = None
        if self.authentication_classes and (token := bearer_token(request)):
            try:
                user_id = jwt.decode(token, expected=jwt.TokenType.ACCESS, even_if_expired=True).user_id
            except AccountError:
                # The authentication that follows refuses the request.
                return None
        return idempotency.repeat_key(text, user_id=user_id, path=request.path, body=request.data)

    def _answer_before(self) -> Response | None:
        """The answer of this request if it was carried out before; None otherwise.

        Raises AccountError(IDEMPOTENCY_KEY_REUSED) if the key was used for another request.
        """
        key = self.repeat_key
        if key is None:
            return None
        for look in range(LOOKS):
            if look:
                pauses.pause(PAUSE)
            row = idempotency.done_before(key)
            if row is None:
                return None
            if answer := idempotency.kept_answer(row, key):
                self.repeat_key = None
                return Response(answer["data"], status=answer["status"])
        # Its worker was killed between the act and the answer. The present answer is stored in its place.
        try:
            return self.answer_anew()
        except AccountError:
            # handle_exception() must not look for the answer again.
            self.repeat_key = None
            raise


def _plain(data: Any) -> Any:
    """The data of a response without serializers' types and without lazy translations."""
    return json.loads(JSONRenderer().render(data))
