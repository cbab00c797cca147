"""Users as services export them: Auth0, Firebase, Keycloak, Kratos, Clerk, Cognito."""

from typing import Any

from accounts.services.hashers import from_base64, to_base64
from accounts.services.moving.providers import Names
from accounts.services.moving.records import (
    Identity,
    Record,
    UnreadableError,
    Values,
    as_uuid,
    mapping,
    mapping_or_text,
    mappings,
    moment,
    parsed,
    text,
    truth,
)

PHONE = "a phone number"
FACTOR = "a second factor"


def auth0(where: str, values: Values, names: Names) -> Record:
    """A line of the export of users, or of the file of hashes that Auth0's support provides."""
    email = text(values, "email")
    oid = text(mapping(values, "_id"), "$oid")
    custom = mapping(mapping(values, "custom_password_hash"), "hash")
    record = Record(
        where=where,
        external_id=text(values, "user_id") or (f"auth0|{oid}" if oid else email),
        username=text(values, "username"),
        email=email,
        password=text(values, "passwordHash") or text(values, "password_hash") or text(custom, "value"),
        verified=truth(values, "email_verified"),
        is_active=not truth(values, "blocked"),
        created_at=moment(values, "created_at"),
        last_visit=moment(values, "last_login"),
        avatar_url=text(values, "picture"),
    )
    record.identities = names.identities(mappings(values, "identities"), "provider", "user_id", without=("auth0",))
    if values.get("multifactor"):
        record.left_out.append(FACTOR)
    return record


def firebase(where: str, values: Values, names: Names) -> Record:
    """One of `users` of `firebase auth:export`."""
    email, old_id = text(values, "email"), text(values, "localId")
    kept, salt = text(values, "passwordHash"), text(values, "salt")
    record = Record(
        where=where,
        external_id=old_id or email,
        email=email,
        password=f"firebase_scrypt${salt}${kept}" if kept else "",
        verified=truth(values, "emailVerified"),
        is_active=not truth(values, "disabled"),
        created_at=moment(values, "createdAt"),
        last_visit=moment(values, "lastSignedInAt") or moment(values, "lastLoginAt"),
        avatar_url=text(values, "photoUrl"),
    )
    listed = mappings(values, "providerUserInfo")
    record.identities = names.identities(listed, "providerId", "rawId", "federatedId", without=("password", "phone"))
    record.left_out += [PHONE] * bool(text(values, "phoneNumber")) + [FACTOR] * bool(values.get("mfaInfo"))
    return record


def keycloak(where: str, values: Values, names: Names) -> Record:
    """One of `users` of an exported realm."""
    email, old_id = text(values, "email"), text(values, "id")
    record = Record(
        where=where,
        id=as_uuid(old_id),
        external_id=old_id or email,
        username=text(values, "username"),
        email=email,
        verified=truth(values, "emailVerified"),
        is_active=truth(values, "enabled", True),
        created_at=moment(values, "createdTimestamp"),
    )
    for each in mappings(values, "credentials"):
        if text(each, "type") == "password":
            record.password = _keycloak_hash(each)
        else:
            record.left_out.append(FACTOR)
    record.identities = names.identities(mappings(values, "federatedIdentities"), "identityProvider", "userId")
    return record


def _keycloak_hash(credential: Values) -> str:
    """The hash in PHC form. Before Keycloak 8, its values stood beside the type."""
    data = mapping_or_text(credential, "credentialData") or credential
    secret = mapping_or_text(credential, "secretData") or credential
    algorithm, rounds = text(data, "algorithm"), text(data, "hashIterations")
    salt = _same(text(secret, "salt"))
    kept = _same(text(secret, "value") or text(secret, "hashedSaltedValue"))
    if algorithm == "argon2":
        more = {name: _first(value) for name, value in mapping(data, "additionalParameters").items()}
        version = {"1.0": 16, "1.3": 19}.get(more.get("version", "1.3"))
        cost = f"m={more.get('memory')},t={rounds},p={more.get('parallelism')}"
        return f"$argon2{more.get('type', 'id')}$v={version}${cost}${salt}${kept}"
    digest = algorithm.removeprefix("pbkdf2").removeprefix("-")
    return f"$pbkdf2{f'-{digest}' if digest else ''}${rounds}${salt}${kept}"


def kratos(where: str, values: Values, names: Names) -> Record:
    """An identity of Kratos' admin API, with its credentials."""
    traits, old_id = mapping(values, "traits"), text(values, "id")
    email = text(traits, "email")
    addresses = mappings(values, "verifiable_addresses")
    verified = {text(each, "value").lower(): truth(each, "verified") for each in addresses}
    credentials = mapping(values, "credentials")
    record = Record(
        where=where,
        id=as_uuid(old_id),
        external_id=old_id or email,
        username=text(traits, "username"),
        email=email,
        password=text(mapping_or_text(mapping(credentials, "password"), "config"), "hashed_password"),
        verified=verified.get(email.lower(), False),
        is_active=text(values, "state") != "inactive",
        created_at=moment(values, "created_at"),
    )
    identifiers = mapping(credentials, "oidc").get("identifiers") or []
    for each in identifiers if isinstance(identifiers, list) else []:
        provider, _colon, subject = str(each).partition(":")
        record.identities.append(Identity(provider=names.ours(provider), subject=subject))
    record.left_out += [FACTOR for name in ("totp", "webauthn", "lookup_secret", "passkey") if credentials.get(name)]
    return record


# Prefixes for hashes of which Clerk names the algorithm beside the hash and not in it.
_CLERK_DIGESTS = {"md5": "md5$$", "sha256": "sha256$$"}


def clerk(where: str, values: Values, names: Names) -> Record:
    """A line of the CSV that Clerk's dashboard exports, or a user of its API."""
    old_id = text(values, "id")
    addresses = mappings(values, "email_addresses")
    primary_id = text(values, "primary_email_address_id")
    primary = next((each for each in addresses if text(each, "id") == primary_id), None)
    if primary is None:
        email = text(values, "primary_email_address")
        listed = text(values, "verified_email_addresses").lower().replace(",", " ").replace("|", " ").split()
        verified = email.lower() in listed
    else:
        email = text(primary, "email_address")
        verified = text(mapping(primary, "verification"), "status") == "verified"
    hasher = text(values, "password_hasher")
    digest = text(values, "password_digest")
    record = Record(
        where=where,
        external_id=old_id or email,
        username=text(values, "username"),
        email=email,
        password=_CLERK_DIGESTS.get(hasher, "") + digest if digest else "",
        verified=verified,
        is_active=not (truth(values, "banned") or truth(values, "locked")),
        created_at=moment(values, "created_at"),
        last_visit=moment(values, "last_sign_in_at"),
        avatar_url=text(values, "image_url") if truth(values, "has_image") else "",
    )
    record.identities = names.identities(mappings(values, "external_accounts"), "provider", "provider_user_id")
    has_factor = bool(text(values, "totp_secret")) or truth(values, "two_factor_enabled")
    record.left_out += [PHONE] * bool(text(values, "primary_phone_number")) + [FACTOR] * has_factor
    return record


def cognito(where: str, values: Values, names: Names) -> Record:
    """One of `Users` of `aws cognito-idp list-users`, which contains no hashes."""
    attributes = {text(each, "Name"): text(each, "Value") for each in mappings(values, "Attributes")}
    email, old_id = attributes.get("email", ""), attributes.get("sub", "")
    username = text(values, "Username")
    # If people log in with their address or at another provider, the username is an id.
    is_made = username == old_id or text(values, "UserStatus") == "EXTERNAL_PROVIDER"
    record = Record(
        where=where,
        id=as_uuid(old_id),
        external_id=old_id or username or email,
        username="" if is_made else username,
        email=email,
        verified=truth(attributes, "email_verified"),
        is_active=truth(values, "Enabled", True),
        created_at=moment(values, "UserCreateDate"),
    )
    listed = mappings({"identities": parsed(attributes.get("identities", ""), "identities")}, "identities")
    record.identities = names.identities(listed, "providerName", "userId")
    record.left_out += [PHONE] * ("phone_number" in attributes)
    return record


def _same(text: str) -> str:
    """Converts Base64 to the form of PHC."""
    try:
        return to_base64(from_base64(text))
    except ValueError:
        raise UnreadableError("a password whose hash is damaged") from None


def _first(value: Any) -> str:
    """Keycloak writes each parameter as a list."""
    return str(value[0]) if isinstance(value, list) and value else str(value)
