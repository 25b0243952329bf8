/** Sysctls of the pod's own namespaces (`component-helpers/node/util/sysctl/namespace.go`, `ValidateHostSysctl`). */
import type { PodSpec } from '../../generated/types/core-v1.ts';

/** `net/ipv4/tcp_syncookies` and `net.ipv4.tcp_syncookies` are the same; the first separator tells the form. */
function dotted(name: string): string {
  const first = name.search(/[./]/);
  if (first < 0 || name[first] === '.') return name;
  return name.replace(/[./]/g, (separator) => (separator === '/' ? '.' : '/'));
}

const ipcNames = new Set(['kernel.sem']);
const ipcPrefixes = ['kernel.shm', 'kernel.msg', 'fs.mqueue.'];

/** The pod field that rules the sysctl out (`hostNetwork`, `hostIPC`), or nothing. */
export function hostSysctlConflict(spec: PodSpec, sysctl: string): '' | 'hostNetwork' | 'hostIPC' {
  const name = dotted(sysctl ?? '');
  if (spec.hostNetwork && name.startsWith('net.')) return 'hostNetwork';
  const ipc = ipcNames.has(name) || ipcPrefixes.some((prefix) => name.startsWith(prefix));
  return spec.hostIPC && ipc ? 'hostIPC' : '';
}
