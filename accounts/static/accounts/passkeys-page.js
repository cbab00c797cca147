// The page /passkeys: logging in, and one's passkeys. Tokens live as long as the page does.
import {addPasskey, ask, logInWithPasskey} from "./passkeys.js";

const server = location.origin;
const element = (id) => document.getElementById(id);
const words = element("words").dataset;
let access = "";
let challenge = "";

function show(section) {
  for (const each of ["log-in", "second-factor", "mine"]) element(each).hidden = each !== section;
}

function say(text, isProblem = false) {
  element("said").textContent = text;
  element("said").className = isProblem ? "problems" : "hint";
}

/** Runs an act when its button is pressed, and says why it was refused. */
function onPress(id, act) {
  element(id).addEventListener("click", async (event) => {
    event.preventDefault();
    say("");
    try {
      await act();
    } catch (problem) {
      const isCancelled = problem.name === "NotAllowedError" || problem.name === "AbortError";
      say(isCancelled ? words.cancelled : problem.message, true);
    }
  });
}

async function enter(tokens) {
  ({access} = tokens);
  element("user").textContent = tokens.user.username;
  show("mine");
  await list();
}

async function list() {
  const passkeys = await ask(server, "GET", "passkeys/", undefined, access);
  element("passkeys").replaceChildren(...passkeys.map(item));
}

function item(passkey) {
  const row = document.createElement("li");
  const button = document.createElement("button");
  button.textContent = words.remove;
  button.setAttribute("aria-label", `${words.remove}: ${passkey.name}`);
  button.className = "small";
  button.addEventListener("click", async () => {
    try {
      await ask(server, "DELETE", `passkeys/${passkey.id}/`, undefined, access);
      await list();
    } catch (problem) {
      say(problem.message, true);
    }
  });
  row.append(`${passkey.name} `, button);
  return row;
}

onPress("with-password", async () => {
  const username = element("username").value;
  const password = element("password").value;
  try {
    await enter(await ask(server, "POST", "login/", {username, password}));
  } catch (problem) {
    if (problem.body?.code !== "mfa_required") throw problem;
    ({challenge} = problem.body);
    element("with-second-passkey").hidden = !problem.body.factors.includes("passkey");
    show("second-factor");
  }
});
onPress("with-passkey", async () => enter(await logInWithPasskey(server)));
onPress("with-second-passkey", async () => enter(await logInWithPasskey(server, challenge)));
onPress("with-code", async () => enter(await ask(server, "POST", "mfa/verify/", {challenge, code: element("code").value})));
onPress("add", async () => {
  const added = await addPasskey(server, access, element("name").value || words.unnamed);
  await list();
  if (added.recovery_codes.length) {
    element("codes").textContent = added.recovery_codes.join("\n");
    element("codes-box").hidden = false;
  }
  say(words.added);
});

if (!window.PublicKeyCredential?.parseCreationOptionsFromJSON) say(words.unable, true);
