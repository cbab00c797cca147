// The whole flow of the FastAPI Users document with the client that was generated from /openapi.json.
import assert from 'node:assert/strict';
import { Configuration, FastapiUsersAuthApi, FastapiUsersUsersApi } from './client';

const env = (name: string): string => process.env[name] ?? '';
const basePath = env('BASE_URL');
const email = 'king.arthur@camelot.bt';
const password = env('PASSWORD');

const auth = new FastapiUsersAuthApi(new Configuration({ basePath }));

async function usersOf(name: string, secret: string): Promise<[string, FastapiUsersUsersApi]> {
    const { data } = await auth.authJwtLoginAuthJwtLoginPost(name, secret);
    assert.equal(data.token_type, 'bearer');
    return [data.access_token, new FastapiUsersUsersApi(new Configuration({ basePath, accessToken: data.access_token }))];
}

async function refused(call: Promise<unknown>, status: number, detail: unknown): Promise<void> {
    await assert.rejects(call, (error: any) => {
        assert.deepEqual([error.response.status, error.response.data], [status, { detail }]);
        return true;
    });
}

async function main(): Promise<void> {
    const registered = await auth.registerRegisterAuthRegisterPost({ email, password });
    assert.equal(registered.status, 201);
    const id = registered.data.id;
    assert.deepEqual(registered.data, { id, email, is_active: true, is_superuser: false, is_verified: false });
    await refused(auth.registerRegisterAuthRegisterPost({ email, password }), 400, 'REGISTER_USER_ALREADY_EXISTS');
    await refused(auth.authJwtLoginAuthJwtLoginPost(email, 'wrong'), 400, 'LOGIN_BAD_CREDENTIALS');

    const [token, users] = await usersOf(email, password);
    assert.deepEqual((await users.usersCurrentUserUsersMeGet()).data, registered.data);
    const changed = await users.usersPatchCurrentUserUsersMePatch({ password: env('NEW_PASSWORD') });
    assert.deepEqual([changed.status, changed.data], [200, registered.data]);
    await refused(users.usersUserUsersIdGet(id), 403, 'Forbidden');

    const [, admin] = await usersOf(env('SUPERUSER'), password);
    assert.deepEqual((await admin.usersUserUsersIdGet(id)).data, registered.data);
    const promoted = await admin.usersPatchUserUsersIdPatch(id, { is_superuser: true });
    assert.equal(promoted.data.is_superuser, true);

    assert.equal((await auth.resetForgotPasswordAuthForgotPasswordPost({ email })).status, 202);
    assert.equal((await auth.verifyRequestTokenAuthRequestVerifyTokenPost({ email })).status, 202);
    await refused(auth.verifyVerifyAuthVerifyPost({ token: 'x' }), 400, 'VERIFY_USER_BAD_TOKEN');
    const reset = auth.resetResetPasswordAuthResetPasswordPost({ token: 'x', password });
    await refused(reset, 400, 'RESET_PASSWORD_BAD_TOKEN');

    const byCookie = await auth.authCookieLoginAuthCookieLoginPost(email, env('NEW_PASSWORD'));
    assert.equal(byCookie.status, 204);
    const cookie = String(byCookie.headers['set-cookie']).split(';')[0];
    const headers = { Cookie: cookie };
    assert.equal((await new FastapiUsersUsersApi(new Configuration({ basePath })).usersCurrentUserUsersMeGet({ headers })).data.id, id);
    assert.equal((await auth.authCookieLogoutAuthCookieLogoutPost({ headers })).status, 204);
    await refused(auth.authCookieLogoutAuthCookieLogoutPost({ headers }), 401, 'Unauthorized');

    const known = new FastapiUsersAuthApi(new Configuration({ basePath, accessToken: token }));
    assert.equal((await known.authJwtLogoutAuthJwtLogoutPost()).status, 204);
    await refused(users.usersCurrentUserUsersMeGet(), 401, 'Unauthorized');
    assert.equal((await admin.usersDeleteUserUsersIdDelete(id)).status, 204);
    await refused(admin.usersUserUsersIdGet(id), 404, 'Not Found');
    console.log('the flow is through');
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
