"""Django's settings, all of them from environment variables (see config/environment.py and the README)."""

import os
import tomllib

from corsheaders.defaults import default_headers

from config import environment, shown
from config.environment import BASE_DIR
from config.logs import logging_settings
from config.providers import OAUTH2, providers, redirect_urls

# --- where it serves ---
HOST = environment.text("HOST", "127.0.0.1")
PORT = environment.whole_number("PORT", 8000, least=1, most=65535)
WEB_CONCURRENCY = environment.whole_number("WEB_CONCURRENCY", os.cpu_count() or 1, least=1, most=256)
PUBLIC_URL = environment.origin("PUBLIC_URL", f"http://127.0.0.1:{PORT}")
IS_HTTPS = PUBLIC_URL.startswith("https://")
LOCAL_NAMES = "localhost,127.0.0.1,[::1]"
ALLOWED_HOSTS = environment.hosts("ALLOWED_HOSTS", LOCAL_NAMES) or LOCAL_NAMES.split(",")
TRUSTED_PROXY_COUNT = environment.whole_number("TRUSTED_PROXY_COUNT", 0, least=0, most=16)
WSGI_APPLICATION = "config.wsgi.application"
ROOT_URLCONF = "config.urls"
# The URLs accept both forms where a slash at the end makes no difference: a redirect would lose a POST's body.
APPEND_SLASH = False

# The most bytes of a body of any media type. config.wsgi counts them.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576

# --- secrets and transport ---
SECRET_KEY = environment.secret_key()
SECRET_KEY_FALLBACKS = environment.former_secret_keys()
DEBUG = False
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SECURE_HSTS_SECONDS = 31536000 if IS_HTTPS else 0
# With "no-referrer" browsers send "Origin: null", which the admin's CSRF check refuses. The pages set their own policy.
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if TRUSTED_PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- accounts: the contract's own settings, read through accounts.core.conf ---
AUDIENCE = environment.text("AUDIENCE", "accounts")
EMAIL_VERIFICATION = environment.choice("EMAIL_VERIFICATION", "optional", ("optional", "mandatory"))
ACCESS_TOKEN_MINUTES = environment.whole_number("ACCESS_TOKEN_MINUTES", 5, least=1, most=24 * 60)
SESSION_DAYS = environment.whole_number("SESSION_DAYS", 30, least=1, most=365)
REFRESH_GRACE_SECONDS = environment.whole_number("REFRESH_GRACE_SECONDS", 30, least=0, most=300)
MFA = environment.choice("MFA", "optional", ("off", "optional", "required_for_staff", "required"))
REFRESH_COOKIE = environment.choice("REFRESH_COOKIE", "off", ("on", "off"))
VERIFY_EMAIL_URL = environment.link("VERIFY_EMAIL_URL", PUBLIC_URL + "/verify-email?key={key}", ("key",))
PASSWORD_RESET_URL = environment.link(
    "PASSWORD_RESET_URL", PUBLIC_URL + "/reset-password?uid={uid}&token={token}", ("uid", "token")
)
DELETION_GRACE_DAYS = environment.whole_number("DELETION_GRACE_DAYS", 14, least=0, most=365)
ADMIN_VIEW_EVENTS = environment.choice("ADMIN_VIEW_EVENTS", "off", ("on", "off"))
EMAIL_CHANGE = environment.choice("EMAIL_CHANGE", "confirmed", ("confirmed", "immediate"))
PASSWORD_RESET_TIMEOUT = 60 * 60
RATE_LIMITS = environment.choice("RATE_LIMITS", "on", ("on", "off"))
LIMITS = {
    name: environment.whole_number(name, most, least=1, most=1_000_000)
    for name, most in {
        "WRONG_PASSWORDS_PER_HOUR": 10,
        "WRONG_PASSWORDS_PER_DAY": 50,
        "WRONG_PASSWORDS_PER_IP": 100,
        "WRONG_CODES_PER_DAY": 25,
        "WRONG_FACTORS_PER_HOUR": 20,
        "FACTOR_CHANGES_PER_HOUR": 30,
        "WRONG_KEYS_PER_IP": 60,
        "MAILS_PER_HOUR": 5,
        "MAILS_PER_DAY": 20,
        "REGISTRATIONS_PER_IP": 20,
        "RESETS_PER_IP": 20,
        "RESENDS_PER_IP": 20,
        "CODES_PER_IP": 20,
        "GUESSING_NOTICES_PER_DAY": 1,
    }.items()
}
# Names that sound like the operator's, in the languages of the pages.
RESERVED_USERNAMES = environment.names(
    "RESERVED_USERNAMES",
    "admin,administrator,root,superuser,sysadmin,system,operator,moderator,staff,team,official,owner,support,help,"
    "helpdesk,service,security,abuse,billing,contact,info,account,accounts,api,www,webmaster,postmaster,hostmaster,"
    "mailerdaemon,noreply,null,undefined,anonymous,everyone,админ,администратор,модератор,поддержка,безопасность,"
    "адмін,адміністратор,підтримка,безпека",
)
PWNED_PASSWORDS_URL = environment.service("PWNED_PASSWORDS_URL")
# The Firebase project of accounts with Firebase's hashes.
FIREBASE_SIGNER_KEY = environment.in_base64("FIREBASE_SIGNER_KEY", environment.token("FIREBASE_SIGNER_KEY"))
FIREBASE_SALT_SEPARATOR = environment.in_base64(
    "FIREBASE_SALT_SEPARATOR", environment.text("FIREBASE_SALT_SEPARATOR", "Bw==")
)
# With the highest values of both, a hash takes about a second and 128 MiB.
FIREBASE_ROUNDS = environment.whole_number("FIREBASE_ROUNDS", 8, least=1, most=16)
FIREBASE_MEM_COST = environment.whole_number("FIREBASE_MEM_COST", 14, least=1, most=16)
HASH_QUEUE = environment.whole_number("HASH_QUEUE", 16, least=1, most=1000)

# --- storage ---
DATABASES = {"default": environment.database()}
DATABASE_POOL = environment.database_pool()
DATABASE_SECONDS = environment.database_seconds()
CACHES = {"default": environment.cache()}
REDIS_URL = environment.url("CACHE_URL")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- mail ---
globals().update(environment.email())
DEFAULT_FROM_EMAIL = environment.sender("DEFAULT_FROM_EMAIL", "accounts@localhost")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# --- the application ---
INSTALLED_APPS = [
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    # Each is a module with settings and URLs. Only the providers of SOCIAL_PROVIDERS are used.
    *(f"allauth.socialaccount.providers.{kind}" for kind in OAUTH2),
    "accounts",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
MIDDLEWARE = [
    "accounts.ops.health.HealthMiddleware",
    "accounts.ops.refusals.RefusalMiddleware",
    "accounts.ops.requests.RequestLogMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "accounts.ops.headers.HeadersMiddleware",
    "accounts.ops.language.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "accounts.ops.admin_cookies.AdminCookiesMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
CORS_ALLOWED_ORIGINS = environment.origins("CORS_ALLOWED_ORIGINS")
SOCIAL_PROVIDERS = providers("SOCIAL_PROVIDERS")
SOCIAL_REDIRECT_URLS = redirect_urls("SOCIAL_REDIRECT_URLS")
# Requests to providers ask for the address too.
SOCIALACCOUNT_QUERY_EMAIL = True
SOCIALACCOUNT_ADAPTER = "accounts.services.providers.oauth2.SocialAccountAdapter"
CORS_URLS_REGEX = r"/(api/auth/|api/schema/?$|auth/|users/|graph/|openapi\.json$|\.well-known/jwks\.json$)"
CORS_ALLOW_HEADERS = [*default_headers, "idempotency-key"]
CORS_EXPOSE_HEADERS = ["X-Request-ID", "Retry-After"]
if CORS_ALLOWED_ORIGINS:
    MIDDLEWARE.insert(
        MIDDLEWARE.index("django.middleware.security.SecurityMiddleware"), "accounts.ops.cors.CorsMiddleware"
    )
OTEL_EXPORTER_OTLP_ENDPOINT = environment.service("OTEL_EXPORTER_OTLP_ENDPOINT")
METRICS_TOKEN = environment.token("METRICS_TOKEN")
if METRICS_TOKEN:
    # Inside the wait of a refusal, which is no work.
    MIDDLEWARE.insert(
        MIDDLEWARE.index("accounts.ops.requests.RequestLogMiddleware"), "accounts.ops.metrics.MetricsMiddleware"
    )
if environment.choice("SHOW_SQL", "off", ("off", "on")) == "on":
    MIDDLEWARE.insert(
        MIDDLEWARE.index("django.middleware.security.SecurityMiddleware"),
        "accounts.ops.statements.StatementLogMiddleware",
    )
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
STATIC_URL = "/static/"
# The files are served from the installed packages, so nothing has to be collected before the first start.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

# --- languages and time ---
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = ["config.formats"]
LANGUAGES = [("en", "English"), ("ru", "Русский"), ("uk", "Українська")]

# --- passwords and the admin's login ---
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.admin.login.PermissionsBackend"]
# The admin's cookie is signed and names a session row of ours. The stored data cannot be used to log in.
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_PATH = "/admin/"
PASSWORD_HASHERS = [
    "accounts.services.passwords.Argon2idHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
    "accounts.services.hashers.BCryptHasher",
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
    "accounts.services.hashers.Pbkdf2RawHasher",
    "accounts.services.hashers.ScryptRawHasher",
    "accounts.services.hashers.FirebaseHasher",
    "accounts.services.hashers.WrappedHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "accounts.services.guessable.ContextPasswordValidator",
        "OPTIONS": {"user_attributes": ("username", "email")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    {"NAME": "accounts.services.guessable.GuessablePasswordValidator"},
    {"NAME": "accounts.services.pwned.PwnedPasswordValidator"},
]

# --- libraries ---
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.api.common.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    # The order is the contract's: clients' documents list the media types in it.
    "DEFAULT_PARSER_CLASSES": [
        "rest_framework.parsers.MultiPartParser",
        "rest_framework.parsers.FormParser",
        "accounts.api.common.parsers.BoundedJSONParser",
    ],
    "DEFAULT_RENDERER_CLASSES": ["accounts.api.common.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "accounts.api.authapi.errors.exception_handler",
}
REST_AUTH = {"TOKEN_MODEL": None, "USE_JWT": True, "SESSION_LOGIN": False}
DOCUMENT_HOOKS = [
    "drf_spectacular.hooks.postprocess_schema_enums",
    "accounts.api.common.documents.name_components",
]
SPECTACULAR_SETTINGS = {
    "TITLE": "Accounts",
    "DESCRIPTION": "Registration, login, sessions and e-mail verification.",
    "VERSION": tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]["version"],
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SCHEMA_PATH_PREFIX": r"/api/",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [*DOCUMENT_HOOKS, "accounts.api.authapi.schema.describe_registration"],
    # Names of these enums in SDKs: no reserved words of languages, and no numbers.
    "ENUM_NAME_OVERRIDES": {
        "ErrorCode": "accounts.api.authapi.serializers.ERROR_CODES",
        "SecondFactor": "accounts.api.authapi.mfa_serializers.FACTORS",
        "SecurityEventKind": "accounts.api.authapi.serializers.EVENT_KINDS",
        "TokenType": ["bearer"],
        "ValidationErrorType": "accounts.api.fastapi_users.schema.PROBLEMS",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    # The page sends its requests to the origin that it came from: it may not call another one.
    "SWAGGER_UI_SETTINGS": """{
        deepLinking: true,
        requestInterceptor: (request) => {
            const {pathname, search} = new URL(request.url, location.href);
            return {...request, url: location.origin + pathname + search};
        },
    }""",
    "REDOC_DIST": "SIDECAR",
}

# --- logs: without bodies, headers or addresses of persons ---
LOGGING = logging_settings(
    level=environment.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
    format=environment.choice("LOG_FORMAT", "json", ("json", "console")),
)

SENTRY_DSN = environment.service("SENTRY_DSN")
if SENTRY_DSN:
    from config import error_reports

    error_reports.start(SENTRY_DSN)

SILENCED_SYSTEM_CHECKS = [
    # The canonical form of the username is unique (User.username_key). Django's check does not see that.
    "auth.W004",
    # AdminCookiesMiddleware contains the admin's middlewares. Django's checks do not look there.
    "admin.E408",
    "admin.E409",
    "admin.E410",
    "security.W003",
    # The owner of the domain decides at the proxy whether subdomains are https only, and preloaded. The proxy also
    # redirects from http (deploy/).
    "security.W005",
    "security.W008",
    "security.W021",
]

# For the admin's page of settings. It is the last setting, so that it contains all others.
VARIABLES = shown.variables()
