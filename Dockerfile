# One image; the web server and the mail worker are two commands of it:
#   docker run accounts-backend
#   docker run accounts-backend python manage.py deliver_mail
# The digest names one image for all platforms. For a newer one, take both from:
#   docker buildx imagetools inspect python:3.13-slim-trixie
FROM python:3.13.15-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b

LABEL org.opencontainers.image.title="accounts-backend" \
      org.opencontainers.image.description="Registration, login, sessions and e-mail verification over REST and GraphQL" \
      org.opencontainers.image.licenses="MIT"

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOST=0.0.0.0
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir --require-hashes -r requirements.txt \
    && useradd --no-create-home --uid 10001 --home-dir /app accounts \
    && mkdir var && chown accounts var
COPY manage.py pyproject.toml LICENSE ./
COPY config config
COPY accounts accounts
COPY templates templates
RUN python -m compileall -q manage.py config accounts
USER 10001
VOLUME /app/var
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s CMD python -c "import os, urllib.request as r; \
r.urlopen(f'http://127.0.0.1:{os.environ.get(\"PORT\", \"8000\")}/livez', timeout=2)"
CMD ["gunicorn", "--config", "config/gunicorn.py", "config.wsgi"]
