import java.util.List;
import java.util.concurrent.Callable;
import okhttp3.Authenticator;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.Route;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.JSON;
import org.openapitools.client.api.AuthApi;
import org.openapitools.client.api.UserApi;
import org.openapitools.client.model.ErrorCode;
import org.openapitools.client.model.JWT;
import org.openapitools.client.model.LoginRefusal;
import org.openapitools.client.model.LoginRequest;
import org.openapitools.client.model.PasswordChangeRequest;
import org.openapitools.client.model.Refusal;
import org.openapitools.client.model.RegistrationRefusal;
import org.openapitools.client.model.RegistrationRequest;
import org.openapitools.client.model.TokenRefresh;
import org.openapitools.client.model.TokenRefreshRequest;

/** The journey with the SDK of openapi-generator's `java`. */
public class Journey {
    static final String USERNAME = System.getenv("USERNAME");
    static final String EMAIL = USERNAME + "@example.org";
    static final String PASSWORD = "correct-horse-9";
    static final String NEW_PASSWORD = "battery-staple-7";

    static final AuthApi anyone = new AuthApi(client());
    static final ApiClient mine = client();
    static String access;
    static String refresh;

    static ApiClient client() {
        return new ApiClient().setBasePath(System.getenv("SERVER"));
    }

    /** Asks for new tokens where the access token is refused, and tries once more. */
    static final Authenticator REFRESHING = new Authenticator() {
        @Override
        public Request authenticate(Route route, Response answer) {
            if (refresh == null || answer.priorResponse() != null) return null;
            try {
                renew();
            } catch (ApiException refused) {
                return null;
            }
            return answer.request().newBuilder().header("Authorization", "Bearer " + access).build();
        }
    };

    static void renew() throws ApiException {
        TokenRefresh tokens = anyone.authTokenRefreshCreate(new TokenRefreshRequest().refresh(refresh));
        keep(tokens.getAccess(), tokens.getRefresh());
    }

    static void keep(String newAccess, String newRefresh) {
        access = newAccess;
        refresh = newRefresh;
        mine.setBearerToken(access);
    }

    static JWT logIn(String password) throws ApiException {
        return anyone.authLoginCreate(new LoginRequest().username(USERNAME).password(password), null);
    }

    static ApiException refused(Callable<?> call) throws Exception {
        try {
            call.call();
        } catch (ApiException refusal) {
            return refusal;
        }
        throw new AssertionError("a refusal was expected");
    }

    static <T> T told(ApiException refusal, int status, Class<T> type) {
        expect(refusal.getCode() == status, status + ", not " + refusal.getCode());
        return JSON.getGson().fromJson(refusal.getResponseBody(), type);
    }

    static void expect(boolean holds, String what) {
        if (!holds) throw new AssertionError(what + " was expected");
    }

    static void step(String name) {
        System.out.println("step " + name);
    }

    public static void main(String[] arguments) throws Exception {
        mine.setHttpClient(mine.getHttpClient().newBuilder().authenticator(REFRESHING).build());
        AuthApi auth = new AuthApi(mine);
        UserApi user = new UserApi(mine);

        RegistrationRequest person =
            new RegistrationRequest().username(USERNAME).email(EMAIL).password1(PASSWORD).password2(PASSWORD);
        // Who sends it again under this key gets the same answer.
        String key = "register-" + USERNAME;
        expect(anyone.authRegistrationCreate(person, key).getUser().getUsername().equals(USERNAME), "the user");
        step("register");

        ApiException taken = refused(() -> anyone.authRegistrationCreate(person, null));
        expect(!told(taken, 400, RegistrationRefusal.class).getUsername().isEmpty(), "a sentence");
        step("taken");

        JWT tokens = logIn(PASSWORD);
        keep(tokens.getAccess(), tokens.getRefresh());
        step("login");

        ApiException wrong = refused(() -> logIn("wrong-horse-9"));
        expect(!told(wrong, 400, LoginRefusal.class).getNonFieldErrors().isEmpty(), "a sentence");
        step("wrong");

        expect(user.authUserRetrieve().getEmail().equals(EMAIL), "the address");
        step("profile");

        renew();
        expect(!refresh.equals(tokens.getRefresh()), "new tokens");
        step("refresh");

        String kept = refresh;
        keep("dead", null);
        ApiException dead = refused(user::authUserRetrieve);
        expect(told(dead, 401, Refusal.class).getCode() == ErrorCode.TOKEN_NOT_VALID, "the code");
        step("dead");

        refresh = kept;
        expect(user.authUserRetrieve().getUsername().equals(USERNAME), "the user");
        expect(!refresh.equals(kept), "new tokens");
        step("renew");

        auth.authPasswordChangeCreate(
            new PasswordChangeRequest().oldPassword(PASSWORD).newPassword1(NEW_PASSWORD).newPassword2(NEW_PASSWORD),
            "change-" + USERNAME);
        told(refused(() -> logIn(PASSWORD)), 400, LoginRefusal.class);
        step("change");

        expect(auth.authLogoutCreate(null).getDetail() != null, "a sentence");
        step("logout");

        refresh = null;
        ApiException after = refused(user::authUserRetrieve);
        expect(told(after, 401, Refusal.class).getCode() == ErrorCode.TOKEN_NOT_VALID, "the code");
        step("after");

        ApiException limited = refused(() -> logIn("wrong-horse-9"));
        while (limited.getCode() == 400) limited = refused(() -> logIn("wrong-horse-9"));
        expect(told(limited, 429, Refusal.class).getCode() == ErrorCode.RATE_LIMITED, "the code");
        List<String> seconds = limited.getResponseHeaders().get("Retry-After");
        expect(Integer.parseInt(seconds.get(0)) > 0, "Retry-After");
        step("limited");
        System.exit(0);
    }
}
