"""A user's own profile, sessions and security events."""

import uuid

from dj_rest_auth.views import UserDetailsView as DjRestAuthUserDetailsView
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema_view
from rest_framework.generics import ListAPIView
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authapi.schema import operation
from accounts.api.authapi.serializers import (
    EndedSerializer,
    NoBodySerializer,
    SecurityEventSerializer,
    SessionSerializer,
    UserDetailsSerializer,
    user_details,
)
from accounts.api.authapi.views import AuthApiView
from accounts.core import clock
from accounts.flows.change_profile import change_profile
from accounts.flows.end_sessions import end_other_sessions, end_own_session
from accounts.models import SecurityEvent, Session
from accounts.models.security_event import NOT_FOR_USERS


class UserDetailsView(AuthApiView, DjRestAuthUserDetailsView):
    """One's username and avatar are changed here, the address and the password elsewhere."""

    serializer_class = UserDetailsSerializer
    http_method_names = ["get", "put", "patch", "head", "options"]

    @operation(_("Read one's profile"), success={200: UserDetailsSerializer}, refusals=(401, 403), tags=["user"])
    def get(self, request: Request) -> Response:
        return Response(user_details(self.session.user))

    @operation(
        _("Replace one's profile"),
        request=UserDetailsSerializer,
        success={200: UserDetailsSerializer},
        refusals=(401, 403),
        tags=["user"],
    )
    def put(self, request: Request) -> Response:
        return self.change(partial=False)

    @operation(
        _("Change one's profile"),
        request=UserDetailsSerializer,
        success={200: UserDetailsSerializer},
        refusals=(401, 403),
        tags=["user"],
    )
    def patch(self, request: Request) -> Response:
        return self.change(partial=True)

    def change(self, *, partial: bool) -> Response:
        body = self.body(UserDetailsSerializer, partial=partial)
        change_profile(
            session=self.session,
            username=body.get("username"),
            avatar_url=body.get("avatar_url"),
            context=self.client(),
        )
        return Response(user_details(self.session.user))


class NewestFirst(CursorPagination):
    page_size = 50


class SessionPages(NewestFirst):
    ordering = ("-started_at", "-id")


class EventPages(NewestFirst):
    ordering = ("-at", "-id")


@extend_schema_view(
    get=operation(
        _("List one's sessions"), success={200: SessionSerializer}, refusals=(401, 403, 404), tags=["session"]
    )
)
class SessionsView(AuthApiView, ListAPIView[Session]):
    """The sessions that are not ended: where, with what, since when, last used, and which one is this."""

    serializer_class = SessionSerializer
    pagination_class = SessionPages
    queryset = Session.objects.none()

    def get_queryset(self) -> QuerySet[Session]:
        return Session.objects.live(clock.now()).filter(user_id=self.session.user_id)


class SessionView(AuthApiView):
    @operation(
        _("End one of one's sessions"),
        success={204: None},
        refusals=(401, 403, 404),
        tags=["session"],
        parameters=(OpenApiParameter("id", uuid.UUID, OpenApiParameter.PATH),),
    )
    def delete(self, request: Request, id: uuid.UUID) -> Response:
        end_own_session(session=self.session, session_id=id, context=self.client())
        return Response(status=204)


class EndOtherSessionsView(AuthApiView):
    @operation(
        _("End all of one's other sessions"),
        repeatable=True,
        success={200: EndedSerializer},
        refusals=(400, 401, 403, 413, 415),
        tags=["session"],
    )
    def post(self, request: Request) -> Response:
        self.body(NoBodySerializer)
        ended = end_other_sessions(session=self.session, context=self.client())
        return Response({"ended": ended})


@extend_schema_view(
    get=operation(
        _("List one's security events"),
        success={200: SecurityEventSerializer},
        refusals=(401, 403, 404),
        tags=["event"],
    )
)
class EventsView(AuthApiView, ListAPIView[SecurityEvent]):
    """What happened to one's account, the newest first."""

    serializer_class = SecurityEventSerializer
    pagination_class = EventPages
    queryset = SecurityEvent.objects.none()

    def get_queryset(self) -> QuerySet[SecurityEvent]:
        return SecurityEvent.objects.filter(user_id=self.session.user_id).exclude(kind__in=NOT_FOR_USERS)
