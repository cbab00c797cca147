"""Acts on the whole account that need a recent proof: another address, a copy of the data, deletion."""

from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authapi.schema import NO_AUTH, operation
from accounts.api.authapi.serializers import (
    DeletionSerializer,
    EmailSerializer,
    NoBodySerializer,
    VerifyEmailSerializer,
)
from accounts.api.authapi.views import DETAIL, AuthApiView, detail
from accounts.flows.change_email import request_email_change
from accounts.flows.delete_own_account import request_deletion
from accounts.flows.export_own_data import request_export
from accounts.flows.verify_email import verify_email

TAGS = ["account"]


class EmailChangeView(AuthApiView):
    """A mail with a key goes to the new address, and a notice to the present one. The key changes the address."""

    @operation(
        _("Ask for another e-mail address"),
        request=EmailSerializer,
        success=DETAIL,
        refusals=(401, 403),
        repeatable=True,
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        request_email_change(session=self.session, **self.body(EmailSerializer), context=self.client())
        return detail(_("A mail to confirm the new address has been sent to it."))


class EmailChangeConfirmView(AuthApiView):
    """Whoever has the key has read the mail: no session is needed."""

    authentication_classes = ()
    permission_classes = ()

    @operation(
        _("Confirm another e-mail address"),
        request=VerifyEmailSerializer,
        success=DETAIL,
        repeatable=True,
        auth=NO_AUTH,
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        verify_email(**self.body(VerifyEmailSerializer), context=self.client())
        return detail(_("ok"))


class AccountExportView(AuthApiView):
    """The link works once within a day, and goes to the verified address alone."""

    @operation(
        _("Ask for a copy of one's data"),
        success=DETAIL,
        refusals=(400, 401, 403, 413, 415, 429),
        repeatable=True,
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        self.body(NoBodySerializer)
        request_export(session=self.session, context=self.client())
        return detail(_("A link to a copy of your data has been sent to your address."))


class AccountView(AuthApiView):
    """Every session ends at once. A mail with a link that keeps the account goes to its address."""

    @operation(
        _("Delete one's account"),
        success={200: DeletionSerializer},
        refusals=(401, 403, 409),
        tags=TAGS,
    )
    def delete(self, request: Request) -> Response:
        due_at = request_deletion(session=self.session, context=self.client())
        return Response(DeletionSerializer({"detail": _("Your account is closed."), "delete_at": due_at}).data)
