// The journey with the SDK of openapi-generator's `go`.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"example.org/journey/accounts"
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
	anyone          *accounts.APIClient
}

func (r *refreshing) RoundTrip(request *http.Request) (*http.Response, error) {
	var body []byte
	if request.Body != nil {
		body, _ = io.ReadAll(request.Body)
	}
	answer, err := r.send(request, body)
	if err != nil || answer.StatusCode != http.StatusUnauthorized || r.refresh == "" {
		return answer, err
	}
	answer.Body.Close()
	if err := r.renew(); err != nil {
		return nil, err
	}
	return r.send(request, body)
}

func (r *refreshing) send(request *http.Request, body []byte) (*http.Response, error) {
	again := request.Clone(request.Context())
	again.Body = io.NopCloser(bytes.NewReader(body))
	again.Header.Set("Authorization", "Bearer "+r.access)
	return http.DefaultTransport.RoundTrip(again)
}

func (r *refreshing) renew() error {
	body := accounts.TokenRefreshRequest{Refresh: r.refresh}
	tokens, _, err := r.anyone.AuthAPI.AuthTokenRefreshCreate(ctx).TokenRefreshRequest(body).Execute()
	if err == nil {
		r.access, r.refresh = tokens.Access, tokens.Refresh
	}
	return err
}

func client(http *http.Client) *accounts.APIClient {
	configuration := accounts.NewConfiguration()
	configuration.Servers = accounts.ServerConfigurations{{URL: os.Getenv("SERVER")}}
	configuration.HTTPClient = http
	return accounts.NewAPIClient(configuration)
}

func expect(holds bool, what string) {
	if !holds {
		fmt.Fprintln(os.Stderr, "expected:", what)
		os.Exit(1)
	}
}

func must[T any](value T, answer *http.Response, err error) T {
	expect(err == nil, fmt.Sprint("no error, not ", err))
	return value
}

// refused is the refusal, as the type that the document has for it.
func refused[T any](answer *http.Response, err error, status int) T {
	var told *accounts.GenericOpenAPIError
	expect(errors.As(err, &told), fmt.Sprint("a refusal, not ", err))
	expect(answer.StatusCode == status, fmt.Sprint(status, ", not ", answer.Status))
	refusal, is := told.Model().(T)
	expect(is, fmt.Sprintf("a typed refusal, not %T", told.Model()))
	return refusal
}

func step(name string) { fmt.Println("step", name) }

func main() {
	anyone := client(http.DefaultClient)
	me := &refreshing{anyone: anyone}
	mine := client(&http.Client{Transport: me})
	logIn := func(password string) (*accounts.JWT, *http.Response, error) {
		body := accounts.LoginRequest{Username: &username, Password: password}
		return anyone.AuthAPI.AuthLoginCreate(ctx).LoginRequest(body).Execute()
	}
	profile := func() (*accounts.UserDetails, *http.Response, error) {
		return mine.UserAPI.AuthUserRetrieve(ctx).Execute()
	}

	person := *accounts.NewRegistrationRequest(username, email, password, password)
	// Who sends it again under this key gets the same answer.
	once := anyone.AuthAPI.AuthRegistrationCreate(ctx).IdempotencyKey("register-" + username)
	registered := must(once.RegistrationRequest(person).Execute())
	expect(registered.User.Username == username, "the user")
	step("register")

	_, answer, err := anyone.AuthAPI.AuthRegistrationCreate(ctx).RegistrationRequest(person).Execute()
	expect(len(refused[accounts.RegistrationRefusal](answer, err, 400).Username) > 0, "a sentence")
	step("taken")

	tokens := must(logIn(password))
	me.access, me.refresh = tokens.Access, tokens.Refresh
	step("login")

	_, answer, err = logIn("wrong-horse-9")
	expect(len(refused[accounts.LoginRefusal](answer, err, 400).NonFieldErrors) > 0, "a sentence")
	step("wrong")

	expect(must(profile()).Email == email, "the address")
	step("profile")

	expect(me.renew() == nil && me.refresh != tokens.Refresh, "new tokens")
	step("refresh")

	kept := me.refresh
	me.access, me.refresh = "dead", ""
	_, answer, err = profile()
	expect(refused[accounts.Refusal](answer, err, 401).Code == accounts.ERRORCODE_TOKEN_NOT_VALID, "the code")
	step("dead")

	me.refresh = kept
	expect(must(profile()).Username == username && me.refresh != kept, "new tokens")
	step("renew")

	change := *accounts.NewPasswordChangeRequest(password, newPassword, newPassword)
	must(mine.AuthAPI.AuthPasswordChangeCreate(ctx).PasswordChangeRequest(change).Execute())
	_, answer, err = logIn(password)
	refused[accounts.LoginRefusal](answer, err, 400)
	step("change")

	must(mine.AuthAPI.AuthLogoutCreate(ctx).Execute())
	step("logout")

	me.refresh = ""
	_, answer, err = profile()
	expect(refused[accounts.Refusal](answer, err, 401).Code == accounts.ERRORCODE_TOKEN_NOT_VALID, "the code")
	step("after")

	for answer.StatusCode != 429 {
		_, answer, err = logIn("wrong-horse-9")
		expect(err != nil && strings.HasPrefix(answer.Status, "4"), "a refusal")
	}
	seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After"))
	expect(seconds > 0, "Retry-After")
	expect(refused[accounts.Refusal](answer, err, 429).Code == accounts.ERRORCODE_RATE_LIMITED, "the code")
	step("limited")
}
