// Lets Node.js find my.vault.localhost, which is loopback by RFC 6761: node --import ./named_host.mjs PROGRAM
import dns from "node:dns";

const HOST = "my.vault.localhost";
const { lookup } = dns;
dns.lookup = (name, ...others) => lookup(name === HOST ? "127.0.0.1" : name, ...others);
process.env.VAULT_URL = process.env.VAULT_URL.replace("//localhost:", `//${HOST}:`);
