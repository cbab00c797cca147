"""The real package: fastapi-users 15.0.5 with SQLAlchemy on SQLite, served by uvicorn in a thread.

It is set up as its documentation says, with the contract's settings: a bearer and a cookie backend with JWTs of an
hour. Its hooks keep the tokens that it would have mailed.
"""

import asyncio
import threading
import uuid
from collections.abc import AsyncIterator
from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers, InvalidPasswordException, UUIDIDMixin, schemas
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, CookieTransport, JWTStrategy
from fastapi_users.db import (
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
)
from fastapi_users.password import PasswordHelper
from httpx_oauth.clients.openid import OpenID
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher
from sqlalchemy import StaticPool, insert, update
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, relationship

from tests.provider import CLIENT_ID, CLIENT_SECRET
from tests.servers import free_port, wait_for_port

SECRET = "only-for-the-oracle-0123456789-0123456789"
SHORTEST_PASSWORD = 8
# Both kinds of hashes that the package makes, at the lowest price.
ARGON2 = PasswordHelper(PasswordHash((Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1),)))
BCRYPT = PasswordHelper(PasswordHash((BcryptHasher(rounds=4),)))


class Base(DeclarativeBase):
    pass


class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    pass


class OracleUser(SQLAlchemyBaseUserTableUUID, Base):
    oauth_accounts: Mapped[list[OAuthAccount]] = relationship("OAuthAccount", lazy="joined")


class UserRead(schemas.BaseUser[uuid.UUID]):
    pass


class UserCreate(schemas.BaseUserCreate):
    pass


class UserUpdate(schemas.BaseUserUpdate):
    pass


class Oracle:
    """port: where it listens. tokens: the last mailed token for each (address, "reset" or "verify").

    issuer: the OpenID Connect provider that people log in with as "acme", if any. database: SQLAlchemy's URL of it; it
    is in memory without one.
    """

    def __init__(self, issuer: str | None = None, *, database: str = "sqlite+aiosqlite://") -> None:
        self.issuer = issuer
        self.tokens: dict[tuple[str, str], str] = {}
        # SQLite has one connection for all, so that a database in memory stays.
        self._engine = create_async_engine(database, poolclass=StaticPool if database.startswith("sqlite") else None)
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)
        self.port = free_port()
        config = uvicorn.Config(self._app(), host="127.0.0.1", port=self.port, log_level="critical", lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()
        wait_for_port(self.port)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()

    def set(self, email: str, **columns: Any) -> None:
        """Changes columns in the database: makes a superuser, or an account inactive or verified."""

        async def change() -> None:
            async with self._sessions() as session:
                await session.execute(update(OracleUser).where(OracleUser.email == email).values(**columns))  # type: ignore[arg-type]
                await session.commit()

        asyncio.run_coroutine_threadsafe(change(), self._loop).result()

    def add(self, emails: list[str], password: str) -> dict[str, str]:
        """Adds users in bulk, with hashes of both kinds, and returns their ids."""
        rows = [
            {"id": uuid.uuid4(), "email": email, "hashed_password": (ARGON2, BCRYPT)[number % 2].hash(password)}
            for number, email in enumerate(emails)
        ]

        async def insert_all() -> None:
            async with self._sessions() as session:
                for first in range(0, len(rows), 1000):
                    await session.execute(insert(OracleUser), rows[first : first + 1000])
                await session.commit()

        asyncio.run_coroutine_threadsafe(insert_all(), self._loop).result()
        return {str(row["email"]): str(row["id"]) for row in rows}

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with self._engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        await self._server.serve()
        await self._engine.dispose()

    def _app(self) -> FastAPI:
        tokens = self.tokens

        class UserManager(UUIDIDMixin, BaseUserManager[OracleUser, uuid.UUID]):
            reset_password_token_secret = SECRET
            verification_token_secret = SECRET

            async def validate_password(self, password: str, user: Any) -> None:
                if len(password) < SHORTEST_PASSWORD:
                    raise InvalidPasswordException(
                        f"This password is too short. It must contain at least {SHORTEST_PASSWORD} characters."
                    )

            async def on_after_forgot_password(self, user: Any, token: str, request: Any = None) -> None:
                tokens[user.email, "reset"] = token

            async def on_after_request_verify(self, user: Any, token: str, request: Any = None) -> None:
                tokens[user.email, "verify"] = token

        async def get_user_db() -> AsyncIterator[Any]:
            async with self._sessions() as session:
                yield SQLAlchemyUserDatabase(session, OracleUser, OAuthAccount)

        async def get_user_manager(user_db: Annotated[Any, Depends(get_user_db)]) -> AsyncIterator[UserManager]:
            yield UserManager(user_db, ARGON2)

        def get_strategy() -> JWTStrategy[OracleUser, uuid.UUID]:
            return JWTStrategy(secret=SECRET, lifetime_seconds=3600)

        bearer = AuthenticationBackend(
            name="jwt", transport=BearerTransport(tokenUrl="auth/jwt/login"), get_strategy=get_strategy
        )
        cookie = AuthenticationBackend(
            name="cookie", transport=CookieTransport(cookie_max_age=3600), get_strategy=get_strategy
        )
        users = FastAPIUsers[OracleUser, uuid.UUID](get_user_manager, [bearer, cookie])
        app = FastAPI()
        app.include_router(users.get_auth_router(bearer), prefix="/auth/jwt", tags=["auth"])
        app.include_router(users.get_auth_router(cookie), prefix="/auth/cookie", tags=["auth"])
        app.include_router(users.get_register_router(UserRead, UserCreate), prefix="/auth", tags=["auth"])
        app.include_router(users.get_reset_password_router(), prefix="/auth", tags=["auth"])
        app.include_router(users.get_verify_router(UserRead), prefix="/auth", tags=["auth"])
        app.include_router(users.get_users_router(UserRead, UserUpdate), prefix="/users", tags=["users"])
        if self.issuer:
            acme = OpenID(CLIENT_ID, CLIENT_SECRET, f"{self.issuer}/.well-known/openid-configuration", name="acme")
            for prefix, backend in (("/auth/acme", bearer), ("/auth/cookie/acme", cookie)):
                app.include_router(users.get_oauth_router(acme, backend, SECRET), prefix=prefix)
            app.include_router(users.get_oauth_associate_router(acme, UserRead, SECRET), prefix="/auth/associate/acme")
        return app
