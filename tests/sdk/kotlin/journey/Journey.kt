import okhttp3.Authenticator
import okhttp3.OkHttpClient
import org.openapitools.client.apis.AuthApi
import org.openapitools.client.apis.UserApi
import org.openapitools.client.infrastructure.ClientError
import org.openapitools.client.infrastructure.ClientException
import org.openapitools.client.infrastructure.Serializer
import org.openapitools.client.models.ErrorCode
import org.openapitools.client.models.LoginRefusal
import org.openapitools.client.models.LoginRequest
import org.openapitools.client.models.PasswordChangeRequest
import org.openapitools.client.models.Refusal
import org.openapitools.client.models.RegistrationRefusal
import org.openapitools.client.models.RegistrationRequest
import org.openapitools.client.models.TokenRefreshRequest
import kotlin.system.exitProcess

// The journey with the SDK of openapi-generator's `kotlin`.
val server: String = System.getenv("SERVER")
val username: String = System.getenv("USERNAME")
val email = "$username@example.org"
const val password = "correct-horse-9"
const val newPassword = "battery-staple-7"

val anyone = AuthApi(server)
var access = ""
var refresh = ""

fun renew() {
    val tokens = anyone.authTokenRefreshCreate(TokenRefreshRequest(refresh))
    access = tokens.access
    refresh = tokens.refresh
}

// Sends the access token; asks for new ones where it is refused, and tries once more.
val mine = OkHttpClient.Builder()
    .addInterceptor { chain ->
        chain.proceed(chain.request().newBuilder().header("Authorization", "Bearer $access").build())
    }
    .authenticator(Authenticator { _, answer ->
        if (refresh.isEmpty() || answer.priorResponse != null) return@Authenticator null
        renew()
        answer.request.newBuilder().header("Authorization", "Bearer $access").build()
    })
    .build()

fun logIn(password: String) = anyone.authLoginCreate(LoginRequest(password = password, username = username))

fun refused(call: () -> Any): ClientError<*> {
    try {
        call()
    } catch (refusal: ClientException) {
        return refusal.response as ClientError<*>
    }
    error("a refusal was expected")
}

inline fun <reified T> told(refusal: ClientError<*>, status: Int): T {
    check(refusal.statusCode == status) { "$status was expected, not ${refusal.statusCode}" }
    return Serializer.gson.fromJson(refusal.body as String, T::class.java)
}

fun step(name: String) = println("step $name")

fun main() {
    val auth = AuthApi(server, mine)
    val user = UserApi(server, mine)

    val person = RegistrationRequest(username = username, email = email, password1 = password, password2 = password)
    // Who sends it again under this key gets the same answer.
    check(anyone.authRegistrationCreate(person, "register-$username").user.username == username)
    step("register")

    val taken = told<RegistrationRefusal>(refused { anyone.authRegistrationCreate(person) }, 400)
    check(!taken.username.isNullOrEmpty())
    step("taken")

    val tokens = logIn(password)
    access = tokens.access
    refresh = tokens.refresh
    step("login")

    val wrong = told<LoginRefusal>(refused { logIn("wrong-horse-9") }, 400)
    check(!wrong.nonFieldErrors.isNullOrEmpty())
    step("wrong")

    check(user.authUserRetrieve().email == email)
    step("profile")

    renew()
    check(refresh != tokens.refresh)
    step("refresh")

    val kept = refresh
    access = "dead"
    refresh = ""
    check(told<Refusal>(refused { user.authUserRetrieve() }, 401).code == ErrorCode.token_not_valid)
    step("dead")

    refresh = kept
    check(user.authUserRetrieve().username == username)
    check(refresh != kept)
    step("renew")

    auth.authPasswordChangeCreate(
        PasswordChangeRequest(oldPassword = password, newPassword1 = newPassword, newPassword2 = newPassword),
    )
    told<LoginRefusal>(refused { logIn(password) }, 400)
    step("change")

    auth.authLogoutCreate()
    step("logout")

    refresh = ""
    check(told<Refusal>(refused { user.authUserRetrieve() }, 401).code == ErrorCode.token_not_valid)
    step("after")

    var limited = refused { logIn("wrong-horse-9") }
    while (limited.statusCode == 400) limited = refused { logIn("wrong-horse-9") }
    check(told<Refusal>(limited, 429).code == ErrorCode.rate_limited)
    check(limited.headers.getValue("retry-after").first().toInt() > 0)
    step("limited")
    exitProcess(0)
}
