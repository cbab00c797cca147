from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import rotate_token

from accounts.api.common.authentication import ADMIN_SESSION_KEY
from accounts.models import Session


def enter(request: HttpRequest, session: Session, url: str) -> HttpResponse:
    """Gives the browser the cookie of a session that began, and sends it to `url`.

    A new cookie and a new CSRF token: nothing that was known before the login is good after it.
    """
    request.session.flush()
    request.session[ADMIN_SESSION_KEY] = str(session.pk)
    rotate_token(request)
    return HttpResponseRedirect(url)
