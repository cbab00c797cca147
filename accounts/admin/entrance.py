from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import rotate_token

from accounts.api.common.authentication import ADMIN_SESSION_KEY
from accounts.models import Session


def enter(request: HttpRequest, session: Session, url: str) -> HttpResponse:
    """Gives the browser the cookie of a new session, and redirects it to `url`.

    Cookie and CSRF token are new, so that values from before the login are worthless after it.
    """
    request.session.flush()
    request.session[ADMIN_SESSION_KEY] = str(session.pk)
    rotate_token(request)
    return HttpResponseRedirect(url)
