/** `/version` (`apimachinery/pkg/version.Info`): the API that is served, and truthfully what serves it. */
import type { BuildInfo } from '../metrics/process-metrics.ts';
import type { ApiResult } from './types.ts';

export const kubernetesVersion = '1.36.2';

const platformNames: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };

export const buildInfo: BuildInfo = {
  major: '1',
  minor: '36',
  gitVersion: `v${kubernetesVersion}+kubets`,
  platform: `${process.platform}/${platformNames[process.arch] ?? process.arch}`,
  runtime: `node ${process.version}`,
};

const version = {
  major: buildInfo.major,
  minor: buildInfo.minor,
  emulationMajor: buildInfo.major,
  emulationMinor: buildInfo.minor,
  minCompatibilityMajor: buildInfo.major,
  minCompatibilityMinor: String(Number(buildInfo.minor) - 1),
  gitVersion: buildInfo.gitVersion,
  gitCommit: '',
  gitTreeState: '',
  buildDate: '',
  goVersion: buildInfo.runtime,
  compiler: '',
  platform: buildInfo.platform,
};

const bytes = `${JSON.stringify(version, null, 2)}\n`;

export function serveVersion(): ApiResult {
  return { type: 'bytes', status: 200, contentType: 'application/json', bytes };
}
