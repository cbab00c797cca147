// The journey with the SDK of oapi-codegen.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"example.org/journey/accounts"
	"github.com/oapi-codegen/runtime/types"
)

const (
	password    = "correct-horse-9"
	newPassword = "battery-staple-7"
)

var (
	username = os.Getenv("USERNAME")
	email    = username + "@example.org"
	ctx      = context.Background()
)

// refreshing asks for new tokens where the access token is refused, and tries once more.
type refreshing struct {
	access, refresh string
	anyone          *accounts.ClientWithResponses
}

func (r *refreshing) Do(request *http.Request) (*http.Response, error) {
	request.Header.Set("Authorization", "Bearer "+r.access)
	answer, err := http.DefaultClient.Do(request)
	if err != nil || answer.StatusCode != http.StatusUnauthorized || r.refresh == "" {
		return answer, err
	}
	answer.Body.Close()
	r.renew()
	if request.GetBody != nil {
		request.Body, _ = request.GetBody()
	}
	request.Header.Set("Authorization", "Bearer "+r.access)
	return http.DefaultClient.Do(request)
}

func (r *refreshing) renew() {
	tokens := must(r.anyone.AuthTokenRefreshCreateWithResponse(ctx, accounts.TokenRefreshRequest{Refresh: r.refresh}))
	expect(tokens.JSON200 != nil, "tokens")
	r.access, r.refresh = tokens.JSON200.Access, tokens.JSON200.Refresh
}

func client(doer accounts.HttpRequestDoer) *accounts.ClientWithResponses {
	return must(accounts.NewClientWithResponses(os.Getenv("SERVER"), accounts.WithHTTPClient(doer)))
}

func expect(holds bool, what string) {
	if !holds {
		fmt.Fprintln(os.Stderr, "expected:", what)
		os.Exit(1)
	}
}

func must[T any](value T, err error) T {
	expect(err == nil, fmt.Sprint("no error, not ", err))
	return value
}

func step(name string) { fmt.Println("step", name) }

func main() {
	anyone := client(http.DefaultClient)
	me := &refreshing{anyone: anyone}
	mine := client(me)
	logIn := func(password string) *accounts.AuthLoginCreateResponse {
		body := accounts.LoginRequest{Username: &username, Password: password}
		return must(anyone.AuthLoginCreateWithResponse(ctx, nil, body))
	}
	profile := func() *accounts.AuthUserRetrieveResponse { return must(mine.AuthUserRetrieveWithResponse(ctx)) }

	person := accounts.RegistrationRequest{
		Username: username, Email: types.Email(email), Password1: password, Password2: password,
	}
	// Who sends it again under this key gets the same answer.
	key := "register-" + username
	once := &accounts.AuthRegistrationCreateParams{IdempotencyKey: &key}
	registered := must(anyone.AuthRegistrationCreateWithResponse(ctx, once, person))
	expect(registered.JSON201 != nil && registered.JSON201.User.Username == username, "the user")
	step("register")

	taken := must(anyone.AuthRegistrationCreateWithResponse(ctx, nil, person))
	expect(taken.JSON400 != nil && len(*taken.JSON400.Username) > 0, "a sentence")
	step("taken")

	tokens := logIn(password).JSON200
	expect(tokens != nil, "tokens")
	me.access, me.refresh = tokens.Access, tokens.Refresh
	step("login")

	wrong := logIn("wrong-horse-9")
	expect(wrong.JSON400 != nil && len(*wrong.JSON400.NonFieldErrors) > 0, "a sentence")
	step("wrong")

	expect(string(profile().JSON200.Email) == email, "the address")
	step("profile")

	me.renew()
	expect(me.refresh != tokens.Refresh, "new tokens")
	step("refresh")

	kept := me.refresh
	me.access, me.refresh = "dead", ""
	expect(profile().JSON401.Code == accounts.ErrorCodeTokenNotValid, "the code")
	step("dead")

	me.refresh = kept
	expect(profile().JSON200.Username == username && me.refresh != kept, "new tokens")
	step("renew")

	change := accounts.PasswordChangeRequest{
		OldPassword: password, NewPassword1: newPassword, NewPassword2: newPassword,
	}
	expect(must(mine.AuthPasswordChangeCreateWithResponse(ctx, nil, change)).JSON200 != nil, "a new password")
	expect(logIn(password).JSON400 != nil, "a refusal")
	step("change")

	expect(must(mine.AuthLogoutCreateWithResponse(ctx, nil)).JSON200 != nil, "logged out")
	step("logout")

	me.refresh = ""
	expect(profile().JSON401.Code == accounts.ErrorCodeTokenNotValid, "the code")
	step("after")

	limited := logIn("wrong-horse-9")
	for limited.JSON400 != nil {
		limited = logIn("wrong-horse-9")
	}
	expect(limited.JSON429 != nil && limited.JSON429.Code == accounts.ErrorCodeRateLimited, "the code")
	expect(limited.Headers429 != nil && limited.Headers429.RetryAfter > 0, "Retry-After")
	step("limited")
}
