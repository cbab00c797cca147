from django.urls import path

from accounts.api.authapi import account_views, views

# Django tries them one after the other: what clients ask for all day stands first.
urlpatterns = [
    path("user/", account_views.UserDetailsView.as_view()),
    path("token/verify/", views.TokenVerifyView.as_view()),
    path("token/refresh/", views.TokenRefreshView.as_view()),
    path("login/", views.LoginView.as_view()),
    path("logout/", views.LogoutView.as_view()),
    path("password/change/", views.PasswordChangeView.as_view()),
    path("password/reset/", views.PasswordResetView.as_view()),
    path("password/reset/confirm/", views.PasswordResetConfirmView.as_view()),
    path("registration/", views.RegistrationView.as_view()),
    path("registration/resend-email/", views.ResendEmailView.as_view()),
    path("registration/verify-email/", views.VerifyEmailView.as_view()),
    path("sessions/", account_views.SessionsView.as_view()),
    path("sessions/end-others/", account_views.EndOtherSessionsView.as_view()),
    path("sessions/<uuid:id>/", account_views.SessionView.as_view()),
    path("events/", account_views.EventsView.as_view()),
]
