import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from config.bodies import BoundedBodies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
if settings.OTEL_EXPORTER_OTLP_ENDPOINT:
    from config import tracing

    tracing.instrument()

application = BoundedBodies(get_wsgi_application())
