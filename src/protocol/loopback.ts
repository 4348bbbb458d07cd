/** Which hosts are this very machine: the only ones that plain http is good enough for. */

/** True for a host, as a URL object writes it, whose traffic stays on this machine: `localhost`, 127.x.y.z, `[::1]`. */
export function isLoopbackHost(hostname: string): boolean {
  // WHATWG URL has brought 0x7f.1 and 2130706433 to the dotted form already.
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}
