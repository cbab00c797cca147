"""The routes under /users/: one's own account, and all accounts for superusers."""

import uuid

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import NotFound
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.fastapi_users.authentication import IsSuperuser
from accounts.api.fastapi_users.errors import Word
from accounts.api.fastapi_users.schema import USERS_TAG, operation
from accounts.api.fastapi_users.shapes import UserRead, UserUpdate
from accounts.api.fastapi_users.views import FastAPIUsersView
from accounts.core.context import ClientContext
from accounts.flows.administer import change_user, delete_user
from accounts.flows.change_account import change_account
from accounts.models import User


class MeView(FastAPIUsersView):
    @operation(
        _("Read one's profile"),
        id="users_current_user_users_me_get",
        tag=USERS_TAG,
        success={200: UserRead},
        refusals=(401, 403),
    )
    def get(self, request: Request) -> Response:
        return Response(UserRead(self.session.user).data)

    @operation(
        _("Change one's e-mail or password"),
        id="users_patch_current_user_users_me_patch",
        tag=USERS_TAG,
        body=UserUpdate,
        success={200: UserRead},
        words=(Word.UPDATE_USER_EMAIL_ALREADY_EXISTS,),
        with_reason=(Word.UPDATE_USER_INVALID_PASSWORD,),
        refusals=(401, 403),
        forbidden=(Word.REAUTHENTICATION_REQUIRED,),
    )
    def patch(self, request: Request) -> Response:
        body = self.body(UserUpdate)
        user = change_account(
            session=self.session, email=body.get("email"), password=body.get("password"), context=self.client()
        )
        return Response(UserRead(user).data)


class UserView(FastAPIUsersView):
    permission_classes = (IsAuthenticated, IsSuperuser)

    def client(self) -> ClientContext:
        return super().client().by_administrator(self.session.user_id)

    @operation(
        _("Read a user's profile, as a superuser"),
        id="users_user_users__id__get",
        tag=USERS_TAG,
        success={200: UserRead},
        refusals=(401, 403, 404),
    )
    def get(self, request: Request, id: str) -> Response:
        return Response(UserRead(find_user(id)).data)

    @operation(
        _("Change a user, as a superuser"),
        id="users_patch_user_users__id__patch",
        tag=USERS_TAG,
        body=UserUpdate,
        refusal="UserAdministration",
        success={200: UserRead},
        words=(Word.UPDATE_USER_EMAIL_ALREADY_EXISTS, Word.LAST_SUPERUSER),
        with_reason=(Word.UPDATE_USER_INVALID_PASSWORD,),
        refusals=(401, 403, 404),
    )
    def patch(self, request: Request, id: str) -> Response:
        user = find_user(id)
        body = self.body(UserUpdate)
        change_user(
            user=user,
            email=body.get("email"),
            password=body.get("password"),
            is_active=body.get("is_active"),
            is_superuser=body.get("is_superuser"),
            verified=body.get("is_verified"),
            session=self.session,
            context=self.client(),
        )
        return Response(UserRead(user).data)

    @operation(
        _("Delete a user, as a superuser"),
        id="users_delete_user_users__id__delete",
        tag=USERS_TAG,
        refusal="UserDeletion",
        success={204: None},
        words=(Word.LAST_SUPERUSER,),
        refusals=(401, 403, 404),
    )
    def delete(self, request: Request, id: str) -> Response:
        delete_user(user=find_user(id), context=self.client())
        return Response(status=204)


def find_user(id: str) -> User:
    """The user with the UUID `id`, in any spelling; raises NotFound."""
    try:
        pk = uuid.UUID(id)
    except ValueError:
        raise NotFound from None
    user: User = get_object_or_404(User.objects.with_address(), pk=pk)
    return user
