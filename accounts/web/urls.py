from django.urls import path

from accounts.web import views

urlpatterns = [
    path("", views.front, name="front"),
    path("verify-email", views.verify, name="verify-email"),
    path("verify-email/again", views.verify_again, name="verify-email-again"),
    path("reset-password", views.reset, name="reset-password"),
    path("reset-password/again", views.reset_again, name="reset-password-again"),
    path("not-registered", views.not_registered, name="not-registered"),
    path("not-me", views.not_me, name="not-me"),
]
