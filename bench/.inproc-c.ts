import { mkdtempSync, rmSync } from 'node:fs';
const root = process.argv[2]!;
const { openEmbeddedStore } = await import(`${root}/packages/etcd/src/index.ts`);
const { createKubeApiServer } = await import(`${root}/packages/kube-apiserver/src/index.ts`);
const { systemClock, systemRandom } = await import(`${root}/packages/apimachinery/src/system-clock.ts`);
const { silentLog } = await import(`${root}/packages/apimachinery/src/log.ts`);
const objects = await import(`${root}/bench/objects.ts`);
import { generateKeyPairSync } from 'node:crypto';
const signingKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
  type: 'pkcs8',
  format: 'pem',
}) as string;
const dir = mkdtempSync('/tmp/kinp-');
const storage = await openEmbeddedStore({ dataDir: dir, clock: systemClock });
const server = await createKubeApiServer({
  clock: systemClock,
  random: systemRandom,
  log: silentLog,
  storage,
  serviceAccounts: {
    issuers: ['https://kubernetes.default.svc.cluster.local'],
    signingKey,
    verificationKeys: [],
    maxTokenExpirationSeconds: 0,
    extendTokenExpiration: true,
    jwksUri: '',
  },
  apiAudiences: [],
  authorizationModes: ['Node', 'RBAC'],
  bootstrapTokens: true,
  admission: { enable: ['NodeRestriction'], disable: [] },
  advertise: { address: '192.0.2.1', port: 6443 },
  hostname: 'test',
  serviceClusterIpRanges: ['10.96.0.0/12'],
  serviceNodePortRange: { first: 30000, last: 32767 },
  serviceAddress: '10.96.0.1',
  trust: { clientCa: '', frontProxyCa: '' },
  standIns: { rootCA: 'test' },
  featureGates: {},
  eventTtlSeconds: 3600,
});
await server.start();
const t = server.transport({ name: 'admin', groups: ['system:masters'] });
await t.request({ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name: 'bench' } } });
const N = Number(process.argv[3] ?? 6000);
const pods = Array.from({ length: N }, (_, i) => objects.pod('pod-' + i, 'item-' + i));
export const run = async (n: number, f: (i: number) => Promise<unknown>) => {
  let next = 0;
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      while (next < n) await f(next++);
    }),
  );
};
async function row(name: string, n: number, f: (i: number) => Promise<unknown>) {
  const c = process.cpuUsage();
  const s = performance.now();
  await run(n, f);
  const d = process.cpuUsage(c);
  console.log(
    name.padEnd(10),
    `${Math.round(n / ((performance.now() - s) / 1000))}/s user ${Math.round(d.user / n)} sys ${Math.round(d.system / n)} us, rss ${Math.round(process.memoryUsage.rss() / 1e6)}`,
  );
}
const path = '/api/v1/namespaces/bench/pods';
await row('create', N, (i) => t.request({ method: 'POST', path, body: pods[i] }));

await server.stop();
await storage[Symbol.asyncDispose]();
rmSync(dir, { recursive: true });
process.exit(0);
