import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { systemClock, systemRandom } from '@kubets/apimachinery/system-clock';
import { GenericServer, silentLog, type TlsMaterial } from '@kubets/kube-apiserver';
import { ensureClusterPki, type ClusterPki } from '@kubets/kubeadm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startRenewal } from './certificate-renewal.ts';

/** The default of a second is too short where other tests take the processors. */
const patient = { timeout: 15_000 };

const hour = 3_600_000;
const day = 24 * hour;
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kubets-renewal-'));
});
afterEach(() => rm(directory, { recursive: true }));

const pkiAt = (clock: FakeClock): Promise<ClusterPki> =>
  ensureClusterPki({
    directory,
    clock,
    dnsNames: ['localhost'],
    ipAddresses: ['127.0.0.1'],
    server: 'https://127.0.0.1:6443',
  });

const materialOf = (pki: ClusterPki): TlsMaterial => ({
  certificate: pki.serving.certificate,
  key: pki.serving.key,
  clientCas: [pki.authority],
  frontProxyCas: [],
});

function serve(pki: ClusterPki): GenericServer {
  return new GenericServer({
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    listen: { host: '127.0.0.1', port: 0, tls: materialOf(pki) },
    authenticator: { authenticate: () => undefined },
    authorizer: { authorize: () => ({ decision: 'deny', reason: '' }) },
    resources: () => {
      throw new Error('nothing is asked for');
    },
    codecs: {} as never,
  });
}

/** The fingerprint of the certificate that a client is shown, verified against the authority. */
function shown(port: number, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ca }, () => {
      resolve(socket.getPeerX509Certificate()?.fingerprint256 ?? '');
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

describe('startRenewal', () => {
  it('renews before the end, without a restart: new connections see the new certificate', async () => {
    const clock = new FakeClock(Date.now() - 262 * day);
    const pki = await pkiAt(clock);
    await using server = serve(pki);
    const port = (await server.start())?.port ?? 0;
    const first = await shown(port, pki.authority);
    let checks = 0;
    using _renewal = startRenewal({
      clock,
      log: silentLog,
      renew: async () => {
        const renewed = await pkiAt(clock);
        if (renewed.changed.includes('apiserver')) server.setTlsMaterial(materialOf(renewed));
        checks++;
        return renewed;
      },
    });
    clock.advance(hour);
    await vi.waitFor(() => expect(checks).toBe(1), patient);
    expect(await shown(port, pki.authority)).toBe(first);
    await vi.waitFor(() => expect(clock.timers).toBe(1), patient);
    clock.advance(260 * day);
    await vi.waitFor(() => expect(checks).toBe(2), patient);
    expect(await shown(port, pki.authority)).not.toBe(first);
  });

  it('goes on after a failure, and repeats warnings once a day', async () => {
    const clock = new FakeClock();
    const lines: string[] = [];
    const log = {
      ...silentLog,
      warn: (_: object, text: string) => lines.push(text),
      error: (_: object, text: string) => lines.push(text),
    };
    let checks = 0;
    using _renewal = startRenewal({
      clock,
      log,
      renew: () => {
        if (++checks === 1) return Promise.reject(new Error('disk full'));
        return Promise.resolve({ changed: [], warnings: ['the authority ends'] });
      },
    });
    for (let i = 1; i <= 48; i++) {
      await vi.waitFor(() => expect(clock.timers).toBe(1), patient);
      clock.advance(hour);
      expect(checks).toBe(i);
    }
    await vi.waitFor(() => expect(lines).toHaveLength(3), patient);
    expect(lines).toEqual(['certificates could not be renewed', 'the authority ends', 'the authority ends']);
  });
});
