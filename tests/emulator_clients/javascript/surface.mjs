// Every method of the JavaScript client on the emulator: node surface.mjs, with MANAGED_HSM=1 for a Managed HSM.
// VAULT_URL, IDENTITY_ENDPOINT and IDENTITY_HEADER say where; NODE_EXTRA_CA_CERTS whom to trust.

import assert from "node:assert/strict";
import { createHash, createPrivateKey, generateKeyPairSync, randomBytes } from "node:crypto";
import { ManagedIdentityCredential } from "@azure/identity";
import { CryptographyClient, KeyClient } from "@azure/keyvault-keys";

const credential = new ManagedIdentityCredential();
// Plain localhost has no parent domain that a challenge could name, as the check wants.
const options = process.env.VAULT_URL.includes(".vault.") ? {} : { disableChallengeResourceVerification: true };
const client = new KeyClient(process.env.VAULT_URL, credential, options);
const isHsm = process.env.MANAGED_HSM === "1";
const used = new Set();

// Notes which methods were called.
const noted = (subject) =>
  new Proxy(subject, {
    get(target, name) {
      const value = target[name];
      if (typeof value !== "function") return value;
      used.add(`${subject.constructor.name}.${String(name)}`);
      return value.bind(target);
    },
  });
const keys = noted(client);
const cryptography = (key) => noted(new CryptographyClient(key, credential, options));
const bytes = (text) => Buffer.from(text, "base64url");
const all = async (pages) => {
  const found = [];
  for await (const item of pages) found.push(item);
  return found;
};
const same = (one, other) => assert.equal(Buffer.compare(Buffer.from(one), Buffer.from(other)), 0);
const digest = createHash("sha256").update("42 crates").digest();

async function createAndList() {
  const made = await keys.createRsaKey("tea", { keySize: 3072, tags: { team: "blue" }, keyOps: ["sign", "verify"] });
  assert.equal(made.keyType, isHsm ? "RSA-HSM" : "RSA");
  assert.equal(made.key.n.length, 384);
  assert.equal((await keys.createKey("mate", "EC")).key.crv, "P-256");
  assert.equal((await keys.createEcKey("chai", { curve: "P-521", enabled: false })).key.x.length, 66);
  const exponents = isHsm ? [3, 17, 0] : [0];
  for (const publicExponent of exponents) {
    const key = await keys.createRsaKey("cocoa", { publicExponent });
    // This release of the client leaves the exponent out of some requests.
    const shown = Buffer.from(key.key.e).toString("hex");
    assert.ok(["010001", publicExponent.toString(16).padStart(2, "0")].includes(shown), shown);
  }
  const names = (await all(keys.listPropertiesOfKeys())).map((found) => found.name);
  assert.deepEqual(names.sort(), ["chai", "cocoa", "mate", "tea"]);
  const versions = await all(keys.listPropertiesOfKeyVersions("cocoa"));
  assert.equal(versions.length, exponents.length);
  const sizes = [];
  for await (const page of client.listPropertiesOfKeys().byPage({ maxPageSize: 2 })) sizes.push(page.length);
  assert.equal(sizes.reduce((sum, size) => sum + size), 4);
  assert.ok(sizes.length >= 2);
  const version = made.properties.version;
  assert.equal((await keys.getKey("tea", { version })).id, made.id);
  const changed = await keys.updateKeyProperties("tea", version, { tags: { team: "red" }, expiresOn: new Date(2e12) });
  assert.deepEqual(changed.properties.tags, { team: "red" });
  assert.equal(changed.properties.expiresOn.getTime(), 2e12);
  await assert.rejects(keys.getKey("none"), { statusCode: 404, code: "KeyNotFound" });
}

async function importKeys() {
  for (const [name, pair] of [
    ["juice", generateKeyPairSync("rsa", { modulusLength: 2048 })],
    ["lemonade", generateKeyPairSync("ec", { namedCurve: "P-521" })],
  ]) {
    const jwk = createPrivateKey(pair.privateKey.export({ format: "pem", type: "pkcs8" })).export({ format: "jwk" });
    for (const member of Object.keys(jwk)) if (!["kty", "crv"].includes(member)) jwk[member] = bytes(jwk[member]);
    // A leading zero in front of the modulus, as other libraries write it.
    if (jwk.n) jwk.n = Buffer.concat([Buffer.alloc(1), jwk.n]);
    const imported = await keys.importKey(name, { ...jwk, keyOps: ["sign", "verify"] }, { hardwareProtected: isHsm });
    if (jwk.n) assert.equal(imported.key.n.length, isHsm ? 256 : 257);
    else same(imported.key.x, jwk.x);
  }
}

async function rotate() {
  const fresh = await keys.getKeyRotationPolicy("mate");
  assert.ok(!fresh.expiresIn);
  const lifetimeActions = [{ action: "Rotate", timeAfterCreate: "P2M" }];
  const policy = await keys.updateKeyRotationPolicy("mate", { lifetimeActions, expiresIn: "P90D" });
  assert.equal(policy.expiresIn, "P90D");
  assert.equal(policy.lifetimeActions[0].action.toLowerCase(), "rotate");
  const rotated = await keys.rotateKey("mate");
  assert.ok(rotated.properties.expiresOn > rotated.properties.createdOn);
}

async function useRsa() {
  const key = await client.createRsaKey("cup");
  const crypto = cryptography(key);
  const sealed = await crypto.encrypt({ algorithm: "RSA-OAEP-256", plaintext: Buffer.from("42 crates") });
  const opened = await crypto.decrypt({ algorithm: "RSA-OAEP-256", ciphertext: sealed.result });
  same(opened.result, Buffer.from("42 crates"));
  const wrapped = await crypto.wrapKey("RSA-OAEP", digest);
  same((await crypto.unwrapKey("RSA-OAEP", wrapped.result)).result, digest);
  for (const algorithm of ["RS256", "PS256"]) {
    const { result } = await crypto.sign(algorithm, digest);
    assert.equal((await crypto.verify(algorithm, digest, result)).result, true);
  }
  // The client verifies data by itself, and PSS wrongly.
  const signed = await crypto.signData("RS256", Buffer.from("42 crates"));
  assert.equal((await crypto.verifyData("RS256", Buffer.from("42 crates"), signed.result)).result, true);
  const byName = keys.getCryptographyClient("cup");
  same((await byName.decrypt({ algorithm: "RSA-OAEP-256", ciphertext: sealed.result })).result, Buffer.from("42 crates"));
}

async function deleteAndRestore() {
  const before = await client.getKey("cup");
  const backup = await keys.backupKey("cup");
  const poller = await keys.beginDeleteKey("cup", { intervalInMs: 50 });
  assert.equal((await poller.pollUntilDone()).name, "cup");
  assert.equal((await keys.getDeletedKey("cup")).id, before.id);
  assert.deepEqual((await all(keys.listDeletedKeys())).map((found) => found.name), ["cup"]);
  const recovery = await keys.beginRecoverDeletedKey("cup", { intervalInMs: 50 });
  assert.equal((await recovery.pollUntilDone()).id, before.id);
  await (await client.beginDeleteKey("cup", { intervalInMs: 50 })).pollUntilDone();
  await keys.purgeDeletedKey("cup");
  assert.equal((await keys.restoreKeyBackup(backup)).id, before.id);
  await assert.rejects(client.beginRecoverDeletedKey("none"), { statusCode: 404 });
  await assert.rejects(client.restoreKeyBackup(Buffer.from("garbage")), { statusCode: 400 });
}

async function release() {
  const encodedPolicy = Buffer.from(
    JSON.stringify({ anyOf: [{ anyOf: [{ claim: "trusted", equals: "true" }], authority: "https://attest.example" }], version: "1.0.0" }),
  );
  const releasePolicy = { encodedPolicy };
  const made = await client.createRsaKey("secret", { hsm: true, exportable: true, releasePolicy, keyOps: ["encrypt"] });
  assert.equal(made.properties.exportable, true);
  assert.equal(made.properties.releasePolicy.immutable, false);
  await assert.rejects(keys.releaseKey("secret", "a.b.c"), { statusCode: 403 });
  await assert.rejects(client.createRsaKey("unsafe", { hsm: true, exportable: true }), { statusCode: 400 });
}

async function useManagedHsm() {
  const key = await keys.createOctKey("safe", { keySize: 256, hsm: true });
  const crypto = cryptography(key);
  for (const [algorithm, size] of [["A256CBC", 208], ["A256CBCPAD", 208]]) {
    const plaintext = randomBytes(200);
    const sealed = await crypto.encrypt({ algorithm, plaintext, iv: randomBytes(16) });
    assert.equal(sealed.result.length, size);
    const opened = await crypto.decrypt({ algorithm, ciphertext: sealed.result, iv: sealed.iv });
    // Without padding the HSM fills the last block with zeros, and does not take them off.
    same(opened.result, algorithm === "A256CBC" ? Buffer.concat([plaintext, Buffer.alloc(8)]) : plaintext);
  }
  const additionalAuthenticatedData = Buffer.from("with");
  const sealed = await crypto.encrypt({ algorithm: "A256GCM", plaintext: digest, additionalAuthenticatedData });
  assert.equal(sealed.iv.length, 12);
  const opened = await crypto.decrypt({
    algorithm: "A256GCM",
    ciphertext: sealed.result,
    iv: sealed.iv,
    authenticationTag: sealed.authenticationTag,
    additionalAuthenticatedData,
  });
  same(opened.result, digest);
  const wrapped = await crypto.wrapKey("A256KW", digest);
  same((await crypto.unwrapKey("A256KW", wrapped.result)).result, digest);
  assert.equal((await keys.getRandomBytes(32)).length, 32);
  const { attestation } = (await keys.getKeyAttestation("safe")).properties;
  assert.ok(attestation.certificatePemFile.length > 100);
}

await createAndList();
await importKeys();
await rotate();
await useRsa();
await deleteAndRestore();
await release();
if (isHsm) await useManagedHsm();

// What TypeScript knows as private.
const inner = new Set(
  "disambiguateUpdateKeyPropertiesArgs initializeIV disambiguateEncryptArguments disambiguateDecryptArguments getKeyMaterial fetchKey getProvider ensureValid".split(" "),
);
const methods = (kind) =>
  Object.getOwnPropertyNames(kind.prototype)
    .filter((name) => name !== "constructor" && !inner.has(name) && typeof Object.getOwnPropertyDescriptor(kind.prototype, name).value === "function")
    .map((name) => `${kind.name}.${name}`);
const unused = [...methods(KeyClient), ...methods(CryptographyClient)].filter((name) => !used.has(name));
console.log(`used ${used.size} methods; unused: ${unused.join(" ") || "none"}`);
