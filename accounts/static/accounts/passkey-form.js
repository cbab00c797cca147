// A login with a passkey on a page with a form: the device's answer goes into the form.
const asked = JSON.parse(document.getElementById("passkey-options").textContent);
const button = document.getElementById("passkey");

button.addEventListener("click", async () => {
  try {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(asked);
    const credential = await navigator.credentials.get({publicKey});
    document.getElementById("id_credential").value = JSON.stringify(credential.toJSON());
    document.getElementById("login-form").submit();
  } catch (problem) {
    document.getElementById("passkey-problem").hidden = false;
  }
});
// Without this script the button would do nothing.
button.hidden = false;
