// One key's life on the emulator, with the JavaScript client: node lifecycle.mjs
// VAULT_URL, IDENTITY_ENDPOINT and IDENTITY_HEADER say where; NODE_EXTRA_CA_CERTS whom to trust.

import assert from "node:assert/strict";
import { createHash, createPublicKey, randomUUID, verify } from "node:crypto";
import { ManagedIdentityCredential } from "@azure/identity";
import { CryptographyClient, KeyClient } from "@azure/keyvault-keys";

const credential = new ManagedIdentityCredential();
// Plain localhost has no parent domain that a challenge could name, as the check wants.
const options = process.env.VAULT_URL.includes(".vault.") ? {} : { disableChallengeResourceVerification: true };
const client = new KeyClient(process.env.VAULT_URL, credential, options);
const name = `javascript-${randomUUID()}`;

const created = await client.createEcKey(name, { curve: "P-256", tags: { made: "in JavaScript" } });
assert.equal(created.keyType, "EC");
assert.deepEqual(created.properties.tags, { made: "in JavaScript" });

const names = [];
for await (const properties of client.listPropertiesOfKeys()) names.push(properties.name);
assert.ok(names.includes(name));

const got = await client.getKey(name);
assert.equal(got.id, created.id);

const message = Buffer.from("a message");
const digest = createHash("sha256").update(message).digest();
const crypto = new CryptographyClient(got, credential, options);
const { result: signature } = await crypto.sign("ES256", digest);
assert.equal(signature.length, 64);
assert.equal((await crypto.verify("ES256", digest, signature)).result, true);
assert.equal((await crypto.verify("ES256", digest.reverse(), signature)).result, false);

// Node's own cryptography agrees.
const encoded = (part) => Buffer.from(part).toString("base64url");
const jwk = { kty: "EC", crv: "P-256", x: encoded(got.key.x), y: encoded(got.key.y) };
const publicKey = createPublicKey({ key: jwk, format: "jwk" });
assert.ok(verify("sha256", message, { key: publicKey, dsaEncoding: "ieee-p1363" }, signature));

const rsa = await client.createRsaKey(`${name}-rsa`, { keySize: 2048 });
const rsaCrypto = new CryptographyClient(rsa, credential, options);
const encrypted = await rsaCrypto.encrypt({ algorithm: "RSA-OAEP-256", plaintext: Buffer.from("secret") });
const decrypted = await rsaCrypto.decrypt({ algorithm: "RSA-OAEP-256", ciphertext: encrypted.result });
assert.equal(Buffer.from(decrypted.result).toString(), "secret");

const updated = await client.updateKeyProperties(name, { enabled: false });
assert.equal(updated.properties.enabled, false);

const poller = await client.beginDeleteKey(name, { intervalInMs: 50 });
const deleted = await poller.pollUntilDone();
assert.equal(deleted.name, name);
assert.ok(deleted.properties.recoveryId.endsWith(`/deletedkeys/${name}`));
await client.purgeDeletedKey(name);
await assert.rejects(client.getKey(name), { statusCode: 404, code: "KeyNotFound" });

console.log(`created, listed, signed with, verified and deleted ${name}`);
