// The pages. Each returns its content, or throws if it cannot load it.
import { ErrorCode, SecondFactor, type components } from "./api";
import { type Field, form, h, link } from "./dom";
import { Refused, answered } from "./refusals";
import { anyone, under } from "./server";
import { enter, mine } from "./session";

type Session = components["schemas"]["Session"];
type MfaRequired = components["schemas"]["MfaRequired"];
type Page = (query: URLSearchParams) => Node[] | Promise<Node[]>;

/** `who`: for whom the page is. */
interface Route {
  title: string;
  who: "anyone" | "guests" | "users";
  page: Page;
}

const USERNAME: Field = { name: "username", label: "Username", autocomplete: "username" };
const EMAIL: Field = { name: "email", label: "E-mail address", type: "email", autocomplete: "email" };
// It is typed once and sent twice, so the server's error may have either name.
const newPassword = (label: string, first: string, second: string): Field => ({
  ...{ name: first, label, type: "password", autocomplete: "new-password", errors: [first, second] },
  hint: "At least 8 characters. A few words are a good password.",
});
const moment = (text: string): string =>
  new Date(text).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" });

function register(): Node[] {
  const fields = [USERNAME, EMAIL, newPassword("Password", "password1", "password2")];
  const submit = async ({ username = "", email = "", password1 = "" }, key: string) => {
    const body = { username, email, password1, password2: password1 };
    const options = { body, params: under(key), credentials: "include" } as const;
    await enter(() => answered(anyone.POST("/api/auth/registration/", options)));
    return "Look into your mailbox: a link in the mail verifies your address.";
  };
  return [form({ fields, button: "Register", submit }), h("p", {}, link("login", "I have an account"))];
}

function logIn(): Node[] {
  const fields = [
    { ...USERNAME, label: "Username or e-mail address" },
    { name: "password", label: "Password", type: "password", autocomplete: "current-password" },
  ];
  const submit = async ({ username = "", password = "" }, key: string) => {
    const options = { body: { username, password }, params: under(key), credentials: "include" } as const;
    try {
      await enter(() => answered(anyone.POST("/api/auth/login/", options)));
    } catch (error) {
      // The password was right, and a second factor is needed.
      if (!(error instanceof Refused) || error.code !== ErrorCode.mfa_required) throw error;
      return secondStep(error.body as MfaRequired);
    }
  };
  return [
    form({ fields, button: "Log in", submit }),
    h("p", {}, link("register", "Register")),
    h("p", {}, link("forgot-password", "I forgot my password")),
  ];
}

function secondStep({ challenge, factors }: MfaRequired): HTMLElement {
  const label = factors.includes(SecondFactor.totp) ? "Code of your app, or recovery code" : "Recovery code";
  const fields = [{ name: "code", label, autocomplete: "one-time-code" }];
  const submit = async ({ code = "" }, key: string) => {
    const options = { body: { challenge, code: code.trim() }, params: under(key), credentials: "include" } as const;
    await enter(() => answered(anyone.POST("/api/auth/mfa/verify/", options)));
  };
  const withPasskey = async (_: unknown, key: string) => {
    const begun = await answered(anyone.POST("/api/auth/passkeys/login/begin/", { body: { challenge } }));
    const asked = begun.options as unknown as PublicKeyCredentialRequestOptionsJSON;
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(asked);
    const made = (await navigator.credentials.get({ publicKey })) as PublicKeyCredential;
    const credential = { ...made.toJSON() };
    const body = { state: begun.state, credential, challenge };
    const options = { body, params: under(key), credentials: "include" } as const;
    await enter(() => answered(anyone.POST("/api/auth/passkeys/login/complete/", options)));
  };
  const passkey = factors.includes(SecondFactor.passkey) ? [form({ button: "Use a passkey", submit: withPasskey })] : [];
  const again = form({ button: "Start again", submit: async () => location.reload() });
  again.classList.add("minor");
  return h("div", {}, ...passkey, form({ fields, button: "Go on", submit }), again);
}

function verifyEmail(query: URLSearchParams): Node[] {
  const submit = async (_: unknown, key: string) => {
    const body = { key: query.get("key") ?? "" };
    await answered(anyone.POST("/api/auth/registration/verify-email/", { body, params: under(key) }));
    return "Your address is verified.";
  };
  // Programs that scan mails follow links, but press no buttons.
  return [form({ button: "Verify the address", submit }), h("p", {}, link("", "To my account"))];
}

function forgotPassword(): Node[] {
  const submit = async ({ email = "" }, key: string) => {
    await answered(anyone.POST("/api/auth/password/reset/", { body: { email }, params: under(key) }));
    return "Look into your mailbox: if there is an account with this address, it has got a link.";
  };
  return [form({ fields: [EMAIL], button: "Send the link", submit }), h("p", {}, link("login", "Log in"))];
}

function resetPassword(query: URLSearchParams): Node[] {
  const fields = [newPassword("New password", "new_password1", "new_password2")];
  const submit = async ({ new_password1 = "" }, key: string) => {
    const [uid, token] = [query.get("uid") ?? "", query.get("token") ?? ""];
    const body = { uid, token, new_password1, new_password2: new_password1 };
    await answered(anyone.POST("/api/auth/password/reset/confirm/", { body, params: under(key) }));
    return "Your password is changed. Log in with the new one.";
  };
  return [form({ fields, button: "Save the password", submit }), h("p", {}, link("login", "Log in"))];
}

async function profile(): Promise<Node[]> {
  const user = await answered(mine.GET("/api/auth/user/"));
  const shown = h("dl");
  function show({ username, email, email_verified, created_at }: typeof user): void {
    const rows = {
      Username: username,
      "E-mail address": `${email} (${email_verified ? "verified" : "not verified"})`,
      "Member since": moment(created_at),
    };
    const parts = Object.entries(rows).flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]);
    shown.replaceChildren(...parts);
  }
  show(user);

  const resend = form({
    button: "Send the verification mail again",
    submit: async (_, key) => {
      const body = { email: user.email };
      await answered(anyone.POST("/api/auth/registration/resend-email/", { body, params: under(key) }));
      return "It is on its way.";
    },
  });

  const rename = form({
    fields: [{ ...USERNAME, value: user.username }],
    button: "Rename",
    submit: async ({ username = "" }) => show(await answered(mine.PATCH("/api/auth/user/", { body: { username } }))),
  });
  return [shown, ...(user.email_verified ? [] : [resend]), h("h2", {}, "Another name"), rename];
}

async function sessions(): Promise<Node[]> {
  const list = h("ul", { class: "sessions" });
  const more = form({ button: "Show more", submit: () => load() });
  let cursor: string | undefined;

  async function load(): Promise<void> {
    const page = await answered(mine.GET("/api/auth/sessions/", { params: { query: { cursor } } }));
    list.append(...page.results.map(row));
    cursor = (page.next && new URL(page.next).searchParams.get("cursor")) || undefined;
    more.hidden = !cursor;
  }

  function row(session: Session): HTMLLIElement {
    const agent = session.user_agent || session.dialect;
    const item = h("li", {}, h("strong", {}, agent), h("br"), `${session.ip} · used ${moment(session.last_used_at)}`);
    if (session.is_current) {
      item.append(h("p", {}, "This session"));
      return item;
    }
    const submit = async () => {
      await answered(mine.DELETE("/api/auth/sessions/{id}/", { params: { path: { id: session.id } } }));
      return "Ended.";
    };
    item.append(form({ button: "End", label: `End the session of ${agent}, ${moment(session.started_at)}`, submit }));
    return item;
  }

  await load();
  const submit = async (_: unknown, key: string) => {
    const { ended } = await answered(mine.POST("/api/auth/sessions/end-others/", { params: under(key) }));
    list.querySelectorAll("li:has(form)").forEach((item) => item.remove());
    return `Ended: ${ended}.`;
  };
  return [list, more, form({ button: "End all others", submit })];
}

function changePassword(): Node[] {
  const fields = [
    { name: "old_password", label: "Password now", type: "password", autocomplete: "current-password" },
    newPassword("New password", "new_password1", "new_password2"),
  ];
  const submit = async ({ old_password = "", new_password1 = "" }, key: string) => {
    const body = { old_password, new_password1, new_password2: new_password1 };
    await answered(mine.POST("/api/auth/password/change/", { body, params: under(key) }));
    return "Your password is changed, and all other sessions are ended.";
  };
  return [form({ fields, button: "Change the password", submit })];
}

/** The pages by the text after #/ in the address. */
export const ROUTES: Record<string, Route> = {
  login: { title: "Log in", who: "guests", page: logIn },
  register: { title: "Register", who: "guests", page: register },
  "forgot-password": { title: "Forgotten password", who: "guests", page: forgotPassword },
  "verify-email": { title: "Verify your address", who: "anyone", page: verifyEmail },
  "reset-password": { title: "New password", who: "anyone", page: resetPassword },
  profile: { title: "Profile", who: "users", page: profile },
  sessions: { title: "Sessions", who: "users", page: sessions },
  password: { title: "Password", who: "users", page: changePassword },
};
