"""Ready-made roles: groups of administrators, with the permissions of each."""

_READ = ("view_user", "view_session", "view_securityevent", "view_message", "view_note", "add_note")

ROLES: dict[str, tuple[str, ...]] = {
    # May help users.
    "support": (
        *_READ,
        "correct_email_user",
        "send_verification_user",
        "reset_user",
        "unlock_user",
        "retry_message",
        "export_user",
        "view_job",
    ),
    # May end sessions and lock accounts.
    "security": (
        *_READ,
        "end_session",
        "activate_user",
        "reset_factors_user",
        "reset_user",
        "unlock_user",
        "view_job",
        "stop_job",
        "view_configuration",
        "probe_server",
    ),
    # May do everything except what only superusers do: appoint administrators and change groups.
    "admin": (
        *_READ,
        "correct_email_user",
        "send_verification_user",
        "reset_user",
        "unlock_user",
        "retry_message",
        "end_session",
        "activate_user",
        "reset_factors_user",
        "add_user",
        "change_user",
        "delete_user",
        "verify_user",
        "view_signingkey",
        "export_user",
        "close_user",
        "view_job",
        "stop_job",
        "rotate_signingkey",
        "view_configuration",
        "probe_server",
    ),
}
