// npm's certified OpenID Connect provider, for one client. Arguments: port, redirect URI.
import Provider from "oidc-provider";

const [port, redirectUri] = process.argv.slice(2);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{client_id: "our-client", client_secret: "our-client-secret", redirect_uris: [redirectUri]}],
  claims: {openid: ["sub"], email: ["email", "email_verified"]},
  conformIdTokenClaims: false,
  pkce: {required: () => true},
  findAccount: (context, id) => ({
    accountId: id,
    claims: () => ({sub: id, email: `${id}@example.org`, email_verified: true}),
  }),
});
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
