// What the kernel knows of a process: its memory, and the ports that are its own.

import { readFile, readdir, readlink } from "node:fs/promises";

export async function resident_kb(pid) {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, "utf8"))[1]);
}

// Sorted, as "tcp 127.0.0.1:1935": listening TCP and bound UDP, IPv4 and IPv6.
export async function open_ports(pid) {
  const inodes = new Set();
  for (const descriptor of await readdir(`/proc/${pid}/fd`)) {
    const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => "");
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    if (inode) inodes.add(inode);
  }
  const ports = new Set();
  for (const protocol of ["tcp", "tcp6", "udp", "udp6"]) {
    const table = await readFile(`/proc/${pid}/net/${protocol}`, "utf8").catch(() => "");
    for (const line of table.split("\n").slice(1)) {
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
      if (!inodes.has(inode) || (protocol.startsWith("tcp") && state !== listening)) continue;
      const [host, port] = local.split(":");
      ports.add(`${protocol} ${address_of(host)}:${Number.parseInt(port, 16)}`);
    }
  }
  return [...ports].sort();
}

const listening = "0A";

// The kernel prints an IPv4 address as one number in the machine's byte order: little-endian wherever this runs.
const address_of = (hex) =>
  hex.length === 8 ? [...Buffer.from(hex, "hex")].reverse().join(".") : `[${hex.toLowerCase()}]`;
