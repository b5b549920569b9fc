// Verifies tokens with the npm package jose.
//
//   node verify.mjs keys < {"jwks": {...}, "tokens": [...]}     each key by importJWK, each token by createLocalJWKSet
//   node verify.mjs remote URL < one token a line               each token by createRemoteJWKSet, as it comes
//
// Prints a line of JSON for each token: its claims, or the error.
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { createLocalJWKSet, createRemoteJWKSet, importJWK, jwtVerify } from "jose";

async function verify(token, keys) {
  try {
    const { payload, protectedHeader } = await jwtVerify(token, keys);
    console.log(JSON.stringify({ claims: payload, kid: protectedHeader.kid }));
  } catch (error) {
    console.log(JSON.stringify({ error: `${error.code ?? error.name}: ${error.message}` }));
  }
}

const [mode, url] = process.argv.slice(2);
if (mode === "keys") {
  const { jwks, tokens } = JSON.parse(await text(process.stdin));
  for (const jwk of jwks.keys) {
    const key = await importJWK(jwk, jwk.alg ?? "ES256");
    for (const token of tokens) await verify(token, key);
  }
  for (const token of tokens) await verify(token, createLocalJWKSet(jwks));
} else {
  // A service that rotates its keys often tells its verifiers to look again at once.
  const keys = createRemoteJWKSet(new URL(url), { cooldownDuration: 0 });
  for await (const line of createInterface({ input: process.stdin })) await verify(line, keys);
}
