/**
 * One kubets for all end-to-end test files that only need some cluster: started when the first of
 * them asks, stopped when the run ends. Runs that need none of it pay nothing.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { KubetsProcess, temporaryDirectory } from './kubets-process.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Answers a GET with the path of the shared cluster's kubeconfig, as soon as that cluster is ready. */
    sharedCluster: string;
  }
}

/** Nobody writes but the tests, and the two who give a namespace what every namespace has. */
const quiet = ['--no-scheduler', '--controllers', 'serviceaccount-controller,root-ca-certificate-publisher-controller'];

class LazyCluster implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  #kubeconfig: Promise<string> | undefined;

  kubeconfig(): Promise<string> {
    return (this.#kubeconfig ??= this.#start());
  }

  async #start(): Promise<string> {
    const directory = this.#stack.use(await temporaryDirectory());
    return this.#stack.use(await KubetsProcess.start(join(directory.path, 'data'), quiet)).kubeconfig;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#kubeconfig?.catch(() => undefined);
    await this.#stack.disposeAsync();
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const cluster = new LazyCluster();
  const server = createServer((_request, response) => {
    cluster.kubeconfig().then(
      (path) => response.end(path),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  project.provide('sharedCluster', `http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return async () => {
    server.close();
    await cluster[Symbol.asyncDispose]();
  };
}
